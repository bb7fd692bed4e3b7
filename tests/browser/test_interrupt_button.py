"""JupyterLab's interrupt button: the cell says what was saved; run again, it continues training."""

from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from lab import Lab, Notebook
from mnist_cnn.data import Dataset
from mnist_cnn.runs import load_run
from mnist_cnn.training import train
from repository import ROOT

pytestmark = pytest.mark.browser

EPOCHS = 8
IMAGES = 700
LOAD_A_FEW_DIGITS = f"""
from dataclasses import replace
from mnist_cnn.data import load_images
from mnist_cnn.training import train
digits = load_images(source="sample")
digits = replace(digits, x_train=digits.x_train[:{IMAGES}], y_train=digits.y_train[:{IMAGES}])
"""
CELLS = (
    LOAD_A_FEW_DIGITS,
    f"run = train('relu', digits, epochs={EPOCHS}, name='mine')",
    "print('the next cell')",
)


def test_a_training_interrupted_by_the_button_continues_to_the_same_weights(
    browser: Browser, lab: Lab, sample: Dataset, runs: Path
) -> None:
    folder = lab.log.parent
    file = folder / "runs" / f"mine-sample-{IMAGES}.npz"
    mine = nbformat.read(ROOT / "notebooks" / "04_training.ipynb", as_version=4)
    mine.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(mine, folder / "notebooks" / "mine.ipynb")
    notebook = Notebook(browser, lab, "mine")
    training, after = (notebook.page.locator(".jp-CodeCell").nth(n) for n in (1, 2))
    notebook.start_all()
    expect(training).to_contain_text(f"epoch  2 of {EPOCHS}", timeout=600_000)
    notebook.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(training).to_contain_text("Interrupted: ")
    notebook.page.screenshot(path=ROOT / "build" / "screenshots" / "interrupted.png")
    done = load_run(file).epochs_done
    assert 2 <= done < EPOCHS
    assert training.locator(".jp-OutputArea-child").last.inner_text().strip() == (
        f"Interrupted: {done} of {EPOCHS} epochs are saved in runs/mine-sample-{IMAGES}.npz. Run "
        "this cell again to continue."
    )
    expect(after.locator(".jp-OutputArea-output")).to_have_count(0)  # Run All stopped there
    assert notebook.run_all() == []
    expect(training).to_contain_text(
        f"continuing runs/mine-sample-{IMAGES}.npz after epoch {done} of {EPOCHS}"
    )
    expect(training).to_contain_text(f"epoch {EPOCHS} of {EPOCHS}")
    expect(training).not_to_contain_text(f"epoch  1 of {EPOCHS}")  # not from the beginning
    expect(after.locator(".jp-OutputArea-output")).to_contain_text("the next cell")
    resumed = load_run(file).load_model().get_weights()
    few = replace(sample, x_train=sample.x_train[:IMAGES], y_train=sample.y_train[:IMAGES])
    straight = train("relu", few, epochs=EPOCHS).load_model().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(resumed, straight, strict=True))
