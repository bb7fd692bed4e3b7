"""The benchmarks: the pages show the numbers that were measured, and a stopped measurement continues where it was."""

import json
import re
import statistics
import subprocess
import sys
import time
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import bench
import tables
from mnist_cnn.data import prepare_images
from mnist_cnn.models import NETWORKS
from mnist_cnn.recipes import RECIPES, Recipe
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.study.results import load_results, save_result

RESULTS = tables.load()
CHOSEN = RESULTS["chosen_precision"]
ROWS = {(row["what"], row["recipe"], row["precision"]): row for row in RESULTS["rows"]}
STUDIED, CLIMBED = (
    load_results(tables.ROOT / "benchmarks" / f"{name}.jsonl") for name in ("study", "ladder")
)
ENSEMBLES = RESULTS["ensembles"]
ACCURACIES = {recipe: tables.accuracies(RESULTS, recipe) for recipe in ("article", *bench.RECIPES)}


def texts(page: Path) -> list[str]:
    if page.suffix == ".md":
        return [page.read_text(encoding="utf-8")]
    return [cell.source for cell in nbformat.read(page, as_version=4).cells]


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_tables_in_the_pages_are_those_of_the_results(page: Path) -> None:
    assert texts(page) == [tables.fill(text, RESULTS) for text in texts(page)], "run `make tables`"


def test_every_table_is_on_a_page() -> None:
    everything = "".join(text for page in tables.PAGES for text in texts(page))
    assert {name for _, name, _ in tables.PLACE.findall(everything)} == set(tables.TABLES)
    assert everything.count("<!-- bench: ") == everything.count("<!-- end of bench -->")
    assert everything.count("<!-- bench: ") == len(tables.PLACE.findall(everything))


def test_tables_follow_the_results_and_leave_the_rest_alone() -> None:
    place = "<!-- bench: {} -->\n<!-- end of bench -->"
    empty = f"before\n{place.format('recipes')}\nbetween\n{place.format('times')}\nafter"
    filled = tables.fill(empty, RESULTS)
    assert tables.fill(filled, RESULTS) == filled
    assert [line for line in filled.splitlines() if not line.startswith("|")] == empty.splitlines()
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row |= {"seconds_per_epoch": 12345.6, "seconds_total": 98765}
    altered["test"] = {recipe: dict.fromkeys(range(3), 12.34) for recipe in bench.RECIPES}
    short, full = tables.fill(filled, altered).split("between")
    assert (
        short.count("12.34 ± 0.00 % (3 seeds)") == 3
        and "| relu, ours | 12.34 ±" in short
        and short.count("98,765 s") == 4
    )
    assert full.count("12345.6 s") == len(ROWS)


def test_in_a_code_cell_the_table_is_python() -> None:
    cell = "# <!-- bench: scores -->\n# <!-- end of bench -->\nbest = {name: max(s) for name, s in scores.items()}"
    filled = tables.fill(cell, RESULTS)
    assert tables.fill(filled, RESULTS) == filled
    exec(filled, found := {})  # noqa: S102
    assert found["scores"]["relu"] == pytest.approx(ACCURACIES["relu"]) and len(found["best"]) == 4
    assert found["scores"]["article"] == ACCURACIES["article"]
    exec(tables.fill(cell.replace("scores -->", "validation_scores -->"), RESULTS), found)  # noqa: S102
    validation = {
        r.settings.seed: 100 * r.val_accuracy for r in STUDIED if r.settings.recipe == "improved"
    }
    assert found["scores"]["improved"] == [round(validation[seed], 2) for seed in range(10)]


def test_there_is_no_blank_in_a_table() -> None:
    rows = [
        line
        for table in tables.TABLES.values()
        for line in table(RESULTS).splitlines()
        if line.startswith("| ")
    ]
    heads = [row for row in rows if row.startswith("|  |")]
    assert len(rows) > 50 and len(heads) == 4
    assert not [row for row in rows if row not in heads and re.search(r"\|\s*\||None", row)]


def test_pages_are_written_only_where_a_table_changes(tmp_path, monkeypatch) -> None:
    pages = tables.PAGES
    copies = [tmp_path / f"{page.parent.name}-{page.name}" for page in pages]
    for page, copy in zip(pages, copies, strict=True):
        copy.write_bytes(page.read_bytes())
    monkeypatch.setattr(tables, "PAGES", copies)
    tables.write_tables(RESULTS)
    assert [copy.read_bytes() for copy in copies] == [page.read_bytes() for page in pages]
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row["images_per_second"] = 123_456_789
    tables.write_tables(altered)
    changed = {
        page.name: copy
        for page, copy in zip(pages, copies, strict=True)
        if texts(page) != texts(copy)
    }
    assert set(changed) == {"README.md", "02_model_building.ipynb"}
    for page, copy in zip(pages, copies, strict=True):
        without = [tables.PLACE.sub("", text) for text in texts(page)]
        assert without == [tables.PLACE.sub("", text) for text in texts(copy)]


def test_speeds_are_complete_and_of_the_recipes_as_they_are() -> None:
    assert [row for row in ROWS if row[0] != "torch"] == [
        c for c in bench.contestants(CHOSEN) if c[0] != "torch"
    ]
    baseline = ROWS[bench.BASELINE]
    for (what, recipe, _), row in ROWS.items():
        if what == "train":
            assert (
                Recipe(**row["settings"]) == RECIPES[recipe]
                and row["epochs"] == RECIPES[recipe].epochs
            )
        assert row["ratio_to_article"] == pytest.approx(
            baseline["seconds_total"] / row["seconds_total"], rel=0.02
        )
        fastest, slowest = row["fastest_and_slowest"]
        assert 0 < fastest <= row["seconds_per_epoch"] <= slowest and row["peak_mb"] > 100


def test_the_study_is_complete_and_of_the_recipes_as_they_are() -> None:
    """On one and the same package and data; and its first seeds are the runs that come with the
    package.
    """
    assert {(r.settings.recipe, r.settings.seed) for r in STUDIED} == {
        (name, n) for name in bench.RECIPES for n in range(10)
    }
    assert len(STUDIED) == 40
    assert (
        len(
            {
                json.dumps([r.made_with["versions"], r.settings.data, r.settings.precision])
                for r in STUDIED
            }
        )
        == 1
    )
    for result in STUDIED:
        recipe = RECIPES[result.settings.recipe]
        assert asdict(recipe).items() <= asdict(result.settings).items()
        if result.settings.seed == 0 and result.settings.recipe != "short":
            run = load_run(SHIPPED / f"{result.settings.recipe}.npz")
            assert (
                run.settings == result.settings
                and run.history["val_accuracy"][-1] == result.val_accuracy
            )


def test_the_ladder_is_complete_and_of_the_recipes_as_they_are() -> None:
    """On the package and the data of the study."""
    seeds = {
        recipe: {r.settings.seed for r in CLIMBED if r.settings.recipe == recipe}
        for recipe in RECIPES
    }
    elsewhere = {"article", "improved"}  # among the article's, and in the study
    assert all(seeds[recipe] >= set(range(10)) for recipe in set(tables.RUNGS.values()) - elsewhere)
    for result in CLIMBED:
        assert asdict(RECIPES[result.settings.recipe]).items() <= asdict(result.settings).items()
    same = {
        json.dumps([r.made_with["versions"], r.settings.data, r.settings.precision])
        for r in STUDIED + CLIMBED
    }
    assert len(same) == 1


def test_the_ensembles_are_disjoint_and_of_the_ladders_trainings() -> None:
    alone = {r.settings.seed: r.test_accuracy for r in CLIMBED if r.settings.recipe == "averaged"}
    for number, found in enumerate(ENSEMBLES):
        assert found["seeds"] == list(range(5 * number, 5 * number + 5))
        assert found["test_members"] == pytest.approx(
            [alone[seed] for seed in found["seeds"]], abs=1e-4
        )


def test_two_studies_in_one_file_are_not_mixed(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    for name, content in (("results.json", "{}"), ("ladder.jsonl", ""), ("ensembles.jsonl", "")):
        (folder / name).write_text(content)
    save_result(folder / "study.jsonl", STUDIED[0])
    assert sum(map(len, tables.load()["test"].values())) == 1
    newer = STUDIED[0].made_with | {"versions": STUDIED[0].made_with["versions"] | {"numpy": "9.0"}}
    save_result(folder / "study.jsonl", replace(STUDIED[0], made_with=newer))
    with pytest.raises(SystemExit, match=r"more than one study.*numpy 9\.0"):
        tables.load()


def test_what_the_pages_say_was_measured() -> None:
    mean = {recipe: statistics.mean(values) for recipe, values in ACCURACIES.items()}
    for recipe, accuracy, ratio in (
        ("relu", 99.40, 8),
        ("leaky_relu", 99.40, 8),
        ("short", 99.39, 100),
    ):
        assert (
            mean[recipe] >= accuracy and ROWS["train", recipe, CHOSEN]["ratio_to_article"] >= ratio
        )
    relu, leaky, improved, short = (ACCURACIES[recipe] for recipe in bench.RECIPES)
    row = ROWS["train", "improved", CHOSEN]
    assert mean["improved"] >= 99.66 and row["epochs"] <= 20 and row["parameters"] < 1e6
    assert max(ACCURACIES["article"]) < min(relu)  # 02
    assert min(improved) > max(relu + leaky)  # 05
    # 05: choose one seed of each, and either seems better
    for first, second in ((relu, leaky), (leaky, relu)):
        assert max(first) > min(second)
    assert min(relu + leaky + short) >= 99.30
    assert statistics.mean(found["test_accuracy"] for found in ENSEMBLES) >= 0.9970


def test_notebook_08_tells_what_the_ladder_shows() -> None:
    mean = {
        rung: statistics.mean(tables.accuracies(RESULTS, recipe)[:10])
        for rung, recipe in tables.RUNGS.items()
    }
    error = {rung: 100 - accuracy for rung, accuracy in mean.items()}
    seconds = {rung: RESULTS["costs"]["seconds"][recipe] for rung, recipe in tables.RUNGS.items()}
    assert error["article"] < error["dense layers only"] / 2  # "more than half of the mistakes"
    assert 0.7 < error["pooling earlier"] / error["article"] < 0.8  # "a quarter of the rest"
    assert 9 < seconds["article"] / seconds["pooling earlier"] < 11  # "in a tenth of the time"
    low, high = difference("averaged", "improved", "validation")
    assert low < 0 < high  # "a rung that does not hold"
    for upper, lower in (
        ("scheduled", "pooled"),
        ("smoothed", "scheduled"),
        ("normalized", "smoothed"),
    ):
        # "on both"
        assert min(difference(upper, lower, "test") + difference(upper, lower, "validation")) > 0
    low, high = difference("improved", "normalized", "validation")
    # Of augmentation
    assert low < 0 < high and min(difference("improved", "normalized", "test")) > 0.05
    permuted = statistics.mean(RESULTS["test"]["permuted"].values())
    assert permuted < mean["dense layers only"] and mean["label smoothing"] - permuted > 2
    mistakes = [round(1e4 * (1 - found["test_accuracy"])) for found in ENSEMBLES]
    assert (round(statistics.mean(mistakes)), min(mistakes), max(mistakes)) == (30, 24, 34)
    for images in ("test", "val"):  # "a few images in 10,000 on both"
        pairs = [
            (found[f"{images}_accuracy"], statistics.mean(found[f"{images}_members"]))
            for found in ENSEMBLES
        ]
        gains = [together - alone for together, alone in pairs]
        # Student's t of four degrees of freedom at 97.5 %
        margin = 2.7764 * statistics.stdev(gains) / 5**0.5
        assert (
            len(gains) == 5
            and margin < statistics.mean(gains)
            and 2e-4 < statistics.mean(gains) < 8e-4
        )


def difference(name: str, other: str, images: str) -> tuple[float, float]:
    """Of two recipes over seeds 0 to 9, in percentage points: its 95 % interval, by the paired t
    test.
    """
    of, others = RESULTS[images][name], RESULTS[images][other]
    differences = [of[seed] - others[seed] for seed in range(10)]
    # Student's t of nine degrees of freedom at 97.5 %
    margin = 2.2622 * statistics.stdev(differences) / 10**0.5
    return statistics.mean(differences) - margin, statistics.mean(differences) + margin


def test_notebook_05_tells_how_the_recipes_compare_on_both_collections_of_images() -> None:
    low, high = difference("leaky_relu", "relu", "test")
    # "looks a little like it", "fewer than ten images in 10,000"
    assert low < 0 < high < 0.1 and low + high > 0
    low, high = difference("leaky_relu", "relu", "validation")
    assert low + high <= 0 < high  # "no lead at all"
    assert (
        min(difference("improved", "relu", "test") + difference("improved", "relu", "validation"))
        > 0.1
    )  # "well ahead on both"


def test_the_chosen_precision_is_faster() -> None:
    for recipe in bench.RECIPES:
        chosen, plain = (ROWS["train", recipe, precision] for precision in (CHOSEN, "float32"))
        assert chosen["seconds_per_epoch"] <= plain["seconds_per_epoch"]


def test_the_views_respond_in_time() -> None:
    """A slider within a frame of the screen, a pen within two: and both places use the same code."""
    views = RESULTS["views"]
    sliders = {"prediction browser", "confusion explorer", "epoch scrubber", "feature maps"}
    assert set(views["site"]) == sliders | {"drawing pad with maps"}
    assert set(views["lab"]) == {"prediction browser", "drawing pad"}
    for view, (ready, drawn) in [*views["site"].items(), *views["lab"].items()]:
        assert 0 < ready <= (16 if view in sliders else 30) and ready < drawn <= 100
    assert 0 < views["first_page_s"] <= 1.5 and 0 < views["notebook_06_opened_s"] <= 25


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no way to ask for the peak of memory"
)
@pytest.mark.parametrize("how", ["fit", "train"])
def test_a_timing_is_a_training(how: str, full, runs) -> None:
    job = {
        "kind": "time",
        "how": how,
        "recipe": "relu",
        "precision": "float32",
        "images": 200,
        "number": 0,
    }
    command = [sys.executable, bench.__file__, "--job", json.dumps(job)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    elapsed = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["parameters"] == 241_546 and found["epochs"] == 20
    assert found["train_images"] == {"fit": 160, "train": 180}[how]
    assert len(found["clock"]) == len(found["processor"]) == 3
    assert min(found["clock"] + found["processor"]) > 0 and sum(found["clock"]) < elapsed
    assert found["peak_mb"] > 500


@pytest.mark.slow
def test_the_accuracy_of_the_article_is_that_after_twenty_epochs(sample, monkeypatch) -> None:
    """With less to learn: another network, on few images."""
    few = replace(sample, x_train=sample.x_train[:300], y_train=sample.y_train[:300])
    monkeypatch.setattr("mnist_cnn.data.load_images", lambda source: few)
    monkeypatch.setattr("mnist_cnn.device.choose_precision", lambda: "float32")
    monkeypatch.setitem(NETWORKS, "article", NETWORKS["dense"])
    found = bench.article(seed=3)
    model, history = bench.fit_as_in_the_article("dense", "float32", few, epochs=20, seed=3)
    right = model.predict(prepare_images(few.x_test), verbose=0).argmax(axis=1) == few.y_test
    assert found == {
        "precision": "float32",
        "validation": history["val_accuracy"][-1],
        "test": right.mean(),
    }
    assert found["test"] > 0.5


@pytest.mark.slow
def test_measurements_that_were_stopped_continue(tmp_path, capfd, monkeypatch) -> None:
    """All were made but one; the results are computed from the files of those."""
    monkeypatch.setattr("mnist_cnn.device.choose_precision", lambda: "float32")
    times = {
        "parameters": 1_000_000,
        "train_images": 900,
        "epochs": 20,
        "settings": {},
        "peak_mb": 7,
    }
    files = {"import-0": {"seconds": 1.5}, "import-1": {"seconds": 900.0}}
    for number, clock in enumerate([[10.0, 1.0, 2.0], [20.0, 3.0, 4.0]]):
        for contestant in bench.contestants("float32"):
            slow = 2 if contestant == bench.BASELINE else 1
            found = times | {
                "clock": [slow * seconds for seconds in clock],
                "processor": [1.0, 2.0, 4.0],
            }
            files["-".join(["time", *contestant, "1000", str(number)])] = found
    for name, found in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    results = bench.collect(tmp_path, rounds=2, images=1000, scaling=(1000,))
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 1 and "import-2: " in lines[0]
    assert 1.5 <= results["import_seconds"] < 900
    article, relu, *_ = results["rows"]
    assert article["seconds_total"] == 2 * relu["seconds_total"] == 2 * (15 + 19 * 2.5)
    ours = results["rows"][-1]
    assert (
        ours["recipe"] == "short"
        and ours["ratio_to_article"] == 2
        and ours["images_per_second"] == 360
    )
    assert ours["ratio_by_processor"] == 1 and ours["processor_seconds_per_epoch"] == 3
    assert ours["fastest_and_slowest"] == [1.0, 4.0]
    assert results["scaling"] == [{"images": 1000, "seconds_per_epoch": 1.5, "peak_mb": 7}]


FOUND = {  # what each kind of job finds
    "time": {"clock": [3.0, 2.0, 1.0], "processor": [3.0, 2.0, 1.0], "peak_mb": 7}
    | {"parameters": 1, "train_images": 1, "epochs": 20, "settings": {}},
    "article": {"precision": "float32", "validation": 0.5, "test": 0.5},
    "import": {"seconds": 1.0},
    "views": {},
}


SERIES = ["", "--article", "--ladder", "--views"]


@pytest.mark.parametrize("other", SERIES)
@pytest.mark.parametrize("stopped", SERIES[:3])  # that of the views is one measurement
def test_a_series_that_was_stopped_continues_whatever_was_measured_meanwhile(
    tmp_path, monkeypatch, stopped: str, other: str
) -> None:
    done: list[dict] = []
    limit = 10**6

    def measure(command: list[str], **options: object) -> SimpleNamespace:
        if len(done) == limit:
            raise KeyboardInterrupt
        done.append(json.loads(command[-1]))
        return SimpleNamespace(stdout=f"{json.dumps(FOUND[done[-1]['kind']])}\n")

    def call_bench(series: str) -> list[dict]:
        monkeypatch.setattr(sys, "argv", ["bench.py", *series.split()])
        done.clear()
        bench.main()
        return list(done)

    monkeypatch.setattr("mnist_cnn.device.choose_precision", lambda: "float32")
    monkeypatch.setattr(bench, "subprocess", SimpleNamespace(run=measure, PIPE=subprocess.PIPE))
    monkeypatch.setattr(bench, "FILE", tmp_path / "results.json")
    monkeypatch.setattr(bench, "WORK", tmp_path / "work")
    whole, whole_of_other = call_bench(stopped), call_bench(other)
    limit = 2
    with pytest.raises(KeyboardInterrupt):
        call_bench(stopped)
    limit = 10**6
    if other != stopped:
        assert call_bench(other) == whole_of_other  # what was stopped counts for no other series
    assert call_bench(stopped) == whole[2:]
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
