"""Tensors as blocks of numbers in the terminal: coloured by value, differing elements in brackets (colour is extra).

What lives here: drawing of one shown value and of two side by side, for any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from grader.model import Drawn, Shown, TensorView, Window

from . import planes, words
from .palette import colour, ink
from .planes import Plane

SIDE = 8  # rows and columns of a plane that are drawn
PLANES = 4  # planes of a tensor that are drawn
GAP = 4  # blank columns between expected and got
ODD = "bold red"  # a tensor of another shape or type than expected


@dataclass(frozen=True, slots=True)
class Beside:
    """Two blocks side by side where the width allows, else one below the other."""

    left: RenderableType
    right: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [Measurement.get(console, options, part).maximum for part in (self.left, self.right)]
        if sum(widths) + GAP > options.max_width:
            yield Group(self.left, Text(), self.right)
            return
        table = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        table.add_row(self.left, self.right)
        yield table


def row(named: Sequence[tuple[str, Shown]], window: Window | None = None) -> RenderableType:
    """Inputs, tensors beside each other as far as they fit, other values in a line each; the window in parentheses."""
    marked = {words.line(name): frozenset(at) for name, at in window.inputs} if window is not None else {}
    drawn = [
        drawing(Text(name, "bold"), value, marked=marked.get(name, frozenset()), marks="()")
        for name, value in named
        if isinstance(value, TensorView)
    ]
    plain = [
        Text.assemble((f"{name} = ", "bold"), words.line(value)) for name, value in named if isinstance(value, str)
    ]
    parts: list[RenderableType] = [Columns(drawn, padding=(0, GAP, 0, 0))] if drawn else []
    legend = [Text(f"( ) {words.depends(window)}", "dim")] if window is not None and marked else []
    return Group(*parts, *plain, *legend)


def comparison(expected: Shown | None, got: Shown | None, *, say: bool = True) -> RenderableType:
    """Expected and got on one colour scale and with the same planes, differing elements marked.

    `say`: whether to put into words that shape or type differ, for want of another sentence that does.
    """
    if isinstance(expected, str) and isinstance(got, str):
        return texts(expected, got)
    marked = planes.differing(expected, got)
    digits = planes.digits_apart(expected, got)
    scale = planes.span(expected, got)
    unlike = planes.unlike(expected, got)
    named = [("expected", "bold", expected), ("got", ODD if unlike else "bold", got)]
    drawn = [
        drawing(Text(name, style), value, marked=marked, digits=digits, scale=scale)
        for name, style, value in named
        if value is not None
    ]
    shown: RenderableType = Beside(*drawn) if len(drawn) == 2 else drawn[0]
    notes = [Text(f"different: {unlike}", "bold red")] if unlike and say else []
    legend = [Text("[ ] marks an element that differs", "dim")] if marked else []
    return Group(shown, *notes, *legend)


def texts(expected: str, got: str) -> RenderableType:
    """Two values as text below each other, with a line of carets under what differs where both fit on a line."""
    lines = [words.block(expected, 2000), words.block(got, 2000)]
    front, wanted, answered, end = planes.split_difference(*lines)
    result = Text.assemble(("expected  ", "bold"), front, (wanted, "bold green"), end, "\n")
    result.append_text(Text.assemble(("got       ", "bold"), front, (answered, "bold red"), end))
    if lines[0] != lines[1] and max(map(len, lines)) <= 66 and "\n" not in lines[0] + lines[1]:
        width = Text(answered).cell_len or 1
        result.append("\n" + " " * (10 + Text(front).cell_len) + "^" * width, "red")
    return result


def drawing(
    name: Text,
    value: Shown,
    *,
    marked: frozenset[planes.Index] = frozenset(),
    digits: int = 4,
    scale: tuple[float, float] | None = None,
    marks: str = "[]",
) -> RenderableType:
    """A name, the tensor's type and shape, and its planes; any other value as its text."""
    if isinstance(value, str):
        return Group(name, Text(words.block(value, 2000)))
    head = Text.assemble(name, "  ", (planes.headline(value), "red" if name.style == ODD else "dim"))
    every = planes.planes(value, marked, digits=digits)
    if not every:
        return Group(head, Text(planes.unshown(value), "dim"))
    chosen = [planes.window(plane, SIDE, SIDE) for plane in planes.interesting(every, PLANES)]
    classes = value.drawn is Drawn.CLASSES
    body = [
        part for plane in chosen for part in plane_lines(plane, scale or planes.span(value), marks, classes=classes)
    ]
    left = len(every) - len(chosen)
    more = [Text(f"… and {left} more plane{'s' if left > 1 else ''}", "dim")] if left else []
    return Group(head, *body, *more)


def plane_lines(plane: Plane, scale: tuple[float, float], marks: str = "[]", *, classes: bool = False) -> list[Text]:
    """Label, rows of cells, and a note where the plane is cut."""
    width = max(len(cell.text) for cells in plane.rows for cell in cells) + 2
    lines = [Text(plane.label, "dim")] if plane.label and plane.whole != (1, 1) else []
    for cells in plane.rows:
        row_text = Text()
        for cell in cells:
            number = cell.number
            style = f"{ink(number, *scale, classes=classes)} on {colour(number, *scale, classes=classes)}"
            inside = f"{marks[0]}{cell.text}{marks[1]}" if cell.differs else f" {cell.text} "
            row_text.append(inside.rjust(width), f"bold {style}" if cell.differs else style)
        lines.append(row_text)
    return [*lines, Text(plane.note, "dim")] if plane.note else lines
