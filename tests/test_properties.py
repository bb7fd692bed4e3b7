"""What has to hold for any input, tried on many; and a reader of archives that no bytes can fool."""

import io
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnist_cnn import data
from mnist_cnn.data import DataError, load_mnist, one_hot, prepare_images, random_affine, split_validation
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.evaluation import compare, confusion_matrix, find_mistakes, rank_by_doubt, wilson_interval

settings.register_profile("same every time", derandomize=True, deadline=None, max_examples=200)
settings.load_profile("same every time")

images = arrays("uint8", st.tuples(st.integers(0, 4), st.just(28), st.just(28)))
labels = arrays("uint8", st.integers(0, 30), elements=st.integers(0, 9))
sizes = array_shapes(min_dims=2, max_dims=2, max_side=60)
drawings = arrays("uint8", sizes, elements=st.sampled_from([0, 0, 0, 40, 200, 255]))


@st.composite
def predictions(draw, networks: int = 1) -> list[np.ndarray]:
    """Labels, and as many predicted digits by each network."""
    n = draw(st.integers(1, 30))
    return [draw(arrays("int64", n, elements=st.integers(0, 9))) for _ in range(1 + networks)]


@given(images)
def test_preparation_can_be_undone(images: np.ndarray) -> None:
    prepared = prepare_images(images)
    assert prepared.dtype == np.float32 and prepared.shape == (*images.shape, 1)
    assert np.array_equal(np.rint(prepared[..., 0] * 255).astype("uint8"), images)
    assert not prepared.size or 0 <= prepared.min() <= prepared.max() <= 1


others = st.sampled_from(["float32", "int64", "bool", "uint16"])


@given(st.one_of(arrays(others, (2, 28, 28)), arrays("uint8", array_shapes(max_dims=4, max_side=27))))
def test_whatever_else_is_refused_by_preparation(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="images must be uint8"):
        prepare_images(array)


@given(labels)
def test_one_hot_has_one_1_a_row_where_the_label_says(labels: np.ndarray) -> None:
    encoded = one_hot(labels)
    assert encoded.shape == (len(labels), 10) and encoded.dtype == np.float32
    assert encoded.sum() == len(labels) and set(encoded.ravel().tolist()) <= {0.0, 1.0}
    assert all(row[label] == 1 for row, label in zip(encoded, labels, strict=True))


@given(arrays("int64", st.integers(1, 20), elements=st.one_of(st.integers(-1, 10), st.integers(-(2**63), 2**63 - 1))))
def test_one_hot_takes_digits_and_nothing_else(labels: np.ndarray) -> None:
    if all(0 <= label <= 9 for label in labels.tolist()):
        assert one_hot(labels).argmax(axis=1).tolist() == labels.tolist()
    else:
        with pytest.raises(ValueError, match="labels must lie in 0..9"):
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
    assert not moved.size or (moved.min() >= 0 and moved.max() <= 1)


@given(st.integers(1, 10**6), st.data())
def test_the_interval_holds_the_proportion_and_narrows_with_more_images(total: int, more: st.DataObject) -> None:
    correct = more.draw(st.integers(0, total))
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total + 1e-12 and correct / total - 1e-12 <= high <= 1 and low < high
    other_low, other_high = wilson_interval(total - correct, total)  # of the wrong answers: the same, mirrored
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-9)
    more_low, more_high = wilson_interval(10 * correct, 10 * total)
    assert more_high - more_low < high - low


@given(predictions())
def test_the_confusion_matrix_counts_every_image_once(pair: list[np.ndarray]) -> None:
    labels, predicted = pair
    counts = confusion_matrix(labels, predicted)
    assert counts.tolist() == [
        [sum(a == y and p == x for a, p in zip(labels, predicted)) for x in range(10)] for y in range(10)]  # fmt: skip
    assert np.array_equal(confusion_matrix(predicted, labels), counts.T)


@given(predictions(networks=2))
def test_a_comparison_counts_every_image_once_and_is_the_same_from_both_sides(three: list[np.ndarray]) -> None:
    labels, first, second = three
    result, mirrored = compare(labels, first, second), compare(labels, second, first)
    assert result.both_right + result.only_first_right == np.sum(first == labels)
    assert result.both_right + result.only_second_right == np.sum(second == labels)
    assert result.both_wrong == np.sum((first != labels) & (second != labels))
    assert 0 <= result.p_value <= 1 and result.p_value == pytest.approx(mirrored.p_value)


@given(labels, st.data())
def test_mistakes_are_all_that_is_wrong_and_doubt_ranks_all(labels: np.ndarray, more: st.DataObject) -> None:
    probabilities = more.draw(arrays("float32", (len(labels), 10), elements=st.floats(0, 1, width=32)))
    mistakes, ranked = find_mistakes(labels, probabilities), rank_by_doubt(probabilities)
    assert set(mistakes) == set(np.flatnonzero(probabilities.argmax(axis=1) != labels))
    sure = probabilities.max(axis=1)
    assert np.all(np.diff(sure[mistakes]) <= 0) and np.all(np.diff(sure[ranked]) >= 0)
    assert sorted(ranked) == list(range(len(labels)))


@given(drawings)
def test_any_drawing_becomes_an_image_like_mnists_or_is_refused(pixels: np.ndarray) -> None:
    try:
        seen = center_in_box(find_ink(pixels))
    except ValueError as error:
        assert "nothing is drawn" in str(error) or "too little ink" in str(error)
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
    assert np.array_equal(find_ink(moved)[down : down + len(pixels), right : right + pixels.shape[1]], find_ink(pixels))
    assert np.array_equal(center_in_box(find_ink(moved)), center_in_box(find_ink(pixels)))


@given(arrays("uint8", array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=12)))
def test_no_pixels_make_the_search_for_ink_fail_in_another_way(pixels: np.ndarray) -> None:
    try:
        ink = find_ink(pixels)
    except ValueError as error:
        assert "an image has shape" in str(error) or "nothing is drawn" in str(error)
    else:
        assert ink.shape == pixels.shape[:2] and ink.min() >= 0 and ink.max() == 1


SECONDS = 20  # for the archives


def test_no_change_to_an_archive_gets_other_digits_in(tmp_path, monkeypatch) -> None:
    """Bytes changed, cut out, doubled or exchanged at random: the reader gives the true arrays or a DataError.

    So it does for archives that are sound, but hold other numbers.
    """
    rng = np.random.default_rng(0)
    shapes = {"x_train": (9, 28, 28), "y_train": (9,), "x_test": (4, 28, 28), "y_test": (4,)}
    true = {name: rng.integers(0, 10, shape).astype("uint8") for name, shape in shapes.items()}
    monkeypatch.setattr(data, "_SHAPES", shapes)  # a small MNIST, which is read in half a millisecond
    monkeypatch.setattr(data, "_SHA256", {name: data.hashlib.sha256(array).hexdigest() for name, array in true.items()})
    path = tmp_path / "mnist.npz"
    outcomes = {"read": 0, "refused": 0}
    originals = []
    for save in (np.savez, np.savez_compressed):
        save(buffer := io.BytesIO(), **true)
        originals.append(buffer.getvalue())
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and sum(outcomes.values()) < 20_000:
        content = mutate(originals[rng.integers(2)], rng) if rng.random() < 0.9 else forge(true, rng)
        path.write_bytes(content)
        try:
            digits = load_mnist(path)
        except DataError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            assert all(np.array_equal(getattr(digits, name), true[name]) for name in true)
    print(outcomes)
    assert outcomes["refused"] > 200 and outcomes["read"] > 10


def forge(true: dict[str, np.ndarray], rng: np.random.Generator) -> bytes:
    """A sound archive in which one number is another, or two arrays are exchanged."""
    arrays = {name: array.copy() for name, array in true.items()}
    name = rng.choice(list(arrays))
    arrays[name].flat[rng.integers(arrays[name].size)] ^= 1 << rng.integers(8)
    if rng.random() < 0.1:
        arrays["x_train"], arrays["x_test"] = arrays["x_test"], arrays["x_train"]
    np.savez(buffer := io.BytesIO(), **arrays)
    return buffer.getvalue()


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change an archive in one to four places, half of the time near its end, where the directory is."""
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(len(content)) if rng.random() < 0.5 else max(len(content) - rng.integers(1, 400), 0))
        size = int(rng.integers(1, 9))
        before, piece, after = content[:place], content[place : place + size], content[place + size :]
        kind = rng.integers(4)
        if kind == 0:
            piece = rng.bytes(size)
        elif kind == 1:
            piece = b""
        elif kind == 2:
            piece = piece * 2
        else:
            piece = bytes(byte ^ (1 << int(rng.integers(8))) for byte in piece[:1]) + piece[1:]
        content = before + piece + after
    return content
