"""Check and pack what the browser needs to draw the interactive views (notebooks 04 to 07)."""

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
    """The base class of all views.

    Args:
        fallback: Text that takes the view's place where there is no interaction, as on paper.
        values: Everything that the view shows, by name.

    Attributes:
        module: The name of the JavaScript module that draws the view.
        invitation: What a button on the site says that loads the view when it is asked for. Without
            it, the view is loaded with its page.
        kind: The name of the view's class, which tells the browser what to draw.
        values: Everything that the view shows, by name. It does not change.
        chosen: What the reader has chosen. The kernel keeps it when the page is reloaded.
    """

    module = "views"
    invitation = ""
    _esm = bundle("views")
    _css = BROWSER / "views.css"
    kind = traitlets.Unicode().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(self, fallback: str, **values: object):
        self._fallback = fallback
        super().__init__(kind=type(self).__name__, values=values)

    def __repr__(self) -> str:
        """Return the text that takes the view's place on paper."""
        return self._fallback

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add HTML that names the view: GitHub shows the fallback, the site the view itself."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        invitation = f'data-invitation="{self.invitation}" ' if self.invitation else ""
        html = (
            f'<div class="mnist-view" {invitation}data-view="{self.kind}">'
            f"{escape(self._fallback)}</div>"
        )
        return data | {"text/html": html}, metadata


class PredictionBrowser(View):
    """A slider over images and the predictions of one network, or of several side by side.

    Args:
        images: Images, uint8 (n, 28, 28) in 0..255.
        labels: Actual classes, integers (n,) in 0..classes - 1.
        probabilities: Each network's probabilities by its name, floats (n, classes) in 0..1.
        names: Names of the classes. Defaults to the digits.
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
        names = check_names("names", names, next(iter(probabilities.values())).shape[1])
        super().__init__(
            f"A slider over {len(images):,} predictions; it moves in a running notebook",
            **_pack_images(images, labels, names),
            networks=[
                {"name": name, "probabilities": p.astype("float32").tobytes()}
                for name, p in probabilities.items()
            ],
        )


class ConfusionExplorer(View):
    """A confusion matrix that shows the images of a chosen cell; at first, all mistakes.

    Args:
        images: Images, uint8 (n, 28, 28) in 0..255.
        labels: Actual classes, integers (n,) in 0..classes - 1.
        predicted: Predicted classes, integers (n,) in 0..classes - 1.
        order: The order in which images are shown, as a permutation of their indices, integers (n,)
            in 0..n - 1. Defaults to the order of the images.
        names: Names of the classes. Defaults to the digits.
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
        names = check_names("names", names)
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
    """A slider over the epochs of a training run, from the untrained network to the last epoch.

    It shows the accuracy, a confusion matrix, and the misclassified images, those first that were
    misclassified in most epochs.

    Args:
        run: The run of the training.
        images: The run's validation images, uint8 (n, 28, 28) in 0..255.
        labels: The actual classes of these images, integers (n,) in 0..classes - 1.
        names: Names of the classes. Defaults to the digits.
    """

    def __init__(
        self, run: Run, images: np.ndarray, labels: np.ndarray, names: Sequence[str] = DIGITS
    ):
        check_run(run)
        images = check_array("images", images, np.uint8, (run.predicted.shape[1], 28, 28))
        names = check_names("names", names)
        packed = _pack_images(images, labels, names)
        check_array("run.predicted", run.predicted, np.integer, run.predicted.shape, len(names) - 1)
        super().__init__(
            f"A slider over {run.epochs_done} epochs of training; it moves in a running notebook",
            **packed,
            predicted=run.predicted.astype("uint8").tobytes(),
            order=np.argsort(-(run.predicted != labels).sum(axis=0), kind="stable").tolist(),
        )


class DrawingPad(View):
    """A pad to draw a digit on, or to open an image of one, which shows what a network predicts.

    Args:
        model: A network of `build_model`, trained.
        names: Names of the classes. Defaults to the digits; with other names, the pad says what the
            network knows.
        maps: Whether to show the feature maps of the network's first convolution as well.
    """

    def __init__(self, model: keras.Model, names: Sequence[str] = DIGITS, maps: bool = False):
        network = pack_network(model)
        names = check_names("names", names, model.output_shape[-1])
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
    """All feature maps of a convolution, for an image that the reader chooses or draws.

    For a chosen pixel of a map, it shows how that pixel is computed.

    Args:
        model: A network of `build_model` that has convolutions, trained or not.
        images: Images to choose from, uint8 (n, 28, 28) in 0..255.
        labels: Actual classes, integers (n,) in 0..classes - 1.
        names: Names of the classes. Defaults to the digits.
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
        packed = _pack_images(images, labels, check_names("names", names, model.output_shape[-1]))
        fields = receptive_fields(model)
        if not fields:
            raise ValueError(_NO_MAPS)
        super().__init__(
            "The feature maps of a digit, to choose from; they open in a running notebook",
            **packed,
            network=network,
            fields=fields,
        )


class Trainer(View):
    """Choose a small network, train it in the browser, and look at what it has learned.

    One can pause a training, compare it with an earlier one, see the mistakes and the feature maps
    of its network, draw for it, add digits of one's own to those that it learns from, and download
    its weights.

    Args:
        images: Images to learn from, uint8 (n, 28, 28) in 0..255. A few thousand are enough: all of
            them are sent to the browser.
        labels: Their classes, integers (n,) in 0..classes - 1.
        validation_images: Images to measure on, uint8 (m, 28, 28) in 0..255.
        validation_labels: Their classes, integers (m,) in 0..classes - 1.
        names: Names of the classes. Defaults to the digits.
    """

    module = "trainer"
    invitation = "Load the images, and train here"
    _esm = bundle("trainer")

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        validation_images: np.ndarray,
        validation_labels: np.ndarray,
        names: Sequence[str] = DIGITS,
    ):
        images = check_array("images", images, np.uint8, ("n", 28, 28))
        validation_images = check_array(
            "validation_images", validation_images, np.uint8, ("m", 28, 28)
        )
        names = check_names("names", names)
        shape, last = (len(validation_images),), len(names) - 1
        check_array("validation_labels", validation_labels, np.integer, shape, last)
        super().__init__(
            f"A network to choose and to train on {len(images):,} images; it opens in a running "
            "notebook",
            names=list(names),
            training=_pack_images(images, labels, names),
            validation=_pack_images(validation_images, validation_labels, names),
            worker=bundle("training_worker"),
            wasm=BROWSER.joinpath("matrix.wasm").read_bytes(),
        )


def _pack_images(
    images: np.ndarray, labels: np.ndarray, names: tuple[str, ...]
) -> dict[str, object]:
    """Pack images, their labels and the names of the classes for the browser.

    Args:
        images: Images, uint8 (n, 28, 28).
        labels: Labels, which are checked: integers (n,) in 0..classes - 1.
        names: Names of the classes.

    Returns:
        The "images" as gzipped bytes, the "labels" as bytes, and the "names" as a list.
    """
    labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
    return {
        "images": gzip.compress(images.tobytes(), 1, mtime=0),
        "labels": labels.astype("uint8").tobytes(),
        "names": list(names),
    }
