"""Data: from the right place, the right digits, and a clear error for everything else."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_cnn.data import DataError, Mnist, load_mnist, one_hot, prepare_images, split_validation
from mnist_cnn.quiet import keras
from mnist_cnn.runs import RunError
from mnist_cnn.training import train

PUBLISHED_MD5 = {  # of the four original files, uncompressed
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


def arrays_of(digits: Mnist) -> dict[str, np.ndarray]:
    return {name: getattr(digits, name) for name in PUBLISHED_MD5}


def saved(**arrays: np.ndarray) -> bytes:
    np.savez(buffer := io.BytesIO(), **arrays)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def content(full: Mnist) -> bytes:
    """A good archive."""
    return saved(**arrays_of(full))


@pytest.fixture
def archive(content: bytes, tmp_path: Path) -> Path:
    (tmp_path / "mnist.npz").write_bytes(content)
    return tmp_path / "mnist.npz"


def idx(array: np.ndarray) -> bytes:
    """Pack an array as the original files do: magic number, sizes, bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_the_digits_are_those_of_the_original_files(full: Mnist) -> None:
    sums = {name: hashlib.md5(idx(array), usedforsecurity=False).hexdigest() for name, array in arrays_of(full).items()}
    assert sums == PUBLISHED_MD5


def test_the_sample_is_stratified_real_and_without_overlap(full: Mnist, sample: Mnist) -> None:
    def pairs(images: np.ndarray, labels: np.ndarray) -> set[tuple[bytes, int]]:
        return {(image.tobytes(), label) for image, label in zip(images, labels.tolist(), strict=True)}

    assert np.bincount(sample.y_train).tolist() == [400] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10
    drawn = pairs(sample.x_train, sample.y_train) | pairs(sample.x_test, sample.y_test)
    assert drawn <= pairs(full.x_train, full.y_train)
    assert len(drawn) == 5000  # all different, so no test image is trained on
    (_, _), (_, y_val) = split_validation(sample.x_train, sample.y_train)
    assert len(y_val) == 400 and np.bincount(y_val).min() >= 20  # the classes are mixed


def test_preparation_agrees_with_plain_python(sample: Mnist) -> None:
    prepared, encoded = prepare_images(sample.x_train[:3]), one_hot(sample.y_train[:3])
    assert prepared.shape == (3, 28, 28, 1) and prepared.dtype == encoded.dtype == np.float32
    for i in range(3):
        assert encoded[i].tolist() == [float(digit == sample.y_train[i]) for digit in range(10)]
        for row, column in np.ndindex(28, 28):
            assert prepared[i, row, column, 0] == pytest.approx(int(sample.x_train[i, row, column]) / 255)


def test_the_fingerprint_tells_what_was_trained_on(sample: Mnist) -> None:
    arrays = arrays_of(sample)
    relabelled = arrays | {"y_train": np.roll(arrays["y_train"], 1)}
    other_test = arrays | {"y_test": np.roll(arrays["y_test"], 1)}
    assert Mnist(**relabelled, source="sample", origin="memory").fingerprint != sample.fingerprint
    assert Mnist(**other_test, source="sample", origin="memory").fingerprint == sample.fingerprint


# Where the digits come from


def test_a_named_file_comes_first_then_the_variable_then_the_cache(archive, offline, tmp_path, monkeypatch) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(archive)
    assert load_mnist().origin == "the Keras cache"
    monkeypatch.setenv("MNIST_NPZ", str(archive))
    assert load_mnist().origin == "the file that MNIST_NPZ names"
    loaded = load_mnist(archive)
    assert str(loaded) == "Full MNIST: 60,000 training and 10,000 test images, from the file mnist.npz"


def run_python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_without_network_the_sample_stands_in_with_one_warning(offline, tmp_path) -> None:
    done = run_python("from mnist_cnn.data import load_mnist; print(load_mnist())", offline)
    assert "MNIST sample: 4,000 training and 1,000 test images" in done.stdout
    assert done.stderr.count("Warning") == 1 and "set MNIST_NPZ" in done.stderr
    assert "The download failed: " in done.stderr
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()


@pytest.mark.slow
def test_full_refuses_the_sample(offline) -> None:
    done = run_python("from mnist_cnn.data import load_mnist; load_mnist(source='full')", offline)
    assert done.returncode != 0
    assert "ConnectionError: MNIST is not on this machine and could not be downloaded" in done.stderr


def test_a_download_is_verified_too(full: Mnist, offline, monkeypatch) -> None:
    arrays = (full.x_train, full.y_train), (full.x_test, full.y_test)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: arrays)
    assert load_mnist().origin == "Keras's download"


@pytest.mark.parametrize(
    "end, error, said",
    [("interrupted", KeyboardInterrupt, None), ("altered", ConnectionError, "y_test is not MNIST's")],
)
def test_a_bad_download_leaves_nothing_in_the_cache(full, offline, tmp_path, monkeypatch, end, error, said) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"

    def load_data() -> tuple:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(b"half of it")
        if end == "interrupted":
            raise KeyboardInterrupt
        return (full.x_train, full.y_train), (full.x_test, full.y_test[::-1])

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(error, match=said):
        load_mnist(source="full")
    assert not cache.exists()


def test_the_remedy_fits_the_place(offline, tmp_path, monkeypatch) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"half a download")
    with pytest.raises(DataError, match="Delete it and try again: Keras downloads MNIST once more"):
        load_mnist()
    monkeypatch.setenv("MNIST_NPZ", str(cache))
    with pytest.raises(DataError, match="Set MNIST_NPZ to another file, or unset it"):
        load_mnist()


def test_reading_the_data_imports_nothing_heavy(offline) -> None:
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'mlxtend', 'pandas', 'ipywidgets'}"
    done = run_python(f"import sys, mnist_cnn.data; print({heavy} & set(sys.modules))", offline)
    assert done.stdout.strip() == "set()"


# Files that are not MNIST


def flipped(content: bytes, place: int) -> bytes:
    return b"".join([content[:place], bytes([content[place] ^ 1]), content[place:][1:]])


def zipped(member: bytes) -> bytes:
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as archive:
        for name in PUBLISHED_MD5:
            archive.writestr(f"{name}.npy", member)
    return buffer.getvalue()


def one_pixel_changed(digits: Mnist) -> np.ndarray:
    images = digits.x_test.copy()
    images[-1, 14, 14] ^= 1
    return images


NONE = np.zeros(0, "uint8")
BAD_FILES: dict[str, tuple[Callable[[bytes], bytes] | bytes, str]] = {
    "empty": (b"", "not a zip file"),
    "a web page": (b"<!doctype html><title>403 Forbidden</title>", "not a zip file"),
    "cut off in the middle": (lambda good: good[:30_000_000], "not a zip file"),
    "cut off by one byte": (lambda good: good[:-1], "not a zip file"),
    "its beginning lost": (lambda good: good[1_000:], ""),
    "a bit flipped in the pixels": (lambda good: flipped(good, 5_000_000), "Bad CRC-32 for file 'x_train.npy'"),
    "a bit flipped in the directory": (lambda good: flipped(good, -200), ""),
    "an array missing": (saved(x_train=NONE, y_train=NONE, x_test=NONE), "'y_test.npy'"),
    "texts": (zipped(b"not an array"), "x_train is not MNIST's array, uint8 of shape (60000, 28, 28)"),
    "pickled objects": (saved(**dict.fromkeys(PUBLISHED_MD5, np.array([{}, {}]))), "x_train is not MNIST's array"),
}
OTHER_ARRAYS: dict[str, Callable[[Mnist], dict[str, np.ndarray]]] = {
    "few images": lambda full: {"x_train": full.x_train[:5], "y_train": full.y_train[:5]},
    "one image more": lambda full: {"x_train": np.concatenate([full.x_train, full.x_test[:1]])},
    "float pixels": lambda full: {"x_test": full.x_test.astype("float32")},
    "one pixel changed": lambda full: {"x_test": one_pixel_changed(full)},
    "labels in another order": lambda full: {"y_test": full.y_test[::-1]},
    "training and test images exchanged": lambda full: {"x_train": full.x_test, "x_test": full.x_train},
}


def assert_refused(path: Path, wrong: str) -> None:
    with pytest.raises(DataError) as error:
        load_mnist(path)
    assert f"{path} cannot be read as MNIST: " in str(error.value) and wrong in str(error.value)
    assert str(error.value).endswith("Name another file, or none, and Keras downloads MNIST.")


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_what_is_wrong_and_what_to_do(content: bytes, tmp_path, case: str) -> None:
    bad, wrong = BAD_FILES[case]
    (tmp_path / "bad.npz").write_bytes(bad if isinstance(bad, bytes) else bad(content))
    assert_refused(tmp_path / "bad.npz", wrong)


@pytest.mark.parametrize("case", OTHER_ARRAYS)
def test_a_sound_archive_of_other_arrays_is_refused(full: Mnist, tmp_path, case: str) -> None:
    other = OTHER_ARRAYS[case](full)
    (tmp_path / "bad.npz").write_bytes(saved(**arrays_of(full) | other))
    assert_refused(tmp_path / "bad.npz", f"{next(iter(other))} is not MNIST's array")


def test_no_file_can_take_much_memory(tmp_path) -> None:
    """A megabyte that unpacks to a thousand times as much, and says that it holds 784 TB."""
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 28, 28), }"
    bomb = header.ljust(127) + b"\n" + bytes(250_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in PUBLISHED_MD5:
            archive.writestr(f"{name}.npy", bomb)
    tracemalloc.start()
    assert_refused(tmp_path / "bomb.npz", "x_train is not MNIST's array")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000  # bytes; MNIST itself has 55 million


# Places that are no files, and variables of the environment


@pytest.mark.parametrize("kind", ["nothing", "a folder", "a pipe", "a link to itself"])
@pytest.mark.parametrize("how", ["path", "MNIST_NPZ"])
def test_a_place_without_a_file_is_named_with_what_to_do(offline, tmp_path, monkeypatch, kind: str, how: str) -> None:
    place = tmp_path / "place.npz"
    if kind == "a folder":
        place.mkdir()
    elif kind == "a pipe":
        os.mkfifo(place)  # reading it would wait for ever
    elif kind == "a link to itself":
        place.symlink_to(place)
    monkeypatch.setenv("MNIST_NPZ", str(place) if how == "MNIST_NPZ" else "")
    remedy = "Name another file, or none" if how == "path" else "Set MNIST_NPZ to another file, or unset it"
    with pytest.raises(FileNotFoundError, match=rf"There is no file .*place\.npz\. {remedy}"):
        load_mnist(place if how == "path" else None)


def test_a_user_who_does_not_exist_has_no_file(offline, monkeypatch) -> None:
    monkeypatch.setenv("MNIST_NPZ", "~nobody-at-all/mnist.npz")
    with pytest.raises(FileNotFoundError, match=r"There is no file .*Set MNIST_NPZ"):
        load_mnist()


@pytest.mark.parametrize("place", ["file", "file/below/it", "x" * 300, "link"])
def test_a_place_where_no_runs_can_be_saved_is_named_with_what_to_do(sample, tmp_path, monkeypatch, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / place))
    with pytest.raises(RunError, match=rf"Runs cannot be saved in .*{place} .*os\.environ\[\"MNIST_CNN_RUNS\"\] = "):
        train("relu", sample, epochs=1)
    assert (tmp_path / "file").read_text() == "not a folder"
