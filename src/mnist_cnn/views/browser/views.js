// The entry point of the views' module, in JupyterLab and on the site alike: it draws a view of a
// model. The model gives `kind`, the name of the view; `values`, what it shows; and `chosen`, what
// the reader chose, which is all that changes. Nothing here needs a kernel.

import { ConfusionExplorer, EpochScrubber } from "./confusion.js";
import { FeatureMaps } from "./feature_maps.js";
import { PredictionBrowser } from "./predictions.js";
import { DrawingPad } from "./drawing_pad.js";
import { widget } from "./widget.js";

export default widget({
  ConfusionExplorer,
  DrawingPad,
  EpochScrubber,
  FeatureMaps,
  PredictionBrowser,
});
