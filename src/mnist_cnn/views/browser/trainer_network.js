// What one can do in the view Trainer with a network that has been trained: look at its mistakes
// and feature maps, draw for it, add one's own digits, and take it along.

import { RECEPTIVE_FIELDS } from "./architecture.js";
import { drawingCanvas } from "./canvas.js";
import { ConfusionExplorer } from "./confusion.js";
import { answerPanel } from "./drawing_pad.js";
import { digitCanvas, dropdown, make, statusLine } from "./elements.js";
import { FeatureMaps } from "./feature_maps.js";
import { loadingCode, trainingCode } from "./keras_code.js";
import { forward, unpackNetwork } from "./network.js";
import { npz } from "./npz.js";
import { indexOfLargest, range } from "./numbers.js";
import { countText } from "./own_digits.js";
import { prepareDrawing } from "./prepare_drawing.js";
import { localModel } from "./state.js";

const FILE = "my_network"; // the name of what one downloads

/**
 * Panels to choose from. `onOwnDigits` is called with the reader's own digits, each its `image` and
 * its `label`, when one is added or removed; `goOn` lets the training go on. `show` takes a trained
 * network: as `network`, packed; what it `predicted` for the validation images; its `settings`, its
 * `title`, and how many images it has `seen`.
 */
export function networkPanel({ validation, names, onOwnDigits, goOn }) {
  const views = {
    "Its mistakes": viewPanel(ConfusionExplorer, ({ predicted }) => ({
      ...validation,
      names,
      predicted,
      order: range(predicted.length),
    })),
    "Its feature maps": viewPanel(FeatureMaps, ({ network }) => ({
      ...validation,
      names,
      network,
      fields: RECEPTIVE_FIELDS,
    })),
    "Draw for it": drawPanel(names, onOwnDigits, goOn),
    "Take it home": filePanel(),
  };
  const title = make("h3");
  const body = make("div");
  let trained = null;
  let chosen = null;
  const buttons = Object.keys(views).map((name) =>
    make("button", { type: "button", click: () => choose(name) }, name),
  );

  function choose(name) {
    chosen = name;
    buttons.forEach((button) => button.setAttribute("aria-pressed", button.textContent === name));
    body.replaceChildren(views[name].element);
    views[name].show(trained);
  }

  function show(newlyTrained) {
    trained = newlyTrained;
    title.textContent = trained.title;
    element.hidden = false;
    if (chosen) choose(chosen);
  }

  /** Show whether the network is "running", "paused" or "done". */
  function showPhase(phase) {
    views["Draw for it"].showPhase(phase);
  }
  const element = make(
    "section",
    { hidden: true },
    title,
    make("div.mnist-buttons", {}, ...buttons),
    body,
  );
  return { element, show, showPhase };
}

/** One of the other views, drawn anew for each network; what is chosen in it stays. */
function viewPanel(view, valuesOf) {
  const element = make("div");
  let model = localModel();

  async function show(trained) {
    model = localModel(model.get("chosen"));
    const newest = model;
    const el = make("div");
    element.setAttribute("aria-busy", true);
    await view({ model, values: valuesOf(trained), el });
    if (newest !== model) return; // another network has come
    element.replaceChildren(el);
    element.setAttribute("aria-busy", false);
  }
  return { element, show };
}

/** A pad to draw on, what the network says, and the digits that the reader adds. */
function drawPanel(names, onOwnDigits, goOn) {
  const own = [];
  let network = null; // packed
  let prepared = null; // what is drawn, as the network gets it
  const answer = make("div");
  const status = statusLine();
  const gallery = make("div.mnist-gallery");
  let label = null; // which digit the reader says it is
  const labels = dropdown("this is a", [["", "…"], ...names.entries()], (value) => {
    label = value === "" ? null : Number(value);
    showAnswer();
  });
  const addButton = make(
    "button",
    { type: "button", click: add },
    "Add it to the images to learn from",
  );
  const canvas = drawingCanvas({
    onDraw(pixels) {
      prepared = pixels && prepareDrawing(pixels);
      showAnswer();
    },
    onSave() {},
  });

  function add() {
    own.push({ image: prepared.image, label });
    label = null;
    labels.show("");
    addButton.disabled = true;
    showOwn();
    onOwnDigits(own);
    status.textContent =
      `${countText(own.length)} added. They are repeated until they make up a tenth of the ` +
      "images to learn from. Train longer: does it read them now? Then draw new ones.";
  }

  function remove(digit) {
    own.splice(own.indexOf(digit), 1);
    showOwn();
    onOwnDigits(own);
    status.textContent = `${countText(own.length)} left.`;
    canvas.element.querySelector("canvas").focus();
  }

  function showAnswer() {
    addButton.disabled = !prepared?.image || label === null;
    const invitation = "Draw a digit, large or small, anywhere on the pad.";
    const panel = answerPanel({ names, network, invitation, maps: false });
    panel.show(prepared, true);
    answer.replaceChildren(panel.caption, panel.body);
  }

  function showOwn() {
    const layers = unpackNetwork(network);
    const figures = own.map((digit) => {
      const guess = indexOfLargest(forward(layers, digit.image).probabilities);
      const text = `your ${names[digit.label]}, read as ${names[guess]}`;
      const button = make("button", { type: "button", click: () => remove(digit) }, "Remove");
      button.setAttribute("aria-label", `Remove ${text}`);
      const caption = make(
        "figcaption",
        {},
        `${names[digit.label]} → ${names[guess]}`,
        make("br"),
        button,
      );
      return make("figure", {}, digitCanvas(digit.image, text, 56), caption);
    });
    gallery.replaceChildren(...figures);
  }

  function show(trained) {
    network = trained.network;
    showAnswer();
    showOwn();
  }
  const longer = make("button", { type: "button", click: goOn }, "Train longer");
  const controls = make("div.mnist-row.mnist-buttons", {}, labels.element, addButton, longer);
  const beside = make("div.mnist-beside", {}, answer, controls, status, gallery);
  function showPhase(phase) {
    longer.disabled = phase === "running";
  }
  return { element: make("div.mnist-row", {}, canvas.element, beside), show, showPhase };
}

/** The weights to download, and the program that opens them. */
function filePanel() {
  const element = make("div");

  function show({ network, settings, seen }) {
    const loading = loadingCode(network.layers, `${FILE}.npz`);
    const weights = () => download(npz(weightArrays(network)), `${FILE}.npz`);
    const program = () => download(loading, `${FILE}.py`);
    element.replaceChildren(
      make(
        "p",
        {},
        "The weights, and a program that builds the same network with Keras and opens them:",
      ),
      make(
        "div.mnist-buttons",
        {},
        make("button", { type: "button", click: weights }, "Download the weights"),
        make("button", { type: "button", click: program }, "Download the program"),
      ),
      code(loading),
      make("p", {}, trainingText(settings)),
      code(trainingCode(settings, Math.round(seen / settings.images) || 1)),
    );
  }
  return { element, show };
}

/** What the lines below it do, and what of this training they leave out. */
function trainingText({ augment }) {
  const without = augment ? ", but without augmentation" : "";
  return (
    `To train it with Keras with the same settings${without}, leave out the lines that open the ` +
    "weights, and add these. The labels are one-hot encoded:"
  );
}

function code(text) {
  return make("pre", { tabindex: 0 }, text);
}

/** The kernels and biases of a packed network, in the order and shapes that Keras has. */
function weightArrays(network) {
  const weighted = unpackNetwork(network).filter(({ kernel }) => kernel);
  return weighted.flatMap(({ kind, shape, kernel, bias }) => [
    { shape: kind === "dense" ? shape.slice(2) : shape, values: kernel },
    { shape: shape.slice(3), values: bias },
  ]);
}

/** Let the browser save a text or bytes as a file. */
function download(content, name) {
  const address = URL.createObjectURL(new Blob([content]));
  make("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
