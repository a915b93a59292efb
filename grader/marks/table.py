"""grades.csv: a line a submission, a column an exercise. What learners wrote is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from grader.text import csv_cell

from .marks import Mark

HEAD = ("submission", "status", "score", "max_score")


@dataclass(slots=True)
class Table:
    """Made mark by mark. Columns are those of `order` (the course's exercises) that any mark has."""

    order: Sequence[str]
    _lines: list[tuple[list[str], dict[str, float | None]]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(self, mark: Mark) -> None:
        scores = {exercise.name: exercise.score for exercise in mark.exercises}
        self._seen.update(scores)
        self._lines.append(([csv_cell(mark.name), mark.status, number(mark.score), number(mark.max_score)], scores))

    def text(self) -> str:
        """The file. A score that was not given is an empty cell, never a zero."""
        columns = [name for name in self.order if name in self._seen]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*HEAD, *columns])
        for cells, scores in self._lines:
            writer.writerow([*cells, *(number(scores.get(name)) for name in columns)])
        return out.getvalue()


def number(score: float | None) -> str:
    """12, 7.5: as exact as it is, and no more digits than that."""
    return "" if score is None else f"{round(score, 6):.12g}"
