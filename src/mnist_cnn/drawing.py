"""Turn a drawing or a photograph of a digit into an image like those of MNIST (notebook 06).

`drawing.js` does the same in the browser, with functions of the same names. Both take their
thresholds from `shared.json`.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mnist_cnn.arguments import check_array
from mnist_cnn.cleaning import find_digit
from mnist_cnn.shared import SHARED

# The longest side of an image that is used as it is, in pixels; a larger one is downsampled
_MAX_SIDE = 1000


@dataclass(frozen=True)
class _Thresholds:
    """The thresholds in `shared.json`.

    Attributes:
        IMAGE_SIDE: The side of an image of MNIST, in pixels.
        DIGIT_SIDE: The longer side of the digit on such an image, in pixels.
        MIN_CONTRAST: Pixels that differ less from the paper are not ink.
        MIN_RELATIVE_INK: Ink that is fainter, relative to the strongest, is shadow or noise.
        MIN_PAPER_BRIGHTNESS: Contrast is relative to the brightness of the paper, or to this: on
            darker paper, noise would count for too much.
        EVEN_BORDER_PERCENT: If more of the border is exactly like the paper, the image is a
            drawing, and lit evenly.
        UNEVEN_BORDER_PERCENT: If more of the border differs from the paper, the image is a
            photograph, and lit unevenly.
        MIN_SIDE_WITH_MARGIN: If the shorter side has fewer pixels, the margin is a single pixel.
        MARGIN_DIVISOR: The margin is as wide as the shorter side of the image, divided by this.
        MARGIN_STEP_DIVISOR: The median of the margin takes rows and columns at steps of its width,
            divided by this.
        HALF_WINDOW_DIVISOR: Half the window in which the paper is estimated is the longer side,
            divided by this.
        NOISE_STEP: Noise is estimated from rows and columns that are this many pixels apart.
    """

    IMAGE_SIDE: int
    DIGIT_SIDE: int
    MIN_CONTRAST: float
    MIN_RELATIVE_INK: float
    MIN_PAPER_BRIGHTNESS: float
    EVEN_BORDER_PERCENT: int
    UNEVEN_BORDER_PERCENT: int
    MIN_SIDE_WITH_MARGIN: int
    MARGIN_DIVISOR: int
    MARGIN_STEP_DIVISOR: int
    HALF_WINDOW_DIVISOR: int
    NOISE_STEP: int


_THRESHOLDS = _Thresholds(**SHARED["drawing"])
_ABOVE_ALL = 2
_BELOW_ALL = -1


def find_ink(pixels: np.ndarray, clean: bool = True) -> np.ndarray:
    """Find the ink of a digit: what differs from the paper in brightness or in hue.

    The paper has the colour of the border; where that varies, as in a photograph, it is estimated
    around each pixel.

    Args:
        pixels: An image of a digit, (height, width) in grey, (height, width, 3) in colour, or
            (height, width, 4) with opacity as well. Integers in 0..255, floats in 0..1, or
            booleans.
        clean: Whether to leave out specks, frames, ruled lines, and what lies at the edges beside
            a digit.

    Returns:
        The ink, float32 (height, width) in 0..1: 0 on the paper, 1 where it is strongest.

    Raises:
        ValueError: Nothing is drawn, or too faintly to be seen.
    """
    channels = _channels_of(np.asarray(pixels))
    ink = _measure_contrast(channels)
    if ink.max() < _THRESHOLDS.MIN_CONTRAST:
        raise ValueError("nothing is drawn, or too faintly to be seen")
    ink /= ink.max()
    ink = np.where(ink < _THRESHOLDS.MIN_RELATIVE_INK, 0, ink)
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
        An image, uint8 (28, 28) in 0..255.

    Raises:
        ValueError: There is no ink.
    """
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    return _center_by_mass(_scale_to_box(_crop(ink)))


def shrink(ink: np.ndarray) -> np.ndarray:
    """Shrink ink (height, width) in 0..1, wherever it is, to uint8 (28, 28) in 0..255."""
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    side = _THRESHOLDS.IMAGE_SIDE
    return np.round(255 * _resize(ink, (side, side))).astype("uint8")


def _crop(ink: np.ndarray) -> np.ndarray:
    """Cut off rows and columns without ink at the four sides."""
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    if len(rows) == 0:
        raise ValueError("there is no ink")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scale_to_box(ink: np.ndarray) -> np.ndarray:
    """Scale ink in 0..1 to the size of a digit of MNIST, and as strong as before: uint8."""
    longer = max(ink.shape)
    height, width = (max(round(_THRESHOLDS.DIGIT_SIDE * side / longer), 1) for side in ink.shape)
    small = _resize(ink / ink.max(), (height, width))
    return np.round(small * (255 * ink.max() / small.max())).astype("uint8")


def _center_by_mass(digit: np.ndarray) -> np.ndarray:
    """Put a digit on an image with its centre of mass at the centre, or as near as it fits."""
    rows, columns = digit.shape
    top = _offset_to_center(digit.sum(axis=1))
    left = _offset_to_center(digit.sum(axis=0))
    side = _THRESHOLDS.IMAGE_SIDE
    image = np.zeros((side, side), "uint8")
    image[top : top + rows, left : left + columns] = digit
    return image


def _offset_to_center(mass: np.ndarray) -> int:
    """Compute where rows or columns start on the image so that their centre of mass is central."""
    center = np.average(np.arange(len(mass)), weights=mass)
    side = _THRESHOLDS.IMAGE_SIDE
    return min(max(round(side / 2 - center), 0), side - len(mass))


def _channels_of(pixels: np.ndarray) -> np.ndarray:
    """Check an image and return its channels, float32 (height, width, channels) in 0..1.

    Transparent pixels count as black, whatever their colour; opacity tells them from ink.
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
    channels = _downsample(check_array("pixels", pixels, np.generic, shape, high)) / high
    if channels.shape[2] == 4:
        channels[..., :3] *= channels[..., 3:]
    return channels


def _measure_contrast(channels: np.ndarray) -> np.ndarray:
    """Measure how much each pixel differs from the paper, (height, width).

    The paper is the median of the border, unless the border varies.
    """
    border = np.concatenate([channels[0], channels[-1], channels[:, 0], channels[:, -1]])
    if _is_lit_unevenly(border, _median_of_margin(channels)):
        ink = _measure_local_contrast(channels)
        margin = _margin_width(channels)
        inner = ink[margin:-margin, margin:-margin]
        # Otherwise a broad stroke runs over the edge, or fills the image, and makes the border vary
        faintest = max(_THRESHOLDS.MIN_CONTRAST, _THRESHOLDS.MIN_RELATIVE_INK * ink.max())
        if inner.max(initial=0) >= faintest:
            return ink
    paper = np.median(border, axis=0)
    return np.abs(channels - paper).max(axis=2)


def _is_lit_unevenly(border: np.ndarray, paper: np.ndarray) -> bool:
    """Whether the border varies as in a photograph; a drawing is always lit evenly."""
    difference = np.abs(border - paper).max(axis=1)
    count = len(difference)
    is_drawn = 100 * np.count_nonzero(difference == 0) > _THRESHOLDS.EVEN_BORDER_PERCENT * count
    differing = np.count_nonzero(difference > _THRESHOLDS.MIN_CONTRAST)
    varies = 100 * differing > _THRESHOLDS.UNEVEN_BORDER_PERCENT * count
    return bool(varies and not is_drawn)


def _margin_width(channels: np.ndarray) -> int:
    """Compute the width of the margin, in pixels: wide enough that a frame fills less than half.

    On a small image, a frame cannot be told from a digit that fills it.
    """
    side = min(channels.shape[:2])
    return side // _THRESHOLDS.MARGIN_DIVISOR if side >= _THRESHOLDS.MIN_SIDE_WITH_MARGIN else 1


def _median_of_margin(channels: np.ndarray) -> np.ndarray:
    """Compute the median of each channel along the four sides, (channels,)."""
    margin = _margin_width(channels)
    step = max(margin // _THRESHOLDS.MARGIN_STEP_DIVISOR, 1)  # fewer pixels are enough for a median
    sides = channels[:margin], channels[-margin:], channels[:, :margin], channels[:, -margin:]
    parts = [side[::step, ::step].reshape(-1, channels.shape[2]) for side in sides]
    return np.median(np.concatenate(parts), axis=0)


def _measure_local_contrast(channels: np.ndarray) -> np.ndarray:
    """Measure how much each pixel differs from the paper nearby, relative to its brightness.

    Returns:
        The contrast, float32 (height, width).
    """
    ink = np.zeros_like(channels)
    paper = np.zeros_like(channels)
    half_window = max(channels.shape[:2]) // _THRESHOLDS.HALF_WINDOW_DIVISOR
    # Windows may extend past an edge, or gradients would end there; but no frame may fill them
    padding = max(half_window - _margin_width(channels) // 2 - 1, 0)
    for channel, values in enumerate(np.moveaxis(channels, 2, 0)):
        background = _estimate_background(values, half_window, padding)
        difference = np.abs(background - values)
        # Noise alone makes a difference, too: its median, estimated from some of the pixels
        noise = np.median(difference[:: _THRESHOLDS.NOISE_STEP, :: _THRESHOLDS.NOISE_STEP])
        ink[..., channel] = np.maximum(difference - noise, 0)
        paper[..., channel] = background
    min_brightness = np.float32(_THRESHOLDS.MIN_PAPER_BRIGHTNESS)
    return ink.max(axis=2) / np.maximum(paper[..., :3].max(axis=2), min_brightness)


def _estimate_background(values: np.ndarray, half_window: int, padding: int) -> np.ndarray:
    """Estimate a channel of the paper below the ink, (height, width).

    The grey closing of a channel is the paper below dark ink, its opening that below light ink:
    both follow gradients and the edges of shadows, and fill what is narrower than their window.
    Of the two, the paper is the one that is smoother and closer to the pixels.

    Args:
        values: The channel, float32 (height, width) in 0..1.
        half_window: The side of the window is 2 * half_window + 1 pixels.
        padding: Pixels by which the window may extend past an edge.
    """
    height, width = values.shape
    window_side = 2 * half_window + 1
    candidates = []
    # First the opening, which is taken if both cost the same
    for morphology, outside in (
        (ndimage.grey_opening, _ABOVE_ALL),
        (ndimage.grey_closing, _BELOW_ALL),
    ):
        padded = np.pad(values, padding, constant_values=outside)
        background = morphology(padded, (window_side, window_side), mode="nearest")
        candidates.append(background[padding : padding + height, padding : padding + width])
    return min(candidates, key=lambda background: _background_cost(background, values, window_side))


def _background_cost(background: np.ndarray, values: np.ndarray, window_side: int) -> float:
    """Sum up how far a background is from the pixels, and how rough it is."""
    difference = np.abs(background - values).sum(dtype=float)
    roughness = sum(np.abs(np.diff(background, axis=axis)).sum(dtype=float) for axis in (0, 1))
    return difference + window_side * roughness


def _resize(ink: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize ink to another shape (height, width) by averaging or linear interpolation."""
    by_row = _interpolation_weights(ink.shape[0], shape[0])
    by_column = _interpolation_weights(ink.shape[1], shape[1])
    return by_row @ ink @ by_column.T


def _interpolation_weights(old: int, new: int) -> np.ndarray:
    """Compute the weights of old pixels in new ones, (new, old).

    They fall linearly from the centre of a new pixel to 0 at a distance of one pixel, old or new,
    whichever is larger.
    """
    scale = max(old / new, 1)
    centers = (np.arange(new)[:, np.newaxis] + 0.5) * old / new
    weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - centers) / scale, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _downsample(pixels: np.ndarray) -> np.ndarray:
    """Average squares of pixels until no side is longer than _MAX_SIDE.

    Returns:
        The averages, float32 (height, width, channels).
    """
    step = math.ceil(max(pixels.shape[:2]) / _MAX_SIDE)
    # An image may be less than a square high or wide
    rows, columns = (min(side, step) for side in pixels.shape[:2])
    height, width = (max(side // step, 1) for side in pixels.shape[:2])
    squares = pixels[: height * rows, : width * columns].reshape(height, rows, width, columns, -1)
    return squares.mean(axis=(1, 3), dtype="float32")
