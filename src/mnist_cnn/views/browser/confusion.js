// What is taken for what: after a training, and epoch by epoch.

import { confusionMatrix } from "./matrix.js";
import { bytesOf, count, percent, unzipImages } from "./numbers.js";
import { digit, keep, make, slider, statusLine } from "./elements.js";

const PER_PAGE = 44; // images in the gallery

/** A matrix whose cells open; with none chosen, all mistakes are shown. */
function explorer(names, labels, order, imageOf, choose) {
  const matrix = confusionMatrix(names, (cell) => choose({ cell, page: 1 }));
  const pages = slider("page", 1, (page) => choose({ page }), false);
  const [caption, gallery] = [statusLine(), make("div.mnist-gallery")];

  const show = (predicted, { cell, page }) => {
    const counts = new Array(names.length ** 2).fill(0);
    labels.forEach((label, index) => counts[names.length * label + predicted[index]]++);
    matrix.show(counts, cell);
    const [actual, taken] = cell;
    const found = order.filter((index) =>
      cell.length ? labels[index] === actual && predicted[index] === taken : labels[index] !== predicted[index],
    );
    const last = Math.max(Math.ceil(found.length / PER_PAGE), 1);
    pages.show(Math.min(page, last), last);
    const first = PER_PAGE * (Math.min(page, last) - 1);
    const shown = found.slice(first, first + PER_PAGE);
    const where = shown.length < found.length ? `, here ${first + 1} to ${first + shown.length}` : "";
    const how = actual === taken ? "read right" : `taken for ${names[taken]}`;
    const what = cell.length ? `Actual ${names[actual]}, ${how}` : "All mistakes";
    caption.textContent = `${what}: ${count(found.length)} ${found.length === 1 ? "image" : "images"}${where}.`;
    const figures = [...shown].map((index) => {
      const pair = `${names[labels[index]]} → ${names[predicted[index]]}`;
      const words = make("figcaption", {}, pair, make("br"), `no. ${index}`);
      return make("figure", {}, digit(imageOf(index), `${pair}, no. ${index}`, 56), words);
    });
    gallery.replaceChildren(...figures);
  };
  return { parts: [matrix.element, pages.element, caption, gallery], show };
}

export async function ConfusionExplorer({ model, values, el }) {
  const [labels, predicted] = [bytesOf(values.labels), bytesOf(values.predicted)];
  const imageOf = await unzipImages(values.images);
  const { parts, show } = explorer(values.names, labels, values.order, imageOf, (changes) => choose(changes));
  el.append(...parts);
  const { choose } = keep(model, { cell: [], page: 1 }, (chosen) => show(predicted, chosen));
}

export async function EpochScrubber({ model, values, el }) {
  const [labels, predicted] = [bytesOf(values.labels), bytesOf(values.predicted)];
  const [n, epochs] = [labels.length, predicted.length / labels.length - 1];
  const imageOf = await unzipImages(values.images);
  const position = slider("epoch", 0, (epoch) => choose({ epoch, page: 1 }));
  const caption = statusLine();
  const { parts, show: explore } = explorer(values.names, labels, values.order, imageOf, (changes) => choose(changes));
  el.append(position.element, caption, ...parts);

  const show = (chosen) => {
    const { epoch } = chosen;
    const now = predicted.subarray(n * epoch, n * (epoch + 1));
    const right = labels.filter((label, index) => label === now[index]).length;
    const when = epoch ? `After epoch ${epoch}` : "Untrained";
    position.show(epoch, epochs);
    caption.textContent = `${when}: ${percent(right / n, 2)} right, ${count(n - right)} of ${count(n)} wrong.`;
    explore(now, chosen);
  };
  const { choose } = keep(model, { epoch: 0, cell: [], page: 1 }, show);
}
