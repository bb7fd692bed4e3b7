"""Exercises of notebook 04, on training."""

import math

import numpy as np
from numpy.random import default_rng

from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Number

_PROBABILITIES = default_rng(0).dirichlet(np.ones(10), size=8)
_LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def _losses(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The cross-entropy of each image, (n,), from probabilities (n, classes) and labels (n,)."""
    return -np.log(p[np.arange(len(p)), labels])


EXERCISES: dict[str, Exercise] = {
    "cross-entropy": Function(
        inputs=[(_PROBABILITIES, _LABELS), (_PROBABILITIES[:3], _LABELS[:3])],
        right=lambda p, labels: _losses(p, labels).mean(),
        mistakes=[
            Mistake(
                "the logarithm of a probability is negative; change its sign",
                lambda p, labels: -_losses(p, labels).mean(),
            ),
            Mistake(
                "that takes the largest probability, right or wrong",
                lambda p, labels: -np.log(p.max(axis=1)).mean(),
            ),
            Mistake(
                "that is the sum over the images, and we want the mean",
                lambda p, labels: _losses(p, labels).sum(),
            ),
            Mistake(
                "that averages over all ten, and only that of the label counts",
                lambda p, labels: -np.log(p).mean(),
            ),
        ],
    ),
    "learning rate": Number(
        right=0.0015 * (1 + math.cos(math.pi / 4)) / 2,
        figures=3,
        mistakes=[
            Mistake("that is the rate at the start", 0.0015),
            Mistake("that is the rate half-way", 0.0015 / 2),
            Mistake(
                "that is a straight line; the rate falls along a cosine, slowly at first",
                0.0015 * 3 / 4,
            ),
            Mistake(
                "a cosine goes down to -1, and the rate only to 0: add 1, and halve",
                0.0015 * math.cos(math.pi / 4),
            ),
            Mistake(
                "the rate falls along half a cosine, from 0 to pi; a quarter of that is pi / 4",
                0.0015 * math.cos(math.pi / 8),
            ),
        ],
    ),
    "steps": Number(
        right=math.ceil(54_000 / 128) * 20,
        mistakes=[
            Mistake("that is one epoch, and there are twenty", math.ceil(54_000 / 128)),
            Mistake("a last, smaller batch takes a whole step as well", 54_000 / 128 * 20),
            Mistake(
                "that leaves out the last batch of each epoch, "
                "which is smaller, but a step all the same",
                54_000 // 128 * 20,
            ),
            Mistake(
                "the validation images are not trained on: 54,000 are left",
                math.ceil(60_000 / 128) * 20,
            ),
            Mistake(
                "those are the images seen; a step is taken once for a batch of 128",
                54_000 * 20,
            ),
            Mistake(
                "each epoch ends with a smaller batch: round up before you multiply by twenty",
                math.ceil(54_000 / 128 * 20),
            ),
        ],
    ),
    "smoothed loss": Number(
        right=-0.91 * math.log(0.91) - 9 * 0.01 * math.log(0.01),
        figures=2,
        mistakes=[
            Mistake(
                "that takes the right digit for certain, which is punished here: "
                "1 % is asked for on each of the others",
                0,
            ),
            Mistake(
                "that is -ln of 91 %; take it times 0.91, and add the parts of the other nine",
                -math.log(0.91),
            ),
            Mistake(
                "that is for 90 % and 10 %; the tenth is shared among all ten, "
                "and the right digit gets its part: 91 %",
                -0.9 * math.log(0.9) - 0.1 * math.log(0.1),
            ),
            Mistake(
                "that leaves out the other nine, with 1 % each",
                -0.91 * math.log(0.91),
            ),
            Mistake("that is the loss of a guess, 10 % on each digit", -math.log(0.1)),
        ],
    ),
}
