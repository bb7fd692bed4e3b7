"""Is a digit read on a sheet with dirt, frames, rules or shadows?

`python benchmarks/sheets.py 500 validation` counts.

Thresholds of `mnist_cnn.drawing` and `mnist_cnn.pieces` were chosen on validation images. Tests in
Python and in the browser use the same sheets.
"""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_cnn.data import load_images, split_validation
from mnist_cnn.drawing import center_in_box, find_ink
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run

SIDE = 300
Rng = np.random.Generator


def lay(image: np.ndarray, rng: Rng) -> np.ndarray:
    """A digit of MNIST somewhere on the sheet, 60 to 200 pixels large: ink (SIDE, SIDE) in 0..1."""
    side = int(rng.integers(60, 200))
    top, left = rng.integers(14, SIDE - side - 14, 2)
    ink = np.zeros((SIDE, SIDE))
    resized = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    ink[top : top + side, left : left + side] = np.asarray(resized) / 255
    return ink


def photograph(
    ink: np.ndarray, rng: Rng, light: np.ndarray | float = 1.0, paper=245, pen=30, noise=0.0
) -> np.ndarray:
    """Ink on paper, each a grey or a colour in 0..255, in some light: uint8 (SIDE, SIDE, 3)."""
    paper, pen = (np.broadcast_to(np.float64(color), 3) for color in (paper, pen))
    pixels = paper + ink[..., np.newaxis] * (pen - paper)
    pixels = pixels * np.broadcast_to(light, ink.shape)[..., np.newaxis]
    grain = rng.normal(0, 1, ink.shape)[..., np.newaxis]
    return np.rint(pixels + noise * grain).clip(0, 255).astype("uint8")


# What may be on the sheet beside the digit; each adds it to the ink


def specks(ink: np.ndarray, rng: Rng, count: int) -> np.ndarray:
    for _ in range(count):
        side, (row, column) = rng.integers(1, 4), rng.integers(0, SIDE - 3, 2)
        ink[row : row + side, column : column + side] = 1
    return ink


def pixel_in_a_corner(ink: np.ndarray) -> np.ndarray:
    ink[0, 0] = 1
    return ink


def rectangle(ink: np.ndarray, top: int, bottom: int, left: int, right: int, wide: int):
    """A frame whose outer pixels are given."""
    for rows in (slice(top, top + wide), slice(bottom + 1 - wide, bottom + 1)):
        ink[rows, left : right + 1] = 1
    for columns in (slice(left, left + wide), slice(right + 1 - wide, right + 1)):
        ink[top : bottom + 1, columns] = 1
    return ink


def frame(ink: np.ndarray, wide: int, inset: int = 0) -> np.ndarray:
    return rectangle(ink, inset, SIDE - 1 - inset, inset, SIDE - 1 - inset, wide)


def around(ink: np.ndarray, gap: int) -> list[int]:
    """The box of a digit with a gap around it: top, bottom, left, right."""
    rows, columns = (np.flatnonzero((ink > 0.25).any(axis=axis)) for axis in (1, 0))
    ends = (rows[0] - gap, rows[-1] + gap, columns[0] - gap, columns[-1] + gap)
    return [min(max(int(end), 1), SIDE - 2) for end in ends]


def by_hand(ink: np.ndarray, rng: Rng, circle: bool) -> np.ndarray:
    """A box that is not quite straight, or a circle, around the digit."""
    top, bottom, left, right = around(ink, int(rng.integers(10, 25)))
    drawn = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(drawn)
    if circle:
        pen.ellipse([left, top, right, bottom], outline=255, width=3)
    else:
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        points = [tuple(point) for point in np.array(corners) + rng.integers(-4, 5, (4, 2))]
        pen.line([*points, points[0]], fill=255, width=3)
    return np.maximum(ink, np.asarray(drawn) / 255)


def rules(ink: np.ndarray, rng: Rng, apart: int, strength=1.0, squared=False, slope=0.0):
    """Lines across the whole sheet, one to three pixels wide."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    wide = rng.integers(1, 4)
    lines = (rows + slope * columns - rng.integers(0, apart)) % apart < wide
    if squared:
        lines |= (columns - rng.integers(0, apart)) % apart < wide
    return np.maximum(ink, strength * lines)


def one_rule(ink: np.ndarray, rng: Rng, below: bool) -> np.ndarray:
    """A line through the digit, or at its foot."""
    top, bottom, _, _ = around(ink, 0)
    row = bottom - rng.integers(-3, 6) if below else rng.integers(top, bottom)
    ink[row : row + rng.integers(1, 4)] = 1
    return ink


# Light on the sheet, (SIDE, SIDE) in 0..1


def along(rng: Rng) -> np.ndarray:
    """How far a pixel is from the middle of the sheet in some direction."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.cos(angle) * columns + np.sin(angle) * rows


def shading(rng: Rng) -> np.ndarray:
    distance = along(rng)
    return 1 - 0.55 * (distance - distance.min()) / np.ptp(distance)


def vignette() -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    return 1 - 1.2 * (rows**2 + columns**2)


def shadow(rng: Rng, soft: float, where: tuple[int, int] = (-60, 60)) -> np.ndarray:
    return 1 - 0.5 / (1 + np.exp((rng.uniform(*where) - along(rng)) / soft))


def table(rng: Rng) -> np.ndarray:
    """Something dark along one edge."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    dark = rows + rng.uniform(-0.06, 0.06) * columns > rng.uniform(136, 144)
    return np.rot90(np.where(dark, 0.25, 1), rng.integers(4))


def thicken(ink: np.ndarray) -> np.ndarray:
    return ndimage.grey_dilation(ink, size=(9, 9))


KINDS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "nothing else": lambda ink, rng: photograph(ink, rng),
    "a pixel in a corner": lambda ink, rng: photograph(pixel_in_a_corner(ink), rng),
    "5 specks": lambda ink, rng: photograph(specks(ink, rng, 5), rng),
    "20 specks": lambda ink, rng: photograph(specks(ink, rng, 20), rng),
    "frame of 1 pixel": lambda ink, rng: photograph(frame(ink, 1), rng),
    "frame of 3 pixels": lambda ink, rng: photograph(frame(ink, 3), rng),
    "frame of 6 pixels": lambda ink, rng: photograph(frame(ink, 6), rng),
    "frame, inset": lambda ink, rng: photograph(frame(ink, 3, int(rng.integers(4, 10))), rng),
    "box": lambda ink, rng: photograph(rectangle(ink, *around(ink, 10), 3), rng),
    "box that touches": lambda ink, rng: photograph(rectangle(ink, *around(ink, -2), 3), rng),
    "box by hand": lambda ink, rng: photograph(by_hand(ink, rng, False), rng),
    "circle by hand": lambda ink, rng: photograph(by_hand(ink, rng, True), rng),
    "rule across": lambda ink, rng: photograph(one_rule(ink, rng, False), rng),
    "rule at the foot": lambda ink, rng: photograph(one_rule(ink, rng, True), rng),
    "pale rules": lambda ink, rng: photograph(rules(ink, rng, 30, 0.4), rng, noise=2),
    "dark rules": lambda ink, rng: photograph(rules(ink, rng, 30), rng, noise=2),
    "rules, inclined": lambda ink, rng: photograph(
        rules(ink, rng, 40, 0.8, slope=rng.uniform(-0.03, 0.03)), rng, noise=2
    ),
    "pale squares": lambda ink, rng: photograph(rules(ink, rng, 25, 0.4, squared=True), rng),
    "dark squares": lambda ink, rng: photograph(rules(ink, rng, 25, squared=True), rng),
    "shading": lambda ink, rng: photograph(ink, rng, shading(rng), noise=2),
    "vignette": lambda ink, rng: photograph(ink, rng, vignette(), noise=2),
    "hard shadow": lambda ink, rng: photograph(ink, rng, shadow(rng, 0.7), noise=2),
    "soft shadow": lambda ink, rng: photograph(ink, rng, shadow(rng, 20), noise=2),
    "shadow in a corner": lambda ink, rng: photograph(
        ink, rng, shadow(rng, 0.7, (90, 140)), noise=2
    ),
    "noise": lambda ink, rng: photograph(ink, rng, noise=20),
    "shading, noise": lambda ink, rng: photograph(ink, rng, shading(rng), noise=12),
    "shading, frame": lambda ink, rng: photograph(frame(ink, 3), rng, shading(rng), noise=2),
    "shadow, rules": lambda ink, rng: photograph(
        rules(ink, rng, 40, 0.5), rng, shadow(rng, 0.7), noise=2
    ),
    "edge of a table": lambda ink, rng: photograph(ink, rng, table(rng), noise=2),
    "light on dark": lambda ink, rng: photograph(ink, rng, paper=20, pen=240),
    "light on dark, frame": lambda ink, rng: photograph(frame(ink, 3), rng, paper=20, pen=240),
    "chalk, shading": lambda ink, rng: photograph(
        ink, rng, shading(rng), paper=60, pen=230, noise=4
    ),
    "pencil, shading": lambda ink, rng: photograph(ink, rng, shading(rng), pen=150, noise=2),
    "thin pen": lambda ink, rng: photograph(ndimage.grey_erosion(ink, size=(3, 3)), rng),
    "thick pen": lambda ink, rng: photograph(thicken(ink), rng),
    "thick pen, shading": lambda ink, rng: photograph(thicken(ink), rng, shading(rng), noise=2),
    "blue on cream": lambda ink, rng: photograph(
        ink, rng, paper=(250, 240, 200), pen=(40, 60, 170), noise=2
    ),
}


def make_sheet(kind: str, image: np.ndarray, seed: int) -> np.ndarray:
    """Lay a digit of MNIST on a sheet of a kind: uint8 (SIDE, SIDE, 3)."""
    rng = np.random.default_rng(seed)
    return KINDS[kind](lay(image, rng), rng)


def main(count: int, which: str) -> None:
    """Print, for each kind, how many are read, and how sure the network is of wrong answers."""
    digits = load_images(source="full")
    _, validation = split_validation(digits.x_train, digits.y_train)
    images, labels = validation if which == "validation" else (digits.x_test, digits.y_test)
    model = load_run(SHIPPED / "leaky_relu.npz").load_model()
    print("| sheet | read | says of wrong answers |\n| --- | ---: | ---: |")
    for kind in KINDS:
        seen = [
            center_in_box(find_ink(make_sheet(kind, image, seed)))
            for seed, image in enumerate(images[:count])
        ]
        says = predict(model, np.stack(seen))
        wrong = says.argmax(axis=1) != labels[:count]
        sure = f"{says.max(axis=1)[wrong].mean():.0%}" if wrong.any() else ""
        print(f"| {kind} | {1 - wrong.mean():.1%} | {sure} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
