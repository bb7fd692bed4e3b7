"""The training images, batch by batch, in an order that depends on the seed (notebook 04)."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from mnist_cnn.augmentation import draw_transforms, transform_images
from mnist_cnn.data import Pair
from mnist_cnn.recipes import Settings

if TYPE_CHECKING:
    import tensorflow as tf


def epoch_order(n_images: int, seed: int, epoch: int) -> np.ndarray:
    """Draw the order in which an epoch sees the images.

    Args:
        n_images: How many images there are.
        seed: The seed of the training.
        epoch: The number of the epoch, counted from 0.

    Returns:
        A permutation of 0..n_images - 1, int64; it depends on seed and epoch alone.
    """
    return np.random.default_rng([seed, epoch]).permutation(n_images)


def count_batches(n_images: int, batch_size: int) -> int:
    """Count the batches of an epoch; the last one may be smaller."""
    return math.ceil(n_images / batch_size)


def training_batches(
    images: np.ndarray, targets: np.ndarray, epoch: int, settings: Settings
) -> Iterable[Pair]:
    """Prepare the batches of an epoch, each while TensorFlow works on those before.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        targets: One-hot labels, float32 (n, classes).
        epoch: The number of the epoch, counted from 0.
        settings: Batch size, seed, and whether to augment.

    Returns:
        A TensorFlow dataset of pairs, float32 (batch, 28, 28, 1) in 0..1 and (batch, classes).
    """
    import tensorflow as tf  # after Keras, or its start-up messages appear

    plan = {"rows": epoch_order(len(images), settings.seed, epoch)}
    if settings.augment:
        plan["transforms"] = _epoch_transforms(len(images), epoch, settings)

    def prepare(
        images: "tf.Tensor", targets: "tf.Tensor", batch: dict[str, "tf.Tensor"]
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        scaled = tf.cast(tf.gather(images, batch["rows"]), "float32")[..., tf.newaxis] / 255
        if settings.augment:
            scaled = transform_images(scaled, batch["transforms"])
        return scaled, tf.gather(targets, batch["rows"])

    # All images go with each batch, as arguments of `prepare`: copies that it took from outside
    # would stay in memory until Python's garbage collector comes by, many epochs later
    whole = [tf.data.Dataset.from_tensors(array).repeat() for array in (images, targets)]
    batches = tf.data.Dataset.from_tensor_slices(plan).batch(settings.batch_size)
    options = tf.data.Options()
    # With it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch
    options.autotune.enabled = False
    # As it is: to look for loops in it would take time in each epoch, and write files
    prepare = tf.autograph.experimental.do_not_convert(prepare)
    return tf.data.Dataset.zip(*whole, batches).map(prepare).prefetch(4).with_options(options)


def _epoch_transforms(n_images: int, epoch: int, settings: Settings) -> np.ndarray:
    """Draw the transforms of an epoch, batch by batch: float32 (n, 8), as `draw_transforms` says.

    They do not depend on the order of the images.
    """
    rng = np.random.default_rng([settings.seed, epoch, 1])
    starts = range(0, n_images, settings.batch_size)
    sizes = [min(settings.batch_size, n_images - start) for start in starts]
    return np.concatenate([draw_transforms(size, rng) for size in sizes])
