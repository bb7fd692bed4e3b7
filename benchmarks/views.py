"""Measure how fast the views respond: in a kernel, and in JupyterLab with Chromium."""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import Browser, Locator, Page

from lab import NO_CHROMIUM, Lab, Notebook, launch

# Runs in a kernel, so that messages to the browser are made and sent; `set_state` is what a message from there calls.
_IN_KERNEL = """
import json
from statistics import median
from time import perf_counter
import numpy as np
from mnist_cnn.data import load_images, split_validation
from mnist_cnn.feature_maps import FeatureMaps
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.confusion import ConfusionExplorer, EpochScrubber
from mnist_cnn.views import DrawingPad, PredictionBrowser

digits = load_images(source="full")
runs = {"ReLU": load_run(SHIPPED / "relu.npz"), "LeakyReLU": load_run(SHIPPED / "leaky_relu.npz")}
models = {name: run.load_model() for name, run in runs.items()}
both = {name: predict(model, digits.x_test) for name, model in models.items()}
browser = PredictionBrowser(digits.x_test, digits.y_test, both)
explorer = ConfusionExplorer(digits.x_test, digits.y_test, both["ReLU"].argmax(axis=1))
scrubber = EpochScrubber(runs["ReLU"], *split_validation(digits.x_train, digits.y_train)[1])
pad = DrawingPad(models["LeakyReLU"])
maps = FeatureMaps(models["ReLU"], digits.x_test, digits.y_test)
drawing = np.zeros((280, 280, 4), "uint8")
drawing[50:200, 60:80, 3] = 255

def milliseconds(widget, states):
    times = []
    for state in states:
        start = perf_counter()
        widget.set_state(state)
        times.append(1000 * (perf_counter() - start))
    return round(median(times), 2)

drawn = {"pixels": drawing.tobytes(), "shape": [280, 280, 4]}
print(json.dumps({
    "prediction browser": milliseconds(browser.slider, [{"value": n} for n in range(2, 502)]),
    "confusion explorer": milliseconds(explorer.matrix, [{"chosen": [n % 10, n % 10]} for n in range(500)]),
    "epoch scrubber": milliseconds(scrubber.slider, [{"value": n % 21} for n in range(1, 501)]),
    "drawing pad": milliseconds(pad.pad, [drawn | {"sent": n} for n in range(1, 101)]),
    "feature maps": milliseconds(maps.slider, [{"value": n} for n in range(1, 501)]),
}))
"""

# A notebook of its own, as 07 runs for much longer.
_FEATURE_MAPS = """
from mnist_cnn.data import load_images
from mnist_cnn.feature_maps import FeatureMaps
from mnist_cnn.runs import SHIPPED, load_run

digits = load_images(source="full")
FeatureMaps(load_run(SHIPPED / "relu.npz").load_model(), digits.x_test, digits.y_test)
"""

# Waits for the next change below a view's board; milliseconds from the key or pointer until that is on the screen.
_WATCH = """([view, event]) => {
  const board = [...view.querySelectorAll('.mnist-board')].pop(), body = board.querySelector('div');
  let start;
  addEventListener(event, () => (start = performance.now()), { capture: true, once: true });
  window.shown = new Promise((done) => {
    const observer = new MutationObserver(async () => {
      observer.disconnect();
      await Promise.all([...body.querySelectorAll('img')].map((image) => image.decode()));
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start))); // painted in between
    });
    observer.observe(body, { childList: true });
  });
}"""


def measure() -> dict:
    """Median milliseconds in the kernel, by view; those in the browser; and the seconds until 06 has opened."""
    return {"kernel": in_kernel(), **in_browser()}


def in_kernel() -> dict[str, float]:
    """From a message of the browser to the new picture having been sent."""
    manager, client = start_new_kernel()
    printed = []
    try:
        reply = client.execute_interactive(
            _IN_KERNEL, output_hook=lambda message: printed.append(message["content"].get("text", "")), timeout=300
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(reply["content"]["evalue"])
    return json.loads("".join(printed).splitlines()[-1])


def in_browser() -> dict:
    """Notebook 06 and the feature maps, opened and used three times, in fresh kernels and with the shipped runs."""
    opened, keys, strokes, maps = [], [], [], []
    with launch() as browser:
        if browser is None:
            raise RuntimeError(NO_CHROMIUM)
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), dict(os.environ)) as lab:
                use_06(browser, lab, opened, keys, strokes)
                use_maps(browser, lab, maps)
    return {
        "key_to_picture_ms": round(statistics.median(keys)),
        "pen_to_answer_ms": round(statistics.median(strokes)),
        "key_to_maps_ms": round(statistics.median(maps)),
        "notebook_06_opened_s": round(statistics.median(opened), 1),
    }


def use_06(browser: Browser, lab: Lab, opened: list[float], keys: list[float], strokes: list[float]) -> None:
    """Open notebook 06, run its cells, press 50 keys, draw 20 dots; add the seconds and the milliseconds."""
    start = time.perf_counter()
    notebook = Notebook(browser, lab, "06_prediction_visualization")
    if errors := notebook.run_all():
        raise RuntimeError(errors)
    page, views = notebook.page, notebook.page.locator(".mnist-view")
    views.first.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    views.first.get_by_text("2 of 10,000").wait_for()
    opened.append(time.perf_counter() - start)
    keys += press_keys(page, views.first)
    for number in range(20):
        views.last.get_by_role("button", name="Clear").click()
        views.last.locator("canvas[aria-busy=false]").wait_for()
        box = views.last.locator("canvas").bounding_box()
        page.mouse.move(box["x"] + 60 + 5 * number, box["y"] + 60)
        page.evaluate(_WATCH, [views.last.element_handle(), "pointerdown"])
        page.mouse.down()
        strokes.append(page.evaluate("window.shown"))
        page.mouse.up()
    page.close()


def use_maps(browser: Browser, lab: Lab, maps: list[float]) -> None:
    """Look at the feature maps of 50 images, by keyboard; add the milliseconds."""
    path = lab.log.parent / "notebooks" / "maps.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_FEATURE_MAPS)], metadata=kernel), path)
    notebook = Notebook(browser, lab, path.stem)
    if errors := notebook.run_all():
        raise RuntimeError(errors)
    view = notebook.page.locator(".jp-Notebook .mnist-view:not(.mnist-view .mnist-view)")
    view.get_by_role("slider").focus()
    maps += press_keys(notebook.page, view)
    notebook.page.close()


def press_keys(page: Page, view: Locator) -> Iterator[float]:
    """Press 50 keys in a view whose slider has the focus; the milliseconds until each picture was there."""
    for _ in range(50):
        page.evaluate(_WATCH, [view.element_handle(), "keydown"])
        page.keyboard.press("ArrowRight")
        yield page.evaluate("window.shown")


if __name__ == "__main__":
    print(json.dumps(measure()))
