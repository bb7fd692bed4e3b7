// Random numbers that are the same each time: a training depends on its settings and seed alone.

import { range } from "./numbers.js";

/**
 * Make a generator of random numbers, evenly distributed from 0 to below 1: mulberry32, by Tommy
 * Ettinger, who has put it in the public domain.
 */
export function randomGenerator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The whole numbers from 0 to below `end` in random order, by the shuffle of Fisher and Yates. */
export function shuffledRange(end, random) {
  const numbers = range(end);
  for (let last = end - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
  }
  return numbers;
}
