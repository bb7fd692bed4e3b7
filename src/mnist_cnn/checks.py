"""What the functions of this package ask of their arguments, and errors that need no traceback."""

import numpy as np

CLASSES = 10


class Explained:
    """Makes an exception one whose message says it all: notebooks show that alone, without the traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


def check_whole(what: str, value: int, low: int) -> int:
    """See that a value is a whole number from `low`.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
        raise ValueError(f"{what} must be a whole number from {low}, not {value!r}")
    return int(value)


def check_images(images: np.ndarray) -> np.ndarray:
    """See that images are uint8 (n, 28, 28).

    Raises:
        ValueError: another dtype or shape.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"images must be uint8 of shape (n, 28, 28), not {images.dtype} of shape {images.shape}; "
            "put a single image in a batch of one with image[np.newaxis]"
        )
    return images


def check_labels(labels: np.ndarray) -> np.ndarray:
    """See that labels, or predicted digits, are integers (n,) in 0..9.

    Raises:
        ValueError: not one dimension of integers, or one outside 0..9.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers of shape (n,), not {labels.dtype} of shape {labels.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= CLASSES):
        raise ValueError(f"labels must lie in 0..9, not in {labels.min()}..{labels.max()}")
    return labels


def check_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """See that probabilities are floats (n, 10) in 0..1.

    Raises:
        ValueError: another dtype, shape or range, or NaN.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != CLASSES or probabilities.dtype.kind != "f":
        raise ValueError(
            "probabilities must be floats of shape (n, 10), a row an image, "
            f"not {probabilities.dtype} of shape {probabilities.shape}"
        )
    check_range("probabilities", probabilities)
    return probabilities


def check_range(what: str, values: np.ndarray, top: int = 1, remedy: str = "") -> None:
    """See that all values, if there are any, lie in 0..top.

    Raises:
        ValueError: one does not, or is NaN.
    """
    if values.size and not (values.min() >= 0 and values.max() <= top):  # false for NaN, too
        raise ValueError(f"{what} must lie in 0..{top}, not in {values.min()}..{values.max()}{remedy}")


def check_networks(probabilities: dict[str, np.ndarray]) -> None:
    """See that there are probabilities of at least one network, by its name.

    Raises:
        ValueError: no dictionary, or an empty one.
    """
    if not isinstance(probabilities, dict) or not probabilities:
        raise ValueError('name the network, or several, whose probabilities these are: {"ReLU": probabilities}')


def check_lengths(least: int = 0, **arrays: np.ndarray) -> None:
    """See that arrays are as long as each other, and at least so long.

    Raises:
        ValueError: they are not, or have no length.
    """
    names = [name.replace("_", " ") for name in arrays]
    lengths = [len(array) if np.ndim(array) else None for array in arrays.values()]
    if None in lengths or len({*lengths}) > 1 or lengths[0] < least:
        got = ", ".join(f"{length} {name}" for length, name in zip(lengths, names))
        raise ValueError(f"{' and '.join(names)} must be equally many, at least {least}; got {got}")
