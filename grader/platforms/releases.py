"""The kinds of `grade release`: a name and the function that writes it. A new platform adds its line to KINDS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.course import Course
from grader.errors import UsageError

from .nbgrader.release import write_course


@dataclass(frozen=True, slots=True)
class Wish:
    """`grade release KIND` as it was asked for. `modules`: hand out `.py` files, where a kind knows both forms."""

    course: Course
    exercises: tuple[str, ...]
    folder: Path
    modules: bool = False


# Each returns the lines to be printed: what was made, what was left alone and why, what comes next.
Writer = Callable[[Wish], tuple[str, ...]]


def _nbgrader(wish: Wish) -> tuple[str, ...]:
    return write_course(wish.course, wish.exercises, wish.folder, modules=wish.modules)


KINDS: Mapping[str, Writer] = {"nbgrader": _nbgrader}


def release(kind: str, wish: Wish) -> tuple[str, ...]:
    """Raises UsageError for a kind that there is not, and where the folder cannot be written to."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind of release {kind!r}; there is: {', '.join(KINDS)}")
    return KINDS[kind](wish)
