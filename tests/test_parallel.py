"""Several networks at once: the same weights as one by one, and nothing lost when they stop."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fresh_python import printed_by_python
from mnist_cnn.data import Dataset
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.locking import lock
from mnist_cnn.machine import threads
from mnist_cnn.parallel import train_all
from mnist_cnn.recipes import RECIPES
from mnist_cnn.runs import Run, load_run
from run_helpers import weights_of

pytestmark = pytest.mark.slow
RECIPES_OF_04 = ["relu", "leaky_relu"]
TRAIN_ONE_BY_ONE = """
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.training import train
few = load_images(source="sample")
few = replace(few, x_train=few.x_train[:500], y_train=few.y_train[:500])
for recipe in ("relu", "leaky_relu"):
    train(recipe, few, epochs=3, seed=1)
"""


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """And Python's output unbuffered, as containers often have it."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")


def training_processes() -> list[psutil.Process]:
    """The processes that `train_all` has started and that still run."""
    running = [
        child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE
    ]
    return [child for child in running if "mnist_cnn.parallel" in child.cmdline()]


def test_interrupted_and_continued_both_end_with_the_weights_of_train(
    few: Dataset, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(run: Run) -> None:
        if run.epochs_done:
            assert len(training_processes()) == 2
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as interrupted:
        train_all(RECIPES_OF_04, few, epochs=3, seed=1, progress=interrupt)
    assert not training_processes()
    done = {file.stem: load_run(file).epochs_done for file in runs.glob("*.npz")}
    assert sum(done.values()) >= 1
    for recipe in RECIPES_OF_04:
        saved = f"{done.get(f'{recipe}-sample-500', 0)} of 3 epochs in runs/{recipe}-sample-500.npz"
        assert saved in str(interrupted.value)

    seen = []
    trained = train_all(
        RECIPES_OF_04,
        few,
        epochs=3,
        seed=1,
        progress=lambda run: seen.append((run.settings.recipe, run.epochs_done)),
    )
    assert "continuing runs/" in capsys.readouterr().out
    # First where each of them is, then every epoch of each
    before = [(recipe, done.get(f"{recipe}-sample-500", 0)) for recipe in RECIPES_OF_04]
    assert seen[:2] == before
    for recipe, epoch in before:
        later = [number for name, number in seen[2:] if name == recipe]
        assert later == list(range(epoch + 1, 4))

    share = trained[0].environment["arithmetic"]["threads"]
    assert share == max(1, threads() // 2)
    alone = {"MNIST_CNN_RUNS": str(tmp_path / "alone"), "TF_NUM_INTRAOP_THREADS": str(share)}
    printed_by_python(TRAIN_ONE_BY_ONE, os.environ | alone)
    for recipe, run in zip(RECIPES_OF_04, trained, strict=True):
        name = f"{recipe}-sample-500.npz"
        assert weights_of(run) == weights_of(load_run(runs / name))
        assert weights_of(run) == weights_of(load_run(tmp_path / "alone" / name))

    again = train_all(RECIPES_OF_04, few, epochs=3, seed=1)
    assert [weights_of(run) for run in again] == [weights_of(run) for run in trained]
    assert capsys.readouterr().out.count("is finished already") == 2


def test_a_process_that_dies_loses_only_the_epoch_that_it_was_in(few: Dataset, runs: Path) -> None:
    def kill_one(run: Run) -> None:
        if run.epochs_done == 1:
            for process in training_processes()[:1]:
                process.send_signal(signal.SIGKILL)

    with pytest.raises(RunError, match=r"ended before its last epoch.* run this cell again"):
        train_all(["dense", "pooled"], few, epochs=2, progress=kill_one)
    assert not training_processes()
    assert all(run.epochs_done == 2 for run in train_all(["dense", "pooled"], few, epochs=2))


def test_what_goes_wrong_in_a_process_is_said_here(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "dense", replace(RECIPES["dense"], learning_rate=1e30))
    with pytest.raises(RunError, match=r"^In epoch 1 of 2 the loss became NaN or infinite"):
        train_all(["dense", "pooled"], few, epochs=2)
    with lock(runs / "pooled-sample-500.npz"), pytest.raises(RunError, match=r"^Another notebook"):
        train_all(["pooled"], few, epochs=2)
    assert not training_processes()


def test_on_one_core_they_are_trained_here_one_after_the_other(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    seen = []

    def note(run: Run) -> None:
        assert not training_processes()
        seen.append((run.settings.recipe, run.epochs_done))

    trained = train_all(["dense", "pooled"], few, epochs=1, progress=note)
    assert [run.settings.recipe for run in trained] == ["dense", "pooled"]
    assert [run.environment["arithmetic"]["threads"] for run in trained] == [threads()] * 2
    assert seen == [("dense", 0), ("pooled", 0), ("dense", 1), ("pooled", 1)]


def test_each_recipe_is_named_once(few: Dataset, runs: Path) -> None:
    with pytest.raises(ValueError, match="recipes must name each recipe once, not relu, relu"):
        train_all(["relu", "relu"], few)
    with pytest.raises(TypeError, match="recipes must be a list, not str"):
        train_all("relu", few)
