"""Check answers to the exercises in the notebooks, and say at once what is wrong with a wrong one.

There is a function for each kind of answer. What is right, and what the usual mistakes look like,
stands in `answers`.
"""

import math
import tomllib
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mnist_cnn.arguments import check_choice
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.exercises.answers import ARRAYS, FUNCTIONS
from mnist_cnn.exercises.networks import NETWORKS

_NUMBERS = tomllib.loads(Path(__file__).with_name("numbers.toml").read_text(encoding="utf-8"))


def number(exercise: str, answer: float) -> None:
    """Check a number, to the precision that the exercise asks for; print the verdict."""
    check_choice("exercise", exercise, _NUMBERS)
    figures, right, usual = _NUMBERS[exercise].values()
    if answer is ...:
        return _say_unanswered()
    # What NumPy and TensorFlow give for a single number
    if np.ndim(answer) == 0 and hasattr(answer, "dtype"):
        answer = np.asarray(answer).item()
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return _say_wrong(f"the answer is one number; yours is of the type {type(answer).__name__}")
    try:
        rounded = round_to(answer, figures)
    except OverflowError:  # a whole number of hundreds of figures
        return _say_wrong("that is not the number; open the hint")
    if hide(exercise, rounded) == right:
        return _say_right()
    near = {"rel_tol": 10 ** (1 - figures) / 2, "abs_tol": 1e-9}
    value, words = min(usual, key=lambda row: abs(row[0] - answer))
    return _say_wrong(
        words if math.isclose(value, answer, **near) else "that is not the number; open the hint"
    )


def array(exercise: str, answer: ArrayLike, dataset: Dataset) -> None:
    """Check an array that was made from the images; print the verdict."""
    check_choice("exercise", exercise, ARRAYS)
    if answer is ...:
        return _say_unanswered()
    right, usual = ARRAYS[exercise]
    mistake = _compare(
        [answer], [right(dataset)], {words: [wrong(dataset)] for words, wrong in usual.items()}
    )
    return _say_wrong(mistake) if mistake else _say_right()


def function(exercise: str, answer: Callable) -> None:
    """Check a function by what it returns on a few inputs; print the verdict."""
    check_choice("exercise", exercise, FUNCTIONS)
    if answer is ...:
        return _say_unanswered()
    trials, right, usual = FUNCTIONS[exercise]
    given = deepcopy(trials)
    try:
        got = [answer(*trial) for trial in given]
    except Exception as error:  # whatever the learner's code raises
        return _say_wrong(f"it stops with {type(error).__name__}: {error}")
    if all(value is None for value in got):
        code = getattr(answer, "__code__", None)
        if code and code.co_code == _stub.__code__.co_code:
            return _say_unanswered()
        return _say_wrong("it returns nothing; is a `return` missing?")
    pairs = [
        pair for arrays in zip(trials, given, strict=True) for pair in zip(*arrays, strict=True)
    ]
    if not all(_same(before, after) for before, after in pairs):
        return _say_wrong("it changes the array that it was given; work on a copy")
    expected = [right(*trial) for trial in deepcopy(trials)]
    wrong = {words: [call(*trial) for trial in deepcopy(trials)] for words, call in usual.items()}
    mistake = _compare(got, expected, wrong)
    return _say_wrong(mistake) if mistake else _say_right()


def network(exercise: str, answer: keras.Model, *others: keras.Model) -> None:
    """Check a network by its layers and weights, against other networks if the exercise has some;
    print the verdict.
    """
    check_choice("exercise", exercise, NETWORKS)
    if answer is ...:
        return _say_unanswered()
    if not isinstance(answer, keras.Model):
        return _say_wrong(
            f"the answer is a Keras model; yours is of the type {type(answer).__name__}"
        )
    missing = (words for words, holds in NETWORKS[exercise].items() if not holds(answer, *others))
    try:
        mistake = next(missing, "")
    except Exception as error:  # whatever the learner's layers raise
        return _say_wrong(f"it stops with {type(error).__name__}: {error}")
    if mistake:
        return _say_wrong(mistake.format(parameters=answer.count_params() if answer.built else 0))
    return _say_right(f" It has {answer.count_params():,} parameters.")


def round_to(value: float, figures: int) -> str:
    """A number with so many significant figures, as text."""
    return f"{float(value):.{figures}g}"


def hide(exercise: str, rounded: str) -> str:
    """What `answers` stores instead of a right number: a hash, which nobody reads by accident."""
    return sha256(f"{exercise}: {rounded}".encode()).hexdigest()[:16]


def _compare(got: list, right: list, usual: dict[str, list]) -> str:
    """What is wrong with the values, or nothing."""
    if all(_same(a, b) for a, b in zip(got, right, strict=True)):
        return ""
    for words, wrong in usual.items():
        if all(_same(a, b) for a, b in zip(got, wrong, strict=True)):
            return words
    for a, b in zip(got, right, strict=True):
        try:
            shape = np.shape(a)
        except ValueError:
            return f"the shape should be {np.shape(b)}, and some rows are longer than others"
        if shape != np.shape(b):
            return f"the shape should be {np.shape(b)}, and is {shape}"
    return "the shape is right, but the numbers are not; open the hint"


def _same(a: ArrayLike, b: ArrayLike) -> bool:
    """Whether two values are alike in shape and, nearly, in their numbers."""
    try:
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    except (TypeError, ValueError):  # a text, or rows of different lengths
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _say_unanswered() -> None:
    print("Not answered yet.")


def _say_right(more: str = "") -> None:
    print(f"Right.{more}")


def _say_wrong(what: str) -> None:
    print(f"Not yet: {what}{'' if what.endswith(('?', '.')) else '.'}")


def _stub(*inputs): ...
