"""Evaluation: every figure against an independent computation."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from mnist_cnn.data import Mnist
from mnist_cnn.evaluation import DISPUTED, compare, confusion_matrix, find_mistakes, rank_by_doubt, wilson_interval

LABELS, GUESSES, OTHERS = np.random.default_rng(0).integers(0, 10, (3, 500))


@pytest.mark.parametrize("correct, total", [(9939, 10_000), (0, 10), (10, 10), (1, 1), (0, 1), (970, 1000)])
def test_wilson_interval_is_scipys(correct: int, total: int) -> None:
    expected = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_wilson_interval_of_the_article() -> None:
    assert [round(100 * end, 2) for end in wilson_interval(9939, 10_000)] == [99.22, 99.52]


def test_confusion_matrix_is_scikit_learns() -> None:
    assert np.array_equal(confusion_matrix(LABELS, GUESSES), metrics.confusion_matrix(LABELS, GUESSES))
    assert confusion_matrix(np.array([3]), np.array([5]))[3, 5] == 1


def test_comparison_is_a_binomial_test_on_the_images_where_one_is_right() -> None:
    first, second = np.where(LABELS % 3, LABELS, GUESSES), np.where(LABELS % 2, LABELS, OTHERS)
    result = compare(LABELS, first, second)
    only_first = sum(a == y != b for y, a, b in zip(LABELS, first, second))
    only_second = sum(b == y != a for y, a, b in zip(LABELS, first, second))
    assert (result.only_first_right, result.only_second_right) == (only_first, only_second)
    assert result.both_right + result.both_wrong + only_first + only_second == 500
    assert result.p_value == pytest.approx(binomtest(only_first, only_first + only_second).pvalue)


def test_equal_networks_do_not_differ() -> None:
    assert compare(LABELS, GUESSES, GUESSES).p_value == 1


def test_mistakes_come_most_confident_first_and_doubt_least_sure_first() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.45, 0.55]])
    probabilities = np.hstack([probabilities, np.zeros((4, 8))])
    assert find_mistakes(np.array([0, 0, 0, 1]), probabilities).tolist() == [2, 1]
    assert find_mistakes(np.array([0, 1, 1, 1]), probabilities).tolist() == []
    assert rank_by_doubt(probabilities).tolist() == [3, 1, 2, 0]


def test_the_disputed_labels_are_the_published_ones(full: Mnist) -> None:
    published = {
        947: "8→9", 1621: "0→6", 1901: "9→4", 2130: "4→9", 2462: "2→0", 2597: "5→3", 2654: "6→1", 3520: "6→4",
        3558: "5→0", 5937: "5→3", 6651: "0→6", 6783: "1→6", 8527: "4→9", 9679: "6→3", 9729: "5→6",
    }  # fmt: skip
    assert {index: f"{full.y_test[index]}→{digit}" for index, digit in DISPUTED.items()} == published
