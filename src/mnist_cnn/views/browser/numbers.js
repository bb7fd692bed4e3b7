// Numbers: as text, from bytes, and a little arithmetic.

import shared from "../../shared.json" with { type: "json" };

export const IMAGE_SIDE = shared.drawing.IMAGE_SIDE; // pixels

export const percent = (share, places = 1) => `${(100 * share).toFixed(places)}%`;

export const formatCount = (number) => number.toLocaleString("en");

export const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

/** The whole numbers from 0 to below `end`. */
export const range = (end) => [...Array(end).keys()];

/** Clamp an index to 0..size - 1. */
export const clampIndex = (index, size) => Math.min(Math.max(index, 0), size - 1);

export function indexOfLargest(values) {
  return values.reduce((found, value, i) => (value > values[found] ? i : found), 0);
}

export const bytesOf = ({ buffer, byteOffset, byteLength }) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Bytes as float32 numbers; copied, as they may not be aligned. */
export const floatsOf = (view) => new Float32Array(bytesOf(view).slice().buffer);

/** Pass bytes through a stream that compresses or decompresses them. */
export async function convert(bytes, stream) {
  const converted = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(converted).arrayBuffer());
}

/** Decompress images from gzip. Returns a function that returns the ink of one by its index. */
export async function unzipImages(zipped) {
  const ink = await convert(zipped, new DecompressionStream("gzip"));
  const size = IMAGE_SIDE ** 2;
  return (index) => ink.subarray(size * index, size * (index + 1));
}
