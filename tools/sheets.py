"""Make synthetic photographs of digits on paper, with specks, frames, ruled lines or uneven light.

Tests in Python and in the browser read these photographs. `python tools/sheets.py 500
validation` prints how many of them the network reads correctly. The thresholds of
`mnist_cnn.drawing` and `mnist_cnn.cleaning` were chosen on photographs of validation images.
"""

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_cnn.data import load_images, split_validation
from mnist_cnn.drawing import center_in_box, find_ink
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run

SIDE = 300  # height and width of a sheet, in pixels

Rng = np.random.Generator
Color = float | tuple[float, float, float]  # grey, or red, green and blue, in 0..255


def place_digit(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Place a digit of MNIST somewhere on an empty sheet, as a square of 60 to 199 pixels.

    Args:
        image: The digit, uint8 (28, 28) in 0..255.
        rng: Random generator for the size and the place.

    Returns:
        The ink on the sheet, float (SIDE, SIDE) in 0..1.
    """
    side = int(rng.integers(60, 200))
    top, left = rng.integers(14, SIDE - side - 14, 2)
    ink = np.zeros((SIDE, SIDE))
    resized = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    ink[top : top + side, left : left + side] = np.asarray(resized) / 255
    return ink


def photograph(
    ink: np.ndarray,
    rng: Rng,
    light: np.ndarray | float = 1.0,
    paper: Color = 245,
    pen: Color = 30,
    noise: float = 0.0,
) -> np.ndarray:
    """Photograph ink on paper.

    Args:
        ink: The ink on the sheet, float (SIDE, SIDE) in 0..1.
        rng: Random generator for the noise.
        light: The brightness of the light in 0..1, for the whole sheet or for each pixel.
        paper: The color of the paper.
        pen: The color of full ink.
        noise: The standard deviation of the camera's noise, in 0..255. The noise is the same in all
            channels.

    Returns:
        The photograph, uint8 (SIDE, SIDE, 3).
    """
    paper_rgb, pen_rgb = (
        np.broadcast_to(np.asarray(color, dtype=float), 3) for color in (paper, pen)
    )
    pixels = paper_rgb + ink[..., np.newaxis] * (pen_rgb - paper_rgb)
    pixels = pixels * np.broadcast_to(light, ink.shape)[..., np.newaxis]
    grain = rng.normal(0, 1, ink.shape)[..., np.newaxis]
    return np.rint(pixels + noise * grain).clip(0, 255).astype("uint8")


# Functions that add to the ink on a sheet, or change it. Each takes and returns ink, float (SIDE,
# SIDE) in 0..1, and may change its argument in place.


def add_specks(ink: np.ndarray, rng: Rng, count: int) -> np.ndarray:
    """Add square specks of 1 to 3 pixels anywhere on the sheet."""
    for _ in range(count):
        side, (row, column) = rng.integers(1, 4), rng.integers(0, SIDE - 3, 2)
        ink[row : row + side, column : column + side] = 1
    return ink


def add_corner_pixel(ink: np.ndarray) -> np.ndarray:
    """Add a single pixel in the top left corner of the sheet."""
    ink[0, 0] = 1
    return ink


def add_rectangle(
    ink: np.ndarray, top: int, bottom: int, left: int, right: int, width: int
) -> np.ndarray:
    """Add the outline of a rectangle, with its outermost rows and columns, `width` pixels wide."""
    for rows in (slice(top, top + width), slice(bottom + 1 - width, bottom + 1)):
        ink[rows, left : right + 1] = 1
    for columns in (slice(left, left + width), slice(right + 1 - width, right + 1)):
        ink[top : bottom + 1, columns] = 1
    return ink


def add_frame(ink: np.ndarray, width: int, inset: int = 0) -> np.ndarray:
    """Add a frame along the edge of the sheet, or inset by a number of pixels."""
    first, last = inset, SIDE - 1 - inset
    return add_rectangle(ink, first, last, first, last, width)


def padded_bounding_box(ink: np.ndarray, padding: int) -> tuple[int, int, int, int]:
    """The padded bounding box of the digit, clipped to the sheet: top, bottom, left, right."""
    rows, columns = (np.flatnonzero((ink > 0.25).any(axis=axis)) for axis in (1, 0))
    edges = (rows[0] - padding, rows[-1] + padding, columns[0] - padding, columns[-1] + padding)
    top, bottom, left, right = (min(max(int(edge), 1), SIDE - 2) for edge in edges)
    return top, bottom, left, right


def add_box(ink: np.ndarray, padding: int) -> np.ndarray:
    """Add a box around the digit; with a negative padding, the box touches the digit."""
    return add_rectangle(ink, *padded_bounding_box(ink, padding), 3)


def add_box_by_hand(ink: np.ndarray, rng: Rng) -> np.ndarray:
    """Add a box around the digit whose sides are not quite straight."""
    top, bottom, left, right = padded_bounding_box(ink, int(rng.integers(10, 25)))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    points = [tuple(point) for point in np.array(corners) + rng.integers(-4, 5, (4, 2))]
    drawn = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(drawn).line([*points, points[0]], fill=255, width=3)
    return np.maximum(ink, np.asarray(drawn) / 255)


def add_circle_by_hand(ink: np.ndarray, rng: Rng) -> np.ndarray:
    """Add an ellipse around the digit's padded bounding box."""
    top, bottom, left, right = padded_bounding_box(ink, int(rng.integers(10, 25)))
    drawn = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(drawn).ellipse([left, top, right, bottom], outline=255, width=3)
    return np.maximum(ink, np.asarray(drawn) / 255)


def add_ruling(
    ink: np.ndarray,
    rng: Rng,
    spacing: int,
    strength: float = 1.0,
    squared: bool = False,
    slope: float = 0.0,
) -> np.ndarray:
    """Add the lines of ruled or squared paper, one to three pixels wide.

    Args:
        ink: The ink on the sheet, float (SIDE, SIDE) in 0..1.
        rng: Random generator for the width of the lines and the place of the first one.
        spacing: The distance from line to line, in pixels.
        strength: The ink of the lines, in 0..1.
        squared: Whether to add vertical lines as well.
        slope: The slope of the horizontal lines, in rows per column.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE]
    width = rng.integers(1, 4)
    lines = (rows + slope * columns - rng.integers(0, spacing)) % spacing < width
    if squared:
        lines |= (columns - rng.integers(0, spacing)) % spacing < width
    return np.maximum(ink, strength * lines)


def add_line_through_digit(ink: np.ndarray, rng: Rng) -> np.ndarray:
    """Add one horizontal line through the digit, one to three pixels wide."""
    top, bottom, _, _ = padded_bounding_box(ink, 0)
    row = rng.integers(top, bottom)
    ink[row : row + rng.integers(1, 4)] = 1
    return ink


def add_baseline(ink: np.ndarray, rng: Rng) -> np.ndarray:
    """Add one horizontal line at the foot of the digit, one to three pixels wide."""
    _, bottom, _, _ = padded_bounding_box(ink, 0)
    row = bottom - rng.integers(-3, 6)
    ink[row : row + rng.integers(1, 4)] = 1
    return ink


def thin_strokes(ink: np.ndarray) -> np.ndarray:
    """Make the strokes two pixels thinner."""
    return ndimage.grey_erosion(ink, size=(3, 3))


def thicken_strokes(ink: np.ndarray) -> np.ndarray:
    """Make the strokes eight pixels thicker."""
    return ndimage.grey_dilation(ink, size=(9, 9))


# Functions for the light on a sheet. All but the first return its brightness, float (SIDE, SIDE)
# in 0..1.


def distance_from_center(rng: Rng) -> np.ndarray:
    """The distance of each pixel from the sheet's center in a random direction, in pixels."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.cos(angle) * columns + np.sin(angle) * rows


def linear_shading(rng: Rng) -> np.ndarray:
    """Light that fades linearly to 45 % from one side of the sheet to the other."""
    distance = distance_from_center(rng)
    return 1 - 0.55 * (distance - distance.min()) / np.ptp(distance)


def vignette() -> np.ndarray:
    """Light that fades from the center of the sheet to its corners."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    return 1 - 1.2 * (rows**2 + columns**2)


def shadow(rng: Rng, blur: float, edge: tuple[int, int] = (-60, 60)) -> np.ndarray:
    """A shadow that halves the light on one side of a straight edge.

    Args:
        rng: Random generator for the direction and the place of the edge.
        blur: The softness of the edge, in pixels.
        edge: The range of the edge's distance from the center of the sheet, in pixels.
    """
    return 1 - 0.5 / (1 + np.exp((rng.uniform(*edge) - distance_from_center(rng)) / blur))


def table_edge(rng: Rng) -> np.ndarray:
    """A dark strip along one edge, as in a photograph that shows the table beside the paper."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    dark = rows + rng.uniform(-0.06, 0.06) * columns > rng.uniform(136, 144)
    return np.rot90(np.where(dark, 0.25, 1), int(rng.integers(4)))


# How to photograph the ink of a digit on each kind of sheet
KINDS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "nothing else": lambda ink, rng: photograph(ink, rng),
    "a pixel in a corner": lambda ink, rng: photograph(add_corner_pixel(ink), rng),
    "5 specks": lambda ink, rng: photograph(add_specks(ink, rng, 5), rng),
    "20 specks": lambda ink, rng: photograph(add_specks(ink, rng, 20), rng),
    "frame of 1 pixel": lambda ink, rng: photograph(add_frame(ink, 1), rng),
    "frame of 3 pixels": lambda ink, rng: photograph(add_frame(ink, 3), rng),
    "frame of 6 pixels": lambda ink, rng: photograph(add_frame(ink, 6), rng),
    "frame, inset": lambda ink, rng: photograph(add_frame(ink, 3, int(rng.integers(4, 10))), rng),
    "box": lambda ink, rng: photograph(add_box(ink, 10), rng),
    "box that touches": lambda ink, rng: photograph(add_box(ink, -2), rng),
    "box by hand": lambda ink, rng: photograph(add_box_by_hand(ink, rng), rng),
    "circle by hand": lambda ink, rng: photograph(add_circle_by_hand(ink, rng), rng),
    "rule across": lambda ink, rng: photograph(add_line_through_digit(ink, rng), rng),
    "rule at the foot": lambda ink, rng: photograph(add_baseline(ink, rng), rng),
    "pale rules": lambda ink, rng: photograph(add_ruling(ink, rng, 30, 0.4), rng, noise=2),
    "dark rules": lambda ink, rng: photograph(add_ruling(ink, rng, 30), rng, noise=2),
    "rules, inclined": lambda ink, rng: photograph(
        add_ruling(ink, rng, 40, 0.8, slope=rng.uniform(-0.03, 0.03)), rng, noise=2
    ),
    "pale squares": lambda ink, rng: photograph(add_ruling(ink, rng, 25, 0.4, squared=True), rng),
    "dark squares": lambda ink, rng: photograph(add_ruling(ink, rng, 25, squared=True), rng),
    "shading": lambda ink, rng: photograph(ink, rng, linear_shading(rng), noise=2),
    "vignette": lambda ink, rng: photograph(ink, rng, vignette(), noise=2),
    "hard shadow": lambda ink, rng: photograph(ink, rng, shadow(rng, 0.7), noise=2),
    "soft shadow": lambda ink, rng: photograph(ink, rng, shadow(rng, 20), noise=2),
    "shadow in a corner": lambda ink, rng: photograph(
        ink, rng, shadow(rng, 0.7, (90, 140)), noise=2
    ),
    "noise": lambda ink, rng: photograph(ink, rng, noise=20),
    "shading, noise": lambda ink, rng: photograph(ink, rng, linear_shading(rng), noise=12),
    "shading, frame": lambda ink, rng: photograph(
        add_frame(ink, 3), rng, linear_shading(rng), noise=2
    ),
    "shadow, rules": lambda ink, rng: photograph(
        add_ruling(ink, rng, 40, 0.5), rng, shadow(rng, 0.7), noise=2
    ),
    "edge of a table": lambda ink, rng: photograph(ink, rng, table_edge(rng), noise=2),
    "light on dark": lambda ink, rng: photograph(ink, rng, paper=20, pen=240),
    "light on dark, frame": lambda ink, rng: photograph(add_frame(ink, 3), rng, paper=20, pen=240),
    "chalk, shading": lambda ink, rng: photograph(
        ink, rng, linear_shading(rng), paper=60, pen=230, noise=4
    ),
    "pencil, shading": lambda ink, rng: photograph(ink, rng, linear_shading(rng), pen=150, noise=2),
    "thin pen": lambda ink, rng: photograph(thin_strokes(ink), rng),
    "thick pen": lambda ink, rng: photograph(thicken_strokes(ink), rng),
    "thick pen, shading": lambda ink, rng: photograph(
        thicken_strokes(ink), rng, linear_shading(rng), noise=2
    ),
    "blue on cream": lambda ink, rng: photograph(
        ink, rng, paper=(250, 240, 200), pen=(40, 60, 170), noise=2
    ),
}


def make_sheet(kind: str, image: np.ndarray, seed: int) -> np.ndarray:
    """Place a digit of MNIST on a sheet of one of the KINDS, and photograph it.

    Args:
        kind: The kind of sheet, a key of KINDS.
        image: The digit, uint8 (28, 28) in 0..255.
        seed: The seed of everything random on the sheet.

    Returns:
        The photograph, uint8 (SIDE, SIDE, 3).
    """
    rng = np.random.default_rng(seed)
    return KINDS[kind](place_digit(image, rng), rng)


def print_accuracies(images: np.ndarray, labels: np.ndarray) -> None:
    """Print the accuracy on each kind of sheet, and the mean confidence of its wrong answers."""
    model = load_run(SHIPPED / "leaky_relu.npz").load_model()
    print("| sheet | read | says of wrong answers |\n| --- | ---: | ---: |")
    for kind in KINDS:
        prepared = [
            center_in_box(find_ink(make_sheet(kind, image, seed)))
            for seed, image in enumerate(images)
        ]
        probabilities = predict(model, np.stack(prepared))
        wrong = probabilities.argmax(axis=1) != labels
        confidence = f"{probabilities.max(axis=1)[wrong].mean():.0%}" if wrong.any() else ""
        print(f"| {kind} | {1 - wrong.mean():.1%} | {confidence} |", flush=True)


def main() -> None:
    """Read the first validation or test images on each kind of sheet, and print the accuracies."""
    parser = argparse.ArgumentParser(description="Print how many digits are read on each sheet.")
    parser.add_argument("count", type=int, help="how many images to read on each kind of sheet")
    parser.add_argument("images", choices=("validation", "test"))
    arguments = parser.parse_args()
    dataset = load_images(source="full")
    if arguments.images == "validation":
        _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    else:
        images, labels = dataset.x_test, dataset.y_test
    print_accuracies(images[: arguments.count], labels[: arguments.count])


if __name__ == "__main__":
    main()
