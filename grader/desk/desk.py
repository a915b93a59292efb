"""A learner's folder as it is now: the modules in it, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.collect import collect
from grader.course import Course, Exercise, Task
from grader.errors import UsageError
from grader.model import Status
from grader.state import State
from grader.workspace import recall


@dataclass(frozen=True, slots=True)
class Desk:
    course: Course
    folder: Path
    sources: Mapping[str, str]
    state: State

    def passed(self, exercise: str, task: str) -> bool:
        """Whether the task passed when it was graded last, for the file as it is now."""
        earned = self.earned(exercise)
        return task in earned and earned[task] == "passed"

    def done(self, exercise: str, task: str) -> bool:
        """Whether it passed, or in a learner's kit its examples did: then there is nothing more to be done here."""
        return self.earned(exercise).get(task) in (Status.PASSED, Status.EXAMPLES)

    def earned(self, exercise: str) -> dict[str, str]:
        """Task -> how it ended, where the file as it is now was graded."""
        source = self.sources.get(exercise)
        tasks = self.state.points(exercise, source) if source is not None else None
        return {name: earned.status for name, earned in (tasks or {}).items()}

    def first_open(self, exercise: Exercise) -> Task | None:
        return next((task for task in exercise.tasks if not self.done(exercise.name, task.name)), None)


def lay_out(course: Course, folder: Path) -> Desk:
    """Raises UsageError for a folder that holds none of the exercises: what is remembered would be remembered there."""
    modules = collect(folder, course.names).modules
    if not modules:
        raise UsageError(
            "none of the exercises is in this folder; change to the folder that holds your work, or make one with "
            "`grade init DIR`"
        )
    return Desk(course, folder, {name: module.source for name, module in modules.items()}, recall(folder))
