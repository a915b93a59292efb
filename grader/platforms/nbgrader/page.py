"""One task's feedback as a page of its own, made of the parts of the feedback page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from grader.model import ExerciseResult, Report, TaskResult
from grader.report import html


def render(report: Report, exercise: ExerciseResult, task: TaskResult) -> str:
    return _environment().get_template("task.html.j2").render(report=report, exercise=exercise, task=task)


@cache
def _environment() -> Environment:
    """That of the feedback page, so that every text is cleaned and escaped as it is there."""
    base = html.environment()
    loaders = [FileSystemLoader(Path(__file__).parent), *([base.loader] if base.loader is not None else [])]
    return base.overlay(loader=ChoiceLoader(loaders))
