"""Boxes as a picture: rectangles on one common scale, y downwards as in an image.

What lives here: geometry in CSS pixels and the words for those who cannot see it. No markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from grader.model import Counterexample, Drawn, Shown, TensorView

from .planes import number

SIDE = 260.0  # of the longer side of a picture
MOST = 24  # boxes that can still be told apart
BOXES = (Drawn.CORNERS, Drawn.CENTRES)

Corners = tuple[float, float, float, float]  # x1, y1, x2, y2


@dataclass(frozen=True, slots=True)
class Box:
    """One box as it was given. `kind` is a class of feedback.css: first, second, aside."""

    label: str
    corners: Corners
    kind: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The same in the picture."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float
    label_y: float
    kind: str


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    outlines: tuple[Outline, ...]
    width: float
    height: float
    words: str


def scenes(example: Counterexample) -> list[Scene]:
    """Every picture of boxes that there is: what was given, then what was expected and got."""
    given = [(name, list(corners(value))) for name, value in example.inputs if _is_boxes(value)]
    answers = [(name, value) for name, value in (("expected", example.expected), ("got", example.got)) if value]
    drawn: list[tuple[str, list[Box]]] = []
    if given and example.chosen is not None:
        choices = (("expected: keep", example.chosen.expected), ("got: kept", example.chosen.got))
        drawn = [(f"{name} {_listed(kept)}", list(_sorted(given[0][1], kept))) for name, kept in choices]
    elif given:
        named = [_boxes(name, boxes, "second" if place else "first") for place, (name, boxes) in enumerate(given)]
        drawn = [(" and ".join(name for name, _ in given), [box for boxes in named for box in boxes])]
    drawn += [(name, list(_boxes(name, list(corners(value)), "first"))) for name, value in answers if _is_boxes(value)]
    every = [box.corners for _, boxes in drawn for box in boxes]
    if not every or max(len(boxes) for _, boxes in drawn) > MOST:
        return []
    return [_scene(name, boxes, every) for name, boxes in drawn]


def corners(value: Shown | None) -> Iterator[Corners]:
    """Each row of four numbers as x1, y1, x2, y2."""
    rows = value.values if isinstance(value, TensorView) else None
    for row in rows if isinstance(rows, list) else []:
        a, b, c, d = (float(entry) if isinstance(entry, int | float) else 0.0 for entry in row)  # type: ignore[union-attr]
        centred = isinstance(value, TensorView) and value.drawn is Drawn.CENTRES
        yield (a - c / 2, b - d / 2, a + c / 2, b + d / 2) if centred else (a, b, c, d)


def _is_boxes(value: Shown | None) -> bool:
    return isinstance(value, TensorView) and value.drawn in BOXES and value.values is not None


def _boxes(name: str, found: Sequence[Corners], kind: str) -> Iterator[Box]:
    yield from (Box(f"{name}[{i}]", each, kind) for i, each in enumerate(found) if all(map(isfinite, each)))


def _listed(kept: Sequence[int]) -> str:
    return ", ".join(map(str, kept[:MOST])) or "none"


def _sorted(found: Sequence[Corners], kept: Sequence[int]) -> Iterator[Box]:
    """Those that an answer keeps, and the others aside."""
    for place, each in enumerate(found):
        if all(map(isfinite, each)):
            yield Box(f"{place}", each, "first" if place in kept else "aside")


def _scene(name: str, boxes: Sequence[Box], every: Sequence[Corners]) -> Scene:
    left, right = min(min(c[0], c[2]) for c in every), max(max(c[0], c[2]) for c in every)
    top, bottom = min(min(c[1], c[3]) for c in every), max(max(c[1], c[3]) for c in every)
    longest = max(right - left, bottom - top)
    factor = SIDE / longest if longest > 0 else 1.0
    outlines = tuple(
        _outline(box, place, [(c - start) * factor for c, start in zip(box.corners, (left, top) * 2, strict=True)])
        for place, box in enumerate(boxes)
    )
    said = "; ".join(_said(box) for box in boxes) or "no boxes"
    return Scene(
        name, outlines, round((right - left) * factor, 1), round((bottom - top) * factor, 1), f"boxes of {name}: {said}"
    )


def _outline(box: Box, place: int, at: Sequence[float]) -> Outline:
    """`at`: its corners in the picture. A second list has its labels at the lower end."""
    x, y, width, height = (round(n, 1) for n in (*map(min, at[:2], at[2:]), abs(at[2] - at[0]), abs(at[3] - at[1])))
    step = 10 + 14 * (place % 3)
    label_y = round(y + height - step if box.kind == "second" else y + step, 1)
    return Outline(x, y, width, height, box.label, round(x + 6 + 4 * len(box.label), 1), label_y, box.kind)


def _said(box: Box) -> str:
    x1, y1, x2, y2 = (number(value) for value in box.corners)
    aside = ", left out" if box.kind == "aside" else ""
    return f"{box.label} from ({x1}, {y1}) to ({x2}, {y2}){aside}"
