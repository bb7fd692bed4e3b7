"""Exercises of notebook 02, on building the network."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Number, Requirement
from mnist_cnn.exercises.requirements import READS_DIGITS, is_trained, validation_accuracy

_FEW_PARAMETERS = 10_000
_GOOD_ACCURACY = 0.93
_GUESSING = 0.3  # an accuracy that a trained network exceeds, and an untrained one does not

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


def _was_fitted_to_scaled_pixels(model: keras.Model, dataset: Dataset) -> bool:
    """Whether a network is good, or at least not much better on pixels in 0..255."""
    accuracy = validation_accuracy(model, dataset)
    if accuracy >= _GOOD_ACCURACY:
        return True
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    unscaled = images[..., np.newaxis].astype("float32")
    predicted = model.predict(unscaled, batch_size=500, verbose=0).argmax(axis=1)
    return float(np.mean(predicted == labels)) < accuracy + 0.05


EXERCISES: dict[str, Exercise] = {
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
                lambda model, _: len(_convolutions(model)) >= 2,
            ),
            Requirement(
                "a convolution has no activation, "
                "so that it and the next layer are one weighted sum",
                lambda model, _: all(
                    _is_made_nonlinear(model, place) for place in _convolutions(model)
                ),
            ),
            Requirement(
                "it has {parameters:,} parameters; pool earlier, or take fewer kernels or units",
                lambda model, _: model.count_params() <= _FEW_PARAMETERS,
            ),
            Requirement(
                "its layers are right, but it has not been trained yet; "
                "it needs `compile` and then `fit`",
                is_trained,
            ),
            Requirement(
                "it gets {accuracy:.1%} of the validation images right, and many more if their "
                "pixels are in 0..255: it was fitted on images that were not divided by 255",
                _was_fitted_to_scaled_pixels,
            ),
            Requirement(
                "it gets {accuracy:.1%} of the validation images right, hardly more than a guess, "
                "although it was fitted; do the labels belong to these images?",
                lambda model, dataset: validation_accuracy(model, dataset) > _GUESSING,
            ),
            Requirement(
                "it gets {accuracy:.1%} of the validation images right, and 93 % are asked for; "
                "fit it for more epochs, or on more images",
                lambda model, dataset: validation_accuracy(model, dataset) >= _GOOD_ACCURACY,
            ),
        ],
    ),
    "hidden delta": Function(
        inputs=[
            # Square weights, so that forgetting to transpose them raises no error
            tuple(default_rng(seed).normal(size=shape) for shape in ((5, 4), (4, 4), (5, 4)))
            for seed in (0, 1)
        ],
        right=lambda delta, w2, sums: (delta @ w2.T) * (sums > 0),
        mistakes=[
            Mistake(
                "that goes back through the weights only; "
                "ReLU passes nothing on where a sum is negative",
                lambda delta, w2, sums: delta @ w2.T,
            ),
            Mistake(
                "on the way back the weights are transposed: "
                "each hidden unit collects from the ten sums",
                lambda delta, w2, sums: (delta @ w2) * (sums > 0),
            ),
            Mistake(
                "that takes ReLU of the slopes; "
                "whether a slope passes depends on the sign of the sum on the way forward",
                lambda delta, w2, sums: np.maximum(delta @ w2.T, 0),
            ),
            Mistake(
                "that multiplies by what ReLU gave; multiply by its slope, which is 0 or 1",
                lambda delta, w2, sums: (delta @ w2.T) * np.maximum(sums, 0),
            ),
            Mistake(
                "that lets the slopes pass where a sum is negative, and stops the others",
                lambda delta, w2, sums: (delta @ w2.T) * (sums < 0),
            ),
        ],
    ),
}
