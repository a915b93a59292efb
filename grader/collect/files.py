"""Folders and files of the disk: regular files only, no link followed, nothing that blocks or never ends."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from grader.errors import UsageError
from grader.text import clean

from .candidates import BELOW, SUFFIXES, Candidate, Found, LeftOut, candidate_at

LISTED = 2000  # entries of a folder that are looked at for names like "ex04_conv (1).py"

# O_NONBLOCK: opening a pipe must not wait for its other end. Windows has none of these but needs O_BINARY.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
_FOLDER = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_DIRECTORY"))
_KINDS = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}
_HELD = {os.open, os.stat} <= os.supports_dir_fd and os.scandir in os.supports_fd  # not on Windows


def shown(path: Path) -> str:
    return clean(str(path), 300, keep_newlines=False)


def name_of(path: Path, *, stem: bool = False) -> str:
    """What to call a submission: "." is called as its folder is."""
    real = path.resolve() if path.name in {"", ".."} else path
    return clean(real.stem if stem else real.name, 100, keep_newlines=False) or "submission"


def mode_of(path: Path) -> int | None:
    """The file mode of what lies at a path, of a link itself; None for nothing. Raises UsageError if barred."""
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL or a lone surrogate in the path
        return None
    except OSError as error:
        raise UsageError(f"{shown(path)}: this cannot be read ({error.strerror}); check its permissions") from error


def read_regular(path: Path, limit: int, *, folder: Path | None = None) -> bytes:
    """At most limit + 1 bytes of a regular file. Raises LeftOut for anything else.

    `folder`: where the submission lies; no folder from there to the file is a link, or becomes one while we look.
    """
    try:
        with _held(folder, path.parent) as held:
            name = path if held is None else path.name
            kind = stat.S_IFMT(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode)
            if kind != stat.S_IFREG:  # asked before opening too: opening a device can do things
                raise LeftOut(_no_file(kind))
            with open(os.open(name, _FLAGS, dir_fd=held), "rb") as file:
                found = os.fstat(file.fileno())
                if stat.S_IFMT(found.st_mode) != stat.S_IFREG:
                    raise LeftOut(_no_file(stat.S_IFMT(found.st_mode)))
                if found.st_nlink > 1:  # one who may not read a file may yet be able to name it in their own folder
                    raise LeftOut("it is a hard link, one file with two names; put a copy in its place")
                return file.read(limit + 1)
    except OSError as error:
        raise LeftOut(f"it cannot be opened ({error.strerror})") from error


@contextlib.contextmanager
def _held(folder: Path | None, place: Path) -> Iterator[int | None]:
    """The folder `place`, opened on the way down from `folder`: what is opened stays what it is."""
    held = None
    with contextlib.ExitStack() as stack:
        if folder is not None and _HELD:
            for name in (str(folder), *place.relative_to(folder).parts):
                held = os.open(name, _FOLDER, dir_fd=held)
                stack.callback(os.close, held)
        yield held


def _no_file(kind: int) -> str:
    return f"it is {_KINDS.get(kind, 'a pipe, a socket or a device')}; put the file itself in its place"


def candidates(folder: Path, names: Sequence[str]) -> Found:
    """The modules at the top of a folder and in its `exercises/`: known names, and what one short look finds."""
    notes: list[str] = []
    found = list(_known(folder, "", names)) + list(_near(folder, "", names))
    below = mode_of(folder / BELOW)
    if below is not None and stat.S_ISDIR(below):
        found += [*_known(folder, f"{BELOW}/", names), *_near(folder, f"{BELOW}/", names)]
    elif below is not None and stat.S_ISLNK(below):
        notes.append(f"{BELOW} was left out: it is a symbolic link; put the folder itself in its place.")
    return Found(tuple(found), tuple(notes))


def _known(folder: Path, place: str, names: Sequence[str]) -> Iterator[Candidate]:
    for path in (f"{place}{name}{suffix}" for name in names for suffix in SUFFIXES):
        if mode_of(folder / path) is not None:
            candidate = candidate_at(path, names, partial(read_regular, folder / path, folder=folder))
            if candidate is not None:
                yield candidate


def _near(folder: Path, place: str, names: Sequence[str]) -> Iterator[Candidate]:
    """Stand-ins. A folder too large to look through has none: which ones were seen first would be chance."""
    try:
        with _held(folder, folder / place) as held, os.scandir(folder / place if held is None else held) as entries:
            listed = [entry.name for entry in islice(entries, LISTED + 1)]
    except NotADirectoryError:  # it was one a moment ago: whoever changes it under our eyes gets nothing from it
        return
    except OSError as error:
        raise UsageError(f"{shown(folder / place)}: this cannot be listed ({error.strerror})") from error
    for name in listed if len(listed) <= LISTED else []:
        path = folder / place / name
        candidate = candidate_at(f"{place}{name}", names, partial(read_regular, path, folder=folder))
        if candidate is not None and not candidate.exact:
            yield candidate
