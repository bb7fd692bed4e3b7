"""Measure how fast the recipes are, beside the article's network: `make bench`, or `make bench-quick`.

Each measurement is a process of its own, alone on the machine, and leaves a small file in a folder
of its series in benchmarks/work/. So a series can be stopped at any time; run it again, and it
continues where it was, whatever other series were measured meanwhile. When all its files are there
they become a part of benchmarks/results.json, and its folder is deleted. The quick form uses fewer
images and only prints. Accuracies come from studies (`python -m mnist_cnn.study`); only the
article's network, trained by plain Keras, has its own: --article. What each rung of notebook 08's
ladder costs is measured by itself, too: --ladder.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

FILE = Path(__file__).with_name("results.json")
WORK = Path(__file__).with_name("work")
EPOCHS = 3  # are timed at a time, or as many as the training has
ROUNDS = 2  # with all contestants in turn, so that a slow minute of the machine affects them alike
IMAGES = 60_000
RECIPES = ("relu", "leaky_relu", "improved", "short")
SCALING = (1_000, 3_000, 10_000, 30_000, 60_000)
ARTICLE_SEEDS = 3  # of the article's network, as one takes as long as ten of another
SERIES = {  # beside the speeds
    "article": "train the article's network to the end, with each seed",
    "ladder": "time a training of each rung of the ladder in notebook 08",
    "views": "measure how fast the views respond",
}
TORCH = ["torch"] if find_spec("torch") else []  # compared where it is installed

Contestant = tuple[str, str, str]
"""How it is trained ("fit": by plain Keras, called as in the article; "train": by this package; "torch": by PyTorch),
which network or recipe, and in which precision."""

BASELINE = ("fit", "article", "float32")


def contestants(chosen: str) -> list[Contestant]:
    """All rows of the table, if `chosen` is the precision that this machine trains in."""
    ours = [
        ("train", recipe, precision)
        for recipe in RECIPES
        for precision in dict.fromkeys(("float32", chosen))
    ]
    return [
        BASELINE,
        ("fit", "relu", "float32"),
        *((name, "relu", "float32") for name in TORCH),
        *ours,
    ]


def main() -> None:
    """Measure everything, or be the process that makes one measurement."""
    parser = argparse.ArgumentParser(description="Measure the speeds.")
    series = parser.add_mutually_exclusive_group()
    series.add_argument("--quick", action="store_true", help="fewer images, one round; only prints")
    for name, what in SERIES.items():
        series.add_argument(f"--{name}", action="store_const", const=name, dest="series", help=what)
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(JOBS[arguments.job.pop("kind")](**arguments.job)))
    elif arguments.quick:
        from tables import times  # not needed by the processes that measure

        with tempfile.TemporaryDirectory() as work:
            results = collect(Path(work), rounds=1, images=IMAGES // 10, scaling=())
        print(f"\nWith {IMAGES // 10:,} images, a tenth of them all:\n\n{times(results)}")
    else:
        measure(arguments.series or "speeds")


def measure(series: str) -> None:
    """Measure what a series lacks, put it into results.json, and remove only its own work."""
    work = WORK / series
    if series == "article":
        found = {"article": article_accuracies(work)}
    elif series == "ladder":
        found = {"costs": ladder_costs(work)}
    else:
        found = collect(work, ROUNDS, IMAGES, SCALING) if series == "speeds" else {}
        [found["views"]] = run([{"kind": "views"}], work)
    results = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    FILE.write_text(json.dumps(results | found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work)
    if not any(WORK.iterdir()):
        WORK.rmdir()
    print("Wrote benchmarks/results.json")


def collect(work: Path, rounds: int, images: int, scaling: tuple[int, ...]) -> dict:
    """Measure the speeds that are not in the folder `work` yet; return what results.json holds of
    them.
    """
    # Imports Keras, as a process that measures does by itself
    from mnist_cnn.device import choose_precision
    from mnist_cnn.machine import installed_version

    chosen = choose_precision()
    times = {
        c: [time_job(c, images, number) for number in range(rounds)] for c in contestants(chosen)
    }
    # In turn; below, from files
    run([job for jobs in zip(*times.values(), strict=True) for job in jobs], work)
    found = {contestant: run(jobs, work) for contestant, jobs in times.items()}
    growth = run([time_job(("train", "relu", chosen), n, 0) for n in scaling], work)
    imports = run([{"kind": "import", "number": number} for number in range(3)], work)
    return {
        **where_and_when(),
        "versions": {
            name: installed_version(name) for name in ("tensorflow", "keras", "numpy", *TORCH)
        }
        | {"python": platform.python_version()},
        "import_seconds": round(statistics.median(found["seconds"] for found in imports), 1),
        "chosen_precision": chosen,
        "rows": [row(contestant, found[contestant], found[BASELINE]) for contestant in times],
        "scaling": [
            {
                "images": n,
                "seconds_per_epoch": round(median_epoch([times], "clock"), 2),
                "peak_mb": times["peak_mb"],
            }
            for n, times in zip(scaling, growth, strict=True)
        ],
    }


def article_accuracies(work: Path) -> dict:
    """Train the article's network as the article does, with each seed; hours."""
    jobs = [{"kind": "article", "seed": seed} for seed in range(ARTICLE_SEEDS)]
    found = run(jobs, work)
    return {
        "date": date.today().isoformat(),
        "precision": found[0]["precision"],
        "test_accuracies": [round(100 * one["test"], 2) for one in found],
        "validation_mean": round(100 * statistics.mean(one["validation"] for one in found), 3),
    }


def ladder_costs(work: Path) -> dict:
    """Time three epochs of each rung, in float32; the seconds of a whole training, by recipe."""
    from tables import RUNGS  # not needed by the processes that measure

    seconds = {}
    for recipe in RUNGS.values():
        rung = BASELINE if recipe == "article" else ("train", recipe, "float32")
        seconds[recipe] = round(total(run([time_job(rung, IMAGES, 0)], work), "clock"), 1)
    return {**where_and_when(), "seconds": seconds}


def where_and_when() -> dict:
    """The date, and the processor with its cores."""
    from mnist_cnn.machine import cores, processor

    return {"date": date.today().isoformat(), "machine": f"{processor()}, {cores()} cores"}


def time_job(contestant: Contestant, images: int, number: int) -> dict:
    how, recipe, precision = contestant
    return {
        "kind": "time",
        "how": how,
        "recipe": recipe,
        "precision": precision,
        "images": images,
        "number": number,
    }


def row(contestant: Contestant, times: list[dict], baseline: list[dict]) -> dict:
    """One row of the table: what a contestant's training costs, also beside the baseline's."""
    how, recipe, precision = contestant
    about, epoch = times[0], median_epoch(times, "clock")
    later = [seconds for found in times for seconds in found["clock"][1:]]
    return {
        "what": how,
        "recipe": recipe,
        "precision": precision,
        "settings": about["settings"],
        "epochs": about["epochs"],
        "seconds_per_epoch": round(epoch, 2),
        "fastest_and_slowest": [min(later), max(later)],
        "processor_seconds_per_epoch": round(median_epoch(times, "processor"), 2),
        "seconds_total": round(total(times, "clock"), 1),
        "ratio_to_article": round(total(baseline, "clock") / total(times, "clock"), 1),
        "ratio_by_processor": round(total(baseline, "processor") / total(times, "processor"), 1),
        "images_per_second": round(about["train_images"] / epoch),
        "peak_mb": max(found["peak_mb"] for found in times),
        "parameters": about["parameters"],
        "weights_mb": round(4 * about["parameters"] / 1e6, 2),
    }


def median_epoch(times: list[dict], which: str) -> float:
    """Seconds of an epoch after the first, by the "clock" or of the "processor"."""
    return statistics.median(seconds for found in times for seconds in found[which][1:])


def total(times: list[dict], which: str) -> float:
    """Seconds of a whole training: the first epoch, which builds the graph, and the others."""
    return statistics.median(found[which][0] for found in times) + (
        times[0]["epochs"] - 1
    ) * median_epoch(times, which)


def run(jobs: list[dict], work: Path) -> list[dict]:
    """Do those jobs that have left no file yet, each in a process, and print what they found;
    return all results.
    """
    work.mkdir(parents=True, exist_ok=True)
    results = []
    for job in jobs:
        file = work / ("-".join(map(str, job.values())) + ".json")
        if not file.exists():
            command = [sys.executable, __file__, "--job", json.dumps(job)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            file.write_text(done.stdout.splitlines()[-1] + "\n")
            print(
                f"{time.strftime('%H:%M')} {file.stem}: {file.read_text().strip()[:150]}",
                flush=True,
            )
        results.append(json.loads(file.read_text()))
    return results


def timing(how: str, recipe: str, precision: str, images: int, number: int) -> dict:
    """Train for a few epochs; the seconds of each, by the clock and of the processor, and the peak
    of memory.
    """
    from mnist_cnn.data import load_images

    digits = load_images(source="full")
    digits = replace(digits, x_train=digits.x_train[:images], y_train=digits.y_train[:images])
    moments = []  # at the start, and at the end of each epoch

    def look(*_: object) -> None:
        moments.append((time.perf_counter(), time.process_time()))

    found = {"train": time_train, "fit": time_fit, "torch": time_torch}[how](
        recipe, precision, digits, look
    )
    spent = {
        name: [round(after[which] - before[which], 2) for before, after in pairwise(moments)]
        for which, name in enumerate(("clock", "processor"))
    }
    return {"epochs": 20, "settings": {}} | found | spent | {"peak_mb": peak_mb()}


def time_train(recipe: str, precision: str, digits, look) -> dict:
    """By this package: what was trained."""
    from mnist_cnn.data import split_validation
    from mnist_cnn.recipes import RECIPES
    from mnist_cnn.training import train

    settings = asdict(RECIPES[recipe])
    with tempfile.TemporaryDirectory() as runs:  # so that there is no run to continue
        os.environ["MNIST_CNN_RUNS"] = runs
        trained = train(
            recipe,
            digits,
            epochs=min(EPOCHS, settings["epochs"]),
            precision=precision,
            progress=look,
        )
    (train_images, _), _ = split_validation(digits.x_train, digits.y_train)
    return {
        "parameters": sum(array.size for array in trained.weights),
        "train_images": len(train_images),
        "epochs": settings["epochs"],
        "settings": settings,
    }


def time_fit(network: str, precision: str, digits, look) -> dict:
    """By plain Keras as the article calls it."""
    from mnist_cnn.backend import keras

    watch = keras.callbacks.LambdaCallback(on_train_begin=look, on_epoch_end=look)
    model, _ = fit_as_in_the_article(
        network, precision, digits, epochs=EPOCHS, seed=0, callbacks=[watch]
    )
    return {"parameters": model.count_params(), "train_images": len(digits.x_train) * 8 // 10}


def fit_as_in_the_article(
    network: str, precision: str, digits, epochs: int, seed: int, callbacks: Sequence = ()
):
    """Train by plain Keras: Adam at its usual rate, batches of 64, a fifth of the images for
    validation.
    """
    from mnist_cnn.data import one_hot, prepare_images
    from mnist_cnn.device import fix_seed
    from mnist_cnn.models import build_model

    fix_seed(seed)
    model = build_model(network, precision)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = prepare_images(digits.x_train), one_hot(digits.y_train)
    options = {
        "batch_size": 64,
        "epochs": epochs,
        "validation_split": 0.2,
        "verbose": 0,
        "callbacks": list(callbacks),
    }
    return model, model.fit(x, y, **options).history


def time_torch(recipe: str, precision: str, digits, look) -> dict:
    """By PyTorch, in a process that has no TensorFlow."""
    from peer_torch import fit

    parameters, train_images = fit(digits, look, EPOCHS)
    return {"parameters": parameters, "train_images": train_images}


def article(seed: int) -> dict:
    """Train the article's network for twenty epochs; its accuracies after the last one."""
    from mnist_cnn.data import load_images
    from mnist_cnn.device import choose_precision
    from mnist_cnn.models import build_model, predict

    digits, precision = load_images(source="full"), choose_precision()
    model, history = fit_as_in_the_article("article", precision, digits, epochs=20, seed=seed)
    network = build_model("article")  # in float32, as `train` validates too
    network.set_weights(model.get_weights())
    right = predict(network, digits.x_test).argmax(axis=1) == digits.y_test
    return {
        "precision": precision,
        "validation": history["val_accuracy"][-1],
        "test": float(right.mean()),
    }


def import_time(number: int) -> dict:
    """Seconds to import the package, in a process that has done nothing else."""
    start = time.perf_counter()
    import mnist_cnn.training  # noqa: F401

    return {"seconds": round(time.perf_counter() - start, 2)}


def views() -> dict:
    """How fast the views respond, and where that was measured."""
    from view_speed import measure

    return {**where_and_when(), **measure()}


def peak_mb() -> int:
    """The most memory that this process has used, in millions of bytes."""
    import resource  # there is none on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


JOBS = {"time": timing, "article": article, "import": import_time, "views": views}

if __name__ == "__main__":
    main()
