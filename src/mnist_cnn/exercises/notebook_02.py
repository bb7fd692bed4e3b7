"""Exercises of notebook 02, on building the network."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Number, Requirement
from mnist_cnn.exercises.requirements import (
    READS_DIGITS,
    is_trained,
    learned_only_from_validation_images,
    validation_accuracy,
)

_FEW_PARAMETERS = 10_000
_GOOD_ACCURACY = 0.94
_GUESSING = 0.3  # an accuracy that a trained network exceeds, and an untrained one does not


def _mean_products(image: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """For each weight of a kernel, the mean over the positions of difference times pixel."""
    size = image.shape[0] - difference.shape[0] + 1
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return np.einsum("rc,rcij->ij", difference, windows) / difference.size


def _convolutions(model: keras.Model) -> list[int]:
    """The indices of the convolutions among the layers."""
    return [
        place for place, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Conv2D)
    ]


def _is_linear(layer: keras.layers.Layer) -> bool:
    """Whether a layer computes nothing but weighted sums, as far as it can be seen from noise."""
    inputs = [layer.input] if not isinstance(layer.input, list) else layer.input
    random = default_rng(0)

    def respond(images: list[np.ndarray]) -> np.ndarray:
        return np.asarray(layer(images[0] if len(images) == 1 else images))

    one, another = (
        [random.normal(0, 10, (4, *tensor.shape[1:])).astype("float32") for tensor in inputs]
        for _ in range(2)
    )
    of_both = respond([a + b for a, b in zip(one, another, strict=True)])
    of_neither = respond([0 * a for a in one])
    apart = respond(one) + respond(another) - of_neither
    return np.allclose(of_both, apart, rtol=0, atol=1e-3 * np.abs(apart).max())


def _is_made_nonlinear(model: keras.Model, place: int) -> bool:
    """Whether an activation or max pooling comes between a layer and the next weighted sum."""
    if not _is_linear(model.layers[place]):
        return True
    for layer in model.layers[place + 1 :]:
        if hasattr(layer, "kernel"):  # the next weighted sum
            return False
        if not _is_linear(layer):
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
    "kernel gradient": Function(
        inputs=[
            (default_rng(seed).random((28, 28)), default_rng(seed).normal(size=(26, 26)))
            for seed in (0, 1)
        ],
        right=lambda image, difference: 2 * _mean_products(image, difference),
        mistakes=[
            Mistake(
                "the slope of a squared difference is twice the difference; the 2 is missing",
                lambda image, difference: _mean_products(image, difference),
            ),
            Mistake(
                "that adds up over the positions; the loss is a mean, and so are its slopes",
                lambda image, difference: 2 * difference.size * _mean_products(image, difference),
            ),
            Mistake(
                "that adds up over the positions, and leaves out the 2; "
                "the slope is the mean of 2 times difference times pixel",
                lambda image, difference: difference.size * _mean_products(image, difference),
            ),
            Mistake(
                "that is the direction of the step; "
                "the slope has the other sign, and is subtracted later",
                lambda image, difference: -2 * _mean_products(image, difference),
            ),
            Mistake(
                "rows and columns are exchanged; "
                "i moves the part of the image down, and j to the right",
                lambda image, difference: 2 * _mean_products(image, difference).T,
            ),
            Mistake(
                "that is turned by 180°; "
                "the weight in the upper left corner meets the pixels `image[0:26, 0:26]`",
                lambda image, difference: 2 * _mean_products(image, difference)[::-1, ::-1],
            ),
            Mistake(
                "all nine slopes are the same; "
                "for each weight, take the part of the image that begins in its row and column",
                lambda image, difference: np.full(
                    (3, 3), 2 * _mean_products(image, difference)[0, 0]
                ),
            ),
            Mistake(
                "all nine slopes are the same; "
                "for each weight, take the part of the image that begins in its row and column, "
                "and not the middle for all of them",
                lambda image, difference: np.full(
                    (3, 3), 2 * _mean_products(image, difference)[1, 1]
                ),
            ),
            Mistake(
                "that divides by the number of pixels of the image, 784; "
                "the mean goes over the 26 by 26 positions",
                lambda image, difference: (
                    2 * difference.size / image.size * _mean_products(image, difference)
                ),
            ),
            Mistake(
                "that squares the difference; the slope of its square is twice the difference",
                lambda image, difference: 2 * _mean_products(image, difference**2),
            ),
            Mistake(
                "that multiplies two means; "
                "multiply pixel by pixel first, and take the mean of the products",
                lambda image, difference: (
                    2 * difference.mean() * _mean_products(image, np.ones_like(difference))
                ),
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
                "that is a bias for each of the nine weights; a kernel has a single one",
                16 * 3 * 3 * (8 + 1),
            ),
            Mistake(
                "that is one bias for the whole layer; there is one for each kernel",
                16 * 3 * 3 * 8 + 1,
            ),
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
                "it gets {accuracy:.1%} of the validation images right, and 94 % are asked for; "
                "it has {parameters:,} parameters, and may have 10,000: "
                "give it more kernels, or fit it for more epochs",
                lambda model, dataset: validation_accuracy(model, dataset) >= _GOOD_ACCURACY,
            ),
            Requirement(
                "it gets far fewer of the validation images wrong than of the other training "
                "images; has it learned from them? Train only on `x_train`",
                lambda model, dataset: not learned_only_from_validation_images(model, dataset),
            ),
        ],
    ),
    "hidden delta": Function(
        inputs=[
            tuple(default_rng(seed).normal(size=shape) for shape in ((5, 10), (32, 10), (5, 32)))
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
