// Slide through images and what one network, or several side by side, predict for them.

import { bytesOf, count, floatsOf, indexOfLargest, percent, unzipImages } from "./numbers.js";
import { bars, digit, dropdown, keep, make, slider, statusLine } from "./elements.js";

const [ALL, DISAGREE] = ["all images", "the networks disagree"];
const ANY = "any";

export async function PredictionBrowser({ model, values: { names, labels: packed, networks, images }, el }) {
  const [imageOf, labels] = [await unzipImages(images), bytesOf(packed)];
  const answers = networks.map(({ name, probabilities }) => {
    const numbers = floatsOf(probabilities);
    const row = (index) => numbers.subarray(names.length * index, names.length * (index + 1));
    const predicted = labels.map((_, index) => indexOfLargest(row(index)));
    return { name, row, predicted, sure: Float32Array.from(predicted, (guess, index) => row(index)[guess]) };
  });

  const orders = {
    [ALL]: (all) => all,
    "mistakes, most confident first": (all, { predicted, sure }) =>
      all.filter((index) => predicted[index] !== labels[index]).sort((a, b) => sure[b] - sure[a]),
    "least sure first": (all, { sure }) => all.sort((a, b) => sure[a] - sure[b]),
    [DISAGREE]: (all) =>
      all.filter((index) => answers.some(({ predicted }) => predicted[index] !== answers[0].predicted[index])),
  };
  if (answers.length < 2) delete orders[DISAGREE];
  const find = ({ order, network, actual, taken }) =>
    orders[order](Array.from(labels.keys()), answers[network]).filter(
      (index) =>
        (actual === ANY || labels[index] === Number(actual)) &&
        (taken === ANY || answers[network].predicted[index] === Number(taken)),
    );

  const classes = [[ANY, ANY], ...names.entries()];
  // A narrower choice begins at its first image.
  const menus = Object.entries({
    order: ["show", Object.keys(orders).map((order) => [order, order])],
    network: ["of network", answers.map(({ name }, at) => [at, name])],
    actual: ["actual", classes],
    taken: ["taken for", classes],
  }).map(([key, [name, options]]) => [key, dropdown(name, options, (value) => choose({ [key]: value, position: 1 }))]);
  const position = slider("position", 1, (value) => choose({ position: value }));
  const [caption, body] = [statusLine(), make("div.mnist-side-by-side")];
  el.append(make("div.mnist-row", {}, ...menus.map(([, menu]) => menu.element)), position.element, caption, body);

  let [found, foundFor] = [[], ""];
  const show = (chosen) => {
    menus.forEach(([key, menu]) => menu.show(chosen[key]));
    const wanted = JSON.stringify({ ...chosen, position: 0 });
    if (wanted !== foundFor) [found, foundFor] = [find(chosen), wanted];
    position.show(chosen.position, Math.max(found.length, 1));
    if (!found.length) {
      caption.textContent = "There is no such image.";
      body.replaceChildren();
      return;
    }
    const index = found[chosen.position - 1];
    const label = labels[index];
    const what = `image ${index}, actual ${names[label]}`;
    const said = answers.map(({ name, predicted, sure }) => {
      const verdict = predicted[index] === label ? "right" : "wrong";
      return `${name} ${verdict}: ${names[predicted[index]]} with ${percent(sure[index])}`;
    });
    caption.textContent = `${count(chosen.position)} of ${count(found.length)}: ${what}. ${said.join("; ")}.`;
    const tables = answers.map(({ name, row }) => bars(name, row(index), names, label));
    body.replaceChildren(digit(imageOf(index), what, 224), ...tables);
  };
  const first = { order: ALL, network: "0", actual: ANY, taken: ANY, position: 1 };
  const { choose } = keep(model, first, show);
}
