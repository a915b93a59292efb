"""`python -P -m grader.platforms.nbgrader.serve`: grades what comes in on stdin until there is no more.

A process of its own, so that nbgrader and a learner's kernel import neither torch nor pytest, and so that its zygote
and its checks stay warm from one question to the next. It trusts nobody's folder: `-P`, and nothing is read from where
it was started.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import msgspec

from grader import course as courses
from grader.checker.shelf import Shelf
from grader.collect import Module, Submission
from grader.errors import GraderFault
from grader.learner import Zygote
from grader.model import ExerciseResult, Report, Status, TaskResult, Verdict
from grader.pipeline import Grader, Wanted
from grader.report import words as say
from grader.report.redact import Audience, redact

from . import page
from .words import Answer, Graded, Question


def main() -> int:
    answers = _own_stdout()
    zygote = Zygote().start()
    try:
        grader = Grader(courses.load(), zygote, shelf=Shelf.of_user())
        for line in sys.stdin.buffer:
            answers.write(msgspec.json.encode(answer(grader, msgspec.json.decode(line, type=Question))) + b"\n")
            answers.flush()
    except BrokenPipeError:  # whoever asked is gone
        return 1
    finally:
        zygote.close()
    return 0


def _own_stdout() -> BinaryIO:
    """Answers have their pipe for themselves: what anybody prints goes where errors go."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def answer(grader: Grader, question: Question) -> Answer:
    """Never raises: what goes wrong here is our fault, and is said."""
    try:
        return _answer(grader, question)
    except GraderFault as error:
        return Answer(fault=str(error))
    except Exception:
        return Answer(fault=traceback.format_exc(limit=-4))


def _answer(grader: Grader, question: Question) -> Answer:
    modules = {
        work.exercise: Module(work.exercise, work.filename, work.source, work.problem, work.line_map)
        for work in question.works
    }
    tasks = None if question.task is None else frozenset({question.task})
    known = [name for name in question.wanted if name in grader.course.names]
    if not known:
        raise GraderFault(f"the course that is installed here has no exercise {', '.join(question.wanted)}")
    wanted = Wanted(dict.fromkeys(known, tasks))
    report = grader.grade(Submission("notebook", "0" * 64, modules), wanted=wanted)
    return Answer(graded(report, published=question.published), str(report.environment.isolation))


def graded(report: Report, *, published: bool) -> dict[str, Graded]:
    """Of every task what its reader may be told. The gradebook gets all points, also of checks that are never told."""
    told = redact(report, Audience.AFTER_PUBLISHED if published else Audience.LEARNER)
    pairs = zip(_tasks(told), _tasks(report), strict=True)
    return {
        f"{exercise.name}::{task.name}": _graded(told, exercise, task, whole if published else task)
        for (exercise, task), (_, whole) in pairs
    }


def _tasks(report: Report) -> Iterator[tuple[ExerciseResult, TaskResult]]:
    for exercise in report.exercises:
        yield from ((exercise, task) for task in exercise.tasks)


def _graded(report: Report, exercise: ExerciseResult, task: TaskResult, counted: TaskResult) -> Graded:
    alone = replace(exercise, tasks=(task,))
    fault = counted.status is Status.FAULT
    why = [check.message or "" for check in counted.checks if check.verdict is Verdict.FAULT]
    return Graded(
        None if fault else counted.score,
        counted.max_score,
        _said(exercise, task),
        page.render(report, alone, task),
        "\n".join(why),
    )


def _said(exercise: ExerciseResult, task: TaskResult) -> str:
    """A few lines of text, for where no page is shown."""
    if task.status is Status.FAULT:
        return f"{task.name}: no grade. {say.NO_GRADE}"
    head = f"{task.name}: {say.points(task.score)} of {say.points(task.max_score)} points, {say.STATES[task.status]}"
    if exercise.missing:
        return f"{head}: there is nothing of {exercise.name} in this submission"
    shown = say.leading(task)
    if shown is None:
        return head
    lines = [head, f"  {say.line(shown.spec.title)}: {say.VERDICTS[shown.verdict]}"]
    lines += [f"  {say.line(shown.message)}"] if shown.message else []
    lines += [f"  {say.line(task.diagnosis)}"] if task.diagnosis else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
