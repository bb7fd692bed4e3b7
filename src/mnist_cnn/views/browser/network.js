// The forward pass of a trained network, image by image, with the layers of notebooks 02 to 04.
// A tensor is { data, shape }: numbers, and the lengths of its axes, height x width x maps.

import { floatsOf } from "./bytes.js";
import { IMAGE_SIDE, sumOf } from "./numbers.js";

/** Give the layers their weights, which lie one after another in `weights`, as float32. */
export function unpackNetwork({ layers, weights }) {
  const numbers = floatsOf(weights);
  let offset = 0;
  function takeNext(count) {
    const taken = numbers.subarray(offset, offset + count);
    offset += count;
    return taken;
  }
  return layers.map((layer) => {
    if (layer.kind === "convolution" || layer.kind === "dense") {
      const [height, width, maps, filters] = layer.shape;
      const kernel = takeNext(height * width * maps * filters);
      return { ...layer, kernel, bias: takeNext(filters) };
    }
    if (layer.kind === "scale") {
      const [maps] = layer.shape;
      const factor = takeNext(maps);
      return { ...layer, factor, shift: takeNext(maps) };
    }
    return layer;
  });
}

/**
 * Compute the probabilities for an image, numbers in 0..255, row after row. Also returns the
 * convolutions: each layer with its input, and its output after the activation.
 */
export function forward(network, image) {
  const data = Float32Array.from(image, (ink) => ink / 255);
  let tensor = { data, shape: [IMAGE_SIDE, IMAGE_SIDE, 1] };
  const convolutions = [];
  for (const layer of network) {
    const input = tensor;
    const output = OPERATIONS[layer.kind](input, layer);
    tensor = ACTIVATIONS[layer.activation ?? "linear"](output);
    if (layer.kind === "convolution") convolutions.push({ layer, input, output: tensor });
  }
  return { probabilities: tensor.data, convolutions };
}

// What a layer of each kind computes from its input, before its activation
const OPERATIONS = {
  convolution: convolve,

  dense: convolve, // its kernel is packed as one of 1 x 1 pixels

  max_pooling({ data, shape: [height, width, maps] }, { side }) {
    const rows = Math.floor(height / side);
    const columns = Math.floor(width / side);
    const largest = new Float32Array(rows * columns * maps).fill(-Infinity);
    for (let row = 0; row < rows * side; row++) {
      for (let column = 0; column < columns * side; column++) {
        const pixel = (row * width + column) * maps;
        const pooled = (Math.floor(row / side) * columns + Math.floor(column / side)) * maps;
        for (let map = 0; map < maps; map++)
          largest[pooled + map] = Math.max(largest[pooled + map], data[pixel + map]);
      }
    }
    return { data: largest, shape: [rows, columns, maps] };
  },

  dropout: (tensor) => tensor, // only in training does it leave anything out

  flatten: ({ data }) => ({ data, shape: [1, 1, data.length] }),

  scale({ data, shape }, { factor, shift }) {
    const maps = factor.length;
    return { data: data.map((value, i) => value * factor[i % maps] + shift[i % maps]), shape };
  },

  leaky_relu({ data, shape }, { slope }) {
    return { data: data.map((value) => (value > 0 ? value : slope * value)), shape };
  },
};

/** Multiply the numbers in each window by those of each kernel, and sum the products. */
function convolve({ data, shape: [height, width, maps] }, { kernel, bias, shape }) {
  const [side, , , filters] = shape;
  const rows = height - side + 1;
  const columns = width - side + 1;
  const output = new Float32Array(rows * columns * filters);
  // Of the window's values, those that are not 0: after ReLU, about half
  const values = new Float64Array(side * side * maps + 3);
  const offsets = new Uint32Array(values.length); // where in `kernel` each value's weights begin
  let target = 0; // where in `output` the window's sums begin
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let count = 0;
      let offset = 0;
      for (let down = 0; down < side; down++) {
        const start = ((row + down) * width + column) * maps;
        for (let i = start; i < start + side * maps; i++) {
          if (data[i] !== 0) {
            values[count] = data[i];
            offsets[count] = offset;
            count++;
          }
          offset += filters;
        }
      }
      output.set(bias, target);
      values.fill(0, count, count + 3); // to a multiple of four
      for (let i = 0; i < count; i += 4)
        addFour(values, offsets, i, kernel, output, target, filters);
      target += filters;
    }
  }
  return { data: output, shape: [rows, columns, filters] };
}

/**
 * Add the products of four values, from the `i`-th on, to each filter's sum. Four at a time takes
 * 40 % less time than one by one.
 */
function addFour(values, offsets, i, kernel, output, target, filters) {
  const value0 = values[i];
  const value1 = values[i + 1];
  const value2 = values[i + 2];
  const value3 = values[i + 3];
  const offset0 = offsets[i];
  const offset1 = offsets[i + 1];
  const offset2 = offsets[i + 2];
  const offset3 = offsets[i + 3];
  for (let filter = 0; filter < filters; filter++) {
    output[target + filter] +=
      value0 * kernel[offset0 + filter] +
      value1 * kernel[offset1 + filter] +
      value2 * kernel[offset2 + filter] +
      value3 * kernel[offset3 + filter];
  }
}

const ACTIVATIONS = {
  linear: (tensor) => tensor,

  relu: (tensor) => OPERATIONS.leaky_relu(tensor, { slope: 0 }),

  softmax: ({ data, shape }) => ({ data: softmax(data), shape }),
};

/** Turn the sums of the last layer into probabilities. */
export function softmax(sums) {
  const largest = Math.max(...sums);
  const exponentials = sums.map((sum) => Math.exp(sum - largest));
  const total = sumOf(exponentials);
  return exponentials.map((value) => value / total);
}
