"""MNIST for the tests, in three sizes, and what is left out where the full is missing: a plugin."""

import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mnist_cnn.data import Dataset, load_images

NO_FULL_DATA = (
    "full MNIST is not here: connect to the network, or set MNIST_NPZ to an mnist.npz file"
)


@cache
def full_mnist() -> Dataset | None:
    """Full MNIST, if it is on this machine or can be downloaded."""
    try:
        return load_images(source="full")
    except ConnectionError:
        return None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the notebooks without the full data, as their outputs are made from it.

    test_series.py still executes every notebook.
    """
    return True if collection_path.suffix == ".ipynb" and full_mnist() is None else None


@pytest.fixture(scope="session")
def full() -> Dataset:
    """Full MNIST."""
    if full_mnist() is None:
        pytest.skip(NO_FULL_DATA)
    return full_mnist()


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """The 5,000 digits that are always there."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_images(source="sample")


@pytest.fixture(scope="session")
def few(sample: Dataset) -> Dataset:
    """500 digits to train and validate on: 15 batches and 50 validation images."""
    return replace(sample, x_train=sample.x_train[:500], y_train=sample.y_train[:500])
