"""Measure how good and how fast the recipes are, beside the article's network: `make bench`, or `make bench-quick`.

Every measurement is a process of its own and leaves a small file in benchmarks/work/, so that a long one can be stopped
and taken up again: start it anew, and it goes on where it was. When all are there they become benchmarks/results.json,
and the folder goes. The quick form takes fewer images and only prints.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue

HERE = Path(__file__).parent
SEEDS = range(10)
ROUNDS = 2  # of the timings, each going through all contestants, so that a slow minute of the machine hits all alike
IMAGES = 60_000
RECIPES = ("relu", "leaky_relu", "improved", "short")
SCALING = (1_000, 3_000, 10_000, 30_000, 60_000)

Contestant = tuple[str, str, str]
"""How it is trained ("fit": by Keras, called as in the article; "train": by us; "torch": by PyTorch); what; and in
which precision."""

BASELINE = ("fit", "article", "float32")


def contestants(chosen: str) -> list[Contestant]:
    """All that stand side by side, if `chosen` is the precision of this machine."""
    peers = [BASELINE, ("fit", "relu", "float32")]
    if importlib.util.find_spec("torch"):
        peers.append(("torch", "relu", "float32"))
    precisions = dict.fromkeys(("float32", chosen))
    return peers + [("train", recipe, precision) for recipe in RECIPES for precision in precisions]


def studied(chosen: str) -> list[Contestant]:
    """Those that are trained with all seeds: every recipe, and one in float32 too, to see what bfloat16 does to it."""
    return list(dict.fromkeys([("train", recipe, chosen) for recipe in RECIPES] + [("train", "short", "float32")]))


def main() -> None:
    """Measure, or be the process that does one measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer images, one round, no accuracies; only prints")
    keep = "keep the accuracies of results.json, for a change that leaves the weights as they are"
    parser.add_argument("--speeds", action="store_true", help=f"measure speeds only and {keep}")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        job = json.loads(arguments.job)
        print(json.dumps(JOBS[job.pop("kind")](**job)))
    elif arguments.quick:
        from tables import recipes  # not needed by the processes that measure

        with tempfile.TemporaryDirectory() as work:
            results = collect(Path(work), rounds=1, images=IMAGES // 10, seeds=range(0), scaling=())
        print(f"\nWith {IMAGES // 10:,} images, a tenth of them all:\n\n{recipes(results)}")
    else:
        results = collect(HERE / "work", ROUNDS, IMAGES, range(0) if arguments.speeds else SEEDS, SCALING)
        if arguments.speeds:
            keep_accuracies(results, json.loads((HERE / "results.json").read_text(encoding="utf-8")))
        results["views"] = run([{"kind": "views"}], HERE / "work")['{"kind": "views"}']
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(HERE / "work")
        print("Wrote benchmarks/results.json")


def collect(work: Path, rounds: int, images: int, seeds: range, scaling: tuple[int, ...]) -> dict:
    """Measure what is not in the folder `work` yet; return what results.json holds."""
    measured = run([{"kind": "precision"}], work)
    chosen = measured['{"kind": "precision"}']["chosen"]
    studies = {
        c: [{"kind": "accuracy", "recipe": c[1], "precision": c[2], "seed": s} for s in seeds] for c in studied(chosen)
    }
    measured |= run([job for jobs in studies.values() for job in jobs], work, at_once=cores())
    times = {c: [time_job(c, images, number) for number in range(rounds)] for c in contestants(chosen)}
    growth = [time_job(("train", "relu", chosen), n, 0) for n in scaling]
    imports = [{"kind": "import", "number": number} for number in range(3)]
    in_turn = [job for jobs in zip(*times.values()) for job in jobs]
    measured |= run([*in_turn, *growth, *imports], work)

    def of(jobs: list[dict]) -> list[dict]:
        return [measured[json.dumps(job)] for job in jobs]

    baseline = row(BASELINE, of(times[BASELINE]), [])["seconds_total"]
    rows = [row(c, of(jobs), of(studies.get(c, [])), baseline) for c, jobs in times.items()]
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")}
        | ({"torch": version("torch")} if importlib.util.find_spec("torch") else {})
        | {"python": platform.python_version()},
        "import_seconds": round(statistics.median(found["seconds"] for found in of(imports)), 1),
        "chosen_precision": chosen,
        "rows": rows,
        "scaling": [
            {
                "images": job["images"],
                "seconds_per_epoch": round(statistics.median(found["later"]), 2),
                "peak_mb": found["peak_mb"],
            }
            for job, found in zip(growth, of(growth))
        ],
    }


def keep_accuracies(results: dict, before: dict) -> None:
    """Take over, row by row, what was found with all seeds, and say of when it is."""
    results["accuracies_of"] = before.get("accuracies_of", before["date"])
    rows = {(row["what"], row["recipe"], row["precision"]): row for row in before["rows"]}
    names = ("seeds", "test_accuracy_mean", "test_accuracy_sd", "val_accuracy_mean", "test_accuracies")
    for row in results["rows"]:
        old = rows.get((row["what"], row["recipe"], row["precision"]), row)
        row |= {name: old[name] for name in names}


def time_job(contestant: Contestant, images: int, number: int) -> dict:
    how, recipe, precision = contestant
    return {"kind": "time", "how": how, "recipe": recipe, "precision": precision, "images": images, "number": number}


def row(contestant: Contestant, times: list[dict], studies: list[dict], baseline: float | None = None) -> dict:
    """One row of the table: a contestant's times, and its accuracies if it was trained with several seeds."""
    how, recipe, precision = contestant
    epochs = times[0]["epochs"]
    per_epoch = statistics.median(seconds for found in times for seconds in found["later"])
    total = statistics.median(found["first"] for found in times) + (epochs - 1) * per_epoch
    scores = {name: [100 * found[name] for found in studies] for name in ("test_accuracy", "val_accuracy")}
    return {
        "what": how,
        "network": times[0]["network"],
        "recipe": recipe,
        "precision": precision,
        "settings": times[0]["settings"],
        "epochs": epochs,
        "seeds": len(studies),
        "test_accuracy_mean": round(statistics.mean(scores["test_accuracy"]), 3) if studies else None,
        "test_accuracy_sd": round(statistics.stdev(scores["test_accuracy"]), 3) if studies else None,
        "val_accuracy_mean": round(statistics.mean(scores["val_accuracy"]), 3) if studies else None,
        "seconds_per_epoch": round(per_epoch, 2),
        "seconds_total": round(total, 1),
        "ratio_to_article": round(baseline / total, 1) if baseline else None,
        "images_per_second": round(times[0]["train_images"] / per_epoch),
        "peak_mb": max(found["peak_mb"] for found in times),
        "parameters": times[0]["parameters"],
        "weights_mb": round(4 * times[0]["parameters"] / 1e6, 2),
        "test_accuracies": [round(score, 2) for score in scores["test_accuracy"]],
    }


def run(jobs: list[dict], work: Path, at_once: int = 1) -> dict[str, dict]:
    """Do the jobs that have left no result yet, each in a process, and say what is done; results by job.

    One at a time they have the machine to themselves. Several at once get one core each: more is done an hour.
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
        return dict(zip(map(json.dumps, jobs), pool.map(do, jobs)))


def accuracy(recipe: str, precision: str, seed: int) -> dict:
    """Train once; return the scores of the last epoch."""
    from mnist_cnn.data import load_mnist
    from mnist_cnn.training import train

    digits = load_mnist(source="full")
    metrics = train(recipe, digits, precision=precision, seed=seed, name=f"{recipe}-{precision}-{seed}").metrics
    return {name: metrics[name] for name in ("val_accuracy", "test_accuracy")}


def timing(how: str, recipe: str, precision: str, images: int, number: int) -> dict:
    """Train for a few epochs; seconds of the first, which builds the graph, and of the later ones; peak memory."""
    from mnist_cnn.data import load_mnist

    digits = load_mnist(source="full")
    digits = replace(digits, x_train=digits.x_train[:images], y_train=digits.y_train[:images])
    by = {"train": time_train, "fit": time_fit, "torch": time_torch}[how]
    found, ends = by(recipe, precision, digits)
    later = [round(after - before, 2) for before, after in zip(ends, ends[1:])]
    return found | {"first": round(ends[0], 2), "later": later, "peak_mb": peak_mb()}


def time_train(recipe: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Three epochs of our training: what was trained, and the seconds from its start to the end of each epoch."""
    from mnist_cnn.recipes import RECIPES
    from mnist_cnn.training import train

    ends = []

    def progress(history: dict, epochs: int, seconds: float) -> None:
        if history:
            ends.append(seconds)

    epochs = RECIPES[recipe].epochs
    with tempfile.TemporaryDirectory() as runs:  # it has to begin at the beginning
        os.environ["MNIST_CNN_RUNS"] = runs
        metrics = train(recipe, digits, epochs=min(3, epochs), precision=precision, progress=progress).metrics
    settings = asdict(RECIPES[recipe])
    found = {name: metrics[name] for name in ("network", "parameters", "train_images")}
    return found | {"epochs": epochs, "settings": settings}, ends


def time_fit(network: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Two epochs of plain Keras as the article calls it: batches of 64, a fifth of the images for validation."""
    import mnist_cnn.quiet  # noqa: F401  (before Keras)
    import keras
    from mnist_cnn.data import one_hot, prepare_images
    from mnist_cnn.models import build_model

    ends = []
    model = build_model(network, precision)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = prepare_images(digits.x_train), one_hot(digits.y_train)
    start = time.perf_counter()
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter() - start))
    model.fit(x, y, batch_size=64, epochs=2, validation_split=0.2, verbose=0, callbacks=[clock])
    found = {"network": network, "parameters": model.count_params(), "train_images": len(x) * 8 // 10}
    return found | {"epochs": 20, "settings": {}}, ends


def time_torch(recipe: str, precision: str, digits) -> tuple[dict, list[float]]:
    """Three epochs of PyTorch, in a process that has no TensorFlow."""
    from peer_torch import fit

    ends, parameters, train_images = fit(digits)
    found = {"network": recipe, "parameters": parameters, "train_images": train_images}
    return found | {"epochs": 20, "settings": {}}, ends


def import_time(number: int) -> dict:
    """Seconds until the package is imported, by a process that has done nothing else."""
    start = time.perf_counter()
    import mnist_cnn.training  # noqa: F401

    return {"seconds": round(time.perf_counter() - start, 2)}


def precision() -> dict:
    """The precision that is chosen on this machine."""
    from mnist_cnn.device import choose_precision

    return {"chosen": choose_precision()}


def views() -> dict:
    """How fast the views answer."""
    from views import measure

    return measure()


def peak_mb() -> int:
    """The most memory that this process has taken, in millions of bytes."""
    import resource  # there is none on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def machine() -> str:
    """The processor's name and the number of cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {cores()} cores"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


JOBS = {"accuracy": accuracy, "time": timing, "import": import_time, "precision": precision, "views": views}

if __name__ == "__main__":
    main()
