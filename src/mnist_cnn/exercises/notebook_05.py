"""Exercises of notebook 05, on evaluation."""

import math

from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Number, Requirement, Trainer
from mnist_cnn.exercises.requirements import READS_DIGITS, validation_accuracy


def _have_same_weights(model: keras.Model, other: keras.Model) -> bool:
    """Whether two networks have the same weights, but for what a GPU rounds differently."""
    weights, others = model.get_weights(), other.get_weights()
    if [each.shape for each in weights] != [each.shape for each in others]:
        return False
    squares = [((a - b) ** 2).sum() for a, b in zip(weights, others, strict=True)]
    return bool(sum(squares) < 1e-4 * sum((a**2).sum() for a in weights))


EXERCISES: dict[str, Exercise] = {
    "margin": Number(
        right=1.96**2 * 0.994 * 0.006 / 0.0001**2,
        figures=2,
        also={
            2**2 * 0.994 * 0.006 / 0.0001**2: "With 1.96 in place of 2, it is 2.3 million",
        },
        mistakes=[
            Mistake(
                "that is for plus or minus 0.02 points; 0.01 is already half the width of the "
                "interval",
                1.96**2 * 0.994 * 0.006 / 0.0002**2,
            ),
            Mistake(
                "that is one standard deviation; the 95 % interval reaches 1.96 of them",
                0.994 * 0.006 / 0.0001**2,
            ),
            Mistake(
                "0.01 percentage points are 0.0001, not 0.01, and the formula wants a square",
                1.96**2 * 0.994 * 0.006 / 0.01**2,
            ),
            Mistake(
                "that is the usual sample size of a survey, "
                "for a share of a half and plus or minus 1 percentage point",
                1.96**2 * 0.5 * 0.5 / 0.01**2,
            ),
            Mistake(
                "that halves twice: plus or minus 0.01 points is half the interval already",
                1.96**2 * 0.994 * 0.006 / 0.00005**2,
            ),
            Mistake(
                "that is in millions; write the number of images in full",
                1.96**2 * 0.994 * 0.006 / 0.0001**2 / 1e6,
            ),
            Mistake(
                "that is for plus or minus 0.1 percentage points; 0.01 points are 0.0001",
                1.96**2 * 0.994 * 0.006 / 0.001**2,
            ),
            Mistake(
                "that is the size of MNIST's test set, "
                "which gives a margin of about 0.15 percentage points",
                10_000,
            ),
        ],
    ),
    "recall": Function(
        inputs=[(default_rng(0).integers(1, 50, (10, 10)),)],
        right=lambda counts: counts.diagonal() / counts.sum(axis=1),
        mistakes=[
            Mistake(
                "that divides by columns; a row is an actual digit",
                lambda counts: counts.diagonal() / counts.sum(axis=0),
            ),
            Mistake(
                "that divides by all images, not by those of the digit",
                lambda counts: counts.diagonal() / counts.sum(),
            ),
            Mistake(
                "that is one accuracy for all digits together",
                lambda counts: counts.diagonal().sum() / counts.sum(),
            ),
            Mistake(
                "that is the share of mistakes",
                lambda counts: 1 - counts.diagonal() / counts.sum(axis=1),
            ),
            Mistake(
                "those are percentages; return shares between 0 and 1",
                lambda counts: 100 * counts.diagonal() / counts.sum(axis=1),
            ),
            Mistake(
                "those are rounded; near 100 % the third digit matters, so return the full shares",
                lambda counts: (counts.diagonal() / counts.sum(axis=1)).round(2),
            ),
        ],
    ),
    "seeds": Trainer(
        requirements=[
            Requirement(
                "every call returns the same network and trains it further; "
                "build a new one inside the function",
                lambda first, again, other, _: first is not again and first is not other,
            ),
            *READS_DIGITS,
            Requirement(
                "`seed` has no effect, and the weights depend on what ran before the call; "
                "begin the function with keras.utils.set_random_seed(seed)",
                lambda first, again, other, _: (
                    not _have_same_weights(first, other) or _have_same_weights(first, again)
                ),
            ),
            Requirement(
                "two different seeds give the same weights; pass `seed` on, not a fixed number",
                lambda first, _again, other, _: not _have_same_weights(first, other),
            ),
            Requirement(
                "called twice with the same seed, it returns different weights; "
                "the first weights are random too, so set the seed before you build the network",
                lambda first, again, *_: _have_same_weights(first, again),
            ),
            Requirement(
                "the seeds are right, but it classifies only {accuracy:.1%} of the validation "
                "images correctly; train for five epochs, with pixels between 0 and 1",
                lambda first, _again, _other, dataset: validation_accuracy(first, dataset) >= 0.7,
            ),
        ],
    ),
    "runs": Number(
        right=17,
        figures=2,
        also={
            16: "That is by a formula for the normal distribution; the t test takes 17",
            18: "A simulation may be off by one; 17 are enough",
        },
        mistakes=[
            Mistake(
                "that is for the standard deviation of one run; "
                "the difference between two runs has a standard deviation √2 times as large",
                (1.96 + 0.84) ** 2,
            ),
            Mistake(
                "that doubles the standard deviation; "
                "that of the difference between two runs is only √2 times as large",
                ((1.96 + 0.84) * 2) ** 2,
            ),
            Mistake(
                "that finds the difference in only half of all cases; "
                "add 0.84 for four out of five",
                (1.96 * math.sqrt(2)) ** 2,
            ),
            Mistake(
                "the standard deviation of the difference, with its √2, has to be squared as well",
                (1.96 + 0.84) ** 2 * math.sqrt(2),
            ),
            Mistake(
                "with ten runs of each, the test finds it in little more than half of all cases", 10
            ),
            Mistake("that is both recipes together; it takes 17 runs of each", 34),
            Mistake("with 15 runs of each, the test finds it in three cases out of four", 15),
            Mistake(
                "that is 2.8 times √2, which has to be squared as well",
                (1.96 + 0.84) * math.sqrt(2),
            ),
        ],
    ),
}
