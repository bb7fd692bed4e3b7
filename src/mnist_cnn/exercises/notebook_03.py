"""Exercises of notebook 03, on LeakyReLU."""

import numpy as np

from mnist_cnn.backend import keras
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Number, Requirement
from mnist_cnn.exercises.requirements import (
    DENSE_PARAMETERS,
    READS_DIGITS,
    is_trained,
    validation_accuracy,
)

START_OF_BIAS = -5.0

# Of the six units, 1 and 3 respond to none of the six images; 5 responds to one, although its sum
# is negative
_OUTPUTS = np.array(
    [
        [0.0, 0.0, 1.0, -1.0, 0.0, -2.0],
        [1.0, 0.0, 0.0, -1.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, -1.0, 1.0, -2.0],
        [0.0, 0.0, 1.0, -1.0, 0.0, -2.0],
        [0.0, 0.0, 0.0, -1.0, 0.0, -2.0],
        [0.0, 0.0, 0.0, -1.0, 1.0, -2.0],
    ]
)


def _first_biases(model: keras.Model) -> list[float]:
    """What the biases of each dense layer begin with, as far as it is a constant."""
    initializers = [
        layer.bias_initializer for layer in model.layers if isinstance(layer, keras.layers.Dense)
    ]
    return [
        float(each.value) for each in initializers if isinstance(each, keras.initializers.Constant)
    ]


def _activations(model: keras.Model) -> list[object]:
    """The activations of a network, which are functions, or layers, perhaps within layers."""
    return [*model.layers, *(getattr(layer, "activation", None) for layer in model.layers)]


def _has_relu(model: keras.Model) -> bool:
    return any(
        isinstance(each, keras.layers.ReLU) or each is keras.activations.relu
        for each in _activations(model)
    )


def _is_relu_only(model: keras.Model) -> bool:
    return _has_relu(model) and not _leaky_slopes(model)


def _leaky_slopes(model: keras.Model) -> list[float]:
    """The slopes for negative sums of all that leaks."""
    leaky = keras.layers.LeakyReLU
    slopes = [float(each.negative_slope) for each in _activations(model) if isinstance(each, leaky)]
    default = 0.2  # of the function, which is given by its name
    functions = [each for each in _activations(model) if each is keras.activations.leaky_relu]
    return slopes + [default] * len(functions)


EXERCISES: dict[str, Exercise] = {
    "silent units": Function(
        inputs=[(_OUTPUTS,), (_OUTPUTS[:3],)],
        right=lambda outputs: np.sum((outputs <= 0).all(axis=0)),
        mistakes=[
            Mistake(
                "those are silent on one image or more; we want all",
                lambda outputs: np.sum((outputs <= 0).any(axis=0)),
            ),
            Mistake(
                "those are images to which no unit responds",
                lambda outputs: np.sum((outputs <= 0).all(axis=1)),
            ),
            Mistake(
                "that misses a unit that gives -1 for every image, and so responds to none either",
                lambda outputs: np.sum((outputs == 0).all(axis=0)),
            ),
            Mistake(
                "a unit may respond to an image although its sum over all images is not above 0",
                lambda outputs: np.sum(outputs.sum(axis=0) <= 0),
            ),
            Mistake(
                "those are all numbers of the table that are not above 0",
                lambda outputs: np.sum(outputs <= 0),
            ),
            Mistake(
                "those are the units that do respond",
                lambda outputs: np.sum((outputs > 0).any(axis=0)),
            ),
        ],
    ),
    "leaky slope": Function(
        inputs=[(np.array([-2.0, -0.5, 0.5, 3.0]), 0.1), (np.array([4.0, -4.0]), 0.3)],
        right=lambda x, slope: np.where(x > 0, 1, slope),
        mistakes=[
            Mistake(
                "those are the values of the function; its slope is how fast they rise",
                lambda x, slope: np.where(x > 0, x, slope * x),
            ),
            Mistake(
                "that is the slope of ReLU; below 0 LeakyReLU still rises",
                lambda x, slope: np.where(x > 0, 1, 0),
            ),
            Mistake(
                "that is right for a slope of 0.1 only; use `slope`",
                lambda x, slope: np.where(x > 0, 1, 0.1),
            ),
            Mistake(
                "below 0 the function is negative, but it still rises",
                lambda x, slope: np.where(x > 0, 1, -slope),
            ),
            Mistake(
                "slope times x rises by slope, whatever x is",
                lambda x, slope: np.where(x > 0, 1, slope * x),
            ),
        ],
    ),
    "smallest slope": Number(
        right=0.01,
        figures=3,
        mistakes=[
            Mistake(
                "with this slope the unit gets there, but it also does with a smaller one", 0.1
            ),
            Mistake(
                "with this slope the unit gets there, but it also does with a smaller one", 0.02
            ),
            Mistake("with this slope the error is still large after 3,000 steps", 0.005),
            Mistake("that is ReLU, which has not moved at all", 0),
        ],
    ),
    "revived network": Network(
        requirements=[
            *READS_DIGITS,
            Requirement(
                "its hidden units should begin with a bias of -5, as before; "
                "change nothing but the activation",
                lambda model, dataset: START_OF_BIAS in _first_biases(model),
            ),
            Requirement(
                "its hidden units still have ReLU; replace it with LeakyReLU",
                lambda model, dataset: not _is_relu_only(model),
            ),
            Requirement(
                "it has no LeakyReLU; put layers.LeakyReLU where ReLU was",
                lambda model, dataset: bool(_leaky_slopes(model)),
            ),
            Requirement(
                "beside LeakyReLU there is still a ReLU, which leaves nothing negative",
                lambda model, dataset: not _has_relu(model),
            ),
            Requirement(
                "its slope is 0 for negative sums, which is ReLU; take a slope above 0",
                lambda model, dataset: min(_leaky_slopes(model)) > 0,
            ),
            Requirement(
                "with the same slope on both sides it has no activation at all; "
                "take a slope well below 1",
                lambda model, dataset: max(_leaky_slopes(model)) < 1,
            ),
            Requirement(
                "it has {parameters:,} parameters, and the network above had 101,770; "
                "change nothing but the activation",
                lambda model, dataset: model.count_params() == DENSE_PARAMETERS,
            ),
            Requirement(
                "it has not been trained; it needs `compile` and then `fit`",
                is_trained,
            ),
            Requirement(
                "it gets only {accuracy:.1%} of the validation images right, and with five epochs "
                "it can get more than 75 %; are images and labels those of the network above?",
                lambda model, dataset: validation_accuracy(model, dataset) > 0.75,
            ),
        ],
    ),
}
