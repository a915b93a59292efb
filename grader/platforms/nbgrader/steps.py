"""nbgrader's autograding, our part: `GradeAcrossTheWall` stands where Execute stands, `SaveGrades` for SaveAutoGrades.

No cell of a notebook with a task of ours is executed. Its code is graded like any submission, in the process behind
`client`, and score and feedback are written into the test cells and the gradebook. Nothing is read off an output.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import PurePath
from typing import Any

from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, SaveAutoGrades
from traitlets import Bool

from grader.collect.candidates import Candidate
from grader.collect.contents import module_from
from grader.errors import GraderFault
from grader.report.words import NO_GRADE

from .client import desk
from .frame import framed
from .given import Handout, handout
from .mend import MODULE
from .names import Mark, without_hidden
from .words import Answer, Graded, Question, Work

SCORES = "cnn_grader"  # resources: name of a cell -> its score, None where a person has to grade it
BY_HAND = "This cell was not run: in a notebook with tasks of cnn-grader nothing is. Please grade it by hand."


class GradeAcrossTheWall(Execute):  # type: ignore[misc]
    """Notebooks without a cell of ours are executed as nbgrader does it."""

    allow_unsandboxed = Bool(
        False, help="Grade strangers' code also where this machine cannot lock it down (grade doctor says why)."
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any, **rest: Any) -> tuple[Any, Any]:
        about = resources["nbgrader"]
        given = handout(about["db_url"], about["notebook"], about["assignment"])
        if not given.marks:
            executed: tuple[Any, Any] = super().preprocess(nb, resources, **rest)
            return executed
        answer = self._answer(nb, given, f"{about['notebook']}.ipynb")
        scores: dict[str, float | None] = {}
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name not in given.graded:
                continue
            mark, points = given.marks.get(name), given.graded[name]
            graded = answer.tasks.get(mark.key) if mark is not None else None
            scores[name] = None if graded is None else scaled(graded, points)
            if mark is not None and scores[name] is None:
                why = f": {graded.fault}" if graded is not None and graded.fault else ""
                self.log.error("%s (%s): no grade is given, the cell needs manual grading%s", name, mark.key, why)
            cell.source = without_hidden(cell.source)
            cell.outputs = [output(mark, graded, scores[name])]
        resources[SCORES] = scores
        self.log.info("Graded across the wall: %s of %s", about["notebook"], about.get("student"))
        return nb, resources

    def _answer(self, nb: Any, given: Handout, filename: str) -> Answer:
        wanted = tuple(dict.fromkeys(mark.exercise for mark in given.marks.values()))
        works = tuple(work(nb, exercise, filename) for exercise in wanted)
        try:
            answer = desk().ask(Question(works, wanted, published=True))
        except GraderFault as error:
            answer = Answer(fault=str(error))
        if answer.fault is not None:
            self.log.error("Our own fault, no grade is given: %s", answer.fault)
        elif answer.isolation != "sandboxed" and not self.allow_unsandboxed:
            raise RuntimeError(
                f"This machine cannot lock down a stranger's code (isolation: {answer.isolation}), so nothing is "
                "graded. `grade doctor` says what is missing; c.GradeAcrossTheWall.allow_unsandboxed = True in "
                "nbgrader_config.py grades all the same."
            )
        return answer


def work(nb: Any, exercise: str, filename: str) -> Work:
    """What is graded: the learner's module where there is one, else all code of the notebook, as `grade run` has it."""
    for cell in nb.cells:
        about = cell.metadata.get(MODULE)
        if about is not None and about["exercise"] == exercise:
            return Work(exercise, about["filename"], cell.source, about["problem"])
    code = [{"cell_type": "code", "source": cell.source} for cell in nb.cells if cell.cell_type == "code"]
    data = json.dumps({"cells": code}).encode()
    module, _ = module_from(Candidate(exercise, PurePath(filename).name, lambda limit: data[: limit + 1], exact=True))
    return Work(exercise, module.filename, module.source, module.problem, module.line_map)


def scaled(graded: Graded, points: float) -> float | None:
    """The score to the last digit; where a teacher gave the cell other points than the course, in their proportion."""
    if graded.score is None or graded.max_score == points:
        return graded.score
    return points if graded.score >= graded.max_score else graded.score / graded.max_score * points


def output(mark: Mark | None, graded: Graded | None, score: float | None) -> Any:
    """What the cell shows. It is fit for nbgrader's own reading too: the result is a plain number."""
    said = graded.said if graded is not None else NO_GRADE if mark is not None else BY_HAND
    page = graded.page if graded is not None else f"<!DOCTYPE html><meta charset='utf-8'><p>{escape(said)}</p>"
    title = f"Feedback on {mark.task}" if mark is not None else "Not run"
    html = framed(page, title, short=graded is None or graded.score == graded.max_score)
    if score is None:
        return new_output("display_data", data={"text/plain": said, "text/html": html})
    return new_output("execute_result", data={"text/plain": repr(score), "text/html": html}, execution_count=1)


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """Writes our scores into the gradebook; what has none there waits for a person."""

    def _add_score(self, cell: Any, resources: Any) -> None:
        scores: dict[str, float | None] = resources.get(SCORES, {})
        name = cell.metadata["nbgrader"]["grade_id"]
        if name not in scores:
            super()._add_score(cell, resources)
            return
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score = scores[name]
        # As nbgrader does it: a person who has given a grade already looks at it again.
        grade.needs_manual_grade = scores[name] is None or grade.manual_score is not None
        self.gradebook.db.commit()
