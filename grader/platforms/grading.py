"""One submission graded behind the wall, for a platform: what `grade run` does, without a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from grader.collect import Submission
from grader.course import Course
from grader.model import Report


def graded(
    known: Course,
    submission: Submission,
    chosen: Mapping[str, frozenset[str] | None],
    *,
    seconds: float | None = None,
    device: str = "cpu",
) -> Report:
    """`seconds`: what all answers together may take, where that is less than course.toml allows."""
    from grader.learner import Zygote

    zygote = Zygote(device=device).start()  # it imports torch while we do
    try:
        from grader import pipeline
        from grader.checker.shelf import Shelf

        if seconds is not None:
            there = [exercise for exercise in known.exercises if exercise.name in submission.modules]
            most = min(seconds, known.budget.of_submission(there))
            known = replace(known, budget=replace(known.budget, submission_seconds=most, trainings_apart=False))
        grader = pipeline.Grader(known, zygote, shelf=Shelf.of_user())
        return grader.grade(submission, wanted=pipeline.Wanted(chosen))
    finally:
        zygote.close()
