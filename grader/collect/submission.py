"""What collecting ends with: the modules of one submission, as text, and a fingerprint of them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

EXCERPT = 66  # characters of a line that are shown


@dataclass(frozen=True, slots=True)
class Module:
    """One exercise as it was handed in.

    `filename` is what the learner calls it, safe to show. `problem` says in a sentence why there is no source: then
    `source` is empty and no check of the module can pass. `line_map` is for notebooks: the line of `source` that
    heads each code cell.
    """

    exercise: str
    filename: str
    source: str
    problem: str | None = None
    line_map: tuple[int, ...] | None = None

    def locate(self, line: int) -> str:
        """A line of `source` in the learner's terms: "line 12", or "code cell 3, line 2" (text cells do not count)."""
        if not self.line_map:
            return f"line {line}"
        cell = max(1, bisect_right(self.line_map, line))
        return f"code cell {cell}, line {max(1, line - self.line_map[cell - 1])}"

    def excerpt(self, line: int, column: int | None = None) -> str:
        """A line of `source` without its indentation, cut where it is long, a caret below its `column` (from 1)."""
        lines = self.source.split("\n")
        text = lines[line - 1].expandtabs(1).rstrip() if 0 < line <= len(lines) else ""
        begin = len(text) - len(text.lstrip())
        if column is None or not begin < column <= len(text) + 1:
            return text[begin : begin + EXCERPT]
        begin = max(begin, column - EXCERPT + 10)
        return f"{text[begin : begin + EXCERPT]}\n{' ' * (column - begin - 1)}^"


@dataclass(frozen=True, slots=True)
class Submission:
    """`modules`: exercise -> module. `notes`: what was left out, and why. Both names and notes are safe to show."""

    name: str
    sha256: str
    modules: Mapping[str, Module]
    notes: tuple[str, ...] = ()


def fingerprint(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over exercise names and contents, each behind its length, so that no two submissions run together."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        for part in (name.encode(), contents[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
