"""Train networks by several recipes at once, each in a process of its own (notebook 04).

Most operations of a small network are too short to be divided among cores without loss. So two
networks with a core each are trained sooner than one after the other with both cores.

Each process trains as `train` does, and saves its run after every epoch. To the process that
started it, it writes messages, a line of JSON each: how many epochs are saved, a sentence for the
user, or why it failed.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, fields
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from mnist_cnn.arguments import check_list
from mnist_cnn.data import Dataset
from mnist_cnn.device import device
from mnist_cnn.environment import describe_environment
from mnist_cnn.exceptions import Interrupted, RunError
from mnist_cnn.folders import short_path
from mnist_cnn.machine import cores, has_memory_for, threads
from mnist_cnn.processes import start_module
from mnist_cnn.recipes import Settings
from mnist_cnn.runs import Run, load_matching, load_run, run_file
from mnist_cnn.training import Progress, choose_settings, print_progress, train_with


def train_all(
    recipes: Sequence[str],
    dataset: Dataset,
    *,
    epochs: int | None = None,
    seed: int = 0,
    precision: str | None = None,
    progress: Progress = print_progress,
) -> list[Run]:
    """Train a network by each of several recipes, at once if the machine has room for it.

    Each is trained, saved and continued as by `train`, in a process of its own that computes with
    its share of the cores; `train` ends with the same weights if it computes with as many. On a
    GPU, with too few cores or too little memory, they are trained here, one after the other.

    Args:
        recipes: Names in RECIPES, each once.
        dataset: As in `train`.
        epochs: As in `train`.
        seed: As in `train`.
        precision: As in `train`.
        progress: Called with each run at the start and after every epoch. Prints a line by default.

    Returns:
        The runs after their last epochs, in the order of the recipes.

    Raises:
        RunError: As in `train`, for any of them; the others stop after their last saved epoch.
        Interrupted: The user interrupted the training; the message says what was saved.
    """
    recipes = check_list("recipes", recipes)
    if len(set(recipes)) < len(recipes):
        raise ValueError(f"recipes must name each recipe once, not {', '.join(recipes)}")
    wanted = [choose_settings(recipe, dataset, epochs, seed, precision) for recipe in recipes]
    begun = [_find_run(settings, dataset) for settings in wanted]
    for run in begun:
        progress(run)  # of all first, so that it knows what is still to come
    unfinished = [run.settings for run in begun if not run.finished]
    trained = {}
    if unfinished and _has_room_for(len(unfinished)):
        trained = _train_in_processes(unfinished, dataset, progress)
    return [
        trained.get(settings.recipe)
        or train_with(settings, dataset, settings.recipe, _without_start(progress))
        for settings in wanted
    ]


def _find_run(settings: Settings, dataset: Dataset) -> Run:
    """Find the run with these settings; if it is yet to begin, only they are known of it."""
    with suppress(OSError, RunError):
        return load_matching(run_file(settings.recipe, dataset), asdict(settings))
    environment = describe_environment(dataset.source)
    nothing = np.empty((1, 0), "uint8")
    return Run(settings, environment, 0.0, {}, nothing, [], [])  # type: ignore[arg-type]


def _without_start(progress: Progress) -> Progress:
    """The same progress, but for its first call."""
    calls = count()
    return lambda run: progress(run) if next(calls) else None


def _has_room_for(networks: int) -> bool:
    """Whether so many networks can be trained at once, in processes beside this one."""
    return device() == "CPU" and cores() >= networks and has_memory_for(networks + 1)


def _train_in_processes(
    wanted: list[Settings], dataset: Dataset, progress: Progress
) -> dict[str, Run]:
    """Train with each of several settings in a process of its own; return the runs by recipe."""
    files = {settings.recipe: run_file(settings.recipe, dataset) for settings in wanted}
    try:
        with _start_processes(wanted, dataset) as messages:
            for message in messages:
                if "error" in message:
                    raise RunError(message["error"])
                if "sentence" in message:
                    print(message["sentence"], flush=True)
                else:  # another epoch is saved
                    progress(load_run(files[message["recipe"]]))
    except KeyboardInterrupt:
        saved = " and ".join(_describe_saved(file, wanted[0].epochs) for file in files.values())
        raise Interrupted(f"{saved} are saved. Run this cell again to continue.") from None
    return {recipe: load_run(file) for recipe, file in files.items()}


def _describe_saved(file: Path, epochs: int) -> str:
    done = load_run(file).epochs_done if file.exists() else 0
    return f"{done} of {epochs} epochs in {short_path(file)}"


@contextmanager
def _start_processes(wanted: list[Settings], dataset: Dataset) -> Iterator[Iterator[Any]]:
    """Start a process for each of several settings; stop those that still run at the end.

    Yields:
        The messages of all processes as they come, until all have ended.

    Raises:
        RunError: A process ended before it had trained, and its messages do not say why.
    """
    share = str(max(1, threads() // len(wanted)))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    reading, writing = os.pipe()
    with ExitStack() as stack:
        messages = stack.enter_context(open(reading, encoding="utf-8"))
        stderr = stack.enter_context(tempfile.TemporaryFile())
        images = Path(stack.enter_context(tempfile.TemporaryDirectory()), "images.npz")
        _save_dataset(images, dataset)
        processes = []
        with open(writing, "wb") as pipe:  # closed after it, so that the last process closes it
            for settings in wanted:
                process = start_module(
                    "mnist_cnn.parallel",
                    images,
                    json.dumps(settings.to_dict()),
                    stdout=pipe,
                    stderr=stderr,
                    **dict.fromkeys(names, share),
                )
                stack.callback(_stop, process)
                processes.append(process)
        yield map(json.loads, messages)
        if any(process.wait() for process in processes):
            stderr.seek(0)
            said = stderr.read().decode(errors="replace").strip()[-1000:]
            raise RunError(
                "A training process ended before its last epoch, perhaps because the machine ran "
                "out of memory. Its finished epochs are saved: run this cell again to continue."
                + (f"\n{said}" if said else "")
            )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.kill()  # nothing is lost, as whole epochs are saved
    process.wait()


def _save_dataset(file: Path, dataset: Dataset) -> None:
    values = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
    np.savez(file, **values)


def _load_dataset(file: Path) -> Dataset:
    with np.load(file, allow_pickle=False) as archive:
        values: dict[str, Any] = dict(archive)
    for name in ("source", "origin", "name"):
        values[name] = str(values[name])
    return Dataset(**values)


def _main(file: str, text: str) -> None:
    """Train as another process wants it.

    Args:
        file: Where the dataset is saved.
        text: The settings, in JSON.
    """
    messages = sys.stdout.fileno()
    sys.stdout = sys.stderr  # what is printed is no message
    settings = Settings.from_dict(json.loads(text))

    def send(**message: str | int) -> None:
        line = json.dumps({"recipe": settings.recipe} | message) + "\n"
        os.write(messages, line.encode())  # in one piece, as other processes write there, too

    try:
        train_with(
            settings,
            _load_dataset(Path(file)),
            settings.recipe,
            progress=_without_start(lambda run: send(epochs_saved=run.epochs_done)),
            report=lambda sentence: send(sentence=sentence),
        )
    except RunError as error:
        send(error=str(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
