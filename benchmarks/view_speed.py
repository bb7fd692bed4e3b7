"""Measure how fast the views respond, on the site and in JupyterLab, in headless Chromium on this machine."""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))  # which drive browsers, too

from playwright.sync_api import Browser, Locator, Page

from lab import NO_CHROMIUM, Lab, Notebook, launch
from pages import Site, SitePage

NOTEBOOK = "06_prediction_visualization"

# Waits for what the next key or pen does to a view; milliseconds from there until it stands in the
# page, complete, for the next picture on the screen; and until that has been drawn, which a screen
# of 60 Hz makes longer by 17 at most.
_WATCH = """([body, event]) => {
  let start;
  addEventListener(event, () => (start = performance.now()), { capture: true, once: true });
  window.shown = new Promise((done) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      const ready = performance.now() - start;
      requestAnimationFrame(() => requestAnimationFrame(() => done([ready, performance.now() - start])));
    });
    observer.observe(body, { childList: true });
  });
}"""

Times = list[tuple[float, float]]


def measure() -> dict:
    """Median milliseconds (ready, drawn) by where and what; and the seconds until the views are
    there.
    """
    times: dict[str, dict[str, Times]] = {"lab": {}}
    opened = []
    with launch() as browser, tempfile.TemporaryDirectory() as folder:
        if browser is None:
            raise RuntimeError(NO_CHROMIUM)
        with Site(Path(folder)) as site:
            first = [open_first_page(browser, site) for _ in range(5)]
            times["site"] = use_site(browser, site)
        for _ in range(3):
            seconds, found = use_lab(browser)
            opened.append(seconds)
            for name, each in found.items():
                times["lab"].setdefault(name, []).extend(each)
    return {
        "first_page_s": round(statistics.median(first), 2),
        "notebook_06_opened_s": round(statistics.median(opened), 1),
        **{
            where: {name: medians(each) for name, each in of.items()} for where, of in times.items()
        },
    }


def medians(times: Times) -> list[float]:
    return [round(statistics.median(each), 1) for each in zip(*times, strict=True)]


def open_first_page(browser: Browser, site: Site) -> float:
    """Seconds from asking for the first page, with nothing in the cache, until one can draw on it."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(site.address, wait_until="commit")
    page.locator(".mnist-pad").wait_for()
    seconds = time.perf_counter() - start
    page.close()
    return seconds


def use_site(browser: Browser, site: Site) -> dict[str, Times]:
    """Every view: 50 keys, or 20 dots."""
    times = {}
    for name, notebook in (
        ("epoch scrubber", "04_training"), ("confusion explorer", "05_evaluation"),
        ("prediction browser", NOTEBOOK), ("feature maps", "07_inside_the_network"),
    ):  # fmt: skip
        page = SitePage(browser, site, f"notebooks/{notebook}.html").page
        view = page.locator(".mnist-view").first
        body = view.locator(".mnist-gallery, .mnist-side-by-side").first
        if name == "confusion explorer":
            view.get_by_role("button", name="actual 8, predicted 8").click()
        view.get_by_role("slider").first.focus()
        times[name] = [
            *press_keys(page, body, 20 if name in ("epoch scrubber", "confusion explorer") else 50)
        ]
        page.close()
    page = SitePage(browser, site, "index.html").page
    times["drawing pad with maps"] = [*draw_dots(page, page.locator(".mnist-view"))]
    page.close()
    return times


def use_lab(browser: Browser) -> tuple[float, dict[str, Times]]:
    """Open notebook 06 in a fresh kernel and run its cells, in seconds; then 50 keys and 20 dots."""
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), dict(os.environ)) as lab:
        start = time.perf_counter()
        notebook = Notebook(browser, lab, NOTEBOOK)
        if errors := notebook.run_all():
            raise RuntimeError(errors)
        page, views = notebook.page, notebook.page.locator(".mnist-view")
        views.first.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        views.first.get_by_text("2 of 10,000").wait_for()
        opened = time.perf_counter() - start
        keys = [*press_keys(page, views.first.locator(".mnist-side-by-side"), 50)]
        dots = [*draw_dots(page, views.last)]
        page.close()
    return opened, {"prediction browser": keys, "drawing pad": dots}


def press_keys(page: Page, body: Locator, count: int) -> Iterator[tuple[float, float]]:
    """Press a key that moves the slider with the focus; the milliseconds until the body of the view
    has changed.
    """
    for _ in range(count):
        page.evaluate(_WATCH, [body.element_handle(), "keydown"])
        page.keyboard.press("ArrowRight")
        yield page.evaluate("window.shown")


def draw_dots(page: Page, view: Locator) -> Iterator[tuple[float, float]]:
    """Draw 20 times on an empty pad; the milliseconds until the answer is there."""
    for number in range(20):
        view.get_by_role("button", name="Clear").click()
        view.get_by_text("Draw a digit").wait_for()
        box = view.locator("canvas").first.bounding_box()
        page.mouse.move(box["x"] + 60 + 5 * number, box["y"] + 60)
        page.evaluate(_WATCH, [view.locator(".mnist-side-by-side").element_handle(), "pointerdown"])
        page.mouse.down()
        yield page.evaluate("window.shown")
        page.mouse.up()


if __name__ == "__main__":
    print(json.dumps(measure()))
