"""Measure how long one waits for this project, and its memory, beside an earlier version of it.

    python benchmarks/waits.py EARLIER [--only NAME ...] [--rounds N]

EARLIER is a clone of the project at the earlier commit, set up there by its own `make`; the later
version is the clone that this file is in. Each measurement is made with both in turn, so that what
else the machine does meets both alike, and is added as a line to waits.jsonl. Interrupted, the same
command goes on with the next one. Nothing else may run on the machine, and MNIST_NPZ must name full
MNIST. All three rounds take half a day.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import psutil

from kernel_memory import peak_memory
from mnist_cnn.machine import cores, processor
from schema import Wait

ROOT = Path(__file__).parents[1]
WAITS = Path(__file__).with_name("waits.jsonl")
ROUNDS = 3

_TRAIN_BOTH = """
import time
from mnist_cnn.data import load_images
digits = load_images()
start = time.perf_counter()
try:
    from mnist_cnn.parallel import train_all
    train_all(["relu", "leaky_relu"], digits, precision="float32")
except ImportError:  # the earlier version trains one after the other
    from mnist_cnn.training import train
    for recipe in ("relu", "leaky_relu"):
        train(recipe, digits, precision="float32")
print(time.perf_counter() - start)
"""
_IMPORT = """
import time
start = time.perf_counter()
from mnist_cnn.training import train
print(time.perf_counter() - start)
"""


def seconds_printed_by(program: str) -> Callable[[Path], float]:
    """A measurement: the seconds that a Python program prints in its last line."""

    def measure(clone: Path) -> float:
        command = [".venv/bin/python", "-c", program]
        return float(run(command, clone).splitlines()[-1])

    return measure


def seconds_of(*command: str) -> Callable[[Path], float]:
    """A measurement: the seconds that a command takes, which must succeed."""

    def measure(clone: Path) -> float:
        start = time.perf_counter()
        run(command, clone)
        return time.perf_counter() - start

    return measure


def seconds_in_a_clean_clone(*command: str) -> Callable[[Path], float]:
    """A measurement: the seconds that a command takes where nothing is installed yet."""

    def measure(clone: Path) -> float:
        with tempfile.TemporaryDirectory() as folder:
            clean = Path(folder, "clean")
            subprocess.run(["git", "clone", "--quiet", clone, clean], check=True)
            return seconds_of(*command)(clean)

    return measure


def peak_memory_of(notebook: str) -> Callable[[Path], float]:
    """A measurement: the most memory in MB that a notebook's kernel takes under nbval, as in CI."""

    def measure(clone: Path) -> float:
        command = [
            ".venv/bin/python",
            "-m",
            "pytest",
            "-q",
            "-n",
            "1",
            f"notebooks/{notebook}.ipynb",
        ]
        with subprocess.Popen(
            command, cwd=clone, env=environment(), stdout=subprocess.DEVNULL
        ) as process:
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, peak_below(process))
                time.sleep(0.2)
        return peak

    return measure


def peak_below(process: "subprocess.Popen[bytes]") -> float:
    """The most memory in MB that a kernel of a notebook, started by a process, has taken so far."""
    with suppress(psutil.Error, OSError):  # one of the processes has ended
        for child in psutil.Process(process.pid).children(recursive=True):
            if "ipykernel_launcher" in child.cmdline():
                return peak_memory(child.pid)
    return 0


# Those that the version of November 2026 has, too
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("0[1-8]*.ipynb"))
# By name, in the order of the table
MEASUREMENTS: dict[str, Callable[[Path], float]] = {
    "import train": seconds_printed_by(_IMPORT),
    "train both networks of 04": seconds_printed_by(_TRAIN_BOTH),
    "make run": seconds_of(".venv/bin/python", "-m", "mnist_cnn"),
    "make check": seconds_of("make", "check"),
    ".ci/run in a clean clone": seconds_in_a_clean_clone(".ci/run"),
    **{f"kernel of {notebook[:2]}": peak_memory_of(notebook) for notebook in NOTEBOOKS},
}


def environment() -> dict[str, str]:
    """The environment of what is measured: nothing is trained there yet."""
    runs = ROOT / "build" / "waits"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir(parents=True)
    left_out = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "TF_NUM_INTRAOP_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"MNIST_CNN_RUNS": str(runs)}


def run(command: "list[str] | tuple[str, ...]", clone: Path) -> str:
    """Run a command that must succeed in a clone, and return what it prints."""
    done = subprocess.run(command, cwd=clone, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command} failed in {clone}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def load_waits() -> list[Wait]:
    """What has been measured so far."""
    lines = WAITS.read_text("utf-8").splitlines() if WAITS.exists() else []
    return [json.loads(line) for line in lines]


def measure(name: str, number: int, earlier: Path) -> list[Wait]:
    """Make a measurement with both versions; the earlier one comes first in every other round."""
    clones = {"earlier": earlier, "later": ROOT}
    lines: list[Wait] = []
    for version in sorted(clones, reverse=number % 2 == 1):
        value = MEASUREMENTS[name](clones[version])
        print(
            f"{time.strftime('%H:%M')} round {number}, {name}, {version}: {value:.2f}", flush=True
        )
        lines.append(
            {
                "name": name,
                "version": version,
                "round": number,
                "value": round(value, 2),
                "machine": f"{processor()}, {cores()} cores",
                "date": date.today().isoformat(),
            }
        )
    return lines


def main() -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description="Measure waits and memory of two versions.")
    parser.add_argument("earlier", type=Path, help="a clone at the earlier commit, set up")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    if "MNIST_NPZ" not in os.environ:
        sys.exit("Set MNIST_NPZ to the file of full MNIST.")
    for number in range(arguments.rounds):
        for name in arguments.only or MEASUREMENTS:
            if (name, number) in [(line["name"], line["round"]) for line in load_waits()]:
                continue
            lines = measure(name, number, arguments.earlier.resolve())
            with WAITS.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
