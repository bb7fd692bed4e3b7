// The entry point of the module, in JupyterLab and on the site alike: it draws a view of a model.
// The model gives `kind`, the name of the view; `values`, what it shows; and `chosen`, what the
// reader chose, which is all that changes. Nothing here needs a kernel.

import { ConfusionExplorer, EpochScrubber } from "./confusion.js";
import { FeatureMaps } from "./feature_maps.js";
import { PredictionBrowser } from "./predictions.js";
import { DrawingPad } from "./drawing_pad.js";
import shared from "../../shared.json" with { type: "json" };

const VIEWS = { ConfusionExplorer, DrawingPad, EpochScrubber, FeatureMaps, PredictionBrowser };

const KEY_CODE_S = 83; // JupyterLab, too, checks the code, whatever the keyboard's layout

/**
 * Draw the view that `kind` names. A view is a function of the `model`, in which it keeps what is
 * chosen, of the element `el`, in which it draws, and of `values`, which its comment lists. Bytes
 * come as a DataView; `images` are gzipped, one byte for each pixel; `labels` are one byte for each
 * image.
 */
async function render({ model, el, signal }) {
  el.classList.add("mnist-view");
  setColors(el);
  keepKeysFromNotebook(el, signal);
  await VIEWS[model.get("kind")]({ model, values: model.get("values"), el });
}

/** Set `--right` and the other colours. In a dark theme, style sheets set `--dark` to 1. */
function setColors(el) {
  const { light, dark } = shared.colors;
  for (const name of Object.keys(light)) {
    const darkColor = dark[name] ?? light[name];
    const color = `color-mix(in srgb, ${darkColor} calc(100% * var(--dark)), ${light[name]})`;
    el.style.setProperty(`--${name}`, color);
  }
}

/**
 * Keep keys from acting on the notebook as well, as the arrows would; but Ctrl+S, or Cmd+S, saves
 * it. JupyterLab looks for an attribute of the focused element; Jupyter Notebook does so as soon as
 * the document gets the key, so it is set before that.
 */
function keepKeysFromNotebook(el, signal) {
  function suppress({ target, ctrlKey, metaKey, keyCode }) {
    if (!el.contains(target)) return;
    const isSave = (ctrlKey || metaKey) && keyCode === KEY_CODE_S;
    target.toggleAttribute("data-lm-suppress-shortcuts", !isSave);
  }
  addEventListener("keydown", suppress, { capture: true, signal });
}

export default { render };
