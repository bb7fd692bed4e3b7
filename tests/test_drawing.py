"""Drawings: found whatever they are drawn with, prepared as MNIST was, refused in words."""

import numpy as np
import pytest
from PIL import Image

from drawings import HEIGHT, SEVEN, WIDTH, draw
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from sheets import KINDS, make_sheet


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return load_run(SHIPPED / "leaky_relu.npz").load_model()


def colored(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    return np.where(SEVEN[..., np.newaxis] > 0, np.uint8(ink), np.uint8(paper))


@pytest.mark.parametrize(
    "pixels",
    [
        255 - SEVEN,
        SEVEN,
        SEVEN > 0,
        SEVEN / 255,
        (1 - SEVEN / 255).astype("float16"),
        SEVEN.astype("int64"),
        200 - SEVEN // 4 * 3,  # grey on light grey
        SEVEN[..., np.newaxis],
        colored((200, 30, 30), (255, 255, 255)),
        colored((255, 255, 0), (255, 255, 255)),
        colored((0, 120, 120), (120, 0, 120)),
        # Black ink, transparent white paper
        np.dstack([colored((0, 0, 0), (255, 255, 255)), SEVEN]),
        # White ink, transparent paper
        np.dstack([colored((255, 255, 255), (255, 255, 255)), SEVEN]),
        np.dstack([colored((255, 255, 255), (0, 0, 0)), np.full_like(SEVEN, 255)]),
        np.dstack([np.random.default_rng(0).integers(0, 256, (*SEVEN.shape, 3), "uint8"), SEVEN]),
        np.where(
            np.arange(280)[:, np.newaxis] < 60,
            colored((0, 0, 0), (255, 255, 255)),
            colored((255, 0, 0), (255, 255, 255)),
        ),
    ],
    ids=[
        "dark on light",
        "light on dark",
        "booleans",
        "floats",
        "half floats",
        "integers",
        "greys",
        "one channel",
        "red",
        "yellow on white",
        "teal on purple",
        "transparent paper",
        "white on transparent paper",
        "opaque",
        "all colours",
        "two colours",
    ],
)
def test_ink_is_found_whatever_it_is_drawn_with(pixels: np.ndarray) -> None:
    ink = find_ink(pixels)
    assert ink.dtype == np.float32
    np.testing.assert_allclose(ink, SEVEN / 255, atol=1e-3)


def test_shadows_and_noise_are_not_taken_for_ink() -> None:
    rng = np.random.default_rng(0)
    light = np.linspace(255, 215, 280)  # the sheet is darker on one side
    photograph = np.where(SEVEN > 0, 40, light + rng.uniform(-10, 0, SEVEN.shape)).astype("uint8")
    assert np.array_equal(find_ink(photograph) > 0, SEVEN > 0)


@pytest.mark.parametrize("kind", ["gradient", "shadow", "lamp"])
@pytest.mark.parametrize("paper, pen", [(250, 40), (60, 240)])
def test_the_paper_may_be_lit_unevenly(kind: str, paper: int, pen: int) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    light = {
        "gradient": 1 - columns / WIDTH / 2,
        "shadow": np.where(columns + rows / 3 < 90, 0.5, 1),
        "lamp": 1 - 0.4 * ((rows / HEIGHT - 0.5) ** 2 + (columns / WIDTH - 0.5) ** 2) / 0.5,
    }[kind]
    pixels = np.rint(light * np.where(SEVEN > 0, pen, paper)).astype("uint8")
    for each in (pixels, np.dstack([pixels, pixels // 2, pixels // 3])):
        assert np.array_equal(find_ink(each) > 0, SEVEN > 0)


@pytest.mark.slow
def test_digits_are_read_on_every_kind_of_sheet(full: Dataset, model: keras.Model) -> None:
    """Of validation images, 5 on each kind, as 99 % are on a clean sheet."""
    count = 5
    images, labels = full.x_train[-count:], full.y_train[-count:]
    seen = [
        center_in_box(find_ink(make_sheet(kind, image, seed)))
        for kind in KINDS
        for seed, image in enumerate(images)
    ]
    right = predict(model, np.stack(seen)).argmax(axis=1).reshape(-1, count) == labels
    assert right.mean() > 0.97
    assert [kind for kind, each in zip(KINDS, right, strict=True) if each.sum() < count - 2] == []


def test_a_stroke_may_run_over_the_edge_of_the_paper() -> None:
    stroke = draw((100, 100), [(0, 50), (100, 50)], 60)
    np.testing.assert_allclose(find_ink(255 - stroke), stroke / 255)


@pytest.mark.parametrize(
    "points, width",
    [
        ([(30, 40), (85, 40), (55, 120)], 12),
        ([(100, 20), (100, 150)], 1),  # hardly a stroke
        ([(5, 60), (270, 60)], 9),
        ([(100, 100), (101, 101)], 3),  # a dot, to be enlarged
        ([(0, 0), (60, 0), (60, 199)], 30),  # over the edge
        # Its mass far off its middle
        ([(20, 150), (250, 150), (250, 20), (251, 20), (251, 150)], 3),
    ],
)
def test_a_drawing_fills_the_box_with_its_mass_in_the_middle(points: list, width: int) -> None:
    image = center_in_box(find_ink(draw((280, 200), points, width)))
    assert image.dtype == np.uint8 and image.shape == (28, 28) and image.max() > 90
    extents, middles = [], []
    for axis in (0, 1):
        along = image.sum(axis=1 - axis)
        places = np.flatnonzero(along)
        extents.append(places[-1] - places[0] + 1)
        at_the_edge = places[0] == 0 or places[-1] == 27  # it may go no further
        middles.append(at_the_edge or abs((places * along[places]).sum() / along.sum() - 14) <= 0.5)
    assert max(extents) in (19, 20) and all(middles)


@pytest.mark.parametrize("side, left", [("left", 8), ("right", 0)])
def test_no_digit_is_pushed_off_the_image(side: str, left: int) -> None:
    ink = np.full((20, 20), 0.05)
    ink[:, :2] = 1
    ink = ink if side == "left" else ink[:, ::-1]
    image = center_in_box(ink)
    assert np.array_equal(image[4:24, left : left + 20], np.round(255 * ink))
    assert image.astype(int).sum() == np.round(255 * ink).sum()


def test_the_digits_of_mnist_itself_stay_as_they_are(sample: Dataset) -> None:
    assert all(np.array_equal(center_in_box(image / 255), image) for image in sample.x_test)


def test_prepared_digits_are_read_wherever_and_however_large_they_were_drawn(
    full: Dataset, model: keras.Model
) -> None:
    rng = np.random.default_rng(1)
    sheets = np.full((250, 200, 150), 255, "uint8")
    for sheet, image in zip(sheets, full.x_test, strict=False):
        side = rng.integers(40, 140)
        top, left = rng.integers(0, 200 - side), rng.integers(0, 150 - side)
        sheet[top : top + side, left : left + side] -= np.asarray(
            Image.fromarray(image).resize((side, side))
        )
    prepared, shrunk = (
        np.mean(
            predict(model, np.stack([way(find_ink(sheet)) for sheet in sheets])).argmax(1)
            == full.y_test[:250]
        )
        for way in (center_in_box, shrink)
    )
    assert prepared > 0.98 and shrunk < 0.6


@pytest.mark.parametrize("width", [1, 2, 3, 6, 12, 25])
@pytest.mark.parametrize("size", [280, 3000])
def test_a_pen_of_any_width_is_read(model: keras.Model, width: int, size: int) -> None:
    scale = size / 280
    points = [(scale * x, scale * y) for x, y in [(50, 60), (190, 60), (110, 230)]]
    image = center_in_box(find_ink(255 - draw((size, size), points, round(width * scale))))
    assert image.max() == 255  # as in MNIST, however thin the line
    assert predict(model, image[np.newaxis]).argmax() == 7


def test_a_line_of_one_pixel_is_found_on_a_large_image() -> None:
    pixels = np.full((2999, 3001), 255, "uint8")
    pixels[500:2500, 1501] = 0
    image = center_in_box(find_ink(pixels))
    assert image.max() == 255 and (image > 0).any(axis=1).sum() == 20


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (2, 3000)])
def test_a_strip_is_not_enlarged(shape: tuple[int, int]) -> None:
    strip = np.zeros(shape, "uint8")
    strip[:, : shape[1] // 2] = 255
    strip[: shape[0] // 2] = 255
    assert 0 < find_ink(strip).size <= 2000


def test_shrinking_averages_the_whole_sheet() -> None:
    ink = np.random.default_rng(0).random((280, 140), "float32")
    expected = np.asarray(
        Image.fromarray((255 * ink).astype("uint8")).resize((28, 28), Image.Resampling.BILINEAR)
    )
    assert np.abs(shrink(ink).astype(int) - expected).max() <= 2  # Pillow rounds three times
    assert shrink(np.ones((7, 9))).min() == 255


def test_a_huge_image_is_read_like_a_small_one() -> None:
    small = find_ink(SEVEN)
    huge = find_ink(np.kron(SEVEN, np.ones((30, 30), "uint8")))
    assert max(huge.shape) <= 1000
    moved = (np.roll(center_in_box(small), shift, axis=(0, 1)) for shift in np.ndindex(3, 3))
    # The centres may round differently
    reference = np.roll(center_in_box(huge), (1, 1), axis=(0, 1)).astype(int)
    assert min(np.abs(reference - each).mean() for each in moved) < 3


@pytest.mark.parametrize(
    "pixels, message",
    [
        (np.zeros((28, 28)), "nothing is drawn"),
        (np.full((28, 28, 3), 255, "uint8"), "nothing is drawn"),
        (np.zeros((28, 28, 4), "uint8"), "nothing is drawn"),
        (200 + SEVEN // 20, "too faintly"),
        (np.where(SEVEN > 0, np.nan, 0.0), r"pixels must lie in 0\.\.1, not in nan"),
        (SEVEN.astype("float32"), r"pixels must lie in 0\.\.1, not in 0\.0\.\.255\.0"),
        (-SEVEN.astype("int16"), r"pixels must lie in 0\.\.255, not in -255\.\.0"),
        (SEVEN.astype("uint16") * 257, r"pixels must lie in 0\.\.255, not in 0\.\.65535"),
        (np.zeros((0, 28)), r"not float64 of shape \(0, 28\)"),
        (np.zeros(784), r"an image has numbers of shape .* not float64 of shape \(784,\)"),
        (np.zeros((28, 28, 2)), r"not float64 of shape \(28, 28, 2\)"),
        (np.zeros((1, 28, 28, 1)), r"not float64 of shape \(1, 28, 28, 1\)"),
        (np.full((28, 28), "x"), "an image has numbers"),
        (np.full((28, 28), None), "an image has numbers"),
        (np.zeros((28, 28), complex), "an image has numbers"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_ink(pixels)


def test_an_image_without_ink_cannot_be_centred() -> None:
    with pytest.raises(ValueError, match="no ink"):
        center_in_box(np.zeros((28, 28)))
    specks = np.zeros((1000, 1000), "uint8")
    specks[[0, 999], [0, 999]] = 255
    assert center_in_box(find_ink(specks)).max() == 255  # two specks are few, but all there is
