"""Images and labels that load but look wrong, and datasets that need a few lines of code."""

import gzip
import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from idx_files import pack_idx
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import DataError
from repository import ROOT

Arrays = dict[str, np.ndarray]
PAGE = (ROOT / "docs" / "other_images.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def arrays(full: Dataset) -> Arrays:
    """A part of MNIST, which is no known collection."""
    return {
        "x_train": full.x_train[:6000],
        "y_train": full.y_train[:6000],
        "x_test": full.x_test[:1000],
        "y_test": full.y_test[:1000],
    }


def pixels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    """Change the images of both parts."""
    return lambda of: {name: change(of[name]).astype("uint8") for name in ("x_train", "x_test")}


def labels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda of: {name: change(of[name]) for name in ("y_train", "y_test")}


def chosen(rows: Callable[[Arrays], np.ndarray]) -> Callable[[Arrays], Arrays]:
    """Choose and order the training images, with their labels."""

    def change(of: Arrays) -> Arrays:
        some = rows(of)
        return {name: of[name][some] for name in ("x_train", "y_train")}

    return change


RNG = np.random.default_rng(0)
WRONG: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "black and white as 0 and 1": (pixels(lambda x: x > 127), "The images have pixels in 0..1,"),
    "divided by 255, then whole": (pixels(lambda x: x / 255), "The images have pixels in 0..1,"),
    "test images alone": (
        lambda of: {"x_test": (of["x_test"] / 255).astype("uint8")},
        "The test images have pixels in 0..1,",
    ),
    "sixteen greys": (pixels(lambda x: x // 16), "have pixels in 0..15, not in 0..255"),
    "dark on white": (pixels(lambda x: 255 - x), "The images seem to be dark on white."),
    "labels from 1": (labels(lambda y: y + 1), "The labels begin at 1,"),
    "no threes and sevens": (
        chosen(lambda of: ~np.isin(of["y_train"], (3, 7))),
        "No training image has a label of 3, 7,",
    ),
    "sorted by class": (
        chosen(lambda of: np.argsort(of["y_train"], kind="stable")),
        "The last tenth of the training images, which is for validation, has only 1 of 10 classes",
    ),
    "one image": (
        lambda of: {"x_train": np.repeat(of["x_train"][:1], 6000, axis=0)},
        "Only 1 of the 6,000 training images are different",
    ),
    "each image twice": (
        chosen(lambda of: np.repeat(np.arange(3000), 2)),
        "Only 3,000 of the 6,000 training images are different",
    ),
    "test images trained on": (
        lambda of: {"x_test": of["x_train"][:1000], "y_test": of["y_train"][:1000]},
        "1,000 of the 1,000 test images are training images, too",
    ),
    "a shuffled column": (
        lambda of: {"y_train": RNG.permutation(of["y_train"])},
        "The labels of the training images do not seem to belong to them",
    ),
    "labels one row too low": (
        lambda of: {"y_train": np.roll(of["y_train"], 1)},
        "The labels of the training images do not seem to belong to them",
    ),
    "a shuffled test column": (
        lambda of: {"y_test": RNG.permutation(of["y_test"])},
        "The labels of the test images do not seem to belong to them",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_images_that_look_wrong_are_loaded_with_one_warning(
    arrays: Arrays, tmp_path: Path, case: str
) -> None:
    change, said = WRONG[case]
    np.savez(tmp_path / "mine.npz", **arrays | change(arrays))
    with pytest.warns(UserWarning) as warned:
        loaded = load_images(tmp_path / "mine.npz")
    (message,) = (str(each.message) for each in warned)
    assert warned[0].filename == __file__  # where it was called
    assert message.startswith("mine can be used, but does not look right.\n- ")
    assert message.endswith("\nIf that is intended, carry on.")
    assert said in message and message.count("\n- ") == 1
    assert loaded.source == "mine-images"


def with_wrong_labels(share: float) -> Callable[[Arrays], Arrays]:
    """Replace a share of the training labels by random ones."""

    def change(of: Arrays) -> Arrays:
        wrong = RNG.random(6000) < share
        return {"y_train": np.where(wrong, RNG.integers(0, 10, 6000), of["y_train"])}

    return change


def two_classes(of: Arrays) -> Arrays:
    train = of["y_train"] < 2
    test = of["y_test"] < 2
    return {
        "x_train": of["x_train"][train],
        "y_train": of["y_train"][train],
        "x_test": of["x_test"][test],
        "y_test": of["y_test"][test],
    }


def rare_eights_and_nines(of: Arrays) -> np.ndarray:
    """The rows of all other digits, and of a twentieth of those."""
    return np.flatnonzero((of["y_train"] < 8) | (RNG.random(6000) < 0.05))


RIGHT: dict[str, Callable[[Arrays], Arrays]] = {
    "a part of MNIST": lambda of: {},
    "black and white": pixels(lambda x: 255 * (x > 127)),
    "pale": pixels(lambda x: x * 0.5),
    "noisy": pixels(lambda x: np.maximum(x, RNG.integers(0, 90, x.shape))),
    "only few": chosen(lambda of: np.arange(200)),
    "two classes": two_classes,
    "a tenth of the labels wrong": with_wrong_labels(0.1),
    "half of the labels wrong": with_wrong_labels(0.5),
    "rare classes": chosen(rare_eights_and_nines),
}


@pytest.mark.parametrize("case", RIGHT)
def test_plausible_images_are_loaded_without_a_warning(
    arrays: Arrays, tmp_path: Path, case: str
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays | RIGHT[case](arrays))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_images(tmp_path / "mine.npz")


# Other datasets, in files of their format; the pixels are MNIST's


def write_idx(folder: Path, prefix: str, arrays: Arrays) -> None:
    folder.mkdir()
    for name, array in arrays.items():
        kind = "images-idx3" if name.startswith("x") else "labels-idx1"
        path = folder / f"{prefix}{name[2:]}-{kind}-ubyte.gz"
        path.write_bytes(gzip.compress(pack_idx(array.astype("uint8")), 1))


def emnist_letters(arrays: Arrays) -> Arrays:
    """Labels from 1 to 26, and every image transposed."""
    changed = {}
    for kind in ("train", "test"):
        letters = arrays[f"y_{kind}"] + 10 * (np.arange(len(arrays[f"y_{kind}"])) % 3)
        few = letters < 26
        changed[f"x_{kind}"] = arrays[f"x_{kind}"][few].transpose(0, 2, 1)
        changed[f"y_{kind}"] = letters[few] + 1
    return changed


def run_block(heading: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Run the code below a heading of docs/other_images.md; return what it defines."""
    section = PAGE.split(f"\n### {heading}\n")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(code, names)  # noqa: S102  (the page's own lines)
    return names


def test_emnists_letters_are_recognised_and_repaired(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = emnist_letters(arrays)
    write_idx(tmp_path / "letters", "emnist-letters-", letters)
    with pytest.warns(UserWarning, match="EMNIST's letters are stored like that, and transposed"):
        run_block("EMNIST", tmp_path, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        repaired = load_images("emnist_letters.npz")
    assert repaired.class_names == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert np.array_equal(repaired.x_test[:, 3, 5], letters["x_test"][:, 5, 3])
    assert np.array_equal(repaired.y_test + 1, letters["y_test"])
    (tmp_path / "letters" / "class_names.txt").write_text("\n".join(repaired.class_names))
    with pytest.raises(
        DataError, match=r"26 class names, and the labels lie in 1\.\.26: subtract 1"
    ):
        load_images(tmp_path / "letters")


def test_kuzushiji_49_is_assembled_from_its_files(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, array in arrays.items():
        kind = "imgs" if name.startswith("x") else "labels"
        np.savez_compressed(tmp_path / f"k49-{name[2:]}-{kind}.npz", array)
    run_block("KMNIST and Kuzushiji-49", tmp_path, monkeypatch)
    assert np.array_equal(load_images("k49.npz").y_test, arrays["y_test"])


def test_qmnists_labels_are_the_first_column(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = np.zeros((6000, 8), ">i4")
    table[:, 0], table[:, 2] = arrays["y_train"], 2154
    packed = struct.pack(">HBB2I", 0, 12, 2, *table.shape) + table.tobytes()
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(packed, 1))
    names = run_block("QMNIST", tmp_path, monkeypatch)
    assert np.array_equal(names["y_train"], arrays["y_train"])


def test_medmnists_arrays_are_renamed(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {}
    for kind in ("train", "val", "test"):
        images, of_images = (arrays[f"{axis}_{kind.replace('val', 'test')}"] for axis in "xy")
        old |= {f"{kind}_images": images, f"{kind}_labels": of_images[:, np.newaxis]}
    np.savez(tmp_path / "pneumoniamnist.npz", **old)
    run_block("MedMNIST", tmp_path, monkeypatch)
    assert np.array_equal(load_images("pneumonia.npz").y_train, arrays["y_train"])


def test_kaggles_table_is_split_into_training_and_test_images(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = np.column_stack([arrays["y_train"][:700], arrays["x_train"][:700].reshape(700, -1)])
    header = ",".join(["label", *(f"pixel{number}" for number in range(784))])
    np.savetxt(tmp_path / "train.csv", table, "%d", ",", header=header, comments="")
    run_block("Kaggle's table", tmp_path, monkeypatch)
    loaded = load_images("kaggle.npz")
    assert (len(loaded.x_train), len(loaded.x_test)) == (600, 100)
    assert np.array_equal(loaded.x_test, arrays["x_train"][600:700])
    assert np.array_equal(loaded.y_train, arrays["y_train"][:600])
