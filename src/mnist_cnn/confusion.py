"""Interactive views of what is taken for what: after a training (notebook 05), and epoch by epoch (notebook 04)."""

from collections.abc import Sequence

import ipywidgets
import numpy as np

from mnist_cnn import controls
from mnist_cnn.checks import DIGITS, check_array, check_names
from mnist_cnn.controls import Board, Matrix, View
from mnist_cnn.runs import Run

_PER_PAGE = 44  # images in a gallery


class ConfusionExplorer(View):
    """Choose a cell of a confusion matrix and see its digits; with none chosen, all mistakes.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels, predicted: integers (n,) in 0..classes - 1.
        order: a permutation of the indices 0..n-1: which image to show first, and so on; as they come if left out.
        names: of the classes.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        predicted: np.ndarray,
        order: np.ndarray | None = None,
        names: Sequence[str] = DIGITS,
    ):
        self._images = check_array("images", images, np.uint8, ("n", 28, 28))
        n = len(self._images)
        self._names = check_names(names, len(names))
        self._labels = check_array("labels", labels, np.integer, (n,), len(names) - 1)
        self._order = np.arange(n) if order is None else check_array("order", order, np.integer, (n,), n - 1)
        if len(np.unique(self._order)) < n:
            raise ValueError(f"order must name each index in 0..{n - 1} once")
        self.matrix, self.board = Matrix(names=list(self._names)), Board()
        self.page = ipywidgets.IntSlider(description="page", min=1, value=1)
        self.matrix.observe(lambda change: self._choose(), names="chosen")
        self.page.observe(lambda change: self._show(), names="value")
        still = f"A confusion matrix of {n:,} predictions to choose from; it opens in a running notebook"
        super().__init__([self.matrix, self.page, self.board], still)
        self.show(predicted)

    def show(self, predicted: np.ndarray) -> None:
        """Show other predictions for the same images; the chosen cell stays chosen."""
        self._predicted = check_array("predicted", predicted, np.integer, self._labels.shape, len(self._names) - 1)
        shape = len(self._names), len(self._names)
        cells = np.ravel_multi_index((self._labels, self._predicted), shape)
        self.matrix.counts = np.bincount(cells, minlength=shape[0] ** 2).reshape(shape).tolist()
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
            wrong = f"taken for {self._names[taken_for]}"
            what = f"Actual {self._names[actual]}, " + ("read right" if actual == taken_for else wrong)
        where = f", here {first + 1} to {first + len(shown)}" if len(shown) < len(self._chosen) else ""
        captions = [f"{self._names[self._labels[i]]} → {self._names[self._predicted[i]]}, no. {i}" for i in shown]
        number = "1 image" if len(self._chosen) == 1 else f"{len(self._chosen):,} images"
        self.board.show(f"{what}: {number}{where}.", controls.gallery(self._images[shown], captions))


class EpochScrubber(View):
    """Slide through a training, from the untrained network to the last epoch: accuracy, confusions, and what is wrong.

    The digits that were wrong in most epochs come first.

    Args:
        run: a run.
        images, labels: the validation images of that run, uint8 (n, 28, 28) in 0..255, and integers (n,).
        names: of the classes.
    """

    def __init__(self, run: Run, images: np.ndarray, labels: np.ndarray, names: Sequence[str] = DIGITS):
        self._labels = check_array("labels", labels, np.integer, run.predicted.shape[1:], len(names) - 1)
        self._predicted = run.predicted
        hardest = np.argsort(-(run.predicted != self._labels).sum(axis=0), kind="stable")
        self.slider, sliding = controls.slider_to_play("epoch", 0, run.epochs_done)
        self.board = Board()
        self.explorer = ConfusionExplorer(images, labels, run.predicted[0], hardest, names)
        self.slider.observe(lambda change: self._show(), names="value")
        still = f"A slider over {run.epochs_done} epochs of training; it moves in a running notebook"
        super().__init__([sliding, self.board, self.explorer], still)
        self._show()

    def _show(self) -> None:
        epoch = self.slider.value
        predicted = self._predicted[epoch]
        right = int((predicted == self._labels).sum())
        when, wrong = f"After epoch {epoch}" if epoch else "Untrained", len(predicted) - right
        self.board.show(f"{when}: {right / len(predicted):.2%} right, {wrong:,} of {len(predicted):,} wrong.")
        self.explorer.show(predicted)
