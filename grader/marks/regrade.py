"""`grade regrade`: what would become of a class's marks if a check counted for nobody, or for more or less.

Pure but for `decide` and `take_back`, which write down who decided what, and why. Nothing is graded anew, and a check
that waited for a dropped one (`not_run`) stays unanswered.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.errors import UsageError
from grader.model import Verdict
from grader.store import Change, Row, Store
from grader.text import clean

from .edits import SEPARATOR, Decision, Edit, Edits, decision, edits, in_force, written
from .marks import Mark, mark

NEAREST = 5  # names that are told where none fits
WHO, WHY = 200, 2000  # characters that are kept
EPSILON = 1e-9  # of a share: less is rounding


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for, in their own words: names of checks, and points by name of check."""

    drop: tuple[str, ...] = ()
    points: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Two marks of every submission, as it stands and as it would."""

    pairs: tuple[tuple[Mark, Mark], ...]

    @property
    def changed(self) -> list[tuple[Mark, Mark]]:
        """Those with another score or another maximum, the largest change of share first."""
        found = [(old, new) for old, new in self.pairs if _worth(old) != _worth(new)]
        return sorted(found, key=lambda pair: (-abs(_moved(*pair)), pair[0].name))

    @property
    def up_and_down(self) -> tuple[int, int]:
        """How many would have a larger share of all points, how many a smaller one."""
        moves = [_moved(old, new) for old, new in self.pairs]
        return sum(move > EPSILON for move in moves), sum(move < -EPSILON for move in moves)

    @property
    def means(self) -> tuple[float, float]:
        """Share of all points, before and after, of those that have a grade both times."""
        both = [(old, new) for old, new in self.pairs if old.score is not None and new.score is not None]
        return _mean(share(old) for old, _ in both), _mean(share(new) for _, new in both)


def share(one: Mark) -> float:
    return one.score / one.max_score if one.score is not None and one.max_score > 0 else 0.0


def points(text: str) -> tuple[str, float]:
    """CHECK=N of the command line. Raises UsageError."""
    name, sign, number = text.rpartition("=")
    try:
        worth = float(number)
    except ValueError:
        worth = math.nan
    if not (name and sign and math.isfinite(worth) and 0 <= worth <= 1e6):
        shown = clean(text, 200, keep_newlines=False)
        raise UsageError(f"--points {shown}: write CHECK=N, with the points N as a number of at least 0")
    return name, worth


def catalogue(rows: Iterable[Row]) -> dict[str, float]:
    """Full name of every check that any submission was graded with -> its points as they were then."""
    found: dict[str, float] = {}
    for row in rows:
        for exercise in mark(row, Edits()).exercises:
            for task in exercise.tasks:
                for check in task.checks:
                    found.setdefault(SEPARATOR.join((exercise.name, task.name, check.name)), check.max_score)
    return found


def find(word: str, names: Iterable[str]) -> str:
    """The one check that goes by this name: whole, its end, or parts in order (ex04::stride). Raises UsageError."""
    every = list(names)
    text, shown = word.strip().casefold(), clean(word, 200, keep_newlines=False)
    if not every:
        raise UsageError("no submission was graded with any check: there is nothing to change")
    parts_of = {name: name.casefold().split(SEPARATOR) for name in every}
    parts = text.split(SEPARATOR)
    loose = [name for name in every if text and _has_parts(parts_of[name], parts)]
    ways = (
        [name for name in every if name.casefold() == text],
        [name for name in every if name.casefold().endswith(SEPARATOR + text)],
        [name for name in loose if parts_of[name][-1] == parts[-1]],
        loose,
    )
    found = next((way for way in ways if way), [])
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - NEAREST} more" if len(found) > NEAREST else ""
        raise UsageError(f"{shown!r} could be any of {', '.join(found[:NEAREST])}{more}; say which")
    known = {part.casefold(): name for name in every for part in (name, name.rpartition(SEPARATOR)[2])}
    near = dict.fromkeys(known[one] for one in difflib.get_close_matches(text, known, NEAREST, 0.4))
    raise UsageError(f"there is no check {shown!r}; the nearest: {', '.join(near or every[:NEAREST])}")


def _has_parts(name: list[str], parts: list[str]) -> bool:
    """Whether each part lies in a part of the name, in this order."""
    left = iter(name)
    return all(any(part in own for own in left) for part in parts)


def plan(wish: Wish, known: Mapping[str, float]) -> dict[str, Edit]:
    """The edits that a wish comes to. Raises UsageError where it names no check, or one twice."""
    made: dict[str, Edit] = {}
    wanted: list[tuple[str, float | None]] = [(word, None) for word in wish.drop]
    wanted += wish.points
    for word, worth in wanted:
        name = find(word, known)
        if name in made:
            raise UsageError(f"{name} is named twice: once is enough")
        made[name] = Edit(known[name], worth)
    return made


def outcome(store: Store, more: Mapping[str, Edit]) -> Outcome:
    """Every submission as it stands, and with these edits too."""
    now = edits(store.changes())
    return _outcome(store, now, now.and_then(more))


def outcome_of_undo(store: Store) -> tuple[Outcome, int, Change]:
    """Every submission as it stands and without the last regrade in force; its number, and what it was."""
    changes = store.changes()
    standing = in_force(changes)
    if not standing:
        raise UsageError("--undo: no change is in force that could be taken back")
    number, last = standing[-1]
    return _outcome(store, edits(changes), edits(change for _, change in standing[:-1])), number, last


def unanswered(found: Outcome, made: Mapping[str, Edit]) -> int:
    """How many submissions have, in a task that loses a check, another one that never ran: it may have waited."""
    losing = {name.rpartition(SEPARATOR)[0] for name, edit in made.items() if edit.after is None}
    return sum(
        any(
            check.verdict is Verdict.NOT_RUN
            for exercise in new.exercises
            for task in exercise.tasks
            if f"{exercise.name}{SEPARATOR}{task.name}" in losing
            for check in task.checks
        )
        for _, new in found.pairs
    )


def decide(store: Store, made: Mapping[str, Edit], who: str, why: str) -> None:
    """Write it down; from now on it is in force."""
    _keep(store, Decision("regrade", dict(made)), who, why)


def take_back(store: Store, number: int, who: str, why: str) -> None:
    _keep(store, Decision("undo", of=number), who, why)


def told(change: Change) -> list[str]:
    """What a decision did, a line a check."""
    made = decision(change)
    if made.kind == "undo":
        return [f"took change {made.of} back"]
    return [said(name, edit) for name, edit in made.checks.items()]


def said(name: str, edit: Edit) -> str:
    after = "counts for nobody" if edit.after is None else _points(edit.after)
    return f"{clean(name, 200)}: {_points(edit.before)} → {after}"


def _points(number: float) -> str:
    return f"{number:g} point{'s' * (number != 1)}"


def _outcome(store: Store, before: Edits, after: Edits) -> Outcome:
    return Outcome(tuple((mark(row, before), mark(row, after)) for row in store.rows()))


def _keep(store: Store, made: Decision, who: str, why: str) -> None:
    store.record_change(Change(datetime.now(UTC), clean(who, WHO)[:WHO], clean(why, WHY), written(made)))


def _moved(old: Mark, new: Mark) -> float:
    return share(new) - share(old)


def _worth(one: Mark) -> tuple[str, float | None, float]:
    return one.status, one.score, one.max_score


def _mean(numbers: Iterable[float]) -> float:
    found = list(numbers)
    return math.fsum(found) / len(found) if found else 0.0
