"""Batches: in which order an epoch sees the images, and what becomes of them."""

from dataclasses import replace

import numpy as np
import psutil
import pytest

from mnist_cnn.augmentation import random_affine
from mnist_cnn.batches import epoch_order, training_batches
from mnist_cnn.data import Dataset, load_images, one_hot, prepare_images
from mnist_cnn.training import choose_settings


def test_every_epoch_sees_every_image_in_its_own_order() -> None:
    orders = [epoch_order(1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(1000)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4


@pytest.mark.parametrize("recipe", ["relu", "improved"])
def test_batches_hold_the_images_in_that_order_scaled_and_moved(few: Dataset, recipe: str) -> None:
    settings = replace(choose_settings(recipe, few, seed=3), batch_size=64)
    targets = one_hot(few.y_train)
    found = list(training_batches(few.x_train, targets, 2, settings))
    rng = np.random.default_rng([3, 2, 1])
    rows = np.split(epoch_order(500, 3, 2), range(64, 500, 64))
    assert len(found) == len(rows) == 8
    for (images, labels), chosen in zip(found, rows, strict=True):
        expected = prepare_images(few.x_train[chosen])
        if settings.augment:
            expected = random_affine(expected, rng)
        assert np.array_equal(images, expected) and np.array_equal(labels, targets[chosen])


def test_the_images_of_earlier_epochs_take_no_memory() -> None:
    """Not even until the next time that Python collects garbage."""
    images, targets = np.zeros((30_000, 28, 28), "uint8"), np.zeros((30_000, 10), "float32")
    settings = choose_settings("relu", load_images(source="sample"))

    def memory_after(epoch: int) -> int:
        for _ in training_batches(images, targets, epoch, settings):
            break
        return psutil.Process().memory_info().rss

    first, *_, last = map(memory_after, range(7))
    assert last - first < 2 * images.nbytes
