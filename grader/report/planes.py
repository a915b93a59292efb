"""Tensors for the eye: nested lists cut into planes of cells, and which cells differ.

What lives here: what terminal and HTML share about drawing. No colours, no boxes, no markup.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from grader.model import Json, Shown, TensorView

Index = tuple[int, ...]

SEVERAL = 1024  # elements that are few enough: what has no values then is on the meta device, or complex

# Differences below this share of the largest expected value are rounding, not a mistake, and are not marked
# (the half types keep 3 and 2 decimal digits, float32 7, float64 16).
LOOSE = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}


@dataclass(frozen=True, slots=True)
class Cell:
    """One element: its value, its text, and whether it differs from its counterpart."""

    value: Json
    text: str
    differs: bool = False

    @property
    def number(self) -> float | None:
        """The value as a finite float; None for NaN, infinities and what is no number."""
        if isinstance(self.value, int | float) and math.isfinite(self.value):
            return float(self.value)
        return None


@dataclass(frozen=True, slots=True)
class Plane:
    """The last two axes at one index of the axes before them; `top` and `left` say where a cut-out begins."""

    index: Index
    rows: tuple[tuple[Cell, ...], ...]
    top: int = 0
    left: int = 0
    whole: tuple[int, int] = (0, 0)

    @property
    def label(self) -> str:
        return f"[{', '.join(map(str, self.index))}]" if self.index else ""

    @property
    def columns(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    @property
    def differs(self) -> bool:
        return any(cell.differs for row in self.rows for cell in row)

    @property
    def note(self) -> str:
        """Which part of the plane is shown, in words; empty where it is all there."""
        if (len(self.rows), self.columns) == self.whole:
            return ""
        rows = f"rows {self.top} to {self.top + len(self.rows) - 1}"
        columns = f"columns {self.left} to {self.left + self.columns - 1}"
        return f"{rows}, {columns} of {self.whole[0]} × {self.whole[1]}"


def elements(view: TensorView) -> dict[Index, Json]:
    """Every element by its index, in row-major order; nothing where the values are not kept."""
    if view.values is None:
        return {}
    found: dict[Index, Json] = {}
    _collect(view.values, (), len(view.shape), found)
    return found


def _collect(values: Json, index: Index, depth: int, found: dict[Index, Json]) -> None:
    if depth == 0 or not isinstance(values, list):
        found[index] = values
        return
    for position, value in enumerate(values):
        _collect(value, (*index, position), depth - 1, found)


def differing(expected: Shown | None, got: Shown | None) -> frozenset[Index]:
    """Indices at which two tensors of one shape differ beyond rounding; where all is rounding, wherever they differ."""
    if not isinstance(expected, TensorView) or not isinstance(got, TensorView) or expected.shape != got.shape:
        return frozenset()
    wanted, answered = elements(expected), elements(got)
    scale = max([1.0, *(abs(value) for value in (expected.low, expected.high) if value is not None)])
    tolerance = max(LOOSE.get(expected.dtype, 0.0), LOOSE.get(got.dtype, 0.0)) * scale
    both = wanted.keys() & answered.keys()
    return frozenset(i for i in both if _apart(wanted[i], answered[i], tolerance)) or frozenset(
        i for i in both if _apart(wanted[i], answered[i], 0.0)
    )


def _apart(a: Json, b: Json, tolerance: float) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        if a == b or (math.isnan(a) and math.isnan(b)):
            return False
        return not abs(a - b) <= tolerance  # written so that NaN and infinities count as different
    return a != b


def number(value: Json, digits: int = 4) -> str:
    """A short text for an element: integers whole, floats with that many significant digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, float):
        return f"{value + 0.0:.{digits}g}"  # + 0.0: no learner should puzzle over -0
    return str(value)


def digits_apart(expected: Shown | None, got: Shown | None) -> int:
    """How many significant digits show that differing elements differ: 4 where they do, up to 17 where they must."""
    if not isinstance(expected, TensorView) or not isinstance(got, TensorView):
        return 4
    wanted, answered = elements(expected), elements(got)
    pairs = [(wanted[i], answered[i]) for i in differing(expected, got)]
    for digits in (4, 6, 9, 17):
        if all(number(a, digits) != number(b, digits) for a, b in pairs):
            return digits
    return 17


def planes(view: TensorView, marked: frozenset[Index] = frozenset(), *, digits: int = 4) -> list[Plane]:
    """The tensor as planes of its last two axes; a vector is one row, a single number one cell; empty gives none."""
    if view.values is None or 0 in view.shape:
        return []
    found = elements(view)
    rank = len(view.shape)
    leading, (height, width) = view.shape[:-2], (1, 1, *view.shape)[-2:]

    def cell(front: Index, row: int, column: int) -> Cell:
        full = (*front, row, column)
        index = full[len(full) - rank :]  # a vector's element has no row, a single number has no index at all
        value = found.get(index)
        return Cell(value, number(value, digits), index in marked)

    def rows(front: Index) -> tuple[tuple[Cell, ...], ...]:
        return tuple(tuple(cell(front, row, column) for column in range(width)) for row in range(height))

    return [Plane(front, rows(front), whole=(height, width)) for front in product(*map(range, leading))]


def interesting(every: list[Plane], limit: int) -> list[Plane]:
    """All planes where they are few; else at most `limit`: of those that differ, or from the first on."""
    if len(every) <= limit:
        return every
    return ([plane for plane in every if plane.differs] or every)[:limit]


def window(plane: Plane, rows: int, columns: int) -> Plane:
    """A cut-out of at most that size around the plane's first difference, or its upper left corner."""
    height, width = len(plane.rows), plane.columns
    first = next(((r, c) for r, row in enumerate(plane.rows) for c, cell in enumerate(row) if cell.differs), (0, 0))
    top = max(0, min(first[0] - rows // 2, height - rows))
    left = max(0, min(first[1] - columns // 2, width - columns))
    kept = tuple(row[left : left + columns] for row in plane.rows[top : top + rows])
    return replace(plane, rows=kept, top=top, left=left)


def span(*views: Shown | None) -> tuple[float, float]:
    """The common scale: smallest and largest finite element of all tensors given; (0, 0) where there is none."""
    tensors = [view for view in views if isinstance(view, TensorView)]
    lows = [view.low for view in tensors if view.low is not None]
    highs = [view.high for view in tensors if view.high is not None]
    return (min(lows), max(highs)) if lows and highs else (0.0, 0.0)


def share(value: float, low: float, high: float) -> float:
    """Where a value lies between low and high, in [0, 1]; in the middle where the scale has no length."""
    width = high - low
    if not math.isfinite(width) or width <= 0.0:
        return 0.5
    return min(1.0, max(0.0, (value - low) / width))


def headline(view: TensorView) -> str:
    """Type and shape as PyTorch writes them: "float32 (1, 1, 3, 3)"."""
    return f"{view.dtype} {view.shape}"


def unshown(view: TensorView) -> str:
    """Why no element is drawn."""
    if 0 in view.shape:
        return "no elements"
    if view.low is None or view.high is None:
        return "too large to draw" if math.prod(view.shape) > SEVERAL else "no values to draw"
    return f"too large to draw; from {number(view.low)} to {number(view.high)}"


def unlike(expected: Shown | None, got: Shown | None) -> str:
    """What is different before any value is: shape or type, in words; empty where both are the same."""
    if not isinstance(expected, TensorView) or not isinstance(got, TensorView):
        return ""
    found = [f"shape {got.shape}, expected {expected.shape}"] if got.shape != expected.shape else []
    found += [f"dtype {got.dtype}, expected {expected.dtype}"] if got.dtype != expected.dtype else []
    return "; ".join(found)


def split_difference(expected: str, got: str) -> tuple[str, str, str, str]:
    """(what both begin with, the rest of expected, the rest of got, what both end with), cut between words."""
    wanted, answered = list(_words(expected)), list(_words(got))
    limit = min(len(wanted), len(answered))
    front = next((i for i in range(limit) if wanted[i] != answered[i]), limit)
    back = next((i for i in range(limit - front) if wanted[-1 - i] != answered[-1 - i]), limit - front)
    middles = ["".join(words[front : len(words) - back]) for words in (wanted, answered)]
    return "".join(wanted[:front]), middles[0], middles[1], "".join(wanted[len(wanted) - back :])


def _words(text: str) -> Iterator[str]:
    return (match.group() for match in re.finditer(r"[\w.+-]+|\s+|.", text, re.DOTALL))
