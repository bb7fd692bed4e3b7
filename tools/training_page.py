"""The training of the view Trainer in a blank page of Chromium, for tests and benchmarks."""

import base64
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from mnist_cnn.views.bundle import BROWSER, bundle

# Its files can be used by their names, and `start` starts a training
_LOAD = """async ({ code, wasm }) => {
  const names = "_training, _matrices, _architecture, _random, _augmentation, _layers";
  const module = new Blob([`${code}\\nexport { ${names} };`], { type: "text/javascript" });
  Object.assign(window, await import(URL.createObjectURL(module)));
  const fromText = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  window.unpack = ({ images, labels }) => ({
    images: fromText(images), labels: Uint8Array.from(labels),
  });
  window.start = ({ settings, digits }) => {
    const matrices = _matrices.startMatrices(fromText(wasm));
    return new _training.Training(matrices, settings, unpack(digits), 10);
  };
}"""


def open_training(browser: Browser) -> Page:
    """Open a page with what the worker of the view is made of."""
    page = browser.new_page()
    wasm = base64.b64encode(BROWSER.joinpath("matrix.wasm").read_bytes()).decode()
    page.evaluate(_LOAD, {"code": bundle("training_worker"), "wasm": wasm})
    return page


def pack_digits(images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Pack images, uint8 (n, 28, 28), and their labels for `unpack` in that page."""
    return {"images": base64.b64encode(images.tobytes()).decode(), "labels": labels.tolist()}
