"""Measure how fast the recipes train, compared with the article's network: `make bench`.

Each measurement runs in a process of its own (jobs.py), alone on the machine, and leaves a small
file in the folder of its series in benchmarks/work/. So a series can be stopped at any time: run it
again, and it continues where it stopped, even if other series were measured meanwhile. When it is
complete, its results go into benchmarks/results.json, and its folder is deleted. `make bench-quick`
uses fewer images, and only prints.

Accuracies come from studies (`python -m mnist_cnn.study`). Only those of the article's network,
which plain Keras trains, are a series here: --article. The costs of each rung of notebook 08's
ladder are another one: --ladder.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import jobs
from compared import BASELINE, RUNGS, Contestant, contestants
from mnist_cnn.device import choose_precision
from mnist_cnn.machine import cores, installed_version, processor
from schema import (
    ArticleMeasurement,
    ArticleResults,
    Clock,
    DateAndMachine,
    ImportMeasurement,
    LadderResults,
    SpeedResults,
    SpeedRow,
    TrainingMeasurement,
    ViewMeasurement,
    ViewResults,
)
from tables import speed_table

FILE = Path(__file__).with_name("results.json")
WORK = Path(__file__).with_name("work")
ROUNDS = 2  # each over all contestants, so that a slow minute of the machine affects them alike
IMAGES = 60_000
SCALING = (1_000, 3_000, 10_000, 30_000, 60_000)
ARTICLE_SEEDS = 3  # few, as one training run of the article's network takes as long as ten others
SERIES_OPTIONS = {  # the help for the options that choose a series other than the speeds
    "article": "train the article's network to the end, with each seed",
    "ladder": "time a training run of each rung of the ladder in notebook 08",
    "views": "measure how fast the views respond",
}


class Job(NamedTuple):
    """A measurement to make.

    Attributes:
        name: The name of the file that keeps the measurement, without its ending.
        kind: The kind of measurement, a key of jobs.JOBS.
        arguments: The keyword arguments of the job's function; they must fit into JSON.
    """

    name: str
    kind: str
    arguments: dict[str, Any]


def main() -> None:
    """Measure a series, or only the speeds with fewer images."""
    parser = argparse.ArgumentParser(description="Measure the speeds.")
    options = parser.add_mutually_exclusive_group()
    options.add_argument(
        "--quick", action="store_true", help="fewer images, one round; only prints"
    )
    for name, text in SERIES_OPTIONS.items():
        options.add_argument(
            f"--{name}", action="store_const", const=name, dest="series", help=text
        )
    arguments = parser.parse_args()
    if arguments.quick:
        images = IMAGES // 10
        with tempfile.TemporaryDirectory() as work:
            results = measure_speeds(Path(work), rounds=1, images=images, scaling=())
        print(f"\nWith {images:,} images, a tenth of them all:\n\n{speed_table(results)}")
    else:
        measure_series(arguments.series or "speeds")


def measure_series(series: str) -> None:
    """Make a series' missing measurements, update results.json, and delete the series' folder."""
    work = WORK / series
    check_conditions(work)
    found = SERIES[series](work)
    results = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    write_json(FILE, {**results, **found}, indent=1)
    shutil.rmtree(work)
    if not any(WORK.iterdir()):
        WORK.rmdir()
    print("Wrote benchmarks/results.json")


def check_conditions(work: Path) -> None:
    """Keep measurements apart that were made on other machines or with other versions.

    Raises:
        SystemExit: The folder's measurements were begun under other conditions.
    """
    now = {
        "machine": date_and_machine()["machine"],
        "versions": installed_versions(with_torch=find_spec("torch") is not None),
    }
    file = work / "conditions.json"
    begun = json.loads(file.read_text(encoding="utf-8")) if file.exists() else now
    if begun != now:
        raise SystemExit(
            f"The measurements in {work} were begun on another machine or with other versions:\n"
            f"{begun}, but here it is\n{now}.\nContinue there, or delete the folder to start again."
        )
    work.mkdir(parents=True, exist_ok=True)
    write_json(file, now)


def write_json(file: Path, content: object, indent: int | None = None) -> None:
    """Write a file in one step, so that it is whole whenever the process is stopped."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
    new.replace(file)


def measure_speeds_and_views(work: Path) -> Mapping[str, object]:
    """Measure how fast everything trains, and how fast the views respond."""
    return {**measure_speeds(work, ROUNDS, IMAGES, SCALING), **measure_views(work)}


def measure_speeds(work: Path, rounds: int, images: int, scaling: Sequence[int]) -> SpeedResults:
    """Measure the time and memory that all contestants take, and their growth with the images.

    Args:
        work: The folder of the measurements. Those that it already holds are not repeated.
        rounds: Number of measurements of each contestant.
        images: Number of training images for the contestants.
        scaling: Numbers of training images for which to measure the recipe "relu".
    """
    chosen = choose_precision()
    speeds: dict[Contestant, list[TrainingMeasurement]] = {row: [] for row in contestants(chosen)}
    for number in range(rounds):
        for contestant, measurements in speeds.items():
            measurements.append(measure(speed_job(contestant, images, number), work))
    relu = Contestant("train", "relu", chosen)
    growth: dict[int, TrainingMeasurement] = {
        count: measure(speed_job(relu, count, 0), work) for count in scaling
    }
    imports: list[ImportMeasurement] = [
        measure(Job(f"import-{number}", "time_import", {}), work) for number in range(3)
    ]
    return {
        **date_and_machine(),
        "versions": installed_versions(with_torch=any(row.trainer == "torch" for row in speeds)),
        "import_seconds": round(statistics.median(each["seconds"] for each in imports), 1),
        "chosen_precision": chosen,
        "rows": [
            summarize_speed(contestant, measurements, speeds[BASELINE])
            for contestant, measurements in speeds.items()
        ],
        "scaling": [
            {
                "images": count,
                "seconds_per_epoch": round(median_epoch([measurement], "clock"), 2),
                "peak_mb": measurement["peak_mb"],
            }
            for count, measurement in growth.items()
        ],
    }


def measure_article(work: Path) -> ArticleResults:
    """Train the article's network as the article does, with each seed; this takes hours."""
    trained: list[ArticleMeasurement] = [
        measure(Job(f"article-{seed}", "train_article", {"seed": seed}), work)
        for seed in range(ARTICLE_SEEDS)
    ]
    validation_mean = statistics.mean(one["validation"] for one in trained)
    return {
        "article": {
            "date": date.today().isoformat(),
            "precision": trained[0]["precision"],
            "test_accuracies": [round(100 * one["test"], 2) for one in trained],
            "validation_mean": round(100 * validation_mean, 3),
        }
    }


def measure_ladder(work: Path) -> LadderResults:
    """Measure how many seconds a training run of each rung of the ladder takes in float32."""
    seconds = {}
    for recipe in RUNGS:
        trained = BASELINE if recipe == "article" else Contestant("train", recipe, "float32")
        measurement: TrainingMeasurement = measure(speed_job(trained, IMAGES, 0), work)
        seconds[recipe] = round(whole_training([measurement], "clock"), 1)
    return {"costs": {**date_and_machine(), "seconds": seconds}}


def measure_views(work: Path) -> ViewResults:
    """Measure how fast the views respond in a browser."""
    measurement: ViewMeasurement = measure(Job("views", "time_views", {}), work)
    return {"views": {**date_and_machine(), **measurement}}


# The functions that measure a series, by its name; they return entries of results.json
SERIES: dict[str, Callable[[Path], Mapping[str, object]]] = {
    "speeds": measure_speeds_and_views,
    "article": measure_article,
    "ladder": measure_ladder,
    "views": measure_views,
}


def date_and_machine() -> DateAndMachine:
    """Today's date, and the processor with its number of cores."""
    return {"date": date.today().isoformat(), "machine": f"{processor()}, {cores()} cores"}


def installed_versions(with_torch: bool) -> dict[str, str]:
    """The versions of the packages that train, and of Python."""
    names = ["tensorflow", "keras", "numpy"]
    if with_torch:
        names.append("torch")
    versions = {name: installed_version(name) for name in names}
    return versions | {"python": platform.python_version()}


def speed_job(contestant: Contestant, images: int, number: int) -> Job:
    """The job that trains a contestant for a few epochs on the first images.

    Args:
        contestant: The contestant.
        images: Number of training images, including those for validation.
        number: The number of the round, from 0 up.
    """
    trainer, recipe, precision = contestant
    kind = "network" if trainer == "fit" else "recipe"
    arguments = {kind: recipe, "precision": precision, "images": images}
    name = f"time-{trainer}-{recipe}-{precision}-{images}-{number}"
    return Job(name, f"time_{trainer}", arguments)


def measure(job: Job, work: Path) -> Any:
    """Read a measurement from its file, or make it now and keep it there.

    Returns:
        What the job's function returns; callers name its type, which JSON cannot tell.
    """
    file = work / f"{job.name}.json"
    if not file.exists():
        measurement = run_in_a_process(job)
        work.mkdir(parents=True, exist_ok=True)
        write_json(file, measurement)
        print(f"{time.strftime('%H:%M')} {job.name}: {json.dumps(measurement)[:150]}", flush=True)
    return json.loads(file.read_text())


def run_in_a_process(job: Job) -> Any:
    """Make a measurement in a new process, and parse the last line that the process prints."""
    command = [sys.executable, jobs.__file__, job.kind, json.dumps(job.arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def summarize_speed(
    contestant: Contestant,
    measurements: list[TrainingMeasurement],
    baseline: list[TrainingMeasurement],
) -> SpeedRow:
    """Summarize what a contestant's training costs, compared with the baseline's.

    Args:
        contestant: The contestant.
        measurements: The contestant's measurements.
        baseline: The baseline's measurements.
    """
    about = measurements[0]  # for what does not differ between the rounds
    later_epochs = [seconds for each in measurements for seconds in each["clock"][1:]]
    epoch = median_epoch(measurements, "clock")
    total = whole_training(measurements, "clock")
    total_by_processor = whole_training(measurements, "processor")
    return {
        "trainer": contestant.trainer,
        "recipe": contestant.recipe,
        "precision": contestant.precision,
        "settings": about["settings"],
        "epochs": about["epochs"],
        "seconds_per_epoch": round(epoch, 2),
        "fastest_and_slowest": [min(later_epochs), max(later_epochs)],
        "processor_seconds_per_epoch": round(median_epoch(measurements, "processor"), 2),
        "seconds_total": round(total, 1),
        "ratio_to_article": round(whole_training(baseline, "clock") / total, 1),
        "ratio_by_processor": round(whole_training(baseline, "processor") / total_by_processor, 1),
        "images_per_second": round(about["train_images"] / epoch),
        "peak_mb": max(each["peak_mb"] for each in measurements),
        "parameters": about["parameters"],
        "weights_mb": round(4 * about["parameters"] / 1e6, 2),
    }


def median_epoch(measurements: list[TrainingMeasurement], which: Clock) -> float:
    """The median duration of an epoch after the first, in seconds.

    Args:
        measurements: Measurements of the same training.
        which: "clock" for elapsed time, or "processor" for the time of all cores together.
    """
    return statistics.median(seconds for each in measurements for seconds in each[which][1:])


def whole_training(measurements: list[TrainingMeasurement], which: Clock) -> float:
    """The duration of a whole training, in seconds, extrapolated from its first epochs.

    It is that of the first epoch, which also builds the graph, plus a median epoch for each of the
    others.

    Args:
        measurements: Measurements of the same training.
        which: "clock" for elapsed time, or "processor" for the time of all cores together.
    """
    first = statistics.median(each[which][0] for each in measurements)
    return first + (measurements[0]["epochs"] - 1) * median_epoch(measurements, which)


if __name__ == "__main__":
    main()
