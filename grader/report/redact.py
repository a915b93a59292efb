"""Report -> the report that somebody may read. The one place where that is decided: renderers have no switch.

Every field has a class. A check's own fields, its trainings and its share among them, have that of the check,
`visibility` in its `@check`; the words of a fault of ours are for the staff; what is worked out from several checks has
the strictest of theirs, but for the one thing that everybody is told: that there is no grade. What somebody may not
read is not there: no renderer, and nobody who reads a file, can find it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from grader import score
from grader.model import CheckResult, ExerciseResult, Report, Status, TaskResult, Verdict, Visibility

from . import words


class Audience(StrEnum):
    """Who reads, and when: a learner before the due date, after it, after grades were published; or the staff."""

    LEARNER = "learner"
    AFTER_DUE = "after_due"
    AFTER_PUBLISHED = "after_published"
    STAFF = "staff"


_READS = {
    Audience.LEARNER: frozenset({Visibility.PUBLIC}),
    Audience.AFTER_DUE: frozenset({Visibility.PUBLIC, Visibility.AFTER_DUE}),
    Audience.AFTER_PUBLISHED: frozenset({Visibility.PUBLIC, Visibility.AFTER_DUE, Visibility.AFTER_PUBLISHED}),
    Audience.STAFF: frozenset(Visibility),
}
LATER = "it waits for a check that is not told yet"


def redact(report: Report, audience: Audience) -> Report:
    """Without what `audience` may not read. Points of checks that are not told are not in the score either."""
    allowed = _READS[audience]
    if allowed == _READS[Audience.STAFF]:
        return report
    exercises = tuple(_exercise(exercise, allowed) for exercise in report.exercises)
    hidden = [check for e in report.exercises for task in e.tasks for check in task.checks if not _told(check, allowed)]
    notes = report.notes
    if hidden:
        points = words.points(math.fsum(check.spec.points for check in hidden))
        notes = (*notes, f"{len(hidden)} checks worth {points} points are not shown here, and not in this score.")
    return replace(report, exercises=exercises, notes=notes)


def _exercise(exercise: ExerciseResult, allowed: frozenset[Visibility]) -> ExerciseResult:
    return replace(exercise, tasks=tuple(_task(task, allowed) for task in exercise.tasks))


def _task(task: TaskResult, allowed: frozenset[Visibility]) -> TaskResult:
    told = [check for check in task.checks if _told(check, allowed)]
    if len(told) == len(task.checks):
        return replace(task, checks=tuple(_check(check, told, allowed) for check in told))
    evidence = [check for check in task.checks if check.verdict is not Verdict.PASSED]
    diagnosis = task.diagnosis if all(_told(check, allowed) for check in evidence) else None
    shown = [_check(check, told, allowed) for check in told]
    found = score.task_result(task.name, task.max_score, shown, diagnosis)
    # That there is no grade everybody has to know, whatever failed in us: half a grade is none.
    return replace(found, status=Status.FAULT, score=0.0) if task.status is Status.FAULT else found


def _told(check: CheckResult, allowed: frozenset[Visibility]) -> bool:
    return check.spec.visibility in allowed


def _check(check: CheckResult, told: Sequence[CheckResult], allowed: frozenset[Visibility]) -> CheckResult:
    """A check that may be told, as far as it may."""
    names = {other.spec.name for other in told}
    needs = tuple(name for name in check.spec.needs if name in names)
    found = check
    if needs != check.spec.needs:
        # What holds it back is not told: neither is its name, which stands in the sentence.
        message = LATER if check.verdict is Verdict.NOT_RUN else check.message
        found = replace(check, spec=replace(check.spec, needs=needs), message=message)
    if found.verdict is Verdict.FAULT and Visibility.STAFF not in allowed:
        found = replace(found, message=words.VERDICTS[Verdict.FAULT])  # a traceback names files of the grader
    return found
