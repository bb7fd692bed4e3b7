// The views, in JupyterLab and on a page alike. The model gives `kind`, the name of the view; `values`, what it shows;
// and `chosen`, what the reader chose, which is all that changes. Nothing here asks a kernel.

import { ConfusionExplorer, EpochScrubber } from "./confusion.js";
import { FeatureMaps } from "./feature_maps.js";
import { PredictionBrowser } from "./predictions.js";
import { DrawingPad } from "./drawing_pad.js";

const VIEWS = { ConfusionExplorer, DrawingPad, EpochScrubber, FeatureMaps, PredictionBrowser };

const S = 83; // the code that JupyterLab, too, goes by, whatever the keyboard's layout

async function render({ model, el, signal }) {
  el.classList.add("mnist-view");
  // Keys are not to act on the notebook as well, as the arrows would; but Ctrl+S, or Cmd+S, saves it. JupyterLab asks
  // the element that has the focus: in Jupyter Notebook as soon as the document gets the key, so we come before it.
  const suppress = ({ target, ctrlKey, metaKey, keyCode }) => {
    if (!el.contains(target)) return;
    target.toggleAttribute("data-lm-suppress-shortcuts", !((ctrlKey || metaKey) && keyCode === S));
  };
  addEventListener("keydown", suppress, { capture: true, signal });
  await VIEWS[model.get("kind")]({ model, values: model.get("values"), el });
}

export default { render };
