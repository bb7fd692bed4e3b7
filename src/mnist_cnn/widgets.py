"""Views that move: curves while a network trains, and four to slide, click and draw in (notebooks 04, 05 and 06)."""

from datetime import timedelta

import ipywidgets
import keras
import numpy as np
from IPython.display import display

from mnist_cnn.checks import check_images, check_labels, check_lengths, check_networks, check_probabilities
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import confusion_matrix, find_mistakes, rank_by_doubt
from mnist_cnn.models import predict
from mnist_cnn.parts import Board, Matrix, Pad, View, bars, digit, dropdown, gallery
from mnist_cnn.parts import restart, side_by_side, slider_to_play
from mnist_cnn.plots import plot_history
from mnist_cnn.runs import Run

_ANY = "any"
_PER_PAGE = 44  # digits in a gallery


class LiveCurves:
    """Show the curves of a training as it goes; pass one to `train` as its `progress`."""

    def __init__(self) -> None:
        self._handle = None

    def __call__(self, history: dict[str, list[float]], epochs: int, seconds: float) -> None:
        """Redraw; called by `train` at the start and after every epoch."""
        done = len(history.get("loss", ()))
        note = f"epoch {done} of {epochs}, {timedelta(seconds=int(seconds))}"
        if 0 < done < epochs:
            note += f", about {timedelta(seconds=int(seconds / done * (epochs - done)))} left"
        note += f"\n{'■' * done}{'□' * (epochs - done)}"
        figure = plot_history(history, epochs, note)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


class PredictionBrowser(View):
    """Slide through images and what one network, or several side by side, predict for them.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..9.
        probabilities: for each network's name, float (n, 10) in 0..1.

    Raises:
        ValueError: another dtype, shape or range; they differ in length, or there is no image or no network.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, probabilities: dict[str, np.ndarray]):
        check_networks(probabilities)
        images, labels = check_images(images), check_labels(labels)
        probabilities = {name: check_probabilities(of_network) for name, of_network in probabilities.items()}
        predictions = {f"predictions of {name}": of_network for name, of_network in probabilities.items()}
        check_lengths(1, images=images, labels=labels, **predictions)
        self._images, self._labels, self._probabilities = images, labels, probabilities
        self._predicted = {name: p.argmax(axis=1) for name, p in probabilities.items()}
        self._orders = {
            "all images": lambda name: np.arange(len(images)),
            "mistakes, most confident first": lambda name: find_mistakes(labels, probabilities[name]),
            "least sure first": lambda name: rank_by_doubt(probabilities[name]),
        }
        if len(probabilities) > 1:
            self._orders["the networks disagree"] = lambda name: np.flatnonzero(np.ptp([*self._predicted.values()], 0))

        anything = [_ANY, *range(10)]
        self.order = dropdown("show", [*self._orders])
        self.network = dropdown("of network", [*probabilities])
        self.actual, self.taken_for = dropdown("actual", anything), dropdown("taken for", anything)
        self.slider, sliding = slider_to_play("position", 1)
        self.board = Board()
        choices = [self.order, self.network, self.actual, self.taken_for]
        for choice in choices:
            choice.observe(lambda change: self._choose(), names="value")
        self.slider.observe(lambda change: self._show(), names="value")
        row = ipywidgets.HBox([choice for choice in choices if len(choice.options) > 1], layout={"flex_flow": "wrap"})
        still = f"A slider over {len(images):,} predictions; it moves in a running notebook"
        super().__init__([row, sliding, self.board], still)
        self._choose()

    def _choose(self) -> None:
        """Let the slider run over the chosen images, from the first."""
        chosen = self._orders[self.order.value](self.network.value)
        predicted = self._predicted[self.network.value]
        for digits, choice in ((self._labels, self.actual), (predicted, self.taken_for)):
            if choice.value != _ANY:
                chosen = chosen[digits[chosen] == choice.value]
        self._chosen = chosen
        restart(self.slider, max(len(chosen), 1))
        self.slider.disabled = len(chosen) == 0
        self._show()

    def _show(self) -> None:
        if len(self._chosen) == 0:
            self.board.show("There is no such image.")
            return
        index = int(self._chosen[self.slider.value - 1])
        label = int(self._labels[index])
        what = f"image {index}, actual {label}"
        said, parts = [], [digit(self._images[index], what, 224)]
        for name, predictions in self._probabilities.items():
            guess = self._predicted[name][index]
            right = "right" if guess == label else "wrong"
            said.append(f"{name} {right}: {guess} with {predictions[index][guess]:.1%}")
            parts.append(bars(name, predictions[index], label))
        where = f"{self.slider.value:,} of {len(self._chosen):,}"
        self.board.show(f"{where}: {what}. {'; '.join(said)}.", side_by_side(*parts))


class ConfusionExplorer(View):
    """Choose a cell of a confusion matrix and see its digits; with none chosen, all mistakes.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..9.
        predicted: integers (n,) in 0..9.
        order: integers (n,), the index of the image to show first, and so on; as they come if left out.

    Raises:
        ValueError: another dtype, shape or range; they differ in length, there is no image, or the order lacks one.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, predicted: np.ndarray, order: np.ndarray | None = None):
        self._images, self._labels = check_images(images), check_labels(labels)
        check_lengths(1, images=self._images, labels=self._labels, predictions=predicted)
        self._order = np.arange(len(images)) if order is None else np.asarray(order)
        if self._order.dtype.kind not in "iu" or not np.array_equal(np.sort(self._order), np.arange(len(images))):
            raise ValueError(f"order must name each index in 0..{len(images) - 1} once")
        self.matrix = Matrix()
        self.page = ipywidgets.IntSlider(description="page", min=1, value=1)
        self.board = Board()
        self.matrix.observe(lambda change: self._choose(), names="chosen")
        self.page.observe(lambda change: self._show(), names="value")
        still = f"A confusion matrix of {len(images):,} predictions to choose from; it opens in a running notebook"
        super().__init__([self.matrix, self.page, self.board], still)
        self.show(predicted)

    def show(self, predicted: np.ndarray) -> None:
        """Show other predictions for the same images; the chosen cell stays chosen."""
        self._predicted = check_labels(predicted)
        self.matrix.counts = confusion_matrix(self._labels, self._predicted).tolist()
        self._choose()

    def _choose(self) -> None:
        if self.matrix.chosen:
            actual, taken_for = self.matrix.chosen
            member = (self._labels == actual) & (self._predicted == taken_for)
        else:
            member = self._labels != self._predicted
        self._chosen = self._order[member[self._order]]
        restart(self.page, max(-(-len(self._chosen) // _PER_PAGE), 1))
        self.page.layout.display = None if self.page.max > 1 else "none"
        self._show()

    def _show(self) -> None:
        first = _PER_PAGE * (self.page.value - 1)
        shown = self._chosen[first : first + _PER_PAGE]
        what = "All mistakes"
        if self.matrix.chosen:
            actual, taken_for = self.matrix.chosen
            what = f"Actual {actual}, read right" if actual == taken_for else f"Actual {actual}, taken for {taken_for}"
        where = f", here {first + 1} to {first + len(shown)}" if len(shown) < len(self._chosen) else ""
        captions = [f"{self._labels[i]} → {self._predicted[i]}, no. {i}" for i in shown]
        images = "image" if len(self._chosen) == 1 else "images"
        self.board.show(f"{what}: {len(self._chosen):,} {images}{where}.", gallery(self._images[shown], captions))


class EpochScrubber(View):
    """Slide through a training, from the untrained network to the last epoch: accuracy, confusions, and what is wrong.

    The digits that were wrong in most epochs come first.

    Args:
        run: a run.
        images: uint8 (n, 28, 28) in 0..255, the validation images of that run.
        labels: integers (n,) in 0..9.

    Raises:
        ValueError: the run has predictions for another number of images.
    """

    def __init__(self, run: Run, images: np.ndarray, labels: np.ndarray):
        if not run.predicted.shape[1] == len(images) == len(labels):
            raise ValueError(
                f"the run has predictions for {run.predicted.shape[1]} images, not for {len(images)} images with "
                f"{len(labels)} labels: pass the validation images of its training; train an old run anew"
            )
        self._predicted, self._labels = run.predicted, check_labels(labels)
        hardest = np.argsort(-(run.predicted != labels).sum(axis=0), kind="stable")
        last = len(run.predicted) - 1
        self.slider, sliding = slider_to_play("epoch", 0, last)
        self.board = Board()
        self.explorer = ConfusionExplorer(images, labels, run.predicted[0], hardest)
        self.slider.observe(lambda change: self._show(), names="value")
        still = f"A slider over {last} epochs of training; it moves in a running notebook"
        super().__init__([sliding, self.board, self.explorer], still)
        self._show()

    def _show(self) -> None:
        epoch = self.slider.value
        predicted = self._predicted[epoch]
        right = int((predicted == self._labels).sum())
        when = f"After epoch {epoch}" if epoch else "Untrained"
        self.board.show(
            f"{when}: {right / len(predicted):.2%} right, {len(predicted) - right:,} of {len(predicted):,} wrong."
        )
        self.explorer.show(predicted)


class DrawingPad(View):
    """Draw a digit, or open an image of one, and see what a network makes of it.

    Args:
        model: a network of `build_model`, trained.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self.pad = Pad()
        self.prepare = ipywidgets.Checkbox(True, description="prepare it as MNIST's makers did", indent=False)
        self.board = Board()
        self.pad.observe(lambda change: self._answer(), names="sent")
        self.prepare.observe(lambda change: self._show(), names="value")
        answer = ipywidgets.VBox([self.prepare, self.board])
        still = "A pad to draw a digit on; it works in a running notebook"
        super().__init__([ipywidgets.HBox([self.pad, answer], layout={"flex_flow": "wrap"})], still)
        self._show()

    def _answer(self) -> None:
        try:
            self._show()
        finally:
            self.pad.answered = self.pad.sent

    def _show(self) -> None:
        if not np.frombuffer(self.pad.pixels, "uint8").any():
            self.board.show("Draw a digit, large or small, anywhere on the pad.")
            return
        try:
            ink = find_ink(np.frombuffer(self.pad.pixels, "uint8").reshape(self.pad.shape))
            seen = center_in_box(ink) if self.prepare.value else shrink(ink)
        except ValueError as error:
            self.board.show(f"The network has nothing to read: {error}.")
            return
        probabilities = predict(self._model, seen[np.newaxis])[0]
        self.board.show(
            f"The network reads a {probabilities.argmax()}, with {probabilities.max():.1%}.",
            side_by_side(digit(seen, "what the network sees", 224), bars("What it says", probabilities)),
        )
