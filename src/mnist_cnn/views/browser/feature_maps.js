// Choose or draw a digit, choose a convolution and see all its maps; choose a pixel and see how it
// is computed.

import { ALL, ENLARGED, mosaic, strongest } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import {
  bytesOf,
  IMAGE_SIDE,
  indexOfLargest,
  percent,
  range,
  sumOf,
  unzipImages,
} from "./numbers.js";
import { drawingCanvas } from "./canvas.js";
import { createState, digitCanvas, dropdown, make, slider, statusLine } from "./elements.js";
import { prepareDrawing } from "./prepare_drawing.js";

const LISTED = 3; // input maps whose products are shown; of the others, only the sum
const COLUMNS = ["from", "window", "kernel", "products", "sum"];

export async function FeatureMaps({ model, values, el }) {
  const labels = bytesOf(values.labels);
  const imageOf = await unzipImages(values.images);
  const network = unpackNetwork(values.network);
  // While no place is chosen, it is that of the largest number
  const initial = { image: 0, drawing: "", layer: 0, place: null };
  const { get, update, subscribe } = createState(model, initial);
  const layer = dropdown("convolution", titlesOf(network), (value) =>
    update({ layer: Number(value), place: null }),
  );
  const position = slider("image", 0, (image) => update({ image, drawing: "" }));
  const maps = mapsPanel(network, values, (place) => update({ place }));

  let drawn = null; // the pixels on the canvas
  const show = (chosen) => {
    const { image } = chosen;
    const what = `Image ${image}, labelled ${values.names[labels[image]]}`;
    maps.show(drawn ? readDrawing(drawn) : { seen: imageOf(image), what }, chosen);
  };
  const canvas = drawingCanvas({
    onDraw: (pixels) => {
      drawn = pixels;
      show(get());
    },
    onSave: (drawing) => update({ drawing }),
  });

  el.append(
    make("div.mnist-row", {}, layer.element, position.element),
    make("div.mnist-row", {}, canvas.element, maps.all),
    make("div.mnist-row", {}, maps.enlarged, maps.explanation),
  );
  subscribe((chosen) => {
    layer.show(chosen.layer);
    position.show(chosen.image, labels.length - 1);
    canvas.show(chosen.drawing);
    show(chosen);
  });
}

/** All maps of a convolution, one enlarged, and how one of its numbers is computed. */
function mapsPanel(network, { names, fields }, onChoose) {
  const all = mosaic(ALL, onChoose);
  const enlarged = mosaic(ENLARGED, onChoose);
  const caption = statusLine();
  const body = make("div.mnist-side-by-side");

  const show = ({ seen, what, error }, { layer: number, place }) => {
    if (error) {
      caption.textContent = error;
      return;
    }
    const { probabilities, convolutions } = forward(network, seen);
    const convolution = convolutions[number];
    const chosen = place ?? strongest(convolution.above);
    all.show(convolution.above, chosen);
    enlarged.show(convolution.above, chosen);
    const guess = indexOfLargest(probabilities);
    const says = `the network says ${names[guess]}, with ${percent(probabilities[guess])}`;
    const where = `Convolution ${number + 1}, ${describe(convolution.above, chosen)}`;
    caption.textContent = `${what}; ${says}. ${where}.`;
    const window = framed(seen, chosen, fields[number]);
    body.replaceChildren(window, explanationTable(convolution, chosen));
  };
  const explanation = make("div.mnist-explanation", {}, caption, body);
  return { all: all.element, enlarged: enlarged.element, explanation, show };
}

/** Say where a number of the maps is, and the number itself. */
function describe(maps, [map, row, column]) {
  const value = fixed(numberAt(maps, row, column, map), 3);
  return `map ${map}, row ${row}, column ${column}: ${value}`;
}

/** The convolutions to choose from: the index and the title of each. */
function titlesOf(network) {
  const convolutions = network.filter(({ kind }) => kind === "convolution");
  return convolutions.map(({ shape }, i) => [i, `${i + 1}: ${shape[3]} maps`]);
}

/** What the network sees of drawn pixels, and `what` that is in words; or an `error` in words. */
function readDrawing(pixels) {
  const { seen, others, error } = prepareDrawing(pixels);
  return { seen, what: others ? `Your drawing, without ${others}` : "Your drawing", error };
}

/** A table that shows how a number of a map is computed from the window below it. */
function explanationTable({ layer, below, above }, [map, row, column]) {
  const parts = partsOfSum(layer, below, [map, row, column]);
  const bySize = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const lines = bySize.slice(0, LISTED).map(({ from, grids, sum }) => {
    const cells = Object.entries(grids).map(([name, values]) =>
      make("td", {}, grid(name, values, layer.shape[0])),
    );
    return line(from, sum, ...cells);
  });
  const others = bySize.slice(LISTED).map(({ sum }) => sum);
  if (others.length) lines.push(line(`the other ${others.length} maps`, sumOf(others)));
  if (layer.biased) lines.push(line("bias", layer.bias[map]));
  const together = sumOf(parts.map(({ sum }) => sum)) + layer.bias[map];
  lines.push(line("together", together));
  if (layer.activation === "relu")
    lines.push(line("after ReLU", numberAt(above, row, column, map)));
  const heads = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, name)));
  const title = make("caption", {}, "How it is computed");
  return make("table.mnist-sum", {}, title, make("tbody", {}, heads, ...lines));
}

/** What each map below adds to a number: its window, its kernel, the products and their sum. */
function partsOfSum({ shape, kernel: kernels }, below, [map, row, column]) {
  const [side, , maps, filters] = shape;
  const offsets = range(side * side).map((i) => [Math.floor(i / side), i % side]);
  return range(maps).map((from) => {
    const window = offsets.map(([down, right]) =>
      numberAt(below, row + down, column + right, from),
    );
    const kernel = offsets.map((_, place) => kernels[(place * maps + from) * filters + map]);
    const products = window.map((value, place) => value * kernel[place]);
    return {
      from: maps === 1 ? "the image" : `map ${from}`,
      grids: { window, kernel, products },
      sum: sumOf(products),
    };
  });
}

/** A row of the table: a part of the sum, and the cells with the numbers that it comes from. */
function line(name, sum, ...cells) {
  const between = cells.length ? cells : [make("td", { colspan: 3 })];
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    ...between,
    make("td", {}, fixed(sum, 3)),
  );
}

/** A table of `side` by `side` numbers, coloured by sign and size. */
function grid(name, values, side) {
  const most = Math.max(...values.map(Math.abs), 1e-6);
  const cell = (value) =>
    make(
      value < 0 ? "td.minus" : "td.plus",
      { style: `--share: ${Math.abs(value) / most}` },
      fixed(value, 2),
    );
  const rows = range(side).map((row) =>
    make("tr", {}, ...values.slice(side * row, side * (row + 1)).map(cell)),
  );
  return make("table.mnist-grid", { "aria-label": name }, make("tbody", {}, ...rows));
}

/** What the network sees, with a frame around the pixels on which the number depends. */
function framed(seen, [, row, column], [size, step]) {
  const places = { top: row * step, left: column * step, width: size, height: size };
  const style = Object.entries(places).map(
    ([name, pixels]) => `${name}: ${percent(pixels / IMAGE_SIDE, 2)}`,
  );
  return make(
    "div.mnist-framed",
    {},
    digitCanvas(seen, "what the network sees", 84),
    make("i", { style: style.join(";") }),
  );
}

const numberAt = ({ data, shape: [, width, maps] }, row, column, map) =>
  data[(row * width + column) * maps + map];

/** Format a number with `decimals` digits after the point; zero has no sign. */
function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
