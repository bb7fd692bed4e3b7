// Feature maps as pictures, all of them or the chosen one enlarged: choose a map and a pixel, by pointer or arrow keys.

import { inkOnPaper, make, STEPS } from "./elements.js";

const GAP = 3; // screen pixels around each map
const WIDTH = 520; // of all maps together, at most
const AREA = { all: WIDTH * 340, enlarged: 211 ** 2 };
const KEYS = { all: "Click a map, or use the arrow keys.", enlarged: "Click a pixel, or use the arrow keys." };

/** Maps of one convolution. `choose` is called with a map, a row and a column; without it they are only a picture. */
export function mosaic(kind, choose) {
  const canvas = make("canvas", choose ? { tabindex: 0, role: "application" } : { role: "img" });
  const element = make(
    "div.mnist-mosaic",
    {},
    canvas,
    make("small", { "aria-hidden": true }, choose ? KEYS[kind] : ""),
  );
  const picture = canvas.getContext("2d");
  let shape, chosen; // height, width and number of the maps; a map, a row and a column

  const layOut = () => {
    const [height, width, count] = shape;
    const shown = kind === "all" ? [...Array(count).keys()] : [chosen[0]];
    const scale = Math.max(Math.floor((Math.sqrt(AREA[kind] / shown.length) - GAP) / width), 1);
    const [across, down] = [scale * width + GAP, scale * height + GAP]; // from one map to the next
    const columns = Math.min(Math.floor(WIDTH / across), shown.length);
    return { count, height, width, shown, scale, across, down, columns };
  };
  const show = (maps, place = [0, 0, 0]) => {
    [shape, chosen] = [maps.shape, place];
    const inkOf = scaled(maps);
    const { count, height, width, shown, scale, across, down, columns } = layOut();
    const [map, row, column] = chosen;
    [canvas.width, canvas.height] = [columns * across + GAP, Math.ceil(shown.length / columns) * down + GAP];
    [picture.imageSmoothingEnabled, picture.lineWidth] = [false, GAP];
    [picture.fillStyle, picture.strokeStyle] = ["#9aa5b1", "#cc4055"];
    const corner = (at) => [(at % columns) * across + GAP, Math.floor(at / columns) * down + GAP];
    const small = new OffscreenCanvas(width, height);
    shown.forEach((each, at) => {
      const [x, y] = corner(at);
      picture.fillRect(x - GAP, y - GAP, across + GAP, down + GAP);
      small.getContext("2d").putImageData(inkOnPaper(inkOf(each), height, width), 0, 0);
      picture.drawImage(small, x, y, scale * width, scale * height);
    });
    if (!choose) {
      canvas.ariaLabel = `${count} maps`;
      return;
    }
    const [x, y] = corner(shown.indexOf(map));
    const [left, top, wide, high] =
      kind === "all" ? [x, y, scale * width, scale * height] : [x + column * scale, y + row * scale, scale, scale];
    picture.strokeRect(left - GAP / 2, top - GAP / 2, wide + GAP, high + GAP);
    canvas.ariaLabel =
      kind === "all"
        ? `All ${count} maps; map ${map} is chosen. Arrow keys choose another.`
        : `Map ${map}, enlarged; row ${row}, column ${column} is chosen. Arrow keys choose another pixel.`;
  };
  const chooseWithin = (map, row, column) => {
    const { count, height, width } = layOut();
    const within = (at, size) => Math.min(Math.max(at, 0), size - 1);
    if (map >= 0 && map < count) choose([map, within(row, height), within(column, width)]);
  };

  canvas.addEventListener("click", (event) => {
    const { shown, scale, across, down, columns } = layOut();
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * canvas.width) / box.width - GAP;
    const y = ((event.clientY - box.top) * canvas.height) / box.height - GAP;
    const map = shown[Math.max(Math.floor(y / down), 0) * columns + Math.max(Math.floor(x / across), 0)];
    if (map !== undefined) chooseWithin(map, Math.floor((y % down) / scale), Math.floor((x % across) / scale));
  });
  canvas.addEventListener("keydown", (event) => {
    if (!STEPS[event.key]) return;
    event.preventDefault();
    const [map, row, column] = chosen;
    const [down, right] = STEPS[event.key];
    if (kind === "all") chooseWithin(map + down * layOut().columns + right, row, column);
    else chooseWithin(map, row + down, column + right);
  });
  return { element, show };
}

/** Where the largest number is: its map, row and column. */
export function strongest({ data, shape: [, width, count] }) {
  const at = data.reduce((found, value, each) => (value > data[found] ? each : found), 0);
  const place = Math.floor(at / count);
  return [at % count, Math.floor(place / width), place % width];
}

/** The numbers as ink in 0..255, on one scale for all maps; a function that gives those of a map. */
function scaled({ data, shape: [height, width, count] }) {
  let [low, high] = [0, 1e-6];
  for (const value of data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const ink = (value) => (255 * (value - low)) / (high - low);
  return (map) => {
    const inks = new Uint8Array(height * width);
    for (let at = 0; at < inks.length; at++) inks[at] = ink(data[count * at + map]);
    return inks;
  };
}
