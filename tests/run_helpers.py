"""What tests do with runs: compare their weights, and interrupt a training run."""

from mnist_cnn.runs import Run
from mnist_cnn.training import Progress


def weights_of(run: Run) -> list[bytes]:
    """The weights of a run's network, bit for bit."""
    return [array.tobytes() for array in run.load_model().get_weights()]


def interrupt_after(epoch: int) -> Progress:
    """A `progress` that interrupts the training once so many epochs are finished."""

    def progress(run: Run) -> None:
        if run.epochs_done == epoch:
            raise KeyboardInterrupt

    return progress
