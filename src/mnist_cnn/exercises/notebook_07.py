"""Exercises of notebook 07, on what happens inside the network."""

import numpy as np
from numpy.linalg import norm
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Requirement
from mnist_cnn.exercises.requirements import have_equal_weights, validation_accuracy

_MAPS = default_rng(0).normal(size=(5, 7, 4)).clip(min=0)  # after ReLU
_PICTURE = default_rng(0).integers(1, 100, size=(20, 20), dtype="uint8")

# Slices of a network's list of weights, which begins with its first layer's kernels and biases
_FIRST_KERNELS = slice(0, 1)
_FIRST_LAYER = slice(0, 2)
_SECOND_KERNELS = slice(2, 3)
_LATER_LAYERS = slice(2, None)

_GOOD = 0.85


def _is_nearer_to(one: keras.Model, other: keras.Model, answer: keras.Model) -> bool:
    """Whether an answer's second kernels are nearer to one network's than to the other's, by angle.

    An epoch of training changes them, but not so much that one could not tell where they began.
    """
    kernels, of_one, of_other = (
        model.get_weights()[_SECOND_KERNELS][0].ravel() for model in (answer, one, other)
    )
    return bool(kernels @ of_one / norm(of_one) > kernels @ of_other / norm(of_other))


def _put_square(picture: np.ndarray, top: int, left: int, side: int, grey: int = 128) -> np.ndarray:
    copy = picture.copy()
    copy[top : top + side, left : left + side] = grey
    return copy


def _end_at_side(picture: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A grey square whose slices end at `side`, which is a usual slip."""
    copy = picture.copy()
    copy[top:side, left:side] = 128
    return copy


EXERCISES: dict[str, Exercise] = {
    "random kernels": Network(
        requirements=[
            Requirement(
                "that is `model` itself, which this notebook still needs; run the cell again that "
                "loads it, and build a new network",
                lambda answer, model, untrained, dataset: answer is not model,
            ),
            Requirement(
                "that is `untrained` itself, with which the answer is compared; "
                "build another network from the same seed",
                lambda answer, model, untrained, dataset: answer is not untrained,
            ),
            Requirement(
                "it should have the layers of `untrained`; "
                'begin with build_model("relu", seed=run.settings.seed)',
                lambda answer, model, untrained, dataset: (
                    [each.shape for each in answer.get_weights()]
                    == [each.shape for each in untrained.get_weights()]
                ),
            ),
            Requirement(
                "its first layer has the trained kernels, and should have those of `untrained`",
                lambda answer, model, untrained, dataset: (
                    not have_equal_weights(answer, model, _FIRST_KERNELS)
                ),
            ),
            Requirement(
                "its first layer has other weights than that of `untrained`. Either it did not "
                "start from the same seed, or it was not frozen; set trainable = False before "
                "`compile`",
                lambda answer, model, untrained, dataset: have_equal_weights(
                    answer, untrained, _FIRST_LAYER
                ),
            ),
            Requirement(
                "all of its weights are still those of `untrained`; now train it",
                lambda answer, model, untrained, dataset: (
                    not have_equal_weights(answer, untrained, _LATER_LAYERS)
                ),
            ),
            Requirement(
                "its later layers are those of `model`, which learned with trained kernels; "
                "here they should learn with random ones, from the start",
                lambda answer, model, untrained, dataset: (
                    not _is_nearer_to(model, untrained, answer)
                ),
            ),
            Requirement(
                "its second convolution has learned nothing either; freeze only the first layer",
                lambda answer, model, untrained, dataset: (
                    not have_equal_weights(answer, untrained, _SECOND_KERNELS)
                ),
            ),
            Requirement(
                "it reads only {accuracy:.1%} of the validation images right, and can do better: "
                "train it on prepared images with their own labels, for an epoch at least",
                lambda answer, model, untrained, dataset: (
                    validation_accuracy(answer, dataset) >= _GOOD
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
                "that divides by how many numbers all maps have together; "
                "divide by the number of places in one map",
                lambda maps: (maps == 0).sum(axis=(0, 1)) / maps.size,
            ),
            Mistake(
                "those are percentages; a share is at most 1",
                lambda maps: 100 * (maps == 0).mean(axis=(0, 1)),
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
                "a slice ends at top + side, or left + side, not at side",
                _end_at_side,
            ),
            Mistake(
                "that cuts the square out and throws the rest away",
                lambda picture, top, left, side: np.full((side, side), 128),
            ),
            Mistake(
                "the square is white paper, 0; we want grey, 128",
                lambda picture, top, left, side: _put_square(picture, top, left, side, grey=0),
            ),
            Mistake(
                "the square is black ink, 255; we want grey, 128",
                lambda picture, top, left, side: _put_square(picture, top, left, side, grey=255),
            ),
            Mistake(
                "that puts the centre of the square where its upper left corner belongs",
                lambda picture, top, left, side: _put_square(
                    picture, top - side // 2, left - side // 2, side
                ),
            ),
            Mistake(
                "the square is half a side too far down and to the right; "
                "its upper left corner is at (top, left)",
                lambda picture, top, left, side: _put_square(
                    picture, top + side // 2, left + side // 2, side
                ),
            ),
        ],
    ),
}
