"""Turn a drawing or a photograph of a digit into an image like those of MNIST (notebook 06).

`drawing.js` does the same in the browser, with functions of the same names. The thresholds stand in
`shared.json`.
"""

import math

import numpy as np
from scipy import ndimage

from mnist_cnn.arguments import check_array
from mnist_cnn.cleaning import find_digit
from mnist_cnn.shared import SHARED

_LARGEST = 1000  # pixels; of a larger image, squares of 2 by 2 pixels are averaged first, or more

_THRESHOLDS = SHARED["drawing"]
_FAINT = _THRESHOLDS["FAINT"]  # of the strongest ink; what is fainter is shadow or noise
_NOTHING = _THRESHOLDS["NOTHING"]  # a contrast that is no ink
_DARKEST = np.float32(_THRESHOLDS["DARKEST"])  # paper; darker still, noise would count for much
_LEAST_SIDE = _THRESHOLDS["LEAST_SIDE"]  # pixels; a smaller image has a margin of one pixel
_MARGINS = _THRESHOLDS["MARGINS"]  # a margin is a 9th of the shorter side
_HALF_WINDOWS = _THRESHOLDS["HALF_WINDOWS"]  # half a window is an 8th of the longer side
_BOX = _THRESHOLDS["BOX"]  # pixels; the longer side of a digit of MNIST


def find_ink(pixels: np.ndarray, clean: bool = True) -> np.ndarray:
    """Find what was drawn: what differs from the paper in brightness or in hue, and is the digit.

    The paper has the colour of the border; where that varies, as in a photograph, it is estimated
    around each pixel.

    Args:
        pixels: an image of a digit, (height, width) in grey, (height, width, 3) in colour, or
            (height, width, 4) with opacity as well; integers in 0..255, floats in 0..1, or
            booleans.
        clean: leave out specks, frames, ruled lines, and what lies at the edges beside a digit.

    Returns:
        float32 (height, width) in 0..1: 0 on the paper, 1 where the ink is strongest.

    Raises:
        ValueError: nothing is drawn, or too faintly to be seen.
    """
    channels = _channels_of(np.asarray(pixels))
    ink = _measure_contrast(channels)
    if ink.max() < _NOTHING:
        raise ValueError("nothing is drawn, or too faintly to be seen")
    ink /= ink.max()
    ink = np.where(ink < _FAINT, 0, ink)
    if clean:
        ink = np.where(find_digit(ink > 0), ink, 0)
        ink /= ink.max()
    return ink


def center_in_box(ink: np.ndarray) -> np.ndarray:
    """Prepare ink (height, width) in 0..1 as MNIST's makers did.

    The longer side of the digit becomes 20 pixels; then whole pixels of shift bring its centre of
    mass to the centre of the image (LeCun, Cortes and Burges, "The MNIST database"), as far as the
    digit stays on it. A thin line that the scaling made pale gets its strength back.

    Returns:
        uint8 (28, 28) in 0..255.

    Raises:
        ValueError: there is no ink.
    """
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    return _put_mass_in_the_middle(_scale_to_box(_crop(ink)))


def shrink(ink: np.ndarray) -> np.ndarray:
    """Shrink ink (height, width) in 0..1, wherever it is, to uint8 (28, 28) in 0..255."""
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    return np.round(255 * _resize(ink, (28, 28))).astype("uint8")


def _crop(ink: np.ndarray) -> np.ndarray:
    """Cut off rows and columns without ink at the four sides."""
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    if len(rows) == 0:
        raise ValueError("there is no ink")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scale_to_box(ink: np.ndarray) -> np.ndarray:
    """Scale ink in 0..1 so that its longer side is 20 pixels, and as strong as before: uint8."""
    longer = max(ink.shape)
    height, width = (max(round(_BOX * side / longer), 1) for side in ink.shape)
    small = _resize(ink / ink.max(), (height, width))
    return np.round(small * (255 * ink.max() / small.max())).astype("uint8")


def _put_mass_in_the_middle(digit: np.ndarray) -> np.ndarray:
    """Put a digit on an image (28, 28) so that its centre of mass is in the middle, or near it."""
    rows, columns = digit.shape
    top = _start_of(digit.sum(axis=1))
    left = _start_of(digit.sum(axis=0))
    image = np.zeros((28, 28), "uint8")
    image[top : top + rows, left : left + columns] = digit
    return image


def _start_of(mass: np.ndarray) -> int:
    """Where rows or columns of these masses begin on the image."""
    center = np.average(np.arange(len(mass)), weights=mass)
    return min(max(round(14 - center), 0), 28 - len(mass))


def _channels_of(pixels: np.ndarray) -> np.ndarray:
    """Check an image and return its channels, float32 (height, width, channels) in 0..1.

    Transparent pixels count as black, whatever colour they have; then opacity tells.
    """
    if (
        pixels.dtype.kind not in "buif"
        or pixels.ndim < 2
        or pixels.shape[2:] not in ((), (1,), (3,), (4,))
    ):
        raise ValueError(
            "an image has numbers of shape (height, width), (height, width, 3) in colour or "
            f"(height, width, 4) with opacity, not {pixels.dtype} of shape {pixels.shape}"
        )
    high = 1 if pixels.dtype.kind in "bf" else 255
    shape = ("height", "width", *pixels.shape[2:])
    channels = _reduce(check_array("pixels", pixels, np.generic, shape, high)) / high
    if channels.shape[2] == 4:
        channels[..., :3] *= channels[..., 3:]
    return channels


def _measure_contrast(channels: np.ndarray) -> np.ndarray:
    """Measure how much pixels differ from the paper, (height, width).

    The paper is the median of the border, unless the border varies.
    """
    border = np.concatenate([channels[0], channels[-1], channels[:, 0], channels[:, -1]])
    if _is_lit_unevenly(border, _median_of_margin(channels)):
        ink = _measure_local_contrast(channels)
        margin = _margin_width(channels)
        inner = ink[margin:-margin, margin:-margin]
        # What varies may be a broad stroke that runs over the edge; or all may be one broad stroke
        if inner.max(initial=0) >= max(_NOTHING, _FAINT * ink.max()):
            return ink
    paper = np.median(border, axis=0)
    return np.abs(channels - paper).max(axis=2)


def _is_lit_unevenly(border: np.ndarray, paper: np.ndarray) -> bool:
    """Whether the pixels of the border vary as in a photograph; no drawing is lit unevenly."""
    apart = np.abs(border - paper).max(axis=1)
    is_drawn = 10 * np.count_nonzero(apart == 0) > 7 * len(apart)
    return not is_drawn and bool(10 * np.count_nonzero(apart > _NOTHING) > len(apart))


def _margin_width(channels: np.ndarray) -> int:
    """How broad a margin is, in pixels, in which a frame along the edges is the smaller part.

    On a small image, a frame cannot be told from a digit that fills it.
    """
    side = min(channels.shape[:2])
    return side // _MARGINS if side >= _LEAST_SIDE else 1


def _median_of_margin(channels: np.ndarray) -> np.ndarray:
    """The median of each channel along the four sides, (channels,)."""
    margin = _margin_width(channels)
    step = max(margin // 6, 1)  # enough for a median
    sides = channels[:margin], channels[-margin:], channels[:, :margin], channels[:, -margin:]
    parts = [side[::step, ::step].reshape(-1, channels.shape[2]) for side in sides]
    return np.median(np.concatenate(parts), axis=0)


def _measure_local_contrast(channels: np.ndarray) -> np.ndarray:
    """Measure how much pixels differ from the paper nearby, in parts of its brightness.

    Returns:
        float32 (height, width).
    """
    ink = np.zeros_like(channels)
    paper = np.zeros_like(channels)
    half = max(channels.shape[:2]) // _HALF_WINDOWS
    # Windows may reach beyond an edge, or gradients would end there; but no frame may fill them
    beyond = max(half - _margin_width(channels) // 2 - 1, 0)
    for channel, values in enumerate(np.moveaxis(channels, 2, 0)):
        levels = _estimate_paper(values, half, beyond)
        apart = np.abs(levels - values)
        # Noise alone is apart, too: by as much as the median, of some pixels
        ink[..., channel] = np.maximum(apart - np.median(apart[::4, ::4]), 0)
        paper[..., channel] = levels
    return ink.max(axis=2) / np.maximum(paper[..., :3].max(axis=2), _DARKEST)


def _estimate_paper(values: np.ndarray, half: int, beyond: int) -> np.ndarray:
    """Estimate a channel of the paper below the ink, (height, width).

    The grey closing of a channel is the paper below dark ink, its opening that below light ink:
    both follow gradients and the edges of shadows, and fill what is narrower than their window,
    which has a side of 2 * half + 1 pixels and may reach `beyond` pixels over an edge. Of the two,
    the paper is the one that is smoother and closer to the pixels.
    """
    height, width = values.shape
    side = 2 * half + 1
    ways = []
    # First the opening, which is taken if both cost the same
    for fill, outside in ((ndimage.grey_opening, 2), (ndimage.grey_closing, -1)):
        padded = np.pad(values, beyond, constant_values=outside)
        levels = fill(padded, (side, side), mode="nearest")
        ways.append(levels[beyond : beyond + height, beyond : beyond + width])
    return min(ways, key=lambda levels: _cost_of(levels, values, side))


def _cost_of(levels: np.ndarray, values: np.ndarray, side: int) -> float:
    """How far from the pixels paper would be, and how rough."""
    apart = np.abs(levels - values).sum(dtype=float)
    steps = sum(np.abs(np.diff(levels, axis=axis)).sum(dtype=float) for axis in (0, 1))
    return apart + side * steps


def _resize(ink: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Average or interpolate linearly to another shape (height, width)."""
    down, across = (_triangles(old, new) for old, new in zip(ink.shape, shape, strict=True))
    return down @ ink @ across.T


def _triangles(old: int, new: int) -> np.ndarray:
    """The weights of old pixels in new ones, (new, old): triangles as wide as two larger pixels."""
    scale = max(old / new, 1)
    centers = (np.arange(new)[:, np.newaxis] + 0.5) * old / new
    weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - centers) / scale, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _reduce(pixels: np.ndarray) -> np.ndarray:
    """Average squares of pixels until no side is longer than _LARGEST.

    Returns:
        float32 (height, width, channels).
    """
    step = math.ceil(max(pixels.shape[:2]) / _LARGEST)
    # An image may be less than a square high or wide
    rows, columns = (min(side, step) for side in pixels.shape[:2])
    height, width = (max(side // step, 1) for side in pixels.shape[:2])
    squares = pixels[: height * rows, : width * columns].reshape(height, rows, width, columns, -1)
    return squares.mean(axis=(1, 3), dtype="float32")
