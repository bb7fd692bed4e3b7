// What mnist_cnn/pieces.py does: tell a digit from specks, frames and ruled lines.

const SPECK = 25; // what has less than a 25th of the largest piece's pixels is a speck
const STRIPS = 16; // a line is followed from strip to strip of the sheet

/**
 * Of a mask, row after row, with ones where ink is: what belongs to the digit, and what else was
 * left out, as counts of frames, lines, specks, and of pieces at the edges.
 */
export function findDigit(inked) {
  const { height, width } = inked;
  const long = Math.max(height, width) / 20; // as long as a digit could be
  const left = { frames: 0, lines: 0, edges: 0, specks: 0 };
  let kept = copyOf(inked);
  removeRules(kept, left);
  let labelled = label(kept);
  if (labelled.pieces.every((piece) => lengthOf(piece) < long)) {
    kept = copyOf(inked);
    labelled = label(kept);
    left.frames = left.lines = 0;
  }
  const boxes = removeBoxes(kept, labelled);
  left.frames += boxes;
  const { labels, pieces } = boxes ? label(kept) : labelled;
  const free = pieces.filter((each) => lengthOf(each) >= long && !touches(each, inked));
  const remaining = [];
  const beside = [];
  for (const piece of pieces) {
    const framing = pieces.some((other) => surrounds(piece, other, 5));
    const atEdge =
      touches(piece, inked) && free.some((each) => isBeside(piece, each, labels, inked));
    if (framing) left.frames++;
    else (atEdge ? beside : remaining).push(piece);
  }
  const most = remaining.reduce((size, piece) => Math.max(size, piece.size), 0);
  const digit = remaining.filter((piece) => SPECK * piece.size >= most);
  left.edges = beside.filter((piece) => SPECK * piece.size >= most).length;
  left.specks = beside.length - left.edges + remaining.length - digit.length;
  const numbers = new Set(digit.map((piece) => piece.number));
  for (let at = 0; at < labels.length; at++)
    if (labels[at] && !numbers.has(labels[at])) kept.mask[at] = 0;
  return { kept, left };
}

/** What was left out, such as "a frame and specks"; nothing where nothing was. */
export function inWords({ frames, lines, edges, specks }) {
  const counted = (count, one, many) => (count ? [count === 1 ? one : many] : []);
  const found = [
    ...counted(frames, "a frame", "frames"),
    ...counted(lines, "a line", "lines"),
    ...counted(specks, "a speck", "specks"),
    ...counted(edges, "something at the edge", "something at the edges"),
  ];
  return new Intl.ListFormat("en").format(found);
}

const copyOf = ({ mask, height, width }) => ({ mask: mask.slice(), height, width });

/** The same with rows as columns. */
function transpose(values, height, width) {
  const turned = new Uint8Array(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++)
      turned[column * height + row] = values[row * width + column];
  }
  return turned;
}

const turn = ({ mask, height, width }) => ({
  mask: transpose(mask, height, width),
  height: width,
  width: height,
});

/**
 * The connected pieces, with the boxes around them; and for each pixel the number of its piece,
 * from 1 on.
 */
function label({ mask, height, width }) {
  const labels = new Int32Array(mask.length);
  const [pieces, waiting] = [[], new Int32Array(mask.length)];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || labels[start]) continue;
    const piece = {
      number: pieces.length + 1,
      size: 0,
      top: height,
      bottom: 0,
      left: width,
      right: 0,
    };
    pieces.push(piece);
    let count = 1;
    waiting[0] = start;
    labels[start] = piece.number;
    while (count) {
      const at = waiting[--count];
      const [row, column] = [Math.floor(at / width), at % width];
      piece.size++;
      piece.top = Math.min(piece.top, row);
      piece.bottom = Math.max(piece.bottom, row + 1);
      piece.left = Math.min(piece.left, column);
      piece.right = Math.max(piece.right, column + 1);
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
          const next = y * width + x;
          if (!mask[next] || labels[next]) continue;
          labels[next] = piece.number;
          waiting[count++] = next;
        }
      }
    }
  }
  return { labels, pieces };
}

const lengthOf = ({ top, bottom, left, right }) => Math.max(bottom - top, right - left);

/** Whether a piece goes to an edge of the sheet. */
const touches = ({ top, bottom, left, right }, { height, width }) =>
  top === 0 || left === 0 || bottom === height || right === width;

/** Whether another, at most so many times shorter, lies within its box. */
const surrounds = (piece, other, times) =>
  piece.top < other.top &&
  other.bottom < piece.bottom &&
  piece.left < other.left &&
  other.right < piece.right &&
  times * lengthOf(other) >= lengthOf(piece);

/**
 * Whether a piece at an edge is no part of a digit, as another lies free: it covers half of the
 * edge, or is far from the other and not much larger.
 */
function isBeside(piece, free, labels, { height, width }) {
  const along = [0, 0, 0, 0];
  for (let column = 0; column < width; column++) {
    along[0] += labels[column] === piece.number;
    along[1] += labels[(height - 1) * width + column] === piece.number;
  }
  for (let row = 0; row < height; row++) {
    along[2] += labels[row * width] === piece.number;
    along[3] += labels[row * width + width - 1] === piece.number;
  }
  const [down, right] = [
    Math.max(piece.top - free.bottom, free.top - piece.bottom),
    Math.max(piece.left - free.right, free.left - piece.right),
  ];
  const far = 8 * Math.max(down, right) > lengthOf(free);
  const covers =
    2 * Math.max(along[0], along[1]) >= width || 2 * Math.max(along[2], along[3]) >= height;
  return covers || (far && 3 * free.size >= piece.size);
}

/** Remove ruled lines from edge to edge; along all four edges, they are a frame. */
function removeRules(inked, left) {
  const { height, width } = inked;
  const thick = Math.floor(Math.min(height, width) / 40);
  const across = findLines(inked, thick, true);
  remove(inked, across.found);
  const down = findLines(turn(inked), thick, true);
  remove(inked, transpose(down.found, width, height));
  const [rows, columns] = [across.places, down.places];
  const framed = [
    [rows, height],
    [columns, width],
  ].every(
    ([places, side]) => places.length && places[0] <= thick && places.at(-1) >= side - 1 - thick,
  );
  left.frames += framed;
  left.lines += rows.length + columns.length - 4 * framed;
}

function remove({ mask }, found) {
  for (let at = 0; at < mask.length; at++) if (found[at]) mask[at] = 0;
}

/**
 * Remove boxes that have straight sides and something in them, which may touch the sides; return
 * how many.
 */
function removeBoxes(inked, { labels, pieces }) {
  let removed = 0;
  for (const piece of pieces) {
    const part = cut(labels, inked.width, piece);
    const sides = findBox(part);
    if (!sides) continue;
    const rest = copyOf(part);
    remove(rest, sides);
    const tall = label(rest).pieces.some(({ top, bottom }) => 4 * (bottom - top) >= part.height);
    if (!tall && !pieces.some((other) => surrounds(piece, other, 8))) continue;
    removed++;
    part.mask.forEach((ink, at) => {
      const place =
        (piece.top + Math.floor(at / part.width)) * inked.width + piece.left + (at % part.width);
      if (ink && sides[at]) inked.mask[place] = 0;
    });
  }
  return removed;
}

function cut(labels, width, { number, top, bottom, left, right }) {
  const part = {
    mask: new Uint8Array((bottom - top) * (right - left)),
    height: bottom - top,
    width: right - left,
  };
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      part.mask[(row - top) * part.width + column - left] =
        labels[row * width + column] === number ? 1 : 0;
    }
  }
  return part;
}

/** The four sides of the box that a piece is or has; null if a side is missing. */
function findBox(part) {
  const { height, width } = part;
  const thick = Math.max(Math.floor(Math.min(height, width) / 12), 1);
  const across = findLines(part, thick, false);
  if (!areAtBothEnds(across.places, height)) return null;
  const rest = copyOf(part);
  remove(rest, across.found);
  const down = findLines(turn(rest), thick, false);
  if (!areAtBothEnds(down.places, width)) return null;
  const turned = transpose(down.found, width, height);
  return across.found.map((line, at) => line | turned[at]);
}

const areAtBothEnds = (places, side) =>
  places.length > 0 && 4 * places[0] < side && 4 * places.at(-1) >= 3 * side;

/**
 * Find lines from left to right, at most `thick` pixels thick and inclined by a twentieth: where
 * they are, without what crosses them, and the row of each.
 */
function findLines(inked, thick, toTheEdges) {
  const { mask, height, width } = inked;
  const [found, places] = [new Uint8Array(mask.length), []];
  const count = Math.min(STRIPS, Math.floor(width / 3));
  if (thick < 1 || count < 5) return { found, places };
  const edges = Array.from({ length: count + 1 }, (_, at) => Math.floor((at * width) / count));
  const covered = isCovered(inked, edges, 7);
  if (!isCrossed(covered, count, toTheEdges)) return { found, places };
  const runs = runsOf(inked);
  const thin = copyOf(inked);
  for (let at = 0; at < mask.length; at++) if (runs[at] > thick) thin.mask[at] = 0;
  const lines = follow(covered, isCovered(thin, edges, 5), edges, toTheEdges);
  if (lines.length === 1 && toTheEdges) {
    const [{ rows }] = lines;
    // It may be the bar of a 7 that was cut out closely
    if (rows[0] <= thick || rows.at(-1) >= height - 1 - thick) return { found, places };
  }
  for (const { rows, zone } of lines) {
    const pixels = [];
    for (let strip = 0; strip < count; strip++) {
      for (let row = 0; row < height; row++) {
        if (!zone[row * count + strip]) continue;
        for (let at = row * width + edges[strip]; at < row * width + edges[strip + 1]; at++)
          if (mask[at]) pixels.push(at);
      }
    }
    const lengths = Int32Array.from(
      pixels.map((at) => runs[at]).filter((run) => run <= thick),
    ).sort();
    const typical = lengths[Math.floor(lengths.length / 2)];
    const most = typical + Math.max(Math.floor(typical / 2), 1);
    for (const at of pixels) if (runs[at] <= most) found[at] = 1;
    places.push(Math.floor((rows[0] + rows.at(-1)) / 2));
  }
  return { found, places };
}

/** Of each pixel of ink, how many stand one upon another there. */
function runsOf({ mask, height, width }) {
  const runs = new Int32Array(mask.length);
  for (let at = 0; at < mask.length; at++)
    if (mask[at]) runs[at] = 1 + (at < width ? 0 : runs[at - width]);
  for (let at = (height - 1) * width - 1; at >= 0; at--)
    if (mask[at] && mask[at + width]) runs[at] = runs[at + width];
  return runs;
}

/** The first strip that a line has to cover, and the one after the last. */
function stripsThatCount(count, toTheEdges) {
  const spared = toTheEdges ? 0 : Math.max(Math.floor(count / 8), 1);
  return [spared, count - spared];
}

/** Whether there can be a line: each strip is covered in some row. */
function isCrossed(covered, count, toTheEdges) {
  const crossed = new Uint8Array(count);
  for (let at = 0; at < covered.length; at++) crossed[at % count] |= covered[at];
  return crossed.subarray(...stripsThatCount(count, toTheEdges)).every(Boolean);
}

/**
 * Follow lines from strip to strip: for each, its rows in the middle of the sheet, and by row and
 * strip where it runs.
 */
function follow(covered, lean, edges, toTheEdges) {
  const count = edges.length - 1;
  const height = covered.length / count;
  const [first, end] = stripsThatCount(count, toTheEdges);
  const zones = new Map();
  const most = Math.floor(edges[count] / 20);
  for (let drop = -most; drop <= most; drop++) {
    const shifts = Array.from({ length: count }, (_, strip) =>
      Math.floor((drop * (2 * strip + 1 - count)) / (2 * count)),
    );
    const isThere = (grid, row, strip) => {
      const at = row + shifts[strip];
      return at >= 0 && at < height && grid[at * count + strip];
    };
    for (let row = 0; row < height; row++) {
      let strip = first;
      while (strip < end && isThere(covered, row, strip)) strip++;
      if (strip < end) continue;
      if (8 * shifts.filter((_, at) => isThere(lean, row, at)).length < 3 * count) continue;
      if (!zones.has(row)) zones.set(row, new Uint8Array(height * count));
      shifts.forEach((shift, at) => {
        const place = Math.min(Math.max(row + shift, 0), height - 1);
        zones.get(row)[place * count + at] = 1;
      });
    }
  }
  const lines = [];
  for (const row of [...zones.keys()].sort((a, b) => a - b)) {
    const last = lines.at(-1);
    if (last?.rows.at(-1) === row - 1) {
      last.rows.push(row);
      zones.get(row).forEach((runs, at) => (last.zone[at] |= runs));
    } else lines.push({ rows: [row], zone: zones.get(row) });
  }
  return lines.map(({ rows, zone }) => ({ rows, zone: widen(zone, count) }));
}

/** Whether so many tenths of each row and strip have ink there or in the next row. */
function isCovered({ mask, height, width }, edges, tenths) {
  const [wide, count] = [widen(mask, width), edges.length - 1];
  const covered = new Uint8Array(height * count);
  for (let row = 0; row < height; row++) {
    for (let strip = 0; strip < count; strip++) {
      let ink = 0;
      for (let column = edges[strip]; column < edges[strip + 1]; column++)
        ink += wide[row * width + column];
      covered[row * count + strip] = 10 * ink >= tenths * (edges[strip + 1] - edges[strip]) ? 1 : 0;
    }
  }
  return covered;
}

/** With the rows above and below. */
function widen(mask, width) {
  const wide = mask.slice();
  for (let at = width; at < mask.length; at++) {
    wide[at] |= mask[at - width];
    wide[at - width] |= mask[at];
  }
  return wide;
}
