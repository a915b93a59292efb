"""A health record as a page for the terminal."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

import torch
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from grader.model import Isolation
from grader.text import clean

from .probe import Health

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
    rows = [
        (found.held, found.what, found.detail if found.held else f"{found.detail}: {found.advice}")
        for found in health.findings
    ]
    yield _rows("A submission here …", rows)
    yield Text()
    open_doors = sum(not finding.held for finding in health.findings)
    words = _VERDICTS[health.isolation]
    if health.isolation is Isolation.SANDBOXED and open_doors:
        words += f", with {open_doors} thing{'s' if open_doors > 1 else ''} to know: see above and SECURITY.md"
    yield Text.assemble("Isolation: ", (f"{health.isolation}", "bold"), f" · {words}")


def _machine() -> str:
    system = f"{platform.system()} {platform.release()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cuda = f"CUDA {torch.version.cuda}, {torch.cuda.device_count()} devices" if torch.cuda.is_available() else "no CUDA"
    return f"{system} · {cores} cores · Python {platform.python_version()} · torch {torch.__version__} · {cuda}"


def _rows(title: str, rows: list[tuple[bool, str, str]]) -> Table:
    """Signs that need no colour, wrapped at whatever width there is."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=2, overflow="fold")
    table.add_column(ratio=3, style="dim", overflow="fold")
    for good, what, words in rows:
        sign = Text("✓", "green") if good else Text("✗", "bold red")
        table.add_row(sign, Text(what), Text(clean(words, 400, keep_newlines=False)))
    return table
