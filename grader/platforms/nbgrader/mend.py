"""nbgrader's first step with a submission: `mending` for the notebook, and a learner's module brought into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.collect import collect

from .given import handout
from .mending import mended, seen, shown

ID = 64  # characters that nbformat allows the name of a cell
MODULE = "cnn_grader"  # the metadata of the cell that shows a learner's module


class Mend(NbGraderPreprocessor):  # type: ignore[misc]
    """Notebooks without a cell of ours are left to nbgrader as they are."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        about = resources["nbgrader"]
        given = handout(about["db_url"], about["notebook"], about["assignment"])
        if not given.marks:
            return nb, resources
        cells = list(mended([seen(cell) for cell in nb.cells], given))
        for exercise in dict.fromkeys(mark.exercise for mark in given.marks.values() if mark.module):
            cells.insert(1, _module_cell(Path(resources["metadata"]["path"]), exercise))
        for number, cell in enumerate(cells):
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            cell["id"] = name if 0 < len(name) <= ID else f"mended-{number}"
        nb["cells"], nb["metadata"] = cells, {"language_info": {"name": "python"}}
        nb["nbformat"], nb["nbformat_minor"] = 4, 5
        return nb, resources


def _module_cell(folder: Path, exercise: str) -> Any:
    """A learner's module as a cell, so that it is graded, and shown, whatever becomes of the file itself."""
    submission = collect(folder, (exercise,))
    module = submission.modules.get(exercise)
    if module is None or module.line_map is not None:  # the notebook itself may stand in for it
        return new_markdown_cell(shown(f"There is no {exercise}.py in this submission."))
    about = {"exercise": exercise, "filename": module.filename, "problem": module.problem}
    return new_code_cell(module.source, metadata={MODULE: about})
