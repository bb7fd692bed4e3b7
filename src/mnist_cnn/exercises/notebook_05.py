"""Exercises of notebook 05, on evaluation."""

import math

import numpy as np

from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Number

EXERCISES: dict[str, Exercise] = {
    "margin": Number(
        right=1.96**2 * 0.994 * 0.006 / 0.0001**2,
        figures=2,
        mistakes=[
            Mistake(
                "that makes the whole interval 0.01 points wide; "
                "plus or minus 0.01 is twice as wide",
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
                "that is what one reads of surveys, "
                "for a share of a half and plus or minus 1 percentage point",
                1.96**2 * 0.5 * 0.5 / 0.01**2,
            ),
            Mistake(
                "that halves twice: plus or minus 0.01 points is half the interval already",
                1.96**2 * 0.994 * 0.006 / 0.00005**2,
            ),
            Mistake("that is how many MNIST has", 10_000),
        ],
    ),
    "recall": Function(
        inputs=[(np.array([[8, 2, 0], [6, 5, 4], [3, 0, 7]]),)],
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
        ],
    ),
    "coins": Number(
        right=0.0357,  # binomtest(15, 45).pvalue
        figures=2,
        mistakes=[
            Mistake(
                "that is one side only; 15 to 30 would have been as uneven as 30 to 15",
                0.0178,  # binomtest(15, 45, alternative="less").pvalue
            ),
            Mistake(
                "that is the approximation for large counts; binomtest computes it exactly",
                0.0253,  # chi2.sf((30 - 15) ** 2 / 45, 1)
            ),
            Mistake(
                "that is the share of B, not the probability of so uneven a result",
                15 / 45,
            ),
            Mistake(
                "that is the share of A, not the probability of so uneven a result",
                30 / 45,
            ),
            Mistake("give three decimals", 0.04),
            Mistake("a probability lies between 0 and 1", 3.57),  # per cent
        ],
    ),
    "pairs": Number(
        right=((1.96 + 0.84) * math.sqrt(2)) ** 2,
        figures=2,
        mistakes=[
            Mistake(
                "that is the spread of a single run; "
                "the difference of two spreads by the square root of 2 times as much",
                (1.96 + 0.84) ** 2,
            ),
            Mistake(
                "that doubles the spread; "
                "the difference of two runs spreads by the square root of 2 times as much",
                ((1.96 + 0.84) * 2) ** 2,
            ),
            Mistake(
                "that finds the difference in every second case only; add 0.84 for four of five",
                (1.96 * math.sqrt(2)) ** 2,
            ),
            Mistake(
                "the spread of the difference has to be squared as well",
                (1.96 + 0.84) ** 2 * math.sqrt(2),
            ),
            Mistake("fifteen are just too few; round up", 15),
            Mistake("the quotient has to be squared", (1.96 + 0.84) * math.sqrt(2)),
        ],
    ),
}
