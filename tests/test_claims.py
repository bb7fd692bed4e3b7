"""What pages and notebooks say of the results is what was measured."""

import statistics

import pytest
from scipy.stats import ttest_ind_from_stats

import tables
from benchmark_results import ACCURACIES, CHOSEN, RESULTS, ROWS
from compared import RUNGS, STUDY_RECIPES, Contestant


@pytest.mark.parametrize(
    ("recipe", "accuracy", "ratio"),
    [("relu", 99.40, 8), ("leaky_relu", 99.40, 8), ("short", 99.39, 100)],
)
def test_recipes_are_as_accurate_and_fast_as_promised(
    recipe: str, accuracy: float, ratio: float
) -> None:
    assert statistics.mean(ACCURACIES[recipe]) >= accuracy
    assert ROWS[Contestant("train", recipe, CHOSEN)]["ratio_to_article"] >= ratio


def test_the_improved_recipe_is_as_accurate_and_small_as_promised() -> None:
    row = ROWS[Contestant("train", "improved", CHOSEN)]
    assert statistics.mean(ACCURACIES["improved"]) >= 99.66
    assert row["epochs"] <= 20 and row["parameters"] < 1e6


def test_the_recipes_compare_as_the_notebooks_say() -> None:
    relu, leaky_relu, improved, short = (ACCURACIES[recipe] for recipe in STUDY_RECIPES)
    assert max(ACCURACIES["article"]) < min(relu)  # 02
    assert min(improved) > max(relu + leaky_relu)  # 05
    # 05: choose one seed of each, and either seems better
    assert max(relu) > min(leaky_relu) and max(leaky_relu) > min(relu)
    assert min(relu + leaky_relu + short) >= 99.30


def test_the_ensembles_are_as_accurate_as_promised() -> None:
    accuracies = [measured["test_accuracy"] for measured in RESULTS["ensembles"]]
    assert statistics.mean(accuracies) >= 0.9970


def interval_of_difference(name: str, other: str, images: str) -> tuple[float, float]:
    """The 95 % interval of the difference of two recipes over seeds 0 to 9, in percentage points.

    By the paired t test.
    """
    scores, others = RESULTS[images][name], RESULTS[images][other]
    differences = [scores[seed] - others[seed] for seed in range(10)]
    # Student's t of nine degrees of freedom at 97.5 %
    margin = 2.2622 * statistics.stdev(differences) / 10**0.5
    return statistics.mean(differences) - margin, statistics.mean(differences) + margin


def test_notebook_08_tells_what_the_ladder_shows() -> None:
    mean = {
        rung: statistics.mean(tables.accuracies(RESULTS, recipe)[:10])
        for rung, recipe in RUNGS.items()
    }
    error = {rung: 100 - accuracy for rung, accuracy in mean.items()}
    seconds = RESULTS["costs"]["seconds"]
    assert error["article"] < error["dense layers only"] / 2  # "more than half of the mistakes"
    assert 0.7 < error["pooling earlier"] / error["article"] < 0.8  # "a quarter of the rest"
    assert 9 < seconds["article"] / seconds["pooled"] < 11  # "in a tenth of the time"
    permuted = statistics.mean(RESULTS["test"]["permuted"].values())
    assert permuted < mean["dense layers only"] and mean["label smoothing"] - permuted > 2


@pytest.mark.parametrize(
    ("upper", "lower"),
    [("scheduled", "pooled"), ("smoothed", "scheduled"), ("normalized", "smoothed")],
)
def test_rungs_of_notebook_08_hold_on_both_collections_of_images(upper: str, lower: str) -> None:
    for images in ("test", "validation"):
        low, _ = interval_of_difference(upper, lower, images)
        assert low > 0, images


def test_two_rungs_of_notebook_08_do_not_hold_on_validation_images() -> None:
    for upper, lower in (("averaged", "improved"), ("improved", "normalized")):
        low, high = interval_of_difference(upper, lower, "validation")
        assert low < 0 < high, upper
    # Augmentation does on the test images
    low, _ = interval_of_difference("improved", "normalized", "test")
    assert low > 0.05


def test_notebook_08_tells_how_many_mistakes_the_ensembles_make() -> None:
    measured = RESULTS["ensembles"]
    mistakes = [round(1e4 * (1 - each["test_accuracy"])) for each in measured]
    assert (round(statistics.mean(mistakes)), min(mistakes), max(mistakes)) == (30, 24, 34)


@pytest.mark.parametrize("images", ["test", "val"])
def test_an_ensemble_gains_a_few_images_in_10_000(images: str) -> None:
    gains = [
        each[f"{images}_accuracy"] - statistics.mean(each[f"{images}_members"])
        for each in RESULTS["ensembles"]
    ]
    # Student's t of four degrees of freedom at 97.5 %
    margin = 2.7764 * statistics.stdev(gains) / 5**0.5
    assert len(gains) == 5
    assert margin < statistics.mean(gains)
    assert 2e-4 < statistics.mean(gains) < 8e-4


def p_by_welch(name: str, other: str, images: str) -> float:
    """The p of Welch's t test for two recipes, from the means and standard deviations."""
    summaries = []
    for recipe in (name, other):
        values = tables.accuracies(RESULTS, recipe, images)
        summaries += [statistics.mean(values), statistics.stdev(values), len(values)]
    return ttest_ind_from_stats(*summaries, equal_var=False).pvalue


def test_notebook_05_tells_how_the_recipes_compare_on_both_collections_of_images() -> None:
    low, high = interval_of_difference("leaky_relu", "relu", "test")
    # "p is just below 0.05", "and now just above", "about four correct answers per 10,000"
    assert 0.05 / 9 < p_by_welch("leaky_relu", "relu", "test") < 0.05
    assert low < 0 < high and 0.035 < (low + high) / 2 < 0.045
    low, high = interval_of_difference("leaky_relu", "relu", "validation")
    assert low + high <= 0 < high  # "no lead at all"
    assert p_by_welch("leaky_relu", "relu", "validation") > 0.5
    for images in ("test", "validation"):  # "well ahead on both", "passes easily"
        low, _ = interval_of_difference("improved", "relu", images)
        assert low > 0.1, images
        assert p_by_welch("improved", "relu", images) < 1e-6


def test_notebook_05_tells_where_the_scores_of_a_seed_go_together() -> None:
    correlation = {
        images: statistics.correlation(
            *(tables.accuracies(RESULTS, recipe, images) for recipe in ("relu", "leaky_relu"))
        )
        for images in ("test", "validation")
    }
    assert abs(correlation["test"]) < 0.2 and correlation["validation"] > 0.7


@pytest.mark.parametrize("recipe", STUDY_RECIPES)
def test_the_chosen_precision_is_faster(recipe: str) -> None:
    chosen = ROWS[Contestant("train", recipe, CHOSEN)]
    float32 = ROWS[Contestant("train", recipe, "float32")]
    assert chosen["seconds_per_epoch"] <= float32["seconds_per_epoch"]


def test_the_views_respond_in_time() -> None:
    """A slider within a frame of the screen, a pen within two, on the site and in JupyterLab."""
    views = RESULTS["views"]
    sliders = {"prediction browser", "confusion explorer", "epoch scrubber", "feature maps"}
    assert set(views["site"]) == sliders | {"drawing pad with maps"}
    assert set(views["lab"]) == {"prediction browser", "drawing pad"}
    for view, (ready, drawn) in [*views["site"].items(), *views["lab"].items()]:
        assert 0 < ready <= (16 if view in sliders else 30) and ready < drawn <= 100
    assert 0 < views["first_page_s"] <= 1.5 and 0 < views["notebook_06_opened_s"] <= 25
