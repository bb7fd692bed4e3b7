"""What the tests in a browser share: JupyterLab, the site, and a page of it."""

import os
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from playwright.sync_api import Browser

from lab import Lab
from mnist_cnn.data import Dataset
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from pages import Site, SitePage


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), dict(os.environ)) as lab:
        yield lab


@pytest.fixture(scope="session")
def site(full: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def open_page(browser: Browser, site: Site) -> Callable[[str], SitePage]:
    """Open a page of the site; each once."""
    return cache(lambda path: SitePage(browser, site, path))


@pytest.fixture(scope="session")
def guesses(full: Dataset) -> dict[str, np.ndarray]:
    """What the shipped networks say of the test images."""
    names = {"ReLU": "relu", "LeakyReLU": "leaky_relu"}
    return {
        name: predict(load_run(SHIPPED / f"{run}.npz").load_model(), full.x_test)
        for name, run in names.items()
    }
