// The forward pass of a trained network, image by image, with the layers of notebooks 02 to 04.
// Tensors are { data, shape }, height x width x maps.

import { floatsOf, IMAGE_SIDE, sumOf } from "./numbers.js";

/** The layers with their weights, which lie one after another in `weights`. */
export function unpackNetwork({ layers, weights }) {
  const numbers = floatsOf(weights);
  let taken = 0;
  const take = (count) => {
    taken += count;
    return numbers.subarray(taken - count, taken);
  };
  return layers.map((layer) => {
    const size = layer.shape?.reduce((product, side) => product * side, 1);
    if (layer.kind === "convolution" || layer.kind === "dense")
      return { ...layer, kernel: take(size), bias: take(layer.shape[3]) };
    if (layer.kind === "scale") return { ...layer, factor: take(size), shift: take(size) };
    return layer;
  });
}

/**
 * The probabilities for an image, numbers in 0..255, row after row; and what goes into each
 * convolution and comes out of it.
 */
export function forward(network, image) {
  const data = Float32Array.from(image, (ink) => ink / 255);
  let tensor = { data, shape: [IMAGE_SIDE, IMAGE_SIDE, 1] };
  const convolutions = [];
  for (const layer of network) {
    const below = tensor;
    tensor = ACTIVATIONS[layer.activation ?? "linear"](OPERATIONS[layer.kind](below, layer));
    if (layer.kind === "convolution") convolutions.push({ layer, below, above: tensor });
  }
  return { probabilities: tensor.data, convolutions };
}

const OPERATIONS = {
  convolution: convolve,

  dense: convolve, // its kernel is packed as one of 1 x 1 pixels

  max_pooling({ data, shape: [height, width, maps] }, { side }) {
    const rows = Math.floor(height / side);
    const columns = Math.floor(width / side);
    const largest = new Float32Array(rows * columns * maps).fill(-Infinity);
    for (let row = 0; row < rows * side; row++) {
      for (let column = 0; column < columns * side; column++) {
        const from = (row * width + column) * maps;
        const to = (Math.floor(row / side) * columns + Math.floor(column / side)) * maps;
        for (let map = 0; map < maps; map++)
          largest[to + map] = Math.max(largest[to + map], data[from + map]);
      }
    }
    return { data: largest, shape: [rows, columns, maps] };
  },

  identity: (tensor) => tensor,

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
  const side = shape[0];
  const filters = shape[3];
  const rows = height - side + 1;
  const columns = width - side + 1;
  const sums = new Float32Array(rows * columns * filters);
  const values = new Float64Array(side * side * maps + 3); // of a window, only those that are not 0
  const places = new Uint32Array(values.length); // where the kernels' numbers for each begin
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let found = 0;
      let place = 0;
      for (let down = 0; down < side; down++) {
        const start = ((row + down) * width + column) * maps;
        for (let from = start; from < start + side * maps; from++) {
          if (data[from] !== 0) {
            values[found] = data[from]; // after ReLU, about half of all
            places[found] = place;
            found++;
          }
          place += filters;
        }
      }
      sums.set(bias, to);
      values.fill(0, found, found + 3); // to a multiple of four
      for (let i = 0; i < found; i += 4) addFour(values, places, i, kernel, sums, to, filters);
      to += filters;
    }
  }
  return { data: sums, shape: [rows, columns, filters] };
}

/** Add four products to each filter's sum. Four at a time takes 40 % less time than one by one. */
function addFour(values, places, i, kernel, sums, to, filters) {
  const value0 = values[i];
  const value1 = values[i + 1];
  const value2 = values[i + 2];
  const value3 = values[i + 3];
  const place0 = places[i];
  const place1 = places[i + 1];
  const place2 = places[i + 2];
  const place3 = places[i + 3];
  for (let filter = 0; filter < filters; filter++) {
    sums[to + filter] +=
      value0 * kernel[place0 + filter] +
      value1 * kernel[place1 + filter] +
      value2 * kernel[place2 + filter] +
      value3 * kernel[place3 + filter];
  }
}

const ACTIVATIONS = {
  linear: (tensor) => tensor,

  relu: (tensor) => OPERATIONS.leaky_relu(tensor, { slope: 0 }),

  softmax({ data, shape }) {
    const largest = Math.max(...data);
    const powers = data.map((value) => Math.exp(value - largest));
    const total = sumOf(powers);
    return { data: powers.map((power) => power / total), shape };
  },
};
