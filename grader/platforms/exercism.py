"""Report -> results.json of Exercism's test runners, version 3. A test is a check of ours; `task_id` numbers tasks."""

from __future__ import annotations

import json

from grader.model import CheckResult, Json, Report, Verdict
from grader.report import words

from . import said

OUTPUT = 500  # characters of output that the interface allows
CUT = "\n\nOutput was truncated. Please limit to 500 chars"  # its own words
MESSAGE = 65_535
_STATUS = {Verdict.PASSED: "pass", Verdict.WRONG: "fail"}  # all else did not come to an answer: "error"


def render(report: Report) -> str:
    """Without a grade, and where nothing was checked, the whole is an error that says so."""
    tests: list[Json] = []
    if not report.faulty:
        numbers = {
            (exercise.name, task.name): number
            for number, (exercise, task) in enumerate(
                ((exercise, task) for exercise in report.exercises for task in exercise.tasks), 1
            )
        }
        for exercise, task, check in said.everything(report):
            text = None if check.verdict is Verdict.PASSED else said.detail(exercise, task, check)
            tests.append(_test(check, numbers[exercise.name, task.name], text))
    if not tests:
        return _written("error", words.closing(report), [])
    stopped = _stopped(report)
    if stopped is not None:
        return _written("error", stopped, tests)
    right = all(check.verdict is Verdict.PASSED for _, _, check in said.everything(report)) and not any(
        True for _ in said.waiting(report)
    )
    return _written("pass" if right else "fail", None, tests)


def _written(status: str, message: str | None, tests: list[Json]) -> str:
    whole: Json = {"version": 3, "status": status, "message": message, "tests": [*tests]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _stopped(report: Report) -> str | None:
    """What kept every test from running: a file that Python cannot read, a top level that ends in an exception."""
    checks = [check for _, _, check in said.everything(report)]
    ran = [check for check in checks if check.verdict is not Verdict.NOT_RUN]
    why = {(check.verdict, check.message, check.line) for check in ran}
    if len(why) != 1 or len(ran) < 2 or ran[0].verdict in {*_STATUS, Verdict.TODO}:
        return None
    return words.block(ran[0].message or words.VERDICTS[ran[0].verdict])[:MESSAGE]  # which names the line itself


def _test(check: CheckResult, number: int, text: str | None) -> dict[str, Json]:
    printed = words.block(check.printed, 2 * OUTPUT) if check.printed.strip() else None
    if printed is not None and len(printed) > OUTPUT:
        printed = printed[: OUTPUT - len(CUT)] + CUT
    return {
        "name": words.line(check.spec.title),
        "status": _STATUS.get(check.verdict, "error"),
        "task_id": number,
        "message": None if text is None else text[:MESSAGE],
        "output": printed,
        "test_code": "",  # ours is hidden
    }
