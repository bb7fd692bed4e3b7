"""Networks are packed for the browser; tests/browser compares what it computes with them."""

import keras
import numpy as np
import pytest

from mnist_cnn.models import NETWORKS, build_model
from mnist_cnn.views.packing import pack_network

layers = keras.layers


@pytest.mark.parametrize("network", sorted({*NETWORKS} - {"permuted"}))
def test_every_network_of_the_series_but_one_can_be_packed(network: str) -> None:
    model = build_model(network)
    packed = pack_network(model)
    assert len(packed["layers"]) == len(model.layers)
    weights = np.frombuffer(packed["weights"], "float32")
    kernel = next(layer for layer in model.layers if layer.weights).kernel
    assert np.array_equal(weights[: kernel.numpy().size], kernel.numpy().ravel())


class NegatedDense(layers.Dense):
    """A Dense layer whose output has the opposite sign."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        return -super().call(inputs)


def relu(x: keras.KerasTensor) -> keras.KerasTensor:
    """Compute something else than the ReLU that it is named after."""
    return -x


@pytest.mark.parametrize(
    ("stack", "reason"),
    [
        ([layers.Conv2D(4, 3, padding="same")], "padding='same'"),
        ([layers.Conv2D(4, (3, 5))], "kernel_size=(3, 5)"),
        ([layers.Conv2D(4, 3, strides=2)], "strides=(2, 2)"),
        ([layers.Conv2D(4, 3, dilation_rate=2)], "dilation_rate=(2, 2)"),
        ([layers.Conv2D(4, 3), layers.Conv2D(4, 3, groups=2)], "groups=2"),
        ([layers.Conv2D(4, 1, data_format="channels_first")], "data_format='channels_first'"),
        ([layers.Conv2D(4, 3, activation="tanh")], "activation tanh"),
        ([layers.Conv2D(4, 3, activation="softmax")], "activation softmax"),
        (
            [layers.Conv2D(4, 3, activation=layers.ReLU(max_value=6, name="relu"))],
            "activation ReLU",
        ),
        ([layers.Conv2D(4, 3, activation=relu)], "activation relu"),
        ([layers.Conv2D(4, 3, activation=np.abs)], "activation absolute"),
        ([layers.Dense(4, activation="softmax")], "activation softmax"),
        ([layers.Dense(4, activation=relu)], "activation relu"),
        ([NegatedDense(4)], "type is NegatedDense"),
        ([layers.MaxPooling2D(2, strides=1)], "strides=(1, 1)"),
        ([layers.MaxPooling2D((2, 1))], "pool_size=(2, 1)"),
        ([layers.MaxPooling2D(2, padding="same")], "padding='same'"),
        ([layers.MaxPooling2D(1, data_format="channels_first")], "data_format='channels_first'"),
        ([layers.AveragePooling2D(2)], "type is AveragePooling2D"),
        ([layers.BatchNormalization(axis=1)], "axis=1"),
        ([layers.Conv2D(28, 1), layers.BatchNormalization(axis=2)], "axis=2"),
        ([layers.ReLU(max_value=6)], "max_value=6"),
        ([layers.ReLU(threshold=1)], "threshold=1"),
        (
            [layers.Conv2D(4, 3), layers.Flatten(data_format="channels_first")],
            "data_format='channels_first'",
        ),
        ([layers.Flatten(), layers.Softmax()], "type is Softmax"),
    ],
)
def test_a_layer_that_the_browser_does_not_compute_is_refused_in_words(
    stack: list, reason: str
) -> None:
    end = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack, *end])
    with pytest.raises(
        ValueError, match=rf"a view cannot compute the .*layer {stack[-1].name}\b"
    ) as error:
        pack_network(model)
    assert reason in str(error.value)


def test_a_layer_whose_weights_are_not_floats_is_refused() -> None:
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
    model.layers[-1].quantize("int8")
    with pytest.raises(ValueError, match="a view cannot compute the layer dense"):
        pack_network(model)


def test_settings_that_change_nothing_are_packed() -> None:
    """Or nothing that the arrays do not hold."""
    stack = [
        layers.Dense(4, activation=keras.activations.relu),  # applied to each pixel
        layers.BatchNormalization(axis=3, renorm=True),
        layers.MaxPooling2D(3, strides=3),
        layers.SpatialDropout2D(0.5),
        layers.Flatten(),
        layers.BatchNormalization(axis=1, scale=False, center=False),
        layers.Dense(10, use_bias=False, activation="softmax"),
    ]
    packed = pack_network(keras.Sequential([keras.Input((28, 28, 1)), *stack]))["layers"]
    kinds = ["dense", "scale", "max_pooling", "dropout", "flatten", "scale", "dense"]
    assert [layer["kind"] for layer in packed] == kinds
    assert packed[0]["shape"] == [1, 1, 1, 4] and packed[-1]["activation"] == "softmax"


class OwnSequential(keras.Sequential):
    """A subclass, which may compute anything with its layers."""


@pytest.mark.parametrize("kind", ["functional", "a class of one's own", "no network"])
def test_only_sequential_networks_are_packed(kind: str) -> None:
    image = keras.Input((28, 28, 1))
    other = {
        "functional": lambda: keras.Model(image, layers.Flatten()(image)),
        "a class of one's own": lambda: OwnSequential([image, layers.Flatten(), layers.Dense(10)]),
        "no network": lambda: "relu",
    }
    with pytest.raises(TypeError, match="a view needs a Sequential network"):
        pack_network(other[kind]())


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Flatten(), layers.Dense(10)],  # it does not know its input yet
        [keras.Input((28, 28, 3)), layers.Flatten(), layers.Dense(10)],
        [keras.Input((784,)), layers.Dense(10)],
        [keras.Input((28, 28, 1)), layers.Conv2D(10, 3)],
    ],
    ids=["not built", "in colour", "flat", "maps at the end"],
)
def test_a_network_of_other_images_or_answers_is_refused(stack: list) -> None:
    with pytest.raises(
        ValueError, match=r"begins with keras.Input\(\(28, 28, 1\)\) and returns one"
    ):
        pack_network(keras.Sequential(stack))
