"""Exercises: a right answer passes its check, and each usual mistake is met with its own words."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from scipy import ndimage
from scipy.signal import convolve2d
from scipy.special import softmax
from scipy.stats import binom, binomtest, chi2, entropy, norm

from mnist_cnn import exercises
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, prepare_images
from mnist_cnn.exercises.catalogue import EXERCISES
from mnist_cnn.exercises.kinds import Array, Function, Network, Number
from mnist_cnn.models import build_model
from notebook_files import NOTEBOOKS, cells_with_tag, exercise_name

layers = keras.layers
Verdict = Callable[[str, str], str]

# Answers are written as learners would write them: as code that comes before the check in the
# notebook's cell. They may use what stands in TOOLS, below.

RIGHT = {
    "mean digits": (
        "sums = np.tensordot(np.eye(10)[digits.y_train].T, digits.x_train, axes=1)\n"
        "answer = sums / np.bincount(digits.y_train)[:, None, None]"
    ),
    "float32 bytes": "answer = np.empty((10_000, 28, 28), 'float32').nbytes",
    "labels": "def to_labels(rows): return np.nonzero(rows)[1]",
    "10,000 classes": "answer = np.float32().nbytes * 10_000 * 60_000 / 1_000_000_000",
    "5 x 5 kernel": "answer = len(convolve2d(np.ones((28, 28)), np.ones((5, 5)), 'valid'))",
    "max pooling": "def pool(v): return layers.MaxPooling2D()(v[None, ..., None])[0, ..., 0]",
    "parameters": (
        "layer = layers.Conv2D(16, 3)\n"
        "layer.build((None, 28, 28, 8))\n"
        "answer = layer.count_params()"
    ),
    "small network": (
        "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), output())"
    ),
    "silent units": "def count_silent(o): return o.shape[1] - len(set(np.nonzero(o > 0)[1]))",
    "leaky unit": "answer = layers.LeakyReLU(negative_slope=0.1)(np.float32([-3]))[0]",
    "leaky slope": (
        "def slope_of(x, slope):\n"
        "    leaky = lambda x: np.maximum(x, slope * x)\n"
        "    return (leaky(x + 1e-6) - leaky(x - 1e-6)) / 2e-6"
    ),
    "smallest slope": "answer = 0.01",
    "cross-entropy": (
        "def cross_entropy(p, labels):\n"
        "    return keras.losses.SparseCategoricalCrossentropy()(labels, p)"
    ),
    "learning rate": "answer = keras.optimizers.schedules.CosineDecay(0.0015, 100)(25)",
    "steps": "answer = 20 * len(range(0, 54_000, 128))",
    "smoothed loss": "answer = entropy([0.91] + 9 * [0.01])",
    "margin": "answer = norm.ppf(0.975) ** 2 * 0.994 * (1 - 0.994) / 0.0001**2",
    "recall": "def recall(c): return [row[i] / sum(row) for i, row in enumerate(c)]",
    "coins": "answer = 2 * binom.cdf(15, 45, 0.5)",
    "pairs": "answer = 2 * (norm.ppf(0.975) + norm.ppf(0.8)) ** 2",
    "batch of one": "answer = digits.x_test[3].reshape(1, 28, 28, 1) / 255",
    "overconfidence": (
        "def overconfidence(p, labels):\n"
        "    return np.mean([max(row) - (row.argmax() == i) for row, i in zip(p, labels)])"
    ),
    "center of mass": "def center_of_mass(ink): return ndimage.center_of_mass(ink)",
    "mixed network": (
        "answer = copy_of(model)\nanswer.layers[0].set_weights(untrained.layers[0].get_weights())"
    ),
    "share of zeros": (
        "def share_of_zeros(maps):\n"
        "    return [np.sum(maps[..., i] == 0) / maps[..., i].size for i in range(maps.shape[2])]"
    ),
    # Backwards, from one number of the last map to the image: kernel, pool, kernel, pool, kernel
    "receptive field": "answer = ((1 + 2) * 2 + 2) * 2 + 4",
    "grey square": (
        "def put_square(picture, top, left, side):\n"
        "    row, column = np.indices(picture.shape)\n"
        "    is_covered = (row - top) // side == 0\n"
        "    is_covered &= (column - left) // side == 0\n"
        "    return np.where(is_covered, 128, picture)"
    ),
    "ensemble": "def decide(every): return [sum(each).argmax() for each in every.swapaxes(0, 1)]",
    "hours": "answer = 10_000 * 10 / 60 / 60",
    "temperature": "def change_temperature(p, t): return softmax(np.log(p) / t, axis=1)",
}

# By exercise and misconception
MISTAKES: dict[str, dict[str, str]] = {
    "mean digits": {
        "all classes together": "answer = np.mean(digits.x_train, 0)",
        "sums": "answer = [np.sum(digits.x_train[digits.y_train == d], 0) for d in range(10)]",
        "one number a class": (
            "answer = [np.mean(digits.x_train[digits.y_train == d]) for d in range(10)]"
        ),
        "the test images": (
            "answer = [np.mean(digits.x_test[digits.y_test == d], 0) for d in range(10)]"
        ),
    },
    "float32 bytes": {
        "a byte for each pixel": "answer = 10_000 * 28 * 28",
        "double precision": "answer = 10_000 * 28 * 28 * 8",
        "bits": "answer = 10_000 * 28 * 28 * 32",
        "training images": "answer = 60_000 * 28 * 28 * 4",
    },
    "labels": {
        "no axis": "def to_labels(rows): return np.argmax(rows)",
        "down the columns": "def to_labels(rows): return np.argmax(rows, 0)",
        "the number, not its place": "def to_labels(rows): return [max(row) for row in rows]",
        "nonzero": "def to_labels(rows): return np.nonzero(rows == 1)",
    },
    "10,000 classes": {
        "a byte for each number": "answer = 60_000 * 10_000 / 1e9",
        "double precision": "answer = 60_000 * 10_000 * 8 / 1e9",
        "ten classes": "answer = 60_000 * 10 * 4 / 1e9",
        "megabytes": "answer = 60_000 * 10_000 * 4 / 1e6",
        "bytes": "answer = 60_000 * 10_000 * 4",
    },
    "5 x 5 kernel": {
        "one place too few": "answer = 28 - 5",
        "two pixels less, as before": "answer = 26",
        "padding": "answer = 28",
        "windows side by side": "answer = 28 // 5",
        "places": "answer = 24 * 24",
    },
    "max pooling": {
        "the mean": "def pool(v): return np.mean(corners(v), axis=0)",
        "every second number": "def pool(v): return v[::2, ::2]",
        "stride of one": "def pool(v): return ndimage.maximum_filter(v, 2)[1:, 1:]",
        "rows only": "def pool(v): return [np.max(rows, 0) for rows in zip(v[::2], v[1::2])]",
        "from 0": "def pool(v): return np.maximum(0, np.max(corners(v), axis=0))",
    },
    "parameters": {
        "no biases": "answer = 3 * 3 * 8 * 16",
        "flat kernels": "answer = 3 * 3 * 16 + 16",
        "biases twice": "answer = 3 * 3 * 8 * 16 + 16 + 16",
        "a bias for each map that comes in": "answer = 3 * 3 * 8 * 16 + 8",
        "a bias for each pair": "answer = (3 * 3 + 1) * 8 * 16",
        "one kernel": "answer = 3 * 3 * 8 + 1",
        "neither maps nor biases": "answer = 3 * 3 * 16",
    },
    "small network": {
        "no channel": (
            "reshape = layers.Reshape((28, 28, 1))\n"
            "answer = small(reshape, conv(), conv(), flatten(), output(), shape=(28, 28))"
        ),
        "a single output": (
            "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), layers.Dense(1))"
        ),
        "no softmax": (
            "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), output('linear'))"
        ),
        "one convolution": "answer = small(conv(), max_pool(), max_pool(), flatten(), output())",
        "linear": (
            "answer = small(max_pool(), conv('linear'), conv(), max_pool(), flatten(), output())"
        ),
        "no pool": "answer = small(conv(), conv(), flatten(), output())",
        "not a network": "answer = [conv(), conv()]",
        "no input": "answer = keras.Sequential([conv(), conv(), flatten(), output()])",
    },
    "silent units": {
        "silent for one image": "def count_silent(o): return sum(np.min(o, axis=0) <= 0)",
        "images": "def count_silent(o): return sum(np.max(o, axis=1) <= 0)",
        "all zeros": "def count_silent(o): return np.count_nonzero(o <= 0)",
        "those that respond": "def count_silent(o): return sum(np.max(o, axis=0) > 0)",
    },
    "leaky unit": {
        "ReLU": "answer = max(-3, 0)",
        "sign lost": "answer = 0.3",
        "linear": "answer = -3",
        "Keras's default": "answer = float(layers.LeakyReLU()(np.float32([-3]))[0])",
    },
    "leaky slope": {
        "the function": "def slope_of(x, slope): return np.maximum(x, slope * x)",
        "ReLU's": "def slope_of(x, slope): return (x > 0) * 1",
        "falls on the left": (
            "def slope_of(x, slope): return np.sign(x) * np.where(x > 0, 1, slope)"
        ),
        "slope of a line depends on x": (
            "def slope_of(x, slope): return np.where(x > 0, 1, x * slope)"
        ),
    },
    "smallest slope": {
        "the first that works": "answer = 0.1",
        "the second": "answer = 0.02",
        "one too small": "answer = 0.005",
        "ReLU": "answer = 0.0",
    },
    "cross-entropy": {
        "sign": (
            "def cross_entropy(p, labels):\n"
            "    return np.mean([np.log(row[i]) for row, i in zip(p, labels)])"
        ),
        "the favourite": "def cross_entropy(p, labels): return np.mean(-np.log(np.max(p, axis=1)))",
        "the sum": (
            "def cross_entropy(p, labels): return sum(-np.log(row[i]) for row, i in zip(p, labels))"
        ),
        "all ten": "def cross_entropy(p, labels): return np.mean(-np.log(p))",
    },
    "learning rate": {
        "the start": "answer = 0.0015",
        "half-way": "answer = 0.0015 / 2",
        "a straight line": "answer = 0.0015 * 3 / 4",
        "a cosine to -1": "answer = 0.0015 * math.cos(math.pi / 4)",
        "a quarter of a cosine": "answer = 0.0015 * math.cos(math.pi / 2 / 4)",
    },
    "steps": {
        "one epoch": "answer = math.ceil(54_000 / 128)",
        "no smaller batch": "answer = 54_000 / 128 * 20",
        "the rest dropped": "answer = 54_000 // 128 * 20",
        "rounded up at the end": "answer = math.ceil(54_000 / 128 * 20)",
        "validation images as well": "answer = math.ceil(60_000 / 128) * 20",
        "images": "answer = 54_000 * 20",
    },
    "smoothed loss": {
        "certainty": "answer = 0",
        "the label's alone": "answer = -math.log(0.91)",
        "90 and 10": "answer = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)",
        "the others left out": "answer = -0.91 * math.log(0.91)",
        "a guess": "answer = math.log(10)",
    },
    "margin": {
        "the whole width": "answer = 1.96**2 * 0.994 * 0.006 / 0.00005**2 / 16",
        "one standard deviation": "answer = 0.994 * 0.006 / 0.0001**2",
        "points for shares": "answer = 1.96**2 * 0.994 * 0.006 / 0.01**2",
        "a half": "answer = 1.96**2 * 0.5 * 0.5 / 0.01**2",
        "MNIST": "answer = 10_000",
        "half of half": "answer = (1.96 / 0.00005) ** 2 * 0.994 * 0.006",
    },
    "recall": {
        "precision": "def recall(c): return np.diag(c) / np.sum(c, 0)",
        "of all images": "def recall(c): return np.diag(c) / np.sum(c)",
        "accuracy": "def recall(c): return np.trace(c) / np.sum(c)",
        "errors": "def recall(c): return [1 - row[i] / sum(row) for i, row in enumerate(c)]",
    },
    "coins": {
        "one side": "answer = binomtest(15, 45, alternative='less').pvalue",
        "chi squared": "answer = chi2.sf((30 - 15) ** 2 / 45, 1)",
        "a share": "answer = 15 / 45",
        "the other share": "answer = 30 / 45",
        "as printed above": "answer = round(binomtest(15, 45).pvalue, 2)",
        "per cent": "answer = 100 * binomtest(15, 45).pvalue",
    },
    "pairs": {
        "one run": "answer = (1.96 + 0.84) ** 2",
        "twice the spread": "answer = (2 * (1.96 + 0.84)) ** 2",
        "found every second time": "answer = (1.96 * 2**0.5) ** 2",
        "not squared": "answer = (1.96 + 0.84) ** 2 * 2**0.5",
        "no square": "answer = (1.96 + 0.84) * 2**0.5",
        "rounded down": "answer = 15",
    },
    "batch of one": {
        "no batch": "answer = digits.x_test[3][..., np.newaxis] / 255",
        "no channel": "answer = digits.x_test[3][np.newaxis] / 255",
        "not scaled": "answer = digits.x_test[3].reshape(1, 28, 28, 1)",
        "counted from one": "answer = prepare_images(digits.x_test[2:3])",
    },
    "overconfidence": {
        "sign": (
            "def overconfidence(p, labels):\n"
            "    return np.mean(np.argmax(p, 1) == labels) - np.max(p, 1).mean()"
        ),
        "what it says": "def overconfidence(p, labels): return np.mean([max(row) for row in p])",
        "columns": (
            "def overconfidence(p, labels):\n"
            "    return np.max(p, 0).mean() - np.mean(np.argmax(p, 1) == labels)"
        ),
        "the label's": (
            "def overconfidence(p, labels):\n"
            "    said = np.mean([row[i] for row, i in zip(p, labels)])\n"
            "    return said - np.mean(np.argmax(p, 1) == labels)"
        ),
    },
    "center of mass": {
        "column first": "def center_of_mass(ink): return ndimage.center_of_mass(ink)[::-1]",
        "all ink alike": "def center_of_mass(ink): return ndimage.center_of_mass(ink > 0)",
        "the box": (
            "def center_of_mass(ink):\n"
            "    places = np.argwhere(ink)\n"
            "    return (places.min(0) + places.max(0)) / 2"
        ),
        "the darkest": "def center_of_mass(ink): return np.argwhere(ink == ink.max())[0]",
    },
    "mixed network": {
        "the same network": "answer = model",
        "changed the trained one": (
            "model.set_weights(untrained.get_weights())\nanswer = copy_of(model)"
        ),
        "nothing changed": "answer = copy_of(model)",
        "all weights": "answer = copy_of(untrained)",
        "no biases": (
            "answer = copy_of(model)\n"
            "kernels, biases = untrained.layers[0].get_weights()\n"
            "answer.layers[0].set_weights([kernels, biases + 1])"
        ),
    },
    "share of zeros": {
        "one share": "def share_of_zeros(maps): return np.mean(maps == 0)",
        "counts": (
            "def share_of_zeros(maps):\n"
            "    return [np.sum(maps[..., i] == 0) for i in range(maps.shape[2])]"
        ),
        "of the others": "def share_of_zeros(maps): return 1 - np.mean(maps == 0, axis=(0, 1))",
        "places": "def share_of_zeros(maps): return np.mean(maps == 0, axis=-1)",
    },
    "receptive field": {
        "the other network": "answer = 18",
        "no pools": "answer = 5 + 2 + 2",
        "pools see nothing more": "answer = 5 + 2 * 2 + 2 * 4",
        "sides added": "answer = 5 + 3 + 3",
    },
    "grey square": {
        "columns first": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[left : left + side, top : top + side] = 128\n"
            "    return covered"
        ),
        "one too many": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[top : top + side + 1, left : left + side + 1] = 128\n"
            "    return covered"
        ),
        "cut out": (
            "def put_square(picture, top, left, side):\n    return picture[:side, :side] * 0 + 128"
        ),
        "in place": (
            "def put_square(picture, top, left, side):\n"
            "    picture[top : top + side, left : left + side] = 128\n"
            "    return picture"
        ),
    },
    "ensemble": {
        "a vote": (
            "def decide(every):\n"
            "    return [np.bincount(votes).argmax() for votes in every.argmax(axis=2).T]"
        ),
        "the surest": "def decide(every): return np.argmax(np.max(every, 0), 1)",
        "the first": "def decide(every): return np.argmax(every[0], 1)",
        "probabilities": "def decide(every): return sum(every) / len(every)",
    },
    "hours": {
        "all images": "answer = 1_000_000 * 10 / 3600",
        "seconds": "answer = 1_000_000 * 0.01 * 10",
        "minutes": "answer = 1_000_000 * 0.01 * 10 / 60",
        "ten per cent": "answer = 1_000_000 * 0.1 * 10 / 3600",
    },
    "temperature": {
        "the wrong way": (
            "def change_temperature(p, t):\n"
            "    powers = p**t\n"
            "    return powers / powers.sum(axis=1)[:, None]"
        ),
        "not divided": "def change_temperature(p, t): return np.exp(np.log(p) / t)",
        "p / T": "def change_temperature(p, t): return (p / t) / (p / t).sum(axis=1)[:, None]",
        "softmax": (
            "def change_temperature(p, t):\n"
            "    powers = np.exp(p / t)\n"
            "    return powers / powers.sum(axis=1)[:, None]"
        ),
    },
}


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


def corners(values: np.ndarray) -> list[np.ndarray]:
    """The four numbers of each square of 2 by 2 of a map, as four smaller maps."""
    return [values[row::2, column::2] for row in (0, 1) for column in (0, 1)]


TOOLS = {
    "math": math,
    "np": np,
    "ndimage": ndimage,
    "convolve2d": convolve2d,
    "softmax": softmax,
    "binom": binom,
    "binomtest": binomtest,
    "chi2": chi2,
    "entropy": entropy,
    "norm": norm,
    "prepare_images": prepare_images,
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
    "corners": corners,
}


STUBS = {exercise_name(cell): cell for path in NOTEBOOKS for cell in cells_with_tag(path, "answer")}
CHECKS = {exercise: cell.source.splitlines()[-1] for exercise, cell in STUBS.items()}


@pytest.fixture
def verdict(sample: Dataset, capsys: pytest.CaptureFixture) -> Verdict:
    """A function that runs the code of an answer, and returns what the notebook's check prints."""

    def check(exercise: str, code: str) -> str:
        namespace = {**TOOLS, "exercises": exercises, "digits": sample}
        if isinstance(EXERCISES[exercise], Network):
            namespace |= {"model": build_model(), "untrained": build_model()}
        exec(code, namespace)  # noqa: S102
        capsys.readouterr()
        exec(CHECKS[exercise], namespace)  # noqa: S102
        return capsys.readouterr().out

    return check


# The notebooks' exercises


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


def test_every_exercise_has_a_right_answer_and_its_usual_mistakes() -> None:
    assert set(RIGHT) == set(MISTAKES) == set(CHECKS)
    assert all(len(of_one) >= 3 for of_one in MISTAKES.values())


@pytest.mark.parametrize("exercise", RIGHT)
def test_another_way_to_the_right_answer_is_right(exercise: str, verdict: Verdict) -> None:
    assert re.fullmatch(
        r"Right\.( It has [\d,]+ parameters\.)?\n", verdict(exercise, RIGHT[exercise])
    )


@pytest.mark.parametrize("exercise", MISTAKES)
def test_each_usual_mistake_is_met_with_words_of_its_own(exercise: str, verdict: Verdict) -> None:
    said = {name: verdict(exercise, code) for name, code in MISTAKES[exercise].items()}
    for words in said.values():
        assert re.fullmatch(r"Not yet: .{12,}[.?]\n", words), said
        assert "open the hint" not in words and "the shape should be" not in words, said
    alike = 1 if exercise == "smallest slope" else 0  # 0.1 and 0.02 are the same mistake
    assert len(set(said.values())) == len(said) - alike, said


@pytest.mark.parametrize(
    "name", [name for name, exercise in EXERCISES.items() if not isinstance(exercise, Network)]
)
def test_every_message_of_the_catalogue_is_heard(name: str, sample: Dataset, capsys) -> None:
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


# Odd answers

ODD = {
    "number": "answer = '12'",
    "array": "answer = [1, 2, 3]",
    "network": "answer = 5",
    "function": "def {name}(*inputs): return inputs[0][:1] * 7",
}


@pytest.mark.parametrize("exercise", CHECKS)
def test_an_answer_that_nobody_foresaw_is_refused_kindly(exercise: str, verdict: Verdict) -> None:
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
def test_a_function_that_returns_nothing_is_told_from_a_stub(name: str, verdict: Verdict) -> None:
    function = re.search(r", (\w+)\)", CHECKS[name])[1]
    said = verdict(name, f"def {function}(*inputs): raise KeyError('key')")
    assert said == "Not yet: it stops with KeyError: 'key'.\n"
    assert verdict(name, f"def {function}(*inputs): ...") == "Not answered yet.\n"
    forgotten = verdict(name, f"def {function}(*inputs): print(inputs)")
    assert forgotten.endswith("Not yet: it returns nothing; is a `return` missing?\n")


ODD_NETWORKS = {  # what is said of networks that an exercise may get
    "small network": {
        "answer = Own()": "a class hides its layers; make it with keras.Sequential or",
        "answer = Own(); answer(np.zeros((1, 28, 28, 1)))": "a class hides its layers; make it",
        "answer = keras.Sequential([conv(), flatten(), output()])": (
            "its layers do not know their shapes yet"
        ),
        (
            "answer = keras.Sequential([conv(), flatten(), output()])\n"
            "answer(np.zeros((2, 28, 28, 1)))"
        ): "it takes batches of one size only; begin with keras.Input",
        "answer = keras.Model([image, other], end(layers.Add()([image, other])))": (
            "it should have a single input and a single output"
        ),
        "answer = keras.Model(image, [end(image), end(image)])": (
            "it should have a single input and a single"
        ),
        "answer = keras.Model(image, {'digit': end(image)})": (
            "it should have a single input and a single output"
        ),
        "answer = keras.Model(image, end(Fails()(image)))": "it stops with RuntimeError: ",
        "answer = Own": "the answer is a Keras model; yours is of the type type",
    },
    "mixed network": {
        "answer = Own()": "the later layers should keep their trained weights",
        "answer = keras.Sequential([conv(), flatten(), output()])": (
            "the later layers should keep their"
        ),
    },
}


@pytest.mark.parametrize("exercise", ODD_NETWORKS)
def test_a_network_of_any_kind_gets_a_verdict(exercise: str, verdict: Verdict) -> None:
    for code, expected in ODD_NETWORKS[exercise].items():
        said = verdict(exercise, code)
        assert said.startswith("Not yet: ") and expected in said, code


def test_a_network_of_functions_is_as_good_as_a_sequential_one(verdict: Verdict) -> None:
    code = "answer = keras.Model([image], [end(max_pool()(conv()(max_pool()(conv()(image)))))])"
    assert verdict("small network", code).startswith("Right.")


def test_a_network_may_have_its_activations_in_layers_of_their_own(verdict: Verdict) -> None:
    leaky = "conv('linear'), layers.LeakyReLU(), max_pool()"
    normalized = "conv('linear'), layers.BatchNormalization(), layers.ReLU(), max_pool()"
    code = f"answer = small({leaky}, {normalized}, flatten(), output())"
    assert verdict("small network", code) == "Right. It has 2,706 parameters.\n"
    # A maximum is not linear either
    maximum = "conv('linear'), max_pool()"
    own_softmax = "layers.Dense(10), layers.Softmax()"
    code = f"answer = small({maximum}, {normalized}, flatten(), {own_softmax})"
    assert verdict("small network", code).startswith("Right.")


def test_rows_of_different_lengths_and_huge_numbers_get_a_verdict(verdict: Verdict) -> None:
    uneven = "some rows are longer than others.\n"
    assert verdict("mean digits", "answer = [[1], [1, 2]]").endswith(uneven)
    assert verdict("labels", "def to_labels(rows): return [[1], [1, 2]]").endswith(uneven)
    said = verdict("float32 bytes", "answer = 10**400")
    assert said == "Not yet: that is not the number; open the hint.\n"


def test_no_answer_is_no_answer_of_any_kind(verdict: Verdict) -> None:
    for exercise in ("float32 bytes", "mean digits", "small network"):
        assert verdict(exercise, "answer = ...") == "Not answered yet.\n"
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
