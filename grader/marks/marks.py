"""Rows of the store -> marks: the parts of a record that points are made of, edits applied. No counterexamples.

A class may have very many submissions: marks are read one by one, and what nobody asks for is skipped, not kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from grader import score
from grader.errors import UsageError
from grader.model import Status, Verdict
from grader.store import Row, Store
from grader.text import clean

from .edits import Edit, Edits, edits

GRADED, UNREADABLE, FAULT = "graded", "unreadable", "fault"  # as grade batch calls them
EXACT = 9  # digits: sums of decimal fractions are decimal fractions again


class Check(msgspec.Struct, frozen=True):
    name: str
    verdict: Verdict
    title: str = ""
    max_score: float = 0.0
    score: float | None = None  # as it was graded; records of the first days have none

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED


class Task(msgspec.Struct, frozen=True):
    name: str
    status: Status
    max_score: float
    score: float | None = None  # None: the fault is ours
    diagnosis: str | None = None
    checks: tuple[Check, ...] = ()


class Exercise(msgspec.Struct, frozen=True):
    name: str
    score: float | None = None
    max_score: float = 0.0
    tasks: tuple[Task, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether the submission has no such module: its tasks are listed without checks."""
        return not any(task.checks for task in self.tasks)


class _Record(msgspec.Struct, frozen=True):
    exercises: tuple[Exercise, ...] = ()


class Mark(msgspec.Struct, frozen=True):
    """What one submission is worth. `status`: graded, unreadable or fault; `score` None where there is no grade."""

    name: str
    file: str
    status: str
    score: float | None
    max_score: float
    exercises: tuple[Exercise, ...]
    message: str
    seconds: float


_decoder = msgspec.json.Decoder(_Record)


def read(store: Store) -> Iterator[Mark]:
    """All of the class by name, with every change that is in force."""
    known = edits(store.changes())
    return (mark(row, known) for row in store.rows())


def mark(row: Row, known: Edits) -> Mark:
    """Raises UsageError where a record is no result of ours."""
    try:
        found = _decoder.decode(row.record).exercises if row.record else ()
    except msgspec.MsgspecError as error:
        raise UsageError(f"{clean(row.name, 100)}: the stored result cannot be understood: {error}") from None
    status, points, most = row.status, row.score, row.max_score
    if known:
        before, found = found, tuple(_exercise(exercise, known) for exercise in found)
        most = _sum(most, *(new.max_score - old.max_score for old, new in zip(before, found, strict=True)))
        if any(old is not new for old, new in zip(before, found, strict=True)):
            scores = [exercise.score for exercise in found]
            faulty = any(one is None for one in scores)
            if status == FAULT and not faulty:  # what we could not grade counts no more
                status = GRADED
            if status == GRADED:
                points = None if faulty else _sum(*(one for one in scores if one is not None))
    message = row.message if status == row.status else ""
    return Mark(row.name, row.file, status, points, most, found, message, row.seconds)


def _exercise(exercise: Exercise, known: Edits) -> Exercise:
    """The very same one where nothing about it was changed."""
    changed = {task.name: edits for task in exercise.tasks if (edits := known.of_task(exercise.name, task.name))}
    if not changed:
        return exercise
    tasks = tuple(_task(task, changed[task.name]) if task.name in changed else task for task in exercise.tasks)
    scores = [task.score for task in tasks]
    total = None if any(one is None for one in scores) else _sum(*(one for one in scores if one is not None))
    return Exercise(exercise.name, total, _sum(*(task.max_score for task in tasks)), tasks)


def _task(task: Task, known: dict[str, Edit]) -> Task:
    """Its points and its status worked out again, as `score` does for a fresh one."""
    if not task.checks:  # not handed in: what it would have been worth changes all the same
        return msgspec.structs.replace(task, max_score=_sum(task.max_score, *(edit.more for edit in known.values())))
    kept: list[Check] = []
    more: list[float] = []
    for check in task.checks:
        edit = known.get(check.name)
        points = check.max_score if edit is None else edit.after
        more.append((points or 0.0) - check.max_score)
        if points is not None:
            kept.append(msgspec.structs.replace(check, max_score=points, score=_earned(check, points)))
    status = score.standing(check.verdict for check in kept)
    earned = None if status is Status.FAULT else _sum(*(check.score or 0.0 for check in kept))
    diagnosis = task.diagnosis if status is Status.FAILED else None
    return Task(task.name, status, _sum(task.max_score, *more), earned, diagnosis, tuple(kept))


def _earned(check: Check, points: float) -> float:
    """All of them where it passed; of a measured answer the same share as before."""
    if check.passed:
        return points
    return points * (check.score or 0.0) / check.max_score if check.max_score > 0 else 0.0


def _sum(*numbers: float) -> float:
    return round(math.fsum(numbers), EXACT)
