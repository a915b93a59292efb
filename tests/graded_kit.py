"""Wrong submissions and what their learners read: tests/golden/graded/CASE holds a module, and every report of it.

The module's docstring begins with "grades TASK: what is wrong". What another machine would say differently, such as
versions and durations, is not compared.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import hypothesis
from kit import submission
from test_report_goldens import terminal_text

from grader.model import Environment, ExerciseResult, Isolation, Report, TaskResult
from grader.pipeline import Grader, Wanted
from grader.report import html, record

GRADED = Path(__file__).parent / "golden" / "graded"
CASES = sorted(path.name for path in GRADED.iterdir() if path.is_dir())
MADE_WITH = GRADED / "made_with.txt"  # inputs are drawn and made small by hypothesis: another one may find others
HERE = f"hypothesis {hypothesis.__version__}\n"
LONG = re.compile(r"-?\d+\.\d{10,}(?:e-?\d+)?")  # another processor adds in another order: the last digits may differ
ANYWHERE = Environment("0", "3", "2", "cpu", Isolation.PROCESS, 0)


def graded(grader: Grader, case: str) -> Report:
    """The case through the real pipeline, without what differs from machine to machine."""
    (file,) = (GRADED / case).glob("ex*.py")
    text = file.read_text("utf-8")
    said = re.match(r'"""grades (\w+): ', text)
    assert said is not None, f"{file} does not say which task it is about"
    wanted = Wanted({file.stem: frozenset({said.group(1)})})
    report = grader.grade(submission({file.stem: text}), wanted=wanted)
    exercises = tuple(_timeless(exercise) for exercise in report.exercises)
    return replace(report, submission=case, environment=ANYWHERE, exercises=exercises)


def _timeless(exercise: ExerciseResult) -> ExerciseResult:
    return replace(exercise, tasks=tuple(_without_durations(task) for task in exercise.tasks))


def _without_durations(task: TaskResult) -> TaskResult:
    return replace(task, checks=tuple(replace(check, duration_s=0.0) for check in task.checks))


def forms(report: Report) -> dict[str, str]:
    """What is compared, by the name of its file."""
    made = {
        "terminal.txt": terminal_text(report, 80),
        "result.json": record.render(report),
        "feedback.html": html.render(report),
    }
    return {name: LONG.sub(_shorter, text) for name, text in made.items()}


def _shorter(number: re.Match[str]) -> str:
    return f"{float(number[0]):.9g}"
