"""Tensors as heat maps: coordinates, colours and texts of the squares that the HTML template draws as SVG.

What lives here: geometry in CSS pixels and the words for those who cannot see it. No markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from grader.model import Counterexample, Drawn, Shown, TensorView

from . import palette, planes
from .planes import Cell, Plane

NUMBERED = 8  # up to so many rows and columns, each square carries its value
LARGEST = 32  # rows and columns of a plane that are drawn at all
PLANES, LARGE_PLANES = 16, 6  # planes of a tensor that are drawn, with numbers and without
LISTED = 12  # places of a window that are told one by one
DIFFERS, INSIDE = "differ", "is made of"
SMALL, TALL, DIGIT = 11.0, 30.0, 7.4  # side of a bare square, height of a numbered one, width of a digit


@dataclass(frozen=True, slots=True)
class Paint:
    """How values become colours: on a scale, by strength from 0, or a colour for each class."""

    low: float
    high: float
    strengths: bool = False
    classes: bool = False


@dataclass(frozen=True, slots=True)
class Square:
    """One element. `strength` is set in pictures of differences, which have a colour of their own."""

    x: float
    y: float
    fill: str
    ink: str
    text: str
    differs: bool
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plane: its squares, all of one size, and what it says in words."""

    label: str
    note: str
    squares: tuple[Square, ...]
    width: float
    height: float
    square_width: float
    square_height: float
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A tensor: planes in rows (one row per index of all but the last leading axis), and its colour scale."""

    name: str
    headline: str
    rows: tuple[tuple[Drawing, ...], ...]
    note: str = ""
    scale: tuple[str, str] | None = None
    unlike: bool = False
    marked: bool = False


def picture(
    name: str,
    view: TensorView,
    *,
    marked: frozenset[planes.Index] = frozenset(),
    digits: int = 4,
    scale: tuple[float, float] | None = None,
    unlike: bool = False,
    strengths: bool = False,
    why: str = DIFFERS,
) -> Picture:
    """A tensor on a given scale or its own; `strengths`: how far off it is, in one colour, from 0.

    `why`: what it means that an element is marked.
    """
    every = planes.planes(view, marked, digits=digits)
    if not every:
        return Picture(name, planes.headline(view), (), planes.unshown(view), None, unlike)
    low, high = scale or planes.span(view)
    paint = Paint(low, high, strengths, classes=view.drawn is Drawn.CLASSES)
    limit = PLANES if max(every[0].whole) <= NUMBERED else LARGE_PLANES
    chosen = [planes.window(plane, LARGEST, LARGEST) for plane in planes.interesting(every, limit)]
    rows = [
        tuple(_drawing(name, plane, paint, why) for plane in row)
        for _, row in groupby(chosen, key=lambda plane: plane.index[:-1])
    ]
    left = len(every) - len(chosen)
    note = f"… and {left} more plane{'s' if left > 1 else ''}" if left else ""
    ends = (
        (planes.number(low, 3), planes.number(high, 3)) if low < high and not strengths and not paint.classes else None
    )
    return Picture(name, planes.headline(view), tuple(rows), note, ends, unlike, bool(marked) and not strengths)


def compared(expected: Shown | None, got: Shown | None) -> list[Picture]:
    """Expected and got, as far as they are tensors, on one scale, differing elements marked."""
    marked, digits = planes.differing(expected, got), planes.digits_apart(expected, got)
    scale, unlike = planes.span(expected, got), bool(planes.unlike(expected, got))
    drawn = []
    for name, view in (("expected", expected), ("got", got)):
        if isinstance(view, TensorView):
            odd = unlike and name == "got"
            drawn.append(picture(name, view, marked=marked, digits=digits, scale=scale, unlike=odd))
    return drawn


def difference(example: Counterexample) -> Picture:
    """|got - expected|, with the same elements marked as in both of them, so that the same planes are shown."""
    view = example.difference or TensorView("float64", (0,), [])
    marked = planes.differing(example.expected, example.got)
    return picture("|got - expected|", view, marked=marked, scale=(0.0, view.high or 0.0), strengths=True)


def _drawing(name: str, plane: Plane, paint: Paint, why: str) -> Drawing:
    numbered = max(plane.whole) <= NUMBERED
    longest = max(len(cell.text) for row in plane.rows for cell in row)
    width, height = (max(TALL, round(DIGIT * longest + 10, 1)), TALL) if numbered else (SMALL, SMALL)
    squares = tuple(
        _square(cell, round(column * width, 1), row * height, paint, numbered=numbered)
        for row, cells in enumerate(plane.rows)
        for column, cell in enumerate(cells)
    )
    said = _in_words(name, plane, why, numbered=numbered)
    return Drawing(
        plane.label, plane.note, squares, round(plane.columns * width, 1), len(plane.rows) * height, width, height, said
    )


def _square(cell: Cell, x: float, y: float, paint: Paint, *, numbered: bool) -> Square:
    text, low, high = cell.text if numbered else "", paint.low, paint.high
    if not paint.strengths:
        fill = palette.colour(cell.number, low, high, classes=paint.classes)
        return Square(x, y, fill, palette.ink(cell.number, low, high, classes=paint.classes), text, cell.differs)
    # What is off by NaN or infinity is off as far as can be.
    strength = 1.0 if cell.number is None else planes.share(cell.number, low, high) if high > low else 0.0
    return Square(x, y, "", "", text, False, round(strength, 3))


def _in_words(name: str, plane: Plane, why: str, *, numbered: bool) -> str:
    """The plane for a screen reader: rows of numbers where they are few, else its size; then how many differ."""
    label = f" plane {plane.label}" if plane.label else ""
    if numbered:
        content = "; ".join(", ".join(cell.text for cell in row) for row in plane.rows)
    else:
        content = f"heat map of {plane.note or f'{plane.whole[0]} × {plane.whole[1]} values'}"
    marked = sum(cell.differs for row in plane.rows for cell in row)
    if not marked:
        return f"{name}{label}: {content}"
    if why == DIFFERS:
        return f"{name}{label}: {content}. {marked} of these {why}."
    places = [f"row {plane.top + r}, column {plane.left + c}"
              for r, row in enumerate(plane.rows) for c, cell in enumerate(row) if cell.differs]  # fmt: skip
    said = "; ".join(places[:LISTED]) + ("; …" if len(places) > LISTED else "")
    return f"{name}{label}: {content}. {marked} outlined: {said}."
