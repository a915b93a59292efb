"""DIR -> submissions: one a child, each with a name for the table and one for its files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.collect import Submission, collect
from grader.collect.candidates import SUFFIXES as PYTHON
from grader.collect.files import LISTED, mode_of, shown
from grader.errors import UsageError
from grader.text import clean

SUFFIXES = {".py", ".ipynb", ".zip"}
WITHIN = 2  # folders around what was handed in
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
LONGEST, BYTES = 100, 160  # characters and bytes of a file's name; file systems have room for 255, suffix and all
_ODD = re.compile(r"[^\w.@+=, -]|^[.\s-]|[.\s]$")  # what some file system, shell or page takes for something else


@dataclass(frozen=True, slots=True)
class Child:
    """`name` as it is shown, `file` as its result and feedback are called, without suffix: both are its own alone."""

    name: str
    file: str
    path: Path

    def read(self, names: Sequence[str], only: str | None) -> Submission:
        """Raises UsageError where there is nothing that can be read.

        Downloads of learning management systems are a folder a student, with what was uploaded in it: a zip, a folder,
        one file of any name.
        """
        place = self.path
        found = collect(place, names, only)
        for _ in range(WITHIN):
            inner = None if found.modules else _alone_in(place, only)
            if inner is None:
                break
            place = inner
            found = collect(place, names, only)
        notes = found.notes
        if not found.modules and not notes and place.is_dir():
            notes = (f"None of the exercises is in it; there is {_listed(_visible(place))}.",)
        return Submission(self.name, found.sha256, found.modules, notes)


def children(folder: Path) -> tuple[list[Child], list[str]]:
    """(the submissions in order of their names, notes about what else is there). Raises UsageError."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{shown(folder)}: this folder of submissions cannot be read: {error.strerror}") from None
    found, left_out = [], []
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_symlink() or not (path.is_dir() or path.suffix.lower() in SUFFIXES):
            left_out.append(path.name)
        else:
            found.append(path)
    stems = [_stem(path) for path in found]
    names = [stem if stems.count(stem) == 1 else path.name for path, stem in zip(found, stems, strict=True)]
    made: dict[str, Child] = {}
    for path, name in zip(found, names, strict=True):
        title = clean(name, LONGEST, keep_newlines=False)
        file = _file(name)
        if file.casefold() in {child.file.casefold() for child in made.values()} or title in made:
            file, title = (f"{text} {_mark(path.name)}" for text in (file, title))
        made[title] = Child(title, file, path)
    notes = []
    if left_out:
        notes.append(f"left out, being no folder, .py, .ipynb or .zip: {some(left_out)}")
    return list(made.values()), notes


def _alone_in(folder: Path, only: str | None) -> Path | None:
    """What a folder with none of the exercises in it was made around: the one thing in it, or the one file of Python.

    A file whose name says no exercise is one where `only` does.
    """
    entries = _visible(folder) if folder.is_dir() else []
    files = [path for path in entries if path.suffix.lower() in PYTHON and not path.name.startswith("test_")]
    found = entries if len(entries) == 1 else files if only is not None else []
    if len(found) != 1:
        return None
    mode, suffix = mode_of(found[0]), found[0].suffix.lower()
    if mode is not None and stat.S_ISDIR(mode):
        return found[0]
    if mode is None or not stat.S_ISREG(mode) or suffix not in SUFFIXES or (suffix in PYTHON and only is None):
        return None
    return found[0]


def _visible(folder: Path) -> list[Path]:
    """Sorted; nothing of a folder that is too large to be looked through, or closed to us."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for _, entry in zip(range(LISTED + 1), entries, strict=False)]
        if len(names) <= LISTED:
            return [folder / name for name in sorted(names) if not name.startswith(".") and name not in LITTER]
    return []


def _listed(paths: Sequence[Path]) -> str:
    return some([f"{path.name}{'/' * stat.S_ISDIR(mode_of(path) or 0)}" for path in paths]) or "nothing"


def some(names: Sequence[str]) -> str:
    """The first few."""
    listed = ", ".join(clean(name, 60, keep_newlines=False) for name in names[:5])
    return f"{listed} and {len(names) - 5} more" if len(names) > 5 else listed


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _file(name: str) -> str:
    plain = _ODD.sub("_", name)
    if plain == name and len(plain) <= LONGEST and len(plain.encode()) <= BYTES:
        return plain
    return f"{plain[: LONGEST - 10].encode()[: BYTES - 10].decode('utf-8', 'ignore')} {_mark(name)}"


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
