"""A run: what a training leaves, in one file.

The run `relu` is the file runs/relu.npz: plain arrays, and a text in JSON. After each epoch the
file is written under another name, read back, and put in the place of the old one in one step. So
whenever the process ends, the last finished epoch is there.
"""

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mnist_cnn.checks import NoTraceback
from mnist_cnn.data import Images, project_folder
from mnist_cnn.models import build_model
from mnist_cnn.quiet import keras
from mnist_cnn.recipes import Settings

SHIPPED = Path(__file__).with_name("shipped_runs")  # one run of each recipe that the notebooks open

_ADVICE = 'Name a folder that can be written, with os.environ["MNIST_CNN_RUNS"] = "…", and run the cell again.'


class RunError(NoTraceback, ValueError):
    """A run cannot be read, trained or saved; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Run:
    """A training after its last finished epoch."""

    settings: Settings  # what defines it
    made_with: dict  # where it was made: data (their `source`), device, backend, versions
    seconds: float  # of training so far, with validation
    # Accuracy, loss, val_accuracy, val_loss: one number for each epoch
    history: dict[str, list[float]]
    # uint8 (1 + epochs, validation images): the answers before training and after each epoch
    predicted: np.ndarray
    weights: list[np.ndarray]  # float32
    # What it takes to continue: of the optimizer, of dropout; empty if finished
    state: list[np.ndarray]

    @property
    def epochs_done(self) -> int:
        return len(self.predicted) - 1

    @property
    def finished(self) -> bool:
        return self.epochs_done == self.settings.epochs

    def load_model(self) -> keras.Sequential:
        """Build the network, in float32, with the weights of the last epoch.

        Raises:
            RunError: the weights are those of another network.
        """
        # The biases of the last layer
        classes = min(np.size(self.weights[-1]), 256) if self.weights else 0
        model = build_model(self.settings.network, classes=max(classes, 1))
        if [array.shape for array in self.weights] != [weight.shape for weight in model.weights]:
            raise RunError(f"the weights do not fit the network {self.settings.network}")
        model.set_weights(self.weights)
        return model


def check_run(run: Run) -> None:
    """Check that an argument is a run, and not its name, file or network."""
    if not isinstance(run, Run):
        kind = type(run).__name__
        raise ValueError(
            f"run must be a Run, as train, find_run and load_run return it, not {kind}"
        )


def load_run(file: str | os.PathLike) -> Run:
    """Load a run, finished or not, from its file.

    Raises:
        FileNotFoundError: there is no such file.
        RunError: the file is damaged, or was made by another version of this package.
        OSError: the file cannot be read at the moment.
    """
    content = io.BytesIO(Path(os.path.expanduser(file)).read_bytes())
    try:
        with np.load(content, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}  # compares checksums
        about = json.loads(str(arrays["about"]))
        if len(arrays) != about.pop("arrays"):
            raise ValueError("a part of it is missing")
        about["settings"] = Settings(**about["settings"])
        weights, state = (
            [arrays[name] for name in arrays if name.startswith(kind)]
            for kind in ("weight", "state")
        )
        run = Run(**about, predicted=arrays["predicted"], weights=weights, state=state)
        if not {len(values) for values in run.history.values()} == {
            run.epochs_done
        } or run.finished == bool(state):
            raise ValueError("its parts are not of the same epoch")
        if not all(np.isfinite(array).all() for array in weights):
            raise ValueError("some of its weights are not numbers")
    except MemoryError:
        raise
    except Exception as error:  # whatever is wrong with the content, it is no run
        raise RunError(f"{Path(file).name} cannot be read as a run ({error})") from error
    return run


def save_run(file: Path, run: Run) -> None:
    """Save a run after an epoch, in the place of the epoch before; call it inside `lock`.

    Raises:
        RunError: the file cannot be written; the epoch before is still there.
    """
    arrays = {"predicted": run.predicted}
    arrays |= {f"weight_{number:03}": array for number, array in enumerate(run.weights)}
    arrays |= {f"state_{number:03}": array for number, array in enumerate(run.state)}
    about = {name: getattr(run, name) for name in ("made_with", "seconds", "history")}
    about |= {"settings": asdict(run.settings), "arrays": len(arrays) + 1}
    arrays["about"] = np.array(json.dumps(about))
    content = io.BytesIO()  # in memory first, so that a full disk can harm nothing but the new file
    (np.savez_compressed if run.finished else np.savez)(content, **arrays)
    new = file.with_name(f".{file.stem}.new")
    try:
        with new.open("wb") as stream:
            stream.write(content.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())  # so that the name never comes before the content
        load_run(new)
        new.replace(file)
    except OSError as error:
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


@contextmanager
def lock(
    file: Path, instead: str, *, what: str = "Runs", elsewhere: str = _ADVICE
) -> Iterator[None]:
    """Keep other processes from writing to a file; make its folder.

    The caller's words for the messages: what to do `instead` of waiting for another process, `what`
    is saved in the folder, and how to save it `elsewhere` if that cannot be written.

    Raises:
        RunError: another process is writing there, or the folder cannot be written.
    """
    held = FileLock(file.with_name(f".{file.name}.lock"))  # a.npz and a.jsonl have one each
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=file.parent).close()  # better an error now than after an epoch
        held.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"Another notebook or program is writing to {file}. Wait for it, or {instead}."
        ) from None
    except OSError as error:
        raise RunError(f"{what} cannot be saved in {file.parent} ({error}). {elsewhere}") from error
    try:
        yield
    finally:
        held.release()


def runs_folder() -> Path:
    """Where the learner's runs are: `runs/` beside `notebooks/`, or the folder that MNIST_CNN_RUNS
    names.
    """
    return project_folder() / os.path.expanduser(os.environ.get("MNIST_CNN_RUNS") or "runs")


def run_file(name: str, digits: Images) -> Path:
    """Where the run of that name on these images is: runs/<name>.npz, or runs/<name>-<source>.npz
    if not "full".
    """
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise ValueError(
            f"the name of a run must begin with a letter or digit; . _ + - may follow; not {name!r}"
        )
    return runs_folder() / f"{name}{'' if digits.source == 'full' else f'-{digits.source}'}.npz"


def load_matching(file: Path, asked: dict) -> tuple[Run | None, str]:
    """Load the run in a file if it was made with the settings asked for; else say why not, as the
    end of a sentence.
    """
    try:
        run = load_run(file)
        run.load_model()  # another version of this package may have other networks
    except FileNotFoundError:
        return None, "does not exist yet"
    except ValueError as error:  # a RunError is one
        return None, f"cannot be used: {error}"
    had = asdict(run.settings)
    other = [
        "other training images" if name == "data" else f"{name} {had[name]}, not {value}"
        for name, value in asked.items()
        if had[name] != value
    ]
    return (None, f"was made with other settings ({'; '.join(other)})") if other else (run, "")
