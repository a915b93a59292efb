"""`grade solution`: how we wrote a task, for who has solved it, or asks for it and has that noted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from grader import source
from grader.course import Course
from grader.errors import UsageError
from grader.state import key, with_spoiled
from grader.workspace import now, update

from .desk import Desk, lay_out
from .looks import Code

Definition = ast.FunctionDef | ast.ClassDef
BLANK = "\n\n\n"  # between two definitions


@dataclass(frozen=True, slots=True)
class Solution:
    """`code` is Python as it stands in our source; `notes` are sentences about it."""

    task: str
    code: str
    notes: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.task, "bold")
        yield Text()
        yield Code(self.code)
        yield Text()
        yield from (Text(note, "dim") for note in self.notes)

    @property
    def plain(self) -> str:
        """For a pipe or a file: Python, whole lines, the notes as comments."""
        return "\n".join([f"# {self.task}", *(f"# {note}" for note in self.notes), "", "", self.code, ""])


def solution_of(course: Course, folder: Path, what: str, *, spoil: bool = False) -> Solution:
    """The reference of a task with the private helpers it uses. Raises UsageError where it has not passed yet.

    `spoil`: show it all the same, and remember that.
    """
    name, chosen = course.select(what)
    exercise = course.exercise(name)
    if chosen is None:
        listed = ", ".join(key(name, task.name) for task in exercise.tasks)
        raise UsageError(f"a solution is that of one task; name it: {listed}")
    full, notes = key(name, chosen), []
    if course.kit:
        raise UsageError(
            f"how we wrote {full} is not in a learner's kit; your course may show it when everybody has handed in. "
            f"If you are stuck: `grade hint {full}`"
        )
    desk = lay_out(course, folder)
    if not desk.passed(name, chosen):
        if not spoil:
            raise UsageError(_refusal(desk, name, chosen))
        kept = update(folder, lambda state: with_spoiled(state, full, now()))
        notes.append("Shown before it passed; `grade` notes that." if kept else "Shown before it passed.")
    if uses := exercise.task(chosen).uses:
        notes.append(f"It may build on {', '.join(uses)}: tasks of their own, not shown here.")
    return Solution(full, reference(course.source_file(name).read_text("utf-8"), chosen), tuple(notes))


def _refusal(desk: Desk, exercise: str, task: str) -> str:
    full = key(exercise, task)
    advice = (
        f"`grade hint {full}` gives you the next hint; `grade solution {full} --spoil` shows the solution all the "
        "same, and that is noted"
    )
    if desk.earned(exercise).get(task) is not None:
        return f"{full} has not passed yet, and finding it yourself is worth more than reading it: {advice}"
    if exercise in desk.state.exercises:
        return f"{full} was not graded since your file changed: `grade run {full}` first. If you are stuck: {advice}"
    return f"{full} was not graded yet: `grade run {full}` first. If you are stuck: {advice}"


def reference(text: str, task: str) -> str:
    """The definition of a task and, above it, the private helpers it uses, without markers and hints."""
    tree, lines = ast.parse(text), text.split("\n")
    owners = {name: node for node in tree.body for name in _names(node) if name.startswith("_") or name == task}
    wanted: set[ast.stmt] = set()
    open_here = [task]
    while open_here:
        node = owners.get(open_here.pop())
        if node is not None and node not in wanted:
            wanted.add(node)
            open_here += [item.id for item in ast.walk(node) if isinstance(item, ast.Name)]
    hidden = source.marked(lines)
    parts = [_text(node, lines, hidden) for node in tree.body if node in wanted]
    gaps = [isinstance(node, Definition) for node in tree.body if node in wanted]
    out = parts[0]
    for part, before, now_ in zip(parts[1:], gaps, gaps[1:], strict=False):
        out += (BLANK if before or now_ else "\n") + part
    return out


def _names(node: ast.stmt) -> Iterator[str]:
    """What a statement at module level defines."""
    if isinstance(node, Definition):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (item.id for target in node.targets for item in ast.walk(target) if isinstance(item, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _text(node: ast.stmt, lines: list[str], hidden: set[int]) -> str:
    first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
    kept = [lines[number - 1] for number in range(first, (node.end_lineno or first) + 1) if number not in hidden]
    return re.sub(r"\n\n\n+", "\n\n", source.without_gaps(kept).rstrip("\n"))  # a hint leaves a hole
