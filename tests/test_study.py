"""Studies find what `train` finds, lose nothing, count nothing twice, and say what is wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mnist_cnn.data import Dataset, load_images, prepare_images
from mnist_cnn.exceptions import StudyError
from mnist_cnn.runs import load_run
from mnist_cnn.study.__main__ import main
from mnist_cnn.study.cluster import connect
from mnist_cnn.study.results import (
    Result,
    group_results,
    load_results,
    summarize,
)
from mnist_cnn.study.run import run_study
from repository import ROOT

distributed = pytest.importorskip("distributed")
ONE_CORE = {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}


def test_a_results_folder_that_cannot_be_written_is_met_with_advice(
    small: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("not a folder")
    file = tmp_path / "file" / "study.jsonl"
    monkeypatch.setattr(sys, "argv", ["study", "--recipes", "short", "--results", str(file)])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"Results cannot be saved in {tmp_path / 'file'} (")
    assert "--results" in said
    assert "MNIST_CNN_RUNS" not in said and "cell" not in said


@pytest.mark.parametrize(
    ("recipes", "seeds", "options", "message"),
    [
        pytest.param([], [0], {}, "at least one recipe and one", id="no recipe"),
        pytest.param(["relu"], [], {}, "at least one recipe and one", id="no seed"),
        pytest.param(["relu"], [0], {"workers": -1}, "workers must be at", id="workers"),
        pytest.param(
            ["relu"], [0], {"workers": 1, "scheduler": "a:1"}, "without a scheduler", id="both"
        ),
        pytest.param(["relu"], [0], {"wait": 0}, "wait must be at least 1, not 0", id="wait"),
        pytest.param(
            ["relu", "rely"], [0], {}, "recipe must be one of relu, ", id="unknown recipe"
        ),
    ],
)
def test_a_wrong_argument_is_refused(
    tmp_path: Path, sample: Dataset, recipes: list, seeds: list, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run_study(recipes, seeds, tmp_path / "a", sample, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "0"], "argument --seeds: must be a whole number of at least 1, not 0"),
        (["--wait", "soon"], "argument --wait: must be a whole number of at least 1, not soon"),
        (["--workers", "1", "--scheduler", "a:1"], "leave it out with --scheduler"),
        (["--first", "-1"], "argument --first: must be a whole number of at least 0, not -1"),
    ],
)
def test_a_wrong_option_is_refused_with_the_name_of_the_option(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["study", "--recipes", "relu", *options])
    with pytest.raises(SystemExit):
        main()
    assert message in capsys.readouterr().err


# Nobody listens on the discard port
@pytest.mark.parametrize(
    "address", [pytest.param("tcp://127.0.0.1:9", marks=pytest.mark.slow), "nonsense"]
)
def test_an_absent_scheduler_is_reported(tmp_path: Path, sample: Dataset, address: str) -> None:
    with pytest.raises(StudyError, match=f"No Dask scheduler answers at {address}"):
        run_study(["relu"], [0], tmp_path / "a", sample, scheduler=address)


def test_a_study_on_images_that_its_workers_do_not_load_is_refused(
    tmp_path: Path, few: Dataset, sample: Dataset
) -> None:
    """Here, too: they load MNIST, or what MNIST_NPZ names."""
    tested_on_others = replace(sample, x_test=sample.x_test[:-1], y_test=sample.y_test[:-1])
    for dataset in (few, tested_on_others):
        with pytest.raises(StudyError, match="A worker on this machine loads other images than"):
            run_study(["relu"], [0], tmp_path / "a.jsonl", dataset)


def test_without_dask_a_study_says_what_to_install(
    tmp_path: Path, sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(StudyError, match=r'pip install -e "\.\[study\]"'):
        run_study(["relu"], [0], tmp_path / "a", sample)


def cluster(n_workers: int, **environment: str) -> distributed.LocalCluster:
    """A scheduler and workers of one core each, as others may have started them."""
    options = {"threads_per_worker": 1, "dashboard_address": None, "env": ONE_CORE | environment}
    return distributed.LocalCluster(n_workers=n_workers, **options, silence_logs="CRITICAL")


def save_small(sample: Dataset, folder: Path) -> Path:
    """Save a dataset that is trained on in seconds, and return its file."""
    file = folder / "small.npz"
    np.savez(
        file,
        x_train=sample.x_train[:500],
        y_train=sample.y_train[:500],
        x_test=sample.x_test[:200],
        y_test=sample.y_test[:200],
    )
    return file


@pytest.fixture
def small(sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A dataset that is trained on in seconds; `load_images` finds it, in other processes, too."""
    monkeypatch.setenv("MNIST_NPZ", str(save_small(sample, tmp_path)))
    return load_images()


def study_environment(sample: Dataset, folder: Path) -> dict[str, str]:
    """The environment variables that name the small dataset, and a folder for runs."""
    return {"MNIST_NPZ": str(save_small(sample, folder)), "MNIST_CNN_RUNS": str(folder / "runs")}


def worker_of(key: str, tasks: dict[str, list[str]]) -> str:
    """The address of the worker that trains the result with this key."""
    (worker,) = [address for address, names in tasks.items() if any(key in name for name in names)]
    return worker


class StudyWithKilledWorker(NamedTuple):
    """A study of three seeds, one of whose two workers was killed after two epochs of a run.

    Attributes:
        environment: The environment variables of the study, which name its dataset and its runs.
        dataset: The images.
        file: The file of results.
        results: What the study returned.
        results_again: What a second study of the same seeds returned.
        killed: The key of the result whose training was interrupted.
        epochs: For each epoch, the key of the result and the number of epochs done.
        most_tasks: The most tasks that a worker had when the other one was killed.
        printed: What both studies printed.
    """

    environment: dict[str, str]
    dataset: Dataset
    file: Path
    results: list[Result]
    results_again: list[Result]
    killed: str
    epochs: list[tuple[str, int]]
    most_tasks: int
    printed: str


@pytest.fixture(scope="module")
def killed_worker(
    sample: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> StudyWithKilledWorker:
    """Run a study, and kill the worker that is the first to finish two epochs."""
    folder = tmp_path_factory.mktemp("killed-worker")
    file = folder / "study.jsonl"
    epochs: list[tuple[str, int]] = []
    two_epochs = threading.Event()

    def hear_epoch(event: tuple) -> None:
        _, (key, epochs_done) = event
        epochs.append((key, epochs_done))
        if epochs_done == 2:
            two_epochs.set()

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        for name, value in study_environment(sample, folder).items():
            patch.setenv(name, value)
        dataset = load_images()
        with (
            cluster(2) as workers,
            distributed.Client(workers) as client,
            ThreadPoolExecutor() as pool,
        ):
            client.subscribe_topic("mnist_cnn.study", hear_epoch)
            pids = client.run(os.getpid)
            address = workers.scheduler_address
            study = partial(
                run_study, ["short"], range(3), file, dataset, epochs=8, scheduler=address
            )
            future = pool.submit(study)
            assert two_epochs.wait(timeout=600)
            killed = next(key for key, epochs_done in epochs if epochs_done == 2)
            tasks = client.processing()
            os.kill(pids[worker_of(killed, tasks)], signal.SIGKILL)
            results = future.result(timeout=600)
            results_again = study()
        environment = os.environ | ONE_CORE
    return StudyWithKilledWorker(
        environment=environment,
        dataset=dataset,
        file=file,
        results=results,
        results_again=results_again,
        killed=killed,
        epochs=epochs,
        most_tasks=max(map(len, tasks.values())),
        printed=printed.getvalue(),
    )


@pytest.mark.slow
def test_a_study_trains_every_seed_even_if_a_worker_is_killed(
    killed_worker: StudyWithKilledWorker,
) -> None:
    assert [result.settings.seed for result in killed_worker.results] == [0, 1, 2]
    lines = killed_worker.file.read_text().splitlines()
    assert sorted(json.loads(line)["settings"]["seed"] for line in lines) == [0, 1, 2]
    assert "Waiting" not in killed_worker.printed


@pytest.mark.slow
def test_the_training_of_a_killed_worker_continues(killed_worker: StudyWithKilledWorker) -> None:
    epochs = [number for key, number in killed_worker.epochs if key == killed_worker.killed]
    assert epochs.count(0) == 1, "it began again"


@pytest.mark.slow
def test_most_trainings_wait_for_whichever_worker_is_free_first(
    killed_worker: StudyWithKilledWorker,
) -> None:
    assert killed_worker.most_tasks <= 2


@pytest.mark.slow
def test_a_complete_study_trains_nothing(killed_worker: StudyWithKilledWorker) -> None:
    assert killed_worker.results_again == killed_worker.results
    assert len(killed_worker.file.read_text().splitlines()) == 3


@pytest.mark.slow
def test_a_study_finds_what_train_finds(killed_worker: StudyWithKilledWorker) -> None:
    (found,) = [result for result in killed_worker.results if result.key == killed_worker.killed]
    seed = found.settings.seed
    imports = "from mnist_cnn.data import load_images; from mnist_cnn.training import train"
    code = f"train('short', load_images(), epochs=8, seed={seed}, name='alone')"
    subprocess.run(
        [sys.executable, "-c", f"{imports}; {code}"],
        env=killed_worker.environment,
        check=True,
        timeout=600,
    )
    runs = killed_worker.file.parent / "runs"
    alone = load_run(runs / "alone-small-images.npz")
    studied = load_run(runs / f"study-short-{seed}-{found.key}-small-images.npz")
    assert all(map(np.array_equal, alone.weights, studied.weights))
    assert alone.history == studied.history
    assert found.settings == alone.settings and found.where["threads"] == 1
    dataset = killed_worker.dataset
    predicted = alone.load_model().predict(prepare_images(dataset.x_test), verbose=0)
    assert found.test_accuracy == (predicted.argmax(axis=1) == dataset.y_test).mean()
    assert found.val_accuracy == alone.history["val_accuracy"][-1]


@pytest.mark.slow
def test_a_study_says_what_it_waits_for_and_continues_when_a_worker_arrives(
    small: Dataset,
    tmp_path: Path,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From a cluster that starts workers only for tasks."""
    file = tmp_path / "a.jsonl"
    with cluster(0) as workers:
        workers.adapt(minimum=0, maximum=1)
        address = workers.scheduler_address
        options = f"--recipes short --seeds 1 --epochs 1 --wait 300 --scheduler {address} --results"
        monkeypatch.setattr(sys, "argv", ["study", *options.split(), str(file)])
        assert main() == 0
    assert len(load_results(file)) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"Waiting up to 300 s for a worker at {address}. --wait, or `wait`")
    assert not any("Waiting" in line for line in others)


def test_a_cluster_without_workers_is_given_up_and_left_as_it_was(
    sample: Dataset, tmp_path: Path
) -> None:
    with cluster(0) as workers:
        with pytest.raises(
            StudyError, match=r"After 1 s there is no worker at tcp://\S+, .* Start"
        ):
            run_study(
                ["short"], [0], tmp_path / "a", sample, scheduler=workers.scheduler_address, wait=1
            )
        assert not workers.scheduler.tasks and not (tmp_path / "a").exists()


@pytest.mark.slow
def test_a_worker_that_uses_much_memory_is_not_paused() -> None:
    """Dask would pause it at 80 % of its memory, and a paused one is never replaced, as at 95 %."""
    with connect(None, 1) as client:
        [pause] = client.run(
            lambda dask_worker: dask_worker.memory_manager.memory_pause_fraction
        ).values()
        [worker] = client.scheduler_info()["workers"].values()
    assert pause is False and worker["memory_limit"] > 0 and worker["nanny"].startswith("tcp://")


@pytest.mark.slow
def test_an_interrupted_study_leaves_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    before = dict(os.environ)
    with pytest.raises(KeyboardInterrupt), connect(None, 1):
        assert os.environ["OMP_NUM_THREADS"] == "1"  # as Dask sets it
        raise KeyboardInterrupt
    assert dict(os.environ) == before


@pytest.mark.slow
def test_a_worker_without_mnist_says_so_before_it_trains(
    full: Dataset, tmp_path: Path, runs: Path, offline: dict[str, str]
) -> None:
    lacking = {
        name: value
        for name, value in offline.items()
        if name.lower().endswith("_proxy") or name == "KERAS_HOME"
    }
    with (
        cluster(1, MNIST_NPZ="", **lacking) as workers,
        pytest.raises(StudyError, match=r"tcp://\S+ cannot train: MNIST is not"),
    ):
        run_study(["short"], [0], tmp_path / "a", full, scheduler=workers.scheduler_address)
    assert not (tmp_path / "a").exists()


class InterruptedCommand(NamedTuple):
    """The command of a study of fifty seeds, interrupted, and then continued for one seed more.

    Attributes:
        file: The file of results.
        status: The exit status of the interrupted command.
        printed: What the interrupted command printed.
        complained: What the interrupted command wrote to stderr.
        done: The number of results when it was interrupted.
        continued: What the second command printed.
    """

    file: Path
    status: int
    printed: str
    complained: str
    done: int
    continued: str


@pytest.fixture(scope="module")
def interrupted(sample: Dataset, tmp_path_factory: pytest.TempPathFactory) -> InterruptedCommand:
    """Interrupt the command after its first training, and continue."""
    folder = tmp_path_factory.mktemp("interrupted")
    file = folder / "study.jsonl"
    options = ["--recipes", "short", "--workers", "1", "--epochs", "1", "--results", str(file)]
    command = [sys.executable, "-m", "mnist_cnn.study", *options, "--seeds"]
    environment = os.environ | study_environment(sample, folder)
    first = subprocess.Popen(
        [*command, "50"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # Text mode ends a line at each \r, as the bar does
    line = first.stderr.readline()
    while "1/50" not in line:
        assert line, first.stdout.read()
        line = first.stderr.readline()
    os.killpg(first.pid, signal.SIGINT)
    printed, complained = first.communicate(timeout=300)
    done = len(load_results(file))
    second = subprocess.run(
        [*command, str(done + 1)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return InterruptedCommand(file, first.returncode, printed, complained, done, second.stdout)


NOT_WINDOWS = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows interrupts a group of processes in another way"
)


@pytest.mark.slow
@NOT_WINDOWS
def test_an_interrupted_command_says_how_to_continue(interrupted: InterruptedCommand) -> None:
    assert interrupted.status == 130
    assert "http://127.0.0.1:" in interrupted.printed  # Dask's dashboard
    assert "Traceback" not in interrupted.complained
    assert (
        interrupted.complained.splitlines()[-1]
        == f"Interrupted. What was finished is in {interrupted.file}; the same command continues."
    )


@pytest.mark.slow
@NOT_WINDOWS
def test_the_same_command_continues_after_an_interruption(interrupted: InterruptedCommand) -> None:
    file, done = interrupted.file, interrupted.done
    assert 1 <= done < 50
    assert f"{file} has {done} of {done + 1} training runs." in interrupted.continued
    assert len(load_results(file)) == done + 1


@pytest.mark.slow
@NOT_WINDOWS
def test_the_command_reports_the_scores_in_words_and_in_a_figure(
    interrupted: InterruptedCommand,
) -> None:
    groups = group_results(load_results(interrupted.file), "validation")
    assert interrupted.continued.splitlines()[-2] == summarize(groups)
    assert interrupted.file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@NOT_WINDOWS
def test_the_example_in_the_readme_reads_the_scores(interrupted: InterruptedCommand) -> None:
    _, example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    found: dict = {}
    exec(example.replace("../runs/study.jsonl", str(interrupted.file)), found)  # noqa: S102
    assert found["groups"] == group_results(load_results(interrupted.file), "test")
