"""What is different in Firefox: noise in canvases, how it opens and saves files, and its compiler.

Pages read noise from a canvas as a protection against fingerprinting, which LibreWolf and Tor
Browser turn on.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firefox import NO_FIREFOX, Firefox, find
from mnist_cnn.data import Dataset
from pages import Site
from viewing import STROKES

pytestmark = pytest.mark.browser

CANVAS = ".mnist-pad canvas"
CLEAR = ".mnist-pad button"
STATUS = ".mnist-view [role=status]"

_NOISE = """() => {
  const context = document.createElement("canvas").getContext("2d");
  return context.getImageData(0, 0, 100, 100).data.some((value) => value);
}"""

# Two more pads, of which the second shows what the first one saves; `sheets` are what they read.
_TWO_PADS = """async () => {
  const code = await (await fetch("views/views.js")).text();
  const module = new Blob([`${code}\\nexport { _canvas };`], { type: "text/javascript" });
  const parts = await import(URL.createObjectURL(module));
  const { drawingCanvas } = parts._canvas;
  const sheets = window.sheets = [];
  const second = drawingCanvas({ onDraw: (pixels) => (sheets[1] = pixels), onSave() {} });
  const first = drawingCanvas({
    onDraw: (pixels) => (sheets[0] = pixels),
    onSave: (text) => second.show(text),
  });
  first.element.id = "first";
  document.body.prepend(first.element, second.element);
}"""
_SHEETS = """async () => {
  while (!sheets[1]) await new Promise((done) => setTimeout(done, 50));
  return sheets.map(({ data }) => [...data]);
}"""


@pytest.fixture(scope="module")
def firefox(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    if not find():
        pytest.skip(NO_FIREFOX)
    profile = tmp_path_factory.mktemp("firefox") / "profile"
    preferences = {
        "privacy.resistFingerprinting": True,
        "remote.prefs.recommended": False,  # or a page that was opened as a file could load others
        "dom.file.createInChild": True,  # of those that are recommended the one that we need
        "browser.download.folderList": 2,  # the folder of the next line
        "browser.download.dir": str(profile.parent),
    }
    with Firefox(profile, preferences) as firefox:
        firefox.open(site.address + "index.html")
        assert firefox.evaluate(_NOISE), "this Firefox lets pages read from a canvas"
        firefox.downloads = profile.parent
        yield firefox


def test_the_network_reads_what_was_drawn(firefox: Firefox) -> None:
    firefox.says(STATUS, "Draw a digit")
    for digit in (7, 4):
        firefox.draw(CANVAS, STROKES[digit])
        firefox.says(STATUS, f"The network says {digit}, with")
        firefox.evaluate("(it) => document.querySelector(it).click()", CLEAR)
        firefox.says(STATUS, "Draw a digit")


def test_an_image_that_cannot_be_read_is_refused_in_words(
    firefox: Firefox, full: Dataset, tmp_path: Path
) -> None:
    Image.fromarray(full.x_test[23]).save(tmp_path / "five.png")
    firefox.draw(CANVAS, STROKES[7])
    firefox.choose(".mnist-pad input", tmp_path / "five.png")
    firefox.says(STATUS, "Your browser gives noise instead of the image's pixels")
    firefox.says(STATUS, "The network says 7, with")  # as before


def test_what_is_saved_is_what_was_drawn(firefox: Firefox) -> None:
    firefox.evaluate(_TWO_PADS)
    firefox.draw("#first canvas", STROKES[1])
    drawn, shown = firefox.evaluate(_SHEETS)
    assert drawn == shown
    assert not any(value for at, value in enumerate(drawn) if at % 4 < 3)  # black
    assert 2_000 < sum(drawn) / 255 < 6_000  # 170 pixels long, 22 wide, and round at its ends


_PRESS = """(text) =>
  [...document.querySelectorAll("button")].find((each) => each.textContent === text).click()"""


@pytest.mark.slow
def test_a_network_is_trained_and_taken_home(firefox: Firefox, site: Site) -> None:
    firefox.open(site.address + "docs/train.html")
    firefox.says("button", "Train")
    firefox.evaluate(_PRESS, "Train")
    firefox.says(STATUS, "Done after 12,000 images: ", seconds=120)  # 30 on a busy machine
    texts = firefox.evaluate("() => document.querySelector('.mnist-view').innerText")
    assert float(re.search(r"([\d.]+)% of the validation images read", texts)[1]) >= 96
    firefox.evaluate(_PRESS, "Take it home")
    firefox.evaluate(_PRESS, "Download the weights")
    file = firefox.downloads / "my_network.npz"
    deadline = time.monotonic() + 30
    while not file.exists() or not file.stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with np.load(file) as weights:
        assert sum(array.size for array in weights.values()) == 29_322


def test_a_page_that_was_opened_as_a_file_says_what_to_do(firefox: Firefox, site: Site) -> None:
    firefox.open((site.folder / "index.html").as_uri())
    firefox.says("[data-view]", "This page was opened as a file")
