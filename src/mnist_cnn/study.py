"""Train many seeds of recipes, on one machine or many, and keep what they reach: `python -m mnist_cnn.study`.

Each result goes into the results file as it comes, and what is there is not trained again. So a
study may be stopped, or lose some of its workers or all, and the same command continues it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from mnist_cnn.checks import check_choice, check_whole
from mnist_cnn.cluster import TOPIC, ask_workers, connect, describe, train_one
from mnist_cnn.data import Images, load_images
from mnist_cnn.models import PRECISIONS
from mnist_cnn.recipes import RECIPES, Settings, choose_settings
from mnist_cnn.results import (
    Result,
    StudyError,
    collect_scores,
    load_results,
    plot_scores,
    report,
    result_key,
    save_result,
)
from mnist_cnn.runs import lock, runs_folder

_ADVICE = "Name a file in a folder that can be written, with --results or as `file` of run_study."


def run_study(
    recipes: Sequence[str],
    seeds: Sequence[int],
    file: str | os.PathLike,
    digits: Images,
    *,
    epochs: int | None = None,
    precision: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    wait: int = 600,
) -> list[Result]:
    """Train each recipe with each seed, unless its result is in the file; return the results of all.

    Whatever goes wrong, what was finished is in the file.

    Args:
        recipes: names in RECIPES.
        seeds: whole numbers from 0 up; the same for all recipes, so that they can be compared pair
            by pair.
        file: where results are appended; made if there is none.
        digits: the images; the workers load the same themselves.
        epochs: as in `train`.
        precision: as in `train`; what the workers choose if left out.
        scheduler: the address of a Dask scheduler, as host:8786; workers start on this machine if
            left out.
        workers: how many of those; one for each core, as far as there is memory, if left out, and
            on a GPU one.
        wait: how many seconds to wait for the first worker, if the scheduler has none yet.

    Raises:
        StudyError: Dask is not installed, no worker came or can train as asked, or some trainings
            failed.
        RunError: another study is writing to the file, or its folder cannot be written.
    """
    for recipe in recipes:
        check_choice("recipe", recipe, RECIPES)
    if not recipes or not seeds or (workers or 1) < 1:
        raise ValueError("a study needs at least one recipe, one seed and one worker")
    check_whole("wait", wait, low=1)
    file = Path(os.path.expanduser(file))
    instead = "name another file for the results"
    with lock(file, instead, what="Results", elsewhere=_ADVICE), ExitStack() as stack:
        client = stack.enter_context(connect(scheduler, workers)) if scheduler else None
        environment = ask_workers(client, digits, wait) if client else describe(digits.source)
        asked = {}
        for seed in seeds:
            for recipe in recipes:
                settings = choose_settings(
                    recipe, digits, epochs, seed, precision or environment["precision"]
                )
                asked[result_key(settings, environment["made_with"][settings.network])] = settings
        results = {result.key: result for result in load_results(file)} if file.exists() else {}
        missing = {key: settings for key, settings in asked.items() if key not in results}
        print(f"{file} has {len(asked) - len(missing)} of {len(asked)} trainings.")
        if missing:
            client = client or stack.enter_context(connect(None, workers))
            print(f"Training the others. Dashboard of Dask: {client.dashboard_link}")
            results |= _train_missing(missing, client, environment, digits.source, file)
    return [results[key] for key in asked]


def _train_missing(
    missing: dict[str, Settings], client, environment: dict, source: str, file: Path
) -> dict:
    """Let the workers train; append each result to the file as it comes, and return all by their
    keys.
    """
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
    futures = client.map(
        train_one, [*missing.values()], key=keys, environment=environment, source=source
    )
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
            f"{len(failures)} of {len(missing)} trainings failed. The others are in {file}, and "
            f"the same command tries again what failed. The first was {failures[0]}"
        )
    return results


def main() -> int:
    """Train what is missing, then print the report and draw it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_cnn.study",
        description="Train many seeds of recipes, on one machine or many, and keep what they reach.",
    )
    parser.add_argument(
        "--recipes", nargs="+", required=True, choices=RECIPES, help="one or more of %(choices)s"
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--epochs", type=int, help="other than the recipe's")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="other than what the workers choose"
    )
    parser.add_argument(
        "--scheduler", help="of a Dask cluster, as host:8786; else this machine works"
    )
    parser.add_argument(
        "--workers", type=int, help="on this machine; one for each core, if there is memory"
    )
    parser.add_argument(
        "--wait",
        type=int,
        default=600,
        help="seconds to wait for the first worker of a cluster that has none yet (%(default)s)",
    )
    parser.add_argument(
        "--results", type=Path, default=runs_folder() / "study.jsonl", help="file (%(default)s)"
    )
    parser.add_argument(
        "--images", choices=("validation", "test"), default="validation", help="to report on"
    )
    given = vars(parser.parse_args())
    images, file, first = given.pop("images"), given.pop("results"), given.pop("first")
    seeds = range(first, first + given.pop("seeds"))
    try:
        results = run_study(given.pop("recipes"), seeds, file, load_images(), **given)
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. What was finished is in {file}; the same command continues.",
            file=sys.stderr,
        )
        return 130
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    scores = collect_scores(results, images)
    print(f"Accuracy on the {images} images after the last epoch:\n{report(scores)}")
    plot_scores(scores).savefig(figure := file.with_suffix(".png"), dpi=150)
    print(f"{figure} shows every seed as a dot.")
    return 0


if __name__ == "__main__":
    # Under the module's own name, by which workers can import what they are to call.
    from mnist_cnn.study import main as run

    sys.exit(run())
