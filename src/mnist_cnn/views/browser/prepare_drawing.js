// From the pixels of a drawing to the network's input, or to the reason why there is none; used by
// each view with a drawing canvas.

import { describeRemoved } from "./cleaning.js";
import { centerInBox, findInk, NothingDrawn, shrink } from "./drawing.js";

/**
 * Prepare drawn pixels for the network: as MNIST's makers did, unless `prepare` is false, and
 * without what is not the digit, unless `clean` is false.
 *
 * Returns the `image` and, in words, as `clutter`, what lies beside the digit, whether it is left
 * out or not. If there is nothing to read, returns an `error` in words.
 */
export function prepareDrawing(pixels, { prepare = true, clean = true } = {}) {
  try {
    const cleaned = findInk(pixels);
    const ink = clean ? cleaned : findInk(pixels, { clean: false });
    const image = prepare ? centerInBox(ink) : shrink(ink);
    return { image, clutter: describeRemoved(cleaned.removed) };
  } catch (error) {
    if (!(error instanceof NothingDrawn)) throw error;
    return { error: `The network has nothing to read: ${error.message}.` };
  }
}
