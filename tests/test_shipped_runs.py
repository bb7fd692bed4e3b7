"""The runs that come with the package: whole, small, and true to the last digit."""

from dataclasses import asdict
from importlib.resources import files

import numpy as np
import pytest

from mnist_cnn.data import Mnist, split_validation
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, Run, load_run
from mnist_cnn.recipes import RECIPES

NAMES = ["improved", "leaky_relu", "relu"]


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest) -> Run:
    return load_run(SHIPPED / request.param)


def test_these_are_shipped_inside_the_package() -> None:
    assert sorted(folder.name for folder in files("mnist_cnn").joinpath("shipped_runs").iterdir()) == NAMES
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*.*")) < 3e6


def test_the_weights_have_the_accuracy_that_is_stated(run: Run, full: Mnist) -> None:
    model = run.load_model()
    probabilities = predict(model, full.x_test)
    accuracy = np.mean(probabilities.argmax(axis=1) == full.y_test)
    assert f"{accuracy:.2%}" == f"{run.metrics['test_accuracy']:.2%}"
    _, (x_val, y_val) = split_validation(full.x_train, full.y_train)
    assert np.array_equal(predict(model, x_val).argmax(axis=1), run.predicted[-1])
    assert [np.mean(predicted == y_val) for predicted in run.predicted[1:]] == run.history["val_accuracy"]


def test_they_are_runs_of_their_recipes_over_twenty_epochs_on_the_full_data(run: Run) -> None:
    name = run.folder.parent.name
    recipe = RECIPES[name]
    said = {"recipe": name, "seed": 0, "data": "full"} | asdict(recipe)
    assert said.items() <= run.metrics.items() and recipe.epochs == 20
    assert {len(values) for values in run.history.values()} == {20}
    assert run.predicted.shape == (21, 6_000)
    assert run.metrics["val_accuracy"] == run.history["val_accuracy"][-1]


def test_no_optimizer_state_is_shipped(run: Run) -> None:
    assert not (run.folder / "state.npz").exists()
    with np.load(run.folder / "weights.npz", allow_pickle=False) as weights:
        assert sum(weights[name].size for name in weights.files) == run.metrics["parameters"]
