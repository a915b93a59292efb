"""`grade report`, `grade regrade` and `grade export` as somebody sees them: what is read, said and written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as Lines
from rich.text import Text

from grader.collect.files import shown
from grader.course import Course
from grader.errors import UsageError
from grader.marks import Mark, export, late, read, regrade
from grader.marks import roster as rosters
from grader.marks.place import opened
from grader.store import Store
from grader.text import clean
from grader.workspace import write_text

from .alike import Likeness, compare
from .memory import remember
from .publish import REPORT, publish, report_page

LISTED = 20  # lines of a table on a terminal
FORMATS = ("canvas", "moodle", "csv", "json")
STDOUT = "-"
# The texts of every submission by exercise. Given the one exercise that a file may be of whose name says none.
Sources = Callable[[str | None], Iterable[tuple[str, Mapping[str, str]]]]


@dataclass(frozen=True, slots=True)
class Regrade:
    """`grade regrade` as it was asked for."""

    drop: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    undo: bool = False
    apply: bool = False
    why: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """`grade export` as it was asked for. `to`: a file, or "-"."""

    format: str = "csv"
    roster: Path | None = None
    late: str | None = None
    due: str | None = None
    times: Path | None = None
    title: str | None = None
    to: str = STDOUT


def write_report(out: Path, db: str | None, course: Course, sources: Sources | None, console: Console) -> int:
    """`sources`: of the submissions, where somebody wants to know which are alike."""
    likeness: Likeness | None = None
    with opened(out, db) as store:
        if sources is not None:
            stubs = {name: course.stub_file(name).read_text("utf-8") for name in course.names}
            likeness = compare(sources(_only(store)), stubs)
            remember(store, likeness)
        page = report_page(store, course, likeness)
    _write(out / REPORT, page)
    if likeness is not None:
        _say(console, f"Pairs of submissions that are conspicuously alike: {len(likeness.pairs)}")
    _say(console, f"Report: {shown(out / REPORT)}")
    return 0


def _only(store: Store) -> str | None:
    """The exercise that the class was graded for, where it is one alone: whatever its files are called."""
    names = {exercise.name for mark in read(store) for exercise in mark.exercises}
    return names.pop() if len(names) == 1 else None


def change_points(out: Path, db: str | None, course: Course, asked: Regrade, console: Console) -> int:
    wish = regrade.Wish(asked.drop, tuple(regrade.points(text) for text in asked.points))
    if asked.undo == bool(wish.drop or wish.points):
        raise UsageError("say what to change: --drop CHECK and --points CHECK=N, as often as you like, or --undo alone")
    if asked.apply and not asked.why.strip():
        raise UsageError("--apply needs --why TEXT: whoever asks about a grade later will want to read it")
    with opened(out, db, alone=asked.apply) as store:
        if asked.undo:
            found, number, change = regrade.outcome_of_undo(store)
            _say(console, f"takes back what {change.who} changed on {change.at:%Y-%m-%d %H:%M} UTC: {change.why}")
            for line in regrade.told(change):
                _say(console, f"· not any more: {line}")
        else:
            made = regrade.plan(wish, regrade.catalogue(store.rows()))
            for name, edit in made.items():
                _say(console, f"· {regrade.said(name, edit)}")
            found = regrade.outcome(store, made)
            waiting = regrade.unanswered(found, made)
            if waiting:
                _say(console, f"! {waiting} submissions have checks beside it that were never run; they stay so")
        _tell(found, console)
        if not asked.apply:
            _say(console, "Nothing was written. With --apply --why TEXT it is, and --undo takes it back.")
            return 0
        if asked.undo:
            regrade.take_back(store, number, asked.who, asked.why)
        else:
            regrade.decide(store, made, asked.who, asked.why)
        try:
            publish(out, store, course)
        except OSError as error:
            words = "the change is kept, but the tables cannot be written"
            raise UsageError(f"{shown(out)}: {words}: {error.strerror}; grade report OUT tries again") from None
    _say(console, f"Written down, by {asked.who}. Tables: {shown(out)}; results and feedback stay as they were graded.")
    return 0


def write_export(out: Path, db: str | None, course: Course, asked: Export, console: Console) -> int:
    """`console` is stderr's where the file goes to stdout."""
    if asked.format not in FORMATS:
        raise UsageError(f"--format {clean(asked.format, 50)}: there is {', '.join(FORMATS)}")
    if asked.roster is None and asked.format in ("canvas", "moodle"):
        raise UsageError(f"--format {asked.format} needs --roster FILE: a CSV with the columns id, name and lms_id")
    lateness = _lateness(asked)
    students = None if asked.roster is None else rosters.roster(asked.roster)
    with opened(out, db) as store:
        marks = list(read(store))
    matched = export.without_roster(marks) if students is None else rosters.match(students, marks)
    lines, unknown = export.entries(matched, lateness)
    text = _exported(asked, lines, marks, course)
    if asked.to == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        _write(Path(asked.to), text)
    _names(console, "not on the roster, and not in the file", [mark.name for mark in matched.strangers])
    _names(console, "without a submission", [line.student.name for line in lines if line.student and not line.mark])
    _names(console, "without a grade, by a fault of ours", [mark.name for mark in marks if mark.score is None])
    _names(console, "without a known time, taken as in time", unknown)
    if lateness is not None:
        _names(console, "times are of nobody here", export.of_nobody(matched, lateness.times))
    late_ones = [f"{line.mark.name} {100 * line.penalty:g} %" for line in lines if line.mark and line.penalty]
    _names(console, "lose points for being late", late_ones)
    there = [line for line in lines if line.final is not None or asked.format in ("csv", "json")]
    _say(console, f"{len(there)} lines" + ("" if asked.to == STDOUT else f": {shown(Path(asked.to))}"))
    return 0


def _exported(asked: Export, lines: list[export.Entry], marks: list[Mark], course: Course) -> str:
    title = asked.title if asked.title is not None else course.title
    seen = {exercise.name for mark in marks for exercise in mark.exercises}
    if asked.format == "csv":
        return export.as_csv(lines, [name for name in course.names if name in seen])
    if asked.format == "json":
        return export.as_json(lines, title)
    if asked.format == "moodle":
        return export.as_moodle(lines, title)
    return export.as_canvas(lines, title, max((mark.max_score for mark in marks), default=0.0))


def _lateness(asked: Export) -> export.Lateness | None:
    if asked.late is None:
        if asked.due is not None or asked.times is not None:
            raise UsageError(f"--due and --times go with --late POLICY, as in {late.EXAMPLES}")
        return None
    policy = late.policy(asked.late)
    if asked.due is None or asked.times is None:
        raise UsageError("--late needs --due TIME and --times FILE: a CSV with the columns submission and time")
    until = late.due(asked.due)
    return export.Lateness(policy, until, late.times(asked.times, until))


def _tell(found: regrade.Outcome, console: Console) -> None:
    before, after = found.means
    up, down = found.up_and_down
    changed = found.changed
    _say(
        console,
        f"{len(changed)} of {len(found.pairs)} submissions change, {up} to a larger share of all points, {down} to a "
        f"smaller one; mean {100 * before:.1f} % → {100 * after:.1f} %",
    )
    if not changed:
        return
    table = Lines("submission", box=None)
    for column in ("before", "after"):
        table.add_column(column, justify="right", no_wrap=True)
    for old, new in changed[:LISTED]:
        table.add_row(Text(clean(new.name, 60, keep_newlines=False)), _worth(old), _worth(new))
    console.print(table)
    if len(changed) > LISTED:
        _say(console, f"and {len(changed) - LISTED} more")


def _worth(mark: Mark) -> Text:
    if mark.score is None:
        return Text("no grade")
    return Text(f"{round(mark.score, 2):g} of {round(mark.max_score, 2):g} ({100 * regrade.share(mark):.0f} %)")


def _names(console: Console, words: str, names: list[str]) -> None:
    if names:
        some = ", ".join(clean(name, 60, keep_newlines=False) for name in names[:LISTED])
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        _say(console, f"· {len(names)} {words}: {some}{more}")


def _say(console: Console, text: str) -> None:
    console.print(Text(clean(text, 4000, keep_newlines=False)), highlight=False, soft_wrap=True)


def _write(file: Path, text: str) -> None:
    try:
        write_text(file, text)
    except OSError as error:
        raise UsageError(f"{shown(file)}: cannot be written: {error.strerror}") from None
