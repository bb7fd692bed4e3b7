"""Figures: they show what they were given, and can be drawn."""

import gc
import weakref
from dataclasses import replace
from io import BytesIO
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import wcag_contrast_ratio
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from mnist_cnn.data import Dataset
from mnist_cnn.plots import (
    BLUE,
    INK,
    RED,
    LiveCurves,
    bar_label,
    plot_confusion,
    plot_history,
    plot_probabilities,
    show_digits,
    show_predictions,
)
from mnist_cnn.runs import SHIPPED, load_run

HISTORY = {
    "loss": [1.0, 0.1],
    "val_loss": [0.5, 0.2],
    "accuracy": [0.9, 0.99],
    "val_accuracy": [0.95, 0.98],
}


@pytest.fixture
def probabilities(sample: Dataset) -> np.ndarray:
    """Right and certain for ten test images, but the fourth: there, 60 % for another digit."""
    probabilities = np.eye(10)[sample.y_test[:10]]
    probabilities[3] = 0.4 * probabilities[3] + 0.6 * np.roll(probabilities[3], 1)
    return probabilities


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_all_figures_can_be_drawn_and_stay_out_of_pyplot(
    sample: Dataset, probabilities: np.ndarray
) -> None:
    figures = [
        show_digits(sample.x_test[:13], columns=5),
        show_predictions(sample.x_test[:10], sample.y_test[:10], probabilities),
        plot_probabilities(
            sample.x_test[0], sample.y_test[0], {"one": probabilities[0], "other": probabilities[1]}
        ),
        plot_probabilities(sample.x_test[0], None, {"one": probabilities[0]}),
        plot_confusion(np.zeros((10, 10), int)),
        plot_history({}, 20),
        plot_history(HISTORY, 2, "done"),
    ]
    for figure in figures:
        png = BytesIO()
        figure.savefig(png)
        assert png.getvalue().startswith(b"\x89PNG")
    assert plt.get_fignums() == []  # a notebook would show those once more


def test_each_image_has_its_own_title(sample: Dataset) -> None:
    figure = show_digits(sample.x_test[:3], titles=sample.y_test[:3], columns=2)
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == [str(label) for label in sample.y_test[:3]]
    assert all(
        np.array_equal(axis.images[0].get_array(), image)
        for axis, image in zip(shown, sample.x_test[:3], strict=True)
    )


def test_titles_may_be_a_generator_and_counts_may_be_floats(sample: Dataset) -> None:
    axes = show_digits(sample.x_test[:3], titles=(f"no. {at}" for at in range(3)), columns=3).axes
    assert [axis.get_title() for axis in axes] == ["no. 0", "no. 1", "no. 2"]
    counts = np.full((2, 10, 10), 3.0)
    figure = plot_confusion(counts, (name for name in ("one", "two")))
    assert [axis.get_title() for axis in figure.axes] == ["one", "two"]
    assert {*texts(figure)} == {"3"}


def test_a_wrong_prediction_stands_out(sample: Dataset, probabilities: np.ndarray) -> None:
    axes = show_predictions(sample.x_test[:10], sample.y_test[:10], probabilities).axes
    actual = sample.y_test[3]
    assert axes[3].get_title() == f"actual {actual}\npredicted {(actual + 1) % 10}\n60.0%"
    assert [axis.title.get_color() == RED for axis in axes] == [index == 3 for index in range(10)]


def test_bars_name_the_predicted_and_the_actual_digit(
    sample: Dataset, probabilities: np.ndarray
) -> None:
    actual = int(sample.y_test[3])
    wrong, right = probabilities[3], np.eye(10)[actual]
    figure = plot_probabilities(sample.x_test[3], actual, {"wrong": wrong, "right": right})
    assert texts(figure)[actual] == "40.0%  actual"
    assert texts(figure)[(actual + 1) % 10] == "60.0%  predicted"
    assert texts(figure)[10 + actual] == "100.0%  predicted  actual"
    for axis, (name, heights) in zip(
        figure.axes[1:], {"wrong": wrong, "right": right}.items(), strict=True
    ):
        assert axis.get_title() == name
        assert [bar.get_width() for bar in axis.patches] == pytest.approx(heights)
        assert axis.get_xlim() == (0, 1)
        assert any(bar.get_facecolor() == to_rgba(RED) for bar in axis.patches) == (name == "wrong")


def test_without_an_actual_digit_no_prediction_is_wrong(
    sample: Dataset, probabilities: np.ndarray
) -> None:
    figure = plot_probabilities(sample.x_test[3], None, {"network": probabilities[3]})
    assert not any("actual" in text for text in texts(figure))
    assert all(bar.get_facecolor() == to_rgba(BLUE) for bar in figure.axes[1].patches)


def test_the_confusion_matrix_shows_every_count() -> None:
    counts = np.diag([2, *[0] * 8, 1])
    counts[3, 5] = 1
    figure = plot_confusion(counts)
    assert texts(figure) == [str(count) if count else "·" for count in counts.ravel()]
    shades = figure.axes[0].images[0].get_array()
    assert shades[3, 5] == 1 and shades.sum() == 1  # mistakes only


def test_confusion_matrices_stand_side_by_side() -> None:
    counts = np.arange(300).reshape(3, 10, 10)
    figure = plot_confusion(counts, ["first", "second", "third"])
    assert [axis.get_title() for axis in figure.axes] == ["first", "second", "third"]
    assert texts(figure)[1:] == [str(count) for count in range(1, 300)]


@pytest.mark.parametrize("scale", [1, 0.1])
def test_the_history_plots_all_four_curves_from_end_to_end(scale: float) -> None:
    history = {name: [scale * value for value in values] for name, values in HISTORY.items()}
    loss, accuracy = plot_history(history, 2).axes
    curves = [list(line.get_ydata()) for axis in (loss, accuracy) for line in axis.lines]
    assert curves == list(history.values())
    for axis, values in ((loss, curves[0] + curves[1]), (accuracy, curves[2] + curves[3])):
        low, high = axis.get_ylim()
        assert low <= min(values) and max(values) <= high
    # Where the loss gets small, its end can be read
    assert loss.get_yscale() == ("linear" if scale == 1 else "log")


def test_live_curves_say_how_far_training_is_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = []

    class Handle:
        def __init__(self, figure: Figure, display_id: bool):
            assert display_id and not shown  # one place on the page, redrawn from then on
            self.update(figure)

        def update(self, figure: Figure) -> None:
            shown.append(figure)

    monkeypatch.setattr("mnist_cnn.plots.display", Handle)
    now = 1000.0
    monkeypatch.setattr("mnist_cnn.plots.time.monotonic", lambda: now)
    curves = LiveCurves()
    first, second = (load_run(SHIPPED / f"{recipe}.npz") for recipe in ("relu", "leaky_relu"))
    # The second was interrupted after an epoch, and continues
    for seconds, run, done in (
        (0, first, 0),
        (0, second, 1),
        (70, first, 1),
        (80, second, 2),
        (200, first, 3),
        (240, second, 3),
    ):
        now = 1000.0 + seconds
        curves(
            replace(
                run,
                settings=replace(run.settings, epochs=3),
                history=HISTORY if done else {},
                predicted=run.predicted[: done + 1],
            )
        )
    assert [figure.get_suptitle().splitlines() for figure in shown] == [
        ["epoch 0 of 3, 0:00:00", "□□□"],
        ["epochs 0 and 1 of 3, 0:00:00", "■□□□□□"],
        ["epochs 1 and 1 of 3, 0:01:10", "■■□□□□"],
        ["epochs 1 and 2 of 3, 0:01:20, about 0:02:00 left", "■■■□□□"],
        ["epochs 3 and 2 of 3, 0:03:20, about 0:00:50 left", "■■■■■□"],
        ["epochs 3 and 3 of 3, 0:04:00", "■■■■■■"],
    ]
    loss, accuracy = shown[-1].axes
    for axis, names in ((loss, ("loss", "val_loss")), (accuracy, ("accuracy", "val_accuracy"))):
        drawn = [list(line.get_ydata()) for line in axis.lines]
        assert drawn == 2 * [HISTORY[name] for name in names]
        colors = [line.get_color() for line in axis.lines]
        assert colors[0] == colors[1] != colors[2] == colors[3]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == [
        "relu, training",
        "relu, validation",
        "leaky_relu, training",
        "leaky_relu, validation",
    ]
    assert plt.get_fignums() == []


def test_colours_can_be_read_on_white_and_told_apart_in_grey() -> None:
    """By WCAG 2.2, success criterion 1.4.3: text needs a contrast of 4.5."""
    channels = {
        color: tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
        for color in (BLUE, RED, INK)
    }
    assert all(wcag_contrast_ratio.rgb(color, (1, 1, 1)) >= 4.5 for color in channels.values())
    assert all(wcag_contrast_ratio.rgb(*pair) >= 1.5 for pair in combinations(channels.values(), 2))


def test_a_figure_that_was_shown_is_not_kept() -> None:
    """In a notebook pyplot keeps the figures of a cell until it ends.

    Live curves would take 50 MB in twenty epochs.
    """
    usual = plt.get_backend()
    plt.switch_backend("module://matplotlib_inline.backend_inline")
    try:
        with plt.ion():
            figure = weakref.ref(plot_history(HISTORY, 2))
        gc.collect()
        assert figure() is None
    finally:
        plt.switch_backend(usual)


def test_bars_say_which_digit_is_predicted_and_which_is_actual() -> None:
    probabilities = np.array([0.1, 0, 0, 0.6, 0, 0, 0, 0.3, 0, 0])
    assert [bar_label(digit, 7, probabilities) for digit in (0, 3, 7)] == [
        "10.0%",
        "60.0%  predicted",
        "30.0%  actual",
    ]
    assert bar_label(3, 3, probabilities) == "60.0%  predicted  actual"
    assert [bar_label(digit, None, probabilities) for digit in (3, 7)] == [
        "60.0%  predicted",
        "30.0%",
    ]
