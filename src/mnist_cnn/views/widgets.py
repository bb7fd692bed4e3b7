"""Interactive views (notebooks 04 to 07): what the browser needs to draw them without a kernel."""

import gzip
from collections.abc import Sequence
from html import escape
from typing import Any

import anywidget
import numpy as np
import traitlets

from mnist_cnn.arguments import check_array, check_names, check_predictions
from mnist_cnn.backend import keras
from mnist_cnn.data import DIGITS
from mnist_cnn.models import receptive_fields
from mnist_cnn.runs import Run, check_run
from mnist_cnn.views.bundle import BROWSER, bundle
from mnist_cnn.views.packing import pack_network

_NO_MAPS = "the network has no convolution, and so no feature maps"


class View(anywidget.AnyWidget):
    """The base of all views.

    Args:
        still: the text that stands in its place where nothing can move.
        values: what the view shows; it does not change.

    Attributes:
        kind: the name of the view, by which the browser knows what to draw.
        values: as above.
        chosen: what the reader has chosen; it is kept, so that it outlasts a reload of the page.
    """

    _esm = bundle()
    _css = BROWSER / "views.css"
    kind = traitlets.Unicode().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(self, still: str, **values: object):
        self._still = still
        super().__init__(kind=type(self).__name__, values=values)

    def __repr__(self) -> str:
        """The text that stands in its place on paper."""
        return self._still

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add HTML that names the view: GitHub shows its text, and the site puts the view there."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        html = f'<div class="mnist-view" data-view="{self.kind}">{escape(self._still)}</div>'
        return data | {"text/html": html}, metadata


class PredictionBrowser(View):
    """Slide through images and what one network, or several side by side, predict for them.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..classes - 1.
        probabilities: by the name of each network, floats (n, classes) in 0..1.
        names: of the classes; the digits if left out.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        probabilities: dict[str, np.ndarray],
        names: Sequence[str] = DIGITS,
    ):
        images = check_array("images", images, np.uint8, ("n", 28, 28))
        probabilities = check_predictions(probabilities, len(images))
        names = check_names(names, next(iter(probabilities.values())).shape[1])
        super().__init__(
            f"A slider over {len(images):,} predictions; it moves in a running notebook",
            **_pack_images(images, labels, names),
            networks=[
                {"name": name, "probabilities": p.astype("float32").tobytes()}
                for name, p in probabilities.items()
            ],
        )


class ConfusionExplorer(View):
    """Choose a cell of a confusion matrix and see its digits; with none chosen, all mistakes.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..classes - 1.
        predicted: integers (n,) in 0..classes - 1.
        order: a permutation of the indices 0..n-1: which image to show first, and so on; as they
            come if left out.
        names: of the classes; the digits if left out.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        predicted: np.ndarray,
        order: np.ndarray | None = None,
        names: Sequence[str] = DIGITS,
    ):
        images = check_array("images", images, np.uint8, ("n", 28, 28))
        n = len(images)
        names = check_names(names)
        order = np.arange(n) if order is None else order
        order = check_array("order", order, np.integer, (n,), n - 1)
        if len(np.unique(order)) < n:
            raise ValueError(f"order must name each index in 0..{n - 1} once")
        predicted = check_array("predicted", predicted, np.integer, (n,), len(names) - 1)
        super().__init__(
            f"A confusion matrix of {n:,} predictions to choose from; it opens in a running "
            "notebook",
            **_pack_images(images, labels, names),
            predicted=predicted.astype("uint8").tobytes(),
            order=order.tolist(),
        )


class EpochScrubber(View):
    """Slide through a training, from the untrained network to the last epoch.

    It shows the accuracy, a confusion matrix, and images with wrong predictions; those that were
    wrong in most epochs come first.

    Args:
        run: a training.
        images: its validation images, uint8 (n, 28, 28) in 0..255.
        labels: their labels, integers (n,) in 0..classes - 1.
        names: of the classes; the digits if left out.
    """

    def __init__(
        self, run: Run, images: np.ndarray, labels: np.ndarray, names: Sequence[str] = DIGITS
    ):
        check_run(run)
        images = check_array("images", images, np.uint8, (run.predicted.shape[1], 28, 28))
        names = check_names(names)
        packed = _pack_images(images, labels, names)
        check_array("run.predicted", run.predicted, np.integer, run.predicted.shape, len(names) - 1)
        super().__init__(
            f"A slider over {run.epochs_done} epochs of training; it moves in a running notebook",
            **packed,
            predicted=run.predicted.astype("uint8").tobytes(),
            order=np.argsort(-(run.predicted != labels).sum(axis=0), kind="stable").tolist(),
        )


class DrawingPad(View):
    """Draw a digit, or open an image of one, and see what a network makes of it.

    Args:
        model: a network of `build_model`, trained.
        names: of the classes, if it was trained on other images than digits: it says what to draw.
        maps: show the feature maps of its first convolution as well.
    """

    def __init__(self, model: keras.Model, names: Sequence[str] = DIGITS, maps: bool = False):
        network = pack_network(model)
        names = check_names(names, model.output_shape[-1])
        if maps and not receptive_fields(model):
            raise ValueError(_NO_MAPS)
        invitation = "Draw a digit, large or small, anywhere on the pad."
        if names != DIGITS:
            invitation = (
                f"This network knows {', '.join(names)}. The pad and its preparation are made for "
                "digits."
            )
        super().__init__(
            "A pad to draw a digit on; it works in a running notebook",
            names=list(names),
            network=network,
            invitation=invitation,
            maps=bool(maps),
        )


class FeatureMaps(View):
    """Choose or draw a digit and a convolution, and see all its feature maps.

    Of the pixel that is chosen in a map, it shows how it is computed.

    Args:
        model: a network of `build_model` that has convolutions, trained or not.
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..classes - 1.
        names: of the classes; the digits if left out.
    """

    def __init__(
        self,
        model: keras.Model,
        images: np.ndarray,
        labels: np.ndarray,
        names: Sequence[str] = DIGITS,
    ):
        images = check_array("images", images, np.uint8, ("n", 28, 28))
        network = pack_network(model)
        packed = _pack_images(images, labels, check_names(names, model.output_shape[-1]))
        fields = receptive_fields(model)
        if not fields:
            raise ValueError(_NO_MAPS)
        super().__init__(
            "The feature maps of a digit, to choose from; they open in a running notebook",
            **packed,
            network=network,
            fields=fields,
        )


def _pack_images(
    images: np.ndarray, labels: np.ndarray, names: tuple[str, ...]
) -> dict[str, object]:
    """Images with their labels, which are checked, and the names of the classes."""
    labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
    return {
        "images": gzip.compress(images.tobytes(), 1, mtime=0),
        "labels": labels.astype("uint8").tobytes(),
        "names": list(names),
    }
