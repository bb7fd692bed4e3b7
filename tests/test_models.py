"""Models: the layers and sizes that the notebooks speak of, and what a network computes."""

import random
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_cnn.data import Dataset
from mnist_cnn.models import (
    NETWORKS,
    PermutePixels,
    build_model,
    predict,
    receptive_fields,
)
from mnist_cnn.recipes import PRECISIONS

layers = keras.layers


def test_parameter_counts() -> None:
    counts = {network: build_model(network).count_params() for network in NETWORKS}
    assert counts.pop("relu") == counts.pop("leaky_relu") == counts.pop("permuted") == 241_546
    assert counts == {
        "batch_norm": 205_762,
        "small_batch_norm": 41_834,
        "article": 2_076_554,
        "dense": 101_770,
    }


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("network", NETWORKS)
def test_images_in_probabilities_out(sample: Dataset, network: str, precision: str) -> None:
    probabilities = predict(build_model(network, precision), sample.x_test[:3])
    assert probabilities.shape == (3, 10) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_seed_gives_what_keras_gives_with_it(network: str) -> None:
    """The first weights and the state of dropout, wherever Python's own `random` is."""
    keras.utils.set_random_seed(3)
    expected = build_model(network)
    random.seed(4)
    found, other = (build_model(network, seed=seed) for seed in (3, 4))
    for ours, theirs in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(found.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_keras_would_refuse_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"seed must be in 0\.\.4294967295, not {seed}"):
        build_model(seed=seed)


@pytest.mark.parametrize("n", [1, 500, 777])
def test_predict_gives_what_keras_predicts(sample: Dataset, n: int) -> None:
    model = build_model("relu")
    expected = model.predict(sample.x_test[:n, ..., np.newaxis] / 255, verbose=0)
    np.testing.assert_allclose(predict(model, sample.x_test[:n]), expected, atol=1e-6)


def test_mixed_precision_computes_in_bfloat16_and_keeps_the_weights_in_float32() -> None:
    for network in NETWORKS:
        *hidden, output = build_model(network, "mixed_bfloat16").layers
        assert {layer.compute_dtype for layer in hidden} == {"bfloat16"}
        assert output.compute_dtype == "float32"
        assert {
            weight.dtype for layer in (*hidden, output) for weight in layer.trainable_weights
        } == {"float32"}
    assert keras.config.dtype_policy().name == "float32"  # as before


def test_the_article_has_its_layers_in_its_order() -> None:
    kinds = [type(layer).__name__ for layer in build_model("article").layers]
    assert kinds == ["Conv2D"] * 3 + ["Dropout", "MaxPooling2D", "Flatten", "Dense", "Dense"]


@pytest.mark.parametrize("network, slope", [("relu", 0), ("leaky_relu", 0.1)])
def test_the_networks_differ_only_in_their_slope(
    sample: Dataset, network: str, slope: float
) -> None:
    """Both are computed here in NumPy, and only the slope differs."""
    model = build_model(network)
    expected = forward(model.get_weights(), sample.x_test[0, ..., np.newaxis] / 255, slope)
    np.testing.assert_allclose(predict(model, sample.x_test[:1])[0], expected, atol=1e-5)


def test_permuting_moves_each_pixel_to_another_place(sample: Dataset) -> None:
    """Always to the same one: only so can a network learn from such images."""
    numbered = np.arange(28 * 28, dtype="float32").reshape(1, 28, 28, 1)
    first, again = (np.ravel(PermutePixels()(numbered)) for _ in range(2))
    assert np.array_equal(first, again) and np.array_equal(np.sort(first), numbered.ravel())
    # Of the pixels beside each other, hardly any still are
    assert np.mean(np.abs(np.diff(first)) == 1) < 0.02
    permuted, plain = build_model("permuted"), build_model("relu")
    plain.set_weights(permuted.get_weights())
    moved = sample.x_test[:3].reshape(3, -1)[:, first.astype(int)].reshape(3, 28, 28)
    np.testing.assert_allclose(
        predict(permuted, sample.x_test[:3]), predict(plain, moved), atol=1e-6
    )


def forward(weights: list[np.ndarray], x: np.ndarray, slope: float) -> np.ndarray:
    """The network of `relu_layers` (slope 0) or `leaky_relu_layers` in NumPy alone.

    Args:
        weights: as Keras's `get_weights` returns them.
        x: one image of shape (28, 28, 1).
        slope: of the activation, left of zero.

    Returns:
        Ten probabilities.
    """

    def bend(x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, slope * x)

    for step in range(3):
        kernel, bias = weights[2 * step : 2 * step + 2]
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
        x = bend(np.einsum("rcihw,hwio->rco", windows, kernel) + bias)
        if step < 2:
            half = x.shape[0] // 2
            x = x[: 2 * half, : 2 * half].reshape(half, 2, half, 2, -1).max(axis=(1, 3))
    x = bend(x.ravel() @ weights[6] + weights[7]) @ weights[8] + weights[9]
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_survives_saving_and_loading_with_keras(network: str, tmp_path: Path) -> None:
    model = build_model(network)
    images = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


# Receptive fields


@pytest.mark.slow
def test_a_receptive_field_holds_the_pixels_that_a_number_depends_on() -> None:
    """Each pixel is changed in turn: those that change the number fill the receptive field.

    The network is untrained and the images are noise, so that no pixel is without effect.
    """
    noise = np.random.default_rng(0).integers(0, 256, (4, 28, 28), "uint8")
    model = build_model("batch_norm")
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    for layer, (size, step) in zip(convolutions, receptive_fields(model), strict=True):
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


def image_network(*stack: layers.Layer) -> keras.Sequential:
    """A network that begins with an image and need not end with probabilities."""
    return keras.Sequential([keras.Input((28, 28, 1)), *stack])


def test_strides_and_dilation_widen_the_receptive_fields_of_later_layers() -> None:
    model = image_network(
        layers.Conv2D(1, 3, strides=2),  # 3 pixels, 2 apart
        layers.MaxPooling2D(3, strides=2),  # 3 + 2 * 2 = 7 pixels, 4 apart
        layers.Conv2D(1, 2, dilation_rate=2),  # 7 + 2 * 4 = 15 pixels, 4 apart
    )
    assert receptive_fields(model) == [(3, 2), (15, 4)]


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(1, (3, 5), name="kernel"),
        layers.Conv2D(1, 3, strides=(1, 2), name="convolution_strides"),
        layers.Conv2D(1, 3, dilation_rate=(1, 2), name="dilation"),
        layers.MaxPooling2D((2, 1), strides=2, name="pool"),
        layers.MaxPooling2D(2, strides=(2, 1), name="pooling_strides"),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_that_differs_between_the_two_directions_has_no_known_receptive_field(
    layer: layers.Layer,
) -> None:
    with pytest.raises(ValueError, match=rf"\b{layer.name}\b"):
        receptive_fields(image_network(layer))


@pytest.mark.parametrize(
    "layer, message",
    [
        (layers.Conv2D(1, 3, padding="same", name="padded"), "the layer padded pads the image"),
        (layers.AveragePooling2D(2), "AveragePooling2D cannot be computed"),
    ],
    ids=["padding", "another kind"],
)
def test_a_layer_with_other_windows_has_no_receptive_field(
    layer: layers.Layer, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        receptive_fields(image_network(layer))
