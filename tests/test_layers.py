"""The layers of a network, for those who compute it elsewhere; tests/browser/ compares what a browser computes."""

import keras
import numpy as np
import pytest

from mnist_cnn.layers import find_fields, pack_network
from mnist_cnn.models import NETWORKS, build_model

layers = keras.layers


@pytest.mark.slow
def test_a_receptive_field_holds_the_pixels_that_a_number_depends_on() -> None:
    """One pixel changed after the other: those that change the number, of an untrained network and noise, fill it."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 28, 28), "uint8")
    model = build_model("batch_norm")
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    for layer, (size, step) in zip(convolutions, find_fields(model), strict=True):
        maps = keras.Model(model.inputs[0], layer.output)
        counts = np.zeros((28, 28), bool)
        for image in noise:
            changed = np.repeat(image[np.newaxis], 785, axis=0)
            changed[np.arange(784), np.arange(784) // 28, np.arange(784) % 28] ^= 255
            values = maps.predict(changed[..., np.newaxis] / np.float32(255), verbose=0)[:, 2, 1, 5]
            counts |= np.abs(values[:784] - values[784]).reshape(28, 28) > 1e-5
        rows, columns = (np.flatnonzero(counts.any(axis=axis)) for axis in (1, 0))
        assert (rows[0], columns[0]) == (2 * step, step)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (size, size)


@pytest.mark.parametrize("network", sorted({*NETWORKS} - {"permuted"}))
def test_every_network_of_the_series_but_one_can_be_packed(network: str) -> None:
    model = build_model(network)
    packed = pack_network(model)
    assert len(packed["layers"]) == len(model.layers)
    weights = np.frombuffer(packed["weights"], "float32")
    kernel = next(layer for layer in model.layers if layer.weights).kernel
    assert np.array_equal(weights[: kernel.numpy().size], kernel.numpy().ravel())


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, padding="same"),
        layers.Conv2D(4, (3, 5)),
        layers.Conv2D(4, 3, strides=2),
        layers.Conv2D(4, 3, dilation_rate=2),
        layers.Conv2D(4, 3, activation="tanh"),
        layers.MaxPooling2D(2, strides=1),
        layers.MaxPooling2D(2, padding="same"),
        layers.AveragePooling2D(2),
        layers.ReLU(max_value=6),
    ],
    ids=lambda layer: f"{layer.name}",
)
def test_a_layer_that_the_browser_does_not_compute_is_refused_in_words(layer: keras.Layer) -> None:
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layer, layers.Flatten(), layers.Dense(10, activation="softmax")]
    )
    with pytest.raises(ValueError, match=f"a view cannot compute the .*layer {layer.name}"):
        pack_network(model)


def test_only_sequential_networks_are_packed() -> None:
    image = keras.Input((28, 28, 1))
    with pytest.raises(ValueError, match="Sequential"):
        pack_network(keras.Model(image, layers.Flatten()(image)))
