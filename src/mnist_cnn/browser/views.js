// The views, in JupyterLab and on a page alike. The model gives `kind`, the name of the view; `values`, what it shows;
// and `chosen`, what the reader chose, which is all that changes. Nothing here asks a kernel.

import { ConfusionExplorer, EpochScrubber } from "./confusion.js";
import { FeatureMaps } from "./feature_maps.js";
import { PredictionBrowser } from "./predictions.js";
import { DrawingPad } from "./reading.js";

const VIEWS = { ConfusionExplorer, DrawingPad, EpochScrubber, FeatureMaps, PredictionBrowser };

async function render({ model, el }) {
  el.classList.add("mnist-view");
  // Arrow keys are not to move through the notebook as well; JupyterLab asks the element that has the focus.
  el.addEventListener("focusin", (event) => (event.target.dataset.lmSuppressShortcuts = "true"));
  await VIEWS[model.get("kind")]({ model, values: model.get("values"), el });
}

export default { render };
