"""What exercises of several notebooks ask of a network."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.exercises.kinds import Requirement
from mnist_cnn.models import predict

# Of a network with one hidden layer, of 128 units, as in notebooks 03 and 04
DENSE_PARAMETERS = 784 * 128 + 128 + 128 * 10 + 10


def validation_accuracy(model: keras.Model, dataset: Dataset) -> float:
    """The accuracy on the validation images, the last tenth of a dataset's training images.

    Args:
        model: A network that takes pixels in 0..1.
        dataset: The dataset.

    Returns:
        The accuracy, in 0..1.
    """
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    return float(np.mean(predict(model, images).argmax(axis=1) == labels))


def validation_mistakes(model: keras.Model, dataset: Dataset) -> int:
    """The number of validation images that a network which takes pixels in 0..1 gets wrong."""
    _, (_, labels) = split_validation(dataset.x_train, dataset.y_train)
    return round(len(labels) * (1 - validation_accuracy(model, dataset)))


def learned_only_from_validation_images(model: keras.Model, dataset: Dataset) -> bool:
    """Whether the validation images are at most half as hard for it as other training images.

    So it is where a network learned from the validation images only. One that has learned from some
    of the others does better on these than on new images.
    """
    (images, labels), (others, _) = split_validation(dataset.x_train, dataset.y_train)
    step = max(1, len(images) // len(others))
    mistakes = np.mean(predict(model, images[::step]).argmax(axis=1) != labels[::step])
    return bool(mistakes > 0.01 and 1 - validation_accuracy(model, dataset) <= mistakes / 2)


def have_equal_weights(one: keras.Model, other: keras.Model, which: slice = slice(None)) -> bool:
    """Whether two networks have the same weights.

    Args:
        one: One network.
        other: The other.
        which: Which of their lists of weights to compare.
    """
    weights, others = one.get_weights()[which], other.get_weights()[which]
    return len(weights) == len(others) and all(map(np.array_equal, weights, others))


def takes_colour(model: keras.Model) -> bool:
    """Whether a network takes images of three channels."""
    return getattr(model, "input_shape", ())[1:] == (28, 28, 3)


def is_trained(model: keras.Model, *_: object) -> bool:
    """Whether a network has made any step of training since it was compiled."""
    optimizer = getattr(model, "optimizer", None)  # there is none before it is compiled
    return optimizer is not None and int(optimizer.iterations) > 0


def _has_visible_layers(model: keras.Model, *_: object) -> bool:
    return isinstance(model, keras.Sequential) or hasattr(model, "input_shape")


def _has_one_input_and_output(model: keras.Model, *_: object) -> bool:
    is_dictionary = not isinstance(model, keras.Sequential) and isinstance(model.output, dict)
    return len(model.inputs) == len(model.outputs) == 1 and not is_dictionary


def _gives_probabilities(model: keras.Model, *_: object) -> bool:
    """Whether a network's outputs are non-negative and add up to 1, for a few images of noise."""
    noise = default_rng(0).random((4, 28, 28, 1), dtype="float32")
    rows = model.predict_on_batch(noise)
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))


# Whatever else the exercise is given
READS_DIGITS = [
    Requirement(
        "a class hides its layers; make it with keras.Sequential or keras.Model(inputs, outputs)",
        _has_visible_layers,
    ),
    Requirement(
        "its layers do not know their shapes yet; begin with keras.Input((28, 28, 1))",
        lambda model, *_: model.built,
    ),
    Requirement(
        "it should have a single input and a single output, not a dictionary of them",
        _has_one_input_and_output,
    ),
    Requirement(
        "it takes batches of one size only; begin with keras.Input((28, 28, 1))",
        lambda model, *_: model.input_shape[0] is None,
    ),
    Requirement(
        "it should take images of shape (28, 28, 1)",
        lambda model, *_: model.input_shape == (None, 28, 28, 1),
    ),
    Requirement(
        "it should give ten numbers for each image; "
        "is layers.Flatten() missing, or the last layer of ten units?",
        lambda model, *_: model.output_shape == (None, 10),
    ),
    Requirement(
        "its ten numbers do not add up to 1; the last layer needs softmax",
        _gives_probabilities,
    ),
]
