"""Data: from the right place, the right digits, and a clear error for everything else."""

import gzip
import hashlib
import io
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fresh_python import run_python
from idx_files import pack_idx
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, load_images, one_hot, prepare_images, split_validation
from mnist_cnn.exceptions import DataError, RunError
from mnist_cnn.training import train

PUBLISHED_MD5 = {  # of the four original files, uncompressed
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


def arrays_of(digits: Dataset) -> dict[str, np.ndarray]:
    """The four arrays of a dataset by their names."""
    return {name: getattr(digits, name) for name in PUBLISHED_MD5}


def saved(**arrays: np.ndarray) -> bytes:
    """An archive of arrays, as NumPy saves it."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def content(full: Dataset) -> bytes:
    """A good archive."""
    return saved(**arrays_of(full))


@pytest.fixture
def archive(content: bytes, tmp_path: Path) -> Path:
    (tmp_path / "mnist.npz").write_bytes(content)
    return tmp_path / "mnist.npz"


def test_the_digits_are_those_of_the_original_files(full: Dataset) -> None:
    sums = {
        name: hashlib.md5(pack_idx(array), usedforsecurity=False).hexdigest()
        for name, array in arrays_of(full).items()
    }
    assert sums == PUBLISHED_MD5


def test_the_sample_is_stratified_real_and_without_overlap(full: Dataset, sample: Dataset) -> None:
    def pairs(images: np.ndarray, labels: np.ndarray) -> set[tuple[bytes, int]]:
        return {
            (image.tobytes(), label) for image, label in zip(images, labels.tolist(), strict=True)
        }

    assert np.bincount(sample.y_train).tolist() == [400] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10
    drawn = pairs(sample.x_train, sample.y_train) | pairs(sample.x_test, sample.y_test)
    assert drawn <= pairs(full.x_train, full.y_train)
    assert len(drawn) == 5000  # all different, so no test image is trained on
    (_, _), (_, y_val) = split_validation(sample.x_train, sample.y_train)
    assert len(y_val) == 400 and np.bincount(y_val).min() >= 20  # the classes are mixed


def test_preparation_agrees_with_plain_python(sample: Dataset) -> None:
    prepared, encoded = prepare_images(sample.x_train[:3]), one_hot(sample.y_train[:3])
    assert prepared.shape == (3, 28, 28, 1) and prepared.dtype == encoded.dtype == np.float32
    for i in range(3):
        assert encoded[i].tolist() == [float(digit == sample.y_train[i]) for digit in range(10)]
        for row, column in np.ndindex(28, 28):
            assert prepared[i, row, column, 0] == pytest.approx(
                int(sample.x_train[i, row, column]) / 255
            )


def test_a_part_of_mnist_is_not_called_full_mnist(full: Dataset, sample: Dataset) -> None:
    few = replace(full, x_train=full.x_train[:5000], y_train=full.y_train[:5000])
    assert str(few).startswith("Part of MNIST: 5,000 training and 10,000 test images, from ")
    assert str(full).startswith("Full MNIST: 60,000 training and 10,000 test images, from ")
    assert str(sample).startswith("MNIST sample: 4,000 training and 1,000 test images, from ")


def test_images_cannot_be_changed_behind_the_fingerprint(sample: Dataset) -> None:
    """Else a run of the old images would be taken for one of the new ones."""
    arrays = {name: array.copy() for name, array in arrays_of(sample).items()}
    mine = Dataset(**arrays, source="mine", origin="memory")
    assert mine.fingerprint == sample.fingerprint
    for name in PUBLISHED_MD5:
        with pytest.raises(ValueError, match="read-only"):
            getattr(mine, name)[:] = 0


def test_the_fingerprint_tells_what_was_trained_on(sample: Dataset) -> None:
    arrays = arrays_of(sample)
    relabelled = arrays | {"y_train": np.roll(arrays["y_train"], 1)}
    other_test = arrays | {"y_test": np.roll(arrays["y_test"], 1)}
    assert Dataset(**relabelled, source="sample", origin="memory").fingerprint != sample.fingerprint
    assert Dataset(**other_test, source="sample", origin="memory").fingerprint == sample.fingerprint


# Where the digits come from


def test_a_named_file_comes_first_then_the_variable_then_the_cache(
    archive: Path, offline: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(archive)
    assert load_images().origin == "the Keras cache"
    monkeypatch.setenv("MNIST_NPZ", str(archive))
    assert load_images().origin == "the file that MNIST_NPZ names"
    loaded = load_images(archive)
    assert (
        str(loaded) == "Full MNIST: 60,000 training and 10,000 test images, from the file mnist.npz"
    )


@pytest.mark.parametrize("how", ["path", "MNIST_NPZ"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_tilde_stands_for_the_home_folder(
    archive: Path, offline: dict[str, str], monkeypatch: pytest.MonkeyPatch, how: str, kind: type
) -> None:
    monkeypatch.setenv("HOME", str(archive.parent))
    monkeypatch.setenv("USERPROFILE", str(archive.parent))  # on Windows
    named = kind("~/mnist.npz")
    monkeypatch.setenv("MNIST_NPZ", str(named) if how == "MNIST_NPZ" else "")
    assert load_images(named if how == "path" else None).source == "full"


@pytest.mark.parametrize("place", ["mnist.npz", "nowhere.npz", Path("mnist.npz")])
def test_the_sample_and_a_file_cannot_be_asked_for_at_once(
    archive: Path, monkeypatch: pytest.MonkeyPatch, place: str | Path
) -> None:
    monkeypatch.chdir(archive.parent)
    with pytest.raises(
        ValueError, match=rf'source="sample" asks for .*in {place}; leave out one of'
    ):
        load_images(place, source="sample")
    monkeypatch.setenv("MNIST_NPZ", str(archive))  # what is usual gives way to what is asked for
    assert load_images(source="sample").source == "sample"


@pytest.mark.parametrize("wrong", [5, True, b"mnist.npz", ["mnist.npz"], np.zeros((9, 28, 28))])
def test_a_path_is_a_string(wrong: object) -> None:
    for source in ("auto", "full", "sample"):
        with pytest.raises(TypeError, match="path must be the name of a file or a folder, not "):
            load_images(wrong, source)


@pytest.mark.slow
def test_without_network_the_sample_stands_in_unless_the_full_data_is_asked_for(
    offline: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "from mnist_cnn.data import load_images; print(load_images()); load_images(source='full')"
    )
    done = run_python(code, offline)
    assert "MNIST sample: 4,000 training and 1,000 test images" in done.stdout
    assert done.stderr.count("Warning") == 1 and "set MNIST_NPZ" in done.stderr
    assert "The download failed: " in done.stderr
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()
    assert done.returncode != 0
    assert (
        "ConnectionError: MNIST is not on this machine and could not be downloaded" in done.stderr
    )


def test_a_download_is_verified_too(
    full: Dataset, offline: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = (full.x_train, full.y_train), (full.x_test, full.y_test)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: arrays)
    assert load_images().origin == "Keras's download"


@pytest.mark.parametrize(
    "end, error, said",
    [
        ("interrupted", KeyboardInterrupt, None),
        ("altered", ConnectionError, "it is not MNIST, but mnist"),
    ],
)
def test_a_bad_download_leaves_nothing_in_the_cache(
    full: Dataset,
    offline: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    error: type[BaseException],
    said: str | None,
) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"

    def load_data() -> tuple:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(b"half of it")
        if end == "interrupted":
            raise KeyboardInterrupt
        return (full.x_train, full.y_train), (full.x_test, full.y_test[::-1])

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(error, match=said):
        load_images(source="full")
    assert not cache.exists()


def test_the_advice_depends_on_where_the_bad_file_is(
    offline: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"half a download")
    with pytest.raises(DataError, match="Delete it and try again: Keras downloads MNIST once more"):
        load_images()
    monkeypatch.setenv("MNIST_NPZ", str(cache))
    with pytest.raises(DataError, match="Set MNIST_NPZ to another file or folder, or unset it"):
        load_images()


def test_reading_the_data_imports_nothing_heavy(offline: dict[str, str]) -> None:
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'mlxtend', 'pandas', 'ipywidgets'}"
    done = run_python(f"import sys, mnist_cnn.data; print({heavy} & set(sys.modules))", offline)
    assert done.stdout.strip() == "set()"


# Files that cannot be read


def flipped(content: bytes, place: int) -> bytes:
    """The same bytes, but for one bit; the place may count from the end."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def zipped(member: bytes) -> bytes:
    """An archive that holds the same bytes under the names of all arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in PUBLISHED_MD5:
            archive.writestr(f"{name}.npy", member)
    return buffer.getvalue()


def a_few(**other: np.ndarray) -> bytes:
    """An archive of blank images of three classes, with some arrays replaced."""
    labels = np.arange(30, dtype="uint8") % 3
    images = np.zeros((30, 28, 28), "uint8")
    return saved(
        **{"x_train": images, "y_train": labels, "x_test": images, "y_test": labels} | other
    )


NONE = np.zeros(0, "uint8")
BAD_FILES: dict[str, tuple[Callable[[bytes], bytes] | bytes, str]] = {
    "empty": (b"", "not a zip file"),
    "a web page": (b"<!doctype html><title>403 Forbidden</title>", "not a zip file"),
    "cut off in the middle": (lambda good: good[:30_000_000], "not a zip file"),
    "cut off by one byte": (lambda good: good[:-1], "not a zip file"),
    "its beginning lost": (lambda good: good[1_000:], ""),
    "a bit flipped in the pixels": (
        lambda good: flipped(good, 5_000_000),
        "Bad CRC-32 for file 'x_train.npy'",
    ),
    "a bit flipped in the directory": (lambda good: flipped(good, -200), ""),
    "an array missing": (
        saved(x_train=NONE, y_train=NONE, x_test=NONE),
        "x_train must have the shape (n, 28, 28)",
    ),
    "no test labels": (
        a_few().replace(b"y_test", b"z_test"),
        "There is no item named 'y_test.npy' in the archive",
    ),
    "texts": (zipped(b"not an array"), "the magic string is not correct"),
    "pickled objects": (
        saved(**dict.fromkeys(PUBLISHED_MD5, np.array([{}, {}]))),
        "whole numbers, not object",
    ),
    "float pixels": (
        a_few(x_train=np.zeros((30, 28, 28))),
        "x_train must hold whole numbers, not float64",
    ),
    "large pixels": (
        a_few(x_test=np.zeros((30, 28, 28), "int64")),
        "x_test must be uint8 of shape (n, 28, 28)",
    ),
    "images of 32 x 32": (a_few(x_test=np.zeros((9, 32, 32), "uint8")), "not (9, 32, 32)"),
    "colours": (a_few(x_test=np.zeros((9, 28, 28, 3), "uint8")), "not (9, 28, 28, 3)"),
    "one-hot labels": (
        a_few(y_train=np.eye(30, dtype="uint8")),
        "y_train must have the shape (n,)",
    ),
    "no labels": (a_few(y_train=NONE), "y_train must have the shape (n,)"),
    "labels of other images": (
        a_few(y_test=np.arange(9) % 3),
        "y_test must be integers of shape (30,)",
    ),
    "labels below 0": (a_few(y_test=np.arange(30) - 1), "y_test must lie in 0.."),
    "a single class": (
        a_few(y_train=np.zeros(30, int), y_test=np.zeros(30, int)),
        "names must hold the names of 2 to 256 classes, not of 1",
    ),
    "a thousand classes": (
        a_few(y_train=np.arange(30) * 50),
        "names must hold the names of 2 to 256 classes",
    ),
    "too few names": (
        a_few(class_names=np.array(["cat", "dog"])),
        "y_train must lie in 0..1, not in 0..2",
    ),
    "an empty name": (
        a_few(class_names=np.array(["cat", "dog", ""])),
        "a class must have a name of 1 to 30",
    ),
    "a name with a line break": (
        a_few(class_names=np.array(["cat", "d\nog", "x"])),
        "printable characters",
    ),
    "a formula for a name": (a_few(class_names=np.array(["cat", r"$\frac{$", "x"])), "without $"),
    "numbers for names": (
        a_few(class_names=np.arange(3)),
        "class_names must be a one-dimensional array of short strings, not int64",
    ),
    "pickled names": (
        a_few(class_names=np.array(["a", "b", {}])),
        "class_names must be a one-dimensional array of short strings",
    ),
    "names without end": (
        a_few(class_names=np.array(["a", "b", "c" * 50_000])),
        "class_names must be a one-dimensional array of short",
    ),
}


def assert_refused(path: Path, wrong: str, what: str = "images", source: str = "auto") -> None:
    with pytest.raises(DataError) as error:
        load_images(path, source)
    assert f"{path} cannot be read as {what}: " in str(error.value) and wrong in str(error.value)
    assert str(error.value).endswith(
        "Name another file or folder, or none, and Keras downloads MNIST."
    )


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_what_is_wrong_and_what_to_do(
    content: bytes, tmp_path: Path, case: str
) -> None:
    bad, wrong = BAD_FILES[case]
    (tmp_path / "bad.npz").write_bytes(bad if isinstance(bad, bytes) else bad(content))
    assert_refused(tmp_path / "bad.npz", wrong)


@pytest.mark.slow
def test_no_file_can_use_up_the_memory(tmp_path: Path) -> None:
    """A megabyte that unpacks to a gigabyte, and says that it holds 784 TB, or only few images."""
    for images, said in (
        (10**12, "n in 1..300,000"),
        (50_000, "x_train holds more data than its header says"),
    ):
        header = (
            f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({images}, 28, 28), }}".encode()
        )
        bomb = b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n" + bytes(250_000_000)
        with zipfile.ZipFile(
            tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as archive:
            for name in PUBLISHED_MD5:
                archive.writestr(f"{name}.npy", bomb)
        tracemalloc.start()
        assert_refused(tmp_path / "bomb.npz", said)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 200_000_000  # bytes; MNIST itself has 55 million


# Files that hold something other than MNIST


def one_pixel_changed(digits: Dataset) -> np.ndarray:
    images = digits.x_test.copy()
    images[-1, 14, 14] ^= 1
    return images


OTHER_ARRAYS: dict[str, Callable[[Dataset], dict[str, np.ndarray]]] = {
    "few images": lambda full: {"x_train": full.x_train[:5], "y_train": full.y_train[:5]},
    "one image more": lambda full: {
        "x_train": np.concatenate([full.x_train, full.x_test[:1]]),
        "y_train": np.append(full.y_train, full.y_test[:1]),
    },
    "one pixel changed": lambda full: {"x_test": one_pixel_changed(full)},
    "labels in another order": lambda full: {"y_test": full.y_test[::-1]},
    "training and test images exchanged": lambda full: {
        "x_train": full.x_test,
        "y_train": full.y_test,
        "x_test": full.x_train,
        "y_test": full.y_train,
    },
}


@pytest.mark.parametrize("case", OTHER_ARRAYS)
def test_what_is_not_mnist_is_never_called_mnist(
    full: Dataset, offline: dict[str, str], tmp_path: Path, case: str
) -> None:
    other = arrays_of(full) | OTHER_ARRAYS[case](full)
    (tmp_path / "mnist.npz").write_bytes(saved(**other))
    loaded = load_images(tmp_path / "mnist.npz")
    assert loaded.source == "mnist-images" and not loaded.are_digits
    assert str(loaded).startswith(
        f"mnist (not a known collection): {len(other['x_train']):,} training and"
    )
    assert_refused(
        tmp_path / "mnist.npz",
        "by the SHA-256 of its arrays it is not MNIST",
        "MNIST",
        source="full",
    )
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    (tmp_path / "mnist.npz").rename(tmp_path / "keras" / "datasets" / "mnist.npz")
    with pytest.raises(DataError, match=r"it is not MNIST, but .*\. Delete it and try again"):
        load_images()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty random images of three classes, packed as MNIST's makers did, two files gzipped."""
    rng = np.random.default_rng(0)
    (tmp_path / "shapes").mkdir()
    labels = np.arange(30) % 3
    files = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (30, 28, 28)),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (30, 28, 28)),
        "train-labels-idx1-ubyte": labels,
        "t10k-labels-idx1-ubyte.gz": labels,
    }
    for name, numbers in files.items():
        packed = pack_idx(numbers.astype("uint8"))
        content = gzip.compress(packed) if name.endswith(".gz") else packed
        (tmp_path / "shapes" / name).write_bytes(content)
    return tmp_path / "shapes"


def test_a_folder_of_idx_files_and_an_archive_give_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "class_names.txt").write_text("circle\nsquare\nvery long line\n")
    from_folder = load_images(folder)
    assert str(from_folder) == (
        "shapes (not a known collection): 30 training and 30 test images, from the folder shapes\n"
        "3 classes: circle, square, very long line\n"
        "The text of the notebooks is about MNIST's digits."
    )
    rng = np.random.default_rng(0)
    assert np.array_equal(from_folder.x_train, rng.integers(0, 256, (30, 28, 28)))
    names = np.array(from_folder.class_names)
    (tmp_path / "shapes.npz").write_bytes(saved(**arrays_of(from_folder), class_names=names))
    monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "shapes.npz"))
    from_archive = load_images()
    assert from_archive.class_names == from_folder.class_names
    assert from_archive.source == "shapes-images"
    assert from_archive.fingerprint == from_folder.fingerprint
    pairs = zip(arrays_of(from_folder).values(), arrays_of(from_archive).values(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_wide_and_column_first_arrays_are_read_correctly(sample: Dataset, tmp_path: Path) -> None:
    arrays = arrays_of(sample) | {
        "x_test": np.asfortranarray(sample.x_test),
        "y_test": sample.y_test.astype(">i8"),
    }
    (tmp_path / "sample.npz").write_bytes(saved(**arrays))
    loaded = load_images(tmp_path / "sample.npz")
    assert np.array_equal(loaded.x_test, sample.x_test)
    assert np.array_equal(loaded.y_test, sample.y_test)
    # Or its runs would be taken for those of the sample
    assert loaded.source == "sample-images" != sample.source


@pytest.mark.parametrize("prefix", ["emnist-letters-", "k49-"])
@pytest.mark.parametrize("other", ["t10k", "test"])
def test_the_names_of_mnists_successors_are_understood(
    folder: Path, prefix: str, other: str
) -> None:
    for path in folder.iterdir():
        path.rename(
            folder / f"{prefix}{path.name.replace('t10k', other).replace('images-', 'images.')}"
        )
    assert load_images(folder).class_names == ("0", "1", "2")


def test_an_unpacked_file_is_preferred_to_a_gzipped_one(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").write_bytes(pack_idx(np.ones(30, "uint8")))
    assert load_images(folder).y_test.tolist() == [1] * 30


def spoil(name: str, content: bytes | None) -> Callable[[Path], None]:
    """Replace a file of a folder, or remove it."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        if content is not None:
            (folder / name).write_bytes(content)

    return change


LABELS = "train-labels-idx1-ubyte"
IMAGES = "t10k-images-idx3-ubyte"


def replace_labels_by_a_folder(folder: Path) -> None:
    (folder / LABELS).unlink()
    (folder / LABELS).mkdir()


GOOD = pack_idx(np.zeros((30, 28, 28), "uint8"))
BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file missing": (spoil(LABELS, None), f"it has no file {LABELS} or {LABELS}.gz"),
    "a folder in its place": (
        replace_labels_by_a_folder,
        f"it has no file {LABELS}",
    ),
    "two collections": (
        spoil("emnist-train-labels-idx1-ubyte", b""),
        f"several files for y_train (emnist-{LABELS}, ",
    ),
    "an empty file": (spoil(IMAGES, b""), f"{IMAGES} does not begin like an IDX file"),
    "labels for images": (
        spoil(IMAGES, pack_idx(np.zeros(30, "uint8"))),
        "IDX file of bytes with 3 axes",
    ),
    "floats": (spoil(IMAGES, GOOD.replace(b"\x08", b"\x0d", 1)), "IDX file of bytes"),
    "cut off in its lengths": (spoil(IMAGES, GOOD[:9]), "must have the shape (n, 28, 28)"),
    "cut off by one byte": (
        spoil(IMAGES, GOOD[:-1]),
        f"{IMAGES} holds less data than its header says",
    ),
    "a byte too many": (
        spoil(IMAGES, GOOD + b"x"),
        f"{IMAGES} holds more data than its header says",
    ),
    "three billion images": (spoil(IMAGES, b"\0\0\x08\x03" + b"\xff" * 12), "with n in 1..300,000"),
    "larger images": (spoil(IMAGES, pack_idx(np.zeros((30, 32, 32), "uint8"))), "not (30, 32, 32)"),
    "not gzipped": (spoil("train-images-idx3-ubyte.gz", GOOD), "Not a gzipped file"),
    "half a gzipped file": (
        spoil("train-images-idx3-ubyte.gz", gzip.compress(GOOD)[:-9]),
        "Compressed file ended",
    ),
    "a bomb": (
        spoil("train-images-idx3-ubyte.gz", gzip.compress(GOOD + bytes(9**9))),
        "holds more data than its header",
    ),
    "names in another encoding": (
        spoil("class_names.txt", "Kleid\nSchürze".encode("latin-1")),
        "can't decode",
    ),
    "a name too few": (spoil("class_names.txt", b"a\nb"), "y_train must lie in 0..1"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder_is_refused_with_what_is_wrong_and_what_to_do(folder: Path, case: str) -> None:
    change, wrong = BAD_FOLDERS[case]
    change(folder)
    assert_refused(folder, wrong)


# Paths without a file, and the variables of the environment


@pytest.mark.parametrize("kind", ["nothing", "a pipe", "a link to itself"])
@pytest.mark.parametrize("how", ["path", "MNIST_NPZ"])
def test_a_missing_file_is_named_with_what_to_do(
    offline: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, how: str
) -> None:
    place = tmp_path / "place.npz"
    if kind == "a pipe":
        os.mkfifo(place)  # reading it would wait for ever
    elif kind == "a link to itself":
        place.symlink_to(place)
    monkeypatch.setenv("MNIST_NPZ", str(place) if how == "MNIST_NPZ" else "")
    remedy = (
        "Name another file or folder"
        if how == "path"
        else "Set MNIST_NPZ to another file or folder, or unset it"
    )
    with pytest.raises(
        FileNotFoundError, match=rf"There is no file or folder .*place\.npz\. {remedy}"
    ):
        load_images(place if how == "path" else None)


def test_a_user_who_does_not_exist_has_no_file(
    offline: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_NPZ", "~nobody-at-all/mnist.npz")
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*Set MNIST_NPZ"):
        load_images()


@pytest.mark.parametrize("place", ["file", "file/below/it", "x" * 300, "link"])
def test_a_runs_folder_that_cannot_be_written_is_named_with_what_to_do(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / place))
    with pytest.raises(
        RunError, match=rf"Runs cannot be saved in .*{place} .*os\.environ\[\"MNIST_CNN_RUNS\"\] = "
    ):
        train("relu", sample, epochs=1)
    assert (tmp_path / "file").read_text() == "not a folder"
