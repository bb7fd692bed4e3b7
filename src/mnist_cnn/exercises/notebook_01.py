"""Exercises of notebook 01, on loading the digits."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, prepare_images, split_validation
from mnist_cnn.exercises.kinds import Array, Exercise, Function, Mistake, Network, Requirement
from mnist_cnn.exercises.requirements import (
    READS_DIGITS,
    is_trained,
    learned_only_from_validation_images,
    validation_accuracy,
    validation_mistakes,
)

# Another seed alone makes up to a sixth fewer mistakes
_LEFT = 0.75


def _for_each_digit(
    compute: Callable[[np.ndarray], ArrayLike], images: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Compute something from the images of each digit; return the results as one array."""
    return np.stack([compute(images[labels == digit]) for digit in range(labels.max() + 1)])


def _mean_image(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=0)


def _sum_of_images(images: np.ndarray) -> np.ndarray:
    return images.sum(axis=0, dtype=float)


def _mean_scaled_image(images: np.ndarray) -> np.ndarray:
    return _mean_image(images) / 255


def _expects_scaled_pixels(model: keras.Model, first: keras.Model, dataset: Dataset) -> bool:
    """Whether a network is not much better on a few validation images that are not scaled."""
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    scaled, labels = prepare_images(images[:1000]), labels[:1000]
    mistakes, mistakes_unscaled = (
        np.sum(model.predict_on_batch(pixels).argmax(axis=1) != labels)
        for pixels in (scaled, scaled * 255)
    )
    return bool(mistakes <= 1.5 * mistakes_unscaled)


# The largest number has place 7 in the first row and 2 in the second, and is less than one half
_PROBABILITIES = np.full((2, 10), 0.08)
_PROBABILITIES[[0, 1], [7, 2]] = 0.28

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
                "those are right up to the scale; use the images as stored, from 0 to 255",
                lambda dataset: _for_each_digit(
                    _mean_scaled_image, dataset.x_train, dataset.y_train
                ),
            ),
            Mistake(
                "that is one number for each digit, the mean of all its pixels; "
                "take the mean over axis 0 only",
                lambda dataset: _for_each_digit(np.mean, dataset.x_train, dataset.y_train),
            ),
            Mistake(
                "those are whole numbers; leave the means as they are, with decimals",
                lambda dataset: _for_each_digit(
                    _mean_image, dataset.x_train, dataset.y_train
                ).astype("uint8"),
            ),
            Mistake(
                "those are the test images, which have to wait",
                lambda dataset: _for_each_digit(_mean_image, dataset.x_test, dataset.y_test),
            ),
        ],
    ),
    "labels": Function(
        inputs=[(np.eye(10)[[5, 0, 4, 1, 9, 2]],), (_PROBABILITIES,)],
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
            Mistake(
                "nonzero gives rows and columns; the labels are the columns",
                lambda rows: np.nonzero(rows == 1),
            ),
            Mistake(
                "nonzero finds every number above 0, and the probabilities all are",
                lambda rows: np.nonzero(rows)[1],
            ),
            Mistake(
                "that finds a 1, or a number above one half, and a row of probabilities may have "
                "none; find the largest number",
                lambda rows: np.nonzero(rows == 1)[1],
            ),
            Mistake(
                "that finds numbers above one half, and the largest probability may be smaller",
                lambda rows: (rows > 0.5).argmax(axis=1),
            ),
            Mistake(
                "that is right for one-hot rows, but for probabilities it is a mean of the labels; "
                "find the place of the largest number",
                lambda rows: rows @ np.arange(10),
            ),
        ],
    ),
    "better network": Network(
        requirements=[
            Requirement(
                "that is the first network itself; build another one and train it",
                lambda model, first, dataset: model is not first,
            ),
            *READS_DIGITS,
            Requirement(
                "it has not been trained; it needs `compile` and then `fit`",
                is_trained,
            ),
            Requirement(
                "it gets {accuracy:.1%} of the validation images right, but would do far better if "
                "their pixels went from 0 to 255: it was trained on images that were not scaled",
                _expects_scaled_pixels,
            ),
            Requirement(
                "it gets only {accuracy:.1%} of the validation images right; "
                "does every label belong to its image, from the same slice of both arrays?",
                lambda model, first, dataset: validation_accuracy(model, dataset) > 0.5,
            ),
            Requirement(
                "it gets far fewer of the validation images wrong than of the other training "
                "images; has it learned from `x_val`? Train only on `x_train`",
                lambda model, first, dataset: (
                    not learned_only_from_validation_images(model, dataset)
                ),
            ),
            Requirement(
                "it makes {mistakes:,} mistakes on the validation images, and the first network "
                "makes {mistakes_of_other:,}; change something else, or go further",
                lambda model, first, dataset: (
                    validation_mistakes(model, dataset) < validation_mistakes(first, dataset)
                ),
            ),
            Requirement(
                "it makes {mistakes:,} mistakes on the validation images, and the first network "
                "makes {mistakes_of_other:,}. That is fewer, but less than a quarter fewer, and "
                "another seed alone can do nearly as much; go further",
                lambda model, first, dataset: (
                    validation_mistakes(model, dataset)
                    <= _LEFT * validation_mistakes(first, dataset)
                ),
            ),
        ],
        remark=lambda *_: "This counts only if it has learned from none of these images.",
    ),
}
