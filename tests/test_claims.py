"""What pages and notebooks say of the results is what was measured."""

import statistics
from itertools import pairwise

import pytest
from scipy.stats import t as student

import tables
from benchmark_results import ACCURACIES, CHOSEN, RESULTS, ROWS
from compared import RUNGS, STUDY_RECIPES, Contestant
from schema import Images


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


def by_seed(recipe: str, images: Images = "test") -> list[float]:
    """The accuracies of a recipe with all seeds there are, in percent."""
    return tables.accuracies(RESULTS, recipe, images)


def welch(lower: list[float], upper: list[float]) -> tuple[float, float, float]:
    """The difference of two means, with its 95 % interval by Welch's test: its ends, and p."""
    difference = statistics.mean(upper) - statistics.mean(lower)
    errors = [statistics.variance(values) / len(values) for values in (lower, upper)]
    squares = [
        error**2 / (len(values) - 1) for error, values in zip(errors, (lower, upper), strict=True)
    ]
    freedom, deviation = sum(errors) ** 2 / sum(squares), sum(errors) ** 0.5
    margin = student.ppf(0.975, freedom) * deviation
    p = 2 * student.sf(abs(difference) / deviation, freedom)
    return difference - margin, difference + margin, p


def test_notebook_08_tells_what_the_ladder_shows() -> None:
    error = {recipe: 100 - statistics.mean(by_seed(recipe)) for recipe in RUNGS}
    always_1 = 100 * (1 - 1_135 / 10_000)  # as many of the test images are ones
    assert round(always_1 / error["dense"]) == 42
    ratios = {above: error[below] / error[above] for below, above in pairwise(RUNGS)}
    assert max(ratios, key=ratios.get) == "article" and round(ratios["article"], 1) == 2.3
    assert 0.7 < 1 / ratios["pooled"] < 0.8  # "about a quarter of the rest"
    seconds = RESULTS["costs"]["seconds"]
    assert 9 < seconds["article"] / seconds["pooled"] < 11  # "in a tenth of the time"
    assert len(by_seed("article")) == 3 and len(by_seed("averaged")) == 25
    for images in ("test", "validation"):  # "falls below the dense layers"
        assert welch(by_seed("permuted", images), by_seed("dense", images))[0] > 0
        lost = statistics.mean(by_seed("smoothed", images)) - statistics.mean(
            by_seed("permuted", images)
        )
        assert round(lost) == 2


def test_notebook_08_counts_its_intervals() -> None:
    """Twelve intervals, of which nine exclude 0; it names the others."""
    low = {}
    for below, above in pairwise(RUNGS):
        low[above, "test"] = welch(by_seed(below), by_seed(above))[0]
        if "article" not in (below, above):
            scores = by_seed(below, "validation"), by_seed(above, "validation")
            low[above, "validation"] = welch(*scores)[0]
    assert len(low) == 12
    assert {step for step, end in low.items() if end <= 0} == {
        ("improved", "validation"),
        ("averaged", "test"),
        ("averaged", "validation"),
    }
    assert 0 < low["normalized", "test"] < 0.01 < low["normalized", "validation"]
    assert low["improved", "test"] > 0.05  # "a tenth of a point on the test images"


def test_the_gain_of_averaged_weights_disappears_as_notebook_08_tells() -> None:
    upper, lower = by_seed("averaged"), by_seed("improved")
    excluded = [n for n in range(3, 26) if welch(lower, upper[:n])[0] > 0]
    assert excluded == list(range(3, 11))
    assert round(welch(lower, upper[:10])[2], 2) == 0.02
    assert statistics.mean(upper[10:]) < statistics.mean(lower)
    low, high, p = welch(lower, upper)
    assert (round((low + high) / 2, 3), round(p, 2)) == (0.006, 0.65)
    assert (round(low, 2), round(high, 2)) == (-0.02, 0.03)
    assert round(welch(upper[:10], upper[10:])[2], 4) == 0.0008
    validation = by_seed("averaged", "validation")
    assert 0.4 < welch(validation[:10], validation[10:])[2] < 0.6  # "p is about 0.5"
    assert statistics.mean(validation[:10]) < statistics.mean(validation[10:])
    first, next_five = statistics.mean(upper[:5]), statistics.mean(upper[5:10])
    assert abs(first - next_five) < 0.01  # "did just as well"


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
    assert min(gains) > 0  # "All ten gains are positive"
    assert round(1e4 * statistics.mean(gains)) == {"test": 3, "val": 5}[images]


def test_notebook_05_tells_how_the_recipes_compare_on_both_collections_of_images() -> None:
    low, high = interval_of_difference("leaky_relu", "relu", "test")
    # "p is just below 0.05", "and now just above", "about four correct answers per 10,000"
    assert 0.05 / 9 < welch(by_seed("relu", "test"), by_seed("leaky_relu", "test"))[2] < 0.05
    assert low < 0 < high and 0.035 < (low + high) / 2 < 0.045
    low, high = interval_of_difference("leaky_relu", "relu", "validation")
    assert low + high <= 0 < high  # "no lead at all"
    assert welch(by_seed("relu", "validation"), by_seed("leaky_relu", "validation"))[2] > 0.5
    both = {  # all 16,000 images together
        recipe: [
            (10 * test + 6 * validation) / 16
            for test, validation in zip(by_seed(recipe), by_seed(recipe, "validation"), strict=True)
        ]
        for recipe in ("relu", "leaky_relu")
    }
    low, high, _ = welch(both["relu"], both["leaky_relu"])
    assert (round((low + high) / 2, 2), round(low, 2), round(high, 2)) == (0.02, -0.01, 0.05)
    # "by up to eight images in 10,000 on the test set"
    assert round(100 * welch(by_seed("relu"), by_seed("leaky_relu"))[1]) == 8
    assert (min(by_seed("article")), max(by_seed("article"))) == (99.00, 99.14)
    for images in ("test", "validation"):  # "well ahead on both", "passes easily"
        low, _ = interval_of_difference("improved", "relu", images)
        assert low > 0.1, images
        assert welch(by_seed("relu", images), by_seed("improved", images))[2] < 1e-6


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
