"""The views in JupyterLab and Chromium: every control by keyboard and mouse, and what a person sees change."""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Locator, expect

from lab import NO_CHROMIUM, ROOT, Lab, Notebook, launch
from mnist_cnn.data import Images, prepare_images, split_validation
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run

pytestmark = pytest.mark.browser

EPOCHS = 3  # in notebook 04; nbval trains it for twenty
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        if browser is None:
            pytest.skip(NO_CHROMIUM)
        yield browser


@pytest.fixture(scope="module")
def lab(browser: Browser, full: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """With the full data and the shipped runs."""
    with Lab(tmp_path_factory.mktemp("lab"), dict(os.environ)) as lab:
        yield lab


@pytest.fixture(scope="module")
def offline_lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """With neither data nor network: notebook 04 trains on the sample, in a minute."""
    folder = tmp_path_factory.mktemp("offline_lab")
    proxies = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}  # nobody listens there
    hidden = ("MNIST_NPZ", "no_proxy", "NO_PROXY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    with Lab(folder, environment | proxies | {"KERAS_HOME": str(folder / "keras")}) as lab:
        yield lab


@pytest.fixture(scope="module")
def started_04(browser: Browser, offline_lab: Lab) -> Notebook:
    """Notebook 04, which trains while the tests use 06 and 05."""
    plain = ("keras.utils.", "history = ", 'print("history', "figure, axes = plt.subplots(1, 2", "lowest = ")
    shorten(offline_lab, "04_training", "EpochScrubber(", without=plain)
    path = offline_lab.log.parent / "notebooks" / "04_training.ipynb"
    shorter = path.read_text().replace("progress=LiveCurves()", f"epochs={EPOCHS}, progress=LiveCurves()")
    path.write_text(shorter.replace('run = find_run(\\"relu\\", digits)', "run = relu"))
    notebook = Notebook(browser, offline_lab, "04_training")
    notebook.start_all()
    return notebook


@pytest.fixture(scope="module")
def notebook_04(started_04: Notebook) -> Notebook:
    assert started_04.finish() == []
    return started_04


@pytest.fixture(scope="module")
def notebook_05(browser: Browser, lab: Lab) -> Notebook:
    shorten(lab, "05_evaluation", "doubt = ")
    notebook = Notebook(browser, lab, "05_evaluation")
    assert notebook.run_all() == []
    return notebook


@pytest.fixture(scope="module")
def notebook_06(browser: Browser, lab: Lab, started_04: Notebook) -> Notebook:
    notebook = Notebook(browser, lab, "06_prediction_visualization")
    assert notebook.run_all() == []
    return notebook


@pytest.fixture(scope="module")
def notebook_07(browser: Browser, lab: Lab) -> Notebook:
    shorten(lab, "07_inside_the_network", "FeatureMaps(")
    notebook = Notebook(browser, lab, "07_inside_the_network")
    assert notebook.run_all() == []
    return notebook


def shorten(lab: Lab, name: str, view: str, without: tuple[str, ...] = ()) -> None:
    """Leave out what follows a notebook's view, and cells that begin like this: they take long, and nbval runs them."""
    path = lab.log.parent / "notebooks" / f"{name}.ipynb"
    content = nbformat.read(path, as_version=4)
    last = [cell.source.startswith(view) for cell in content.cells].index(True)
    content.cells = [cell for cell in content.cells[: last + 1] if not cell.source.startswith(without)]
    nbformat.write(content, path)


_WATCH_STATUS = """(status) => {
  const seen = [];
  new MutationObserver(() => seen.push(status.textContent)).observe(status, { childList: true });
  return seen;
}"""

_NAME_OF_FOCUSED = """() => {
  const focused = document.activeElement;
  return focused.ariaLabel || focused.labels?.[0]?.textContent || focused.textContent;
}"""


class View:
    """One of our views on a page."""

    def __init__(self, notebook: Notebook, control: str):
        """The view that has a control of that name."""
        self.page = notebook.page
        named = self.page.get_by_label(control, exact=True)
        self.root = self.page.locator(".jp-Notebook .mnist-view:not(.mnist-view .mnist-view)").filter(has=named)
        self.root.scroll_into_view_if_needed()
        self.slider = self.root.get_by_role("slider")
        self.status = self.root.get_by_role("status").filter(has_text=re.compile("."))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def select(self, label: str, option: str | int) -> None:
        self.root.get_by_label(label, exact=True).select_option(str(option))

    def says(self, text: str) -> None:
        try:
            expect(self.status.filter(has_text=text)).to_have_count(1)
        except AssertionError:
            raise AssertionError(f"{text!r} is not in {self.status.all_inner_texts()}") from None

    def screenshot(self, name: str) -> None:
        self.root.screenshot(path=SCREENSHOTS / f"{name}.png")

    def controls(self) -> list[tuple[str, str]]:
        """The role and name of everything that can be used or looked at, as a screen reader gets them."""
        lines = self.root.aria_snapshot().splitlines()
        roles = "application|button|slider|combobox|checkbox|img|table"
        found = (re.match(rf""" *- '?({roles}) ?(?:"(.*?)")?""", line) for line in lines)
        return [(match[1], match[2] or "") for match in found if match]

    def stops(self) -> set[str]:
        """Where the Tab key leads, from the view's first control until it leaves the view: names of the controls."""
        self.root.locator("select, button, [tabindex='0']").first.focus()
        names = set()
        while self.root.evaluate("(view) => view.contains(document.activeElement)"):
            names.add(self.page.evaluate(_NAME_OF_FOCUSED))
            self.press("Tab")
        return names


# 06: the prediction browser


@pytest.fixture
def predictions(notebook_06: Notebook) -> View:
    view = View(notebook_06, "show")
    for label, option in {"show": "all images", "of network": "ReLU", "actual": "any", "taken for": "any"}.items():
        view.select(label, option)
    view.slider.focus()
    view.press("Home")
    view.says("1 of 10,000: image 0, actual 7")
    return view


@pytest.fixture(scope="module")
def guesses(full: Images) -> dict[str, np.ndarray]:
    """What the shipped networks say of the test images."""
    names = {"ReLU": "relu", "LeakyReLU": "leaky_relu"}
    return {name: predict(load_run(SHIPPED / f"{run}.npz").load_model(), full.x_test) for name, run in names.items()}


def test_the_slider_by_keyboard(predictions: View, guesses) -> None:
    picture, bars = predictions.root.locator("img"), predictions.root.get_by_role("table", name="LeakyReLU")
    before = picture.screenshot(), bars.screenshot()
    predictions.press("ArrowRight")
    predictions.says("2 of 10,000: image 1, actual 2")
    assert picture.screenshot() != before[0] and bars.screenshot() != before[1]
    expect(predictions.slider).to_have_attribute("aria-valuenow", "2.0")
    predictions.press("End")
    predictions.says("10,000 of 10,000: image 9999, actual 6")
    predictions.press("ArrowLeft", "ArrowDown")
    predictions.says("9,998 of 10,000: image 9997")


def test_arrow_keys_move_the_slider_and_not_the_notebook(predictions: View) -> None:
    active = predictions.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    predictions.press("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown")
    predictions.says("3 of 10,000")
    assert predictions.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == active


def test_the_slider_by_mouse(predictions: View) -> None:
    track = predictions.root.locator(".noUi-base").bounding_box()
    predictions.page.mouse.click(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    expect(predictions.slider).to_have_attribute("aria-valuenow", re.compile(r"(49|50)\d\d\.0"))
    predictions.says("image ")
    position = int(float(predictions.slider.get_attribute("aria-valuenow")))
    predictions.says(f"{position:,} of 10,000: image {position - 1},")


def test_bars_are_as_long_as_the_probabilities_and_words_mark_them(predictions: View, guesses, full: Images) -> None:
    predictions.select("show", "the networks disagree")
    predictions.says("1 of ")
    predictions.screenshot("06_networks_disagree")
    index = int(re.search(r"image (\d+)", predictions.status.inner_text())[1])
    label = full.y_test[index]
    said = set()
    for name, probabilities in guesses.items():
        rows = predictions.root.get_by_role("table", name=name, exact=True).get_by_role("row").all()
        widths = [row.locator("div").bounding_box()["width"] for row in rows]
        longest = max(widths) / probabilities[index].max()
        np.testing.assert_allclose(widths, probabilities[index] * longest, atol=1.1)
        marked = {word: [word in row.inner_text() for row in rows] for word in ("predicted", "actual")}
        assert np.flatnonzero(marked["predicted"]) == [probabilities[index].argmax()]
        assert np.flatnonzero(marked["actual"]) == [label]
        said.add(int(probabilities[index].argmax()))
    assert len(said) == 2


def test_filters(predictions: View, guesses, full: Images) -> None:
    labels = full.y_test
    for network, probabilities in guesses.items():
        predicted = probabilities.argmax(axis=1)
        predictions.select("of network", network)
        predictions.select("show", "mistakes, most confident first")
        wrong = np.flatnonzero(predicted != labels)
        worst = wrong[probabilities[wrong].max(axis=1).argmax()]
        predictions.says(f"1 of {len(wrong)}: image {worst}, actual {labels[worst]}")
        predictions.screenshot(f"06_mistakes_{network}")
        predictions.select("show", "least sure first")
        predictions.says(f"1 of 10,000: image {probabilities.max(axis=1).argmin()},")
        predictions.select("show", "all images")
        predictions.select("actual", 4)
        fours = np.flatnonzero(labels == 4)
        predictions.says(f"1 of {len(fours)}: image {fours[0]}, actual 4")
        predictions.select("taken for", 9)
        pair = np.flatnonzero((labels == 4) & (predicted == 9))
        predictions.says(f"1 of {len(pair)}: image {pair[0]}, actual 4")
        predictions.select("actual", "any")
        predictions.select("taken for", "any")
    found = set(zip(labels.tolist(), predicted.tolist(), strict=True))
    actual, taken_for = next(pair for pair in product(range(10), repeat=2) if pair not in found)
    predictions.select("actual", actual)
    predictions.select("taken for", taken_for)
    predictions.says("There is no such image.")
    expect(predictions.root.locator("img")).to_have_count(0)


def test_filters_by_keyboard(predictions: View, guesses, full: Images) -> None:
    predictions.root.get_by_label("show", exact=True).focus()
    predictions.press("ArrowDown")
    predictions.says(f"1 of {(guesses['ReLU'].argmax(axis=1) != full.y_test).sum()}: ")
    predictions.root.get_by_label("actual", exact=True).focus()
    predictions.press("9")
    predictions.says("actual 9.")


def test_play_moves_by_itself(predictions: View) -> None:
    play = predictions.root.get_by_role("button", name="Play or pause")
    play.focus()
    predictions.press("Enter")
    expect(predictions.status).to_have_text(re.compile("^[3-9] of 10,000: "))
    predictions.press("Enter")
    predictions.root.get_by_role("button", name="Stop").click()
    predictions.says("1 of 10,000: image 0, actual 7")


def test_repeat_begins_again(predictions: View, guesses, full: Images) -> None:
    predictions.select("actual", 4)
    predictions.select("taken for", 9)
    last = ((full.y_test == 4) & (guesses["ReLU"].argmax(axis=1) == 9)).sum()
    predictions.root.get_by_role("button", name="Repeat").click()
    predictions.root.get_by_role("button", name="Play or pause").click()
    predictions.says(f"{last} of {last}: ")
    predictions.says(f"2 of {last}: ")
    predictions.root.get_by_role("button", name="Repeat").click()
    predictions.root.get_by_role("button", name="Stop").click()


def test_a_narrower_choice_begins_at_its_first_image(predictions: View) -> None:
    predictions.press("End")
    predictions.says("10,000 of 10,000")
    seen = predictions.page.evaluate_handle(_WATCH_STATUS, predictions.status.element_handle())
    predictions.select("show", "the networks disagree")
    predictions.says("1 of ")
    predictions.press("Tab")
    predictions.select("show", "all images")
    predictions.says("1 of 10,000")
    assert all(text.startswith("1 of ") for text in seen.json_value())


def test_steps_leave_nothing_in_the_page(predictions: View) -> None:
    session = predictions.page.context.new_cdp_session(predictions.page)
    session.send("Performance.enable")

    def used() -> tuple[int, int]:
        """How many elements and texts the page holds, shown or not, and how many bytes of JavaScript."""
        session.send("HeapProfiler.collectGarbage")
        found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return found["Nodes"], found["JSHeapUsedSize"]

    predictions.press(*["ArrowRight"] * 50)
    predictions.says("51 of 10,000")
    nodes, size = used()
    predictions.press(*["ArrowRight"] * 200)
    predictions.says("251 of 10,000")
    more_nodes, more_size = used()
    assert more_nodes - nodes < 200  # the bars and the picture of one step alone have about sixty
    assert more_size - size < 5e5
    session.detach()


def test_predictions_in_words_for_those_who_do_not_see_them(predictions: View) -> None:
    assert predictions.controls() == [
        ("combobox", "show"), ("combobox", "of network"), ("combobox", "actual"), ("combobox", "taken for"),
        ("button", "Play or pause"), ("button", "Stop"), ("button", "Repeat"), ("slider", "position"),
        ("img", "image 0, actual 7"), ("table", "ReLU"), ("table", "LeakyReLU")]  # fmt: skip
    assert predictions.stops() >= {
        "show", "of network", "actual", "taken for", "Play or pause", "Stop", "Repeat", "position"}  # fmt: skip


# 06: the drawing pad

STROKES = {  # on a pad of 280 by 280
    7: [[(50, 40), (120, 40), (75, 150)]],
    1: [[(200, 60), (190, 230)]],
    0: [[(140, 60), (95, 90), (85, 150), (110, 205), (150, 215), (185, 180), (195, 120), (175, 75), (140, 60)]],
    4: [[(60, 150), (50, 190), (110, 190)], [(105, 150), (100, 250)]],
}


@pytest.fixture
def pad(notebook_06: Notebook) -> View:
    view = View(notebook_06, "prepare it as MNIST's makers did")
    view.root.get_by_role("checkbox").check()
    view.root.get_by_role("button", name="Clear").click()
    view.says("Draw a digit, large or small, anywhere on the pad.")
    view.canvas = view.root.locator("canvas")
    return view


def draw(pad: View, strokes: list[list[tuple[int, int]]], pointer: str = "mouse") -> None:
    """Draw as the browser does on input of that kind from the system."""
    box = pad.canvas.bounding_box()
    session = pad.page.context.new_cdp_session(pad.page)
    for stroke in strokes:
        points = [(box["x"] + x, box["y"] + y) for x, y in stroke]
        kinds = ["start", *["move"] * (len(points) - 1), "end"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            if pointer == "touch":
                fingers = [] if kind == "end" else [{"x": x, "y": y}]
                session.send("Input.dispatchTouchEvent", {"type": f"touch{kind.title()}", "touchPoints": fingers})
            else:
                event = {"start": "mousePressed", "move": "mouseMoved", "end": "mouseReleased"}[kind]
                state = {"button": "left", "buttons": 0 if kind == "end" else 1, "clickCount": 1}
                session.send(
                    "Input.dispatchMouseEvent", {"type": event, "x": x, "y": y, "pointerType": pointer, **state}
                )
    session.detach()
    answered(pad)


def answered(pad: View) -> None:
    """Wait until the network has read everything that was drawn."""
    expect(pad.canvas).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize(("pointer", "digit"), [*(("mouse", digit) for digit in STROKES), ("pen", 7), ("touch", 4)])
def test_a_drawn_digit_is_read(pad: View, pointer: str, digit: int) -> None:
    draw(pad, STROKES[digit], pointer)
    pad.says(f"The network says {digit}, with")
    pad.screenshot(f"06_drawn_{digit}_by_{pointer}")
    expect(pad.root.get_by_role("img", name="what the network sees")).to_be_visible()
    (marked,) = [row for row in pad.root.get_by_role("row").all() if "predicted" in row.inner_text()]
    assert marked.inner_text().startswith(str(digit))


def test_a_digit_drawn_by_keyboard_is_read(pad: View) -> None:
    pad.canvas.focus()
    pad.press(*["ArrowUp"] * 8, *["ArrowLeft"] * 4, "Space", *["ArrowRight"] * 9, *["ArrowDown", "ArrowLeft"] * 3)
    pad.press(*["ArrowDown"] * 12, "Space", *["ArrowRight"] * 9)  # the pen is up: it leaves no trace
    answered(pad)
    pad.says("The network says 7, with")
    pad.screenshot("06_drawn_7_by_keyboard")
    pad.root.get_by_role("button", name="Clear").focus()
    pad.press("Enter")
    pad.says("Draw a digit, large or small, anywhere on the pad.")
    pad.canvas.focus()
    pad.press("Space", "ArrowDown", "ArrowDown", "Space")
    pad.says("The network says ")
    pad.press("Delete")
    pad.says("Draw a digit, large or small, anywhere on the pad.")


def test_a_second_finger_draws_nothing(pad: View) -> None:
    box = pad.canvas.bounding_box()
    session = pad.page.context.new_cdp_session(pad.page)
    first, palm = [{"x": box["x"] + x, "y": box["y"] + y, "id": x} for x, y in ((140, 50), (250, 250))]
    for kind, fingers in (
        ("Start", [first]),
        ("Start", [first, palm]),
        ("Move", [first | {"y": box["y"] + 240}, palm]),
    ):
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": fingers})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
    answered(pad)
    pad.says("The network says 1, with")


def test_a_tap_leaves_a_dot(pad: View) -> None:
    draw(pad, [[(100, 100)]])
    pad.says("The network says ")


def test_the_pad_draws_without_waiting_for_the_kernel(pad: View) -> None:
    """In one go, in which no message can come or go."""
    ink = pad.canvas.evaluate("""(canvas) => {
        const box = canvas.getBoundingClientRect();
        const at = (type, x) => canvas.dispatchEvent(new PointerEvent(type,
            { clientX: box.x + x, clientY: box.y + 100, button: 0, pointerId: 1, isPrimary: true, bubbles: true }));
        canvas.setPointerCapture = () => {}; // there is no real pointer to capture
        at('pointerdown', 100); at('pointermove', 200); at('pointerup', 200);
        return [...canvas.getContext('2d').getImageData(150, 100, 1, 1).data];
    }""")
    assert ink == [0, 0, 0, 255]


def test_without_preparation_the_network_sees_the_whole_sheet(pad: View) -> None:
    draw(pad, [[(20, 20), (60, 20), (35, 80)]])
    pad.says("The network says 7, with")
    seen = pad.root.get_by_role("img", name="what the network sees")
    prepared, said = seen.screenshot(), pad.status.inner_text()
    pad.screenshot("06_prepared")
    pad.root.get_by_role("checkbox").focus()
    pad.press("Space")
    expect(pad.status).not_to_have_text(said)
    pad.screenshot("06_not_prepared")
    assert seen.screenshot() != prepared
    pad.root.get_by_role("checkbox").click()
    expect(pad.status).to_have_text(said)
    assert seen.screenshot() == prepared


@pytest.fixture
def photograph(full: Images) -> Image.Image:
    """A five of the test set, as large grey ink on light paper."""
    five = Image.fromarray(full.x_test[23])
    return Image.fromarray(220 - np.asarray(five.resize((600, 600))) // 4 * 3)


def open_image(pad: View, path: Path, by: str = "mouse") -> None:
    button = pad.root.get_by_role("button", name="Open an image")
    with pad.page.expect_file_chooser() as chooser:
        button.click() if by == "mouse" else button.press("Enter")
    chooser.value.set_files(path)


@pytest.mark.parametrize("kind", ["light.png", "dark.png", "colour.jpg", "transparent.png", "huge.jpg", "tiny.gif"])
def test_an_image_file_is_read(pad: View, photograph: Image.Image, tmp_path: Path, kind: str) -> None:
    dark = Image.eval(photograph, lambda value: 255 - value)
    image = {
        "light.png": lambda: photograph,
        "dark.png": lambda: dark,
        "colour.jpg": lambda: Image.merge("RGB", (photograph, dark, dark)),
        "transparent.png": lambda: Image.merge("LA", (Image.new("L", (600, 600)), Image.eval(dark, lambda v: v - 35))),
        "huge.jpg": lambda: photograph.resize((6000, 4000)),
        "tiny.gif": lambda: photograph.resize((30, 40)),
    }[kind]()
    image.save(tmp_path / kind)
    open_image(pad, tmp_path / kind)
    pad.says("The network says 5, with")
    pad.screenshot(f"06_file_{kind.replace('.', '_')}")


def test_the_same_file_can_be_opened_again(pad: View, photograph: Image.Image, tmp_path: Path) -> None:
    photograph.save(tmp_path / "five.png")
    for by in ("mouse", "keyboard"):
        open_image(pad, tmp_path / "five.png", by)
        pad.says("The network says 5, with")
        pad.root.get_by_role("button", name="Clear").click()
        pad.says("Draw a digit")


def test_a_second_view_of_the_pad_shows_the_drawing(pad: View) -> None:
    draw(pad, STROKES[7])
    said = pad.status.inner_text()
    pad.root.click(position={"x": 700, "y": 5})  # makes its cell the active one
    pad.page.evaluate("() => window.jupyterapp.commands.execute('notebook:create-output-view')")
    again = pad.page.locator(".jp-LinkedOutputView .mnist-view").first
    expect(again.get_by_text(said)).to_be_visible()
    pixels = "(canvas) => canvas.toDataURL()"
    assert again.locator("canvas").evaluate(pixels) == pad.canvas.evaluate(pixels)
    pad.page.evaluate("""() => [...window.jupyterapp.shell.widgets('main')]
        .find((panel) => panel.node.querySelector('.jp-LinkedOutputView')).close()""")
    expect(again).to_have_count(0)


@pytest.mark.parametrize("content", [b"", b"<html>no image</html>", b"\x89PNG\r\n\x1a\n cut off"])
def test_a_file_that_is_no_image_is_refused_in_words(pad: View, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    open_image(pad, tmp_path / "picture.png")
    pad.says("This file is not an image that the browser can show.")
    draw(pad, STROKES[1])
    pad.says("The network says 1, with")


def test_an_image_whose_end_is_missing_is_read_as_far_as_the_browser_shows_it(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    photograph.save(tmp_path / "five.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "five.png").read_bytes()[:8000])
    open_image(pad, tmp_path / "half.png")
    pad.says("The network says ")
    pad.screenshot("06_file_half")


def test_a_blank_image_says_that_nothing_is_there(pad: View, tmp_path: Path) -> None:
    Image.new("RGB", (300, 100), "beige").save(tmp_path / "blank.png")
    open_image(pad, tmp_path / "blank.png")
    pad.says("The network has nothing to read: nothing is drawn")


def test_the_pad_in_words_for_those_who_do_not_see_it(pad: View) -> None:
    keys = "Pad to draw a digit on. With the keyboard: arrow keys move the pen"
    (canvas, *others) = pad.controls()
    assert canvas[0] == "application" and canvas[1].startswith(keys)
    names = ["Clear", "Open an image…", "prepare it as MNIST's makers did"]
    assert others == list(zip(("button", "button", "checkbox"), names, strict=True))
    stops = pad.stops()
    assert stops >= set(names)
    assert any(stop.startswith(keys) for stop in stops)


def test_a_picture_of_both_views(predictions: View, pad: View) -> None:
    """For the README: build/screenshots/06_both_views.png."""
    predictions.select("show", "the networks disagree")
    predictions.says("LeakyReLU wrong: ")
    predictions.page.mouse.move(0, 0)
    predictions.screenshot("06_networks_disagree")
    pad.root.scroll_into_view_if_needed()
    draw(pad, STROKES[4])
    pad.says("The network says 4, with")
    pad.screenshot("06_drawn_4")
    pictures = [Image.open(SCREENSHOTS / f"{name}.png") for name in ("06_networks_disagree", "06_drawn_4")]
    assert pictures[0].width == pictures[1].width > 800
    both = Image.new("RGB", (pictures[0].width, 40 + sum(picture.height for picture in pictures)), "white")
    both.paste(pictures[0])
    both.paste(pictures[1], (0, pictures[0].height + 40))
    both = ImageOps.expand(both.crop(ImageOps.invert(both).getbbox()), 40, "white")
    both.save(SCREENSHOTS / "06_both_views.png")


# 05: the confusion explorer


@pytest.fixture
def explorer(notebook_05: Notebook, guesses, full: Images) -> View:
    zeros = np.sum((full.y_test == 0) & (guesses["ReLU"].argmax(axis=1) == 0))
    view = View(notebook_05, f"actual 0, predicted 0: {zeros} images")
    for pressed in view.root.locator("[aria-pressed=true]").all():
        pressed.click()
    view.says("All mistakes: ")
    return view


def digits_shown(view: View) -> list[str]:
    return view.root.locator("img").evaluate_all("(images) => images.map((image) => image.alt)")


def cell(view: View, actual: int, predicted: int) -> Locator:
    return view.root.get_by_role("button", name=re.compile(f"^actual {actual}, predicted {predicted}: "))


def test_each_cell_opens_by_mouse(explorer: View, guesses, full: Images) -> None:
    labels, predicted = full.y_test, guesses["ReLU"].argmax(axis=1)
    expect(explorer.root.locator("img")).to_have_count(44)
    wrong = labels != predicted
    for actual, taken_for in np.unique(np.stack([labels[wrong], predicted[wrong]], axis=1), axis=0):
        button = cell(explorer, actual, taken_for)
        button.click()
        explorer.says(f"Actual {actual}, taken for {taken_for}: ")
        expect(button).to_have_attribute("aria-pressed", "true")
        those = np.flatnonzero((labels == actual) & (predicted == taken_for))
        assert button.inner_text() == str(len(those))
        shown = {int(alt.split("no. ")[1]) for alt in digits_shown(explorer)}
        assert shown == set(those)
    cell(explorer, 4, 9).click()
    explorer.says("Actual 4, taken for 9: ")
    explorer.screenshot("05_4_taken_for_9")
    cell(explorer, 4, 9).click()
    explorer.says("All mistakes: ")


def test_the_matrix_by_keyboard(explorer: View) -> None:
    cell(explorer, 4, 9).focus()
    explorer.press("ArrowLeft", "ArrowUp", "Enter")
    explorer.says("Actual 3, taken for 8: ")
    explorer.press("ArrowRight", "ArrowRight", "ArrowDown", "Space")  # the last column is the last
    explorer.says("Actual 4, taken for 9: ")
    expect(cell(explorer, 4, 9)).to_be_focused()
    explorer.press("Escape")
    explorer.says("All mistakes: ")


def test_the_diagonal_has_pages(explorer: View, guesses, full: Images) -> None:
    probabilities = guesses["ReLU"]
    right = np.flatnonzero((full.y_test == 8) & (probabilities.argmax(axis=1) == 8))
    by_doubt = right[np.argsort(probabilities[right].max(axis=1), kind="stable")]
    cell(explorer, 8, 8).click()
    explorer.says(f"Actual 8, read right: {len(right)} images, here 1 to 44.")
    assert digits_shown(explorer)[0] == f"8 → 8, no. {by_doubt[0]}"
    explorer.root.get_by_role("slider", name="page").focus()
    explorer.press("ArrowRight")
    explorer.says("here 45 to 88.")
    assert digits_shown(explorer)[0] == f"8 → 8, no. {by_doubt[44]}"
    explorer.screenshot("05_diagonal")


def test_the_matrix_in_words_for_those_who_do_not_see_it(explorer: View) -> None:
    controls = explorer.controls()
    assert all(name for _, name in controls)
    assert sum(name.startswith("actual ") for role, name in controls if role == "button") == 100
    assert {("table", "predicted"), ("slider", "page")} <= set(controls)
    stops = explorer.stops()
    assert sum(stop.startswith("actual ") for stop in stops) == 1 and "page" in stops  # not a hundred stops


# 04: curves and the epoch scrubber, on the offline sample


@pytest.fixture
def scrubber(notebook_04: Notebook) -> View:
    view = View(notebook_04, "epoch")
    view.slider.first.focus()
    view.press("Home")
    view.says("Untrained: ")
    return view


def test_sliding_through_the_epochs_by_keyboard(scrubber: View, offline_lab: Lab, sample: Images) -> None:
    run = load_run(offline_lab.log.parent / "runs" / "relu-sample.npz")
    labels = split_validation(sample.x_train, sample.y_train)[1][1]
    scrubber.screenshot("04_untrained")
    for epoch in range(1, EPOCHS + 1):
        scrubber.press("ArrowRight")
        wrong = int((run.predicted[epoch] != labels).sum())
        scrubber.says(f"After epoch {epoch}: {run.history['val_accuracy'][epoch - 1]:.2%} right, {wrong} of 400 wrong.")
        scrubber.says(f"All mistakes: {wrong} image")
    expect(scrubber.root.locator("img")).to_have_count(min(wrong, 44))
    fours = int(((labels == 4) & (run.predicted[EPOCHS] == 4)).sum())
    assert cell(scrubber, 4, 4).inner_text() == str(fours)
    scrubber.screenshot("04_after_the_last_epoch")


def test_sliding_through_the_epochs_by_mouse_and_play(scrubber: View) -> None:
    track = scrubber.root.locator(".noUi-base").first.bounding_box()
    scrubber.page.mouse.click(track["x"] + track["width"] - 1, track["y"] + track["height"] / 2)
    scrubber.says(f"After epoch {EPOCHS}: ")
    scrubber.root.get_by_role("button", name="Stop").click()
    scrubber.says("Untrained: ")
    scrubber.root.get_by_role("button", name="Play or pause").focus()
    scrubber.press("Enter")
    expect(scrubber.status.first).to_have_text(re.compile(r"^After epoch [34]: "))
    scrubber.root.get_by_role("button", name="Stop").click()


def test_a_cell_of_the_matrix_stays_chosen_from_epoch_to_epoch(scrubber: View) -> None:
    cell(scrubber, 4, 4).click()
    scrubber.says("Actual 4, read right: ")
    scrubber.slider.first.focus()
    scrubber.press("End")
    scrubber.says(f"After epoch {EPOCHS}: ")
    expect(cell(scrubber, 4, 4)).to_have_attribute("aria-pressed", "true")
    assert {alt.split(",")[0] for alt in digits_shown(scrubber)} == {"4 → 4"}
    cell(scrubber, 4, 4).click()
    scrubber.says("All mistakes: ")


def test_the_scrubber_in_words_for_those_who_do_not_see_it(scrubber: View) -> None:
    assert all(name for _, name in scrubber.controls())
    assert scrubber.stops() >= {"Play or pause", "Stop", "Repeat", "epoch"}


def test_curves_were_redrawn_after_every_epoch_of_both_trainings(notebook_04: Notebook) -> None:
    assert notebook_04.redrawn == 2 * EPOCHS
    curves = notebook_04.page.locator(".jp-Cell", has_text="progress=LiveCurves()").locator(".jp-OutputArea img")
    expect(curves).to_have_count(2)


# 07: feature maps

_DARKEST = """(canvas) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] < data[found] && data[at + 3]) found = at; // not the rest
  return { x: ((found / 4) % width) + 1, y: Math.floor(found / 4 / width) + 1 };
}"""


@pytest.fixture
def maps(notebook_07: Notebook) -> View:
    view = View(notebook_07, "convolution")
    view.root.get_by_role("button", name="Clear").click()
    view.select("convolution", "1: 32 maps")
    view.slider.focus()
    view.press("Home", "ArrowRight", "ArrowRight")
    view.says("Image 2, labelled 1")  # where no test leaves it: so nothing is still on its way
    view.press("ArrowLeft", "ArrowLeft")
    view.says("Image 0, labelled 7; the network says 7, with")
    view.says("Convolution 1, map ")
    view.canvas = view.root.locator(".mnist-pad canvas")
    view.every, view.enlarged = view.root.locator(".mnist-mosaic canvas").all()
    return view


@pytest.fixture(scope="module")
def strongest(full: Images) -> list[tuple[tuple[int, ...], float]]:
    """For each convolution of the shipped ReLU network, where the largest number in the maps of image 0 is, and it."""
    model = load_run(SHIPPED / "relu.npz").load_model()
    layers = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    found = keras.Model(model.inputs[0], layers).predict_on_batch(prepare_images(full.x_test[:1]))
    return [(np.unravel_index(values[0].argmax(), values[0].shape), float(values.max())) for values in found]


@pytest.mark.parametrize("pointer", ["mouse", "touch"])
@pytest.mark.parametrize("number", range(3))
def test_who_points_at_the_darkest_spot_gets_the_largest_number(maps: View, strongest, number, pointer) -> None:
    (row, column, chosen), value = strongest[number]
    maps.select("convolution", ("1: 32 maps", "2: 64 maps", "3: 128 maps")[number])
    maps.says(f"Convolution {number + 1}, map ")
    said = f"Convolution {number + 1}, map {chosen}, row {row}, column {column}: {value:.3f}."
    for canvas, key in (
        (maps.every, "ArrowRight" if chosen % 2 == 0 else "ArrowLeft"),
        (maps.enlarged, "ArrowDown" if row < 2 else "ArrowUp"),
    ):
        canvas.focus()
        maps.press(key)
        expect(maps.status.filter(has_text=said)).to_have_count(0)
        (canvas.click if pointer == "mouse" else canvas.tap)(position=canvas.evaluate(_DARKEST))
        maps.says(said)
    maps.screenshot(f"07_convolution_{number + 1}")


def test_maps_and_pixels_by_keyboard(maps: View) -> None:
    active = maps.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    maps.every.focus()
    maps.press(*["ArrowUp"] * 4, *["ArrowLeft"] * 9)
    maps.says("Convolution 1, map 0, ")
    expect(maps.enlarged).to_have_attribute("aria-label", re.compile("^Map 0, enlarged; row "))
    before = maps.every.screenshot(), maps.enlarged.screenshot()
    maps.press("ArrowRight", "ArrowDown")
    expect(maps.every).to_have_attribute("aria-label", re.compile("^All 32 maps; map 10 is chosen"))
    maps.says("Convolution 1, map 10, ")
    assert maps.every.screenshot() != before[0] and maps.enlarged.screenshot() != before[1]
    maps.enlarged.focus()
    maps.press(*["ArrowUp"] * 26, *["ArrowLeft"] * 26)
    maps.says("Convolution 1, map 10, row 0, column 0: ")
    maps.press("ArrowDown", "ArrowDown", "ArrowRight")
    maps.says("Convolution 1, map 10, row 2, column 1: ")
    expect(maps.enlarged).to_have_attribute("aria-label", re.compile("^Map 10, enlarged; row 2, column 1 is chosen"))
    assert maps.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == active


def test_one_finds_ones_own_digit_in_the_maps(maps: View) -> None:
    of_image = maps.every.screenshot()
    draw(maps, STROKES[4])
    maps.says("Your drawing; the network says 4, with")
    of_drawing = maps.every.screenshot()
    assert of_drawing != of_image
    maps.page.mouse.move(0, 0)
    maps.screenshot("07_drawn_4")
    maps.root.get_by_role("button", name="Clear").click()
    maps.says("Image 0, labelled 7; the network says 7, with")
    maps.slider.focus()
    maps.press("ArrowRight")
    maps.says("Image 1, labelled 2; the network says 2, with")


def test_the_feature_maps_in_words_for_those_who_do_not_see_them(maps: View) -> None:
    controls = maps.controls()
    assert all(name for _, name in controls)
    assert {
        ("combobox", "convolution"),
        ("slider", "image"),
        ("table", "How it is computed"),
        ("table", "kernel"),
    } <= set(controls)
    assert [name.split()[0] for role, name in controls if role == "application"] == ["Pad", "All", "Map"]
    stops = maps.stops()
    assert {"convolution", "image", "Clear", "Open an image…"} <= stops
    assert {stop.split()[0] for stop in stops} >= {"Pad", "All", "Map"}


# All of them


def test_complaints_are_heard(browser: Browser, offline_lab: Lab) -> None:
    """Errors and warnings of a kernel that keeps running, and errors of the browser."""
    notebook = Notebook(browser, offline_lab, "01_data_loading")
    notebook.page.evaluate("""async () => {
        const session = window.jupyterapp.shell.currentWidget.sessionContext;
        await session.ready;
        const code = "import sys; print('a warning', file=sys.stderr); raise RuntimeError('broken callback')";
        await session.session.kernel.requestExecute({ code }).done;
        console.error('broken page');
    }""")
    for complaint in ("a warning", "broken callback", "broken page"):
        assert [heard for heard in notebook.all_complaints() if complaint in heard], complaint


_CHANGE_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def test_axe_finds_nothing_that_keeps_people_out(notebook_04, notebook_05, notebook_06, notebook_07) -> None:
    """Contrast, names of controls, roles; in both themes."""
    for notebook in (notebook_04, notebook_05, notebook_06, notebook_07):
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            notebook.page.evaluate(_CHANGE_THEME, theme)
            expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
            found = Axe().run(notebook.page, context=".mnist-view").response
            assert found["passes"], "it has looked at nothing"
            assert not [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]


def test_nothing_complains(notebook_04, notebook_05, notebook_06, notebook_07) -> None:
    """After all of the above: neither the browser's console nor the kernels nor JupyterLab's log."""
    expected = "No full MNIST here"  # the warning with which the offline sample is used
    for notebook in (notebook_04, notebook_05, notebook_06, notebook_07):
        assert [complaint for complaint in notebook.all_complaints() if expected not in complaint] == []
