"""Training: what it computes, what it saves, and which run a notebook gets to see."""

import random
import re
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_cnn import batches
from mnist_cnn.augmentation import draw_transforms
from mnist_cnn.batches import epoch_order
from mnist_cnn.data import Dataset, one_hot, prepare_images, split_validation
from mnist_cnn.device import fix_seed
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.locking import lock
from mnist_cnn.models import build_model, predict
from mnist_cnn.recipes import PRECISIONS, RECIPES, Recipe
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.training import find_or_train, print_progress, train
from repository import ROOT
from run_helpers import interrupt_after, weights_of


@pytest.mark.parametrize(
    "recipe, optimizer, loss",
    [
        pytest.param(
            "relu",
            partial(keras.optimizers.AdamW, weight_decay=0.02),
            "categorical_crossentropy",
            id="relu",
        ),
        pytest.param(
            "short",
            partial(keras.optimizers.Adam, beta_2=0.97),  # without a decay AdamW is Adam
            keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            id="short",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_training_in_steps_of_keras_gives_the_same_weights(
    few: Dataset,
    runs: Path,
    recipe: str,
    optimizer: Callable[..., keras.Optimizer],
    loss: str | keras.Loss,
) -> None:
    """No batch is left out or seen twice; an epoch has 15, less than TensorFlow takes at a time."""
    settings = RECIPES[recipe]
    run = train(recipe, few, epochs=2, seed=3, precision="float32")
    keras.utils.set_random_seed(3)
    model = build_model(settings.network)
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, decay_steps=2 * 15)
    model.compile(optimizer(schedule), loss, metrics=["accuracy"])
    (x, y), (x_val, y_val) = split_validation(few.x_train, few.y_train)
    for epoch in range(2):
        order = epoch_order(len(x), 3, epoch)
        fitted = model.fit(
            prepare_images(x[order]), one_hot(y[order]), 32, shuffle=False, verbose=0
        )
        assert fitted.history["loss"][0] == pytest.approx(run.history["loss"][epoch], rel=1e-5)
        val_loss, val_accuracy = model.evaluate(prepare_images(x_val), one_hot(y_val), verbose=0)
        assert run.history["val_loss"][epoch] == pytest.approx(val_loss, rel=1e-5)
        assert run.history["val_accuracy"][epoch] == pytest.approx(val_accuracy)
    assert [array.tobytes() for array in model.get_weights()] == weights_of(run)


@pytest.mark.slow
def test_the_page_about_train_shows_that_it_is_fit(
    sample: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code of docs/training.md runs as it stands, with its own assertion of equal weights."""
    monkeypatch.setattr("mnist_cnn.data.load_images", lambda: sample)
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    names: dict = {}
    exec(code, names)  # noqa: S102  (the page's own lines)
    assert names["model"].count_params() == 241_546
    assert (runs / "rehearsal-sample-1000.npz").exists()
    printed = capsys.readouterr().out
    assert "weight_000   float32  (3, 3, 1, 32)" in printed and "learning_rate=0.0015" in printed


def test_an_epoch_ends_with_the_average_of_the_steps_and_the_next_starts_from_it(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without a schedule, the learning rate stays as it is."""
    monkeypatch.setitem(RECIPES, "dense", Recipe("dense", 2, 1e-3, "constant", averaging=0.9))
    run = train("dense", few, seed=3, precision="float32")
    keras.utils.set_random_seed(3)
    model = build_model("dense")
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy")
    (x, y), _ = split_validation(few.x_train, few.y_train)
    average: list[np.ndarray] = []
    for epoch in range(2):
        for rows in np.split(epoch_order(len(x), 3, epoch), range(32, len(x), 32)):
            model.train_on_batch(prepare_images(x[rows]), one_hot(y[rows]))
            new = model.get_weights()
            pairs = zip(average or new, new, strict=True)
            average = [0.9 * old + 0.1 * now for old, now in pairs]
        assert not np.allclose(average[0], new[0], atol=1e-4)
        model.set_weights(average)
    for ours, expected in zip(run.weights, average, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_file_records_the_training(few: Dataset, runs: Path, precision: str) -> None:
    returned = train("relu", few, epochs=2, precision=precision)
    run = load_run(runs / "relu-sample-500.npz")
    assert run.settings == returned.settings and weights_of(run) == weights_of(returned)
    asked = {"recipe": "relu", "epochs": 2, "seed": 0, "precision": precision, "batch_size": 32}
    assert asdict(run.settings) == asdict(RECIPES["relu"]) | asked | {
        "fingerprint": few.fingerprint
    }
    assert run.environment["data"] == "sample"
    assert run.environment["device"] in ("CPU", "GPU")
    assert run.seconds > 0
    assert set(run.environment["versions"]) == {"mnist-cnn", "tensorflow", "keras", "numpy"}
    lengths = {name: len(values) for name, values in run.history.items()}
    assert lengths == {"accuracy": 2, "loss": 2, "val_accuracy": 2, "val_loss": 2}

    _, (x_val, y_val) = split_validation(few.x_train, few.y_train)
    assert run.predicted.shape == (3, 50)
    assert np.array_equal(run.predicted[-1], predict(run.load_model(), x_val).argmax(axis=1))
    assert run.history["val_accuracy"] == [
        np.mean(predicted == y_val) for predicted in run.predicted[1:]
    ]
    fix_seed(0)
    assert np.array_equal(run.predicted[0], predict(build_model("relu"), x_val).argmax(axis=1))
    assert sorted(path.name for path in runs.iterdir()) == [
        ".relu-sample-500.npz.lock",
        "relu-sample-500.npz",
    ]


@pytest.mark.slow
def test_random_numbers_drawn_by_other_threads_change_nothing(few: Dataset, runs: Path) -> None:
    """As Dask's do in a study's workers, while a network is built."""
    alone, done = train("dense", few, epochs=1, seed=3), threading.Event()

    def draw() -> None:
        while not done.is_set():
            random.random()
            np.random.random()

    with ThreadPoolExecutor() as pool:
        pool.submit(draw)
        try:
            beside = train("dense", few, epochs=1, seed=3, name="beside")
        finally:
            done.set()
    assert weights_of(beside) == weights_of(alone)
    assert np.array_equal(beside.predicted, alone.predicted)


def test_the_test_images_do_not_influence_the_training(few: Dataset, runs: Path) -> None:
    other = replace(few, x_test=255 - few.x_test, y_test=9 - few.y_test)
    assert weights_of(train("dense", few, epochs=1)) == weights_of(
        train("dense", other, epochs=1, name="other")
    )
    assert (
        train("dense", other, epochs=1).settings == load_run(runs / "other-sample-500.npz").settings
    )


@pytest.mark.slow
def test_seed_and_precision_change_the_weights(few: Dataset, runs: Path) -> None:
    made = [
        train("dense", few, epochs=1, precision=precision, seed=seed, name=f"{precision}-{seed}")
        for precision, seed in (("float32", 0), ("float32", 1), ("mixed_bfloat16", 0))
    ]
    assert len({b"".join(weights_of(run)) for run in made}) == 3
    assert (made[0].predicted[0] != made[1].predicted[0]).any(), (
        "before training they were the same"
    )
    assert keras.config.dtype_policy().name == "float32"  # no policy is left behind


def test_a_finished_run_is_not_trained_again_and_says_so(
    few: Dataset, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train("dense", few, epochs=2)
    capsys.readouterr()
    again = train("dense", few, epochs=2)
    said = capsys.readouterr().out.splitlines()
    assert (
        said[0]
        == "dense: runs/dense-sample-500.npz is finished already; to train it again, delete that "
        "file"
    )
    assert said[1].startswith("dense: epoch  2 of 2, ") and len(said) == 2
    assert weights_of(first) == weights_of(again) and first.seconds == again.seconds


def test_progress_is_called_at_the_start_and_after_every_epoch(few: Dataset, runs: Path) -> None:
    seen = []
    train(
        "dense",
        few,
        epochs=2,
        progress=lambda run: seen.append((run.epochs_done, run.settings.epochs)),
    )
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_printed_progress(capsys: pytest.CaptureFixture[str]) -> None:
    run = load_run(SHIPPED / "relu.npz")
    print_progress(replace(run, predicted=run.predicted[:1], history={}, seconds=0.0))
    two = replace(run, predicted=run.predicted[:3], history={"val_accuracy": [0.9, 0.98765]})
    print_progress(replace(two, seconds=10.0))
    print_progress(replace(two, seconds=10.0, settings=replace(run.settings, epochs=2)))
    assert capsys.readouterr().out.splitlines() == [
        "relu: epoch  2 of 20, validation accuracy 98.77%, about 90 s left",
        "relu: epoch  2 of 2, validation accuracy 98.77%, 10 s in all",
    ]


@pytest.mark.slow
def test_augmentation_moves_the_training_images_only(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network whose training images were all moved far aside cannot read validation images."""
    usual = train("improved", few, epochs=4, name="usual")
    drawn = []  # the transforms of each batch

    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        drawn.append(draw_transforms(n, rng))
        return drawn[-1]

    monkeypatch.setattr(batches, "draw_transforms", draw)
    monkeypatch.setattr(batches, "transform_images", lambda images, _: tf.roll(images, 14, axis=2))
    moved = train("improved", few, epochs=4, name="moved")
    assert moved.history["accuracy"][-1] > 0.8 > 0.5 > moved.history["val_accuracy"][-1]
    assert usual.history["val_accuracy"][-1] > 0.8
    train("improved", few, epochs=1, seed=1, name="other-seed")
    different = {transforms.tobytes() for transforms in drawn}
    assert len(drawn) == len(different) == 5 * 15, "each epoch and seed moves in its own way"


# A loss that is not a number


def test_a_loss_that_is_not_a_number_stops_the_training(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPES["dense"], learning_rate=1e30)
    monkeypatch.setitem(RECIPES, "dense", recipe)
    for _ in range(2):  # the second call must not find anything finished
        with pytest.raises(
            RunError, match=r"In epoch 1 of 20 the loss became NaN or infinite.* 0 epochs"
        ):
            train("dense", few, precision="float32")
    assert not (runs / "dense-sample-500.npz").exists()


def test_a_run_with_weights_that_are_not_numbers_is_refused(
    few: Dataset, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As runs of older versions could have them."""
    train("dense", few, epochs=1, precision="float32")
    file = runs / "dense-sample-500.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    np.savez(file, **arrays | {"weight_000": arrays["weight_000"] * np.nan})
    with pytest.raises(RunError, match="some of its weights are not numbers"):
        load_run(file)
    capsys.readouterr()
    assert np.isfinite(train("dense", few, epochs=1, precision="float32").weights[0]).all()
    assert "some of its weights are not numbers" in capsys.readouterr().out


# Which run a notebook gets


@pytest.mark.slow
def test_a_run_on_other_images_is_not_the_learners_run(
    full: Dataset, few: Dataset, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor one with fewer epochs: neither may be graded as the twenty epochs on full MNIST."""
    shipped = weights_of(load_run(SHIPPED / "relu.npz"))
    assert weights_of(find_or_train("relu", full)) == shipped
    said = "relu: the run that comes with the package, as runs/relu.npz "
    assert capsys.readouterr().out == said + "does not exist yet\n"
    train("relu", replace(few, source="full"), epochs=1)
    (runs / "relu-500.npz").rename(runs / "relu.npz")
    capsys.readouterr()
    assert weights_of(find_or_train("relu", full)) == shipped
    difference = "epochs 1, not 20; batch_size 32, not 128; other training images"
    assert capsys.readouterr().out == f"{said}was made with other settings ({difference})\n"
    (runs / "relu.npz").write_bytes((SHIPPED / "relu.npz").read_bytes())
    find_or_train("relu", full)
    assert capsys.readouterr().out == "relu: your run, runs/relu.npz\n"


def test_an_interrupted_run_that_is_found_continues_with_its_own_seed_and_precision(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(RECIPES, "dense", Recipe("dense", epochs=2))
    own = {"seed": 5, "precision": "mixed_bfloat16"}
    expected = weights_of(train("dense", few, name="other", **own))
    with pytest.raises(Interrupted):
        train("dense", few, progress=interrupt_after(1), **own)
    capsys.readouterr()
    assert weights_of(find_or_train("dense", few)) == expected
    assert (
        "dense: continuing runs/dense-sample-500.npz after epoch 1 of 2" in capsys.readouterr().out
    )
    assert not list(runs.glob("*set-aside*"))


def test_a_run_that_another_notebook_is_training_is_waited_for(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(RECIPES, "dense", Recipe("dense", epochs=1))
    expected = weights_of(train("dense", few, name="other", seed=5))
    with ExitStack() as other_notebook:
        other_notebook.enter_context(lock(runs / "dense-sample-500.npz"))

        def finish(seconds: float) -> None:
            shutil.copy(runs / "other-sample-500.npz", runs / "dense-sample-500.npz")
            other_notebook.close()

        monkeypatch.setattr("time.sleep", finish)
        assert weights_of(find_or_train("dense", few)) == expected
    said = capsys.readouterr().out
    assert said.endswith(
        "waiting until it has done so\ndense: your run, runs/dense-sample-500.npz\n"
    )


@pytest.mark.slow
def test_an_unfinished_or_damaged_run_is_passed_over(
    full: Dataset,
    few: Dataset,
    runs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(RECIPES, "relu", Recipe("relu", epochs=2))
    some = replace(few, source="full")
    with pytest.raises(Interrupted):
        train("relu", some, progress=interrupt_after(1))
    capsys.readouterr()
    # None comes with the package for these images, so it trains on
    finished = find_or_train("relu", some)
    assert finished.finished
    assert "as runs/relu-500.npz was interrupted after epoch 1 of 2" in capsys.readouterr().out
    (runs / "relu.npz").write_bytes((runs / "relu-500.npz").read_bytes()[:1000])
    monkeypatch.undo()
    monkeypatch.setenv("MNIST_CNN_RUNS", str(runs))
    find_or_train("relu", full)
    assert (
        "the run that comes with the package, as runs/relu.npz cannot be used: "
        in capsys.readouterr().out
    )
