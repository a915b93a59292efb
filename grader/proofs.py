"""`grade verify` and `grade doctor`: what proves the checks, and what tries the machine."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from . import course as courses
from .commands import chosen_of
from .errors import UsageError
from .workspace import write_text


@contextlib.contextmanager
def _progress_of(console: Console, words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that says how many of how many are done, on a terminal."""
    with Progress(
        SpinnerColumn(), TextColumn(words), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as bar:
        line = bar.add_task("", total=None)
        yield lambda done, of: bar.update(line, completed=done, total=of)


def prove(what: tuple[str, ...], *, mutants: bool = False, page: Path | None = None) -> int:
    """`grade verify`: the kill matrix, and exit 0 only where everything is proved. A page has the mutants in it."""
    from .author.matrix import mutant_lines, tables
    from .author.page import render
    from .author.survivors import Siege, besiege
    from .author.verify import Proof, verify
    from .learner import Zygote
    from .pipeline import Grader

    known = courses.load()
    chosen = chosen_of(known, what) or dict.fromkeys(known.names)
    if page is not None and any(tasks is not None for tasks in chosen.values()):
        raise UsageError("--matrix is about whole exercises: leave out the task")
    console = Console()
    zygote = Zygote().start()
    gc.collect()
    gc.freeze()  # what is loaded stays: else every known mistake waits while torch is searched for garbage
    faults = mistakes = checks = 0
    published: dict[str, tuple[Proof, Siege]] = {}
    try:
        for name, tasks in chosen.items():
            for task in sorted(tasks) if tasks is not None else [None]:
                with console.status(name) as spinner:
                    proof = verify(Grader(known, zygote), known.exercise(name), task=task, tell=spinner.update)
                for part in tables(proof):
                    console.print(part, highlight=False)
                faults += len(proof.faults)
                mistakes += len(proof.rows)
                checks += len(proof.checks)
                if mutants or page is not None:
                    with _progress_of(console, f"{name}: mutants") as count:
                        siege = besiege(
                            known, known.exercise(name), task=task, every_check=page is not None, tell=count
                        )
                    for line in mutant_lines(siege):
                        console.print(line, highlight=False, soft_wrap=True)
                    faults += len(siege.faults)
                    published[name] = proof, siege
    finally:
        zygote.close()
    if page is not None:
        before = page.read_text("utf-8") if page.is_file() else ""
        write_text(page, render(known, published, before))
    console.print(f"{checks} checks, {mistakes} known mistakes, {faults} things not proved", highlight=False)
    return 1 if faults else 0


def examine_machine() -> int:
    """`grade doctor`: exit 0 only where strangers can be graded. A GPU need not be there."""
    from .doctor import examine, gpu_rows, render, try_gpu
    from .learner import Zygote, gpu

    console = Console()
    found = gpu.facts()
    zygotes = [Zygote().start(), *([] if gpu.why_not(found) else [Zygote(device="cuda").start()])]
    try:
        with console.status("trying what a submission could do here") as spinner:
            health = examine(zygotes[0], lambda finding: spinner.update(finding.what))
            there = [try_gpu(zygote, lambda finding: spinner.update(finding.what)) for zygote in zygotes[1:]]
    finally:
        for zygote in zygotes:
            zygote.close()
    health = replace(health, gpu=gpu_rows(found), on_gpu=there[0] if there else ())
    for part in render(health):
        console.print(part, highlight=False)
    return 0 if health.sound else 1
