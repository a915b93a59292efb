"""Report -> one HTML page that needs nothing else: no script, no request, every picture drawn inside.

What lives here: what the template needs to know, as values. The markup is in feedback.html.j2 and picture.html.j2,
its looks in feedback.css. Every text that the template writes is cleaned and escaped, whoever it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from grader.model import (
    CheckResult,
    Counterexample,
    ExerciseResult,
    Report,
    Shown,
    Status,
    TaskResult,
    TensorView,
    Verdict,
)

from . import curves, planes, words
from .pictures import INSIDE, Picture, compared, difference, picture
from .scenes import scenes

LONGEST = 20_000  # characters of one text on the page; a snippet with its tensors fits


def render(report: Report) -> str:
    """The page as a string."""
    return environment().get_template("feedback.html.j2").render(report=report)


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(
        {
            "Status": Status,
            "Verdict": Verdict,
            "symbols": words.SYMBOLS,
            "states": words.STATES,
            "verdicts": words.VERDICTS,
            "no_grade": words.NO_GRADE,
            "newline": Markup("\n"),
        }
    )
    functions: list[Callable[..., object]] = [
        words.points,
        words.earned,
        words.in_a_kit,
        words.tally,
        words.closing,
        words.failing,
        words.leading,
        words.next_step,
        words.waiting_for,
        words.depends,
        lines_of,
        anchor,
        detailed,
        faulty,
        passing,
        percent,
        pictures_of_inputs,
        scenes,
        pictures_of_answers,
        texts_of_inputs,
        split_answers,
        curves.trained,
        curves.chart,
        curves.picture,
        curves.said,
    ]
    made.globals.update({function.__name__: function for function in functions})
    return made


def _harmless(value: object) -> object:
    """Applied to everything the template writes: no control character of a learner's reaches the page.

    A line break is one of them: it comes from `lines_of` alone, so that no line of the page begins with their text.
    """
    if isinstance(value, Markup):  # what a macro of ours made, escaped already
        return value
    return words.line(str(value), LONGEST)


def lines_of(text: str) -> list[str]:
    return words.block(text, LONGEST).split("\n")


def anchor(exercise: ExerciseResult, task: TaskResult) -> str:
    return f"{exercise.name}-{task.name}"


def detailed(exercise: ExerciseResult) -> list[TaskResult]:
    """The tasks that get a section of their own: what is to be mended, and what was trained."""
    if exercise.missing:
        return []
    mend = {Status.FAILED, Status.FAULT}
    return [task for task in exercise.tasks if task.status in mend or curves.trained(task)]


def faulty(exercise: ExerciseResult) -> bool:
    return any(task.status is Status.FAULT for task in exercise.tasks)


def passing(task: TaskResult) -> list[CheckResult]:
    return [check for check in task.checks if check.verdict is Verdict.PASSED]


def percent(score: float, maximum: float) -> int:
    """For the bar: full only where every point is there."""
    return int(100 * score / maximum) if maximum > 0 else 0


def pictures_of_inputs(example: Counterexample) -> list[Picture]:
    """Every tensor that was given, with an outline round what the first wrong element depends on."""
    inside = dict(example.window.inputs) if example.window is not None else {}
    return [
        picture(name, value, marked=frozenset(inside.get(name, ())), why=INSIDE)
        for name, value in example.inputs
        if isinstance(value, TensorView)
    ]


def texts_of_inputs(example: Counterexample) -> list[tuple[str, str]]:
    return [(name, value) for name, value in example.inputs if isinstance(value, str)]


def pictures_of_answers(example: Counterexample) -> list[Picture]:
    """Expected, got and their difference, as far as they are tensors."""
    drawn = compared(example.expected, example.got)
    return [*drawn, difference(example)] if example.difference is not None else drawn


def split_answers(example: Counterexample) -> list[tuple[str, str, str, str]]:
    """(name, start, the part that differs, end) of expected and got, as far as they are texts."""
    named: list[tuple[str, Shown | None]] = [("expected", example.expected), ("got", example.got)]
    texts = [(name, value) for name, value in named if isinstance(value, str)]
    if len(texts) < 2:
        return [(name, value, "", "") for name, value in texts]
    start, wanted, answered, end = planes.split_difference(texts[0][1], texts[1][1])
    return [("expected", start, wanted, end), ("got", start, answered, end)]
