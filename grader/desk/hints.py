"""`grade hint`: one hint more each time, and what was shown is remembered."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from grader.course import Course, Exercise, Task
from grader.state import key, with_hints
from grader.workspace import update

from .desk import Desk, lay_out
from .looks import inline, items

NOT_KEPT = (
    "This could not be noted in .grade (is it write-protected, or another run busy there?), so the next call shows "
    "this hint again."
)


def next_hint(course: Course, folder: Path, what: str) -> RenderableType:
    """The next hint of a task, below those that were shown before; of an exercise, of its first task that is open.

    Raises UsageError for a WHAT that the course does not know, and for a folder without exercises.
    """
    name, chosen = course.select(what)
    desk = lay_out(course, folder)
    exercise = course.exercise(name)
    task = exercise.task(chosen) if chosen is not None else desk.first_open(exercise)
    if task is None:
        passed = "passes its examples" if course.kit else "has passed"
        return Text(f"Every task of {name} {passed}. To see the hints of one all the same, name it: grade hint TASK")
    full = key(name, task.name)
    before = min(desk.state.hints.get(full, 0), len(task.hints))
    shown = min(before + 1, len(task.hints))
    kept = shown == before or update(
        folder, lambda state: with_hints(state, full, max(shown, state.hints.get(full, 0)))
    )
    page = _page(desk, exercise, task, before, shown)
    return page if kept else Group(page, Text(NOT_KEPT, "yellow"))


def _page(desk: Desk, exercise: Exercise, task: Task, before: int, shown: int) -> RenderableType:
    full, count = key(exercise.name, task.name), len(task.hints)
    parts: list[RenderableType] = [Text(full, "bold")]
    for number, hint in enumerate(task.hints[:shown], 1):
        old = "dim" if number <= before else ""
        parts += [Text(), Text(f"hint {number} of {count}", old or "bold yellow")]
        parts.append(Padding(inline(hint, old), (0, 0, 0, 2)))
    parts.append(Text())
    if shown < count:
        parts.append(Text(f"Try it. If it does not get you there: grade hint {full}", "dim"))
    else:
        parts.append(Text("These were all the hints." if before == count else "This was the last hint."))
        parts += _else(desk, exercise, task)
    return Group(*parts)


def _else(desk: Desk, exercise: Exercise, task: Task) -> list[RenderableType]:
    full = key(exercise.name, task.name)
    if desk.passed(exercise.name, task.name):
        return [Text(f"Yours has passed; how we wrote it: grade solution {full}")]
    helps = (
        f"grade show {full}\nthe statement, with examples to work through by hand",
        f"grade run {full}\nthe {'example' if desk.course.kit else 'smallest input'} for which it goes wrong",
        f"grade solution {full}\nonce it passes: how we wrote it",
    )
    return [Text("What else helps:"), items(("-", Text(help)) for help in (helps[:-1] if desk.course.kit else helps))]
