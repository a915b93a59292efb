"""Runs the attacks in a throw-away namespace, reads their lines, and makes the page of the two tables."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import throwaway

SECONDS = 1500.0


@dataclass(frozen=True)
class Row:
    name: str
    family: str
    sentence: str
    verdicts: tuple[str, ...]
    score: float
    got: str
    problems: tuple[str, ...]
    seconds: float


def run(
    only: Sequence[str], *, fallback: bool, every: int = 1, tell: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """Every attack asked for, or every so many-th. Raises CannotBeMade; AssertionError where the run did not end."""
    options = ["--every", str(every), *(["--fallback"] if fallback else [])]
    rows: list[Row] = []

    def read(line: Any) -> None:
        if "name" in line:
            rows.append(Row(**{**line, "verdicts": tuple(line["verdicts"]), "problems": tuple(line["problems"])}))
            tell(rows[-1])

    head = _lines([*only, *options], fallback=fallback, read=read)[0]
    expected = ["landlock", "seccomp"] if fallback else ["bubblewrap", "landlock", "seccomp"]
    assert head["walls"] == expected, f"the walls are {head['walls']}"
    assert len(rows) == head["attacks"], f"{len(rows)} of {head['attacks']} attacks came to an end"
    return rows


def run_batch() -> list[str]:
    """What the honest half of a batch got otherwise than alone."""
    found: list[str] = _lines(["--batch"], fallback=False)[0]["problems"]
    return found


def _lines(arguments: Sequence[str], *, fallback: bool, read: Callable[[Any], None] = lambda line: None) -> list[Any]:
    """What `inside` says, a value a line, as it comes. AssertionError with its last words where it did not end well."""
    lines: list[Any] = []
    with tempfile.TemporaryFile("w+") as err:
        options = {"stdout": subprocess.PIPE, "stderr": err, "stdin": subprocess.DEVNULL}
        with throwaway.start(list(arguments), fallback=fallback, **options) as process:
            late = threading.Timer(SECONDS, process.kill)
            late.start()
            try:
                for text in process.stdout or ():
                    lines.append(json.loads(text))
                    read(lines[-1])
            finally:
                late.cancel()
        err.seek(0)
        assert process.returncode == 0, f"exit {process.returncode} after {len(lines)} lines: {err.read()[-3000:]}"
    return lines


def table(boxed: Sequence[Row], fallback: Sequence[Row]) -> str:
    """The page: a section a family, a line an attack; the second column of each only where it differs."""
    other = {row.name: row for row in fallback}
    lines = [_HEAD.format(attacks=len(boxed))]
    family = ""
    for row in boxed:
        if row.family != family:
            family = row.family
            lines += [f"\n## {family}\n", "| attack | what it does | verdict | points | what it came home with |",
                      "|---|---|---|---|---|"]  # fmt: skip
        there = other[row.name]
        got = _cell(row.got)
        if _cell(there.got) != got:
            got += f"<br>*without user namespaces:* {_cell(there.got)}"
        verdicts = ", ".join(row.verdicts)
        if there.verdicts != row.verdicts:
            verdicts += f"<br>*without:* {', '.join(there.verdicts)}"
        lines.append(f"| {row.name} | {_cell(row.sentence)} | {verdicts} | {row.score:g} | {got} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    text = text.replace(str(throwaway.ROOT), "PROJECT").replace(sys.base_prefix, "PYTHON")
    cut = text if len(text) <= 160 else text[:160] + " …"
    return " ".join(cut.translate({ord(sign): f"&#{ord(sign)};" for sign in "\\`*_{}[]<>|#$~&"}).split())


_HEAD = """# What becomes of an attack

{attacks} hostile submissions, each graded like any other, in a throw-away namespace: `python -m tests.escapes --table
docs/escapes.md` makes this page, and our own suite runs every sixth of them. Each has to end without a point that its
answers did not earn, with nothing of ours or of another learner in its report, and with host and run as they were: no
file changed, no process left, nothing heard on a socket, and the next honest submission at its full marks.

The walls are bubblewrap, Landlock and seccomp; then, with user namespaces switched off, Landlock and seccomp alone.
Where the two differ, both are said. GOT is what an attempt returned, REFUSED the exception that it met."""
