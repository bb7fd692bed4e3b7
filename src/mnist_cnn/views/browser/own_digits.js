// The digits that the reader draws and labels, so that a network learns from them, too.

import { IMAGE_SIDE } from "./numbers.js";

const PART = 0.1; // of the images to learn from, as a few digits among thousands would hardly count

/** How many digits there are, in words. */
export function countText(count) {
  return `${count} ${count === 1 ? "digit" : "digits"}`;
}

/**
 * The `images` and `labels` of digits, and after them own ones, repeated until they make up a PART.
 */
export function withOwnDigits({ images, labels }, own) {
  if (!own.length) return { images, labels };
  const count = Math.ceil((labels.length * PART) / (1 - PART));
  const all = {
    images: new Uint8Array(images.length + count * IMAGE_SIDE ** 2),
    labels: new Uint8Array(labels.length + count),
  };
  all.images.set(images);
  all.labels.set(labels);
  for (let i = 0; i < count; i++) {
    const { image, label } = own[i % own.length];
    all.images.set(image, images.length + i * IMAGE_SIDE ** 2);
    all.labels[labels.length + i] = label;
  }
  return all;
}
