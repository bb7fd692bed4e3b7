// What mnist_cnn/cleaning.py does, with functions of the same names: tell a digit from specks,
// frames and ruled lines. What the thresholds mean stands there.
//
// A mask is { mask, height, width }: ones where something is, and zeros, row after row.

import shared from "../../shared.json" with { type: "json" };

const { SHORTEST, SPECK, RULE, BOX_SIDE, STRIPS, SLOPE, COVERED, COVERED_THIN, FRAMED, BOXED } =
  shared.cleaning;

/**
 * Choose from a mask, which says where ink is, what belongs to the digit. Returns it as `kept`, and
 * what was `removed`: counts of frames, lines, specks, and of components at the edges.
 */
export function findDigit(inked) {
  const shortest = Math.max(inked.height, inked.width) / SHORTEST;
  let { kept, frames, lines } = removeRules(inked);
  let { labels, components } = labelComponents(kept);
  if (components.every((component) => lengthOf(component) < shortest)) {
    kept = copyOf(inked);
    frames = 0;
    lines = 0;
    ({ labels, components } = labelComponents(kept));
  }
  const boxes = removeBoxes(kept, labels, components);
  if (boxes) ({ labels, components } = labelComponents(kept));
  const { digit, removed } = chooseComponents(labels, components, shortest, inked);
  const chosen = new Set(digit.map((component) => component.label));
  for (let at = 0; at < labels.length; at++) if (!chosen.has(labels[at])) kept.mask[at] = 0;
  return { kept, removed: { ...removed, frames: frames + boxes + removed.frames, lines } };
}

/** What was removed, such as "a frame and specks"; nothing where nothing was. */
export function inWords({ frames, lines, edges, specks }) {
  const found = [];
  if (frames) found.push(frames === 1 ? "a frame" : "frames");
  if (lines) found.push(lines === 1 ? "a line" : "lines");
  if (specks) found.push(specks === 1 ? "a speck" : "specks");
  if (edges) found.push(edges === 1 ? "something at the edge" : "something at the edges");
  return new Intl.ListFormat("en").format(found);
}

/**
 * Remove ruled lines from edge to edge. Returns what is `kept`, and how many frames and lines were
 * removed: lines along all four edges are one frame.
 */
function removeRules(inked) {
  const { height, width } = inked;
  const thick = Math.floor(Math.min(height, width) / RULE);
  const across = findLines(inked, thick, true);
  const rest = without(inked, across.found);
  const down = findLines(transpose(rest), thick, true);
  const kept = without(rest, transpose(down.found));
  const isFrame =
    areAlongBothEdges(across.places, height, thick) && areAlongBothEdges(down.places, width, thick);
  const count = across.places.length + down.places.length;
  return isFrame ? { kept, frames: 1, lines: count - 4 } : { kept, frames: 0, lines: count };
}

const areAlongBothEdges = (places, side, thick) =>
  places.length > 0 && places[0] <= thick && places.at(-1) >= side - 1 - thick;

/**
 * Find the connected components, each with its label, its number of pixels and its bounding box;
 * label each pixel with that of its component, from 1 on.
 */
function labelComponents({ mask, height, width }) {
  const labels = new Int32Array(mask.length);
  const waiting = new Int32Array(mask.length); // pixels whose neighbours are still to be labelled
  const components = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || labels[start]) continue;
    const label = components.length + 1;
    const component = { label, size: 0, top: height, bottom: 0, left: width, right: 0 };
    components.push(component);
    let count = 1;
    waiting[0] = start;
    labels[start] = label;
    while (count) {
      count--;
      const row = Math.floor(waiting[count] / width);
      const column = waiting[count] % width;
      include(component, row, column);
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
          const next = y * width + x;
          if (!mask[next] || labels[next]) continue;
          labels[next] = label;
          waiting[count] = next;
          count++;
        }
      }
    }
  }
  return { labels, components };
}

/** Count a pixel to a component, and widen its bounding box to it. */
function include(component, row, column) {
  component.size++;
  component.top = Math.min(component.top, row);
  component.bottom = Math.max(component.bottom, row + 1);
  component.left = Math.min(component.left, column);
  component.right = Math.max(component.right, column + 1);
}

const lengthOf = ({ top, bottom, left, right }) => Math.max(bottom - top, right - left);

/**
 * Remove boxes that have straight sides and something in them, which may touch the sides. Returns
 * how many there were.
 */
function removeBoxes(inked, labels, components) {
  let boxes = 0;
  for (const component of components) {
    const part = cut(labels, inked.width, component);
    const sides = findBox(part);
    if (!sides) continue;
    const inner = labelComponents(without(part, sides)).components;
    const isFull = inner.some(({ top, bottom }) => 4 * (bottom - top) >= part.height);
    if (!isFull && !components.some((other) => surrounds(component, other, BOXED))) continue;
    boxes++;
    for (let at = 0; at < part.mask.length; at++) {
      if (!part.mask[at] || !sides.mask[at]) continue;
      const row = component.top + Math.floor(at / part.width);
      const column = component.left + (at % part.width);
      inked.mask[row * inked.width + column] = 0;
    }
  }
  return boxes;
}

/** A component by itself: the mask of its pixels in its bounding box. */
function cut(labels, sheetWidth, { label, top, bottom, left, right }) {
  const height = bottom - top;
  const width = right - left;
  const mask = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * sheetWidth + left;
    for (let column = 0; column < width; column++)
      if (labels[start + column] === label) mask[row * width + column] = 1;
  }
  return { mask, height, width };
}

/**
 * Choose the components of the digit: without frames, specks and what lies at the edges. Returns
 * counts of these as `removed`.
 */
function chooseComponents(labels, components, shortest, shape) {
  const free = components.filter(
    (component) => lengthOf(component) >= shortest && !touchesEdge(component, shape),
  );
  const remaining = [];
  const atEdges = [];
  let frames = 0;
  for (const component of components) {
    const isFrame = components.some((other) => surrounds(component, other, FRAMED));
    const isAtEdge =
      touchesEdge(component, shape) &&
      free.some((other) => isBeside(component, other, labels, shape));
    if (isFrame) frames++;
    else if (isAtEdge) atEdges.push(component);
    else remaining.push(component);
  }
  const largest = Math.max(...remaining.map((component) => component.size), 0);
  const isSpeck = (component) => SPECK * component.size < largest;
  const digit = remaining.filter((component) => !isSpeck(component));
  const edges = atEdges.filter((component) => !isSpeck(component)).length;
  const specks = atEdges.length - edges + remaining.length - digit.length;
  return { digit, removed: { frames, edges, specks } };
}

/** Whether a component reaches an edge of the sheet. */
const touchesEdge = ({ top, bottom, left, right }, { height, width }) =>
  top === 0 || left === 0 || bottom === height || right === width;

/** Whether another one lies in a component's bounding box, which is at most `times` as long. */
const surrounds = (component, other, times) =>
  component.top < other.top &&
  other.bottom < component.bottom &&
  component.left < other.left &&
  other.right < component.right &&
  times * lengthOf(other) >= lengthOf(component);

/**
 * Whether a component at an edge is no part of a digit, as another one lies free. It covers half of
 * the edge, or is far from the other one and not much larger.
 */
function isBeside(component, free, labels, { height, width }) {
  const edges = [
    { start: 0, step: 1, length: width },
    { start: (height - 1) * width, step: 1, length: width },
    { start: 0, step: width, length: height },
    { start: width - 1, step: width, length: height },
  ];
  const covers = edges.some(({ start, step, length }) => {
    let count = 0;
    for (let at = 0; at < length; at++) if (labels[start + at * step] === component.label) count++;
    return 2 * count >= length;
  });
  const gap = Math.max(
    component.top - free.bottom,
    free.top - component.bottom,
    component.left - free.right,
    free.left - component.right,
  );
  const isFar = 8 * gap > lengthOf(free);
  return covers || (isFar && 3 * free.size >= component.size);
}

/** Find the four sides of the box that a component is or has; null if a side is missing. */
function findBox(part) {
  const { height, width } = part;
  const thick = Math.max(Math.floor(Math.min(height, width) / BOX_SIDE), 1);
  const across = findLines(part, thick, false);
  if (!areAtBothEnds(across.places, height)) return null;
  const down = findLines(transpose(without(part, across.found)), thick, false);
  if (!areAtBothEnds(down.places, width)) return null;
  return union(across.found, transpose(down.found));
}

/** Whether the first line is in the first quarter of a side, and the last one in the last. */
const areAtBothEnds = (places, side) =>
  places.length > 0 && 4 * places[0] < side && 4 * places.at(-1) >= 3 * side;

/**
 * Find lines from left to right, at most `thick` pixels thick and inclined by a twentieth. Returns
 * where they are, without what crosses them, as the mask `found`; and the row of each in `places`.
 */
function findLines(inked, thick, toTheEdges) {
  const { height, width } = inked;
  const found = { mask: new Uint8Array(inked.mask.length), height, width };
  const places = [];
  const count = Math.min(STRIPS, Math.floor(width / 3));
  if (thick < 1 || count < 5) return { found, places };
  const edges = Array.from({ length: count + 1 }, (_, at) => Math.floor((at * width) / count));
  const counted = stripsThatCount(count, toTheEdges);
  const covered = isCovered(inked, edges, COVERED);
  // There can be no line: this takes less time than to look for one
  if (!isCrossed(covered, counted)) return { found, places };
  const runs = runLengths(inked);
  const thinInk = copyOf(inked);
  for (let at = 0; at < runs.length; at++) if (runs[at] > thick) thinInk.mask[at] = 0;
  const thin = isCovered(thinInk, edges, COVERED_THIN);
  const lines = followLines(covered, thin, counted, Math.floor(width / SLOPE));
  if (lines.length === 1 && toTheEdges) {
    const { rows } = lines[0];
    // It may be the bar of a 7 that was cut out closely
    if (rows[0] <= thick || rows.at(-1) >= height - 1 - thick) return { found, places };
  }
  for (const line of lines) {
    for (const at of pixelsOfLine(inked, line, runs, edges, thick)) found.mask[at] = 1;
    places.push(Math.floor((line.rows[0] + line.rows.at(-1)) / 2));
  }
  return { found, places };
}

/** The strips that a line has to cover, [first, end]: all, or not those at the corners of a box. */
function stripsThatCount(count, toTheEdges) {
  const spared = toTheEdges ? 0 : Math.max(Math.floor(count / 8), 1);
  return [spared, count - spared];
}

/** Whether each strip that counts is covered in some row. */
function isCrossed({ mask, width: count }, [first, end]) {
  const crossed = new Uint8Array(count);
  for (let at = 0; at < mask.length; at++) crossed[at % count] |= mask[at];
  return crossed.subarray(first, end).every(Boolean);
}

/** The number of pixels of ink that stand one upon another at each pixel of ink. */
function runLengths({ mask, height, width }) {
  const runs = new Int32Array(mask.length);
  // Downwards each pixel counts those above it; upwards it takes over the count of the lowest
  for (let at = 0; at < mask.length; at++)
    if (mask[at]) runs[at] = 1 + (at < width ? 0 : runs[at - width]);
  for (let at = (height - 1) * width - 1; at >= 0; at--)
    if (mask[at] && mask[at + width]) runs[at] = runs[at + width];
  return runs;
}

/**
 * The pixels of a line, as a list of their places, without what crosses it: that is more than half
 * as thick again as the line is where nothing does.
 */
function pixelsOfLine({ mask, height, width }, { zone }, runs, edges, thick) {
  const pixels = [];
  for (let row = 0; row < height; row++) {
    for (let strip = 0; strip < zone.width; strip++) {
      if (!zone.mask[row * zone.width + strip]) continue;
      const end = row * width + edges[strip + 1];
      for (let at = row * width + edges[strip]; at < end; at++) if (mask[at]) pixels.push(at);
    }
  }
  const lengths = pixels.map((at) => runs[at]).filter((run) => run <= thick);
  lengths.sort((a, b) => a - b);
  const typical = lengths[Math.floor(lengths.length / 2)];
  const thickest = typical + Math.max(Math.floor(typical / 2), 1);
  return pixels.filter((at) => runs[at] <= thickest);
}

/**
 * Follow lines from strip to strip, and take those in neighbouring rows together. `covered` and
 * `thin` are masks of rows and strips: where a line may run, and the same for ink that is no
 * thicker than a line, which rises or falls by at most `steepest` pixels.
 *
 * A line is { rows, zone }: the rows in which it crosses the middle of the sheet, from the top, and
 * a mask of rows and strips, where it runs.
 */
function followLines(covered, thin, counted, steepest) {
  const zones = findZones(covered, thin, counted, steepest);
  const lines = [];
  for (const row of [...zones.keys()].sort((a, b) => a - b)) {
    const last = lines.at(-1);
    if (last?.rows.at(-1) === row - 1) {
      last.rows.push(row);
      last.zone = union(last.zone, zones.get(row));
    } else {
      lines.push({ rows: [row], zone: zones.get(row) });
    }
  }
  return lines.map(({ rows, zone }) => ({ rows, zone: widen(zone) }));
}

/** Where lines run, masks of rows and strips, by the row in which they cross the middle. */
function findZones(covered, thin, [first, end], steepest) {
  const { height, width: count } = covered;
  const zones = new Map();
  for (let drop = -steepest; drop <= steepest; drop++) {
    const shifts = Array.from({ length: count }, (_, strip) =>
      Math.floor((drop * (2 * strip + 1 - count)) / (2 * count)),
    );
    const isThere = (grid, row, strip) => {
      const at = row + shifts[strip];
      return at >= 0 && at < height && grid.mask[at * count + strip];
    };
    for (let row = 0; row < height; row++) {
      let strip = first;
      while (strip < end && isThere(covered, row, strip)) strip++;
      if (strip < end) continue;
      const isThin = (_, at) => isThere(thin, row, at);
      if (8 * shifts.filter(isThin).length < 3 * count) continue;
      if (!zones.has(row))
        zones.set(row, { mask: new Uint8Array(height * count), height, width: count });
      const { mask } = zones.get(row);
      shifts.forEach((shift, at) => {
        const place = Math.min(Math.max(row + shift, 0), height - 1);
        mask[place * count + at] = 1;
      });
    }
  }
  return zones;
}

/** Whether so many tenths of a strip have ink in each row or the next, by rows and strips. */
function isCovered(inked, edges, tenths) {
  const { mask, height, width } = widen(inked);
  const count = edges.length - 1;
  const covered = new Uint8Array(height * count);
  for (let row = 0; row < height; row++) {
    for (let strip = 0; strip < count; strip++) {
      let ink = 0;
      for (let column = edges[strip]; column < edges[strip + 1]; column++)
        ink += mask[row * width + column];
      const wide = edges[strip + 1] - edges[strip];
      covered[row * count + strip] = 10 * ink >= tenths * wide ? 1 : 0;
    }
  }
  return { mask: covered, height, width: count };
}

/** Add the pixels above and below. */
function widen({ mask, height, width }) {
  const wide = mask.slice();
  for (let at = width; at < mask.length; at++) {
    wide[at] |= mask[at - width];
    wide[at - width] |= mask[at];
  }
  return { mask: wide, height, width };
}

// What NumPy does in Python

const copyOf = ({ mask, height, width }) => ({ mask: mask.slice(), height, width });

function without(inked, other) {
  const rest = copyOf(inked);
  for (let at = 0; at < rest.mask.length; at++) if (other.mask[at]) rest.mask[at] = 0;
  return rest;
}

function union(inked, other) {
  const both = copyOf(inked);
  for (let at = 0; at < both.mask.length; at++) if (other.mask[at]) both.mask[at] = 1;
  return both;
}

/** The mask with rows as columns. */
function transpose({ mask, height, width }) {
  const transposed = new Uint8Array(mask.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++)
      transposed[column * height + row] = mask[row * width + column];
  }
  return { mask: transposed, height: width, width: height };
}
