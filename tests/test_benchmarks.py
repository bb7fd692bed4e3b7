"""The benchmarks: pages show what was measured, and a stopped series continues where it was."""

import json
import re
import shlex
import statistics
import subprocess
import sys
import time
from copy import deepcopy
from dataclasses import asdict, replace
from itertools import takewhile
from pathlib import Path

import nbformat
import numpy as np
import pytest

import bench
import ensembles
import fill_pages
import jobs
import ship_runs
import tables
from compared import BASELINE, RUNGS, STUDY_RECIPES, Contestant, contestants
from mnist_cnn.data import prepare_images
from mnist_cnn.exceptions import StudyError
from mnist_cnn.models import NETWORKS
from mnist_cnn.recipes import RECIPES, Recipe
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.study.results import Result, load_results, save_result
from repository import NEEDS_MAKE, copy_repository, make_commands

RESULTS = tables.load_measurements()
TEXTS = fill_pages.generate_texts(RESULTS, fill_pages.addresses.read_repository())
CHOSEN = RESULTS["chosen_precision"]
ROWS = tables.rows_by_contestant(RESULTS)
STUDY = load_results(tables.FOLDER / "study.jsonl")
LADDER = load_results(tables.FOLDER / "ladder.jsonl")
ACCURACIES = {recipe: tables.accuracies(RESULTS, recipe) for recipe in ("article", *STUDY_RECIPES)}


# What stands in the pages


def read_texts(page: Path) -> list[str]:
    """The text of a page in Markdown, or that of each cell of a notebook."""
    if page.suffix == ".md":
        return [page.read_text(encoding="utf-8")]
    return [cell.source for cell in nbformat.read(page, as_version=4).cells]


@pytest.mark.parametrize(
    "page", fill_pages.PAGES, ids=lambda page: f"{page.parent.name}/{page.name}"
)
def test_pages_show_the_results(page: Path) -> None:
    texts = read_texts(page)
    assert texts == [fill_pages.fill(text, TEXTS) for text in texts], "run `make tables`"


def test_every_table_is_on_a_page() -> None:
    everything = "".join(text for page in fill_pages.PAGES for text in read_texts(page))
    places = fill_pages.PLACE.findall(everything)
    assert {name for _, name, _ in places} == set(TEXTS)
    assert len(places) == everything.count("<!-- bench: ")
    assert len(places) == everything.count("<!-- end of bench -->")


def test_filling_leaves_the_rest_of_a_page_alone() -> None:
    place = "<!-- bench: {} -->\n<!-- end of bench -->"
    empty = f"before\n{place.format('recipes')}\nbetween\n{place.format('times')}\nafter"
    filled = fill_pages.fill(empty, TEXTS)
    assert fill_pages.fill(filled, TEXTS) == filled
    assert [line for line in filled.splitlines() if not line.startswith("|")] == empty.splitlines()


def test_tables_follow_the_results() -> None:
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row |= {"seconds_per_epoch": 12345.6, "seconds_total": 98765}
    altered["test"] = {recipe: dict.fromkeys(range(3), 12.34) for recipe in STUDY_RECIPES}
    recipe_table = tables.recipe_table(altered)
    assert recipe_table.count("12.34 ± 0.00 % (3 seeds)") == 3
    assert "| relu, ours | 12.34 ±" in recipe_table
    assert recipe_table.count("98,765 s") == 4
    assert tables.speed_table(altered).count("12345.6 s") == len(ROWS)


def test_code_cells_hold_the_accuracies_by_recipe() -> None:
    cell = "# <!-- bench: scores -->\n# <!-- end of bench -->\nbest = max(scores['relu'])"
    filled = fill_pages.fill(cell, TEXTS)
    assert fill_pages.fill(filled, TEXTS) == filled
    names: dict = {}
    exec(filled, names)  # noqa: S102
    assert len(names["scores"]) == 4
    assert names["scores"]["relu"] == pytest.approx(ACCURACIES["relu"])
    assert names["scores"]["article"] == ACCURACIES["article"]
    assert names["best"] == pytest.approx(max(ACCURACIES["relu"]))


def test_code_cells_hold_the_accuracies_on_validation_images() -> None:
    names: dict = {}
    exec(tables.recipe_validation_scores(RESULTS), names)  # noqa: S102
    by_seed = {
        result.settings.seed: 100 * result.val_accuracy
        for result in STUDY
        if result.settings.recipe == "improved"
    }
    assert names["scores"]["improved"] == [round(by_seed[seed], 2) for seed in range(10)]


def test_there_is_no_blank_in_a_table() -> None:
    rows = [line for text in TEXTS.values() for line in text.splitlines() if line.startswith("| ")]
    heads = [row for row in rows if row.startswith("|  |")]
    assert len(rows) > 50 and len(heads) == 4
    assert not [row for row in rows if row not in heads and re.search(r"\|\s*\||None", row)]


def test_pages_are_written_only_where_a_table_changes(tmp_path: Path) -> None:
    pages = fill_pages.PAGES
    copies = [tmp_path / f"{page.parent.name}-{page.name}" for page in pages]
    for page, copy in zip(pages, copies, strict=True):
        copy.write_bytes(page.read_bytes())
    first_cell = fill_pages.addresses.first_cell(fill_pages.addresses.read_repository())
    fill_pages.fill_pages(copies, TEXTS, first_cell)
    assert [copy.read_bytes() for copy in copies] == [page.read_bytes() for page in pages]
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row["images_per_second"] = 123_456_789
    fill_pages.fill_pages(copies, fill_pages.generate_texts(altered, None), first_cell)
    changed = set()
    for page, copy in zip(pages, copies, strict=True):
        before, after = read_texts(page), read_texts(copy)
        if before != after:
            changed.add(f"{page.parent.name}/{page.name}")
        outside_of_places = [fill_pages.PLACE.sub("", text) for text in before]
        assert outside_of_places == [fill_pages.PLACE.sub("", text) for text in after]
    assert changed == {"benchmarks/README.md", "notebooks/02_model_building.ipynb"}


@pytest.mark.slow
def test_make_tables_fills_an_empty_place(tmp_path: Path) -> None:
    """The script finds its modules when it is called as `make tables` calls it."""
    copy_repository(tmp_path)
    readme = tmp_path / "README.md"
    before = readme.read_text(encoding="utf-8")
    readme.write_text(fill_pages.PLACE.sub(r"\1\3", before), encoding="utf-8")
    assert readme.read_text(encoding="utf-8") != before
    subprocess.run([sys.executable, "docs/fill_pages.py"], cwd=tmp_path, check=True, timeout=300)
    assert readme.read_text(encoding="utf-8") == before


def test_two_studies_in_one_file_end_make_tables_with_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_measurements() -> tables.Results:
        raise StudyError("study.jsonl holds more than one study.")

    monkeypatch.setattr(fill_pages, "load_measurements", load_measurements)
    with pytest.raises(SystemExit, match=r"^study\.jsonl holds more than one study\.$"):
        fill_pages.main()


# What was measured is complete, and of the recipes as they are


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
    rungs = set(RUNGS.values()) - measured_elsewhere
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
    for recipe in set(RUNGS.values()) - measured_elsewhere:
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


def test_two_studies_in_one_file_are_not_mixed(tmp_path: Path) -> None:
    for name, content in (("results.json", "{}"), ("ladder.jsonl", ""), ("ensembles.jsonl", "")):
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


# What pages and notebooks say of the numbers


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


def test_notebook_05_tells_how_the_recipes_compare_on_both_collections_of_images() -> None:
    low, high = interval_of_difference("leaky_relu", "relu", "test")
    # "looks a little like it", "fewer than ten images in 10,000"
    assert low < 0 < high < 0.1 and low + high > 0
    low, high = interval_of_difference("leaky_relu", "relu", "validation")
    assert low + high <= 0 < high  # "no lead at all"
    for images in ("test", "validation"):  # "well ahead on both"
        low, _ = interval_of_difference("improved", "relu", images)
        assert low > 0.1, images


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


# How it is measured


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no way to ask for the peak of memory"
)
@pytest.mark.parametrize(("trainer", "train_images"), [("fit", 160), ("train", 180)])
def test_a_timing_is_a_training(trainer: str, train_images: int, full, runs) -> None:
    job = bench.speed_job(Contestant(trainer, "relu", "float32"), images=200, number=0)
    start = time.perf_counter()
    measured = bench.run_in_a_process(job)
    elapsed = time.perf_counter() - start
    assert measured["parameters"] == 241_546
    assert measured["epochs"] == 20
    assert measured["train_images"] == train_images
    assert len(measured["clock"]) == len(measured["processor"]) == 3
    assert min(measured["clock"] + measured["processor"]) > 0
    assert sum(measured["clock"]) < elapsed
    assert measured["peak_mb"] > 500


def test_pytorch_trains_by_the_settings_of_the_recipe() -> None:
    job = bench.speed_job(Contestant("torch", "relu", "float32"), images=200, number=0)
    assert Recipe(**job.arguments["recipe"]) == RECIPES["relu"]


@pytest.mark.slow
def test_the_accuracy_of_the_article_is_that_after_twenty_epochs(sample, monkeypatch) -> None:
    """Another network and few images stand for the article's: there is less to learn."""
    few = replace(sample, x_train=sample.x_train[:300], y_train=sample.y_train[:300])
    monkeypatch.setattr("mnist_cnn.data.load_images", lambda source: few)
    monkeypatch.setattr("mnist_cnn.device.choose_precision", lambda: "float32")
    monkeypatch.setitem(NETWORKS, "article", NETWORKS["dense"])
    measured = jobs.train_article(seed=3)
    model, history = jobs.fit_as_in_the_article("dense", "float32", few, epochs=20, seed=3)
    predicted = model.predict(prepare_images(few.x_test), verbose=0).argmax(axis=1)
    assert measured == {
        "precision": "float32",
        "validation": history["val_accuracy"][-1],
        "test": np.mean(predicted == few.y_test),
    }
    assert measured["test"] > 0.5


def fake_measurement(job: bench.Job) -> dict:
    """What a job of this kind could return."""
    if job.kind.startswith("time_") and "images" in job.arguments:
        return {
            "epochs": 20,
            "settings": {},
            "parameters": 1_000_000,
            "train_images": 900,
            "clock": [3.0, 2.0, 1.0],
            "processor": [3.0, 2.0, 1.0],
            "peak_mb": 7,
        }
    if job.kind == "train_article":
        return {"precision": "float32", "validation": 0.5, "test": 0.5}
    return {"seconds": 1.0}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the jobs that were done, on a machine that computes in float32 and is fast."""
    made: list[str] = []

    def run(job: bench.Job) -> dict:
        made.append(job.name)
        return fake_measurement(job)

    monkeypatch.setattr(bench, "run_in_a_process", run)
    monkeypatch.setattr(bench, "choose_precision", lambda: "float32")
    monkeypatch.setattr(bench, "FILE", tmp_path / "results.json")
    monkeypatch.setattr(bench, "WORK", tmp_path / "work")
    return made


def test_results_are_computed_from_the_files_of_measurements(made: list[str], tmp_path) -> None:
    """All measurements but one were made before the series was stopped."""
    for number, seconds in enumerate((1.5, 900.0)):
        (tmp_path / f"import-{number}.json").write_text(json.dumps({"seconds": seconds}))
    for number, clock in enumerate([[10.0, 1.0, 2.0], [20.0, 3.0, 4.0]]):
        for contestant in contestants("float32"):
            slowness = 2 if contestant == BASELINE else 1
            job = bench.speed_job(contestant, 1000, number)
            measurement = fake_measurement(job) | {
                "clock": [slowness * seconds for seconds in clock],
                "processor": [1.0, 2.0, 4.0],
            }
            (tmp_path / f"{job.name}.json").write_text(json.dumps(measurement))
    results = bench.measure_speeds(tmp_path, rounds=2, images=1000, scaling=(1000,))
    assert made == ["import-2"]
    assert results["import_seconds"] == 1.5
    article, relu, *_, short = results["rows"]
    assert article["seconds_total"] == 2 * relu["seconds_total"] == 2 * (15 + 19 * 2.5)
    assert short["recipe"] == "short" and short["ratio_to_article"] == 2
    assert short["images_per_second"] == 360
    assert short["ratio_by_processor"] == 1 and short["processor_seconds_per_epoch"] == 3
    assert short["fastest_and_slowest"] == [1.0, 4.0]
    assert results["scaling"] == [{"images": 1000, "seconds_per_epoch": 1.5, "peak_mb": 7}]


def test_the_quick_form_prints_a_table_and_writes_nothing(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.py", "--quick"])
    bench.main()
    assert "time-train-short-float32-6000-0" in made
    assert "| short, ours | float32 | 20 |" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "series"), [([], "speeds"), (["--article"], "article"), (["--views"], "views")]
)
def test_an_option_chooses_the_series(
    monkeypatch: pytest.MonkeyPatch, option: list[str], series: str
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(sys, "argv", ["bench.py", *option])
    monkeypatch.setattr(bench, "measure_series", measured.append)
    bench.main()
    assert measured == [series]


def test_measurements_have_the_names_by_which_older_versions_continue() -> None:
    job = bench.speed_job(Contestant("train", "relu", "float32"), images=60_000, number=1)
    assert job.name == "time-train-relu-float32-60000-1"


@pytest.mark.parametrize("other", ["speeds", "article", "ladder", "views"])
@pytest.mark.parametrize("stopped", ["speeds", "article", "ladder"])  # the views are one job
def test_a_stopped_series_continues_whatever_was_measured_meanwhile(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: str, other: str
) -> None:
    def made_by(series: str) -> list[str]:
        made.clear()
        bench.measure_series(series)
        return list(made)

    all_of_stopped, all_of_other = made_by(stopped), made_by(other)
    run_in_a_process = bench.run_in_a_process

    def interrupted_after_two(job: bench.Job) -> dict:
        if len(made) == 2:
            raise KeyboardInterrupt
        return run_in_a_process(job)

    with monkeypatch.context() as patched:
        patched.setattr(bench, "run_in_a_process", interrupted_after_two)
        with pytest.raises(KeyboardInterrupt):
            made_by(stopped)
    if other != stopped:
        assert made_by(other) == all_of_other  # what was stopped counts for no other series
    assert made_by(stopped) == all_of_stopped[2:]
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
