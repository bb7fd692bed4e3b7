"""The confusion explorer of notebook 05, on the site: the matrix, and the images of a cell."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_cnn.data import Dataset
from pages import SitePage
from viewing import View

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer(open_page: Callable[[str], SitePage]) -> View:
    view = View(open_page("notebooks/05_evaluation.html").page, "page")
    view.release_buttons()
    view.says("All mistakes: ")
    return view


def test_each_cell_opens_by_mouse(
    explorer: View, guesses: dict[str, np.ndarray], full: Dataset
) -> None:
    labels, predicted = full.y_test, guesses["ReLU"].argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    shown = explorer.root.locator(".mnist-matrix button").all_inner_texts()
    assert [int(text.replace("·", "0")) for text in shown] == counts.ravel().tolist()
    expect(explorer.root.get_by_role("img")).to_have_count(44)
    wrong = labels != predicted
    for actual, taken_for in np.unique(np.stack([labels[wrong], predicted[wrong]], axis=1), axis=0):
        button = explorer.cell(actual, taken_for)
        button.click()
        explorer.says(f"Actual {actual}, taken for {taken_for}: ")
        expect(button).to_have_attribute("aria-pressed", "true")
        found = {int(name.split("no. ")[1]) for name in explorer.pictures()}
        assert found == set(np.flatnonzero((labels == actual) & (predicted == taken_for)))
    explorer.cell(4, 9).tap()
    explorer.says("Actual 4, taken for 9: ")
    explorer.screenshot("05_4_taken_for_9")
    first = explorer.pictures()[0]
    assert np.array_equal(explorer.ink(first), full.x_test[int(first.split("no. ")[1])])
    explorer.cell(4, 9).click()
    explorer.says("All mistakes: ")


def test_the_matrix_by_keyboard(explorer: View) -> None:
    explorer.cell(4, 9).focus()
    explorer.press("ArrowLeft", "ArrowUp", "Enter")
    explorer.says("Actual 3, taken for 8: ")
    explorer.press("ArrowRight", "ArrowRight", "ArrowDown", "Space")  # the last column is the last
    explorer.says("Actual 4, taken for 9: ")
    expect(explorer.cell(4, 9)).to_be_focused()
    explorer.press("Escape")
    explorer.says("All mistakes: ")


def test_the_diagonal_has_pages(
    explorer: View, guesses: dict[str, np.ndarray], full: Dataset
) -> None:
    probabilities = guesses["ReLU"]
    right = np.flatnonzero((full.y_test == 8) & (probabilities.argmax(axis=1) == 8))
    by_doubt = right[np.argsort(probabilities[right].max(axis=1), kind="stable")]
    explorer.cell(8, 8).click()
    explorer.says(f"Actual 8, read right: {len(right)} images, here 1 to 44.")
    assert explorer.pictures()[0] == f"8 → 8, no. {by_doubt[0]}"
    explorer.slider.focus()
    explorer.press("ArrowRight")
    explorer.says("here 45 to 88.")
    assert explorer.pictures()[0] == f"8 → 8, no. {by_doubt[44]}"
    explorer.screenshot("05_diagonal")
    explorer.press("End")
    explorer.says(f" to {len(right)}.")
    explorer.cell(5, 3).click()  # on its first page, which is the only one
    expect(explorer.root.get_by_label("page", exact=True)).to_be_hidden()
    assert len(explorer.pictures()) < 44


def test_the_matrix_in_words_for_those_who_do_not_see_it(explorer: View) -> None:
    controls = explorer.controls()
    assert all(name for _, name in controls)
    assert sum(name.startswith("actual ") for role, name in controls if role == "button") == 100
    assert {("table", "predicted"), ("slider", "page")} <= set(controls)
    stops = explorer.stops()
    # Not a hundred stops
    assert sum(stop.startswith("actual ") for stop in stops) == 1 and "page" in stops
