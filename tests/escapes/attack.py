"""What an attack is: a sentence, a submission, and what may come of it. `attacks()` finds all of the families."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import families

# In every hostile module: tries something and says what came of it. What is said lands in the report as printed text.
PRELUDE = """
def attempt(what):
    try:
        got = what()
    except BaseException as error:
        print("REFUSED", type(error).__name__, str(error)[:150])
        return None
    print("GOT", repr(got)[:1500])
    return got
"""
DEAD = frozenset({"died"})
LATE = frozenset({"timed_out"})
WRONG = frozenset({"wrong"})
RAISED = frozenset({"raised"})
REFUSED = frozenset({"refused"})
TURNED_AWAY = frozenset({"turned_away"})  # not graded at all: a sentence says what is wrong with what was handed in
LOST = DEAD | LATE | WRONG | RAISED | REFUSED  # whatever it is, it is no pass


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    `source` is the module, or `build(folder)` makes the submission below an empty folder and returns what to hand in.
    `target` is the task that is graded, `verdicts` all that may be said of its checks with points, `earns` its score.
    `gets` is a regular expression for what it may come home with ("" for nothing at all: every attempt is refused);
    `gets_in_fallback` where that differs without a box. `says`: words that must be in the report for the learner.
    `absent`: texts that may be in no rendering of it, as they are written; renderings.py has what holds for every one.
    """

    name: str
    sentence: str
    source: str = ""
    build: Callable[[Path], Path] | None = None
    target: str = "ex03_output_size::conv_output_size"
    verdicts: frozenset[str] = WRONG
    earns: float = 0.0
    gets: str = ""
    gets_in_fallback: str | None = None
    says: str = ""
    absent: tuple[str, ...] = ()
    family: str = ""


@functools.cache
def attacks() -> tuple[Attack, ...]:
    """All of them, by family, in the order in which they are written."""
    found: list[Attack] = []
    for module in pkgutil.iter_modules(families.__path__):
        loaded = importlib.import_module(f"{families.__name__}.{module.name}")
        for attack in loaded.ATTACKS:
            object.__setattr__(attack, "family", module.name)
            found.append(attack)
    names = [attack.name for attack in found]
    assert len(set(names)) == len(names), "two attacks of one name"
    return tuple(found)
