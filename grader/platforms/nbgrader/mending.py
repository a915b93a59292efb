"""A submitted notebook is built anew of the sources of its cells, all else is dropped.

Nothing that a submission says of itself is kept: not its outputs, metadata, attachments or names of cells. Which cells
are handed out, which is to be solved and what is worth points is in the gradebook. A test cell that was deleted, edited
or copied is so what it was; one that lost its metadata is found by its name or its definition. Text of a learner's is
shown as text: nbgrader shows these notebooks to teachers, on the page on which they enter grades.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.text import clean

from .given import Given, Handout

LONGEST = 20_000  # characters of a text cell that are shown
_PLAIN = re.compile(r"[^\w \n]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seen:
    """A submitted cell: its source, and which handed-out cell it says it is (hostile, or None)."""

    source: str
    code: bool
    claim: str | None = None


def seen(cell: Any) -> Seen:
    """Whatever the cell is made of: a submission may hold anything that JSON can."""
    source = cell.get("source", "")
    about = cell.get("metadata", {})
    about = about.get("nbgrader") if isinstance(about, Mapping) else None
    claim = about.get("grade_id") if isinstance(about, Mapping) else None
    claim = claim if isinstance(claim, str) else cell.get("id")
    parts = source if isinstance(source, list) else [source]
    text = "".join(part for part in parts if isinstance(part, str))
    return Seen(text, cell.get("cell_type") == "code", claim if isinstance(claim, str) else None)


def mended(cells: Sequence[Seen], given: Handout) -> Iterator[Any]:
    """The cells of the notebook as it will be graded, in the learner's order, what is missing put back."""
    places = _places(cells, given)
    names = {place: name for name, place in places.items()}
    behind: dict[int, list[Given]] = {}  # what is put back, behind the cell with this number
    for name, cell in given.cells.items():
        if name not in places and not cell.solution and (cell.cell_type == "code" or cell.by_hand):
            behind.setdefault(_where(name, given, places, len(cells)), []).append(cell)
    for number in range(-1, len(cells)):
        if number in names:
            known = given.cells[names[number]]
            yield _as_given(known, known.source if known.locked else _answer(known, cells[number].source))
        elif number >= 0:
            yield _foreign(cells[number])
        for missing in behind.get(number, []):
            yield _as_given(missing, missing.source)


def _places(cells: Sequence[Seen], given: Handout) -> dict[str, int]:
    """Name of a handed-out cell -> number of the cell that it is. Of several copies the last one, as it runs last."""
    places = {cell.claim: number for number, cell in enumerate(cells) if cell.claim in given.cells}
    found = {name: number for name, number in places.items() if name is not None}
    taken = set(found.values())
    for name, cell in given.cells.items():
        defined = _defined(cell.source) if cell.solution and name not in found else None
        if defined is None:
            continue
        pattern = re.compile(rf"^(?:async\s+def|def|class)\s+{re.escape(defined)}\b", re.MULTILINE)
        for number in reversed(range(len(cells))):
            if number not in taken and cells[number].code and pattern.search(cells[number].source):
                found[name] = number
                taken.add(number)
                break
    return found


def _defined(source: str) -> str | None:
    found = re.search(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE)
    return found[1] if found else None


def _where(name: str, given: Handout, places: Mapping[str, int], end: int) -> int:
    """Behind which cell a missing one belongs: what comes first stays first, a test follows what it tests."""
    if given.cells[name].points is None:
        return -1
    order = list(given.cells)
    earlier = (places[other] for other in reversed(order[: order.index(name)]) if other in places)
    return next(earlier, end - 1)


def _as_given(known: Given, source: str) -> Any:
    make = new_code_cell if known.cell_type == "code" else new_markdown_cell
    fixed = {"deletable": False} | ({"editable": False} if known.locked else {})
    return make(source, metadata={"nbgrader": known.metadata, **fixed})


def _answer(known: Given, source: str) -> str:
    """What a learner wrote there; a text that was not touched stays, so that nbgrader knows it again."""
    return source if known.cell_type == "code" or source == known.source else shown(source)


def _foreign(cell: Seen) -> Any:
    return new_code_cell(cell.source) if cell.code else new_markdown_cell(shown(cell.source))


def shown(text: str) -> str:
    """Text as it was typed. Every sign that Markdown, HTML or MathJax might read is written as its number."""
    return f"<pre>{_PLAIN.sub(lambda sign: f'&#{ord(sign[0])};', clean(text, LONGEST))}</pre>"
