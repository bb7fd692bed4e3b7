"""Train a network by a recipe and save the run (notebook 04)."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mnist_cnn.augmentation import draw_transforms, transform_images
from mnist_cnn.backend import keras, usual_settings
from mnist_cnn.data import Dataset, Pair, one_hot, scale_pixels, split_validation
from mnist_cnn.device import device, fix_seed
from mnist_cnn.exceptions import Interrupted, RunError, SettingsMismatch
from mnist_cnn.machine import installed_version, threads
from mnist_cnn.models import build_model, predict
from mnist_cnn.recipes import Recipe, Settings, choose_settings
from mnist_cnn.runs import (
    SHIPPED,
    MadeWith,
    Run,
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

Progress = Callable[[Run], None]
"""Called with the run as it is at the start and after every epoch."""


def print_progress(run: Run) -> None:
    """Print one line after each epoch."""
    done, epochs = run.epochs_done, run.settings.epochs
    if done == 0:
        return
    if run.finished:
        time_needed = f"{run.seconds:.0f} s in all"
    else:
        time_needed = f"about {run.seconds / done * (epochs - done):.0f} s left"
    accuracy = run.history["val_accuracy"][-1]
    print(
        f"epoch {done:2} of {epochs}: validation accuracy {accuracy:.2%}, {time_needed}", flush=True
    )


def train(
    recipe: str,
    dataset: Dataset,
    *,
    epochs: int | None = None,
    seed: int = 0,
    precision: str | None = None,
    name: str | None = None,
    progress: Progress = print_progress,
) -> Run:
    """Train by a recipe on all but the last tenth of the training images; save the run.

    The seed fixes the first weights, the order of the images, their augmentation and dropout: the
    same seed gives the same weights on the same machine, whatever settings Keras has for other
    work. Validation is computed in float32, whatever the precision of training. The run is saved in
    runs/<name>.npz after every epoch. The same call continues one that was interrupted, for
    whatever reason, and ends with the same weights; where it cannot, as after an update of Keras,
    it says so. It does not train a finished one again. A run with other settings is set aside under
    another name.

    Args:
        recipe: a name in RECIPES.
        dataset: what to train and validate on; the test images are not used.
        epochs: how often to see every training image, at least 1; as the recipe says if left out.
        seed: a whole number from 0 up, below 2**32.
        precision: "float32" or "mixed_bfloat16"; what `choose_precision` says if left out.
        name: of the run; the recipe's name if left out. On the sample, "-sample" is appended.
        progress: called with the run at the start and after every epoch; prints a line if left out.

    Raises:
        RunError: another process is training this run, the loss is not a number any more, or the
            run cannot be saved.
        Interrupted: the user interrupted the training; the message says what was saved.
    """
    settings = choose_settings(recipe, dataset, epochs, seed, precision)
    return train_with(settings, dataset, name or recipe, progress)


def train_with(
    settings: Settings, dataset: Dataset, name: str, progress: Progress = print_progress
) -> Run:
    """Train with complete settings; `train`, which chooses them, says the rest.

    Raises:
        RunError: also if the settings are for other training images.
    """
    if settings.data != dataset.fingerprint:
        raise RunError("the settings are for other training images than those of the dataset")
    recipe, file = settings.recipe, run_file(name, dataset)
    conditions = describe_environment(dataset) | {"arithmetic": _describe_arithmetic()}
    with _lock_run(file, name):
        run = _load_or_set_aside(file, settings)
        if run and run.finished:
            print(
                f"{recipe}: runs/{file.name} is finished already; to train it again, delete that "
                "file"
            )
            progress(run)
            return run
        if run:
            print(
                f"{recipe}: continuing runs/{file.name} after epoch {run.epochs_done} of "
                f"{settings.epochs}{_say_what_changed(run.made_with, conditions)}"
            )
        try:
            with usual_settings():
                return _train_from(run, file, settings, dataset, conditions, progress)
        except KeyboardInterrupt:
            done = load_run(file).epochs_done if file.exists() else 0
            raise Interrupted(
                f"{done} of {settings.epochs} epochs are saved in runs/{file.name}. Run this cell "
                "again to continue."
            ) from None


def find_or_train(recipe: str, dataset: Dataset) -> Run:
    """Find a finished run of a recipe on these images; where there is none, train one now.

    The learner's own comes first, then the one that comes with the package. Prints which it is,
    and why the learner's was passed over. No run comes with the package for the sample, whose test
    digits are among those that the shipped networks trained on, none for images other than MNIST,
    and none for the recipe "short".

    Raises:
        RunError: it has to be trained, and cannot be; see `train`.
    """
    wanted = asdict(choose_settings(recipe, dataset))
    del wanted["seed"], wanted["precision"]  # any will do
    file = run_file(recipe, dataset)
    try:
        run = load_matching(file, wanted)
        if run.finished:
            print(f"{recipe}: your run, runs/{file.name}")
            return run
        why_not = f"was interrupted after epoch {run.epochs_done} of {run.settings.epochs}"
    except (FileNotFoundError, RunError) as error:
        why_not = _say_why_not(error)
    try:
        shipped = load_matching(SHIPPED / f"{recipe}.npz", wanted)
    except (FileNotFoundError, RunError):
        print(f"{recipe}: training now, as runs/{file.name} {why_not}")
        return train(recipe, dataset)
    print(f"{recipe}: the run that comes with the package, as runs/{file.name} {why_not}")
    return shipped


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compile a network with AdamW and cross-entropy, as a recipe says.

    Sources: Loshchilov and Hutter, "SGDR" (2017), for the schedule, here without restarts, and
    "Decoupled Weight Decay Regularization" (2019); Szegedy et al., "Rethinking the Inception
    Architecture" (2016), for label smoothing; Polyak and Juditsky, "Acceleration of Stochastic
    Approximation by Averaging" (1992).

    Args:
        model: the network.
        recipe: how to train it.
        steps: in the whole training; a learning rate with a schedule falls to zero in as many.
    """
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, decay_steps=steps)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    average = {"use_ema": True, "ema_momentum": recipe.averaging} if recipe.averaging else {}
    optimizer = keras.optimizers.AdamW(
        rate, beta_2=recipe.beta_2, weight_decay=recipe.weight_decay, **average
    )
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=_STEPS_PER_EXECUTION)


def describe_environment(dataset: Dataset) -> MadeWith:
    """What a run is made with besides its settings: `made_with` of runs and results.

    Returns:
        the `source` of the images as "data", the device, the backend, and versions of packages.
    """
    packages = ("mnist-cnn", "keras", "tensorflow", "numpy")
    return {
        "data": dataset.source,
        "device": device(),
        "backend": keras.backend.backend(),
        "versions": {package: installed_version(package) for package in packages},
    }


def epoch_order(n_images: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch sees the images: a permutation of 0..n_images - 1, int64.

    It depends on the seed and the epoch, counted from 0, alone.
    """
    return np.random.default_rng([seed, epoch]).permutation(n_images)


def _lock_run(file: Path, name: str) -> AbstractContextManager[object]:
    """Keep other processes from training the same run; a RunError says what to do if one is."""
    try:
        return lock(file)
    except BlockingIOError as error:
        raise RunError(
            f'{error} Wait for it, or give this run another name, as in train(…, name="{name}-2").'
        ) from None
    except OSError as error:
        raise RunError(
            f"Runs cannot be saved in {file.parent} ({error}). Name a folder that can be written, "
            'with os.environ["MNIST_CNN_RUNS"] = "…", and run the cell again.'
        ) from error


def _load_or_set_aside(file: Path, settings: Settings) -> Run | None:
    """The run with these settings, if it was begun; another one in its place is set aside."""
    try:
        return load_matching(file, asdict(settings))
    except FileNotFoundError:
        return None
    except RunError as error:
        why_not = _say_why_not(error)
    print(
        f"{settings.recipe}: runs/{file.name} {why_not}. It is now runs/{set_aside(file).name}; "
        "training a new run."
    )
    return None


def _say_why_not(error: Exception) -> str:
    """Why a run could not be loaded, as what is said of its file."""
    if isinstance(error, FileNotFoundError):
        return "does not exist yet"
    if isinstance(error, SettingsMismatch):
        return f"was made with other settings ({'; '.join(error.differences)})"
    return f"cannot be used: {error}"


def _describe_arithmetic() -> dict[str, str | int]:
    """What decides the last bits of the weights, besides settings, device, backend and versions.

    With other threads or instructions the same numbers are added in another order.
    """
    names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
    return {"threads": threads()} | {name: os.environ.get(name, "not set") for name in names}


def _say_what_changed(begun: MadeWith, now: MadeWith) -> str:
    """What is not as it was when a run was begun, to end a sentence with; nothing if all is."""
    before, after = _flatten(begun), _flatten(now)
    changed = [
        f"{name} {after[name]}, not {before[name]}"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
    if not changed:
        return ""
    return (
        f". Some things have changed since then ({'; '.join(changed)}): it will not end with "
        "exactly the weights of an uninterrupted training"
    )


def _flatten(conditions: MadeWith) -> dict[str, str | int]:
    """Those of a run's conditions that can change its weights, by name."""
    return {
        "device": conditions["device"],
        "backend": conditions["backend"],
        **conditions["versions"],
        **conditions.get("arithmetic", {}),  # older runs do not say
    }


def _train_from(
    run: Run | None,
    file: Path,
    settings: Settings,
    dataset: Dataset,
    conditions: MadeWith,
    progress: Progress,
) -> Run:
    """Train to the last epoch, from where the run is, or from the beginning if there is none."""
    fix_seed(settings.seed)
    (x_train, y_train), validation = split_validation(dataset.x_train, dataset.y_train)
    classes = len(dataset.class_names)
    targets = one_hot(y_train, classes)
    model = build_model(settings.network, settings.precision, classes, settings.seed)
    steps = -(-len(x_train) // settings.batch_size)  # in an epoch; the last batch may be smaller
    compile_model(model, settings, settings.epochs * steps)
    model.optimizer.build(model.trainable_variables)
    # The same network in float32, to validate and to save
    float32_model = build_model(settings.network, classes=classes)
    if run and not _restore_state(model, run):
        print(
            f"This version of Keras cannot continue the run; it is now runs/{set_aside(file).name}."
        )
        run = None
    if run is None:
        predicted, _ = _validate(model, float32_model, *validation)
        run = Run(
            settings=settings,
            made_with=conditions,
            seconds=0.0,
            history={},
            predicted=predicted[np.newaxis],
            weights=[],
            state=[],
        )
    start = time.perf_counter() - run.seconds
    progress(run)
    for epoch in range(run.epochs_done, settings.epochs):
        batches = _training_batches(x_train, targets, epoch, settings)
        fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
        predicted, validated = _validate(model, float32_model, *validation)
        scores = {name: values[0] for name, values in fitted.history.items()} | validated
        _check_scores(scores, epoch, settings)
        is_last = epoch + 1 == settings.epochs
        run = replace(
            run,
            made_with=conditions,
            seconds=round(time.perf_counter() - start, 1),
            history={
                name: [*run.history.get(name, []), float(value)] for name, value in scores.items()
            },
            predicted=np.vstack([run.predicted, predicted]),
            weights=float32_model.get_weights(),
            state=[] if is_last else [*map(keras.ops.convert_to_numpy, _state(model))],
        )
        save_run(file, run)
        progress(run)
    return run


def _state(model: keras.Model) -> list[keras.Variable]:
    """Everything that training changes: weights, the seeds of dropout, the optimizer's averages."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _restore_state(model: keras.Model, run: Run) -> bool:
    """Put the model where the run was saved; return whether its state fits this model."""
    state = _state(model)
    if [array.shape for array in run.state] != [variable.shape for variable in state]:
        return False
    for variable, array in zip(state, run.state, strict=True):
        variable.assign(array)
    return True


def _check_scores(scores: dict[str, float], epoch: int, settings: Settings) -> None:
    if not np.isfinite([*scores.values()]).all():
        raise RunError(
            f"In epoch {epoch + 1} of {settings.epochs} the loss is not a number any more, so "
            f"the training stopped; {epoch} epochs are saved. Most often the learning rate is "
            f"too high (it is {settings.learning_rate:g}): try a tenth of it."
        )


def _validate(
    model: keras.Model, float32_model: keras.Model, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Validate a model with its float32 copy, which gets its weights.

    Returns:
        the predicted classes, uint8 (n,), and accuracy and loss as the history calls them.
    """
    float32_model.set_weights(model.get_weights())
    probabilities = predict(float32_model, images)
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
            batch = scale_pixels(images[rows])
            if settings.augment:
                batch = transform_images(batch, draw_transforms(len(batch), rng))
            yield batch, targets[rows]

    signature = (
        tf.TensorSpec((None, 28, 28, 1), "float32"),
        tf.TensorSpec((None, targets.shape[1]), "float32"),
    )
    options = tf.data.Options()
    # With it, TensorFlow 2.21 often waits up to 4 s at the end of an epoch
    options.autotune.enabled = False
    steps = -(-len(images) // settings.batch_size)
    return (
        tf.data.Dataset.from_generator(batches, output_signature=signature)
        .prefetch(4)
        .with_options(options)
        .apply(tf.data.experimental.assert_cardinality(steps))
    )
