"""What must hold for any input, tried on many."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnist_cnn.augmentation import random_affine
from mnist_cnn.data import Dataset, load_images, one_hot, prepare_images, split_validation
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import find_mistakes, rank_by_doubt
from mnist_cnn.exceptions import DataError

settings.register_profile(
    "same every time", derandomize=True, deadline=None, max_examples=200, database=None
)
settings.load_profile("same every time")

images = arrays("uint8", st.tuples(st.integers(1, 4), st.just(28), st.just(28)))
labels = arrays("uint8", st.integers(1, 30), elements=st.integers(0, 9))
sizes = array_shapes(min_dims=2, max_dims=2, max_side=60)
drawings = arrays("uint8", sizes, elements=st.sampled_from([0, 0, 0, 40, 200, 255]))


@given(images)
def test_preparation_can_be_undone(images: np.ndarray) -> None:
    prepared = prepare_images(images)
    assert prepared.dtype == np.float32 and prepared.shape == (*images.shape, 1)
    assert np.array_equal(np.rint(prepared[..., 0] * 255).astype("uint8"), images)
    assert 0 <= prepared.min() <= prepared.max() <= 1


others = st.sampled_from(["float32", "int64", "bool", "uint16"])


@given(
    st.one_of(
        arrays(others, (2, 28, 28)),
        arrays("uint8", array_shapes(max_dims=4, min_side=0, max_side=27)),
    )
)
def test_preparation_refuses_everything_else(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="images must be uint8"):
        prepare_images(array)


@given(labels)
def test_each_one_hot_row_has_a_single_1_at_its_label(labels: np.ndarray) -> None:
    encoded = one_hot(labels)
    assert encoded.shape == (len(labels), 10) and encoded.dtype == np.float32
    assert encoded.sum() == len(labels) and set(encoded.ravel().tolist()) <= {0.0, 1.0}
    assert all(row[label] == 1 for row, label in zip(encoded, labels, strict=True))


@given(
    arrays(
        "int64",
        st.integers(1, 20),
        elements=st.one_of(st.integers(-1, 10), st.integers(-(2**63), 2**63 - 1)),
    )
)
def test_one_hot_takes_digits_and_nothing_else(labels: np.ndarray) -> None:
    if all(0 <= label <= 9 for label in labels.tolist()):
        assert one_hot(labels).argmax(axis=1).tolist() == labels.tolist()
    else:
        with pytest.raises(ValueError, match=r"labels must lie in 0\.\.9"):
            one_hot(labels)


@given(st.integers(2, 200))
def test_the_split_loses_no_image_and_keeps_their_order(n: int) -> None:
    images, labels = np.arange(n), np.arange(n) % 10
    (x_train, y_train), (x_val, y_val) = split_validation(images, labels)
    assert [*x_train, *x_val] == images.tolist() and [*y_train, *y_val] == labels.tolist()
    assert len(x_train) >= 1 and n / 10 <= len(x_val) < n / 10 + 1


@settings(max_examples=30)
@given(images, st.integers(0, 2**32 - 1))
def test_augmented_images_stay_images(images: np.ndarray, seed: int) -> None:
    prepared = prepare_images(images)
    moved = random_affine(prepared, np.random.default_rng(seed))
    assert moved.shape == prepared.shape and moved.dtype == np.float32
    assert moved.min() >= 0 and moved.max() <= 1


@given(labels, st.data())
def test_every_mistake_is_found_and_every_image_ranked(
    labels: np.ndarray, more: st.DataObject
) -> None:
    probabilities = more.draw(
        arrays("float32", (len(labels), 10), elements=st.floats(0, 1, width=32))
    )
    mistakes, ranked = find_mistakes(labels, probabilities), rank_by_doubt(probabilities)
    assert sorted(mistakes) == np.flatnonzero(probabilities.argmax(axis=1) != labels).tolist()
    sure = probabilities.max(axis=1)
    assert np.all(np.diff(sure[mistakes]) <= 0) and np.all(np.diff(sure[ranked]) >= 0)
    assert sorted(ranked) == list(range(len(labels)))


@given(drawings)
def test_any_drawing_becomes_an_image_like_mnists_or_is_refused(pixels: np.ndarray) -> None:
    try:
        seen = center_in_box(find_ink(pixels))
    except ValueError as error:
        assert "nothing is drawn" in str(error)
        return
    assert seen.shape == (28, 28) and seen.dtype == np.uint8 and seen.any()
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert np.ptp(rows) < 20 and np.ptp(columns) < 20
    assert shrink(find_ink(pixels)).shape == (28, 28)


@given(drawings, st.integers(0, 40), st.integers(0, 40))
def test_where_it_is_drawn_makes_no_difference(pixels: np.ndarray, down: int, right: int) -> None:
    pixels = np.pad(pixels, 1)
    assume(pixels.any())
    moved = np.pad(pixels, ((down, 40 - down), (right, 40 - right)))
    assert np.array_equal(
        find_ink(moved)[down : down + len(pixels), right : right + pixels.shape[1]],
        find_ink(pixels),
    )
    assert np.array_equal(center_in_box(find_ink(moved)), center_in_box(find_ink(pixels)))


@given(arrays("uint8", array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=12)))
def test_ink_is_found_in_any_pixels_or_they_are_refused_with_a_reason(pixels: np.ndarray) -> None:
    try:
        ink = find_ink(pixels)
    except ValueError as error:
        assert any(
            words in str(error) for words in ("an image has", "pixels must be", "nothing is drawn")
        )
    else:
        assert ink.shape == pixels.shape[:2] and ink.min() >= 0 and ink.max() == 1


def damages(good: bytes, headers: list[int], directory: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Eighty changes of an archive: a place, the bytes that are there, and what replaces them.

    Args:
        good: the archive.
        headers: where the headers of its members begin.
        directory: where the zip directory begins, which goes to the end.
    """
    rng = np.random.default_rng(0)
    for number in range(80):
        header = headers[rng.integers(4)] + rng.integers(190)  # zip's and NumPy's
        pixel = rng.integers(1000, 47_000_000)
        place = int([header, pixel, *rng.integers(directory, len(good), 3)][number % 5])
        size = int(rng.integers(1, 9))
        old = good[place : place + size]
        flipped = bytes([old[0] ^ 1 << rng.integers(8)]) + old[1:]
        choices = [rng.bytes(len(old)), flipped]
        if place >= directory:
            choices += [b"", old * 2]
        yield place, old, choices[rng.integers(len(choices))]


@pytest.mark.slow
def test_no_change_to_an_archive_lets_other_digits_in(full: Dataset, tmp_path: Path) -> None:
    """Whatever bytes of an archive are changed, the reader gives MNIST or raises a DataError.

    A few bytes are changed in a header, in the pixels, or in the zip directory at the end of the
    file, of which some are also cut out or doubled.
    """
    path = tmp_path / "mnist.npz"
    true = {name: getattr(full, name) for name in ("x_train", "y_train", "x_test", "y_test")}
    np.savez(path, **true)
    good = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        headers = [member.header_offset for member in archive.infolist()]
        directory = archive.start_dir
    outcomes = {"read": 0, "refused": 0}
    with path.open("r+b") as file:
        for place, old, new in damages(good, headers, directory):
            tail = good[place + len(old) :] if len(new) != len(old) else b""
            file.seek(place)
            file.write(new + tail)
            file.truncate(len(good) - len(old) + len(new))
            file.flush()
            try:
                digits = load_images(path)
            except DataError:
                outcomes["refused"] += 1
            else:
                outcomes["read"] += 1
                for name, array in true.items():
                    assert np.array_equal(getattr(digits, name), array)
            file.seek(place)
            file.write(old + tail)
            file.truncate(len(good))
    assert path.read_bytes() == good
    assert min(outcomes.values()) > 10, outcomes
