"""The training images, batch by batch, in an order that depends on the seed (notebook 04)."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from mnist_cnn.augmentation import draw_transforms, transform_images
from mnist_cnn.data import Pair, scale_pixels
from mnist_cnn.recipes import Settings


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

    # TensorFlow never frees what this refers to: so the order is made inside
    def batches() -> Iterator[Pair]:
        order = epoch_order(len(images), settings.seed, epoch)
        rng = np.random.default_rng([settings.seed, epoch, 1])  # independent of the order
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            batch = scale_pixels(images[rows])
            if settings.augment:
                batch = transform_images(batch, draw_transforms(len(batch), rng))
            yield batch, targets[rows]

    signature = (
        tf.TensorSpec((None, 28, 28, 1), "float32"),
        tf.TensorSpec((None, targets.shape[1]), "float32"),
    )
    options = tf.data.Options()
    # With it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch
    options.autotune.enabled = False
    count = count_batches(len(images), settings.batch_size)
    return (
        tf.data.Dataset.from_generator(batches, output_signature=signature)
        .prefetch(4)
        .with_options(options)
        .apply(tf.data.experimental.assert_cardinality(count))
    )
