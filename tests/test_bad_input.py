"""What people may pass by mistake, or find on their disk.

Each gets the documented error, which says what was wrong and what to do, or the right result; never another exception,
a wrong answer, or a wait without end.
"""

import io
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from mnist_cnn.checks import Explained
from mnist_cnn.data import DataError, Mnist, load_mnist, one_hot, prepare_images, random_affine, split_validation
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import compare, confusion_matrix, find_mistakes, rank_by_doubt, wilson_interval
from mnist_cnn.models import build_model, predict
from mnist_cnn.parts import Matrix
from mnist_cnn.plots import plot_bars, plot_confusion, plot_probabilities, show_digits, show_predictions
from mnist_cnn.runs import SHIPPED, RunError, load_run
from mnist_cnn.training import Interrupted, find_run, train
from mnist_cnn.widgets import ConfusionExplorer, DrawingPad, EpochScrubber, PredictionBrowser

NAMES = ("x_train", "y_train", "x_test", "y_test")
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28), "uint8")
LABELS = np.arange(20) % 10
SURE = np.eye(10)[LABELS]
UNIT = prepare_images(IMAGES)
INK = IMAGES[0] / 255
RNG = np.random.default_rng(0)


def changed(array: np.ndarray, value: float) -> np.ndarray:
    """The same, but for one number."""
    array = array.astype(np.result_type(array, type(value)))
    array.flat[3] = value
    return array


# Files in the place of MNIST: what lies there, and what the message has to say of it


def saved(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def small(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays with MNIST's names but few images."""
    images, labels = np.zeros((5, 28, 28), "uint8"), np.zeros(5, "uint8")
    return {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels} | changes


def right(full: Mnist, **changes: np.ndarray) -> dict[str, np.ndarray]:
    return {name: getattr(full, name) for name in NAMES} | changes


def flipped(full: Mnist, place: int) -> bytes:
    content = bytearray(saved(right(full)))
    content[place] ^= 1
    return bytes(content)


def array_file(header: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """The beginning of an array as NumPy writes it, with any header."""
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header) + 1)
    return b"\x93NUMPY" + bytes(version) + size + header.encode() + b"\n" + bytes(100)


def with_header(header: str, version: tuple[int, int] = (1, 0)) -> bytes:
    return zipped({f"{name}.npy": array_file(header, version) for name in NAMES})


HUGE = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 28, 28), }"
FILES: dict[str, tuple[Callable[[Mnist], bytes], str]] = {
    "empty": (lambda full: b"", "no .npz archive"),
    "a web page": (lambda full: b"<!doctype html><title>403 Forbidden</title>", "no .npz archive"),
    "one array, not an archive": (lambda full: array_file(HUGE), "no .npz archive"),
    "1 byte": (lambda full: saved(right(full))[:1], "no .npz archive"),
    "truncated at 100 bytes": (lambda full: saved(right(full))[:100], "no .npz archive, or a truncated one"),
    "truncated in the middle": (lambda full: saved(right(full))[:30_000_000], "no .npz archive, or a truncated one"),
    "truncated by one byte": (lambda full: saved(right(full))[:-1], "no .npz archive, or a truncated one"),
    "its beginning lost": (lambda full: saved(right(full))[1_000:], "cannot be read as MNIST"),
    "a bit flipped in the pixels": (lambda full: flipped(full, 5_000_000), "Bad CRC-32"),
    "a bit flipped in the zip's first byte": (lambda full: flipped(full, 0), "cannot be read as MNIST"),
    "a bit flipped in the header": (lambda full: flipped(full, 80), "cannot be read as MNIST"),
    "a bit flipped in the directory": (lambda full: flipped(full, -200), "cannot be read as MNIST"),
    "an archive of nothing": (lambda full: zipped({}), "it lacks x_test, x_train, y_test, y_train"),
    "an archive of texts": (lambda full: zipped({f"{name}.npy": b"not an array" for name in NAMES}), "magic string"),
    "names without .npy": (lambda full: zipped(dict.fromkeys(NAMES, b"")), "no item named 'x_train.npy'"),
    "pickled objects": (lambda full: saved(small(x_train=np.array([{}, {}]))), "x_train is object of shape"),
    "a pickle that says it is an array": (lambda full: zipped({f"{n}.npy": b"\x80\x04K\x01." for n in NAMES}), "magic"),
    "a huge array announced": (lambda full: with_header(HUGE), "x_train is uint8 of shape (1000000000000, 28, 28)"),
    "a header of 60,000 characters": (lambda full: with_header(HUGE + " " * 60_000), "Header info length"),
    "a header that is code": (lambda full: with_header("__import__('os').system('true')"), "cannot be read as MNIST"),
    "a header of another version": (lambda full: with_header(HUGE, (2, 0)), "version (2, 0)"),
    "compressed a thousandfold": (
        lambda full: zipped({f"{name}.npy": bytes(100_000_000) for name in NAMES}, zipfile.ZIP_DEFLATED), "magic"),
    "other names": (lambda full: saved({"images": full.y_test}), "it lacks x_test, x_train, y_test, y_train"),
    "one array missing": (lambda full: saved({name: full.y_test for name in NAMES[:3]}), "it lacks y_test"),
    "too few images": (lambda full: saved(small()), "x_train is uint8 of shape (5, 28, 28)"),
    "images in one row each": (lambda full: saved(right(full, x_test=full.x_test.reshape(-1, 784))), "(10000, 784)"),
    "float pixels": (lambda full: saved(right(full, x_test=full.x_test.astype("float32"))), "x_test is float32"),
    "one pixel changed": (lambda full: saved(right(full, x_test=changed(full.x_test, 1).astype("uint8"))),
                          "x_test was altered"),
    "labels in another order": (lambda full: saved(right(full, y_test=full.y_test[::-1])), "y_test was altered"),
    "training and test images exchanged": (
        lambda full: saved(right(full, x_train=full.x_test, x_test=full.x_train)), "x_train is uint8 of shape (10000,"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_named_with_what_is_wrong_and_what_to_do(full: Mnist, tmp_path, case: str) -> None:
    content, wrong = FILES[case]
    path = tmp_path / "bad.npz"
    path.write_bytes(content(full))
    with pytest.raises(DataError) as error:
        load_mnist(path)
    assert str(path) in str(error.value) and wrong in str(error.value)
    assert str(error.value).endswith("Name another file, or none, and Keras downloads MNIST.")


def test_no_file_can_take_much_memory(tmp_path) -> None:
    """Arrays of 784 TB, announced by an archive of a megabyte, are refused by a process that may take 2 GB."""
    bomb = zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED)
    for name in NAMES:
        with bomb.open(f"{name}.npy", "w", force_zip64=True) as member:
            member.write(array_file(HUGE))
            for _ in range(300):
                member.write(bytes(1_000_000))
    bomb.close()
    code = (
        "import resource, time\n"
        "from mnist_cnn.data import DataError, load_mnist\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000,) * 2)\n"
        "try:\n    load_mnist('bomb.npz')\nexcept DataError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "x_train is uint8 of shape (1000000000000, 28, 28)" in done.stdout, done.stderr


# Places that are no files, and variables of the environment


def no_file(tmp_path: Path) -> None:
    load_mnist(tmp_path / "nowhere.npz")


def folder(tmp_path: Path) -> None:
    load_mnist(tmp_path)


def pipe(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe.npz")
    load_mnist(tmp_path / "pipe.npz")


def link_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "circle.npz").symlink_to(tmp_path / "circle.npz")
    load_mnist(tmp_path / "circle.npz")


def variable(name: str, value: str) -> Callable[[Path], None]:
    def call(tmp_path: Path) -> None:
        os.environ[name] = value.format(tmp_path)
        (tmp_path / "file").write_text("not a folder")
        if name == "MNIST_CNN_RUNS":
            train("relu", Mnist(IMAGES, LABELS, IMAGES, LABELS, "sample", "memory"), epochs=1)
        else:
            load_mnist()

    return call


PLACES = {
    "no file": (no_file, FileNotFoundError, "There is no file .*nowhere.npz. Name another file, or none"),
    "a folder": (folder, FileNotFoundError, "There is no file "),
    "a pipe": (pipe, FileNotFoundError, "There is no file .*pipe.npz"),
    "a link in a circle": (link_in_a_circle, FileNotFoundError, "There is no file .*circle.npz"),
    "MNIST_NPZ without a file": (variable("MNIST_NPZ", "{}/none"), FileNotFoundError, "no file .*none. Set .*or unset"),
    "MNIST_NPZ a folder": (variable("MNIST_NPZ", "{}"), FileNotFoundError, "Set MNIST_NPZ to another file, or unset"),
    "MNIST_NPZ of nobody": (
        variable("MNIST_NPZ", "~nobody-at-all/m.npz"),
        FileNotFoundError,
        "no file .*Set MNIST_NPZ",
    ),
    "MNIST_NPZ a text": (variable("MNIST_NPZ", "{}/file"), DataError, "no .npz archive.*Set MNIST_NPZ to another file"),
    "MNIST_CNN_RUNS a file": (variable("MNIST_CNN_RUNS", "{}/file"), RunError, "Runs cannot be kept in .*/file"),
    "MNIST_CNN_RUNS of nobody": (
        variable("MNIST_CNN_RUNS", "/proc/~nobody-at-all"),
        RunError,
        "Runs cannot be kept in",
    ),
    "MNIST_CNN_RUNS below a file": (variable("MNIST_CNN_RUNS", "{}/file/deep"), RunError, "Runs cannot be kept in"),
    "MNIST_CNN_RUNS in no folder of ours": (variable("MNIST_CNN_RUNS", "/proc/runs"), RunError, "Runs cannot be kept"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_bad_place_is_named_with_what_to_do(case: str, offline, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MNIST_NPZ", "")
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / "runs"))
    call, kind, said = PLACES[case]
    with pytest.raises(kind, match=said):
        call(tmp_path)


# Arguments


def digits(**changes) -> Mnist:
    return Mnist(**{"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS,
                    "source": "sample", "origin": "memory"} | changes)  # fmt: skip


def relu(**changes) -> None:
    train("relu", digits(), **changes)


def explorer(*arguments) -> ConfusionExplorer:
    return ConfusionExplorer(IMAGES, LABELS, *arguments)


UINT8_IMAGES = r"images must be uint8 of shape \(n, 28, 28\), not .*put a single image in a batch of one"
DIGITS = "labels must lie in 0..9, not in "
INTEGERS = r"labels must be integers of shape \(n,\), not "
TEN_FLOATS = r"probabilities must be floats of shape \(n, 10\), a row an image, not "
UNIT_RANGE = r"must lie in 0..1, not in "
AS_MANY = "must be equally many, at least "
ARGUMENTS: dict[str, tuple[Callable[[], object], str]] = {
    # data
    "load_mnist: unknown source": (lambda: load_mnist(source="ful"), 'source must be "auto", "full" or "sample"'),
    "Mnist: unknown source": (lambda: digits(source="mine"), 'source must be "full" or "sample", not \'mine\''),
    "Mnist: lengths": (lambda: digits(y_test=LABELS[1:]), AS_MANY + "1; got 20 images, 19 labels"),
    "Mnist: a label of 10": (lambda: digits(y_train=LABELS + 1), DIGITS + "1..10"),
    "Mnist: float images": (lambda: digits(x_train=UNIT[..., 0]), UINT8_IMAGES),
    "Mnist: no test images": (lambda: digits(x_test=IMAGES[:0], y_test=LABELS[:0]), AS_MANY + "1; got 0 images"),
    "prepare_images: floats": (lambda: prepare_images(INK[np.newaxis]), UINT8_IMAGES),
    "prepare_images: a single image": (lambda: prepare_images(IMAGES[0]), UINT8_IMAGES),
    "prepare_images: another size": (lambda: prepare_images(IMAGES[:, 1:]), UINT8_IMAGES),
    "prepare_images: prepared already": (lambda: prepare_images(UNIT), UINT8_IMAGES),
    "prepare_images: a list of numbers": (lambda: prepare_images([1, 2]), UINT8_IMAGES),
    "prepare_images: nothing": (lambda: prepare_images(None), UINT8_IMAGES),
    "one_hot: 10": (lambda: one_hot(np.array([10])), DIGITS + "10..10"),
    "one_hot: -1": (lambda: one_hot(np.array([3, -1])), DIGITS + "-1..3"),
    "one_hot: floats": (lambda: one_hot(np.array([1.0])), INTEGERS + "float64"),
    "one_hot: NaN": (lambda: one_hot(np.array([np.nan])), INTEGERS + "float64"),
    "one_hot: a column": (lambda: one_hot(LABELS[:, np.newaxis]), INTEGERS),
    "one_hot: one_hot already": (lambda: one_hot(SURE), INTEGERS),
    "one_hot: a number": (lambda: one_hot(7), INTEGERS),
    "one_hot: texts": (lambda: one_hot(np.array(["7"])), INTEGERS),
    "split_validation: lengths": (lambda: split_validation(IMAGES, LABELS[1:]), AS_MANY + "2; got 20 images, 19 labels"),
    "split_validation: nothing": (lambda: split_validation(None, None), AS_MANY + "2; got None images, None labels"),
    "split_validation: one image": (lambda: split_validation(IMAGES[:1], LABELS[:1]), AS_MANY + "2; got 1 images"),
    "random_affine: uint8": (lambda: random_affine(IMAGES, RNG), r"float32 of shape \(n, 28, 28, 1\), not uint8"),
    "random_affine: a list": (lambda: random_affine([1.0], RNG), r"float32 of shape \(n, 28, 28, 1\), not float64"),
    "random_affine: no channel": (lambda: random_affine(UNIT[..., 0], RNG), r"not float32 of shape \(20, 28, 28\)"),
    "random_affine: 0..255": (lambda: random_affine(UNIT * 255, RNG), UNIT_RANGE + "0.0..255.0"),
    "random_affine: NaN": (lambda: random_affine(changed(UNIT, np.float32("nan")), RNG), UNIT_RANGE + "nan"),
    # models
    "build_model: unknown network": (lambda: build_model("resnet"), "relu, leaky_relu, batch_norm, article; not 'resnet'"),
    "build_model: unknown precision": (lambda: build_model("relu", "float16"), "float32, mixed_bfloat16; not 'float16'"),
    "predict: no image": (lambda: predict(build_model(), IMAGES[:0]), "there is no image to predict"),
    "predict: a single image": (lambda: predict(build_model(), IMAGES[0]), UINT8_IMAGES),
    "predict: floats": (lambda: predict(build_model(), UNIT), UINT8_IMAGES),
    # training
    "train: unknown recipe": (lambda: train("rleu", digits()), "recipe must be one of relu, .*; not 'rleu'"),
    "train: no epoch": (lambda: relu(epochs=0), "epochs must be a whole number from 1, not 0"),
    "train: half an epoch": (lambda: relu(epochs=0.5), "epochs must be a whole number from 1, not 0.5"),
    "train: an epoch that is a truth": (lambda: relu(epochs=True), "epochs must be a whole number from 1, not True"),
    "train: epochs in words": (lambda: relu(epochs="two"), "epochs must be a whole number from 1, not 'two'"),
    "train: a negative seed": (lambda: relu(seed=-1), "seed must be a whole number from 0, not -1"),
    "train: a huge seed": (lambda: relu(seed=2**32), r"seed must be below 2\*\*32"),
    "train: no seed": (lambda: relu(seed=None), "seed must be a whole number from 0, not None"),
    "train: unknown precision": (lambda: relu(precision="bfloat16"), "one of float32, mixed_bfloat16; not 'bfloat16'"),
    "train: a name that leads elsewhere": (lambda: relu(name="../mine"), "a run's name .*not '../mine'"),
    "train: a name that is a place": (lambda: relu(name="/mine"), "a run's name .*not '/mine'"),
    "train: a hidden name": (lambda: relu(name=".mine"), "a run's name .*not '.mine'"),
    "train: one image": (lambda: train("relu", digits(x_train=IMAGES[:1], y_train=LABELS[:1])), AS_MANY + "2"),
    "find_run: unknown recipe": (lambda: find_run("rleu", digits()), "recipe must be one of relu, .*; not 'rleu'"),
    # evaluation
    "wilson_interval: too many": (lambda: wilson_interval(11, 10), "correct must lie in 0..total, not 11 of 10"),
    "wilson_interval: negative": (lambda: wilson_interval(-1, 10), "correct must be a whole number from 0, not -1"),
    "wilson_interval: of nothing": (lambda: wilson_interval(0, 0), "total must be a whole number from 1, not 0"),
    "wilson_interval: an accuracy": (lambda: wilson_interval(0.99, 10), "correct must be a whole number"),
    "wilson_interval: NaN": (lambda: wilson_interval(np.nan, 10), "correct must be a whole number from 0, not nan"),
    "confusion_matrix: lengths": (lambda: confusion_matrix(LABELS, LABELS[1:]), AS_MANY + "0; got 20 labels, 19 predictions"),
    "confusion_matrix: -1": (lambda: confusion_matrix(LABELS, LABELS - 1), DIGITS + "-1..8"),
    "confusion_matrix: 10": (lambda: confusion_matrix(LABELS + 1, LABELS), DIGITS + "1..10"),
    "confusion_matrix: numbers": (lambda: confusion_matrix(3, 3), INTEGERS),
    "confusion_matrix: nothing": (lambda: confusion_matrix(None, None), INTEGERS),
    "confusion_matrix: probabilities": (lambda: confusion_matrix(LABELS, SURE), INTEGERS),
    "find_mistakes: lengths": (lambda: find_mistakes(LABELS, SURE[1:]), AS_MANY + "0; got 20 labels, 19 predictions"),
    "find_mistakes: digits": (lambda: find_mistakes(LABELS, LABELS), TEN_FLOATS),
    "find_mistakes: nine columns": (lambda: find_mistakes(LABELS, SURE[:, 1:]), TEN_FLOATS),
    "find_mistakes: NaN": (lambda: find_mistakes(LABELS, changed(SURE, np.nan)), "probabilities " + UNIT_RANGE + "nan"),
    "find_mistakes: a label of 10": (lambda: find_mistakes(LABELS + 1, SURE), DIGITS),
    "rank_by_doubt: percent": (lambda: rank_by_doubt(100 * SURE), "probabilities " + UNIT_RANGE + "0.0..100.0"),
    "rank_by_doubt: one image": (lambda: rank_by_doubt(SURE[0]), TEN_FLOATS),
    "compare: lengths": (lambda: compare(LABELS, LABELS, LABELS[1:]), AS_MANY + "1; got 20 labels, 20 first predictions, 19"),
    "compare: nothing": (lambda: compare(LABELS[:0], LABELS[:0], LABELS[:0]), AS_MANY + "1; got 0 labels"),
    "compare: probabilities": (lambda: compare(LABELS, SURE, SURE), INTEGERS),
    # plots
    "show_digits: no image": (lambda: show_digits(IMAGES[:0]), AS_MANY + "1; got 0 images"),
    "show_digits: titles": (lambda: show_digits(IMAGES[:3], ["a", "b"]), AS_MANY + "1; got 3 images, 2 titles"),
    "show_digits: a single image": (lambda: show_digits(IMAGES[0]), r"images must have the shape \(n, height, width\)"),
    "show_predictions: lengths": (lambda: show_predictions(IMAGES, LABELS, SURE[1:]), AS_MANY + "1; got 20 images"),
    "show_predictions: digits": (lambda: show_predictions(IMAGES, LABELS, LABELS), TEN_FLOATS),
    "plot_probabilities: no network": (lambda: plot_probabilities(IMAGES[0], 3, {}), "name the network, or several, whose"),
    "plot_probabilities: without a name": (lambda: plot_probabilities(IMAGES[0], 3, SURE[0]), "name the network, or several"),
    "plot_probabilities: two rows": (lambda: plot_probabilities(IMAGES[0], 3, {"a": SURE}), TEN_FLOATS),
    "plot_probabilities: images": (lambda: plot_probabilities(IMAGES, 3, {"a": SURE[0]}), r"image must have the shape"),
    "plot_bars: nine": (lambda: plot_bars(np.arange(9), "digit", "n"), r"heights must have the shape \(10\), not \(9,\)"),
    "plot_confusion: titles": (lambda: plot_confusion(np.zeros((2, 10, 10)), ["a"]), AS_MANY + "1; got 2 matrices, 1 titles"),
    "plot_confusion: nine rows": (lambda: plot_confusion(np.zeros((9, 10))), r"counts must have the shape \(n, 10, 10\)"),
    # drawing
    "find_ink: a row": (lambda: find_ink(INK[0]), "an image has shape"),
    "find_ink: NaN": (lambda: find_ink(changed(INK, np.nan)), r"must lie in 0..1"),
    "find_ink: blank": (lambda: find_ink(INK * 0), "nothing is drawn"),
    "center_in_box: NaN": (lambda: center_in_box(changed(INK, np.nan)), "ink " + UNIT_RANGE + "nan.*`find_ink` makes"),
    "center_in_box: uint8": (lambda: center_in_box(IMAGES[0]), r"ink must be floats of shape \(height, width\), not uint8"),
    "center_in_box: blank": (lambda: center_in_box(INK * 0), "there is no ink"),
    "center_in_box: a batch": (lambda: center_in_box(UNIT[..., 0]), r"ink must be floats of shape \(height, width\)"),
    "shrink: 0..255": (lambda: shrink(255 * INK), "ink " + UNIT_RANGE + "0.0..255.0"),
    "shrink: nothing": (lambda: shrink(INK[:0]), r"ink must be floats of shape \(height, width\), not .* \(0, 28\)"),
    # widgets
    "PredictionBrowser: lengths": (lambda: PredictionBrowser(IMAGES, LABELS, {"a": SURE[1:]}), AS_MANY + "1.*19 predictions"),
    "PredictionBrowser: one network of two": (
        lambda: PredictionBrowser(IMAGES, LABELS, {"a": SURE, "b": SURE[:5]}), AS_MANY + "1; got 20 images, 20 labels, 20 predictions of a, 5 predictions of b"),
    "PredictionBrowser: no image": (lambda: PredictionBrowser(IMAGES[:0], LABELS[:0], {"a": SURE[:0]}), AS_MANY + "1; got 0"),
    "PredictionBrowser: without a name": (lambda: PredictionBrowser(IMAGES, LABELS, SURE), "name the network, or several"),
    "PredictionBrowser: no network": (lambda: PredictionBrowser(IMAGES, LABELS, {}), "name the network, or several, whose"),
    "PredictionBrowser: NaN": (lambda: PredictionBrowser(IMAGES, LABELS, {"a": SURE * np.nan}), UNIT_RANGE),
    "PredictionBrowser: float images": (lambda: PredictionBrowser(UNIT, LABELS, {"a": SURE}), UINT8_IMAGES),
    "PredictionBrowser: a label of 10": (lambda: PredictionBrowser(IMAGES, LABELS + 1, {"a": SURE}), DIGITS),
    "ConfusionExplorer: lengths": (lambda: explorer(LABELS[1:]), AS_MANY + "1; got 20 images, 20 labels, 19 predictions"),
    "ConfusionExplorer: no image": (lambda: ConfusionExplorer(IMAGES[:0], LABELS[:0], LABELS[:0]), AS_MANY + "1; got 0"),
    "ConfusionExplorer: a prediction of 10": (lambda: explorer(LABELS + 1), DIGITS),
    "ConfusionExplorer: half an order": (lambda: explorer(LABELS, np.arange(3)), "order must name each index in 0..19 once"),
    "ConfusionExplorer: an order of floats": (lambda: explorer(LABELS, np.arange(20.0)), "order must name each index"),
    "ConfusionExplorer: nothing": (lambda: ConfusionExplorer(None, None, None), UINT8_IMAGES),
    "ConfusionExplorer: one twice": (lambda: explorer(LABELS, np.arange(20) // 2 * 2), "order must name each index"),
    "EpochScrubber: other images": (lambda: EpochScrubber(load_run(SHIPPED / "relu"), IMAGES, LABELS), "for 6000 images"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARGUMENTS)
def test_a_bad_argument_is_refused_with_what_is_wrong(case: str, runs) -> None:
    call, said = ARGUMENTS[case]
    with pytest.raises(ValueError, match=said):
        call()
    assert not runs.exists() and plt.get_fignums() == []  # nothing was begun


def shown_by(labels) -> str:
    """What a view says of the threes."""
    view = ConfusionExplorer(IMAGES, labels, labels, order=list(range(20)))
    view.matrix.chosen = [3, 3]
    return view.board.caption


def browsed(labels, probabilities) -> str:
    view = PredictionBrowser(IMAGES, labels, {"a": probabilities})
    view.actual.value = 3
    return view.board.caption


RIGHT: dict[str, tuple[Callable[[], object], object]] = {
    "prepare_images: none": (lambda: prepare_images(IMAGES[:0]).shape, (0, 28, 28, 1)),
    "prepare_images: a list of images": (lambda: prepare_images([IMAGES[0]]).tolist(), UNIT[:1].tolist()),
    "one_hot: none": (lambda: one_hot(LABELS[:0]).shape, (0, 10)),
    "one_hot: a list": (lambda: one_hot([0, 9]).argmax(axis=1).tolist(), [0, 9]),
    "one_hot: 64 bits without a sign": (lambda: one_hot(LABELS.astype("uint64")).tolist(), SURE.tolist()),
    "random_affine: none": (lambda: random_affine(UNIT[:0], RNG).shape, (0, 28, 28, 1)),
    "confusion_matrix: none": (lambda: confusion_matrix(LABELS[:0], LABELS[:0]).tolist(), [[0] * 10] * 10),
    "find_mistakes: none": (lambda: find_mistakes(LABELS[:0], SURE[:0]).tolist(), []),
    "find_mistakes: no mistakes": (lambda: find_mistakes(LABELS, SURE).tolist(), []),
    "rank_by_doubt: none": (lambda: rank_by_doubt(SURE[:0]).tolist(), []),
    "wilson_interval: NumPy's integers": (lambda: wilson_interval(np.int64(5), np.uint8(5))[1], 1.0),
    "wilson_interval: NumPy's bytes": (
        lambda: wilson_interval(np.uint8(200), np.uint8(250)),
        wilson_interval(200, 250),
    ),
    "Mnist: lists and other integers": (lambda: digits(y_test=LABELS.tolist()).y_test.dtype, np.dtype("uint8")),
    "ConfusionExplorer: lists": (lambda: shown_by(LABELS.tolist()), shown_by(LABELS)),
    "PredictionBrowser: lists": (lambda: browsed(LABELS.tolist(), SURE.tolist()), browsed(LABELS, SURE)),
    "load_run: a place as text": (lambda: load_run(str(SHIPPED / "relu")).epochs, 20),
    "compare: the same": (lambda: compare(LABELS, LABELS, LABELS).p_value, 1.0),
    "split_validation: two": (lambda: [len(part[0]) for part in split_validation(IMAGES[:2], LABELS[:2])], [1, 1]),
    "build_model: twice": (lambda: build_model().count_params(), build_model().count_params()),
}


@pytest.mark.parametrize("case", RIGHT)
def test_little_or_unusual_input_gives_the_right_result(case: str) -> None:
    call, expected = RIGHT[case]
    assert call() == expected


# What a browser may send to a view


@pytest.mark.parametrize("chosen", [[1], [1, 2, 3], [10, 0], [-1, 0], ["a", "b"], [None, None], [1.5, 2], "12"])
def test_a_cell_that_is_not_in_the_matrix_cannot_be_chosen(chosen) -> None:
    matrix = Matrix(counts=[[0] * 10] * 10)
    with pytest.raises(Exception, match="chosen"):
        matrix.chosen = chosen
    assert matrix.chosen == []


@pytest.mark.parametrize(
    "pixels, shape",
    [(b"\x01", [28, 28, 4]), (bytes(10) + b"\x01", [0, 0, 4]), (b"\x01" * 8, [2, 1, 4]), (b"\x01" * 3136, [-5, 28, 4]),
     (b"\x01" * 3136, [28, 28, 4, 1]), (b"\x01" * 3136, [10**9, 10**9, 4])],
)  # fmt: skip
def test_a_drawing_that_is_none_is_answered_in_words(pixels: bytes, shape: list[int]) -> None:
    pad = DrawingPad(build_model())
    pad.pad.pixels, pad.pad.shape = pixels, shape
    pad.pad.sent = 1
    assert pad.board.caption.startswith("The network has nothing to read: ") and pad.board.body == ""
    assert pad.pad.answered == 1


def test_a_slider_stays_in_its_range() -> None:
    browser = PredictionBrowser(IMAGES, LABELS, {"a": SURE})
    for position, expected in ((0, 1), (-5, 1), (10**6, 20)):
        browser.slider.value = position
        assert browser.slider.value == expected and f"{expected} of 20" in browser.board.caption


def test_a_notebook_shows_our_errors_without_a_traceback(tmp_path, capsys) -> None:
    (tmp_path / "page.npz").write_text("<!doctype html>")
    shell = InteractiveShell()
    shell.run_cell(f"from mnist_cnn.data import load_mnist; load_mnist({str(tmp_path / 'page.npz')!r})")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("DataError: ") and line.endswith("Keras downloads MNIST.")
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out
    assert issubclass(RunError, Explained) and issubclass(Interrupted, Explained)
