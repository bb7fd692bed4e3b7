// What mnist_cnn/drawing.py does with a drawing, here, so that no kernel has to: a test compares them.

import { sumOf } from "./numbers.js";

const FAINT = 0.25; // of the strongest ink; what is fainter is shadow or noise

/** Everything that differs from the border in brightness or in hue: ink in 0..1, row after row; or an Error. */
export function findInk({ data, width, height }) {
  const ink = new Float32Array(width * height);
  const values = new Float32Array(width * height); // float32 at every step, as NumPy computes
  const border = [];
  for (let column = 0; column < width; column++) border.push(column, (height - 1) * width + column);
  for (let row = 0; row < height; row++) border.push(row * width, row * width + width - 1);
  for (let channel = 0; channel < 4; channel++) {
    for (let at = 0; at < values.length; at++) {
      values[at] = data[4 * at + channel] / 255;
      if (channel < 3) values[at] *= Math.fround(data[4 * at + 3] / 255); // transparent is black; then opacity tells
    }
    const paper = median(Float32Array.from(border, (at) => values[at]));
    for (let at = 0; at < values.length; at++) ink[at] = Math.max(ink[at], Math.abs(values[at] - paper));
  }
  const most = largest(ink);
  if (most < Math.fround(0.1)) throw new Error("nothing is drawn, or too faintly to be seen");
  for (let at = 0; at < ink.length; at++) {
    ink[at] /= most;
    if (ink[at] < FAINT) ink[at] = 0;
  }
  return { ink, width, height };
}

/** Ink in a 20 x 20 box with its centre of mass in the middle, as MNIST's makers did: 784 numbers in 0..255. */
export function centerInBox({ ink, width, height }) {
  const lines = [new Float64Array(height), new Float64Array(width)];
  for (let at = 0; at < ink.length; at++) {
    lines[0][Math.floor(at / width)] += ink[at];
    lines[1][at % width] += ink[at];
  }
  const [[top, bottom], [left, right]] = lines.map((line) => [
    line.findIndex(Boolean),
    line.findLastIndex(Boolean) + 1,
  ]);
  const cut = { ink: new Float32Array((bottom - top) * (right - left)), width: right - left, height: bottom - top };
  for (let row = top; row < bottom; row++) {
    cut.ink.set(ink.subarray(row * width + left, row * width + right), (row - top) * cut.width);
  }
  const longer = Math.max(cut.width, cut.height);
  const [rows, columns] = [cut.height, cut.width].map((side) => Math.max(roundHalfEven((20 * side) / longer), 1));
  const small = resize(cut, rows, columns);
  const strength = (255 * largest(ink)) / largest(small);
  const digit = small.map((value) => roundHalfEven(value * strength));

  const masses = [new Float64Array(rows), new Float64Array(columns)];
  digit.forEach((value, at) => {
    masses[0][Math.floor(at / columns)] += value;
    masses[1][at % columns] += value;
  });
  const [down, across] = masses.map((mass) => {
    const center = sumOf(mass.map((value, at) => value * at)) / sumOf(mass);
    return Math.min(Math.max(roundHalfEven(14 - center), 0), 28 - mass.length);
  });
  const image = new Uint8Array(784);
  digit.forEach((value, at) => (image[28 * (down + Math.floor(at / columns)) + across + (at % columns)] = value));
  return image;
}

/** The whole sheet, wherever the ink is on it: 784 numbers in 0..255. */
export function shrink(sheet) {
  return Uint8Array.from(resize(sheet, 28, 28), (value) => roundHalfEven(255 * value));
}

/** Average or interpolate linearly: first the rows, then the columns. */
function resize({ ink, width, height }, rows, columns) {
  const [down, across] = [triangles(height, rows), triangles(width, columns)];
  const wide = new Float64Array(rows * width);
  down.forEach(({ first, weights }, row) =>
    weights.forEach((weight, at) => {
      for (let column = 0; column < width; column++)
        wide[row * width + column] += weight * ink[(first + at) * width + column];
    }),
  );
  const small = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    across.forEach(({ first, weights }, column) =>
      weights.forEach((weight, at) => (small[row * columns + column] += weight * wide[row * width + first + at])),
    );
  }
  return small;
}

/** For each new pixel, the old ones that it averages, and their weights: a triangle. */
function triangles(old, count) {
  const scale = Math.max(old / count, 1);
  return Array.from({ length: count }, (_, at) => {
    const center = ((at + 0.5) * old) / count;
    const first = Math.max(Math.floor(center - scale), 0);
    const end = Math.min(Math.ceil(center + scale), old);
    const weights = Array.from({ length: end - first }, (_, by) =>
      Math.max(1 - Math.abs(first + by + 0.5 - center) / scale, 0),
    );
    const total = sumOf(weights);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

function median(values) {
  const sorted = values.sort();
  const half = sorted.length / 2;
  return Math.fround((sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2);
}

function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** As Python and NumPy round: halves to the even neighbour. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : below + (rest > 0.5);
}
