"""A view into a network: all feature maps of a layer, and the sum behind each number in them (notebook 07)."""

from collections.abc import Sequence

import ipywidgets
import numpy as np

from mnist_cnn import controls
from mnist_cnn.checks import DIGITS, check_array, check_names
from mnist_cnn.controls import Board, Mosaic, Pad, View
from mnist_cnn.data import prepare_images
from mnist_cnn.drawing import center_in_box, find_ink
from mnist_cnn.quiet import keras

_LISTED = 3  # input maps whose products are shown; of the others, only the sum


class FeatureMaps(View):
    """Choose or draw a digit, choose a convolution and see all its maps; choose a pixel and see how it is computed.

    Args:
        model: a network of `build_model` that has convolutions, trained or not.
        images: uint8 (n, 28, 28) in 0..255.
        labels: integers (n,) in 0..classes - 1.
        names: of the classes.
    """

    def __init__(self, model: keras.Model, images: np.ndarray, labels: np.ndarray, names: Sequence[str] = DIGITS):
        images = self._images = check_array("images", images, np.uint8, ("n", 28, 28))
        self._labels = check_array("labels", labels, np.integer, (len(images),), len(names) - 1)
        self._names = check_names(names, model.output_shape[-1])
        self._convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        if not self._convolutions:
            raise ValueError("the network has no convolution, and so no feature maps")
        self._fields = find_fields(model)
        around = [tensor for layer in self._convolutions for tensor in (layer.input, layer.output)]
        self._inside = keras.Model(model.inputs[0], [*around, model.outputs[0]])

        names = [f"{number}: {layer.filters} maps" for number, layer in enumerate(self._convolutions, 1)]
        self.layer = controls.dropdown("convolution", names)
        self.slider, sliding = controls.slider_to_play("image", 0, len(images) - 1)
        self.pad, self.mosaic, self.map, self.board = Pad(), Mosaic(), Mosaic(enlarged=True), Board()
        ipywidgets.jslink((self.mosaic, "chosen"), (self.map, "chosen"))
        self.slider.observe(lambda change: self._show_image(), names="value")
        self.pad.observe(lambda change: self._show_drawing(), names="sent")
        self.layer.observe(lambda change: self._show(), names="index")
        self.mosaic.observe(lambda change: self._explain(), names="chosen")
        rows = [self.layer, sliding], [self.pad, self.mosaic], [self.map, self.board]
        boxes = [ipywidgets.HBox(row, layout={"flex_flow": "wrap"}) for row in rows]
        super().__init__(boxes, "The feature maps of a digit, to choose from; they open in a running notebook")
        self._show_image()

    def _show_image(self) -> None:
        index = self.slider.value
        self._look_at(self._images[index], f"Image {index}, labelled {self._names[self._labels[index]]}")

    def _show_drawing(self) -> None:
        """Look at what is drawn; when the pad is cleared, at the image again."""
        pixels = np.frombuffer(self.pad.pixels, "uint8")
        try:
            if pixels.any():
                self._look_at(center_in_box(find_ink(pixels.reshape(self.pad.shape))), "Your drawing")
            else:
                self._show_image()
        except ValueError as error:
            self.board.show(f"The network has nothing to read: {error}.")
        finally:
            self.pad.answered = self.pad.sent

    def _look_at(self, seen: np.ndarray, what: str) -> None:
        *around, probabilities = self._inside.predict_on_batch(prepare_images(seen[np.newaxis]))
        self._seen, self._around = seen, [np.asarray(value[0], "float32") for value in around]
        self._said = f"{what}; the network says {self._names[probabilities.argmax()]}, with {probabilities.max():.1%}"
        self._show()

    def _show(self) -> None:
        maps = np.moveaxis(self._around[2 * self.layer.index + 1], 2, 0)
        self.mosaic.show(maps)
        self.map.show(maps)
        self._explain()

    def _explain(self) -> None:
        """Write down how the chosen number is computed, and mark what it sees of the image."""
        number = self.layer.index
        layer, (below, above) = self._convolutions[number], self._around[2 * number : 2 * number + 2]
        chosen, row, column = self.mosaic.chosen
        kernels, *biases = layer.get_weights()
        side = len(kernels)
        window, kernel = below[row : row + side, column : column + side], kernels[..., chosen]
        sums = (window * kernel).sum(axis=(0, 1))
        listed = np.argsort(-np.abs(sums), kind="stable")[:_LISTED]
        lines = [
            _line("the image" if len(sums) == 1 else f"map {at}", sums[at], window[..., at], kernel[..., at])
            for at in listed
        ]
        if others := len(sums) - len(listed):
            lines.append(_line(f"the other {others} maps", sums.sum() - sums[listed].sum()))
        lines += [_line("bias", bias[chosen]) for bias in biases]
        value = above[row, column, chosen]
        lines.append(_line("together", sums.sum() + sum(bias[chosen] for bias in biases)))
        if layer.activation is keras.activations.relu:
            lines.append(_line("after ReLU", value))
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("from", "window", "kernel", "products", "sum"))
        table = (
            f'<table class="mnist-sum"><caption>How it is computed</caption><tr>{heads}</tr>{"".join(lines)}</table>'
        )
        size, step = self._fields[number]
        picture = _framed(controls.digit(self._seen, "what the network sees", 84), row * step, column * step, size)
        where = f"Convolution {number + 1}, map {chosen}, row {row}, column {column}: {value:z.3f}"
        self.board.show(f"{self._said}. {where}.", controls.side_by_side(picture, table))


def find_fields(model: keras.Model) -> list[tuple[int, int]]:
    """For each convolution, the side of its receptive field and how far the next one is away, in pixels of the image.

    The arithmetic of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", without padding.
    """
    fields, size, step = [], 1, 1
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            size += (layer.kernel_size[0] - 1) * step
            fields.append((size, step))
        elif isinstance(layer, keras.layers.MaxPooling2D):
            size += (layer.pool_size[0] - 1) * step
            step *= layer.strides[0]
    return fields


def _line(name: str, total: float, window: np.ndarray | None = None, kernel: np.ndarray | None = None) -> str:
    """A row of the table: a part of the sum, and the window (n, n) and kernel (n, n) that it comes from."""
    grids = '<td colspan="3"></td>'
    if window is not None:
        grids = "".join(map(_grid, ("window", "kernel", "products"), (window, kernel, window * kernel)))
    return f'<tr><th scope="row">{name}</th>{grids}<td>{total:z.3f}</td></tr>'


def _grid(name: str, values: np.ndarray) -> str:
    """A cell with numbers (n, n) in a table of squares, coloured by sign and size."""
    most = max(np.abs(values).max(), 1e-6)
    rows = "".join(f"<tr>{''.join(_cell(value, abs(value) / most) for value in row)}</tr>" for row in values)
    return f'<td><table class="mnist-grid" aria-label="{name}">{rows}</table></td>'


def _cell(value: float, share: float) -> str:
    return f'<td class="{"minus" if value < 0 else "plus"}" style="--share:{share:.2f}">{value:z.2f}</td>'


def _framed(picture: str, top: int, left: int, size: int) -> str:
    """Frame a square of a picture of 28 by 28 pixels."""
    places = {"top": top, "left": left, "width": size, "height": size}
    style = ";".join(f"{name}:{value / 28:.2%}" for name, value in places.items())
    return f'<div class="mnist-framed">{picture}<i style="{style}"></i></div>'
