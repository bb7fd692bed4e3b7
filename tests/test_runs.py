"""The file of a run: damaged, unreadable, locked, made with other settings, or on a full disk."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.locking import lock
from mnist_cnn.runs import Run, load_run, run_file, save_run
from mnist_cnn.training import train, train_with
from run_helpers import interrupt_after, weights_of


@pytest.fixture(scope="module")
def made(few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two runs, of which one was interrupted after its first epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_CNN_RUNS", str(tmp_path_factory.mktemp("made") / "runs"))
        train("dense", few, epochs=2, precision="float32", name="finished")
        with pytest.raises(
            Interrupted,
            match=r"^1 of 2 epochs are saved in runs/mine-sample-500.npz. Run this cell again",
        ):
            train(
                "dense",
                few,
                epochs=2,
                precision="float32",
                name="mine",
                progress=interrupt_after(1),
            )
        return Path(os.environ["MNIST_CNN_RUNS"])


@pytest.fixture
def mine(made: Path, runs: Path) -> Path:
    """The file of the interrupted run, in the folder of this test."""
    runs.mkdir()
    return Path(shutil.copy(made / "mine-sample-500.npz", runs))


def train_mine(few: Dataset, **changes: object) -> Run:
    return train(
        **{"recipe": "dense", "dataset": few, "epochs": 2, "precision": "float32", "name": "mine"}
        | changes
    )


def rewrite(file: Path, **changes: object) -> None:
    """Change what a run says of itself, as another version of the package would write it."""
    with np.load(file) as archive:
        arrays = dict(archive)
    arrays["about"] = np.array(json.dumps(json.loads(str(arrays["about"])) | changes))
    np.savez(file, **arrays)


def settings_of(file: Path) -> dict:
    with np.load(file) as archive:
        return json.loads(str(archive["about"]))["settings"]


# Damaged files


@pytest.mark.parametrize("kind", ["finished", "mine"])
def test_no_flipped_bit_goes_unnoticed(made: Path, tmp_path: Path, kind: str) -> None:
    """Wherever it is, the file is refused, or what it holds is unchanged; some places are tried."""
    original = (made / f"{kind}-sample-500.npz").read_bytes()
    before, file = load_run(made / f"{kind}-sample-500.npz"), tmp_path / "run.npz"
    directory = len(original) - 6000  # the end of a zip archive says what is in it
    places = [*range(0, directory, directory // 40), *range(directory, len(original), 29)]
    refused = 0
    for place in places:
        content = bytearray(original)
        content[place] ^= 1 << place % 8
        file.write_bytes(content)
        try:
            run = load_run(file)
        except RunError:
            refused += 1
        else:
            assert (run.settings, run.history) == (before.settings, before.history)
            for name in ("weights", "state"):
                pairs = zip(getattr(run, name), getattr(before, name), strict=True)
                assert all(a.tobytes() == b.tobytes() for a, b in pairs), place
    assert refused > 100


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut off": lambda file: os.truncate(file, 100_000),
    "empty": lambda file: os.truncate(file, 0),
    "a web page": lambda file: file.write_text("<!doctype html>"),
    "no run": lambda file: np.savez(file, np.arange(3)),
    "of another version": lambda file: rewrite(
        file, settings=settings_of(file) | {"momentum": 0.9}
    ),
    "with a network that is gone": lambda file: rewrite(
        file, settings=settings_of(file) | {"network": "relu_1"}
    ),
    "with half a history": lambda file: rewrite(file, history={"val_accuracy": [0.9, 0.9]}),
    "without a history": lambda file: rewrite(file, history=None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unusable_file_is_set_aside_and_a_new_run_begun(
    few: Dataset, mine: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    DAMAGES[damage](mine)
    content = mine.read_bytes()
    with pytest.raises(Interrupted, match=r"^0 of 2 epochs are saved"):
        train_mine(few, progress=interrupt_after(0))
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith("dense: runs/mine-sample-500.npz ")
    assert "cannot be used" in said or "other settings" in said
    assert said.endswith("It is now runs/mine-sample-500-set-aside-1.npz; training a new run.")
    assert mine.with_name("mine-sample-500-set-aside-1.npz").read_bytes() == content
    assert not mine.exists()


def test_a_run_without_its_first_layer_is_refused(made: Path, tmp_path: Path) -> None:
    with np.load(made / "finished-sample-500.npz") as archive:
        arrays = {name: array for name, array in archive.items() if name != "weight_000"}
    np.savez(tmp_path / "run.npz", **arrays)
    with pytest.raises(
        RunError, match=r"run.npz cannot be read as a run \(a part of it is missing\)"
    ):
        load_run(tmp_path / "run.npz")


class Pickled:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


def test_a_run_is_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", about=np.array([Pickled(tmp_path / "harm")], dtype=object))
    with pytest.raises(RunError, match="cannot be read as a run"):
        load_run(tmp_path / "run.npz")
    assert not (tmp_path / "harm").exists()


def test_weights_of_another_network_are_not_loaded(made: Path) -> None:
    run = load_run(made / "finished-sample-500.npz")
    other = replace(run, settings=replace(run.settings, network="batch_norm"))
    with pytest.raises(RunError, match="the weights do not fit the network batch_norm"):
        other.load_model()


# Files that were made with other settings


OTHERS = {
    "seed": ({"seed": 1}, "seed 0, not 1"),
    "epochs": ({"epochs": 1}, "epochs 2, not 1"),
    "recipe": ({"recipe": "pooled"}, "network dense, not relu; recipe dense, not pooled"),
    "precision": ({"precision": "mixed_bfloat16"}, "precision float32, not mixed_bfloat16"),
    "fingerprint": ({}, "other training images"),
}


@pytest.mark.parametrize("run", ["finished", "mine"])
@pytest.mark.parametrize("case", OTHERS)
def test_a_run_with_other_settings_is_set_aside_not_continued(
    few: Dataset, made: Path, runs: Path, capsys: pytest.CaptureFixture[str], case: str, run: str
) -> None:
    runs.mkdir()
    content = Path(
        shutil.copy(made / f"{run}-sample-500.npz", runs / "mine-sample-500.npz")
    ).read_bytes()
    changes, difference = OTHERS[case]
    if case == "fingerprint":
        changes = {"dataset": replace(few, y_train=9 - few.y_train)}
    with pytest.raises(Interrupted, match=r"^0 of .* are saved"):
        train_mine(few, **changes, progress=interrupt_after(0))
    (said,) = capsys.readouterr().out.splitlines()
    name = changes.get("recipe", "dense")
    assert said == (
        f"{name}: runs/mine-sample-500.npz was made with other settings ({difference}). "
        "It is now runs/mine-sample-500-set-aside-1.npz; training a new run."
    )
    assert (runs / "mine-sample-500-set-aside-1.npz").read_bytes() == content
    assert not (runs / "mine-sample-500.npz").exists()


@pytest.mark.slow
def test_a_run_that_was_set_aside_is_never_overwritten(few: Dataset, runs: Path) -> None:
    for seed in range(3):
        train_mine(few, seed=seed, epochs=1)
    names = (
        "mine-sample-500-set-aside-1.npz",
        "mine-sample-500-set-aside-2.npz",
        "mine-sample-500.npz",
    )
    assert [load_run(runs / name).settings.seed for name in names] == [0, 1, 2]


@pytest.mark.slow
def test_a_part_of_the_images_leaves_the_run_on_all_of_them_in_its_place(
    few: Dataset, mine: Path, made: Path
) -> None:
    on_all = Path(shutil.copy(made / "finished-sample-500.npz", mine.with_name("dense-sample.npz")))
    content = on_all.read_bytes()
    train("dense", few, epochs=1)
    assert on_all.read_bytes() == content
    assert load_run(mine.with_name("dense-sample-500.npz")).settings.fingerprint == few.fingerprint
    assert run_file("dense", replace(few, source="full")).name == "dense-500.npz"


# Files that are continued


def test_a_run_of_another_machine_is_continued_and_its_seconds_count(
    few: Dataset, made: Path, mine: Path
) -> None:
    rewrite(
        mine,
        seconds=5000.0,
        made_with={"data": "sample", "device": "TPU", "backend": "jax", "versions": {}},
    )
    seconds = []
    run = train_mine(few, progress=lambda run: seconds.append(run.seconds))
    assert weights_of(run) == weights_of(load_run(made / "finished-sample-500.npz"))
    assert seconds[0] == 5000 < seconds[1] == run.seconds < 5100
    assert run.environment["device"] != "TPU"
    (change,) = run.environment["changes"]
    assert change.startswith(f"after epoch 1: backend jax → {keras.backend.backend()}; device ")


def test_a_run_that_this_keras_cannot_continue_is_set_aside_and_trained_again(
    few: Dataset, made: Path, mine: Path
) -> None:
    """Another version of Keras may keep another state, here without its last array."""
    with np.load(mine) as archive:
        arrays = dict(archive)
    del arrays[max(name for name in arrays if name.startswith("state"))]
    about = json.loads(str(arrays["about"]))
    arrays["about"] = np.array(json.dumps(about | {"arrays": len(arrays)}))
    np.savez(mine, **arrays)
    content = mine.read_bytes()
    said: list[str] = []
    settings = load_run(mine).settings
    run = train_with(settings, few, "mine", progress=lambda run: None, report=said.append)
    assert said == [
        "dense: this version of Keras cannot continue runs/mine-sample-500.npz. It is now "
        "runs/mine-sample-500-set-aside-1.npz; training a new run."
    ]
    assert mine.with_name("mine-sample-500-set-aside-1.npz").read_bytes() == content
    assert weights_of(run) == weights_of(load_run(made / "finished-sample-500.npz"))


def test_whoever_trains_for_others_decides_what_is_printed(
    few: Dataset, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workers of a study would write between the lines of the study's progress."""
    said: list[str] = []
    settings = load_run(mine).settings
    for now in (settings, settings, replace(settings, seed=1)):
        train_with(now, few, "mine", progress=lambda run: None, report=said.append)
    continued, finished, aside = said
    assert continued == "dense: continuing runs/mine-sample-500.npz after epoch 1 of 2"
    assert finished.startswith("dense: runs/mine-sample-500.npz is finished already")
    assert aside.startswith(
        "dense: runs/mine-sample-500.npz was made with other settings (seed 0, not"
    )
    assert capsys.readouterr().out == ""


def test_a_half_written_file_of_a_killed_process_does_no_harm(
    few: Dataset, made: Path, mine: Path
) -> None:
    mine.with_name(".mine-sample-500.new").write_bytes(mine.read_bytes()[:1000])
    mine.with_name("notes.txt").write_text("buy milk")
    assert weights_of(train_mine(few)) == weights_of(load_run(made / "finished-sample-500.npz"))
    left = [".mine-sample-500.npz.lock", "mine-sample-500.npz", "notes.txt"]
    assert sorted(path.name for path in mine.parent.iterdir()) == left


# Locks, closed folders, full disks


def test_a_run_that_another_process_trains_is_left_to_it(few: Dataset, mine: Path) -> None:
    """And the advice works: under the name in it, the same call trains another run."""
    busy = r"Another notebook or program is writing to .*mine-sample-500.npz"
    with lock(mine):
        with pytest.raises(RunError, match=busy) as error:
            train_mine(few)
        (name,) = re.findall(r'name="(.*)"\)\.$', str(error.value))
        assert train_mine(few, name=name).finished
    assert (mine.parent / f"{name}-sample-500.npz").exists() and name == "mine-2"
    assert train_mine(few).finished


def test_files_of_other_names_do_not_lock_each_other_out(few: Dataset, runs: Path) -> None:
    names = ("a", "a.npz", "a.jsonl", "a.b", "a.b.npz", "a.b.jsonl", "a-b.npz", "study.jsonl")
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(lock(runs / name))
        assert train_mine(replace(few, source="full"), name="study").finished


@contextmanager
def full_disk() -> Iterator[Callable[[], None]]:
    """After a call of what it yields, no file may grow beyond 10 kB."""
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, usual[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.slow
def test_on_a_full_disk_nothing_is_lost_and_the_run_continues_once_there_is_space(
    few: Dataset, runs: Path
) -> None:
    whole = train_mine(few, epochs=3, name="whole")

    def fill_after_one(run: Run) -> None:
        if run.epochs_done == 1:
            fill()

    with (
        full_disk() as fill,
        pytest.raises(RunError, match=r"Epoch 2 could not be saved in .*Free some space"),
    ):
        train_mine(few, epochs=3, progress=fill_after_one)
    assert load_run(runs / "mine-sample-500.npz").epochs_done == 1
    assert not (runs / ".mine-sample-500.new").exists()  # it would take up space
    assert weights_of(train_mine(few, epochs=3)) == weights_of(whole)


def test_an_epoch_that_cannot_be_read_back_is_not_saved(
    few: Dataset, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(file: Path) -> Run:
        raise RunError(f"{file.name} cannot be read as a run (a part of it is missing)")

    before, run = mine.read_bytes(), load_run(mine)
    monkeypatch.setattr("mnist_cnn.runs.load_run", damaged)
    with pytest.raises(RunError, match=r"Epoch 1 could not be saved in .*a part of it is missing"):
        save_run(mine, run)
    assert mine.read_bytes() == before and not mine.with_name(".mine-sample-500.new").exists()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Even for root, who becomes another user for a while."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_folder_that_cannot_be_written_is_reported_at_once(
    few: Dataset, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setenv("MNIST_CNN_RUNS", name)
        monkeypatch.chdir(name)  # the checkout may be closed to other users, too
        shutil.copy(made / "mine-sample-500.npz", folder)
        # From the day before, when the folder was still open
        lock_file = folder / ".mine-sample-500.npz.lock"
        lock_file.touch()
        lock_file.chmod(0o666)
        with (
            read_only(folder),
            pytest.raises(
                RunError, match=r"Runs cannot be saved in .*Name a folder that can be wri"
            ),
        ):
            train_mine(few)
        assert weights_of(train_mine(few)) == weights_of(load_run(made / "finished-sample-500.npz"))


def test_a_run_that_cannot_be_read_at_the_moment_is_not_set_aside(
    few: Dataset, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many_open_files(file: Path) -> bytes:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", too_many_open_files)
        with pytest.raises(OSError, match="Too many open files"):
            train_mine(few)
    assert train_mine(few).finished
    assert not list(mine.parent.glob("*set-aside*"))
