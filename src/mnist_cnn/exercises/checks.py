"""Check answers, one function for each kind of exercise, and print the verdict.

The answer of an exercise is `...` until the learner has replaced it.
"""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from types import EllipsisType, FunctionType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from mnist_cnn.arguments import check_choice
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.exercises.catalogue import EXERCISES
from mnist_cnn.exercises.kinds import (
    Array,
    Choice,
    Function,
    Network,
    Number,
    Requirement,
    Trainer,
    Training,
)
from mnist_cnn.exercises.requirements import (
    takes_colour,
    validation_accuracy,
    validation_mistakes,
)

_UNANSWERED = "Not answered yet."
_UNKNOWN_NUMBER = "that is not the number; open the hint"

Kind = TypeVar("Kind", Number, Array, Function, Choice, Network, Training, Trainer)


def number(exercise: str, answer: float | EllipsisType) -> None:
    """Check a number, to the precision that the exercise asks for, and print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: The learner's number, or `...` while there is none.
    """
    task = _find(exercise, Number)
    if answer is ...:
        print(_UNANSWERED)
    else:
        problem = _problem_with_number(task, answer)
        remark = "" if problem else _remark(task, answer)
        print(_verdict(problem) + remark)


def array(exercise: str, answer: ArrayLike | EllipsisType, dataset: Dataset) -> None:
    """Check an array that was made from the images of a dataset, and print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: The learner's array, or `...` while there is none.
        dataset: The images that the array was made from.
    """
    task = _find(exercise, Array)
    if answer is ...:
        print(_UNANSWERED)
    else:
        print(_verdict(_compare([answer], task, [(dataset,)])))


def function(exercise: str, answer: Callable[..., ArrayLike] | EllipsisType) -> None:
    """Check a function by what it returns for a few inputs, and print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: The learner's function, or `...` or a function whose body is `...` while there is
            none.
    """
    task = _find(exercise, Function)
    if answer is ... or _is_stub(answer):
        print(_UNANSWERED)
    else:
        print(_verdict(_problem_with_function(task, answer)))


def choice(exercise: str, answer: dict[str, str | EllipsisType] | EllipsisType) -> None:
    """Check a choice for each of several questions, and print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: The learner's choice for each question, or `...` while there is none.
    """
    task = _find(exercise, Choice)
    if answer is ... or (
        isinstance(answer, dict) and all(chosen is ... for chosen in answer.values())
    ):
        print(_UNANSWERED)
    else:
        print(_verdict(_problem_with_choice(task, answer)))


def network(
    exercise: str, answer: keras.Model | EllipsisType, *others: keras.Model | Dataset
) -> None:
    """Check a network by its layers, its weights or its accuracy, and print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: The learner's network, or `...` while there is none.
        others: What else the exercise needs: networks to compare it with, or a dataset, on whose
            validation images the network is tried.
    """
    task = _find(exercise, Network)
    if answer is ...:
        print(_UNANSWERED)
    elif not isinstance(answer, keras.Model):
        kind = type(answer).__name__
        print(_verdict(f"the answer is a Keras model; yours is of the type {kind}"))
    else:
        _print_verdict(task.requirements, answer, answer, others, task.remark)


def training(
    exercise: str, answer: keras.callbacks.History | EllipsisType, *others: keras.Model | Dataset
) -> None:
    """Check a training by the history that `fit` returned, and by its network; print the verdict.

    Args:
        exercise: The name of the exercise.
        answer: What the learner's `fit` returned, or `...` while there is none.
        others: As in `network`.
    """
    task = _find(exercise, Training)
    if answer is ...:
        print(_UNANSWERED)
    elif not isinstance(answer, keras.callbacks.History):
        kind = type(answer).__name__
        print(_verdict(f"the answer is what `fit` returns; yours is of the type {kind}"))
    else:
        _print_verdict(task.requirements, answer, answer.model, others)


def trainer(
    exercise: str, answer: Callable[[int], keras.Model] | EllipsisType, dataset: Dataset
) -> None:
    """Check a function that trains a network from a seed, and print the verdict.

    It is called three times, and Keras's random numbers are seeded before each call.

    Args:
        exercise: The name of the exercise.
        answer: The learner's function, or `...` or a function whose body is `...` while there is
            none.
        dataset: On its validation images the network is tried.
    """
    task = _find(exercise, Trainer)
    if answer is ... or _is_stub(answer):
        print(_UNANSWERED)
        return
    networks = []
    for seed, disturbance in ((0, 1), (0, 2), (1, 1)):
        keras.utils.set_random_seed(disturbance)
        try:
            result = answer(seed)
        except Exception as error:  # whatever the learner's code raises
            print(_verdict(f"it stops with {type(error).__name__}: {error}"))
            return
        if not isinstance(result, keras.Model):
            print(_verdict(_problem_with_kind(result)))
            return
        networks.append(result)
    first, again, other = networks
    _print_verdict(task.requirements, first, first, (again, other, dataset))


def _problem_with_kind(result: object) -> str:
    """Say what is wrong with what should have been a trained network."""
    if result is None:
        return "it returns nothing; is a `return` missing?"
    kind = type(result).__name__
    return f"the answer is a function that returns a Keras model; yours returns the type {kind}"


def _find(exercise: str, kind: type[Kind]) -> Kind:
    """Look up an exercise by its kind and name; for a wrong name, an error lists the right ones."""
    of_this_kind = {name: each for name, each in EXERCISES.items() if isinstance(each, kind)}
    check_choice("exercise", exercise, of_this_kind)
    return of_this_kind[exercise]


def _verdict(problem: str | None) -> str:
    """The text to print about an answer, given its problem, or None if it has none."""
    if problem is None:
        return "Right."
    end = "" if problem.endswith(("?", ".")) else "."
    return f"Not yet: {problem}{end}"


def _problem_with_number(exercise: Number, answer: ArrayLike) -> str | None:
    """Say what is wrong with a number; None if it is right."""
    if hasattr(answer, "dtype") and np.ndim(answer) == 0:  # a number of NumPy or TensorFlow
        answer = np.asarray(answer).item()
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return f"the answer is one number; yours is of the type {type(answer).__name__}"
    try:
        answer = float(answer)
    except OverflowError:  # an integer with hundreds of digits
        return _UNKNOWN_NUMBER
    accepted = {_round(right, exercise.figures) for right in (exercise.right, *exercise.also)}
    if _round(answer, exercise.figures) in accepted:
        return None
    nearest = min(exercise.mistakes, key=lambda mistake: abs(mistake.answer - answer))
    tolerance = 10 ** (1 - exercise.figures) / 2
    if math.isclose(answer, nearest.answer, rel_tol=tolerance, abs_tol=1e-9):
        return nearest.message
    return _UNKNOWN_NUMBER


def _remark(exercise: Number, answer: float) -> str:
    """What is said of a number that is accepted beside the right one; nothing of the right one."""
    given, right = (_round(float(each), exercise.figures) for each in (answer, exercise.right))
    remarks = {_round(other, exercise.figures): text for other, text in exercise.also.items()}
    return f" {remarks[given]}." if given != right else ""


def _round(value: float, figures: int) -> str:
    """Format a number with the given number of significant figures."""
    return f"{value:.{figures}g}"


def _problem_with_choice(exercise: Choice, answer: object) -> str | None:
    """Say what is wrong with the first wrong choice; None if all are right."""
    if not isinstance(answer, dict):
        return f"the answer is a dictionary; yours is of the type {type(answer).__name__}"
    for question, right in exercise.right.items():
        chosen, mistakes = answer.get(question, ...), exercise.mistakes[question]
        if chosen is ...:
            return f"nothing is chosen for {question} yet"
        if chosen != right:
            choices = ", ".join(sorted([right, *mistakes]))
            unknown = f"the answer is one of these for {question}: {choices}"
            return mistakes.get(chosen, unknown) if isinstance(chosen, str) else unknown
    return None


def _is_stub(answer: object) -> bool:
    """Whether an answer is a function whose body is still the `...` of the exercise.

    Its result does not tell: a function that forgets its `return` also returns None. But any one
    version of Python compiles every body that is only `...` to the same bytecode, whatever the
    parameters. The source would have to be parsed, and may not be available.
    """

    def stub() -> None: ...

    return isinstance(answer, FunctionType) and answer.__code__.co_code == stub.__code__.co_code


def _problem_with_function(exercise: Function, answer: Callable[..., ArrayLike]) -> str | None:
    """Say what is wrong with a function; None if it is right."""
    inputs = deepcopy(exercise.inputs)
    try:
        results = [answer(*arguments) for arguments in inputs]
    except Exception as error:  # whatever the learner's code raises
        return f"it stops with {type(error).__name__}: {error}"
    if all(result is None for result in results):
        return "it returns nothing; is a `return` missing?"
    for arguments, originals in zip(inputs, exercise.inputs, strict=True):
        if not _are_alike(arguments, originals):
            return "it changes the array that it was given; work on a copy"
    return _compare(results, exercise, exercise.inputs)


def _compare(
    results: list[ArrayLike], exercise: Array | Function, inputs: list[tuple[Any, ...]]
) -> str | None:
    """Say what is wrong with the results for these inputs; None if they are right.

    Args:
        results: The learner's result for each input.
        exercise: The exercise.
        inputs: The positional arguments that each result was computed from.
    """
    expected = [exercise.right(*arguments) for arguments in inputs]
    if _are_alike(results, expected):
        return None
    for mistake in exercise.mistakes:
        if _are_alike(results, [mistake.answer(*arguments) for arguments in inputs]):
            return mistake.message
    for result, right in zip(results, expected, strict=True):
        try:
            shape = np.shape(result)
        except ValueError:
            return f"the shape should be {np.shape(right)}, and some rows are longer than others"
        if shape != np.shape(right):
            return f"the shape should be {np.shape(right)}, and is {shape}"
    if all(np.ndim(right) == 0 for right in expected):
        return _UNKNOWN_NUMBER
    return "the shape is right, but the numbers are not; open the hint"


def _are_alike(values: Sequence[ArrayLike], others: Sequence[ArrayLike]) -> bool:
    """Whether all pairs of values have the same shape and nearly the same numbers."""
    return all(_is_alike(value, other) for value, other in zip(values, others, strict=True))


def _is_alike(value: ArrayLike, other: ArrayLike) -> bool:
    """Whether two arrays or numbers have the same shape and nearly the same numbers."""
    try:
        a, b = np.asarray(value, "float64"), np.asarray(other, "float64")
    except (TypeError, ValueError):  # a string, or rows of different lengths
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _print_verdict(
    requirements: list[Requirement],
    answer: object,
    model: keras.Model,
    others: tuple[keras.Model | Dataset, ...],
    remark: Callable[..., str] | None = None,
) -> None:
    """Check the requirements of a network or its training in turn, and print the verdict.

    Args:
        requirements: What the answer must meet.
        answer: The network or history.
        model: The network.
        others: What else the exercise was given.
        remark: A function of the answer and of `others` that says more about a right answer.
    """
    for requirement in requirements:
        try:
            is_met = requirement.is_met(answer, *others)
        except Exception as error:  # whatever the learner's layers raise
            print(_verdict(f"it stops with {type(error).__name__}: {error}"))
            return
        if not is_met:
            print(_verdict(_fill_in(requirement.message, model, others)))
            return
    description = "It has {parameters:,} parameters"
    if _datasets(others) and not takes_colour(model):
        description += " and classifies {accuracy:.1%} of the validation images correctly"
    more = f" {remark(answer, *others)}" if remark else ""
    print(f"{_verdict(None)} {_fill_in(description, model, others)}.{more}")


def _fill_in(message: str, model: keras.Model, others: tuple[keras.Model | Dataset, ...]) -> str:
    """Fill the numbers of a network into a message."""
    numbers: dict[str, float] = {"parameters": model.count_params() if model.built else 0}
    if "{accuracy" in message:  # which takes a second to compute
        numbers["accuracy"] = validation_accuracy(model, *_datasets(others))
    if "{mistakes" in message:
        numbers["mistakes"] = validation_mistakes(model, *_datasets(others))
    if "{mistakes_of_other" in message:
        other = next(other for other in others if isinstance(other, keras.Model))
        numbers["mistakes_of_other"] = validation_mistakes(other, *_datasets(others))
    return message.format(**numbers)


def _datasets(others: tuple[keras.Model | Dataset, ...]) -> list[Dataset]:
    return [other for other in others if isinstance(other, Dataset)]
