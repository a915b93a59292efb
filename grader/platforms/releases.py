"""The kinds of `grade release`: a name and the function that writes it. A new platform adds its line to KINDS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.course import Course
from grader.errors import UsageError

from . import workflows
from .gradescope_terms import Settings
from .gradescope_zip import write_zip
from .learner.kit import write_kit
from .nbgrader.release import write_course


@dataclass(frozen=True, slots=True)
class Wish:
    """`grade release KIND` as it was asked for. `modules`: hand out `.py` files, where a kind knows both forms."""

    course: Course
    exercises: tuple[str, ...]
    folder: Path
    modules: bool = False
    late: str | None = None  # a policy, and how many submissions count, where a platform has us decide
    limit: str | None = None


# Each returns the lines to be printed: what was made, what was left alone and why, what comes next.
Writer = Callable[[Wish], tuple[str, ...]]


def _learner(wish: Wish) -> tuple[str, ...]:
    return write_kit(wish.course, wish.exercises, wish.folder)


def _nbgrader(wish: Wish) -> tuple[str, ...]:
    return write_course(wish.course, wish.exercises, wish.folder, modules=wish.modules)


def _github(wish: Wish) -> tuple[str, ...]:
    return workflows.write_workflows(wish.course, wish.exercises, wish.folder, workflows.GITHUB)


def _gitlab(wish: Wish) -> tuple[str, ...]:
    return workflows.write_workflows(wish.course, wish.exercises, wish.folder, workflows.GITLAB)


def _gradescope(wish: Wish) -> tuple[str, ...]:
    return write_zip(wish.course, wish.folder, Settings(wish.exercises, wish.late, wish.limit))


KINDS: Mapping[str, Writer] = {
    "learner": _learner,
    "nbgrader": _nbgrader,
    "github": _github,
    "gitlab": _gitlab,
    "gradescope": _gradescope,
}


def release(kind: str, wish: Wish) -> tuple[str, ...]:
    """Raises UsageError for a kind that there is not, and where the folder cannot be written to."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind of release {kind!r}; there is: {', '.join(KINDS)}")
    if kind != "gradescope" and (wish.late is not None or wish.limit is not None):
        raise UsageError("--late and --limit are for gradescope; elsewhere grade export and the platform decide")
    return KINDS[kind](wish)
