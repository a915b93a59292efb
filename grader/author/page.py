"""docs/kill-matrix.md: which check catches which named mistake, and how many mutants. Text out of values, no more."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from grader.checker.run import CHECKS
from grader.course import Course

from .kill import End
from .survivors import Siege
from .verify import Proof

HEAD = """\
# The kill matrix

Written by `grade verify --matrix docs/kill-matrix.md`, for all exercises or for those that are named; CI fails where an
exercise has changed since.

- A **named mistake** is a wrong variant that learners really write, with a sentence for whoever makes it.
- A **mutant** is the reference with one mechanical change: another operator, a number one more or less, a condition
  turned round, an argument left out, and so on. The checks of the task that was changed have to notice; all tasks that
  use a private helper answer for it. The examples in the statement, which earn no points, do not count.
- *Timed out*: a mutant that never ends, or still computes after ten seconds in one check. That is noticed as well.
- *Equivalent*: no check notices, and none should; the reasons stand below each exercise.
- *Alone*: mutants that this check notices and no other.
"""
_COLUMNS = ("exercise", "tasks", "checks", "named mistakes", "mutants", "killed", "timed out", "equivalent")


def fingerprint(course: Course, name: str) -> str:
    """Changes where the source, the checks, the named mistakes or the equivalent mutants do; comments alone do not."""
    solutions = course.root / "solutions"
    files = [
        solutions / f"{name}.py",
        CHECKS / f"test_{name}.py",
        solutions / "misconceptions" / f"{name}.py",
        solutions / "mutants" / f"{name}.toml",
    ]
    return hashlib.sha256("\0".join(_code(file) for file in files).encode()).hexdigest()[:16]


def _code(file: Path) -> str:
    lines = [line.strip() for line in file.read_text("utf-8").split("\n")] if file.is_file() else []
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def written_for(page: str) -> dict[str, str]:
    """Exercise -> the fingerprint that its section on this page was written for."""
    return dict(re.findall(r"^## (\w+)\n\nSources: `(\w+)`", page, re.MULTILINE))


def render(course: Course, proofs: Mapping[str, tuple[Proof, Siege]], before: str = "") -> str:
    """The page, where the exercises that were not proved now stay as they were `before`."""
    rows = {row.split(" | ")[0].strip("| "): row for row in before.split("\n") if row.startswith("| ex")}
    sections = {part.split("\n")[0]: part.rstrip("\n") for part in before.split("\n## ")[1:]}
    for name, (proof, siege) in proofs.items():
        rows[name] = _line(_summary(proof, siege))
        sections[name] = "\n".join(_section(proof, siege, fingerprint(course, name)))
    kept = [name for name in course.names if name in rows and name in sections]
    table = [*_header(_COLUMNS), *(rows[name] for name in kept)]
    return "\n\n".join([HEAD.rstrip(), "\n".join(table), *(f"## {sections[name]}" for name in kept)]) + "\n"


def _summary(proof: Proof, siege: Siege) -> list[object]:
    tasks = len(dict.fromkeys(task for task, _ in proof.checks))
    checks = sum(not name.endswith("_examples") for _, name in proof.checks)
    ends = [siege.count(End.KILLED), siege.count(End.TIMED_OUT), siege.count(End.SURVIVED)]
    return [proof.exercise, tasks, checks, len(proof.rows), len(siege.outcomes), *ends]


def _section(proof: Proof, siege: Siege, sources: str) -> Iterator[str]:
    yield f"{proof.exercise}\n\nSources: `{sources}`\n"
    for task in dict.fromkeys(task for task, _ in proof.checks):
        yield f"### {task}\n"
        yield from _of_task(proof, siege, task)
    yield f"### What was changed in {proof.exercise}\n"
    yield from _places(siege)
    yield from _reasons(siege)


def _of_task(proof: Proof, siege: Siege, task: str) -> Iterator[str]:
    checks = [name for owner, name in proof.checks if owner == task]
    rows = [row for row in proof.rows if row.mistake.task == task]
    seen = Counter(name for outcome in siege.outcomes for name in outcome.by)
    alone = Counter(outcome.by[0] for outcome in siege.outcomes if len(outcome.by) == 1)
    yield from _header(("", "check", "mistakes", "mutants", "alone"))
    for number, name in enumerate(checks, 1):
        counts = [sum(name in row.caught_by for row in rows), seen[name], alone[name]]
        yield _line([number, name, *(counts if not name.endswith("_examples") else [counts[0], "", ""])])
    yield ""
    yield from _header(("mistake", *map(str, range(1, len(checks) + 1))))
    for row in rows:
        yield _line([row.mistake.name, *("x" if name in row.caught_by else "·" for name in checks)])
    yield ""


def _places(siege: Siege) -> Iterator[str]:
    yield from _header(("part of the reference", "mutants", "killed", "timed out", "equivalent"))
    for place in dict.fromkeys(outcome.mutant.place for outcome in siege.outcomes):
        ends = Counter(outcome.end for outcome in siege.outcomes if outcome.mutant.place == place)
        yield _line([f"`{place}`", ends.total(), ends[End.KILLED], ends[End.TIMED_OUT], ends[End.SURVIVED]])


def _reasons(siege: Siege) -> Iterator[str]:
    """Mutants that share a reason share a paragraph."""
    survivors = [outcome.mutant.id for outcome in siege.outcomes if outcome.end is End.SURVIVED]
    by_reason: dict[str, list[str]] = {}
    for mutant in survivors:
        by_reason.setdefault(siege.known.get(mutant, "NOT PROVED"), []).append(mutant)
    for why, mutants in by_reason.items():
        yield f"\n{' '.join(why.split())}\n"
        yield from (f"- `{mutant}`" for mutant in mutants)


def _header(columns: Sequence[str]) -> list[str]:
    return [_line(columns), f"|{'---|' * len(columns)}"]


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
