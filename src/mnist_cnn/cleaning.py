"""Tell a digit from specks, frames and ruled lines.

`cleaning.js` does the same in the browser, with functions of the same names. Both take their
thresholds from `shared.json`, and find the same digit, bit by bit: shares are in percent and
fractions are divisors, so that no comparison depends on how floats are rounded.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_cnn.shared import SHARED


@dataclass(frozen=True)
class _Thresholds:
    """The thresholds in `shared.json`.

    Attributes:
        DIGIT_LENGTH_DIVISOR: The shortest digit is as long as the longer side of the sheet, divided
            by this.
        SPECK_SIZE_DIVISOR: A speck has fewer pixels than the largest component, divided by this.
        RULE_THICKNESS_DIVISOR: The thickest ruled line is as thick as the shorter side of the
            sheet, divided by this.
        BOX_THICKNESS_DIVISOR: The thickest line of a box is as thick as the shorter side of the
            box, divided by this.
        CROSSING_THICKNESS_DIVISOR: What crosses a line is thicker by more than the thickness of the
            line, divided by this.
        SLOPE_DIVISOR: A line rises or falls by at most its length, divided by this.
        MAX_STRIPS: A line is followed from left to right through at most this many strips of the
            sheet.
        MIN_STRIPS: A sheet with fewer strips than this is too narrow for lines.
        MIN_STRIP_WIDTH: A strip has at least this width, in pixels.
        CORNER_STRIPS_DIVISOR: The sides of a box may miss its rounded corners: at each end, all
            strips divided by this.
        LINE_COVERAGE_PERCENT: A line covers at least this share of each strip.
        THIN_COVERAGE_PERCENT: A strip is thin if ink no thicker than a line covers at least this
            share of it.
        THIN_STRIPS_PERCENT: At least this share of a line's strips are thin: nothing crosses the
            line there.
        MAX_FRAME_RATIO: A frame is at most this many times as long as what is in it.
        MAX_BOX_RATIO: A box with straight sides is at most this many times as long as what is in
            it.
        BOX_CONTENT_PERCENT: What is in a box and touches its sides covers at least this share of
            its height.
        BOX_END_PERCENT: The first and the last line of a box lie within this share of its height,
            or width, of its ends.
        EDGE_COVERAGE_PERCENT: What covers at least this share of an edge of the sheet is not a
            digit.
        FAR_GAP_DIVISOR: A component is far from a digit if the gap is wider than the digit is long,
            divided by this.
        MAX_EDGE_SIZE_RATIO: A component that is far from a digit may still belong to it if it has
            more than this many times the digit's pixels.
    """

    DIGIT_LENGTH_DIVISOR: int
    SPECK_SIZE_DIVISOR: int
    RULE_THICKNESS_DIVISOR: int
    BOX_THICKNESS_DIVISOR: int
    CROSSING_THICKNESS_DIVISOR: int
    SLOPE_DIVISOR: int
    MAX_STRIPS: int
    MIN_STRIPS: int
    MIN_STRIP_WIDTH: int
    CORNER_STRIPS_DIVISOR: int
    LINE_COVERAGE_PERCENT: int
    THIN_COVERAGE_PERCENT: int
    THIN_STRIPS_PERCENT: float
    MAX_FRAME_RATIO: int
    MAX_BOX_RATIO: int
    BOX_CONTENT_PERCENT: int
    BOX_END_PERCENT: int
    EDGE_COVERAGE_PERCENT: int
    FAR_GAP_DIVISOR: int
    MAX_EDGE_SIZE_RATIO: int


_THRESHOLDS = _Thresholds(**SHARED["cleaning"])

_NEIGHBOURS = np.ones((3, 3))
_ABOVE_AND_BELOW = [[0, 1, 0]] * 3


class _Component(NamedTuple):
    """A connected component of the ink: its label, its number of pixels, and its bounding box."""

    label: int
    size: int
    rows: slice
    columns: slice

    @property
    def height(self) -> int:
        """The height of the bounding box."""
        return self.rows.stop - self.rows.start

    @property
    def length(self) -> int:
        """The longer side of the bounding box."""
        return max(self.height, self.columns.stop - self.columns.start)


class _Line(NamedTuple):
    """A line that runs from left to right.

    Attributes:
        rows: The neighbouring rows in which it crosses the middle of the sheet, top to bottom.
        zone: Where it runs, booleans (height, strips).
    """

    rows: list[int]
    zone: np.ndarray


def find_digit(inked: np.ndarray) -> np.ndarray:
    """Select the ink that belongs to the digit.

    Ruled lines from edge to edge are left out, even where they cross the digit; so are frames
    around it, what touches an edge while the digit does not, and specks. If nothing would be left
    without the lines, they are the digit.

    Args:
        inked: Where ink is, booleans (height, width).

    Returns:
        Where the digit is, booleans (height, width).
    """
    min_length = max(inked.shape) / _THRESHOLDS.DIGIT_LENGTH_DIVISOR
    kept = _without_ruled_lines(inked)
    labels, components = _label_components(kept)
    if all(component.length < min_length for component in components):
        kept = inked
        labels, components = _label_components(kept)
    kept = _without_boxes(kept, labels, components)
    labels, components = _label_components(kept)
    digit = _choose_components(labels, components, min_length)
    return np.isin(labels, [component.label for component in digit])


def _without_ruled_lines(inked: np.ndarray) -> np.ndarray:
    """Copy the ink without ruled lines that run from edge to edge."""
    max_thickness = min(inked.shape) // _THRESHOLDS.RULE_THICKNESS_DIVISOR
    horizontal, _ = _find_lines(inked, max_thickness, to_the_edges=True)
    rest = inked & ~horizontal
    vertical, _ = _find_lines(rest.T, max_thickness, to_the_edges=True)
    return rest & ~vertical.T


def _label_components(inked: np.ndarray) -> tuple[np.ndarray, list[_Component]]:
    """Find the connected components, and label each pixel with its component, from 1 on."""
    labels, _ = ndimage.label(inked, _NEIGHBOURS)
    sizes = np.bincount(labels.ravel())
    boxes = ndimage.find_objects(labels)
    return labels, [
        _Component(label, int(sizes[label]), *box) for label, box in enumerate(boxes, 1)
    ]


def _without_boxes(
    inked: np.ndarray, labels: np.ndarray, components: list[_Component]
) -> np.ndarray:
    """Copy the ink without boxes: straight sides around contents, which may touch the sides."""
    kept = inked.copy()
    for component in components:
        part = labels[component.rows, component.columns] == component.label
        sides = _find_box(part)
        if sides is None:
            continue
        _, contents = _label_components(part & ~sides)
        required = _THRESHOLDS.BOX_CONTENT_PERCENT * len(part)
        is_full = any(100 * content.height >= required for content in contents)
        max_ratio = _THRESHOLDS.MAX_BOX_RATIO
        if is_full or any(_surrounds(component, other, max_ratio) for other in components):
            kept[component.rows, component.columns] &= ~(part & sides)
    return kept


def _choose_components(
    labels: np.ndarray, components: list[_Component], min_length: float
) -> list[_Component]:
    """Choose the components of the digit, leaving out frames, specks and what lies at the edges."""
    free = [
        component
        for component in components
        if component.length >= min_length and not _touches_edge(component, labels.shape)
    ]
    remaining = []
    max_ratio = _THRESHOLDS.MAX_FRAME_RATIO
    for component in components:
        is_frame = any(_surrounds(component, other, max_ratio) for other in components)
        is_at_edge = _touches_edge(component, labels.shape) and any(
            _yields_to(component, other, labels) for other in free
        )
        if not is_frame and not is_at_edge:
            remaining.append(component)
    largest = max((component.size for component in remaining), default=0)
    return [
        component
        for component in remaining
        if _THRESHOLDS.SPECK_SIZE_DIVISOR * component.size >= largest
    ]


def _touches_edge(component: _Component, shape: tuple[int, int]) -> bool:
    """Whether a component touches an edge of the sheet."""
    extents = zip((component.rows, component.columns), shape, strict=True)
    return any(extent.start == 0 or extent.stop == side for extent, side in extents)


def _surrounds(component: _Component, other: _Component, max_ratio: int) -> bool:
    """Whether a component's bounding box contains another's, and is not much longer."""
    extents = ((component.rows, other.rows), (component.columns, other.columns))
    within = all(outer.start < inner.start and inner.stop < outer.stop for outer, inner in extents)
    return within and max_ratio * other.length >= component.length


def _yields_to(component: _Component, free: _Component, labels: np.ndarray) -> bool:
    """Whether a component at an edge can be dropped because a digit lies away from the edges.

    It can if it covers much of an edge, or if it is far from that digit and not much larger.
    """
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    covers = any(
        100 * np.count_nonzero(edge == component.label)
        >= _THRESHOLDS.EDGE_COVERAGE_PERCENT * len(edge)
        for edge in edges
    )
    extents = ((component.rows, free.rows), (component.columns, free.columns))
    gap = max(max(one.start - two.stop, two.start - one.stop) for one, two in extents)
    is_far = _THRESHOLDS.FAR_GAP_DIVISOR * gap > free.length
    return covers or (is_far and _THRESHOLDS.MAX_EDGE_SIZE_RATIO * free.size >= component.size)


def _find_box(part: np.ndarray) -> np.ndarray | None:
    """Find the four sides of the box that a component is or contains; None if one is missing."""
    max_thickness = max(min(part.shape) // _THRESHOLDS.BOX_THICKNESS_DIVISOR, 1)
    horizontal, rows = _find_lines(part, max_thickness, to_the_edges=False)
    if not _are_at_both_ends(rows, part.shape[0]):
        return None
    vertical, columns = _find_lines((part & ~horizontal).T, max_thickness, to_the_edges=False)
    if not _are_at_both_ends(columns, part.shape[1]):
        return None
    return horizontal | vertical.T


def _are_at_both_ends(rows: list[int], height: int) -> bool:
    """Whether the first line is near the start of a box, and the last near its end."""
    if not rows:
        return False
    is_first_near = 100 * rows[0] < _THRESHOLDS.BOX_END_PERCENT * height
    is_last_near = 100 * rows[-1] >= (100 - _THRESHOLDS.BOX_END_PERCENT) * height
    return is_first_near and is_last_near


def _find_lines(
    inked: np.ndarray, max_thickness: int, to_the_edges: bool
) -> tuple[np.ndarray, list[int]]:
    """Find thin, almost level lines that run from left to right.

    Args:
        inked: Where ink is, booleans (height, width).
        max_thickness: The thickness of the thickest line, in pixels.
        to_the_edges: Whether a line has to run from edge to edge, as on ruled paper.

    Returns:
        Where the lines are, without what crosses them, booleans (height, width); and the row in
        which each crosses the middle.
    """
    height, width = inked.shape
    found = np.zeros_like(inked)
    middle_rows: list[int] = []
    count = min(_THRESHOLDS.MAX_STRIPS, width // _THRESHOLDS.MIN_STRIP_WIDTH)
    if max_thickness < 1 or count < _THRESHOLDS.MIN_STRIPS:
        return found, middle_rows
    edges = np.arange(count + 1) * width // count
    required = _required_strips(count, to_the_edges)
    covered = _is_covered(inked, edges, _THRESHOLDS.LINE_COVERAGE_PERCENT)
    if not covered[:, required].any(axis=0).all():
        return found, middle_rows  # no line is possible: a quick check before the slow search
    runs = _run_lengths(inked)
    thin = _is_covered(inked & (runs <= max_thickness), edges, _THRESHOLDS.THIN_COVERAGE_PERCENT)
    lines = _follow_lines(covered, thin, required, width // _THRESHOLDS.SLOPE_DIVISOR)
    if len(lines) == 1 and to_the_edges:
        rows = lines[0].rows
        if rows[0] <= max_thickness or rows[-1] >= height - 1 - max_thickness:
            return found, middle_rows  # it may be the bar of a tightly cropped 7
    for line in lines:
        found |= _pixels_of_line(inked, line, runs, edges, max_thickness)
        middle_rows.append((line.rows[0] + line.rows[-1]) // 2)
    return found, middle_rows


def _required_strips(count: int, to_the_edges: bool) -> slice:
    """Select the strips that a line has to cover: all, or all but those at a box's corners."""
    spared = 0 if to_the_edges else max(count // _THRESHOLDS.CORNER_STRIPS_DIVISOR, 1)
    return slice(spared, count - spared)


def _run_lengths(inked: np.ndarray) -> np.ndarray:
    """Compute the length of the vertical run of ink that each pixel of ink belongs to."""
    labels, _ = ndimage.label(inked, _ABOVE_AND_BELOW)
    return np.bincount(labels.ravel())[labels]


def _pixels_of_line(
    inked: np.ndarray, line: _Line, runs: np.ndarray, edges: np.ndarray, max_thickness: int
) -> np.ndarray:
    """Select the pixels of a line, booleans (height, width), without what crosses it.

    What crosses it is clearly thicker than the line itself.
    """
    pixels = inked & np.repeat(line.zone, np.diff(edges), axis=1)
    lengths = np.sort(runs[pixels & (runs <= max_thickness)])
    typical = lengths[len(lengths) // 2]
    return pixels & (runs <= typical + max(typical // _THRESHOLDS.CROSSING_THICKNESS_DIVISOR, 1))


def _follow_lines(
    covered: np.ndarray, thin: np.ndarray, required: slice, max_drop: int
) -> list[_Line]:
    """Follow lines from strip to strip, and merge those in neighbouring rows.

    Args:
        covered: Where a line may run, booleans (height, strips).
        thin: The same for ink that is no thicker than a line, booleans (height, strips).
        required: The strips that a line has to cover.
        max_drop: The pixels by which a line may rise or fall from end to end.
    """
    zones = _find_zones(covered, thin, required, max_drop)
    lines: list[_Line] = []
    for row in sorted(zones):
        if lines and lines[-1].rows[-1] == row - 1:
            lines[-1].rows.append(row)
            lines[-1].zone[:] |= zones[row]
        else:
            lines.append(_Line([row], zones[row]))
    return [_Line(line.rows, _dilate_vertically(line.zone)) for line in lines]


def _find_zones(
    covered: np.ndarray, thin: np.ndarray, required: slice, max_drop: int
) -> dict[int, np.ndarray]:
    """Map the row where lines cross the middle to where they run, booleans (height, strips)."""
    height, count = covered.shape
    strips = np.arange(count)
    rows = np.arange(height)[:, np.newaxis]
    zones: dict[int, np.ndarray] = {}
    for drop in range(-max_drop, max_drop + 1):
        path = rows + drop * (2 * strips + 1 - count) // (2 * count)  # its row in each strip
        inside = (path >= 0) & (path < height)
        path = path.clip(0, height - 1)
        is_line = (covered[path, strips] & inside)[:, required].all(axis=1)
        thin_strips = (thin[path, strips] & inside).sum(axis=1)
        is_line &= 100 * thin_strips >= _THRESHOLDS.THIN_STRIPS_PERCENT * count
        for row in np.flatnonzero(is_line):
            zone = zones.setdefault(int(row), np.zeros((height, count), bool))
            zone[path[row], strips] = True
    return zones


def _is_covered(inked: np.ndarray, edges: np.ndarray, percent: int) -> np.ndarray:
    """Whether ink in a row or beside it covers `percent` of a strip, booleans (height, strips)."""
    counts = np.add.reduceat(_dilate_vertically(inked), edges[:-1], axis=1, dtype=int)
    return 100 * counts >= percent * np.diff(edges)


def _dilate_vertically(inked: np.ndarray) -> np.ndarray:
    """Add the pixels above and below each pixel."""
    dilated = inked.copy()
    dilated[1:] |= inked[:-1]
    dilated[:-1] |= inked[1:]
    return dilated
