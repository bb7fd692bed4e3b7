"""Models: the layers, sizes and costs that the notebooks speak of."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest

import mnist_cnn.models
from mnist_cnn.data import Mnist
from mnist_cnn.models import NETWORKS, PRECISIONS, build_model, count_multiply_adds, predict


def test_parameter_counts() -> None:
    counts = {network: build_model(network).count_params() for network in NETWORKS}
    assert counts == {"relu": 241_546, "leaky_relu": 241_546, "batch_norm": 114_346, "article": 2_076_554}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("network", NETWORKS)
def test_images_in_probabilities_out(network: str, precision: str) -> None:
    model = build_model(network, precision)
    probabilities = model.predict(np.random.rand(3, 28, 28, 1).astype("float32"), verbose=0)
    assert probabilities.shape == (3, 10) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("n", [1, 500, 777])
def test_predict_gives_what_keras_predicts(sample: Mnist, n: int) -> None:
    model = build_model("relu")
    expected = model.predict(sample.x_test[:n, ..., np.newaxis] / 255, verbose=0)
    np.testing.assert_allclose(predict(model, sample.x_test[:n]), expected, atol=1e-6)


def test_mixed_precision_computes_in_bfloat16_and_keeps_the_weights_in_float32() -> None:
    for network in NETWORKS:
        *hidden, output = build_model(network, "mixed_bfloat16").layers
        assert {layer.compute_dtype for layer in hidden} == {"bfloat16"} and output.compute_dtype == "float32"
        assert {weight.dtype for layer in (*hidden, output) for weight in layer.trainable_weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"  # nothing is left switched


def test_the_networks_need_no_particular_backend() -> None:
    """Nothing on the way from digits to predictions imports TensorFlow, except through Keras."""
    for module in ("data", "models", "runs", "evaluation"):
        tree = ast.parse(Path(mnist_cnn.models.__file__).with_name(f"{module}.py").read_text())
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {alias.name for node in nodes for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        assert names and not [name for name in names if name.startswith("tensorflow")]


def test_the_article_has_its_layers_in_its_order() -> None:
    kinds = [type(layer).__name__ for layer in build_model("article").layers]
    assert kinds == ["Conv2D"] * 3 + ["Dropout", "MaxPooling2D", "Flatten", "Dense", "Dense"]


def test_leaky_relu_bends_where_relu_bends() -> None:
    """With the same weights the leaky network is computed here in NumPy, and only its slope differs from ReLU."""
    leaky, relu = build_model("leaky_relu"), build_model("relu")
    leaky.set_weights(relu.get_weights())
    image = np.random.default_rng(0).random((1, 28, 28, 1), dtype="float32")
    np.testing.assert_allclose(
        leaky.predict(image, verbose=0)[0], forward(leaky.get_weights(), image[0], 0.1), atol=1e-5
    )
    np.testing.assert_allclose(relu.predict(image, verbose=0)[0], forward(relu.get_weights(), image[0], 0.0), atol=1e-5)


def forward(weights: list[np.ndarray], x: np.ndarray, slope: float) -> np.ndarray:
    """The network of `build_relu` (slope 0) or `build_leaky_relu`, without Keras; x is (height, width, channels)."""

    def bend(x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, slope * x)

    for step, (kernel, bias) in enumerate(zip(weights[0:6:2], weights[1:6:2])):
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
        x = bend(np.einsum("rcihw,hwio->rco", windows, kernel) + bias)
        if step < 2:
            half = x.shape[0] // 2
            x = x[: 2 * half, : 2 * half].reshape(half, 2, half, 2, -1).max(axis=(1, 3))
    x = bend(x.ravel() @ weights[6] + weights[7]) @ weights[8] + weights[9]
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def test_multiply_adds_are_those_of_a_loop_that_does_them() -> None:
    model = keras.Sequential([keras.Input((7, 6, 2)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(),
                              keras.layers.Dense(3)])  # fmt: skip
    convolution = sum(1 for _ in np.ndindex(5, 4, 4, 3, 3, 2))  # rows, columns, kernels, kernel height, width, channels
    dense = sum(1 for _ in np.ndindex(5 * 4 * 4, 3))
    assert list(count_multiply_adds(model).values()) == [convolution, dense]


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match="relu, leaky_relu, batch_norm, article; not 'resnet'"):
        build_model("resnet")
