"""What lies in OUT beside the results and can be made again at any time: grades.csv and report.html."""

from __future__ import annotations

from pathlib import Path

from grader.course import Course
from grader.marks import read
from grader.marks.edits import in_force
from grader.marks.regrade import told
from grader.marks.table import Table
from grader.store import Store
from grader.workspace import write_text

from .alike import Likeness
from .memory import recall
from .page import render
from .summary import Summary

GRADES, REPORT = "grades.csv", "report.html"


def publish(out: Path, store: Store, course: Course, likeness: Likeness | None = None) -> Summary:
    """Write both anew, with every change in force. Raises OSError where that cannot be done.

    `likeness` None: what was found the last time that somebody compared.
    """
    summary, table = Summary(), Table(course.names)
    for mark in read(store):
        summary.add(mark)
        table.add(mark)
    write_text(out / GRADES, table.text())
    write_text(out / REPORT, _page(summary, store, course, likeness))
    return summary


def report_page(store: Store, course: Course, likeness: Likeness | None = None) -> str:
    """The page about the class."""
    return _page(Summary.of(read(store)), store, course, likeness)


def _page(summary: Summary, store: Store, course: Course, likeness: Likeness | None) -> str:
    changes = [
        (f"{change.at:%Y-%m-%d %H:%M} UTC", change.who, change.why, told(change))
        for _, change in in_force(store.changes())
    ]
    likeness = likeness if likeness is not None else recall(store)
    titles = {exercise.name: exercise.title for exercise in course.exercises}
    return render(summary, course.title, titles, changes, likeness)
