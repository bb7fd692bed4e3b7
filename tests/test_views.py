"""The views: called as the browser would, at their ends and under each filter; tests/browser/ uses a real one."""

import gc
import re
import tracemalloc
from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import keras
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageDraw
from traitlets import TraitError

from mnist_cnn.confusion import ConfusionExplorer, EpochScrubber
from mnist_cnn.controls import View
from mnist_cnn.data import Images, split_validation
from mnist_cnn.feature_maps import FeatureMaps
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, Run, load_run
from mnist_cnn.views import DrawingPad, PredictionBrowser

ALL, MISTAKES, UNSURE = "all images", "mistakes, most confident first", "least sure first"
DISAGREE = "the networks disagree"


def predictions(labels: np.ndarray, mistaken: list[int], seed: int) -> np.ndarray:
    """Between sure and half sure; mistaken ones are taken for the next digit."""
    sureness = np.random.default_rng(seed).uniform(0.55, 1, (len(labels), 1))
    right = np.eye(10)[labels]
    right[mistaken] = np.roll(right[mistaken], 1, axis=1)
    return sureness * right + (1 - sureness) / 9 * (1 - right)


@pytest.fixture
def both(sample: Images) -> dict[str, np.ndarray]:
    return {
        "ReLU": predictions(sample.y_test, [5, 17, 30], seed=0),
        "LeakyReLU": predictions(sample.y_test, [17, 40], seed=1),
    }


@pytest.fixture
def browser(sample: Images, both: dict[str, np.ndarray]) -> PredictionBrowser:
    return PredictionBrowser(sample.x_test, sample.y_test, both)


def page(view: View) -> BeautifulSoup:
    return BeautifulSoup(view.board.body, "html.parser")


def pixels(image) -> np.ndarray:
    """Ink of a picture on the page, uint8 (28, 28)."""
    return 255 - np.asarray(Image.open(BytesIO(b64decode(image["src"].split(",")[1]))))


def index_shown(browser: PredictionBrowser) -> int:
    return int(re.search(r"image (\d+),", browser.board.caption)[1])


# The prediction browser


@pytest.mark.parametrize("network, mistaken", [("ReLU", [5, 17, 30]), ("LeakyReLU", [17, 40])])
def test_every_filter_runs_from_its_first_image_to_its_last(browser, sample, both, network, mistaken) -> None:
    sure = both[network].max(axis=1).tolist()
    guesses = both[network].argmax(axis=1)
    expected = {
        (ALL, "any", "any"): list(range(1000)),
        (MISTAKES, "any", "any"): sorted(mistaken, key=lambda i: -sure[i]),
        (UNSURE, "any", "any"): sorted(range(1000), key=sure.__getitem__),
        (DISAGREE, "any", "any"): [5, 30, 40],
        (MISTAKES, sample.y_test[17], "any"): [
            i for i in sorted(mistaken, key=lambda i: -sure[i]) if sample.y_test[i] == sample.y_test[17]
        ],
        (ALL, sample.y_test[17], (sample.y_test[17] + 1) % 10): [
            i for i in mistaken if sample.y_test[i] == sample.y_test[17]
        ],
    }
    expected |= {(ALL, digit, "any"): [i for i in range(1000) if sample.y_test[i] == digit] for digit in range(10)}
    expected |= {(ALL, "any", digit): [i for i in range(1000) if guesses[i] == digit] for digit in range(10)}
    browser.network.value = network
    for (order, actual, taken_for), images in reversed(expected.items()):
        browser.slider.value = browser.slider.max  # the end of one filter may lie beyond the end of the next
        browser.order.value, browser.actual.value, browser.taken_for.value = order, actual, taken_for
        assert (browser.slider.value, browser.slider.max) == (1, len(images))
        assert index_shown(browser) == images[0]
        browser.slider.value = browser.slider.max
        assert index_shown(browser) == images[-1]


def test_caption_picture_and_bars_say_the_same(browser, sample, both) -> None:
    browser.order.value = DISAGREE
    for position, index in enumerate([5, 30, 40], 1):
        browser.slider.value = position
        label = int(sample.y_test[index])
        guesses = {name: int(p[index].argmax()) for name, p in both.items()}
        said = "; ".join(
            f"{name} {'right' if guess == label else 'wrong'}: {guess} with {both[name][index].max():.1%}"
            for name, guess in guesses.items()
        )
        assert browser.board.caption == f"{position} of 3: image {index}, actual {label}. {said}."
        (image,) = page(browser).select("img")
        assert np.array_equal(pixels(image), sample.x_test[index])
        assert image["alt"] == f"image {index}, actual {label}"
        for table, (name, p) in zip(page(browser).select("table"), both.items(), strict=True):
            assert table.caption.text == name
            for digit, row in enumerate(table.select("tr")):
                number, bar, words = row.find_all(["th", "td"])
                assert number.text == str(digit)
                assert bar.div["style"] == f"width:{p[index, digit]:.1%}"
                expected = [f"{p[index, digit]:.1%}"]
                expected += ["predicted"] * (digit == guesses[name]) + ["actual"] * (digit == label)
                assert words.text.split() == expected
                assert ("wrong" in row["class"]) == (digit == guesses[name] != label)


def test_a_filter_that_finds_nothing_says_so(sample: Images) -> None:
    perfect = np.eye(10)[sample.y_test]
    browser = PredictionBrowser(sample.x_test, sample.y_test, {"perfect": perfect})
    browser.order.value = MISTAKES
    assert browser.board.caption == "There is no such image." and browser.board.body == ""
    assert browser.slider.disabled
    browser.order.value = ALL
    assert index_shown(browser) == 0 and not browser.slider.disabled


def test_one_network_is_not_asked_which(sample: Images, both) -> None:
    browser = PredictionBrowser(sample.x_test, sample.y_test, {"ReLU": both["ReLU"]})
    assert browser.network not in browser.children[0].children and DISAGREE not in browser.order.options


def test_a_single_image_can_be_browsed(sample: Images) -> None:
    browser = PredictionBrowser(sample.x_test[:1], sample.y_test[:1], {"net": np.eye(10)[sample.y_test[:1]]})
    assert browser.slider.max == 1 and browser.board.caption.startswith("1 of 1: image 0, actual")


def test_a_name_is_shown_as_it_is(sample: Images, both) -> None:
    browser = PredictionBrowser(sample.x_test, sample.y_test, {"<b>&": both["ReLU"]})
    assert page(browser).caption.text == "<b>&"


def test_the_play_button_runs_as_far_as_the_slider(browser) -> None:
    play, slider = browser.children[1].children
    assert slider is browser.slider and (play.min, play.max) == (1, 1000)
    slider.value = play.value = 1000  # in the browser they are linked
    browser.order.value = MISTAKES
    assert (play.max, play.value) == (3, 1)  # or the slider would go where it was


# The confusion explorer


def gallery(view: View) -> list[tuple[int, int, int]]:
    """What stands under each digit: actual, predicted, and its number."""
    captions = [figure.figcaption.get_text(" ") for figure in page(view).select("figure")]
    return [tuple(map(int, re.fullmatch(r"(\d) → (\d) no. (\d+)", caption).groups())) for caption in captions]


@pytest.fixture
def muddled(sample: Images) -> np.ndarray:
    """Guesses, a quarter of them wrong."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(1000) < 0.25, rng.integers(0, 10, 1000), sample.y_test)


def test_every_cell_shows_its_digits(sample: Images, muddled: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(1000)
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, muddled, order)
    for actual in range(10):
        for taken_for in range(10):
            explorer.matrix.chosen = [actual, taken_for]
            expected = [i for i in order if sample.y_test[i] == actual and muddled[i] == taken_for]
            assert explorer.matrix.counts[actual][taken_for] == len(expected)
            shown = []
            for number in range(1, explorer.page.max + 1):
                explorer.page.value = number
                shown += gallery(explorer)
                for image, (*_, i) in zip(page(explorer).select("img"), gallery(explorer), strict=True):
                    assert np.array_equal(pixels(image), sample.x_test[i])
            assert shown == [(actual, taken_for, i) for i in expected]
            what = "read right" if actual == taken_for else f"taken for {taken_for}"
            images = "1 image" if len(expected) == 1 else f"{len(expected)} images"
            assert explorer.board.caption.startswith(f"Actual {actual}, {what}: {images}")


def test_with_no_cell_chosen_all_mistakes_are_shown(sample: Images, muddled: np.ndarray) -> None:
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, muddled)
    wrong = np.flatnonzero(muddled != sample.y_test).tolist()
    explorer.matrix.chosen = [3, 3]
    explorer.page.value = explorer.page.max
    explorer.matrix.chosen = []
    assert explorer.page.value == 1 and explorer.page.layout.display is None
    assert explorer.board.caption == f"All mistakes: {len(wrong)} images, here 1 to 44."
    assert [i for *_, i in gallery(explorer)] == wrong[:44]
    explorer.page.value = explorer.page.max
    assert [i for *_, i in gallery(explorer)] == wrong[44 * (explorer.page.max - 1) :]


def test_a_perfect_network_leaves_nothing_to_explore_but_the_diagonal(sample: Images) -> None:
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, sample.y_test)
    assert explorer.board.caption == "All mistakes: 0 images." and gallery(explorer) == []
    assert explorer.page.layout.display == "none"
    assert explorer.matrix.counts == np.diag([100] * 10).tolist()


# The epoch scrubber


@pytest.fixture
def shipped() -> Run:
    return load_run(SHIPPED / "relu.npz")


def test_each_epoch_shows_its_accuracy_confusions_and_mistakes(shipped: Run, full: Images) -> None:
    images, labels = split_validation(full.x_train, full.y_train)[1]
    scrubber = EpochScrubber(shipped, images, labels)
    times_wrong = (shipped.predicted != labels).sum(axis=0)
    assert (scrubber.slider.min, scrubber.slider.max, scrubber.slider.value) == (0, 20, 0)
    for epoch in [*range(1, 21), 0]:
        scrubber.slider.value = epoch
        predicted = shipped.predicted[epoch]
        accuracy = shipped.history["val_accuracy"][epoch - 1] if epoch else np.mean(predicted == labels)
        when = f"After epoch {epoch}" if epoch else "Untrained"
        wrong = (predicted != labels).sum()
        assert scrubber.board.caption == f"{when}: {accuracy:.2%} right, {wrong:,} of 6,000 wrong."
        counts = np.array(scrubber.explorer.matrix.counts)
        assert counts.sum() == 6000 and counts.trace() == 6000 - wrong
        assert np.array_equal(counts[4], [((labels == 4) & (predicted == digit)).sum() for digit in range(10)])
        shown = gallery(scrubber.explorer)
        assert len(shown) == min(wrong, 44)
        assert all((labels[i], predicted[i]) == (actual, guess) for actual, guess, i in shown)
        hardness = [times_wrong[i] for *_, i in shown]
        assert hardness == sorted(hardness, reverse=True)


def test_a_chosen_cell_stays_chosen_from_epoch_to_epoch(shipped: Run, full: Images) -> None:
    images, labels = split_validation(full.x_train, full.y_train)[1]
    wrong = shipped.predicted[20] != labels
    cells, counts = np.unique([labels[wrong], shipped.predicted[20][wrong]], axis=1, return_counts=True)
    actual, guess = cells[:, counts.argmax()].tolist()  # the commonest confusion
    scrubber = EpochScrubber(shipped, images, labels)
    scrubber.explorer.matrix.chosen = [actual, guess]
    scrubber.slider.value = 20
    assert scrubber.explorer.board.caption == f"Actual {actual}, taken for {guess}: {counts.max()} images."
    assert {(label, digit) for label, digit, _ in gallery(scrubber.explorer)} == {(actual, guess)}


# The drawing pad


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return load_run(SHIPPED / "leaky_relu.npz").load_model()


@pytest.fixture
def drawing_pad(model: keras.Model) -> DrawingPad:
    return DrawingPad(model)


def draw(view: DrawingPad, image: Image.Image) -> str:
    """Send an image as the browser does, and return the answer."""
    rgba = np.asarray(image.convert("RGBA"))
    view.pad.set_state({"pixels": memoryview(rgba.tobytes()), "shape": [*rgba.shape], "sent": view.pad.sent + 1})
    assert view.pad.answered == view.pad.sent
    return view.board.caption


def seven(mode: str = "RGBA", paper=(0, 0, 0, 0), ink=(0, 0, 0, 255), size: int = 280) -> Image.Image:
    image = Image.new(mode, (size, size), paper)
    points = [(size * x, size * y) for x, y in ((0.1, 0.15), (0.35, 0.15), (0.2, 0.5))]
    ImageDraw.Draw(image).line(points, ink, size // 20, joint="curve")
    return image


def test_an_empty_pad_asks_for_a_drawing(drawing_pad: DrawingPad) -> None:
    invitation = "Draw a digit, large or small, anywhere on the pad."
    assert drawing_pad.board.caption == invitation
    assert draw(drawing_pad, seven()) != invitation
    assert draw(drawing_pad, Image.new("RGBA", (280, 280))) == invitation and drawing_pad.board.body == ""


@pytest.mark.parametrize(
    "image",
    [seven(), seven("RGB", "white", "black"), seven("RGB", "black", "white"), seven("RGB", "navy", "orange"),
     seven(ink=(255, 255, 255, 255)), seven("L", 200, 60, size=28), seven("L", 255, 0, size=90)],
    ids=["drawn", "dark on light", "light on dark", "colours", "white on transparent", "tiny", "small"],
)  # fmt: skip
def test_a_seven_is_read_whatever_it_is_drawn_with(drawing_pad: DrawingPad, image: Image.Image) -> None:
    assert re.fullmatch(r"The network says 7, with \d+\.\d%\.", draw(drawing_pad, image))


def test_the_switch_changes_what_the_network_sees(drawing_pad: DrawingPad, model: keras.Model) -> None:
    draw(drawing_pad, seven())
    seen = {}
    for drawing_pad.prepare.value in (True, False, True):
        (image,) = page(drawing_pad).select("img")
        seen[drawing_pad.prepare.value] = pixels(image)
        assert image["alt"] == "what the network sees"
        (probabilities,) = predict(model, pixels(image)[np.newaxis])
        assert drawing_pad.board.caption.endswith(f" {probabilities.argmax()}, with {probabilities.max():.1%}.")
        bars = [row.td.div["style"] for row in page(drawing_pad).select("tr")]
        assert bars == [f"width:{probability:.1%}" for probability in probabilities]
    assert seen[True].any(axis=1).sum() == 20  # rows, from a drawing that fills a third of the pad
    assert seen[False].any(axis=1).sum() < 14 and not seen[False][:, 14:].any()


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_image_says_that_there_is_nothing(drawing_pad: DrawingPad, grey: int) -> None:
    assert draw(drawing_pad, seven())
    said = draw(drawing_pad, Image.new("L", (50, 280), grey))
    assert said == "The network has nothing to read: nothing is drawn, or too faintly to be seen."
    assert drawing_pad.board.body == ""


# All views


def test_a_still_page_shows_a_sentence_in_place_of_each_view(browser, sample, shipped, full, drawing_pad) -> None:
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, sample.y_test)
    scrubber = EpochScrubber(shipped, *split_validation(full.x_train, full.y_train)[1])
    maps = FeatureMaps(shipped.load_model(), sample.x_test, sample.y_test)
    assert [repr(view) for view in (browser, explorer, scrubber, drawing_pad, maps)] == [
        "A slider over 1,000 predictions; it moves in a running notebook",
        "A confusion matrix of 1,000 predictions to choose from; it opens in a running notebook",
        "A slider over 20 epochs of training; it moves in a running notebook",
        "A pad to draw a digit on; it works in a running notebook",
        "The feature maps of a digit, to choose from; they open in a running notebook",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["browser", "explorer", "scrubber", "pad", "maps", "numbers"])
def test_two_hundred_steps_take_no_more_memory(name: str, browser, sample, muddled, shipped, drawing_pad) -> None:
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, muddled)
    epochs = np.array([np.roll(muddled, epoch) for epoch in range(21)])
    scrubber = EpochScrubber(replace(shipped, predicted=epochs), sample.x_test, sample.y_test)
    scrubber.explorer.matrix.chosen = [4, 9]
    maps = FeatureMaps(shipped.load_model(), sample.x_test, sample.y_test)
    drawings = [seven(size=90), seven("L", 255, 0, size=90)]
    step = {
        "browser": lambda number: browser.slider.set_state({"value": number + 1}),
        "explorer": lambda number: explorer.matrix.set_state({"chosen": [number % 10, number // 10 % 10]}),
        "scrubber": lambda number: scrubber.slider.set_state({"value": number % 21}),
        "pad": lambda number: draw(drawing_pad, drawings[number % 2]),
        "maps": lambda number: maps.slider.set_state({"value": number}),
        "numbers": lambda number: maps.mosaic.set_state({"chosen": [number % 32, number // 32, 13]}),
    }[name]
    taken = []
    tracemalloc.start()
    try:
        for _ in range(2):  # the first time, every buffer gets its size
            for number in (*range(200), 0):
                step(number)
            gc.collect()
            taken.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert taken[1] - taken[0] < 100_000  # bytes; the plain pixels of 200 images would come to 156,800


# What a browser may send


@pytest.mark.parametrize("chosen", [[10, 0], [-1, 0], [1, 2, 3], [1.5, 2], [None, None], "12"])
def test_a_cell_outside_the_matrix_is_refused(sample: Images, muddled: np.ndarray, chosen) -> None:
    explorer = ConfusionExplorer(sample.x_test, sample.y_test, muddled)
    explorer.matrix.set_state({"chosen": [4, 9]})
    shown = explorer.board.caption
    with pytest.raises(TraitError, match="chosen"):
        explorer.matrix.set_state({"chosen": chosen})
    assert explorer.matrix.chosen == [4, 9] and explorer.board.caption == shown


@pytest.mark.parametrize(
    "n, shape",
    [
        (1, [28, 28, 4]),
        (1, [0, 0, 4]),
        (8, [2, 1, 4]),
        (3136, [-5, 28, 4]),
        (3136, [28, 28, 4, 1]),
        (3136, [10**9, 10**9, 4]),
    ],
)
def test_bytes_that_do_not_fit_their_shape_are_answered_in_words(drawing_pad, n: int, shape: list[int]) -> None:
    draw(drawing_pad, seven())
    drawing_pad.pad.set_state({"pixels": memoryview(b"\x01" * n), "shape": shape, "sent": 2})
    assert drawing_pad.board.caption.startswith("The network has nothing to read: ") and drawing_pad.board.body == ""
    assert drawing_pad.pad.answered == 2


@pytest.mark.parametrize("sent, expected", [(0, 1), (-5, 1), (10**6, 1000)])
def test_the_slider_stays_in_its_range(browser: PredictionBrowser, sent: int, expected: int) -> None:
    browser.slider.set_state({"value": 500})
    browser.slider.set_state({"value": sent})
    assert browser.slider.value == expected and browser.board.caption.startswith(f"{expected:,} of 1,000: ")


def test_lists_are_as_good_as_arrays(sample: Images, muddled: np.ndarray, both: dict[str, np.ndarray]) -> None:
    lists = ConfusionExplorer(sample.x_test, sample.y_test.tolist(), muddled.tolist(), list(range(1000)))
    assert lists.board.body == ConfusionExplorer(sample.x_test, sample.y_test, muddled).board.body
    probabilities = {name: array.tolist() for name, array in both.items()}
    lists = PredictionBrowser(sample.x_test, sample.y_test.tolist(), probabilities)
    assert lists.board.body == PredictionBrowser(sample.x_test, sample.y_test, both).board.body
