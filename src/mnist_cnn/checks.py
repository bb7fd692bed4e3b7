"""Check the arguments of public functions, and show errors without a traceback."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

DIGITS = tuple("0123456789")  # the names of MNIST's classes

_PLURALS = {np.integer: "integers", np.floating: "floats", np.generic: "numbers"}


class NoTraceback:
    """Mixin for exceptions whose message says everything: notebooks show the message alone."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


def check_array(
    name: str, array: ArrayLike, dtype: type[np.generic], shape: tuple[int | str, ...], high: float | None = None
) -> np.ndarray:
    """Check the dtype, shape and range of an argument, and return it as an array.

    The dtype may be a family such as np.integer. In the shape, a word such as "n" stands for any length from 1 up.
    With `high`, all values must lie in 0..high, which NaN does not.

    Raises:
        ValueError: one of them is wrong; the message says which, by the name of the argument.
    """
    array = np.asarray(array)
    fits = array.ndim == len(shape) and all(
        length > 0 if isinstance(wanted, str) else length == wanted
        for length, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits or not np.issubdtype(array.dtype, dtype):
        wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        hint = "; turn a single one into a batch of one with [np.newaxis]" if array.shape == shape[1:] else ""
        raise ValueError(
            f"{name} must be {_PLURALS.get(dtype, dtype.__name__)} of shape {wanted}, "
            f"not {array.dtype} of shape {array.shape}{hint}"
        )
    if high is not None and not (array.min() >= 0 and array.max() <= high):  # false for NaN, too
        raise ValueError(f"{name} must lie in 0..{high}, not in {array.min()}..{array.max()}")
    return array


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Check that an argument is one of a few words; the ValueError names them."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; not {value!r}")


def check_names(names: Sequence[str], classes: int) -> tuple[str, ...]:
    """Check that each of 2 to 256 classes has a short, printable name."""
    if len(names) != classes or not 2 <= classes <= 256:
        raise ValueError(f"names must be those of 2 to 256 classes; there are {len(names)} names for {classes} classes")
    for name in names:
        if not 0 < len(name) <= 30 or not name.isprintable() or "$" in name:  # matplotlib reads $ as mathematics
            raise ValueError(f"a class must have a name of 1 to 30 printable characters, without $; not {name!r}")
    return tuple(names)


def check_predictions(predictions: dict[str, ArrayLike], *n: int) -> dict[str, np.ndarray]:
    """Check the probabilities that named networks give: floats in 0..1, (classes,) for one image, or (n, classes)."""
    if not isinstance(predictions, dict) or not predictions:
        raise ValueError('pass the probabilities by the name of their network: {"ReLU": probabilities}')
    classes = np.shape(next(iter(predictions.values())))[-1:] or ("classes",)  # the same for all
    return {
        name: check_array(f"probabilities of {name}", array, np.floating, (*n, *classes), 1)
        for name, array in predictions.items()
    }
