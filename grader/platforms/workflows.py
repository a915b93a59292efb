"""`grade release github` and `grade release gitlab`: workflows, one folder for the staff and one for learners.

What a learner gets is a workflow that calls that of the staff: no check, no reference, no grader. Overwrites nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from grader.collect.files import mode_of, shown
from grader.course import Course
from grader.errors import UsageError
from grader.workspace import write_bytes

from . import packing

GITHUB: Mapping[str, str] = {
    "staff/.github/workflows/grade.yml": "github-staff.yml",
    "staff/image/Dockerfile": "Dockerfile",
    "staff/classroom50/autograder.py": "classroom50.py.in",
    "learner/.github/workflows/grade.yml": "github-learner.yml",
}
GITLAB: Mapping[str, str] = {
    "staff/grade.yml": "gitlab-staff.yml",
    "staff/image/Dockerfile": "Dockerfile",
    "learner/.gitlab-ci.yml": "gitlab-learner.yml",
}
_NEXT = (
    "Next: build staff/image (docker build) and push it where jobs of the course can read it; put its name, and that "
    "of the staff's repository, into the workflows; give learners what is in learner/. docs/platforms.md says more."
)


def write_workflows(
    course: Course, exercises: tuple[str, ...], folder: Path, templates: Mapping[str, str]
) -> tuple[str, ...]:
    """Returns what is to be said. Raises UsageError where the folder cannot be one, or cannot be written."""
    mode = mode_of(folder)
    if mode is not None and not stat.S_ISDIR(mode):
        raise UsageError(f"{shown(folder)}: this is no folder; name one, or one that is to be made")
    named = () if set(exercises) == set(course.names) else exercises  # all of them: also those that come later
    try:
        said = [
            _write(folder, name, packing.template(template, named).encode()) for name, template in templates.items()
        ]
        said += _source(course, folder)
    except OSError as error:
        raise UsageError(f"{shown(folder)}: cannot be written to ({error.strerror})") from error
    return (*said, _NEXT)


def _source(course: Course, folder: Path) -> Iterator[str]:
    place = "staff/image/source"
    if os.path.lexists(folder / place):
        yield f"{place}: left as it is; move it away to have it written anew"
        return
    for name, content in packing.source(course):
        write_bytes(folder / place / name, content)
    yield f"{place}: written; hidden checks are in it, so no learner may read it"


def _write(folder: Path, name: str, content: bytes) -> str:
    file = folder / name
    if os.path.lexists(file):
        same = file.is_file() and file.read_bytes() == content
        return f"{name}: {'is there already' if same else 'left as it is; move it away to have it written anew'}"
    write_bytes(file, content)
    return f"{name}: written"
