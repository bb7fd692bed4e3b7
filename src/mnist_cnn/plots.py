"""Draw figures of what the other modules compute (all notebooks).

Importing this gives Matplotlib its defaults and our style.
"""

import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain, cycle
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import DisplayHandle, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_cnn.arguments import check_array, check_list, check_names, check_predictions, check_whole
from mnist_cnn.data import DIGITS
from mnist_cnn.runs import Run
from mnist_cnn.shared import SHARED

# Legible on white, and distinguishable in greyscale, too
BLUE = SHARED["colors"]["light"]["right"]
RED = SHARED["colors"]["light"]["wrong"]
INK = SHARED["colors"]["light"]["ink"]
_GREY = SHARED["colors"]["light"]["grey"]

_STYLE = {
    "figure.dpi": 110,
    "savefig.bbox": "tight",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def _set_up_figures() -> None:
    """Make figures look as in the repository, whatever is set up for other work.

    A matplotlibrc could turn all images upside down or require LaTeX, and with the environment
    variable MPLBACKEND set, a notebook may show no figures. Settings that the notebook itself has
    made stay.
    """
    outside, current = matplotlib.rcParamsOrig, matplotlib.rcParams
    # Without the backend: reading its setting would choose one
    names = [name for name in current if name not in ("backend", "backend_fallback")]
    chosen = {name: current[name] for name in names if current[name] != outside[name]}
    matplotlib.rcdefaults()
    matplotlib.rcParams |= _STYLE | chosen  # type: ignore[arg-type]
    backend = os.environ.get("MPLBACKEND", "").lower()
    in_notebook = "ipykernel.kernelapp" in sys.modules
    # Jupyter itself sets "inline"
    if in_notebook and backend and "inline" not in backend:
        if str(matplotlib.get_backend(auto_select=False)).lower() == backend:
            matplotlib.rcParams["backend"] = "inline"  # first, as loading the backend reads it
            plt.switch_backend("inline")


_set_up_figures()


def show_digits(
    images: np.ndarray, titles: Iterable[object] | None = None, columns: int = 10
) -> Figure:
    """Show images in rows, dark ink on white, each under its title.

    Args:
        images: Images, numbers (n, height, width). The smallest number is white, the largest black.
        titles: A title for each image. Defaults to no titles.
        columns: Number of images in a row.
    """
    images = check_array("images", images, np.generic, ("n", "height", "width"))
    columns = check_whole("columns", columns, 1)
    lines: list[list[str]] = []  # the lines of each title
    if titles is not None:
        lines = [str(title).splitlines() for title in check_list("titles", titles)]
        if len(lines) != len(images):
            raise ValueError(
                f"pass one title for each of the {len(images)} images, not {len(lines)}"
            )
    rows = math.ceil(len(images) / columns)
    # In inches: wide enough for the longest line, and high enough for the title with most lines
    width = max([0.95, *(0.075 * len(line) for title in lines for line in title)])
    height = 0.95 + 0.19 * max(map(len, lines), default=0)
    figure, axes = _subplots(rows, columns, size=(columns * width, rows * height), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(image, cmap="gray_r", vmin=images.min(), vmax=images.max())
    for ax, title in zip(axes.flat, lines, strict=False):
        ax.set_title("\n".join(title), fontsize=9)
    return figure


def show_predictions(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str] = DIGITS
) -> Figure:
    """Show images with their actual class, and their predicted class with its probability.

    Args:
        images: Images, numbers (n, height, width).
        labels: Actual classes, integers (n,) in 0..classes - 1.
        probabilities: Predicted probabilities, floats (n, classes) in 0..1.
        names: Names of the classes. Defaults to the digits.
    """
    images = check_array("images", images, np.generic, ("n", "height", "width"))
    probabilities = check_array(
        "probabilities", probabilities, np.floating, (len(images), "classes"), 1
    )
    names = check_names("names", names, probabilities.shape[1])
    labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    rows = zip(labels, predicted, confidence, strict=True)
    titles = [
        f"actual {names[label]}\npredicted {names[guess]}\n{sure:.1%}"
        for label, guess, sure in rows
    ]
    figure = show_digits(images, titles, columns=5)
    for ax, label, guess in zip(figure.axes, labels, predicted, strict=False):
        if label != guess:
            ax.set_title(ax.get_title(), fontsize=9, color=RED, fontweight="bold")
    return figure


def plot_probabilities(
    image: np.ndarray,
    label: int | None,
    probabilities: dict[str, np.ndarray],
    names: Sequence[str] = DIGITS,
) -> Figure:
    """Show an image beside bars for the probabilities that each network predicts for it.

    The bars of the predicted and the actual class are labelled as such.

    Args:
        image: The image, numbers (height, width).
        label: The actual class in 0..classes - 1, or None if it is not known.
        probabilities: Each network's probabilities by its name, floats (classes,) in 0..1.
        names: Names of the classes. Defaults to the digits.
    """
    image = check_array("image", image, np.generic, ("height", "width"))
    probabilities = check_predictions(probabilities)
    networks, classes = len(probabilities), len(next(iter(probabilities.values())))
    names = check_names("names", names, classes)
    label = None if label is None else check_whole("label", label, 0, classes - 1)
    size = (2.7 + 4 * networks, 2.8)
    figure, (left, *others) = _subplots(
        1, 1 + networks, size=size, width_ratios=(1, *[1.5] * networks)
    )
    left.imshow(image, cmap="gray_r")
    left.axis("off")
    for ax, (name, heights) in zip(others, probabilities.items(), strict=True):
        predicted = int(heights.argmax())
        bars = ax.barh(range(classes), heights, color=BLUE)
        bars[predicted].set_color(BLUE if label in (None, predicted) else RED)
        for index in range(classes):
            ax.text(1.04, index, bar_label(index, label, heights), va="center", fontsize=9)
        ax.set(xlim=(0, 1), xticks=(0, 0.5, 1), xlabel="probability", title=name)
        ax.set_yticks(range(classes), names)
        ax.title.set_fontsize(10)
        ax.invert_yaxis()
    return figure


def bar_label(class_index: int, label: int | None, probabilities: np.ndarray) -> str:
    """The text beside a bar: its probability, and whether it is of the predicted or actual class.

    `barLabel` in browser/elements.js writes the same text in the views.

    Args:
        class_index: The class of the bar.
        label: The actual class, or None if it is not known.
        probabilities: The probabilities of all classes, floats (classes,) in 0..1.
    """
    words = [f"{probabilities[class_index]:.1%}"]
    if class_index == probabilities.argmax():
        words.append("predicted")
    if class_index == label:
        words.append("actual")
    return "  ".join(words)


def plot_confusion(
    counts: np.ndarray, titles: Iterable[str] = ("",), names: Sequence[str] = DIGITS
) -> Figure:
    """Plot a confusion matrix, or several side by side, with mistakes shaded.

    Args:
        counts: Whole numbers (classes, classes), or (n, classes, classes) for several matrices:
            how many images of the row's actual class were predicted as the column's class.
        titles: A title for each matrix.
        names: Names of the classes. Defaults to the digits.
    """
    titles = check_list("titles", titles)
    counts = np.asarray(counts)
    if counts.ndim == 2:
        counts = counts[np.newaxis]
    classes = counts.shape[-1] if counts.ndim else 0
    counts = check_array("counts", counts, np.generic, (len(titles), classes, classes))
    if counts.min() < 0 or (counts % 1).any():
        raise ValueError("counts must be whole numbers from 0 up: of images, not shares of them")
    names = check_names("names", names, classes)
    side = 5.2 if len(titles) == 1 else 3.7  # inches
    figure, axes = _subplots(1, len(titles), size=(side * len(titles), side), squeeze=False)
    for ax, matrix, title in zip(axes.flat, counts.astype("int64"), titles, strict=True):
        _draw_matrix(ax, matrix, names, fontsize=8 if len(titles) == 1 else 7)
        ax.set_title(title, fontsize=10)
    return figure


def _draw_matrix(ax: Axes, matrix: np.ndarray, names: Sequence[str], fontsize: int) -> None:
    classes = range(len(names))
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    ax.imshow(mistakes, cmap="Reds", vmax=max(mistakes.max() * 2.4, 1))
    for (actual, predicted), count in np.ndenumerate(matrix):
        color = BLUE if actual == predicted else INK
        ax.text(
            predicted,
            actual,
            str(count) if count else "·",
            ha="center",
            va="center",
            fontsize=fontsize,
            color=color,
        )
    ax.set(xlabel="predicted", ylabel="actual")
    ax.set_xticks(classes, names, rotation=90 if max(map(len, names)) > 2 else 0)
    ax.set_yticks(classes, names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def plot_history(history: dict[str, list[float]], epochs: int, note: str = "") -> Figure:
    """Plot the loss and the accuracy of a training run, epoch by epoch.

    Args:
        history: Curves like those in `run.history`: loss, accuracy, val_loss and val_accuracy, each
            with a number for each finished epoch. Curves that are missing are not drawn.
        epochs: Number of epochs planned.
        note: Title of the figure.
    """
    return _plot_histories({"": history}, epochs, note)


def _plot_histories(histories: dict[str, dict[str, list[float]]], epochs: int, note: str) -> Figure:
    """Plot the losses and accuracies of training runs, by their names; those in training dashed.

    Several runs have a color each; of a single one, training and validation have.
    """
    epochs = check_whole("epochs", epochs, 1)
    runs = {name: _check_history(history) for name, history in histories.items()}
    figure, (left, right) = _subplots(1, 2, size=(8, 2.8))
    for (name, curves), color in zip(runs.items(), cycle((INK, RED, BLUE)), strict=False):
        colors = (color, color) if len(runs) > 1 else (INK, RED)
        _draw_curves(left, curves["loss"], curves["val_loss"], name, colors)
        _draw_curves(right, curves["accuracy"], curves["val_accuracy"], name, colors)
    for axis in (left, right):
        axis.set(xlim=(0.5, epochs + 0.5), xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(axis="y", color="#e4e7eb")
    left.set_ylabel("loss (cross-entropy)")
    losses = chain(*(curves["val_loss"] for curves in runs.values()))
    if min(losses, default=1) < 0.1:  # smoothed labels keep it above 0.5
        left.set_yscale("log")  # so that both ends of the curve are legible
        left.yaxis.set_major_formatter("{x:g}")
    accuracies = [curves[kind] for curves in runs.values() for kind in ("accuracy", "val_accuracy")]
    lowest = min([0.98, *chain(*accuracies)])
    right.set(ylabel="accuracy", ylim=(lowest - 0.002, 1.001))
    right.yaxis.set_major_formatter("{x:.1%}")
    if right.lines:
        right.legend(frameon=False, fontsize=8)
    figure.suptitle(note, fontsize=10)
    return figure


def _draw_curves(
    ax: Axes, training: list[float], validation: list[float], name: str, colors: tuple[str, str]
) -> None:
    labels = (f"{name}, training", f"{name}, validation") if name else ("training", "validation")
    for values, color, label, style in zip(
        (training, validation), colors, labels, ("--", "o-"), strict=True
    ):
        ax.plot(range(1, len(values) + 1), values, style, color=color, label=label, markersize=3)


def _check_history(history: dict[str, list[float]]) -> dict[str, list[float]]:
    """Check a history, and return its four curves; those that it lacks are empty."""
    if not isinstance(history, dict):
        kind = type(history).__name__
        raise TypeError(f"history must be a dictionary, as run.history is one, not {kind}")
    curves = {}
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        values = history.get(name, ())
        try:
            curves[name] = [float(value) for value in values]
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} must be numbers, one for each epoch, not {values!r:.60}"
            ) from None
    return curves


class LiveCurves:
    """A live plot of training, drawn after every epoch: pass it as `progress`.

    `train` draws one network with it, and `train_all` several. Each square stands for an epoch.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._start = 0.0
        self._runs: dict[str, Run] = {}  # by recipe
        self._before: dict[str, int] = {}  # the epochs that were finished at the start, by recipe

    def __call__(self, run: Run) -> None:
        """Redraw the curves; called at the start and after every epoch of each run."""
        self._start = self._start or time.monotonic()
        self._runs[run.settings.recipe] = run
        self._before.setdefault(run.settings.recipe, run.epochs_done)
        histories = {recipe: each.history for recipe, each in self._runs.items()}
        figure = _plot_histories(histories, run.settings.epochs, self._describe_progress())
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)

    def _describe_progress(self) -> str:
        """How many epochs are finished, how long that took and how long it will still take."""
        runs = self._runs.values()
        done = [run.epochs_done for run in runs]
        epochs = sum(run.settings.epochs for run in runs)
        trained = sum(done) - sum(self._before.values())
        seconds = time.monotonic() - self._start
        plural = "s" if len(runs) > 1 else ""
        note = f"epoch{plural} {' and '.join(map(str, done))} of {epochs // len(runs)}"
        if trained or sum(done) < epochs:
            note += f", {timedelta(seconds=int(seconds))}"
        if len(runs) <= trained and sum(done) < epochs:  # else there is no pace to go by
            left = timedelta(seconds=int(seconds / trained * (epochs - sum(done))))
            note += f", about {left} left"
        return f"{note}\n{'■' * sum(done)}{'□' * (epochs - sum(done))}"


def plot_scores(scores: dict[str, list[float]], images: str = "test") -> Figure:
    """Plot accuracies: each training run as a dot, and the mean of each row as a dark bar.

    Args:
        scores: Accuracies in percent, by the label of their row.
        images: The images on which they were measured, for the name of the axis.
    """
    figure, ax = _subplots(size=(8, 0.8 + 0.4 * len(scores)))
    for row, values in enumerate(scores.values()):
        ax.scatter(values, np.full(len(values), row), color=BLUE, alpha=0.5)
        ax.plot(np.mean(values), row, "|", color=INK, markersize=20, markeredgewidth=2.5)
    ax.set(
        yticks=range(len(scores)),
        yticklabels=scores,
        xlabel=f"{images} accuracy (%)",
        ylim=(len(scores) - 0.5, -0.5),
    )
    return figure


def _subplots(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float], **options: Any
) -> tuple[Figure, Any]:
    """Make a figure with axes that a notebook shows only once, as the value of its cell.

    Args:
        rows: Number of rows of axes.
        columns: Number of columns of axes.
        size: Width and height of the figure, in inches.
        options: Further options of `matplotlib.pyplot.subplots`.

    Returns:
        The figure, and its axes as `matplotlib.pyplot.subplots` returns them.
    """
    with plt.ioff():  # otherwise Matplotlib keeps the figure until the cell ends
        figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
    plt.close(figure)
    return figure, axes
