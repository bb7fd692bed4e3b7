"""The drawing pad, on the site: by mouse, pen, finger and keyboard, and with image files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from pages import SitePage
from viewing import SCREENSHOTS, STROKES, View

pytestmark = pytest.mark.browser


@pytest.fixture
def pad(open_page: Callable[[str], SitePage]) -> View:
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
        pad.open_image(tmp_path / "paper.png")
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


_COUNT_PICTURES = """(view) => {
  window.pictures = 0;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      window.pictures += [...addedNodes].filter(({ tagName }) => tagName === "CANVAS").length;
  }).observe(view, { childList: true, subtree: true });
}"""
_COMPRESS = """async () => {
  const drawing = new Blob([new Uint8Array(4 * 280 * 280)]);
  await new Response(drawing.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}"""


def test_a_dot_is_read_when_it_is_drawn_and_not_again_when_it_is_saved(pad: View) -> None:
    pad.root.evaluate(_COUNT_PICTURES)
    pad.canvas.focus()
    pad.press("Space", "Space")
    pad.says("The network says ")
    pad.page.evaluate(_COMPRESS)  # takes as long as the drawing's own compression, begun before
    pad.answered()
    assert pad.page.evaluate("() => window.pictures") == 1


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
    pad.open_image(tmp_path / kind)
    pad.says("The network says 5, with")
    pad.screenshot(f"06_file_{kind.replace('.', '_')}")


def test_what_is_left_out_is_said_and_can_be_kept(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    leave_out = pad.root.get_by_label("leave out what is not the digit")
    photograph.save(tmp_path / "clean.png")
    pad.open_image(tmp_path / "clean.png")
    pad.says("The network says 5, with")
    expect(leave_out).to_be_hidden()
    clean = pad.ink("what the network sees")
    framed = ImageOps.expand(ImageOps.expand(photograph, 40, 220), 10, 30)
    framed.putpixel((30, 30), 30)
    framed.save(tmp_path / "framed.png")
    pad.open_image(tmp_path / "framed.png")
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
        pad.open_image(tmp_path / "five.png", by)
        pad.says("The network says 5, with")
        pad.button("Clear").click()
        pad.says("Draw a digit")


@pytest.mark.parametrize("content", [b"", b"<html>no image</html>", b"\x89PNG\r\n\x1a\n cut off"])
def test_a_file_that_is_no_image_is_refused_in_words(
    pad: View, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    pad.open_image(tmp_path / "picture.png")
    pad.says("This file is not an image that the browser can show.")
    pad.draw(STROKES[1])
    pad.says("The network says 1, with")


def test_an_image_whose_end_is_missing_is_read_as_far_as_the_browser_shows_it(
    pad: View, photograph: Image.Image, tmp_path: Path
) -> None:
    photograph.save(tmp_path / "five.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "five.png").read_bytes()[:8000])
    pad.open_image(tmp_path / "half.png")
    pad.says("The network says ")
    pad.screenshot("06_file_half")


@pytest.mark.parametrize("paper", ["beige", "black", "white"])
def test_a_blank_image_says_that_nothing_is_there(pad: View, tmp_path: Path, paper: str) -> None:
    Image.new("RGB", (300, 100), paper).save(tmp_path / "blank.png")
    pad.open_image(tmp_path / "blank.png")
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
    pad.open_image(tmp_path / "blank.png")
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
    pad.open_image(tmp_path / "blank.png")
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


# On the first page, with the maps of the first convolution


def test_on_the_first_page_maps_move_while_one_draws(open_page: Callable[[str], SitePage]) -> None:
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
