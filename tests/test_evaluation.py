"""Evaluation: every number against an independent computation."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_cnn.data import Dataset, one_hot
from mnist_cnn.evaluation import DISPUTED, evaluate_run, find_mistakes, rank_by_doubt
from mnist_cnn.models import build_model
from mnist_cnn.runs import SHIPPED, load_run


def test_the_accuracy_of_a_run_is_what_keras_evaluates(sample: Dataset) -> None:
    keras.utils.set_random_seed(0)
    model = build_model("relu")  # untrained, or it would be right about all of them
    run = replace(load_run(SHIPPED / "relu.npz"), weights=model.get_weights())
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    _, expected = model.evaluate(
        sample.x_test[..., np.newaxis] / 255, one_hot(sample.y_test), verbose=0
    )
    assert 0 < expected < 0.5
    assert evaluate_run(run, sample) == pytest.approx(expected, abs=1e-6)


def test_mistakes_are_ranked_by_confidence_and_images_by_doubt() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.45, 0.55]])
    probabilities = np.hstack([probabilities, np.zeros((4, 8))])
    assert find_mistakes(np.array([0, 0, 0, 1]), probabilities).tolist() == [2, 1]
    assert find_mistakes(np.array([0, 1, 1, 1]), probabilities).tolist() == []
    assert rank_by_doubt(probabilities).tolist() == [3, 1, 2, 0]


def test_the_disputed_labels_are_the_published_ones(full: Dataset) -> None:
    published = """
    947: 8→9, 1621: 0→6, 1901: 9→4, 2130: 4→9, 2462: 2→0, 2597: 5→3, 2654: 6→1, 3520: 6→4,
    3558: 5→0, 5937: 5→3, 6651: 0→6, 6783: 1→6, 8527: 4→9, 9679: 6→3, 9729: 5→6
    """
    ours = [f"{index}: {full.y_test[index]}→{digit}" for index, (digit, *_) in DISPUTED.items()]
    assert ", ".join(ours) == " ".join(published.split())


def test_five_people_voted_on_each_disputed_label_and_fewer_than_three_for_it() -> None:
    votes = [votes for _, *votes in DISPUTED.values()]
    assert all(sum(of_five) == 5 and of_five[0] < 3 for of_five in votes)
    assert sum(suggested == 5 for _, suggested, _ in votes) == 2  # as notebook 05 says
    assert sum(neither >= 3 for *_, neither in votes) == 3
