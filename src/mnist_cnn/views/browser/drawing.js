// Turn a drawing or a photograph of a digit into an image like those of MNIST, as
// mnist_cnn/drawing.py does, with functions of the same names. That file says what the thresholds
// mean.

import { IMAGE_SIDE, sumOf } from "./numbers.js";
import { findDigit } from "./cleaning.js";
import shared from "../../shared.json" with { type: "json" };

const {
  DIGIT_SIDE,
  MIN_RELATIVE_INK,
  EVEN_BORDER_PERCENT,
  UNEVEN_BORDER_PERCENT,
  MIN_SIDE_WITH_MARGIN,
  MARGIN_DIVISOR,
  MARGIN_STEP_DIVISOR,
  HALF_WINDOW_DIVISOR,
  NOISE_STEP,
} = shared.drawing;
// As float32, with which NumPy computes
const MIN_CONTRAST = Math.fround(shared.drawing.MIN_CONTRAST);
const MIN_PAPER_BRIGHTNESS = Math.fround(shared.drawing.MIN_PAPER_BRIGHTNESS);
const BELOW_ALL = -2; // padding that is never the maximum: values are at least -1

/** What `findInk` throws if there is no ink to find. */
export const NothingDrawn = class extends Error {
  constructor() {
    super("nothing is drawn, or too faintly to be seen");
  }
};

/**
 * Find the ink of a digit: what differs from the paper in brightness or in hue. Returns ink in
 * 0..1, row after row, its width and height, and what was `removed`; with `clean` false, nothing
 * is. Throws NothingDrawn if there is none.
 */
export function findInk({ data, width, height }, { clean = true } = {}) {
  const ink = measureContrast({ width, height, channels: channelsOf(data) });
  if (largest(ink) < MIN_CONTRAST) throw new NothingDrawn();
  divideByLargest(ink);
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] < MIN_RELATIVE_INK) ink[i] = 0;
  }
  if (!clean) return { ink, width, height };
  const mask = new Uint8Array(ink.length);
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] > 0) mask[i] = 1;
  }
  const { kept, removed } = findDigit({ mask, width, height });
  for (let i = 0; i < ink.length; i++) {
    if (!kept.mask[i]) ink[i] = 0;
  }
  divideByLargest(ink);
  return { ink, width, height, removed };
}

/** Prepare ink as MNIST's makers did: an image, numbers in 0..255, row after row. */
export function centerInBox(ink) {
  return centerByMass(scaleToBox(crop(ink)));
}

/** Shrink ink, wherever it is, to an image: numbers in 0..255, row after row. */
export function shrink(ink) {
  const small = resize(ink, IMAGE_SIDE, IMAGE_SIDE);
  return Uint8Array.from(small, (value) => roundHalfEven(255 * value));
}

/** Cut off rows and columns without ink at the four sides. */
function crop({ ink, width, height }) {
  const byRow = new Float64Array(height);
  const byColumn = new Float64Array(width);
  ink.forEach((value, i) => {
    byRow[Math.floor(i / width)] += value;
    byColumn[i % width] += value;
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

/** Scale ink to the size of a digit of MNIST, and as strong as before: numbers in 0..255. */
function scaleToBox({ ink, width, height }) {
  const longer = Math.max(width, height);
  const rows = Math.max(roundHalfEven((DIGIT_SIDE * height) / longer), 1);
  const columns = Math.max(roundHalfEven((DIGIT_SIDE * width) / longer), 1);
  const small = resize({ ink, width, height }, rows, columns);
  const strength = (255 * largest(ink)) / largest(small);
  return { digit: small.map((value) => roundHalfEven(value * strength)), rows, columns };
}

/** Put a digit on an image with its centre of mass at the centre, or as near as it fits. */
function centerByMass({ digit, rows, columns }) {
  const byRow = new Float64Array(rows);
  const byColumn = new Float64Array(columns);
  digit.forEach((value, i) => {
    byRow[Math.floor(i / columns)] += value;
    byColumn[i % columns] += value;
  });
  const top = offsetToCenter(byRow);
  const left = offsetToCenter(byColumn);
  const image = new Uint8Array(IMAGE_SIDE ** 2);
  for (let row = 0; row < rows; row++) {
    const values = digit.subarray(row * columns, (row + 1) * columns);
    image.set(values, IMAGE_SIDE * (top + row) + left);
  }
  return image;
}

/** Compute where rows or columns start on the image so that their centre of mass is central. */
function offsetToCenter(mass) {
  const center = sumOf(mass.map((value, i) => value * i)) / sumOf(mass);
  return Math.min(Math.max(roundHalfEven(IMAGE_SIDE / 2 - center), 0), IMAGE_SIDE - mass.length);
}

/**
 * Red, green, blue and opacity in 0..1: float32 at every step, as NumPy computes. Transparent
 * pixels count as black, whatever their colour; opacity tells them from ink.
 */
function channelsOf(data) {
  return [0, 1, 2, 3].map((channel) => {
    const values = new Float32Array(data.length / 4);
    for (let i = 0; i < values.length; i++) {
      values[i] = data[4 * i + channel] / 255;
      if (channel < 3) values[i] *= Math.fround(data[4 * i + 3] / 255);
    }
    return values;
  });
}

/**
 * Measure how much each pixel differs from the paper, which is the median of the border, unless the
 * border varies. A sheet is { width, height, channels }.
 */
function measureContrast(sheet) {
  const { width, height, channels } = sheet;
  const border = indicesAlongSides(sheet, 1, 1);
  if (isLitUnevenly(channels, border, medianOfMargin(sheet))) {
    const ink = measureLocalContrast(sheet);
    const least = Math.max(MIN_CONTRAST, Math.fround(MIN_RELATIVE_INK * largest(ink)));
    const margin = marginWidth(sheet);
    // Otherwise a broad stroke runs over the edge, or fills the image, and makes the border vary
    for (let row = margin; row < height - margin; row++) {
      const inner = ink.subarray(row * width + margin, (row + 1) * width - margin);
      if (inner.some((value) => value >= least)) return ink;
    }
  }
  const ink = new Float32Array(width * height);
  for (const values of channels) {
    const paper = medianAt(border, values);
    for (let i = 0; i < ink.length; i++) ink[i] = Math.max(ink[i], Math.abs(values[i] - paper));
  }
  return ink;
}

/** Whether the border varies as in a photograph; a drawing is always lit evenly. */
function isLitUnevenly(channels, border, paper) {
  const difference = border.map((i) =>
    largest(channels.map((values, channel) => Math.abs(Math.fround(values[i] - paper[channel])))),
  );
  const count = difference.length;
  const equal = difference.filter((value) => value === 0).length;
  const isDrawn = 100 * equal > EVEN_BORDER_PERCENT * count;
  const differing = difference.filter((value) => value > MIN_CONTRAST).length;
  return !isDrawn && 100 * differing > UNEVEN_BORDER_PERCENT * count;
}

/** Indices of the pixels within `depth` of a side, in every `step`-th row and column. */
function indicesAlongSides({ width, height }, depth, step) {
  const sides = [
    [0, depth, 0, width],
    [height - depth, height, 0, width],
    [0, height, 0, depth],
    [0, height, width - depth, width],
  ];
  const indices = [];
  for (const [top, bottom, left, right] of sides) {
    for (let row = top; row < bottom; row += step) {
      for (let column = left; column < right; column += step) indices.push(row * width + column);
    }
  }
  return indices;
}

/**
 * Compute the width of the margin, in pixels: wide enough that a frame fills less than half. On a
 * small image, a frame cannot be told from a digit that fills it.
 */
function marginWidth({ width, height }) {
  const side = Math.min(width, height);
  return side >= MIN_SIDE_WITH_MARGIN ? Math.floor(side / MARGIN_DIVISOR) : 1;
}

/** Compute the median of each channel along the four sides. */
function medianOfMargin(sheet) {
  const margin = marginWidth(sheet);
  // Fewer pixels are enough for a median
  const step = Math.max(Math.floor(margin / MARGIN_STEP_DIVISOR), 1);
  const indices = indicesAlongSides(sheet, margin, step);
  return sheet.channels.map((values) => medianAt(indices, values));
}

/** Measure how much each pixel differs from the paper nearby, relative to its brightness. */
function measureLocalContrast(sheet) {
  const { width, height, channels } = sheet;
  const ink = new Float32Array(width * height);
  const brightness = new Float32Array(width * height).fill(MIN_PAPER_BRIGHTNESS);
  const halfWindow = Math.floor(Math.max(width, height) / HALF_WINDOW_DIVISOR);
  // Windows may extend past an edge, or gradients would end there; but no frame may fill them
  const padding = Math.max(halfWindow - Math.floor(marginWidth(sheet) / 2) - 1, 0);
  const noiseSample = noiseSampleIndices(sheet);
  channels.forEach((values, channel) => {
    if (channel === 3 && values.every((value) => value === 1)) return; // opaque, as photographs are
    const background = estimateBackground(values, width, height, halfWindow, padding);
    const difference = background.map((value, i) => Math.abs(Math.fround(value - values[i])));
    // Noise alone makes a difference, too: its median, estimated from some of the pixels
    const noise = medianAt(noiseSample, difference);
    for (let i = 0; i < ink.length; i++) {
      ink[i] = Math.max(ink[i], difference[i] - noise);
      if (channel < 3) brightness[i] = Math.max(brightness[i], background[i]);
    }
  });
  return ink.map((value, i) => value / brightness[i]);
}

/** The indices of the pixels from which noise is estimated. */
function noiseSampleIndices({ width, height }) {
  const indices = [];
  for (let row = 0; row < height; row += NOISE_STEP) {
    for (let column = 0; column < width; column += NOISE_STEP) indices.push(row * width + column);
  }
  return indices;
}

/**
 * Estimate a channel of the paper below the ink. The grey closing of a channel is the paper below
 * dark ink, its opening that below light ink. Of the two, the paper is the one that is smoother and
 * closer to the pixels.
 */
function estimateBackground(values, width, height, halfWindow, padding) {
  const negative = values.map((value) => -value);
  const closedNegative = greyClosing(negative, width, height, halfWindow, padding);
  const opened = closedNegative.map((value) => -value);
  const closed = greyClosing(values, width, height, halfWindow, padding);
  const windowSide = 2 * halfWindow + 1;
  const openedCost = backgroundCost(opened, values, width, windowSide);
  const closedCost = backgroundCost(closed, values, width, windowSide);
  return openedCost <= closedCost ? opened : closed;
}

/** Sum up how far a background is from the pixels, and how rough it is. */
function backgroundCost(background, values, width, windowSide) {
  let difference = 0;
  let roughness = 0;
  for (let start = 0; start < background.length; start += width) {
    for (let i = start; i < start + width; i++) {
      difference += Math.abs(Math.fround(background[i] - values[i]));
      if (i > start) roughness += Math.abs(Math.fround(background[i] - background[i - 1]));
      if (start) roughness += Math.abs(Math.fround(background[i] - background[i - width]));
    }
  }
  return difference + windowSide * roughness;
}

/** Resize ink to other numbers of rows and columns by averaging or linear interpolation. */
function resize({ ink, width, height }, rows, columns) {
  const wide = new Float64Array(rows * width);
  interpolationWeights(height, rows).forEach(({ first, weights }, row) => {
    weights.forEach((weight, i) => {
      for (let column = 0; column < width; column++)
        wide[row * width + column] += weight * ink[(first + i) * width + column];
    });
  });
  const small = new Float64Array(rows * columns);
  const byColumn = interpolationWeights(width, columns);
  for (let row = 0; row < rows; row++) {
    byColumn.forEach(({ first, weights }, column) => {
      weights.forEach((weight, i) => {
        small[row * columns + column] += weight * wide[row * width + first + i];
      });
    });
  }
  return small;
}

/**
 * Compute, for each new pixel, the first of the old ones that it averages, and their weights. They
 * fall linearly from the centre of the new pixel to 0 at a distance of one pixel, old or new,
 * whichever is larger.
 */
function interpolationWeights(old, count) {
  const scale = Math.max(old / count, 1);
  return Array.from({ length: count }, (_, i) => {
    const center = ((i + 0.5) * old) / count;
    const first = Math.max(Math.floor(center - scale), 0);
    const end = Math.min(Math.ceil(center + scale), old);
    const weights = Array.from({ length: end - first }, (_, j) =>
      Math.max(1 - Math.abs(first + j + 0.5 - center) / scale, 0),
    );
    const total = sumOf(weights);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

// What NumPy and SciPy do in Python

/**
 * The minimum, in a square window, of the maxima in such windows, which may extend past an edge by
 * `padding` pixels.
 */
function greyClosing(values, width, height, halfWindow, padding) {
  const paddedWidth = width + 2 * padding;
  const paddedHeight = height + 2 * padding;
  const padded = new Float32Array(paddedWidth * paddedHeight).fill(BELOW_ALL);
  for (let row = 0; row < height; row++) {
    const start = (row + padding) * paddedWidth + padding;
    padded.set(values.subarray(row * width, (row + 1) * width), start);
  }
  const dilated = maximumFilter(padded, paddedWidth, paddedHeight, halfWindow);
  const negative = dilated.map((value) => -value);
  const eroded = maximumFilter(negative, paddedWidth, paddedHeight, halfWindow);
  const closed = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const start = (row + padding) * paddedWidth + padding;
    for (let column = 0; column < width; column++)
      closed[row * width + column] = -eroded[start + column];
  }
  return closed;
}

/** The maximum in the square window around each pixel. */
function maximumFilter(values, width, height, halfWindow) {
  const byRow = maximumFilterOfRows(values, width, height, halfWindow);
  return maximumFilterOfRows(byRow, height, width, halfWindow);
}

/**
 * The maximum in each window of a row, with rows as columns, by van Herk's method: blocks are as
 * long as a window, so each window is the end of one and the start of the next.
 */
function maximumFilterOfRows(values, width, height, halfWindow) {
  const windowSide = 2 * halfWindow + 1;
  const paddedWidth = width + 2 * halfWindow;
  const maxima = new Float32Array(values.length);
  const before = new Float32Array(paddedWidth); // the maximum from the start of a block to here
  const after = new Float32Array(paddedWidth); // the maximum from here to the end of the block
  for (let row = 0; row < height; row++) {
    before.fill(BELOW_ALL);
    before.set(values.subarray(row * width, (row + 1) * width), halfWindow);
    after.set(before);
    for (let block = 0; block < paddedWidth; block += windowSide) {
      const end = Math.min(block + windowSide, paddedWidth);
      for (let i = block + 1; i < end; i++) {
        if (before[i - 1] > before[i]) before[i] = before[i - 1];
      }
      for (let i = end - 2; i >= block; i--) {
        if (after[i + 1] > after[i]) after[i] = after[i + 1];
      }
    }
    for (let column = 0; column < width; column++) {
      maxima[column * height + row] = Math.max(after[column], before[column + 2 * halfWindow]);
    }
  }
  return maxima;
}

function divideByLargest(values) {
  const maximum = largest(values);
  for (let i = 0; i < values.length; i++) values[i] /= maximum;
}

/** The median of the values at some indices. */
function medianAt(indices, values) {
  return median(new Float32Array(indices.map((i) => values[i])));
}

function median(values) {
  const sorted = values.sort();
  const half = sorted.length / 2;
  return Math.fround((sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2);
}

/** The largest number, or 0 if none is positive. */
function largest(values) {
  let maximum = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > maximum) maximum = values[i];
  }
  return maximum;
}

/** Round as Python and NumPy do: halves to the even neighbour. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : below + (rest > 0.5);
}
