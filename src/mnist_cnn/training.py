"""Train a network by a recipe and keep the run (notebook 04)."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
import tensorflow as tf

from mnist_cnn.data import Mnist, one_hot, prepare_images, random_affine, split_validation
from mnist_cnn.models import build_model, predict
from mnist_cnn.runs import SHIPPED, Run, load_run, runs_folder, save_run

BATCH_SIZE = {"full": 128, "sample": 32}  # fewer images need smaller batches, or they get too few steps
LABEL_SMOOTHING = 0.1  # how much of each label is spread evenly over the ten digits

# Batches that are worked through without asking Python, a tenth faster; Keras cannot do that with PyTorch.
_STEPS_PER_EXECUTION = 1 if keras.backend.backend() == "torch" else 16


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

Progress = Callable[[dict[str, list[float]], int, float], None]
"""Called with the history so far, the number of epochs to come to, and the seconds since the start."""


def print_progress(history: dict[str, list[float]], epochs: int, seconds: float) -> None:
    """Print one line an epoch."""
    done = len(history.get("val_accuracy", ()))
    if done:
        when = f"about {seconds / done * (epochs - done):.0f} s left" if done < epochs else f"{seconds:.0f} s in all"
        print(f"epoch {done:2} of {epochs}: validation accuracy {history['val_accuracy'][-1]:.2%}, {when}", flush=True)


def train(
    recipe: str,
    digits: Mnist,
    *,
    epochs: int | None = None,
    seed: int = 0,
    precision: str | None = None,
    name: str | None = None,
    progress: Progress = print_progress,
) -> Run:
    """Train by a recipe on all but the last tenth of the training images and keep the run in `runs/<name>/`.

    The seed fixes the first weights, the order of the images, their augmentation and dropout, so the same seed gives
    the same weights on the same machine. What is reported is computed in float32, whatever the precision of training.
    An older run of that name is replaced once the new one is complete.

    Args:
        recipe: a name in RECIPES.
        digits: what to train, validate and test on.
        epochs: how often to see every training image, at least 1; as the recipe says if left out.
        seed: any whole number from 0.
        precision: "float32" or "mixed_bfloat16"; what `choose_precision` says if left out.
        name: of the run's folder; the recipe's name if left out, with "-sample" behind it on the sample.
        progress: called at the start and after every epoch; prints a line if left out.

    Raises:
        ValueError: an unknown recipe or precision, or epochs below 1.
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe must be one of {', '.join(RECIPES)}; not {recipe!r}")
    settings = RECIPES[recipe]
    epochs = settings.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, not {epochs}")
    precision = precision or choose_precision()

    fix_seed(seed)
    model = build_model(settings.network, precision)
    (x_train, y_train), validation = split_validation(digits.x_train, digits.y_train)
    batch_size = BATCH_SIZE[digits.source]
    steps = -(-len(x_train) // batch_size)  # rounded up: the last batch may be smaller
    compile_model(model, settings.learning_rate, epochs * steps)
    scores = _Scores(build_model(settings.network), model.loss, *validation)
    start = time.perf_counter()
    scores.look(model)
    progress(scores.history, epochs, 0.0)
    for epoch in range(epochs):
        batches = _training_batches(x_train, y_train, batch_size, seed, epoch, settings.augment)
        fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        scores.add_epoch(fitted.history, model)
        seconds = time.perf_counter() - start
        progress(scores.history, epochs, seconds)
    metrics = {
        "recipe": recipe,
        **asdict(settings),
        "epochs": epochs,
        "seed": seed,
        "data": digits.source,
        "precision": precision,
        "device": device(),
        "seconds": round(seconds, 1),  # validation included
        "train_images": len(x_train),
        "batch_size": batch_size,
        "label_smoothing": LABEL_SMOOTHING,
        "parameters": model.count_params(),
        "val_accuracy": scores.history["val_accuracy"][-1],
        "test_accuracy": scores.accuracy(digits.x_test, digits.y_test),
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "backend": keras.backend.backend(),
    }
    folder = runs_folder() / (name or _run_name(recipe, digits))
    return save_run(folder, scores.network, metrics, scores.history, np.stack(scores.predicted))


def find_run(recipe: str, digits: Mnist) -> Run:
    """Load a run on these digits: the learner's own, else the one that comes with the package. Says which.

    None comes with it for the sample, whose test digits are among those that the shipped networks trained on, and none
    for the recipe "short". There the learner's run is trained now if it is missing, in less than a minute.

    Raises:
        ValueError: an unknown recipe.
    """
    name = _run_name(recipe, digits)
    try:
        run = load_run(runs_folder() / name)
    except FileNotFoundError:
        if digits.source == "full" and (SHIPPED / name).is_dir():
            print(f"{recipe}: no run of yours in runs/{name} yet, so this is the one that comes with the package")
            return load_run(SHIPPED / name)
        print(f"{recipe}: no run in runs/{name} yet, so we train one now")
        return train(recipe, digits)
    print(f"{recipe}: your run in runs/{name}, epochs: {run.metrics['epochs']}")
    return run


def choose_precision(cpu: Path = Path("/proc/cpuinfo")) -> str:
    """The number format to train in: "mixed_bfloat16" where that was measured to be faster, else "float32".

    It was measured on CPUs with AVX-512 BF16 instructions, under Linux, with TensorFlow and its oneDNN library, which
    it uses unless told otherwise (benchmarks/README.md has the figures). Without them it takes many times as long.

    Args:
        cpu: the file in which Linux describes the processor; elsewhere there is none.
    """
    instructions = cpu.is_file() and " avx512_bf16" in cpu.read_text()
    library = keras.backend.backend() == "tensorflow" and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    return "mixed_bfloat16" if instructions and library and device() == "CPU" else "float32"


def fix_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras; on a GPU also choose deterministic kernels, which are somewhat slower."""
    keras.utils.set_random_seed(seed)
    if device() == "GPU" and keras.backend.backend() == "tensorflow":
        tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, learning_rate: float, steps: int) -> None:
    """Say how to learn: Adam, cross-entropy, and a learning rate that falls to zero in so many steps.

    The schedule is that of Loshchilov and Hutter, "SGDR" (2017), without restarts; label smoothing that of Szegedy et
    al., "Rethinking the Inception Architecture" (2016).
    """
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=steps)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING)
    optimizer = keras.optimizers.Adam(schedule)
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=_STEPS_PER_EXECUTION)


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch (counted from 0) sees the images; it depends on seed and epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def device() -> str:
    """What Keras computes on: "GPU" or "CPU"."""
    if keras.backend.backend() == "torch":  # Keras 3.15 cannot list its devices
        import torch

        return "GPU" if torch.cuda.is_available() else "CPU"
    return keras.distribution.list_devices()[0].split(":")[0].upper()


class _Scores:
    """What a run keeps of every epoch, computed by a float32 twin of the network in training."""

    def __init__(self, network: keras.Model, loss: keras.losses.Loss, x_val: np.ndarray, y_val: np.ndarray):
        self.history: dict[str, list[float]] = {}
        self.predicted: list[np.ndarray] = []  # before the first epoch, and after each
        self.network, self._loss, self._x_val, self._y_val = network, loss, x_val, y_val

    def look(self, model: keras.Model) -> dict[str, float]:
        """Read the validation images with the network as it is now; return what the history says of it."""
        self.network.set_weights(model.get_weights())
        probabilities = predict(self.network, self._x_val)
        self.predicted.append(probabilities.argmax(axis=1).astype("uint8"))
        return {
            "val_accuracy": np.mean(self.predicted[-1] == self._y_val),
            "val_loss": self._loss(one_hot(self._y_val), probabilities),
        }

    def add_epoch(self, fitted: dict[str, list[float]], model: keras.Model) -> None:
        """Add what `fit` said of an epoch, and how the network does after it."""
        for key, value in ({key: values[0] for key, values in fitted.items()} | self.look(model)).items():
            self.history.setdefault(key, []).append(float(value))

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The accuracy on other images, in 0..1, of the network last looked at."""
        return float(np.mean(predict(self.network, images).argmax(axis=1) == labels))


def _run_name(recipe: str, digits: Mnist) -> str:
    return recipe if digits.source == "full" else f"{recipe}-{digits.source}"


def _training_batches(
    images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int, epoch: int, augment: bool
) -> tf.data.Dataset:
    """One epoch of batches, prepared as they are needed, which saves memory, while TensorFlow works on those before."""
    order = epoch_order(len(images), seed, epoch)
    rng = np.random.default_rng([seed, epoch, 1])  # another one than the order's

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            x = prepare_images(images[rows])
            yield random_affine(x, rng) if augment else x, one_hot(labels[rows])

    signature = (tf.TensorSpec((None, 28, 28, 1), "float32"), tf.TensorSpec((None, 10), "float32"))
    options = tf.data.Options()
    options.autotune.enabled = False  # with it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(4).with_options(options)
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(order) // batch_size)))
