"""Exercises of notebook 08, on what could still be improved."""

from dataclasses import replace

import numpy as np
from numpy.random import default_rng
from scipy.special import softmax

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Network, Requirement
from mnist_cnn.exercises.requirements import READS_DIGITS, validation_accuracy

_ORDER = default_rng(0).permutation(28 * 28)  # in which the notebook shuffles the pixels
_UNSHUFFLED = np.argsort(_ORDER)
_GUESSING = 0.5  # more than anything but reading digits reaches
_MEMBERS = default_rng(0).dirichlet(np.ones(10), size=(3, 40))
_PROBABILITIES = default_rng(0).dirichlet(np.ones(10), size=8)


def _majority(members: np.ndarray) -> np.ndarray:
    """The class that most members predict, for each image."""
    votes = np.eye(10)[members.argmax(axis=2)]
    return votes.sum(axis=0).argmax(axis=1)


def _scale_rows(powers: np.ndarray) -> np.ndarray:
    return powers / powers.sum(axis=1, keepdims=True)


def _unshuffle(shuffled: Dataset) -> Dataset:
    images = shuffled.x_train.reshape(-1, 28 * 28)[:, _UNSHUFFLED].reshape(-1, 28, 28)
    return replace(shuffled, x_train=images)


def _is_right_often_enough(model: keras.Model, shuffled: Dataset) -> bool:
    enough = 0.89 if shuffled.source == "sample" else 0.93
    return validation_accuracy(model, shuffled) >= enough


def _layers_of(model: keras.Model, *kinds: type[keras.Layer]) -> int:
    return sum(isinstance(layer, kinds) for layer in model.layers)


def _has_learned(model: keras.Model, shuffled: Dataset) -> bool:
    return validation_accuracy(model, shuffled) > _GUESSING


EXERCISES: dict[str, Exercise] = {
    "shuffled pixels": Network(
        [
            *READS_DIGITS,
            Requirement(
                "it reads ordinary digits, but of the shuffled ones it gets only {accuracy:.1%} "
                "right; train it on x, which is made of the images in `shuffled`",
                lambda model, shuffled: (
                    _has_learned(model, shuffled)
                    or validation_accuracy(model, _unshuffle(shuffled)) <= _GUESSING
                ),
            ),
            Requirement(
                "it gets {accuracy:.1%} of the shuffled validation images right, hardly more than "
                "by guessing; call fit, with images and labels in the same order",
                _has_learned,
            ),
            Requirement(
                "it gets {accuracy:.1%} of the shuffled validation images right, and more is asked "
                "for. Its convolutions and its pooling combine neighbours, and shuffling has torn "
                "those apart",
                lambda model, shuffled: (
                    _is_right_often_enough(model, shuffled)
                    or not _layers_of(model, keras.layers.Conv2D)
                ),
            ),
            Requirement(
                "it gets {accuracy:.1%} of the shuffled validation images right, and more is asked "
                "for. Put a dense layer with ReLU before the layer of ten units",
                lambda model, shuffled: (
                    _is_right_often_enough(model, shuffled)
                    or _layers_of(model, keras.layers.Dense) > 1
                ),
            ),
            Requirement(
                "it gets {accuracy:.1%} of the shuffled validation images right, and more is asked "
                "for. Train for more epochs, on all of x, or give the dense layer more units",
                _is_right_often_enough,
            ),
        ]
    ),
    "ensemble": Function(
        inputs=[(_MEMBERS,)],
        right=lambda members: members.mean(axis=0).argmax(axis=1),
        mistakes=[
            Mistake("that is a vote, and we want the mean of the probabilities", _majority),
            Mistake(
                "that follows the most confident member alone",
                lambda members: members.max(axis=0).argmax(axis=1),
            ),
            Mistake(
                "that asks only the first member",
                lambda members: members[0].argmax(axis=1),
            ),
            Mistake(
                "those are the mean probabilities; find the index of the largest in each row",
                lambda members: members.mean(axis=0),
            ),
            Mistake(
                "that is the largest mean probability of each image; argmax gives its index",
                lambda members: members.mean(axis=0).max(axis=1),
            ),
            Mistake(
                "that takes the median of the members, and we want their mean",
                lambda members: np.median(members, axis=0).argmax(axis=1),
            ),
            Mistake(
                "that is the mean of the logarithms; we want that of the probabilities",
                lambda members: np.log(members).mean(axis=0).argmax(axis=1),
            ),
            Mistake(
                "axis 1 contains the images; take the mean over the members, which are axis 0",
                lambda members: members.mean(axis=1).argmax(axis=1),
            ),
        ],
    ),
    "temperature": Function(
        inputs=[(_PROBABILITIES, 2.0), (_PROBABILITIES[:2], 0.5)],
        right=lambda p, temperature: _scale_rows(p ** (1 / temperature)),
        mistakes=[
            Mistake(
                "that is the power T; with 1/T, a T above 1 makes the network less certain",
                lambda p, temperature: _scale_rows(p**temperature),
            ),
            Mistake(
                "the ten probabilities no longer add up to 1; divide by their sum",
                lambda p, temperature: p ** (1 / temperature),
            ),
            Mistake(
                "that leaves everything as it was; raise p to the power (1 / T), with brackets, "
                "since p ** 1 / T only divides by T",
                lambda p, temperature: p,
            ),
            Mistake(
                "that divides by T; raise p to the power (1 / T), with brackets",
                lambda p, temperature: p / temperature,
            ),
            Mistake(
                "that divides by the sum of all rows together; each row has a sum of its own",
                lambda p, temperature: p ** (1 / temperature) / (p ** (1 / temperature)).sum(),
            ),
            Mistake(
                "axis 0 adds up the images; the ten probabilities of an image lie along axis 1",
                lambda p, temperature: (
                    p ** (1 / temperature) / (p ** (1 / temperature)).sum(axis=0)
                ),
            ),
            Mistake(
                "softmax is for the sums before it; here you already have probabilities",
                lambda p, temperature: softmax(p / temperature, axis=1),
            ),
        ],
    ),
}
