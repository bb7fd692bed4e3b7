"""The results of the benchmarks, as the tables are made from them."""

import tables
from compared import STUDY_RECIPES
from mnist_cnn.study.results import load_results

RESULTS = tables.load_measurements()
CHOSEN = RESULTS["chosen_precision"]
ROWS = tables.rows_by_contestant(RESULTS)
STUDY = load_results(tables.FOLDER / "study.jsonl")
ACCURACIES = {recipe: tables.accuracies(RESULTS, recipe) for recipe in ("article", *STUDY_RECIPES)}
