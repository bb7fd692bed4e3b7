"""Train a network by a recipe and save the run (notebook 04)."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from mnist_cnn.arguments import check_choice, check_seed, check_whole
from mnist_cnn.backend import keras, usual_settings
from mnist_cnn.batches import count_batches, training_batches
from mnist_cnn.data import Dataset, Pair, check_dataset, one_hot, split_validation
from mnist_cnn.device import choose_precision, fix_seed
from mnist_cnn.environment import (
    RunEnvironment,
    add_changes,
    describe_arithmetic,
    describe_environment,
    find_changes,
)
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.folders import short_path
from mnist_cnn.locking import is_locked
from mnist_cnn.models import build_model, predict
from mnist_cnn.recipes import PRECISIONS, RECIPES, Recipe, Settings, choose_batch_size
from mnist_cnn.runs import (
    SHIPPED,
    Reporter,
    Run,
    load_matching,
    load_run,
    open_run,
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
    """Print a line after each epoch: how good the network is, and how long it will still take."""
    done, epochs = run.epochs_done, run.settings.epochs
    if done == 0:
        return
    if run.finished:
        time_needed = f"{run.seconds:.0f} s in all"
    else:
        time_needed = f"about {run.seconds_left:.0f} s left"
    accuracy = run.history["val_accuracy"][-1]
    print(
        f"{run.settings.recipe}: epoch {done:2} of {epochs}, validation accuracy {accuracy:.2%}, "
        f"{time_needed}",
        flush=True,
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
        recipe: A name in RECIPES.
        dataset: What to train and validate on. The test images are not used.
        epochs: How often to see every training image, at least once. Defaults to the recipe's.
        seed: A whole number from 0 up, below 2**32.
        precision: "float32" or "mixed_bfloat16". Defaults to what `choose_precision` says.
        name: Name of the run. Defaults to the recipe's name. On other images than full MNIST, the
            dataset's suffix is appended, as in "relu-sample", or "relu-5000" for 5,000 images.
        progress: Called with the run at the start and after every epoch. Prints a line by default.

    Returns:
        The run after its last epoch.

    Raises:
        RunError: Another process is training this run, the loss became NaN or infinite, or the
            run cannot be saved.
        Interrupted: The user interrupted the training; the message says what was saved.
    """
    settings = choose_settings(recipe, dataset, epochs, seed, precision)
    return train_with(settings, dataset, name or recipe, progress)


def train_with(
    settings: Settings,
    dataset: Dataset,
    name: str,
    progress: Progress = print_progress,
    report: Reporter = print,
) -> Run:
    """Train with complete settings; `train` chooses them and then calls this.

    Args:
        settings: How to train.
        dataset: What to train and validate on.
        name: Name of the run.
        progress: As in `train`.
        report: Called with a sentence if the run is finished already, continues, or is set aside.

    Returns:
        The run after its last epoch.

    Raises:
        RunError: As in `train`, or the settings are for other training images.
        Interrupted: As in `train`.
    """
    if settings.fingerprint != dataset.fingerprint:
        raise RunError("the settings are for other training images than those of the dataset")
    environment: RunEnvironment = {
        **describe_environment(dataset.source),  # type: ignore[typeddict-item]  # no other keys
        "arithmetic": describe_arithmetic(),
    }
    with open_run(name, dataset, settings, report) as (file, run):
        if run and run.finished:
            report(
                f"{settings.recipe}: {short_path(file)} is finished already; to train it again, "
                "delete that file"
            )
            progress(run)
            return run
        try:
            with usual_settings():
                setup = _set_up(settings, dataset, environment)
                run = _resume(setup, run, file, report) if run else _untrained_run(setup)
                return _train_epochs(setup, run, file, progress)
        except KeyboardInterrupt:
            done = load_run(file).epochs_done if file.exists() else 0
            raise Interrupted(
                f"{done} of {settings.epochs} epochs are saved in {short_path(file)}. Run this "
                "cell again to continue."
            ) from None


def choose_settings(
    recipe: str,
    dataset: Dataset,
    epochs: int | None = None,
    seed: int = 0,
    precision: str | None = None,
) -> Settings:
    """Complete a recipe to the settings of a run.

    The arguments are those of `train`, which explains them.
    """
    check_choice("recipe", recipe, RECIPES)
    check_dataset(dataset)
    seed = check_seed(seed)
    if precision is None:
        precision = choose_precision()
    check_choice("precision", precision, PRECISIONS)
    chosen = asdict(RECIPES[recipe])
    if epochs is not None:
        chosen["epochs"] = check_whole("epochs", epochs, 1)
    return Settings(
        **chosen,
        recipe=recipe,
        batch_size=choose_batch_size(len(dataset.x_train)),
        precision=precision,
        seed=seed,
        fingerprint=dataset.fingerprint,
    )


def find_or_train(recipe: str, dataset: Dataset) -> Run:
    """Find a finished run of a recipe on these images; where there is none, train one now.

    The learner's own comes first, then the one that comes with the package. Prints which it is,
    and why the learner's was passed over. No run comes with the package for the sample, whose test
    digits are among those that the shipped networks trained on, none for images other than MNIST,
    and none for the recipe "short". If another notebook is training the run, this waits for it.

    Args:
        recipe: A name in RECIPES.
        dataset: The images that the run was, or is to be, trained on.

    Returns:
        The finished run.

    Raises:
        RunError: It has to be trained, and cannot be; see `train`.
    """
    wanted = asdict(choose_settings(recipe, dataset))
    del wanted["seed"], wanted["precision"]  # any will do
    file = run_file(recipe, dataset)
    seed, precision = 0, None
    try:
        run = load_matching(file, wanted)
        if run.finished:
            print(f"{recipe}: your run, {short_path(file)}")
            return run
        seed, precision = run.settings.seed, run.settings.precision  # to continue this one
        reason = (
            f"{short_path(file)} was interrupted after epoch {run.epochs_done} of "
            f"{run.settings.epochs}"
        )
    except RunError as error:
        reason = str(error)
    with suppress(RunError):
        shipped = load_matching(SHIPPED / f"{recipe}.npz", wanted)
        print(f"{recipe}: the run that comes with the package, as {reason}")
        return shipped
    if is_locked(file):
        print(f"{recipe}: another notebook or program is training it; waiting until it has done so")
        while is_locked(file):
            time.sleep(0.5)
        return find_or_train(recipe, dataset)
    print(f"{recipe}: training now, as {reason}")
    return train(recipe, dataset, seed=seed, precision=precision)


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compile a network with AdamW and cross-entropy, as a recipe says.

    Sources: Loshchilov and Hutter, "SGDR" (2017), for the schedule, here without restarts, and
    "Decoupled Weight Decay Regularization" (2019); Szegedy et al., "Rethinking the Inception
    Architecture" (2016), for label smoothing; Polyak and Juditsky, "Acceleration of Stochastic
    Approximation by Averaging" (1992), for averaging; here the average is exponential, and each
    epoch starts from the last one's average, as `train` calls `fit` for each epoch.

    Args:
        model: The network.
        recipe: How to train it.
        steps: Batches in all epochs together. With the cosine schedule the learning rate falls to
            zero over that many steps.
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


@dataclass(frozen=True)
class _Setup:
    """What a training run works on and with.

    Attributes:
        settings: How to train.
        environment: What else the weights depend on, as the run records it.
        model: The network, in the precision of training.
        float32_model: The same network in float32, to validate and to save.
        training: Images, uint8 (n, 28, 28), and one-hot labels, float32 (n, classes).
        validation: Images, uint8 (n, 28, 28), and labels, uint8 (n,).
    """

    settings: Settings
    environment: RunEnvironment
    model: keras.Model
    float32_model: keras.Model
    training: Pair
    validation: Pair


def _set_up(settings: Settings, dataset: Dataset, environment: RunEnvironment) -> _Setup:
    fix_seed(settings.seed)
    (images, labels), validation = split_validation(dataset.x_train, dataset.y_train)
    classes = len(dataset.class_names)
    model = build_model(settings.network, settings.precision, classes, settings.seed)
    float32_model = build_model(settings.network, classes=classes)
    steps = settings.epochs * count_batches(len(images), settings.batch_size)
    compile_model(model, settings, steps)
    model.optimizer.build(model.trainable_variables)
    training = images, one_hot(labels, classes)
    return _Setup(settings, environment, model, float32_model, training, validation)


def _untrained_run(setup: _Setup) -> Run:
    """The run before its first epoch."""
    predicted, _ = _validate(setup)
    return Run(
        settings=setup.settings,
        environment=setup.environment,
        seconds=0.0,
        history={},
        predicted=predicted[np.newaxis],
        weights=[],
        state=[],
    )


def _resume(setup: _Setup, run: Run, file: Path, report: Reporter) -> Run:
    """Put the model where the run was saved, or set the run aside if it no longer fits.

    Returns:
        The run to continue: the saved one, or an untrained one.
    """
    state = _state(setup.model)
    if [array.shape for array in run.state] != [variable.shape for variable in state]:
        aside = short_path(set_aside(file))
        report(
            f"{run.settings.recipe}: this version of Keras cannot continue {short_path(file)}. It "
            f"is now {aside}; training a new run."
        )
        return _untrained_run(setup)
    report(_describe_continuation(run, file, setup.environment))
    for variable, array in zip(state, run.state, strict=True):
        variable.assign(array)
    environment = add_changes(setup.environment, run.environment, run.epochs_done)
    return replace(run, environment=environment)


def _describe_continuation(run: Run, file: Path, environment: RunEnvironment) -> str:
    """Say after which epoch a run continues, and what has changed since that may matter."""
    message = (
        f"{run.settings.recipe}: continuing {short_path(file)} after epoch {run.epochs_done} of "
        f"{run.settings.epochs}"
    )
    changes = find_changes(run.environment, environment)
    if changes:
        message += (
            f". Some things have changed since then ({'; '.join(changes)}): it will not end with "
            "exactly the weights of an uninterrupted training"
        )
    return message


def _train_epochs(setup: _Setup, run: Run, file: Path, progress: Progress) -> Run:
    """Train to the last epoch, from where the run is; save the run after each."""
    start = time.perf_counter() - run.seconds
    progress(run)
    for epoch in range(run.epochs_done, setup.settings.epochs):
        run = _train_epoch(setup, run, epoch)
        run = replace(run, seconds=round(time.perf_counter() - start, 1))
        save_run(file, run)
        progress(run)
    return run


def _train_epoch(setup: _Setup, run: Run, epoch: int) -> Run:
    """Train for an epoch, counted from 0; return the run after it, but for its seconds."""
    model, settings = setup.model, setup.settings
    batches = training_batches(*setup.training, epoch, settings)
    fitted = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
    predicted, validated = _validate(setup)
    scores = {name: values[0] for name, values in fitted.history.items()} | validated
    if not np.isfinite([*scores.values()]).all():
        raise RunError(
            f"In epoch {epoch + 1} of {settings.epochs} the loss became NaN or infinite, so "
            f"the training stopped; {epoch} epochs are saved. Most often the learning rate is "
            f"too high (it is {settings.learning_rate:g}): try a tenth of it."
        )
    is_last = epoch + 1 == settings.epochs
    return replace(
        run,
        history={
            name: [*run.history.get(name, []), float(value)] for name, value in scores.items()
        },
        predicted=np.vstack([run.predicted, predicted]),
        weights=model.get_weights(),
        state=[] if is_last else [*map(keras.ops.convert_to_numpy, _state(model))],
    )


def _state(model: keras.Model) -> list[keras.Variable]:
    """Everything that training changes: weights, the seeds of dropout, the optimizer's averages."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _validate(setup: _Setup) -> tuple[np.ndarray, dict[str, float]]:
    """Copy the weights into the float32 network and validate it.

    Returns:
        The predicted classes, uint8 (n,), and accuracy and loss by their names in the history.
    """
    images, labels = setup.validation
    setup.float32_model.set_weights(setup.model.get_weights())
    probabilities = predict(setup.float32_model, images)
    predicted = probabilities.argmax(axis=1).astype("uint8")
    loss = setup.model.loss(one_hot(labels, probabilities.shape[1]), probabilities)
    scores = {"val_accuracy": float(np.mean(predicted == labels)), "val_loss": float(loss)}
    return predicted, scores
