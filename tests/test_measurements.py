"""What was measured is complete, and of the recipes as they are."""

import json
import shlex
from dataclasses import asdict, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

import ensembles
import ship_runs
import tables
from benchmark_results import CHOSEN, RESULTS, ROWS, STUDY
from compared import BASELINE, RUNGS, STUDY_RECIPES, contestants
from mnist_cnn.exceptions import StudyError
from mnist_cnn.recipes import RECIPES, Recipe
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.study.results import Result, load_results, save_result
from repository import NEEDS_MAKE, ROOT, make_commands

LADDER = load_results(tables.FOLDER / "ladder.jsonl")


def option_values(command: list[str], option: str) -> list[str]:
    """The values that follow an option of a command."""
    after = command[command.index(option) + 1 :]
    return list(takewhile(lambda word: not word.startswith("--"), after))


@NEEDS_MAKE
def test_make_study_trains_the_recipes_that_are_compared() -> None:
    commands = [shlex.split(line) for line in make_commands("study")]
    study, ladder, members = (words for words in commands if "mnist_cnn.study" in words)
    assert option_values(study, "--recipes") == list(STUDY_RECIPES)
    measured_elsewhere = {"article", *STUDY_RECIPES}
    rungs = set(RUNGS) - measured_elsewhere
    assert sorted(option_values(ladder, "--recipes")) == sorted({*rungs, "permuted"})
    assert option_values(members, "--recipes") == [ensembles.RECIPE]
    assert option_values(members, "--seeds") == [str(ensembles.MEMBERS * ensembles.ENSEMBLES)]


def test_speeds_are_complete_and_of_the_current_recipes() -> None:
    measured = [contestant for contestant in ROWS if contestant.trainer != "torch"]
    assert measured == [row for row in contestants(CHOSEN) if row.trainer != "torch"]
    baseline = ROWS[BASELINE]
    for contestant, row in ROWS.items():
        if contestant.trainer == "train":
            recipe = RECIPES[contestant.recipe]
            assert Recipe(**row["settings"]) == recipe and row["epochs"] == recipe.epochs
        ratio = baseline["seconds_total"] / row["seconds_total"]
        assert row["ratio_to_article"] == pytest.approx(ratio, rel=0.02)
        fastest, slowest = row["fastest_and_slowest"]
        assert 0 < fastest <= row["seconds_per_epoch"] <= slowest
        assert row["peak_mb"] > 100


def conditions(results: list[Result]) -> set[str]:
    """The versions, data and precisions of some results."""
    return {
        json.dumps(
            [each.environment["versions"], each.settings.fingerprint, each.settings.precision]
        )
        for each in results
    }


def test_the_study_is_complete_and_of_the_current_recipes() -> None:
    expected = {(recipe, seed) for recipe in STUDY_RECIPES for seed in range(10)}
    assert {(result.settings.recipe, result.settings.seed) for result in STUDY} == expected
    assert len(STUDY) == len(expected)
    assert len(conditions(STUDY)) == 1
    for result in STUDY:
        recipe = RECIPES[result.settings.recipe]
        assert asdict(recipe).items() <= asdict(result.settings).items()


@pytest.mark.parametrize("recipe", ["relu", "leaky_relu", "improved"])
def test_seed_0_of_the_study_comes_with_the_package(recipe: str) -> None:
    (result,) = (
        result for result in STUDY if (result.settings.recipe, result.settings.seed) == (recipe, 0)
    )
    run = load_run(SHIPPED / f"{recipe}.npz")
    assert run.settings == result.settings
    assert run.history["val_accuracy"][-1] == result.val_accuracy


def test_the_ladder_is_complete_and_of_the_current_recipes() -> None:
    """And its package and data are those of the study."""
    seeds: dict[str, set[int]] = {recipe: set() for recipe in RECIPES}
    for result in LADDER:
        recipe = result.settings.recipe
        assert asdict(RECIPES[recipe]).items() <= asdict(result.settings).items()
        seeds[recipe].add(result.settings.seed)
    measured_elsewhere = {"article", "improved"}
    for recipe in set(RUNGS) - measured_elsewhere:
        assert seeds[recipe] >= set(range(10)), recipe
    assert len(conditions(STUDY + LADDER)) == 1


def test_the_ensembles_are_of_the_trainings_of_the_ladder() -> None:
    alone = {
        result.settings.seed: result.test_accuracy
        for result in LADDER
        if result.settings.recipe == ensembles.RECIPE
    }
    assert len(RESULTS["ensembles"]) == ensembles.ENSEMBLES
    for number, measured in enumerate(RESULTS["ensembles"]):
        assert measured["seeds"] == list(range(5 * number, 5 * number + 5))
        expected = [alone[seed] for seed in measured["seeds"]]
        assert measured["test_members"] == pytest.approx(expected, abs=1e-4)


def page_lines(case: str, by: str = "the page") -> list[dict]:
    """What was measured of ten trainings in the page, or in Keras."""
    lines = [
        line for line in RESULTS["page_accuracies"] if (line["case"], line["by"]) == (case, by)
    ]
    assert sorted(line["seed"] for line in lines) == list(range(10))
    return lines


def test_the_page_learns_as_well_as_keras() -> None:
    page, in_keras = (
        [100 * line["validation"] for line in page_lines("as offered", by)]
        for by in ("the page", "Keras")
    )
    interval = ttest_ind(page, in_keras, equal_var=False).confidence_interval()
    assert interval.low < 0 < interval.high and interval.high - interval.low < 1
    assert np.mean(page) >= 97


def test_what_the_page_says_of_its_experiments_was_measured() -> None:
    text = " ".join((ROOT / "docs" / "train.md").read_text(encoding="utf-8").split())

    def mean(case: str, value: str = "validation") -> float:
        return float(np.mean([line[value] for line in page_lines(case)]))

    few = mean("few images", "lowest_loss"), mean("few images", "loss")
    for claim in (
        f"it reads {mean('as offered'):.1%} of the validation images",
        f"of the validation images it reads only {mean('few images'):.1%}, and their loss, once "
        f"down to {few[0]:.2f}, rises again to {few[1]:.2f}",
        f"it reads {mean('few images, augmented'):.1%} of the validation images. *Augmentation*",
        f"it reads {mean('a tiny network'):.1%} of the validation images correctly, and takes less",
    ):
        assert claim.replace("%", " %") in text
    assert mean("few images", "training") == 1
    # One answer to all images, of which each class has a tenth
    assert {line["validation"] for line in page_lines("large steps")} == {0.1}


def test_the_page_trains_ten_times_as_fast_as_convnetjs() -> None:
    """Even its slowest round, beside the fastest of the other."""
    speeds: dict[str, list[float]] = {}
    for line in RESULTS["page_speeds"]:
        speeds.setdefault(line["by"], []).append(line["images_per_second"])
    assert all(len(rounds) == 3 for rounds in speeds.values())
    assert min(speeds["this page"]) > 10 * max(speeds["ConvNetJS 0.3.0"])


def test_two_studies_in_one_file_are_not_mixed(tmp_path: Path) -> None:
    for name, content in (
        ("results.json", "{}"),
        ("ladder.jsonl", ""),
        ("ensembles.jsonl", ""),
        ("transfer.jsonl", ""),
        ("page_accuracy.jsonl", ""),
        ("page_speed.jsonl", ""),
        ("waits.jsonl", ""),
    ):
        (tmp_path / name).write_text(content)
    save_result(tmp_path / "study.jsonl", STUDY[0])
    loaded = tables.load_measurements(tmp_path)
    recipe, seed = STUDY[0].settings.recipe, STUDY[0].settings.seed
    assert loaded["test"] == {recipe: {seed: 100 * STUDY[0].test_accuracy}}
    versions = STUDY[0].environment["versions"] | {"numpy": "9.0"}
    newer = replace(STUDY[0], environment=STUDY[0].environment | {"versions": versions})
    save_result(tmp_path / "study.jsonl", newer)
    with pytest.raises(StudyError, match=r"more than one study.*numpy 9\.0"):
        tables.load_measurements(tmp_path)


def test_runs_that_come_with_the_package_are_copied_by_the_keys_of_results(tmp_path: Path) -> None:
    runs, shipped = tmp_path / "runs", tmp_path / "shipped"
    runs.mkdir()
    shipped.mkdir()
    for result in (*STUDY, *LADDER):
        ensembles.study_run_file(result, runs).write_text(result.key)
    (runs / "study-relu-0-0123456789abcdef.npz").write_text("of another study")
    ship_runs.ship_runs([*STUDY, *LADDER], runs, shipped)
    assert {path.name for path in shipped.iterdir()} == {path.name for path in SHIPPED.iterdir()}
    keys = {(each.settings.recipe, each.settings.seed): each.key for each in (*STUDY, *LADDER)}
    assert (shipped / "relu.npz").read_text() == keys["relu", 0]
    assert (shipped / "averaged-12.npz").read_text() == keys["averaged", 12]


def test_runs_that_a_study_does_not_have_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "relu.npz").write_text("as it was")
    ship_runs.ship_runs(STUDY, tmp_path / "no runs", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["relu.npz"]
    assert (tmp_path / "relu.npz").read_text() == "as it was"
