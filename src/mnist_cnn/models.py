"""The article's network and those that we train (notebooks 02 and 03)."""

import random
from functools import cache

import numpy as np

from mnist_cnn.arguments import check_array, check_choice, check_whole
from mnist_cnn.backend import keras, usual_settings
from mnist_cnn.data import scale_pixels

layers = keras.layers
PRECISIONS = ("float32", "mixed_bfloat16")


# The numbers of parameters are those with the output layer, which `build_model` adds


def dense_layers() -> list[keras.Layer]:
    """No convolution: each of 128 units sees all pixels; 101,770 parameters."""
    return [layers.Flatten(), layers.Dense(128, activation="relu")]


def article_layers() -> list[keras.Layer]:
    """The 2018 article's layers: one pool after three convolutions; 2,076,554 parameters."""
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
    """The article's layers with a pool after each of two convolutions; 241,546 parameters."""
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
    """The network of `relu_layers` with LeakyReLU of slope 0.1 in the place of each ReLU."""

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
    """With batch normalization, and without a hidden dense layer; 205,762 parameters."""
    blocks = [*_block(24, 5, pool=True), *_block(96, 3, pool=True), *_block(192, 3)]
    return [*blocks, layers.Flatten(), layers.Dropout(0.25)]


def small_batch_norm_layers() -> list[keras.Layer]:
    """With batch normalization and fewer maps, to train in three epochs; 41,834 parameters."""
    return [
        *_block(16, 5, pool=True, norm=False),
        *_block(32, 3, pool=True),
        *_block(96, 3),
        layers.Flatten(),
    ]


def _block(filters: int, size: int, pool: bool = False, norm: bool = True) -> list[keras.Layer]:
    """A convolution with pooling, batch normalization and ReLU, in the order that is fastest.

    Pooling comes right after the convolution, so that what follows sees a quarter as many numbers.
    """
    return [
        layers.Conv2D(filters, size, use_bias=not norm),  # a normalization brings its own bias
        *([layers.MaxPooling2D()] if pool else []),
        *([layers.BatchNormalization(momentum=0.9)] if norm else []),
        layers.ReLU(),
    ]


@keras.saving.register_keras_serializable("mnist_cnn")
class PermutePixels(keras.Layer):
    """Reorder the pixels, in all images alike: only who is whose neighbour is lost."""

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Reorder the pixels of images (n, 28, 28, 1)."""
        order = np.random.default_rng(0).permutation(28 * 28)
        flat = keras.ops.reshape(images, (-1, 28 * 28))
        return keras.ops.reshape(keras.ops.take(flat, order, axis=1), (-1, 28, 28, 1))


def permuted_layers() -> list[keras.Layer]:
    """The network of `relu_layers`, on permuted pixels."""
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

    It takes float32 images (n, 28, 28, 1) in 0..1 and gives probabilities (n, classes).

    Args:
        network: a name in NETWORKS.
        precision: "float32", or "mixed_bfloat16": weights in float32, but arithmetic in bfloat16,
            which keeps 8 significant bits, in all layers but the last.
        classes: how many probabilities it gives.
        seed: of the first weights and of dropout, which are those after
            `keras.utils.set_random_seed(seed)`; if left out, Keras draws the next ones.
    """
    check_choice("network", network, NETWORKS)
    check_choice("precision", precision, PRECISIONS)
    classes = check_whole("classes", classes, 1)
    with usual_settings(precision):
        stack = [*NETWORKS[network](), layers.Dense(classes, activation="softmax", dtype="float32")]
        if seed is not None:
            _seed_layers(stack, seed)
        return keras.Sequential([keras.Input((28, 28, 1)), *stack], name=network)


@cache
def weight_shapes(network: str, classes: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of a network's weights, as `get_weights` orders them."""
    return tuple(tuple(weight.shape) for weight in build_model(network, classes=classes).weights)


def _seed_layers(stack: list[keras.Layer], seed: int) -> None:
    """Give each layer the seed that Keras draws for it after `set_random_seed(seed)`.

    Keras draws from Python's `random`, which all threads of a process share: Dask's draw from it,
    too, to estimate the size of what they send, and then a study's network would begin with other
    weights.
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
        model: a trained network, as `build_model` makes them.
        images: uint8 (n, 28, 28) in 0..255.

    Returns:
        float32 (n, classes) in 0..1.
    """
    images = check_array("images", images, np.uint8, ("n", 28, 28))
    # In batches they take little memory; and for a single image, `model.predict` takes 40 ms where
    # this takes 1 ms.
    batches = (images[first : first + 500] for first in range(0, len(images), 500))
    return np.concatenate([model.predict_on_batch(scale_pixels(batch)) for batch in batches])


def receptive_fields(model: keras.Model) -> list[tuple[int, int]]:
    """For each convolution, how many pixels of the image a number of its maps depends on.

    The arithmetic of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning".

    Returns:
        Of each convolution, the side of the square on which a number depends, and how far away the
        square of the next number is, both in pixels.

    Raises:
        ValueError: a layer looks at windows, and is neither a convolution nor max pooling; or one
            pads the image.
    """
    fields, size, step = [], 1, 1
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            window = (layer.kernel_size[0] - 1) * layer.dilation_rate[0] + 1
        elif isinstance(layer, layers.MaxPooling2D):
            window = layer.pool_size[0]
        elif hasattr(layer, "kernel_size") or hasattr(layer, "pool_size"):
            raise ValueError(f"the receptive field of a {type(layer).__name__} is not known here")
        else:
            continue
        if layer.padding != "valid":
            raise ValueError(
                f"the layer {layer.name} pads the image, so its fields are not squares"
            )
        size += (window - 1) * step
        step *= layer.strides[0]
        if isinstance(layer, layers.Conv2D):
            fields.append((size, step))
    return fields
