"""Honest scores: intervals, confusions, paired tests (notebook 05)."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from mnist_cnn.checks import CLASSES, check_labels, check_lengths, check_probabilities, check_whole

DISPUTED = {947: 9, 1621: 6, 1901: 4, 2130: 9, 2462: 0, 2597: 3, 2654: 1, 3520: 4,
            3558: 0, 5937: 3, 6651: 6, 6783: 6, 8527: 9, 9679: 3, 9729: 6}  # fmt: skip
"""Test images whose label people judged wrong, with the digit suggested instead (Northcutt et al. 2021)."""


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion, as (low, high) in 0..1 (Wilson 1927).

    Unlike the textbook's p ± 2 sqrt(p (1 - p) / n) it stays within 0..1 and holds near 100 %, where we are.

    Raises:
        ValueError: not whole numbers, total below 1, or correct outside 0..total.
    """
    correct, total = check_whole("correct", correct, low=0), check_whole("total", total, low=1)
    if correct > total:
        raise ValueError(f"correct must lie in 0..total, not {correct} of {total}")
    z = 1.959964  # the normal distribution has 95 % of its mass within ± z
    p = correct / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count how often each digit (row) was taken for each digit (column): int64 (10, 10).

    Raises:
        ValueError: labels and predicted are not integers (n,) in 0..9, or differ in length.
    """
    labels, predicted = check_labels(labels), check_labels(predicted)
    check_lengths(labels=labels, predictions=predicted)
    counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def find_mistakes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Find the wrongly predicted images: their indices, int64 (mistakes,), the most confident mistake first.

    Raises:
        ValueError: labels are not integers (n,) in 0..9, probabilities not floats (n, 10) in 0..1, or lengths differ.
    """
    labels, probabilities = check_labels(labels), check_probabilities(probabilities)
    check_lengths(labels=labels, predictions=probabilities)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def rank_by_doubt(probabilities: np.ndarray) -> np.ndarray:
    """Rank all images, the least sure prediction first: indices, int64 (n,), of probabilities (n, 10).

    Raises:
        ValueError: they are not floats (n, 10) in 0..1.
    """
    return np.argsort(check_probabilities(probabilities).max(axis=1), kind="stable")


@dataclass(frozen=True)
class Comparison:
    """Two networks on the same test images, and McNemar's exact test of whether they differ."""

    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    p_value: float  # the chance of so uneven a split, or a worse one, between equally good networks


def compare(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Comparison:
    """Compare the predictions of two networks image by image.

    Raises:
        ValueError: the three arrays are not integers (n,) in 0..9, differ in length, or are empty.
    """
    from mlxtend.evaluate import mcnemar, mcnemar_table  # slow to import, and only this needs it

    labels, first, second = map(check_labels, (labels, first, second))
    check_lengths(1, labels=labels, first_predictions=first, second_predictions=second)
    table = mcnemar_table(labels, first, second).astype(int)
    _, p_value = mcnemar(table, exact=True)
    return Comparison(*(int(count) for count in table.ravel()), float(p_value))
