"""Exercises of notebook 07, on what happens inside the network."""

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Number, Requirement

_MAPS = default_rng(0).normal(size=(5, 7, 4)).clip(min=0)  # after ReLU
_PICTURE = default_rng(0).integers(1, 100, size=(20, 20), dtype="uint8")

# Slices of a network's list of weights, which begins with its first layer's kernels and biases
_FIRST_KERNELS = slice(0, 1)
_FIRST_LAYER = slice(0, 2)
_LATER_LAYERS = slice(2, None)


def _have_equal_weights(one: keras.Model, other: keras.Model, which: slice) -> bool:
    """Whether two networks have the same arrays in a slice of their lists of weights."""
    weights, others = one.get_weights()[which], other.get_weights()[which]
    return len(weights) == len(others) and all(map(np.array_equal, weights, others))


def _put_square(picture: np.ndarray, top: int, left: int, side: int, grey: int = 128) -> np.ndarray:
    copy = picture.copy()
    copy[top : top + side, left : left + side] = grey
    return copy


EXERCISES: dict[str, Exercise] = {
    "mixed network": Network(
        requirements=[
            Requirement(
                "that is the trained network itself, and changing it would spoil what follows; "
                "load another copy",
                lambda mixed, trained, untrained: mixed is not trained,
            ),
            Requirement(
                "the trained network has been changed as well; "
                "run the first cell again, and load another copy",
                lambda mixed, trained, untrained: (
                    not _have_equal_weights(trained, untrained, _FIRST_KERNELS)
                ),
            ),
            Requirement(
                "its first layer still has the trained kernels",
                lambda mixed, trained, untrained: (
                    not _have_equal_weights(mixed, trained, _FIRST_KERNELS)
                ),
            ),
            Requirement(
                "the later layers should keep their trained weights",
                lambda mixed, trained, untrained: _have_equal_weights(
                    mixed, trained, _LATER_LAYERS
                ),
            ),
            Requirement(
                "its first layer should have both the kernels and the biases from before training",
                lambda mixed, trained, untrained: _have_equal_weights(
                    mixed, untrained, _FIRST_LAYER
                ),
            ),
        ],
    ),
    "share of zeros": Function(
        inputs=[(_MAPS,)],
        right=lambda maps: (maps == 0).mean(axis=(0, 1)),
        mistakes=[
            Mistake(
                "that is one share for all maps together",
                lambda maps: (maps == 0).mean(),
            ),
            Mistake(
                "those are counts; divide by the number of places in a map",
                lambda maps: (maps == 0).sum(axis=(0, 1)),
            ),
            Mistake(
                "that is the share of what is not zero",
                lambda maps: (maps > 0).mean(axis=(0, 1)),
            ),
            Mistake(
                "that is a share for each place, and we want one for each map",
                lambda maps: (maps == 0).mean(axis=2),
            ),
        ],
    ),
    "receptive field": Number(
        right=5 + 1 + 2 * 2 + 2 + 2 * 4,
        mistakes=[
            Mistake("that is the network above, whose first kernels are 3 x 3", 18),
            Mistake(
                "behind a pool, neighbours are two pixels of the image apart, "
                "and behind two pools four",
                5 + 2 + 2,
            ),
            Mistake("a pool, too, sees one step more than what comes before it", 5 + 2 * 2 + 2 * 4),
            Mistake(
                "that adds up the sides of the kernels; "
                "see how far each one reaches beyond what it had before",
                5 + 3 + 3,
            ),
        ],
    ),
    "grey square": Function(
        inputs=[(_PICTURE, 3, 8, 5), (_PICTURE, 0, 12, 7)],
        right=_put_square,
        mistakes=[
            Mistake(
                "rows and columns are the other way round",
                lambda picture, top, left, side: _put_square(picture, left, top, side),
            ),
            Mistake(
                "the square is one pixel too large; a slice leaves its end out",
                lambda picture, top, left, side: _put_square(picture, top, left, side + 1),
            ),
            Mistake(
                "that cuts the square out and throws the rest away",
                lambda picture, top, left, side: np.full((side, side), 128),
            ),
            Mistake(
                "the square is paper, 0; we want grey, 128",
                lambda picture, top, left, side: _put_square(picture, top, left, side, grey=0),
            ),
        ],
    ),
}
