"""The loop: a save or a key comes in, what it touches is graded, the verdict is shown.

Everything happens in one thread, one event after the other. What only waits (for saves, for keys) has threads of its
own, which put events into the queue and ring the bell where the answer at hand is no longer wanted.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import RenderableType
from rich.text import Text

from grader.collect import Submission
from grader.course import Course, Exercise
from grader.errors import GraderFault
from grader.model import CheckResult, ExerciseResult, Report, Status, Verdict
from grader.pipeline import Grader, Wanted
from grader.portions import portions, touched

from .bell import Bell
from .screen import Progress, Screen

RINGING = "nrq"  # keys that are not kept waiting


class Desk(Protocol):
    """What the loop needs of the folder."""

    def hint(self, exercise: str, task: str) -> RenderableType: ...

    def solution(self, exercise: str, task: str) -> RenderableType: ...

    def known(self, submission: Submission) -> Mapping[tuple[str, str], tuple[Status, float]]: ...

    def keep(self, report: Report, submission: Submission) -> None: ...


@dataclass(frozen=True, slots=True)
class Saved:
    submission: Submission


@dataclass(frozen=True, slots=True)
class Pressed:
    key: str


Event = Saved | Pressed


@dataclass(frozen=True, slots=True)
class Target:
    exercise: str
    tasks: tuple[str, ...]


@dataclass(slots=True)
class Loop:
    """`wanted`: exercise -> its tasks, or None for all of them; everything where it is empty."""

    course: Course
    grader: Grader
    screen: Screen
    wanted: Mapping[str, frozenset[str] | None]
    bell: Bell
    desk: Desk
    events: queue.Queue[Event] = field(default_factory=queue.Queue)
    scores: dict[tuple[str, str], tuple[Status, float]] = field(default_factory=dict)
    failing: dict[str, frozenset[str]] = field(default_factory=dict)  # task -> checks that failed when it was last run
    _now: Submission = field(default_factory=lambda: Submission("", "", {}))
    _target: Target | None = None
    _shown: bool = False

    def saved(self, submission: Submission) -> None:
        """From another thread."""
        self.events.put(Saved(submission))
        self.bell.ring()

    def pressed(self, key: str) -> None:
        """From another thread."""
        self.events.put(Pressed(key))
        if key in RINGING:
            self.bell.ring()

    def run(self, start: Submission) -> None:
        """Until somebody quits."""
        self._now = start
        self.scores |= self.desk.known(start)
        self._target = self._ahead(None)
        if self._target is None:
            self._target = self._every()
        self._until_shown()
        while True:
            event = self.events.get()
            self.bell.hush()
            if event == Pressed("q"):
                return
            if self._heard(event):
                self._until_shown()

    def _until_shown(self) -> None:
        """Grade, unless more is waiting; once more where the bell was only late: its event had been heard already."""
        while self.events.empty():
            self._grade()
            if self._shown:
                return
            if self.events.empty():
                self.bell.hush()

    @property
    def finished(self) -> bool:
        """Whether every task that is watched, of what is there, has passed."""
        there = [exercise for exercise in self.course.exercises if exercise.name in self._now.modules]
        chosen = [(exercise.name, task) for exercise in there for task in self._tasks(exercise)]
        return bool(chosen) and all(self._ended(pair) is Status.PASSED for pair in chosen)

    def _heard(self, event: Event) -> bool:
        """Take it in; whether there is something to grade now."""
        match event:
            case Saved(submission):
                self._target = self._touched(submission) or self._target
                self._now = submission
                return True
            case Pressed("r"):
                return True
            case Pressed("n"):
                self._target = self._ahead(self._target) or self._target
                return True
            case Pressed("h" | "s" as key) if self._target is not None:
                exercise, task = self._target.exercise, self._open_task(self._target)
                self.screen.say((self.desk.hint if key == "h" else self.desk.solution)(exercise, task))
                self.screen.keys()
        return not self._shown

    def _touched(self, submission: Submission) -> Target | None:
        """What has to be graded again, its open tasks before the others."""
        for exercise in self.course.exercises:
            tasks = self._tasks(exercise)
            before, after = (s.modules.get(exercise.name) for s in (self._now, submission))
            if not tasks or after is None or after == before:
                continue
            old = portions(before.source, tasks) if before is not None else {}
            hit = touched(old, portions(after.source, tasks))
            for task in hit:
                self.scores.pop((exercise.name, task), None)
            if hit:
                return Target(exercise.name, tuple(hit))
        return None

    def _tasks(self, exercise: Exercise) -> tuple[str, ...]:
        return Wanted(self.wanted).of(exercise)

    def _ahead(self, after: Target | None) -> Target | None:
        """The next task that has not passed, in the course's order, from `after` on and around; of what is there."""
        every = [
            (exercise.name, task)
            for exercise in self.course.exercises
            if exercise.name in self._now.modules
            for task in self._tasks(exercise)
        ]
        here = (after.exercise, after.tasks[-1]) if after is not None else None
        begin = every.index(here) + 1 if here in every else 0
        open_ones = [pair for pair in every[begin:] + every[:begin] if not self._passed(pair) and pair != here]
        return Target(open_ones[0][0], (open_ones[0][1],)) if open_ones else None

    def _every(self) -> Target | None:
        """What there is, where nothing of it is open."""
        there = [exercise for exercise in self.course.exercises if exercise.name in self._now.modules]
        chosen = [(exercise.name, self._tasks(exercise)) for exercise in there if self._tasks(exercise)]
        return Target(*chosen[0]) if chosen else None

    def _passed(self, pair: tuple[str, str]) -> bool:
        """As far as that can be told here."""
        return self._ended(pair) in (Status.PASSED, Status.EXAMPLES)

    def _ended(self, pair: tuple[str, str]) -> Status:
        return self.scores.get(pair, (Status.TODO, 0.0))[0]

    def _open_task(self, target: Target) -> str:
        return next((task for task in target.tasks if not self._passed((target.exercise, task))), target.tasks[0])

    def _grade(self) -> None:
        target = self._target
        if target is None:
            self.screen.say(Text("None of the exercises is in this folder yet; save one of them here."))
            self._shown = True
            return
        self._shown = False
        started = time.monotonic()
        first = frozenset().union(*(self.failing.get(task, frozenset()) for task in target.tasks))
        wanted = Wanted({target.exercise: frozenset(target.tasks)}, first)
        told = False

        def tell(exercise: str, result: CheckResult) -> None:
            nonlocal told
            if self.bell.rung:
                raise KeyboardInterrupt
            self.screen.doing(f"{result.spec.task} · {result.spec.title}")
            if not told and result.verdict not in (Verdict.PASSED, Verdict.TODO, Verdict.NOT_RUN, Verdict.FAULT):
                told = True
                self.screen.first(ExerciseResult(exercise, "", ()), result, self._progress())

        try:
            with self.screen.busy(f"{target.exercise} · {', '.join(target.tasks)}"):
                report = self.grader.grade(self._now, wanted=wanted, tell=tell)
        except KeyboardInterrupt:
            if not self.bell.rung:
                raise
            return  # something newer is waiting
        except GraderFault as fault:
            self.screen.say(Text(f"Our own fault, this is no verdict: {fault}", "magenta"))
            self._shown = True
            return
        self._learn(report)
        ahead = self._ahead(target)
        where = f"{ahead.exercise}::{ahead.tasks[0]}" if ahead is not None else None
        self.screen.verdict(report, self._progress(), time.monotonic() - started, where)
        self._shown = True

    def _learn(self, report: Report) -> None:
        for exercise in report.exercises:
            for task in exercise.tasks:
                self.scores[exercise.name, task.name] = (task.status, task.score)
                bad = frozenset(c.spec.name for c in task.checks if c.verdict not in (Verdict.PASSED, Verdict.NOT_RUN))
                self.failing[task.name] = bad
        if not report.faulty:
            self.desk.keep(report, self._now)

    def _progress(self) -> Progress:
        every = [(exercise.name, task) for exercise in self.course.exercises for task in exercise.tasks]
        earned = sum(self.scores.get((name, task.name), (None, 0.0))[1] for name, task in every)
        passed = sum(self._passed((name, task.name)) for name, task in every)
        return Progress(earned, sum(task.points for _, task in every), passed, len(every))
