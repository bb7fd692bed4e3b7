"""Exercises of notebook 04, on training."""

from functools import partial

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.exercises.kinds import Choice, Exercise, Network, Requirement, Training
from mnist_cnn.exercises.requirements import (
    DENSE_PARAMETERS,
    READS_DIGITS,
    validation_accuracy,
)
from mnist_cnn.models import predict

_STEPS = 63  # an epoch of 2,000 images, in batches of 32
_GOOD_ACCURACY = 0.87  # which rates from 0.3 to 0.5 exceed, and 0.01 does not
_FRESH_LOSS = 0.6  # no rate comes below 0.8 in the first epoch
_PATIENCE = 3  # epochs
_IS_DENSE_NETWORK = Requirement(
    "that is another network; build a new one with dense_network(), and train it",
    lambda history, digits: history.model.count_params() == DENSE_PARAMETERS,
)
_HAS_USUAL_STEPS = Requirement(
    "an epoch should have 63 steps; keep to the 2,000 images and to batches of 32",
    lambda history, digits: history.params["steps"] == _STEPS,
)
_MAX_SHIFT = 3  # pixels


def _few_validation_images(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The validation images that notebook 04 looks at, and their labels."""
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    return images[:1000], labels[:1000]


# A learning rate


def _rises(history: keras.callbacks.History) -> bool:
    """Whether the training loss clearly rises, or begins far above that of a guess, ln 10."""
    loss = np.array(history.history["loss"])
    return bool(loss.max() > 2.5 or (loss[1:] > 1.1 * loss[:-1]).any())


def _is_accurate(history: keras.callbacks.History, dataset: Dataset, threshold: float) -> bool:
    return validation_accuracy(history.model, dataset) >= threshold


# Early stopping


def _loss_now(history: keras.callbacks.History, dataset: Dataset) -> float:
    """The cross-entropy of the network, as it is now, on the few validation images."""
    images, labels = _few_validation_images(dataset)
    p = predict(history.model, images).astype("float64")
    return float(-np.log(np.clip(p[np.arange(len(p)), labels], 1e-7, 1)).mean())


def _has_weights_of(epochs: slice, history: keras.callbacks.History, dataset: Dataset) -> bool:
    """Whether the network has the weights of one of these epochs, judged by its loss."""
    return bool(
        np.isclose(history.history["val_loss"][epochs], _loss_now(history, dataset), 1e-3).any()
    )


def _best_epoch(history: keras.callbacks.History) -> int:
    return int(np.argmin(history.history["val_loss"]))


# Augmentation


def _accuracy_on(
    model: keras.Model, dataset: Dataset, rows: int = 1, columns: int = 1, shift: int = 0
) -> float:
    """The accuracy on the few validation images, changed.

    Args:
        model: The network.
        dataset: The dataset.
        rows: -1 to put the rows of pixels into reverse order, else 1.
        columns: The same for columns.
        shift: By how many pixels to move each image at most, at random but always in the same way.
    """
    images, labels = _few_validation_images(dataset)
    moves = default_rng(0).integers(-shift, shift + 1, (len(images), 2))
    moved = np.stack(
        [
            np.roll(image[::rows, ::columns], move, axis=(0, 1))
            for image, move in zip(images, moves, strict=True)
        ]
    )
    return float(np.mean(predict(model, moved).argmax(axis=1) == labels))


def _tells_apart(model: keras.Model, dataset: Dataset, **change: int) -> bool:
    """Whether a network is clearly worse on images with changed rows or columns."""
    return _accuracy_on(model, dataset, **change) < _accuracy_on(model, dataset) - 0.15


def _accuracy_when_moved(model: keras.Model, dataset: Dataset) -> float:
    return _accuracy_on(model, dataset, shift=_MAX_SHIFT)


EXERCISES: dict[str, Exercise] = {
    "learning rate": Training(
        requirements=[
            _IS_DENSE_NETWORK,
            Requirement(
                "the optimizer should be plain gradient descent, keras.optimizers.SGD; "
                "others choose step sizes of their own",
                lambda history, digits: isinstance(history.model.optimizer, keras.optimizers.SGD),
            ),
            Requirement(
                "with momentum each step also repeats a part of those before; leave it at 0",
                lambda history, digits: not history.model.optimizer.momentum,
            ),
            Requirement(
                "it trained for more than five epochs",
                lambda history, digits: history.epoch[-1] < 5,
            ),
            Requirement(
                "this network had been trained before; build a new one for each rate that you try",
                lambda history, digits: (
                    history.model.optimizer.iterations
                    <= len(history.epoch) * history.params["steps"]
                ),
            ),
            _HAS_USUAL_STEPS,
            Requirement(
                "the loss became nan (not a number), as happens when a rate is far too large",
                lambda history, digits: bool(np.isfinite(history.history["loss"]).all()),
            ),
            Requirement(
                "its loss in the first epoch shows that it had learned before; compile leaves the "
                "weights as they are, so build a new network for each rate that you try",
                lambda history, digits: history.history["loss"][0] > _FRESH_LOSS,
            ),
            Requirement(
                "the training loss jumps up, and {accuracy:.1%} of the validation images are "
                "right: the rate is too large",
                lambda history, digits: (
                    _is_accurate(history, digits, _GOOD_ACCURACY) or not _rises(history)
                ),
            ),
            Requirement(
                "the training loss falls, but too slowly, and {accuracy:.1%} of the validation "
                "images are right: take larger steps (or, above a rate of 0.8, smaller ones)",
                lambda history, digits: _is_accurate(history, digits, _GOOD_ACCURACY),
            ),
        ]
    ),
    "stopped early": Training(
        requirements=[
            _IS_DENSE_NETWORK,
            _HAS_USUAL_STEPS,
            Requirement(
                "its history has no val_loss to watch; give fit the validation_data",
                lambda history, digits: "val_loss" in history.history,
            ),
            Requirement(
                "on our 1,000 validation images the network's loss is that of no epoch in its "
                "history; validate on `validation`, and check the network right after fit",
                partial(_has_weights_of, slice(None)),
            ),
            Requirement(
                "nothing stopped it before its last epoch; does `callbacks` hold an EarlyStopping, "
                "and does it watch the validation loss?",
                lambda history, digits: len(history.epoch) < history.params["epochs"],
            ),
            Requirement(
                "it stopped at the first epoch that was no better, which may have been chance; "
                "give it a patience of a few epochs",
                lambda history, digits: len(history.epoch) - 1 - _best_epoch(history) >= 2,
            ),
            Requirement(
                "it stopped in time, but has kept the weights of its last epoch; "
                "ask EarlyStopping to restore the best ones",
                lambda history, digits: not _has_weights_of(slice(-1, None), history, digits),
            ),
            Requirement(
                "its weights are those of an epoch whose validation loss was not the lowest; "
                "EarlyStopping should monitor val_loss",
                lambda history, digits: _has_weights_of(
                    slice(_best_epoch(history), _best_epoch(history) + 1), history, digits
                ),
            ),
            Requirement(
                "it restored the right weights, but it did not stop three epochs after them; "
                "set the patience to 3",
                lambda history, digits: len(history.epoch) - 1 - _best_epoch(history) == _PATIENCE,
            ),
        ]
    ),
    "diagnosis": Choice(
        right={
            "A": "shuffled labels",
            "B": "not scaled",
            "C": "no activation",
            "D": "rate too high",
        },
        mistakes={
            "A": {
                "not scaled": (
                    "A starts near 2.3, as a network should that has seen nothing; "
                    "on pixels up to 255 its first loss would be far larger"
                ),
                "no activation": (
                    "without an activation, a network still reads most new digits, "
                    "and A reads fewer than one in four"
                ),
                "rate too high": (
                    "A's training loss falls steadily, which it does not where steps are too large"
                ),
            },
            "B": {
                "shuffled labels": (
                    "shuffled labels change nothing about the loss before training, "
                    "and B's is far above 2.3"
                ),
                "no activation": (
                    "without an activation, a network still reads most new digits, "
                    "and B reads them no better than a guess"
                ),
                "rate too high": (
                    "B's loss is far above 2.3 before the first step, "
                    "and no rate can have done that yet"
                ),
            },
            "C": {
                "shuffled labels": (
                    "C reads most of the validation images, "
                    "which nobody can learn from shuffled labels"
                ),
                "not scaled": (
                    "C starts near 2.3, as a network should that has seen nothing; "
                    "on pixels up to 255 its first loss would be far larger"
                ),
                "rate too high": (
                    "C learns fast at first; compare where its training loss ends, and where the "
                    "healthy network's does"
                ),
            },
            "D": {
                "shuffled labels": (
                    "a network that has enough parameters can learn shuffled labels by heart, bit "
                    "by bit, and D learns nothing of its training images"
                ),
                "not scaled": (
                    "D's loss is near 2.3 before the first step, as it should be; what is wrong "
                    "with it begins with the steps"
                ),
                "no activation": (
                    "without an activation, a network still reads most new digits, "
                    "and D reads them no better than a guess"
                ),
            },
        },
    ),
    "moved digits": Network(
        requirements=[
            *READS_DIGITS,
            Requirement(
                "it reads {accuracy:.1%} of the validation images as they are; is it trained, and "
                "do the images and the labels still belong together?",
                lambda model, digits: validation_accuracy(model, digits) >= 0.5,
            ),
            Requirement(
                "with convolutions it is another network; take dense_network()",
                lambda model, digits: (
                    not any(hasattr(layer, "kernel_size") for layer in model.layers)
                ),
            ),
            Requirement(
                "it has learned to read mirrored digits, too; "
                "nobody writes them so, and learning them costs it others",
                partial(_tells_apart, columns=-1),
            ),
            Requirement(
                "it has learned to read digits that stand on their heads; a 6 is a 9 then",
                lambda model, digits: (
                    _tells_apart(model, digits, rows=-1)
                    and _tells_apart(model, digits, rows=-1, columns=-1)
                ),
            ),
            Requirement(
                "it reads {accuracy:.1%} of the validation images as they are, but less than 75 % "
                "when they are moved by up to three pixels; move the training images as far, or "
                "train for longer",
                lambda model, digits: _accuracy_when_moved(model, digits) >= 0.75,
            ),
        ],
        remark=lambda model, digits: (
            f"When they are moved, it classifies {_accuracy_when_moved(model, digits):.1%} of a "
            "thousand of them correctly."
        ),
    ),
}
