"""What a check says of an answer: passes in silence, or raises a `Mismatch` with a sentence for the learner."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from grader.errors import LearnerRaised
from grader.learner import LoadFailed
from grader.worker.wire import OpaqueV

from .compare import Mismatch, alike, close, equal, same

__all__ = ["as_before", "close", "equal", "reaches", "that", "unchanged", "value_error"]


def value_error(function: Callable[..., Any], /, *args: Any, about: Sequence[str], **kwargs: Any) -> None:
    """The call raises ValueError, and its message names one of `about` (any argument that is involved)."""
    names = _in_words(about)
    want = f"ValueError about {names}"
    try:
        got = function(*args, **kwargs)
    except LoadFailed:
        raise  # nothing was asked of the function yet
    except LearnerRaised as error:
        if "ValueError" not in error.bases:
            text = f"expected a ValueError that names {names}, got {error.message}"
            raise Mismatch("error", text, want, error.message) from None
        words = error.text.replace("_", " ").lower()
        if not any(name.replace("_", " ").lower() in words for name in about):
            text = f"the ValueError should name the argument ({names}) so that its reader knows what to change"
            raise Mismatch("error", text, want, error.message) from None
        return
    text = f"these arguments make no sense and should raise a ValueError that names {names}"
    raise Mismatch("error", text, want, got)


def _in_words(about: Sequence[str]) -> str:
    """The first few names: a long list is there to be lenient with, not to be read."""
    own = [name for name in about if not any(name in other for other in about if other != name)]
    return " or ".join(own[:3]) + (" …" if len(own) > 3 else "")


def unchanged(function: Any, /, *args: Any, **kwargs: Any) -> None:
    """The call leaves its arguments as they were: tensors, lists, dicts. `function` belongs to `learner`."""
    with function.link.echoed() as seen:
        function(*args, **kwargs)
    after, named = seen[-1]
    for before, now in [*zip(args, after, strict=True), *((kwargs[key], named[key]) for key in kwargs)]:
        if not as_before(before, now):
            text = "the call changed one of its arguments: work on a copy, the caller still needs it"
            raise Mismatch("property", text, before, now)


def as_before(before: Any, now: Any) -> bool:
    """Whether an argument is what it was: tensors, lists and dicts of them, plain values."""
    if isinstance(before, torch.Tensor):
        if not isinstance(now, torch.Tensor) or before.is_meta != now.is_meta:
            return False
        plain = before.shape == now.shape and before.dtype == now.dtype
        return plain and (before.device.type == "meta" or bool(alike(before.detach(), now.detach()).all()))
    if isinstance(before, list | tuple):
        if not isinstance(now, list | tuple):
            return False
        return len(before) == len(now) and all(as_before(a, b) for a, b in zip(before, now, strict=True))
    if isinstance(before, dict):
        if not isinstance(now, dict):
            return False
        return list(before) == list(now) and all(as_before(before[key], now[key]) for key in before)
    if before is None or isinstance(before, bool | int | float | str):
        return type(before) is type(now) and same(now, before)
    return True  # what lives over there, or does not cross


def that(condition: Any, sentence: str) -> None:
    """The condition holds; `sentence` tells the learner what should have been."""
    if isinstance(condition, OpaqueV) or not condition:  # an object of the learner's is no yes
        raise Mismatch("property", sentence)


def reaches(what: str, value: float, *, full: float, none: float) -> None:
    """A measured figure (higher is better) reaches `full`; below it a linear share is earned, nothing from `none` down.

    `what`: "accuracy on pictures it has never seen". Raises ValueError where `none` is not below `full`.
    """
    if not none < full:
        raise ValueError(f"no points at {none} and all at {full}: there is no share between")
    if value >= full:
        return
    share = max(0.0, (value - none) / (full - none)) if math.isfinite(value) else 0.0
    text = f"{what} is {value:.3f}; all points from {full:g}, none at {none:g} or below"
    raise Mismatch("measure", text, share=share)
