"""Train many seeds of recipes and compare what they reach: `python -m mnist_cnn.study`."""

import argparse
import sys
from pathlib import Path

from mnist_cnn.data import load_images
from mnist_cnn.exceptions import MnistCnnError
from mnist_cnn.folders import runs_folder
from mnist_cnn.plots import plot_scores
from mnist_cnn.recipes import PRECISIONS, RECIPES
from mnist_cnn.study.results import group_results, summarize
from mnist_cnn.study.run import run_study


def main() -> int:
    """Train what is missing, then print a summary and draw it; return the exit status."""
    arguments = parse_arguments()
    file = arguments.results
    try:
        results = run_study(
            arguments.recipes,
            range(arguments.first, arguments.first + arguments.seeds),
            file,
            load_images(),
            epochs=arguments.epochs,
            precision=arguments.precision,
            scheduler=arguments.scheduler,
            workers=arguments.workers,
            wait=arguments.wait,
        )
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. What was finished is in {file}; the same command continues.",
            file=sys.stderr,
        )
        return 130
    except (MnistCnnError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    groups = group_results(results, arguments.images)
    print(f"Accuracy on the {arguments.images} images after the last epoch:\n{summarize(groups)}")
    figure = file.with_suffix(".png")
    scores = {group.label: [*group.accuracies.values()] for group in groups}
    plot_scores(scores, arguments.images).savefig(figure, dpi=150)
    print(f"{figure} shows every seed as a dot.")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_cnn.study",
        description="Train many seeds of recipes, on one machine or many, and compare them.",
    )
    parser.add_argument(
        "--recipes", nargs="+", required=True, choices=RECIPES, help="one or more of %(choices)s"
    )
    parser.add_argument(
        "--seeds", type=_positive, default=10, help="how many, from 0 (%(default)s)"
    )
    parser.add_argument("--first", type=_seed, default=0, help="the first seed")
    parser.add_argument("--epochs", type=_positive, help="other than the recipe's")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="other than what the workers choose"
    )
    parser.add_argument(
        "--scheduler", help="of a Dask cluster, as host:8786; else this machine works"
    )
    parser.add_argument(
        "--workers", type=_positive, help="on this machine; one for each core, if there is memory"
    )
    parser.add_argument(
        "--wait",
        type=_positive,
        default=600,
        help="seconds to wait for the first worker of a cluster that has none yet (%(default)s)",
    )
    parser.add_argument(
        "--results", type=Path, default=runs_folder() / "study.jsonl", help="file (%(default)s)"
    )
    parser.add_argument(
        "--images", choices=("validation", "test"), default="validation", help="to report on"
    )
    arguments = parser.parse_args()
    if arguments.scheduler and arguments.workers:
        parser.error("--workers are started on this machine: leave it out with --scheduler")
    return arguments


def _positive(text: str) -> int:
    """Read an option that must be a whole number of at least 1."""
    return _whole(text, 1)


def _seed(text: str) -> int:
    """Read an option that must be a seed."""
    return _whole(text, 0)


def _whole(text: str, low: int) -> int:
    if not text.isdecimal() or int(text) < low:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {low}, not {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
