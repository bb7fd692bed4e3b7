// Numbers and images from the bytes in which a model passes them, and compression.

import { IMAGE_SIDE } from "./numbers.js";

/** The bytes of a DataView. */
export function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The float32 numbers of a DataView; copied, as its bytes may not be aligned. */
export function floatsOf(view) {
  return new Float32Array(bytesOf(view).slice().buffer);
}

/** Pass bytes through a stream that compresses or decompresses them. */
export async function pipeThrough(bytes, stream) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

export function unzip(zipped) {
  return pipeThrough(zipped, new DecompressionStream("gzip"));
}

/** Decompress images from gzip. Returns a function that returns the ink of one by its index. */
export async function unzipImages(zipped) {
  const ink = await unzip(zipped);
  const size = IMAGE_SIDE ** 2;
  return (index) => ink.subarray(size * index, size * (index + 1));
}
