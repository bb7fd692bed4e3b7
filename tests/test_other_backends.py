"""Keras's other backends: the same training, and networks that answer the same on all of them."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.models import predict
from mnist_cnn.runs import load_run
from repository import ROOT

# Where .ci/run installs it: in the environment, it costs all 120 MB
JAX = ROOT / "build" / "jax"
OTHERS = [name for name in ("jax", "torch") if find_spec(name) or (name == "jax" and JAX.is_dir())]
_TWO_EPOCHS = """
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.exceptions import Interrupted
from mnist_cnn.training import train

def interrupt(run):
    if run.epochs_done == 1:
        raise KeyboardInterrupt

digits = load_images(source="sample")
digits = replace(digits, x_train=digits.x_train[:1500], y_train=digits.y_train[:1500])
try:
    train("short", digits, epochs=2, progress=interrupt)
except Interrupted:
    train("short", digits, epochs=2)
"""


def test_ci_has_a_backend_other_than_tensorflow() -> None:
    if not OTHERS and "CI" not in os.environ:
        pytest.skip("no other backend is installed; .ci/run installs one")
    assert OTHERS


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_a_network_trained_by_another_backend_answers_the_same_here(
    backend: str, sample: Dataset, runs: Path
) -> None:
    """Two epochs, with a break after the first; after it, JAX need not compile everything again."""
    environment = {"KERAS_BACKEND": backend, "PYTHONPATH": str(JAX)}
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(runs),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    command = [sys.executable, "-c", _TWO_EPOCHS]
    subprocess.run(command, env=os.environ | environment | cache, check=True, timeout=900)
    run = load_run(runs / "short-sample-1500.npz")
    assert run.finished and run.environment["backend"] == backend
    images, labels = split_validation(sample.x_train[:1500], sample.y_train[:1500])[1]
    read = predict(run.load_model(), images).argmax(axis=1)
    assert np.mean(read == run.predicted[-1]) > 0.995  # other sums of floating-point numbers
    assert np.mean(read == labels) > 0.75
