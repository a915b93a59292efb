"""Named wrong variants: each stands in for its task in an otherwise right module and has a sentence for its learner."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from grader.course import root
from grader.references import fresh, load, reference

__all__ = ["Misconception", "misconception", "of_exercise", "reference"]

Variant = TypeVar("Variant", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Misconception:
    """`says` is the sentence for the learner, `stand_in` the function or class that makes the mistake."""

    exercise: str
    task: str
    name: str
    says: str
    stand_in: Any

    def module(self) -> types.ModuleType:
        """The reference module with this mistake in it; its other tasks use the wrong one where they build on it."""
        module = fresh(self.exercise)
        setattr(module, self.task, self.stand_in)
        return module


def misconception(task: str, says: str) -> Callable[[Variant], Variant]:
    """Marks a function or class as a wrong variant of `task`."""

    def mark(stand_in: Variant) -> Variant:
        stand_in.__misconception__ = (task, says)  # type: ignore[attr-defined]
        return stand_in

    return mark


@functools.cache
def of_exercise(name: str) -> tuple[Misconception, ...]:
    """All misconceptions of an exercise, in the order of its file."""
    module = load(root() / "solutions" / "misconceptions" / f"{name}.py", f"misconceptions_{name}")
    found = [
        (key, value) for key, value in vars(module).items() if "__misconception__" in getattr(value, "__dict__", {})
    ]
    return tuple(
        Misconception(name, value.__misconception__[0], key, value.__misconception__[1], value) for key, value in found
    )
