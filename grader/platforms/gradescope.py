"""Report -> results.json of Gradescope. Pure: what is due, late or over a limit comes in as Terms.

Specification: "Autograder Specifications" of Gradescope's documentation. A check is a test. Without a grade there is
neither `score` nor `tests`: by the specification the autograder has then failed, and nobody gets a zero for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.model import CheckResult, ExerciseResult, Json, Report, TaskResult, Verdict, Visibility
from grader.report import words
from grader.report.redact import Audience, redact

from . import said

LONGEST = 8000  # characters of a test's output
# When a check may be read, in their words and as the audience whose report it is taken from: what is said of a public
# check must not be worked out from one that is not.
_WHEN = {
    Visibility.PUBLIC: ("visible", Audience.LEARNER),
    Visibility.AFTER_DUE: ("after_due_date", Audience.AFTER_DUE),
    Visibility.AFTER_PUBLISHED: ("after_published", Audience.AFTER_PUBLISHED),
    Visibility.STAFF: ("hidden", Audience.STAFF),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What becomes of the points. `penalty`: the share that is taken off; `notes`: sentences that say why."""

    penalty: float = 0.0
    notes: tuple[str, ...] = ()


def render(report: Report, terms: Terms | None = None) -> str:
    """The whole result; a report of our own fault gives `no_grade`."""
    terms = terms or Terms()
    if report.faulty:
        return no_grade("a check could not be run; grade this submission on a machine of yours to see which")
    seen = {audience: redact(report, audience) for _, audience in _WHEN.values()}
    tests = [_test(seen, *found) for found in said.everything(report)]
    tests += [
        _entry(exercise, task.name, 0.0, task.max_score, said.why_nothing(exercise), "visible")
        for exercise, task in said.waiting(report)
    ]
    now = seen[Audience.LEARNER]  # what stands above all tests is read at once
    earned = round(report.score * (1 - terms.penalty), 2)
    made: dict[str, Json] = {
        "score": earned,
        "output": _text([*terms.notes, *report.notes, *_later(report, now), words.closing(now)]),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [*tests],
        "extra_data": _extra(report, terms, counted=any(True for _ in said.everything(report))),
    }
    return written(made)


def _later(report: Report, now: Report) -> Iterator[str]:
    """One sentence about the tests that the platform does not show yet: they count, and may still be wrong."""
    number = sum(1 for _ in said.everything(report)) - sum(1 for _ in said.everything(now))
    if number == 1:
        yield "1 check is not shown here yet, and counts."
    elif number:
        yield f"{number} checks are not shown here yet, and count."


def no_grade(why: str) -> str:
    """For our own fault. `why` is for the staff and holds nothing of a learner's or of a check's."""
    made: dict[str, Json] = {
        "output": _text([words.NO_GRADE, why]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"schema": "grade/1", "counted": False, "fault": words.line(why)},
    }
    return written(made)


def not_graded(score: float, tests: Iterable[Json], why: str) -> str:
    """Over a limit: this submission was not looked at; points and tests are those of the last one that was."""
    made: dict[str, Json] = {
        "score": score,
        "output": _text([why]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [*tests],
        "extra_data": {"schema": "grade/1", "counted": False},
    }
    return written(made)


def written(made: dict[str, Json]) -> str:
    return json.dumps(made, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def _test(
    seen: Mapping[Audience, Report], exercise: ExerciseResult, task: TaskResult, check: CheckResult
) -> dict[str, Json]:
    when, audience = _WHEN[check.spec.visibility]
    text = said.detail(*_same(seen[audience], exercise, task, check))
    name = f"{task.name}: {words.line(check.spec.title)}"
    made = _entry(exercise, name, check.score, check.spec.points, text, when)
    made["status"] = "passed" if check.verdict is Verdict.PASSED else "failed"
    made["tags"] = [exercise.name, task.name, check.verdict.value]
    return made


def _same(
    report: Report, exercise: ExerciseResult, task: TaskResult, check: CheckResult
) -> tuple[ExerciseResult, TaskResult, CheckResult]:
    """The same check as a reader of `report` finds it."""
    wanted = exercise.name, task.name, check.spec.name
    for found in said.everything(report):
        if (found[0].name, found[1].name, found[2].spec.name) == wanted:
            return found
    return exercise, task, check


def _entry(exercise: ExerciseResult, name: str, score: float, most: float, text: str, when: str) -> dict[str, Json]:
    return {
        "name": f"{exercise.name} · {name}",
        "score": float(score),
        "max_score": float(most),
        "status": "failed",
        "output": text if len(text) <= LONGEST else text[:LONGEST] + " …",
        "visibility": when,
    }


def _extra(report: Report, terms: Terms, *, counted: bool) -> dict[str, Json]:
    return {
        "schema": "grade/1",
        "grader": report.environment.grader,
        "sha256": report.sha256,
        "isolation": report.environment.isolation.value,
        "walls": list(report.environment.walls),
        "score_before_penalty": round(report.score, 4),
        "penalty": terms.penalty,
        "counted": counted,
    }


def _text(lines: Iterable[str]) -> str:
    return "\n".join(words.block(line) for line in lines if line)
