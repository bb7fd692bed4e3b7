"""Copy the runs that come with the package from those of the studies, as part of `make study`.

They are those with seed 0 of the recipes that the notebooks open, and the members of the third
ensemble. Studies leave their runs in `runs/`, or in the folder that MNIST_CNN_RUNS names. If a run
is not there, the package keeps the one that it has.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ensembles import RECIPE, member_seeds, study_run_file
from mnist_cnn.folders import runs_folder
from mnist_cnn.runs import SHIPPED
from mnist_cnn.study.results import Result, load_results

FOLDER = Path(__file__).parent

# The names of the runs in the package, by recipe and seed
NAMES = {(recipe, 0): recipe for recipe in ("relu", "leaky_relu", "improved")}
NAMES |= {(RECIPE, seed): f"{RECIPE}-{seed}" for seed in member_seeds(2)}


def ship_runs(results: Iterable[Result], runs: Path, target: Path) -> None:
    """Copy the runs of these results that come with the package.

    Args:
        results: The results of the studies. Those of other recipes and seeds are ignored.
        runs: The folder in which the studies left their runs.
        target: The folder to copy the runs to.
    """
    for result in results:
        name = NAMES.get((result.settings.recipe, result.settings.seed))
        if name is None:
            continue
        source = study_run_file(result, runs)
        if source.exists():
            shutil.copyfile(source, target / f"{name}.npz")


if __name__ == "__main__":
    studied = [*load_results(FOLDER / "study.jsonl"), *load_results(FOLDER / "ladder.jsonl")]
    ship_runs(studied, runs_folder(), SHIPPED)
