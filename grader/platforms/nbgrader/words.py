"""What is asked of the process that grades, and what it answers: plain JSON, a line each way."""

from __future__ import annotations

import msgspec


class Work(msgspec.Struct, frozen=True):
    """One exercise as it was handed in: `collect.Module`, for the way through a pipe."""

    exercise: str
    filename: str
    source: str
    problem: str | None = None
    line_map: tuple[int, ...] | None = None


class Question(msgspec.Struct, frozen=True):
    """`wanted`: exercises, also those without work. `task`: this one alone; None: all of theirs.

    `published`: points are for the gradebook, and what is said is read when grades are out; else a learner reads now.
    """

    works: tuple[Work, ...]
    wanted: tuple[str, ...]
    task: str | None = None
    published: bool = False


class Graded(msgspec.Struct, frozen=True):
    """One task. `score` is None where the fault is ours: then there is no grade, and `fault` says why, to the staff.

    `page` is a whole HTML page.
    """

    score: float | None
    max_score: float
    said: str
    page: str
    fault: str = ""


class Answer(msgspec.Struct, frozen=True):
    """`tasks`: "exercise::task" -> how it stands. `fault`: why there is no grade at all."""

    tasks: dict[str, Graded] = {}
    isolation: str = "none"
    fault: str | None = None
