// The view FeatureMaps: choose or draw a digit, choose a convolution and see all its maps; choose a
// pixel and see how it is computed.

import { ALL_MAPS, ENLARGED_MAP, mosaic, placeOfLargest } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import { bytesOf, unzipImages } from "./bytes.js";
import { IMAGE_SIDE, indexOfLargest, percent, range, sumOf } from "./numbers.js";
import { drawingCanvas } from "./canvas.js";
import { digitCanvas, dropdown, make, slider, statusLine } from "./elements.js";
import { prepareDrawing } from "./prepare_drawing.js";
import { createState, memoizeLast } from "./state.js";

const MAX_DETAILED = 3; // input maps whose products are shown; of the others, only the sum
const COLUMNS = ["from", "window", "kernel", "products", "sum"];

/**
 * Its values: `images`, `labels`, `names` of the classes; `network`, as `pack_network` in packing.py
 * returns it; and `fields`, the side and stride of the receptive fields of each convolution.
 */
export async function FeatureMaps({ model, values, el }) {
  const labels = bytesOf(values.labels);
  const imageOf = await unzipImages(values.images);
  const network = unpackNetwork(values.network);
  // While no place is chosen, it is that of the largest number
  const initial = { image: 0, drawing: "", layer: 0, place: null };
  const { get, update, subscribe } = createState(model, initial);
  const layer = dropdown("convolution", convolutionOptions(network), (value) =>
    update({ layer: Number(value), place: null }),
  );
  const position = slider("image", 0, (image) => update({ image, drawing: "" }));
  const maps = mapsPanel(network, values, (place) => update({ place }));

  let drawing = null; // what the network gets of the pixels on the canvas
  function show(chosen) {
    const { image } = chosen;
    const title = `Image ${image}, labelled ${values.names[labels[image]]}`;
    maps.show(drawing ?? { image: imageOf(image), title }, chosen);
  }
  const canvas = drawingCanvas({
    onDraw: (pixels) => {
      drawing = pixels && readDrawing(pixels);
      show(get());
    },
    onSave: (saved) => update({ drawing: saved }),
  });

  el.append(
    make("div.mnist-row", {}, layer.element, position.element),
    make("div.mnist-row", {}, maps.all, canvas.element),
    make("div.mnist-row", {}, maps.enlarged, maps.explanation),
  );
  subscribe((chosen) => {
    layer.show(chosen.layer);
    position.show(chosen.image, labels.length - 1);
    canvas.show(chosen.drawing);
    show(chosen);
  });
}

/**
 * All maps of a convolution, one enlarged, and how one of its pixels is computed. Of the receptive
 * field of each convolution, `fields` holds the side and the stride, in pixels of the image.
 */
function mapsPanel(network, { names, fields }, onChoose) {
  const all = mosaic(ALL_MAPS, onChoose);
  const enlarged = mosaic(ENLARGED_MAP, onChoose);
  const caption = statusLine();
  const body = make("div.mnist-side-by-side");
  const compute = memoizeLast((image) => forward(network, image)); // not for each chosen pixel

  function show({ image, title, error }, { layer: number, place }) {
    all.element.hidden = Boolean(error);
    enlarged.element.hidden = Boolean(error);
    if (error) {
      caption.textContent = error;
      body.replaceChildren();
      return;
    }
    const { probabilities, convolutions } = compute(image);
    const convolution = convolutions[number];
    const chosen = place ?? placeOfLargest(convolution.output);
    all.show(convolution.output, chosen);
    enlarged.show(convolution.output, chosen);
    const guess = indexOfLargest(probabilities);
    const answer = `the network says ${names[guess]}, with ${percent(probabilities[guess])}`;
    const pixel = `Convolution ${number + 1}, ${pixelText(convolution.output, chosen)}`;
    caption.textContent = `${title}; ${answer}. ${pixel}.`;
    const input = framedDigit(image, chosen, fields[number]);
    body.replaceChildren(input, explanationTable(convolution, chosen));
  }
  const explanation = make("div.mnist-explanation", {}, caption, body);
  return { all: all.element, enlarged: enlarged.element, explanation, show };
}

/** The place of a pixel of the maps, and its value. */
function pixelText(maps, [map, row, column]) {
  const value = fixed(valueAt(maps, row, column, map), 3);
  return `map ${map}, row ${row}, column ${column}: ${value}`;
}

/** The convolutions to choose from: the index and the title of each. */
function convolutionOptions(network) {
  const convolutions = network.filter(({ kind }) => kind === "convolution");
  return convolutions.map(({ shape }, i) => [i, `${i + 1}: ${shape[3]} maps`]);
}

/** The image that the network gets of drawn pixels, and its title; or an `error` in words. */
function readDrawing(pixels) {
  const { image, clutter, error } = prepareDrawing(pixels);
  return { image, title: clutter ? `Your drawing, without ${clutter}` : "Your drawing", error };
}

/** A table that shows how a pixel of a map is computed from its window in each input map. */
function explanationTable({ layer, input, output }, [map, row, column]) {
  const terms = termsOfSum(layer, input, [map, row, column]);
  const bySize = [...terms].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const rows = bySize.slice(0, MAX_DETAILED).map(({ from, grids, sum }) => {
    const cells = Object.entries(grids).map(([name, values]) =>
      make("td", {}, grid(name, values, layer.shape[0])),
    );
    return tableRow(from, sum, ...cells);
  });
  const others = bySize.slice(MAX_DETAILED).map(({ sum }) => sum);
  if (others.length) rows.push(tableRow(`the other ${others.length} maps`, sumOf(others)));
  if (layer.use_bias) rows.push(tableRow("bias", layer.bias[map]));
  const total = sumOf(terms.map(({ sum }) => sum)) + layer.bias[map];
  rows.push(tableRow("together", total));
  if (layer.activation === "relu")
    rows.push(tableRow("after ReLU", valueAt(output, row, column, map)));
  const header = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, name)));
  const title = make("caption", {}, "How it is computed");
  return make("table.mnist-sum", {}, title, make("tbody", {}, header, ...rows));
}

/** What each input map adds to a pixel: its window, its kernel, the products and their sum. */
function termsOfSum({ shape, kernel: kernels }, input, [map, row, column]) {
  const [side, , maps, filters] = shape;
  const offsets = range(side * side).map((i) => [Math.floor(i / side), i % side]);
  return range(maps).map((from) => {
    const window = offsets.map(([down, right]) => valueAt(input, row + down, column + right, from));
    const kernel = offsets.map((_, i) => kernels[(i * maps + from) * filters + map]);
    const products = window.map((value, i) => value * kernel[i]);
    return {
      from: maps === 1 ? "the image" : `map ${from}`,
      grids: { window, kernel, products },
      sum: sumOf(products),
    };
  });
}

/** A row of the table: a term of the sum, and the cells with the numbers that it comes from. */
function tableRow(name, sum, ...cells) {
  const details = cells.length ? cells : [make("td", { colspan: 3 })];
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    ...details,
    make("td", {}, fixed(sum, 3)),
  );
}

/** A table of `side` by `side` numbers, coloured by sign and size. */
function grid(name, values, side) {
  const largest = Math.max(...values.map(Math.abs), 1e-6); // never 0, as it divides
  const cell = (value) =>
    make(
      value < 0 ? "td.minus" : "td.plus",
      { style: `--share: ${Math.abs(value) / largest}` },
      fixed(value, 2),
    );
  const rows = range(side).map((row) =>
    make("tr", {}, ...values.slice(side * row, side * (row + 1)).map(cell)),
  );
  return make("table.mnist-grid", { "aria-label": name }, make("tbody", {}, ...rows));
}

/** The network's input, with a frame around the receptive field of the chosen pixel. */
function framedDigit(image, [, row, column], [side, stride]) {
  const box = { top: row * stride, left: column * stride, width: side, height: side };
  const style = Object.entries(box).map(
    ([name, pixels]) => `${name}: ${percent(pixels / IMAGE_SIDE, 2)}`,
  );
  return make(
    "div.mnist-framed",
    {},
    digitCanvas(image, "what the network sees", 84),
    make("i", { style: style.join(";") }),
  );
}

function valueAt({ data, shape: [, width, maps] }, row, column, map) {
  return data[(row * width + column) * maps + map];
}

/** Format a number with `decimals` digits after the point; zero has no sign. */
function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
