"""What the gradebook knows of a notebook: the cells that were handed out. A submission cannot write there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .names import Mark, mark_in


@dataclass(frozen=True, slots=True)
class Given:
    """A cell as it was handed out. `points` is None where it has none; `by_hand`: a "manually graded task"."""

    name: str
    source: str
    cell_type: str
    locked: bool
    solution: bool
    points: float | None
    checksum: str | None
    by_hand: bool = False

    @property
    def mark(self) -> Mark | None:
        return mark_in(self.source) if self.points is not None and not self.by_hand else None

    @property
    def metadata(self) -> dict[str, object]:
        """What nbgrader keeps of it in a cell, schema 3."""
        about: dict[str, object] = {
            "schema_version": 3,
            "grade_id": self.name,
            "grade": self.points is not None and not self.by_hand,
            "solution": self.solution,
            "locked": self.locked,
            "task": self.by_hand,
            "cell_type": self.cell_type,
        }
        about |= {"points": self.points} if self.points is not None else {}
        return about | ({"checksum": self.checksum} if self.checksum else {})


@dataclass(frozen=True, slots=True)
class Handout:
    """The cells of one notebook by name, in their order, and the marks of those that are ours."""

    cells: Mapping[str, Given] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, Mark]:
        return {name: cell.mark for name, cell in self.cells.items() if cell.mark is not None}

    @property
    def graded(self) -> dict[str, float]:
        """Every cell that nbgrader would grade by what running it shows: name -> points."""
        return {
            name: cell.points
            for name, cell in self.cells.items()
            if cell.points is not None and cell.cell_type == "code" and not cell.solution
        }


def handout(db_url: str, notebook: str, assignment: str) -> Handout:
    """An empty one for a notebook that the gradebook does not know."""
    from nbgrader.api import Gradebook, MissingEntry  # here: what is above needs no database

    with Gradebook(db_url) as gradebook:
        try:
            found = gradebook.find_notebook(notebook, assignment)
        except MissingEntry:
            return Handout()
        points = {cell.name: float(cell.max_score) for cell in [*found.grade_cells, *found.task_cells]}
        solutions = {cell.name for cell in found.solution_cells}
        by_hand = {cell.name for cell in found.task_cells}
        return Handout(
            {
                cell.name: Given(
                    cell.name,
                    cell.source or "",
                    cell.cell_type or "code",
                    bool(cell.locked),
                    cell.name in solutions,
                    points.get(cell.name),
                    cell.checksum,
                    cell.name in by_hand,
                )
                for cell in found.source_cells
            }
        )
