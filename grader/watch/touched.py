"""Which tasks a save has touched: those whose portion of the file has changed."""

from __future__ import annotations

from collections.abc import Mapping

from grader.portions import portions

__all__ = ["portions", "touched"]


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The tasks whose portions differ, in the order of `after`."""
    return [task for task, portion in after.items() if before.get(task) != portion]
