"""Report -> results.json of PrairieLearn's external graders: a score from 0 to 1, and a test a check of ours."""

from __future__ import annotations

import json

from grader.model import Json, Report
from grader.report import words

from . import said

LIMIT = 2**20 - 2**12  # bytes; PrairieLearn takes 1 MB
LONGEST = 4000


def render(report: Report) -> str:
    """Without a grade `gradable` is false: PrairieLearn then takes no attempt away and gives no points."""
    if report.faulty:
        refused: Json = {"gradable": False, "score": 0.0, "message": words.NO_GRADE, "format_errors": [words.NO_GRADE]}
        return json.dumps(refused, ensure_ascii=False, indent=2) + "\n"
    for longest in (LONGEST, 400, 80):
        text = json.dumps(_record(report, longest), ensure_ascii=False, indent=2) + "\n"
        if len(text.encode("utf-8", "backslashreplace")) <= LIMIT:
            break
    return text


def _record(report: Report, longest: int) -> Json:
    tests: list[Json] = [
        {
            "name": f"{task.name}: {words.line(check.spec.title)}",
            "description": words.full_name(exercise, task),
            "points": float(check.score),
            "max_points": float(check.spec.points),
            "message": said.detail(exercise, task, check)[:longest],
        }
        for exercise, task, check in said.everything(report)
    ]
    tests += [
        {
            "name": task.name,
            "description": words.full_name(exercise, task),
            "points": 0.0,
            "max_points": float(task.max_score),
            "message": said.why_nothing(exercise),
        }
        for exercise, task in said.waiting(report)
    ]
    share = report.score / report.max_score if report.max_score > 0 else 0.0
    return {
        "gradable": True,
        "score": min(1.0, max(0.0, share)),
        "message": words.closing(report),
        "output": "\n".join(words.line(note) for note in report.notes),
        "tests": tests,
    }
