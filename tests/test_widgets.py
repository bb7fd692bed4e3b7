"""The slider: called as the browser would, at its ends and under each filter."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageColor

from mnist_cnn.data import Mnist
from mnist_cnn.plots import BLUE, RED
from mnist_cnn.widgets import LiveCurves, PredictionBrowser

ALL, MISTAKES, UNSURE = "all images", "mistakes, most confident first", "least sure first"


@pytest.fixture
def probabilities(sample: Mnist) -> np.ndarray:
    """Between sure and half sure, all right but images 5, 17 and 30."""
    sureness = np.random.default_rng(0).uniform(0.55, 1, (1000, 1))
    right = np.eye(10)[sample.y_test]
    right[[5, 17, 30]] = np.roll(right[[5, 17, 30]], 1, axis=1)
    return sureness * right + (1 - sureness) / 9 * (1 - right)


@pytest.fixture
def browser(sample: Mnist, probabilities: np.ndarray) -> PredictionBrowser:
    return PredictionBrowser(sample.x_test, sample.y_test, probabilities)


def index_shown(browser: PredictionBrowser) -> int:
    return int(browser.caption.value.removeprefix("Test image ").split(":")[0])


def expected_images(sample: Mnist, probabilities: np.ndarray) -> dict[str, list[int]]:
    confidence = probabilities.max(axis=1).tolist()
    by_confidence = sorted(range(1000), key=confidence.__getitem__)
    return {
        ALL: list(range(1000)),
        MISTAKES: sorted([5, 17, 30], key=confidence.__getitem__, reverse=True),
        UNSURE: by_confidence[:100],
    } | {f"only digit {digit}": np.flatnonzero(sample.y_test == digit).tolist() for digit in range(10)}


def test_every_filter_runs_from_its_first_image_to_its_last(browser, sample, probabilities) -> None:
    expected = expected_images(sample, probabilities)
    assert list(browser.filter.options) == list(expected)
    for choice, images in reversed(expected.items()):
        browser.slider.value = browser.slider.max  # the end of one filter may lie beyond the end of the next
        browser.filter.value = choice
        assert (browser.slider.value, browser.slider.max) == (1, len(images))
        assert index_shown(browser) == images[0]
        browser.slider.value = browser.slider.max
        assert index_shown(browser) == images[-1]


def test_the_caption_says_what_the_picture_shows(browser, sample, probabilities) -> None:
    browser.filter.value = MISTAKES
    index = expected_images(sample, probabilities)[MISTAKES][0]
    actual, predicted = sample.y_test[index], (sample.y_test[index] + 1) % 10
    sure = probabilities[index].max()
    assert browser.caption.value == (
        f"Test image {index}: actual {actual}, predicted {predicted} with {sure:.1%} (wrong; 1 of 3)")  # fmt: skip


def test_the_picture_holds_the_digit_and_changes_with_the_slider(browser, sample) -> None:
    before = browser.picture.value
    pixels = np.asarray(Image.open(BytesIO(before)).convert("L"))
    assert np.array_equal(255 - pixels[5:280:10, 5:280:10], sample.x_test[0])
    browser.slider.value = 2
    assert browser.picture.value != before


def bars_drawn(browser: PredictionBrowser) -> list[tuple[str, int]]:
    """Colour and length in pixels of each of the ten bars, read from the picture."""
    pixels = np.asarray(Image.open(BytesIO(browser.picture.value)))
    bars = []
    for row in range(10):
        line = pixels[row * 28 + 14, 312:]
        colors = {color: (line == np.array(ImageColor.getrgb(color))).all(axis=1).sum() for color in (BLUE, RED)}
        bars.append(max(colors.items(), key=lambda item: item[1]))
    return bars


def test_the_bars_are_as_long_as_the_probabilities_and_red_where_wrong(browser, sample, probabilities) -> None:
    for choice in (ALL, MISTAKES):
        browser.filter.value = choice
        index = index_shown(browser)
        colors, lengths = zip(*bars_drawn(browser))
        np.testing.assert_allclose(lengths, probabilities[index] * 180 + 1, atol=1)
        predicted = probabilities[index].argmax()
        wrong = predicted != sample.y_test[index]
        assert [color == RED for color in colors] == [wrong and digit == predicted for digit in range(10)]


def test_a_filter_that_finds_nothing_says_so(sample: Mnist) -> None:
    perfect = np.eye(10)[sample.y_test]
    browser = PredictionBrowser(sample.x_test, sample.y_test, perfect)
    browser.filter.value = MISTAKES
    assert browser.caption.value == "There is no such image." and browser.slider.disabled
    browser.filter.value = ALL
    assert index_shown(browser) == 0 and not browser.slider.disabled


def test_a_single_image_can_be_browsed(sample: Mnist) -> None:
    browser = PredictionBrowser(sample.x_test[:1], sample.y_test[:1], np.eye(10)[sample.y_test[:1]])
    assert browser.slider.max == 1 and "1 of 1" in browser.caption.value


def test_lengths_that_disagree_are_refused(sample: Mnist, probabilities) -> None:
    with pytest.raises(ValueError, match="1000 images, 999 labels and 1000 predictions"):
        PredictionBrowser(sample.x_test, sample.y_test[1:], probabilities)
    with pytest.raises(ValueError, match="at least one"):
        PredictionBrowser(sample.x_test[:0], sample.y_test[:0], probabilities[:0])


def test_a_still_page_shows_a_sentence_in_place_of_the_widget(browser) -> None:
    assert repr(browser) == "A slider over 1,000 predictions; it moves in a running notebook"


def test_live_curves_say_how_far_training_is_and_how_long_it_takes(monkeypatch) -> None:
    shown = []

    class Handle:
        def __init__(self, figure, display_id: bool):
            assert display_id and not shown  # one place on the page, redrawn from then on
            self.update(figure)

        def update(self, figure) -> None:
            shown.append(figure)

    monkeypatch.setattr("mnist_cnn.widgets.display", Handle)
    curves = LiveCurves()
    history = {"loss": [1.0, 0.5], "val_loss": [1.0, 0.5], "accuracy": [0.9, 0.95], "val_accuracy": [0.9, 0.95]}
    curves({}, 4, 0.0)
    curves(history, 4, 70.0)
    notes = [figure.get_suptitle().splitlines() for figure in shown]
    assert notes == [["epoch 0 of 4, 0:00:00", "□□□□"], ["epoch 2 of 4, 0:01:10, about 0:01:10 left", "■■□□"]]
