"""The life of a runs folder: other data and seeds, interruption, damage, deletion, in any order.

The calls of the lesson never fail, no finished epoch is lost, and what they open was made from what
was asked for.
"""

import json
import os
import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.recipes import RECIPES, Recipe
from mnist_cnn.runs import Run, load_run
from mnist_cnn.training import find_or_train, train
from run_helpers import interrupt_after, weights_of

pytestmark = pytest.mark.slow
# What "relu" means in each version of the package
VERSIONS = [Recipe("dense", epochs=2, learning_rate=rate) for rate in (1.5e-3, 3e-3)]

which_digits = st.sampled_from(["sample", "other", "full"])
seeds = st.sampled_from([0, 0, 1])


@cache
def digits(kind: str) -> Dataset:
    """Forty images: of the sample, others of it ("other"), or the first as if of full MNIST."""
    sample = load_images(source="sample")
    first = 40 if kind == "other" else 0
    images, labels = sample.x_train[first : first + 40], sample.y_train[first : first + 40]
    return replace(
        sample, x_train=images, y_train=labels, source="full" if kind == "full" else "sample"
    )


@cache
def reference(kind: str, seed: int, version: int) -> list[bytes]:
    """The weights of a training run that nothing disturbs."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_CNN_RUNS", folder)
        patch.setitem(RECIPES, "relu", VERSIONS[version])
        return weights_of(train("relu", digits(kind), seed=seed, precision="float32"))


class LifeOfRuns(RuleBasedStateMachine):
    """What a learner and a disk may do, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._folder = tempfile.TemporaryDirectory()
        self._patch.setenv("MNIST_CNN_RUNS", self._folder.name)
        # `choose_precision` then says float32 on every machine
        self._patch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
        self.version = 0
        self.before = {}
        self._set_version(0)

    def teardown(self) -> None:
        self._patch.undo()
        self._folder.cleanup()

    def _set_version(self, version: int) -> None:
        self.version = version
        self._patch.setitem(RECIPES, "relu", VERSIONS[version])

    def _files(self) -> list[Path]:
        return sorted(Path(self._folder.name).glob("*.npz"))

    def _contents(self) -> dict[bytes, Run | None]:
        """What lies in the folder: the bytes of each file, and the run in it if it is one."""
        found = {}
        for file in self._files():
            try:
                found[file.read_bytes()] = load_run(file)
            except RunError:
                found[file.read_bytes()] = None
        return found

    def _check_nothing_lost(self, before: dict[bytes, Run | None]) -> None:
        """Every file is still there under some name, or its run has gone further."""
        after = self._contents()
        further = {
            json.dumps(asdict(run.settings)): run.epochs_done for run in after.values() if run
        }
        for content, run in before.items():
            if content not in after:
                assert run and further.get(json.dumps(asdict(run.settings)), 0) > run.epochs_done

    def _check_opened(self, run: Run, kind: str, seed: int) -> None:
        assert run.finished and run.settings.fingerprint == digits(kind).fingerprint
        assert weights_of(run) == reference(kind, seed, self.version)

    @rule(kind=which_digits, seed=seeds)
    def train_to_the_end(self, kind: str, seed: int) -> None:
        before = self._contents()
        self._check_opened(train("relu", digits(kind), seed=seed), kind, seed)
        self._check_nothing_lost(before)

    @rule(kind=which_digits, seed=seeds, epoch=st.sampled_from([0, 1, 1]))
    def train_and_interrupt(self, kind: str, seed: int, epoch: int) -> None:
        before = self._contents()
        try:
            self._check_opened(
                train("relu", digits(kind), seed=seed, progress=interrupt_after(epoch)), kind, seed
            )
        except Interrupted:
            pass
        self._check_nothing_lost(before)

    @rule(kind=which_digits)
    def open_in_a_later_notebook(self, kind: str) -> None:
        before = self._contents()
        run = find_or_train("relu", digits(kind))
        self._check_opened(run, kind, run.settings.seed)
        self._check_nothing_lost(before)

    @rule()
    def another_version_is_pulled(self) -> None:
        self._set_version(1 - self.version)

    @rule()
    def a_process_is_killed_while_it_saves(self) -> None:
        for name in ("relu", "relu-sample"):
            Path(self._folder.name, f".{name}.new").write_bytes(b"PK half a file")

    @precondition(lambda self: self._files())
    @rule(data=st.data())
    def a_file_is_damaged(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self._files()))
        os.truncate(file, data.draw(st.integers(0, file.stat().st_size - 1)))

    @precondition(lambda self: self._files())
    @rule(data=st.data())
    def a_file_comes_from_a_version_with_more_settings(self, data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(self._files()))
        try:
            load_run(file)
        except RunError:
            return
        with np.load(file) as archive:
            arrays = dict(archive)
        about = json.loads(str(arrays["about"]))
        about["settings"]["momentum"] = 0.9
        np.savez(file, **arrays | {"about": np.array(json.dumps(about))})

    @precondition(lambda self: self._files())
    @rule(data=st.data())
    def a_file_is_deleted(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self._files())).unlink()


TestLifeOfRuns = LifeOfRuns.TestCase
TestLifeOfRuns.settings = settings(
    max_examples=4,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
