// What one can do in the view Trainer with a network that has been trained: look at its mistakes
// and feature maps, draw for it, add one's own digits, and take it along.

import { RECEPTIVE_FIELDS } from "./architecture.js";
import { ConfusionExplorer } from "./confusion.js";
import { make } from "./elements.js";
import { FeatureMaps } from "./feature_maps.js";
import { range } from "./numbers.js";
import { localModel } from "./state.js";
import { drawPanel } from "./trainer_drawing.js";
import { filePanel } from "./trainer_file.js";

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

/** One of the other views, drawn again for each network; what is chosen in it stays. */
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
