"""What a teacher does with a graded class: arguments of `grade report`, `grade regrade` and `grade export`.

Neither torch nor pytest is imported here or below: these commands read what is stored, and answer at once.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import course as courses
from .errors import UsageError
from .text import clean

Out = Annotated[Path, typer.Argument(metavar="OUT", help="What grade batch wrote to.")]
Db = Annotated[str | None, typer.Option(metavar="URL", help="The database, where grade batch had another than OUT's.")]
Named = Annotated[list[str] | None, typer.Option(metavar="CHECK", help="Counts for nobody; may be given again.")]


def add(app: typer.Typer) -> None:
    for command in (report, regrade, export):
        app.command()(command)


def report(
    out: Out,
    submissions: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The submissions, to say which are alike.")
    ] = None,
    db: Db = None,
) -> int:
    """The class on one page: scores, tasks, checks, mistakes, whom to look at. Writes OUT/report.html."""
    from .classview.front import write_report

    known = courses.load()
    sources = None if submissions is None else partial(_sources, submissions, known.names)
    return write_report(out, db, known, sources, Console())


def regrade(
    out: Out,
    drop: Named = None,
    points: Annotated[
        list[str] | None, typer.Option(metavar="CHECK=N", help="Is worth N points; may be given again.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last change back.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without it nothing is written.")] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the change; needed to apply it.")] = "",
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; your user name without it.")] = None,
    db: Db = None,
) -> int:
    """What would change if checks counted otherwise, from the stored results; nothing is graded anew."""
    from .classview.front import Regrade, change_points

    asked = Regrade(tuple(drop or ()), tuple(points or ()), undo, apply, why, who if who is not None else _me())
    return change_points(out, db, courses.load(), asked, Console())


def export(
    out: Out,
    format: Annotated[str, typer.Option(metavar="KIND", help="canvas, moodle, csv or json.")] = "csv",
    roster: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV: id, name, lms_id.")] = None,
    late: Annotated[str | None, typer.Option(metavar="POLICY", help='"10%/day, at most 50%".')] = None,
    due: Annotated[str | None, typer.Option(metavar="TIME", help="2026-11-20T23:59+01:00.")] = None,
    times: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV: submission, time.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TITLE", help="The column in Canvas or Moodle.")] = None,
    to: Annotated[str, typer.Option(metavar="FILE", help="Where to write it; - is stdout.")] = "-",
    db: Db = None,
) -> int:
    """Grades for Canvas, for Moodle or as a table, with a roster and a late policy where you give them."""
    from .classview.front import Export, write_export

    asked = Export(format, roster, late, due, times, title, to)
    return write_export(out, db, courses.load(), asked, Console(stderr=True))


def _sources(folder: Path, names: tuple[str, ...], only: str | None) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every submission that can be read, with the name that grade batch gave it."""
    from .batch.children import children

    found, _ = children(folder)
    for child in found:
        try:
            modules = child.read(names, only).modules
        except UsageError:  # the page says which could not be read
            continue
        yield child.name, {name: module.source for name, module in modules.items()}


def _me() -> str:
    try:
        return clean(getpass.getuser(), 100)
    except (OSError, KeyError):  # an account without a name, in many a container
        return "unknown"
