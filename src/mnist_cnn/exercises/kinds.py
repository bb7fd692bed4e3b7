"""Kinds of exercises, with what is right and the usual mistakes that a learner is told about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import ArrayLike

from mnist_cnn.data import Dataset

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Mistake(Generic[Answer]):
    """A usual mistake, recognized by the answer that it leads to.

    Attributes:
        message: What the learner is told, after "Not yet: ".
        answer: The wrong answer, in the same form as the exercise's right one.
    """

    message: str
    answer: Answer


@dataclass(frozen=True)
class Number:
    """An exercise whose answer is a number.

    Attributes:
        right: The right number.
        mistakes: Usual wrong numbers.
        figures: How many significant figures have to be right; ten ask for an exact answer.
    """

    right: float
    mistakes: list[Mistake[float]]
    figures: int = 10


@dataclass(frozen=True)
class Array:
    """An exercise whose answer is an array that is made from the images.

    Attributes:
        right: A function that makes the right array from a dataset.
        mistakes: Functions that make usual wrong arrays.
    """

    right: Callable[[Dataset], ArrayLike]
    mistakes: list[Mistake[Callable[[Dataset], ArrayLike]]]


@dataclass(frozen=True)
class Function:
    """An exercise whose answer is a function.

    Attributes:
        inputs: The positional arguments of each call that tests a function. For these inputs, every
            mistake must return something other than the right function does.
        right: A right function. It may not change its inputs.
        mistakes: Usual wrong functions. They may not change their inputs either.
    """

    inputs: list[tuple[Any, ...]]
    right: Callable[..., ArrayLike]
    mistakes: list[Mistake[Callable[..., ArrayLike]]]


@dataclass(frozen=True)
class Requirement:
    """A requirement that a network must meet.

    Attributes:
        message: What the learner is told, after "Not yet: ", if the network does not meet it. In
            it, {parameters:,} stands for the network's number of parameters.
        is_met: A function of the learner's network and the other networks of the exercise, which
            says whether the requirement is met.
    """

    message: str
    is_met: Callable[..., bool]


@dataclass(frozen=True)
class Network:
    """An exercise whose answer is a Keras model.

    Attributes:
        requirements: The requirements in the order in which they are checked. Each may rely on
            those before it.
    """

    requirements: list[Requirement]


Exercise = Number | Array | Function | Network
