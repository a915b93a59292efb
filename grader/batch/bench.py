"""Where one job grades: a warm zygote and warm checks, one submission after the other."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace

from grader import course
from grader.checker.shelf import Shelf
from grader.errors import GraderFault
from grader.learner import Zygote
from grader.model import Isolation, Report, Status
from grader.pipeline import Grader, Wanted
from grader.report import html, record
from grader.report.redact import Audience, redact
from grader.text import clean

from .parcel import Graded, Parcel, Setup


class Bench:
    """To be made and used in one thread, which outlives it."""

    def __init__(self, setup: Setup) -> None:
        known = course.load()
        if setup.seconds is not None:
            budget = replace(known.budget, submission_seconds=setup.seconds, trainings_apart=False)
            known = replace(known, budget=budget)
        self.wanted = setup.chosen
        self.grader = Grader(known, Zygote(device=setup.device).start(), shelf=Shelf.of_user())
        self.audience = Audience(setup.audience)
        self.sound = setup.unsandboxed or self.grader.environment().isolation is Isolation.SANDBOXED

    def close(self) -> None:
        assert self.grader.zygote is not None
        self.grader.zygote.close()

    def grade(self, parcel: Parcel) -> Graded:
        """Whatever happens: a result, or why there is none."""
        if not self.sound:
            return Graded(fault="the machine that should have graded it cannot lock submissions down (grade doctor)")
        started = time.perf_counter()
        try:
            report = self.grader.grade(parcel.submission, wanted=self.wanted)
        except GraderFault as error:
            return Graded(seconds=time.perf_counter() - started, fault=clean(str(error)))
        except Exception:
            words = clean(traceback.format_exc()[-3000:], 4000)
            return Graded(seconds=time.perf_counter() - started, fault=words)
        score = None if report.faulty else report.score
        took = time.perf_counter() - started
        page = html.render(redact(report, self.audience))
        return Graded(record.render(report), page, score, report.max_score, took, _fault(report))

    def rehearse(self) -> str:
        """Why this machine cannot grade right answers ("" where it can); draws the inputs of all checks on the way."""
        from grader.collect import Module, Submission

        known, found = self.grader.course, []
        for exercise in known.exercises:
            if not self.wanted.of(exercise):
                continue
            module = Module(exercise.name, f"{exercise.name}.py", known.source_file(exercise.name).read_text("utf-8"))
            only = Wanted({exercise.name: frozenset(self.wanted.of(exercise))})
            report = self.grader.grade(Submission("the reference", "", {exercise.name: module}), wanted=only)
            if report.faulty or report.score < report.max_score:
                found.append(f"{exercise.name} {report.score:g} of {report.max_score:g}")
        return f"our own solutions do not earn every point here: {', '.join(found)}" if found else ""


def _fault(report: Report) -> str:
    tasks = [task for exercise in report.exercises for task in exercise.tasks if task.status is Status.FAULT]
    words = [check.message or "" for task in tasks for check in task.checks if check.message][:1]
    return f"{', '.join(task.name for task in tasks)}: {''.join(words)}" if tasks else ""
