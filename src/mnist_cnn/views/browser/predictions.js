// Browse images, and what one network, or several side by side, predict for them.

import {
  bytesOf,
  floatsOf,
  formatCount,
  indexOfLargest,
  percent,
  unzipImages,
} from "./numbers.js";
import { bars, createState, digitCanvas, dropdown, make, slider, statusLine } from "./elements.js";

const ALL = "all images";
const DISAGREE = "the networks disagree";
const ANY = "any";
const INITIAL = { order: ALL, network: "0", actual: ANY, taken: ANY, position: 1 };

/** The orders in which images are shown: each selects and sorts the indices of all images. */
const ORDERS = {
  [ALL]: (all) => all,
  "mistakes, most confident first": (all, labels, { predicted, confidence }) =>
    all
      .filter((index) => predicted[index] !== labels[index])
      .sort((a, b) => confidence[b] - confidence[a]),
  "least sure first": (all, labels, { confidence }) =>
    all.sort((a, b) => confidence[a] - confidence[b]),
  [DISAGREE]: (all, labels, network, networks) =>
    all.filter((index) =>
      networks.some(({ predicted }) => predicted[index] !== networks[0].predicted[index]),
    ),
};

export async function PredictionBrowser({ model, values, el }) {
  const { names } = values;
  const imageOf = await unzipImages(values.images);
  const labels = bytesOf(values.labels);
  const networks = values.networks.map((network) => unpackPredictions(network, names.length));
  const { update, subscribe } = createState(model, INITIAL);
  const menus = makeMenus(names, networks, update);
  const position = slider("position", 1, (value) => update({ position: value }));
  const caption = statusLine();
  const body = make("div.mnist-side-by-side");
  const elements = menus.map(({ menu }) => menu.element);
  el.append(make("div.mnist-row", {}, ...elements), position.element, caption, body);

  const find = rememberLast((filters) => findImages(filters, labels, networks));
  subscribe((chosen) => {
    const { position: place, ...filters } = chosen;
    const found = find(filters);
    for (const { key, menu } of menus) menu.show(chosen[key]);
    position.show(place, Math.max(found.length, 1));
    if (!found.length) {
      caption.textContent = "There is no such image.";
      body.replaceChildren();
      return;
    }
    const index = found[place - 1];
    const label = labels[index];
    const what = `image ${index}, actual ${names[label]}`;
    const said = networks.map((network) => describe(network, index, label, names)).join("; ");
    const where = `${formatCount(place)} of ${formatCount(found.length)}`;
    caption.textContent = `${where}: ${what}. ${said}.`;
    const tables = networks.map(({ name, row }) => bars(name, row(index), names, label));
    body.replaceChildren(digitCanvas(imageOf(index), what, 224), ...tables);
  });
}

/** A network's name, its probabilities as a function of the index, predictions and confidences. */
function unpackPredictions({ name, probabilities }, classes) {
  const numbers = floatsOf(probabilities);
  const row = (index) => numbers.subarray(classes * index, classes * (index + 1));
  const predicted = new Uint8Array(numbers.length / classes).map((_, index) =>
    indexOfLargest(row(index)),
  );
  const confidence = Float32Array.from(predicted, (guess, index) => row(index)[guess]);
  return { name, row, predicted, confidence };
}

/** A menu for each of the filters; a new choice starts at the first image that it finds. */
function makeMenus(names, networks, update) {
  const orders = Object.keys(ORDERS).filter((order) => order !== DISAGREE || networks.length > 1);
  const classes = [[ANY, ANY], ...names.entries()];
  const menu = (key, name, options) => ({
    key,
    menu: dropdown(name, options, (value) => update({ [key]: value, position: 1 })),
  });
  return [
    menu(
      "order",
      "show",
      orders.map((order) => [order, order]),
    ),
    menu(
      "network",
      "of network",
      networks.map(({ name }, i) => [i, name]),
    ),
    menu("actual", "actual", classes),
    menu("taken", "taken for", classes),
  ];
}

/** The indices of the images that pass the filters, in their order. */
function findImages({ order, network, actual, taken }, labels, networks) {
  const chosen = networks[network];
  return ORDERS[order]([...labels.keys()], labels, chosen, networks).filter(
    (index) =>
      (actual === ANY || labels[index] === Number(actual)) &&
      (taken === ANY || chosen.predicted[index] === Number(taken)),
  );
}

/** Wrap a function so that it computes again only when its argument changes. */
function rememberLast(compute) {
  let key = null;
  let result;
  return (argument) => {
    if (JSON.stringify(argument) !== key) {
      key = JSON.stringify(argument);
      result = compute(argument);
    }
    return result;
  };
}

/** What a network says of an image, and whether that is right. */
function describe({ name, predicted, confidence }, index, label, names) {
  const guess = predicted[index];
  const verdict = guess === label ? "right" : "wrong";
  return `${name} ${verdict}: ${names[guess]} with ${percent(confidence[index])}`;
}
