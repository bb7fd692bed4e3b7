"""Four interactive views, to slide, click and draw in (notebooks 04, 05 and 06)."""

import ipywidgets
import numpy as np

from mnist_cnn import controls
from mnist_cnn.checks import CLASSES, check_array, check_predictions
from mnist_cnn.controls import Board, Matrix, Pad, View
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import find_mistakes, rank_by_doubt
from mnist_cnn.models import predict
from mnist_cnn.quiet import keras
from mnist_cnn.runs import Run

_ANY = "any"
_PER_PAGE = 44  # digits in a gallery
_MOVES = "it moves in a running notebook"


class PredictionBrowser(View):
    """Slide through images and what one network, or several side by side, predict for them.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..9.
        probabilities: by the name of each network, floats (n, 10) in 0..1.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, probabilities: dict[str, np.ndarray]):
        images = self._images = check_array("images", images, np.uint8, ("n", 28, 28))
        labels = self._labels = check_array("labels", labels, np.integer, (len(images),), CLASSES - 1)
        probabilities = self._probabilities = check_predictions(probabilities, len(images))
        self._predicted = {name: p.argmax(axis=1) for name, p in probabilities.items()}
        self._orders = {
            "all images": lambda name: np.arange(len(images)),
            "mistakes, most confident first": lambda name: find_mistakes(labels, probabilities[name]),
            "least sure first": lambda name: rank_by_doubt(probabilities[name]),
        }
        if len(probabilities) > 1:
            self._orders["the networks disagree"] = lambda name: np.flatnonzero(np.ptp([*self._predicted.values()], 0))

        anything = [_ANY, *range(CLASSES)]
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
        super().__init__([row, sliding, self.board], f"A slider over {len(images):,} predictions; {_MOVES}")
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
        what = f"image {index}, actual {label}"
        said, parts = [], [controls.digit(self._images[index], what, 224)]
        for name, probabilities in self._probabilities.items():
            guess = self._predicted[name][index]
            verdict = "right" if guess == label else "wrong"
            said.append(f"{name} {verdict}: {guess} with {probabilities[index][guess]:.1%}")
            parts.append(controls.bars(name, probabilities[index], label))
        where = f"{self.slider.value:,} of {len(self._chosen):,}: {what}"
        self.board.show(f"{where}. {'; '.join(said)}.", controls.side_by_side(*parts))


class ConfusionExplorer(View):
    """Choose a cell of a confusion matrix and see its digits; with none chosen, all mistakes.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels, predicted: integers (n,) in 0..9.
        order: a permutation of the indices 0..n-1: which image to show first, and so on; as they come if left out.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, predicted: np.ndarray, order: np.ndarray | None = None):
        self._images = check_array("images", images, np.uint8, ("n", 28, 28))
        n = len(self._images)
        self._labels = check_array("labels", labels, np.integer, (n,), CLASSES - 1)
        self._order = np.arange(n) if order is None else check_array("order", order, np.integer, (n,), n - 1)
        if len(np.unique(self._order)) < n:
            raise ValueError(f"order must name each index in 0..{n - 1} once")
        self.matrix, self.board = Matrix(), Board()
        self.page = ipywidgets.IntSlider(description="page", min=1, value=1)
        self.matrix.observe(lambda change: self._choose(), names="chosen")
        self.page.observe(lambda change: self._show(), names="value")
        still = f"A confusion matrix of {n:,} predictions to choose from; it opens in a running notebook"
        super().__init__([self.matrix, self.page, self.board], still)
        self.show(predicted)

    def show(self, predicted: np.ndarray) -> None:
        """Show other predictions for the same images; the chosen cell stays chosen."""
        self._predicted = check_array("predicted", predicted, np.integer, self._labels.shape, CLASSES - 1)
        cells = np.ravel_multi_index((self._labels, self._predicted), (CLASSES, CLASSES))
        self.matrix.counts = np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES).tolist()
        self._choose()

    def _choose(self) -> None:
        member = self._labels != self._predicted
        if self.matrix.chosen:
            member = (self._labels == self.matrix.chosen[0]) & (self._predicted == self.matrix.chosen[1])
        self._chosen = self._order[member[self._order]]
        controls.restart(self.page, max(-(-len(self._chosen) // _PER_PAGE), 1))
        self.page.layout.display = None if self.page.max > 1 else "none"
        self._show()

    def _show(self) -> None:
        first = _PER_PAGE * (self.page.value - 1)
        shown = self._chosen[first : first + _PER_PAGE]
        what = "All mistakes"
        if self.matrix.chosen:
            actual, taken_for = self.matrix.chosen
            what = f"Actual {actual}, " + ("read right" if actual == taken_for else f"taken for {taken_for}")
        where = f", here {first + 1} to {first + len(shown)}" if len(shown) < len(self._chosen) else ""
        captions = [f"{self._labels[i]} → {self._predicted[i]}, no. {i}" for i in shown]
        number = "1 image" if len(self._chosen) == 1 else f"{len(self._chosen):,} images"
        self.board.show(f"{what}: {number}{where}.", controls.gallery(self._images[shown], captions))


class EpochScrubber(View):
    """Slide through a training, from the untrained network to the last epoch: accuracy, confusions, and what is wrong.

    The digits that were wrong in most epochs come first.

    Args:
        run: a run.
        images, labels: the validation images of that run, uint8 (n, 28, 28) in 0..255, and integers (n,) in 0..9.
    """

    def __init__(self, run: Run, images: np.ndarray, labels: np.ndarray):
        self._labels = check_array("labels", labels, np.integer, run.predicted.shape[1:], CLASSES - 1)
        self._predicted = run.predicted
        hardest = np.argsort(-(run.predicted != self._labels).sum(axis=0), kind="stable")
        self.slider, sliding = controls.slider_to_play("epoch", 0, run.epochs_done)
        self.board = Board()
        self.explorer = ConfusionExplorer(images, labels, run.predicted[0], hardest)
        self.slider.observe(lambda change: self._show(), names="value")
        still = f"A slider over {run.epochs_done} epochs of training; {_MOVES}"
        super().__init__([sliding, self.board, self.explorer], still)
        self._show()

    def _show(self) -> None:
        epoch = self.slider.value
        predicted = self._predicted[epoch]
        right = int((predicted == self._labels).sum())
        when, wrong = f"After epoch {epoch}" if epoch else "Untrained", len(predicted) - right
        self.board.show(f"{when}: {right / len(predicted):.2%} right, {wrong:,} of {len(predicted):,} wrong.")
        self.explorer.show(predicted)


class DrawingPad(View):
    """Draw a digit, or open an image of one, and see what a network makes of it.

    Args:
        model: a network of `build_model`, trained.
    """

    def __init__(self, model: keras.Model):
        self._model = model
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
            return ("Draw a digit, large or small, anywhere on the pad.",)
        try:
            ink = find_ink(np.frombuffer(self.pad.pixels, "uint8").reshape(self.pad.shape))
            seen = center_in_box(ink) if self.prepare.value else shrink(ink)
        except ValueError as error:
            return (f"The network has nothing to read: {error}.",)
        probabilities = predict(self._model, seen[np.newaxis])[0]
        picture = controls.digit(seen, "what the network sees", 224)
        caption = f"The network reads a {probabilities.argmax()}, with {probabilities.max():.1%}."
        return caption, controls.side_by_side(picture, controls.bars("What it says", probabilities))
