"""A health record as a page for the terminal."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence

import torch
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from grader.model import Isolation
from grader.text import clean

from .probe import Finding, Health

_VERDICTS = {
    Isolation.SANDBOXED: "strangers can be graded here",
    Isolation.PROCESS: "fine for grading yourself and people you trust; grade no strangers here",
    Isolation.NONE: "nothing is kept apart",
}


def render(health: Health) -> Iterator[RenderableType]:
    """What there is, what a submission cannot do here, and what follows from it."""
    yield Text.assemble(("This machine  ", "bold"), _machine())
    yield Text()
    yield _rows("Walls", [(wall.there, wall.name, wall.words) for wall in health.walls])
    yield Text()
    yield _rows("A submission here …", _told(health.findings))
    yield Text()
    if health.gpu:
        yield _rows("GPU", [(wall.there or None, wall.name, wall.words) for wall in health.gpu])
        yield Text()
    if health.on_gpu:
        yield _rows("A submission on the GPU …", _told(health.on_gpu))
        yield Text()
    open_doors = sum(not finding.held for finding in health.findings)
    words = _VERDICTS[health.isolation]
    if health.isolation is Isolation.SANDBOXED and open_doors:
        words += f", with {open_doors} thing{'s' if open_doors > 1 else ''} to know: see above and SECURITY.md"
    yield Text.assemble("Isolation: ", (f"{health.isolation}", "bold"), f" · {words}")


def _machine() -> str:
    system = f"{platform.system()} {platform.release()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{system} · {cores} cores · Python {platform.python_version()} · torch {torch.__version__}"


def _told(findings: Iterable[Finding]) -> list[tuple[bool | None, str, str]]:
    return [
        (found.held, found.what, found.detail if found.held else f"{found.detail}: {found.advice}")
        for found in findings
    ]


def _rows(title: str, rows: Sequence[tuple[bool | None, str, str]]) -> Table:
    """Signs that need no colour, wrapped at whatever width there is; None: not there, and nobody has to mind."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=2, overflow="fold")
    table.add_column(ratio=3, style="dim", overflow="fold")
    for good, what, words in rows:
        sign = Text("–", "dim") if good is None else Text("✓", "green") if good else Text("✗", "bold red")
        table.add_row(sign, Text(what), Text(clean(words, 400, keep_newlines=False)))
    return table
