"""The ways in besides Binder, as a newcomer goes them: make, conda's list, and a lone notebook with a wheel."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser

from lab import NO_CHROMIUM, ROOT, Notebook, launch
from newcomer import Newcomer, Session, newcomer_in
from test_notebooks import NOTEBOOKS
from viewing import STROKES, View

FIRST, SIXTH = NOTEBOOKS[0], NOTEBOOKS[5]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip builds of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    with newcomer_in("ways") as newcomer:
        if data := os.environ.get("MNIST_NPZ"):
            newcomer.copy(Path(data), newcomer.home / ".keras" / "datasets" / "mnist.npz")
        yield newcomer


@pytest.fixture
def browser() -> Iterator[Browser]:
    with launch() as browser:
        assert browser, NO_CHROMIUM
        yield browser


def slide(browser: Browser, session: Session, folder: str, picture: str) -> None:
    """Run notebook 06, move its slider, draw a digit."""
    notebook = Notebook(browser, session, SIXTH.stem, folder)
    assert notebook.run_all() == []
    view = View(notebook.page, "show")
    view.slider.focus()
    view.press("ArrowRight")
    view.says("2 of 10,000: image 1, actual 2")
    pad = View(notebook.page, "prepare it as MNIST's makers did")
    pad.draw(STROKES[7])
    pad.says("The network says 7, with")
    notebook.page.screenshot(path=ROOT / "build" / "screenshots" / f"{picture}.png")
    assert notebook.complaints == []


@pytest.mark.rehearsal
def test_make_lab(newcomer: Newcomer, browser: Browser, capsys) -> None:
    """The first command of README, in a clone."""
    clone, start = newcomer.copy_repository(newcomer.home / "mnist_cnn"), time.perf_counter()
    command = ["make", f"PYTHON={newcomer.find_python()}"]
    newcomer.run(*command, ".venv/installed", folder=clone)
    with capsys.disabled():
        print(f"\nset up in {time.perf_counter() - start:.0f} s", end="")
    with Session(newcomer, [*command, "lab"], clone) as session:
        slide(browser, session, "my-notebooks/", "make_06")


@pytest.mark.rehearsal
def test_conda_s_list(newcomer: Newcomer, browser: Browser) -> None:
    """Its packages all come from PyPI; conda itself brings no more than Python."""
    clone = newcomer.copy_repository(newcomer.home / "mnist_cnn")
    (python, _, pip) = yaml.safe_load((clone / "environment.yml").read_text())["dependencies"]
    packages = [word for line in pip["pip"] for word in line.split()]
    bin = newcomer.make_environment(newcomer.home / "conda", *packages, version=python.partition("=")[2], within=clone)
    newcomer.run(bin / "python", "-m", "mnist_cnn.copies", "mine", folder=clone)
    newcomer.run(bin / "jupyter", "execute", clone / "my-notebooks" / FIRST.name, folder=clone)
    training = "from mnist_cnn.data import load_images; from mnist_cnn.training import train; "
    newcomer.run(bin / "python", "-c", training + "train('short', load_images('', 'sample'))", folder=clone)
    command = [bin / "jupyter", "lab", "--notebook-dir=.", f"my-notebooks/{FIRST.name}"]
    with Session(newcomer, [*map(str, command)], clone) as session:
        slide(browser, session, "my-notebooks/", "conda_06")
