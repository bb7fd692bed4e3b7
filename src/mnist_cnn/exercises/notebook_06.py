"""Exercises of notebook 06, on predictions for images and drawings."""

from functools import lru_cache

import numpy as np
from numpy.random import default_rng
from PIL import Image

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, prepare_images, split_validation
from mnist_cnn.drawing import shrink
from mnist_cnn.exercises.kinds import Array, Exercise, Function, Mistake, Network, Requirement
from mnist_cnn.exercises.requirements import READS_DIGITS, have_equal_weights, validation_accuracy

_PROBABILITIES = default_rng(0).dirichlet(np.ones(10), size=8)
_LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6])

# Accuracies on sheets
_GOOD = 0.8
_TRAINED_ON_SHEETS = (
    0.6  # no network reads so many that has only seen digits as MNIST prepares them
)
_IMPROVEMENT = 0.1  # of a network that was trained on sheets, at least
_CHANCE = 0.2  # hardly more than one in ten
# How much less accurate than `model` a network may be on ordinary images
_MAX_LOSS = 0.02


def _accuracy(p: np.ndarray, labels: np.ndarray) -> float:
    return np.mean(p.argmax(axis=1) == labels)


def _probability_of_label(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return p[np.arange(len(p)), labels]


def _put_on_sheet(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The ink of a sheet with an image on it at a random size and place, as in the notebook."""
    side = int(rng.integers(56, 113))
    top, left = rng.integers(0, 141 - side, 2)
    sheet = np.zeros((140, 140), "float32")
    scaled = Image.fromarray(image).resize((side, side))
    sheet[top : top + side, left : left + side] = np.asarray(scaled) / np.float32(255)
    return sheet


@lru_cache(maxsize=1)
def make_sheets(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Up to a thousand validation images on sheets, shrunk to float32 (n, 28, 28, 1), and labels.

    Args:
        dataset: The images.
    """
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    rng = default_rng(6)
    sheets = [shrink(_put_on_sheet(image, rng)) for image in images[:1000]]
    return prepare_images(np.stack(sheets)), labels[:1000]


def _accuracy_on_sheets(model: keras.Model, dataset: Dataset, highest: int = 1) -> float:
    """The accuracy on sheets whose darkest pixels are `highest`."""
    sheets, labels = make_sheets(dataset)
    return _accuracy(model.predict(highest * sheets, batch_size=500, verbose=0), labels)


def _describe_sheets(answer: keras.Model, model: keras.Model, dataset: Dataset) -> str:
    """What a learner is told about a right answer: how many of the check's sheets it gets right."""
    n = len(make_sheets(dataset)[1])
    before, after = (round(n * _accuracy_on_sheets(each, dataset)) for each in (model, answer))
    return (
        f"Of {n:,} shrunk sheets it classifies {after:,} correctly; `model` gets {before:,} right."
    )


EXERCISES: dict[str, Exercise] = {
    "batch of one": Array(
        right=lambda dataset: prepare_images(dataset.x_test[3:4]),
        mistakes=[
            Mistake(
                "the axis of the batch is missing",
                lambda dataset: prepare_images(dataset.x_test[3:4])[0],
            ),
            Mistake(
                "the axis of the channel is missing, at the end. Keras would add it silently, but "
                "we ask for all four axes",
                lambda dataset: dataset.x_test[3:4] / 255,
            ),
            Mistake(
                "its pixels go up to 255, and should go up to 1",
                lambda dataset: dataset.x_test[3:4, ..., np.newaxis],
            ),
            Mistake(
                "that is the image before it; NumPy counts from 0",
                lambda dataset: prepare_images(dataset.x_test[2:3]),
            ),
        ],
    ),
    "overconfidence": Function(
        inputs=[
            (_PROBABILITIES, _LABELS),
            (_PROBABILITIES[:5], _PROBABILITIES[:5].argmax(axis=1)),  # always right
        ],
        right=lambda p, labels: p.max(axis=1).mean() - _accuracy(p, labels),
        mistakes=[
            Mistake(
                "the sign is the other way round",
                lambda p, labels: _accuracy(p, labels) - p.max(axis=1).mean(),
            ),
            Mistake(
                "that is the mean confidence; subtract the accuracy from it",
                lambda p, labels: p.max(axis=1).mean(),
            ),
            Mistake(
                "that takes the largest of each column, and an image is a row",
                lambda p, labels: p.max(axis=0).mean() - _accuracy(p, labels),
            ),
            Mistake(
                "that takes the probability of the label, which the network does not know; "
                "its confidence is the largest probability",
                lambda p, labels: _probability_of_label(p, labels).mean() - _accuracy(p, labels),
            ),
            Mistake(
                "the sign is lost, and it says whether the network is overconfident or "
                "underconfident; leave out `abs`",
                lambda p, labels: abs(p.max(axis=1).mean() - _accuracy(p, labels)),
            ),
            Mistake(
                "those are sums over the images; divide by their number, or take means",
                lambda p, labels: (p.max(axis=1) - (p.argmax(axis=1) == labels)).sum(),
            ),
            Mistake(
                "that takes the largest of all probabilities; each image has a confidence of its "
                "own, which p.max(axis=1) gives",
                lambda p, labels: p.max() - _accuracy(p, labels),
            ),
            Mistake(
                "that is a difference for each image, and we want their mean",
                lambda p, labels: p.max(axis=1) - (p.argmax(axis=1) == labels),
            ),
        ],
    ),
    "digits anywhere": Network(
        requirements=[
            Requirement(
                "that is `model` itself, which this notebook still needs; run the cell again that "
                "loads it, and train a copy, as leaky.load_model() gives you one",
                lambda answer, model, dataset: answer is not model,
            ),
            *READS_DIGITS,
            Requirement(
                "`model` has been trained on sheets as well; run the cell again that loads it, "
                "and train a copy",
                lambda answer, model, dataset: (
                    _accuracy_on_sheets(model, dataset) < _TRAINED_ON_SHEETS
                ),
            ),
            Requirement(
                "it reads sheets only if their pixels go up to 255, and we give it pixels up to 1; "
                "put the sheets through prepare_images",
                lambda answer, model, dataset: (
                    _accuracy_on_sheets(answer, dataset) >= _TRAINED_ON_SHEETS
                    or _accuracy_on_sheets(answer, dataset, 255) < _TRAINED_ON_SHEETS
                ),
            ),
            Requirement(
                "on sheets it is hardly better than chance; does each sheet still have the label "
                "of its own digit?",
                lambda answer, model, dataset: _accuracy_on_sheets(answer, dataset) >= _CHANCE,
            ),
            Requirement(
                "all of its weights are still those of `model`; now train it on shrunk sheets",
                lambda answer, model, dataset: not have_equal_weights(answer, model),
            ),
            Requirement(
                "it has been trained, but on shrunk sheets it is hardly better than `model`; "
                "did you make its sheets with `shrink`, and not with `center_in_box`?",
                lambda answer, model, dataset: (
                    _accuracy_on_sheets(answer, dataset)
                    >= _accuracy_on_sheets(model, dataset) + _IMPROVEMENT
                ),
            ),
            Requirement(
                "it reads sheets better than `model` does, but not yet four in five; "
                "give it a few more epochs, or more sheets",
                lambda answer, model, dataset: _accuracy_on_sheets(answer, dataset) >= _GOOD,
            ),
            Requirement(
                "it reads sheets, but of the ordinary validation images it now reads only "
                "{accuracy:.1%}, over two percentage points less than `model`. "
                "Show it ordinary images along with the sheets",
                lambda answer, model, dataset: (
                    validation_accuracy(answer, dataset)
                    >= validation_accuracy(model, dataset) - _MAX_LOSS
                ),
            ),
        ],
        remark=_describe_sheets,
    ),
}
