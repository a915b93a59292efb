"""The mutants that no check notices, against those that are known to be right answers too.

solutions/mutants/NAME.toml lists them: mutants that no input the statement allows tells from the reference, or of
which the statement says nothing, each with the reason. The list is held to the truth in both directions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from grader.course import TRAINER, Course, Exercise
from grader.errors import GraderFault

from .kill import End, Outcome, try_all
from .mutants import Mutant, mutants_of

CONTROL = "the reference itself"
Reason = Annotated[str, msgspec.Meta(min_length=20)]
Tell = Callable[[int, int], None]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutants: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    why: Reason


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Siege:
    """What became of the mutants of one exercise. `known`: equivalent ones -> why; `faults`: what does not hold."""

    exercise: str
    outcomes: tuple[Outcome, ...]
    known: Mapping[str, str]
    faults: tuple[str, ...]

    def count(self, end: End) -> int:
        return sum(outcome.end is end for outcome in self.outcomes)


def besiege(
    course: Course,
    exercise: Exercise,
    *,
    task: str | None = None,
    every_check: bool = False,
    step: int = 1,
    tell: Tell = lambda done, of: None,
) -> Siege:
    """Try all mutants, or those of a task; with `step` only every so many. Raises GraderFault where none can be."""
    text = course.source_file(exercise.name).read_text("utf-8")
    judged = [name for name, kind in exercise.kinds.items() if kind != TRAINER]  # another rate trains as well
    everything = mutants_of(text, judged)
    wanted = [mutant for mutant in everything if task is None or task in mutant.tasks][::step]
    done = 0

    def heard(outcome: Outcome) -> None:
        nonlocal done
        done += outcome.mutant.id != CONTROL
        tell(done, len(wanted))

    known = equivalents(course, exercise.name)
    control = Mutant(CONTROL, "", tuple(dict.fromkeys(name for mutant in wanted for name in mutant.tasks)), text)
    found = try_all(exercise.name, exercise.kinds, [control, *wanted], every_check=every_check, tell=heard)
    outcomes = tuple(outcome for outcome in found if outcome.mutant.id != CONTROL)
    faults = [*_control_faults(found), *compare(everything, outcomes, known)]
    return Siege(exercise.name, outcomes, known, tuple(faults))


def _control_faults(found: Sequence[Outcome]) -> Iterator[str]:
    """The reference as it is stands every trial that its mutants stand, or these show nothing."""
    for outcome in found:
        if outcome.mutant.id == CONTROL and outcome.end is not End.SURVIVED:
            yield f"the reference itself is {outcome.end.replace('_', ' ')}: {', '.join(outcome.by)}"


def compare(everything: Sequence[Mutant], outcomes: Sequence[Outcome], known: Mapping[str, str]) -> Iterator[str]:
    """Where the list of equivalent mutants and what was found differ."""
    for outcome in outcomes:
        listed = outcome.mutant.id in known
        if outcome.end is End.SURVIVED and not listed:
            yield f"no check notices the mutant {outcome.mutant.id}"
        if outcome.end is not End.SURVIVED and listed:
            by = f" by {outcome.by[0]}" if outcome.by else ""
            yield f"listed as equivalent, but noticed{by}, so remove it: {outcome.mutant.id}"
    for gone in sorted(set(known) - {mutant.id for mutant in everything}):
        yield f"listed as equivalent, but there is no such mutant, so remove it: {gone}"


def equivalents(course: Course, name: str) -> dict[str, str]:
    """Id -> reason, of every mutant listed as equivalent. Raises GraderFault where the file is not as it should be."""
    file = course.root / "solutions" / "mutants" / f"{name}.toml"
    if not file.is_file():
        return {}
    try:
        entries = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).equivalent
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise GraderFault(f"{file}: {error}") from error
    pairs = [(mutant, entry.why) for entry in entries for mutant in entry.mutants]
    twice = sorted({mutant for mutant, _ in pairs if sum(other == mutant for other, _ in pairs) > 1})
    if twice:
        raise GraderFault(f"{file}: listed twice: {twice[0]}")
    return dict(pairs)
