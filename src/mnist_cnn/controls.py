"""The controls and the HTML that the interactive views are made of."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets
from PIL import Image

from mnist_cnn.evaluation import bar_text

_BROWSER = Path(__file__).with_name("browser")  # the JavaScript


def digit(image: np.ndarray, alt: str, side: int) -> str:
    """An image, uint8 (28, 28), as dark ink on white, enlarged to `side` screen pixels; `alt` is its text."""
    png = BytesIO()
    Image.fromarray(255 - image).save(png, "PNG", compress_level=1)
    source = f"data:image/png;base64,{b64encode(png.getvalue()).decode()}"
    return f'<img src="{source}" alt="{escape(alt)}" width="{side}" height="{side}" decoding="sync">'


def bars(name: str, probabilities: np.ndarray, names: Sequence[str], label: int | None = None) -> str:
    """Probabilities (classes,) as bars under a name; words mark the predicted and, if known, the actual class."""
    predicted = int(probabilities.argmax())
    rows = []
    for each, probability in enumerate(probabilities):
        kind = "marked" if each in (predicted, label) else ""
        if each == predicted and label not in (None, each):
            kind = "wrong"
        bar, said = f'<div style="width:{probability:.1%}"></div>', bar_text(each, label, probabilities)
        head = f'<tr class="{kind}"><th scope="row">{escape(names[each])}</th>'
        rows.append(f"{head}<td>{bar}</td><td>{said}</td></tr>")
    return f'<table class="mnist-bars"><caption>{escape(name)}</caption>{"".join(rows)}</table>'


def gallery(images: np.ndarray, captions: Sequence[str], side: int = 56) -> str:
    """Images (n, 28, 28) in rows, each above its caption, which is its text as well."""
    figures = []
    for image, caption in zip(images, captions, strict=True):
        below = escape(caption).replace(", ", "<br>")
        figures.append(f"<figure>{digit(image, caption, side)}<figcaption>{below}</figcaption></figure>")
    return f'<div class="mnist-gallery">{"".join(figures)}</div>'


def side_by_side(*parts: str) -> str:
    """Arrange HTML from left to right, as far as it fits."""
    return f'<div class="mnist-side-by-side">{"".join(parts)}</div>'


class Board(anywidget.AnyWidget):
    """A line of text, which screen readers announce when it changes, above a body of HTML."""

    _esm, _css = _BROWSER / "board.js", _BROWSER / "views.css"
    caption = traitlets.Unicode().tag(sync=True)
    body = traitlets.Unicode().tag(sync=True)

    def show(self, caption: str, body: str = "") -> None:
        """Change both in one message."""
        with self.hold_sync():
            self.caption, self.body = caption, body


class Matrix(anywidget.AnyWidget):
    """A confusion matrix whose cells can be chosen."""

    _esm, _css = _BROWSER / "matrix.js", _BROWSER / "views.css"
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the classes
    counts = traitlets.List().tag(sync=True)  # a row for each class
    chosen = traitlets.List(traitlets.Int(min=0), maxlen=2).tag(sync=True)  # [actual, predicted], or empty

    @traitlets.validate("chosen")
    def _lies_within(self, proposal: dict) -> list[int]:
        if any(at >= len(self.names) for at in proposal["value"]):
            raise traitlets.TraitError(f"chosen must lie within {len(self.names)} classes, not at {proposal['value']}")
        return proposal["value"]


class Pad(anywidget.AnyWidget):
    """A pad to draw on, or to open an image file on."""

    _esm, _css = _BROWSER / "pad.js", _BROWSER / "views.css"
    # From the browser, which needs no echo: colour and opacity in 0..255, their shape, how many drawings were sent.
    pixels = traitlets.CBytes().tag(sync=True, echo_update=False)
    shape = traitlets.List([0, 0, 4]).tag(sync=True, echo_update=False)
    sent = traitlets.Int().tag(sync=True, echo_update=False)
    answered = traitlets.Int().tag(sync=True)  # of those sent; the browser waits with the next


class Mosaic(anywidget.AnyWidget):
    """Feature maps as pictures, all of them or the chosen one enlarged, on which a map and a pixel can be chosen."""

    _esm, _css = _BROWSER / "mosaic.js", _BROWSER / "views.css"
    enlarged = traitlets.Bool().tag(sync=True)
    pixels = traitlets.CBytes(b"\0").tag(sync=True)  # ink in 0..255, map after map
    shape = traitlets.List([1, 1, 1]).tag(sync=True)  # how many maps, their height and width
    chosen = traitlets.List(traitlets.Int(min=0), [0, 0, 0], minlen=3, maxlen=3).tag(sync=True)  # map, row, column

    @traitlets.validate("chosen")
    def _lies_within(self, proposal: dict) -> list[int]:
        if any(at >= size for at, size in zip(proposal["value"], self.shape, strict=True)):
            raise traitlets.TraitError(f"chosen must lie within {self.shape}, not at {proposal['value']}")
        return proposal["value"]

    def show(self, maps: np.ndarray) -> None:
        """Draw maps, floats (n, height, width), on one scale; choose the strongest number if their shape is another."""
        low, high = min(maps.min(), 0), max(maps.max(), 1e-6)
        with self.hold_sync():
            self.pixels = (255 * (maps - low) / (high - low)).astype("uint8").tobytes()
            if self.shape != list(maps.shape):
                self.shape = list(maps.shape)
                self.chosen = [int(at) for at in np.unravel_index(maps.argmax(), maps.shape)]


class View(ipywidgets.VBox):
    """Widgets from top to bottom; a static page shows the text `still` in their place."""

    def __init__(self, children: list[ipywidgets.Widget], still: str):
        self._still = still
        super().__init__(children)
        self.add_class("mnist-view")

    def __repr__(self) -> str:
        """What GitHub and paper show in its place."""
        return self._still


def dropdown(description: str, options: list) -> ipywidgets.Dropdown:
    """A dropdown, no wider than its options."""
    return ipywidgets.Dropdown(
        description=description, options=options, style={"description_width": "auto"}, layout={"width": "auto"}
    )


def slider_to_play(description: str, low: int, high: int | None = None) -> tuple[ipywidgets.IntSlider, ipywidgets.HBox]:
    """A slider, and a box that holds it and a play button."""
    slider = ipywidgets.IntSlider(
        description=description, min=low, max=high or low, value=low, layout={"width": "32em"}
    )
    play = ipywidgets.Play(min=low, max=slider.max, value=low, interval=500)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    slider.observe(lambda change: restart(play, change.new), names="max")
    return slider, ipywidgets.HBox([play, slider])


def restart(slider: ipywidgets.IntSlider | ipywidgets.Play, high: int) -> None:
    """Give a slider another end, and move it to its beginning."""
    with slider.hold_trait_notifications():
        slider.value, slider.max = slider.min, high
