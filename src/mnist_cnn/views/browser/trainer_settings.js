// The settings of a training in the page, and the menus in which one chooses them.

import { chooseLayers, countMultiplyAdds, countParameters } from "./architecture.js";
import { dropdown, make, statusLine } from "./elements.js";
import { formatCount, percent, range } from "./numbers.js";

/** How many images a training sees before it pauses by itself, each as often as it is shown. */
export const IMAGES_AT_ONCE = 12_000;

/** What is chosen at first; and `images`, of which a training learns from all that there are. */
export const DEFAULTS = {
  augment: false,
  filters1: 16,
  filters2: 32,
  filters3: 64,
  activation: "relu",
  dropout: 0,
  learningRate: 0.003,
  batchSize: 32,
  smoothing: 0.1,
  seed: 0,
};

const FEWER_IMAGES = [100, 200, 500, 1_000, 2_000];
const FILTERS = options([8, 16, 32, 64], (count) => `${count} filters`);

/** The menus in their groups: the name of each, and its options, each a value and its text. */
function menusFor(available) {
  const numbers = [...FEWER_IMAGES.filter((count) => count < available), available];
  return {
    Images: {
      images: ["learn from", options(numbers, (count) => `${formatCount(count)} images`)],
      augment: [
        "augmentation",
        [
          [false, "off"],
          [true, "on"],
        ],
      ],
    },
    Network: {
      filters1: ["convolution 1", FILTERS],
      filters2: ["convolution 2", FILTERS],
      filters3: ["convolution 3", FILTERS],
      activation: [
        "activation",
        [
          ["relu", "ReLU"],
          ["leaky_relu", "LeakyReLU"],
        ],
      ],
      dropout: ["dropout", options([0, 0.25, 0.5], (rate) => (rate ? percent(rate, 0) : "none"))],
    },
    Training: {
      learningRate: ["learning rate", options([0.0003, 0.001, 0.003, 0.01, 0.03, 0.1], String)],
      batchSize: ["batch size", options([8, 16, 32, 64, 128])],
      smoothing: ["label smoothing", options([0, 0.1, 0.2], (s) => (s ? percent(s, 0) : "none"))],
      seed: ["seed", options(range(10))],
    },
  };
}

function options(values, text = formatCount) {
  return values.map((value) => [value, text(value)]);
}

/** The settings as a Training takes them. */
export function trainingSettings({ filters1, filters2, filters3, ...others }) {
  return { filters: [filters1, filters2, filters3], ...others };
}

/**
 * The menus; `onChange` is called with the setting that the reader changes. `describe` says in
 * words in what settings differ from those at first.
 */
export function settingsPanel({ initial, classes, onChange }) {
  const groups = menusFor(initial.images);
  const menus = Object.assign({}, ...Object.values(groups));
  const controls = {};
  for (const [setting, [name, choices]] of Object.entries(menus)) {
    const texts = choices.map(([, text], i) => [i, text]);
    controls[setting] = dropdown(name, texts, (i) => onChange({ [setting]: choices[i][0] }));
  }
  const rows = Object.entries(groups).map(([title, group]) => {
    const elements = Object.keys(group).map((setting) => controls[setting].element);
    return make("fieldset.mnist-row", {}, make("legend", {}, title), ...elements);
  });
  const summary = statusLine();

  function show(settings) {
    for (const [setting, [, choices]] of Object.entries(menus))
      controls[setting].show(choices.findIndex(([value]) => value === settings[setting]));
    const layers = chooseLayers(trainingSettings(settings), classes);
    const epochs = formatCount(IMAGES_AT_ONCE / settings.images);
    summary.textContent =
      `${formatCount(countParameters(layers))} parameters, ` +
      `${formatCount(countMultiplyAdds(layers))} multiply-adds for an image. ` +
      `It will see ${formatCount(IMAGES_AT_ONCE)} images: ${epochs} epochs.`;
  }

  function describe(settings) {
    const changed = Object.entries(menus).filter(([it]) => settings[it] !== initial[it]);
    const texts = changed.map(([setting, [name, choices]]) => {
      const [, text] = choices.find(([value]) => value === settings[setting]);
      return `${name}: ${text}`;
    });
    return texts.join(", ") || "default settings";
  }
  return { elements: [...rows, summary], show, describe };
}
