"""Item analysis: how hard each check was, and whether it tells those who know more from those who know less.

Sums over submissions, nothing else is kept: a class may be as large as it likes.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from grader.marks import Check, Exercise
from grader.model import Verdict

FEW = 10  # submissions below which no check is flagged: chance looks like a pattern
LOW = 0.1  # of discrimination: below it a check says next to nothing about the rest (Ebel's rule of thumb asks for 0.2)


class Flag(StrEnum):
    NOBODY = "nobody passes"
    EVERYBODY = "everybody passes"
    AGAINST = "passed by those who do worse elsewhere"
    WEAK = "says little about the rest"


@dataclass(slots=True)
class Item:
    """One check over all submissions that have its exercise and a grade for it.

    x is 1 where it passed and 0 where not; t the points of the whole exercise.
    """

    exercise: str
    task: str
    name: str
    title: str
    points: float
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    _t: float = 0.0
    _tt: float = 0.0
    _xt: float = 0.0

    def add(self, check: Check, total: float) -> None:
        self.verdicts[check.verdict] += 1
        self._t += total
        self._tt += total * total
        self._xt += total if check.passed else 0.0

    @property
    def count(self) -> int:
        return self.verdicts.total()

    @property
    def passed(self) -> int:
        return self.verdicts[Verdict.PASSED]

    @property
    def difficulty(self) -> float | None:
        """The share that passed; so a low number is a hard check."""
        return self.passed / self.count if self.count else None

    @property
    def discrimination(self) -> float | None:
        """The point-biserial correlation of x with the rest of the exercise: t without this check's own points.

        That is Pearson's r of x and r = t - points * x. None where either does not vary. Source: Henrysson, "Correction
        of item-total correlations in item analysis", Psychometrika 28 (1963).
        """
        n, x, p = self.count, self.passed, self.points
        if n < 2 or not 0 < x < n:
            return None
        rest, squares, both = self._t - p * x, self._tt - 2 * p * self._xt + p * p * x, self._xt - p * x
        spread = n * squares - rest * rest
        if spread <= 1e-9 * max(1.0, n * squares):  # all alike but for rounding
            return None
        value = (n * both - x * rest) / math.sqrt(x * (n - x) * spread)
        return max(-1.0, min(1.0, value))

    @property
    def flag(self) -> Flag | None:
        if self.count < FEW:
            return None
        if self.passed in (0, self.count):
            return Flag.EVERYBODY if self.passed else Flag.NOBODY
        value = self.discrimination
        if value is None or value >= LOW:
            return None
        return Flag.AGAINST if value < 0 else Flag.WEAK


@dataclass(slots=True)
class Items:
    """Every check of every exercise, in the order in which records have them."""

    found: dict[tuple[str, str, str], Item] = field(default_factory=dict)

    def add(self, exercise: Exercise) -> None:
        """One submission's exercise. One that is missing, or that we could not grade, says nothing about its checks."""
        if exercise.missing or exercise.score is None:
            return
        for task in exercise.tasks:
            for check in task.checks:
                key = (exercise.name, task.name, check.name)
                item = self.found.get(key)
                if item is None:
                    item = self.found[key] = Item(*key, check.title, check.max_score)
                item.add(check, exercise.score)
