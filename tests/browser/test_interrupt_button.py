"""JupyterLab's interrupt button: the cell says what was saved; run again, it continues training.

Two networks are trained at once, as in notebook 04, in processes that the button must stop, too.
"""

import os
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, expect

from fresh_python import printed_by_python
from lab import Lab, Notebook
from mnist_cnn.runs import load_run
from repository import ROOT
from run_helpers import weights_of

pytestmark = pytest.mark.browser

RECIPES = ("leaky_relu", "pooled")
EPOCHS = 8
IMAGES = 700
LOAD_A_FEW_DIGITS = f"""
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.parallel import train_all
digits = load_images(source="sample")
digits = replace(digits, x_train=digits.x_train[:{IMAGES}], y_train=digits.y_train[:{IMAGES}])
"""
CELLS = (
    LOAD_A_FEW_DIGITS,
    f"runs = train_all({RECIPES}, digits, epochs={EPOCHS})",
    "print('the next cell')",
)


def test_trainings_interrupted_by_the_button_continue_to_the_same_weights(
    browser: Browser, lab: Lab, runs: Path
) -> None:
    folder = lab.log.parent
    names = [f"{recipe}-sample-{IMAGES}.npz" for recipe in RECIPES]
    files = [folder / "runs" / name for name in names]
    mine = nbformat.read(ROOT / "notebooks" / "04_training.ipynb", as_version=4)
    mine.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(mine, folder / "notebooks" / "mine.ipynb")
    notebook = Notebook(browser, lab, "mine")
    training, after = (notebook.page.locator(".jp-CodeCell").nth(n) for n in (1, 2))
    notebook.start_all()
    for recipe in RECIPES:
        expect(training).to_contain_text(f"{recipe}: epoch  1 of {EPOCHS}", timeout=600_000)
    notebook.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(training).to_contain_text("Interrupted: ")
    notebook.page.screenshot(path=ROOT / "build" / "screenshots" / "interrupted.png")
    done = [load_run(file).epochs_done for file in files]
    assert all(1 <= epochs < EPOCHS for epochs in done)
    saved = [
        f"{epochs} of {EPOCHS} epochs in runs/{name}"
        for epochs, name in zip(done, names, strict=True)
    ]
    assert training.locator(".jp-OutputArea-child").last.inner_text().strip() == (
        f"Interrupted: {' and '.join(saved)} are saved. Run this cell again to continue."
    )
    expect(after.locator(".jp-OutputArea-output")).to_have_count(0)  # Run All stopped there
    assert notebook.run_all() == []
    for epochs, name in zip(done, names, strict=True):
        expect(training).to_contain_text(f"continuing runs/{name} after epoch {epochs} of {EPOCHS}")
    expect(training).to_contain_text(f"pooled: epoch  {EPOCHS} of {EPOCHS}")
    for recipe, epochs in zip(RECIPES, done, strict=True):  # none of them again
        assert training.inner_text().count(f"{recipe}: epoch  {epochs} of") == 1
    expect(after.locator(".jp-OutputArea-output")).to_contain_text("the next cell")
    # Without a break, and with as many threads
    share = load_run(files[0]).environment["arithmetic"]["threads"]
    alone = os.environ | {"TF_NUM_INTRAOP_THREADS": str(share), "LOKY_MAX_CPU_COUNT": "1"}
    printed_by_python(f"{LOAD_A_FEW_DIGITS}\n{CELLS[1]}", alone)
    for name, file in zip(names, files, strict=True):
        assert weights_of(load_run(file)) == weights_of(load_run(runs / name))
