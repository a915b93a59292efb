"""`grade release gradescope --to FILE.zip`: the autograder that the staff uploads. Hidden checks are in it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from grader.collect.files import shown
from grader.course import Course
from grader.errors import UsageError
from grader.marks import late
from grader.workspace import write_bytes

from . import packing
from .gradescope_terms import Settings, limit

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same exercises give the same zip
_PROGRAMS = {"setup.sh": "gradescope-setup.sh", "run_autograder": "gradescope-run_autograder"}


def write_zip(course: Course, file: Path, wanted: Settings) -> tuple[str, ...]:
    """Returns what is to be said. Raises UsageError where the file is there, or a setting cannot be understood."""
    if file.suffix.lower() != ".zip":
        raise UsageError(f"{shown(file)}: Gradescope takes a zip; name one, as in --to autograder.zip")
    if os.path.lexists(file):
        raise UsageError(f"{shown(file)}: is there already; move it away, or name another")
    if wanted.late is not None:
        late.policy(wanted.late)
    if wanted.limit is not None:
        limit(wanted.limit)
    try:
        write_bytes(file, packed(course, wanted))
    except OSError as error:
        raise UsageError(f"{shown(file)}: cannot be written ({error.strerror})") from error
    points = sum(course.exercise(name).points for name in wanted.exercises)
    return (
        f"{shown(file)}: written; hidden checks are in it, so no learner may have it",
        f"Next: in Gradescope make a programming assignment of {points:g} autograder points and upload it under "
        "Configure Autograder. docs/platforms.md says which container to choose.",
    )


def packed(course: Course, wanted: Settings) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in _entries(course, wanted):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix: what runs has to be executable when it is unpacked
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _entries(course: Course, wanted: Settings) -> Iterator[tuple[str, bytes, int]]:
    for name, template in _PROGRAMS.items():
        yield name, packing.template(template, wanted.exercises).encode(), 0o755
    kept = asdict(replace(wanted, exercises=tuple(wanted.exercises)))
    yield "settings.json", (json.dumps(kept, indent=2) + "\n").encode(), 0o644
    for name, content in packing.source(course):
        yield f"package/{name}", content, 0o644
