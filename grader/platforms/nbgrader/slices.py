"""What a learner has run in a notebook's kernel -> a module: the tasks as they are defined last, and what they name.

A cell that only tries something out is no part of it, whatever it raised. Lines keep their places, so that a message
about a line leads to the cell, by the number beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from grader.collect.notebook import python_lines

_Place = tuple[int, ast.stmt]  # number of the cell, and the statement


def module_of(cells: Sequence[str], tasks: Iterable[str]) -> tuple[str, tuple[int, ...]]:
    """`cells[n]` is what was run as In [n]. Returns the source, and the line that heads each cell from number 1 on."""
    lines = [python_lines(cell.split("\n")) for cell in cells]
    bound, always = _bindings(lines)
    kept: dict[int, set[int]] = {}
    for number, node in [*always, *_reached(tasks, bound)]:
        first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        kept.setdefault(number, set()).update(range(first, (node.end_lineno or first) + 1))
    out: list[str] = []
    heads: list[int] = []
    for number in range(1, len(lines)):
        heads.append(len(out) + 1)  # of a cell that is left out: that of the next one, so that no line is its own
        if number in kept:
            out.append(f"# --- In [{number}] ---")
            out += [line if at in kept[number] else "" for at, line in enumerate(lines[number], 1)]
    return "\n".join([*out, ""]), tuple(heads)


def _bindings(lines: Sequence[list[str]]) -> tuple[dict[str, list[_Place]], list[_Place]]:
    """Name -> the statements that make it what it is; and those that count whatever is named."""
    bound: dict[str, list[_Place]] = {}
    always: list[_Place] = []
    for number, text in enumerate(lines):
        for node in _parsed("\n".join(text)):
            if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
                always.append((number, node))
            for name in set(_bound_by(node)):
                before = bound.get(name, []) if isinstance(node, ast.AugAssign) else []
                bound[name] = [*before, (number, node)]
    return bound, always


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it did not run either
        return []


def _bound_by(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for part in ast.walk(node):
        if isinstance(part, ast.alias):
            yield (part.asname or part.name).partition(".")[0]
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):  # behind an `if` or a `try`
            yield part.name


def _reached(tasks: Iterable[str], bound: dict[str, list[_Place]]) -> list[_Place]:
    """In the order in which they were run."""
    names, left = set[str](), list(tasks)
    found: dict[int, _Place] = {}
    while left:
        name = left.pop()
        if name in names:
            continue
        names.add(name)
        for place in bound.get(name, []):
            found[id(place[1])] = place
            left += [part.id for part in ast.walk(place[1]) if isinstance(part, ast.Name)]
    return sorted(found.values(), key=lambda place: (place[0], place[1].lineno))
