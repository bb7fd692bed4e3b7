"""The accuracies and times that notebooks load are those that were measured."""

import json
from collections import defaultdict

import pytest

import fill_pages
from benchmark_results import RESULTS
from mnist_cnn.measurements import load_scores, load_times
from repository import ROOT
from tables import measured

BENCHMARKS = ROOT / "benchmarks"


def test_the_file_is_up_to_date() -> None:
    assert fill_pages.MEASURED.read_text("utf-8") == measured(RESULTS), "run `make tables`"


@pytest.mark.parametrize(
    ("images", "accuracy"), [("test", "test_accuracy"), ("validation", "val_accuracy")]
)
def test_all_seeds_of_all_recipes_are_there_in_their_order(images: str, accuracy: str) -> None:
    by_recipe = defaultdict(dict)
    for name in ("study.jsonl", "ladder.jsonl"):
        for line in (BENCHMARKS / name).read_text().splitlines():
            result = json.loads(line)
            settings = result["settings"]
            by_recipe[settings["recipe"]][settings["seed"]] = 100 * result[accuracy]
    scores = load_scores(images)
    assert set(scores) - set(by_recipe) <= {"article", "ensemble", "ensemble members"}
    for recipe, by_seed in by_recipe.items():
        assert scores[recipe] == pytest.approx(
            [by_seed[seed] for seed in range(len(by_seed))], abs=0.000051
        )
    assert len(scores["averaged"]) == 25


@pytest.mark.parametrize(("images", "prefix"), [("test", "test"), ("validation", "val")])
def test_the_ensembles_are_there(images: str, prefix: str) -> None:
    scores = load_scores(images)
    lines = (BENCHMARKS / "ensembles.jsonl").read_text().splitlines()
    ensembles = [json.loads(line) for line in lines]
    together = [100 * each[f"{prefix}_accuracy"] for each in ensembles]
    assert scores["ensemble"] == pytest.approx(together, abs=0.000051) and len(together) == 5
    alone = [20 * sum(each[f"{prefix}_members"]) for each in ensembles]
    assert scores["ensemble members"] == pytest.approx(alone, abs=0.000051)


def test_the_article_has_only_scores_on_the_test_images() -> None:
    measured_alone = json.loads((BENCHMARKS / "results.json").read_text())["article"]
    assert load_scores("test")["article"] == measured_alone["test_accuracies"]
    assert "article" not in load_scores("validation")


def test_times_are_those_of_one_machine() -> None:
    costs = json.loads((BENCHMARKS / "results.json").read_text())["costs"]
    seconds, machine = load_times()
    assert machine == costs["machine"]
    assert seconds == {recipe: round(value) for recipe, value in costs["seconds"].items()}


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="images must be one of"):
        load_scores("training")
