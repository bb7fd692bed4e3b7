"""Binder as far as this machine can go: an image and a training run; with --rehearse, a session."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser

import addresses
from binder import Image, built_image
from lab import Notebook
from newcomer import MEMORY, Session
from viewing import View

TRAINING = """
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.training import find_or_train, train
digits = load_images()
few = replace(digits, x_train=digits.x_train[:2000], y_train=digits.y_train[:2000])
print(f"{train('short', few, name='few').history['val_accuracy'][-1]:.0%}")
find_or_train("relu", digits)
"""


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    try:
        with built_image() as image:
            yield image
    except LookupError as error:  # there is no such Python
        pytest.skip(str(error))


@pytest.mark.slow
def test_the_image_is_built_and_trains(image: Image) -> None:
    assert image.repository == image.user.home and image.plan.scripts[-1] == "./binder/postBuild"
    assert (
        image.run("python", "-c", "import sys; print(sys.version[:4])").strip() == image.plan.python
    )
    said = image.run("python", "-c", TRAINING).splitlines()
    assert int(said[-2].rstrip("%")) > 80
    assert said[-1].startswith("relu: the run that comes with the package")
    assert (image.repository / "runs" / "few-2000.npz").exists()


# The whole session


def take_the_short_route(path: Path) -> None:
    """Leave in notebook 04 what its short route asks for, and write the cell that it asks for."""
    notebook = nbformat.read(path, as_version=4)
    source = [cell.source for cell in notebook.cells]
    train, resume, end = (
        next(number for number, text in enumerate(source) if text.startswith(start))
        for start in ("relu, leaky = train_all(", 'run = find_or_train("relu"', "EpochScrubber(")
    )
    (short,) = re.findall(r"run `(train\(.*?\))` in a cell", "\n".join(source))
    between = nbformat.v4.new_code_cell(short)
    notebook.cells = [*notebook.cells[:train], between, *notebook.cells[resume : end + 1]]
    nbformat.write(notebook, path)


@pytest.mark.rehearsal
def test_a_session_from_the_badge_to_a_drawing(
    image: Image,
    browser: Browser,
    slide: Callable[[Session, str, str], None],
    tell: Callable[[str], None],
) -> None:
    """Notebook 01, the short route of 04, then 06, one at a time: each takes up to 1.3 GB."""
    badge = addresses.binder_url("https://github.com/somebody/mnist_cnn")
    first = re.search(r"urlpath=lab/tree/notebooks/(\w+)\.ipynb$", badge)[1]
    tell("the image is built")
    with image.start() as session:

        def report(what: str) -> None:
            """Tell what has been done and how much memory it took, which must be measurable."""
            tell(f"{what}, at most {session.peak / 1e6:,.0f} MB")
            assert 5e7 < session.peak < MEMORY
            session.peak = 0

        notebook = Notebook(browser, session, first)
        assert notebook.run_all() == []
        report(f"{first} has run")
        notebook.shut_down()

        take_the_short_route(image.repository / "notebooks" / "04_training.ipynb")
        notebook = Notebook(browser, session, "04_training")
        assert notebook.run_all() == []
        view = View(notebook.page, "epoch")
        view.slider.first.focus()
        view.press("ArrowRight")
        view.says("After epoch 1: ")
        report("04 has trained three epochs, and slides through a training run")
        notebook.shut_down()

        slide(session, "notebooks/", "binder")
        report("06 slides, and reads a drawing")
