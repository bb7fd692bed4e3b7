"""What the rehearsals share: a new user with MNIST, and what shows that a way works."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab import Notebook
from newcomer import Newcomer, Session, newcomer_in
from repository import ROOT
from viewing import STROKES, View


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """With MNIST where Keras would download it to, if MNIST_NPZ names a file."""
    with newcomer_in("way") as newcomer:
        if data := os.environ.get("MNIST_NPZ"):
            newcomer.copy(Path(data), newcomer.home / ".keras" / "datasets" / "mnist.npz")
        yield newcomer


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line at once, with the time that has passed."""
    start = time.perf_counter()

    def tell(what: str) -> None:
        with capsys.disabled():
            print(f"\n{time.perf_counter() - start:4.0f} s: {what}", end="", flush=True)

    return tell


@pytest.fixture
def slide(browser: Browser) -> Callable[[Session, str, str], None]:
    """Run notebook 06 in a folder of a session, move its slider, draw a digit; keep a picture."""

    def slide(session: Session, folder: str, picture: str) -> None:
        notebook = Notebook(browser, session, "06_prediction_visualization", folder)
        assert notebook.run_all() == []
        view = View(notebook.page, "show")
        view.slider.focus()
        view.press("ArrowRight")
        view.says("2 of 10,000: image 1, actual 2")
        pad = View(notebook.page, "prepare it as MNIST's makers did")
        pad.draw(STROKES[7])
        pad.says("The network says 7, with")
        notebook.page.screenshot(path=ROOT / "build" / "screenshots" / f"{picture}_06.png")
        assert notebook.complaints == []

    return slide
