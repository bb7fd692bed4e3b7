"""Exercises of notebook 02, on building the network."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Number, Requirement
from mnist_cnn.exercises.requirements import READS_DIGITS

_NONLINEAR = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.Activation,
    keras.layers.MaxPooling2D,
)


def _squares(values: np.ndarray) -> np.ndarray:
    """Cut a map into squares of 2 x 2 numbers, with their rows in axis 1 and columns in axis 3."""
    rows, columns = values.shape
    return values.reshape(rows // 2, 2, columns // 2, 2)


def _windows(values: np.ndarray) -> np.ndarray:
    """All overlapping squares of 2 x 2 numbers, with their rows in axis 2 and columns in axis 3."""
    return np.lib.stride_tricks.sliding_window_view(values, (2, 2))


def _convolutions(model: keras.Model) -> list[int]:
    """The indices of the convolutions among the layers."""
    return [
        place for place, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Conv2D)
    ]


def _is_made_nonlinear(model: keras.Model, place: int) -> bool:
    """Whether an activation or max pooling comes between a layer and the next weighted sum."""
    if model.layers[place].activation is not keras.activations.linear:
        return True
    for layer in model.layers[place + 1 :]:
        if hasattr(layer, "kernel"):  # the next weighted sum
            return False
        if isinstance(layer, _NONLINEAR):
            return True
    return False


EXERCISES: dict[str, Exercise] = {
    "5 x 5 kernel": Number(
        right=28 - 5 + 1,
        mistakes=[
            Mistake(
                "28 - 5 is how far the kernel can move, but the place where it starts counts too",
                28 - 5,
            ),
            Mistake("that is the map of a 3 x 3 kernel", 26),
            Mistake(
                "the kernel would have to stand half outside of the image; "
                "that takes a border of zeros",
                28,
            ),
            Mistake(
                "the windows may overlap: the kernel moves by one pixel, not by its own width",
                28 // 5,
            ),
            Mistake("that counts all places of the map; the question is about its rows", 24 * 24),
        ],
    ),
    "max pooling": Function(
        inputs=[(default_rng(0).normal(size=(4, 6)),), (default_rng(1).normal(size=(8, 8)),)],
        right=lambda values: _squares(values).max(axis=(1, 3)),
        mistakes=[
            Mistake(
                "that is the mean of each square, and we want the largest",
                lambda values: _squares(values).mean(axis=(1, 3)),
            ),
            Mistake(
                "that keeps the upper left number of each square, large or not",
                lambda values: values[::2, ::2],
            ),
            Mistake(
                "a search that begins at 0 fails where all are negative",
                lambda values: _squares(values).max(axis=(1, 3), initial=0),
            ),
            Mistake(
                "the rows are halved, and the columns are not",
                lambda values: np.maximum(values[::2], values[1::2]),
            ),
            Mistake(
                "the squares overlap; from one to the next it should move by two",
                lambda values: _windows(values).max(axis=(2, 3)),
            ),
        ],
    ),
    "parameters": Number(
        right=16 * (3 * 3 * 8 + 1),
        mistakes=[
            Mistake("that leaves out the biases; there is one for each kernel", 16 * 3 * 3 * 8),
            Mistake(
                "that gives each kernel nine weights, "
                "but it has nine for each of the eight maps that come in",
                16 * (3 * 3 + 1),
            ),
            Mistake("that counts the biases twice", 16 * (3 * 3 * 8 + 2)),
            Mistake(
                "that is a bias for each of the eight maps that come in; "
                "there is one for each kernel",
                16 * 3 * 3 * 8 + 8,
            ),
            Mistake(
                "that is a bias for each map and kernel; "
                "a kernel adds up everything, then one bias",
                16 * (3 * 3 + 1) * 8,
            ),
            Mistake("that is one kernel, and there are 16", 3 * 3 * 8 + 1),
            Mistake(
                "that is nine weights for each kernel, "
                "without the eight maps that come in and without biases",
                16 * 3 * 3,
            ),
        ],
    ),
    "small network": Network(
        requirements=[
            *READS_DIGITS,
            Requirement(
                "it should have two Conv2D layers or more",
                lambda model: len(_convolutions(model)) >= 2,
            ),
            Requirement(
                "a convolution has no activation, "
                "so that it and the next layer are one weighted sum",
                lambda model: all(
                    _is_made_nonlinear(model, place) for place in _convolutions(model)
                ),
            ),
            Requirement(
                "it has {parameters:,} parameters; pool earlier, or take fewer kernels or units",
                lambda model: model.count_params() <= 20_000,
            ),
        ],
    ),
}
