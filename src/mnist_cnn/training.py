"""Train a network for twenty epochs and keep the run (notebook 04)."""

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
import tensorflow as tf

from mnist_cnn.data import Mnist, one_hot, prepare_images, split_validation
from mnist_cnn.models import build_model

EPOCHS = 20  # as in the article
BATCH_SIZE = {"full": 128, "sample": 32}  # fewer images need smaller batches, or they get too few steps
LEARNING_RATE = 1.5e-3  # at the start; it falls to zero along half a cosine

_FILES = ("model.weights.h5", "history.json", "predictions.npz", "metrics.json")

Progress = Callable[[dict[str, list[float]], int, float], None]
"""Called with the history so far, the number of epochs to come to, and the seconds since the start."""


def print_progress(history: dict[str, list[float]], epochs: int, seconds: float) -> None:
    """Print one line an epoch."""
    done = len(history.get("val_accuracy", ()))
    if done:
        when = f"about {seconds / done * (epochs - done):.0f} s left" if done < epochs else f"{seconds:.0f} s in all"
        print(f"epoch {done:2} of {epochs}: validation accuracy {history['val_accuracy'][-1]:.2%}, {when}", flush=True)


@dataclass(frozen=True, eq=False)
class Run:
    """One finished training, as it lies in its folder."""

    folder: Path
    metrics: dict  # network, epochs, seed, data, precision, device, seconds, accuracies, versions
    history: dict[str, list[float]]  # accuracy, loss, val_accuracy, val_loss: one number an epoch
    predicted: np.ndarray  # uint8 (epochs, test images): the digit predicted after each epoch
    confidence: np.ndarray  # float16 (epochs, test images) in 0..1: its probability

    def load_model(self) -> keras.Sequential:
        """Build the network anew and load the weights of the last epoch into it."""
        model = build_model(self.metrics["network"])
        model.load_weights(self.folder / "model.weights.h5")
        return model


def train(
    network: str,
    digits: Mnist,
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    name: str | None = None,
    progress: Progress = print_progress,
) -> Run:
    """Train a network on all but the last tenth of the training images and keep the run in `runs/<name>/`.

    The seed fixes the first weights, the order of the images and dropout, so the same seed gives the same weights
    on the same machine. An older run of that name is replaced once the new one is complete.

    Args:
        network: a name that `build_model` knows.
        digits: what to train, validate and test on.
        epochs: how often to see every training image, at least 1.
        seed: any whole number from 0.
        name: of the run's folder; the network's name if left out, with "-sample" behind it on the sample.
        progress: called at the start and after every epoch; prints a line if left out.

    Raises:
        ValueError: an unknown network, or epochs below 1.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, not {epochs}")
    fix_seed(seed)
    model = build_model(network)
    (x_train, y_train), (x_val, y_val) = split_validation(digits.x_train, digits.y_train)
    batch_size = BATCH_SIZE[digits.source]
    steps = -(-len(x_train) // batch_size)  # rounded up: the last batch may be smaller
    compile_model(model, epochs * steps)

    recorder = _Recorder(digits.x_test, epochs, progress)
    model.fit(
        _training_batches(x_train, y_train, batch_size, seed),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=_evaluation_batches((prepare_images(x_val), one_hot(y_val))),
        shuffle=False,  # the batches come shuffled
        verbose=0,
        callbacks=[recorder],
    )
    metrics = {
        "network": network,
        "epochs": epochs,
        "seed": seed,
        "data": digits.source,
        "precision": keras.config.dtype_policy().name,
        "device": device(),
        "seconds": round(recorder.seconds, 1),  # validation and the test predictions of every epoch included
        "train_images": len(x_train),
        "batch_size": batch_size,
        "parameters": model.count_params(),
        "val_accuracy": recorder.history["val_accuracy"][-1],
        "test_accuracy": float(np.mean(recorder.predicted[-1] == digits.y_test)),
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
    }
    return _save_run(runs_folder() / (name or _run_name(network, digits)), model, metrics, recorder)


def find_run(network: str, digits: Mnist) -> Run:
    """Load the learner's run of a network on these digits; train one if there is none. Says which."""
    name = _run_name(network, digits)
    try:
        run = load_run(runs_folder() / name)
    except FileNotFoundError:
        print(f"{network}: no run in runs/{name} yet, so we train one now")
        return train(network, digits)
    print(f"{network}: your run in runs/{name}, epochs: {run.metrics['epochs']}")
    return run


def load_run(folder: Path) -> Run:
    """Load a run from its folder.

    Raises:
        FileNotFoundError: there is no complete run in the folder.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"No complete run in {folder}: {missing[0]} is missing. Run notebook 04 first.")
    metrics = json.loads((folder / "metrics.json").read_text())
    history = json.loads((folder / "history.json").read_text())
    with np.load(folder / "predictions.npz", allow_pickle=False) as predictions:
        return Run(folder, metrics, history, predictions["predicted"], predictions["confidence"])


def runs_folder() -> Path:
    """Where runs are kept: `runs/` beside `notebooks/`, or what the environment variable MNIST_CNN_RUNS names."""
    if os.environ.get("MNIST_CNN_RUNS"):
        return Path(os.environ["MNIST_CNN_RUNS"])
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / "notebooks").is_dir()), here)
    return top / "runs"


def fix_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras; on a GPU also choose deterministic kernels, which are somewhat slower."""
    keras.utils.set_random_seed(seed)
    if device() == "GPU":
        tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, steps: int) -> None:
    """Say how to learn: Adam, cross-entropy, and a learning rate that falls to zero in so many steps.

    The schedule is that of Loshchilov and Hutter, "SGDR" (2017), without restarts.
    """
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, decay_steps=steps)
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss="categorical_crossentropy", metrics=["accuracy"])


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch (counted from 0) sees the images; it depends on seed and epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(images)


def device() -> str:
    """What Keras computes on: "GPU" or "CPU"."""
    return keras.distribution.list_devices()[0].split(":")[0].upper()


class _Recorder(keras.callbacks.Callback):
    """Keep what a run needs after every epoch: the history, the test predictions, the time."""

    def __init__(self, x_test: np.ndarray, epochs: int, progress: Progress):
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.predicted: list[np.ndarray] = []
        self.confidence: list[np.ndarray] = []
        self.seconds = 0.0
        self._test = _evaluation_batches(prepare_images(x_test))
        self._progress = lambda: progress(self.history, epochs, self.seconds)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._start = time.perf_counter()
        self._progress()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        for key, value in logs.items():
            self.history.setdefault(key, []).append(float(value))
        probabilities = self.model.predict(self._test, verbose=0)
        self.predicted.append(probabilities.argmax(axis=1).astype("uint8"))
        self.confidence.append(probabilities.max(axis=1).astype("float16"))
        self.seconds = time.perf_counter() - self._start
        self._progress()


def _run_name(network: str, digits: Mnist) -> str:
    return network if digits.source == "full" else f"{network}-{digits.source}"


def _training_batches(images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int) -> tf.data.Dataset:
    """Batches without end, one shuffled epoch after the other, prepared as they are needed to save memory."""

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for epoch in count():
            order = epoch_order(len(images), seed, epoch)
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                yield prepare_images(images[rows]), one_hot(labels[rows])

    signature = (tf.TensorSpec((None, 28, 28, 1), "float32"), tf.TensorSpec((None, 10), "float32"))
    return _without_autotune(tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2))


def _evaluation_batches(arrays: tuple | np.ndarray) -> tf.data.Dataset:
    return _without_autotune(tf.data.Dataset.from_tensor_slices(arrays).batch(500))


def _without_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Stop tf.data from tuning itself: with it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _save_run(folder: Path, model: keras.Model, metrics: dict, recorder: _Recorder) -> Run:
    """Write the run aside, and only when it is complete put it in the place of an older one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
        new = Path(aside, "run")
        new.mkdir()
        weights_only = build_model(metrics["network"])  # no optimizer, whose state would triple the file
        weights_only.set_weights(model.get_weights())
        weights_only.save_weights(new / "model.weights.h5")
        predictions = {"predicted": np.stack(recorder.predicted), "confidence": np.stack(recorder.confidence)}
        np.savez_compressed(new / "predictions.npz", **predictions)
        (new / "history.json").write_text(json.dumps(recorder.history, indent=1) + "\n")
        (new / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
        if folder.exists():
            folder.rename(Path(aside, "old"))
        new.rename(folder)
    return load_run(folder)
