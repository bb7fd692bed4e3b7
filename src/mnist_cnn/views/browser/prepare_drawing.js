// From the pixels of a drawing to what the network sees of it.

import { describeRemoved } from "./cleaning.js";
import { centerInBox, findInk, shrink } from "./drawing.js";

/**
 * Prepare drawn pixels for the network: as MNIST's makers did, unless `prepare` is false, and
 * without what is not the digit, unless `clean` is false.
 *
 * Returns the image as `seen`, and in words, as `others`, what is beside the digit; or, if there is
 * nothing to see, an `error` in words.
 */
export function prepareDrawing(pixels, { prepare = true, clean = true } = {}) {
  try {
    const cleaned = findInk(pixels);
    const ink = clean ? cleaned : findInk(pixels, false);
    const seen = prepare ? centerInBox(ink) : shrink(ink);
    return { seen, others: describeRemoved(cleaned.removed) };
  } catch (error) {
    return { error: `The network has nothing to read: ${error.message}.` };
  }
}
