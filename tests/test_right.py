"""The bank of right solutions in other styles: each earns every point, across the wall, with the bans armed.

A solution that loops over pixels may lose the efficiency points and nothing else; its first line says so.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import ROOT, grade

from grader import course
from grader.course import TRAINER

COURSE = course.load().names
BANK = sorted(file for name in COURSE for file in (ROOT / "tests" / "right" / name).glob("*.py"))


def may_lose(file: Path) -> set[str]:
    first = file.read_text("utf-8").splitlines()[0]
    return set(first.removeprefix("# loses:").split()) if first.startswith("# loses:") else set()


@pytest.mark.parametrize("file", BANK, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_right_solution_earns_every_point(file, grader):
    report = grade(grader, file.parent.name, file.read_text("utf-8"))

    lost = {
        check.spec.name: f"{check.verdict}: {check.message}"
        for task in report.exercises[0].tasks
        for check in task.checks
        if check.verdict != "passed"
    }
    assert lost.keys() == may_lose(file), lost


def test_the_bank_has_right_solutions_for_every_exercise():
    """Two where models are trained: each takes its time."""
    for exercise in course.load().exercises:
        enough = 2 if TRAINER in exercise.kinds.values() else 4
        assert sum(file.parent.name == exercise.name for file in BANK) >= enough
