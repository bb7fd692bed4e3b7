// Small helpers: numbers as text, and a little arithmetic.

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
