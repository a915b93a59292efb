"""path -> Submission: what a learner handed in, read as text; nothing is imported, compiled or unpacked to disk.

Everything that comes in here is hostile: links, pipes, archives and notebooks. What cannot be read is said in a
sentence, as a UsageError (nothing usable at that path), as a note (a file was left out) or as a module's `problem`
(the module is there, its content is not Python text). No other exception leaves this room.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from grader.errors import UsageError
from grader.text import clean

from . import archive, files
from .candidates import Candidate, Found, LeftOut, by_exercise, exercise_in
from .contents import module_from
from .submission import Module, Submission, fingerprint

__all__ = ["Module", "Submission", "collect"]

NOTES = 20  # more would hide the report


def collect(path: Path, names: Sequence[str], only: str | None = None) -> Submission:
    """Read a folder, a `.py`, an `.ipynb` or a `.zip` of these.

    `names` are the exercises the course knows; `only` says which one a single file is where its name does not.
    Raises UsageError where there is nothing at `path` that could be read. Finding no module at all is no error.
    """
    if only is not None and only not in names:
        raise UsageError(f"there is no exercise {clean(only, 100)!r}; there are {', '.join(names)}")
    mode = files.mode_of(path)
    suffix = path.suffix.lower()
    if mode is None:
        raise UsageError(f"{files.shown(path)}: there is nothing at this path; check how it is spelled")
    if stat.S_ISLNK(mode):
        raise UsageError(f"{files.shown(path)}: this is a symbolic link; give the path that it points to")
    if stat.S_ISDIR(mode):
        return _submission(files.name_of(path), files.candidates(path, names))
    if not stat.S_ISREG(mode) or suffix not in {".py", ".ipynb", ".zip"}:
        raise UsageError(
            f"{files.shown(path)}: this cannot be graded; give a folder, a .py, an .ipynb or a .zip of these"
        )
    if suffix == ".zip":
        return _submission(files.name_of(path, stem=True), archive.candidates(path, names))
    return _submission(files.name_of(path, stem=True), _single(path, names, only))


def _single(path: Path, names: Sequence[str], only: str | None) -> Found:
    exercise = path.stem if path.stem in names else only or exercise_in(path.stem, names)
    if exercise is None:
        wanted = ", ".join(f"{name}{path.suffix.lower()}" for name in names)
        raise UsageError(f"{files.shown(path)}: cannot tell which exercise this is: rename it to one of {wanted}")
    sure = only is not None or path.stem == exercise
    candidate = Candidate(exercise, path.name, partial(_read_single, path), exact=sure)
    return Found((candidate,))


def _read_single(path: Path, limit: int) -> bytes:
    """The file was named on the command line, so failing to open it is no note but an error."""
    try:
        return files.read_regular(path, limit)
    except LeftOut as reason:
        raise UsageError(f"{files.shown(path)}: {reason}") from reason


def _submission(name: str, found: Found) -> Submission:
    notes = list(found.notes)
    modules: dict[str, Module] = {}
    contents: dict[str, bytes] = {}
    for exercise, ranked in sorted(by_exercise(found.candidates, notes).items()):
        for candidate in ranked:
            if exercise in modules:
                notes.append(f"{candidate.title} was left out: {modules[exercise].filename} is graded for {exercise}.")
                continue
            try:
                modules[exercise], contents[exercise] = module_from(candidate)
            except LeftOut as reason:
                notes.append(f"{candidate.title} was left out: {reason}.")
                continue
            if not candidate.exact:
                notes.append(f"{candidate.title} is graded as {exercise}; that would be its name.")
    if len(notes) > NOTES:
        notes[NOTES - 1 :] = [f"There are {len(notes) - NOTES + 1} more notes like these."]
    return Submission(name, fingerprint(contents), modules, tuple(notes))
