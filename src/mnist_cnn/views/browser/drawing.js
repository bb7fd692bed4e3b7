// What mnist_cnn/drawing.py does with a drawing, here, so that no kernel has to: a test compares
// them.

import { sumOf } from "./numbers.js";
import { findDigit } from "./cleaning.js";

const FAINT = 0.25; // of the strongest ink; what is fainter is shadow or noise
const NOTHING = Math.fround(0.1); // a contrast that is no ink
const LEAST = -2; // less than any value that may be largest
const DARKEST = Math.fround(0.2); // paper; darker still, noise would count for much

/**
 * What differs from the paper in brightness or in hue, and is the digit: ink in 0..1, row after
 * row, and what was left out; or an Error. With `clean` false, nothing is left out.
 */
export function findInk({ data, width, height }, clean = true) {
  const sheet = { width, height, channels: channelsOf(data) };
  const ink = contrast(sheet);
  if (largest(ink) < NOTHING) throw new Error("nothing is drawn, or too faintly to be seen");
  strengthen(ink);
  for (let at = 0; at < ink.length; at++) if (ink[at] < FAINT) ink[at] = 0;
  if (!clean) return { ink, width, height };
  const mask = new Uint8Array(ink.length);
  for (let at = 0; at < ink.length; at++) mask[at] = ink[at] > 0 ? 1 : 0;
  const { kept, left } = findDigit({ mask, width, height });
  for (let at = 0; at < ink.length; at++) if (!kept.mask[at]) ink[at] = 0;
  strengthen(ink);
  return { ink, width, height, left };
}

/** Divide ink by the strongest. */
function strengthen(ink) {
  const most = largest(ink);
  for (let at = 0; at < ink.length; at++) ink[at] /= most;
}

/** Red, green, blue and opacity in 0..1: float32 at every step, as NumPy computes. */
function channelsOf(data) {
  return [0, 1, 2, 3].map((channel) => {
    const values = new Float32Array(data.length / 4);
    for (let at = 0; at < values.length; at++) {
      values[at] = data[4 * at + channel] / 255;
      // Transparent is black; then opacity tells
      if (channel < 3) values[at] *= Math.fround(data[4 * at + 3] / 255);
    }
    return values;
  });
}

/**
 * How much pixels differ from the paper: from the median of the border, unless the border varies.
 */
function contrast(sheet) {
  const { width, height, channels } = sheet;
  const border = placesOf(sheet, 1, 1);
  const margin = marginOf(sheet);
  // Enough for a median
  const inMargin = placesOf(sheet, margin, Math.max(Math.floor(margin / 6), 1));
  const papers = channels.map((values) => medianAt(inMargin, values));
  const off = border.map((at) =>
    largest(channels.map((values, of) => Math.abs(Math.fround(values[at] - papers[of])))),
  );
  // Not photographed: no light is uneven
  const drawn = 10 * off.filter((by) => by === 0).length > 7 * off.length;
  if (!drawn && 10 * off.filter((by) => by > NOTHING).length > off.length) {
    const ink = localContrast(sheet);
    const least = Math.max(NOTHING, Math.fround(FAINT * largest(ink)));
    // What varies may be a broad stroke that runs over the edge; or all may be one broad stroke
    for (let row = margin; row < height - margin; row++) {
      if (
        ink
          .subarray(row * width + margin, (row + 1) * width - margin)
          .some((value) => value >= least)
      )
        return ink;
    }
  }
  const ink = new Float32Array(width * height);
  for (const values of channels) {
    const paper = medianAt(border, values);
    for (let at = 0; at < ink.length; at++)
      ink[at] = Math.max(ink[at], Math.abs(values[at] - paper));
  }
  return ink;
}

/** Where pixels at the four sides are, so deep, and one in so many rows and columns. */
function placesOf({ width, height }, depth, step) {
  const sides = [
    [0, depth, 0, width],
    [height - depth, height, 0, width],
    [0, height, 0, depth],
    [0, height, width - depth, width],
  ];
  const places = [];
  for (const [top, bottom, left, right] of sides) {
    for (let row = top; row < bottom; row += step) {
      for (let column = left; column < right; column += step) places.push(row * width + column);
    }
  }
  return places;
}

/**
 * How broad a margin is in which a frame along the edges would be the smaller part; on a small
 * image, none could be told.
 */
function marginOf({ width, height }) {
  const side = Math.min(width, height);
  return side >= 64 ? Math.floor(side / 9) : 1;
}

/**
 * How much pixels differ from the paper nearby, as a part of its brightness. The grey closing of a
 * channel is the paper below dark ink, its opening that below light ink: of the two, the smoother
 * that is closer to the pixels.
 */
function localContrast(sheet) {
  const { width, height, channels } = sheet;
  // Of a window as wide as a quarter of the sheet
  const half = Math.floor(Math.max(width, height) / 8);
  // Windows may reach beyond an edge, or gradients would end there; but not to be filled by a frame
  const beyond = Math.max(half - Math.floor(marginOf(sheet) / 2) - 1, 0);
  const close = (values) => closing(values, width, height, half, beyond);
  const [ink, light] = [
    new Float32Array(width * height),
    new Float32Array(width * height).fill(DARKEST),
  ];
  channels.forEach((values, channel) => {
    if (channel === 3 && values.every((value) => value === 1)) return; // opaque, as photographs are
    const negative = values.map((value) => -value);
    const ways = [close(values), close(negative).map((value) => -value)];
    const costs = ways.map((levels) => cost(levels, values, width, 2 * half + 1));
    const levels = ways[costs[0] <= costs[1] ? 0 : 1];
    const apart = levels.map((level, at) => Math.abs(Math.fround(level - values[at])));
    const some = [];
    for (let row = 0; row < height; row += 4) {
      for (let column = 0; column < width; column += 4) some.push(row * width + column);
    }
    const noise = medianAt(some, apart);
    for (let at = 0; at < ink.length; at++) {
      ink[at] = Math.max(ink[at], apart[at] - noise);
      if (channel < 3) light[at] = Math.max(light[at], levels[at]);
    }
  });
  return ink.map((value, at) => value / light[at]);
}

/** How rough the paper would be, and how far from the pixels. */
function cost(levels, values, width, side) {
  let [apart, steps] = [0, 0];
  for (let start = 0; start < levels.length; start += width) {
    for (let at = start; at < start + width; at++) {
      apart += Math.abs(Math.fround(levels[at] - values[at]));
      if (at > start) steps += Math.abs(Math.fround(levels[at] - levels[at - 1]));
      if (start) steps += Math.abs(Math.fround(levels[at] - levels[at - width]));
    }
  }
  return apart + side * steps;
}

/**
 * Grey closing: the least, in a square window, of the largest in such windows, also some that reach
 * beyond the edges.
 */
function closing(values, width, height, half, beyond) {
  const [wide, high] = [width + 2 * beyond, height + 2 * beyond];
  const padded = new Float32Array(wide * high).fill(LEAST);
  for (let row = 0; row < height; row++) {
    padded.set(values.subarray(row * width, (row + 1) * width), (row + beyond) * wide + beyond);
  }
  const most = largestAround(padded, wide, high, half);
  const least = largestAround(
    most.map((value) => -value),
    wide,
    high,
    half,
  );
  const closed = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const start = (row + beyond) * wide + beyond;
    for (let column = 0; column < width; column++)
      closed[row * width + column] = -least[start + column];
  }
  return closed;
}

function largestAround(values, width, height, half) {
  return largestInRows(largestInRows(values, width, height, half), height, width, half);
}

/**
 * The largest number in each window of a row, with rows as columns, by van Herk's method: blocks
 * are as long as a window, so each window is the end of one and the beginning of the next.
 */
function largestInRows(values, width, height, half) {
  const [side, long] = [2 * half + 1, width + 2 * half];
  const [most, before, after] = [
    new Float32Array(values.length),
    new Float32Array(long),
    new Float32Array(long),
  ];
  for (let row = 0; row < height; row++) {
    before.fill(LEAST);
    before.set(values.subarray(row * width, (row + 1) * width), half);
    after.set(before);
    for (let block = 0; block < long; block += side) {
      const end = Math.min(block + side, long);
      for (let at = block + 1; at < end; at++)
        if (before[at - 1] > before[at]) before[at] = before[at - 1];
      for (let at = end - 2; at >= block; at--)
        if (after[at + 1] > after[at]) after[at] = after[at + 1];
    }
    for (let column = 0; column < width; column++) {
      most[column * height + row] = Math.max(after[column], before[column + 2 * half]);
    }
  }
  return most;
}

/**
 * Ink in a 20 x 20 box with its centre of mass in the middle, as MNIST's makers did: 784 numbers in
 * 0..255.
 */
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
  const cut = {
    ink: new Float32Array((bottom - top) * (right - left)),
    width: right - left,
    height: bottom - top,
  };
  for (let row = top; row < bottom; row++) {
    cut.ink.set(ink.subarray(row * width + left, row * width + right), (row - top) * cut.width);
  }
  const longer = Math.max(cut.width, cut.height);
  const [rows, columns] = [cut.height, cut.width].map((side) =>
    Math.max(roundHalfEven((20 * side) / longer), 1),
  );
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
  digit.forEach(
    (value, at) =>
      (image[28 * (down + Math.floor(at / columns)) + across + (at % columns)] = value),
  );
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
      weights.forEach(
        (weight, at) => (small[row * columns + column] += weight * wide[row * width + first + at]),
      ),
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

const medianAt = (places, values) => median(new Float32Array(places.map((at) => values[at])));

function median(values) {
  const sorted = values.sort();
  const half = sorted.length / 2;
  return Math.fround((sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2);
}

function largest(values) {
  let most = 0;
  for (let at = 0; at < values.length; at++) if (values[at] > most) most = values[at];
  return most;
}

/** As Python and NumPy round: halves to the even neighbour. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : below + (rest > 0.5);
}
