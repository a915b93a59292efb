"""An exercise -> the notebook of its assignment, made of the stub alone: no reference and no hint is ever near it.

The solution regions hold what the stub holds, one `raise NotImplementedError` each: so neither nbgrader's source/ nor
anything that is made from it has a reference to lose. Whoever wants to read ours asks `grade solution --spoil`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass

from grader import source
from grader.course import Course, Exercise, Task
from grader.report.words import points

from . import names
from .names import Mark

EXTENSION = "%load_ext grader.platforms.nbgrader"
_TODO = "raise NotImplementedError"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with nbgrader's metadata: read-only, or a test where it has points, or to be solved."""

    name: str
    source: str
    code: bool
    solve: bool = False
    points: float | None = None

    @property
    def record(self) -> dict[str, object]:
        about: dict[str, object] = {
            "schema_version": 3,
            "grade_id": self.name,
            "grade": self.points is not None,
            "solution": self.solve,
            "locked": not self.solve,
            "task": False,
        }
        if self.points is not None:
            about["points"] = self.points
        cell: dict[str, object] = {
            "cell_type": "code" if self.code else "markdown",
            "id": self.name,
            "metadata": {"nbgrader": about},
            "source": self.source.splitlines(keepends=True),
        }
        return cell | ({"execution_count": None, "outputs": []} if self.code else {})


@dataclass(frozen=True, slots=True)
class Stub:
    """The file that a learner is given, in pieces: what stands above the first task, and each task's own lines."""

    text: str
    head: str
    tasks: dict[str, str]


def stub_of(course: Course, exercise: Exercise) -> Stub:
    file = course.source_file(exercise.name)
    text = source.stub(file.read_text("utf-8"), str(file))
    lines, body = text.split("\n"), ast.parse(text).body
    starts = {
        node.name: min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    ends = [*list(starts.values())[1:], len(lines) + 1]
    parts = {
        name: "\n".join(lines[start - 1 : end - 1]).strip("\n")
        for (name, start), end in zip(starts.items(), ends, strict=True)
    }
    first = min(starts.values())
    return Stub(text, "\n".join(lines[body[0].end_lineno : first - 1]).strip("\n"), parts)


def notebook(course: Course, exercise: Exercise, *, modules: bool = False) -> str:
    """The notebook as nbgrader keeps it in source/: nbformat 4.5, cell metadata of schema 3."""
    cells = [cell.record for cell in _cells(exercise, stub_of(course, exercise), modules)]
    book = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cells(exercise: Exercise, stub: Stub, modules: bool) -> Iterator[Cell]:
    yield Cell(names.reading(exercise.name, "statement"), _statement(exercise, modules), code=False)
    head = EXTENSION if modules or not stub.head else f"{stub.head}\n\n{EXTENSION}"
    yield Cell(names.reading(exercise.name, "begin"), head, code=True)
    for task in exercise.tasks:
        yield Cell(names.reading(exercise.name, task.name), _about(task), code=False)
        if not modules:
            answer = _with_regions(stub.tasks[task.name])
            yield Cell(names.solving(exercise.name, task.name), answer, code=True, solve=True)
        test = _test(Mark(exercise.name, task.name, modules))
        yield Cell(names.testing(exercise.name, task.name), test, code=True, points=task.points)


def _statement(exercise: Exercise, modules: bool) -> str:
    title, _, rest = exercise.statement.partition("\n")
    where = f"Write your answers in the file `{exercise.name}.py`, which lies beside this notebook. " if modules else ""
    where += (
        "The cell below each task that begins with `%grade` says how your answer stands; run it as often as you like."
    )
    return f"# {title}\n\n{rest.strip()}\n\n*{points(exercise.points)} points.* {where}"


def _about(task: Task) -> str:
    lines = [f"## `{task.name}` · {points(task.points)} points"]
    lines += [f"- Not allowed here: {ban.name.replace('_', ' ')}; {ban.because}." for ban in task.bans]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).rstrip()


def _with_regions(text: str) -> str:
    """What is to be written, marked as nbgrader marks it."""
    out: list[str] = []
    for line in text.split("\n"):
        blank = line[: len(line) - len(line.lstrip())]
        marked = line.strip() == _TODO
        out += [f"{blank}{source.BEGIN}", line, f"{blank}{source.END}"] if marked else [line]
    return "\n".join(out)


def _test(mark: Mark) -> str:
    return f"%grade {mark.what}\n{names.HIDDEN_BEGIN}\n{mark.line}\n{names.HIDDEN_END}"
