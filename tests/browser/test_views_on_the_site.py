"""The views on the site: every control by keyboard and pointer, and what a person sees change."""

import re
from itertools import product
from pathlib import Path

import keras
import numpy as np
import pytest
import wcag_contrast_ratio
from PIL import Image, ImageOps
from playwright.sync_api import expect
from scipy.signal import correlate

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.runs import SHIPPED, Run, load_run
from mnist_cnn.shared import SHARED
from viewing import SCREENSHOTS, STROKES, View

pytestmark = pytest.mark.browser

_WATCH_STATUS = """(status) => {
  const seen = [];
  new MutationObserver(() => seen.push(status.textContent)).observe(status, { childList: true });
  return seen;
}"""


# 06: the prediction browser


@pytest.fixture
def predictions(open_page) -> View:
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


def test_the_slider_by_keyboard(predictions: View, full: Dataset) -> None:
    picture, bars = (
        predictions.root.get_by_role("img"),
        predictions.root.get_by_role("table", name="LeakyReLU"),
    )
    before = picture.screenshot(), bars.screenshot()
    predictions.press("ArrowRight")
    predictions.says("2 of 10,000: image 1, actual 2")
    assert picture.screenshot() != before[0] and bars.screenshot() != before[1]
    assert np.array_equal(predictions.ink("image 1, actual 2"), full.x_test[1])
    expect(predictions.slider).to_have_value("2")
    predictions.press("End")
    predictions.says("10,000 of 10,000: image 9999, actual 6")
    predictions.press("ArrowLeft", "ArrowDown")
    predictions.says("9,998 of 10,000: image 9997")


@pytest.mark.parametrize("pointer", ["mouse", "touch"])
def test_the_slider_by_pointer(predictions: View, pointer: str) -> None:
    box = predictions.slider.bounding_box()
    at = {"x": box["width"] * (0.5 if pointer == "mouse" else 0.25), "y": box["height"] / 2}
    if pointer == "mouse":
        predictions.slider.click(position=at)
    else:
        predictions.slider.tap(position=at)
    expect(predictions.slider).to_have_value(
        re.compile(r"(4[89]|5[01])\d\d" if pointer == "mouse" else r"2[0-7]\d\d")
    )
    position = int(predictions.slider.input_value())
    predictions.says(f"{position:,} of 10,000: image {position - 1},")


def test_bars_are_as_long_as_the_probabilities_and_words_mark_them(
    predictions: View, guesses, full: Dataset
) -> None:
    predictions.select("show", "the networks disagree")
    predictions.says("1 of ")
    index = int(re.search(r"image (\d+)", predictions.status.inner_text())[1])
    label = full.y_test[index]
    said = set()
    for name, probabilities in guesses.items():
        rows = predictions.root.get_by_role("table", name=name, exact=True).get_by_role("row").all()
        widths = [row.locator("div").bounding_box()["width"] for row in rows]
        longest = max(widths) / probabilities[index].max()
        np.testing.assert_allclose(widths, probabilities[index] * longest, atol=1.1)
        texts = [row.get_by_role("cell").last.inner_text() for row in rows]
        assert [text.split()[0] for text in texts] == [
            f"{share:.1%}" for share in probabilities[index]
        ]
        marked = {word: [word in text for text in texts] for word in ("predicted", "actual")}
        guess = int(probabilities[index].argmax())
        assert np.flatnonzero(marked["predicted"]) == [guess] and np.flatnonzero(
            marked["actual"]
        ) == [label]
        verdict = "right" if guess == label else "wrong"
        predictions.says(f"{name} {verdict}: {guess} with {probabilities[index].max():.1%}")
        said.add(guess)
    assert len(said) == 2


def test_every_filter_runs_from_its_first_image_to_its_last(
    predictions: View, guesses, full: Dataset
) -> None:
    labels = full.y_test
    digits = {name: probabilities.argmax(axis=1) for name, probabilities in guesses.items()}
    apart = np.flatnonzero(digits["ReLU"] != digits["LeakyReLU"])
    for number, (network, probabilities) in enumerate(guesses.items()):
        predicted = digits[network]
        sure = probabilities.max(axis=1)
        wrong = np.flatnonzero(predicted != labels)
        expected = {
            ("mistakes, most confident first", "any", "any"): wrong[
                np.argsort(-sure[wrong], kind="stable")
            ],
            ("least sure first", "any", "any"): np.argsort(sure, kind="stable"),
            ("the networks disagree", "any", "any"): apart,
            ("all images", 4, "any"): np.flatnonzero(labels == 4),
            ("all images", "any", 9): np.flatnonzero(predicted == 9),
            ("all images", 4, 9): np.flatnonzero((labels == 4) & (predicted == 9)),
        }
        predictions.select("of network", number)
        for (order, actual, taken_for), images in expected.items():
            predictions.slider.focus()
            predictions.press("End")  # of the filter before; it may lie beyond the end of the next
            for label, option in (("show", order), ("actual", actual), ("taken for", taken_for)):
                predictions.select(label, option)
            predictions.says(
                f"1 of {len(images):,}: image {images[0]}, actual {labels[images[0]]}. "
            )
            predictions.slider.focus()
            predictions.press("End")
            predictions.says(
                f"{len(images):,} of {len(images):,}: image {images[-1]}, actual "
                f"{labels[images[-1]]}. "
            )


def test_a_filter_that_finds_nothing_says_so(predictions: View, guesses, full: Dataset) -> None:
    found = set(zip(full.y_test.tolist(), guesses["ReLU"].argmax(axis=1).tolist(), strict=True))
    actual, taken_for = next(pair for pair in product(range(10), repeat=2) if pair not in found)
    predictions.select("actual", actual)
    predictions.select("taken for", taken_for)
    predictions.says("There is no such image.")
    expect(predictions.root.get_by_role("img")).to_have_count(0)
    expect(predictions.slider).to_be_disabled()


def test_filters_by_keyboard(predictions: View, guesses, full: Dataset) -> None:
    predictions.root.get_by_label("show", exact=True).focus()
    predictions.press("ArrowDown")
    predictions.says(f"1 of {(guesses['ReLU'].argmax(axis=1) != full.y_test).sum()}: ")
    predictions.root.get_by_label("actual", exact=True).focus()
    predictions.press("9")
    predictions.says("actual 9.")


def test_play_moves_by_itself_and_stops_at_the_end(
    predictions: View, guesses, full: Dataset
) -> None:
    predictions.button("Play").focus()
    predictions.press("Enter")
    expect(predictions.status).to_have_text(re.compile("^[2-9] of 10,000: "))
    predictions.press("Enter")
    expect(predictions.button("Play")).to_be_visible()
    predictions.select("actual", 4)
    predictions.select("taken for", 9)
    last = ((full.y_test == 4) & (guesses["ReLU"].argmax(axis=1) == 9)).sum()
    assert last > 1
    predictions.button("Play").click()
    predictions.says(f"{last} of {last}: ")
    predictions.button("Play").click()  # again, from the beginning
    predictions.says(f"1 of {last}: ")
    predictions.button("Pause").click()


def test_a_narrower_choice_begins_at_its_first_image(predictions: View) -> None:
    predictions.press("End")
    predictions.says("10,000 of 10,000")
    seen = predictions.page.evaluate_handle(_WATCH_STATUS, predictions.status.element_handle())
    predictions.select("show", "the networks disagree")
    predictions.says("1 of ")
    predictions.select("show", "all images")
    predictions.says("1 of 10,000")
    assert len(seen.json_value()) == 2 and all(
        text.startswith("1 of ") for text in seen.json_value()
    )


def test_steps_leave_nothing_in_the_page(predictions: View) -> None:
    session = predictions.page.context.new_cdp_session(predictions.page)
    session.send("Performance.enable")

    def used() -> tuple[int, int]:
        """How many nodes the page holds, shown or not, and how many bytes JavaScript uses."""
        session.send("HeapProfiler.collectGarbage")
        found = {
            each["name"]: each["value"]
            for each in session.send("Performance.getMetrics")["metrics"]
        }
        return found["Nodes"], found["JSHeapUsedSize"]

    predictions.press(*["ArrowRight"] * 50)
    predictions.says("51 of 10,000")
    nodes, size = used()
    predictions.press(*["ArrowRight"] * 200)
    predictions.says("251 of 10,000")
    more_nodes, more_size = used()
    # The bars and the picture of one step alone have more than a hundred
    assert more_nodes - nodes < 300
    assert more_size - size < 5e5
    session.detach()


def test_predictions_in_words_for_those_who_do_not_see_them(predictions: View) -> None:
    assert predictions.controls() == [
        ("combobox", "show"),
        ("combobox", "of network"),
        ("combobox", "actual"),
        ("combobox", "taken for"),
        ("button", "Play"),
        ("slider", "position"),
        ("img", "image 0, actual 7"),
        ("table", "ReLU"),
        ("table", "LeakyReLU"),
    ]
    assert predictions.stops() >= {"show", "of network", "actual", "taken for", "Play", "position"}


# 06: the drawing pad


@pytest.fixture
def pad(open_page) -> View:
    view = View(
        open_page("notebooks/06_prediction_visualization.html").page,
        "prepare it as MNIST's makers did",
    )
    view.root.get_by_role("checkbox").check()
    view.button("Clear").click()
    view.says("Draw a digit, large or small, anywhere on the pad.")
    return view


@pytest.mark.parametrize(
    ("pointer", "digit"), [*(("mouse", digit) for digit in STROKES), ("pen", 7), ("touch", 4)]
)
def test_a_drawn_digit_is_read(pad: View, pointer: str, digit: int) -> None:
    pad.draw(STROKES[digit], pointer)
    pad.says(f"The network says {digit}, with")
    pad.screenshot(f"06_drawn_{digit}_by_{pointer}")
    expect(pad.root.get_by_role("img", name="what the network sees")).to_be_visible()
    (marked,) = [
        row for row in pad.root.get_by_role("row").all() if "predicted" in row.inner_text()
    ]
    assert marked.inner_text().startswith(str(digit))


def test_a_digit_drawn_by_keyboard_is_read(pad: View) -> None:
    pad.canvas.focus()
    pad.press(
        *["ArrowUp"] * 8,
        *["ArrowLeft"] * 4,
        "Space",
        *["ArrowRight"] * 9,
        *["ArrowDown", "ArrowLeft"] * 3,
    )
    # The pen is up: it leaves no trace
    pad.press(*["ArrowDown"] * 12, "Space", *["ArrowRight"] * 9)
    pad.answered()
    pad.says("The network says 7, with")
    pad.screenshot("06_drawn_7_by_keyboard")
    pad.button("Clear").focus()
    pad.press("Enter")
    pad.says("Draw a digit, large or small, anywhere on the pad.")
    pad.canvas.focus()
    pad.press("Space", "ArrowDown", "ArrowDown", "Space")
    pad.says("The network says ")
    pad.press("Delete")
    pad.says("Draw a digit, large or small, anywhere on the pad.")


def covered_by_a_pen(start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
    """The part of each pixel that a round pen of 22 pixels covers on its way: float (280, 280).

    It is measured at 8 x 8 points of each pixel.
    """
    y, x = np.mgrid[:2240, :2240] / 8 + 1 / 16
    along = np.subtract(end, start)
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
    share = share.clip(0, 1)
    distance = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    return (distance < 11).reshape(280, 8, 280, 8).mean(axis=(1, 3))


_RGBA = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  // Quicker to send than numbers
  return Array.from(data, (value) => String.fromCharCode(value)).join("");
}"""


@pytest.mark.parametrize("paper", [None, "sandybrown"])
def test_a_stroke_covers_what_the_pen_touches(pad: View, tmp_path: Path, paper: str | None) -> None:
    start, end = (60, 40), (200, 250)
    cover = covered_by_a_pen(start, end)[..., np.newaxis]
    if paper is None:
        expected = 255 * cover * [0, 0, 0, 1]
    else:
        image = Image.new("RGBA", (280, 280), paper)
        image.save(tmp_path / "paper.png")
        open_image(pad, tmp_path / "paper.png")
        pad.says("The network has nothing to read")
        expected = np.asarray(image) * (1 - cover * [1, 1, 1, 0])
    pad.draw([[start, end]])
    drawn = np.frombuffer(pad.canvas.evaluate(_RGBA).encode("latin-1"), "uint8")
    apart = np.abs(drawn.reshape(280, 280, 4) - expected)
    # The start is a dot and then the line: its edge has twice the ink, and is at most 1/4 too dark
    assert apart.max() < 0.3 * 255 and apart.mean() < 0.06


def test_a_second_finger_draws_nothing(pad: View) -> None:
    box = pad.canvas.bounding_box()
    session = pad.page.context.new_cdp_session(pad.page)
    first, palm = [
        {"x": box["x"] + x, "y": box["y"] + y, "id": x} for x, y in ((140, 50), (250, 250))
    ]
    for kind, fingers in (
        ("Start", [first]),
        ("Start", [first, palm]),
        ("Move", [first | {"y": box["y"] + 240}, palm]),
    ):
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": fingers})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
    pad.answered()
    pad.says("The network says 1, with")


def test_a_tap_leaves_a_dot(pad: View) -> None:
    pad.draw([[(100, 100)]])
    pad.says("The network says ")


def test_without_preparation_the_network_sees_the_whole_sheet(pad: View) -> None:
    pad.draw([[(20, 20), (60, 20), (35, 80)]])
    pad.says("The network says 7, with")
    prepared = pad.ink("what the network sees")
    said = pad.status.inner_text()
    pad.screenshot("06_prepared")
    pad.root.get_by_role("checkbox").focus()
    pad.press("Space")
    expect(pad.status).not_to_have_text(said)
    pad.screenshot("06_not_prepared")
    whole = pad.ink("what the network sees")
    assert prepared.any(axis=1).sum() == 20  # rows, from a drawing that fills a third of the pad
    assert whole.any(axis=1).sum() < 12 and not whole[:, 10:].any()
    pad.root.get_by_role("checkbox").click()
    expect(pad.status).to_have_text(said)
    assert np.array_equal(pad.ink("what the network sees"), prepared)


@pytest.fixture
def photograph(full: Dataset) -> Image.Image:
    """A five of the test set, as large grey ink on light paper."""
    five = Image.fromarray(full.x_test[23])
    return Image.fromarray(220 - np.asarray(five.resize((600, 600))) // 4 * 3)


def open_image(pad: View, path: Path, by: str = "mouse") -> None:
    button = pad.button("Open an image")
    with pad.page.expect_file_chooser() as chooser:
        button.click() if by == "mouse" else button.press("Enter")
    chooser.value.set_files(path)


@pytest.mark.parametrize(
    "kind", ["light.png", "dark.png", "colour.jpg", "transparent.png", "huge.jpg", "tiny.gif"]
)
def test_an_image_file_is_read(
    pad: View, photograph: Image.Image, tmp_path: Path, kind: str
) -> None:
    dark = Image.eval(photograph, lambda value: 255 - value)
    image = {
        "light.png": lambda: photograph,
        "dark.png": lambda: dark,
        "colour.jpg": lambda: Image.merge("RGB", (photograph, dark, dark)),
        "transparent.png": lambda: Image.merge(
            "LA", (Image.new("L", (600, 600)), Image.eval(dark, lambda v: v - 35))
        ),
        "huge.jpg": lambda: photograph.resize((6000, 4000)),
        "tiny.gif": lambda: photograph.resize((30, 40)),
    }[kind]()
    image.save(tmp_path / kind)
    open_image(pad, tmp_path / kind)
    pad.says("The network says 5, with")
    pad.screenshot(f"06_file_{kind.replace('.', '_')}")


def test_what_is_left_out_is_said_and_can_be_kept(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    leave_out = pad.root.get_by_label("leave out what is not the digit")
    photograph.save(tmp_path / "clean.png")
    open_image(pad, tmp_path / "clean.png")
    pad.says("The network says 5, with")
    expect(leave_out).to_be_hidden()
    clean = pad.ink("what the network sees")
    framed = ImageOps.expand(ImageOps.expand(photograph, 40, 220), 10, 30)
    framed.putpixel((30, 30), 30)
    framed.save(tmp_path / "framed.png")
    open_image(pad, tmp_path / "framed.png")
    pad.says("Left out: a frame")
    pad.says("The network says 5, with")
    assert np.abs(pad.ink("what the network sees").astype(int) - clean).mean() < 6
    pad.screenshot("06_frame_left_out")
    leave_out.focus()
    pad.press("Space")
    pad.says("Not left out: a frame")
    assert pad.ink("what the network sees")[4:24, 4].min() > 0  # the frame fills the box
    pad.screenshot("06_frame_kept")
    leave_out.check()
    pad.says("Left out: a frame")
    pad.button("Clear").click()
    pad.says("Draw a digit")
    expect(leave_out).to_be_hidden()


def test_the_same_file_can_be_opened_again(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    photograph.save(tmp_path / "five.png")
    for by in ("mouse", "keyboard"):
        open_image(pad, tmp_path / "five.png", by)
        pad.says("The network says 5, with")
        pad.button("Clear").click()
        pad.says("Draw a digit")


@pytest.mark.parametrize("content", [b"", b"<html>no image</html>", b"\x89PNG\r\n\x1a\n cut off"])
def test_a_file_that_is_no_image_is_refused_in_words(
    pad: View, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    open_image(pad, tmp_path / "picture.png")
    pad.says("This file is not an image that the browser can show.")
    pad.draw(STROKES[1])
    pad.says("The network says 1, with")


def test_an_image_whose_end_is_missing_is_read_as_far_as_the_browser_shows_it(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    photograph.save(tmp_path / "five.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "five.png").read_bytes()[:8000])
    open_image(pad, tmp_path / "half.png")
    pad.says("The network says ")
    pad.screenshot("06_file_half")


@pytest.mark.parametrize("paper", ["beige", "black", "white"])
def test_a_blank_image_says_that_nothing_is_there(pad: View, tmp_path: Path, paper: str) -> None:
    Image.new("RGB", (300, 100), paper).save(tmp_path / "blank.png")
    open_image(pad, tmp_path / "blank.png")
    pad.says("The network has nothing to read: nothing is drawn, or too faintly to be seen.")
    expect(pad.root.get_by_role("img")).to_have_count(0)


def pen_of(pad: View) -> tuple[float, float]:
    """Where the keyboard's pen is seen, from the corner of the canvas; and that it is on it."""
    pen = pad.root.locator(".mnist-pad i").bounding_box()
    canvas = pad.canvas.bounding_box()
    x, y = (pen[at] + pen[side] / 2 - canvas[at] for at, side in (("x", "width"), ("y", "height")))
    assert -1 <= x <= canvas["width"] + 1 and -1 <= y <= canvas["height"] + 1
    return x, y


def ink_at(pad: View, x: float, y: float) -> bool:
    """Whether the keyboard's pen has left its black there; images of the test are beige."""
    look = "(canvas, at) => [...canvas.getContext('2d').getImageData(...at, 1, 1).data]"
    pixel = pad.canvas.evaluate(look, [round(x), round(y)])
    return pixel == [0, 0, 0, 255]


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (30, 20)], ids=["wide", "high", "small"])
def test_on_an_image_that_is_not_square_the_keyboards_pen_stays_where_it_draws(
    pad: View, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, "beige").save(tmp_path / "blank.png")
    pad.canvas.focus()
    pad.press(*["ArrowRight"] * 17, *["ArrowDown"] * 17)  # to where the image will have no canvas
    open_image(pad, tmp_path / "blank.png")
    pad.says("The network has nothing to read")
    pad.canvas.focus()
    width, height = pad.canvas.evaluate("(canvas) => [canvas.width, canvas.height]")
    assert max(width, height) == 280 > min(width, height)
    pad.press(*["ArrowRight", "ArrowDown"] * 40)
    assert pen_of(pad) == pytest.approx((width, height), abs=1.5)
    pad.press(*["ArrowLeft", "ArrowUp"] * 40)
    assert pen_of(pad) == pytest.approx((0, 0), abs=1.5)
    pad.press(*["ArrowRight", "ArrowDown"] * 5, "Space")  # at the edge ink has half its strength
    pad.answered()
    pad.says("The network says ")
    assert ink_at(pad, *pen_of(pad))


def test_after_clear_the_keyboards_pen_draws_where_it_is_seen(pad: View, tmp_path: Path) -> None:
    Image.new("RGB", (300, 100), "beige").save(tmp_path / "blank.png")
    open_image(pad, tmp_path / "blank.png")
    pad.says("The network has nothing to read")
    pad.canvas.focus()
    pad.press("Space", *["ArrowRight", "ArrowDown"] * 40, "Delete")  # with the pen down
    assert pad.canvas.evaluate("(canvas) => [canvas.width, canvas.height]") == [280, 280]
    pad.says("Draw a digit")
    at = pen_of(pad)
    pad.press(*["ArrowDown"] * 5, *["ArrowLeft"] * 5)  # which leaves no trace: Delete has lifted it
    pad.answered()
    pad.says("Draw a digit")
    assert pen_of(pad) == pytest.approx((at[0] - 40, at[1] + 40), abs=0.1)
    pad.press("Space")
    pad.answered()
    pad.says("The network says ")
    assert ink_at(pad, *pen_of(pad))


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
    predictions.screenshot("06_networks_disagree")
    pad.draw(STROKES[4])
    pad.says("The network says 4, with")
    pad.screenshot("06_drawn_4")
    pictures = [
        Image.open(SCREENSHOTS / f"{name}.png") for name in ("06_networks_disagree", "06_drawn_4")
    ]
    assert pictures[0].width == pictures[1].width > 600
    both = Image.new(
        "RGB", (pictures[0].width, 40 + sum(picture.height for picture in pictures)), "white"
    )
    both.paste(pictures[0])
    both.paste(pictures[1], (0, pictures[0].height + 40))
    both = ImageOps.expand(both.crop(ImageOps.invert(both).getbbox()), 40, "white")
    both.save(SCREENSHOTS / "06_both_views.png")


# The first page: the pad, with the maps of the first convolution


def test_on_the_first_page_maps_move_while_one_draws(open_page) -> None:
    view = View(open_page("index.html").page, "prepare it as MNIST's makers did")
    view.says("Draw a digit")
    box = view.canvas.bounding_box()
    mouse = view.page.mouse
    mouse.move(box["x"] + 60, box["y"] + 40)
    mouse.down()
    mouse.move(box["x"] + 90, box["y"] + 40)
    view.says("The network says ")
    maps = view.root.get_by_role("img", name="32 maps")
    for x, y in ((120, 40), (100, 100), (75, 190)):  # the pen stays down
        before = maps.evaluate("(canvas) => canvas.toDataURL()")
        mouse.move(box["x"] + x, box["y"] + y, steps=4)
        changed = "([canvas, before]) => canvas.isConnected && canvas.toDataURL() !== before"
        view.page.wait_for_function(changed, arg=[maps.element_handle(), before])
    mouse.up()
    view.says("The network says 7, with")
    view.screenshot("first_page")
    view.button("Clear").click()
    expect(view.root.get_by_role("img")).to_have_count(0)


# 05: the confusion explorer


@pytest.fixture
def explorer(open_page) -> View:
    view = View(open_page("notebooks/05_evaluation.html").page, "page")
    for pressed in view.root.locator("[aria-pressed=true]").all():
        pressed.click()
    view.says("All mistakes: ")
    return view


def test_each_cell_opens_by_mouse(explorer: View, guesses, full: Dataset) -> None:
    labels, predicted = full.y_test, guesses["ReLU"].argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    shown = explorer.root.locator(".mnist-matrix button").all_inner_texts()
    assert [int(text.replace("·", "0")) for text in shown] == counts.ravel().tolist()
    expect(explorer.root.get_by_role("img")).to_have_count(44)
    wrong = labels != predicted
    for actual, taken_for in np.unique(np.stack([labels[wrong], predicted[wrong]], axis=1), axis=0):
        button = explorer.cell(actual, taken_for)
        button.click()
        explorer.says(f"Actual {actual}, taken for {taken_for}: ")
        expect(button).to_have_attribute("aria-pressed", "true")
        found = {int(name.split("no. ")[1]) for name in explorer.pictures()}
        assert found == set(np.flatnonzero((labels == actual) & (predicted == taken_for)))
    explorer.cell(4, 9).tap()
    explorer.says("Actual 4, taken for 9: ")
    explorer.screenshot("05_4_taken_for_9")
    first = explorer.pictures()[0]
    assert np.array_equal(explorer.ink(first), full.x_test[int(first.split("no. ")[1])])
    explorer.cell(4, 9).click()
    explorer.says("All mistakes: ")


def test_the_matrix_by_keyboard(explorer: View) -> None:
    explorer.cell(4, 9).focus()
    explorer.press("ArrowLeft", "ArrowUp", "Enter")
    explorer.says("Actual 3, taken for 8: ")
    explorer.press("ArrowRight", "ArrowRight", "ArrowDown", "Space")  # the last column is the last
    explorer.says("Actual 4, taken for 9: ")
    expect(explorer.cell(4, 9)).to_be_focused()
    explorer.press("Escape")
    explorer.says("All mistakes: ")


def test_the_diagonal_has_pages(explorer: View, guesses, full: Dataset) -> None:
    probabilities = guesses["ReLU"]
    right = np.flatnonzero((full.y_test == 8) & (probabilities.argmax(axis=1) == 8))
    by_doubt = right[np.argsort(probabilities[right].max(axis=1), kind="stable")]
    explorer.cell(8, 8).click()
    explorer.says(f"Actual 8, read right: {len(right)} images, here 1 to 44.")
    assert explorer.pictures()[0] == f"8 → 8, no. {by_doubt[0]}"
    explorer.slider.focus()
    explorer.press("ArrowRight")
    explorer.says("here 45 to 88.")
    assert explorer.pictures()[0] == f"8 → 8, no. {by_doubt[44]}"
    explorer.screenshot("05_diagonal")
    explorer.press("End")
    explorer.says(f" to {len(right)}.")
    explorer.cell(5, 3).click()  # on its first page, which is the only one
    expect(explorer.root.get_by_label("page", exact=True)).to_be_hidden()
    assert len(explorer.pictures()) < 44


def test_the_matrix_in_words_for_those_who_do_not_see_it(explorer: View) -> None:
    controls = explorer.controls()
    assert all(name for _, name in controls)
    assert sum(name.startswith("actual ") for role, name in controls if role == "button") == 100
    assert {("table", "predicted"), ("slider", "page")} <= set(controls)
    stops = explorer.stops()
    # Not a hundred stops
    assert sum(stop.startswith("actual ") for stop in stops) == 1 and "page" in stops


# 04: the epoch scrubber


@pytest.fixture
def scrubber(open_page) -> View:
    view = View(open_page("notebooks/04_training.html").page, "epoch")
    for pressed in view.root.locator("[aria-pressed=true]").all():
        pressed.click()
    view.slider.first.focus()
    view.press("Home")
    view.says("Untrained: ")
    return view


@pytest.fixture(scope="module")
def run() -> Run:
    return load_run(SHIPPED / "relu.npz")


@pytest.fixture(scope="module")
def validation(full: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return split_validation(full.x_train, full.y_train)[1]


def test_each_epoch_shows_its_accuracy_confusions_and_mistakes(
    scrubber: View, run: Run, validation
) -> None:
    labels = validation[1]
    times_wrong = (run.predicted != labels).sum(axis=0)
    scrubber.screenshot("04_untrained")
    for epoch in range(1, 21):
        scrubber.press("ArrowRight")
        predicted = run.predicted[epoch]
        wrong = int((predicted != labels).sum())
        scrubber.says(
            f"After epoch {epoch}: {run.history['val_accuracy'][epoch - 1]:.2%} right, {wrong} of "
            "6,000 wrong."
        )
        scrubber.says(f"All mistakes: {wrong} image")
        row = [scrubber.cell(4, digit).inner_text() for digit in range(10)]
        assert [int(text.replace("·", "0")) for text in row] == np.bincount(
            predicted[labels == 4], minlength=10
        ).tolist()
        numbers = [int(name.split("no. ")[1]) for name in scrubber.pictures()]
        assert len(numbers) == min(wrong, 44)
        hardness = [times_wrong[number] for number in numbers]
        assert hardness == sorted(hardness, reverse=True)
    scrubber.screenshot("04_after_the_last_epoch")


def test_sliding_through_the_epochs_by_mouse_and_play(scrubber: View) -> None:
    box = scrubber.slider.first.bounding_box()
    scrubber.slider.first.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    scrubber.says("After epoch 20: ")
    scrubber.button("Play").click()
    expect(scrubber.status.first).to_have_text(re.compile(r"^After epoch [12]: "))
    scrubber.button("Pause").click()


def test_a_cell_of_the_matrix_stays_chosen_from_epoch_to_epoch(scrubber: View) -> None:
    scrubber.cell(4, 9).click()
    scrubber.says("Actual 4, taken for 9: ")
    scrubber.slider.first.focus()
    scrubber.press("ArrowRight")
    scrubber.says("After epoch 1: ")
    expect(scrubber.cell(4, 9)).to_have_attribute("aria-pressed", "true")
    assert {name.split(",")[0] for name in scrubber.pictures()} == {"4 → 9"}


def test_the_scrubber_in_words_for_those_who_do_not_see_it(scrubber: View) -> None:
    assert all(name for _, name in scrubber.controls())
    assert scrubber.stops() >= {"Play", "epoch", "page"}


# 07: feature maps

_DARKEST = """(canvas) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] < data[found] && data[at + 3]) found = at; // not where nothing is drawn
  }
  return { x: ((found / 4) % width) + 1, y: Math.floor(found / 4 / width) + 1 };
}"""


@pytest.fixture
def maps(open_page) -> View:
    view = View(open_page("notebooks/07_inside_the_network.html").page, "convolution")
    view.button("Clear").click()
    view.select("convolution", "1")
    view.select("convolution", "0")  # and no place is chosen any more
    view.slider.focus()
    view.press("Home")
    view.says("Image 0, labelled 7; the network says 7, with")
    view.every, view.enlarged = view.root.locator(".mnist-mosaic canvas").all()
    return view


@pytest.fixture(scope="module")
def relu() -> keras.Model:
    return load_run(SHIPPED / "relu.npz").load_model()


def layers_by_scipy(model: keras.Model, image: np.ndarray) -> list[np.ndarray]:
    """The maps (height, width, n) of the three convolutions of the relu network, without Keras."""
    maps = image[..., np.newaxis] / 255
    found = []
    weights = model.get_weights()
    for number in range(3):
        kernels, bias = weights[2 * number : 2 * number + 2]
        single = [correlate(maps, kernels[..., at], "valid")[..., 0] for at in range(len(bias))]
        maps = np.maximum(np.stack(single, axis=2) + bias, 0)
        found.append(maps)
        side = len(maps) // 2
        maps = maps[: 2 * side, : 2 * side].reshape(side, 2, side, 2, -1).max(axis=(1, 3))
    return found


@pytest.mark.parametrize("pointer", ["mouse", "touch"])
@pytest.mark.parametrize("number", range(3))
def test_who_points_at_the_darkest_spot_gets_the_largest_number(
    maps: View, relu, full, number, pointer
) -> None:
    values = layers_by_scipy(relu, full.x_test[0])[number]
    row, column, chosen = np.unravel_index(values.argmax(), values.shape)
    maps.select("convolution", number)
    said = (
        f"Convolution {number + 1}, map {chosen}, row {row}, column {column}: {values.max():.3f}."
    )
    maps.says(said)
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


def test_maps_of_an_opened_image_leave_out_its_frame_and_say_so(
    maps: View, photograph: Image.Image, tmp_path: Path
) -> None:
    ImageOps.expand(ImageOps.expand(photograph, 40, 220), 10, 30).save(tmp_path / "framed.png")
    open_image(maps, tmp_path / "framed.png")
    maps.says("Your drawing, without a frame; the network says 5, with")


def lines(view: View) -> list[tuple[str, list[np.ndarray], float]]:
    """The lines of the table: the name, the grids of numbers, and the number at the end.

    The grids are window, kernel and products; some lines have none.
    """
    found = []
    for row in view.root.locator(".mnist-sum > tbody > tr").all()[1:]:
        grids = [grid.locator("td").all_inner_texts() for grid in row.locator(".mnist-grid").all()]
        numbers = [np.array(grid, float).reshape(3, 3) for grid in grids]
        found.append(
            (
                row.locator("> th").inner_text(),
                numbers,
                float(row.locator("> td").last.inner_text()),
            )
        )
    return found


@pytest.mark.parametrize("number", range(3))
def test_every_sum_adds_up_to_the_number_that_scipy_computes(
    maps: View, relu, full: Dataset, number: int
) -> None:
    maps.select("convolution", number)
    *parts, (name, grids, together), (last, _, after) = lines(maps)
    value = layers_by_scipy(relu, full.x_test[0])[number].max()
    assert (name, grids, last) == ("together", [], "after ReLU")
    assert together == after == pytest.approx(value, abs=6e-4)
    assert sum(total for _, _, total in parts) == pytest.approx(together, abs=0.001 * len(parts))
    detailed = [line for line in parts if line[1]]
    assert len(detailed) == (1 if number == 0 else 3)
    for _, (window, kernel, products), total in detailed:
        np.testing.assert_allclose(window * kernel, products, atol=0.02 * max(1, window.max()))
        assert products.sum() == pytest.approx(total, abs=0.006 * products.size)
    sizes = [abs(total) for _, _, total in detailed]
    assert sizes == sorted(sizes, reverse=True)


def test_one_sees_the_same_number_of_another_digit(maps: View, relu, full: Dataset) -> None:
    maps.enlarged.focus()
    maps.press("ArrowUp")
    row, column, at = (
        int(re.search(rf"{name} (\d+)", maps.status.inner_text())[1])
        for name in ("row", "column", "map")
    )
    maps.slider.focus()
    for index in (1, 2):
        maps.press("ArrowRight")
        value = layers_by_scipy(relu, full.x_test[index])[0][row, column, at]
        maps.says(
            f"Image {index}, labelled {full.y_test[index]}; the network says {full.y_test[index]}, "
            "with"
        )
        maps.says(f"Convolution 1, map {at}, row {row}, column {column}: {value:.3f}.")


def test_maps_and_pixels_by_keyboard(maps: View) -> None:
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
    expect(maps.enlarged).to_have_attribute(
        "aria-label", re.compile("^Map 10, enlarged; row 2, column 1 is chosen")
    )


def test_one_finds_ones_own_digit_in_the_maps(maps: View, tmp_path: Path) -> None:
    of_image = maps.every.screenshot()
    maps.draw(STROKES[4])
    maps.says("Your drawing; the network says 4, with")
    assert maps.every.screenshot() != of_image
    maps.screenshot("07_drawn_4")
    maps.button("Clear").click()
    maps.says("Image 0, labelled 7; the network says 7, with")
    assert maps.every.screenshot() == of_image
    maps.draw(STROKES[4])
    maps.says("Your drawing; the network says 4, with")
    maps.slider.focus()
    maps.press("ArrowRight")  # gives way to the image
    maps.says("Image 1, labelled 2; the network says 2, with")
    assert not maps.canvas.evaluate(
        "(it) => it.getContext('2d').getImageData(0, 0, 280, 280).data.some(Boolean)"
    )
    Image.new("RGB", (300, 100), "beige").save(tmp_path / "blank.png")
    open_image(maps, tmp_path / "blank.png")
    maps.says("The network has nothing to read: nothing is drawn, or too faintly to be seen.")


def test_the_feature_maps_in_words_for_those_who_do_not_see_them(maps: View) -> None:
    controls = maps.controls()
    assert all(name for _, name in controls)
    assert {
        ("combobox", "convolution"),
        ("slider", "image"),
        ("table", "How it is computed"),
        ("table", "kernel"),
    } <= set(controls)
    assert [name.split()[0] for role, name in controls if role == "application"] == [
        "Pad",
        "All",
        "Map",
    ]
    stops = maps.stops()
    assert {"convolution", "image", "Clear", "Open an image…"} <= stops
    assert {stop.split()[0] for stop in stops} >= {"Pad", "All", "Map"}


@pytest.mark.parametrize("which", ["every", "enlarged"])
def test_a_frame_is_around_what_was_chosen(maps: View, which: str) -> None:
    canvas = getattr(maps, which)
    for share in (0.2, 0.6, 0.95):
        box = canvas.bounding_box()
        x, y = share * box["width"], share * box["height"] / 2
        canvas.click(position={"x": x, "y": y})
        box = canvas.bounding_box()  # the click may have scrolled the page
        frame = canvas.locator("xpath=following-sibling::i").bounding_box()
        assert frame["x"] - 1 <= box["x"] + x <= frame["x"] + frame["width"] + 1
        assert frame["y"] - 1 <= box["y"] + y <= frame["y"] + frame["height"] + 1
        assert frame["width"] < box["width"] / 3


# How each theme is switched on, and off again.
THEMES = {
    "the site": (
        "() => (document.body.dataset.theme = 'dark')",
        "() => (document.body.dataset.theme = 'light')",
    ),
    "JupyterLab": (
        "() => (document.body.dataset.jpThemeLight = 'false')",
        "() => (document.body.dataset.jpThemeLight = 'true')",
    ),
}

_COLORS = """(view) => {
  const styles = (selector) =>
    [...view.querySelectorAll(selector)].map((each) => getComputedStyle(each));
  return {
    frames: styles(".mnist-pad i, .mnist-framed i").map((style) => style.borderTopColor),
    page: getComputedStyle(document.body).backgroundColor,
  };
}"""


def channels(color: str) -> tuple[float, float, float]:
    """Red, green and blue in 0..1 of a colour, as a browser computes it or as it is written."""
    if color.startswith("#"):
        return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    numbers = [float(number) for number in re.findall(r"[\d.]+", color)[:3]]
    return tuple(number if color.startswith("color(srgb") else number / 255 for number in numbers)


def frames_are(view: View, theme: str) -> str:
    """Check that all frames have the theme's colour; return the page's."""
    found = view.root.evaluate(_COLORS)
    assert len(found["frames"]) == 4  # the pen, a map, a pixel of it, and the window below that
    for color in found["frames"]:
        expected = channels(SHARED["colors"][theme]["wrong"])
        assert channels(color) == pytest.approx(expected, abs=0.005), theme
    return found["page"]


@pytest.mark.parametrize("theme", THEMES)
def test_frames_follow_the_theme_while_a_view_is_shown(maps: View, theme: str) -> None:
    darken, lighten = THEMES[theme]
    frames_are(maps, "light")
    maps.page.evaluate(darken)
    frames_are(maps, "dark")
    maps.screenshot(f"07_dark_{theme.replace(' ', '_')}")
    maps.page.evaluate(lighten)
    frames_are(maps, "light")


def test_frames_follow_the_system_unless_the_reader_has_chosen(maps: View) -> None:
    for chosen, theme in {"auto": "dark", "light": "light", "dark": "dark"}.items():
        maps.page.emulate_media(color_scheme="dark")
        maps.page.evaluate("(theme) => (document.body.dataset.theme = theme)", chosen)
        frames_are(maps, theme)
    maps.page.emulate_media(color_scheme="light")
    maps.page.evaluate("() => (document.body.dataset.theme = 'auto')")
    frames_are(maps, "light")


def test_colours_of_the_dark_can_be_seen_on_the_page_and_on_paper(maps: View) -> None:
    """By WCAG 2.2, criteria 1.4.3 and 1.4.11: text needs a contrast of 4.5, a frame of 3."""
    maps.page.evaluate("() => (document.body.dataset.theme = 'dark')")
    page = channels(frames_are(maps, "dark"))
    maps.page.evaluate("() => (document.body.dataset.theme = 'auto')")
    right, wrong = (channels(SHARED["colors"]["dark"][name]) for name in ("right", "wrong"))
    assert wcag_contrast_ratio.rgb(right, page) >= 4.5
    assert wcag_contrast_ratio.rgb(wrong, page) >= 4.5
    assert wcag_contrast_ratio.rgb(wrong, (1, 1, 1)) >= 3  # digits lie on white paper
    assert wcag_contrast_ratio.rgb(right, wrong) >= 1.5  # in grey, too
