"""Check the arguments of public functions, and show errors without a traceback."""

from collections.abc import Iterable, Mapping, Set
from operator import index

import numpy as np
from numpy.typing import ArrayLike

DIGITS = tuple("0123456789")  # the names of MNIST's classes

_PLURALS = {np.integer: "integers", np.floating: "floats", np.generic: "numbers"}


class NoTraceback:
    """Mixin for exceptions whose message says everything: notebooks show the message alone."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


def check_array(
    name: str,
    array: ArrayLike,
    dtype: type[np.generic],
    shape: tuple[int | str, ...],
    high: float | None = None,
) -> np.ndarray:
    """Check the dtype, shape and range of an argument, and return it as an array.

    The dtype may be a family such as np.integer; np.generic stands for finite numbers of any kind.
    In the shape, a word such as "n" stands for any length from 1 up. With `high`, all values must
    lie in 0..high, which NaN does not.

    Raises:
        ValueError: one of them is wrong; the message says which, by the name of the argument.
    """
    lengths = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    form = f"{_PLURALS.get(dtype, dtype.__name__)} of shape {lengths}"
    try:
        array = np.asarray(array)
    except ValueError as error:  # in which NumPy does not say which argument it was
        uneven = "inhomogeneous" in str(error)
        found = "rows of different lengths" if uneven else f"something that NumPy refuses ({error})"
        raise ValueError(f"{name} must be {form}, not {found}") from error
    fits = array.ndim == len(shape) and all(
        length > 0 if isinstance(wanted, str) else length == wanted
        for length, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits or not np.issubdtype(array.dtype, dtype) or array.dtype.kind not in "buif":
        hint = (
            "; turn a single one into a batch of one with [np.newaxis]"
            if array.shape == shape[1:]
            else ""
        )
        raise ValueError(f"{name} must be {form}, not {array.dtype} of shape {array.shape}{hint}")
    if high is not None and not (array.min() >= 0 and array.max() <= high):  # false for NaN, too
        raise ValueError(f"{name} must lie in 0..{high}, not in {array.min()}..{array.max()}")
    if dtype is np.generic and not np.isfinite(array).all():
        raise ValueError(f"{name} must be numbers throughout, without NaN and infinity")
    return array


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Check that an argument is one of a few words; the ValueError names them."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; not {value!r}")


def check_whole(name: str, value: int, low: int, high: int | None = None) -> int:
    """Check that an argument is a whole number from `low` up, or in low..high, and return it.

    Raises:
        TypeError: it is no whole number.
        ValueError: it lies elsewhere.
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


def check_list(name: str, values: Iterable) -> tuple:
    """Check that an argument is a list, or something else with parts in order; return them."""
    try:
        if isinstance(values, str | bytes | Set | Mapping):
            raise TypeError  # these can be gone through, but not as a list
        return tuple(values)
    except TypeError:
        kind = type(values).__name__
        raise ValueError(f"{name} must be a list, not {kind}") from None


def check_names(names: Iterable[str], classes: int | None = None) -> tuple[str, ...]:
    """Check that each of 2 to 256 classes has a short, printable name.

    Without `classes`, there are as many as there are names.
    """
    names = tuple(names) if isinstance(names, str) else check_list("names", names)
    classes = len(names) if classes is None else classes
    if len(names) != classes or not 2 <= classes <= 256:
        raise ValueError(
            f"names must be those of 2 to 256 classes; there are {len(names)} names for {classes} "
            "classes"
        )
    for name in names:
        if not isinstance(name, str):
            raise ValueError(
                f"names must be strings, not {type(name).__name__} ({name!r:.60}, for example); "
                "convert them with [str(name) for name in names]"
            )
        # Matplotlib reads $ as mathematics
        if not 0 < len(name) <= 30 or not name.isprintable() or "$" in name:
            raise ValueError(
                f"a class must have a name of 1 to 30 printable characters, without $; not {name!r}"
            )
    return names


def check_predictions(predictions: dict[str, ArrayLike], *n: int) -> dict[str, np.ndarray]:
    """Check the probabilities that named networks give: floats in 0..1, (classes,) for one image,
    or (n, classes).
    """
    if not isinstance(predictions, dict) or not predictions:
        raise ValueError(
            'pass the probabilities by the name of their network: {"ReLU": probabilities}'
        )
    checked, classes = {}, "classes"  # their number is the same for all
    for name, array in predictions.items():
        shape = (*n, classes)
        checked[name] = check_array(f"probabilities of {name}", array, np.floating, shape, 1)
        classes = checked[name].shape[-1]
    return checked
