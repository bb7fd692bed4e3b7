// Tell a digit from specks, frames and ruled lines, as mnist_cnn/cleaning.py does, with functions
// of the same names. That file says what the thresholds mean.
//
// A mask is { mask, height, width }: ones where something is, and zeros, row after row.

import { range } from "./numbers.js";
import shared from "../../shared.json" with { type: "json" };

const {
  DIGIT_LENGTH_DIVISOR,
  SPECK_SIZE_DIVISOR,
  RULE_THICKNESS_DIVISOR,
  BOX_THICKNESS_DIVISOR,
  CROSSING_THICKNESS_DIVISOR,
  SLOPE_DIVISOR,
  MAX_STRIPS,
  MIN_STRIPS,
  MIN_STRIP_WIDTH,
  CORNER_STRIPS_DIVISOR,
  LINE_COVERAGE_PERCENT,
  THIN_COVERAGE_PERCENT,
  THIN_STRIPS_PERCENT,
  MAX_FRAME_RATIO,
  MAX_BOX_RATIO,
  BOX_CONTENT_PERCENT,
  BOX_END_PERCENT,
  EDGE_COVERAGE_PERCENT,
  FAR_GAP_DIVISOR,
  MAX_EDGE_SIZE_RATIO,
} = shared.cleaning;

/**
 * Select the ink that belongs to the digit, from a mask of all ink. Returns it as `kept`, and as
 * `removed` the numbers of frames, lines, specks, and components at the edges that were left out.
 */
export function findDigit(inked) {
  const minLength = Math.max(inked.height, inked.width) / DIGIT_LENGTH_DIVISOR;
  let unruled = withoutRuledLines(inked);
  let labelled = labelComponents(unruled.kept);
  if (labelled.components.every((component) => lengthOf(component) < minLength)) {
    unruled = { kept: inked, frames: 0, lines: 0 };
    labelled = labelComponents(inked);
  }
  const { kept, boxes } = withoutBoxes(unruled.kept, labelled.labels, labelled.components);
  const { labels, components } = labelComponents(kept);
  const { digit, removed } = chooseComponents(labels, components, minLength, inked);
  const chosen = new Set(digit.map((component) => component.label));
  for (let i = 0; i < labels.length; i++) {
    if (!chosen.has(labels[i])) kept.mask[i] = 0;
  }
  const frames = unruled.frames + boxes + removed.frames;
  return { kept, removed: { ...removed, frames, lines: unruled.lines } };
}

/** Say what was removed, such as "a frame and specks"; an empty string if nothing was. */
export function describeRemoved({ frames, lines, edges, specks }) {
  const found = [];
  if (frames) found.push(frames === 1 ? "a frame" : "frames");
  if (lines) found.push(lines === 1 ? "a line" : "lines");
  if (specks) found.push(specks === 1 ? "a speck" : "specks");
  if (edges) found.push(edges === 1 ? "something at the edge" : "something at the edges");
  return new Intl.ListFormat("en").format(found);
}

/**
 * Copy the ink without ruled lines that run from edge to edge. Returns the copy as `kept`, and the
 * numbers of `frames` and `lines` that are left out: lines along all four edges are one frame.
 */
function withoutRuledLines(inked) {
  const { height, width } = inked;
  const maxThickness = Math.floor(Math.min(height, width) / RULE_THICKNESS_DIVISOR);
  const horizontal = findLines(inked, maxThickness, { toTheEdges: true });
  const rest = subtract(inked, horizontal.found);
  const vertical = findLines(transpose(rest), maxThickness, { toTheEdges: true });
  const kept = subtract(rest, transpose(vertical.found));
  const isFrame =
    areAlongBothEdges(horizontal.middleRows, height, maxThickness) &&
    areAlongBothEdges(vertical.middleRows, width, maxThickness);
  const count = horizontal.middleRows.length + vertical.middleRows.length;
  return isFrame ? { kept, frames: 1, lines: count - 4 } : { kept, frames: 0, lines: count };
}

/** Whether the first and the last line run along the edges of the sheet. */
function areAlongBothEdges(rows, height, maxThickness) {
  return rows.length > 0 && rows[0] <= maxThickness && rows.at(-1) >= height - 1 - maxThickness;
}

/**
 * Find the connected components, each with its label, its number of pixels and its bounding box,
 * and label each pixel with its component, from 1 on.
 */
function labelComponents({ mask, height, width }) {
  const labels = new Int32Array(mask.length);
  const stack = new Int32Array(mask.length); // pixels whose neighbours are still to be labelled
  const components = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || labels[start]) continue;
    const label = components.length + 1;
    const component = { label, size: 0, top: height, bottom: 0, left: width, right: 0 };
    components.push(component);
    let count = 1;
    stack[0] = start;
    labels[start] = label;
    while (count) {
      count--;
      const row = Math.floor(stack[count] / width);
      const column = stack[count] % width;
      addPixel(component, row, column);
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
          const next = y * width + x;
          if (!mask[next] || labels[next]) continue;
          labels[next] = label;
          stack[count] = next;
          count++;
        }
      }
    }
  }
  return { labels, components };
}

/** Add a pixel to a component, and extend its bounding box to hold it. */
function addPixel(component, row, column) {
  component.size++;
  component.top = Math.min(component.top, row);
  component.bottom = Math.max(component.bottom, row + 1);
  component.left = Math.min(component.left, column);
  component.right = Math.max(component.right, column + 1);
}

/** The longer side of a component's bounding box. */
function lengthOf({ top, bottom, left, right }) {
  return Math.max(bottom - top, right - left);
}

/**
 * Copy the ink without boxes: straight sides around contents, which may touch the sides. Returns
 * the copy as `kept`, and the number of `boxes`.
 */
function withoutBoxes(inked, labels, components) {
  const kept = copy(inked);
  let boxes = 0;
  for (const component of components) {
    const part = cropComponent(labels, inked.width, component);
    const sides = findBox(part);
    if (!sides) continue;
    const contents = labelComponents(subtract(part, sides)).components;
    const isFull = contents.some(
      ({ top, bottom }) => 100 * (bottom - top) >= BOX_CONTENT_PERCENT * part.height,
    );
    const isBox = isFull || components.some((other) => surrounds(component, other, MAX_BOX_RATIO));
    if (!isBox) continue;
    boxes++;
    for (let i = 0; i < part.mask.length; i++) {
      if (!part.mask[i] || !sides.mask[i]) continue;
      const row = component.top + Math.floor(i / part.width);
      const column = component.left + (i % part.width);
      kept.mask[row * kept.width + column] = 0;
    }
  }
  return { kept, boxes };
}

/** A component by itself: the mask of its pixels in its bounding box. */
function cropComponent(labels, sheetWidth, { label, top, bottom, left, right }) {
  const height = bottom - top;
  const width = right - left;
  const mask = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * sheetWidth + left;
    for (let column = 0; column < width; column++) {
      if (labels[start + column] === label) mask[row * width + column] = 1;
    }
  }
  return { mask, height, width };
}

/**
 * Choose the components of the digit, leaving out frames, specks and what lies at the edges.
 * Returns the numbers of these as `removed`.
 */
function chooseComponents(labels, components, minLength, shape) {
  const free = components.filter(
    (component) => lengthOf(component) >= minLength && !touchesEdge(component, shape),
  );
  const remaining = [];
  const atEdges = [];
  let frames = 0;
  for (const component of components) {
    const isFrame = components.some((other) => surrounds(component, other, MAX_FRAME_RATIO));
    const isAtEdge =
      touchesEdge(component, shape) &&
      free.some((other) => yieldsTo(component, other, labels, shape));
    if (isFrame) frames++;
    else if (isAtEdge) atEdges.push(component);
    else remaining.push(component);
  }
  const largest = Math.max(...remaining.map((component) => component.size), 0);
  const isSpeck = (component) => SPECK_SIZE_DIVISOR * component.size < largest;
  const digit = remaining.filter((component) => !isSpeck(component));
  const edges = atEdges.filter((component) => !isSpeck(component)).length;
  const specks = atEdges.length - edges + remaining.length - digit.length;
  return { digit, removed: { frames, edges, specks } };
}

/** Whether a component touches an edge of the sheet. */
function touchesEdge({ top, bottom, left, right }, { height, width }) {
  return top === 0 || left === 0 || bottom === height || right === width;
}

/** Whether a component's bounding box contains another's, and is not much longer. */
function surrounds(component, other, maxRatio) {
  return (
    component.top < other.top &&
    other.bottom < component.bottom &&
    component.left < other.left &&
    other.right < component.right &&
    maxRatio * lengthOf(other) >= lengthOf(component)
  );
}

/**
 * Whether a component at an edge can be dropped because a digit lies away from the edges. It can if
 * it covers much of an edge, or if it is far from that digit and not much larger.
 */
function yieldsTo(component, free, labels, { height, width }) {
  const edges = [
    { start: 0, step: 1, length: width },
    { start: (height - 1) * width, step: 1, length: width },
    { start: 0, step: width, length: height },
    { start: width - 1, step: width, length: height },
  ];
  const covers = edges.some(({ start, step, length }) => {
    let count = 0;
    for (let i = 0; i < length; i++) {
      if (labels[start + i * step] === component.label) count++;
    }
    return 100 * count >= EDGE_COVERAGE_PERCENT * length;
  });
  const gap = Math.max(
    component.top - free.bottom,
    free.top - component.bottom,
    component.left - free.right,
    free.left - component.right,
  );
  const isFar = FAR_GAP_DIVISOR * gap > lengthOf(free);
  return covers || (isFar && MAX_EDGE_SIZE_RATIO * free.size >= component.size);
}

/** Find the four sides of the box that a component is or contains; null if one is missing. */
function findBox(part) {
  const { height, width } = part;
  const maxThickness = Math.max(Math.floor(Math.min(height, width) / BOX_THICKNESS_DIVISOR), 1);
  const horizontal = findLines(part, maxThickness, { toTheEdges: false });
  if (!areAtBothEnds(horizontal.middleRows, height)) return null;
  const rest = transpose(subtract(part, horizontal.found));
  const vertical = findLines(rest, maxThickness, { toTheEdges: false });
  if (!areAtBothEnds(vertical.middleRows, width)) return null;
  return union(horizontal.found, transpose(vertical.found));
}

/** Whether the first line is near the start of a box, and the last near its end. */
function areAtBothEnds(rows, height) {
  if (!rows.length) return false;
  const isFirstNear = 100 * rows[0] < BOX_END_PERCENT * height;
  const isLastNear = 100 * rows.at(-1) >= (100 - BOX_END_PERCENT) * height;
  return isFirstNear && isLastNear;
}

/**
 * Find almost level lines that run from left to right and are at most `maxThickness` pixels thick;
 * if `toTheEdges`, only those from edge to edge. Returns where they are, without what crosses them,
 * as the mask `found`; and as `middleRows` the row in which each crosses the middle.
 */
function findLines(inked, maxThickness, { toTheEdges }) {
  const { height, width } = inked;
  const found = { mask: new Uint8Array(inked.mask.length), height, width };
  const middleRows = [];
  const count = Math.min(MAX_STRIPS, Math.floor(width / MIN_STRIP_WIDTH));
  if (maxThickness < 1 || count < MIN_STRIPS) return { found, middleRows };
  const edges = range(count + 1).map((strip) => Math.floor((strip * width) / count));
  const required = requiredStrips(count, toTheEdges);
  const covered = isCovered(inked, edges, LINE_COVERAGE_PERCENT);
  // No line is possible: a quick check before the slow search
  if (!isCrossed(covered, required)) return { found, middleRows };
  const runs = runLengths(inked);
  const thinInk = copy(inked);
  for (let i = 0; i < runs.length; i++) {
    if (runs[i] > maxThickness) thinInk.mask[i] = 0;
  }
  const thin = isCovered(thinInk, edges, THIN_COVERAGE_PERCENT);
  const lines = followLines(covered, thin, required, Math.floor(width / SLOPE_DIVISOR));
  if (lines.length === 1 && toTheEdges) {
    const { rows } = lines[0];
    const isAtTop = rows[0] <= maxThickness;
    const isAtBottom = rows.at(-1) >= height - 1 - maxThickness;
    // It may be the bar of a tightly cropped 7
    if (isAtTop || isAtBottom) return { found, middleRows };
  }
  for (const line of lines) {
    for (const i of pixelsOfLine(inked, line, runs, edges, maxThickness)) found.mask[i] = 1;
    middleRows.push(Math.floor((line.rows[0] + line.rows.at(-1)) / 2));
  }
  return { found, middleRows };
}

/**
 * Select the strips that a line has to cover, [first, end]: all, or all but those at a box's
 * corners.
 */
function requiredStrips(count, toTheEdges) {
  const spared = toTheEdges ? 0 : Math.max(Math.floor(count / CORNER_STRIPS_DIVISOR), 1);
  return [spared, count - spared];
}

/** Whether each of the required strips is covered in some row. */
function isCrossed({ mask, width: count }, [first, end]) {
  const crossed = new Uint8Array(count);
  for (let i = 0; i < mask.length; i++) crossed[i % count] |= mask[i];
  return crossed.subarray(first, end).every(Boolean);
}

/** Compute the length of the vertical run of ink that each pixel of ink belongs to. */
function runLengths({ mask, height, width }) {
  const runs = new Int32Array(mask.length);
  // Downwards each pixel counts those above it; upwards it takes over the count of the lowest
  for (let i = 0; i < mask.length; i++) {
    const above = i < width ? 0 : runs[i - width];
    if (mask[i]) runs[i] = above + 1;
  }
  for (let i = (height - 1) * width - 1; i >= 0; i--) {
    if (mask[i] && mask[i + width]) runs[i] = runs[i + width];
  }
  return runs;
}

/**
 * Select the pixels of a line, as a list of their indices, without what crosses it, which is
 * clearly thicker than the line itself.
 */
function pixelsOfLine({ mask, height, width }, { zone }, runs, edges, maxThickness) {
  const pixels = [];
  for (let row = 0; row < height; row++) {
    for (let strip = 0; strip < zone.width; strip++) {
      if (!zone.mask[row * zone.width + strip]) continue;
      const end = row * width + edges[strip + 1];
      for (let i = row * width + edges[strip]; i < end; i++) {
        if (mask[i]) pixels.push(i);
      }
    }
  }
  const lengths = pixels.map((i) => runs[i]).filter((run) => run <= maxThickness);
  lengths.sort((a, b) => a - b);
  const typical = lengths[Math.floor(lengths.length / 2)];
  const thickest = typical + Math.max(Math.floor(typical / CROSSING_THICKNESS_DIVISOR), 1);
  return pixels.filter((i) => runs[i] <= thickest);
}

/**
 * Follow lines from strip to strip, and merge those in neighbouring rows. `covered` and
 * `thin` are masks of rows and strips: where a line may run, and the same for ink that is no
 * thicker than a line, which rises or falls by at most `maxDrop` pixels.
 *
 * A line is { rows, zone }: the rows in which it crosses the middle of the sheet, top to bottom,
 * and a mask of rows and strips, where it runs.
 */
function followLines(covered, thin, required, maxDrop) {
  const zones = findZones(covered, thin, required, maxDrop);
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
  return lines.map(({ rows, zone }) => ({ rows, zone: dilateVertically(zone) }));
}

/** Map the row where lines cross the middle to where they run, a mask of rows and strips. */
function findZones(covered, thin, [first, end], maxDrop) {
  const { height, width: count } = covered;
  const zones = new Map();
  for (let drop = -maxDrop; drop <= maxDrop; drop++) {
    const shifts = range(count).map((strip) =>
      Math.floor((drop * (2 * strip + 1 - count)) / (2 * count)),
    );
    function isSet(grid, row, strip) {
      const shifted = row + shifts[strip];
      return shifted >= 0 && shifted < height && grid.mask[shifted * count + strip] === 1;
    }
    for (let row = 0; row < height; row++) {
      let strip = first;
      while (strip < end && isSet(covered, row, strip)) strip++;
      if (strip < end) continue;
      const thinStrips = range(count).filter((index) => isSet(thin, row, index));
      if (100 * thinStrips.length < THIN_STRIPS_PERCENT * count) continue;
      if (!zones.has(row))
        zones.set(row, { mask: new Uint8Array(height * count), height, width: count });
      const { mask } = zones.get(row);
      shifts.forEach((shift, index) => {
        const shifted = Math.min(Math.max(row + shift, 0), height - 1);
        mask[shifted * count + index] = 1;
      });
    }
  }
  return zones;
}

/** Whether ink in a row or beside it covers `percent` of a strip: a mask of rows and strips. */
function isCovered(inked, edges, percent) {
  const { mask, height, width } = dilateVertically(inked);
  const count = edges.length - 1;
  const covered = new Uint8Array(height * count);
  for (let row = 0; row < height; row++) {
    for (let strip = 0; strip < count; strip++) {
      let ink = 0;
      for (let column = edges[strip]; column < edges[strip + 1]; column++)
        ink += mask[row * width + column];
      const stripWidth = edges[strip + 1] - edges[strip];
      covered[row * count + strip] = 100 * ink >= percent * stripWidth ? 1 : 0;
    }
  }
  return { mask: covered, height, width: count };
}

/** Add the pixels above and below each pixel. */
function dilateVertically({ mask, height, width }) {
  const dilated = mask.slice();
  for (let i = width; i < mask.length; i++) {
    dilated[i] |= mask[i - width];
    dilated[i - width] |= mask[i];
  }
  return { mask: dilated, height, width };
}

// What NumPy does in Python

function copy({ mask, height, width }) {
  return { mask: mask.slice(), height, width };
}

/** The ink without that of another mask. */
function subtract(inked, other) {
  const rest = copy(inked);
  for (let i = 0; i < rest.mask.length; i++) {
    if (other.mask[i]) rest.mask[i] = 0;
  }
  return rest;
}

/** The ink of both masks. */
function union(inked, other) {
  const both = copy(inked);
  for (let i = 0; i < both.mask.length; i++) {
    if (other.mask[i]) both.mask[i] = 1;
  }
  return both;
}

/** Swap the rows and columns of a mask. */
function transpose({ mask, height, width }) {
  const transposed = new Uint8Array(mask.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++)
      transposed[column * height + row] = mask[row * width + column];
  }
  return { mask: transposed, height: width, width: height };
}
