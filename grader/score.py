"""Results to points: pure functions of what the checks said, and the only place where points are added up.

What lives here: status, score and exit code. No rendering, no reading of files, no second opinion about a check.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from grader.model import CheckResult, Report, Status, TaskResult, Verdict

ALL_POINTS, NOT_ALL_POINTS, GRADER_FAULT, NOTHING_CHECKED = 0, 1, 3, 5

# Points are sums of decimal fractions: 0.1 ten times must still be the whole point.
ROUNDING = 1e-9


def status(checks: Sequence[CheckResult]) -> Status:
    """How a task stands. Checks of 0 points count as much as the others; a task without checks is still to do.

    Where hidden checks are elsewhere, passing those that are here is as far as it goes, and no pass.
    """
    here = [check for check in checks if not check.spec.elsewhere]
    found = standing(check.verdict for check in here)
    return Status.EXAMPLES if found is Status.PASSED and len(here) < len(checks) else found


def standing(verdicts: Iterable[Verdict]) -> Status:
    """The same, of how its checks ended."""
    found = set(verdicts)
    if Verdict.FAULT in found:
        return Status.FAULT
    if found == {Verdict.PASSED}:
        return Status.PASSED
    if found <= {Verdict.TODO, Verdict.NOT_RUN}:
        return Status.TODO
    return Status.FAILED


def task_result(name: str, max_score: float, checks: Iterable[CheckResult], diagnosis: str | None) -> TaskResult:
    """The task with its status and its points: those of the checks that passed, none where the fault is ours."""
    results = tuple(checks)
    state = status(results)
    earned = 0.0 if state is Status.FAULT else math.fsum(check.score for check in results)
    return TaskResult(name, float(max_score), results, diagnosis, state, earned)


def exit_code(report: Report) -> int:
    """0: every point earned, 1: graded but not every point, 3: our fault, no grade, 5: nothing was checked."""
    if report.faulty:
        return GRADER_FAULT
    ran = [check.verdict for check in _checks(report) if check.verdict is not Verdict.NOT_RUN]
    if not ran:
        return NOTHING_CHECKED
    # A report worth 0 points has "every point" from the start: something must have passed all the same.
    everything = report.score >= report.max_score - ROUNDING and Verdict.PASSED in ran
    return ALL_POINTS if everything else NOT_ALL_POINTS


def _checks(report: Report) -> Iterable[CheckResult]:
    """Every check of the exercises that the submission has: a missing module was not checked, whatever it lists."""
    present = (exercise for exercise in report.exercises if not exercise.missing)
    return (check for exercise in present for task in exercise.tasks for check in task.checks)
