"""`grade batch` as somebody sees it: what is refused, a bar while it runs, a few lines at its end."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from grader import course as courses
from grader.classview.publish import REPORT
from grader.collect.files import shown
from grader.errors import UsageError
from grader.learner import Zygote
from grader.model import Isolation
from grader.pipeline import Grader
from grader.store import Store
from grader.text import clean
from grader.worker.device import CPU, is_gpu

from .parcel import Setup
from .pool import Pool
from .run import FEEDBACK, GRADES, Asked, Batch, Jobs, Tally, opened, setup_of

GPU_JOBS = 4
SHOWN = 10  # faults and notes that are printed
WANTED = "wanted"  # what is noted of what was asked for
STOPPING = "finishing what runs; Ctrl-C again stops at once"
STOPPED_AT_ONCE = "Stopped at once. What was graded is kept, and the same command goes on from there; tables are old."
ALL_GRADED, NOT_ALL, FAULT, NOTHING = 0, 130, 3, 5


@dataclass(frozen=True, slots=True)
class Options:
    """`grade batch` as it was asked for."""

    folder: Path
    out: Path
    wanted: Mapping[str, frozenset[str] | None]
    jobs: int | None = None
    again: bool = False
    db: str | None = None
    budget: float | None = None
    unsandboxed: bool = False
    dask: str | None = None
    audience: str = "learner"  # of the feedback pages; results are for the staff
    device: str = CPU


def grade_batch(options: Options, console: Console) -> int:
    """0: every submission has a grade; 3: some have none, which is our fault; 5: there is none; 130: stopped."""
    known = courses.load()
    environment = Grader(known, Zygote(device=options.device)).environment()
    if environment.isolation is not Isolation.SANDBOXED and not options.unsandboxed:
        raise UsageError(
            "this machine cannot lock submissions down, and a class is other people's code: grade doctor says what is "
            "missing; with --allow-unsandboxed they run all the same"
        )
    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise UsageError(f"--out {shown(options.out)}: lies within the folder of submissions; take one beside it")
    asked = Asked(options.folder, options.out, options.wanted, options.again, options.db)
    setup = setup_of(
        options.wanted, options.device, options.budget, audience=options.audience, unsandboxed=options.unsandboxed
    )
    if is_gpu(options.device):
        console.print(Text(f"On the GPU the walls are weaker: {environment.wall} (docs/gpu.md)", "yellow"))
    with opened(asked) as store:
        _say_if_other(store, setup, options.out, console)
        tally = Tally()
        batch = Batch(asked, known, setup, environment, store, tally)
        seconds = options.budget if options.budget is not None else known.budget.of_submission(known.exercises)
        with _progress(console) as tell, _jobs(options, batch, seconds, console) as jobs:
            tally.tell = tell
            try:
                batch.run(jobs)
            except KeyboardInterrupt:
                console.print(Text(STOPPED_AT_ONCE, "yellow"), highlight=False)
                return NOT_ALL
    _close(console, tally, options.out)
    if tally.total == 0:
        return NOTHING
    return NOT_ALL if tally.stopped else FAULT if tally.faults else ALL_GRADED


def _say_if_other(store: Store, setup: Setup, out: Path, console: Console) -> None:
    """Before anything of another --only is replaced: there is time for Ctrl-C."""
    names = [
        name if tasks is None else f"{name}::{task}" for name, tasks in setup.wanted.items() for task in tasks or [""]
    ]
    now, before = ", ".join(names) or "everything", store.noted(WANTED)
    if before is not None and before != now and store.keys():
        words = (
            f"{shown(out)} was graded for {before} before, now for {now}: all of it is graded anew, in place of that."
        )
        console.print(Text(f"{words} To have both, take two OUTs.", "yellow"), highlight=False)
    store.note(WANTED, now)


@contextlib.contextmanager
def _jobs(options: Options, batch: Batch, seconds: float, console: Console) -> Iterator[Jobs]:
    if options.dask is not None:
        from .cluster import Cluster

        def say(words: str) -> None:
            console.print(Text(words, "yellow"), highlight=False)

        with Cluster(options.dask, batch.setup, lambda: batch.stop, say) as cluster:
            yield cluster
    else:
        with Pool(batch.setup, options.jobs or jobs_for(options.device), seconds, lambda: batch.stop) as pool:
            yield pool


def jobs_for(device: str) -> int:
    """As many as there are cores; on a GPU a few, since every worker takes its share of that one's memory."""
    return min(_cores(), GPU_JOBS) if is_gpu(device) else _cores()


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Callable[[Tally], None]]:
    """A bar with rate and time left on a terminal; in a pipe a line now and then."""
    started = time.monotonic()
    if not console.is_terminal:
        yield _Lines(console, started).tell
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        line = bar.add_task("grading", total=None, rate="")

        def tell(tally: Tally) -> None:
            fresh = tally.done - tally.kept
            rate = f"{60 * fresh / (time.monotonic() - started):.0f} a minute" if fresh else ""
            words = STOPPING if tally.stopping else "grading"
            bar.update(line, completed=tally.done, total=tally.total, rate=rate, description=words)

        yield tell


@dataclass(slots=True)
class _Lines:
    """For a pipe: a line for every tenth that is done."""

    console: Console
    started: float
    _stopping: bool = False

    def tell(self, tally: Tally) -> None:
        tenth = max(1, tally.total // 10)
        if tally.stopping and not self._stopping:
            self._stopping = True
            self.console.print(Text(STOPPING), highlight=False)
        elif tally.done and tally.done % tenth == 0:
            seconds = time.monotonic() - self.started
            self.console.print(Text(f"{tally.done} of {tally.total} after {seconds:.0f} s"), highlight=False)


def _close(console: Console, tally: Tally, out: Path) -> None:
    parts = [f"{tally.graded} graded"]
    parts += [f"{tally.kept} graded before"] if tally.kept else []
    parts += [f"{tally.unreadable} could not be read"] if tally.unreadable else []
    parts += [f"{len(tally.faults)} without a grade by a fault of ours"] if tally.faults else []
    lines = [Text(f"{tally.total} submission{'s' * (tally.total != 1)}: {', '.join(parts)}", "bold")]
    if tally.total == 0:
        lines = [Text("There is no submission: each is a child of the folder, itself a folder, .py, .ipynb or .zip.")]
    lines += [Text(f"· {clean(note, 400, keep_newlines=False)}", "yellow") for note in tally.notes[:SHOWN]]
    lines += [Text(f"! {clean(fault, 400, keep_newlines=False)}", "magenta") for fault in tally.faults[:SHOWN]]
    if tally.stopped:
        lines.append(
            Text(f"Stopped; {tally.total - tally.done} are left. The same command goes on from here.", "yellow")
        )
    lines.append(
        Text(f"Grades: {shown(out / GRADES)} · the class: {shown(out / REPORT)} · feedback: {shown(out / FEEDBACK)}")
    )
    for line in lines:
        console.print(line, highlight=False)
