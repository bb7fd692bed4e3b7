"""The exercises: every solution passes its check, and every usual mistake is met with words of its own."""

import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from mnist_cnn import exercises
from mnist_cnn.data import Dataset
from mnist_cnn.models import build_model
from notebook_files import NOTEBOOKS

# How learners go wrong, as they would write it, by exercise and misconception.
WRONG: dict[str, dict[str, str]] = {
    "mean digits": {
        "all classes together": "answer = np.mean(digits.x_train, 0)",
        "sums": "answer = [np.sum(digits.x_train[digits.y_train == d], 0) for d in range(10)]",
        "one number a class": "answer = [np.mean(digits.x_train[digits.y_train == d]) for d in range(10)]",
        "the test images": "answer = [np.mean(digits.x_test[digits.y_test == d], 0) for d in range(10)]",
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
        "the mean": "def pool(v): return (v[::2, ::2] + v[1::2, ::2] + v[::2, 1::2] + v[1::2, 1::2]) / 4",
        "every second number": "def pool(v): return v[::2, ::2]",
        "stride of one": "def pool(v): return np.maximum.reduce([v[:-1, :-1], v[1:, :-1], v[:-1, 1:], v[1:, 1:]])",
        "rows only": "def pool(v): return np.maximum(v[::2], v[1::2])",
        "from 0": "def pool(v): return [[max(0, *v[i:i+2, j:j+2].flat) for j in range(0, v.shape[1], 2)] "
                  "for i in range(0, len(v), 2)]",
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
        "no channel": "answer = small((28, 28), [layers.Reshape((28, 28, 1)), conv(), conv(), flat(), soft()])",
        "a single output": "answer = small((28, 28, 1), [conv(), pool2(), conv(), pool2(), flat(), layers.Dense(1)])",
        "no softmax": "answer = small((28, 28, 1), [conv(), pool2(), conv(), pool2(), flat(), layers.Dense(10)])",
        "one convolution": "answer = small((28, 28, 1), [conv(), pool2(), pool2(), flat(), soft()])",
        "linear": "answer = small((28, 28, 1), [pool2(), conv('linear'), conv(), pool2(), flat(), soft()])",
        "no pool": "answer = small((28, 28, 1), [conv(), conv(), flat(), soft()])",
        "not a network": "answer = [conv(), conv()]",
        "no input": "answer = Sequential([conv(), conv(), flat(), soft()])",
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
        "falls on the left": "def slope_of(x, slope): return np.sign(x) * np.where(x > 0, 1, slope)",
        "slope of a line depends on x": "def slope_of(x, slope): return np.where(x > 0, 1, x * slope)",
    },
    "smallest slope": {
        "the first that works": "answer = 0.1",
        "the second": "answer = 0.02",
        "one too small": "answer = 0.005",
        "ReLU": "answer = 0.0",
    },
    "cross-entropy": {
        "sign": "def cross_entropy(p, labels): return np.mean([np.log(r[i]) for r, i in zip(p, labels)])",
        "the favourite": "def cross_entropy(p, labels): return np.mean(-np.log(np.max(p, axis=1)))",
        "the sum": "def cross_entropy(p, labels): return sum(-np.log(r[i]) for r, i in zip(p, labels))",
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
        "sign": "def overconfidence(p, labels): return np.mean(np.argmax(p, 1) == labels) - np.max(p, 1).mean()",
        "what it says": "def overconfidence(p, labels): return np.mean([max(row) for row in p])",
        "columns": "def overconfidence(p, labels): return np.max(p, 0).mean() - np.mean(np.argmax(p, 1) == labels)",
        "the label's": "def overconfidence(p, labels): return np.mean([r[i] for r, i in zip(p, labels)]) - "
                       "np.mean(np.argmax(p, 1) == labels)",
    },
    "center of mass": {
        "column first": "def center_of_mass(ink): return mass(ink)[::-1]",
        "all ink alike": "def center_of_mass(ink): return mass(ink > 0)",
        "the box": "def center_of_mass(ink): i = np.argwhere(ink); return (i.min(0) + i.max(0)) / 2",
        "the darkest": "def center_of_mass(ink): return np.argwhere(ink == ink.max())[0]",
    },
    "mixed network": {
        "the same network": "answer = model",
        "changed the trained one": "model.set_weights(untrained.get_weights()); answer = copy(model)",
        "nothing changed": "answer = copy(model)",
        "all weights": "answer = copy(untrained)",
        "no biases": "answer = copy(model); k, b = untrained.layers[0].get_weights(); "
                               "answer.layers[0].set_weights([k, b + 1])",
    },
    "share of zeros": {
        "one share": "def share_of_zeros(maps): return np.mean(maps == 0)",
        "counts": "def share_of_zeros(maps): return [np.sum(maps[..., i] == 0) for i in range(maps.shape[2])]",
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
        "columns first": "def put_square(p, top, left, side): q = p.copy(); "
                         "q[left : left + side, top : top + side] = 128; return q",
        "one too many": "def put_square(p, t, l, s): q = p.copy(); q[t : t + s + 1, l : l + s + 1] = 128; return q",
        "cut out": "def put_square(p, top, left, side): return p[:side, :side] * 0 + 128",
        "paper": "def put_square(p, t, l, s): q = p.copy(); q[t : t + s, l : l + s] = 0; return q",
        "in place": "def put_square(p, top, left, side): p[top : top + side, left : left + side] = 128; return p",
    },
    "ensemble": {
        "a vote": "def decide(every): return [np.bincount(v).argmax() for v in every.argmax(axis=2).T]",
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
        "the wrong way": "def change_temperature(p, t): q = p**t; return q / q.sum(axis=1)[:, None]",
        "not divided": "def change_temperature(p, t): return np.exp(np.log(p) / t)",
        "p / T": "def change_temperature(p, t): q = p / t; return q / q.sum(axis=1)[:, None]",
        "softmax": "def change_temperature(p, t): q = np.exp(p / t); return q / q.sum(axis=1)[:, None]",
    },
}  # fmt: skip

TOOLS = """
import math
import numpy as np
from keras import Input, Sequential, layers, models
from scipy.stats import binomtest, chi2
from mnist_cnn.data import prepare_images

conv = lambda activation="relu": layers.Conv2D(8, 3, activation=activation)
pool2, flat, soft = layers.MaxPooling2D, layers.Flatten, lambda: layers.Dense(10, activation="softmax")
small = lambda shape, stack: Sequential([Input(shape), *stack])
mass = lambda ink: [np.sum(ink * at) / np.sum(ink) for at in np.indices(ink.shape)]


def copy(model):
    new = models.clone_model(model)
    new.set_weights(model.get_weights())
    return new
"""


def cells_of(path: Path, tag: str) -> list[nbformat.NotebookNode]:
    return [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if tag in cell.metadata.get("tags", ())
    ]


def exercise_of(cell: nbformat.NotebookNode) -> str:
    return re.search(r'^exercises\.\w+\("([^"]+)"', cell.source, re.MULTILINE)[1]


CHECKS = {
    exercise_of(cell): cell.source.splitlines()[-1]
    for path in NOTEBOOKS
    for cell in cells_of(path, "answer")
}


def verdict(exercise: str, code: str, sample: Dataset, capsys: pytest.CaptureFixture) -> str:
    """What the check of the notebook says of an answer."""
    namespace = {"exercises": exercises, "digits": sample}
    if "exercises.network" in CHECKS[exercise]:
        namespace |= {"model": build_model(), "untrained": build_model()}
    exec(TOOLS, namespace)  # noqa: S102
    exec(code, namespace)  # noqa: S102
    capsys.readouterr()
    exec(CHECKS[exercise], namespace)  # noqa: S102
    return capsys.readouterr().out


def test_each_notebook_has_three_or_four_exercises_with_hint_and_solution() -> None:
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        places = [at for at, cell in enumerate(cells) if "answer" in cell.metadata.get("tags", ())]
        assert 3 <= len(places) <= 4, path
        for number, at in enumerate(places, 1):
            question, stub, solution = cells[at - 1 : at + 2]
            assert (
                question.source.startswith(f"### Exercise {number}: ")
                and "<summary>Hint</summary>" in question.source
            )
            assert "solution" in solution.metadata.tags and solution.source.count("```python") == 1
            assert solution.source.startswith("<details><summary>Solution</summary>\n\n")
            prose = solution.source.partition("</summary>")[2].partition("```")[0]
            assert len(prose.split()) > 5, solution.source  # a reason, not only code
            assert "..." in stub.source
        assert places[-1] < len(cells) - 4  # in the flow, not at the end


def test_nothing_is_answered_yet() -> None:
    for path in NOTEBOOKS:
        for cell in cells_of(path, "answer"):
            assert "".join(output.text for output in cell.outputs) == "Not answered yet.\n", (
                cell.source
            )


def test_every_exercise_has_its_usual_mistakes() -> None:
    assert set(WRONG) == set(CHECKS)
    assert all(len(of_one) >= 3 for of_one in WRONG.values())


@pytest.mark.parametrize("exercise", WRONG)
def test_each_usual_mistake_is_met_with_words_of_its_own(
    exercise: str, sample: Dataset, capsys
) -> None:
    said = {name: verdict(exercise, code, sample, capsys) for name, code in WRONG[exercise].items()}
    assert all(re.fullmatch(r"Not yet: .{12,}[.?]\n", words) for words in said.values()), said
    assert not [
        words
        for words in said.values()
        if "open the hint" in words or "the shape should be" in words
    ], said
    alike = 1 if exercise == "smallest slope" else 0  # 0.1 and 0.02 are the same mistake
    assert len(set(said.values())) == len(said) - alike, said


ODD = {"number": "answer = '12'", "array": "answer = [1, 2, 3]", "network": "answer = 5",
       "function": "def {name}(*inputs): return inputs[0][:1] * 7"}  # fmt: skip


@pytest.mark.parametrize("exercise", WRONG)
def test_an_answer_that_nobody_foresaw_is_refused_kindly(
    exercise: str, sample: Dataset, capsys
) -> None:
    kind, name = re.search(r"exercises\.(\w+)\(.*?, (\w+)", CHECKS[exercise]).groups()
    said = verdict(exercise, ODD[kind].format(name=name), sample, capsys)
    assert re.fullmatch(
        r"Not yet: (the answer is |the shape should be |the shape is right).+\.\n", said
    )
    if kind == "number":
        assert "open the hint" in verdict(exercise, "answer = 123.456", sample, capsys)
        assert "type bool" in verdict(exercise, "answer = True", sample, capsys)
        assert "Not yet" in verdict(exercise, "answer = math.nan", sample, capsys)
        one, same = (
            verdict(exercise, f"answer = {kind}(0.25)", sample, capsys)
            for kind in ("float", "np.array")
        )
        assert one == same  # as functions of NumPy give a number
    if kind == "function":
        said = verdict(exercise, f"def {name}(*inputs): raise KeyError('key')", sample, capsys)
        assert said == "Not yet: it stops with KeyError: 'key'.\n"
        assert (
            verdict(exercise, f"def {name}(*inputs): ...", sample, capsys) == "Not answered yet.\n"
        )
        forgotten = verdict(exercise, f"def {name}(*inputs): print(inputs)", sample, capsys)
        assert forgotten.endswith("Not yet: it returns nothing; is a `return` missing?\n")


ODD_NETWORKS = {  # that an exercise may get, and what is said of them
    "small network": {
        "answer = Own()": "a class hides its layers; make it with keras.Sequential or",
        "answer = Own(); answer(np.zeros((1, 28, 28, 1)))": "a class hides its layers; make it",
        "answer = Sequential([conv(), flat(), soft()])": "its layers do not know their shapes yet",
        "answer = Sequential([conv(), flat(), soft()]); answer(np.zeros((2, 28, 28, 1)))":
            "it takes batches of one size only; begin with keras.Input",
        "answer = Model([image, other], end(layers.Add()([image, other])))":
            "it should have a single input and a single output",
        "answer = Model(image, [end(image), end(image)])": "it should have a single input and a single",
        "answer = Model(image, {'digit': end(image)})": "it should have a single input and a single output",
        "answer = Model(image, end(Fails()(image)))": "it stops with RuntimeError: ",
        "answer = Own": "the answer is a Keras model; yours is of the type type",
    },
    "mixed network": {
        "answer = Own()": "the later layers should keep their trained weights",
        "answer = Sequential([conv(), flat(), soft()])": "the later layers should keep their",
    },
}  # fmt: skip

THEIR_PARTS = """
from keras import KerasTensor, Model, ops

image, other = Input((28, 28, 1)), Input((28, 28, 1))
end = lambda tensor: soft()(flat()(tensor))


class Own(Model):
    def call(self, images):
        return ops.reshape(images, (-1, 784))[:, :10]


class Fails(layers.Layer):
    def call(self, images):
        raise RuntimeError("no more")

    def compute_output_spec(self, images):
        return KerasTensor(images.shape, images.dtype)
"""


@pytest.mark.parametrize("exercise", ODD_NETWORKS)
def test_a_network_of_any_kind_gets_a_verdict(exercise: str, sample: Dataset, capsys) -> None:
    for code, expected in ODD_NETWORKS[exercise].items():
        said = verdict(exercise, f"{THEIR_PARTS}\n{code}", sample, capsys)
        assert said.startswith("Not yet: ") and expected in said, code


def test_a_network_of_functions_is_as_good_as_a_sequential_one(sample: Dataset, capsys) -> None:
    code = "answer = Model([image], [end(pool2()(conv()(pool2()(conv()(image)))))])"
    assert verdict("small network", f"{THEIR_PARTS}\n{code}", sample, capsys).startswith("Right.")


def test_rows_of_different_lengths_and_huge_numbers_get_a_verdict(sample: Dataset, capsys) -> None:
    uneven = "some rows are longer than others.\n"
    assert verdict("mean digits", "answer = [[1], [1, 2]]", sample, capsys).endswith(uneven)
    code = "def to_labels(rows): return [[1], [1, 2]]"
    assert verdict("labels", code, sample, capsys).endswith(uneven)
    said = verdict("float32 bytes", "answer = 10**400", sample, capsys)
    assert said == "Not yet: that is not the number; open the hint.\n"


def test_no_answer_is_no_answer_of_any_kind(sample: Dataset, capsys) -> None:
    for exercise in ("float32 bytes", "mean digits", "small network"):
        assert verdict(exercise, "answer = ...", sample, capsys) == "Not answered yet.\n"
    assert verdict("labels", "to_labels = ...", sample, capsys) == "Not answered yet.\n"


def test_a_name_that_is_not_an_exercise_is_refused() -> None:
    for check in (
        exercises.number,
        exercises.function,
        exercises.network,
        lambda *a: exercises.array(*a, None),
    ):
        with pytest.raises(ValueError, match="exercise must be one of"):
            check("no such thing", 1)


def test_no_right_number_stands_in_the_package(sample: Dataset) -> None:
    numbers = (Path(exercises.__file__).parent / "numbers.toml").read_text()
    for right in ("31360000", "31_360_000", "1168", "8440", "8_440"):
        assert right not in numbers


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


def test_a_network_may_have_its_activations_in_layers_of_their_own(sample: Dataset, capsys) -> None:
    layers = "conv('linear'), layers.LeakyReLU(), pool2(), conv('linear'), layers.BatchNormalization(), layers.ReLU()"
    code = f"answer = small((28, 28, 1), [{layers}, pool2(), flat(), soft()])"
    assert verdict("small network", code, sample, capsys) == "Right. It has 2,706 parameters.\n"
    soft = code.replace("soft()", "layers.Dense(10), layers.Softmax()").replace(
        "layers.LeakyReLU(), ", ""
    )
    # A maximum is not linear either
    assert verdict("small network", soft, sample, capsys).startswith("Right.")


def test_every_word_on_numbers_is_heard(sample: Dataset, capsys) -> None:
    """Each usual wrong number is refused with its own words, and none is so near another that both would answer."""
    for exercise, about in exercises._NUMBERS.items():
        for value, words in about["wrong"]:
            assert verdict(exercise, f"answer = {value}", sample, capsys) == f"Not yet: {words}.\n"
