"""Make one measurement, alone in its process; bench.py starts a process for each of them.

`python benchmarks/jobs.py KIND ARGUMENTS` calls the function that JOBS lists under KIND, with
keyword arguments in JSON, and prints its result in JSON as the last line.

Functions import what they need themselves: one measures how long importing the package takes, and
another trains with PyTorch in a process without TensorFlow.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from schema import (
    ArticleMeasurement,
    EpochTimes,
    ImportMeasurement,
    TrainingMeasurement,
    ViewMeasurement,
)

if TYPE_CHECKING:
    from mnist_cnn.backend import keras
    from mnist_cnn.data import Dataset

TIMED_EPOCHS = 3  # in each training run, or all of them if it has fewer
ARTICLE_EPOCHS = 20
ARTICLE_VALIDATION_SPLIT = 0.2  # the share of the training images on which the article validates


class EpochTimer:
    """A timer for a training run, to be called at the start and at the end of each epoch."""

    def __init__(self) -> None:
        self._moments: list[tuple[float, float]] = []  # elapsed, processor

    def __call__(self, *_: object) -> None:
        self._moments.append((time.perf_counter(), time.process_time()))

    def measurements(self) -> EpochTimes:
        """The time and memory that the training took."""
        spent = [
            (round(clock - clock_before, 2), round(processor - processor_before, 2))
            for (clock_before, processor_before), (clock, processor) in pairwise(self._moments)
        ]
        return {
            "clock": [clock for clock, _ in spent],
            "processor": [processor for _, processor in spent],
            "peak_mb": peak_memory(),
        }


def peak_memory() -> int:
    """The most memory that this process has used so far, in millions of bytes."""
    import resource  # imported here, as Windows does not have it

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def load_training_images(count: int) -> "Dataset":
    """Load full MNIST, with only the first training images, `count` of them."""
    from mnist_cnn.data import load_images

    dataset = load_images(source="full")
    return replace(dataset, x_train=dataset.x_train[:count], y_train=dataset.y_train[:count])


def time_train(recipe: str, precision: str, images: int) -> TrainingMeasurement:
    """Time a recipe, trained by this package.

    Args:
        recipe: The name of the recipe.
        precision: The precision, "float32" or "mixed_bfloat16".
        images: Number of training images, including those for validation.
    """
    from mnist_cnn.data import split_validation
    from mnist_cnn.recipes import RECIPES
    from mnist_cnn.training import train

    dataset = load_training_images(images)
    timer = EpochTimer()
    epochs = RECIPES[recipe].epochs
    with tempfile.TemporaryDirectory() as runs:  # so that there is no run to continue
        os.environ["MNIST_CNN_RUNS"] = runs
        run = train(
            recipe,
            dataset,
            epochs=min(TIMED_EPOCHS, epochs),
            precision=precision,
            progress=timer,
        )
    (train_images, _), _ = split_validation(dataset.x_train, dataset.y_train)
    return {
        "epochs": epochs,
        "settings": asdict(RECIPES[recipe]),
        "parameters": sum(array.size for array in run.weights),
        "train_images": len(train_images),
        **timer.measurements(),
    }


def time_fit(network: str, precision: str, images: int) -> TrainingMeasurement:
    """Time a network, trained by plain Keras as the article trains its own.

    Args:
        network: The name of the network.
        precision: The precision, "float32" or "mixed_bfloat16".
        images: Number of training images, including those for validation.
    """
    from mnist_cnn.backend import keras

    dataset = load_training_images(images)
    timer = EpochTimer()
    callback = keras.callbacks.LambdaCallback(on_train_begin=timer, on_epoch_end=timer)
    model, _ = fit_as_in_the_article(
        network, precision, dataset, epochs=TIMED_EPOCHS, seed=0, callbacks=[callback]
    )
    return {
        "epochs": ARTICLE_EPOCHS,
        "settings": {},
        "parameters": model.count_params(),
        "train_images": int(images * (1 - ARTICLE_VALIDATION_SPLIT)),  # as Keras computes it
        **timer.measurements(),
    }


def time_torch(recipe: str, precision: str, images: int) -> TrainingMeasurement:
    """Time a recipe in PyTorch, in a process that has no TensorFlow.

    Args:
        recipe: The recipe, "relu".
        precision: The precision, "float32".
        images: Number of training images, including those for validation.
    """
    from mnist_cnn.recipes import RECIPES
    from peer_torch import fit

    if (recipe, precision) != ("relu", "float32"):
        raise ValueError(f"there is no PyTorch version of {recipe} in {precision}")
    dataset = load_training_images(images)
    timer = EpochTimer()
    parameters, train_images = fit(dataset, RECIPES[recipe], TIMED_EPOCHS, timer)
    return {
        "epochs": RECIPES[recipe].epochs,
        "settings": {},
        "parameters": parameters,
        "train_images": train_images,
        **timer.measurements(),
    }


def train_article(seed: int) -> ArticleMeasurement:
    """Train the article's network to the end, as the article does.

    Args:
        seed: The seed.
    """
    from mnist_cnn.data import load_images
    from mnist_cnn.device import choose_precision
    from mnist_cnn.models import build_model, predict

    dataset = load_images(source="full")
    precision = choose_precision()
    model, history = fit_as_in_the_article(
        "article", precision, dataset, epochs=ARTICLE_EPOCHS, seed=seed
    )
    # In float32, as `train` evaluates; the validation accuracy is what `fit` reports, in the
    # precision of training
    network = build_model("article")
    network.set_weights(model.get_weights())
    correct = predict(network, dataset.x_test).argmax(axis=1) == dataset.y_test
    return {
        "precision": precision,
        "validation": history["val_accuracy"][-1],
        "test": float(correct.mean()),
    }


def fit_as_in_the_article(
    network: str,
    precision: str,
    dataset: "Dataset",
    epochs: int,
    seed: int,
    callbacks: "list[keras.callbacks.Callback] | None" = None,
) -> "tuple[keras.Sequential, dict[str, list[float]]]":
    """Train a network by plain Keras with the article's optimizer, batches and validation split.

    Args:
        network: The name of the network.
        precision: The precision, "float32" or "mixed_bfloat16".
        dataset: The images to train on, of ten classes.
        epochs: Number of epochs.
        seed: The seed.
        callbacks: Keras's callbacks. Defaults to none.

    Returns:
        The trained network, and the history that `fit` returns.
    """
    from mnist_cnn.data import one_hot, prepare_images
    from mnist_cnn.device import fix_seed
    from mnist_cnn.models import build_model

    fix_seed(seed)
    model = build_model(network, precision)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    fitted = model.fit(
        prepare_images(dataset.x_train),
        one_hot(dataset.y_train),
        batch_size=64,
        epochs=epochs,
        validation_split=ARTICLE_VALIDATION_SPLIT,
        verbose=0,
        callbacks=callbacks,
    )
    return model, fitted.history


def time_import() -> ImportMeasurement:
    """Time the import of the package, in a process that has done nothing else."""
    start = time.perf_counter()
    import mnist_cnn.training  # noqa: F401

    return {"seconds": round(time.perf_counter() - start, 2)}


def time_views() -> ViewMeasurement:
    """Measure how fast the views respond in a browser."""
    from view_speed import measure_views

    return measure_views()


JOBS: dict[str, Callable[..., Mapping[str, object]]] = {
    "time_train": time_train,
    "time_fit": time_fit,
    "time_torch": time_torch,
    "train_article": train_article,
    "time_import": time_import,
    "time_views": time_views,
}

if __name__ == "__main__":
    kind, arguments = sys.argv[1:]
    print(json.dumps(JOBS[kind](**json.loads(arguments))))
