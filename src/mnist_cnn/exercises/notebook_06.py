"""Exercises of notebook 06, on predictions for images and drawings."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.data import prepare_images
from mnist_cnn.exercises.kinds import Array, Exercise, Function, Mistake

_PROBABILITIES = default_rng(0).dirichlet(np.ones(10), size=8)
_LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6])
_INK = np.pad(
    [
        [9.0, 1.0, 0.0, 0.0, 1.0, 2.0],
        [5.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ],
    ((1, 2), (2, 1)),
)


def _accuracy(p: np.ndarray, labels: np.ndarray) -> float:
    return np.mean(p.argmax(axis=1) == labels)


def _probability_of_label(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return p[np.arange(len(p)), labels]


def _weighted_center(weights: np.ndarray) -> tuple[float, float]:
    """The weighted mean of the row indices and of the column indices."""
    rows, columns = np.indices(weights.shape)
    return np.average(rows, weights=weights), np.average(columns, weights=weights)


def _center_of_box(ink: np.ndarray) -> tuple[float, float]:
    """The centre of the bounding box of all ink."""
    rows, columns = np.nonzero(ink)
    return (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2


EXERCISES: dict[str, Exercise] = {
    "batch of one": Array(
        right=lambda dataset: prepare_images(dataset.x_test[3:4]),
        mistakes=[
            Mistake(
                "the axis of the batch is missing",
                lambda dataset: prepare_images(dataset.x_test[3:4])[0],
            ),
            Mistake(
                "the axis of the channel is missing, at the end",
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
                "that is what it says; subtract how often it is right",
                lambda p, labels: p.max(axis=1).mean(),
            ),
            Mistake(
                "that takes the largest of each column, and an image is a row",
                lambda p, labels: p.max(axis=0).mean() - _accuracy(p, labels),
            ),
            Mistake(
                "the network does not know the label; it says its largest probability",
                lambda p, labels: _probability_of_label(p, labels).mean() - _accuracy(p, labels),
            ),
        ],
    ),
    "center of mass": Function(
        inputs=[(_INK,), (_INK.T,)],
        right=_weighted_center,
        mistakes=[
            Mistake(
                "row and column are the other way round",
                lambda ink: _weighted_center(ink)[::-1],
            ),
            Mistake(
                "every pixel with ink counts the same, and a dark one should count more",
                lambda ink: _weighted_center(ink > 0),
            ),
            Mistake(
                "that is the middle of the box around the ink, whatever is in it",
                _center_of_box,
            ),
            Mistake(
                "that is the darkest pixel",
                lambda ink: np.unravel_index(ink.argmax(), ink.shape),
            ),
        ],
    ),
}
