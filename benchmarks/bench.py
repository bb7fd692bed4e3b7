"""Measure how good and how fast the recipes are, beside the article's network: `make bench`, or `make bench-quick`.

Each measurement is a process of its own and leaves a small file in benchmarks/work/, so a long series can be stopped at
any time; run it again, and it continues where it was. When all are there they become benchmarks/results.json, and the
folder is deleted. The quick form uses fewer images and only prints.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue

HERE = Path(__file__).parent
SEEDS = range(10)
ARTICLE_SEEDS = 3  # of the article's network, as one takes as long as all ten of another
ROUNDS = 2  # of the timings, each with all contestants in turn, so that a slow minute of the machine affects them alike
IMAGES = 60_000
RECIPES = ("relu", "leaky_relu", "improved", "short")
SCALING = (1_000, 3_000, 10_000, 30_000, 60_000)
ACCURACIES = ("seeds", "test_accuracy_mean", "test_accuracy_sd", "val_accuracy_mean", "test_accuracies")  # in a row
TORCH = ["torch"] if find_spec("torch") else []  # compared where it is installed

Contestant = tuple[str, str, str]
"""How it is trained ("fit": by plain Keras, called as in the article; "train": by this package; "torch": by PyTorch),
which network or recipe, and in which precision."""

BASELINE = ("fit", "article", "float32")


def contestants(chosen: str) -> list[Contestant]:
    """All rows of the table, if `chosen` is the precision that this machine trains in."""
    precisions = dict.fromkeys(("float32", chosen))
    article = [("fit", "article", precision) for precision in precisions]
    ours = [("train", recipe, precision) for recipe in RECIPES for precision in precisions]
    return [*article, ("fit", "relu", "float32"), *((name, "relu", "float32") for name in TORCH), *ours]


def studied(chosen: str) -> list[Contestant]:
    """Those trained with several seeds: all in the chosen precision, and a recipe in float32 to compare the two."""
    ours = [("train", recipe, chosen) for recipe in RECIPES]
    return list(dict.fromkeys([*ours, ("train", "short", "float32"), ("fit", "article", chosen)]))


def main() -> None:
    """Measure everything, or be the process that makes one measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer images, one round, no accuracies; only prints")
    keep = "keep the accuracies of results.json, for a change that leaves the weights as they are"
    parser.add_argument("--speeds", action="store_true", help=f"measure speeds only and {keep}")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(JOBS[arguments.job.pop("kind")](**arguments.job)))
    elif arguments.quick:
        from tables import times  # not needed by the processes that measure

        with tempfile.TemporaryDirectory() as work:
            results = collect(Path(work), rounds=1, images=IMAGES // 10, seeds=range(0), scaling=())
        print(f"\nWith {IMAGES // 10:,} images, a tenth of them all:\n\n{times(results)}")
    else:
        file = HERE / "results.json"
        results = collect(HERE / "work", ROUNDS, IMAGES, range(0) if arguments.speeds else SEEDS, SCALING)
        if arguments.speeds:
            keep_accuracies(results, json.loads(file.read_text(encoding="utf-8")))
        [results["views"]] = run([{"kind": "views"}], HERE / "work")
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(HERE / "work")
        print("Wrote benchmarks/results.json")


def collect(work: Path, rounds: int, images: int, seeds: range, scaling: tuple[int, ...]) -> dict:
    """Measure what is not in the folder `work` yet; return what results.json holds."""
    from mnist_cnn.cluster import cores, processor  # imports Keras, which a process that measures does by itself

    [found] = run([{"kind": "precision"}], work)
    chosen = found["chosen"]
    studies = {
        c: [accuracy_job(c, seed) for seed in (seeds[:ARTICLE_SEEDS] if c[1] == "article" else seeds)]
        for c in studied(chosen)
    }
    run([job for jobs in studies.values() for job in jobs], work, at_once=cores())
    times = {c: [time_job(c, images, number) for number in range(rounds)] for c in contestants(chosen)}
    run([job for jobs in zip(*times.values(), strict=True) for job in jobs], work)  # in turn; below, from files
    baseline = row(BASELINE, run(times[BASELINE], work))["seconds_total"]
    rows = [row(c, run(jobs, work), run(studies.get(c, []), work), baseline) for c, jobs in times.items()]
    growth = run([time_job(("train", "relu", chosen), n, 0) for n in scaling], work)
    imports = run([{"kind": "import", "number": number} for number in range(3)], work)
    return {
        "date": date.today().isoformat(),
        "machine": f"{processor()}, {cores()} cores",
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", *TORCH)}
        | {"python": platform.python_version()},
        "import_seconds": round(statistics.median(found["seconds"] for found in imports), 1),
        "chosen_precision": chosen,
        "rows": rows,
        "scaling": [
            {"images": n, "seconds_per_epoch": round(statistics.median(found["later"]), 2), "peak_mb": found["peak_mb"]}
            for n, found in zip(scaling, growth, strict=True)
        ],
    }


def keep_accuracies(results: dict, before: dict) -> None:
    """Copy the accuracies, row by row, from the results before, and say when they were measured."""
    results["accuracies_of"] = before.get("accuracies_of", before["date"])
    rows = {(row["what"], row["recipe"], row["precision"]): row for row in before["rows"]}
    for row in results["rows"]:
        old = rows.get((row["what"], row["recipe"], row["precision"]), row)
        row |= {name: old[name] for name in ACCURACIES}


def time_job(contestant: Contestant, images: int, number: int) -> dict:
    how, recipe, precision = contestant
    return {"kind": "time", "how": how, "recipe": recipe, "precision": precision, "images": images, "number": number}


def accuracy_job(contestant: Contestant, seed: int) -> dict:
    how, recipe, precision = contestant
    return {"kind": "accuracy", "how": how, "recipe": recipe, "precision": precision, "seed": seed}


def row(contestant: Contestant, times: list[dict], studies: Sequence[dict] = (), baseline: float | None = None) -> dict:
    """One row of the table: a contestant's times, and its accuracies if it was trained with several seeds."""
    how, recipe, precision = contestant
    epochs = times[0]["epochs"]
    per_epoch = statistics.median(seconds for found in times for seconds in found["later"])
    total = statistics.median(found["first"] for found in times) + (epochs - 1) * per_epoch
    test, validation = ([100 * found[f"{name}_accuracy"] for found in studies] for name in ("test", "val"))
    return {
        "what": how,
        "network": times[0]["network"],
        "recipe": recipe,
        "precision": precision,
        "settings": times[0]["settings"],
        "epochs": epochs,
        "seeds": len(studies),
        "test_accuracy_mean": round(statistics.mean(test), 3) if studies else None,
        "test_accuracy_sd": round(statistics.stdev(test), 3) if studies else None,
        "val_accuracy_mean": round(statistics.mean(validation), 3) if studies else None,
        "seconds_per_epoch": round(per_epoch, 2),
        "seconds_total": round(total, 1),
        "ratio_to_article": round(baseline / total, 1) if baseline else None,
        "images_per_second": round(times[0]["train_images"] / per_epoch),
        "peak_mb": max(found["peak_mb"] for found in times),
        "parameters": times[0]["parameters"],
        "weights_mb": round(4 * times[0]["parameters"] / 1e6, 2),
        "test_accuracies": [round(score, 2) for score in test],
    }


def run(jobs: list[dict], work: Path, at_once: int = 1) -> list[dict]:
    """Do those jobs that have left no file yet, each in a process, and print what they found; return all results.

    One at a time they have the machine to themselves. Several at once get one core each: more is done in an hour.
    """
    work.mkdir(exist_ok=True)
    free: SimpleQueue[int] = SimpleQueue()
    for core in range(at_once):
        free.put(core)

    def do(job: dict) -> dict:
        file = work / ("-".join(map(str, job.values())) + ".json")
        if not file.exists():
            core = free.get()
            pin = ["taskset", "--cpu-list", str(core)] if at_once > 1 and shutil.which("taskset") else []
            environment = os.environ | {"MNIST_CNN_RUNS": str(work / "runs")}
            command = [*pin, sys.executable, __file__, "--job", json.dumps(job)]
            try:
                done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            finally:
                free.put(core)
            file.write_text(done.stdout.splitlines()[-1] + "\n")
            print(f"{time.strftime('%H:%M')} {file.stem}: {file.read_text().strip()[:150]}", flush=True)
        return json.loads(file.read_text())

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(do, jobs))


def accuracy(how: str, recipe: str, precision: str, seed: int) -> dict:
    """Train once; return the accuracies after the last epoch."""
    from mnist_cnn.data import load_mnist
    from mnist_cnn.evaluation import evaluate_run
    from mnist_cnn.models import build_model, predict
    from mnist_cnn.training import train

    digits = load_mnist(source="full")
    if how == "fit":
        model, history = fit_as_in_the_article(recipe, precision, digits, epochs=20, seed=seed)
        network = build_model(recipe)  # in float32, as `train` validates too
        network.set_weights(model.get_weights())
        right = predict(network, digits.x_test).argmax(axis=1) == digits.y_test
        return {"val_accuracy": history["val_accuracy"][-1], "test_accuracy": float(right.mean())}
    trained = train(recipe, digits, precision=precision, seed=seed, name=f"{recipe}-{precision}-{seed}")
    return {"val_accuracy": trained.history["val_accuracy"][-1], "test_accuracy": evaluate_run(trained, digits)}


def timing(how: str, recipe: str, precision: str, images: int, number: int) -> dict:
    """Train for a few epochs; seconds of the first, which builds the graph, and of the later ones; peak memory."""
    from mnist_cnn.data import load_mnist

    digits = load_mnist(source="full")
    digits = replace(digits, x_train=digits.x_train[:images], y_train=digits.y_train[:images])
    by = {"train": time_train, "fit": time_fit, "torch": time_torch}[how]
    found, ends = by(recipe, precision, digits)
    later = [round(after - before, 2) for before, after in pairwise(ends)]
    return {"epochs": 20, "settings": {}} | found | {"first": round(ends[0], 2), "later": later, "peak_mb": peak_mb()}


def time_train(recipe: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Three epochs by this package: what was trained, and the seconds from its start to the end of each epoch."""
    from mnist_cnn.data import split_validation
    from mnist_cnn.recipes import RECIPES
    from mnist_cnn.training import train

    clock = []  # at the start, and after each epoch; more exact than the seconds that the run keeps

    def progress(*_) -> None:
        clock.append(time.perf_counter())

    settings = asdict(RECIPES[recipe])
    with tempfile.TemporaryDirectory() as runs:  # so that there is no run to continue
        os.environ["MNIST_CNN_RUNS"] = runs
        trained = train(recipe, digits, epochs=min(3, settings["epochs"]), precision=precision, progress=progress)
    (train_images, _), _ = split_validation(digits.x_train, digits.y_train)
    found = {
        "network": trained.settings.network,
        "parameters": sum(array.size for array in trained.weights),
        "train_images": len(train_images),
        "epochs": settings["epochs"],
        "settings": settings,
    }
    return found, [moment - clock[0] for moment in clock[1:]]


def time_fit(network: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Two epochs of plain Keras as the article calls it."""
    from mnist_cnn.quiet import keras

    clock = []  # at the start, and after each epoch

    def look(*_) -> None:
        clock.append(time.perf_counter())

    watch = keras.callbacks.LambdaCallback(on_train_begin=look, on_epoch_end=look)
    model, _ = fit_as_in_the_article(network, precision, digits, epochs=2, seed=0, callbacks=[watch])
    found = {"network": network, "parameters": model.count_params(), "train_images": len(digits.x_train) * 8 // 10}
    return found, [moment - clock[0] for moment in clock[1:]]


def fit_as_in_the_article(network: str, precision: str, digits, epochs: int, seed: int, callbacks: Sequence = ()):
    """Train by plain Keras: Adam at its usual rate, batches of 64, a fifth of the images for validation."""
    from mnist_cnn.data import one_hot, prepare_images
    from mnist_cnn.device import fix_seed
    from mnist_cnn.models import build_model

    fix_seed(seed)
    model = build_model(network, precision)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = prepare_images(digits.x_train), one_hot(digits.y_train)
    options = {"batch_size": 64, "epochs": epochs, "validation_split": 0.2, "verbose": 0, "callbacks": list(callbacks)}
    return model, model.fit(x, y, **options).history


def time_torch(recipe: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Three epochs of PyTorch, in a process that has no TensorFlow."""
    from peer_torch import fit

    ends, parameters, train_images = fit(digits)
    return {"network": recipe, "parameters": parameters, "train_images": train_images}, ends


def import_time(number: int) -> dict:
    """Seconds to import the package, in a process that has done nothing else."""
    start = time.perf_counter()
    import mnist_cnn.training  # noqa: F401

    return {"seconds": round(time.perf_counter() - start, 2)}


def precision() -> dict:
    """The precision that is chosen on this machine."""
    from mnist_cnn.device import choose_precision

    return {"chosen": choose_precision()}


def views() -> dict:
    """How fast the views respond."""
    from views import measure

    return measure()


def peak_mb() -> int:
    """The most memory that this process has used, in millions of bytes."""
    import resource  # there is none on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


JOBS = {"accuracy": accuracy, "time": timing, "import": import_time, "precision": precision, "views": views}

if __name__ == "__main__":
    main()
