"""Wrong arguments are refused with a clear message, by every public function."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from numpy.typing import ArrayLike

from mnist_cnn.arguments import check_array, check_choice, check_predictions
from mnist_cnn.augmentation import random_affine
from mnist_cnn.data import Dataset, load_images, one_hot, prepare_images, split_validation
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import evaluate_run, find_mistakes, rank_by_doubt
from mnist_cnn.exceptions import MnistCnnError
from mnist_cnn.models import build_model, predict
from mnist_cnn.plots import (
    plot_confusion,
    plot_history,
    plot_probabilities,
    show_digits,
    show_predictions,
)
from mnist_cnn.runs import SHIPPED, Run, load_run
from mnist_cnn.training import find_or_train, train
from mnist_cnn.views import (
    ConfusionExplorer,
    DrawingPad,
    EpochScrubber,
    FeatureMaps,
    PredictionBrowser,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28), "uint8")
LABELS = np.arange(20) % 10
SURE = np.eye(10)[LABELS]

# The checks

BATCH = (np.uint8, ("n", 28, 28))  # what most functions ask for
DIGITS = (np.integer, ("n",), 9)
SHARES = (np.floating, ("n", 2), 1)
ANY = (np.generic, (2,))


@pytest.mark.parametrize(
    "array, asked",
    [
        (IMAGES, BATCH),
        (IMAGES[:1], BATCH),
        (IMAGES, (np.uint8, (20, 28, 28), 255)),
        (IMAGES, (np.generic, ("n", "height", "width"))),
        ([0, 9], DIGITS),
        (LABELS.astype("int8"), DIGITS),
        (LABELS.astype("uint64"), DIGITS),
        ([[0.0, 1.0]], SHARES),
        (np.ones((3, 2), "float16"), SHARES),
        (np.array([-1, np.inf]), (np.floating, (2,))),
    ],
)
def test_what_fits_comes_back_as_an_array(array: ArrayLike, asked: tuple) -> None:
    checked = check_array("array", array, *asked)
    assert isinstance(checked, np.ndarray) and checked.dtype == np.asarray(array).dtype
    assert np.array_equal(checked, array)


@pytest.mark.parametrize(
    "array, asked, refusal",
    [
        ([0, "x"], ANY, "must be numbers of shape (2,), not <U21 of shape (2,)"),
        ([0, 1j], ANY, "must be numbers of shape (2,), not complex128 of shape (2,)"),
        ([0, np.inf], ANY, "must be numbers throughout, without NaN or infinity"),
        (
            IMAGES / 255,
            BATCH,
            "must be uint8 of shape (n, 28, 28), not float64 of shape (20, 28, 28)",
        ),
        (
            IMAGES.astype("int64"),
            BATCH,
            "must be uint8 of shape (n, 28, 28), not int64 of shape (20, 28, 28)",
        ),
        (
            IMAGES[:, 1:],
            BATCH,
            "must be uint8 of shape (n, 28, 28), not uint8 of shape (20, 27, 28)",
        ),
        (
            IMAGES[..., np.newaxis],
            BATCH,
            "must be uint8 of shape (n, 28, 28), not uint8 of shape (20, 28, 28, 1)",
        ),
        (IMAGES[:0], BATCH, "must be uint8 of shape (n, 28, 28), not uint8 of shape (0, 28, 28)"),
        (IMAGES[0], BATCH, "turn a single one into a batch of one with [np.newaxis]"),
        (None, BATCH, "must be uint8 of shape (n, 28, 28), not object of shape ()"),
        (7, DIGITS, "must be integers of shape (n,), not int64 of shape ()"),
        (["7"], DIGITS, "must be integers of shape (n,), not <U1 of shape (1,)"),
        ([True], DIGITS, "must be integers of shape (n,), not bool of shape (1,)"),
        ([1.0], DIGITS, "must be integers of shape (n,), not float64 of shape (1,)"),
        (
            LABELS[1:],
            (np.integer, (20,), 9),
            "must be integers of shape (20,), not int64 of shape (19,)",
        ),
        ([3, -1], DIGITS, "must lie in 0..9, not in -1..3"),
        ([10, 3], DIGITS, "must lie in 0..9, not in 3..10"),
        ([[0, 1]], SHARES, "must be floats of shape (n, 2), not int64 of shape (1, 2)"),
        ([[0.0, 100.0]], SHARES, "must lie in 0..1, not in 0.0..100.0"),
        ([[0.0, np.nan]], SHARES, "must lie in 0..1, not in nan..nan"),
        ([[0.0, np.inf]], SHARES, "must lie in 0..1, not in 0.0..inf"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_by_name(
    array: object, asked: tuple, refusal: str
) -> None:
    with pytest.raises(ValueError, match=r"^the argument must ") as error:
        check_array("the argument", array, *asked)
    assert refusal in str(error.value)
    assert ("[np.newaxis]" in str(error.value)) == (np.shape(array) == asked[1][1:])


def test_rows_of_different_lengths_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^it must be floats of shape \(n, 2\), not rows of diff"):
        check_array("it", [[0.5, 0.5], [1.0]], *SHARES)


def test_a_choice_is_one_of_a_few_words() -> None:
    check_choice("network", "relu", {"relu": 1, "leaky_relu": 2})
    for wrong in ("rleu", "", None, 5, ["relu"]):
        expected = ValueError if isinstance(wrong, str) else TypeError
        with pytest.raises(expected, match=r"^network must be one of relu, leaky") as error:
            check_choice("network", wrong, {"relu": 1, "leaky_relu": 2})
        assert str(error.value).endswith(f"; not {wrong!r}")


def test_predictions_are_given_by_the_names_of_their_networks() -> None:
    assert np.array_equal(check_predictions({"a": SURE, "b": SURE.tolist()}, 20)["b"], SURE)
    assert check_predictions({"a": SURE[0]})["a"].shape == (10,)
    refusal = r"by the name of their network: \{\"ReLU\": probabilities\}$"
    for unnamed in (None, SURE, [SURE]):
        with pytest.raises(TypeError, match=refusal):
            check_predictions(unnamed, 20)
    with pytest.raises(ValueError, match=refusal):
        check_predictions({}, 20)
    for wrong in (SURE[:5], SURE[0], SURE * 2, SURE.astype(int)):
        with pytest.raises(ValueError, match=r"^probabilities of b must "):
            check_predictions({"a": SURE, "b": wrong}, 20)


# The functions that call them


def digits(**changes) -> Dataset:
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    return Dataset(**arrays | {"source": "sample", "origin": "memory"} | changes)


def relu_run() -> Run:
    return load_run(SHIPPED / "relu.npz")


def epochs_of(labels: np.ndarray) -> EpochScrubber:
    return EpochScrubber(relu_run(), IMAGES, labels)


EMPTY = np.zeros((10, 10), int)
ELEVEN = [*"0123456789", "10"]
REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "load_images": (lambda: load_images(source="ful"), "source must be one of auto, full, sample"),
    "Dataset": (
        lambda: digits(class_names=("0",)),
        "names must hold the names of 2 to 256 classes, not of 1",
    ),
    "Dataset, images": (lambda: digits(x_test=IMAGES / 255), "x_test must be uint8"),
    "Dataset, labels": (lambda: digits(y_train=LABELS + 1), "y_train must lie in 0..9"),
    "Dataset, fewer labels": (
        lambda: digits(y_test=LABELS[1:]),
        "y_test must be integers of shape (20,)",
    ),
    "prepare_images": (lambda: prepare_images(IMAGES[0]), "images must be uint8"),
    "one_hot": (lambda: one_hot([10]), "labels must lie in 0..9"),
    "split_validation": (lambda: split_validation(IMAGES, LABELS[1:]), "not 20 images, 19 labels"),
    "split_validation, no array": (
        lambda: split_validation(digits(), LABELS),
        "not 0 images, 20 labels",
    ),
    "one_hot, no class": (lambda: one_hot([0], 0), "classes must be at least 1, not 0"),
    "split_validation, one": (
        lambda: split_validation(IMAGES[:1], LABELS[:1]),
        "at least 2, not 1 images, 1 labels",
    ),
    "random_affine": (
        lambda: random_affine(IMAGES, np.random.default_rng(0)),
        "images must be float32 of shape",
    ),
    "build_model": (
        lambda: build_model("resnet"),
        "network must be one of relu, leaky_relu, batch_norm, small",
    ),
    "build_model, precision": (
        lambda: build_model(precision="float16"),
        "precision must be one of float32",
    ),
    "predict": (lambda: predict(build_model(), IMAGES[0]), "images must be uint8"),
    "find_mistakes": (
        lambda: find_mistakes(LABELS, SURE[1:]),
        "labels must be integers of shape (19,)",
    ),
    "find_mistakes, labels": (lambda: find_mistakes(LABELS + 1, SURE), "labels must lie in 0..9"),
    "rank_by_doubt": (lambda: rank_by_doubt(100 * SURE), "probabilities must lie in 0..1"),
    "show_digits": (
        lambda: show_digits(IMAGES[0]),
        "images must be numbers of shape (n, height, width)",
    ),
    "show_digits, titles": (
        lambda: show_digits(IMAGES, ["a"]),
        "one title for each of the 20 images, not 1",
    ),
    "show_digits, a title": (
        lambda: show_digits(IMAGES, "a" * 20),
        "titles must be a list, not str",
    ),
    "show_digits, no column": (
        lambda: show_digits(IMAGES, columns=0),
        "columns must be at least 1, not 0",
    ),
    "show_digits, texts": (
        lambda: show_digits(np.full((2, 3, 3), "x")),
        "images must be numbers of shape",
    ),
    "show_digits, objects": (
        lambda: show_digits(np.full((2, 3, 3), None)),
        "images must be numbers of shape",
    ),
    "show_digits, NaN": (
        lambda: show_digits(IMAGES[:1] / np.nan),
        "images must be numbers throughout, without NaN",
    ),
    "show_digits, of two sizes": (
        lambda: show_digits([IMAGES[0], IMAGES[0, 1:]]),
        "not rows of different lengths",
    ),
    "show_predictions": (
        lambda: show_predictions(IMAGES, LABELS, SURE[1:]),
        "probabilities must be floats",
    ),
    "show_predictions, labels": (
        lambda: show_predictions(IMAGES, LABELS[1:], SURE),
        "labels must be integers",
    ),
    "plot_probabilities": (
        lambda: plot_probabilities(IMAGES[0], 3, {"a": SURE}),
        "probabilities of a must be",
    ),
    "plot_probabilities, image": (
        lambda: plot_probabilities(IMAGES, 3, {"a": SURE[0]}),
        "image must be numbers",
    ),
    "plot_probabilities, label": (
        lambda: plot_probabilities(IMAGES[0], 12, {"a": SURE[0]}),
        "label must be in 0..9, not 12",
    ),
    "plot_probabilities, label -1": (
        lambda: plot_probabilities(IMAGES[0], -1, {"a": SURE[0]}),
        "label must be in 0..9, not -1",
    ),
    "plot_probabilities, rows": (
        lambda: plot_probabilities(IMAGES[0], 3, {"a": [[0.5], [1, 0]]}),
        "not rows of different",
    ),
    "plot_confusion, a title": (
        lambda: plot_confusion(EMPTY, "ReLU"),
        "titles must be a list, not str",
    ),
    "plot_confusion, negative": (
        lambda: plot_confusion(EMPTY - 1),
        "counts must be whole numbers from 0 up",
    ),
    "plot_confusion, shares": (
        lambda: plot_confusion(EMPTY + 0.1),
        "of images, not shares of them",
    ),
    "plot_confusion, NaN": (
        lambda: plot_confusion(EMPTY / np.nan),
        "counts must be numbers throughout",
    ),
    "plot_history": (lambda: plot_history(relu_run(), 20), "a dictionary, as run.history is one"),
    "plot_history, a number": (
        lambda: plot_history({"loss": 0.5}, 2),
        "loss must be numbers, one for each epoch",
    ),
    "plot_history, a text": (
        lambda: plot_history({"val_loss": ["x"]}, 2),
        "val_loss must be numbers, one for each",
    ),
    "plot_history, no epoch": (lambda: plot_history({}, 0), "epochs must be at least 1, not 0"),
    "evaluate_run": (
        lambda: evaluate_run(build_model(), digits()),
        "run must be a Run, as train, find_or_train and",
    ),
    "evaluate_run, images": (lambda: evaluate_run(relu_run(), IMAGES), "dataset must be a Dataset"),
    "evaluate_run, classes": (
        lambda: evaluate_run(relu_run(), digits(class_names=ELEVEN)),
        "the run's network knows 10 classes, and the images have 11",
    ),
    "plot_confusion": (
        lambda: plot_confusion(np.zeros((9, 10))),
        "counts must be numbers of shape (1, 10, 10)",
    ),
    "plot_confusion, titles": (
        lambda: plot_confusion(np.zeros((2, 10, 10)), ["a"]),
        "counts must be numbers",
    ),
    "find_ink": (lambda: find_ink(IMAGES[0] * 1.0), "pixels must lie in 0..1"),
    "center_in_box": (
        lambda: center_in_box(IMAGES[0]),
        "ink must be floats of shape (height, width)",
    ),
    "shrink": (lambda: shrink(IMAGES[0] * 1.0), "ink must lie in 0..1"),
    "PredictionBrowser": (
        lambda: PredictionBrowser(IMAGES[:0], LABELS[:0], {"a": SURE[:0]}),
        "images must be uint8",
    ),
    "PredictionBrowser, labels": (
        lambda: PredictionBrowser(IMAGES, LABELS + 1, {"a": SURE}),
        "labels must lie",
    ),
    "PredictionBrowser, one of two": (
        lambda: PredictionBrowser(IMAGES, LABELS, {"a": SURE, "b": SURE[:5]}),
        "probabilities of b must be floats",
    ),
    "ConfusionExplorer": (
        lambda: ConfusionExplorer(IMAGES, LABELS, LABELS[1:]),
        "predicted must be integers",
    ),
    "ConfusionExplorer, order": (
        lambda: ConfusionExplorer(IMAGES, LABELS, LABELS, LABELS),
        "order must name each index in 0..19 once",
    ),
    "EpochScrubber, a network": (
        lambda: EpochScrubber(build_model(), IMAGES, LABELS),
        "run must be a Run, as train",
    ),
    "EpochScrubber": (lambda: epochs_of(LABELS), "images must be uint8 of shape (6000, 28, 28)"),
    "train, two recipes": (
        lambda: train(["relu", "short"], digits()),
        "recipe must be one of relu, leaky_relu",
    ),
    "train": (
        lambda: train("rleu", digits()),
        "recipe must be one of relu, leaky_relu, improved, short, ",
    ),
    "train, precision": (
        lambda: train("relu", digits(), precision="bfloat16"),
        "precision must be one of float32",
    ),
    "train, no epoch": (lambda: train("relu", digits(), epochs=0), "epochs must be at least 1"),
    "train, seed": (
        lambda: train("relu", digits(), seed=-1),
        "seed must be in 0..4294967295, not -1",
    ),
    "train, huge seed": (
        lambda: train("relu", digits(), seed=2**32),
        "seed must be in 0..4294967295, not 4294967296",
    ),
    "train, a name elsewhere": (
        lambda: train("relu", digits(), name="../mine"),
        "the name of a run must begin",
    ),
    "train, a path": (
        lambda: train("relu", digits(), name="/mine"),
        "the name of a run must begin",
    ),
    "train, a hidden name": (
        lambda: train("relu", digits(), name=".mine"),
        "the name of a run must begin",
    ),
    "find_or_train": (lambda: find_or_train("rleu", digits()), "recipe must be one of relu"),
    "FeatureMaps": (
        lambda: FeatureMaps(build_model(), IMAGES[:0], LABELS[:0]),
        "images must be uint8",
    ),
    "FeatureMaps, labels": (
        lambda: FeatureMaps(build_model(), IMAGES, LABELS + 1),
        "labels must lie in 0..9",
    ),
    "FeatureMaps, dense": (
        lambda: FeatureMaps(build_model("dense"), IMAGES, LABELS),
        "network has no convolution",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_wrong_argument_is_refused_before_anything_is_done(case: str, runs: Path) -> None:
    call, refusal = REFUSALS[case]
    with pytest.raises((TypeError, ValueError, MnistCnnError)) as error:
        call()
    assert refusal in str(error.value)
    assert not runs.exists() and plt.get_fignums() == []


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0.5}, {"epochs": "two"}, {"seed": 1.0}, {"seed": None}]
)
def test_epochs_and_seed_are_whole_numbers(wrong: dict, runs: Path) -> None:
    with pytest.raises(TypeError, match="must be a whole number, not"):
        train("relu", digits(), **wrong)
    assert not runs.exists()


NAMED: dict[str, Callable[[object], object]] = {
    "Dataset": lambda names: digits(class_names=names),
    "show_predictions": lambda names: show_predictions(IMAGES, LABELS, SURE, names),
    "plot_probabilities": lambda names: plot_probabilities(IMAGES[0], 3, {"a": SURE[0]}, names),
    "plot_confusion": lambda names: plot_confusion(EMPTY, names=names),
    "PredictionBrowser": lambda names: PredictionBrowser(IMAGES, LABELS, {"a": SURE}, names),
    "ConfusionExplorer": lambda names: ConfusionExplorer(IMAGES, LABELS, LABELS, names=names),
    "EpochScrubber": lambda names: EpochScrubber(relu_run(), *VALIDATION, names),
    "DrawingPad": lambda names: DrawingPad(build_model(), names),
    "FeatureMaps": lambda names: FeatureMaps(build_model(), IMAGES, LABELS, names),
}
VALIDATION = np.zeros((6000, 28, 28), "uint8"), np.zeros(6000, int)


@pytest.mark.parametrize("named", NAMED)
def test_names_are_a_list_of_strings_wherever_they_are_taken(named: str) -> None:
    for wrong in (range(10), np.arange(10), [*"012345678", None], [*"012345678", 9]):
        with pytest.raises(
            TypeError,
            match=r"names must be strings, not \w+ \(.*, for example\); convert them with \[str",
        ):
            NAMED[named](wrong)
    for wrong in (None, 10, {*"0123456789"}, dict.fromkeys("0123456789")):
        with pytest.raises(TypeError, match=r"^(class_)?names must be a list, not \w+$"):
            NAMED[named](wrong)
    names = "zero one two three four five six seven eight nine".split()
    for right in (names, tuple(names), np.array(names), (name for name in names), "abcdefghij"):
        NAMED[named](right)


@pytest.mark.parametrize("wrong", [3.0, "3", True, np.array([3]), None, np.nan])
def test_labels_and_sizes_are_whole_numbers(wrong: object) -> None:
    """None stands for no label."""
    calls = {
        "label": lambda: wrong is None or plot_probabilities(IMAGES[0], wrong, {"a": SURE[0]}),
        "columns": lambda: show_digits(IMAGES, columns=wrong),
        "epochs": lambda: plot_history({}, wrong),
        "classes": lambda: one_hot([0], wrong),
    }
    for name, call in calls.items():
        if name != "label" or wrong is not None:
            with pytest.raises(TypeError, match=f"^{name} must be a whole number, not "):
                call()


def test_lists_are_as_good_as_arrays() -> None:
    assert digits(y_test=LABELS.tolist()).y_test.dtype == np.uint8
    assert prepare_images([IMAGES[0]]).shape == (1, 28, 28, 1)
    assert one_hot([0, 9]).argmax(axis=1).tolist() == [0, 9]
    assert find_mistakes([0, 1], SURE[:2].tolist()).tolist() == []
    assert find_mistakes([0, 3], SURE[:2].tolist()).tolist() == [1]


def test_a_notebook_shows_our_errors_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.npz").write_text("<!doctype html>")
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / "file"))
    shell = InteractiveShell()
    shell.user_ns["digits"] = digits()

    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    shell.user_ns["interrupt"] = interrupt
    shell.run_cell("from mnist_cnn.data import load_images\nfrom mnist_cnn.training import train")
    for cell, beginning in (
        (f"load_images({str(tmp_path / 'page.npz')!r})", "DataError: "),
        ("train('relu', digits)", "RunError: Runs cannot be saved in "),
        (
            f"%env MNIST_CNN_RUNS={tmp_path / 'runs'}\ntrain('relu', digits, progress=interrupt)",
            "Interrupted: 0 of 20 epochs are saved in runs/relu-sample-20.npz. Run this cell again "
            "to continue.",
        ),
    ):
        capsys.readouterr()
        shell.run_cell(cell)
        *_, line = capsys.readouterr().out.splitlines()
        assert line.startswith(beginning)
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out
