"""Augmentation: the same digits, a little different each time."""

import numpy as np
from scipy.ndimage import affine_transform

from mnist_cnn.augmentation import draw_transforms, random_affine, transform_images
from mnist_cnn.data import Dataset, prepare_images


def test_images_are_transformed_as_by_scipy(sample: Dataset) -> None:
    images = prepare_images(sample.x_test[:20])
    transforms = np.zeros((20, 8), "float32")
    matrices = np.eye(2) + np.random.default_rng(5).uniform(-0.3, 0.3, (20, 2, 2))
    offsets = np.random.default_rng(6).uniform(-6, 6, (20, 2))
    transforms[:, [0, 1, 3, 4]] = matrices.reshape(20, 4)
    transforms[:, [2, 5]] = offsets
    transformed = transform_images(images, transforms)
    assert transformed.dtype == np.float32
    for image, matrix, offset, found in zip(images, matrices, offsets, transformed, strict=True):
        expected = affine_transform(
            image[..., 0],
            matrix[::-1, ::-1],  # SciPy counts (row, column), not (x, y)
            offset[::-1],
            order=1,
            mode="grid-constant",
        )
        np.testing.assert_allclose(found[..., 0], expected, atol=1e-4)


def test_transforms_are_drawn_evenly_from_their_ranges_and_independently() -> None:
    transforms = draw_transforms(10_000, np.random.default_rng(0))
    assert transforms.shape == (10_000, 8) and transforms.dtype == np.float32
    assert not transforms[:, 6:].any()
    a, b, c, d, e, f = transforms[:, :6].astype(float).T
    angle = np.arctan2(d, e)
    scale_x, scale_y = a / np.cos(angle), np.hypot(d, e)
    shear = b + scale_x * np.sin(angle)
    # How far from the center of the image the pixel in the center is read
    shift_x, shift_y = 13.5 * a + 13.5 * b + c - 13.5, 13.5 * d + 13.5 * e + f - 13.5
    drawn = np.stack([np.degrees(angle), scale_x - 1, scale_y - 1, shear, shift_x, shift_y])
    shares = drawn / np.array([[10], [0.1], [0.1], [0.1], [2], [2]])  # of the largest there may be
    assert np.abs(shares).max() < 1 + 1e-4
    deciles = np.quantile(shares, np.linspace(0, 1, 11), axis=1).T
    np.testing.assert_allclose(deciles, np.tile(np.linspace(-1, 1, 11), (6, 1)), atol=0.05)
    assert np.abs(np.corrcoef(shares) - np.eye(6)).max() < 0.05


def test_random_transforms_are_drawn_for_each_image(sample: Dataset) -> None:
    images = prepare_images(sample.x_test[:20])
    moved = random_affine(images, np.random.default_rng(5))
    transforms = draw_transforms(20, np.random.default_rng(5))
    assert np.array_equal(moved, transform_images(images, transforms))


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
