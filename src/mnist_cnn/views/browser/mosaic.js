// Feature maps as pictures, all of them or the chosen one enlarged: choose a map and a pixel, by
// pointer or arrow keys.

import { clampIndex, indexOfLargest, percent, range } from "./numbers.js";
import { canvasPoint, inkOnPaper, make, STEPS } from "./elements.js";
import shared from "../../shared.json" with { type: "json" };

const GAP = 3; // screen pixels around each map
const WIDTH = 520; // of all maps together, at most

// Kinds of mosaic. A place is a map, a row and a column; the box of the chosen map or pixel begins
// `left` and `top` from the corner of its map.

/** All maps, of which one is chosen. */
export const ALL = {
  area: WIDTH * 340,
  keys: "Click a map, or use the arrow keys.",

  shown: (count) => range(count),

  boxOfChosen({ height, width, scale }) {
    return { left: 0, top: 0, width: scale * width, height: scale * height };
  },

  describe({ count }, [map]) {
    return `All ${count} maps; map ${map} is chosen. Arrow keys choose another.`;
  },

  neighbour({ columns }, [map, row, column], [down, right]) {
    return [map + down * columns + right, row, column];
  },
};

/** The chosen map alone, of which a pixel is chosen. */
export const ENLARGED = {
  area: 211 ** 2,
  keys: "Click a pixel, or use the arrow keys.",

  shown: (count, map) => [map],

  boxOfChosen({ scale }, [, row, column]) {
    return { left: scale * column, top: scale * row, width: scale, height: scale };
  },

  describe(layout, [map, row, column]) {
    const chosen = `Map ${map}, enlarged; row ${row}, column ${column} is chosen.`;
    return `${chosen} Arrow keys choose another pixel.`;
  },

  neighbour(layout, [map, row, column], [down, right]) {
    return [map, row + down, column + right];
  },
};

/**
 * Maps of one convolution, of the kind ALL or ENLARGED. `onChoose` is called with a map, a row and
 * a column; without it they are only a picture.
 */
export function mosaic(kind, onChoose) {
  const canvas = make("canvas", onChoose ? { tabindex: 0, role: "application" } : { role: "img" });
  const frame = make("i", { hidden: !onChoose });
  const element = make(
    "div.mnist-mosaic",
    {},
    make("div.mnist-framed", {}, canvas, frame),
    make("small", { "aria-hidden": true }, onChoose ? kind.keys : ""),
  );
  let layout;
  let chosen; // a map, a row and a column
  const show = (maps, place = [0, 0, 0]) => {
    chosen = place;
    layout = layOut(kind, maps.shape, chosen);
    draw(canvas, layout, maps);
    Object.assign(frame.style, frameAround(kind, layout, chosen, canvas));
    canvas.ariaLabel = onChoose ? kind.describe(layout, chosen) : `${layout.count} maps`;
  };
  if (onChoose) {
    const chooseWithin = ([map, row, column]) => {
      const { count, height, width } = layout;
      if (map < 0 || map >= count) return;
      onChoose([map, clampIndex(row, height), clampIndex(column, width)]);
    };
    canvas.addEventListener("click", (event) => {
      const place = placeAt(canvasPoint(event, canvas), layout);
      if (place) chooseWithin(place);
    });
    canvas.addEventListener("keydown", (event) => {
      if (!STEPS[event.key]) return;
      event.preventDefault();
      chooseWithin(kind.neighbour(layout, chosen, STEPS[event.key]));
    });
  }
  return { element, show };
}

/** Where the largest number is: its map, row and column. */
export function strongest({ data, shape: [, width, count] }) {
  const i = indexOfLargest(data);
  const place = Math.floor(i / count);
  return [i % count, Math.floor(place / width), place % width];
}

/** Compute which maps are shown, their scale, and their spacing `across` and `down`. */
function layOut(kind, [height, width, count], [map]) {
  const shown = kind.shown(count, map);
  const side = Math.sqrt(kind.area / shown.length) - GAP;
  const scale = Math.max(Math.floor(side / width), 1);
  const across = scale * width + GAP;
  const down = scale * height + GAP;
  const columns = Math.min(Math.floor(WIDTH / across), shown.length);
  return { count, height, width, shown, scale, across, down, columns };
}

/** The upper left corner of the picture of a map. */
function cornerOf(map, { shown, columns, across, down }) {
  const i = shown.indexOf(map);
  return [(i % columns) * across + GAP, Math.floor(i / columns) * down + GAP];
}

function draw(canvas, layout, maps) {
  const { height, width, shown, scale, across, down, columns } = layout;
  canvas.width = columns * across + GAP;
  canvas.height = Math.ceil(shown.length / columns) * down + GAP;
  const picture = canvas.getContext("2d");
  picture.imageSmoothingEnabled = false;
  picture.fillStyle = shared.colors.light.grey; // between sheets of white paper, in both themes
  const inkOf = scaled(maps);
  const small = new OffscreenCanvas(width, height);
  for (const map of shown) {
    const [x, y] = cornerOf(map, layout);
    picture.fillRect(x - GAP, y - GAP, across + GAP, down + GAP);
    small.getContext("2d").putImageData(inkOnPaper(inkOf(map), height, width), 0, 0);
    picture.drawImage(small, x, y, scale * width, scale * height);
  }
}

/**
 * The style of a frame around the chosen map or pixel, in percent of the canvas, which a phone
 * scales down.
 */
function frameAround(kind, layout, chosen, canvas) {
  const [x, y] = cornerOf(chosen[0], layout);
  const { left, top, width, height } = kind.boxOfChosen(layout, chosen);
  return {
    left: percent((x + left - GAP) / canvas.width, 4),
    top: percent((y + top - GAP) / canvas.height, 4),
    width: percent((width + 2 * GAP) / canvas.width, 4),
    height: percent((height + 2 * GAP) / canvas.height, 4),
  };
}

/** The map, row and column at a point of the canvas; null where no map is. */
function placeAt([x, y], { shown, scale, across, down, columns }) {
  const right = Math.max(x - GAP, 0);
  const below = Math.max(y - GAP, 0);
  const map = shown[Math.floor(below / down) * columns + Math.floor(right / across)];
  if (map === undefined) return null;
  return [map, Math.floor((below % down) / scale), Math.floor((right % across) / scale)];
}

/** A function that returns the numbers of a map as ink in 0..255, on one scale for all maps. */
function scaled({ data, shape: [height, width, count] }) {
  let low = 0;
  let high = 1e-6;
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return (map) => {
    const inks = new Uint8Array(height * width);
    for (let i = 0; i < inks.length; i++)
      inks[i] = (255 * (data[count * i + map] - low)) / (high - low);
    return inks;
  };
}
