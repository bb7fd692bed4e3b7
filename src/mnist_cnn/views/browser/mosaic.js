// Pictures of feature maps, all of them or the chosen one enlarged, on which the reader chooses a
// map and a pixel by pointer or arrow keys.

import { clampIndex, indexOfLargest, percent, range } from "./numbers.js";
import { ARROW_KEYS, canvasPoint, inkOnPaper, make } from "./elements.js";
import shared from "../../shared.json" with { type: "json" };

const GAP = 3; // screen pixels around each map
const MAX_WIDTH = 520; // screen pixels, of all maps together

// Kinds of mosaic. Each has an area to fill, in screen pixels, and selects the maps to show. A
// place is a map, a row and a column; the box of the chosen map or pixel begins `left` and `top`
// from the corner of its map.

/** All maps, of which one is chosen. */
export const ALL_MAPS = {
  area: MAX_WIDTH * 340,
  keys: "Click a map, or use the arrow keys.",

  selectMaps: (count) => range(count),

  boxOfChosen({ height, width, scale }) {
    return { left: 0, top: 0, width: scale * width, height: scale * height };
  },

  label({ count }, [map]) {
    return `All ${count} maps; map ${map} is chosen. Arrow keys choose another.`;
  },

  neighbour({ columns }, [map, row, column], [down, right]) {
    return [map + down * columns + right, row, column];
  },
};

/** The chosen map alone, of which a pixel is chosen. */
export const ENLARGED_MAP = {
  area: 211 ** 2,
  keys: "Click a pixel, or use the arrow keys.",

  selectMaps: (count, map) => [map],

  boxOfChosen({ scale }, [, row, column]) {
    return { left: scale * column, top: scale * row, width: scale, height: scale };
  },

  label(layout, [map, row, column]) {
    const chosen = `Map ${map}, enlarged; row ${row}, column ${column} is chosen.`;
    return `${chosen} Arrow keys choose another pixel.`;
  },

  neighbour(layout, [map, row, column], [down, right]) {
    return [map, row + down, column + right];
  },
};

/**
 * Make a mosaic of one convolution's maps, of the kind ALL_MAPS or ENLARGED_MAP. `onChoose` is
 * called with the place that the reader chooses; without it, the mosaic is only a picture.
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
  let chosen; // a place
  function show(maps, place = [0, 0, 0]) {
    chosen = place;
    layout = computeLayout(kind, maps.shape, chosen);
    draw(canvas, layout, maps);
    Object.assign(frame.style, frameAround(kind, layout, chosen, canvas));
    canvas.ariaLabel = onChoose ? kind.label(layout, chosen) : `${layout.count} maps`;
  }
  if (onChoose) {
    function chooseWithin([map, row, column]) {
      const { count, height, width } = layout;
      if (map < 0 || map >= count) return;
      onChoose([map, clampIndex(row, height), clampIndex(column, width)]);
    }
    canvas.addEventListener("click", (event) => {
      const place = placeAt(canvasPoint(event, canvas), layout);
      if (place) chooseWithin(place);
    });
    canvas.addEventListener("keydown", (event) => {
      const step = ARROW_KEYS[event.key];
      if (!step) return;
      event.preventDefault();
      chooseWithin(kind.neighbour(layout, chosen, step));
    });
  }
  return { element, show };
}

/** The place of the largest number. */
export function placeOfLargest({ data, shape: [, width, count] }) {
  const i = indexOfLargest(data);
  const pixel = Math.floor(i / count);
  return [i % count, Math.floor(pixel / width), pixel % width];
}

/**
 * Compute which maps are shown, in how many columns, and in screen pixels the `scale` of a map's
 * pixel and the distances, `across` and `down`, from one map to the next.
 */
function computeLayout(kind, [height, width, count], [map]) {
  const shown = kind.selectMaps(count, map);
  const side = Math.sqrt(kind.area / shown.length) - GAP;
  const scale = Math.max(Math.floor(side / width), 1);
  const across = scale * width + GAP;
  const down = scale * height + GAP;
  const columns = Math.min(Math.floor(MAX_WIDTH / across), shown.length);
  return { count, height, width, shown, scale, across, down, columns };
}

/** The upper left corner of the picture of a map. */
function cornerOf(map, { shown, columns, across, down }) {
  const i = shown.indexOf(map);
  return [(i % columns) * across + GAP, Math.floor(i / columns) * down + GAP];
}

/** Draw the shown maps, scaled up, each with a gap around it. */
function draw(canvas, layout, maps) {
  const { height, width, shown, scale, across, down, columns } = layout;
  canvas.width = columns * across + GAP;
  canvas.height = Math.ceil(shown.length / columns) * down + GAP;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillStyle = shared.colors.light.grey; // between sheets of white paper, in both themes
  const inkOf = scaleToInk(maps);
  const small = new OffscreenCanvas(width, height);
  for (const map of shown) {
    const [x, y] = cornerOf(map, layout);
    context.fillRect(x - GAP, y - GAP, across + GAP, down + GAP);
    small.getContext("2d").putImageData(inkOnPaper(inkOf(map), height, width), 0, 0);
    context.drawImage(small, x, y, scale * width, scale * height);
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

/**
 * Scale the numbers of all maps alike to ink in 0..255: 0, or the lowest if it is negative, becomes
 * white. Returns a function that returns the ink of a map.
 */
function scaleToInk({ data, shape: [height, width, count] }) {
  let low = 0;
  let high = 1e-6; // never 0, as it divides
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return (map) => {
    const ink = new Uint8Array(height * width);
    for (let i = 0; i < ink.length; i++)
      ink[i] = (255 * (data[count * i + map] - low)) / (high - low);
    return ink;
  };
}
