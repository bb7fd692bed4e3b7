// Arrays as an .npz file for NumPy: a ZIP archive of .npy files, without compression. NumPy
// describes the one format in numpy.lib.format, and PKWARE the other in APPNOTE.TXT.

import { bytesOf } from "./bytes.js";

const POLYNOMIAL = 0xedb88320; // of ZIP's checksum, CRC-32
const ALIGNMENT = 64; // bytes; a multiple of it lies before the numbers of an .npy file

/** Make the bytes of an .npz file from arrays, each a `shape` and its `values`, a Float32Array. */
export function npz(arrays) {
  const entries = [];
  const directory = [];
  let offset = 0;
  arrays.forEach((array, i) => {
    const name = ascii(`arr_${i}.npy`); // as np.savez calls them
    const data = npy(array);
    const description = describeFile(name, data);
    const entry = join(uint32(0x04034b50), description, name, data);
    // No comment, on the first disk, no attributes, and where the entry is
    const place = join(uint16(0, 0, 0), uint32(0, offset));
    directory.push(join(uint32(0x02014b50), uint16(20), description, place, name));
    entries.push(entry);
    offset += entry.length;
  });
  const { length } = join(...directory);
  const counts = uint16(0, 0, arrays.length, arrays.length);
  const end = join(uint32(0x06054b50), counts, uint32(length, offset), uint16(0));
  return join(...entries, ...directory, end);
}

/** What both its entry and the directory say of a file. */
function describeFile(name, data) {
  const { length } = data;
  const firstOfJanuary1980 = 0x21; // ZIP knows no earlier day
  return join(
    uint16(20, 0, 0, 0, firstOfJanuary1980), // version 2.0, no flags, no compression, midnight
    uint32(checksum(data), length, length), // as it is, and compressed
    uint16(name.length, 0), // no further fields
  );
}

/** The bytes of an .npy file of version 1.0. */
function npy({ shape, values }) {
  const lengths = shape.map((length) => `${length}, `).join("");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${lengths}), }`;
  const start = join(uint8(0x93), ascii("NUMPY"), uint8(1, 0));
  const lengthBefore = start.length + 2; // and the length of the header
  const end = Math.ceil((lengthBefore + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const padded = ascii(`${header.padEnd(end - lengthBefore - 1)}\n`);
  return join(start, uint16(padded.length), padded, bytesOf(values));
}

/** The checksum CRC-32, bit by bit. */
function checksum(bytes) {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++)
      remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  }
  return ~remainder >>> 0;
}

// Numbers become bytes in the order of the machine, which is little-endian as both formats want it:
// browsers run on no other.
const uint8 = (...numbers) => Uint8Array.from(numbers);
const uint16 = (...numbers) => bytesOf(Uint16Array.from(numbers));
const uint32 = (...numbers) => bytesOf(Uint32Array.from(numbers));
const ascii = (text) => new TextEncoder().encode(text);

/** Put bytes one after another. */
function join(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
