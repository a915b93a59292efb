"""Report -> the results of two GitHub classrooms: Classroom 50 (classroom50/result/v1) and the older GitHub Classroom.

Both want an entry a test; ours is a task. Classroom 50 has whole numbers only: they are hundredths of our points. Its
schema takes no field that it does not know, so the result itself cannot say so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.errors import GraderFault
from grader.model import ExerciseResult, Json, Report, Status, TaskResult
from grader.report import words

from . import said

SCHEMA = "classroom50/result/v1"
CENTI = 100  # hundredths of a point


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose result this is, as Classroom 50's runner says it. `moment`: when it was submitted or graded.

    `kind`: "individual", "group" or "team". Runners that know it and the owner put down their own in the end.
    """

    classroom: str
    assignment: str
    submission: str
    commit: str
    release: str
    review: str
    moment: datetime
    owner: str | None = None
    kind: str | None = None


def classroom50(report: Report, identity: Identity) -> str:
    """Raises GraderFault where there is no grade: the platform then says "error", and gives no points of its own."""
    if report.faulty:
        raise GraderFault("there is no result for Classroom 50: the grader itself failed")
    tests: list[dict[str, Json]] = [
        {
            "test-name": words.full_name(exercise, task),
            "passed": task.status is Status.PASSED,
            "score": _centi(task.score),
            "max-score": _centi(task.max_score),
            "message": _message(exercise, task),
        }
        for exercise, task in _tasks(report)
    ]
    record: dict[str, Json] = {
        "schema": SCHEMA,
        "classroom": identity.classroom,
        "assignment": identity.assignment,
        **({"assignment_type": identity.kind} if identity.kind else {}),
        **({"owner": identity.owner} if identity.owner else {}),
        "submission": identity.submission,
        "commit": identity.commit,
        "release": identity.release,
        "review": identity.review,
        "datetime": identity.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(_centi(task.score) for _, task in _tasks(report)),  # of the rounded ones: the sum has to be theirs
        "max-score": sum(_centi(task.max_score) for _, task in _tasks(report)),
        "tests": [*tests],
    }
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def classic(report: Report) -> str:
    """The JSON of the older GitHub Classroom, version 1."""
    status = {Status.PASSED: "pass", Status.FAILED: "fail", Status.TODO: "fail", Status.FAULT: "error"}
    tests: list[Json] = [
        {
            "name": words.full_name(exercise, task),
            "status": status[task.status],
            "score": round(task.score, 2),
            "message": None if task.status is Status.PASSED else _message(exercise, task),
            "test_code": "",  # ours is hidden
            "filename": "",
            "line_no": next((check.line for check in words.failing(task) if check.line is not None), 0),
            "duration": round(sum(check.duration_s for check in task.checks) * 1000),
        }
        for exercise, task in _tasks(report)
    ]
    whole = "error" if report.faulty else "pass" if report.score >= report.max_score > 0 else "fail"
    made: dict[str, Json] = {
        "version": 1,
        "status": whole,
        "max_score": round(report.max_score, 2),
        "tests": tests,
    }
    return json.dumps(made, ensure_ascii=False)


def encoded(text: str) -> str:
    """As an output of a step has it: base64, one line."""
    return base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")


def _tasks(report: Report) -> Iterator[tuple[ExerciseResult, TaskResult]]:
    for exercise in report.exercises:
        yield from ((exercise, task) for task in exercise.tasks)


def _message(exercise: ExerciseResult, task: TaskResult) -> str:
    check = words.leading(task)
    return words.STATES[task.status] if check is None else said.one_line(task, check)


def _centi(points: float) -> int:
    return round(points * CENTI)
