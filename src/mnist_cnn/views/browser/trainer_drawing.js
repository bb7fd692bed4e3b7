// Drawing for a network in the view Trainer, and adding what one draws to what it learns from.

import { drawingCanvas } from "./canvas.js";
import { answerPanel } from "./drawing_pad.js";
import { digitCanvas, dropdown, make, statusLine } from "./elements.js";
import { forward, unpackNetwork } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { countText } from "./own_digits.js";
import { prepareDrawing } from "./prepare_drawing.js";

const INVITATION = "Draw a digit, large or small, anywhere on the pad.";

/**
 * A pad to draw on, what the network says, and the digits that the reader has added. `onOwnDigits`
 * is called with these, each its `image` and its `label`, and `goOn` trains the network longer.
 */
export function drawPanel(names, onOwnDigits, goOn) {
  const own = [];
  let prepared = null; // what is drawn, as the network gets it
  let network = null; // packed
  let answer = null;
  const answerPlace = make("div");
  const status = statusLine();
  const gallery = ownGallery(names, remove);
  const labelling = labelControls(names, add, goOn);
  const canvas = drawingCanvas({ onDraw: showAnswer, onSave() {} });

  function showAnswer(pixels) {
    prepared = pixels && prepareDrawing(pixels);
    answer.show(prepared, true);
    labelling.showDrawing(Boolean(prepared?.image));
  }

  function add(label) {
    own.push({ image: prepared.image, label });
    onOwnDigits(own);
    gallery.show(own, network);
    status.textContent =
      `${countText(own.length)} added. They are repeated until they make up a tenth of the ` +
      "images to learn from. Train longer: does it read them now? Then draw new ones.";
  }

  function remove(digit) {
    own.splice(own.indexOf(digit), 1);
    onOwnDigits(own);
    gallery.show(own, network);
    status.textContent = `${countText(own.length)} left.`;
    canvas.element.querySelector("canvas").focus(); // the button that had the focus is gone
  }

  function show(trained) {
    ({ network } = trained);
    answer = answerPanel({ names, network, invitation: INVITATION, maps: false });
    answerPlace.replaceChildren(answer.caption, answer.body);
    answer.show(prepared, true);
    gallery.show(own, network);
  }
  const parts = [answerPlace, labelling.element, status, gallery.element];
  const element = make("div.mnist-row", {}, canvas.element, make("div.mnist-beside", {}, ...parts));
  return { element, show, showPhase: labelling.showPhase };
}

/** A menu to say which digit was drawn, and buttons that add it and train longer. */
function labelControls(names, onAdd, goOn) {
  let label = null;
  let isDrawn = false;
  const menu = dropdown("this is a", [["", "…"], ...names.entries()], (value) =>
    choose(value === "" ? null : Number(value)),
  );
  const add = make(
    "button",
    { type: "button", click: addDigit },
    "Add it to the images to learn from",
  );
  const longer = make("button", { type: "button", click: goOn }, "Train longer");

  function choose(newLabel) {
    label = newLabel;
    menu.show(label ?? "");
    add.disabled = !isDrawn || label === null;
  }

  function addDigit() {
    onAdd(label);
    choose(null); // or the next digit could be added with the label of this one
  }

  function showDrawing(isThere) {
    isDrawn = isThere;
    choose(label);
  }

  function showPhase(phase) {
    longer.disabled = phase === "running";
  }
  choose(null);
  const element = make("div.mnist-row.mnist-buttons", {}, menu.element, add, longer);
  return { element, showDrawing, showPhase };
}

/** The reader's own digits, and what the network reads in each; a button removes one. */
function ownGallery(names, onRemove) {
  const element = make("div.mnist-gallery");

  function show(own, network) {
    const layers = unpackNetwork(network);
    const figures = own.map((digit) => {
      const guess = indexOfLargest(forward(layers, digit.image).probabilities);
      const [actual, read] = [names[digit.label], names[guess]];
      const text = `your ${actual}, read as ${read}`;
      const name = { "aria-label": `Remove ${text}` };
      const button = make(
        "button",
        { type: "button", click: () => onRemove(digit), ...name },
        "Remove",
      );
      const caption = make("figcaption", {}, `${actual} → ${read}`, make("br"), button);
      return make("figure", {}, digitCanvas(digit.image, text, 56), caption);
    });
    element.replaceChildren(...figures);
  }
  return { element, show };
}
