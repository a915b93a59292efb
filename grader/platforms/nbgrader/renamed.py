"""Before a submission is graded: a notebook that was renamed is found again. Called by nbgrader's pre_convert_hook."""

from __future__ import annotations

from pathlib import Path

from traitlets.log import get_logger

from grader import course
from grader.collect.candidates import LeftOut, exercise_in
from grader.collect.contents import NOTEBOOK_LIMIT
from grader.collect.files import mode_of, read_regular, shown


def find_renamed(assignment: str, student: str, notebooks: list[str]) -> None:
    """Puts a copy under the right name beside it, and on nbgrader's list. Only where there is no doubt which it is."""
    if not notebooks:
        return
    folder = Path(notebooks[0]).parent
    name = folder.name  # our assignments are called as their exercise is, and so is their one notebook
    wanted = folder / f"{name}.ipynb"
    if name not in course.load().names or mode_of(wanted) is not None:
        return
    log = get_logger()
    others = [Path(notebook) for notebook in notebooks]
    named = [other for other in others if exercise_in(other.stem, (name,))]
    chosen = named if len(named) == 1 else others
    if len(chosen) != 1:
        log.error(
            "%s: cannot tell which notebook is %s; rename the right one and autograde again", shown(folder), wanted.name
        )
        return
    try:
        data = read_regular(chosen[0], NOTEBOOK_LIMIT, folder=folder)
    except LeftOut as reason:
        log.error("%s is not graded as %s: %s", shown(chosen[0]), wanted.name, reason)
        return
    if len(data) > NOTEBOOK_LIMIT:
        log.error("%s is not graded as %s: it is too large; clear its outputs", shown(chosen[0]), wanted.name)
        return
    with open(wanted, "xb") as copy:
        copy.write(data)
    log.warning("%s is graded as %s; that would be its name", shown(chosen[0]), wanted.name)
    notebooks.append(str(wanted))
