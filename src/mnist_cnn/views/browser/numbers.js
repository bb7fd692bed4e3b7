// Small helpers: numbers as text, and a little arithmetic.

import shared from "../../shared.json" with { type: "json" };

export const IMAGE_SIDE = shared.drawing.IMAGE_SIDE; // pixels

export function percent(share, decimals = 1) {
  return `${(100 * share).toFixed(decimals)}%`;
}

export function formatCount(number) {
  return number.toLocaleString("en");
}

export function sumOf(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/** The whole numbers from 0 to below `end`. */
export function range(end) {
  return [...Array(end).keys()];
}

/** Clamp an index to 0..size - 1. */
export function clampIndex(index, size) {
  return Math.min(Math.max(index, 0), size - 1);
}

export function indexOfLargest(values) {
  return values.reduce((found, value, i) => (value > values[found] ? i : found), 0);
}
