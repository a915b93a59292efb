"""`grade reset`: the stub back in place of an exercise or of one task, behind a backup that is never overwritten.

The folder is untrusted like any that is graded: no link is followed, and what is not a plain file is left alone.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import stat
import warnings
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from grader.collect.candidates import BELOW, LeftOut, Unreadable
from grader.collect.contents import SOURCE_LIMIT
from grader.collect.decode import decode, unix_lines
from grader.collect.files import mode_of, read_regular
from grader.course import Course
from grader.errors import UsageError
from grader.source import stub
from grader.state import key, without
from grader.workspace import FOLDER, is_real, update, write_bytes

BACKUPS = FOLDER / "backups"
MARK = "\ufeff".encode()
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_BINARY"))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Done:
    """What was put back, in which file, and where the file as it was lies now; None where nothing had changed."""

    what: str
    file: Path
    backup: Path | None


def put_back(course: Course, folder: Path, what: str) -> Done:
    """Raises UsageError, with nothing changed, where that cannot be done; its text says what to do instead."""
    name, task = course.select(what)
    full = name if task is None else key(name, task)
    place = _place(folder, name)
    try:
        data = read_regular(folder / place, SOURCE_LIMIT, folder=folder)
    except LeftOut as reason:
        raise UsageError(f"{place}: {reason}; nothing was changed") from reason
    if len(data) > SOURCE_LIMIT:
        raise UsageError(f"{place} is larger than a megabyte, which no exercise is; nothing was changed")
    given = stub(course.source_file(name).read_text("utf-8"))
    made = given.encode() if task is None else _replaced(data, given, task, place)
    backup = None
    if made != data:
        backup = _keep(folder, place.name, data)
        try:
            write_bytes(folder / place, made)
        except OSError as error:
            raise UsageError(f"{place} cannot be written ({error.strerror}); nothing was changed") from error
    update(folder, lambda state: without(state, name, task))
    return Done(full, place, backup)


def _place(folder: Path, name: str) -> Path:
    """Where the exercise's own file lies, below the folder: as for grading, what lies higher comes first."""
    for place in (Path(f"{name}.py"), Path(BELOW) / f"{name}.py"):
        if mode_of(folder / place) is not None:
            if place.parent.name and not stat.S_ISDIR(mode_of(folder / place.parent) or 0):
                raise UsageError(
                    f"{place.parent} is a symbolic link; put the folder itself in its place. Nothing was changed"
                )
            return place
    raise UsageError(
        f"there is no {name}.py in this folder to put a stub in place of; `grade init .` makes what is missing, "
        "once a notebook or a copy by another name is out of the way"
    )


def _keep(folder: Path, name: str, data: bytes) -> Path:
    """The next free NAME.bak-N, written and on the disk before anything else is touched."""
    try:
        if not is_real(folder, BACKUPS):
            raise OSError(None, "it is a symbolic link")
        (folder / BACKUPS).mkdir(parents=True, exist_ok=True)
        for number in count(1):
            backup = BACKUPS / f"{name}.bak-{number}"
            with contextlib.suppress(FileExistsError):
                with open(os.open(folder / backup, _NEW, 0o644), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                return backup
        raise AssertionError("numbers do not end")
    except OSError as error:
        raise UsageError(f"no backup can be written to {BACKUPS} ({error.strerror}); nothing was changed") from error


def _replaced(data: bytes, given: str, task: str, place: Path) -> bytes:
    """The learner's file with one definition as it was given, all else byte for byte as it was."""
    whole = f"`grade reset {place.stem}` puts back the whole file, behind a backup. Nothing was changed"
    try:
        text, raw = decode(data), data.removeprefix(MARK).decode("utf-8", "replace")
        if unix_lines(raw) != text:
            raise Unreadable("it is not saved as UTF-8.")
        found = _definitions(text, task)
    except (Unreadable, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error).rstrip(".")
        raise UsageError(
            f"{place} cannot be read as Python ({why}), so {task} is not found in it: repair that first, or {whole}"
        ) from error
    if len(found) > 1:
        raise UsageError(f"{place} defines {task} {len(found)} times: leave one of them, or {whole}")
    ending = "\r\n" if "\r\n" in raw else "\n"
    ours = _definition(given, task).replace("\n", ending)
    lines = _LINE.findall(raw) if "\r" not in raw.replace("\r\n", "") else _LINE.findall(text)
    if found:
        first, last = _span(found[0])
        lines[first - 1 : last] = [ours]
    else:
        lines = ["".join(lines).rstrip(), ending * 3, ours]
    made = data[: len(MARK) * data.startswith(MARK)] + "".join(lines).encode()
    if decode(made) != unix_lines("".join(lines)):  # its coding line asks for something else than what we write
        raise UsageError(f"{place} is not saved as UTF-8: do that and remove its coding line, or {whole}")
    return made


def _definition(given: str, task: str) -> str:
    (node,) = _definitions(given, task)
    first, last = _span(node)
    return "".join(_LINE.findall(given)[first - 1 : last])


def _definitions(text: str, name: str) -> list[Definition]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a learner's "\\d" is their own affair
        tree = ast.parse(text)
    return [node for node in tree.body if isinstance(node, Definition) and node.name == name]


def _span(node: Definition) -> tuple[int, int]:
    return min([node.lineno, *(mark.lineno for mark in node.decorator_list)]), node.end_lineno or node.lineno
