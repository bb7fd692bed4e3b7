"""Digits on photographs, in colour."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mnist_cnn.data import Dataset
from mnist_cnn.photographs import load_photographs, put_on_photographs


def places_of(patch: np.ndarray) -> list[tuple[int, int]]:
    """All (row, column) at which a patch (28, 28, 3) lies in one of the photographs."""
    found = []
    for photograph in load_photographs():
        corners = (photograph[:-27, :-27] == patch[0, 0]).all(axis=2)
        windows = sliding_window_view(photograph, (28, 28, 3))[:, :, 0]
        found += [
            (int(row), int(column))
            for row, column in np.argwhere(corners)
            if np.array_equal(windows[row, column], patch)
        ]
    return found


def test_the_photographs_are_two_in_colour() -> None:
    photographs = load_photographs()
    assert [(each.shape, each.dtype) for each in photographs] == [((427, 640, 3), "uint8")] * 2


def test_without_ink_there_are_patches_of_the_asked_side() -> None:
    blank = np.zeros((40, 28, 28), "uint8")
    for side, first, last in (("left", 0, 420), ("right", 420, 640)):
        places = [
            place for patch in put_on_photographs(blank, side, 3) for place in places_of(patch)
        ]
        assert len(places) >= 40
        columns = [column for _, column in places]
        # A patch of clear sky may lie in other places as well, but none reaches across
        assert sum(first <= column <= last - 28 for column in columns) >= 40
    left = put_on_photographs(blank, "left", 3)
    assert len({patch.tobytes() for patch in left}) > 30  # each on a patch of its own


def test_ink_inverts_the_patch(sample: Dataset) -> None:
    images = sample.x_train[:10]
    patches = put_on_photographs(np.zeros_like(images), "left", 5).astype(int)
    inked = put_on_photographs(np.full_like(images, 255), "left", 5)
    assert np.array_equal(inked, 255 - patches)
    digits = put_on_photographs(images, "left", 5)
    expected = np.where(
        patches > images[..., None], patches - images[..., None], images[..., None] - patches
    )
    assert digits.dtype == "uint8" and np.array_equal(digits, expected)


def test_a_seed_gives_the_same_patches_and_another_seed_others(sample: Dataset) -> None:
    first, again, other = (
        put_on_photographs(sample.x_train[:5], "right", seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_wrong_arguments_are_refused(sample: Dataset) -> None:
    images = sample.x_train[:2]
    with pytest.raises(ValueError, match="side must be one of left, right"):
        put_on_photographs(images, "top", 0)
    with pytest.raises(ValueError, match="images must be uint8"):
        put_on_photographs(images / 255, "left", 0)
    with pytest.raises(ValueError, match="seed"):
        put_on_photographs(images, "left", -1)
