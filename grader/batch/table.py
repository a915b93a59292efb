"""grades.csv: a line a submission, a column an exercise. What learners wrote is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from grader.store import Row
from grader.text import csv_cell

HEAD = ("submission", "status", "score", "max_score")


def table(rows: Iterable[Row], exercises: Sequence[str]) -> str:
    """The text of the file. A score that was not given is an empty cell, never a zero."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*HEAD, *exercises])
    for row in rows:
        scores = scores_of(row.record)
        cells = [number(scores.get(name)) for name in exercises]
        writer.writerow([csv_cell(row.name), row.status, number(row.score), number(row.max_score), *cells])
    return out.getvalue()


def scores_of(record: str) -> dict[str, float | None]:
    """Exercise -> points, of a record; None where the fault is ours."""
    known = json.loads(record) if record else {"exercises": []}
    return {exercise["name"]: exercise["score"] for exercise in known["exercises"]}


def number(score: float | None) -> str:
    """12, 7.5: as exact as it is, and no more digits than that."""
    return "" if score is None else f"{round(score, 6):g}"
