"""Binder, as far as this machine can go: its plan carried out, and a training; with --rehearse a whole session."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser

import addresses
from binder import Image, built_image
from lab import NO_CHROMIUM, Notebook, launch
from newcomer import MEMORY
from viewing import STROKES, View

TRAINING = """
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.training import find_run, train
digits = load_images()
few = replace(digits, x_train=digits.x_train[:2000], y_train=digits.y_train[:2000])
print(f"{train('short', few, name='few').history['val_accuracy'][-1]:.0%}")
find_run("relu", digits)
"""


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with built_image() as image:
        yield image


@pytest.mark.slow
def test_the_image_is_built_and_trains(image: Image) -> None:
    assert image.repository == image.user.home and image.plan.scripts[-1] == "./binder/postBuild"
    assert image.run("python", "-c", "import sys; print(sys.version[:4])").strip() == image.plan.python
    said = image.run("python", "-c", TRAINING).splitlines()
    assert int(said[-2].rstrip("%")) > 80
    assert said[-1].startswith("relu: the run that comes with the package")
    assert (image.repository / "runs" / "few.npz").exists()


# The whole session


def take_the_short_route(path: Path) -> None:
    """Leave in notebook 04 what its short route asks for, and write the cell that it asks for."""
    notebook = nbformat.read(path, as_version=4)
    source = [cell.source for cell in notebook.cells]
    train, resume, end = (
        next(number for number, text in enumerate(source) if text.startswith(start))
        for start in ('relu = train("relu"', 'run = find_run("relu"', "EpochScrubber(")
    )
    (short,) = re.findall(r"run `(train\(.*?\))` in a cell", "\n".join(source))
    between = nbformat.v4.new_code_cell(short)
    notebook.cells = [*notebook.cells[:train], between, *notebook.cells[resume : end + 1]]
    nbformat.write(notebook, path)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with launch() as browser:
        assert browser, NO_CHROMIUM
        yield browser


@pytest.mark.rehearsal
def test_a_session_from_the_badge_to_a_drawing(image: Image, browser: Browser, capsys) -> None:
    """Notebook 01, the short route of 04, then 06; each closed before the next, as one takes up to 1.3 GB."""
    badge = addresses.binder("https://github.com/somebody/mnist_cnn")
    first = re.search(r"urlpath=lab/tree/notebooks/(\w+)\.ipynb$", badge)[1]
    start = time.perf_counter()
    with image.start() as session, capsys.disabled():

        def report(what: str) -> None:
            """Print what has been done, when, and the most memory that it took; it must have been measured."""
            print(
                f"\n{time.perf_counter() - start:4.0f} s, at most {session.peak / 1e6:,.0f} MB: {what}",
                end="",
                flush=True,
            )
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
        view.screenshot("binder_04")
        report("04 has trained three epochs, and shows them")
        notebook.shut_down()

        notebook = Notebook(browser, session, "06_prediction_visualization")
        assert notebook.run_all() == []
        view = View(notebook.page, "show")
        view.slider.focus()
        view.press("ArrowRight")
        view.says("2 of 10,000: image 1, actual 2")
        view.screenshot("binder_06")
        pad = View(notebook.page, "prepare it as MNIST's makers did")
        pad.draw(STROKES[7])
        pad.says("The network says 7, with")
        pad.screenshot("binder_06_pad")
        report("06 slides and reads a drawing")
        assert notebook.complaints == []
