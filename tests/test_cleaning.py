"""Cleaning: specks, frames and ruled lines are left out, and nothing of the digit is."""

import numpy as np
import pytest

from drawings import HEIGHT, SEVEN, WIDTH, draw
from mnist_cnn.drawing import find_ink

GREY = (255 - SEVEN).astype("uint8")  # black ink on white paper


def mark(*places: tuple, value: int = 0) -> np.ndarray:
    """The seven on white paper, with rows and columns marked."""
    pixels = GREY.copy()
    for place in places:
        pixels[place] = value
    return pixels


def frame(wide: int, inset: int = 0, value: int = 0) -> np.ndarray:
    """The seven inside a frame."""
    pixels = np.full_like(GREY, 255)
    pixels[inset : HEIGHT - inset, inset : WIDTH - inset] = value
    inner = np.s_[inset + wide : HEIGHT - inset - wide, inset + wide : WIDTH - inset - wide]
    pixels[inner] = GREY[inner]
    return pixels


@pytest.mark.parametrize(
    "pixels",
    [
        mark(np.s_[0, 0]),
        mark(np.s_[199, 279]),
        mark(np.s_[10, 10:12], np.s_[150:153, 200:203], np.s_[60, 130], np.s_[190, 30]),
        frame(1),
        frame(3),
        frame(5),
        frame(8),
        frame(5, value=150),
        255 - frame(3),
        frame(3, inset=7),
        frame(1, inset=20),
        mark(
            np.s_[20:140, 10:13],
            np.s_[20:140, 120:123],
            np.s_[20:23, 10:123],
            np.s_[137:140, 10:123],
        ),
        mark(np.s_[150]),
        mark(np.s_[10], np.s_[150:153], np.s_[:, 200:203], value=100),
        mark(np.s_[:, :8]),
        mark(np.s_[190:, :], value=60),
        mark(np.s_[:30, 240:], value=60),
        np.dstack([np.zeros_like(SEVEN)] * 3 + [255 - frame(3)]),
    ],
    ids=[
        "pixel",
        "last pixel",
        "specks",
        "frame of 1",
        "frame of 3",
        "frame of 5",
        "frame of 8",
        "grey frame",
        "light on dark",
        "inset",
        "thin, inset",
        "box",
        "rule",
        "rules",
        "strip",
        "dark table",
        "corner",
        "transparent paper",
    ],
)
def test_what_is_not_the_digit_is_left_out(pixels: np.ndarray) -> None:
    assert np.array_equal(find_ink(pixels) > 0, SEVEN > 0)
    assert find_ink(pixels).max() == 1


def test_what_is_left_out_can_be_kept() -> None:
    pixels = mark(np.s_[150:153], np.s_[10, 10])
    assert np.array_equal(find_ink(pixels, clean=False) > 0, pixels == 0)


def test_strokes_along_the_edges_are_found() -> None:
    strokes = [(150, 40), (140, 140), (225, 140)], [(268, 20), (268, 279)]
    four = np.maximum(*(draw((280, 280), stroke, 22) for stroke in strokes))
    for pixels in (255 - four, np.dstack([np.zeros_like(four)] * 3 + [four])):
        assert np.array_equal(find_ink(pixels, clean=False) > 0, four > 0)


@pytest.mark.parametrize(
    "lines",
    [
        [np.s_[60:63]],  # across the digit
        [np.s_[118:120]],  # at its foot
        [np.s_[5::25], np.s_[:, 10::25]],
        [np.s_[26:123, 26:28], np.s_[26:123, 86:88], np.s_[26:28, 26:88], np.s_[121:123, 26:88]],
    ],
    ids=["rule", "at the foot", "squares", "box"],
)
def test_lines_through_the_digit_are_removed(lines: list[tuple]) -> None:
    wrong = (find_ink(mark(*lines)) > 0) != (SEVEN > 0)
    assert np.count_nonzero(wrong) < 0.06 * np.count_nonzero(SEVEN)


@pytest.mark.parametrize(
    "strokes, width",
    [
        ([[(100, 20), (60, 20), (60, 60), (100, 70), (95, 120)], [(130, 15), (160, 15)]], 9),
        ([[(100, 50), (100, 150), (180, 150), (180, 50), (100, 50)]], 3),  # a square 0
        ([[(100, 20), (160, 20), (160, 180), (100, 180), (100, 20)], [(100, 100), (160, 100)]], 4),
        ([[(140, 0), (140, 200)]], 3),  # a 1 from edge to edge is no rule
        ([[(1, 1), (278, 1), (100, 199)]], 3),  # a 7 that was cut out closely
        ([[(60, y), (60, y + 4)] for y in range(20, 180, 12)], 5),  # dotted
        ([[(10, 40), (10, 150)], [(90, 40), (90, 150)]], 6),
    ],
    ids=["5 in two pieces", "square", "8 of a display", "edge to edge", "cut out", "dotted", "two"],
)
def test_what_may_belong_to_the_digit_is_kept(strokes: list, width: int) -> None:
    drawn = np.max([draw((280, 200), stroke, width) for stroke in strokes], axis=0)
    for pixels in (255 - drawn, drawn):
        assert np.array_equal(find_ink(pixels), find_ink(pixels, clean=False))
