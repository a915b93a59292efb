"""Marks, roster and late policy -> the file that somebody else's program reads: CSV, JSON, Canvas, Moodle.

A cell never begins a formula. Where there is no grade (nothing was handed in, or the fault is ours) an import for
Canvas or Moodle has no line: an empty cell would take away a grade that is already there.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.errors import UsageError
from grader.text import csv_cell

from .late import Policy, hours
from .marks import EXACT, Mark
from .roster import Matched, Student
from .sheets import key
from .table import number

SCHEMA = "grade-export/1"
MISSING = "missing"
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")  # in this order, or Canvas refuses the file
# Canvas takes a column whose name has one of these in it for one of its own totals, and leaves it out without a word.
_TOTALS = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `student` None: there is no roster; `mark` None: nothing was handed in."""

    student: Student | None
    mark: Mark | None
    late: timedelta | None = None  # None: in time, or not known
    penalty: float = 0.0

    @property
    def status(self) -> str:
        return MISSING if self.mark is None else self.mark.status

    @property
    def score(self) -> float | None:
        return None if self.mark is None else self.mark.score

    @property
    def final(self) -> float | None:
        """What counts, lateness taken off."""
        return None if self.score is None else round(self.score * (1 - self.penalty), EXACT)


@dataclass(frozen=True, slots=True)
class Lateness:
    """`times`: see late.times."""

    policy: Policy
    due: datetime
    times: Mapping[str, datetime]


def entries(matched: Matched, lateness: Lateness | None) -> tuple[list[Entry], list[str]]:
    """(a line for everybody, names whose time is not known: they count as in time)."""
    made, unknown = [], []
    for student, mark in matched.pairs:
        late, penalty = None, 0.0
        if mark is not None and lateness is not None:
            when = _time(student, mark, lateness.times)
            if when is None:
                unknown.append(mark.name)
            elif when > lateness.due:
                late = when - lateness.due
                penalty = lateness.policy.penalty(late)
        made.append(Entry(student if student.line else None, mark, late, penalty))
    return made, unknown


def without_roster(marks: Iterable[Mark]) -> Matched:
    return Matched(tuple((Student("", mark.name), mark) for mark in marks), ())


def as_csv(lines: Sequence[Entry], exercises: Sequence[str]) -> str:
    named = any(line.student is not None for line in lines)
    who = ("id", "name", "lms_id") if named else ()
    head = (*who, "submission", "status", "score", "max_score", "late_hours", "penalty_percent", "final")
    return _sheet((*head, *exercises), (_cells(line, exercises, named) for line in lines))


def as_json(lines: Sequence[Entry], title: str) -> str:
    made = {"schema": SCHEMA, "title": title, "grades": [_object(line) for line in lines]}
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def as_canvas(lines: Sequence[Entry], title: str, most: float) -> str:
    """Canvas, Grades > Import. `title`: "Exercises (12345)" for an assignment that is there; another one is made."""
    if total := _TOTALS.search(title):
        raise UsageError(
            f"--title: Canvas takes a column with {total[0]!r} in its name for a total of its own, and imports none of "
            "it; name the assignment otherwise"
        )
    if not title.strip() or title.strip() in CANVAS:
        raise UsageError(f"--title {title!r}: this is no name of an assignment")
    rows = [["    Points Possible", "", "", "", "", number(most)]]
    for line, student in _graded(lines):
        if student.lms_id and not re.fullmatch(r"\d{1,30}", student.lms_id):
            raise UsageError(
                f"line {student.line} of the roster: the lms_id {student.lms_id!r} of {student.name} is no ID of "
                "Canvas: that is a number; an empty cell is fine, then the id is taken as the SIS User ID"
            )
        if "points possible" in student.name.casefold():
            raise UsageError(f"line {student.line} of the roster: Canvas would not take {student.name!r} for a student")
        cells = (student.name, student.lms_id, student.id, student.login, student.section)
        rows.append([*map(csv_cell, cells), number(_cents(line.final))])
    return _sheet((*CANVAS, csv_cell(title)), rows)


def as_moodle(lines: Sequence[Entry], title: str) -> str:
    """Moodle, Grades > Import > CSV file: map "ID number" to the ID number (or "Email address") and the last column."""
    graded = list(_graded(lines))
    mailed = any(student.email for _, student in graded)
    head = ["ID number", "Full name", *(["Email address"] if mailed else []), csv_cell(title)]
    rows = []
    for line, student in graded:
        mail = [csv_cell(student.email)] if mailed else []
        rows.append([csv_cell(student.id), csv_cell(student.name), *mail, number(_cents(line.final))])
    return _sheet(head, rows)


def _graded(lines: Iterable[Entry]) -> Iterable[tuple[Entry, Student]]:
    return ((line, line.student) for line in lines if line.student is not None and line.final is not None)


def _cells(line: Entry, exercises: Sequence[str], named: bool) -> list[str]:
    student = line.student or Student("", "")
    who = [csv_cell(cell) for cell in (student.id, student.name, student.lms_id)] if named else []
    mark = line.mark
    scores = {} if mark is None else {exercise.name: exercise.score for exercise in mark.exercises}
    return [
        *who,
        csv_cell(mark.name) if mark else "",
        line.status,
        number(line.score),
        number(mark.max_score) if mark else "",
        number(hours(line.late)) if line.late else "",
        number(100 * line.penalty) if line.late else "",
        number(line.final),
        *(number(scores.get(name)) for name in exercises),
    ]


def _object(line: Entry) -> dict[str, object]:
    student, mark = line.student, line.mark
    return {
        "id": student.id if student else None,
        "name": student.name if student else None,
        "lms_id": (student.lms_id or None) if student else None,
        "submission": mark.name if mark else None,
        "status": line.status,
        "score": line.score,
        "max_score": mark.max_score if mark else None,
        "late_hours": hours(line.late) if line.late else None,
        "penalty_percent": round(100 * line.penalty, EXACT),
        "final": line.final,
        "exercises": {} if mark is None else {exercise.name: exercise.score for exercise in mark.exercises},
    }


def of_nobody(matched: Matched, known: Mapping[str, datetime]) -> list[str]:
    """Times that are no submission's and no student's: a name that is written otherwise, perhaps."""
    names = {key(name) for student, mark in matched.pairs for name in _names(student, mark)}
    return sorted(set(known) - names - {key(mark.name) for mark in matched.strangers})


def _time(student: Student, mark: Mark, known: Mapping[str, datetime]) -> datetime | None:
    return next((known[key(name)] for name in _names(student, mark) if key(name) in known), None)


def _names(student: Student, mark: Mark | None) -> list[str]:
    names = (mark.name if mark else "", student.id, student.login, student.email, student.lms_id)
    return [name for name in names if name]


def _cents(score: float | None) -> float | None:
    """Two digits: more than that the gradebooks do not show, and cut in ways of their own."""
    return None if score is None else round(score, 2)


def _sheet(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
