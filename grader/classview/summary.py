"""Marks -> what a page about the class says, added up one by one."""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.marks import Exercise, Mark, Task
from grader.marks.marks import FAULT, GRADED, UNREADABLE
from grader.model import Status, Verdict

from .items import Items

BINS = 20
EPSILON = 1e-9  # less is rounding
SLOW_TIMES, SLOW_SECONDS = 4.0, 5.0  # slow: so many times what half of the class took, and at least so long
TROUBLE = {
    Verdict.TIMED_OUT: "took too long",
    Verdict.DIED: "ended the process",
    Verdict.REFUSED: "used something forbidden",
}
# What grader.credit puts before a diagnosis, or says alone: no mistake of this task. (It imports torch; we do not.)
CREDIT = re.compile(r"Graded with a right [^:]+ in place of yours: the mistakes? there costs? points once\.\s*")
STATUSES = (Status.PASSED, Status.FAILED, Status.TODO, Status.FAULT)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of submissions."""

    name: str
    file: str
    status: str
    score: float | None
    max_score: float
    seconds: float
    scores: dict[str, float | None]  # exercise -> points; those that the submission has
    troubles: tuple[str, ...] = ()  # in words

    @property
    def share(self) -> float | None:
        return None if self.score is None else self.score / self.max_score if self.max_score > 0 else 0.0

    @property
    def full(self) -> bool:
        return self.status == GRADED and self.share is not None and self.share >= 1 - EPSILON


@dataclass(slots=True)
class TaskView:
    exercise: str
    name: str
    max_score: float = 0.0
    states: Counter[Status] = field(default_factory=Counter)
    earned: float = 0.0

    @property
    def count(self) -> int:
        return self.states.total()

    @property
    def mean(self) -> float | None:
        """Points, of those who were graded."""
        graded = self.count - self.states[Status.FAULT]
        return self.earned / graded if graded else None


@dataclass(slots=True)
class ExerciseView:
    name: str
    max_score: float = 0.0
    handed_in: int = 0
    full: int = 0
    scores: list[float] = field(default_factory=list)
    tasks: dict[str, TaskView] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        return math.fsum(self.scores) / len(self.scores) if self.scores else None


@dataclass(slots=True)
class Mistake:
    """One diagnosis of one task: who was told it."""

    exercise: str
    task: str
    sentence: str
    of: int = 0  # submissions that have the exercise
    who: list[tuple[str, str]] = field(default_factory=list)  # name, file


@dataclass(frozen=True, slots=True)
class Trouble:
    name: str
    file: str
    words: str


@dataclass(slots=True)
class Summary:
    entries: list[Entry] = field(default_factory=list)
    exercises: dict[str, ExerciseView] = field(default_factory=dict)
    items: Items = field(default_factory=Items)
    troubles: dict[Verdict, list[Trouble]] = field(default_factory=lambda: {verdict: [] for verdict in TROUBLE})
    unreadable: list[Trouble] = field(default_factory=list)
    faults: list[Trouble] = field(default_factory=list)
    empty: list[Trouble] = field(default_factory=list)  # read, but none of the exercises in it
    _mistakes: dict[tuple[str, str, str], Mistake] = field(default_factory=dict)

    @classmethod
    def of(cls, marks: Iterable[Mark]) -> Summary:
        made = cls()
        for mark in marks:
            made.add(mark)
        return made

    def add(self, mark: Mark) -> None:
        seen: dict[Verdict, list[str]] = {}
        for exercise in mark.exercises:
            self._add_exercise(mark, exercise, seen)
        for verdict, tasks in seen.items():
            self.troubles[verdict].append(Trouble(mark.name, mark.file, ", ".join(tasks)))
        for status, listed in ((UNREADABLE, self.unreadable), (FAULT, self.faults)):
            if mark.status == status:
                listed.append(Trouble(mark.name, mark.file, mark.message))
        if mark.status == GRADED and all(exercise.missing for exercise in mark.exercises):
            self.empty.append(Trouble(mark.name, mark.file, mark.message))
        scores = {exercise.name: exercise.score for exercise in mark.exercises if not exercise.missing}
        words = tuple(TROUBLE[verdict] for verdict in seen)
        self.entries.append(
            Entry(mark.name, mark.file, mark.status, mark.score, mark.max_score, mark.seconds, scores, words)
        )

    @property
    def shares(self) -> list[float]:
        """Of all points, of every submission that could be read and has a grade."""
        return [entry.share for entry in self.entries if entry.status == GRADED and entry.share is not None]

    @property
    def bins(self) -> list[int]:
        """How many got 0 to 5 %, 5 to 10 %, …; full points belong to the last."""
        counts = [0] * BINS
        for share in self.shares:
            counts[max(0, min(BINS - 1, int(share * BINS + EPSILON)))] += 1
        return counts

    @property
    def mistakes(self) -> list[Mistake]:
        """The most frequent first."""
        for mistake in self._mistakes.values():
            mistake.of = self.exercises[mistake.exercise].handed_in
        return sorted(self._mistakes.values(), key=lambda one: (-len(one.who), one.exercise, one.task, one.sentence))

    @property
    def slow(self) -> list[Trouble]:
        times = [entry.seconds for entry in self.entries if entry.status == GRADED]
        if not times:
            return []
        bound = max(SLOW_SECONDS, SLOW_TIMES * statistics.median(times))
        late = sorted((entry for entry in self.entries if entry.seconds > bound), key=lambda one: -one.seconds)
        return [Trouble(entry.name, entry.file, f"{entry.seconds:.0f} s") for entry in late]

    def _add_exercise(self, mark: Mark, exercise: Exercise, seen: dict[Verdict, list[str]]) -> None:
        view = self.exercises.setdefault(exercise.name, ExerciseView(exercise.name))
        view.max_score = max(view.max_score, exercise.max_score)
        self.items.add(exercise)
        if exercise.missing:
            return
        view.handed_in += 1
        if exercise.score is not None:
            view.scores.append(exercise.score)
            view.full += exercise.score >= exercise.max_score - EPSILON
        for task in exercise.tasks:
            one = view.tasks.setdefault(task.name, TaskView(exercise.name, task.name))
            one.max_score = max(one.max_score, task.max_score)
            one.states[task.status] += 1
            one.earned += task.score or 0.0
            self._add_mistake(mark, exercise, task)
            ends = {check.verdict for check in task.checks}
            for verdict in TROUBLE:
                if verdict in ends:
                    seen.setdefault(verdict, []).append(task.name)

    def _add_mistake(self, mark: Mark, exercise: Exercise, task: Task) -> None:
        sentence = CREDIT.sub("", task.diagnosis or "", count=1)
        if sentence and task.status is not Status.PASSED:
            key = (exercise.name, task.name, sentence)
            self._mistakes.setdefault(key, Mistake(*key)).who.append((mark.name, mark.file))
