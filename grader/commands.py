"""What each command does, once its arguments are understood: rooms are called in order and their results handed on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from . import course as courses
from .collect import collect
from .course import Course
from .errors import UsageError
from .model import CheckResult, CheckSpec, Report
from .status import render as render_map
from .workspace import recall, remember, write_text

STDOUT = "-"
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Run:
    """`grade run` as it was asked for. `targets`: kind of output -> file, "-" or None."""

    what: tuple[str, ...]
    submission: Path | None
    targets: Mapping[str, str | None]
    debug: bool = False
    audience: str = "staff"
    device: str = "cpu"


def status_of(folder: Path) -> int:
    """The map of the course for this folder. Reads, never runs."""
    known = courses.load()
    modules = collect(folder, known.names).modules
    render_map(known, {name: module.source for name, module in modules.items()}, recall(folder), Console())
    return 0


def grade(run: Run) -> int:
    """Grade one submission, write what was asked for, show the rest."""
    reader, device = _reader(run.audience), device_of(run.device)
    known = courses.load()
    chosen = chosen_of(known, run.what)
    if list(run.targets.values()).count(STDOUT) > 1:
        raise UsageError("only one of --json, --html and --junit can be written to stdout")
    place = run.submission if run.submission is not None else Path.cwd()
    submission = collect(place, known.names, next(iter(chosen)) if len(chosen) == 1 else None)
    console = Console(stderr=STDOUT in run.targets.values())
    if run.debug:
        console.print("Debug mode: your code runs in this process. This is not the graded mode.", style="yellow")

    from .learner import Zygote

    zygote = None if run.debug else Zygote(device=device).start()  # it imports torch while we do
    try:
        if zygote is None:
            from .worker.device import prepare

            prepare(device, known.budget.worker.gpu_bytes)
        from . import pipeline, score
        from .checker.shelf import Shelf
        from .report import terminal

        graded = pipeline.Wanted(chosen)
        with _progress(console, quiet=run.debug) as (starts, tell):
            grader = pipeline.Grader(known, zygote, device, Shelf.of_user())
            whole = grader.grade(submission, wanted=graded, tell=tell, starts=starts)
    finally:
        if zygote is not None:
            zygote.close()
    from .report.redact import Audience, redact

    report = redact(whole, Audience(reader))
    try:
        _write(report, run.targets)
    finally:  # after the files: whoever reads along may have closed the pipe (`| head`)
        terminal.render(report, console)
    if run.submission is None and not run.debug and not report.faulty:
        remember(place, report, {name: module.source for name, module in submission.modules.items()})
    return score.exit_code(report)


def grade_class(
    folder: Path, out: Path, only: tuple[str, ...], jobs: int | None, again: bool, db: str | None,
    budget: float | None, unsandboxed: bool, dask: str | None, audience: str, device: str,
) -> int:  # fmt: skip
    """`grade batch`."""
    from .batch.front import Options, grade_batch

    chosen = chosen_of(courses.load(), only)
    where = device_of(device, here=dask is None)
    return grade_batch(
        Options(folder, out, chosen, jobs, again, db, budget, unsandboxed, dask, _reader(audience), where), Console()
    )


def grade_in_ci(
    what: tuple[str, ...],
    submission: Path | None,
    targets: Mapping[str, str | None],
    also: tuple[str, ...],
    reader: str,
    device: str,
) -> int:
    """`grade ci`."""
    from .platforms import ci, formats
    from .report.redact import Audience

    known, audience = courses.load(), Audience(_reader(reader))
    wanted = {kind: file for kind, file in targets.items() if file is not None} | formats.wished(also)
    return ci.run(known, ci.Job(chosen_of(known, what), submission, wanted, audience, device_of(device)))


def keep_watch(what: tuple[str, ...]) -> int:
    """`grade watch` of this folder."""
    from .watch import watch

    known = courses.load()
    return watch(known, chosen_of(known, what), Path.cwd(), Console())


def _reader(word: str) -> str:
    from .report.redact import Audience

    if word not in set(Audience):
        raise UsageError(f"--audience {word!r}: there are {', '.join(Audience)}")
    return word


def device_of(word: str, *, here: bool = True) -> str:
    """The device of --device. Raises UsageError where there is none of that name, or where `here` has no such GPU."""
    if word not in DEVICES:
        raise UsageError(
            f"--device {word!r}: there are {' and '.join(DEVICES)}; CUDA_VISIBLE_DEVICES=1 takes another GPU"
        )
    if word != DEVICES[0] and here:
        from .learner import gpu

        if missing := gpu.why_not(gpu.facts()):
            raise UsageError(f"--device {word}: {missing}. grade doctor tells what there is.")
    return word


def chosen_of(known: Course, what: tuple[str, ...]) -> dict[str, frozenset[str] | None]:
    """WHAT… -> exercise -> its tasks, or None for all of them."""
    chosen: dict[str, frozenset[str] | None] = {}
    for word in what:
        exercise, task = known.select(word)
        before = chosen.get(exercise, frozenset())
        chosen[exercise] = None if task is None or before is None else before | {task}
    return chosen


def _write(report: Report, targets: Mapping[str, str | None]) -> None:
    from .report import html, junit, record

    renderers = {"json": record.render, "html": html.render, "junit": junit.render}
    for kind, target in targets.items():
        if target is None:
            continue
        text = renderers[kind](report)
        if target == STDOUT:
            sys.stdout.write(text)
            sys.stdout.flush()
            continue
        try:
            write_text(Path(target), text)
        except OSError as error:
            raise UsageError(f"--{kind} {target}: cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _progress(
    console: Console, *, quiet: bool
) -> Iterator[tuple[Callable[[str, CheckSpec], None], Callable[[str, CheckResult], None]]]:
    """A line that stays in place while checks run, on a terminal; nothing in a pipe."""
    if quiet or not console.is_terminal:
        yield lambda exercise, check: None, lambda exercise, result: None
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        line = progress.add_task("starting", total=None)
        done = 0

        def starts(exercise: str, check: CheckSpec) -> None:
            progress.update(line, description=f"{exercise}::{check.task} · {check.title}"[:70])

        def tell(exercise: str, result: CheckResult) -> None:
            nonlocal done
            done += 1
            progress.update(line, completed=done)

        yield starts, tell


def write_release(
    kind: str, what: tuple[str, ...], folder: Path, *, modules: bool = False, late: str | None = None,
    limit: str | None = None,
) -> int:  # fmt: skip
    """`grade release KIND`: whole exercises, all of them where none is named."""
    from .platforms.releases import Wish, release

    known = courses.load()
    chosen = chosen_of(known, what) or dict.fromkeys(known.names)
    if any(tasks is not None for tasks in chosen.values()):
        raise UsageError("a release is of whole exercises: leave out the task")
    for line in release(kind, Wish(known, tuple(chosen), folder, modules, late, limit)):
        Console().print(line, highlight=False, markup=False, soft_wrap=True)
    return 0
