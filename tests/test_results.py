"""Results of studies: their file, how they are grouped, and what their statistics say."""

import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import stats

from mnist_cnn.data import Dataset
from mnist_cnn.environment import describe_environment
from mnist_cnn.exceptions import StudyError
from mnist_cnn.locking import lock
from mnist_cnn.plots import plot_scores
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.study.cluster import describe_worker
from mnist_cnn.study.results import (
    Group,
    Result,
    compare,
    group_results,
    load_results,
    save_result,
    summarize,
)
from mnist_cnn.study.run import run_study
from mnist_cnn.training import choose_settings
from repository import ROOT

MADE_WITH = {
    "data": "sample",
    "device": "CPU",
    "backend": "b",
    "versions": {"keras": "3"},
    "layers": "l",
}


def result(sample: Dataset, recipe: str, seed: int, test: float = 0.5, **changed) -> Result:
    settings = replace(choose_settings(recipe, sample, None, seed, "float32"), **changed)
    return Result(settings, MADE_WITH, test - 0.1, test, 1.0, {"processor": "p", "threads": 1})


@pytest.fixture
def file(sample: Dataset, tmp_path: Path) -> Path:
    """A results file with four results, written as studies do."""
    for seed in range(2):
        for recipe in ("relu", "short"):
            save_result(tmp_path / "study.jsonl", result(sample, recipe, seed))
    return tmp_path / "study.jsonl"


def test_results_come_back_as_they_were_saved(file: Path, sample: Dataset) -> None:
    assert load_results(file) == [
        result(sample, recipe, seed) for seed in range(2) for recipe in ("relu", "short")
    ]


def test_results_are_distinct_if_anything_that_affects_the_weights_differs(sample: Dataset) -> None:
    first = result(sample, "relu", 0)
    others = [
        result(sample, "relu", 1),
        result(sample, "relu", 0, epochs=19),
        result(sample, "relu", 0, fingerprint="x"),
    ]
    others += [
        replace(first, environment=MADE_WITH | {name: "other"})
        for name in MADE_WITH
        if name != "versions"
    ]
    others += [replace(first, environment=MADE_WITH | {"versions": {"keras": "4"}})]
    same = replace(first, seconds=9.0, where={"processor": "q", "threads": 8}, test_accuracy=0.1)
    assert len({other.key for other in [first, same, *others]}) == 1 + len(others)


def test_results_and_runs_in_the_home_folder_are_found(
    file: Path, sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):  # the second on Windows
        monkeypatch.setenv(name, str(file.parent))
    monkeypatch.chdir(file.parent)
    assert load_results("~/study.jsonl") == load_results(file)
    shutil.copy(SHIPPED / "relu.npz", file.parent)
    assert load_run("~/relu.npz").finished
    with lock(file), pytest.raises(StudyError, match="is writing to"):
        run_study(["relu"], [0], "~/study.jsonl", sample)
    assert not (file.parent / "~").exists()


@pytest.mark.parametrize(
    "kept, warned, seeds",
    [
        pytest.param(1, True, [0, 0, 1], id="one byte"),
        pytest.param(40, True, [0, 0, 1], id="forty bytes"),
        pytest.param(-1, False, [0, 0, 1, 1], id="all but the end of line"),
    ],
)
def test_an_incomplete_last_line_is_skipped_and_does_not_spoil_the_next(
    file: Path,
    sample: Dataset,
    capsys: pytest.CaptureFixture[str],
    kept: int,
    warned: bool,
    seeds: list[int],
) -> None:
    *complete, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(complete) + last[:kept])
    assert [found.settings.seed for found in load_results(file)] == seeds
    assert ("Line 4 of " in capsys.readouterr().err) == warned
    save_result(file, result(sample, "short", 7))
    assert [found.settings.seed for found in load_results(file)] == [*seeds, 7]


def test_a_duplicate_result_counts_once(file: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)
    assert len(load_results(file)) == 4


def test_a_file_of_something_else_is_refused_and_left_alone(
    tmp_path: Path, sample: Dataset
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"my": "notes"}\nmore\n')
    with pytest.raises(StudyError, match=r"other.jsonl is not a results file"):
        run_study(["relu"], [0], other, sample)
    assert other.read_text() == '{"my": "notes"}\nmore\n'
    with pytest.raises(FileNotFoundError):
        load_results(tmp_path / "none.jsonl")


def accuracies_by_label(results: list[Result]) -> dict[str, dict[int, float]]:
    """The accuracies on the test images, by what summaries and figures call their group."""
    return {group.label: group.accuracies for group in group_results(results, "test")}


def test_scores_are_by_recipe_and_seed_and_different_settings_are_not_mixed(
    file: Path, sample: Dataset
) -> None:
    results = load_results(file)
    assert group_results(results, "test") == [
        Group(recipe, {}, {0: 50, 1: 50}) for recipe in ("relu", "short")
    ]
    assert group_results(results, "validation")[0].accuracies == {0: 40, 1: 40}
    more = [
        result(sample, "short", 0, 0.7, precision="mixed_bfloat16"),
        result(sample, "relu", 9, 0.6),
    ]
    assert accuracies_by_label([*results, *more]) == {
        "relu": {0: 50, 1: 50, 9: 60},
        "short, precision float32": {0: 50, 1: 50},
        "short, precision mixed_bfloat16": {0: 70},
    }
    newer = replace(results[0], environment=MADE_WITH | {"versions": {"keras": "4"}})
    groups = group_results([*results, newer])
    assert [(group.recipe, group.differing) for group in groups] == [
        ("relu", {"keras": "3"}),
        ("relu", {"keras": "4"}),
        ("short", {}),
    ]
    assert [group.label for group in groups] == ["relu, keras 3", "relu, keras 4", "short"]


def changed_in_one_thing(first: Result) -> list[Result]:
    """A result changed in each thing but the recipe and the seed, one at a time."""
    changed = {name: f"other {value}" for name, value in asdict(first.settings).items()}
    del changed["recipe"], changed["seed"]
    changed["schedule"] = "constant"  # which is the only other one
    changes = [
        {"settings": replace(first.settings, **{name: value})} for name, value in changed.items()
    ]
    versions = first.environment["versions"]
    others = [{name: "other"} for name in first.environment if name != "versions"]
    others += [{"versions": versions | {name: "other"}} for name in versions]
    changes += [{"environment": first.environment | other} for other in others]
    return [replace(first, test_accuracy=0.7, **change) for change in changes]


def test_no_two_results_are_mixed_that_differ_in_anything_but_the_seed(sample: Dataset) -> None:
    """Whatever it is, both are there, each under a name of its own."""
    about = describe_environment(sample.source) | {"layers": "l", "test images": "t"}
    first = replace(result(sample, "relu", 0), environment=about)
    others = changed_in_one_thing(first)
    assert len(others) > 20
    for other in others:
        scores = accuracies_by_label([first, other])
        assert [*scores.values()] == [{0: 50}, {0: pytest.approx(70)}], (other, scores)
    assert len(accuracies_by_label([first, *others])) == 1 + len(others)


def test_the_name_says_whether_training_or_test_images_differ(sample: Dataset) -> None:
    first = result(sample, "relu", 0)
    of_test = [first, replace(first, environment=MADE_WITH | {"data": "mine-images"})]
    assert [*accuracies_by_label(of_test)] == ["relu, data sample", "relu, data mine-images"]
    of_training = [first, result(sample, "relu", 0, fingerprint="0123456789abcdef")]
    names = [f"relu, training images {sample.fingerprint[:8]}", "relu, training images 01234567"]
    assert [*accuracies_by_label(of_training)] == names


def test_the_order_of_fields_does_not_matter(sample: Dataset) -> None:
    first, second = result(sample, "relu", 0), result(sample, "relu", 1)
    turned = replace(second, environment=dict(reversed(MADE_WITH.items())))
    assert group_results([first, turned], "test") == [Group("relu", {}, {0: 50, 1: 50})]


def test_other_test_images_under_the_same_name_are_another_result(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {"x_train": sample.x_train[:50], "y_train": sample.y_train[:50]}
    found = []
    for rows in (slice(50), slice(50, 100)):
        tested = {"x_test": sample.x_test[rows], "y_test": sample.y_test[rows]}
        np.savez(tmp_path / "mine.npz", **arrays, **tested)
        monkeypatch.setenv("MNIST_NPZ", str(tmp_path / "mine.npz"))
        found.append(describe_worker("mine-images")["by_network"]["relu"])
    one = result(sample, "relu", 0)
    first, second = (replace(one, environment=about) for about in found)
    assert first.key != second.key
    names = [*accuracies_by_label([first, second])]
    assert len(names) == 2 and all(re.fullmatch(r"relu, test images \w{8}", name) for name in names)


def test_the_report_agrees_with_the_formulas() -> None:
    a = Group("a", {}, {0: 99.1, 1: 99.4, 2: 99.3})
    bb = Group("bb", {}, {2: 99.5, 1: 99.4, 0: 99.5, 5: 90.0})
    c = Group("c", {}, {0: 98.0})
    first, second, third, *differences = summarize([a, bb, c]).splitlines()
    margin = 4.302653 * 0.152753 / 3**0.5  # Student's t of two degrees of freedom at 97.5 %
    assert (
        first == f"a   mean 99.267 ± 0.153 %, 95 % interval {99.26667 - margin:.3f} to "
        f"{99.26667 + margin:.3f} (3 seeds)"
    )
    assert "mean 97.100 ± 4.734" in second and third == "c   mean 98.000 % (1 seed)"
    assert differences[0] == f"bb minus a: {compare(bb, a)}"
    assert "too few" in differences[1]
    assert differences[3] == "(The p values are not corrected for 3 comparisons.)"
    assert "corrected" not in summarize([a, bb]) and summarize([]) == ""
    pairs = np.array([0.4, 0.0, 0.2])
    margin = 4.302653 * pairs.std(ddof=1) / 3**0.5
    p = stats.ttest_1samp(pairs, 0).pvalue
    expected = (
        f"+0.200, 95 % interval {0.2 - margin:+.3f} to {0.2 + margin:+.3f}, p = {p:.2g} (3 pairs)"
    )
    assert str(compare(bb, a)) == expected


@pytest.mark.filterwarnings("error")
def test_without_any_spread_there_is_no_test() -> None:
    """SciPy would say p = 0 for two pairs that differ alike, and NaN for two that are the same."""
    a = Group("a", {}, {0: 97.5, 1: 97.5})
    b = Group("b", {}, {0: 98.0, 1: 98.0})
    c = Group("c", {}, {0: 97.1, 1: 97.3})
    d = Group("d", {}, {0: 97.6, 1: 97.8})
    assert compare(b, a) is compare(a, a) is compare(d, c) is None
    first, _, difference = summarize([a, b]).splitlines()
    assert first == "a  97.500 % with each of 2 seeds"
    assert difference == "b minus a: too few different pairs of seeds"


def test_the_figure_has_a_dot_for_each_seed() -> None:
    scores = {"a": [99.1, 99.4], "b": [99.5]}
    (axis,) = plot_scores(scores, "validation").axes
    assert axis.get_xlabel() == "validation accuracy (%)"
    dots = [tuple(point) for collection in axis.collections for point in collection.get_offsets()]
    assert dots == [(99.1, 0), (99.4, 0), (99.5, 1)]
    assert [line.get_xdata()[0] for line in axis.lines] == [99.25, 99.5]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]


def test_one_study_at_a_time_writes_to_a_file(file: Path, sample: Dataset) -> None:
    with (
        lock(file),
        pytest.raises(
            StudyError, match=r"is writing to .*study.jsonl. Wait for it, or name another"
        ),
    ):
        run_study(["relu"], [0], file, sample)


@pytest.mark.slow
def test_the_networks_are_those_of_the_stored_results(sample: Dataset) -> None:
    """Else `make study` would train all again."""
    described = describe_worker("sample")["by_network"]
    for name in ("study", "ladder"):
        for found in load_results(ROOT / "benchmarks" / f"{name}.jsonl"):
            if found.environment["versions"]["keras"] == keras.__version__:
                of_network = described[found.settings.network]
                assert found.environment["layers"] == of_network["layers"], found.settings.network
