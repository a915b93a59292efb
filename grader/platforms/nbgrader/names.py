"""What ties a cell to a task: names of cells that never change, and the line that says who grades a cell.

The line stands in nbgrader's hidden region of a test cell, so it reaches the gradebook and no learner. What a
submission says of itself is never asked: which cells there are is read from the gradebook.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HIDDEN_BEGIN, HIDDEN_END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_MARK = "# graded by cnn-grader: "
_MARKED = re.compile(rf"^{re.escape(_MARK)}(\w+)(\.py)?::(\w+)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which task a test cell is about; `module`: the answer is the file EXERCISE.py and no cell."""

    exercise: str
    task: str
    module: bool = False

    @property
    def what(self) -> str:
        """As it is written behind `%grade`."""
        return f"{self.exercise}{'.py' if self.module else ''}::{self.task}"

    @property
    def key(self) -> str:
        return f"{self.exercise}::{self.task}"

    @property
    def line(self) -> str:
        return f"{_MARK}{self.what}"


def mark_in(source: str) -> Mark | None:
    """The mark of a test cell as the gradebook has it; None for a cell that is not ours."""
    found = _MARKED.search(source)
    return Mark(found[1], found[3], found[2] is not None) if found else None


def without_hidden(source: str) -> str:
    """A test cell as a learner may see it."""
    before, begin, rest = source.partition(f"\n{HIDDEN_BEGIN}")
    _, _, after = rest.partition(HIDDEN_END)
    return (before + after).rstrip("\n") if begin else source


def reading(exercise: str, what: str) -> str:
    """The name of a read-only cell."""
    return f"read-{exercise}-{what}"


def solving(exercise: str, task: str) -> str:
    return f"solve-{exercise}-{task}"


def testing(exercise: str, task: str) -> str:
    return f"test-{exercise}-{task}"
