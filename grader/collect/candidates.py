"""Which file stands for which exercise, wherever the files lie. Decides by names alone and reads nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.text import clean

SUFFIXES = (".py", ".ipynb")  # in this order where both are there
BELOW = "exercises"  # modules lie at the top or in this folder


class LeftOut(Exception):
    """The file is not looked at. The text completes "… was left out: "."""


class Unreadable(Exception):
    """The file is the module, and its content is no use. The text is a whole sentence for the learner."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be an exercise's module.

    `path` is relative to the submission, as the learner wrote it (hostile). `read(limit)` gives at most limit + 1 bytes
    and raises LeftOut or Unreadable. `exact`: the name is the exercise's own; others stand in only where it is missing.
    """

    exercise: str
    path: str
    read: Callable[[int], bytes]
    exact: bool

    @property
    def title(self) -> str:
        return clean(self.path, 120, keep_newlines=False)

    @property
    def notebook(self) -> bool:
        return self.path.lower().endswith(".ipynb")

    @property
    def rank(self) -> tuple[bool, bool]:
        return (not self.exact, self.notebook)


@dataclass(frozen=True, slots=True)
class Found:
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()


def exercise_in(stem: str, names: Sequence[str]) -> str | None:
    """The one exercise that a name like "my_ex04_conv (1)" or "ex04" speaks of; None for none, several or a test."""
    text = stem.lower()
    if text.startswith("test_") or text.endswith("_test"):
        return None  # a learner's own tests lie beside their modules
    spoken = {name for name in names if _has_word(text, name) or _has_word(text, name.split("_", 1)[0])}
    return spoken.pop() if len(spoken) == 1 else None


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text) is not None


def candidate_at(path: str, names: Sequence[str], read: Callable[[int], bytes]) -> Candidate | None:
    """What the file at `path` may be: a path below the submission, with `/` between its parts."""
    parts = PurePosixPath(path)
    if parts.suffix.lower() not in SUFFIXES or parts.name.startswith("."):
        return None
    exact = parts.stem in names and parts.suffix in SUFFIXES
    exercise = parts.stem if exact else exercise_in(parts.stem, names)
    return Candidate(exercise, path, read, exact) if exercise else None


def by_exercise(candidates: Iterable[Candidate], notes: list[str]) -> dict[str, list[Candidate]]:
    """The candidates of each exercise, best first: its own name, then `.py`, then the one that lies higher.

    Stand-ins of equal rank are all left out, with a note: a guess could grade the wrong one.
    """
    chosen: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda c: (c.rank, c.path.count("/"), c.path)):
        chosen.setdefault(candidate.exercise, []).append(candidate)
    for exercise, ranked in list(chosen.items()):
        rivals = [candidate for candidate in ranked if candidate.rank == ranked[0].rank]
        if len(rivals) > 1 and not ranked[0].exact:
            titles = ", ".join(candidate.title for candidate in rivals[:5])
            notes.append(f"{titles}: cannot tell which of these is {exercise}; rename one to {exercise}.py.")
            del chosen[exercise]
    return chosen
