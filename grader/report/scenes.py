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
    if given and all(isinstance(value, TensorView) and value.drawn is Drawn.CHOSEN for _, value in answers) and answers:
        drawn = [(f"{name}: kept {_listed(value)}", list(_kept(given[0][1], value))) for name, value in answers]
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


def _indices(value: Shown | None) -> list[int]:
    values = value.values if isinstance(value, TensorView) else None
    return [entry for entry in values if isinstance(entry, int)] if isinstance(values, list) else []


def _listed(value: Shown | None) -> str:
    return ", ".join(map(str, _indices(value))) or "none"


def _kept(found: Sequence[Corners], value: Shown | None) -> Iterator[Box]:
    """Those that an answer keeps, and the others aside."""
    kept = set(_indices(value))
    for place, each in enumerate(found):
        if all(map(isfinite, each)):
            yield Box(f"{place}", each, "first" if place in kept else "aside")


def _scene(name: str, boxes: Sequence[Box], every: Sequence[Corners]) -> Scene:
    left, right = min(min(c[0], c[2]) for c in every), max(max(c[0], c[2]) for c in every)
    top, bottom = min(min(c[1], c[3]) for c in every), max(max(c[1], c[3]) for c in every)
    longest = max(right - left, bottom - top)
    factor = SIDE / longest if longest > 0 else 1.0
    outlines = tuple(
        Outline(
            round((min(c[0], c[2]) - left) * factor, 1),
            round((min(c[1], c[3]) - top) * factor, 1),
            round(abs(c[2] - c[0]) * factor, 1),
            round(abs(c[3] - c[1]) * factor, 1),
            box.label,
            box.kind,
        )
        for box in boxes
        for c in [box.corners]
    )
    said = "; ".join(_said(box) for box in boxes) or "no boxes"
    return Scene(
        name, outlines, round((right - left) * factor, 1), round((bottom - top) * factor, 1), f"boxes of {name}: {said}"
    )


def _said(box: Box) -> str:
    x1, y1, x2, y2 = (number(value) for value in box.corners)
    aside = ", left out" if box.kind == "aside" else ""
    return f"{box.label} from ({x1}, {y1}) to ({x2}, {y2}){aside}"
