"""Train what a study lacks, on workers of Dask, and keep what each training run reaches.

Each result goes into the results file as it comes, and what is there is not trained again. So a
study may be stopped, or lose some of its workers or all, and the same command continues it.
"""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_cnn.arguments import check_choice, check_list, check_seed, check_whole
from mnist_cnn.data import Dataset, check_dataset
from mnist_cnn.exceptions import StudyError
from mnist_cnn.locking import lock
from mnist_cnn.recipes import PRECISIONS, RECIPES, Settings
from mnist_cnn.study.cluster import (
    TOPIC,
    WorkerEnvironment,
    ask_workers,
    check_images,
    connect,
    describe_worker,
    train_one,
)
from mnist_cnn.study.results import Result, load_results, result_key, save_result
from mnist_cnn.training import choose_settings

if TYPE_CHECKING:
    from distributed import Client


def run_study(
    recipes: Sequence[str],
    seeds: Sequence[int],
    file: str | os.PathLike[str],
    dataset: Dataset,
    *,
    epochs: int | None = None,
    precision: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    wait: int = 600,
) -> list[Result]:
    """Train each recipe with each seed, unless its result is in the file; return all results.

    Whatever goes wrong, what was finished is in the file.

    Args:
        recipes: Names in RECIPES.
        seeds: Whole numbers from 0 up, the same for all recipes, so that they can be compared pair
            by pair.
        file: Where results are appended. It is made if there is none.
        dataset: The images. The workers load the same themselves.
        epochs: As in `train`.
        precision: As in `train`, but defaults to what the workers choose.
        scheduler: The address of a Dask scheduler, as host:8786. By default, workers start on this
            machine.
        workers: How many workers to start, without a scheduler. Defaults to one for each core, as
            far as there is memory, and to one on a GPU.
        wait: How many seconds to wait for the first worker, if the scheduler has none yet.

    Raises:
        StudyError: Dask is not installed, no worker came or can train as asked, some training runs
            failed, another study is writing to the file, or its folder cannot be written.
    """
    recipes, seeds = _check_arguments(
        recipes, seeds, dataset, epochs, precision, scheduler, workers, wait
    )
    file = Path(os.path.expanduser(file))
    with _lock_results(file), ExitStack() as stack:
        client = None
        if scheduler is None:
            expected = describe_worker(dataset.source)  # workers here are like this process
            check_images("A worker on this machine", expected, dataset)
        else:
            client = stack.enter_context(connect(scheduler, workers))
            expected = ask_workers(client, dataset, wait)
        precision = precision or expected["precision"]
        chosen = [
            choose_settings(recipe, dataset, epochs, seed, precision)
            for seed in seeds
            for recipe in recipes
        ]
        planned = _by_key(chosen, expected)
        results = {result.key: result for result in load_results(file)} if file.exists() else {}
        missing = {key: settings for key, settings in planned.items() if key not in results}
        print(f"{file} has {len(planned) - len(missing)} of {len(planned)} training runs.")
        if missing:
            client = client or stack.enter_context(connect(None, workers))
            print(f"Training the others. Dashboard of Dask: {client.dashboard_link}")
            results |= _train_missing(missing, client, expected, dataset.source, file)
    return [results[key] for key in planned]


def _check_arguments(
    recipes: Sequence[str],
    seeds: Sequence[int],
    dataset: Dataset,
    epochs: int | None,
    precision: str | None,
    scheduler: str | None,
    workers: int | None,
    wait: int,
) -> tuple[tuple[str, ...], list[int]]:
    """Check the arguments of `run_study` before it waits for anything; return recipes and seeds."""
    check_dataset(dataset)
    recipes = check_list("recipes", recipes)
    for recipe in recipes:
        check_choice("recipe", recipe, RECIPES)
    seeds = [check_seed(seed) for seed in check_list("seeds", seeds)]
    if not recipes or not seeds:
        raise ValueError("a study needs at least one recipe and one seed")
    for name, number in (("epochs", epochs), ("workers", workers), ("wait", wait)):
        if number is not None:
            check_whole(name, number, 1)
    if precision is not None:
        check_choice("precision", precision, PRECISIONS)
    if scheduler is not None and workers is not None:
        raise ValueError("workers are started on this machine: pass them without a scheduler")
    return recipes, seeds


def _by_key(chosen: list[Settings], expected: WorkerEnvironment) -> dict[str, Settings]:
    """The settings by the keys that their results will have."""
    environments = expected["by_network"]
    return {result_key(settings, environments[settings.network]): settings for settings in chosen}


def _lock_results(file: Path) -> AbstractContextManager[object]:
    """Keep other studies from writing to the same file; a StudyError says what to do if one is."""
    try:
        return lock(file)
    except BlockingIOError as error:
        raise StudyError(f"{error} Wait for it, or name another file for the results.") from None
    except OSError as error:
        raise StudyError(
            f"Results cannot be saved in {file.parent} ({error}). Name a file in a folder that can "
            "be written, with --results or as `file` of run_study."
        ) from error


def _train_missing(
    missing: dict[str, Settings],
    client: "Client",
    expected: WorkerEnvironment,
    source: str,
    file: Path,
) -> dict[str, Result]:
    """Let the workers train; append each result to the file, and return all by their keys."""
    from distributed import as_completed
    from tqdm.auto import tqdm

    epochs = dict.fromkeys(missing, 0)
    bar = tqdm(total=sum(settings.epochs for settings in missing.values()), unit="epoch")

    def show(event: tuple[float, tuple[str, int]]) -> None:
        key, done = event[1]
        if key in epochs:  # others may use the scheduler, too
            epochs[key] = done
            bar.update(sum(epochs.values()) - bar.n)

    client.subscribe_topic(TOPIC, show)
    # In one group, so that Dask keeps them in order, and gives a worker the next one when it has
    # finished the last.
    keys = [("train", settings.recipe, settings.seed, key) for key, settings in missing.items()]
    futures = client.map(train_one, [*missing.values()], key=keys, expected=expected, source=source)
    results, failures = {}, []
    with bar:
        for future in as_completed(futures):
            try:
                result = future.result()
            except Exception as error:  # whatever it met, the others go on
                failures.append(f"{future.key[1]} {future.key[2]}: {error}")
            else:
                save_result(file, result)
                results[result.key] = result
    if failures:
        raise StudyError(
            f"{len(failures)} of {len(missing)} training runs failed. The others are in {file}, "
            f"and the same command tries again what failed. The first was {failures[0]}"
        )
    return results
