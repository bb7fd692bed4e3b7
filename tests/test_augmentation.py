"""Augmentation: the same digits, a little different each time."""

import numpy as np
from scipy.ndimage import affine_transform

from mnist_cnn.augmentation import random_affine
from mnist_cnn.data import Dataset, prepare_images


def test_it_is_what_scipy_computes_one_image_at_a_time(sample: Dataset) -> None:
    images = prepare_images(sample.x_test[:20])
    moved = random_affine(images, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    angle, (scale_x, scale_y) = np.radians(rng.uniform(-10, 10, 20)), rng.uniform(0.9, 1.1, (2, 20))
    shear, (shift_x, shift_y) = rng.uniform(-0.1, 0.1, 20), rng.uniform(-2, 2, (2, 20))
    for i in range(20):
        cos, sin = np.cos(angle[i]), np.sin(angle[i])
        turn = np.array([[cos, sin], [-sin, cos]])  # scipy counts (row, column), not (x, y)
        matrix = np.diag([scale_y[i], scale_x[i]]) @ turn + [[0, 0], [shear[i], 0]]
        centre = np.array([13.5, 13.5])
        offset = centre - matrix @ centre + [shift_y[i], shift_x[i]]
        expected = affine_transform(
            images[i, ..., 0], matrix, offset, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(moved[i, ..., 0], expected, atol=1e-4)


def test_it_moves_every_image_differently_and_only_a_little(sample: Dataset) -> None:
    image = prepare_images(np.repeat(sample.x_test[:1], 200, axis=0))
    moved = random_affine(image, np.random.default_rng(0))
    assert moved.dtype == np.float32
    assert moved.shape == image.shape
    assert 0 <= moved.min() < moved.max() <= 1
    assert len({each.tobytes() for each in moved}) == 200
    ink = moved.sum(axis=(1, 2, 3)) / image[0].sum()
    assert 0.7 < ink.min() < 0.95 < 1.05 < ink.max() < 1.4
    rows = (moved.sum(axis=(2, 3)) * np.arange(28)).sum(axis=1) / moved.sum(axis=(1, 2, 3))
    assert 2 < np.ptp(rows) < 5  # up and down by up to two pixels, and a little by the turn
    assert np.array_equal(moved, random_affine(image, np.random.default_rng(0)))
