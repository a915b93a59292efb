"""The map of the course for one folder: what is there, what it earned when last graded, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.course import Course, Exercise
from grader.source import stub
from grader.workspace import fingerprint

States = Mapping[str, Mapping[str, Any]]


def render(course: Course, sources: Mapping[str, str], known: States, console: Console) -> None:
    """`sources`: the modules of the folder; `known`: what `workspace.recall` gave."""
    table = Table(box=box.SIMPLE_HEAD, title=Text(course.title), title_justify="left", pad_edge=False)
    table.add_column("exercise", no_wrap=True)
    table.add_column("state")
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("about")
    open_here: list[str] = []
    missing: list[str] = []
    for exercise in course.exercises:
        source, entry = sources.get(exercise.name), known.get(exercise.name, {})
        state, style, earned = _state(course, exercise, source, entry)
        points = f"{'–' if earned is None else f'{earned:g}'} / {exercise.points:g}"
        table.add_row(Text(exercise.name), Text(state, style), points, Text(exercise.lecture, "dim"))
        if source is None:
            missing.append(exercise.name)
        elif earned is None or earned < exercise.points:
            open_here.append(_next(exercise, entry if earned is not None else {}))
    console.print(table)
    console.print(Text(_advice(open_here, missing, len(course.exercises))))


def _advice(open_here: list[str], missing: list[str], count: int) -> str:
    if open_here:
        return f"Next: grade run {open_here[0]}"
    if len(missing) == count:
        return "None of the exercises is in this folder; change to the folder that holds your work."
    if missing:
        return f"Every point earned of what is here. Not here: {', '.join(missing)}"
    return "Every point earned. Well done!"


def _state(
    course: Course, exercise: Exercise, source: str | None, entry: Mapping[str, Any]
) -> tuple[str, str, float | None]:
    """(words, style, points or None where the file as it is was never graded)."""
    if source is None:
        return "not here", "dim", None
    if source == stub(course.source_file(exercise.name).read_text("utf-8")):
        return "untouched", "dim", None
    if entry.get("source") != fingerprint(source):
        return "changed, not graded yet", "yellow", None
    tasks = entry["tasks"]
    earned = float(sum(task["score"] for task in tasks.values()))
    passed = sum(task.get("status") == "passed" for task in tasks.values())
    style = "green" if earned >= exercise.points else "red"
    return f"{passed} of {len(exercise.tasks)} tasks passed", style, earned


def _next(exercise: Exercise, entry: Mapping[str, Any]) -> str:
    tasks = entry.get("tasks", {})
    open_tasks = [task.name for task in exercise.tasks if tasks.get(task.name, {}).get("status") != "passed"]
    return f"{exercise.name}::{open_tasks[0]}" if open_tasks and tasks else exercise.name
