// What mnist_cnn/drawing.py does with a drawing, with functions of the same names. What the
// thresholds mean stands there.

import { sumOf } from "./numbers.js";
import { findDigit } from "./cleaning.js";
import shared from "../../shared.json" with { type: "json" };

const { FAINT, LEAST_SIDE, MARGINS, HALF_WINDOWS, BOX } = shared.drawing;
// As float32, with which NumPy computes
const NOTHING = Math.fround(shared.drawing.NOTHING);
const DARKEST = Math.fround(shared.drawing.DARKEST);
const BELOW_ALL = -2; // less than any value that may be largest

/**
 * Find what differs from the paper in brightness or in hue, and is the digit. Returns ink in 0..1,
 * row after row, its width and height, and what was `removed`; with `clean` false, nothing is.
 * Throws an Error if nothing is drawn.
 */
export function findInk({ data, width, height }, clean = true) {
  const ink = measureContrast({ width, height, channels: channelsOf(data) });
  if (largest(ink) < NOTHING) throw new Error("nothing is drawn, or too faintly to be seen");
  divideByLargest(ink);
  for (let at = 0; at < ink.length; at++) if (ink[at] < FAINT) ink[at] = 0;
  if (!clean) return { ink, width, height };
  const mask = new Uint8Array(ink.length);
  for (let at = 0; at < ink.length; at++) if (ink[at] > 0) mask[at] = 1;
  const { kept, removed } = findDigit({ mask, width, height });
  for (let at = 0; at < ink.length; at++) if (!kept.mask[at]) ink[at] = 0;
  divideByLargest(ink);
  return { ink, width, height, removed };
}

/** Prepare ink as MNIST's makers did: 784 numbers in 0..255. */
export function centerInBox(ink) {
  return putMassInTheMiddle(scaleToBox(crop(ink)));
}

/** Shrink ink, wherever it is: 784 numbers in 0..255. */
export function shrink(ink) {
  return Uint8Array.from(resize(ink, 28, 28), (value) => roundHalfEven(255 * value));
}

/** Cut off rows and columns without ink at the four sides. */
function crop({ ink, width, height }) {
  const byRow = new Float64Array(height);
  const byColumn = new Float64Array(width);
  ink.forEach((value, at) => {
    byRow[Math.floor(at / width)] += value;
    byColumn[at % width] += value;
  });
  const top = byRow.findIndex(Boolean);
  const bottom = byRow.findLastIndex(Boolean) + 1;
  const left = byColumn.findIndex(Boolean);
  const right = byColumn.findLastIndex(Boolean) + 1;
  const cropped = new Float32Array((bottom - top) * (right - left));
  for (let row = top; row < bottom; row++) {
    const values = ink.subarray(row * width + left, row * width + right);
    cropped.set(values, (row - top) * (right - left));
  }
  return { ink: cropped, width: right - left, height: bottom - top };
}

/** Scale ink so that its longer side is 20 pixels, and as strong as before: numbers in 0..255. */
function scaleToBox({ ink, width, height }) {
  const longer = Math.max(width, height);
  const rows = Math.max(roundHalfEven((BOX * height) / longer), 1);
  const columns = Math.max(roundHalfEven((BOX * width) / longer), 1);
  const small = resize({ ink, width, height }, rows, columns);
  const strength = (255 * largest(ink)) / largest(small);
  return { digit: small.map((value) => roundHalfEven(value * strength)), rows, columns };
}

/** Put a digit on an image so that its centre of mass is in the middle, or near it. */
function putMassInTheMiddle({ digit, rows, columns }) {
  const byRow = new Float64Array(rows);
  const byColumn = new Float64Array(columns);
  digit.forEach((value, at) => {
    byRow[Math.floor(at / columns)] += value;
    byColumn[at % columns] += value;
  });
  const top = startOf(byRow);
  const left = startOf(byColumn);
  const image = new Uint8Array(784);
  for (let row = 0; row < rows; row++) {
    image.set(digit.subarray(row * columns, (row + 1) * columns), 28 * (top + row) + left);
  }
  return image;
}

/** Where rows or columns of these masses begin on the image. */
function startOf(mass) {
  const center = sumOf(mass.map((value, at) => value * at)) / sumOf(mass);
  return Math.min(Math.max(roundHalfEven(14 - center), 0), 28 - mass.length);
}

/**
 * Red, green, blue and opacity in 0..1: float32 at every step, as NumPy computes. Transparent
 * pixels count as black, whatever colour they have; then opacity tells.
 */
function channelsOf(data) {
  return [0, 1, 2, 3].map((channel) => {
    const values = new Float32Array(data.length / 4);
    for (let at = 0; at < values.length; at++) {
      values[at] = data[4 * at + channel] / 255;
      if (channel < 3) values[at] *= Math.fround(data[4 * at + 3] / 255);
    }
    return values;
  });
}

/**
 * Measure how much pixels differ from the paper, which is the median of the border, unless the
 * border varies. A sheet is { width, height, channels }.
 */
function measureContrast(sheet) {
  const { width, height, channels } = sheet;
  const border = placesAlongSides(sheet, 1, 1);
  if (isLitUnevenly(channels, border, medianOfMargin(sheet))) {
    const ink = measureLocalContrast(sheet);
    const least = Math.max(NOTHING, Math.fround(FAINT * largest(ink)));
    const margin = marginWidth(sheet);
    // What varies may be a broad stroke that runs over the edge; or all may be one broad stroke
    for (let row = margin; row < height - margin; row++) {
      const inner = ink.subarray(row * width + margin, (row + 1) * width - margin);
      if (inner.some((value) => value >= least)) return ink;
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

/** Whether the pixels of the border vary as in a photograph; no drawing is lit unevenly. */
function isLitUnevenly(channels, border, paper) {
  const apart = border.map((at) =>
    largest(channels.map((values, of) => Math.abs(Math.fround(values[at] - paper[of])))),
  );
  const isDrawn = 10 * apart.filter((by) => by === 0).length > 7 * apart.length;
  return !isDrawn && 10 * apart.filter((by) => by > NOTHING).length > apart.length;
}

/** Where pixels at the four sides are, to a depth, and one in so many rows and columns. */
function placesAlongSides({ width, height }, depth, step) {
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
 * How broad a margin is, in pixels, in which a frame along the edges is the smaller part. On a
 * small image, a frame cannot be told from a digit that fills it.
 */
function marginWidth({ width, height }) {
  const side = Math.min(width, height);
  return side >= LEAST_SIDE ? Math.floor(side / MARGINS) : 1;
}

/** The median of each channel along the four sides. */
function medianOfMargin(sheet) {
  const margin = marginWidth(sheet);
  const step = Math.max(Math.floor(margin / 6), 1); // enough for a median
  const places = placesAlongSides(sheet, margin, step);
  return sheet.channels.map((values) => medianAt(places, values));
}

/** Measure how much pixels differ from the paper nearby, in parts of its brightness. */
function measureLocalContrast(sheet) {
  const { width, height, channels } = sheet;
  const ink = new Float32Array(width * height);
  const light = new Float32Array(width * height).fill(DARKEST);
  const half = Math.floor(Math.max(width, height) / HALF_WINDOWS);
  // Windows may reach beyond an edge, or gradients would end there; but no frame may fill them
  const beyond = Math.max(half - Math.floor(marginWidth(sheet) / 2) - 1, 0);
  const some = placesOfFourth(sheet);
  channels.forEach((values, channel) => {
    if (channel === 3 && values.every((value) => value === 1)) return; // opaque, as photographs are
    const levels = estimatePaper(values, width, height, half, beyond);
    const apart = levels.map((level, at) => Math.abs(Math.fround(level - values[at])));
    // Noise alone is apart, too: by as much as the median, of some pixels
    const noise = medianAt(some, apart);
    for (let at = 0; at < ink.length; at++) {
      ink[at] = Math.max(ink[at], apart[at] - noise);
      if (channel < 3) light[at] = Math.max(light[at], levels[at]);
    }
  });
  return ink.map((value, at) => value / light[at]);
}

/** Where every fourth pixel of every fourth row is. */
function placesOfFourth({ width, height }) {
  const places = [];
  for (let row = 0; row < height; row += 4) {
    for (let column = 0; column < width; column += 4) places.push(row * width + column);
  }
  return places;
}

/**
 * Estimate a channel of the paper below the ink. The grey closing of a channel is the paper below
 * dark ink, its opening that below light ink. Of the two, the paper is the one that is smoother and
 * closer to the pixels.
 */
function estimatePaper(values, width, height, half, beyond) {
  const negative = values.map((value) => -value);
  const opened = greyClosing(negative, width, height, half, beyond).map((value) => -value);
  const closed = greyClosing(values, width, height, half, beyond);
  const side = 2 * half + 1;
  return costOf(opened, values, width, side) <= costOf(closed, values, width, side)
    ? opened
    : closed;
}

/** How far from the pixels paper would be, and how rough. */
function costOf(levels, values, width, side) {
  let apart = 0;
  let steps = 0;
  for (let start = 0; start < levels.length; start += width) {
    for (let at = start; at < start + width; at++) {
      apart += Math.abs(Math.fround(levels[at] - values[at]));
      if (at > start) steps += Math.abs(Math.fround(levels[at] - levels[at - 1]));
      if (start) steps += Math.abs(Math.fround(levels[at] - levels[at - width]));
    }
  }
  return apart + side * steps;
}

/** Average or interpolate linearly to other numbers of rows and columns. */
function resize({ ink, width, height }, rows, columns) {
  const wide = new Float64Array(rows * width);
  triangles(height, rows).forEach(({ first, weights }, row) => {
    weights.forEach((weight, at) => {
      for (let column = 0; column < width; column++)
        wide[row * width + column] += weight * ink[(first + at) * width + column];
    });
  });
  const small = new Float64Array(rows * columns);
  const across = triangles(width, columns);
  for (let row = 0; row < rows; row++) {
    across.forEach(({ first, weights }, column) => {
      weights.forEach((weight, at) => {
        small[row * columns + column] += weight * wide[row * width + first + at];
      });
    });
  }
  return small;
}

/**
 * For each new pixel, the first of the old ones that it averages and their weights: a triangle as
 * wide as two of the larger pixels.
 */
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

// What NumPy and SciPy do in Python

/**
 * The least, in a square window, of the largest in such windows, some of which reach `beyond`
 * pixels over an edge.
 */
function greyClosing(values, width, height, half, beyond) {
  const wide = width + 2 * beyond;
  const high = height + 2 * beyond;
  const padded = new Float32Array(wide * high).fill(BELOW_ALL);
  for (let row = 0; row < height; row++) {
    padded.set(values.subarray(row * width, (row + 1) * width), (row + beyond) * wide + beyond);
  }
  const most = largestAround(padded, wide, high, half);
  const negative = most.map((value) => -value);
  const least = largestAround(negative, wide, high, half);
  const closed = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const start = (row + beyond) * wide + beyond;
    for (let column = 0; column < width; column++)
      closed[row * width + column] = -least[start + column];
  }
  return closed;
}

/** The largest number in the square window around each pixel. */
function largestAround(values, width, height, half) {
  return largestInRows(largestInRows(values, width, height, half), height, width, half);
}

/**
 * The largest number in each window of a row, with rows as columns, by van Herk's method: blocks
 * are as long as a window, so each window is the end of one and the beginning of the next.
 */
function largestInRows(values, width, height, half) {
  const side = 2 * half + 1;
  const long = width + 2 * half;
  const most = new Float32Array(values.length);
  const before = new Float32Array(long); // the largest from the beginning of a block up to here
  const after = new Float32Array(long); // the largest from here to the end of the block
  for (let row = 0; row < height; row++) {
    before.fill(BELOW_ALL);
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

function divideByLargest(values) {
  const most = largest(values);
  for (let at = 0; at < values.length; at++) values[at] /= most;
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

/** Round as Python and NumPy do: halves to the even neighbour. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : below + (rest > 0.5);
}
