"""Write the views for the site: their code, and what they show in JSON and binary files."""

import hashlib
import json
import shutil
from pathlib import Path

from mnist_cnn import views
from mnist_cnn.data import Dataset, load_images, split_validation
from mnist_cnn.evaluation import rank_by_doubt
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.views.bundle import bundle


def export(folder: Path, dataset: Dataset) -> None:
    """Save each view as its notebook makes it, with the runs that come with the package.

    Args:
        folder: The folder to write, which is emptied first. It gets the modules, a JSON file for
            each view, and the binary files that these refer to.
        dataset: The full MNIST dataset.
    """
    # Files are named after their content, so old ones would never be overwritten
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runs = {
        "ReLU": load_run(SHIPPED / "relu.npz"),
        "LeakyReLU": load_run(SHIPPED / "leaky_relu.npz"),
    }
    models = {name: run.load_model() for name, run in runs.items()}
    test = (dataset.x_test, dataset.y_test)
    _, validation = split_validation(dataset.x_train, dataset.y_train)
    probabilities = {name: predict(model, dataset.x_test) for name, model in models.items()}
    relu = probabilities["ReLU"]
    save(views.DrawingPad(models["ReLU"], maps=True), folder, "FirstPage")
    save(views.EpochScrubber(runs["ReLU"], *validation), folder)
    save(views.ConfusionExplorer(*test, relu.argmax(axis=1), rank_by_doubt(relu)), folder)
    save(views.PredictionBrowser(*test, probabilities), folder)
    save(views.DrawingPad(models["LeakyReLU"]), folder)
    save(views.FeatureMaps(models["ReLU"], *test), folder)
    sample = load_images(source="sample")
    save(views.Trainer(sample.x_train, sample.y_train, sample.x_test, sample.y_test), folder)
    for module in {views.View.module, views.Trainer.module}:
        folder.joinpath(f"{module}.js").write_text(bundle(module), encoding="utf-8")


def save(view: views.View, folder: Path, name: str = "") -> None:
    """Save a view as JSON, and its binary data in files named after their hash.

    Args:
        view: The view.
        folder: The folder for the files.
        name: Name of the JSON file, without its ending. Defaults to the view's kind.
    """

    def save_bytes(data: bytes) -> dict[str, str]:
        file = f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
        folder.joinpath(file).write_bytes(data)
        return {"file": file}

    state = {"module": view.module, "kind": view.kind, "values": view.values}
    text = json.dumps(state, default=save_bytes)
    folder.joinpath(f"{name or view.kind}.json").write_text(text, encoding="utf-8")
