// Show each digit a little differently each time, as mnist_cnn/augmentation.py does.

import { IMAGE_SIDE, range } from "./numbers.js";
import shared from "../../shared.json" with { type: "json" };

const { MAX_ROTATION, MAX_SCALING, MAX_SHEAR, MAX_SHIFT } = shared.augmentation;

/**
 * Draw a random affine transform: with [a, b, c, d, e, f], the pixel at (x, y) is read at
 * (a x + b y + c, d x + e y + f).
 */
export function drawTransform(random) {
  const between = (low, high) => low + (high - low) * random();
  const center = (IMAGE_SIDE - 1) / 2; // of the pixels 0 to 27
  const angle = (between(-MAX_ROTATION, MAX_ROTATION) * Math.PI) / 180;
  const [scaleX, scaleY] = range(2).map(() => between(1 - MAX_SCALING, 1 + MAX_SCALING));
  const shear = between(-MAX_SHEAR, MAX_SHEAR);
  const [shiftX, shiftY] = range(2).map(() => between(-MAX_SHIFT, MAX_SHIFT));
  const a = scaleX * Math.cos(angle);
  const b = shear - scaleX * Math.sin(angle);
  const d = scaleY * Math.sin(angle);
  const e = scaleY * Math.cos(angle);
  // Without the shift, these keep the centre in place
  const c = center * (1 - a - b) + shiftX;
  const f = center * (1 - d - e) + shiftY;
  return [a, b, c, d, e, f];
}

/**
 * Transform an image; pixels are interpolated bilinearly, and those from outside the image are 0.
 */
export function transformImage(image, [a, b, c, d, e, f]) {
  const ink = (x, y) => (isInside(x) && isInside(y) ? image[y * IMAGE_SIDE + x] : 0);
  return Float32Array.from(image, (_, i) => {
    const column = i % IMAGE_SIDE;
    const row = Math.floor(i / IMAGE_SIDE);
    const x = a * column + b * row + c;
    const y = d * column + e * row + f;
    const left = Math.floor(x);
    const top = Math.floor(y);
    const upper = blend(ink(left, top), ink(left + 1, top), x - left);
    const lower = blend(ink(left, top + 1), ink(left + 1, top + 1), x - left);
    return blend(upper, lower, y - top);
  });
}

function isInside(position) {
  return position >= 0 && position < IMAGE_SIDE;
}

function blend(from, to, share) {
  return from + share * (to - from);
}
