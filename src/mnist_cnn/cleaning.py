"""Tell a digit from specks, frames and ruled lines.

`cleaning.js` does the same in the browser, with functions of the same names, and so that both find
the same digit bit by bit, thresholds are compared in whole numbers. The thresholds themselves stand
in `shared.json`.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_cnn.shared import SHARED

_THRESHOLDS = SHARED["cleaning"]
_SHORTEST = _THRESHOLDS["SHORTEST"]  # a digit is at least a 20th as long as the sheet
_SPECK = _THRESHOLDS["SPECK"]  # a speck has less than a 25th of the largest component's pixels
_RULE = _THRESHOLDS["RULE"]  # a ruled line is at most a 40th as thick as the sheet
_BOX_SIDE = _THRESHOLDS["BOX_SIDE"]  # a side of a box is at most a 12th as thick as the box
_STRIPS = _THRESHOLDS["STRIPS"]  # a line is followed through so many strips from left to right
_SLOPE = _THRESHOLDS["SLOPE"]  # a line rises or falls by at most a 20th of its length
_COVERED = _THRESHOLDS["COVERED"]  # tenths of a strip that a line covers
_COVERED_THIN = _THRESHOLDS["COVERED_THIN"]  # the same, of ink no thicker than a line
_FRAMED = _THRESHOLDS["FRAMED"]  # a frame is at most 5 times as long as what is in it
_BOXED = _THRESHOLDS["BOXED"]  # a box with straight sides, at most 8 times

_NEIGHBOURS = np.ones((3, 3))
_ABOVE_AND_BELOW = [[0, 1, 0]] * 3


class _Component(NamedTuple):
    """A connected component of the ink: its label, its number of pixels, and its bounding box."""

    label: int
    size: int
    rows: slice
    columns: slice

    @property
    def length(self) -> int:
        """The longer side of the bounding box."""
        return max(extent.stop - extent.start for extent in (self.rows, self.columns))


class _Line(NamedTuple):
    """A line from left to right.

    Attributes:
        rows: neighbouring rows in which it crosses the middle of the sheet, from the top.
        zone: booleans (height, strips), where it runs.
    """

    rows: list[int]
    zone: np.ndarray


def find_digit(inked: np.ndarray) -> np.ndarray:
    """Choose from booleans (height, width), which say where ink is, those that belong to the digit.

    Ruled lines from edge to edge are left out, also where they cross the digit; so are frames
    around it, what touches an edge while the digit does not, and specks. Where nothing would be
    left without the lines, they are the digit.
    """
    shortest = max(inked.shape) / _SHORTEST
    kept = _remove_rules(inked)
    labels, components = _label_components(kept)
    if all(component.length < shortest for component in components):
        kept = inked.copy()
        labels, components = _label_components(kept)
    if _remove_boxes(kept, labels, components):
        labels, components = _label_components(kept)
    digit = _choose_components(labels, components, shortest)
    return np.isin(labels, [component.label for component in digit])


def _remove_rules(inked: np.ndarray) -> np.ndarray:
    """Remove ruled lines from edge to edge."""
    thick = min(inked.shape) // _RULE
    across, _ = _find_lines(inked, thick, to_the_edges=True)
    rest = inked & ~across
    down, _ = _find_lines(rest.T, thick, to_the_edges=True)
    return rest & ~down.T


def _label_components(inked: np.ndarray) -> tuple[np.ndarray, list[_Component]]:
    """Find the connected components; label each pixel with that of its component, from 1 on."""
    labels, _ = ndimage.label(inked, _NEIGHBOURS)
    sizes = np.bincount(labels.ravel())
    boxes = ndimage.find_objects(labels)
    return labels, [_Component(at, int(sizes[at]), *box) for at, box in enumerate(boxes, 1)]


def _remove_boxes(inked: np.ndarray, labels: np.ndarray, components: list[_Component]) -> bool:
    """Remove boxes that have straight sides and something in them, which may touch the sides.

    Returns:
        whether there was one.
    """
    removed = False
    for component in components:
        part = labels[component.rows, component.columns] == component.label
        sides = _find_box(part)
        if sides is None:
            continue
        _, inner = _label_components(part & ~sides)
        is_full = any(4 * (each.rows.stop - each.rows.start) >= len(part) for each in inner)
        if is_full or any(_surrounds(component, other, _BOXED) for other in components):
            inked[component.rows, component.columns] &= ~(part & sides)
            removed = True
    return removed


def _choose_components(
    labels: np.ndarray, components: list[_Component], shortest: float
) -> list[_Component]:
    """Choose the components of the digit: without frames, specks and what lies at the edges."""
    free = [
        component
        for component in components
        if component.length >= shortest and not _touches_edge(component, labels.shape)
    ]
    remaining = []
    for component in components:
        is_frame = any(_surrounds(component, other, _FRAMED) for other in components)
        is_at_edge = _touches_edge(component, labels.shape) and any(
            _is_beside(component, other, labels) for other in free
        )
        if not is_frame and not is_at_edge:
            remaining.append(component)
    largest = max((component.size for component in remaining), default=0)
    return [component for component in remaining if _SPECK * component.size >= largest]


def _touches_edge(component: _Component, shape: tuple[int, int]) -> bool:
    """Whether a component reaches an edge of the sheet."""
    extents = zip((component.rows, component.columns), shape, strict=True)
    return any(extent.start == 0 or extent.stop == side for extent, side in extents)


def _surrounds(component: _Component, other: _Component, times: int) -> bool:
    """Whether another one lies in a component's bounding box, which is at most `times` as long."""
    extents = ((component.rows, other.rows), (component.columns, other.columns))
    within = all(outer.start < inner.start and inner.stop < outer.stop for outer, inner in extents)
    return within and times * other.length >= component.length


def _is_beside(component: _Component, free: _Component, labels: np.ndarray) -> bool:
    """Whether a component at an edge is no part of a digit, as another one lies free.

    It covers half of the edge, or is far from the other one and not much larger.
    """
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    covers = any(2 * np.count_nonzero(edge == component.label) >= len(edge) for edge in edges)
    extents = ((component.rows, free.rows), (component.columns, free.columns))
    gap = max(max(one.start - two.stop, two.start - one.stop) for one, two in extents)
    is_far = 8 * gap > free.length
    return covers or (is_far and 3 * free.size >= component.size)


def _find_box(part: np.ndarray) -> np.ndarray | None:
    """Find the four sides of the box that a component is or has; None if a side is missing."""
    thick = max(min(part.shape) // _BOX_SIDE, 1)
    across, rows = _find_lines(part, thick, to_the_edges=False)
    if not _are_at_both_ends(rows, part.shape[0]):
        return None
    down, columns = _find_lines((part & ~across).T, thick, to_the_edges=False)
    if not _are_at_both_ends(columns, part.shape[1]):
        return None
    return across | down.T


def _are_at_both_ends(places: list[int], side: int) -> bool:
    """Whether the first line is in the first quarter of a side, and the last one in the last."""
    return bool(places) and 4 * places[0] < side and 4 * places[-1] >= 3 * side


def _find_lines(inked: np.ndarray, thick: int, to_the_edges: bool) -> tuple[np.ndarray, list[int]]:
    """Find lines from left to right, at most `thick` pixels thick and inclined by a twentieth.

    Returns:
        where they are, without what crosses them, booleans (height, width); and the row of each.
    """
    height, width = inked.shape
    found = np.zeros_like(inked)
    places: list[int] = []
    count = min(_STRIPS, width // 3)
    if thick < 1 or count < 5:
        return found, places
    edges = np.arange(count + 1) * width // count
    counted = _strips_that_count(count, to_the_edges)
    covered = _is_covered(inked, edges, _COVERED)
    if not covered[:, counted].any(axis=0).all():
        return found, places  # there can be no line: this takes less time than to look for one
    runs = _run_lengths(inked)
    thin = _is_covered(inked & (runs <= thick), edges, _COVERED_THIN)
    lines = _follow_lines(covered, thin, counted, width // _SLOPE)
    if len(lines) == 1 and to_the_edges:
        rows = lines[0].rows
        if rows[0] <= thick or rows[-1] >= height - 1 - thick:
            return found, places  # it may be the bar of a 7 that was cut out closely
    for line in lines:
        found |= _pixels_of_line(inked, line, runs, edges, thick)
        places.append((line.rows[0] + line.rows[-1]) // 2)
    return found, places


def _strips_that_count(count: int, to_the_edges: bool) -> slice:
    """The strips that a line has to cover: all, or not those at the corners of a box."""
    spared = 0 if to_the_edges else max(count // 8, 1)
    return slice(spared, count - spared)


def _run_lengths(inked: np.ndarray) -> np.ndarray:
    """The number of pixels of ink that stand one upon another at each pixel of ink."""
    labels, _ = ndimage.label(inked, _ABOVE_AND_BELOW)
    return np.bincount(labels.ravel())[labels]


def _pixels_of_line(
    inked: np.ndarray, line: _Line, runs: np.ndarray, edges: np.ndarray, thick: int
) -> np.ndarray:
    """The pixels of a line, booleans (height, width), without what crosses it.

    What crosses it is more than half as thick again as the line is where nothing does.
    """
    pixels = inked & np.repeat(line.zone, np.diff(edges), axis=1)
    lengths = np.sort(runs[pixels & (runs <= thick)])
    typical = lengths[len(lengths) // 2]
    return pixels & (runs <= typical + max(typical // 2, 1))


def _follow_lines(
    covered: np.ndarray, thin: np.ndarray, counted: slice, steepest: int
) -> list[_Line]:
    """Follow lines from strip to strip, and take those in neighbouring rows together.

    Args:
        covered: booleans (height, strips), where a line may run.
        thin: booleans (height, strips), the same for ink that is no thicker than a line.
        counted: the strips that a line has to cover.
        steepest: pixels by which it may rise or fall from end to end.
    """
    zones = _find_zones(covered, thin, counted, steepest)
    lines: list[_Line] = []
    for row in sorted(zones):
        if lines and lines[-1].rows[-1] == row - 1:
            lines[-1].rows.append(row)
            lines[-1].zone[:] |= zones[row]
        else:
            lines.append(_Line([row], zones[row]))
    return [_Line(line.rows, _widen(line.zone)) for line in lines]


def _find_zones(
    covered: np.ndarray, thin: np.ndarray, counted: slice, steepest: int
) -> dict[int, np.ndarray]:
    """Where lines run, booleans (height, strips), by the row in which they cross the middle."""
    height, count = covered.shape
    strips = np.arange(count)
    rows = np.arange(height)[:, np.newaxis]
    zones: dict[int, np.ndarray] = {}
    for drop in range(-steepest, steepest + 1):
        at = rows + drop * (2 * strips + 1 - count) // (2 * count)
        inside = (at >= 0) & (at < height)
        at = at.clip(0, height - 1)
        is_line = (covered[at, strips] & inside)[:, counted].all(axis=1)
        is_line &= 8 * (thin[at, strips] & inside).sum(axis=1) >= 3 * count
        for row in np.flatnonzero(is_line):
            zones.setdefault(int(row), np.zeros((height, count), bool))[at[row], strips] = True
    return zones


def _is_covered(inked: np.ndarray, edges: np.ndarray, tenths: int) -> np.ndarray:
    """Whether so many tenths of a strip have ink in each row or the next, (height, strips)."""
    counts = np.add.reduceat(_widen(inked), edges[:-1], axis=1, dtype=int)
    return 10 * counts >= tenths * np.diff(edges)


def _widen(inked: np.ndarray) -> np.ndarray:
    """Add the pixels above and below."""
    wide = inked.copy()
    wide[1:] |= inked[:-1]
    wide[:-1] |= inked[1:]
    return wide
