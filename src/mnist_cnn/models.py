"""The article's network and those that we train (notebooks 02 and 03)."""

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
from keras import layers

from mnist_cnn.checks import CLASSES, check_images
from mnist_cnn.data import prepare_images


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
            layers.Dense(CLASSES, activation="softmax", dtype="float32"),
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
            layers.Dense(CLASSES, activation="softmax", dtype="float32"),
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
            layers.Dense(CLASSES, activation="softmax", dtype="float32"),
        ],
        name="leaky_relu",
    )


def build_batch_norm() -> keras.Sequential:
    """The network of the improved recipe: batch normalization, no hidden dense layer; 114,346 parameters.

    Where a block pools it does so right after the convolution, so that normalization and ReLU see a quarter as many
    numbers.
    """

    def block(filters: int, size: int, padding: str = "valid", pool: bool = False) -> list[keras.Layer]:
        return [
            layers.Conv2D(filters, size, padding=padding, use_bias=False),  # the normalization brings its own bias
            *([layers.MaxPooling2D()] if pool else []),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *block(32, 5, padding="same", pool=True),
            *block(64, 3, pool=True),
            *block(128, 3),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(CLASSES, activation="softmax", dtype="float32"),
        ],
        name="batch_norm",
    )


NETWORKS = {
    "relu": build_relu,
    "leaky_relu": build_leaky_relu,
    "batch_norm": build_batch_norm,
    "article": build_article,
}
PRECISIONS = ("float32", "mixed_bfloat16")


def build_model(network: str = "relu", precision: str = "float32") -> keras.Sequential:
    """Build an untrained network: float32 images (n, 28, 28, 1) in 0..1 in, float32 probabilities (n, 10) out.

    Args:
        network: "relu", "leaky_relu", "batch_norm" or "article".
        precision: "float32", or "mixed_bfloat16": weights in float32, but arithmetic in bfloat16, which keeps
            8 significant bits, in all layers but the last.

    Raises:
        ValueError: another network or precision.
    """
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}; not {network!r}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; not {precision!r}")
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return NETWORKS[network]()
    finally:
        keras.config.set_dtype_policy(usual)


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


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predict the probabilities of the ten digits.

    Args:
        model: a network of `build_model`.
        images: uint8 (n, 28, 28) in 0..255, at least one.

    Returns:
        float32 (n, 10); each row sums to 1.

    Raises:
        ValueError: images of another dtype or shape, or none at all.
    """
    images = check_images(images)
    if len(images) == 0:
        raise ValueError("there is no image to predict; pass at least one")
    # In batches they take little memory; and for a single image, `model.predict` takes 40 ms where this takes 1 ms.
    batches = (prepare_images(images[first : first + 500]) for first in range(0, len(images), 500))
    return np.concatenate([model.predict_on_batch(batch) for batch in batches])
