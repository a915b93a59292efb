"""What was decided about a class's checks after grading, and which of it is in force.

In the store a decision is a `Change` whose `what` is JSON, described in docs/class.md: a regrade of some checks, or the
undoing of an earlier decision. None is ever removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from grader.errors import UsageError
from grader.store import Change

SEPARATOR = "::"


class Edit(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """The points of one check. `after` None: it counts for nobody."""

    before: float
    after: float | None

    @property
    def more(self) -> float:
        """What it adds to the points of its task."""
        return (self.after or 0.0) - self.before


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """`regrade`: checks by their full names, with their edits. `undo`: of which change, counted from 1."""

    kind: str
    checks: dict[str, Edit] = {}
    of: int = 0


@dataclass(frozen=True, slots=True)
class Edits:
    """Full name of a check -> what became of it, later decisions over earlier ones."""

    checks: Mapping[str, Edit] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.checks)

    def of_task(self, exercise: str, task: str) -> dict[str, Edit]:
        """By the check's own name."""
        start = f"{exercise}{SEPARATOR}{task}{SEPARATOR}"
        return {name.removeprefix(start): edit for name, edit in self.checks.items() if name.startswith(start)}

    def and_then(self, more: Mapping[str, Edit]) -> Edits:
        return Edits({**self.checks, **more})


def written(decision: Decision) -> str:
    return json.dumps(msgspec.to_builtins(decision), ensure_ascii=False, sort_keys=True)


def decision(change: Change) -> Decision:
    """Raises UsageError: what the store holds was written by something else."""
    try:
        return msgspec.json.decode(change.what, type=Decision)
    except msgspec.MsgspecError as error:
        raise UsageError(f"a change of {change.at:%Y-%m-%d %H:%M} in the store cannot be understood: {error}") from None


def in_force(changes: Sequence[Change]) -> list[tuple[int, Change]]:
    """The regrades that nobody took back, with their numbers, oldest first."""
    standing = {number: change for number, change in enumerate(changes, 1) if decision(change).kind == "regrade"}
    for change in changes:
        made = decision(change)
        if made.kind == "undo":
            standing.pop(made.of, None)
    return sorted(standing.items())


def edits(changes: Iterable[Change]) -> Edits:
    """All regrades in force as one."""
    found = Edits()
    for _, change in in_force(list(changes)):
        found = found.and_then(decision(change).checks)
    return found
