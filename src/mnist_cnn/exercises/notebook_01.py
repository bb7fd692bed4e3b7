"""Exercises of notebook 01, on loading the digits."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mnist_cnn.exercises.kinds import Array, Exercise, Function, Mistake, Number


def _for_each_digit(
    compute: Callable[[np.ndarray], ArrayLike], images: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Compute something from the images of each digit; return the results as one array."""
    return np.stack([compute(images[labels == digit]) for digit in range(labels.max() + 1)])


def _mean_image(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=0)


def _sum_of_images(images: np.ndarray) -> np.ndarray:
    return images.sum(axis=0, dtype=float)


EXERCISES: dict[str, Exercise] = {
    "mean digits": Array(
        right=lambda dataset: _for_each_digit(_mean_image, dataset.x_train, dataset.y_train),
        mistakes=[
            Mistake(
                "that is one mean of all images; choose those of each label first",
                lambda dataset: _mean_image(dataset.x_train),
            ),
            Mistake(
                "those are sums; divide each by the number of its images",
                lambda dataset: _for_each_digit(_sum_of_images, dataset.x_train, dataset.y_train),
            ),
            Mistake(
                "that is one number for each digit, the mean of all its pixels; "
                "take the mean over axis 0 only",
                lambda dataset: _for_each_digit(np.mean, dataset.x_train, dataset.y_train),
            ),
            Mistake(
                "those are the test images, which have to wait",
                lambda dataset: _for_each_digit(_mean_image, dataset.x_test, dataset.y_test),
            ),
        ],
    ),
    "float32 bytes": Number(
        right=10_000 * 28 * 28 * 4,
        mistakes=[
            Mistake(
                "that is one byte for each pixel, as in uint8; a float32 takes four",
                10_000 * 28 * 28,
            ),
            Mistake(
                "that is eight bytes for each pixel, as in float64; a float32 takes four",
                10_000 * 28 * 28 * 8,
            ),
            Mistake("that counts bits, and a byte has eight of them", 10_000 * 28 * 28 * 32),
            Mistake(
                "those are the training images; there are 10,000 test images",
                60_000 * 28 * 28 * 4,
            ),
        ],
    ),
    "labels": Function(
        inputs=[(np.eye(10)[[5, 0, 4, 1, 9, 2]],)],
        right=lambda rows: rows.argmax(axis=1),
        mistakes=[
            Mistake(
                "without an axis, argmax counts through the whole array",
                lambda rows: rows.argmax(),
            ),
            Mistake(
                "axis 0 goes down the columns; the labels are in the rows",
                lambda rows: rows.argmax(axis=0),
            ),
            Mistake(
                "that is the largest number of each row, and we want its place",
                lambda rows: rows.max(axis=1),
            ),
            Mistake("nonzero gives rows and columns; the labels are the columns", np.nonzero),
        ],
    ),
    "10,000 classes": Number(
        right=60_000 * 10_000 * 4 / 1e9,
        figures=2,
        mistakes=[
            Mistake(
                "that is one byte for each number, and a float32 takes four",
                60_000 * 10_000 / 1e9,
            ),
            Mistake(
                "that is eight bytes for each number, and a float32 takes four",
                60_000 * 10_000 * 8 / 1e9,
            ),
            Mistake(
                "that is for ten classes; with 10,000 of them, each row has 10,000 numbers",
                60_000 * 10 * 4 / 1e9,
            ),
            Mistake(
                "that is in megabytes; a gigabyte has a thousand of them",
                60_000 * 10_000 * 4 / 1e6,
            ),
            Mistake(
                "that is in bytes; a gigabyte has a billion of them",
                60_000 * 10_000 * 4,
            ),
        ],
    ),
}
