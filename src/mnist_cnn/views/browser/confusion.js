// The views ConfusionExplorer and EpochScrubber: which classes a network takes for which, after its
// training or epoch by epoch.

import { confusionMatrix } from "./confusion_matrix.js";
import { bytesOf, unzipImages } from "./bytes.js";
import { formatCount, percent } from "./numbers.js";
import { digitCanvas, make, slider, statusLine } from "./elements.js";
import { createState } from "./state.js";

const PER_PAGE = 44; // images on a page of the gallery

/**
 * Its values: `images`, `labels`, `names` of the classes; `predicted`, a byte for each image; and
 * `order`, the indices of the images as they are shown.
 */
export async function ConfusionExplorer({ model, values, el }) {
  const predicted = bytesOf(values.predicted);
  const imageOf = await unzipImages(values.images);
  const { update, subscribe } = createState(model, { cell: [], page: 1 });
  const explorer = mistakeExplorer(values, imageOf, update);
  el.append(...explorer.elements);
  subscribe((chosen) => explorer.show(predicted, chosen));
}

/**
 * Its values: `images`, `labels`, `names` of the classes; `predicted`, a byte for each image, first
 * before training, then after each epoch; and `order`, the indices of the images as they are shown.
 */
export async function EpochScrubber({ model, values, el }) {
  const labels = bytesOf(values.labels);
  const predicted = bytesOf(values.predicted);
  const n = labels.length;
  const epochs = predicted.length / n - 1;
  const imageOf = await unzipImages(values.images);
  const { update, subscribe } = createState(model, { epoch: 0, cell: [], page: 1 });
  const position = slider("epoch", 0, (epoch) => update({ epoch, page: 1 }));
  const caption = statusLine();
  const explorer = mistakeExplorer(values, imageOf, update);
  el.append(position.element, caption, ...explorer.elements);
  subscribe((chosen) => {
    const { epoch } = chosen;
    const current = predicted.subarray(n * epoch, n * (epoch + 1));
    const right = labels.filter((label, index) => label === current[index]).length;
    const when = epoch ? `After epoch ${epoch}` : "Untrained";
    const wrong = `${formatCount(n - right)} of ${formatCount(n)} wrong`;
    position.show(epoch, epochs);
    caption.textContent = `${when}: ${percent(right / n, 2)} right, ${wrong}.`;
    explorer.show(current, chosen);
  });
}

/** A confusion matrix, and the images of its chosen cell; while none is chosen, all mistakes. */
function mistakeExplorer({ names, labels: packed, order }, imageOf, update) {
  const labels = bytesOf(packed);
  const matrix = confusionMatrix(names, (cell) => update({ cell, page: 1 }));
  const pages = slider("page", 1, (page) => update({ page }), { canPlay: false });
  const caption = statusLine();
  const gallery = make("div.mnist-gallery");

  function show(predicted, { cell, page: wanted }) {
    matrix.show(countPairs(names.length, labels, predicted), cell);
    const isFound = cell.length
      ? (index) => labels[index] === cell[0] && predicted[index] === cell[1]
      : (index) => labels[index] !== predicted[index];
    const found = order.filter(isFound);
    const last = Math.max(Math.ceil(found.length / PER_PAGE), 1);
    const page = Math.min(wanted, last);
    pages.show(page, last);
    const start = PER_PAGE * (page - 1);
    const shown = found.slice(start, start + PER_PAGE);
    caption.textContent = `${titleOf(cell, names)}: ${countText(found, shown, start)}.`;
    const figures = shown.map((index) => {
      const pair = `${names[labels[index]]} → ${names[predicted[index]]}`;
      return figure(imageOf(index), pair, `no. ${index}`);
    });
    gallery.replaceChildren(...figures);
  }
  return { elements: [matrix.element, pages.element, caption, gallery], show };
}

/** Count the images for each pair of actual and predicted class, row after row. */
function countPairs(classes, labels, predicted) {
  const counts = Array.from({ length: classes ** 2 }, () => 0);
  labels.forEach((label, index) => counts[classes * label + predicted[index]]++);
  return counts;
}

/** The title of the images of a cell; while none is chosen, of all mistakes. */
function titleOf(cell, names) {
  if (!cell.length) return "All mistakes";
  const [actual, predicted] = cell;
  const outcome = actual === predicted ? "read right" : `taken for ${names[predicted]}`;
  return `Actual ${names[actual]}, ${outcome}`;
}

/** How many images were found, and which of them are shown. */
function countText(found, shown, start) {
  const images = `${formatCount(found.length)} ${found.length === 1 ? "image" : "images"}`;
  if (shown.length === found.length) return images;
  return `${images}, here ${start + 1} to ${start + shown.length}`;
}

function figure(image, pair, number) {
  const caption = make("figcaption", {}, pair, make("br"), number);
  return make("figure", {}, digitCanvas(image, `${pair}, ${number}`, 56), caption);
}
