// The view PredictionBrowser: images, and what networks, one or several side by side, predict for
// them.

import { bytesOf, floatsOf, unzipImages } from "./bytes.js";
import { formatCount, indexOfLargest, percent } from "./numbers.js";
import { digitCanvas, dropdown, make, probabilityBars, slider, statusLine } from "./elements.js";
import { createState, memoizeLast } from "./state.js";

const ALL = "all images";
const DISAGREE = "the networks disagree";
const ANY = "any";
const INITIAL = { order: ALL, network: "0", actual: ANY, predicted: ANY, position: 1 };

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

/**
 * Its values: `images`, `labels`, `names` of the classes; and `networks`, each with its `name` and
 * its `probabilities`, float32, image after image.
 */
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
  const elements = Object.values(menus).map((menu) => menu.element);
  el.append(make("div.mnist-row", {}, ...elements), position.element, caption, body);

  const find = memoizeLast((filters) => findImages(filters, labels, networks));
  subscribe((chosen) => {
    const { position: current, ...filters } = chosen;
    const found = find(filters);
    for (const [filter, menu] of Object.entries(menus)) menu.show(filters[filter]);
    position.show(current, Math.max(found.length, 1));
    if (!found.length) {
      caption.textContent = "There is no such image.";
      body.replaceChildren();
      return;
    }
    const index = found[current - 1];
    const label = labels[index];
    const title = `image ${index}, actual ${names[label]}`;
    const verdicts = networks.map((network) => verdictText(network, index, label, names));
    const positionText = `${formatCount(current)} of ${formatCount(found.length)}`;
    caption.textContent = `${positionText}: ${title}. ${verdicts.join("; ")}.`;
    const tables = networks.map(({ name, probabilitiesOf }) =>
      probabilityBars(name, probabilitiesOf(index), names, label),
    );
    body.replaceChildren(digitCanvas(imageOf(index), title, 224), ...tables);
  });
}

/** A network's name, its probabilities as a function of the index, predictions and confidences. */
function unpackPredictions({ name, probabilities }, classes) {
  const numbers = floatsOf(probabilities);
  const probabilitiesOf = (index) => numbers.subarray(classes * index, classes * (index + 1));
  const predicted = new Uint8Array(numbers.length / classes).map((_, index) =>
    indexOfLargest(probabilitiesOf(index)),
  );
  const confidence = Float32Array.from(predicted, (guess, index) => probabilitiesOf(index)[guess]);
  return { name, probabilitiesOf, predicted, confidence };
}

/** A menu for each of the filters; a new choice starts at the first image that it finds. */
function makeMenus(names, networks, update) {
  const choose = (filter) => (value) => update({ [filter]: value, position: 1 });
  const orders = Object.keys(ORDERS).filter((order) => order !== DISAGREE || networks.length > 1);
  const orderOptions = orders.map((order) => [order, order]);
  const networkOptions = networks.map(({ name }, i) => [i, name]);
  const classOptions = [[ANY, ANY], ...names.entries()];
  return {
    order: dropdown("show", orderOptions, choose("order")),
    network: dropdown("of network", networkOptions, choose("network")),
    actual: dropdown("actual", classOptions, choose("actual")),
    predicted: dropdown("taken for", classOptions, choose("predicted")),
  };
}

/** The indices of the images that pass the filters, in their order. */
function findImages({ order, network: number, actual, predicted }, labels, networks) {
  const network = networks[number];
  return ORDERS[order]([...labels.keys()], labels, network, networks).filter(
    (index) =>
      (actual === ANY || labels[index] === Number(actual)) &&
      (predicted === ANY || network.predicted[index] === Number(predicted)),
  );
}

/** What a network says of an image, and whether that is right. */
function verdictText({ name, predicted, confidence }, index, label, names) {
  const guess = predicted[index];
  const verdict = guess === label ? "right" : "wrong";
  return `${name} ${verdict}: ${names[guess]} with ${percent(confidence[index])}`;
}
