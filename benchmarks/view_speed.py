"""Measure how fast the views respond, on the site and in JupyterLab, in headless Chromium."""

import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from playwright.sync_api import Browser, Locator, Page

from lab import NO_CHROMIUM, Lab, Notebook, launch
from pages import Site, SitePage
from schema import ViewMeasurement

NOTEBOOK_06 = "06_prediction_visualization"
# The views with a slider, each with the page that begins with it, and the number of keys to press
SLIDERS = {
    "epoch scrubber": ("04_training", 20),
    "confusion explorer": ("05_evaluation", 20),
    "prediction browser": (NOTEBOOK_06, 50),
    "feature maps": ("07_inside_the_network", 50),
}
DOTS = 20  # number of dots to draw on a pad

# Watches how a view reacts to the next event. `window.shown` resolves to the milliseconds until the
# new content is in the page, ready for the next frame of the screen, and until that frame has been
# drawn, which a screen of 60 Hz delays by up to 17 ms.
_WATCH = """([body, event]) => {
  let start;
  addEventListener(event, () => (start = performance.now()), { capture: true, once: true });
  window.shown = new Promise((done) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      const ready = performance.now() - start;
      requestAnimationFrame(() =>
        requestAnimationFrame(() => done([ready, performance.now() - start])),
      );
    });
    observer.observe(body, { childList: true });
  });
}"""

Response = tuple[float, float]
"""The milliseconds until a view's new picture was ready, and until it was drawn."""


def measure_views() -> ViewMeasurement:
    """Measure how fast the views respond.

    Raises:
        RuntimeError: There is no Chromium, or a cell of the notebook fails.
    """
    with launch() as browser, tempfile.TemporaryDirectory() as folder:
        if browser is None:
            raise RuntimeError(NO_CHROMIUM)
        with Site(Path(folder)) as site:
            first_page = [time_first_page(browser, site) for _ in range(5)]
            on_site = measure_site(browser, site)
        opened = []
        in_lab: dict[str, list[Response]] = defaultdict(list)
        for _ in range(3):
            seconds, responses_by_view = measure_lab(browser)
            opened.append(seconds)
            for view, responses in responses_by_view.items():
                in_lab[view] += responses
    return {
        "first_page_s": round(statistics.median(first_page), 2),
        "notebook_06_opened_s": round(statistics.median(opened), 1),
        "lab": {view: medians(responses) for view, responses in in_lab.items()},
        "site": {view: medians(responses) for view, responses in on_site.items()},
    }


def medians(responses: list[Response]) -> list[float]:
    """The median milliseconds until the pictures were ready, and until they were drawn."""
    ready, drawn = zip(*responses, strict=True)
    return [round(statistics.median(ready), 1), round(statistics.median(drawn), 1)]


def time_first_page(browser: Browser, site: Site) -> float:
    """The seconds until one can draw on the first page, when the browser has cached nothing."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(site.address, wait_until="commit")
    page.locator(".mnist-pad").wait_for()
    seconds = time.perf_counter() - start
    page.close()
    return seconds


def measure_site(browser: Browser, site: Site) -> dict[str, list[Response]]:
    """Move the slider of each view on the site, and draw on the pad of the first page."""
    responses = {}
    for name, (notebook, keys) in SLIDERS.items():
        page = SitePage(browser, site, f"notebooks/{notebook}.html").page
        view = page.locator(".mnist-view").first
        body = view.locator(".mnist-gallery, .mnist-side-by-side").first
        if name == "confusion explorer":
            view.get_by_role("button", name="actual 8, predicted 8").click()
        view.get_by_role("slider").first.focus()
        responses[name] = [press_key(page, body) for _ in range(keys)]
        page.close()
    page = SitePage(browser, site, "index.html").page
    pad = page.locator(".mnist-view")
    responses["drawing pad with maps"] = [draw_dot(page, pad, number) for number in range(DOTS)]
    page.close()
    return responses


def measure_lab(browser: Browser) -> tuple[float, dict[str, list[Response]]]:
    """Open notebook 06 in JupyterLab with a fresh kernel, and use its views.

    Returns:
        The seconds until the notebook was open, its cells had run and its slider had moved; and the
        responses by view.

    Raises:
        RuntimeError: A cell of the notebook fails.
    """
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), dict(os.environ)) as lab:
        start = time.perf_counter()
        notebook = Notebook(browser, lab, NOTEBOOK_06)
        if errors := notebook.run_all():
            raise RuntimeError(errors)
        page = notebook.page
        predictions, pad = page.locator(".mnist-view").first, page.locator(".mnist-view").last
        predictions.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        predictions.get_by_text("2 of 10,000").wait_for()
        seconds = time.perf_counter() - start
        body = predictions.locator(".mnist-side-by-side")
        keys = [press_key(page, body) for _ in range(50)]
        dots = [draw_dot(page, pad, number) for number in range(DOTS)]
        page.close()
    return seconds, {"prediction browser": keys, "drawing pad": dots}


def press_key(page: Page, body: Locator) -> Response:
    """Press a key to move the focused slider, and time how the body of the view changes."""
    page.evaluate(_WATCH, [body.element_handle(), "keydown"])
    page.keyboard.press("ArrowRight")
    return page.evaluate("window.shown")


def draw_dot(page: Page, pad: Locator, number: int) -> Response:
    """Clear a pad, draw a dot, and time how the pad shows the prediction.

    Args:
        page: The page.
        pad: The pad on the page.
        number: The number of the dot, from 0 up. It determines the place of the dot.
    """
    pad.get_by_role("button", name="Clear").click()
    pad.get_by_text("Draw a digit").wait_for()
    box = pad.locator("canvas").first.bounding_box()
    assert box is not None, "the pad is not visible"
    page.mouse.move(box["x"] + 60 + 5 * number, box["y"] + 60)
    page.evaluate(_WATCH, [pad.locator(".mnist-side-by-side").element_handle(), "pointerdown"])
    page.mouse.down()
    response = page.evaluate("window.shown")
    page.mouse.up()
    return response
