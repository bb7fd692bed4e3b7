"""Kinds of exercises: what is right, and which usual mistakes a learner is told about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import ArrayLike

from mnist_cnn.data import Dataset

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Mistake(Generic[Answer]):
    """A usual mistake, which is recognised by the answer that it leads to.

    Attributes:
        message: What the learner is told, after "Not yet: ".
        answer: The wrong answer, in the form of the exercise's right one.
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
        right: Makes the right array.
        mistakes: Functions that make usual wrong arrays.
    """

    right: Callable[[Dataset], ArrayLike]
    mistakes: list[Mistake[Callable[[Dataset], ArrayLike]]]


@dataclass(frozen=True)
class Function:
    """An exercise whose answer is a function.

    Attributes:
        inputs: The positional arguments of each call by which a function is tried. On these inputs,
            every mistake must give something else than the right function.
        right: Returns what the learner's function should return.
        mistakes: Functions that learners usually write instead. None of them may change its inputs.
    """

    inputs: list[tuple[Any, ...]]
    right: Callable[..., ArrayLike]
    mistakes: list[Mistake[Callable[..., ArrayLike]]]


@dataclass(frozen=True)
class Requirement:
    """Something that a network must fulfil.

    Attributes:
        message: What the learner is told, after "Not yet: ", if the network does not fulfil it;
            {parameters:,} stands for its number of parameters.
        is_met: Takes the learner's network, then the other networks of the exercise.
    """

    message: str
    is_met: Callable[..., bool]


@dataclass(frozen=True)
class Network:
    """An exercise whose answer is a Keras model.

    Attributes:
        requirements: What must hold, in this order: each may rely on those before it.
    """

    requirements: list[Requirement]


Exercise = Number | Array | Function | Network
