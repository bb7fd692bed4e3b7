"""Runs: what each training run leaves, in one file.

The run `relu` is the file runs/relu.npz: plain arrays, and a text in JSON. After each epoch the
file is written under another name, read back, and put in the place of the old one in one step. So
whenever the process ends, the last finished epoch is there.
"""

import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_cnn.arguments import MAX_CLASSES
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, check_dataset
from mnist_cnn.environment import RunEnvironment
from mnist_cnn.exceptions import RunError
from mnist_cnn.folders import runs_folder, short_path
from mnist_cnn.locking import lock
from mnist_cnn.models import NETWORKS, build_model, weight_shapes
from mnist_cnn.recipes import Settings

SHIPPED = Path(__file__).with_name("shipped_runs")  # the runs that come with the package

Reporter = Callable[[str], object]
"""Called with a sentence for whoever waits for a training run, such as `print`."""


@dataclass(frozen=True, eq=False)
class Run:
    """A training run after its last finished epoch.

    Attributes:
        settings: What defines the run.
        environment: What else the weights depend on, as `describe_environment` and
            `describe_arithmetic` say; what changed on the way is listed in "changes".
        seconds: Time of training so far, with validation.
        history: Loss, accuracy, val_loss and val_accuracy: a number for each epoch.
        predicted: What the network predicts for the validation images, before training and after
            each epoch: uint8 (1 + epochs, images).
        weights: The weights after the last finished epoch, float32.
        state: The state of the network and of its optimizer, from which the training continues.
            Empty if it is finished.
    """

    settings: Settings
    environment: RunEnvironment
    seconds: float
    # Hundreds of lines of numbers, which a notebook would show
    history: dict[str, list[float]] = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    weights: list[np.ndarray] = field(repr=False)
    state: list[np.ndarray] = field(repr=False)

    @property
    def epochs_done(self) -> int:
        """How many epochs are finished."""
        return len(self.predicted) - 1

    @property
    def finished(self) -> bool:
        """Whether every epoch is finished."""
        return self.epochs_done == self.settings.epochs

    @property
    def seconds_left(self) -> float:
        """How many seconds the other epochs will take, at the pace of those that are finished.

        NaN before the first epoch is finished.
        """
        pace = self.seconds / self.epochs_done if self.epochs_done else math.nan
        return pace * (self.settings.epochs - self.epochs_done)

    @property
    def classes(self) -> int:
        """How many classes the network tells apart: as many as its last layer has biases."""
        return np.size(self.weights[-1]) if self.weights else 0

    def check_weights(self) -> None:
        """Check that the weights fit the network, which another version may have changed.

        Raises:
            RunError: The weights do not fit the network.
        """
        network = self.settings.network
        is_known = network in NETWORKS and 1 <= self.classes <= MAX_CLASSES
        shapes = tuple(array.shape for array in self.weights)
        if not is_known or shapes != weight_shapes(network, self.classes):
            raise RunError(f"the weights do not fit the network {network}")

    def load_model(self) -> keras.Sequential:
        """Build the network, in float32, with the weights of the last epoch.

        Raises:
            RunError: The weights are those of another network.
        """
        self.check_weights()
        model = build_model(self.settings.network, classes=self.classes)
        model.set_weights(self.weights)
        return model


def check_run(run: Run) -> None:
    """Check that an argument is a run, and not its name, file or network."""
    if not isinstance(run, Run):
        kind = type(run).__name__
        raise TypeError(
            f"run must be a Run, as train, find_or_train and load_run return it, not {kind}"
        )


def load_run(file: str | os.PathLike[str]) -> Run:
    """Load a run, finished or not, from its file.

    Args:
        file: The file, as in runs/relu.npz. A leading ~ stands for the home folder.

    Returns:
        The run after its last finished epoch.

    Raises:
        FileNotFoundError: There is no such file.
        RunError: The file is damaged, or was made by another version of this package.
        OSError: The file cannot be read at the moment.
    """
    content = io.BytesIO(Path(os.path.expanduser(file)).read_bytes())
    try:
        return _read_run(content)
    except MemoryError:
        raise
    except Exception as error:  # whatever is wrong with the content, it is not a run
        raise RunError(f"{Path(file).name} cannot be read as a run ({error})") from error


def _read_run(content: BinaryIO) -> Run:
    with np.load(content, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}  # compares checksums
    about = json.loads(str(arrays["about"]))
    if len(arrays) != about.pop("arrays"):
        raise ValueError("a part of it is missing")
    settings = Settings.from_dict(about.pop("settings"))
    environment = about.pop("made_with")
    weights = [arrays[name] for name in arrays if name.startswith("weight")]
    state = [arrays[name] for name in arrays if name.startswith("state")]
    run = Run(
        settings, environment, **about, predicted=arrays["predicted"], weights=weights, state=state
    )
    lengths = {len(values) for values in run.history.values()}
    if lengths != {run.epochs_done} or run.finished == bool(state):
        raise ValueError("history, predictions and state disagree about the epoch")
    if not all(np.isfinite(array).all() for array in weights):
        raise ValueError("some of its weights are not numbers")
    return run


def save_run(file: Path, run: Run) -> None:
    """Save a run after an epoch, in the place of the epoch before; to be called inside `lock`.

    Raises:
        RunError: The file cannot be written; the epoch before is still there.
    """
    arrays = {"predicted": run.predicted}
    arrays |= {f"weight_{number:03}": array for number, array in enumerate(run.weights)}
    arrays |= {f"state_{number:03}": array for number, array in enumerate(run.state)}
    about = {
        "settings": run.settings.to_dict(),
        "made_with": run.environment,
        "seconds": run.seconds,
        "history": run.history,
        "arrays": len(arrays) + 1,
    }
    arrays["about"] = np.array(json.dumps(about))
    content = io.BytesIO()  # in memory first, so that a full disk can harm nothing but the new file
    if run.finished:
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    else:  # it need not be small, as the next epoch replaces it
        np.savez(content, **arrays)  # type: ignore[arg-type]
    new = file.with_name(f".{file.stem}.new")
    try:
        with new.open("wb") as stream:
            stream.write(content.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())  # so that the name never comes before the content
        load_run(new)
        new.replace(file)
    except (OSError, RunError) as error:  # the second if what was written cannot be read
        new.unlink(missing_ok=True)
        raise RunError(
            f"Epoch {run.epochs_done} could not be saved in {file} ({error}). The epochs before it "
            "are kept. Free some space, or fix what the message says, and run the cell again to "
            "continue."
        ) from error


def set_aside(file: Path) -> Path:
    """Rename the file of a run, so that another run can take its place; return the new name."""
    names = (file.with_name(f"{file.stem}-set-aside-{number}.npz") for number in count(1))
    return file.rename(next(name for name in names if not name.exists()))


def run_file(name: str, dataset: Dataset) -> Path:
    """The file of the run of that name, trained on these images: runs/<name><suffix>.npz.

    The suffix is that of the dataset; full MNIST has none.
    """
    check_dataset(dataset)
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise ValueError(
            f"the name of a run must begin with a letter or digit; . _ + - may follow; not {name!r}"
        )
    return runs_folder() / f"{name}{dataset.suffix}.npz"


def load_matching(file: Path, wanted: dict[str, object]) -> Run:
    """Load a run, finished or not, that was made with the settings wanted.

    Args:
        file: The file of the run.
        wanted: Values by the names of `Settings`. Of those left out, any will do.

    Raises:
        RunError: There is no such run; the message says why, as in "runs/relu.npz does not exist
            yet".
        OSError: The file cannot be read at the moment.
    """
    try:
        run = load_run(file)
        run.check_weights()
    except FileNotFoundError:
        raise RunError(f"{short_path(file)} does not exist yet") from None
    except RunError as error:
        raise RunError(f"{short_path(file)} cannot be used: {error}") from error
    actual = asdict(run.settings)
    differences = [
        "other training images" if name == "fingerprint" else f"{name} {actual[name]}, not {value}"
        for name, value in wanted.items()
        if actual[name] != value
    ]
    if differences:
        raise RunError(
            f"{short_path(file)} was made with other settings ({'; '.join(differences)})"
        )
    return run


@contextmanager
def open_run(
    name: str, dataset: Dataset, settings: Settings, report: Reporter = print
) -> Iterator[tuple[Path, Run | None]]:
    """Keep the file of a run for this process, and load the run if it was begun.

    A run with other settings, or a damaged one, is set aside under another name.

    Args:
        name: The name of the run.
        dataset: The images that it is trained on.
        settings: The settings that it must have been made with.
        report: Called with a sentence if a run is set aside.

    Yields:
        The file, and the run; None if it is yet to begin.

    Raises:
        RunError: Another process is training this run, or the folder cannot be written.
    """
    file = run_file(name, dataset)
    with _lock_run(file, name):
        yield file, _load_or_set_aside(file, settings, report)


def _lock_run(file: Path, name: str) -> AbstractContextManager[object]:
    """Keep other processes from training the same run; a RunError says what to do if one is."""
    try:
        return lock(file)
    except BlockingIOError as error:
        raise RunError(
            f'{error} Wait for it, or give this run another name, as in train(…, name="{name}-2").'
        ) from None
    except OSError as error:
        raise RunError(
            f"Runs cannot be saved in {file.parent} ({error}). Name a folder that can be written, "
            'with os.environ["MNIST_CNN_RUNS"] = "…", and run the cell again.'
        ) from error


def _load_or_set_aside(file: Path, settings: Settings, report: Reporter) -> Run | None:
    """Load the run with these settings, if it was begun; set another one in its place aside."""
    if not file.exists():
        return None
    try:
        return load_matching(file, asdict(settings))
    except RunError as error:
        aside = short_path(set_aside(file))
        report(f"{settings.recipe}: {error}. It is now {aside}; training a new run.")
        return None
