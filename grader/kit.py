"""Commands that a learner's kit has not: hidden from its help, and refused with a sentence."""

from __future__ import annotations

import contextlib

import typer

from . import course
from .errors import GraderFault, UsageError

STAFF = frozenset({"batch", "ci", "release", "verify", "report", "regrade", "export"})
HIDDEN = STAFF | {"solution"}  # which itself says that there are none


def hide(app: typer.Typer) -> None:
    with contextlib.suppress(GraderFault):  # whoever needs the course says what is wrong with it
        if course.load().kit:
            for command in app.registered_commands:
                name = command.name or getattr(command.callback, "__name__", "")
                command.hidden = name in HIDDEN


def refuse(command: str | None) -> None:
    """Raises UsageError for what only the staff can do."""
    if command in STAFF and course.load().kit:
        raise UsageError(
            f"this is a learner's kit, without hidden checks and references: `grade {command}` is for the staff of "
            "your course, where the whole grader is installed"
        )
