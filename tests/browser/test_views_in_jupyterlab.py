"""All views in JupyterLab, in notebook 06: they work, the kernel keeps choices, nothing complains.

What each view does is tested on the site, which has the same ones; nbval runs all notebooks.
"""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from lab import Lab, Notebook
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.runs import SHIPPED, load_run
from viewing import STROKES, View

pytestmark = pytest.mark.browser

EPOCHS = 2
IMPORTS = """
from dataclasses import replace
from mnist_cnn.data import split_validation
from mnist_cnn.plots import LiveCurves
from mnist_cnn.training import train
from mnist_cnn.views import ConfusionExplorer, EpochScrubber, FeatureMaps, Trainer
few = replace(digits, x_train=digits.x_train[:500], y_train=digits.y_train[:500])
_, (x_val, y_val) = split_validation(digits.x_train, digits.y_train)
"""
CELLS = (
    IMPORTS,
    f"train('relu', few, epochs={EPOCHS}, name='few', progress=LiveCurves()).history['loss'][-1]",
    "ConfusionExplorer(digits.x_test, digits.y_test, by_network['ReLU'].argmax(axis=1))",
    "EpochScrubber(find_or_train('relu', digits), x_val, y_val)",
    "FeatureMaps(relu_model, digits.x_test, digits.y_test)",
    "Trainer(few.x_train, few.y_train, x_val[:500], y_val[:500])",
)


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab: Lab, full: Dataset) -> Notebook:
    """Notebook 06 with the views of the other notebooks, on the full data and the shipped runs."""
    path = lab.log.parent / "notebooks" / "06_prediction_visualization.ipynb"
    content = nbformat.read(path, as_version=4)
    content.cells += [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(content, path)
    notebook = Notebook(browser, lab, path.stem)
    assert notebook.run_all() == []
    return notebook


def test_the_predictions(notebook: Notebook) -> None:
    view = View(notebook.page, "show")
    view.says("1 of 10,000: image 0, actual 7")
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    view.slider.focus()
    cell = view.page.evaluate(active)
    view.press("ArrowRight", "ArrowUp", "ArrowUp", "ArrowDown")
    view.says("3 of 10,000: image 2, actual 1")
    assert view.page.evaluate(active) == cell  # keys move the slider, not the notebook as well
    view.select("show", "the networks disagree")
    view.says("1 of ")
    view.screenshot("lab_06_networks_disagree")


def test_the_pad_and_a_second_view_of_it(notebook: Notebook) -> None:
    view = View(notebook.page, "prepare it as MNIST's makers did")
    view.draw(STROKES[7])
    view.says("The network says 7, with")
    said = view.status.inner_text()
    view.root.click(position={"x": 700, "y": 5})  # makes its cell the active one
    view.page.evaluate("() => window.jupyterapp.commands.execute('notebook:create-output-view')")
    again = view.page.locator(".jp-LinkedOutputView .mnist-view").first
    expect(again.get_by_text(said)).to_be_visible()
    pixels = "(canvas) => canvas.toDataURL()"
    drawing = again.locator(".mnist-pad canvas")
    assert drawing.evaluate(pixels) == view.canvas.evaluate(pixels)
    again.get_by_role("button", name="Clear").click()
    view.says("Draw a digit")  # both are the same view
    view.page.evaluate("""() => [...window.jupyterapp.shell.widgets('main')]
        .find((panel) => panel.node.querySelector('.jp-LinkedOutputView')).close()""")
    expect(again).to_have_count(0)
    view.draw(STROKES[4])
    view.says("The network says 4, with")
    view.screenshot("lab_06_pad")


# Executes code in the kernel.
_EXECUTE = """(code) => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
    .requestExecute({ code }).done.then(() => null)"""


@pytest.mark.parametrize("saved", ["data:image/png;base64,iVBORw0KGgo=", "280x280:H4sI", "ink"])
def test_a_drawing_that_another_version_saved_leaves_the_pad_empty(
    notebook: Notebook, saved: str
) -> None:
    view = View(notebook.page, "prepare it as MNIST's makers did")
    view.button("Clear").click()
    view.draw(STROKES[7])
    view.says("The network says 7, with")
    pad = "[pad for pad in Out.values() if type(pad).__name__ == 'DrawingPad'][-1]"
    notebook.page.evaluate(_EXECUTE, f"{pad}.chosen = {{'drawing': {saved!r}}}")
    view.says("Draw a digit")
    view.draw(STROKES[4])
    view.says("The network says 4, with")


_CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(({ model }) =>
    [model.type, model.sharedModel.source, model.executionCount ?? 0])"""
_MARK = (
    """(mark) => window.jupyterapp.shell.currentWidget.context.model.setMetadata("mark", mark)"""
)
_UNCHANGED = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
_SELECTED = """() => { const { content } = window.jupyterapp.shell.currentWidget;
    return [content.activeCellIndex, content.selectedCells.length]; }"""


@pytest.mark.parametrize("control", ["pad", "checkbox", "button", "slider"])
def test_ctrl_s_in_a_view_saves_the_notebook(notebook: Notebook, lab: Lab, control: str) -> None:
    path = lab.log.parent / "notebooks" / "06_prediction_visualization.ipynb"
    view = View(notebook.page, "prepare it as MNIST's makers did")
    controls = {
        "pad": view.canvas,
        "checkbox": view.root.get_by_role("checkbox"),
        "button": view.button("Clear"),
        "slider": View(notebook.page, "show").slider,
    }
    notebook.page.evaluate(_MARK, control)
    mark = f'"mark": "{control}"'
    assert mark not in path.read_text(encoding="utf-8")
    controls[control].focus()
    view.press("ControlOrMeta+s")
    notebook.page.wait_for_function(_UNCHANGED)
    assert mark in path.read_text(encoding="utf-8")


def test_other_keys_in_a_view_leave_the_notebook_alone(notebook: Notebook) -> None:
    """Those that run, delete, copy, move, merge or select cells, also right after Ctrl+S."""
    view = View(notebook.page, "prepare it as MNIST's makers did")
    page = notebook.page
    view.canvas.focus()
    view.press("ControlOrMeta+s")
    before = page.evaluate(_CELLS), page.evaluate(_SELECTED)
    view.press("Delete", "Space", *"aabbddxvzmyo", "ArrowDown", "ArrowUp", "Enter", "Shift+Enter")
    view.press("Control+Enter", "Control+a", "Control+Shift+ArrowDown", "Shift+ArrowDown", "Space")
    view.answered()
    assert (page.evaluate(_CELLS), page.evaluate(_SELECTED)) == before
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    view.button("Clear").click()


# For four seconds; `window.busy` is null when the kernel is done.
_KEEP_BUSY = """() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const execution = kernel.requestExecute({ code: "import time; time.sleep(4)" });
  window.busy = execution.done.then(() => (window.busy = null));
}"""


def test_views_work_while_the_kernel_does_not(notebook: Notebook) -> None:
    """As while it trains: a view asks it nothing."""
    view = View(notebook.page, "show")
    view.page.evaluate(_KEEP_BUSY)
    view.select("show", "least sure first")
    view.says("1 of 10,000: ")
    view.slider.focus()
    view.press("ArrowRight")
    view.says("2 of 10,000: ")
    assert view.page.evaluate("() => window.busy !== null"), "the kernel was done before the view"
    view.page.evaluate("() => window.busy")


# Whether code becomes true in the kernel within half a minute: ipywidgets sends changes in turn.
_BECOMES_TRUE = """async (code) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const request = { code: "", user_expressions: { answer: code } };
    const { content } = await kernel.requestExecute(request).done;
    if (content.user_expressions.answer.data["text/plain"] === "True") return true;
  }
  return false;
}"""


def test_the_kernel_keeps_what_was_chosen(notebook: Notebook) -> None:
    view = View(notebook.page, "show")
    view.select("show", "mistakes, most confident first")
    view.slider.focus()
    view.press("ArrowRight", "ArrowRight")
    view.says("3 of ")
    view = "[each for each in Out.values() if type(each).__name__ == 'PredictionBrowser'][-1]"
    chosen = {"order": "mistakes, most confident first", "position": 3}
    assert notebook.page.evaluate(_BECOMES_TRUE, f"{view}.chosen == {chosen}")


def test_the_confusion_explorer(notebook: Notebook) -> None:
    view = View(notebook.page, "page")
    expect(view.root.get_by_label("epoch")).to_have_count(0)  # the scrubber has a matrix, too
    view.says("All mistakes: ")
    view.cell(4, 9).focus()
    view.press("Enter")
    view.says("Actual 4, taken for 9: ")
    view.screenshot("lab_05")


def test_the_feature_maps(notebook: Notebook) -> None:
    view = View(notebook.page, "convolution")
    view.says("Image 0, labelled 7; the network says 7, with")
    view.draw(STROKES[4])
    view.says("Your drawing; the network says 4, with")
    view.root.locator(".mnist-mosaic canvas").last.focus()
    view.press(*["ArrowUp"] * 26, *["ArrowLeft"] * 26)
    view.says("row 0, column 0: ")
    view.screenshot("lab_07")


def test_the_epochs(notebook: Notebook, full: Dataset) -> None:
    view = View(notebook.page, "epoch")
    run = load_run(SHIPPED / "relu.npz")
    labels = split_validation(full.x_train, full.y_train)[1][1]
    view.says("Untrained: ")
    view.slider.first.focus()
    for epoch in (1, 2):
        view.press("ArrowRight")
        wrong = int((run.predicted[epoch] != labels).sum())
        view.says(
            f"After epoch {epoch}: {run.history['val_accuracy'][epoch - 1]:.2%} right, {wrong} of "
            "6,000 wrong."
        )
    view.screenshot("lab_04")


def test_a_network_that_is_trained_beside_the_kernel(notebook: Notebook) -> None:
    view = View(notebook.page, "experiment")
    view.select("experiment", 3)  # a tiny network
    view.button("Train").click()
    view.says("Done after 12,0")
    view.button("Its mistakes").click()
    view.says("All mistakes: ")
    view.screenshot("lab_04_trainer")
    chosen = "[each for each in Out.values() if type(each).__name__ == 'Trainer'][-1].chosen"
    assert notebook.page.evaluate(_BECOMES_TRUE, f"{chosen}['filters1'] == 8")


def test_curves_were_redrawn_after_every_epoch(notebook: Notebook) -> None:
    assert notebook.redrawn == EPOCHS
    curves = notebook.page.locator(".jp-Cell", has_text="progress=LiveCurves()").locator(
        ".jp-OutputArea img"
    )
    expect(curves).to_have_count(1)


# All views together


def test_complaints_are_heard(browser: Browser, lab: Lab) -> None:
    """Errors and warnings of a kernel that keeps running, and errors of the browser."""
    notebook = Notebook(browser, lab, "01_data_loading")
    notebook.page.evaluate(
        """async (code) => {
        const session = window.jupyterapp.shell.currentWidget.sessionContext;
        await session.ready;
        await session.session.kernel.requestExecute({ code }).done;
        console.error('broken page');
    }""",
        "import sys; print('a warning', file=sys.stderr); raise RuntimeError('broken callback')",
    )
    for complaint in ("a warning", "broken callback", "broken page"):
        assert [heard for heard in notebook.all_complaints() if complaint in heard], complaint


_CHANGE_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def test_axe_finds_no_barriers_to_accessibility(notebook: Notebook) -> None:
    """Contrast, names of controls, roles; in both themes."""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.page.evaluate(_CHANGE_THEME, theme)
        expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        found = Axe().run(notebook.page, context=".mnist-view").response
        assert found["passes"], "it has looked at nothing"
        assert not [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]


def test_nothing_complains(notebook: Notebook) -> None:
    """After all of the above: neither the browser's console nor the kernel nor JupyterLab's log."""
    assert notebook.all_complaints() == []
