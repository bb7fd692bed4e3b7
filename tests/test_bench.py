"""How speeds are measured; and a stopped series continues where it was."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bench
import jobs
from compared import BASELINE, Contestant, contestants
from mnist_cnn.data import Dataset, prepare_images
from mnist_cnn.models import NETWORKS


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no way to ask for the peak of memory"
)
@pytest.mark.parametrize(("trainer", "train_images"), [("fit", 160), ("train", 180)])
def test_a_speed_job_times_a_training(
    trainer: str, train_images: int, full: Dataset, runs: Path
) -> None:
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


@pytest.mark.slow
def test_the_accuracy_of_the_article_is_that_after_twenty_epochs(
    sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_results_are_computed_from_the_files_of_measurements(
    made: list[str], tmp_path: Path
) -> None:
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


def test_the_quick_option_prints_a_table_and_writes_nothing(
    made: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
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


def test_measurements_of_other_versions_are_not_mixed(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(job: bench.Job) -> dict:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bench, "run_in_a_process", stop)
        with pytest.raises(KeyboardInterrupt):
            bench.measure_series("ladder")
    with monkeypatch.context() as patched:
        patched.setattr(bench, "installed_version", lambda name: "99.9")
        with pytest.raises(SystemExit, match="begun on another machine or with other versions"):
            bench.measure_series("ladder")
    assert made == [] and not (tmp_path / "results.json").exists()
    bench.measure_series("ladder")
    assert "costs" in json.loads((tmp_path / "results.json").read_text())


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
