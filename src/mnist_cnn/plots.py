"""Static figures (all notebooks). They draw what others computed."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_cnn.checks import check_labels, check_lengths, check_networks, check_probabilities

BLUE, RED, INK = "#1f6f8b", "#d1495b", "#22303c"  # differ in lightness too, and words always say the same

plt.rcParams |= {
    "figure.dpi": 110,
    "savefig.bbox": "tight",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def show_digits(images: np.ndarray, titles: Sequence | None = None, columns: int = 10) -> Figure:
    """Show images (n, height, width) in rows, each under its title; dark ink on white, scaled to the batch's range.

    Raises:
        ValueError: another shape, no image, or not as many titles as images.
    """
    images = _check_shape("images", images, ("n", "height", "width"))
    check_lengths(1, images=images, **({} if titles is None else {"titles": titles}))
    rows = -(-len(images) // columns)
    lines = 0 if titles is None else max(str(title).count("\n") + 1 for title in titles)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * 0.95, rows * (0.95 + 0.19 * lines)), squeeze=False, layout="constrained"
    )
    low, high = images.min(), images.max()
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images)):
        axis.imshow(image, cmap="gray_r", vmin=low, vmax=high)
        if titles is not None:
            axis.set_title(titles[index], fontsize=9)
    return _finish(figure)


def show_predictions(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> Figure:
    """Show images (n, 28, 28) with their actual digit, and the predicted one with its probability.

    Raises:
        ValueError: labels are not integers (n,) in 0..9, probabilities not floats (n, 10) in 0..1, or lengths differ.
    """
    labels, probabilities = check_labels(labels), check_probabilities(probabilities)
    check_lengths(1, images=images, labels=labels, predictions=probabilities)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    titles = [
        f"actual {label}\npredicted {guess}\n{sure:.1%}" for label, guess, sure in zip(labels, predicted, confidence)
    ]
    figure = show_digits(images, titles, columns=5)
    for axis, label, guess in zip(figure.axes, labels, predicted):
        if label != guess:
            axis.set_title(axis.get_title(), fontsize=9, color=RED, fontweight="bold")
    return figure


def plot_probabilities(image: np.ndarray, label: int | None, probabilities: dict[str, np.ndarray]) -> Figure:
    """Show an image (28, 28) beside its ten probabilities (10,) by each named network, as bars.

    Words mark the predicted digit and, unless `label` is None, the actual one.

    Raises:
        ValueError: another shape or range, or no network.
    """
    check_networks(probabilities)
    image = _check_shape("image", image, ("height", "width"))
    rows = check_probabilities(np.array(list(probabilities.values())))
    networks = len(probabilities)
    figure, (left, *others) = plt.subplots(
        1, 1 + networks, figsize=(2.7 + 4 * networks, 2.8), width_ratios=(1, *[1.5] * networks), layout="constrained"
    )
    left.imshow(image, cmap="gray_r")
    left.axis("off")
    for axis, (name, heights) in zip(others, zip(probabilities, rows)):
        predicted = int(heights.argmax())
        bars = axis.barh(range(10), heights, color=BLUE)
        bars[predicted].set_color(BLUE if label in (None, predicted) else RED)
        for digit, probability in enumerate(heights):
            axis.text(probability + 0.01, digit, bar_text(digit, label, heights), va="center", fontsize=9)
        axis.set(yticks=range(10), xlim=(0, 1.5), xticks=(0, 0.5, 1), xlabel="probability", ylabel="digit", title=name)
        axis.title.set_fontsize(10)
        axis.invert_yaxis()
    return _finish(figure)


def bar_text(digit: int, label: int | None, probabilities: np.ndarray) -> str:
    """What stands beside a digit's bar: its probability, and whether it is predicted or, if known, actual."""
    words = [f"{probabilities[digit]:.1%}"]
    if digit == probabilities.argmax():
        words.append("predicted")
    if digit == label:
        words.append("actual")
    return "  ".join(words)


def plot_bars(heights: np.ndarray, xlabel: str, ylabel: str, base: float = 0, text: str = "{:,}") -> Figure:
    """Plot one bar for each of the ten digits, from `base` up, with its number above it.

    Raises:
        ValueError: heights are not of shape (10,).
    """
    heights = _check_shape("heights", heights, (10,))
    figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
    bars = axis.bar(range(10), heights - base, bottom=base, color=BLUE)
    axis.bar_label(bars, [text.format(height) for height in heights], fontsize=8, padding=2)
    axis.set(xticks=range(10), xlabel=xlabel, ylabel=ylabel)
    axis.margins(y=0.1)
    return _finish(figure)


def plot_confusion(counts: np.ndarray, titles: Sequence[str] = ("",)) -> Figure:
    """Plot a confusion matrix (10, 10), or several (n, 10, 10) side by side, each under its title.

    Rows are actual digits, columns predicted ones, and mistakes are shaded.

    Raises:
        ValueError: another shape, or not as many titles as matrices.
    """
    counts = _check_shape("counts", np.reshape(counts, (-1, *np.shape(counts)[-2:])), ("n", 10, 10))
    check_lengths(1, matrices=counts, titles=titles)
    n = len(titles)
    side, fontsize = (5.2, 8) if n == 1 else (3.7, 7)
    figure, axes = plt.subplots(1, n, figsize=(side * n, side), squeeze=False, layout="constrained")
    for axis, matrix, title in zip(axes.flat, counts, titles):
        mistakes = np.where(np.eye(10, dtype=bool), 0, matrix)
        axis.imshow(mistakes, cmap="Reds", vmax=max(mistakes.max() * 2.4, 1))
        for (actual, predicted), count in np.ndenumerate(matrix):
            color = BLUE if actual == predicted else INK
            axis.text(predicted, actual, count or "·", ha="center", va="center", fontsize=fontsize, color=color)
        axis.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="actual digit")
        axis.set_title(title, fontsize=10)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return _finish(figure)


def plot_history(history: dict[str, list[float]], epochs: int, note: str = "") -> Figure:
    """Plot loss and accuracy of a training, on its own images and on the validation images, epoch by epoch."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
    _plot_pair(left, history.get("loss", []), history.get("val_loss", []), epochs)
    left.set(ylabel="loss (cross-entropy)")
    _plot_pair(right, history.get("accuracy", []), history.get("val_accuracy", []), epochs)
    right.set(ylabel="accuracy", ylim=(min([0.98, *history.get("val_accuracy", [])]) - 0.002, 1.001))
    right.yaxis.set_major_formatter("{x:.1%}")
    figure.suptitle(note, fontsize=10)
    return _finish(figure)


def _plot_pair(axis: Axes, training: Sequence[float], validation: Sequence[float], epochs: int) -> None:
    axis.plot(range(1, len(training) + 1), training, color=INK, linestyle="--", label="training images")
    axis.plot(range(1, len(validation) + 1), validation, color=RED, marker="o", markersize=3, label="validation")
    axis.set(xlim=(0.5, epochs + 0.5), xlabel="epoch")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="y", color="#e4e7eb")
    if training:
        axis.legend(frameon=False, fontsize=8)


def _check_shape(what: str, array: np.ndarray, shape: tuple[int | str, ...]) -> np.ndarray:
    """See that an array has a shape, in which words stand for any length."""
    array = np.asarray(array)
    if array.ndim != len(shape) or any(a != b for a, b in zip(array.shape, shape) if not isinstance(b, str)):
        raise ValueError(f"{what} must have the shape ({', '.join(map(str, shape))}), not {array.shape}")
    return array


def _finish(figure: Figure) -> Figure:
    """Close the figure for pyplot, so that a notebook shows it once: as the value of its cell."""
    plt.close(figure)
    return figure
