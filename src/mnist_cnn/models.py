"""The article's network and the two that we train (notebooks 02 and 03)."""

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
from keras import layers

from mnist_cnn.data import CLASSES


def build_article() -> keras.Sequential:
    """The 2018 article's network: one pooling layer after three convolutions; 2,076,554 parameters.

    The article gives the layers and their order; the dropout rate of 0.25 is our choice.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Conv2D(128, 3, activation="relu"),
            layers.Dropout(0.25),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(CLASSES, activation="softmax"),
        ],
        name="article",
    )


def build_relu() -> keras.Sequential:
    """The article's layers with a pool after the first and the second convolution; 241,546 parameters."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ],
        name="relu",
    )


def build_leaky_relu() -> keras.Sequential:
    """The network of `build_relu` with linear convolutions, each followed by a LeakyReLU layer of slope 0.1."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="linear"),
            layers.LeakyReLU(negative_slope=0.1),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="linear"),
            layers.LeakyReLU(negative_slope=0.1),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, activation="linear"),
            layers.LeakyReLU(negative_slope=0.1),
            layers.Flatten(),
            layers.Dense(128, activation="linear"),
            layers.LeakyReLU(negative_slope=0.1),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ],
        name="leaky_relu",
    )


NETWORKS = {"relu": build_relu, "leaky_relu": build_leaky_relu, "article": build_article}


def build_model(network: str = "relu") -> keras.Sequential:
    """Build an untrained network: float32 images (n, 28, 28, 1) in 0..1 in, probabilities (n, 10) out.

    Args:
        network: "relu" or "leaky_relu", the two that the series trains, or "article".

    Raises:
        ValueError: another name.
    """
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}; not {network!r}")
    return NETWORKS[network]()


def count_multiply_adds(model: keras.Model) -> dict[str, int]:
    """Count the multiply-adds that one image costs in each layer with a kernel, by layer name.

    A convolution applies its whole kernel at every position of its output, a dense layer once. Biases,
    activations and pooling are left out, as usual: they cost a few hundredths at most.
    """
    costs = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            positions = np.prod(layer.output.shape[1:-1], dtype=int)  # 1 for a dense layer: the empty product
            costs[layer.name] = int(np.prod(layer.kernel.shape) * positions)
    return costs
