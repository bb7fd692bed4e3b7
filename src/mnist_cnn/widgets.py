"""Views that move: curves while a network trains, a slider over predictions (notebooks 04 and 06)."""

from datetime import timedelta
from io import BytesIO

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image, ImageDraw, ImageFont

from mnist_cnn.evaluation import find_mistakes, rank_by_doubt
from mnist_cnn.plots import INK, BLUE, RED, bar_text, plot_history

_LEAST_SURE = 100  # how many images that filter keeps
_FONT = ImageFont.load_default(size=15)
_WIDTH, _PIXEL, _ROW, _BAR = 690, 10, 28, 180  # of the picture, a digit's pixel, a row of bars, a bar of 100 %


class LiveCurves:
    """Show the curves of a training as it goes; pass one to `train` as its `progress`."""

    def __init__(self) -> None:
        self._handle = None

    def __call__(self, history: dict[str, list[float]], epochs: int, seconds: float) -> None:
        """Redraw; called by `train` at the start and after every epoch."""
        done = len(history.get("loss", ()))
        note = f"epoch {done} of {epochs}, {timedelta(seconds=int(seconds))}"
        if 0 < done < epochs:
            note += f", about {timedelta(seconds=int(seconds / done * (epochs - done)))} left"
        note += f"\n{'■' * done}{'□' * (epochs - done)}"
        figure = plot_history(history, epochs, note)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


class PredictionBrowser(ipywidgets.VBox):
    """A slider over predictions, with a choice of which images it runs through.

    Args:
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..9.
        probabilities: float (n, 10) in 0..1.

    Raises:
        ValueError: the three differ in length, or are empty.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray):
        if not len(images) == len(labels) == len(probabilities) > 0:
            raise ValueError(
                f"{len(images)} images, {len(labels)} labels and {len(probabilities)} predictions: "
                "pass as many of each, and at least one"
            )
        self._images, self._labels, self._probabilities = images, labels, probabilities
        self._choices = {
            "all images": np.arange(len(images)),
            "mistakes, most confident first": find_mistakes(labels, probabilities),
            "least sure first": rank_by_doubt(probabilities)[:_LEAST_SURE],
        } | {f"only digit {digit}": np.flatnonzero(labels == digit) for digit in range(10)}

        self.filter = ipywidgets.Dropdown(options=list(self._choices), description="show")
        self.slider = ipywidgets.IntSlider(description="position", min=1, layout={"width": "32em"})
        self.picture = ipywidgets.Image(format="png", layout={"width": f"{_WIDTH}px"})
        self.caption = ipywidgets.Label()
        self.filter.observe(lambda change: self._choose(), names="value")
        self.slider.observe(lambda change: self._show(), names="value")
        super().__init__([self.filter, self.slider, self.caption, self.picture])
        self._choose()

    def __repr__(self) -> str:
        """What GitHub and paper show in its place."""
        return f"A slider over {len(self._images):,} predictions; it moves in a running notebook"

    def _choose(self) -> None:
        """Let the slider run over the chosen images, from the first."""
        found = len(self._choices[self.filter.value])
        self.slider.disabled = found == 0
        with self.slider.hold_trait_notifications():
            self.slider.value, self.slider.max = 1, max(found, 1)
        self._show()

    def _show(self) -> None:
        chosen = self._choices[self.filter.value]
        if len(chosen) == 0:
            self.caption.value, self.picture.value = "There is no such image.", b""
            return
        index = int(chosen[self.slider.value - 1])
        label, probabilities = int(self._labels[index]), self._probabilities[index]
        predicted = int(probabilities.argmax())
        self.caption.value = (
            f"Test image {index}: actual {label}, predicted {predicted} with {probabilities[predicted]:.1%}"
            f" ({'right' if predicted == label else 'wrong'}; {self.slider.value} of {len(chosen)})"
        )
        self.picture.value = _draw(self._images[index], label, probabilities)


def _draw(image: np.ndarray, label: int, probabilities: np.ndarray) -> bytes:
    """Draw a digit beside its ten probabilities, as PNG; Pillow takes a millisecond where matplotlib takes fifty."""
    side = 28 * _PIXEL
    canvas = Image.new("RGB", (_WIDTH, side), "white")
    canvas.paste(Image.fromarray(255 - image).resize((side, side), Image.Resampling.NEAREST))
    draw = ImageDraw.Draw(canvas)
    predicted = int(probabilities.argmax())
    for digit, probability in enumerate(probabilities):
        left, top = side + 30, digit * _ROW
        color = RED if digit == predicted != label else BLUE
        draw.text((left - 14, top + 5), str(digit), INK, _FONT)
        draw.rectangle((left + 2, top + 5, left + 2 + probability * _BAR, top + _ROW - 6), color)
        draw.text((left + 10 + probability * _BAR, top + 5), bar_text(digit, label, probabilities), INK, _FONT)
    png = BytesIO()
    canvas.save(png, "PNG", compress_level=1)
    return png.getvalue()
