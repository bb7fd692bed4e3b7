"""Dask, as studies use it: connect to workers, ask what they train with, and train on them.

Anyone who reaches a Dask scheduler can run code on its workers. Those that start here listen to
this machine alone.
"""

import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, TypedDict

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.device import choose_precision, device
from mnist_cnn.environment import ResultEnvironment, describe_environment
from mnist_cnn.evaluation import evaluate_run
from mnist_cnn.exceptions import StudyError
from mnist_cnn.machine import cores, processor, threads
from mnist_cnn.models import NETWORKS, build_model
from mnist_cnn.recipes import Settings
from mnist_cnn.runs import Run
from mnist_cnn.study.results import Result, digest, result_key, run_name
from mnist_cnn.training import train_with

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

_logger = logging.getLogger(__name__)
# The topic of the events by which workers report each epoch to the study
TOPIC = "mnist_cnn.study"
_MEMORY = 1.5e9  # bytes for each worker; a training run takes about 1 GB
_LIMIT = "--wait, or `wait` of run_study, sets another limit."
# Run in each local worker: Ctrl-C reaches workers, too, but it is for the study, which then stops
# them.
_IGNORE_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
# Seeds and precision belong to the process, and a worker may have several threads
_training = Lock()


class WorkerEnvironment(TypedDict):
    """What a worker trains with, besides settings.

    Attributes:
        fingerprints: The fingerprints of the training and of the test images.
        precision: The precision that `choose_precision` chooses there.
        by_network: The environment that the results of each network will hold.
    """

    fingerprints: tuple[str, str]
    precision: str
    by_network: dict[str, ResultEnvironment]


@contextmanager
def connect(scheduler: str | None, workers: int | None) -> Iterator["Client"]:
    """Connect to the scheduler at an address, or to one of our own with workers on this machine.

    Our own scheduler and workers end with the study.
    """
    try:
        from distributed import Client
    except ImportError:
        raise StudyError(
            'A study needs Dask. Install it: python -m pip install -e ".[study]"'
        ) from None
    with ExitStack() as stack:
        stack.enter_context(_only_critical_messages())
        seconds = 10
        place: str | LocalCluster = scheduler or ""
        if scheduler is None:
            place = stack.enter_context(_start_workers(workers))
            seconds = 60  # on a busy machine, it answers after more than 10 s
        try:
            client = stack.enter_context(Client(place, timeout=seconds))
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise StudyError(f"No Dask scheduler answers at {place} ({error}).") from None
        yield client


@contextmanager
def _only_critical_messages() -> Iterator[None]:
    """Keep back what Dask logs meanwhile: what matters comes as an error, too."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _start_workers(workers: int | None) -> Iterator["LocalCluster"]:
    """Start a scheduler and workers on this machine: one for each core, if there is memory.

    Two workers with one core each do 1.28 times the work of one with two. A GPU has memory for one.
    """
    import dask
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    if workers is None:
        fitting = max(1, min(cores(), int(MEMORY_LIMIT / _MEMORY)))
        workers = 1 if device() == "GPU" else fitting
    each = str(max(1, cores() // workers))
    settings = {
        # A worker grows by 20 to 30 MB with each training run. Near its limit it should be
        # replaced, not paused.
        "distributed.worker.memory.pause": False,
        # And it should not reserve another training run while it has one
        "distributed.scheduler.worker-saturation": 1.0,
    }
    with (
        dask.config.set(settings),
        _environment_put_back(),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            env={"TF_NUM_INTRAOP_THREADS": each, "OMP_NUM_THREADS": each},
            preload=[_IGNORE_INTERRUPTS],
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _environment_put_back() -> Iterator[None]:
    """At the end make the variables of the environment what they were at the beginning.

    Dask sets some in the process that starts workers, such as OMP_NUM_THREADS=1, and leaves them
    there: what a notebook starts after a study would compute with one thread.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def ask_workers(client: "Client", dataset: Dataset, seconds: int) -> WorkerEnvironment:
    """Ask all workers what they train with; refuse those that train with something else.

    If there is no worker yet, it waits that many seconds for the first; `train_one` checks those
    that come later.

    Returns:
        What `describe_worker` says on all workers alike.

    Raises:
        StudyError: A worker cannot train, has other images or versions, or none came.
    """
    answered = client.run(describe_worker, dataset.source, on_error="return")
    present = client.nthreads()  # an adaptive cluster may have closed some of them meanwhile
    answers = [
        (f"The worker {address}", answer)
        for address, answer in answered.items()
        if address in present
    ]
    if not answers:
        answer = _ask_first_worker(client, dataset.source, seconds)
        answers = [("The worker that came first", answer)]
    _, first = answers[0]
    for who, answer in answers:
        if isinstance(answer, Exception):
            raise StudyError(f"{who} cannot train: {answer}")
        check_images(who, answer, dataset)
        if answer != first:
            raise StudyError(f"Workers differ: {answer}, but {first}. Install the same everywhere.")
    return first


def check_images(who: str, described: WorkerEnvironment, dataset: Dataset) -> None:
    """Check that a process trains and tests on these images; a StudyError names it if not."""
    if described["fingerprints"] != (dataset.fingerprint, dataset.test_fingerprint):
        raise StudyError(
            f"{who} loads other images than those of this study. Workers load MNIST, or what "
            "MNIST_NPZ names where they are."
        )


def _ask_first_worker(
    client: "Client", source: str, seconds: int
) -> WorkerEnvironment | BaseException:
    """What the first worker to come answers, or the error that it raises."""
    from distributed import wait

    address = client.scheduler.address  # type: ignore[union-attr]  # it is connected
    print(f"Waiting up to {seconds} s for a worker at {address}. {_LIMIT}", flush=True)
    # As a task, since an adaptive cluster starts workers only for tasks
    future = client.submit(describe_worker, source, pure=False)
    while not future.done():
        try:
            wait(future, timeout=seconds)
        except TimeoutError:
            if not client.nthreads():
                raise StudyError(
                    f"After {seconds} s there is no worker at {address}, or none that stays. "
                    f"Start one, or wait longer. {_LIMIT}"
                ) from None
        except CancelledError:
            raise StudyError(f"The Dask scheduler at {address} was stopped.") from None
    return future.exception() or future.result()


def describe_worker(source: str) -> WorkerEnvironment:
    """Describe what this process trains with.

    On images other than MNIST's, it includes the fingerprint of the test images.
    """
    return _describe(load_source(source))


def _describe(dataset: Dataset) -> WorkerEnvironment:
    return {
        "fingerprints": (dataset.fingerprint, dataset.test_fingerprint),
        "precision": choose_precision(),
        "by_network": {network: _describe_result(network, dataset) for network in NETWORKS},
    }


def _describe_result(network: str, dataset: Dataset) -> ResultEnvironment:
    """The environment that results of a network will hold."""
    layers = _fingerprint_layers(network, len(dataset.class_names))
    environment: ResultEnvironment = {
        **describe_environment(dataset.source),  # type: ignore[typeddict-item]  # no other keys
        "layers": layers,
    }
    if not dataset.are_digits:
        environment["test images"] = dataset.test_fingerprint[:8]
    return environment


@cache  # the layers do not change in a process
def _fingerprint_layers(network: str, classes: int) -> str:
    """Compute the fingerprint of a network's layers: a result of other layers is another result."""
    text = build_model(network, classes=classes).to_json()
    # Without the name under which Keras knows layers of ours, which is no part of a network
    text = text.replace("mnist_cnn>", "")
    # Keras counts layers in their names: the same ones are conv2d_1 here and conv2d_9 there
    return digest(re.sub(r"_\d+\b", "", text))


def train_one(settings: Settings, expected: WorkerEnvironment, source: str) -> Result:
    """Train one seed on a worker, and report each epoch to the study.

    Args:
        settings: What to train.
        expected: What `ask_workers` found; the worker must still be like that.
        source: The source of the images.

    Raises:
        StudyError: The worker is not as expected.
    """
    from distributed import get_worker

    worker = get_worker()
    environment = expected["by_network"][settings.network]
    key = result_key(settings, environment)

    def report_epoch(run: Run) -> None:
        worker.log_event(TOPIC, (key, run.epochs_done))

    with _training:
        keras.utils.clear_session()  # or it would keep the networks of the training runs before
        dataset = load_source(source)
        if _describe(dataset) != expected:
            raise StudyError(f"the worker {worker.address} has other versions or images")
        run = train_with(
            settings, dataset, run_name(settings, key), progress=report_epoch, report=_logger.info
        )
        return Result(
            settings=settings,
            environment=environment,
            val_accuracy=run.history["val_accuracy"][-1],
            test_accuracy=evaluate_run(run, dataset),
            seconds=run.seconds,
            where={"processor": processor(), "threads": threads()},
        )


def load_source(source: str) -> Dataset:
    """Load the images of a source: MNIST or its sample, or those that MNIST_NPZ names."""
    return load_images(source=source if source in ("full", "sample") else "auto")
