"""Dask, as studies use it: connect to workers, check what they train with, and train on them.

Whoever reaches a Dask scheduler can run code on its workers. Those that start here listen to this
machine alone.
"""

import io
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import cache
from threading import Lock

from mnist_cnn.data import Images, load_images
from mnist_cnn.device import choose_precision, device
from mnist_cnn.evaluation import evaluate_run
from mnist_cnn.models import NETWORKS, build_model
from mnist_cnn.quiet import keras
from mnist_cnn.recipes import Settings, choose_settings
from mnist_cnn.report import cores, processor, threads
from mnist_cnn.results import Result, StudyError, digest, result_key
from mnist_cnn.training import made_with, train

# Under which workers say how many epochs of which training they have done
TOPIC = "mnist_cnn.study"
_MEMORY = 1.5e9  # bytes for each worker; a training takes about 1 GB
_LIMIT = "--wait, or `wait` of run_study, sets another limit."
# Run in each local worker: Ctrl-C reaches workers, too, but it is for the study, which then stops
# them.
_IGNORE_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
# Once a process
_load = cache(lambda source: load_images(source=source if source in ("full", "sample") else "auto"))
# Seeds and precision belong to the process, and a worker may have several threads
_training = Lock()


@contextmanager
def connect(scheduler: str | None, workers: int | None) -> Iterator:
    """Connect to the scheduler at an address, or to one with workers on this machine that end with
    the study.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.system import MEMORY_LIMIT
    except ImportError:
        raise StudyError(
            'A study needs Dask. Install it: python -m pip install -e ".[study]"'
        ) from None
    # What matters comes as an error, too
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        if scheduler is None:
            # One core each: two such workers do 1.28 times the work of one with two. A GPU has
            # memory for one.
            workers = workers or (
                1 if device() == "GPU" else max(1, min(cores(), int(MEMORY_LIMIT / _MEMORY)))
            )
            threads = dict.fromkeys(
                ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(max(1, cores() // workers))
            )
            options = {"threads_per_worker": 1, "env": threads, "preload": [_IGNORE_INTERRUPTS]}
            options |= {"dashboard_address": "127.0.0.1:0", "silence_logs": "CRITICAL"}
            # A worker grows by 20 to 30 MB with each training. Near its limit it should be
            # replaced, not paused. And it should not reserve another training while it has one.
            ours = {
                "distributed.worker.memory.pause": False,
                "distributed.scheduler.worker-saturation": 1.0,
            }
            stack.enter_context(dask.config.set(ours))
            stack.enter_context(_environment_put_back())
            scheduler = stack.enter_context(LocalCluster(n_workers=workers, **options))
        try:
            # One that we started ourselves does answer, on a busy machine after more than 10 s.
            seconds = 10 if isinstance(scheduler, str) else 60
            client = stack.enter_context(Client(scheduler, timeout=seconds))
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise StudyError(f"No Dask scheduler answers at {scheduler} ({error}).") from None
        yield client


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


def ask_workers(client, digits: Images, seconds: int) -> dict:
    """What all workers train with; an error if one cannot, or would train with something else.

    If there is no worker yet, it waits that long for the first; `train_one` checks those that come
    later.
    """
    answers = client.run(describe, digits.source, on_error="return")
    present = client.nthreads()  # an adaptive cluster may have closed some of them meanwhile
    answers = {address: answer for address, answer in answers.items() if address in present}
    if not answers:
        answers = {"that came first": _ask_first_worker(client, digits.source, seconds)}
    first = next(iter(answers.values()))
    for address, answer in answers.items():
        if isinstance(answer, Exception):
            raise StudyError(f"The worker {address} cannot train: {answer}")
        if answer["fingerprints"] != (digits.fingerprint, digits.test_fingerprint):
            raise StudyError(f"The worker {address} has other images than this process.")
        if answer != first:
            raise StudyError(f"Workers differ: {answer}, but {first}. Install the same everywhere.")
    return first


def _ask_first_worker(client, source: str, seconds: int) -> dict | Exception:
    """What the first worker to come answers."""
    from distributed import wait

    address = client.scheduler.address
    print(f"Waiting up to {seconds} s for a worker at {address}. {_LIMIT}", flush=True)
    # As a task: for nothing else does an adaptive cluster start a worker
    asked = client.submit(describe, source, pure=False)
    while not asked.done():
        try:
            wait(asked, timeout=seconds)
        except TimeoutError:
            if not client.nthreads():
                raise StudyError(
                    f"After {seconds} s there is no worker at {address}, or none that stays. "
                    f"Start one, or wait longer. {_LIMIT}"
                ) from None
        except CancelledError:
            raise StudyError(f"The Dask scheduler at {address} was stopped.") from None
    return asked.exception() or asked.result()


def describe(source: str) -> dict:
    """What this process trains with, besides settings: images, precision, `made_with` by network.

    Of MNIST's digits the source says which test images they are; of other images, a fingerprint.
    """
    digits = _load(source)
    tested_on = {} if digits.are_digits else {"test images": digits.test_fingerprint[:8]}
    # Without the name under which Keras knows layers of ours, which is no part of a network
    layers = {
        network: build_model(network, classes=len(digits.class_names))
        .to_json()
        .replace("mnist_cnn>", "")
        for network in NETWORKS
    }
    return {
        "fingerprints": (digits.fingerprint, digits.test_fingerprint),
        "precision": choose_precision(),
        # Keras counts layers in their names: the same ones are conv2d_1 here and conv2d_9 there.
        "made_with": {
            network: made_with(digits) | tested_on | {"layers": digest(re.sub(r"_\d+\b", "", text))}
            for network, text in layers.items()
        },
    }


def train_one(settings: Settings, environment: dict, source: str) -> Result:
    """Train one seed on a worker, if it still is as `ask_workers` found it; report each epoch to
    the study.
    """
    from distributed import get_worker

    worker = get_worker()
    made = environment["made_with"][settings.network]
    key = result_key(settings, made)
    with _training, redirect_stdout(io.StringIO()):
        keras.utils.clear_session()  # or it would keep the networks of the trainings before
        digits = _load(source)
        options = {
            "epochs": settings.epochs,
            "seed": settings.seed,
            "precision": settings.precision,
        }
        if (
            describe(source) != environment
            or choose_settings(settings.recipe, digits, **options) != settings
        ):
            raise StudyError(
                f"the worker {worker.address} has other versions, images or recipes than the study"
            )
        run = train(
            settings.recipe,
            digits,
            **options,
            name=f"study-{settings.recipe}-{settings.seed}-{key}",
            progress=lambda history, *_: worker.log_event(
                TOPIC, (key, len(history.get("loss", ())))
            ),
        )
        return Result(
            settings=settings,
            made_with=made,
            val_accuracy=run.history["val_accuracy"][-1],
            test_accuracy=evaluate_run(run, digits),
            seconds=run.seconds,
            where={
                "processor": processor(),
                "threads": threads(),
            },
        )
