"""The feature maps of notebook 07, on the site: maps, and how a number of them is computed."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect
from scipy.signal import correlate

from mnist_cnn.data import Dataset
from mnist_cnn.runs import SHIPPED, load_run
from viewing import STROKES, View

pytestmark = pytest.mark.browser

_DARKEST = """(canvas) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] < data[found] && data[at + 3]) found = at; // not where nothing is drawn
  }
  return { x: ((found / 4) % width) + 1, y: Math.floor(found / 4 / width) + 1 };
}"""


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
    maps: View, relu: keras.Model, full: Dataset, number: int, pointer: str
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
    maps.open_image(tmp_path / "framed.png")
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
    maps: View, relu: keras.Model, full: Dataset, number: int
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


def test_one_sees_the_same_number_of_another_digit(
    maps: View, relu: keras.Model, full: Dataset
) -> None:
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
    maps.open_image(tmp_path / "blank.png")
    maps.says("The network has nothing to read: nothing is drawn, or too faintly to be seen.")


def test_maps_and_table_are_gone_while_there_is_nothing_to_read(maps: View, tmp_path: Path) -> None:
    table = maps.root.get_by_role("table", name="How it is computed")
    seen = maps.root.get_by_role("img", name="what the network sees")
    Image.new("RGB", (300, 100), "beige").save(tmp_path / "blank.png")
    maps.open_image(tmp_path / "blank.png")
    maps.says("The network has nothing to read: nothing is drawn, or too faintly to be seen.")
    for part in (maps.every, maps.enlarged, table, seen):
        expect(part).to_be_hidden()
    assert not [stop for stop in maps.stops() if stop.startswith(("All", "Map"))]
    maps.screenshot("07_nothing_to_read")
    maps.button("Clear").click()
    maps.draw(STROKES[4])
    maps.says("Your drawing; the network says 4, with")
    for part in (maps.every, maps.enlarged, table, seen):
        expect(part).to_be_visible()


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
        "All",
        "Pad",
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
