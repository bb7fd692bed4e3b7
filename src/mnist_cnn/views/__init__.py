"""Interactive views: Python packs what a view shows, and the JavaScript in `browser/` draws it."""

from mnist_cnn.views.widgets import (
    ConfusionExplorer,
    DrawingPad,
    EpochScrubber,
    FeatureMaps,
    PredictionBrowser,
    Trainer,
    View,
)

__all__ = [
    "ConfusionExplorer",
    "DrawingPad",
    "EpochScrubber",
    "FeatureMaps",
    "PredictionBrowser",
    "Trainer",
    "View",
]
