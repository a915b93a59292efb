"""`grade release nbgrader`: an nbgrader course, or our exercises added to one that is there. Overwrites nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.collect.files import mode_of, shown
from grader.course import Course
from grader.errors import UsageError
from grader.workspace import write_text

from . import book

CONFIG = "nbgrader_config.py"
_KNOWN = "grader.platforms.nbgrader"  # a config that names it has been told
_NEW_CONFIG = '''"""nbgrader's settings for this course, written once by `grade release nbgrader`; yours to change."""

from grader.platforms.nbgrader import configure

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "cnn"

# Our exercises are graded behind a process wall: no notebook of a learner's is executed beside a test.
configure(c)
'''
_ADDED = """

# Added by `grade release nbgrader`: its exercises are graded behind a process wall, all others as before.
from grader.platforms.nbgrader import configure as configure_cnn_grader  # noqa: E402

configure_cnn_grader(get_config())  # noqa: F821
"""


def write_course(course: Course, exercises: tuple[str, ...], folder: Path, *, modules: bool = False) -> tuple[str, ...]:
    """Returns what is to be said about it. Raises UsageError where the folder cannot be one, or cannot be written."""
    mode = mode_of(folder)
    if mode is not None and not stat.S_ISDIR(mode):
        raise UsageError(f"{shown(folder)}: this is no folder; name one, or one that is to be made")
    said: list[str] = []
    try:
        for name in exercises:
            for file, text in files(course, name, modules=modules).items():
                said += _write(folder, file, text)
        said += _config(folder / CONFIG)
    except OSError as error:
        raise UsageError(f"{shown(folder)}: cannot be written to ({error.strerror})") from error
    return (*said, *_next(folder, exercises))


def files(course: Course, name: str, *, modules: bool = False) -> dict[str, str]:
    """Name (with `/`) below the course -> text: no check, no reference, no hint."""
    exercise = course.exercise(name)
    made = {f"source/{name}/{name}.ipynb": book.notebook(course, exercise, modules=modules)}
    if modules:
        made[f"source/{name}/{name}.py"] = book.stub_of(course, exercise).text
    return made


def _write(folder: Path, name: str, text: str) -> Iterator[str]:
    file = folder / name
    if os.path.lexists(file):
        same = file.is_file() and file.read_text("utf-8", "replace") == text
        yield f"{name}: {'is there already' if same else 'left as it is; move it away to have it written anew'}"
        return
    write_text(file, text)
    yield f"{name}: written"


def _config(file: Path) -> Iterator[str]:
    if not os.path.lexists(file):
        write_text(file, _NEW_CONFIG)
        yield f"{CONFIG}: written"
    elif _KNOWN in (text := file.read_text("utf-8")):
        yield f"{CONFIG}: knows our exercises already"
    else:
        write_text(file.resolve(), text.rstrip("\n") + _ADDED)
        yield f"{CONFIG}: five lines added at its end; nothing else was changed"


def _next(folder: Path, exercises: tuple[str, ...]) -> Iterator[str]:
    yield f"Next, in {shown(folder)}: nbgrader generate_assignment {exercises[0] if exercises else 'NAME'}"
