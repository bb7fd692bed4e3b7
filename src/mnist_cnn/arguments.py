"""Check the arguments of public functions, with messages that name the argument and its error."""

from collections.abc import Iterable, Mapping, Set
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MAX_CLASSES = 256  # as labels are uint8
_PLURALS = {np.integer: "integers", np.floating: "floats", np.generic: "numbers"}


def check_array(
    name: str,
    array: ArrayLike,
    dtype: type[np.generic],
    shape: tuple[int | str, ...],
    high: float | None = None,
) -> np.ndarray:
    """Check the dtype, shape and range of an argument, and return it as an array.

    Args:
        name: The argument's name, for the message.
        array: The argument's value.
        dtype: The required dtype, or a family of dtypes such as np.integer. With np.generic, the
            array may hold finite numbers of any kind.
        shape: The required shape. A word such as "n" stands for any length of at least 1.
        high: The largest value allowed. If given, all values must lie in 0..high, and none may be
            NaN.

    Returns:
        The argument as an array of the required dtype and shape.

    Raises:
        ValueError: The dtype, the shape or a value is wrong; the message says which.
    """
    expected = f"{_PLURALS.get(dtype, dtype.__name__)} of shape {_shape_in_words(shape)}"
    try:
        array = np.asarray(array)
    except ValueError as error:  # NumPy's message does not name the argument
        is_uneven = "inhomogeneous" in str(error)
        found = "rows of different lengths" if is_uneven else f"what NumPy refuses ({error})"
        raise ValueError(f"{name} must be {expected}, not {found}") from error
    has_shape = _has_shape(array, shape)
    if not has_shape or not np.issubdtype(array.dtype, dtype) or array.dtype.kind not in "buif":
        found = f"{array.dtype} of shape {array.shape}"
        if _has_shape(array, shape[1:]):
            found += "; turn a single one into a batch of one with [np.newaxis]"
        raise ValueError(f"{name} must be {expected}, not {found}")
    if high is not None and not (array.min() >= 0 and array.max() <= high):  # false for NaN, too
        raise ValueError(f"{name} must lie in 0..{high}, not in {array.min()}..{array.max()}")
    if dtype is np.generic and not np.isfinite(array).all():
        raise ValueError(f"{name} must be numbers throughout, without NaN or infinity")
    return array


def _shape_in_words(shape: tuple[int | str, ...]) -> str:
    comma = "," if len(shape) == 1 else ""  # as Python writes a tuple of one
    return f"({', '.join(map(str, shape))}{comma})"


def _has_shape(array: np.ndarray, shape: tuple[int | str, ...]) -> bool:
    return array.ndim == len(shape) and all(
        length > 0 if isinstance(expected, str) else length == expected
        for length, expected in zip(array.shape, shape, strict=True)
    )


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Check that an argument is one of the strings in `choices`."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(choices)}; not {value!r:.60}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; not {value!r}")


def check_whole(name: str, value: int, low: int, high: int | None = None) -> int:
    """Check that an argument is a whole number of at least `low`, or in low..high, and return it.

    Raises:
        TypeError: The argument is not a whole number.
        ValueError: The argument is outside the range.
    """
    try:
        whole = index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r:.60}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value}")
    if whole < low or (high is not None and whole > high):
        allowed = f"at least {low}" if high is None else f"in {low}..{high}"
        raise ValueError(f"{name} must be {allowed}, not {whole}")
    return whole


def check_seed(seed: int) -> int:
    """Check that a seed is a whole number in 0..2**32 - 1, as NumPy requires, and return it."""
    return check_whole("seed", seed, 0, 2**32 - 1)


def check_list(name: str, values: Iterable[Any]) -> tuple[Any, ...]:
    """Check that an argument is a list or another sequence, and return its items as a tuple."""
    # Strings, sets and dictionaries are iterable, too, but passing one is most likely a mistake
    if isinstance(values, str | bytes | Set | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, not {type(values).__name__}")
    return tuple(values)


def check_names(name: str, names: Iterable[str], classes: int | None = None) -> tuple[str, ...]:
    """Check that each class has a short, printable name, and return the names.

    Args:
        name: Name of the argument.
        names: The argument: names of 2 to 256 classes, each of 1 to 30 characters.
        classes: Number of classes. Defaults to the number of names.

    Raises:
        TypeError: It is not a list, or one of its items is not a string.
        ValueError: It has too many or too few names, or one of them is too long or cannot be shown.
    """
    names = tuple(names) if isinstance(names, str) else check_list(name, names)  # "abc" is a list
    classes = len(names) if classes is None else classes
    if len(names) != classes:
        raise ValueError(f"{name} must hold a name for each of {classes} classes, not {len(names)}")
    if not 2 <= classes <= MAX_CLASSES:
        raise ValueError(
            f"{name} must hold the names of 2 to {MAX_CLASSES} classes, not of {classes}"
        )
    for each in names:
        if not isinstance(each, str):
            raise TypeError(
                f"{name} must be strings, not {type(each).__name__} ({each!r:.60}, for example); "
                "convert them with [str(name) for name in names]"
            )
        # Matplotlib would read text between $ as mathematics
        if not 0 < len(each) <= 30 or not each.isprintable() or "$" in each:
            raise ValueError(
                f"a class must have a name of 1 to 30 printable characters, without $; not {each!r}"
            )
    return names


def check_predictions(
    predictions: Mapping[str, ArrayLike], images: int | None = None
) -> dict[str, np.ndarray]:
    """Check the probabilities that several networks give for the same classes, and return them.

    Args:
        predictions: Each network's probabilities by its name: floats in 0..1 of the shape
            (classes,) for a single image, or (images, classes) for several.
        images: Number of images. Defaults to a single image, without an axis for it.

    Returns:
        The same probabilities as arrays.
    """
    message = 'pass the probabilities by the name of their network: {"ReLU": probabilities}'
    if not isinstance(predictions, Mapping):
        raise TypeError(message)
    if not predictions:
        raise ValueError(message)
    batch: tuple[int, ...] = () if images is None else (images,)
    checked: dict[str, np.ndarray] = {}
    classes: int | str = "classes"  # any number, until the first network has fixed it
    for name, array in predictions.items():
        shape = (*batch, classes)
        checked[name] = check_array(f"probabilities of {name}", array, np.floating, shape, 1)
        classes = checked[name].shape[-1]
    return checked
