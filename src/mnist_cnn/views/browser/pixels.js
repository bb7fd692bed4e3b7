// The pixels of a drawing: draw on them, save them as text, or read them from an image file. The
// canvas shows them, but they are not read back from it: browsers that protect their users from
// being recognized, such as Tor Browser and LibreWolf, would return noise.

import { pipeThrough } from "./bytes.js";
import { make } from "./elements.js";

const PEN_WIDTH = 22; // pixels, as wide as the pen in views.css
// Of 255: as little noise as Brave and Firefox's private windows add does no harm
const MAX_NOISE = 2;
const NOT_AN_IMAGE =
  "This file is not an image that the browser can show. Choose another, such as PNG or JPEG.";
const ONLY_NOISE =
  "Your browser gives noise instead of the image's pixels, so that pages cannot recognize you. " +
  "In Firefox, click the picture in the address bar (“Manage canvas extraction permission”), " +
  "choose “Allow”, and open the image again.";

/**
 * Draw a black line with a round pen; from a point to itself, it is a dot. Returns its bounding
 * box: x, y, width, height.
 */
export function drawLine({ data, width, height }, [fromX, fromY], [toX, toY]) {
  const radius = PEN_WIDTH / 2 + 0.5; // the edge fades over one pixel
  const [left, right] = touchedRange(fromX, toX, radius, width);
  const [top, bottom] = touchedRange(fromY, toY, radius, height);
  const lineX = toX - fromX;
  const lineY = toY - fromY;
  const squaredLength = lineX ** 2 + lineY ** 2 || 1; // of a dot, any number but 0
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const x = column + 0.5 - fromX;
      const y = row + 0.5 - fromY;
      // How far along the line, in 0..1, its nearest point to this pixel is
      const along = Math.min(Math.max((x * lineX + y * lineY) / squaredLength, 0), 1);
      const distance = Math.sqrt((x - along * lineX) ** 2 + (y - along * lineY) ** 2);
      if (distance < radius)
        blacken(data, 4 * (row * width + column), Math.min(radius - distance, 1));
    }
  }
  return [left, top, right - left, bottom - top];
}

/** The rows or columns, [first, end], that a pen may touch; of these the image has `count`. */
function touchedRange(from, to, radius, count) {
  return [
    Math.max(Math.floor(Math.min(from, to) - radius), 0),
    Math.min(Math.ceil(Math.max(from, to) + radius), count),
  ];
}

/** Draw black over the pixel whose red is at `i`, with an opacity of `coverage` in 0..1. */
function blacken(data, i, coverage) {
  const remaining = (data[i + 3] / 255) * (1 - coverage); // opacity of what was there
  const opacity = coverage + remaining;
  for (let channel = i; channel < i + 3; channel++) data[channel] *= remaining / opacity;
  data[i + 3] = 255 * opacity;
}

/** Pixels as text that can be saved; some kilobytes for a drawing. */
export async function pack({ data, width, height }) {
  const bytes = await pipeThrough(data, new CompressionStream("gzip"));
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte));
  return `${width}x${height}:${btoa(characters.join(""))}`;
}

/**
 * Pixels from text that `pack` returned; empty ones, `side` by `side`, if the text has another
 * format, in which older versions saved.
 */
export async function unpack(text, side) {
  try {
    const [, width, height, packed] = text.match(/^(\d+)x(\d+):(.+)$/);
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    const data = await pipeThrough(bytes, new DecompressionStream("gzip"));
    return new ImageData(new Uint8ClampedArray(data.buffer), Number(width), Number(height));
  } catch {
    return new ImageData(side, side);
  }
}

/**
 * Read the pixels of an image file, its longer side scaled to `side`. Throws an Error that says why
 * if it cannot.
 */
export async function openImage(file, side) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
  } catch {
    throw new Error(NOT_AN_IMAGE);
  } finally {
    URL.revokeObjectURL(image.src);
  }
  if (!image.naturalWidth) throw new Error(NOT_AN_IMAGE); // such as an SVG without a size
  const scale = side / Math.max(image.naturalWidth, image.naturalHeight);
  const width = Math.max(Math.round(image.naturalWidth * scale), 1);
  const height = Math.max(Math.round(image.naturalHeight * scale), 1);
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!canReadBack(context, width, height)) throw new Error(ONLY_NOISE);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Whether an empty canvas returns the pixels that are put on it; it is empty again afterwards. */
function canReadBack(context, width, height) {
  const pattern = new ImageData(width, height);
  for (let i = 0; i < pattern.data.length; i++) {
    const isOpacity = i % 4 === 3;
    pattern.data[i] = isOpacity ? 255 : (37 * i) % 256; // any colours, unlike their neighbours
  }
  context.putImageData(pattern, 0, 0);
  const read = context.getImageData(0, 0, width, height).data;
  context.clearRect(0, 0, width, height);
  return read.every((value, i) => Math.abs(value - pattern.data[i]) <= MAX_NOISE);
}
