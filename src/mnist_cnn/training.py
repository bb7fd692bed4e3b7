"""Train a network by a recipe and keep the run (notebook 04)."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
import tensorflow as tf

from mnist_cnn.checks import Explained
from mnist_cnn.data import Mnist, one_hot, prepare_images, random_affine, split_validation
from mnist_cnn.device import fix_seed
from mnist_cnn.models import build_model, predict
from mnist_cnn.recipes import LABEL_SMOOTHING, check_recipe, settle
from mnist_cnn.runs import SHIPPED, Run, RunError, claim, count_epochs, load_run, open_run, runs_folder, save_run

# Batches that are worked through without asking Python, a tenth faster; Keras cannot do that with PyTorch.
_STEPS_PER_EXECUTION = 1 if keras.backend.backend() == "torch" else 16


Progress = Callable[[dict[str, list[float]], int, float], None]
"""Called with the history so far, the number of epochs to come to, and the seconds since the start."""


class Interrupted(Explained, KeyboardInterrupt):
    """A training was interrupted; the message says what was kept and how to go on."""


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
    The run is kept after every epoch. One that was interrupted, for whatever reason, goes on where it was when the
    same call comes again, and ends with the same weights; one that is finished is not trained again. (It may come from
    another machine, or from other versions; to continue one, they have to be the same.)

    Args:
        recipe: a name in RECIPES.
        digits: what to train, validate and test on.
        epochs: how often to see every training image, at least 1; as the recipe says if left out.
        seed: any whole number from 0 below 2**32.
        precision: "float32" or "mixed_bfloat16"; what `choose_precision` says if left out.
        name: of the run's folder; the recipe's name if left out, with "-sample" behind it on the sample.
        progress: called at the start and after every epoch; prints a line if left out.

    Raises:
        ValueError: an unknown recipe or precision, epochs or a seed out of range, or a name that is no folder's.
        RunError: the folder holds a run with other settings, somebody else is training there, or it cannot be written.
        Interrupted: by the user; the message says what was kept.
    """
    settings = settle(recipe, digits, epochs, seed, precision)
    folder = runs_folder() / _check_name(name or _run_name(recipe, digits))
    with claim(folder):
        try:
            run = open_run(folder)
            if run is not None:
                _check_settings(run, settings, any_precision=precision is None)
                if run.finished:
                    print(f"{recipe}: runs/{folder.name} is finished already; to train it anew, delete that folder")
                    progress(run.history, run.epochs, run.metrics["seconds"])
                    return run
                print(f"{recipe}: continuing runs/{folder.name} after epoch {run.epochs} of {settings['epochs']}")
            return _train_on(run, folder, settings, digits, progress)
        except KeyboardInterrupt:
            kept = f"{count_epochs(folder)} of {settings['epochs']} epochs"
            raise Interrupted(f"runs/{folder.name} keeps {kept}. Run this cell again to continue.") from None


def _train_on(run: Run | None, folder: Path, settings: dict, digits: Mnist, progress: Progress) -> Run:
    """Train from where a run is, or from the beginning, to the end."""
    fix_seed(settings["seed"])
    model = build_model(settings["network"], settings["precision"])
    (x_train, y_train), validation = split_validation(digits.x_train, digits.y_train)
    epochs, steps = settings["epochs"], -(-len(x_train) // settings["batch_size"])  # the last batch may be smaller
    compile_model(model, settings["learning_rate"], epochs * steps)
    scores = _Scores(build_model(settings["network"]), model.loss, *validation)
    before = 0.0  # seconds
    if run is None:
        scores.look(model)
    else:
        run.restore(model)
        scores.history, scores.predicted, before = run.history, list(run.predicted), run.metrics["seconds"]
    start = time.perf_counter() - before
    progress(scores.history, epochs, before)
    for epoch in range(run.epochs if run else 0, epochs):
        batches = _training_batches(x_train, y_train, epoch, settings)
        fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        scores.add_epoch(fitted.history, model)
        metrics = settings | {
            "seconds": round(time.perf_counter() - start, 1),  # validation included
            "val_accuracy": scores.history["val_accuracy"][-1],
        }
        last = epoch + 1 == epochs
        if last:
            metrics["test_accuracy"] = scores.accuracy(digits.x_test, digits.y_test)
        predicted = np.stack(scores.predicted)
        run = save_run(folder, scores.network, metrics, scores.history, predicted, None if last else model)
        progress(run.history, epochs, metrics["seconds"])
    return run


def find_run(recipe: str, digits: Mnist) -> Run:
    """Load a finished run on these digits: the learner's own, else the one that comes with the package. Says which.

    None comes with it for the sample, whose test digits are among those that the shipped networks trained on, and none
    for the recipe "short". There the learner's run is trained now if need be, in less than a minute.

    Raises:
        ValueError: an unknown recipe.
        RunError: it has to be trained, and cannot be; see `train`.
    """
    check_recipe(recipe)
    name = _run_name(recipe, digits)
    try:
        run = load_run(runs_folder() / name)
        if run.metrics["recipe"] != recipe:
            why = f"in runs/{name} there is a run of {run.metrics['recipe']}"
        elif run.finished:
            print(f"{recipe}: your run in runs/{name}, epochs: {run.epochs}")
            return run
        else:
            why = f"your run in runs/{name} was interrupted after epoch {run.epochs}"
    except FileNotFoundError:
        why = f"no run of yours in runs/{name} yet"
    except RunError:
        why = f"your run in runs/{name} is damaged"
    if digits.source == "full" and (SHIPPED / name).is_dir():
        print(f"{recipe}: {why}, so this is the one that comes with the package")
        return load_run(SHIPPED / name)
    print(f"{recipe}: {why}, so we train it now")
    return train(recipe, digits)


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


def _check_name(name: str) -> str:
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise ValueError(f"a run's name may have letters, digits, and . _ + - behind the first one; not {name!r}")
    return name


def _check_settings(run: Run, settings: dict, any_precision: bool) -> None:
    """See that a run was made with these settings; if it is finished, no matter on which machine."""
    before, folder = run.metrics, run.folder.parent
    other = {name for name, value in settings.items() if before.get(name) != value}
    if run.finished:
        other -= {"device", "versions", "backend", *(("precision",) if any_precision else ())}
    if other:
        differences = "; ".join(f"{n} {before.get(n)!r}, not {settings[n]!r}" for n in settings if n in other)
        raise RunError(
            f"runs/{folder.name} holds a run with other settings: {differences}. Give this one a name of its own, "
            f'as in train(…, name="{folder.name}-2"), or delete the folder {folder}.'
        )


def _training_batches(images: np.ndarray, labels: np.ndarray, epoch: int, settings: dict) -> tf.data.Dataset:
    """One epoch of batches, prepared as they are needed, which saves memory, while TensorFlow works on those before."""
    seed, batch_size, augment = settings["seed"], settings["batch_size"], settings["augment"]
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
