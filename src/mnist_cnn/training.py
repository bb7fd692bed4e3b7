"""Train a network by a recipe and save the run (notebook 04)."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mnist_cnn.augmentation import random_affine
from mnist_cnn.checks import NoTraceback
from mnist_cnn.data import Images, Pair, one_hot, prepare_images, split_validation
from mnist_cnn.device import device, fix_seed, usual_settings
from mnist_cnn.models import build_model, predict
from mnist_cnn.quiet import keras
from mnist_cnn.recipes import Recipe, Settings, choose_settings
from mnist_cnn.report import installed_version, threads
from mnist_cnn.runs import (
    SHIPPED,
    Run,
    RunError,
    load_matching,
    load_run,
    lock,
    run_file,
    save_run,
    set_aside,
)

# Batches between two returns to Python, which makes training a tenth faster; Keras cannot do that
# with PyTorch.
_STEPS_PER_EXECUTION = 1 if keras.backend.backend() == "torch" else 16

Progress = Callable[[dict[str, list[float]], int, float], None]
"""Called with the history so far, the number of epochs planned, and the seconds of training so far."""


class Interrupted(NoTraceback, KeyboardInterrupt):
    """A training was interrupted; the message says what was saved and how to continue."""


def print_progress(history: dict[str, list[float]], epochs: int, seconds: float) -> None:
    """Print one line after each epoch."""
    done = len(history.get("val_accuracy", ()))
    if done:
        when = (
            f"about {seconds / done * (epochs - done):.0f} s left"
            if done < epochs
            else f"{seconds:.0f} s in all"
        )
        print(
            f"epoch {done:2} of {epochs}: validation accuracy {history['val_accuracy'][-1]:.2%}, "
            f"{when}",
            flush=True,
        )


def train(
    recipe: str,
    digits: Images,
    *,
    epochs: int | None = None,
    seed: int = 0,
    precision: str | None = None,
    name: str | None = None,
    progress: Progress = print_progress,
) -> Run:
    """Train by a recipe on all but the last tenth of the training images; save the run in runs/<name>.npz.

    The seed fixes the first weights, the order of the images, their augmentation and dropout: the
    same seed gives the same weights on the same machine, whatever settings Keras has for other
    work. Validation is computed in float32, whatever the precision of training. The run is saved
    after every epoch. The same call continues one that was interrupted, for whatever reason, and
    ends with the same weights; where it cannot, as after an update of Keras, it says so. It does
    not train a finished one again. A run with other settings is set aside under another name.

    Args:
        recipe: a name in RECIPES.
        digits: what to train and validate on; the test images are not used.
        epochs: how often to see every training image, at least 1; as the recipe says if left out.
        seed: a whole number from 0 up, below 2**32.
        precision: "float32" or "mixed_bfloat16"; what `choose_precision` says if left out.
        name: of the run; the recipe's name if left out. On the sample, "-sample" is appended.
        progress: called at the start and after every epoch; prints a line if left out.

    Raises:
        RunError: another process is training this run, the loss is not a number any more, or the
            run cannot be saved.
        Interrupted: the user interrupted the training; the message says what was saved.
    """
    settings = choose_settings(recipe, digits, epochs, seed, precision)
    file = run_file(name or recipe, digits)
    another = f"{name or recipe}-2"
    with lock(file, f'give this run another name, as in train(…, name="{another}")'):
        run, why_not = load_matching(file, asdict(settings))
        if run is None and file.exists():
            print(
                f"{recipe}: runs/{file.name} {why_not}. It is now runs/{set_aside(file).name}; "
                "training a new run."
            )
        if run and run.finished:
            print(
                f"{recipe}: runs/{file.name} is finished already; to train it again, delete that "
                "file"
            )
            progress(run.history, run.epochs_done, run.seconds)
            return run
        if run:
            print(
                f"{recipe}: continuing runs/{file.name} after epoch {run.epochs_done} of "
                f"{settings.epochs}{_what_changed(run, digits)}"
            )
        try:
            with usual_settings():
                return _train_from(run, file, settings, digits, progress)
        except KeyboardInterrupt:
            done = load_run(file).epochs_done if file.exists() else 0
            raise Interrupted(
                f"{done} of {settings.epochs} epochs are saved in runs/{file.name}. Run this cell "
                "again to continue."
            ) from None


def find_run(recipe: str, digits: Images) -> Run:
    """Load a finished run of a recipe on these digits: the learner's own, else the one that comes with the package.

    Prints which, and why the learner's was passed over. No run comes with the package for the
    sample, whose test digits are among those that the shipped networks trained on, none for images
    other than MNIST, and none for the recipe "short": there it is trained now.

    Raises:
        RunError: it has to be trained, and cannot be; see `train`.
    """
    asked = asdict(choose_settings(recipe, digits, epochs=None, seed=0, precision=None))
    del asked["seed"], asked["precision"]  # any will do
    file = run_file(recipe, digits)
    run, why_not = load_matching(file, asked)
    if run and run.finished:
        print(f"{recipe}: your run, runs/{file.name}")
        return run
    if run:
        why_not = f"was interrupted after epoch {run.epochs_done} of {run.settings.epochs}"
    shipped, _ = load_matching(SHIPPED / f"{recipe}.npz", asked)
    if shipped:
        print(f"{recipe}: the run that comes with the package, as runs/{file.name} {why_not}")
        return shipped
    print(f"{recipe}: training now, as runs/{file.name} {why_not}")
    return train(recipe, digits)


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compile with AdamW and cross-entropy; a learning rate with a schedule falls to zero in so many steps.

    Sources: Loshchilov and Hutter, "SGDR" (2017), for the schedule, here without restarts, and
    "Decoupled Weight Decay Regularization" (2019); Szegedy et al., "Rethinking the Inception
    Architecture" (2016), for label smoothing; Polyak and Juditsky, "Acceleration of Stochastic
    Approximation by Averaging" (1992).
    """
    falling = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, decay_steps=steps)
    rate = falling if recipe.schedule == "cosine" else recipe.learning_rate
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    average = {"use_ema": True, "ema_momentum": recipe.averaging} if recipe.averaging else {}
    optimizer = keras.optimizers.AdamW(
        rate, beta_2=recipe.beta_2, weight_decay=recipe.weight_decay, **average
    )
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=_STEPS_PER_EXECUTION)


def made_with(digits: Images) -> dict:
    """What a run is made with on this machine, besides its settings: data, device, backend,
    versions.
    """
    versions = {
        package: installed_version(package)
        for package in ("mnist-cnn", "keras", "tensorflow", "numpy")
    }
    return {
        "data": digits.source,
        "device": device(),
        "backend": keras.backend.backend(),
        "versions": versions,
    }


def _arithmetic() -> dict[str, str | int]:
    """What decides the last bits of the weights, besides settings, device, backend and versions.

    With other threads or instructions the same numbers are added in another order.
    """
    names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
    return {"threads": threads()} | {name: os.environ.get(name, "not set") for name in names}


def _what_changed(run: Run, digits: Images) -> str:
    """What is not as it was when a run began, as the end of a sentence; nothing if all is."""
    begun, now = (
        {name: made[name] for name in ("device", "backend")}
        | made["versions"]
        | made.get("arithmetic", {})  # older runs do not say
        for made in (run.made_with, made_with(digits) | {"arithmetic": _arithmetic()})
    )
    changed = [
        f"{name} {now[name]}, not {begun[name]}"
        for name in sorted(begun.keys() & now.keys())
        if begun[name] != now[name]
    ]
    if not changed:
        return ""
    return (
        f". Some things have changed since then ({'; '.join(changed)}): it will not end with exactly "
        "the weights of an uninterrupted training"
    )


def epoch_order(images: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch (counted from 0) sees the images; it depends on seed and epoch
    alone.
    """
    return np.random.default_rng([seed, epoch]).permutation(images)


def _train_from(
    run: Run | None, file: Path, settings: Settings, digits: Images, progress: Progress
) -> Run:
    """Train to the last epoch, from where the run is, or from the beginning."""
    fix_seed(settings.seed)
    conditions = made_with(digits) | {"arithmetic": _arithmetic()}
    (x_train, y_train), validation = split_validation(digits.x_train, digits.y_train)
    classes = len(digits.class_names)
    targets = one_hot(y_train, classes)
    model = build_model(settings.network, settings.precision, classes, settings.seed)
    steps = -(-len(x_train) // settings.batch_size)  # in an epoch; the last batch may be smaller
    compile_model(model, settings, settings.epochs * steps)
    model.optimizer.build(model.trainable_variables)
    state = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    network = build_model(settings.network, classes=classes)  # to validate in float32, and to save
    if run and [array.shape for array in run.state] != [variable.shape for variable in state]:
        print(
            f"This version of Keras cannot continue the run; it is now runs/{set_aside(file).name}."
        )
        run = None
    if run is None:
        run = Run(
            settings,
            conditions,
            0.0,
            {},
            _validate(model, network, *validation)[0][np.newaxis],
            [],
            [],
        )
    for variable, array in zip(state, run.state, strict=False):  # a new run has none
        variable.assign(array)
    start = time.perf_counter() - run.seconds
    progress(run.history, settings.epochs, run.seconds)
    for epoch in range(run.epochs_done, settings.epochs):
        batches = _training_batches(x_train, targets, epoch, settings)
        fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        predicted, scores = _validate(model, network, *validation)
        scores = {name: values[0] for name, values in fitted.history.items()} | scores
        if not np.isfinite([*scores.values()]).all():
            raise RunError(
                f"In epoch {epoch + 1} of {settings.epochs} the loss is not a number any more, so "
                f"the training stopped; {epoch} epochs are saved. Most often the learning rate is "
                f"too high (it is {settings.learning_rate:g}): try a tenth of it."
            )
        run = replace(
            run,
            made_with=conditions,
            seconds=round(time.perf_counter() - start, 1),
            history={
                name: [*run.history.get(name, []), float(value)] for name, value in scores.items()
            },
            predicted=np.vstack([run.predicted, predicted]),
            weights=network.get_weights(),
            state=[
                keras.ops.convert_to_numpy(variable)
                for variable in state
                if epoch + 1 < settings.epochs
            ],
        )
        save_run(file, run)
        progress(run.history, settings.epochs, run.seconds)
    return run


def _validate(
    model: keras.Model, network: keras.Model, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """The answers, uint8 (n,), and what the history says of them; in float32, as the `network`
    computes.
    """
    network.set_weights(model.get_weights())
    probabilities = predict(network, images)
    predicted = probabilities.argmax(axis=1).astype("uint8")
    loss = model.loss(one_hot(labels, probabilities.shape[1]), probabilities)
    return predicted, {"val_accuracy": np.mean(predicted == labels), "val_loss": loss}


def _training_batches(
    images: np.ndarray, targets: np.ndarray, epoch: int, settings: Settings
) -> Iterable[Pair]:
    """One epoch of batches, each prepared while TensorFlow works on those before."""
    import tensorflow as tf  # after Keras, or its start-up messages appear

    # TensorFlow never frees what this refers to: so the order is made inside
    def batches() -> Iterator[Pair]:
        order = epoch_order(len(images), settings.seed, epoch)
        rng = np.random.default_rng([settings.seed, epoch, 1])  # another one than the order's
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            x = prepare_images(images[rows])
            yield random_affine(x, rng) if settings.augment else x, targets[rows]

    signature = (
        tf.TensorSpec((None, 28, 28, 1), "float32"),
        tf.TensorSpec((None, targets.shape[1]), "float32"),
    )
    options = tf.data.Options()
    # With it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch
    options.autotune.enabled = False
    dataset = (
        tf.data.Dataset.from_generator(batches, output_signature=signature)
        .prefetch(4)
        .with_options(options)
    )
    return dataset.apply(
        tf.data.experimental.assert_cardinality(-(-len(images) // settings.batch_size))
    )
