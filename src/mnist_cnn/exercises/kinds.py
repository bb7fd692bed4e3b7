"""Kinds of exercises, with what is right and the usual mistakes that a learner is told about."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
        also: Other numbers that are accepted, and what the learner is told, after "Right. ".
    """

    right: float
    mistakes: list[Mistake[float]]
    figures: int = 10
    also: dict[float, str] = field(default_factory=dict)


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
class Choice:
    """An exercise whose answer is a choice for each of several questions.

    Attributes:
        right: The right choice for each question.
        mistakes: For each question, what the learner is told, after "Not yet: ", of each wrong
            choice. So these and the right one are all choices that there are.
    """

    right: dict[str, str]
    mistakes: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Requirement:
    """A requirement that a network, or its training, must meet.

    Attributes:
        message: What the learner is told, after "Not yet: ", if it is not met. In the message,
            {parameters:,} stands for the network's number of parameters and, where the exercise
            has a dataset, {accuracy:.1%} for its accuracy on the validation images, {mistakes:,}
            for the number that it gets wrong, and {mistakes_of_other:,} for the number that the
            network gets wrong that it is compared with.
        is_met: A function of the learner's answer and of what else the exercise is given, other
            networks or a dataset, which says whether the requirement is met.
    """

    message: str
    is_met: Callable[..., bool]


@dataclass(frozen=True)
class Network:
    """An exercise whose answer is a Keras model.

    Attributes:
        requirements: The requirements in the order in which they are checked. Each may rely on
            those before it.
        remark: A function of the learner's network and of what else the exercise is given, which
            returns a sentence that the learner is told about a right answer. Defaults to none.
    """

    requirements: list[Requirement]
    remark: Callable[..., str] | None = None


@dataclass(frozen=True)
class Training:
    """An exercise whose answer is what Keras's `fit` returned: a History, which knows its network.

    Attributes:
        requirements: The requirements in the order in which they are checked. Each may rely on
            those before it.
    """

    requirements: list[Requirement]


@dataclass(frozen=True)
class Trainer:
    """An exercise whose answer is a function that takes a seed and returns a trained Keras model.

    The check calls it with the seeds 0, 0 and 1, and disturbs Keras's random numbers before each
    call: in the same way before the first and the third, in another way before the second.

    Attributes:
        requirements: The requirements in the order in which they are checked. Each may rely on
            those before it. They are functions of the first network, the second, the third, and
            the dataset.
    """

    requirements: list[Requirement]


Exercise = Number | Array | Function | Choice | Network | Training | Trainer
