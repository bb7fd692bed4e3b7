"""What is right, and what the usual mistakes look like, for each exercise in the notebooks.

Right numbers are hashed and all others are computed, so that a search for an answer does not end
here by accident.
"""

import numpy as np
from scipy.special import softmax

from mnist_cnn.data import prepare_images

_rng = np.random.default_rng(0)
_maps = np.maximum(_rng.normal(size=(5, 7, 4)), 0)
# Each of five units responds to some images, or to none
_responses = np.eye(7, 5, 2) + np.eye(7, 5, -1)
_responses[:, [1, 3]] = [0, -1]
_said = softmax(3 * _rng.normal(size=(8, 10)), axis=1)
_truth = np.array([3, 1, 4, 1, 5, 9, 2, 6])
_members = softmax(2 * np.random.default_rng(7).normal(size=(3, 40, 10)), axis=2)
_ink = np.zeros((6, 9))
_ink[1:4, 2:8] = [[9, 1, 0, 0, 1, 2], [5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
_picture = _rng.integers(1, 100, (20, 20)).astype("uint8")


def _ink_at(ink: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(ink.shape)
    return np.average(rows, weights=weights), np.average(columns, weights=weights)


def _covered(picture: np.ndarray, top: int, left: int, side: int, grey: int = 128) -> np.ndarray:
    copy = picture.copy()
    copy[top : top + side, left : left + side] = grey
    return copy


def _loss(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(p[np.arange(len(p)), labels])


def _right(p: np.ndarray, labels: np.ndarray) -> float:
    return np.mean(p.argmax(axis=1) == labels)


def _squares(values: np.ndarray) -> np.ndarray:
    """The squares of 2 by 2 of a map, as axes 1 and 3."""
    rows, columns = values.shape
    return values.reshape(rows // 2, 2, columns // 2, 2)


def _of_each(function, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([function(images[labels == label]) for label in range(labels.max() + 1)])


ARRAYS = {  # what is right, and what is usually wrong, computed from the images
    "mean digits": (
        lambda dataset: _of_each(lambda images: images.mean(axis=0), dataset.x_train, dataset.y_train),
        {
            "that is one mean of all images; choose those of each label first":
                lambda dataset: dataset.x_train.mean(axis=0),
            "those are sums; divide each by the number of its images":
                lambda dataset: _of_each(lambda images: images.sum(axis=0, dtype=float), dataset.x_train, dataset.y_train),
            "that is one number for each digit, the mean of all its pixels; take the mean over axis 0 only":
                lambda dataset: _of_each(np.mean, dataset.x_train, dataset.y_train),
            "those are the test images, which have to wait":
                lambda dataset: _of_each(lambda images: images.mean(axis=0), dataset.x_test, dataset.y_test),
        },
    ),
    "batch of one": (
        lambda dataset: prepare_images(dataset.x_test[3:4]),
        {
            "the axis of the batch is missing": lambda dataset: prepare_images(dataset.x_test[3:4])[0],
            "the axis of the channel is missing, at the end": lambda dataset: dataset.x_test[3:4] / 255,
            "its pixels go up to 255, and should go up to 1": lambda dataset: dataset.x_test[3:4, ..., np.newaxis],
            "that is the image before it; NumPy counts from 0": lambda dataset: prepare_images(dataset.x_test[2:3]),
        },
    ),
}  # fmt: skip

FUNCTIONS = {  # inputs to try; what is right; what is usually wrong
    "labels": (
        [(np.eye(10)[[5, 0, 4, 1, 9, 2]],)],
        lambda rows: rows.argmax(axis=1),
        {
            "without an axis, argmax counts through the whole array": lambda rows: rows.argmax(),
            "axis 0 goes down the columns; the labels are in the rows": lambda rows: rows.argmax(axis=0),
            "that is the largest number of each row, and we want its place": lambda rows: rows.max(axis=1),
            "nonzero gives rows and columns; the labels are the columns": np.nonzero,
        },
    ),
    "max pooling": (
        [(_rng.normal(size=(4, 6)),), (_rng.normal(size=(8, 8)),)],
        lambda values: _squares(values).max(axis=(1, 3)),
        {
            "that is the mean of each square, and we want the largest": lambda v: _squares(v).mean(axis=(1, 3)),
            "that keeps the upper left number of each square, large or not": lambda values: values[::2, ::2],
            "a search that begins at 0 fails where all are negative": lambda v: _squares(v).max(axis=(1, 3)).clip(0),
            "the rows are halved, and the columns are not": lambda v: v.reshape(len(v) // 2, 2, -1).max(axis=1),
            "the squares overlap; from one to the next it should move by two":
                lambda v: np.lib.stride_tricks.sliding_window_view(v, (2, 2)).max(axis=(2, 3)),
        },
    ),
    "leaky slope": (
        [(np.array([-2.0, -0.5, 0.5, 3.0]), 0.1), (np.array([4.0, -4.0]), 0.3)],
        lambda x, slope: np.where(x > 0, 1, slope),
        {
            "those are the values of the function; its slope is how fast they rise":
                lambda x, slope: np.where(x > 0, x, slope * x),
            "that is the slope of ReLU; below 0 LeakyReLU still rises": lambda x, slope: np.where(x > 0, 1, 0),
            "below 0 the function is negative, but it still rises": lambda x, slope: np.where(x > 0, 1, -slope),
            "slope times x rises by slope, whatever x is": lambda x, slope: np.where(x > 0, 1, slope * x),
        },
    ),
    "silent units": (
        [(_responses,), (_responses[:3],)],
        lambda outputs: np.sum((outputs <= 0).all(axis=0)),
        {
            "those are silent on one image or more; we want all": lambda out: np.sum((out <= 0).any(axis=0)),
            "those are images to which no unit responds": lambda out: np.sum((out <= 0).all(axis=1)),
            "those are all zeros of the table": lambda outputs: np.sum(outputs <= 0),
            "those are the units that do respond": lambda outputs: np.sum((outputs > 0).any(axis=0)),
        },
    ),
    "cross-entropy": (
        [(_said, _truth), (_said[:3], _truth[:3])],
        lambda p, labels: _loss(p, labels).mean(),
        {
            "the logarithm of a probability is negative; change its sign": lambda p, labels: -_loss(p, labels).mean(),
            "that takes the largest probability, right or wrong": lambda p, labels: -np.log(p.max(axis=1)).mean(),
            "that is the sum over the images, and we want the mean": lambda p, labels: _loss(p, labels).sum(),
            "that averages over all ten, and only that of the label counts": lambda p, labels: -np.log(p).mean(),
        },
    ),
    "recall": (
        [(np.array([[8, 2, 0], [6, 5, 4], [3, 0, 7]]),)],
        lambda counts: counts.diagonal() / counts.sum(axis=1),
        {
            "that divides by columns; a row is an actual digit": lambda counts: counts.diagonal() / counts.sum(axis=0),
            "that divides by all images, not by those of the digit": lambda counts: counts.diagonal() / counts.sum(),
            "that is one accuracy for all digits together": lambda counts: counts.diagonal().sum() / counts.sum(),
            "that is the share of mistakes": lambda counts: 1 - counts.diagonal() / counts.sum(axis=1),
        },
    ),
    "overconfidence": (
        [(_said, _truth), (_said[:5], _said[:5].argmax(axis=1))],
        lambda p, labels: p.max(axis=1).mean() - _right(p, labels),
        {
            "the sign is the other way round": lambda p, labels: _right(p, labels) - p.max(axis=1).mean(),
            "that is what it says; subtract how often it is right": lambda p, labels: p.max(axis=1).mean(),
            "that takes the largest of each column, and an image is a row":
                lambda p, labels: p.max(axis=0).mean() - _right(p, labels),
            "the network does not know the label; it says its largest probability":
                lambda p, labels: p[np.arange(len(p)), labels].mean() - _right(p, labels),
        },
    ),
    "center of mass": (
        [(_ink,), (_ink.T,)],
        lambda ink: _ink_at(ink, ink),
        {
            "row and column are the other way round": lambda ink: _ink_at(ink, ink)[::-1],
            "every pixel with ink counts the same, and a dark one should count more": lambda ink: _ink_at(ink, ink > 0),
            "that is the middle of the box around the ink, whatever is in it":
                lambda ink: [(np.flatnonzero(ink.any(axis=axis))[[0, -1]]).mean() for axis in (1, 0)],
            "that is the darkest pixel": lambda ink: np.unravel_index(ink.argmax(), ink.shape),
        },
    ),
    "share of zeros": (
        [(_maps,)],
        lambda maps: (maps == 0).mean(axis=(0, 1)),
        {
            "that is one share for all maps together": lambda maps: (maps == 0).mean(),
            "those are counts; divide by the number of places in a map": lambda maps: (maps == 0).sum(axis=(0, 1)),
            "that is the share of what is not zero": lambda maps: (maps > 0).mean(axis=(0, 1)),
            "that is a share for each place, and we want one for each map": lambda maps: (maps == 0).mean(axis=2),
        },
    ),
    "grey square": (
        [(_picture, 3, 8, 5), (_picture, 0, 12, 7)],
        _covered,
        {
            "rows and columns are the other way round":
                lambda picture, top, left, side: _covered(picture, left, top, side),
            "the square is one pixel too large; a slice leaves its end out":
                lambda picture, top, left, side: _covered(picture, top, left, side + 1),
            "that cuts the square out and throws the rest away":
                lambda picture, top, left, side: np.full((side, side), 128, "uint8"),
            "the square is paper, 0; we want grey, 128":
                lambda picture, top, left, side: _covered(picture, top, left, side, 0),
        },
    ),
    "ensemble": (
        [(_members,)],
        lambda every: every.mean(axis=0).argmax(axis=1),
        {
            "that is a vote, and we want the mean of the probabilities":
                lambda every: np.eye(10)[every.argmax(axis=2)].sum(axis=0).argmax(axis=1),
            "that follows the surest member alone": lambda every: every.max(axis=0).argmax(axis=1),
            "that asks the first member only": lambda every: every[0].argmax(axis=1),
            "those are the mean probabilities, and we want the place of the largest": lambda every: every.mean(axis=0),
        },
    ),
    "temperature": (
        [(_said, 2.0), (_said[:2], 0.5)],
        lambda p, temperature: p ** (1 / temperature) / (p ** (1 / temperature)).sum(axis=1, keepdims=True),
        {
            "that raises to the power T; with 1/T, a T above 1 makes the network less sure":
                lambda p, temperature: p**temperature / (p**temperature).sum(axis=1, keepdims=True),
            "the ten do not add up to 1 any more": lambda p, temperature: p ** (1 / temperature),
            "dividing by T, and then by the sum, leaves everything as it was": lambda p, temperature: p,
            "softmax takes sums, not probabilities": lambda p, temperature: softmax(p / temperature, axis=1),
        },
    ),
}  # fmt: skip
