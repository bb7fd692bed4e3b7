"""What a training leaves: a run, kept after every epoch so that nothing else is lost when it is interrupted.

The run `relu` is the folder runs/relu/. In it lies one folder, epoch-05/ after five epochs, with the files of that
epoch and their checksums. The next one is written aside and gets its name when it is complete; only then does this one
go. So whenever the process ends, the last finished epoch is there, and whole.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mnist_cnn.quiet  # noqa: F401  (before Keras)
import keras
import numpy as np
from filelock import FileLock, Timeout

from mnist_cnn.checks import Explained
from mnist_cnn.models import build_model

SHIPPED = Path(__file__).with_name("shipped_runs")  # one run of each recipe that the notebooks open

_FILES = ("weights.npz", "history.json", "predictions.npz", "metrics.json")
_STATE = "state.npz"  # what it takes to go on; only of unfinished runs
_SUMS = "SHA256SUMS"  # as `sha256sum --check` reads it


class RunError(Explained, ValueError):
    """A run cannot be read, continued or kept; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Run:
    """A training after its last finished epoch, as it lies in its folder."""

    folder: Path  # of that epoch: runs/<name>/epoch-<so many>
    metrics: dict  # recipe, network, epochs in all, seed, data, precision, device, seconds, accuracies, versions
    history: dict[str, list[float]]  # accuracy, loss, val_accuracy, val_loss: one number an epoch
    predicted: np.ndarray  # uint8 (1 + epochs, validation images): the digits read untrained, and after each epoch

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return len(self.predicted) - 1

    @property
    def finished(self) -> bool:
        return self.epochs == self.metrics["epochs"]

    def load_model(self) -> keras.Sequential:
        """Build the network anew, in float32, and load the weights of the last epoch into it.

        Raises:
            RunError: the weights are those of another network, or gone.
        """
        try:
            model = build_model(self.metrics["network"])
            with np.load(self.folder / "weights.npz", allow_pickle=False) as weights:
                model.set_weights([weights[name] for name in weights.files])
        except Exception as error:  # a damaged archive can fail in many ways
            network = self.metrics.get("network")
            raise RunError(f"{self.folder} has no weights for the network {network}: {error}") from error
        return model

    def restore(self, model: keras.Model) -> None:
        """Bring a network, compiled like the one that was saved, to where that one was."""
        model.optimizer.build(model.trainable_variables)
        with np.load(self.folder / _STATE, allow_pickle=False) as state:
            for variable, name in zip(_state_of(model), state.files, strict=True):
                variable.assign(state[name])


def load_run(folder: Path) -> Run:
    """Load a run, finished or not, from its folder.

    Raises:
        FileNotFoundError: there is no run in the folder.
        RunError: it is damaged.
        OSError: it cannot be read, for a reason that may pass.
    """
    folder = Path(folder)
    newest = next(iter(_epochs(folder)), None)
    if newest is None:
        raise FileNotFoundError(f"There is no run in {folder}. Run notebook 04 first.")
    try:
        names = _check_sums(newest)
        metrics = json.loads((newest / "metrics.json").read_text())
        history = json.loads((newest / "history.json").read_text())
        with np.load(newest / "predictions.npz", allow_pickle=False) as predictions:
            run = Run(newest, metrics, history, predictions["arr_0"])
        if not run.epochs == _number(newest) == len(history["val_accuracy"]) <= metrics["epochs"]:
            raise ValueError("its files are not of the same epoch")
        if names != {*_FILES, *([] if run.finished else [_STATE])}:
            raise ValueError(f"{_SUMS} names other files")
    except Exception as error:  # whatever it is, it is no run
        if newest not in _epochs(folder)[:1]:  # it went on while we read
            return load_run(folder)
        if isinstance(error, OSError | MemoryError) and not isinstance(error, FileNotFoundError):
            raise
        raise RunError(
            f"The run in {folder} is damaged ({error}). Train it anew: `train` sets the damaged one aside."
        ) from error
    return run


def open_run(folder: Path) -> Run | None:
    """Load a run to go on with it, if there is one; a damaged one is set aside, with a warning.

    Also removes what a process that was killed has left beside it. Call it inside `claim`.
    """
    try:
        run = load_run(folder)
    except FileNotFoundError:
        run = None
    except RunError as error:
        number = next(n for n in range(1, 1000) if not folder.with_name(f"{folder.name}-damaged-{n}").exists())
        aside = folder.with_name(f"{folder.name}-damaged-{number}")
        _epochs(folder)[0].rename(aside)
        warnings.warn(f"{error.__cause__}: the damaged run is set aside, in {aside}", stacklevel=3)
        return open_run(folder)  # from the epoch before, should it be there still
    for litter in (*folder.glob(".unfinished-*"), *_epochs(folder)[1:]):
        shutil.rmtree(litter, ignore_errors=True)
    return run


def save_run(
    folder: Path,
    network: keras.Model,
    metrics: dict,
    history: dict,
    predicted: np.ndarray,
    in_training: keras.Model | None = None,
) -> Run:
    """Keep a run as it is after an epoch, in place of the epoch before; arguments as in `Run`.

    Args:
        folder: runs/<name>, inside `claim`.
        network: in float32.
        in_training: the compiled network, if it is to be trained further.

    Raises:
        RunError: it cannot be written; the epoch before is still there.
    """
    contents = {  # made in memory, so that a full disk can do no harm but to the files
        "weights.npz": _pack(np.savez, *network.get_weights()),
        "history.json": json.dumps(history, indent=1).encode(),
        "predictions.npz": _pack(np.savez_compressed, predicted),
        "metrics.json": json.dumps(metrics, indent=1).encode(),
    }
    if in_training is not None:
        contents[_STATE] = _pack(np.savez, *map(keras.ops.convert_to_numpy, _state_of(in_training)))
    contents[_SUMS] = "".join(f"{_sha256(content)}  {name}\n" for name, content in contents.items()).encode()
    before = _epochs(folder)
    epoch = folder / f"epoch-{len(predicted) - 1:02}"
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder, ignore_cleanup_errors=True) as aside:
            new = Path(aside, epoch.name)
            new.mkdir()
            for name, content in contents.items():
                with (new / name).open("wb") as file:
                    file.write(content)
                    os.fsync(file.fileno())  # so that the name never comes before the content
            new.rename(epoch)
        run = load_run(folder)
    except OSError as error:
        raise RunError(
            f"{epoch} could not be written ({error}). Epochs kept: {count_epochs(folder)}. Make room, or mend what it "
            "says, and run the cell again to continue."
        ) from error
    for older in before:
        shutil.rmtree(older, ignore_errors=True)  # the next epoch, or the next start, tries again
    return run


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Make the folder of a run and keep all others from training into it, until we are done or killed.

    Raises:
        RunError: somebody else is training into it, or it cannot be made.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        tempfile.TemporaryFile(dir=folder).close()  # better now than after an epoch
    except Timeout:
        raise RunError(
            f"Another notebook or program is training in {folder}. Wait for it, or give this run a name of its own: "
            f'train(…, name="{folder.name}-2")'
        ) from None
    except OSError as error:
        lock.release()
        raise RunError(
            f"Runs cannot be kept in {folder.parent} ({error}). Name a folder that can be written, with "
            'os.environ["MNIST_CNN_RUNS"] = "…", and run the cell again.'
        ) from error
    try:
        yield
    finally:
        lock.release()


def count_epochs(folder: Path) -> int:
    """How many epochs a run's folder keeps; 0 if there is no run."""
    return max(map(_number, _epochs(folder)), default=0)


def runs_folder() -> Path:
    """Where the learner's runs are kept: `runs/` beside `notebooks/`, or what the variable MNIST_CNN_RUNS names."""
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / "notebooks").is_dir()), here)
    return top / os.path.expanduser(os.environ.get("MNIST_CNN_RUNS") or "runs")


def _epochs(folder: Path) -> list[Path]:
    """The folders of epochs, the newest first; more than one only when a process was killed between two steps."""
    epochs = (path for path in folder.glob("epoch-*") if path.name[6:].isdecimal() and path.is_dir())
    return sorted(epochs, key=_number, reverse=True)


def _number(epoch: Path) -> int:
    return int(epoch.name.removeprefix("epoch-"))


def _state_of(model: keras.Model) -> list:
    """All that training changes. (Keras's `save_weights` leaves out the random state of dropout.)"""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _check_sums(epoch: Path) -> set[str]:
    """See that no file has changed, and return the names of those that were compared."""
    sums = dict(line.split("  ")[::-1] for line in (epoch / _SUMS).read_text().splitlines())
    for name, checksum in sums.items():
        if _sha256((epoch / name).read_bytes()) != checksum:
            raise ValueError(f"{name} has changed since it was written")
    return set(sums)


def _pack(save: Callable, *arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
