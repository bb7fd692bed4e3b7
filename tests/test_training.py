"""Training: repeatable, and nothing missing from the run it leaves."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest

from mnist_cnn.data import Mnist, one_hot, prepare_images, split_validation
from mnist_cnn.models import PRECISIONS, build_model, predict
from mnist_cnn.runs import load_run, runs_folder
from mnist_cnn.device import choose_precision, device, fix_seed
from mnist_cnn.recipes import RECIPES
from mnist_cnn.training import epoch_order, find_run, print_progress, train


@pytest.fixture(scope="module")
def few(sample: Mnist) -> Mnist:
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])


def weights(run) -> list[bytes]:
    return [array.tobytes() for array in run.load_model().get_weights()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_same_seed_same_weights_in_another_process_too(few: Mnist, runs, recipe: str) -> None:
    first = train(recipe, few, epochs=2, seed=7, name="first")
    code = (
        "from dataclasses import replace\n"
        "from mnist_cnn.data import load_mnist\n"
        "from mnist_cnn.training import train\n"
        "sample = load_mnist(source='sample')\n"
        "few = replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])\n"
        f"train({recipe!r}, few, epochs=2, seed=7, name='second')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    second = load_run(runs / "second")
    assert weights(first) == weights(second)
    assert first.history == second.history
    assert np.array_equal(first.predicted, second.predicted)
    assert weights(first) != weights(train(recipe, few, epochs=2, seed=8, name="third"))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_holds_what_it_says(few: Mnist, runs, precision: str) -> None:
    run = train("relu", few, epochs=3, precision=precision)
    assert run.folder == runs / "relu-sample" / "epoch-03"
    assert sorted(file.name for file in run.folder.iterdir()) == [
        "SHA256SUMS", "history.json", "metrics.json", "predictions.npz", "weights.npz"]  # fmt: skip
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert {"network": "relu", "epochs": 3, "seed": 0, "data": "sample", "train_images": 450}.items() <= metrics.items()
    assert asdict(RECIPES["relu"]).items() - {("epochs", 20)} <= metrics.items()
    assert metrics["recipe"] == "relu" and metrics["precision"] == precision
    assert metrics["device"] in ("CPU", "GPU") and metrics["seconds"] > 0
    assert set(metrics["versions"]) == {"tensorflow", "keras", "numpy"}

    probabilities = predict(run.load_model(), few.x_test)
    assert metrics["test_accuracy"] == np.mean(probabilities.argmax(axis=1) == few.y_test)
    _, (x_val, y_val) = split_validation(few.x_train, few.y_train)
    assert run.predicted.shape == (4, 50)
    assert np.array_equal(run.predicted[-1], predict(run.load_model(), x_val).argmax(axis=1))
    assert run.history["val_accuracy"] == [np.mean(predicted == y_val) for predicted in run.predicted[1:]]
    assert metrics["val_accuracy"] == run.history["val_accuracy"][-1]
    fix_seed(0)
    untrained = predict(build_model("relu"), x_val)
    assert np.array_equal(run.predicted[0], untrained.argmax(axis=1))

    assert {name: len(values) for name, values in run.history.items()} == {
        "accuracy": 3, "loss": 3, "val_accuracy": 3, "val_loss": 3}  # fmt: skip


def test_checksums_are_those_of_sha256sum_and_any_array_can_be_read_with_numpy(few: Mnist, runs) -> None:
    folder = train("relu", few, epochs=1).folder
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.stdout.count(": OK\n") == 4 and checked.returncode == 0
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        assert [arrays[name].shape for name in arrays.files] == [w.shape for w in build_model("relu").get_weights()]


def test_a_finished_run_is_not_trained_again_and_says_so(few: Mnist, runs, capsys) -> None:
    first = train("relu", few, epochs=2)
    capsys.readouterr()
    again = train("relu", few, epochs=2)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "relu: runs/relu-sample is finished already; to train it anew, delete that folder"
    assert said[1].startswith("epoch  2 of 2: ") and len(said) == 2
    assert weights(first) == weights(again) and first.metrics == again.metrics


def test_a_folder_without_a_run_says_what_to_do(runs) -> None:
    with pytest.raises(FileNotFoundError, match="There is no run in .*mine. Run notebook 04 first"):
        load_run(runs / "mine")


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


@pytest.mark.parametrize("recipe", ["relu", "short"])
def test_training_in_steps_of_keras_gives_the_same_history(few: Mnist, runs, recipe: str) -> None:
    """An epoch is 15 batches, fewer than TensorFlow works through in one go; none may be lost or seen twice."""
    settings = RECIPES[recipe]
    run = train(recipe, few, epochs=2, seed=3, precision="float32")
    keras.utils.set_random_seed(3)
    model = build_model(settings.network)
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, decay_steps=2 * 15)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    (x, y), (x_val, y_val) = split_validation(few.x_train, few.y_train)
    for epoch in range(2):
        order = epoch_order(len(x), 3, epoch)
        fitted = model.fit(prepare_images(x[order]), one_hot(y[order]), 32, shuffle=False, verbose=0)
        assert fitted.history["loss"][0] == pytest.approx(run.history["loss"][epoch], rel=1e-5)
        val_loss, val_accuracy = model.evaluate(prepare_images(x_val), one_hot(y_val), verbose=0)
        assert run.history["val_loss"][epoch] == pytest.approx(val_loss, rel=1e-5)
        assert run.history["val_accuracy"][epoch] == pytest.approx(val_accuracy)
    assert [array.tobytes() for array in model.get_weights()] == weights(run)


@pytest.mark.skipif(device() == "GPU", reason="there it is float32, as nothing was measured")
def test_precision_is_chosen_by_the_instructions_of_the_processor(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    with_it, without = tmp_path / "with", tmp_path / "without"
    with_it.write_text("flags\t\t: fpu avx512vl avx512_bf16 clzero\n")
    without.write_text("flags\t\t: fpu avx512vl clzero\n")
    assert choose_precision(with_it) == "mixed_bfloat16"
    assert choose_precision(without) == choose_precision(tmp_path / "no Linux") == "float32"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert choose_precision(with_it) == "float32"


def test_precision_of_training_is_that_of_the_run(few: Mnist, runs) -> None:
    first, second = (train("relu", few, epochs=1, precision=each, name=each) for each in PRECISIONS)
    assert weights(first) != weights(second)
    assert keras.config.dtype_policy().name == "float32"


def test_augmentation_moves_the_training_images_only(few: Mnist, runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that has seen digits only far off the centre cannot read them: its training images were moved."""
    usual = train("improved", few, epochs=4, name="usual")
    monkeypatch.setattr("mnist_cnn.training.random_affine", lambda images, rng: np.roll(images, 14, axis=2))
    moved = train("improved", few, epochs=4, name="moved")
    assert moved.history["accuracy"][-1] > 0.8 > 0.5 > moved.history["val_accuracy"][-1]
    assert usual.history["val_accuracy"][-1] > 0.8


def test_every_epoch_sees_every_image_in_its_own_order() -> None:
    orders = [epoch_order(1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(1000)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4


def test_find_run_takes_the_learners_run_before_the_shipped_one(full: Mnist, few: Mnist, runs, capsys) -> None:
    assert find_run("relu", full).folder.parents[1].name == "shipped_runs"
    assert "no run of yours in runs/relu yet, so this is the one that comes with the package" in capsys.readouterr().out
    mine = train("relu", replace(few, source="full"), epochs=1)
    assert find_run("relu", full).folder == mine.folder == runs / "relu" / "epoch-01"
    assert capsys.readouterr().out.endswith("relu: your run in runs/relu, epochs: 1\n")


def test_find_run_trains_on_the_sample_if_there_is_no_run(few: Mnist, runs, capsys) -> None:
    on_other_data = train("relu", replace(few, source="full"), epochs=1)
    assert on_other_data.folder == runs / "relu" / "epoch-01"
    trained = find_run("relu", few)
    assert "relu: no run of yours in runs/relu-sample yet, so we train it now" in capsys.readouterr().out
    assert trained.metrics["epochs"] == 20
    assert find_run("relu", few).metrics == trained.metrics
    assert capsys.readouterr().out == "relu: your run in runs/relu-sample, epochs: 20\n"
    assert load_run(runs / "relu").metrics == on_other_data.metrics  # untouched


def test_runs_lie_beside_the_notebooks_wherever_one_starts(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("MNIST_CNN_RUNS")
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    for start in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deeper"):
        monkeypatch.chdir(start)
        assert runs_folder() == tmp_path / "runs"
