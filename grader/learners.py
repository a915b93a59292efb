"""Who answers the checks of an exercise: a learner for each, and one for a module that nobody can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .course import Task
from .learner import InProcess, Learner, LoadFailed
from .model import CheckSpec
from .worker.control import Ban
from .worker.wire import Failure, Reply


@dataclass(slots=True)
class Learners:
    """A learner for each check. Checks with the same bans share a worker, which begins with the first of them.

    Every task starts with our full patience.
    """

    by_bans: Mapping[tuple[Ban, ...], Learner]
    tasks: Mapping[str, Task]
    last: str = ""

    def of(self, spec: CheckSpec) -> Learner:
        if spec.task != self.last:
            for learner in self.by_bans.values():
                learner.link.session.impatient = False
                learner.link.session.patient_for = self.tasks[spec.task].seconds
            self.last = spec.task
        return self.by_bans[self.tasks[spec.task].bans if spec.guarded else ()]


class Unreadable(InProcess):
    """Stands for a module whose bytes are no Python source: every request ends the same way."""

    __slots__ = ()

    def __init__(self, problem: str) -> None:
        super().__init__()
        failure = Failure("raised", "UnreadableFile", [], problem)
        self._unloadable = LoadFailed(Reply(0, failure=failure))
