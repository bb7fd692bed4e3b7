"""Figures (all notebooks); they draw what other modules computed."""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from mnist_cnn.arguments import check_array, check_list, check_names, check_predictions, check_whole
from mnist_cnn.data import DIGITS
from mnist_cnn.evaluation import bar_text
from mnist_cnn.shared import SHARED

# Readable on white, and different in grey, too
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
    """Let figures look and be shown as in the repository, whatever was set up for other work.

    A matplotlibrc could turn all images upside down or ask for LaTeX, and with the environment
    variable MPLBACKEND a notebook shows no figures. What the notebook itself has set stays.
    """
    outside, current = matplotlib.rcParamsOrig, matplotlib.rcParams
    # Reading the backend would choose one
    names = [name for name in current if name not in ("backend", "backend_fallback")]
    chosen = {name: current[name] for name in names if current[name] != outside[name]}
    matplotlib.rcdefaults()
    matplotlib.rcParams |= _STYLE | chosen
    asked = os.environ.get("MPLBACKEND", "").lower()
    in_notebook = "ipykernel.kernelapp" in sys.modules
    # Jupyter itself asks for "inline"
    if in_notebook and asked and "inline" not in asked:
        if str(matplotlib.get_backend(auto_select=False)).lower() == asked:
            matplotlib.rcParams["backend"] = "inline"  # first: the backend looks there as it loads
            plt.switch_backend("inline")


_set_up_figures()


def show_digits(images: np.ndarray, titles: Iterable | None = None, columns: int = 10) -> Figure:
    """Show images (n, height, width) in rows, each under its title; dark ink on white, scaled to
    the batch's range.
    """
    images = check_array("images", images, np.generic, ("n", "height", "width"))
    columns = check_whole("columns", columns, 1)
    titles = None if titles is None else check_list("titles", titles)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"pass one title for each of the {len(images)} images, not {len(titles)}")
    rows = -(-len(images) // columns)
    lines = [str(title).splitlines() for title in (() if titles is None else titles)]
    # Inches, for long names of classes
    width = max([0.95, *(0.075 * len(line) for title in lines for line in title)])
    size = columns * width, rows * (0.95 + 0.19 * max(map(len, lines), default=0))
    figure, axes = subplots(rows, columns, size=size, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray_r", vmin=images.min(), vmax=images.max())
        if titles is not None:
            axis.set_title(titles[index], fontsize=9)
    return figure


def show_predictions(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str] = DIGITS
) -> Figure:
    """Show images (n, 28, 28) with their actual class, and the predicted one with its probability.

    `names` are those of the classes: the digits if left out, here and below.
    """
    images = check_array("images", images, np.generic, ("n", "height", "width"))
    probabilities = check_array(
        "probabilities", probabilities, np.floating, (len(images), "classes"), 1
    )
    names = check_names(names, probabilities.shape[1])
    labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    rows = zip(labels, predicted, confidence, strict=True)
    titles = [
        f"actual {names[label]}\npredicted {names[guess]}\n{sure:.1%}"
        for label, guess, sure in rows
    ]
    figure = show_digits(images, titles, columns=5)
    for axis, label, guess in zip(figure.axes, labels, predicted, strict=False):
        if label != guess:
            axis.set_title(axis.get_title(), fontsize=9, color=RED, fontweight="bold")
    return figure


def plot_probabilities(
    image: np.ndarray,
    label: int | None,
    probabilities: dict[str, np.ndarray],
    names: Sequence[str] = DIGITS,
) -> Figure:
    """Show an image (28, 28) beside its probabilities (classes,) by each named network, as bars.

    Words mark the predicted class and, unless `label` is None, the actual one.
    """
    image = check_array("image", image, np.generic, ("height", "width"))
    probabilities = check_predictions(probabilities)
    networks, classes = len(probabilities), len(next(iter(probabilities.values())))
    names = check_names(names, classes)
    label = None if label is None else check_whole("label", label, 0, classes - 1)
    size = (2.7 + 4 * networks, 2.8)
    figure, (left, *others) = subplots(
        1, 1 + networks, size=size, width_ratios=(1, *[1.5] * networks)
    )
    left.imshow(image, cmap="gray_r")
    left.axis("off")
    for axis, (name, heights) in zip(others, probabilities.items(), strict=True):
        predicted = int(heights.argmax())
        bars = axis.barh(range(classes), heights, color=BLUE)
        bars[predicted].set_color(BLUE if label in (None, predicted) else RED)
        for each in range(classes):
            axis.text(1.04, each, bar_text(each, label, heights), va="center", fontsize=9)
        axis.set(xlim=(0, 1), xticks=(0, 0.5, 1), xlabel="probability", title=name)
        axis.set_yticks(range(classes), names)
        axis.title.set_fontsize(10)
        axis.invert_yaxis()
    return figure


def plot_confusion(
    counts: np.ndarray, titles: Iterable[str] = ("",), names: Sequence[str] = DIGITS
) -> Figure:
    """Plot a confusion matrix (classes, classes), or several (n, classes, classes) side by side, each under its title.

    Rows are actual classes, columns predicted ones, and mistakes are shaded.
    """
    titles = check_list("titles", titles)
    n = len(titles)
    counts = np.asarray(counts)
    classes = counts.shape[-1] if counts.ndim else "classes"
    counts = counts[np.newaxis] if counts.ndim == 2 else counts
    counts = check_array("counts", counts, np.generic, (n, classes, classes))
    if counts.min() < 0 or (counts % 1).any():
        raise ValueError("counts must be whole numbers from 0 up: of images, not shares of them")
    counts = counts.astype("int64")
    names = check_names(names, classes)
    side, fontsize = (5.2, 8) if n == 1 else (3.7, 7)
    figure, axes = subplots(1, n, size=(side * n, side), squeeze=False)
    for axis, matrix, title in zip(axes.flat, counts, titles, strict=True):
        mistakes = np.where(np.eye(classes, dtype=bool), 0, matrix)
        axis.imshow(mistakes, cmap="Reds", vmax=max(mistakes.max() * 2.4, 1))
        for (actual, predicted), count in np.ndenumerate(matrix):
            color = BLUE if actual == predicted else INK
            axis.text(
                predicted,
                actual,
                count or "·",
                ha="center",
                va="center",
                fontsize=fontsize,
                color=color,
            )
        axis.set(xlabel="predicted", ylabel="actual")
        axis.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 2 else 0)
        axis.set_yticks(range(classes), names)
        axis.set_title(title, fontsize=10)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return figure


def plot_history(history: dict[str, list[float]], epochs: int, note: str = "") -> Figure:
    """Plot loss and accuracy of a training, on its own images and on the validation images, epoch
    by epoch.
    """
    epochs = check_whole("epochs", epochs, 1)
    curves = _check_history(history)
    figure, axes = subplots(1, 2, size=(8, 2.8))
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        training, validation = curves[quantity], curves[f"val_{quantity}"]
        axis.plot(
            range(1, len(training) + 1),
            training,
            color=INK,
            linestyle="--",
            label="training images",
        )
        axis.plot(
            range(1, len(validation) + 1),
            validation,
            color=RED,
            marker="o",
            markersize=3,
            label="validation",
        )
        axis.set(xlim=(0.5, epochs + 0.5), xlabel="epoch", ylabel=quantity)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(axis="y", color="#e4e7eb")
        if training:
            axis.legend(frameon=False, fontsize=8)
    if min(curves["val_loss"], default=1) < 0.1:  # with smoothed labels it stays above 0.5
        axes[0].set_yscale("log")  # so that both ends of the curve can be read
        axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].set_ylabel("loss (cross-entropy)")
    axes[1].set_ylim(min([0.98, *training, *validation]) - 0.002, 1.001)
    axes[1].yaxis.set_major_formatter("{x:.1%}")
    figure.suptitle(note, fontsize=10)
    return figure


def _check_history(history: dict[str, list[float]]) -> dict[str, list[float]]:
    """The four curves of a history; what it does not have is empty."""
    if not isinstance(history, dict):
        kind = type(history).__name__
        raise ValueError(f"history must be a dictionary, as run.history is one, not {kind}")
    curves = {}
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        values = history.get(name, ())
        try:
            curves[name] = [float(value) for value in values]
        except (TypeError, ValueError):
            said = f"{name} must be numbers, one for each epoch, not {values!r:.60}"
            raise ValueError(said) from None
    return curves


class LiveCurves:
    """The curves of a training, redrawn after every epoch; pass one to `train` as its `progress`."""

    _handle = None

    def __call__(self, history: dict[str, list[float]], epochs: int, seconds: float) -> None:
        """Redraw; called by `train` at the start and after every epoch."""
        done = len(history.get("loss", ()))
        note = f"epoch {done} of {epochs}, {timedelta(seconds=int(seconds))}"
        if 0 < done < epochs:
            note += f", about {timedelta(seconds=int(seconds / done * (epochs - done)))} left"
        figure = plot_history(history, epochs, f"{note}\n{'■' * done}{'□' * (epochs - done)}")
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


def plot_scores(scores: dict[str, dict[int, float]]) -> Figure:
    """Plot the accuracies of a study: each training as a dot, each recipe's mean as a red bar.

    Args:
        scores: accuracies in percent by recipe and seed, as `collect_scores` returns them.
    """
    figure, axis = subplots(size=(8, 0.8 + 0.4 * len(scores)))
    for row, by_seed in enumerate(scores.values()):
        values = list(by_seed.values())
        axis.scatter(values, np.full(len(values), row), color=BLUE, alpha=0.5)
        axis.plot(np.mean(values), row, "|", color=RED, markersize=20, markeredgewidth=2.5)
    axis.set(
        yticks=range(len(scores)),
        yticklabels=scores,
        xlabel="accuracy (%)",
        ylim=(len(scores) - 0.5, -0.5),
    )
    return figure


def subplots(
    *shape: int, size: tuple[float, float], **options: object
) -> tuple[Figure, np.ndarray]:
    """A figure of a size in inches, with axes, that a notebook shows once: as the value of its
    cell.
    """
    with plt.ioff():  # else it is kept until the cell ends
        figure, axes = plt.subplots(*shape, figsize=size, layout="constrained", **options)
    plt.close(figure)
    return figure, axes
