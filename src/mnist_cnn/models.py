"""The article's network and those that we train (notebooks 02 and 03)."""

import random
from functools import cache

import numpy as np

from mnist_cnn.arguments import check_array, check_choice, check_seed, check_whole
from mnist_cnn.backend import keras, usual_settings
from mnist_cnn.data import scale_pixels
from mnist_cnn.recipes import PRECISIONS

layers = keras.layers


# These functions return all layers but the output layer, which `build_model` adds. The numbers of
# parameters are those of the whole network, for ten classes.


def dense_layers() -> list[keras.Layer]:
    """Layers without a convolution: each of 128 units sees all pixels; 101,770 parameters."""
    return [layers.Flatten(), layers.Dense(128, activation="relu")]


def article_layers() -> list[keras.Layer]:
    """The 2018 article's layers: three convolutions, then max pooling; 2,076,554 parameters."""
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Conv2D(128, 3, activation="relu"),
        layers.Dropout(0.25),  # the article does not give the rate
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
    ]


def relu_layers() -> list[keras.Layer]:
    """The article's layers, but max pooling after each of two convolutions; 241,546 parameters."""
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(128, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
    ]


def leaky_relu_layers() -> list[keras.Layer]:
    """The layers of `relu_layers`, but LeakyReLU with a slope of 0.1 in place of each ReLU."""

    def leaky(layer: keras.Layer) -> list[keras.Layer]:
        return [layer, layers.LeakyReLU(negative_slope=0.1)]

    return [
        *leaky(layers.Conv2D(32, 3)),
        layers.MaxPooling2D(),
        *leaky(layers.Conv2D(64, 3)),
        layers.MaxPooling2D(),
        *leaky(layers.Conv2D(128, 3)),
        layers.Flatten(),
        *leaky(layers.Dense(128)),
        layers.Dropout(0.5),
    ]


def batch_norm_layers() -> list[keras.Layer]:
    """Layers with batch normalization and without a hidden dense layer; 205,762 parameters."""
    blocks = [*_block(24, 5, pool=True), *_block(96, 3, pool=True), *_block(192, 3)]
    return [*blocks, layers.Flatten(), layers.Dropout(0.25)]


def small_batch_norm_layers() -> list[keras.Layer]:
    """Layers with batch normalization and few maps, to train in three epochs; 41,834 parameters."""
    return [
        *_block(16, 5, pool=True, norm=False),
        *_block(32, 3, pool=True),
        *_block(96, 3),
        layers.Flatten(),
    ]


def _block(filters: int, size: int, pool: bool = False, norm: bool = True) -> list[keras.Layer]:
    """A convolution with pooling, batch normalization and ReLU, in the order that is fastest.

    Pooling comes right after the convolution, so that the layers after it have only a quarter of
    the numbers to process.

    Args:
        filters: Number of filters, and so of feature maps.
        size: Side of the square kernels, in pixels.
        pool: Whether to pool the maximum of each 2 x 2 pixels.
        norm: Whether to normalize batches.
    """
    return [
        layers.Conv2D(filters, size, use_bias=not norm),  # batch normalization has its own bias
        *([layers.MaxPooling2D()] if pool else []),
        *([layers.BatchNormalization(momentum=0.9)] if norm else []),
        layers.ReLU(),
    ]


@keras.saving.register_keras_serializable("mnist_cnn")
class PermutePixels(keras.Layer):
    """Permute the pixels, in all images alike.

    Only the information about which pixels are neighbours is lost.
    """

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Permute the pixels of images.

        Args:
            images: Images, floats (n, 28, 28, 1).

        Returns:
            The permuted images, of the same shape and dtype.
        """
        order = np.random.default_rng(0).permutation(28 * 28)
        flat = keras.ops.reshape(images, (-1, 28 * 28))
        return keras.ops.reshape(keras.ops.take(flat, order, axis=1), (-1, 28, 28, 1))


def permuted_layers() -> list[keras.Layer]:
    """The layers of `relu_layers` on permuted pixels; 241,546 parameters."""
    return [PermutePixels(), *relu_layers()]


NETWORKS = {
    "relu": relu_layers,
    "leaky_relu": leaky_relu_layers,
    "batch_norm": batch_norm_layers,
    "small_batch_norm": small_batch_norm_layers,
    "article": article_layers,
    "dense": dense_layers,
    "permuted": permuted_layers,
}


def build_model(
    network: str = "relu", precision: str = "float32", classes: int = 10, seed: int | None = None
) -> keras.Sequential:
    """Build an untrained network.

    Args:
        network: A name in NETWORKS.
        precision: "float32", or "mixed_bfloat16": then weights are float32, but all layers except
            the last compute in bfloat16, which has 8 significant bits.
        classes: Number of classes.
        seed: Seed of the initial weights and of dropout, in 0..2**32 - 1: the network is as it
            would be after `keras.utils.set_random_seed(seed)`. Defaults to the present state of
            Keras's random numbers.

    Returns:
        A network that maps images, float32 (n, 28, 28, 1) in 0..1, to probabilities, float32
        (n, classes) in 0..1.
    """
    check_choice("network", network, NETWORKS)
    check_choice("precision", precision, PRECISIONS)
    classes = check_whole("classes", classes, 1)
    if seed is not None:
        seed = check_seed(seed)
    with usual_settings(precision):
        stack = [*NETWORKS[network](), layers.Dense(classes, activation="softmax", dtype="float32")]
        if seed is not None:
            _seed_layers(stack, seed)
        return keras.Sequential([keras.Input((28, 28, 1)), *stack], name=network)


@cache
def weight_shapes(network: str, classes: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of a network's weights, in the order of `get_weights`."""
    return tuple(tuple(weight.shape) for weight in build_model(network, classes=classes).weights)


def _seed_layers(stack: list[keras.Layer], seed: int) -> None:
    """Give each layer the seed that Keras draws for it after `set_random_seed(seed)`.

    Keras draws these seeds from Python's `random`, which all threads of a process share. Dask's
    threads draw from it, too, to estimate the size of what they send: without this function, a
    study's networks might start from other weights.
    """
    rng = random.Random(seed)
    for layer in stack:
        if hasattr(layer, "kernel_initializer"):
            layer.kernel_initializer.seed = rng.randint(1, 10**9)
        elif hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([rng.randint(1, 10**9), 0])


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predict the probabilities of the classes.

    Args:
        model: A network of `build_model`, trained.
        images: Images, uint8 (n, 28, 28) in 0..255.

    Returns:
        The probabilities, float32 (n, classes) in 0..1.
    """
    images = check_array("images", images, np.uint8, ("n", 28, 28))
    # Batches keep memory low; with 100 images they are a fifth faster than with 500. And a single
    # image takes 1 ms like this, but 40 ms with `model.predict`.
    batches = (images[first : first + 100] for first in range(0, len(images), 100))
    return np.concatenate([model.predict_on_batch(scale_pixels(batch)) for batch in batches])


def receptive_fields(model: keras.Model) -> list[tuple[int, int]]:
    """Compute the receptive field of each convolution: its size in the image, and its stride.

    The arithmetic is that of Dumoulin and Visin, "A guide to convolution arithmetic for deep
    learning".

    Args:
        model: A network whose windows are all square.

    Returns:
        For each convolution, the side of the square of pixels that one number of its feature maps
        depends on, and the distance between the squares of neighbouring numbers, both in pixels.

    Raises:
        ValueError: A layer with windows is neither a convolution nor max pooling, pads the image,
            or treats rows and columns differently.
    """
    fields, size, step = [], 1, 1
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            dilation = _setting_for_both_axes(layer, "dilation_rate")
            window = (_setting_for_both_axes(layer, "kernel_size") - 1) * dilation + 1
        elif isinstance(layer, layers.MaxPooling2D):
            window = _setting_for_both_axes(layer, "pool_size")
        elif hasattr(layer, "kernel_size") or hasattr(layer, "pool_size"):
            raise ValueError(f"the receptive field of {type(layer).__name__} cannot be computed")
        else:
            continue
        if layer.padding != "valid":
            raise ValueError(
                f"the layer {layer.name} pads the image, so not all of its fields are squares"
            )
        size += (window - 1) * step
        step *= _setting_for_both_axes(layer, "strides")
        if isinstance(layer, layers.Conv2D):
            fields.append((size, step))
    return fields


def _setting_for_both_axes(layer: keras.Layer, name: str) -> int:
    """A setting of a layer, such as its strides, which must be the same for rows and columns."""
    rows, columns = getattr(layer, name)
    if rows != columns:
        raise ValueError(
            f"the layer {layer.name} has the {name} {(rows, columns)}, so its fields are not "
            "squares"
        )
    return rows
