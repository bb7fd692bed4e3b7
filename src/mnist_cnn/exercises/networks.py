"""What the network of an exercise must be, and what is said of one that is not."""

import numpy as np

from mnist_cnn.backend import keras


def _convolutions(model: keras.Model) -> list[int]:
    return [
        place for place, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Conv2D)
    ]


def _bends(model: keras.Model, place: int) -> bool:
    """Whether an activation or a maximum follows a layer before the next weighted sum."""
    if model.layers[place].activation is not keras.activations.linear:
        return True
    following = model.layers[place + 1 :]
    stop = next(
        (at for at, layer in enumerate(following) if hasattr(layer, "kernel")), len(following)
    )
    kinds = (
        keras.layers.ReLU,
        keras.layers.LeakyReLU,
        keras.layers.Activation,
        keras.layers.MaxPooling2D,
    )
    return any(isinstance(layer, kinds) for layer in following[:stop])


def _has_one_output(model: keras.Model) -> bool:
    """Whether one array comes out for one that goes in, and not by a name."""
    named = not isinstance(model, keras.Sequential) and isinstance(model.output, dict)
    return len(model.inputs) == len(model.outputs) == 1 and not named


def _gives_probabilities(model: keras.Model) -> bool:
    """Whether the ten numbers are positive and add up to 1, for a few images of noise."""
    answers = model.predict_on_batch(
        np.random.default_rng(0).random((4, 28, 28, 1), dtype="float32")
    )
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3))


def _equal(weights: list, others: list) -> bool:
    return len(weights) == len(others) and all(map(np.array_equal, weights, others))


NETWORKS = {  # what must hold, one after the other, by what is said if it does not
    "small network": {
        "a class hides its layers; make it with keras.Sequential or keras.Model(inputs, outputs)":
            lambda model: isinstance(model, keras.Sequential) or hasattr(model, "input_shape"),
        "its layers do not know their shapes yet; begin with keras.Input((28, 28, 1))": lambda model: model.built,
        "it should have a single input and a single output, not a dictionary of them": _has_one_output,
        "it takes batches of one size only; begin with keras.Input((28, 28, 1))":
            lambda model: model.input_shape[0] is None,
        "it should take images of shape (28, 28, 1)": lambda model: model.input_shape == (None, 28, 28, 1),
        "it should give ten numbers for each image; is layers.Flatten() missing, or the last layer of ten units?":
            lambda model: model.output_shape == (None, 10),
        "its ten numbers do not add up to 1; the last layer needs softmax": _gives_probabilities,
        "it should have two Conv2D layers or more": lambda model: len(_convolutions(model)) > 1,
        "a convolution has no activation, so that it and the next layer are one weighted sum":
            lambda model: all(_bends(model, place) for place in _convolutions(model)),
        "it has {parameters:,} parameters; pool earlier, or take fewer kernels or units":
            lambda model: model.count_params() <= 20_000,
    },
    "mixed network": {
        "that is the trained network itself, and changing it would spoil what follows; load another copy":
            lambda mixed, model, untrained: mixed is not model,
        "the trained network has been changed as well; run the first cell again, and load another copy":
            lambda mixed, model, untrained: not _equal(model.get_weights()[:1], untrained.get_weights()[:1]),
        "its first layer still has the trained kernels":
            lambda mixed, model, untrained: not _equal(mixed.get_weights()[:1], model.get_weights()[:1]),
        "the later layers should keep their trained weights":
            lambda mixed, model, untrained: _equal(mixed.get_weights()[2:], model.get_weights()[2:]),
        "its first layer should have both the kernels and the biases from before training":
            lambda mixed, model, untrained: _equal(mixed.get_weights()[:2], untrained.get_weights()[:2]),
    },
}  # fmt: skip
