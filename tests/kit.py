"""What several test files need: grading a source as a submission, across the wall or in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader import course
from grader.collect import Module, Submission
from grader.model import ExerciseResult, Report, TaskResult
from grader.pipeline import Grader, Wanted

ROOT = Path(__file__).parent.parent


def submission(sources: Mapping[str, str]) -> Submission:
    return Submission("x", "0" * 64, {name: Module(name, f"{name}.py", text) for name, text in sources.items()}, ())


def grade(grader: Grader, exercise: str, text: str, tasks: frozenset[str] | None = None) -> Report:
    """Grade one module, given as text, as the whole submission."""
    return grader.grade(submission({exercise: text}), wanted=Wanted({exercise: tasks}))


def solution(name: str) -> str:
    return course.load().source_file(name).read_text("utf-8")


def task(report: Report, name: str) -> TaskResult:
    return next(found for exercise in report.exercises for found in exercise.tasks if found.name == name)


def verdicts(exercise: ExerciseResult | TaskResult) -> set[str]:
    checks = exercise.checks if isinstance(exercise, TaskResult) else [c for t in exercise.tasks for c in t.checks]
    return {check.verdict.value for check in checks}
