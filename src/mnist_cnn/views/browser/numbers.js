// Small helpers: numbers as text, a little arithmetic, and numbers and images from bytes.

import shared from "../../shared.json" with { type: "json" };

export const IMAGE_SIDE = shared.drawing.IMAGE_SIDE; // pixels

export const percent = (share, decimals = 1) => `${(100 * share).toFixed(decimals)}%`;

export const formatCount = (number) => number.toLocaleString("en");

export const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

/** The whole numbers from 0 to below `end`. */
export const range = (end) => [...Array(end).keys()];

/** Clamp an index to 0..size - 1. */
export const clampIndex = (index, size) => Math.min(Math.max(index, 0), size - 1);

export function indexOfLargest(values) {
  return values.reduce((found, value, i) => (value > values[found] ? i : found), 0);
}

/** The bytes of a DataView, which is how a model passes binary data. */
export const bytesOf = ({ buffer, byteOffset, byteLength }) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The float32 numbers of a DataView; copied, as its bytes may not be aligned. */
export const floatsOf = (view) => new Float32Array(bytesOf(view).slice().buffer);

/** Pass bytes through a stream that compresses or decompresses them. */
export async function pipeThrough(bytes, stream) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

/** Decompress images from gzip. Returns a function that returns the ink of one by its index. */
export async function unzipImages(zipped) {
  const ink = await pipeThrough(zipped, new DecompressionStream("gzip"));
  const size = IMAGE_SIDE ** 2;
  return (index) => ink.subarray(size * index, size * (index + 1));
}
