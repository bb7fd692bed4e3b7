"""Turn a drawing or a photograph of a digit into an image like those of MNIST (notebook 06)."""

import numpy as np
from scipy import ndimage

from mnist_cnn.arguments import check_array
from mnist_cnn.cleaning import find_digit

_LARGEST = 1000  # pixels; of a larger image, squares of 2 by 2 pixels are averaged first, or more
_FAINT = 0.25  # of the strongest ink; what is fainter is shadow or noise
_NOTHING = 0.1  # a contrast that is no ink
_DARKEST = np.float32(0.2)  # paper; darker still, noise would count for much


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
    pixels = np.asarray(pixels)
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
    channels = (
        _reduce(
            check_array("pixels", pixels, np.generic, ("height", "width", *pixels.shape[2:]), high)
        )
        / high
    )
    # Transparent pixels count as black, whatever colour they have; then opacity tells
    if channels.shape[2] == 4:
        channels[..., :3] *= channels[..., 3:]
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
    """Prepare ink (height, width) in 0..1 as MNIST's makers did: in a 20 x 20 box, its centre of mass in the middle.

    The longer side of the digit becomes 20 pixels; then whole pixels of shift bring its centre of
    mass to the centre of the image (LeCun, Cortes and Burges, "The MNIST database"), as far as the
    digit stays on it. A thin line that the scaling made pale gets its strength back.

    Returns:
        uint8 (28, 28) in 0..255.

    Raises:
        ValueError: there is no ink.
    """
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise ValueError("there is no ink")
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    digit = _resize(
        digit / digit.max(), [max(round(20 * side / max(digit.shape)), 1) for side in digit.shape]
    )
    digit = np.round(digit * (255 * ink.max() / digit.max())).astype("uint8")
    image = np.zeros((28, 28), "uint8")
    masses = digit.sum(axis=1), digit.sum(axis=0)
    centers = (np.average(np.arange(len(mass)), weights=mass) for mass in masses)
    top, left = (
        min(max(round(14 - center), 0), 28 - side)
        for center, side in zip(centers, digit.shape, strict=True)
    )
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image


def shrink(ink: np.ndarray) -> np.ndarray:
    """Shrink ink (height, width) in 0..1 to uint8 (28, 28) in 0..255, wherever on the image it is."""
    ink = check_array("ink", ink, np.floating, ("height", "width"), 1)
    return np.round(255 * _resize(ink, (28, 28))).astype("uint8")


def _measure_contrast(channels: np.ndarray) -> np.ndarray:
    """How much pixels differ from the paper, (height, width): from the median of the border, unless
    the border varies.
    """
    border = np.concatenate([channels[0], channels[-1], channels[:, 0], channels[:, -1]])
    paper = np.median(border, axis=0)
    off = np.abs(border - _median_of_margin(channels)).max(axis=1)
    drawn = 10 * np.count_nonzero(off == 0) > 7 * len(off)  # not photographed: no light is uneven
    if not drawn and 10 * np.count_nonzero(off > _NOTHING) > len(off):
        ink = _measure_local_contrast(channels)
        margin = _margin(channels)
        inner = ink[margin:-margin, margin:-margin]
        # What varies may be a broad stroke that runs over the edge; or all may be one broad stroke
        if inner.max(initial=0) >= max(_NOTHING, _FAINT * ink.max()):
            return ink
    return np.abs(channels - paper).max(axis=2)


def _margin(channels: np.ndarray) -> int:
    """How broad a margin is, in pixels, in which a frame along the edges is the smaller part; on a
    small image, a frame cannot be told from a digit that fills it.
    """
    side = min(channels.shape[:2])
    return side // 9 if side >= 64 else 1


def _median_of_margin(channels: np.ndarray) -> np.ndarray:
    """Of each channel, (channels,)."""
    margin = _margin(channels)
    step = max(margin // 6, 1)  # enough for a median
    sides = channels[:margin], channels[-margin:], channels[:, :margin], channels[:, -margin:]
    parts = [side[::step, ::step].reshape(-1, channels.shape[2]) for side in sides]
    return np.median(np.concatenate(parts), axis=0)


def _measure_local_contrast(channels: np.ndarray) -> np.ndarray:
    """How much pixels differ from the paper nearby, as a part of its brightness, (height, width).

    The grey closing of a channel is the paper below dark ink, its opening that below light ink:
    both follow gradients and the edges of shadows, and fill what is narrower than their window.
    Of the two, the paper is the one that is smoother and closer to the pixels.
    """
    height, width, _ = channels.shape
    half = max(height, width) // 8  # of a window as wide as a quarter of the sheet
    side = 2 * half + 1
    # Windows may reach beyond an edge, or gradients would end there; but not to be filled by a frame
    beyond = max(half - _margin(channels) // 2 - 1, 0)
    ink, paper = np.zeros_like(channels), np.zeros_like(channels)
    for channel, values in enumerate(np.moveaxis(channels, 2, 0)):
        costs = []
        for fill, outside in ((ndimage.grey_closing, -1), (ndimage.grey_opening, 2)):
            padded = np.pad(values, beyond, constant_values=outside)
            levels = fill(padded, (side, side), mode="nearest")
            levels = levels[beyond : beyond + height, beyond : beyond + width]
            apart = np.abs(levels - values)
            steps = sum(np.abs(np.diff(levels, axis=axis)).sum(dtype=float) for axis in (0, 1))
            costs.append(apart.sum(dtype=float) + side * steps)
            if costs[-1] == min(costs):
                # Noise alone is apart, too: by as much as the median, of some pixels
                ink[..., channel] = np.maximum(apart - np.median(apart[::4, ::4]), 0)
                paper[..., channel] = levels
    return ink.max(axis=2) / np.maximum(paper[..., :3].max(axis=2), _DARKEST)


def _resize(ink: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Average or interpolate linearly to another shape (height, width); `drawing.js` does the same."""
    down, across = (_triangles(old, new) for old, new in zip(ink.shape, shape, strict=True))
    return down @ ink @ across.T


def _triangles(old: int, new: int) -> np.ndarray:
    """The weights of old pixels in new ones, (new, old): over each, a triangle two of the larger
    pixels wide.
    """
    scale = max(old / new, 1)
    centers = (np.arange(new)[:, np.newaxis] + 0.5) * old / new
    weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - centers) / scale, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _reduce(pixels: np.ndarray) -> np.ndarray:
    """Average squares of pixels until no side is longer than _LARGEST: float32 (height, width,
    channels).
    """
    step = -(-max(pixels.shape[:2]) // _LARGEST)
    (height, rows), (width, columns) = (
        (max(side // step, 1), min(side, step)) for side in pixels.shape[:2]
    )
    squares = pixels[: height * rows, : width * columns].reshape(height, rows, width, columns, -1)
    return squares.mean(axis=(1, 3), dtype="float32")
