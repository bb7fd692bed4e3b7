"""A drawn seven, and a pen to draw others, for tests of drawing and cleaning."""

import numpy as np
from PIL import Image, ImageDraw


def draw(size: tuple[int, int], points: list[tuple[float, float]], width: int) -> np.ndarray:
    """Opacity, uint8 (height, width), of a pen's line."""
    image = Image.new("L", size)
    ImageDraw.Draw(image).line(points, fill=255, width=width, joint="curve")
    return np.asarray(image)


SEVEN = draw((280, 200), [(30, 40), (85, 40), (55, 120)], 12)
HEIGHT, WIDTH = SEVEN.shape
