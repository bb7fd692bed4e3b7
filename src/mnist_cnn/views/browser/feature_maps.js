// Choose or draw a digit, choose a convolution and see all its maps; choose a pixel and see how it
// is computed.

import { centerInBox, findInk } from "./drawing.js";
import { mosaic, strongest } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import { bytesOf, DIGIT, indexOfLargest, percent, sumOf, unzipImages } from "./numbers.js";
import { pad } from "./canvas.js";
import { digit, dropdown, keep, make, slider, statusLine } from "./elements.js";
import { inWords } from "./cleaning.js";

const LISTED = 3; // input maps whose products are shown; of the others, only the sum
const COLUMNS = ["from", "window", "kernel", "products", "sum"];

export async function FeatureMaps({
  model,
  values: { names, network: packed, fields, images, labels: bytes },
  el,
}) {
  const [network, labels, imageOf] = [
    unpackNetwork(packed),
    bytesOf(bytes),
    await unzipImages(images),
  ];
  const titles = network
    .filter(({ name }) => name)
    .map(({ shape }, at) => [at, `${at + 1}: ${shape[3]} maps`]);
  const layer = dropdown("convolution", titles, (value) =>
    choose({ layer: Number(value), place: null }),
  );
  const position = slider("image", 0, (image) => choose({ image, drawing: "" }));
  let drawn = null; // the pixels on the pad
  const paper = pad(
    (pixels) => show(get(), (drawn = pixels)),
    (drawing) => choose({ drawing }),
  );
  const [every, one] = ["all", "enlarged"].map((kind) =>
    mosaic(kind, (place) => choose({ place })),
  );
  const [caption, body] = [statusLine(), make("div.mnist-side-by-side")];
  el.append(
    make("div.mnist-row", {}, layer.element, position.element),
    make("div.mnist-row", {}, paper.element, every.element),
    make("div.mnist-row", {}, one.element, make("div.mnist-explanation", {}, caption, body)),
  );

  const show = ({ image, layer: number, place }) => {
    let seen = imageOf(image);
    let what = `Image ${image}, labelled ${names[labels[image]]}`;
    try {
      if (drawn) {
        const ink = findInk(drawn);
        const others = inWords(ink.left);
        seen = centerInBox(ink);
        what = others ? `Your drawing, without ${others}` : "Your drawing";
      }
    } catch (error) {
      caption.textContent = `The network has nothing to read: ${error.message}.`;
      return;
    }
    const { probabilities, convolutions } = forward(network, seen);
    const [found, guess] = [convolutions[number], indexOfLargest(probabilities)];
    const chosen = place ?? strongest(found.above);
    every.show(found.above, chosen);
    one.show(found.above, chosen);
    const [map, row, column] = chosen;
    const where = `Convolution ${number + 1}, map ${map}, row ${row}, column ${column}`;
    const value = fixed(numberAt(found.above, row, column, map), 3);
    const says = `the network says ${names[guess]}, with ${percent(probabilities[guess])}`;
    caption.textContent = `${what}; ${says}. ${where}: ${value}.`;
    body.replaceChildren(framed(seen, row, column, fields[number]), explanation(found, chosen));
  };
  // Until a place is chosen, it is that of the largest number.
  const { get, choose } = keep(
    model,
    { image: 0, drawing: "", layer: 0, place: null },
    (chosen) => {
      layer.show(chosen.layer);
      position.show(chosen.image, labels.length - 1);
      paper.show(chosen.drawing);
      show(chosen);
    },
  );
}

/** The table of how a number of a map is computed from the window below it. */
function explanation({ layer, below, above }, [map, row, column]) {
  const [side, , maps, filters] = layer.shape;
  const offsets = [...Array(side * side).keys()].map((at) => [Math.floor(at / side), at % side]);
  const parts = [...Array(maps).keys()].map((at) => {
    const window = offsets.map(([down, right]) => numberAt(below, row + down, column + right, at));
    const kernel = offsets.map((_, place) => layer.kernel[(place * maps + at) * filters + map]);
    const products = window.map((value, place) => value * kernel[place]);
    return {
      from: maps === 1 ? "the image" : `map ${at}`,
      grids: { window, kernel, products },
      sum: sumOf(products),
    };
  });
  const bySize = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const [listed, others] = [bySize.slice(0, LISTED), bySize.slice(LISTED)];
  const lines = listed.map(({ from, grids, sum }) => {
    const cells = Object.entries(grids).map(([name, values]) =>
      make("td", {}, grid(name, values, side)),
    );
    return line(from, sum, ...cells);
  });
  if (others.length)
    lines.push(line(`the other ${others.length} maps`, sumOf(others.map(({ sum }) => sum))));
  if (layer.biased) lines.push(line("bias", layer.bias[map]));
  lines.push(line("together", sumOf(parts.map(({ sum }) => sum)) + layer.bias[map]));
  if (layer.activation === "relu")
    lines.push(line("after ReLU", numberAt(above, row, column, map)));
  const heads = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, name)));
  return make(
    "table.mnist-sum",
    {},
    make("caption", {}, "How it is computed"),
    make("tbody", {}, heads, ...lines),
  );
}

/** A part of the sum, and the numbers that it comes from. */
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

/** Numbers in a table of squares, coloured by sign and size. */
function grid(name, values, side) {
  const most = Math.max(...values.map(Math.abs), 1e-6);
  const cell = (value) =>
    make(
      value < 0 ? "td.minus" : "td.plus",
      { style: `--share: ${Math.abs(value) / most}` },
      fixed(value, 2),
    );
  const rows = [...Array(side).keys()].map((row) =>
    make("tr", {}, ...values.slice(side * row, side * (row + 1)).map(cell)),
  );
  return make("table.mnist-grid", { "aria-label": name }, make("tbody", {}, ...rows));
}

/** What the network sees, with a frame around the pixels on which the number depends. */
function framed(seen, row, column, [size, step]) {
  const places = { top: row * step, left: column * step, width: size, height: size };
  const style = Object.entries(places).map(
    ([name, pixels]) => `${name}: ${percent(pixels / DIGIT, 2)}`,
  );
  return make(
    "div.mnist-framed",
    {},
    digit(seen, "what the network sees", 84),
    make("i", { style: style.join(";") }),
  );
}

const numberAt = ({ data, shape: [, width, maps] }, row, column, map) =>
  data[(row * width + column) * maps + map];

/** A number with so many decimals; zero has no sign. */
function fixed(value, places) {
  const text = value.toFixed(places);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
