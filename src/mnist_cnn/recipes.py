"""How to train: the recipes, and all the settings that follow from them (notebook 04)."""

import hashlib
from dataclasses import asdict, dataclass

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
import tensorflow as tf

from mnist_cnn.checks import check_whole
from mnist_cnn.data import Mnist, split_validation
from mnist_cnn.device import choose_precision, device
from mnist_cnn.models import build_model

BATCH_SIZE = {"full": 128, "sample": 32}  # fewer images need smaller batches, or they get too few steps
LABEL_SMOOTHING = 0.1  # how much of each label is spread evenly over the ten digits


@dataclass(frozen=True)
class Recipe:
    """How to train; everything else is the same for all."""

    network: str  # a name that `build_model` knows
    epochs: int = 20  # as in the article
    learning_rate: float = 1.5e-3  # at the start; it falls to zero along half a cosine
    augment: bool = False  # whether to turn, scale, shear and shift each image a little, anew in each epoch


RECIPES = {
    "relu": Recipe("relu"),
    "leaky_relu": Recipe("leaky_relu"),
    "improved": Recipe("batch_norm", learning_rate=5e-3, augment=True),
    "short": Recipe("batch_norm", epochs=3, learning_rate=5e-3),
}


def check_recipe(recipe: str) -> None:
    """See that there is a recipe of that name.

    Raises:
        ValueError: there is none.
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe must be one of {', '.join(RECIPES)}; not {recipe!r}")


def settle(recipe: str, digits: Mnist, epochs: int | None, seed: int, precision: str | None) -> dict:
    """All that the weights of a training depend on, by name; arguments as of `train`.

    Raises:
        ValueError: an unknown recipe or precision, or epochs or a seed out of range.
    """
    check_recipe(recipe)
    if check_whole("seed", seed, low=0) >= 2**32:
        raise ValueError(f"seed must be below 2**32, not {seed}")
    chosen, precision = RECIPES[recipe], precision or choose_precision()
    digest = hashlib.sha256()
    for array in (digits.x_train, digits.y_train, digits.x_test, digits.y_test):
        digest.update(np.ascontiguousarray(array))
    return {
        "recipe": recipe,
        **asdict(chosen),
        "epochs": chosen.epochs if epochs is None else check_whole("epochs", epochs, low=1),
        "seed": int(seed),
        "data": digits.source,
        "data_sha256": digest.hexdigest(),
        "train_images": len(split_validation(digits.x_train, digits.y_train)[0][0]),
        "precision": precision,
        "device": device(),
        "batch_size": BATCH_SIZE[digits.source],
        "label_smoothing": LABEL_SMOOTHING,
        "parameters": build_model(chosen.network, precision).count_params(),
        "versions": {module.__name__: module.__version__ for module in (tf, keras, np)},
        "backend": keras.backend.backend(),
    }
