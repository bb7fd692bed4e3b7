// The networks that one can choose to train in the page, as lists of layers: in the form of
// `pack_network` in packing.py, so that all views can show them.

import { IMAGE_SIDE, sumOf } from "./numbers.js";

const LEAKY_SLOPE = 0.1; // as in notebook 03
const MAX_POOLING = { kind: "max_pooling", side: 2 };

/** The receptive field of each convolution: its side and its stride, in pixels of the image. */
export const RECEPTIVE_FIELDS = [
  [5, 1],
  [10, 2],
  [20, 4],
];

/**
 * List the layers of a network, from the numbers of `filters` of its three convolutions, the
 * `activation`, "relu" or "leaky_relu", and the rate of `dropout`.
 */
export function chooseLayers({ filters, activation, dropout }, classes) {
  const [first, second, third] = filters;
  return [
    ...convolution([5, 5, 1, first], activation),
    MAX_POOLING,
    ...convolution([3, 3, first, second], activation),
    MAX_POOLING,
    ...convolution([3, 3, second, third], activation),
    { kind: "flatten" }, // of 3 x 3 pixels
    ...(dropout > 0 ? [{ kind: "dropout", rate: dropout }] : []),
    weightedSum("dense", [1, 1, 3 * 3 * third, classes], "softmax"),
  ];
}

/** A convolution with its activation, which is a layer of its own if it is LeakyReLU. */
function convolution(shape, activation) {
  if (activation === "relu") return [weightedSum("convolution", shape, "relu")];
  return [weightedSum("convolution", shape, "linear"), { kind: "leaky_relu", slope: LEAKY_SLOPE }];
}

function weightedSum(kind, shape, activation) {
  return { kind, shape, activation, use_bias: true };
}

/** How many numbers a shape has room for. */
export function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/** Count the weights and biases of all layers. */
export function countParameters(layers) {
  const withWeights = layers.filter(({ shape }) => shape);
  return sumOf(withWeights.map(({ shape }) => sizeOf(shape) + shape.at(-1)));
}

/** Count the products that all layers compute for one image. */
export function countMultiplyAdds(layers) {
  let side = IMAGE_SIDE;
  let count = 0;
  for (const { kind, shape, side: pooled } of layers) {
    if (kind === "convolution") side -= shape[0] - 1;
    else if (kind === "max_pooling") side /= pooled;
    else if (kind === "flatten") side = 1;
    if (shape) count += side * side * sizeOf(shape);
  }
  return count;
}
