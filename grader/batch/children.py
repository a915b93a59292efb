"""DIR -> submissions: one a child, each with a name for the table and one for its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.collect import Submission, collect
from grader.collect.files import shown
from grader.errors import UsageError
from grader.text import clean

SUFFIXES = {".py", ".ipynb", ".zip"}
LONGEST, BYTES = 100, 160  # characters and bytes of a file's name; file systems have room for 255, suffix and all
_ODD = re.compile(r"[^\w.@+=, -]|^[.\s-]|[.\s]$")  # what some file system, shell or page takes for something else


@dataclass(frozen=True, slots=True)
class Child:
    """`name` as it is shown, `file` as its result and feedback are called, without suffix: both are its own alone."""

    name: str
    file: str
    path: Path

    def read(self, names: Sequence[str], only: str | None) -> Submission:
        """Raises UsageError where there is nothing that can be read."""
        found = collect(self.path, names, only)
        return Submission(self.name, found.sha256, found.modules, found.notes)


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
        listed = ", ".join(clean(name, 60, keep_newlines=False) for name in left_out[:5])
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        notes.append(f"left out, being no folder, .py, .ipynb or .zip: {listed}{more}")
    return list(made.values()), notes


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _file(name: str) -> str:
    plain = _ODD.sub("_", name)
    if plain == name and len(plain) <= LONGEST and len(plain.encode()) <= BYTES:
        return plain
    return f"{plain[: LONGEST - 10].encode()[: BYTES - 10].decode('utf-8', 'ignore')} {_mark(name)}"


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
