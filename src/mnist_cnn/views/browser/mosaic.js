// Feature maps as pictures, all of them or the chosen one enlarged: choose a map and a pixel, by
// pointer or arrow keys.

import { clampIndex, indexOfLargest, percent, range } from "./numbers.js";
import { canvasPoint, inkOnPaper, make, STEPS } from "./elements.js";
import shared from "../../shared.json" with { type: "json" };

const GAP = 3; // screen pixels around each map
const WIDTH = 520; // of all maps together, at most
const AREA = { all: WIDTH * 340, enlarged: 211 ** 2 };
const KEYS = {
  all: "Click a map, or use the arrow keys.",
  enlarged: "Click a pixel, or use the arrow keys.",
};

/**
 * Maps of one convolution, of the `kind` "all" or "enlarged". `choose` is called with a map, a row
 * and a column; without it they are only a picture.
 */
export function mosaic(kind, choose) {
  const canvas = make("canvas", choose ? { tabindex: 0, role: "application" } : { role: "img" });
  const frame = make("i", { hidden: !choose });
  const element = make(
    "div.mnist-mosaic",
    {},
    make("div.mnist-framed", {}, canvas, frame),
    make("small", { "aria-hidden": true }, choose ? KEYS[kind] : ""),
  );
  let layout;
  let chosen; // a map, a row and a column
  const show = (maps, place = [0, 0, 0]) => {
    chosen = place;
    layout = layOut(kind, maps.shape, chosen);
    draw(canvas, layout, maps);
    Object.assign(frame.style, frameAround(kind, layout, chosen, canvas));
    canvas.ariaLabel = choose ? describe(kind, layout, chosen) : `${layout.count} maps`;
  };
  if (choose) {
    const chooseWithin = ([map, row, column]) => {
      const { count, height, width } = layout;
      if (map < 0 || map >= count) return;
      choose([map, clampIndex(row, height), clampIndex(column, width)]);
    };
    canvas.addEventListener("click", (event) => {
      const place = placeAt(canvasPoint(event, canvas), layout);
      if (place) chooseWithin(place);
    });
    canvas.addEventListener("keydown", (event) => {
      if (!STEPS[event.key]) return;
      event.preventDefault();
      chooseWithin(neighbour(kind, layout, chosen, STEPS[event.key]));
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

/** Which maps are shown, how large, and how far it is from one to the next, across and down. */
function layOut(kind, [height, width, count], [map]) {
  const shown = kind === "all" ? range(count) : [map];
  const side = Math.sqrt(AREA[kind] / shown.length) - GAP;
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
 * The style of a frame around the chosen map or pixel: in parts of the canvas, which a phone shows
 * smaller than it is.
 */
function frameAround(kind, layout, [map, row, column], canvas) {
  const { height, width, scale } = layout;
  const [x, y] = cornerOf(map, layout);
  const box =
    kind === "all"
      ? { left: x, top: y, width: scale * width, height: scale * height }
      : { left: x + scale * column, top: y + scale * row, width: scale, height: scale };
  return {
    left: percent((box.left - GAP) / canvas.width, 4),
    top: percent((box.top - GAP) / canvas.height, 4),
    width: percent((box.width + 2 * GAP) / canvas.width, 4),
    height: percent((box.height + 2 * GAP) / canvas.height, 4),
  };
}

function describe(kind, { count }, [map, row, column]) {
  return kind === "all"
    ? `All ${count} maps; map ${map} is chosen. Arrow keys choose another.`
    : `Map ${map}, enlarged; row ${row}, column ${column} is chosen. ` +
        "Arrow keys choose another pixel.";
}

/** The map, row and column at a point of the canvas; null where no map is. */
function placeAt([x, y], { shown, scale, across, down, columns }) {
  const right = Math.max(x - GAP, 0);
  const below = Math.max(y - GAP, 0);
  const map = shown[Math.floor(below / down) * columns + Math.floor(right / across)];
  if (map === undefined) return null;
  return [map, Math.floor((below % down) / scale), Math.floor((right % across) / scale)];
}

/** One step from a place: another map, or with one map enlarged another pixel. */
function neighbour(kind, { columns }, [map, row, column], [down, right]) {
  if (kind === "all") return [map + down * columns + right, row, column];
  return [map, row + down, column + right];
}

/** A function that gives the numbers of a map as ink in 0..255, on one scale for all maps. */
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
