// A network in training: what it learns from, and the steps that it takes.

import { adam } from "./adam.js";
import { chooseLayers } from "./architecture.js";
import { drawTransform, transformImage } from "./augmentation.js";
import { makeLayers } from "./layers.js";
import { softmax } from "./network.js";
import { IMAGE_SIDE, indexOfLargest, range } from "./numbers.js";
import { randomGenerator, shuffledRange } from "./random.js";

const SIZE = IMAGE_SIDE ** 2; // numbers in an image
const LEAST_PROBABILITY = 1e-7; // as in Keras, so that no logarithm is infinite

/** The image at an index, of `images` that lie one after another. */
function imageAt(images, index) {
  return images.subarray(SIZE * index, SIZE * (index + 1));
}

/**
 * A training run. With the same settings and digits it always takes the same steps.
 *
 * Its `settings` are those of `chooseLayers` and the `learningRate`, the `batchSize`, the
 * `smoothing` of labels, whether to `augment`, and the `seed`. Its `digits` are `images`, bytes in
 * 0..255, and their `labels`, a byte each; if they are replaced, the next epoch learns from the new
 * ones.
 */
export class Training {
  #settings;
  #classes;
  #description;
  #layers;
  #pixels; // of the image that it looks at, in 0..1
  #delta; // how the loss changes with the sums of the last layer
  #takeStep;
  #batches;
  #forAugmentation;
  seen = 0; // how many images it has learned from, each as often as it was shown

  constructor(matrices, settings, digits, classes) {
    // A generator for each purpose: so a change of one setting leaves the other draws as they were
    const [forWeights, forOrder, forDropout, forAugmentation] = range(4).map((purpose) =>
      randomGenerator(4 * settings.seed + purpose),
    );
    this.digits = digits;
    this.#settings = settings;
    this.#classes = classes;
    this.#description = chooseLayers(settings, classes);
    this.#layers = makeLayers(matrices, this.#description, forDropout);
    this.#pixels = matrices.allocate(SIZE);
    this.#delta = matrices.allocate(classes);
    drawKernels(this.parameters, forWeights);
    this.#takeStep = adam(this.parameters, settings.learningRate);
    this.#batches = this.#drawBatches(forOrder);
    this.#forAugmentation = forAugmentation;
  }

  /** The kernel and the biases of each layer that has them, in Keras's order. */
  get parameters() {
    return this.#layers.flatMap((layer) => layer.parameters);
  }

  /** Learn from the next batch: add up the gradients of its images, and let Adam take a step. */
  step() {
    const { images, labels } = this.digits;
    const batch = this.#batches.next().value;
    for (const layer of this.#layers) layer.startBatch?.();
    for (const index of batch) this.#learn(imageAt(images, index), labels[index], batch.length);
    this.#takeStep();
    this.seen += batch.length;
  }

  /** The probabilities of an image's classes; `isTraining` says whether dropout is active. */
  forward(image, isTraining = false) {
    for (let i = 0; i < SIZE; i++) this.#pixels[i] = image[i] / 255;
    let numbers = this.#pixels;
    for (const layer of this.#layers) numbers = layer.forward(numbers, isTraining);
    return softmax(numbers);
  }

  /** The mean cross-entropy of images, the share of right answers, and the answers. */
  evaluate({ images, labels }) {
    const predicted = new Uint8Array(labels.length);
    let loss = 0;
    labels.forEach((label, index) => {
      const probabilities = this.forward(imageAt(images, index));
      predicted[index] = indexOfLargest(probabilities);
      loss -= Math.log(Math.max(probabilities[label], LEAST_PROBABILITY)) / labels.length;
    });
    const right = predicted.filter((guess, index) => guess === labels[index]).length;
    return { loss, accuracy: right / labels.length, predicted };
  }

  /** The network as it is now, as `pack_network` in packing.py packs one. */
  pack() {
    const numbers = this.parameters.flatMap(({ values }) => [...values]);
    return { layers: this.#description, weights: Float32Array.from(numbers) };
  }

  /** Draw batches, epoch after epoch; each epoch has every image once, in an order of its own. */
  *#drawBatches(random) {
    for (;;) {
      const order = shuffledRange(this.digits.labels.length, random);
      for (let start = 0; start < order.length; start += this.#settings.batchSize)
        yield order.slice(start, start + this.#settings.batchSize);
    }
  }

  /** Add to the gradients how the mean loss of a batch changes because of one of its images. */
  #learn(image, label, batchLength) {
    const { augment, smoothing } = this.#settings;
    const shown = augment ? transformImage(image, drawTransform(this.#forAugmentation)) : image;
    const probabilities = this.forward(shown, true);
    for (let i = 0; i < this.#classes; i++) {
      const target = (i === label ? 1 - smoothing : 0) + smoothing / this.#classes;
      this.#delta[i] = (probabilities[i] - target) / batchLength;
    }
    let delta = this.#delta;
    for (const layer of this.#layers.toReversed()) delta = layer.backward(delta);
  }
}

/** Draw the kernels as Keras does, evenly within the limits of Glorot and Bengio (2010). */
function drawKernels(parameters, random) {
  for (const { shape, values } of parameters) {
    if (shape.length < 4) continue; // biases begin at 0
    const [height, width, maps, filters] = shape;
    const limit = Math.sqrt(6 / (height * width * (maps + filters)));
    for (let i = 0; i < values.length; i++) values[i] = limit * (2 * random() - 1);
  }
}
