"""The button that interrupts a training in JupyterLab: one line of what is kept, and the same cell goes on."""

import os

import nbformat
import numpy as np
import pytest
from lab import NO_CHROMIUM, ROOT, Lab, Notebook, launch
from playwright.sync_api import expect

from mnist_cnn.data import load_mnist
from mnist_cnn.runs import load_run
from mnist_cnn.training import train

CELLS = (
    "from mnist_cnn.data import load_mnist\nfrom mnist_cnn.training import train",
    "run = train('improved', load_mnist(source='sample'), epochs=16, name='mine')",
    "print('and on')",
)


def test_interrupted_by_the_button_it_says_what_is_kept_and_goes_on(tmp_path, runs) -> None:
    lab = Lab(tmp_path / "lab", dict(os.environ))
    notebook = nbformat.read(ROOT / "notebooks" / "04_training.ipynb", as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(notebook, tmp_path / "lab" / "notebooks" / "mine.ipynb")
    try:
        with launch() as browser:
            if browser is None:
                pytest.skip(NO_CHROMIUM)
            opened = Notebook(browser, lab, "mine")
            page, training, after = opened.page, *(opened.page.locator(".jp-CodeCell").nth(n) for n in (1, 2))
            opened.start_all()
            expect(training).to_contain_text("epoch  2 of 16", timeout=120_000)
            page.get_by_role("button", name="Interrupt the kernel").click()
            expect(training).to_contain_text("Interrupted: runs/mine keeps")
            page.screenshot(path=ROOT / "build" / "screenshots" / "interrupted.png")
            error = training.locator(".jp-OutputArea-child").last.inner_text()
            kept = load_run(tmp_path / "lab" / "runs" / "mine").epochs
            assert (
                error.strip() == f"Interrupted: runs/mine keeps {kept} of 16 epochs. Run this cell again to continue."
            )
            assert 2 <= kept < 16
            expect(after.locator(".jp-OutputArea-output")).to_have_count(0)  # Run All stopped there
            assert opened.run_all() == []
            expect(training).to_contain_text(f"continuing runs/mine after epoch {kept} of 16")
            expect(training).to_contain_text("epoch 16 of 16")
            expect(training).not_to_contain_text("epoch  1 of 16")  # not from the beginning
            expect(after.locator(".jp-OutputArea-output")).to_contain_text("and on")
    finally:
        lab.stop()
    resumed = load_run(tmp_path / "lab" / "runs" / "mine").load_model().get_weights()
    straight = train("improved", load_mnist(source="sample"), epochs=16).load_model().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(resumed, straight, strict=True))
