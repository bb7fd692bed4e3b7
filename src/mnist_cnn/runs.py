"""What a training leaves: a run, a folder of four files."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np

from mnist_cnn.models import build_model

SHIPPED = Path(__file__).with_name("shipped_runs")  # one run of each recipe that the notebooks open

_FILES = ("model.weights.h5", "history.json", "predictions.npz", "metrics.json")


@dataclass(frozen=True, eq=False)
class Run:
    """One finished training, as it lies in its folder."""

    folder: Path
    metrics: dict  # recipe, network, epochs, seed, data, precision, device, seconds, accuracies, versions
    history: dict[str, list[float]]  # accuracy, loss, val_accuracy, val_loss: one number an epoch
    predicted: np.ndarray  # uint8 (1 + epochs, validation images): the digits read untrained, and after each epoch

    def load_model(self) -> keras.Sequential:
        """Build the network anew, in float32, and load the weights of the last epoch into it."""
        model = build_model(self.metrics["network"])
        model.load_weights(self.folder / "model.weights.h5")
        return model


def load_run(folder: Path) -> Run:
    """Load a run from its folder.

    Raises:
        FileNotFoundError: there is no complete run in the folder.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"No complete run in {folder}: {missing[0]} is missing. Run notebook 04 first.")
    metrics = json.loads((folder / "metrics.json").read_text())
    history = json.loads((folder / "history.json").read_text())
    with np.load(folder / "predictions.npz", allow_pickle=False) as predictions:
        return Run(folder, metrics, history, predictions["predicted"])


def save_run(folder: Path, model: keras.Model, metrics: dict, history: dict, predicted: np.ndarray) -> Run:
    """Write a run aside, and only when it is complete put it in the place of an older one; arguments as in `Run`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
        new = Path(aside, "run")
        new.mkdir()
        model.save_weights(new / "model.weights.h5")
        np.savez_compressed(new / "predictions.npz", predicted=predicted)
        (new / "history.json").write_text(json.dumps(history, indent=1) + "\n")
        (new / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
        if folder.exists():
            folder.rename(Path(aside, "old"))
        new.rename(folder)
    return load_run(folder)


def runs_folder() -> Path:
    """Where the learner's runs are kept: `runs/` beside `notebooks/`, or what the variable MNIST_CNN_RUNS names."""
    if os.environ.get("MNIST_CNN_RUNS"):
        return Path(os.environ["MNIST_CNN_RUNS"])
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / "notebooks").is_dir()), here)
    return top / "runs"
