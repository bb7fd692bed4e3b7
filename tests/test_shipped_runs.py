"""The runs that come with the package: complete, small, and as accurate as README says."""

from dataclasses import asdict

import numpy as np
import pytest

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.device import fix_seed
from mnist_cnn.evaluation import evaluate_run
from mnist_cnn.models import build_model, predict
from mnist_cnn.recipes import RECIPES
from mnist_cnn.runs import SHIPPED, Run, load_run
from tables import load_measurements

MEMBERS = [f"averaged-{seed}" for seed in range(10, 15)]  # of an ensemble, by their seeds
PROMISED = {"relu": 0.9930, "leaky_relu": 0.9930, "improved": 0.9960} | dict.fromkeys(
    MEMBERS, 0.9955
)


@pytest.fixture(params=PROMISED)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def run(name: str) -> Run:
    return load_run(SHIPPED / f"{name}.npz")


def test_these_and_no_other_files_are_shipped() -> None:
    sizes = {file.name: file.stat().st_size for file in SHIPPED.iterdir()}
    assert sizes.keys() == {f"{name}.npz" for name in PROMISED}
    assert sum(sizes.values()) < 6.5e6


def test_they_are_finished_runs_of_their_recipes_over_twenty_epochs(name: str, run: Run) -> None:
    recipe, _, seed = name.partition("-")
    expected = asdict(RECIPES[recipe]) | {
        "recipe": recipe,
        "epochs": 20,
        "batch_size": 128,
        "seed": int(seed or 0),
    }
    assert expected.items() <= asdict(run.settings).items()
    assert run.environment["data"] == "full"
    assert run.finished and run.predicted.shape == (21, 6_000)
    assert {quantity: len(values) for quantity, values in run.history.items()} == dict.fromkeys(
        ("accuracy", "loss", "val_accuracy", "val_loss"), 20
    )


def test_the_seed_still_gives_the_weights_that_they_started_from(run: Run, full: Dataset) -> None:
    """Otherwise what was measured could not be repeated; another machine may round differently."""
    fix_seed(run.settings.seed)
    images = split_validation(full.x_train, full.y_train)[1][0][:1000]
    untrained = predict(build_model(run.settings.network), images).argmax(axis=1)
    assert np.mean(untrained == run.predicted[0][:1000]) > 0.98


def test_the_validation_loss_ends_above_its_lowest_while_the_accuracy_holds(
    name: str, run: Run
) -> None:
    """As notebook 04 says of the plain recipes; augmentation and smoothed labels prevent it."""
    loss, accuracy = run.history["val_loss"], run.history["val_accuracy"]
    if RECIPES[run.settings.recipe].augment:
        assert loss[-1] < 1.01 * min(loss)
    else:
        assert np.argmin(loss) < 17
        assert loss[-1] > 1.05 * min(loss)
        assert accuracy[-1] > max(accuracy) - 0.001


def test_no_optimizer_state_is_shipped(name: str, run: Run) -> None:
    with np.load(SHIPPED / f"{name}.npz", allow_pickle=False) as archive:
        stored = sum(
            array.size for name, array in archive.items() if name not in ("about", "predicted")
        )
    assert run.state == [] and stored == run.load_model().count_params()


@pytest.mark.slow
# The other members of the ensemble are measured together, below
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "improved", "averaged-10"])
def test_the_weights_are_as_accurate_as_promised_and_give_the_saved_predictions(
    name: str, run: Run, full: Dataset
) -> None:
    assert run.settings.fingerprint == full.fingerprint
    assert evaluate_run(run, full) >= PROMISED[name]
    _, (images, labels) = split_validation(full.x_train, full.y_train)
    assert np.array_equal(predict(run.load_model(), images).argmax(axis=1), run.predicted[-1])
    assert [np.mean(predicted == labels) for predicted in run.predicted[1:]] == run.history[
        "val_accuracy"
    ]


@pytest.mark.slow
def test_the_ensemble_is_as_accurate_as_measured_and_better_than_its_members(full: Dataset) -> None:
    each = np.stack(
        [predict(load_run(SHIPPED / f"{name}.npz").load_model(), full.x_test) for name in MEMBERS]
    )
    alone = (each.argmax(axis=2) == full.y_test).mean(axis=1)
    together = float((each.sum(axis=0).argmax(axis=1) == full.y_test).mean())
    (measured,) = (
        found for found in load_measurements()["ensembles"] if found["seeds"] == list(range(10, 15))
    )
    # On another processor, an image may differ
    assert together == pytest.approx(measured["test_accuracy"], abs=1e-4)
    assert alone == pytest.approx(measured["test_members"], abs=1e-4)
    assert together >= 0.9970 and together > alone.mean()
