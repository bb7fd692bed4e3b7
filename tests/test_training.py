"""Training: repeatable, and nothing missing from the run it leaves."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mnist_cnn.data import Mnist, split_validation
from mnist_cnn.evaluation import predict
from mnist_cnn.training import epoch_order, find_run, load_run, print_progress, runs_folder, train


@pytest.fixture(scope="module")
def few(sample: Mnist) -> Mnist:
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])


def weights(run) -> list[bytes]:
    return [array.tobytes() for array in run.load_model().get_weights()]


@pytest.mark.parametrize("network", ["relu", "leaky_relu"])
def test_same_seed_same_weights_in_another_process_too(few: Mnist, runs, network: str) -> None:
    first = train(network, few, epochs=2, seed=7, name="first")
    code = (
        "from dataclasses import replace\n"
        "from mnist_cnn.data import load_mnist\n"
        "from mnist_cnn.training import train\n"
        "sample = load_mnist(source='sample')\n"
        "few = replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])\n"
        f"train({network!r}, few, epochs=2, seed=7, name='second')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    second = load_run(runs / "second")
    assert weights(first) == weights(second)
    assert first.history == second.history
    assert np.array_equal(first.predicted, second.predicted) and np.array_equal(first.confidence, second.confidence)
    assert weights(first) != weights(train(network, few, epochs=2, seed=8, name="third"))


def test_a_run_holds_what_it_says(few: Mnist, runs) -> None:
    run = train("relu", few, epochs=3)
    assert sorted(file.name for file in (runs / "relu-sample").iterdir()) == [
        "history.json", "metrics.json", "model.weights.h5", "predictions.npz"]  # fmt: skip
    metrics = json.loads((runs / "relu-sample" / "metrics.json").read_text())
    assert {"network": "relu", "epochs": 3, "seed": 0, "data": "sample", "train_images": 450}.items() <= metrics.items()
    assert metrics["precision"] == "float32" and metrics["device"] in ("CPU", "GPU") and metrics["seconds"] > 0
    assert set(metrics["versions"]) == {"python", "tensorflow", "keras"}

    probabilities = predict(run.load_model(), few.x_test)
    assert metrics["test_accuracy"] == np.mean(probabilities.argmax(axis=1) == few.y_test)
    _, (x_val, y_val) = split_validation(few.x_train, few.y_train)
    on_validation = np.mean(predict(run.load_model(), x_val).argmax(axis=1) == y_val)
    assert metrics["val_accuracy"] == pytest.approx(on_validation) == run.history["val_accuracy"][-1]

    assert run.predicted.shape == run.confidence.shape == (3, 1000)
    assert np.array_equal(run.predicted[-1], probabilities.argmax(axis=1))
    np.testing.assert_allclose(run.confidence[-1], probabilities.max(axis=1), atol=1e-3)
    assert {name: len(values) for name, values in run.history.items()} == {
        "accuracy": 3, "loss": 3, "val_accuracy": 3, "val_loss": 3}  # fmt: skip


def test_a_new_run_replaces_the_old_one_and_leaves_no_litter(few: Mnist, runs) -> None:
    train("relu", few, epochs=1)
    train("relu", few, epochs=2)
    assert load_run(runs / "relu-sample").metrics["epochs"] == 2
    assert [folder.name for folder in runs.iterdir()] == ["relu-sample"]


def test_progress_is_told_at_the_start_and_after_every_epoch(few: Mnist, runs) -> None:
    seen = []
    train(
        "relu",
        few,
        epochs=2,
        progress=lambda history, epochs, seconds: seen.append((len(history.get("loss", ())), epochs)),
    )
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_printed_progress(capsys: pytest.CaptureFixture) -> None:
    print_progress({}, 20, 0.0)
    print_progress({"val_accuracy": [0.9, 0.98765]}, 20, 10.0)
    print_progress({"val_accuracy": [0.9, 0.98765]}, 2, 10.0)
    assert capsys.readouterr().out.splitlines() == [
        "epoch  2 of 20: validation accuracy 98.77%, about 90 s left",
        "epoch  2 of 2: validation accuracy 98.77%, 10 s in all"]  # fmt: skip


def test_every_epoch_sees_every_image_in_its_own_order() -> None:
    orders = [epoch_order(1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(1000)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4


def test_find_run_trains_only_if_there_is_no_run_on_these_data(few: Mnist, runs, capsys) -> None:
    on_other_data = train("relu", replace(few, source="full"), epochs=1)
    assert on_other_data.folder == runs / "relu"
    trained = find_run("relu", few)
    assert "relu: no run in runs/relu-sample yet, so we train one now" in capsys.readouterr().out
    assert trained.metrics["epochs"] == 20
    assert find_run("relu", few).metrics == trained.metrics
    assert capsys.readouterr().out == "relu: your run in runs/relu-sample, epochs: 20\n"
    assert load_run(runs / "relu").metrics == on_other_data.metrics  # untouched


@pytest.mark.parametrize("file", ["model.weights.h5", "history.json", "predictions.npz", "metrics.json"])
def test_a_folder_without_a_run_says_what_to_do(few: Mnist, runs, file: str) -> None:
    folder = train("relu", few, epochs=1, name="mine").folder
    (folder / file).unlink()
    with pytest.raises(FileNotFoundError, match=f"No complete run .*mine: {file} is missing.*notebook 04"):
        load_run(folder)


def test_runs_lie_beside_the_notebooks_wherever_one_starts(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("MNIST_CNN_RUNS")
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    for start in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deeper"):
        monkeypatch.chdir(start)
        assert runs_folder() == tmp_path / "runs"


def test_senseless_arguments_are_refused(few: Mnist) -> None:
    with pytest.raises(ValueError, match="epochs must be at least 1, not 0"):
        train("relu", few, epochs=0)
    with pytest.raises(ValueError, match="network must be one of"):
        train("rleu", few)
