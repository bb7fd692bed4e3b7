"""Turn a drawing or a photograph of a digit into an image like those of MNIST (notebook 06)."""

import numpy as np

from mnist_cnn.checks import check_array

_LARGEST = 1000  # pixels; of a larger image, squares of 2 by 2 pixels are averaged first, or more
_FAINT = 0.25  # of the strongest ink; what is fainter is shadow or noise


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """Find what was drawn: everything that differs from the border in brightness or in hue.

    Args:
        pixels: an image of a digit, (height, width) in grey, (height, width, 3) in colour, or
            (height, width, 4) with opacity as well; integers in 0..255, floats in 0..1, or
            booleans.

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
    border = np.concatenate([channels[0], channels[-1], channels[:, 0], channels[:, -1]])
    ink = np.abs(channels - np.median(border, axis=0)).max(axis=2)
    if ink.max() < 0.1:
        raise ValueError("nothing is drawn, or too faintly to be seen")
    ink /= ink.max()
    return np.where(ink < _FAINT, 0, ink)


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
