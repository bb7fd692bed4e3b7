// The pixels behind a canvas to draw on, which only this code writes. The canvas shows them, but
// nothing is read from it: browsers that protect their users from being recognized, such as Tor
// Browser and LibreWolf, return noise there.

import { convert } from "./numbers.js";
import { make } from "./elements.js";

const PEN = 22; // pixels across
// Of 255: as little noise as Brave and Firefox's private windows add does no harm
const HARMLESS = 2;
const NO_IMAGE =
  "This file is not an image that the browser can show. Choose another, such as PNG or JPEG.";
const NOISE =
  "Your browser gives noise instead of the image's pixels, so that pages cannot recognize you. " +
  "In Firefox, click the picture in the address bar (“Manage canvas extraction permission”), " +
  "choose “Allow”, and open the image again.";

/**
 * Draw a black line with a round pen; from a point to itself, it is a dot. Returns its bounding
 * box: x, y, width, height.
 */
export function drawLine({ data, width, height }, [fromX, fromY], [toX, toY]) {
  const reach = PEN / 2 + 0.5; // the edge fades over one pixel
  const [left, right] = reachOf(fromX, toX, reach, width);
  const [top, bottom] = reachOf(fromY, toY, reach, height);
  const alongX = toX - fromX;
  const alongY = toY - fromY;
  const squared = alongX ** 2 + alongY ** 2 || 1;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const x = column + 0.5 - fromX;
      const y = row + 0.5 - fromY;
      // The part of the line up to the point that is nearest to this pixel
      const share = Math.min(Math.max((x * alongX + y * alongY) / squared, 0), 1);
      const distance = Math.sqrt((x - share * alongX) ** 2 + (y - share * alongY) ** 2);
      if (distance < reach)
        blacken(data, 4 * (row * width + column), Math.min(reach - distance, 1));
    }
  }
  return [left, top, right - left, bottom - top];
}

/** The pixels, [first, end], that a moving pen may touch along one side of the image. */
function reachOf(from, to, reach, side) {
  return [
    Math.max(Math.floor(Math.min(from, to) - reach), 0),
    Math.min(Math.ceil(Math.max(from, to) + reach), side),
  ];
}

/** Cover a share of a pixel with black. */
function blacken(data, i, cover) {
  const seen = (data[i + 3] / 255) * (1 - cover); // of what was there
  const opacity = cover + seen;
  for (let channel = i; channel < i + 3; channel++) data[channel] *= seen / opacity;
  data[i + 3] = 255 * opacity;
}

/** Pixels as text that can be saved; some kilobytes for a drawing. */
export async function pack({ data, width, height }) {
  const bytes = await convert(data, new CompressionStream("gzip"));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `${width}x${height}:${btoa(letters)}`;
}

/**
 * Pixels from text that `pack` returned; empty ones, `side` by `side`, if the text has another
 * format, in which older versions saved.
 */
export async function unpack(text, side) {
  try {
    const [, width, height, packed] = text.match(/^(\d+)x(\d+):(.+)$/);
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const data = await convert(bytes, new DecompressionStream("gzip"));
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
    if (!image.naturalWidth) throw new Error("it has no size");
  } catch {
    throw new Error(NO_IMAGE);
  } finally {
    URL.revokeObjectURL(image.src);
  }
  const scale = side / Math.max(image.naturalWidth, image.naturalHeight);
  const width = Math.max(Math.round(image.naturalWidth * scale), 1);
  const height = Math.max(Math.round(image.naturalHeight * scale), 1);
  const canvas = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  if (!givesBack(canvas, width, height)) throw new Error(NOISE);
  canvas.imageSmoothingQuality = "high";
  canvas.drawImage(image, 0, 0, width, height);
  return canvas.getImageData(0, 0, width, height);
}

/** Whether an empty canvas returns the pixels that are put on it; it is empty again afterwards. */
function givesBack(canvas, width, height) {
  const pattern = new ImageData(width, height);
  for (let i = 0; i < pattern.data.length; i++)
    pattern.data[i] = i % 4 === 3 ? 255 : (37 * i) % 256;
  canvas.putImageData(pattern, 0, 0);
  const read = canvas.getImageData(0, 0, width, height).data;
  canvas.clearRect(0, 0, width, height);
  return read.every((value, i) => Math.abs(value - pattern.data[i]) <= HARMLESS);
}
