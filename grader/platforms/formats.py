"""The results that other programs read, by name: `grade ci --also KIND=FILE`. A new format adds its line to FORMATS."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from grader.errors import UsageError
from grader.model import Report

from . import classroom, exercism, gradescope, prairielearn


def _classroom50(report: Report) -> str:
    """Whose result it is, Classroom 50's runner says in variables. Raises UsageError outside of it."""
    names = {"CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"}
    missing = sorted(name for name in names if not os.environ.get(name))
    if missing:
        raise UsageError(f"--also classroom50: Classroom 50's runner sets {', '.join(missing)}, and here nobody has")
    said = os.environ
    identity = classroom.Identity(
        said["CLASSROOM"],
        said["ASSIGNMENT"],
        said["SUBMISSION_TAG"],
        said["COMMIT_URL"],
        said["RELEASE_URL"],
        said.get("REVIEW_URL") or said["COMMIT_URL"],
        datetime.now(UTC),
        said.get("OWNER") or said.get("USERNAME"),
        said.get("ASSIGNMENT_TYPE"),
    )
    return classroom.classroom50(report, identity)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "classroom50": _classroom50,
    "github-classroom": classroom.classic,
    "gradescope": gradescope.render,
    "prairielearn": prairielearn.render,
    "exercism": exercism.render,
}

TOLD_BY_TIME = frozenset({"gradescope"})  # says of each check itself when it may be read, and so is given all of it


def wished(words: tuple[str, ...]) -> dict[str, str]:
    """KIND=FILE… -> kind -> file. Raises UsageError for a kind that there is not."""
    found: dict[str, str] = {}
    for word in words:
        kind, _, file = word.partition("=")
        if kind not in FORMATS or not file:
            raise UsageError(f"--also {word}: write KIND=FILE, and of kinds there are {', '.join(FORMATS)}")
        found[kind] = file
    return found
