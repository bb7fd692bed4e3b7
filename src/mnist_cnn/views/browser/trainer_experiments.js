// Experiments to begin with in the view Trainer: what to set, and what to look for.

import { dropdown, make, statusLine } from "./elements.js";
import { DEFAULTS } from "./trainer_settings.js";

const FEW = { images: 200, smoothing: 0 };
const EXPERIMENTS = [
  {
    name: "a first network",
    settings: {},
    prompt:
      "Press Train, and watch the red lines: they belong to the validation images, which the " +
      "network does not learn from. How many of them will it read correctly in the end?",
  },
  {
    name: "few images",
    settings: FEW,
    prompt:
      "It sees as many images as before, but only 200 different ones, each of them sixty times. " +
      "What will become of the dashed lines, of the images that it learns from? And of the red " +
      "ones, in accuracy and in loss?",
  },
  {
    name: "few images, augmented",
    settings: { ...FEW, augment: true },
    prompt:
      "The same 200 images, but each time a little turned, scaled, slanted and shifted. Will the " +
      "red lines end above or below the grey ones of the network before?",
  },
  {
    name: "a tiny network",
    settings: { filters1: 8, filters2: 8, filters3: 8 },
    prompt:
      "All images again, but a fourteenth of the parameters. What does that cost in accuracy, " +
      "and what does it save in time?",
  },
  {
    name: "large steps",
    settings: { learningRate: 0.1 },
    prompt: "The learning rate is 33 times as high as in the beginning. Will it learn faster?",
  },
];

/** A menu of experiments; `onChoose` is called with all settings of the one that is chosen. */
export function experimentPanel(images, onChoose) {
  const names = EXPERIMENTS.map(({ name }, i) => [i, `${i + 1}. ${name}`]);
  const menu = dropdown("experiment", [["", "your own"], ...names], (i) => {
    if (i !== "") onChoose({ ...complete(EXPERIMENTS[i].settings, images) });
  });
  const prompt = statusLine();

  /** Show which experiment these settings belong to. */
  function show(settings) {
    const found = EXPERIMENTS.findIndex(({ settings: its }) => {
      const wanted = complete(its, images);
      return Object.keys(wanted).every((setting) => wanted[setting] === settings[setting]);
    });
    menu.show(found === -1 ? "" : found);
    prompt.textContent = EXPERIMENTS[found]?.prompt ?? "";
  }
  return { element: make("div", {}, menu.element, prompt), show };
}

/** All settings of an experiment: those that it does not name are as at first. */
function complete(settings, images) {
  const whole = { images, ...DEFAULTS, ...settings };
  return { ...whole, images: Math.min(whole.images, images) };
}
