// Matrices in the memory of matrix.wasm, which multiplies them.

const PAGES = 256; // of 64 KiB: twice as many as the largest network that one can choose needs

/**
 * Start matrix.wasm, given its bytes. Returns `allocate`, which makes an array for `length`
 * numbers, all 0, and `addProduct`.
 */
export function startMatrices(wasm) {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const module = new WebAssembly.Module(wasm);
  const { exports } = new WebAssembly.Instance(module, { page: { memory } });
  let used = 0; // bytes
  function allocate(length) {
    const array = new Float32Array(memory.buffer, used, length);
    used += array.byteLength;
    return array;
  }

  /**
   * Add the product of `a`, `rows` by `inner`, and `b`, `inner` by `columns`, to `c`. Each lies row
   * after row in an array of `allocate`. With `transpose`, what lies in `a` is `inner` by `rows`.
   */
  function addProduct({ a, b, c, rows, inner, columns, transpose = false }) {
    const [down, right] = transpose ? [4, 4 * rows] : [4 * inner, 4]; // bytes
    const addresses = [a.byteOffset, down, right, b.byteOffset, c.byteOffset];
    exports.addProduct(...addresses, rows, inner, columns);
  }
  return { allocate, addProduct };
}
