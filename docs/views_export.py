"""Write what the views on the site need: `views/views.js`, `views/<name>.json` and the files that these name."""

import hashlib
import json
import shutil
from pathlib import Path

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.evaluation import rank_by_doubt
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.views import (
    ConfusionExplorer,
    DrawingPad,
    EpochScrubber,
    FeatureMaps,
    PredictionBrowser,
    View,
)
from mnist_cnn.views.bundle import bundle


def export(folder: Path, digits: Dataset) -> None:
    """Make each view as its notebook does, of full MNIST and with the runs that come with the
    package, and save it in this folder.
    """
    # Files are named by what is in them: old ones would stay for ever
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = {"ReLU": "relu", "LeakyReLU": "leaky_relu"}
    runs = {name: load_run(SHIPPED / f"{run}.npz") for name, run in names.items()}
    models = {name: run.load_model() for name, run in runs.items()}
    probabilities = {name: predict(model, digits.x_test) for name, model in models.items()}
    relu = probabilities["ReLU"]
    test = digits.x_test, digits.y_test
    save(DrawingPad(models["ReLU"], maps=True), folder, "FirstPage")
    save(EpochScrubber(runs["ReLU"], *split_validation(digits.x_train, digits.y_train)[1]), folder)
    save(ConfusionExplorer(*test, relu.argmax(axis=1), rank_by_doubt(relu)), folder)
    save(PredictionBrowser(*test, probabilities), folder)
    save(DrawingPad(models["LeakyReLU"]), folder)
    save(FeatureMaps(models["ReLU"], *test), folder)
    folder.joinpath("views.js").write_text(bundle(), encoding="utf-8")


def save(view: View, folder: Path, name: str = "") -> None:
    """Save a view as JSON, under its kind or another name; bytes in files that are named by what is
    in them.
    """

    def move(data: bytes) -> dict[str, str]:
        file = f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
        folder.joinpath(file).write_bytes(data)
        return {"file": file}

    state = json.dumps({"kind": view.kind, "values": view.values}, default=move)
    folder.joinpath(f"{name or view.kind}.json").write_text(state, encoding="utf-8")
