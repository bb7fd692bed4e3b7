"""Exercises of notebook 08, on what could still be improved."""

import numpy as np
from numpy.random import default_rng
from scipy.special import softmax

from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Number

_MEMBERS = default_rng(0).dirichlet(np.ones(10), size=(3, 40))
_PROBABILITIES = default_rng(0).dirichlet(np.ones(10), size=8)


def _majority(members: np.ndarray) -> np.ndarray:
    """The class that most members predict, for each image."""
    votes = np.eye(10)[members.argmax(axis=2)]
    return votes.sum(axis=0).argmax(axis=1)


def _scale_rows(powers: np.ndarray) -> np.ndarray:
    return powers / powers.sum(axis=1, keepdims=True)


EXERCISES: dict[str, Exercise] = {
    "ensemble": Function(
        inputs=[(_MEMBERS,)],
        right=lambda members: members.mean(axis=0).argmax(axis=1),
        mistakes=[
            Mistake("that is a vote, and we want the mean of the probabilities", _majority),
            Mistake(
                "that follows the surest member alone",
                lambda members: members.max(axis=0).argmax(axis=1),
            ),
            Mistake(
                "that asks the first member only",
                lambda members: members[0].argmax(axis=1),
            ),
            Mistake(
                "those are the mean probabilities, and we want the place of the largest",
                lambda members: members.mean(axis=0),
            ),
        ],
    ),
    "hours": Number(
        right=1_000_000 * 0.01 * 10 / 3600,
        figures=2,
        mistakes=[
            Mistake(
                "that is for all images; only one in a hundred goes to a person",
                1_000_000 * 10 / 3600,
            ),
            Mistake("those are seconds; an hour has 3,600", 1_000_000 * 0.01 * 10),
            Mistake("those are minutes", 1_000_000 * 0.01 * 10 / 60),
            Mistake("1 % of a million is ten thousand", 1_000_000 * 0.1 * 10 / 3600),
        ],
    ),
    "temperature": Function(
        inputs=[(_PROBABILITIES, 2.0), (_PROBABILITIES[:2], 0.5)],
        right=lambda p, temperature: _scale_rows(p ** (1 / temperature)),
        mistakes=[
            Mistake(
                "that raises to the power T; with 1/T, a T above 1 makes the network less sure",
                lambda p, temperature: _scale_rows(p**temperature),
            ),
            Mistake(
                "the ten do not add up to 1 any more",
                lambda p, temperature: p ** (1 / temperature),
            ),
            Mistake(
                "dividing by T, and then by the sum, leaves everything as it was",
                lambda p, temperature: p,
            ),
            Mistake(
                "softmax takes sums, not probabilities",
                lambda p, temperature: softmax(p / temperature, axis=1),
            ),
        ],
    ),
}
