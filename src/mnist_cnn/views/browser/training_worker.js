// The worker in which a network is trained, so that the page stays free to answer.
//
// The page sends messages, whose `kind` is one of ANSWERS below. It gets back `progress` ten times
// a second, a `point` of the curves every thousand images and at a pause, and the `network`
// whenever training pauses.

import { startMatrices } from "./matrices.js";
import { Training } from "./training.js";

const POINT_EVERY = 1_000; // images
const PROGRESS_EVERY = 100; // milliseconds
const MEASURED = 500; // training images on which a point is measured

let wasm; // the bytes of matrix.wasm
let validation; // `images` and `labels`, as `digits` have them
let classes;
let training;
let number; // of the training, which the page counts
let goal; // how many images it will have seen when it pauses by itself
let runs = 0; // counts calls of `run`; a pause counts, too, so that only the latest goes on

const ANSWERS = {
  /** Take what is the same for all trainings. */
  load(message) {
    ({ wasm, validation, classes } = message);
  },

  /** Start a new training in place of the one before, over a number of images. */
  start({ number: newNumber, settings, digits, images }) {
    number = newNumber;
    training = new Training(startMatrices(wasm), settings, digits, classes);
    goal = images;
    postPoint();
    run();
  },

  /** Go on to the goal or, once it is reached, over a number of images more. */
  goOn({ images }) {
    if (training.seen >= goal) goal += images;
    run();
  },

  pause() {
    runs++;
    postPoint();
    postNetwork();
  },

  /** From the next epoch on, learn from other digits. */
  replaceDigits({ digits }) {
    training.digits = digits;
  },
};

/** Train to the goal, or until a message interrupts: they are answered after each batch. */
async function run() {
  runs++;
  const thisRun = runs;
  const isLatest = () => runs === thisRun;
  const start = { time: performance.now(), seen: training.seen };
  let lastProgress = 0; // so that there is one at once
  while (isLatest() && training.seen < goal) {
    const before = training.seen;
    training.step();
    if (Math.floor(training.seen / POINT_EVERY) > Math.floor(before / POINT_EVERY)) postPoint();
    const now = performance.now();
    if (now - lastProgress >= PROGRESS_EVERY) {
      lastProgress = now;
      postProgress((now - start.time) / (training.seen - start.seen));
    }
    await nextTask();
  }
  if (isLatest()) postNetwork();
}

const channel = new MessageChannel();
channel.port1.start();

/** Resolve in a task of its own, after messages that wait; a timer would wait for 4 ms more. */
function nextTask() {
  return new Promise((resolve) => {
    channel.port1.addEventListener("message", resolve, { once: true });
    channel.port2.postMessage(null);
  });
}

/** Measure the network on validation images and, in the same way, on training images. */
function postPoint() {
  const { images, labels } = training.digits;
  const some = { images, labels: labels.subarray(0, MEASURED) };
  const count = some.labels.length;
  const measured = { ...training.evaluate(some), count };
  post("point", {
    seen: training.seen,
    training: measured,
    validation: training.evaluate(validation),
  });
}

function postProgress(millisecondsPerImage) {
  const secondsLeft = ((goal - training.seen) * millisecondsPerImage) / 1_000;
  const [{ shape, values }] = training.parameters;
  const kernels = { shape, values: values.slice() }; // a view would bring all of its memory along
  post("progress", { seen: training.seen, secondsLeft, kernels });
}

function postNetwork() {
  const { predicted } = training.evaluate(validation);
  post("network", { seen: training.seen, network: training.pack(), predicted });
}

function post(kind, message) {
  postMessage({ kind, number, ...message });
}

onmessage = ({ data }) => ANSWERS[data.kind](data);
