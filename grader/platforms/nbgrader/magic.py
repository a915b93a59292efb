"""In a learner's notebook: `%grade conv2d`, `%%grade conv2d` and `check("conv2d")` say how a task stands, at once.

What was defined in the kernel is sent, as text, to the process behind `client`, and graded there behind the wall. What
comes back is help for the learner and no grade: a kernel belongs to the one who types in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import course as courses
from grader.collect import collect
from grader.course import Course
from grader.errors import GraderError, GraderFault, UsageError

from .client import desk
from .frame import framed
from .slices import module_of
from .words import Graded, Question, Work


@dataclass(frozen=True, slots=True)
class Standing:
    """How one or several tasks stand. A notebook shows pages; nbgrader's `validate` reads the points."""

    tasks: Mapping[str, Graded]

    @property
    def score(self) -> float:
        return sum(graded.score or 0.0 for graded in self.tasks.values())

    def __repr__(self) -> str:
        return "\n".join(graded.said for graded in self.tasks.values())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        pages = [
            framed(graded.page, f"Feedback on {name}", short=graded.score == graded.max_score)
            for name, graded in self.tasks.items()
        ]
        return {"text/plain": repr(self.score), "text/html": "\n".join(pages)}


def check(what: str) -> Standing:
    """Grade a task, or all of an exercise, as it is defined in this kernel; `ex04_conv.py::conv2d` asks for a file.

    Raises UsageError where there is no such task, GraderFault where the fault is ours.
    """
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":  # a kernel's word for its own grade
        raise UsageError(
            "nbgrader is about to grade this notebook by running it. Its nbgrader_config.py has to say "
            "`from grader.platforms.nbgrader import configure` and, at its end, `configure(c)`."
        )
    known = courses.load()
    head, dot, rest = what.strip().partition(".py")
    exercise, task = known.select(head + rest if dot else head)
    work = _file(known, exercise) if dot else _kernel(known, exercise)
    answer = desk().ask(Question((work,), (exercise,), task))
    if answer.fault is not None:
        raise GraderFault(f"our own fault, this says nothing about your code. Please send it to us: {answer.fault}")
    faults = [graded.said for graded in answer.tasks.values() if graded.score is None]
    if faults:
        raise GraderFault("\n".join(faults))
    return Standing(answer.tasks)


def _file(known: Course, exercise: str) -> Work:
    module = collect(Path(f"{exercise}.py"), known.names).modules[exercise]
    return Work(exercise, module.filename, module.source, module.problem)


def _kernel(known: Course, exercise: str) -> Work:
    shell = _shell()
    if shell is None:
        raise UsageError("check() looks at what you defined in a notebook; elsewhere there is `grade run`")
    tasks = [task.name for task in known.exercise(exercise).tasks]
    source, heads = module_of(shell.history_manager.input_hist_raw, tasks)
    return Work(exercise, "notebook", source, None, heads)


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext grader.platforms.nbgrader`."""
    from IPython.core.error import UsageError as Complaint

    def grade(line: str, cell: str | None = None) -> Standing | None:
        """%grade TASK: how it stands. %%grade TASK on top of a cell: runs the cell first."""
        if not line.strip():
            raise Complaint("say which: %grade conv2d, or %grade ex04_conv for all of it")
        if cell is not None and not shell.run_cell(cell).success:
            return None
        try:
            return check(line)
        except GraderError as error:  # in one line, without the frames that led to it
            raise Complaint(str(error)) from None

    shell.register_magic_function(grade, magic_kind="line_cell", magic_name="grade")
    shell.push({"check": check}, interactive=False)
