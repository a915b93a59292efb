"""The map of the course for one folder: what is there, what it earned when last graded, what comes next."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.course import Course, Exercise
from grader.model import Status
from grader.report.words import ELSEWHERE, points
from grader.source import stub
from grader.state import Earned, State

FULL, EMPTY = "█", "░"
ASCII_FULL, ASCII_EMPTY = "#", "."
WIDEST = 16  # characters of a bar
BESIDE = 59  # characters that a row needs beside its bar
TITLED = 110  # columns from which on there is room for what an exercise is about


def render(course: Course, sources: Mapping[str, str], known: State, console: Console) -> None:
    """`sources`: the modules of the folder; `known`: what `workspace.recall` gave."""
    titled = console.width >= TITLED
    table = Table(box=box.SIMPLE_HEAD, title=Text(course.title, "bold"), title_justify="left", pad_edge=False)
    table.add_column("exercise", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("state")
    if titled:
        table.add_column("about", no_wrap=True, overflow="ellipsis")
    open_here: dict[str, str] = {}  # exercise -> where to go on in it
    missing: list[str] = []
    total = share = 0.0
    for exercise in course.exercises:
        source = sources.get(exercise.name)
        earned = known.points(exercise.name, source) if source is not None else None
        state, style, score = _state(course, exercise, source, earned)
        part = _passing(exercise, earned) if course.kit else (score or 0.0) / exercise.points
        bar = _bar(console, part, style)
        worth = f"{'–' if score is None else points(score)} / {points(exercise.points)}"
        about = [Text(exercise.title, "dim")] if titled else []
        table.add_row(Text(exercise.name), bar, Text(worth), Text(state, style), *about)
        total += score or 0.0
        share += part * exercise.points
        if source is None:
            missing.append(exercise.name)
        elif part < 1:
            open_here[exercise.name] = _next(exercise, earned)
    most = sum(exercise.points for exercise in course.exercises)
    table.add_section()
    worth = f"{'–' if course.kit else points(total)} / {points(most)}"
    style = "cyan" if course.kit else "green"
    table.add_row(Text("all", "bold"), _bar(console, share / most, style), Text(worth, "bold"), "")
    console.print(table)
    for line in _history(course, known):
        console.print(line)
    at_hand = {name.partition("::")[0] for name in known.last.what} if known.last else set()
    first = [place for name, place in open_here.items() if at_hand == {name}]  # who works on ex03 goes on there
    if course.kit:
        console.print(Text(ELSEWHERE, "dim"))
    said = _advice([*first, *open_here.values()], missing, len(course.exercises), kit=course.kit)
    console.print(Text(said, "bold"))


def _bar(console: Console, share: float, style: str) -> Text:
    """Never full before the last point is earned, never empty after the first one."""
    width = max(4, min(WIDEST, console.width - BESIDE))
    full = 0 if share <= 0 else width if share >= 1 else max(1, min(width - 1, int(share * width)))
    done, left = (ASCII_FULL, ASCII_EMPTY) if console.options.ascii_only else (FULL, EMPTY)
    return Text.assemble((done * full, style), (left * (width - full), "dim"))


def _history(course: Course, known: State) -> list[Text]:
    """What was graded last, and which solutions were seen early. Names that the course does not know are nobody's."""
    names = {f"{exercise.name}::{task.name}" for exercise in course.exercises for task in exercise.tasks}
    lines: list[Text] = []
    last = [name for name in known.last.what if name in names or name in course.names] if known.last else []
    if known.last and last:
        said = "the whole course" if set(last) == set(course.names) else _some(last)
        lines.append(Text.assemble(("Last graded: ", "dim"), said, (f", {_moment(known.last.at)}", "dim")))
    seen = [name for name in sorted(names) if name in known.spoiled]
    if seen:
        lines.append(Text.assemble(("Solutions seen before they passed: ", "dim"), _some(seen)))
    return lines


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _moment(at: datetime) -> str:
    with contextlib.suppress(OverflowError, ValueError, OSError):  # the year 1 and the year 9999 have no other zone
        at = at.astimezone()
    return f"{at:%Y-%m-%d %H:%M}"


def _advice(open_here: list[str], missing: list[str], count: int, *, kit: bool) -> str:
    if open_here:
        return f"Next: grade run {open_here[0]}"
    if len(missing) == count:
        return (
            "None of the exercises is in this folder; change to the folder that holds your work, "
            "or make one: grade init DIR"
        )
    if kit:
        return "The examples pass in all that is here: hand it in."
    if missing:
        return f"Every point earned of what is here. Not here: {', '.join(missing)}"
    return "Every point earned. Well done!"


def _state(
    course: Course, exercise: Exercise, source: str | None, earned: Mapping[str, Earned] | None
) -> tuple[str, str, float | None]:
    """(words, style, points or None where the file as it is was never graded)."""
    if source is None:
        return "not here", "dim", None
    if source == stub(course.source_file(exercise.name).read_text("utf-8")):
        return "untouched", "dim", None
    if earned is None:
        return "changed, not graded yet", "yellow", None
    if course.kit:
        done = sum(_is_done(earned.get(task.name)) for task in exercise.tasks)
        return f"examples pass in {done} of {len(exercise.tasks)} tasks", "cyan" if done else "yellow", None
    ours = [(task, earned[task.name]) for task in exercise.tasks if task.name in earned]
    score = float(sum(min(found.score, task.points) for task, found in ours))
    passed = sum(found.status == "passed" for _, found in ours)
    style = "green" if score >= exercise.points else "yellow" if score else "red"
    left = len(exercise.tasks) - len(ours)
    return f"{passed} of {len(exercise.tasks)} {f'passed, {left} not graded' if left else 'tasks passed'}", style, score


def _is_done(earned: Earned | None) -> bool:
    """Whether it passed or, where no more than that can be told, its examples did."""
    return earned is not None and earned.status in (Status.PASSED, Status.EXAMPLES)


def _passing(exercise: Exercise, earned: Mapping[str, Earned] | None) -> float:
    """The share of tasks whose examples pass."""
    return sum(_is_done((earned or {}).get(task.name)) for task in exercise.tasks) / len(exercise.tasks)


def _next(exercise: Exercise, earned: Mapping[str, Earned] | None) -> str:
    """The first open task, once any of them was graded."""
    open_tasks = [task for task in exercise.tasks if not earned or not _is_done(earned.get(task.name))]
    return f"{exercise.name}::{open_tasks[0].name}" if earned and open_tasks else exercise.name
