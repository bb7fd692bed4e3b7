"""Exercises: a right answer passes its check, and each usual mistake is met with its own words."""

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from scipy import ndimage
from scipy.special import softmax
from scipy.stats import binom, binomtest, chi2, entropy, nct, norm, t

from exercise_answers import BEFORE, MISTAKES, ODD, ODD_NETWORKS, RIGHT
from mnist_cnn import exercises
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, one_hot, prepare_images, split_validation
from mnist_cnn.exercises.catalogue import EXERCISES
from mnist_cnn.exercises.kinds import Array, Choice, Function, Network, Number, Trainer, Training
from mnist_cnn.models import build_model
from notebook_files import NOTEBOOKS, cells_with_tag, exercise_name

layers = keras.layers
Verdict = Callable[[str, str], str]


# What the answers may use


def small(*stack: layers.Layer, shape: tuple[int, ...] = (28, 28, 1)) -> keras.Sequential:
    return keras.Sequential([keras.Input(shape), *stack])


def conv(activation: str = "relu") -> layers.Layer:
    return layers.Conv2D(8, 3, activation=activation)


def output(activation: str = "softmax") -> layers.Layer:
    return layers.Dense(10, activation=activation)


def end(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return output()(layers.Flatten()(tensor))


def copy_of(model: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


class Own(keras.Model):
    """A network whose layers Keras does not know."""

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.reshape(images, (-1, 784))[:, :10]


class Fails(layers.Layer):
    """A layer that can be connected, but computes nothing."""

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        raise RuntimeError("no more")

    def compute_output_spec(self, images: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(images.shape, images.dtype)


TOOLS = {
    "dataclasses": dataclasses,
    "math": math,
    "np": np,
    "ndimage": ndimage,
    "softmax": softmax,
    "binom": binom,
    "binomtest": binomtest,
    "chi2": chi2,
    "entropy": entropy,
    "nct": nct,
    "norm": norm,
    "t": t,
    "prepare_images": prepare_images,
    "one_hot": one_hot,
    "split_validation": split_validation,
    "build_model": build_model,
    "keras": keras,
    "layers": layers,
    "small": small,
    "conv": conv,
    "max_pool": layers.MaxPooling2D,
    "flatten": layers.Flatten,
    "output": output,
    "end": end,
    "copy_of": copy_of,
    "Own": Own,
    "Fails": Fails,
    "image": keras.Input((28, 28, 1)),
    "other": keras.Input((28, 28, 1)),
}


# The notebooks' exercises

STUBS = {exercise_name(cell): cell for path in NOTEBOOKS for cell in cells_with_tag(path, "answer")}
CHECKS = {exercise: cell.source.splitlines()[-1] for exercise, cell in STUBS.items()}


@pytest.fixture
def verdict(sample: Dataset, capsys: pytest.CaptureFixture[str]) -> Verdict:
    """A function that runs the code of an answer, and returns what the notebook's check prints."""

    def check(exercise: str, code: str) -> str:
        namespace = {**TOOLS, "exercises": exercises, "digits": sample}
        exec(BEFORE.get(exercise, ""), namespace)  # noqa: S102
        exec(code, namespace)  # noqa: S102
        capsys.readouterr()
        exec(CHECKS[exercise], namespace)  # noqa: S102
        return capsys.readouterr().out

    return check


def test_each_notebook_has_three_or_four_exercises_with_hint_and_solution() -> None:
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        places = [at for at, cell in enumerate(cells) if "answer" in cell.metadata.get("tags", ())]
        assert 3 <= len(places) <= 4, path
        for number, at in enumerate(places, 1):
            question, stub, solution = cells[at - 1 : at + 2]
            assert question.source.startswith(f"### Exercise {number}: ")
            assert "<summary>Hint</summary>" in question.source
            assert "solution" in solution.metadata.tags
            assert solution.source.count("```python") == 1
            assert solution.source.startswith("<details><summary>Solution</summary>\n\n")
            prose = solution.source.partition("</summary>")[2].partition("```")[0]
            assert len(prose.split()) > 5, solution.source  # a reason, not only code
            assert "..." in stub.source
        assert places[-1] < len(cells) - 4  # in the flow, not at the end


def test_the_catalogue_has_the_exercises_of_the_notebooks_in_their_order() -> None:
    assert list(EXERCISES) == list(CHECKS)
    for name, exercise in EXERCISES.items():
        assert CHECKS[name].startswith(f"exercises.{type(exercise).__name__.lower()}(")


def test_nothing_is_answered_yet(verdict: Verdict) -> None:
    for exercise, cell in STUBS.items():
        stored = "".join(output.text for output in cell.outputs)
        stub = cell.source.removesuffix(CHECKS[exercise])
        assert stored == verdict(exercise, stub) == "Not answered yet.\n", cell.source


# Right and wrong answers

# Those whose answers are networks, or train some, take seconds
TRAINING = {
    name
    for name, exercise in EXERCISES.items()
    if isinstance(exercise, Network | Training | Trainer)
}
BY_EXERCISE = [
    pytest.param(name, marks=pytest.mark.slow if name in TRAINING else ()) for name in EXERCISES
]


def test_every_exercise_has_a_right_answer_and_its_usual_mistakes() -> None:
    assert set(RIGHT) == set(MISTAKES) == set(CHECKS)
    assert all(len(of_one) >= 3 for of_one in MISTAKES.values())


@pytest.mark.parametrize("exercise", BY_EXERCISE)
def test_another_way_to_the_right_answer_is_right(exercise: str, verdict: Verdict) -> None:
    assert re.fullmatch(
        r"Right\.( It has [\d,]+ parameters.*\.)?\n", verdict(exercise, RIGHT[exercise])
    )


@pytest.mark.parametrize("exercise", BY_EXERCISE)
def test_each_usual_mistake_gets_a_message_of_its_own(exercise: str, verdict: Verdict) -> None:
    said = {name: verdict(exercise, code) for name, code in MISTAKES[exercise].items()}
    for words in said.values():
        assert re.fullmatch(r"Not yet: .{12,}[.?]\n", words), said
        assert "open the hint" not in words and "the shape should be" not in words, said
    alike = 1 if exercise == "smallest slope" else 0  # 0.1 and 0.02 are the same mistake
    assert len(set(said.values())) == len(said) - alike, said


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, exercise in EXERCISES.items()
        if isinstance(exercise, Number | Array | Function)
    ],
)
def test_every_message_of_the_catalogue_is_printed_for_its_mistake(
    name: str, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """No mistake is so near the right answer, or another mistake, that both would answer."""
    exercise = EXERCISES[name]
    for mistake in exercise.mistakes:
        match exercise:
            case Number():
                exercises.number(name, mistake.answer)
            case Array():
                exercises.array(name, mistake.answer(sample), sample)
            case Function():
                exercises.function(name, mistake.answer)
        assert capsys.readouterr().out == f"Not yet: {mistake.message}.\n"


def test_each_wrong_choice_has_a_message_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for name, exercise in EXERCISES.items():
        if isinstance(exercise, Choice):
            choices = set(exercise.right.values())
            for question, right in exercise.right.items():
                mistakes = exercise.mistakes[question]
                assert set(mistakes) == choices - {right}
                for wrong, message in mistakes.items():
                    exercises.choice(name, {**exercise.right, question: wrong})
                    assert capsys.readouterr().out == f"Not yet: {message}.\n"


# Odd answers


@pytest.mark.parametrize("exercise", CHECKS)
def test_an_unforeseen_answer_is_refused_politely(exercise: str, verdict: Verdict) -> None:
    kind, name = re.search(r"exercises\.(\w+)\(.*?, (\w+)", CHECKS[exercise]).groups()
    expected = r"Not yet: (the answer is |the shape should be |the shape is right).+\.\n"
    assert re.fullmatch(expected, verdict(exercise, ODD[kind].format(name=name)))


@pytest.mark.parametrize(
    "name", [name for name, exercise in EXERCISES.items() if isinstance(exercise, Number)]
)
def test_an_odd_number_gets_a_verdict(name: str, verdict: Verdict) -> None:
    assert "open the hint" in verdict(name, "answer = 123.456")
    assert "type bool" in verdict(name, "answer = True")
    assert "Not yet" in verdict(name, "answer = math.nan")
    assert "type list" in verdict(name, "answer = [[1], [1, 2]]")
    # As functions of NumPy give a number
    assert verdict(name, "answer = np.array(0.25)") == verdict(name, "answer = 0.25")


@pytest.mark.parametrize(
    "name", [name for name, exercise in EXERCISES.items() if isinstance(exercise, Function)]
)
def test_a_function_that_returns_nothing_is_distinguished_from_a_stub(
    name: str, verdict: Verdict
) -> None:
    function = re.search(r", (\w+)\)", CHECKS[name])[1]
    said = verdict(name, f"def {function}(*inputs): raise KeyError('key')")
    assert said == "Not yet: it stops with KeyError: 'key'.\n"
    assert verdict(name, f"def {function}(*inputs): ...") == "Not answered yet.\n"
    forgotten = verdict(name, f"def {function}(*inputs): print(inputs)")
    assert forgotten.endswith("Not yet: it returns nothing; is a `return` missing?\n")


def test_a_function_that_should_train_may_be_a_stub_or_stop(verdict: Verdict) -> None:
    assert verdict("seeds", "train_small = ...") == "Not answered yet.\n"
    assert verdict("seeds", "def train_small(seed): ...") == "Not answered yet.\n"
    said = verdict("seeds", "def train_small(seed): raise KeyError('key')")
    assert said == "Not yet: it stops with KeyError: 'key'.\n"


@pytest.mark.parametrize("exercise", ODD_NETWORKS)
def test_a_network_of_any_kind_gets_a_verdict(exercise: str, verdict: Verdict) -> None:
    for code, expected in ODD_NETWORKS[exercise].items():
        said = verdict(exercise, code)
        assert said.startswith("Not yet: ") and expected in said, code


@pytest.mark.slow
def test_a_functional_model_is_as_good_as_a_sequential_one(verdict: Verdict) -> None:
    code = (
        "deep = layers.Conv2D(16, 3, 2, activation='relu')(max_pool()(conv()(image)))\n"
        "answer = keras.Model([image], [end(deep)])\n"
        "fit(x, y, epochs=6)"
    )
    said = verdict("small network", code)
    assert re.fullmatch(r"Right. It has 7,018 parameters and classifies 9[\d.]+% of .*\n", said)


@pytest.mark.slow
def test_a_network_that_was_trained_badly_is_told_why(verdict: Verdict) -> None:
    reasons = {
        "not trained": "it needs `compile` and then `fit`.",
        "not divided by 255": "it was fitted on images that were not divided by 255.",
        "labels of other images": "do the labels belong to these images?",
        "too short": "more kernels, or fit it for more epochs.",
    }
    for name, reason in reasons.items():
        said = verdict("small network", MISTAKES["small network"][name])
        assert said.endswith(f"{reason}\n"), said
    only_compiled = MISTAKES["small network"]["not trained"] + "; answer.compile('adam', 'mse')"
    assert verdict("small network", only_compiled).endswith(f"{reasons['not trained']}\n")


def test_a_network_may_have_its_activations_in_layers_of_their_own(verdict: Verdict) -> None:
    leaky = "conv('linear'), layers.LeakyReLU(), max_pool()"
    normalized = "conv('linear'), layers.BatchNormalization(), layers.ReLU(), max_pool()"
    code = f"answer = small({leaky}, {normalized}, flatten(), output())"
    said = "Not yet: its layers are right, but it has not been trained yet"
    assert verdict("small network", code).startswith(said)
    for nonlinear in ("ELU()", "PReLU()", "Activation('gelu')", "Lambda(keras.ops.square)"):
        middle = f"conv('linear'), layers.{nonlinear}, layers.AveragePooling2D(2), flatten()"
        code = f"answer = small(max_pool(), conv(), {middle}, output())"
        assert verdict("small network", code).startswith(said), nonlinear
    for linear in ("AveragePooling2D(4)", "Dropout(0.5)", "Activation('linear')"):
        code = f"answer = small({leaky}, conv('linear'), layers.{linear}, flatten(), output())"
        assert "has no activation" in verdict("small network", code), linear
    # A maximum is not linear either
    maximum = "conv('linear'), max_pool()"
    own_softmax = "layers.Dense(10), layers.Softmax()"
    code = f"answer = small({maximum}, {normalized}, flatten(), {own_softmax})"
    assert verdict("small network", code).startswith(said)


def test_a_number_beside_the_right_one_is_accepted_with_a_remark(verdict: Verdict) -> None:
    for exercise in (each for each in EXERCISES.values() if isinstance(each, Number)):
        assert exercise.right not in exercise.also
    assert verdict("runs", "answer = 17") == verdict("runs", "answer = np.int64(17)") == "Right.\n"
    said = "Right. That is by a formula for the normal distribution; the t test takes 17.\n"
    assert verdict("runs", "answer = 16") == verdict("runs", "answer = 15.68") == said
    said = verdict("margin", "answer = (2 / 0.0001) ** 2 * 0.994 * 0.006")
    assert said == "Right. With 1.96 in place of 2, it is 2.3 million.\n"
    assert verdict("runs", "answer = 19").startswith("Not yet: ")


@pytest.mark.parametrize(
    ("exercise", "name"),
    [
        ("better network", "untrained"),
        ("small network", "not trained"),
        ("revived network", "not trained"),
    ],
)
def test_an_untrained_network_is_told_so(exercise: str, name: str, verdict: Verdict) -> None:
    """And not that its accuracy is low, which would send the learner elsewhere."""
    said = verdict(exercise, MISTAKES[exercise][name])
    assert "has not been trained" in said and "`fit`" in said


def test_rows_of_different_lengths_and_huge_numbers_get_a_verdict(verdict: Verdict) -> None:
    uneven = "some rows are longer than others.\n"
    assert verdict("mean digits", "answer = [[1], [1, 2]]").endswith(uneven)
    assert verdict("labels", "def to_labels(rows): return [[1], [1, 2]]").endswith(uneven)
    said = verdict("smallest slope", "answer = 10**400")
    assert said == "Not yet: that is not the number; open the hint.\n"


def test_a_missing_answer_is_recognised_in_every_kind_of_exercise(verdict: Verdict) -> None:
    for exercise in ("smallest slope", "mean digits", "small network"):
        assert verdict(exercise, "answer = ...") == "Not answered yet.\n"
    assert verdict("learning rate", "learned = ...") == "Not answered yet.\n"
    for nothing in ("...", "{'A': ..., 'B': ...}", "{}"):
        assert verdict("diagnosis", f"diagnosis = {nothing}") == "Not answered yet.\n"
    assert verdict("labels", "to_labels = ...") == "Not answered yet.\n"


@pytest.mark.parametrize("check", [exercises.number, exercises.function, exercises.network])
def test_a_name_that_is_not_an_exercise_is_refused(check: Callable) -> None:
    with pytest.raises(ValueError, match="exercise must be one of"):
        check("no such thing", 1)
    with pytest.raises(ValueError, match="exercise must be one of"):
        check("mean digits", 1)  # which is of another kind


def test_a_name_that_is_not_an_array_is_refused(sample: Dataset) -> None:
    for name in ("no such thing", "labels"):
        with pytest.raises(ValueError, match="exercise must be one of"):
            exercises.array(name, 1, sample)


# What is folded away

QUESTION = re.compile(r"### \d\. (.+)\n\n((?:<details>.*</details>\n?)+)")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_has_four_questions_that_explain_every_choice(path: Path) -> None:
    (cell,) = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if cell.source.startswith("## Four questions")
    ]
    questions = QUESTION.findall(cell.source)
    assert len(questions) == 4
    places = []
    for _, choices in questions:
        page = BeautifulSoup(choices, "html.parser")
        verdicts = [each.strong.text for each in page.select("details")]
        assert len(verdicts) >= 3 and sorted(verdicts) == ["No."] * (len(verdicts) - 1) + ["Right."]
        assert all(
            len(each.text.split()) > len(each.summary.text.split()) + 3
            for each in page.select("details")
        )
        places.append(verdicts.index("Right."))
    assert len(set(places)) > 1  # not always the same one
