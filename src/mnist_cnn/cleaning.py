"""Tell a digit from specks, frames and ruled lines; `pieces.js` does the same."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

_SPECK = 25  # what has less than a 25th of the largest piece's pixels is a speck
_STRIPS = 16  # a line is followed from strip to strip of the sheet
_NEIGHBOURS = np.ones((3, 3))
_ABOVE_AND_BELOW = [[0, 1, 0]] * 3


class _Piece(NamedTuple):
    """A connected piece of ink: its number, its pixels, and the box around it."""

    number: int
    size: int
    rows: slice
    columns: slice

    @property
    def length(self) -> int:
        return max(part.stop - part.start for part in (self.rows, self.columns))


def find_digit(inked: np.ndarray) -> np.ndarray:
    """Choose from booleans (height, width), which say where ink is, those that belong to the digit.

    Ruled lines from edge to edge are left out, also where they cross the digit; so are frames
    around it, what touches an edge while the digit does not, and specks. Where nothing would be
    left, that is the digit.
    """
    long = max(inked.shape) / 20  # as long as a digit could be
    across = _find_lines(inked, min(inked.shape) // 40, to_the_edges=True)[0]
    down = _find_lines((inked & ~across).T, min(inked.shape) // 40, to_the_edges=True)[0].T
    kept = inked & ~across & ~down
    labels, pieces = _label(kept)
    if all(piece.length < long for piece in pieces):
        kept = inked.copy()
        labels, pieces = _label(kept)
    if _remove_boxes(kept, labels, pieces):
        labels, pieces = _label(kept)
    free = [each for each in pieces if each.length >= long and not _touches(each, inked.shape)]
    remaining = [
        piece
        for piece in pieces
        if not any(_surrounds(piece, other, 5) for other in pieces)
        and not (
            _touches(piece, inked.shape) and any(_is_beside(piece, each, labels) for each in free)
        )
    ]
    most = max((piece.size for piece in remaining), default=0)
    digit = [piece.number for piece in remaining if _SPECK * piece.size >= most]
    return np.isin(labels, digit)


def _label(inked: np.ndarray) -> tuple[np.ndarray, list[_Piece]]:
    """The connected pieces, and for each pixel the number of its piece, from 1 on."""
    labels, _ = ndimage.label(inked, _NEIGHBOURS)
    sizes = np.bincount(labels.ravel())
    boxes = ndimage.find_objects(labels)
    return labels, [_Piece(at, int(sizes[at]), *box) for at, box in enumerate(boxes, 1)]


def _touches(piece: _Piece, shape: tuple[int, int]) -> bool:
    """Whether a piece goes to an edge of the sheet."""
    parts = zip((piece.rows, piece.columns), shape, strict=True)
    return any(part.start == 0 or part.stop == side for part, side in parts)


def _surrounds(piece: _Piece, other: _Piece, times: int) -> bool:
    """Whether another, at most so many times shorter, lies within its box."""
    parts = ((piece.rows, other.rows), (piece.columns, other.columns))
    within = all(outer.start < inner.start and inner.stop < outer.stop for outer, inner in parts)
    return within and times * other.length >= piece.length


def _is_beside(piece: _Piece, free: _Piece, labels: np.ndarray) -> bool:
    """Whether a piece at an edge is no part of a digit, as another lies free: it covers half of the
    edge, or is far from the other and not much larger.
    """
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    along = any(2 * np.count_nonzero(edge == piece.number) >= len(edge) for edge in edges)
    parts = ((piece.rows, free.rows), (piece.columns, free.columns))
    gap = max(max(one.start - two.stop, two.start - one.stop) for one, two in parts)
    far = 8 * gap > free.length
    return along or (far and 3 * free.size >= piece.size)


def _remove_boxes(inked: np.ndarray, labels: np.ndarray, pieces: list[_Piece]) -> bool:
    """Remove boxes that have straight sides and something in them, which may touch the sides;
    return whether there was one.
    """
    removed = False
    for piece in pieces:
        part = labels[piece.rows, piece.columns] == piece.number
        sides = _find_box(part)
        if sides is None:
            continue
        tall = max(
            (4 * (it.rows.stop - it.rows.start) for it in _label(part & ~sides)[1]), default=0
        )
        if tall >= len(part) or any(_surrounds(piece, other, 8) for other in pieces):
            inked[piece.rows, piece.columns] &= ~(part & sides)
            removed = True
    return removed


def _find_box(part: np.ndarray) -> np.ndarray | None:
    """The four sides of the box that a piece is or has; None if a side is missing."""
    thick = max(min(part.shape) // 12, 1)
    across, rows = _find_lines(part, thick, to_the_edges=False)
    if not _are_at_both_ends(rows, part.shape[0]):
        return None
    down, columns = _find_lines((part & ~across).T, thick, to_the_edges=False)
    return across | down.T if _are_at_both_ends(columns, part.shape[1]) else None


def _are_at_both_ends(places: list[int], side: int) -> bool:
    return bool(places) and 4 * places[0] < side and 4 * places[-1] >= 3 * side


def _find_lines(inked: np.ndarray, thick: int, to_the_edges: bool) -> tuple[np.ndarray, list[int]]:
    """Find lines from left to right, at most `thick` pixels thick and inclined by a twentieth.

    Returns:
        Where they are, without what crosses them: booleans (height, width); and the row of each.
    """
    width = inked.shape[1]
    found, places = np.zeros_like(inked), []
    count = min(_STRIPS, width // 3)
    if thick < 1 or count < 5:
        return found, places
    edges = np.arange(count + 1) * width // count
    covered = _is_covered(inked, edges, 7)
    spared = 0 if to_the_edges else max(count // 8, 1)
    counted = slice(spared, count - spared)
    if not covered.any(axis=0)[counted].all():
        return found, places
    labels, _ = ndimage.label(inked, _ABOVE_AND_BELOW)
    runs = np.bincount(labels.ravel())[labels]  # as many pixels of ink stand one upon another
    lean = _is_covered(inked & (runs <= thick), edges, 5)
    lines = _follow(covered, lean, counted, width // 20)
    if len(lines) == 1 and to_the_edges:
        rows, _ = lines[0]
        if rows[0] <= thick or rows[-1] >= len(inked) - 1 - thick:
            return found, places  # it may be the bar of a 7 that was cut out closely
    for rows, zone in lines:
        pixels = inked & np.repeat(zone, np.diff(edges), axis=1)
        lengths = np.sort(runs[pixels & (runs <= thick)])
        typical = lengths[len(lengths) // 2]
        found |= pixels & (runs <= typical + max(typical // 2, 1))
        places.append((rows[0] + rows[-1]) // 2)
    return found, places


def _follow(
    covered: np.ndarray, lean: np.ndarray, counted: slice, most: int
) -> list[tuple[list[int], np.ndarray]]:
    """Follow lines from strip to strip, (height, strips): for each, its rows in the middle of the
    sheet, and booleans (height, strips) that say where it runs. It rises or falls by at most
    `most` pixels.
    """
    height, count = covered.shape
    strips, rows = np.arange(count), np.arange(height)[:, np.newaxis]
    lines: list[tuple[list[int], np.ndarray]] = []
    zones: dict[int, np.ndarray] = {}
    for drop in range(-most, most + 1):
        at = rows + drop * (2 * strips + 1 - count) // (2 * count)
        inside = (at >= 0) & (at < height)
        at = at.clip(0, height - 1)
        good = (covered[at, strips] & inside)[:, counted].all(axis=1)
        good &= 8 * (lean[at, strips] & inside).sum(axis=1) >= 3 * count
        for row in np.flatnonzero(good):
            zones.setdefault(int(row), np.zeros((height, count), bool))[at[row], strips] = True
    for row in sorted(zones):
        if lines and lines[-1][0][-1] == row - 1:
            lines[-1][0].append(row)
            lines[-1][1][:] |= zones[row]
        else:
            lines.append(([row], zones[row]))
    return [(rows, _widen(zone)) for rows, zone in lines]


def _is_covered(inked: np.ndarray, edges: np.ndarray, tenths: int) -> np.ndarray:
    """Whether so many tenths of each row and strip have ink there or in the next row, (height,
    strips).
    """
    counts = np.add.reduceat(_widen(inked), edges[:-1], axis=1, dtype=int)
    return 10 * counts >= tenths * np.diff(edges)


def _widen(inked: np.ndarray) -> np.ndarray:
    """With the rows above and below."""
    wide = inked.copy()
    wide[1:] |= inked[:-1]
    wide[:-1] |= inked[1:]
    return wide
