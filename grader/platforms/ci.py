"""`grade ci`: what a job calls. Grades the checkout, tells it in the job's own ways, ends with the code of `grade run`.

On GitHub: step summary, annotations, outputs. Elsewhere the log has it, and JUnit or JSON whatever reads those. What a
learner wrote cannot speak to the runner: it is escaped, and printed where the runner is told to listen to nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from grader import score
from grader.collect import Submission, collect
from grader.course import Course
from grader.errors import UsageError
from grader.model import Environment, Isolation, Report
from grader.report import junit, record, terminal, words
from grader.report.redact import Audience, redact
from grader.workspace import write_text

from . import classroom, formats, github
from .grading import graded

RENDERERS = {"json": record.render, "junit": junit.render}
_DEFINED = re.compile(r"^(?:async +def|def|class) +(\w+)", re.MULTILINE | re.ASCII)
WIDTH = 100  # columns of a log, which says none of its own


@dataclass(frozen=True, slots=True)
class Job:
    """`grade ci` as it was asked for. `targets`: json, junit or a kind of formats.FORMATS -> file."""

    chosen: Mapping[str, frozenset[str] | None]
    submission: Path | None
    targets: Mapping[str, str]
    audience: Audience = Audience.LEARNER
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Host:
    """Where this job runs. `summary` and `output`: files of GitHub's that are appended to."""

    github: bool
    checkout: Path
    summary: Path | None = None
    output: Path | None = None


def host(environment: Mapping[str, str], here: Path) -> Host:
    """GitHub (and what imitates it, as Gitea does), GitLab, or none of them: then the checkout is this folder."""
    if environment.get("GITHUB_ACTIONS") == "true":
        place = Path(environment.get("GITHUB_WORKSPACE") or here)
        return Host(True, place, _file(environment, "GITHUB_STEP_SUMMARY"), _file(environment, "GITHUB_OUTPUT"))
    return Host(False, Path(environment.get("CI_PROJECT_DIR") or here))


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def run(course: Course, job: Job) -> int:
    """Raises UsageError where there is nothing to read, or a file cannot be written."""
    around = host(os.environ, Path.cwd())
    place = job.submission if job.submission is not None else Path.cwd()
    only = next(iter(job.chosen)) if len(job.chosen) == 1 else None
    submission = collect(place, course.names, only)
    whole = graded(course, submission, job.chosen, device=job.device)
    report = redact(whole, job.audience)
    with _nobody_listens(around):
        terminal.render(report, Console(width=None if sys.stdout.isatty() else WIDTH))
    sys.stdout.write(told(around, report, files(around, place, submission)))
    sys.stdout.flush()
    _append(around.summary, lambda size: github.summary(report, github.SUMMARY - size))
    _append(around.output, lambda size: _outputs(report, size))
    _write(whole, report, job.targets)  # last: one that takes no fault of ours ends the command
    return score.exit_code(report)


@contextlib.contextmanager
def _nobody_listens(around: Host) -> Iterator[None]:
    """GitHub takes lines of the log for commands, but not before it reads the token that nobody can guess."""
    token = secrets.token_hex(16)
    if around.github:
        sys.stdout.write(f"::stop-commands::{token}\n")
        sys.stdout.flush()
    try:
        yield
    finally:
        sys.stdout.flush()
        if around.github:
            sys.stdout.write(f"\n::{token}::\n")
            sys.stdout.flush()


def told(around: Host, report: Report, places: Mapping[str, github.File]) -> str:
    """What the log ends with: annotations on GitHub, a line with the points anywhere else."""
    walls = list(_of_isolation(report.environment))
    if around.github:
        lines = [*github.annotate(report, places)]
        lines += [github.command("warning", wall, title="Isolation") for wall in walls]
    else:
        points = f"{words.points(report.score)} of {words.points(report.max_score)} points"
        lines = [words.NO_GRADE if report.faulty else points, *walls]
    return "\n".join(lines) + "\n"


def _of_isolation(around: Environment) -> Iterator[str]:
    """What whoever runs the job has to know of the walls around the code."""
    if around.isolation is not Isolation.SANDBOXED:
        yield f"This code was not locked down: {around.wall}. Keep secrets out of this job."
    elif around.device != "cpu":
        yield f"On the GPU the walls around this code were weaker: {around.wall}. Keep secrets out of this job."


def files(around: Host, place: Path, submission: Submission) -> dict[str, github.File]:
    """Exercise -> its file as the repository names it. None of a zip, or of what lies outside of the checkout."""
    here = place.resolve()
    if not here.is_relative_to(around.checkout.resolve()):
        return {}
    below = here.relative_to(_repository(here, around.checkout.resolve()))
    found: dict[str, github.File] = {}
    for name, module in submission.modules.items():
        path = below if place.is_file() else below / module.filename
        if not place.is_file() or place.suffix.lower() in {".py", ".ipynb"}:
            tasks = {hit[1]: module.source.count("\n", 0, hit.start()) + 1 for hit in _DEFINED.finditer(module.source)}
            found[name] = github.File(path.as_posix(), module.line_map is None, tasks)
    return found


def _repository(place: Path, checkout: Path) -> Path:
    """The root of the repository: GitHub looks for annotated files from there, wherever below it was checked out."""
    within = (folder for folder in (place, *place.parents) if folder.is_relative_to(checkout))
    return next((folder for folder in within if (folder / ".git").exists()), checkout)


def _outputs(report: Report, size: int) -> str:
    lines = [f"{name}={text}\n" for name, text in github.outputs(report).items()]
    encoded = f"result={classroom.encoded(classroom.classic(report))}\n"
    if size + len(encoded) < github.SUMMARY // 2:  # GitHub counts outputs in UTF-16, 1 MiB a job
        lines.append(encoded)
    return "".join(lines)


def _append(file: Path | None, text: Callable[[int], str]) -> None:
    """`text`: what to add, given the bytes that are there already."""
    if file is None:
        return
    try:
        size = file.stat().st_size if file.exists() else 0
        with file.open("a", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text(size))
    except OSError as error:
        raise UsageError(f"{file}: the job's own file cannot be written ({error.strerror})") from error


def _write(whole: Report, report: Report, targets: Mapping[str, str]) -> None:
    renderers = {**RENDERERS, **formats.FORMATS}
    for kind, target in targets.items():
        try:
            write_text(Path(target), renderers[kind](whole if kind in formats.TOLD_BY_TIME else report))
        except OSError as error:
            raise UsageError(f"{kind}: {target} cannot be written: {error.strerror}") from error
