"""The epoch scrubber of notebook 04, on the site: accuracies, confusions and mistakes by epoch."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.runs import SHIPPED, Run, load_run
from pages import SitePage
from viewing import View

pytestmark = pytest.mark.browser


@pytest.fixture
def scrubber(open_page: Callable[[str], SitePage]) -> View:
    view = View(open_page("notebooks/04_training.html").page, "epoch")
    view.release_buttons()
    view.slider.first.focus()
    view.press("Home")
    view.says("Untrained: ")
    return view


@pytest.fixture(scope="module")
def run() -> Run:
    return load_run(SHIPPED / "relu.npz")


@pytest.fixture(scope="module")
def validation(full: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return split_validation(full.x_train, full.y_train)[1]


def test_each_epoch_shows_its_accuracy_confusions_and_mistakes(
    scrubber: View, run: Run, validation: tuple[np.ndarray, np.ndarray]
) -> None:
    labels = validation[1]
    times_wrong = (run.predicted != labels).sum(axis=0)
    scrubber.screenshot("04_untrained")
    for epoch in range(1, 21):
        scrubber.press("ArrowRight")
        predicted = run.predicted[epoch]
        wrong = int((predicted != labels).sum())
        scrubber.says(
            f"After epoch {epoch}: {run.history['val_accuracy'][epoch - 1]:.2%} right, {wrong} of "
            "6,000 wrong."
        )
        scrubber.says(f"All mistakes: {wrong} image")
        row = [scrubber.cell(4, digit).inner_text() for digit in range(10)]
        assert [int(text.replace("·", "0")) for text in row] == np.bincount(
            predicted[labels == 4], minlength=10
        ).tolist()
        numbers = [int(name.split("no. ")[1]) for name in scrubber.pictures()]
        assert len(numbers) == min(wrong, 44)
        hardness = [times_wrong[number] for number in numbers]
        assert hardness == sorted(hardness, reverse=True)
    scrubber.screenshot("04_after_the_last_epoch")


def test_sliding_through_the_epochs_by_mouse_and_play(scrubber: View) -> None:
    box = scrubber.slider.first.bounding_box()
    scrubber.slider.first.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    scrubber.says("After epoch 20: ")
    scrubber.button("Play").click()
    expect(scrubber.status.first).to_have_text(re.compile(r"^After epoch [12]: "))
    scrubber.button("Pause").click()


def test_a_cell_of_the_matrix_stays_chosen_from_epoch_to_epoch(scrubber: View) -> None:
    scrubber.cell(4, 9).click()
    scrubber.says("Actual 4, taken for 9: ")
    scrubber.slider.first.focus()
    scrubber.press("ArrowRight")
    scrubber.says("After epoch 1: ")
    expect(scrubber.cell(4, 9)).to_have_attribute("aria-pressed", "true")
    assert {name.split(",")[0] for name in scrubber.pictures()} == {"4 → 9"}


def test_the_scrubber_in_words_for_those_who_do_not_see_it(scrubber: View) -> None:
    assert all(name for _, name in scrubber.controls())
    assert scrubber.stops() >= {"Play", "epoch", "page"}
