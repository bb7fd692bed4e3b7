"""The prediction browser of notebook 06, on the site: filters, slider, pictures and bars."""

import re
from itertools import product

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_cnn.data import Dataset
from viewing import View

pytestmark = pytest.mark.browser

_WATCH_STATUS = """(status) => {
  const seen = [];
  new MutationObserver(() => seen.push(status.textContent)).observe(status, { childList: true });
  return seen;
}"""


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
    predictions: View, guesses: dict[str, np.ndarray], full: Dataset
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
    predictions: View, guesses: dict[str, np.ndarray], full: Dataset
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


def test_a_filter_that_finds_nothing_says_so(
    predictions: View, guesses: dict[str, np.ndarray], full: Dataset
) -> None:
    found = set(zip(full.y_test.tolist(), guesses["ReLU"].argmax(axis=1).tolist(), strict=True))
    actual, taken_for = next(pair for pair in product(range(10), repeat=2) if pair not in found)
    predictions.select("actual", actual)
    predictions.select("taken for", taken_for)
    predictions.says("There is no such image.")
    expect(predictions.root.get_by_role("img")).to_have_count(0)
    expect(predictions.slider).to_be_disabled()


def test_filters_by_keyboard(
    predictions: View, guesses: dict[str, np.ndarray], full: Dataset
) -> None:
    predictions.root.get_by_label("show", exact=True).focus()
    predictions.press("ArrowDown")
    predictions.says(f"1 of {(guesses['ReLU'].argmax(axis=1) != full.y_test).sum()}: ")
    predictions.root.get_by_label("actual", exact=True).focus()
    predictions.press("9")
    predictions.says("actual 9.")


def test_play_moves_by_itself_and_stops_at_the_end(
    predictions: View, guesses: dict[str, np.ndarray], full: Dataset
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
