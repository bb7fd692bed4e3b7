"""What the tests in a browser share: JupyterLab, the site, its pages, and views on them."""

import os
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from lab import Lab
from mnist_cnn.data import Dataset
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from pages import Site, SitePage
from viewing import View


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


@pytest.fixture
def predictions(open_page: Callable[[str], SitePage]) -> View:
    """The prediction browser of notebook 06 at its first image, without a filter."""
    view = View(open_page("notebooks/06_prediction_visualization.html").page, "show")
    for label, option in {
        "show": "all images",
        "of network": "0",
        "actual": "any",
        "taken for": "any",
    }.items():
        view.select(label, option)
    view.slider.focus()
    view.press("Home")
    view.says("1 of 10,000: image 0, actual 7")
    return view


@pytest.fixture
def maps(open_page: Callable[[str], SitePage]) -> View:
    """The feature maps of notebook 07 of the first image, and nothing drawn."""
    view = View(open_page("notebooks/07_inside_the_network.html").page, "convolution")
    view.button("Clear").click()
    view.select("convolution", "1")
    view.select("convolution", "0")  # and no place is chosen any more
    view.slider.focus()
    view.press("Home")
    view.says("Image 0, labelled 7; the network says 7, with")
    view.every, view.enlarged = view.root.locator(".mnist-mosaic canvas").all()
    return view


@pytest.fixture
def photograph(full: Dataset) -> Image.Image:
    """A five of the test set, as large grey ink on light paper."""
    five = Image.fromarray(full.x_test[23])
    return Image.fromarray(220 - np.asarray(five.resize((600, 600))) // 4 * 3)
