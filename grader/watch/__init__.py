"""`grade watch`: on every save, the touched tasks are graded again, by a zygote and checks that stay warm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from grader.checker.shelf import Shelf
from grader.collect import Submission
from grader.course import Course
from grader.desk import next_hint, solution_of
from grader.errors import UsageError
from grader.learner import Zygote
from grader.model import Report, Status
from grader.pipeline import Grader
from grader.state import key
from grader.workspace import recall, remember

from .bell import Bell
from .keys import Keys
from .loop import Loop
from .saves import Saves
from .screen import Screen

__all__ = ["watch"]


def watch(course: Course, wanted: Mapping[str, frozenset[str] | None], folder: Path, console: Console) -> int:
    """Until somebody quits. 0 where every task that is watched has passed then, else 1."""
    zygote, bell = Zygote().start(), Bell()
    try:
        grader = Grader(course, zygote, shelf=Shelf.of_user(), stop=bell.fd)
        loop = Loop(course, grader, Screen(console, kit=course.kit), wanted, bell, Desk(course, folder))
        with (
            Saves(folder, course.names, loop.saved) as saves,
            Keys(loop.pressed),
            contextlib.suppress(KeyboardInterrupt),  # Ctrl-C is how one leaves a watch
        ):
            loop.run(saves.now)
    finally:
        zygote.close()
        bell.close()
    return 0 if loop.finished else 1


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies in the folder beside the exercises: what is remembered of it, hints, solutions."""

    course: Course
    folder: Path

    def hint(self, exercise: str, task: str) -> RenderableType:
        return _said(lambda: next_hint(self.course, self.folder, key(exercise, task)))

    def solution(self, exercise: str, task: str) -> RenderableType:
        return _said(lambda: solution_of(self.course, self.folder, key(exercise, task)))

    def known(self, submission: Submission) -> dict[tuple[str, str], tuple[Status, float]]:
        """What earlier runs found of the tasks as they are."""
        state, ends = recall(self.folder), {end.value: end for end in Status if end is not Status.FAULT}
        return {
            (exercise.name, task.name): (ends[earned[task.name].status], min(earned[task.name].score, task.points))
            for exercise in self.course.exercises
            if exercise.name in submission.modules
            and (earned := state.points(exercise.name, submission.modules[exercise.name].source))
            for task in exercise.tasks
            if task.name in earned and earned[task.name].status in ends
        }

    def keep(self, report: Report, submission: Submission) -> None:
        remember(self.folder, report, {name: module.source for name, module in submission.modules.items()})


def _said(show: Callable[[], RenderableType]) -> RenderableType:
    """What it shows or, where it cannot be shown, the sentence that says why."""
    try:
        return show()
    except UsageError as error:
        return Text(str(error), "yellow")
