"""`grade show`: what an exercise or a task asks, in the terminal: the same source as the pages of docs/course."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader import source
from grader.course import Course, Exercise, Task
from grader.prose import blocks, body, signatures
from grader.report.words import points
from grader.worker.control import Ban

from .experiment import of_exercise
from .experiment import shown as curves
from .looks import Code, inline, items, shown


def page(course: Course, what: str) -> RenderableType:
    """The statement of an exercise with a table of its tasks, or all that a task asks. Raises UsageError."""
    name, chosen = course.select(what)
    exercise = course.exercise(name)
    if chosen is None:
        return Group(*_exercise(exercise))
    return Group(*_task(course, exercise, exercise.task(chosen)))


def _exercise(exercise: Exercise) -> Iterator[RenderableType]:
    yield Text.assemble((f"{exercise.name} · {exercise.title}", "bold"), f"  {points(exercise.points)} points")
    yield _lecture(exercise)
    yield Text()
    yield from shown(body(exercise.statement), where=_file(exercise))
    if (experiment := of_exercise(exercise.name)) is not None:
        yield from curves(experiment)
    yield _table(exercise)
    bans = {ban.name: ban for task in exercise.tasks for ban in task.bans}
    yield from _bans(list(bans.values()), "Forbidden where the table says so:")
    yield Text(f"A task in full:  grade show {exercise.name}::{exercise.tasks[0].name}", "dim")


def _table(exercise: Exercise) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", overflow="fold")
    table.add_column("points", justify="right", no_wrap=True)
    columns = {
        "may build on": [", ".join(task.uses) for task in exercise.tasks],
        "forbidden": [", ".join(_words(ban) for ban in task.bans) for task in exercise.tasks],
    }
    columns = {head: cells for head, cells in columns.items() if any(cells)}
    for head in columns:
        table.add_column(head, overflow="fold")
    for number, task in enumerate(exercise.tasks):
        table.add_row(task.name, points(task.points), *(Text(cells[number], "dim") for cells in columns.values()))
    return table


def _task(course: Course, exercise: Exercise, task: Task) -> Iterator[RenderableType]:
    file = course.source_file(exercise.name)
    heads = signatures(source.stub(file.read_text("utf-8"), str(file)))
    worth = "1 point" if task.points == 1 else f"{points(task.points)} points"
    yield Text.assemble((f"{exercise.name}::{task.name}", "bold"), f"  {worth}")
    yield _lecture(exercise)
    yield Text()
    yield Padding(Code(heads[task.name].strip("\n")), (0, 0, 0, 4))
    yield Text()
    yield from shown(blocks(task.docstring), where=_file(exercise))
    if task.uses:
        yield inline(f"It may build on {', '.join(f'`{name}`' for name in task.uses)} of this exercise.")
        yield Text()
    yield from _bans(list(task.bans), "Forbidden here:")
    full = f"{exercise.name}::{task.name}"
    yield Text(f"Grade it:   grade run {full}\nStuck:      grade hint {full}", "dim")


def _bans(bans: list[Ban], head: str) -> Iterator[RenderableType]:
    if bans:
        yield Text(head, "bold")
        yield items(("-", Text.assemble((_words(ban), "red"), f": {ban.because}")) for ban in bans)
        yield Text()


def _words(ban: Ban) -> str:
    return ban.name.replace("_", " ")


def _lecture(exercise: Exercise) -> Text:
    return Text(f"Lecture: {exercise.lecture}", "dim")


def _file(exercise: Exercise) -> str:
    return f"{exercise.name}.py"
