// The view Trainer: choose a network, train it in the page, watch it learn, compare trainings, and
// look at what it has learned. It is a module of its own, which only those load who want to train.

import { bytesOf, unzip } from "./bytes.js";
import { make, statusLine } from "./elements.js";
import { IMAGE_SIDE } from "./numbers.js";
import { countText, withOwnDigits } from "./own_digits.js";
import { createState } from "./state.js";
import { experimentPanel } from "./trainer_experiments.js";
import { networkPanel } from "./trainer_network.js";
import { progressPanel } from "./trainer_progress.js";
import { DEFAULTS, IMAGES_AT_ONCE, settingsPanel, trainingSettings } from "./trainer_settings.js";
import { widget } from "./widget.js";

/**
 * Its values: `training` and `validation`, each with `images` and `labels`; `names` of the classes;
 * `worker`, the code of training_worker.js as a script; and `wasm`, the bytes of matrix.wasm.
 */
async function Trainer({ model, values, el, signal }) {
  const { names } = values;
  const available = await unzipDigits(values.training);
  const validation = await unzipDigits(values.validation);
  const classes = names.length;
  const initial = { images: available.labels.length, ...DEFAULTS };
  const { get, update, subscribe } = createState(model, initial);
  const trainings = []; // those of this page, in order; the last is the current one
  let count = 0; // of all trainings that were started
  let own = []; // digits that the reader has drawn and labelled
  let worker = null;

  const experiments = experimentPanel(initial.images, update);
  const menus = settingsPanel({ initial, classes, onChange: update });
  const hint = statusLine();
  const buttons = trainingButtons({ start, pause, goOn });
  const progress = progressPanel(trainings);
  const network = networkPanel({ validation: values.validation, names, onOwnDigits, goOn });

  function send(kind, message = {}) {
    worker.postMessage({ kind, ...message });
  }

  /** What a training with these settings learns from. */
  function digitsFor(settings) {
    const images = available.images.subarray(0, settings.images * IMAGE_SIDE ** 2);
    return withOwnDigits({ images, labels: available.labels.subarray(0, settings.images) }, own);
  }

  function start() {
    if (!worker) {
      worker = startWorker(values.worker, { receive, fail, signal });
      send("load", { wasm: bytesOf(values.wasm), validation, classes });
    }
    const settings = get();
    if (trainings.at(-1)?.points.length === 0) trainings.pop(); // replaced before it began
    count++;
    const added = own.length ? `, and ${countText(own.length)} of yours` : "";
    const title = `Training ${count} (${menus.describe(settings)}${added})`;
    trainings.push({ number: count, title, settings, points: [], end: IMAGES_AT_ONCE });
    const chosen = { settings: trainingSettings(settings), digits: digitsFor(settings) };
    send("start", { number: count, ...chosen, images: IMAGES_AT_ONCE });
    showPhase("running");
    progress.start();
  }

  function showPhase(phase) {
    buttons.show(phase);
    network.showPhase(phase);
    showHint(get());
  }

  /** Say that the menus do not change a network that is there. */
  function showHint(settings) {
    const current = trainings.at(-1);
    const isOther = current && JSON.stringify(settings) !== JSON.stringify(current.settings);
    hint.hidden = !isOther;
    hint.textContent = isOther
      ? `The menus are for the next new network, not for training ${count}.`
      : "";
  }

  function pause() {
    send("pause");
  }

  function goOn() {
    const current = trainings.at(-1);
    if (current.points.at(-1).seen >= current.end) current.end += IMAGES_AT_ONCE;
    send("goOn", { images: IMAGES_AT_ONCE });
    showPhase("running");
  }

  function onOwnDigits(digits) {
    own = digits;
    send("replaceDigits", { digits: digitsFor(trainings.at(-1).settings) });
  }

  /**
   * Show what the worker says of the current training; of the one before, something may still come.
   */
  function receive({ kind, number, ...message }) {
    const current = trainings.at(-1);
    if (number !== current.number) return;
    if (kind === "progress") progress.show(message);
    else if (kind === "point") {
      current.points.push(message);
      progress.showPoint();
    } else {
      const isDone = message.seen >= current.end;
      showPhase(isDone ? "done" : "paused");
      progress.stop(message, isDone);
      network.show({ ...current, ...message });
    }
  }

  /** Say that the worker cannot train; the browser may not say why. */
  function fail(message = "the browser does not allow it") {
    hint.hidden = false;
    hint.textContent = `Nothing can be trained here: ${message}. Try another browser.`;
  }

  el.append(
    experiments.element,
    ...menus.elements,
    buttons.element,
    hint,
    ...progress.elements,
    network.element,
  );
  subscribe((settings) => {
    experiments.show(settings);
    menus.show(settings);
    showHint(settings);
  });
}

/** The images of a dataset, one after another, and their labels. */
async function unzipDigits({ images, labels }) {
  return { images: await unzip(images), labels: bytesOf(labels) };
}

/** Start a worker from its code; it ends when the view is removed. */
function startWorker(code, { receive, fail, signal }) {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.addEventListener("message", ({ data }) => receive(data));
  worker.addEventListener("error", ({ message }) => fail(message));
  signal?.addEventListener("abort", () => worker.terminate());
  return worker;
}

/** The buttons that start a training, pause it, and let it go on. */
function trainingButtons({ start, pause, goOn }) {
  const first = button("Train", start);
  const second = button("Pause", () => (isRunning ? pause() : goOn()));
  let isRunning = false;
  second.hidden = true;

  function show(phase) {
    isRunning = phase === "running";
    first.textContent = "Train a new network";
    second.hidden = false;
    second.textContent = { running: "Pause", paused: "Continue", done: "Train longer" }[phase];
  }
  return { element: make("div.mnist-buttons", {}, first, second), show };
}

function button(text, click) {
  return make("button", { type: "button", click }, text);
}

export default widget({ Trainer });
