"""Batches: the order in which an epoch sees the images."""

import numpy as np

from mnist_cnn.batches import epoch_order


def test_every_epoch_sees_every_image_in_its_own_order() -> None:
    orders = [epoch_order(1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(1000)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4
