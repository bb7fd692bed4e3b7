"""Interactive views, to slide through predictions and to draw in (notebook 06)."""

from collections.abc import Sequence

import ipywidgets
import numpy as np

from mnist_cnn import controls
from mnist_cnn.checks import DIGITS, check_array, check_names, check_predictions
from mnist_cnn.controls import Board, Pad, View
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import find_mistakes, rank_by_doubt
from mnist_cnn.models import predict
from mnist_cnn.quiet import keras

_ANY = "any"


class PredictionBrowser(View):
    """Slide through images and what one network, or several side by side, predict for them.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..classes - 1.
        probabilities: by the name of each network, floats (n, classes) in 0..1.
        names: of the classes; the digits if left out, here and below.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        probabilities: dict[str, np.ndarray],
        names: Sequence[str] = DIGITS,
    ):
        images = self._images = check_array("images", images, np.uint8, ("n", 28, 28))
        probabilities = self._probabilities = check_predictions(probabilities, len(images))
        names = self._names = check_names(names, next(iter(probabilities.values())).shape[1])
        labels = self._labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
        self._predicted = {name: p.argmax(axis=1) for name, p in probabilities.items()}
        self._orders = {
            "all images": lambda name: np.arange(len(images)),
            "mistakes, most confident first": lambda name: find_mistakes(labels, probabilities[name]),
            "least sure first": lambda name: rank_by_doubt(probabilities[name]),
        }
        if len(probabilities) > 1:
            self._orders["the networks disagree"] = lambda name: np.flatnonzero(np.ptp([*self._predicted.values()], 0))

        anything = [(_ANY, _ANY), *((name, each) for each, name in enumerate(names))]
        self.order = controls.dropdown("show", [*self._orders])
        self.network = controls.dropdown("of network", [*probabilities])
        self.actual, self.taken_for = (controls.dropdown(name, anything) for name in ("actual", "taken for"))
        self.slider, sliding = controls.slider_to_play("position", 1)
        self.board = Board()
        choices = [self.order, self.network, self.actual, self.taken_for]
        for choice in choices:
            choice.observe(lambda change: self._choose(), names="value")
        self.slider.observe(lambda change: self._show(), names="value")
        row = ipywidgets.HBox([choice for choice in choices if len(choice.options) > 1], layout={"flex_flow": "wrap"})
        super().__init__(
            [row, sliding, self.board], f"A slider over {len(images):,} predictions; it moves in a running notebook"
        )
        self._choose()

    def _choose(self) -> None:
        """Let the slider run over the chosen images, from the first."""
        chosen = self._orders[self.order.value](self.network.value)
        predicted = self._predicted[self.network.value]
        for digits, choice in ((self._labels, self.actual), (predicted, self.taken_for)):
            if choice.value != _ANY:
                chosen = chosen[digits[chosen] == choice.value]
        self._chosen = chosen
        controls.restart(self.slider, max(len(chosen), 1))
        self.slider.disabled = len(chosen) == 0
        self._show()

    def _show(self) -> None:
        if len(self._chosen) == 0:
            self.board.show("There is no such image.")
            return
        index = int(self._chosen[self.slider.value - 1])
        label = int(self._labels[index])
        what = f"image {index}, actual {self._names[label]}"
        said, parts = [], [controls.digit(self._images[index], what, 224)]
        for name, probabilities in self._probabilities.items():
            guess = self._predicted[name][index]
            verdict = "right" if guess == label else "wrong"
            said.append(f"{name} {verdict}: {self._names[guess]} with {probabilities[index][guess]:.1%}")
            parts.append(controls.bars(name, probabilities[index], self._names, label))
        where = f"{self.slider.value:,} of {len(self._chosen):,}: {what}"
        self.board.show(f"{where}. {'; '.join(said)}.", controls.side_by_side(*parts))


class DrawingPad(View):
    """Draw a digit, or open an image of one, and see what a network makes of it.

    Args:
        model: a network of `build_model`, trained.
        names: of the classes, if it was trained on other images than digits: it says what to draw.
    """

    def __init__(self, model: keras.Model, names: Sequence[str] = DIGITS):
        self._model, self._names = model, check_names(names, model.output_shape[-1])
        self.pad, self.board = Pad(), Board()
        self.prepare = ipywidgets.Checkbox(True, description="prepare it as MNIST's makers did", indent=False)
        self.pad.observe(lambda change: self._show(), names="sent")
        self.prepare.observe(lambda change: self._show(), names="value")
        answer = ipywidgets.VBox([self.prepare, self.board])
        still = "A pad to draw a digit on; it works in a running notebook"
        super().__init__([ipywidgets.HBox([self.pad, answer], layout={"flex_flow": "wrap"})], still)
        self._show()

    def _show(self) -> None:
        try:
            self.board.show(*self._read())
        finally:
            self.pad.answered = self.pad.sent

    def _read(self) -> tuple[str, ...]:
        """The caption of the board, and its body if there is something to read."""
        if not np.frombuffer(self.pad.pixels, "uint8").any():
            if self._names == DIGITS:
                return ("Draw a digit, large or small, anywhere on the pad.",)
            return (f"This network knows {', '.join(self._names)}. The pad and its preparation are made for digits.",)
        try:
            ink = find_ink(np.frombuffer(self.pad.pixels, "uint8").reshape(self.pad.shape))
            seen = center_in_box(ink) if self.prepare.value else shrink(ink)
        except ValueError as error:
            return (f"The network has nothing to read: {error}.",)
        probabilities = predict(self._model, seen[np.newaxis])[0]
        picture = controls.digit(seen, "what the network sees", 224)
        caption = f"The network says {self._names[probabilities.argmax()]}, with {probabilities.max():.1%}."
        return caption, controls.side_by_side(picture, controls.bars("What it says", probabilities, self._names))
