// The layers of a network that learns, one image at a time. `forward` computes the output of a
// layer; `backward`, by the chain rule of notebook 02, how the loss changes with its weights and
// its input. As there, `delta` says how the loss changes with each number of the output.
//
// A `shape` is height, width and maps. The numbers of an image lie row after row, and those of all
// maps at a pixel side by side. The arrays that a layer returns are overwritten by the next image.

import { sizeOf } from "./architecture.js";
import { IMAGE_SIDE } from "./numbers.js";

/** Make the layers that `chooseLayers` lists. `random` draws what dropout leaves out. */
export function makeLayers(matrices, description, random) {
  const layers = [];
  let shape = [IMAGE_SIDE, IMAGE_SIDE, 1];
  function add(makeLayer, ...settings) {
    const layer = makeLayer(matrices, shape, ...settings);
    layers.push(layer);
    shape = layer.shape;
  }
  for (const { kind, shape: kernelShape, activation, slope, rate } of description) {
    if (kind === "flatten") shape = [1, 1, sizeOf(shape)];
    else if (kind === "max_pooling") add(maxPooling);
    else if (kind === "leaky_relu") add(leakyRelu, slope);
    else if (kind === "dropout") add(dropout, rate, random);
    else add(convolution, kernelShape);
    if (activation === "relu") add(leakyRelu, 0);
  }
  return layers;
}

/**
 * A convolution without padding, as a product of two matrices: each window of the input is a row of
 * the first, and each kernel a column of the second. Laying out the windows is known as im2col. A
 * dense layer is a convolution, too, with windows of one pixel, whose maps are all numbers of the
 * input.
 */
function convolution({ allocate, addProduct }, inputShape, kernelShape) {
  const [height, width] = inputShape;
  const [side, , maps, filters] = kernelShape;
  const shape = [height - side + 1, width - side + 1, filters];
  const positions = shape[0] * shape[1];
  const windowSize = side * side * maps;
  const places = placesOfWindows(inputShape, side);
  const windows = allocate(places.length);
  const windowsDelta = allocate(places.length);
  const kernel = parameter(allocate, kernelShape);
  const bias = parameter(allocate, [filters]);
  const kernelTransposed = allocate(kernel.values.length);
  const ones = allocate(positions).fill(1);
  const output = allocate(sizeOf(shape));
  const inputDelta = allocate(sizeOf(inputShape));
  const isFirst = maps === 1;

  /** Forget the gradients of the last batch, after which the kernels have changed, too. */
  function startBatch() {
    kernel.gradient.fill(0);
    bias.gradient.fill(0);
    for (let i = 0; i < windowSize; i++)
      for (let filter = 0; filter < filters; filter++)
        kernelTransposed[filter * windowSize + i] = kernel.values[i * filters + filter];
  }

  function forward(input) {
    for (let i = 0; i < places.length; i++) windows[i] = input[places[i]];
    output.fill(0);
    const sizes = { rows: positions, columns: filters };
    addProduct({ a: windows, b: kernel.values, c: output, inner: windowSize, ...sizes });
    addProduct({ a: ones, b: bias.values, c: output, inner: 1, ...sizes });
    return output;
  }

  /** Add to the gradients what this image contributes, and return the delta of the input. */
  function backward(delta) {
    const sizes = { inner: positions, columns: filters };
    const windowsByColumn = { a: windows, transpose: true, rows: windowSize };
    addProduct({ ...windowsByColumn, b: delta, c: kernel.gradient, ...sizes });
    addProduct({ a: ones, rows: 1, b: delta, c: bias.gradient, ...sizes });
    if (isFirst) return null; // the pixels do not learn
    windowsDelta.fill(0);
    const sizesOfWindows = { rows: positions, inner: filters, columns: windowSize };
    addProduct({ a: delta, b: kernelTransposed, c: windowsDelta, ...sizesOfWindows });
    inputDelta.fill(0);
    for (let i = 0; i < places.length; i++) inputDelta[places[i]] += windowsDelta[i];
    return inputDelta;
  }
  return { shape, parameters: [kernel, bias], startBatch, forward, backward };
}

/** Numbers that learn, and how the loss, averaged over the images of a batch, changes with each. */
function parameter(allocate, shape) {
  const size = sizeOf(shape);
  return { shape, values: allocate(size), gradient: allocate(size) };
}

/** Where in the input the numbers of each window lie, window after window. */
function placesOfWindows([height, width, maps], side) {
  const places = [];
  for (let row = 0; row <= height - side; row++)
    for (let column = 0; column <= width - side; column++)
      for (let down = 0; down < side; down++) {
        const start = ((row + down) * width + column) * maps;
        for (let i = 0; i < side * maps; i++) places.push(start + i);
      }
  return Uint32Array.from(places);
}

/** Max pooling over windows of two by two pixels side by side. */
function maxPooling({ allocate }, inputShape) {
  const [height, width, maps] = inputShape;
  const shape = [Math.floor(height / 2), Math.floor(width / 2), maps];
  const output = allocate(sizeOf(shape));
  const inputDelta = allocate(sizeOf(inputShape));
  const corners = placesOfCorners(shape, width);
  const chosen = new Uint32Array(output.length); // where in the input each number comes from

  function forward(input) {
    const below = width * maps;
    for (let i = 0; i < output.length; i++) {
      const upper = largerOfTwo(input, corners[i], maps);
      const lower = largerOfTwo(input, corners[i] + below, maps);
      chosen[i] = largerOfTwo(input, upper, lower - upper);
      output[i] = input[chosen[i]];
    }
    return output;
  }

  /** Only the numbers that were chosen have an influence on the output. */
  function backward(delta) {
    inputDelta.fill(0);
    for (let i = 0; i < delta.length; i++) inputDelta[chosen[i]] = delta[i];
    return inputDelta;
  }
  return { shape, parameters: [], forward, backward };
}

/** Where the larger of two numbers is, of which the second is `step` after the first. */
function largerOfTwo(numbers, first, step) {
  return first + step * Number(numbers[first + step] > numbers[first]);
}

/** Where in the input the upper left number of each window of two by two lies. */
function placesOfCorners([rows, columns, maps], width) {
  const places = new Uint32Array(rows * columns * maps);
  for (let i = 0; i < places.length; i++) {
    const map = i % maps;
    const column = Math.floor(i / maps) % columns;
    const row = Math.floor(i / maps / columns);
    places[i] = (2 * row * width + 2 * column) * maps + map;
  }
  return places;
}

/** LeakyReLU; with a `slope` of 0 it is ReLU. */
function leakyRelu({ allocate }, shape, slope) {
  const output = allocate(sizeOf(shape));
  const inputDelta = allocate(sizeOf(shape));
  // Choosing by an index takes a third of the time of a condition, which processors guess wrong
  const slopes = [slope, 1];

  function forward(input) {
    for (let i = 0; i < output.length; i++) output[i] = slopes[Number(input[i] > 0)] * input[i];
    return output;
  }

  function backward(delta) {
    // The output is positive wherever the input is
    for (let i = 0; i < delta.length; i++) inputDelta[i] = slopes[Number(output[i] > 0)] * delta[i];
    return inputDelta;
  }
  return { shape, parameters: [], forward, backward };
}

/**
 * Dropout: in training, each number becomes 0 with a probability of `rate`, and the others grow, so
 * that their sum stays the same on average.
 */
function dropout({ allocate }, shape, rate, random) {
  const factors = new Float32Array(sizeOf(shape));
  const output = allocate(factors.length);
  const inputDelta = allocate(factors.length);

  function forward(input, isTraining) {
    if (!isTraining) return input;
    for (let i = 0; i < output.length; i++) {
      factors[i] = random() < rate ? 0 : 1 / (1 - rate);
      output[i] = factors[i] * input[i];
    }
    return output;
  }

  function backward(delta) {
    for (let i = 0; i < delta.length; i++) inputDelta[i] = factors[i] * delta[i];
    return inputDelta;
  }
  return { shape, parameters: [], forward, backward };
}
