"""CSV files that somebody gives us (rosters, times): read with limits; errors name file, line and what to do."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.collect.files import shown
from grader.errors import UsageError
from grader.text import clean

SIZE = 20 * 2**20
CELL = 300  # characters that are kept of one
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One line that has something in it. `cells`: by our names of the columns, trimmed and cleaned."""

    file: Path
    number: int
    cells: Mapping[str, str]

    def wrong(self, words: str) -> UsageError:
        return UsageError(f"{shown(self.file)}, line {self.number}: {words}")


def read(file: Path, columns: Mapping[str, Sequence[str]], needed: Sequence[str]) -> list[Line]:
    """`columns`: our name -> how its head may be written (case, blanks and signs do not matter). Others are ignored.

    Raises UsageError. Commas, semicolons or tabs part the cells, whichever the first line has most of.
    """
    text = _text(file)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[Line] = []
    heads: list[str | None] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not heads:
                heads = _heads(file, row, columns, needed)
                continue
            line = Line(file, reader.line_num, {})
            if len(row) > len(heads) and any(cell.strip() for cell in row[len(heads) :]):
                raise line.wrong(
                    f"{len(row)} cells where the first line has {len(heads)}; put a cell that has a {delimiter!r} in "
                    "it in double quotes"
                )
            cells = {head: clean(cell.strip(), CELL, keep_newlines=False) for head, cell in zip(heads, row) if head}  # noqa: B905
            lines.append(Line(file, reader.line_num, {name: cells.get(name, "") for name in columns}))
    except csv.Error as error:
        raise UsageError(
            f"{shown(file)}, line {reader.line_num}: this is no CSV ({clean(str(error), 200)}); save it as CSV, UTF-8"
        ) from None
    if not heads:
        raise UsageError(f"{shown(file)}: is empty; its first line names the columns: {', '.join(needed)}")
    return lines


def key(name: str) -> str:
    """What two ways to write one name have in common: macOS writes an umlaut as two characters."""
    return unicodedata.normalize("NFC", name).casefold()


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(SIZE + 1)
    except OSError as error:
        raise UsageError(f"{shown(file)}: cannot be read: {error.strerror}") from None
    if len(data) > SIZE:
        raise UsageError(f"{shown(file)}: is larger than {SIZE // 2**20} MB; is this the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown(file)}, line {line}: this is not UTF-8; save it as CSV, UTF-8") from None


def _heads(
    file: Path, row: Sequence[str], columns: Mapping[str, Sequence[str]], needed: Sequence[str]
) -> list[str | None]:
    known = {_plain(way): name for name, ways in columns.items() for way in (name, *ways)}
    heads = [known.get(_plain(cell)) for cell in row]
    for name in needed:
        if name not in heads:
            given = ", ".join(clean(cell, SHOWN, keep_newlines=False) for cell in row[:10])
            raise UsageError(
                f"{shown(file)}, line 1: no column is called {name!r} (there are: {given}); the first line names the "
                f"columns, of which {' and '.join(needed)} have to be there"
            )
    for name in columns:
        if heads.count(name) > 1:
            raise UsageError(f"{shown(file)}, line 1: two columns are called {name!r}; leave one of them out")
    return heads


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
