"""What all wrong answers of a task have in common, in words. Says nothing where they have nothing in common."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from grader.errors import LearnerFault, LearnerRaised, LearnerRefused
from grader.learner import LoadFailed

from . import places
from .compare import Mismatch
from .likeness import SWAPPED, Pair, likeness, same_step

LEAST = 2  # different wrong answers that it takes to speak of every one
MOST = 40  # that are looked at

# Kinds that say something of the answers themselves; the others stand beside them (no ValueError, an input changed).
OF_ANSWERS = {"type", "shape", "dtype", "nan", "value"}


def in_words(wrong: Sequence[Mismatch]) -> str | None:
    """The sentence for the learner, or None."""
    wrong = [cause for cause in wrong if cause.kind != "example"]  # texts; the checks hold the values
    about_answers = [cause for cause in wrong if cause.kind in OF_ANSWERS]
    wrong = about_answers or wrong
    kinds = {cause.kind for cause in wrong}
    if kinds == {"device"}:
        return places.STRAYED
    if kinds <= {"shape", "value"} and _all_swapped(wrong[:MOST]):
        return SWAPPED
    if kinds == {"shape"}:
        return _shapes(wrong)
    if kinds == {"dtype"}:
        return "The dtype changes on the way: make new tensors with x.new_zeros(...) or dtype=x.dtype."
    if kinds == {"gradient"}:
        return (
            "Values are right, but no gradient flows back: the result is cut off from the input somewhere on the way."
        )
    if kinds == {"type"}:
        return _types(wrong)
    if kinds == {"error"}:
        return _errors(wrong)
    if "nan" in kinds <= {"nan", "value"} and 2 * sum(cause.kind == "nan" for cause in wrong) >= len(wrong):
        return (
            "Some results are NaN or infinite: look for a division by zero, a root of a negative or a value never set."
        )
    if kinds == {"value"}:
        return _values(wrong)
    return None


def _all_swapped(wrong: Sequence[Mismatch]) -> bool:
    """Whether every answer is the right one with its last two axes swapped; the shape may be wrong by that, too."""
    pairs = [(cause.got, cause.expected) for cause in wrong]
    if not all(_is_picture(got) and _is_picture(want) for got, want in pairs):
        return False
    swapped = [(got.mT, want) for got, want in pairs if got.mT.shape == want.shape]
    telling = {(str(got.tolist()), str(want.tolist())) for got, want in swapped if got.numel() > 1}
    same = all(torch.allclose(got.double(), want.double(), rtol=1e-4, atol=1e-5) for got, want in swapped)
    return len(swapped) == len(pairs) and len(telling) >= LEAST and same


def _is_picture(value: object) -> bool:
    """Real numbers that can be looked at, in two axes at least."""
    known = isinstance(value, torch.Tensor) and value.device.type == "cpu" and not value.is_complex()
    return known and value.dim() >= 2  # type: ignore[attr-defined]


def of_faults(faults: Sequence[LearnerFault]) -> str | None:
    """The same for a task all of whose failing checks ended in no answer at all."""
    if (about_devices := places.in_words(faults)) is not None:
        return about_devices
    if all(isinstance(fault, LearnerRefused) for fault in faults):
        return "This task has you build by hand what your code takes ready-made: replace it by steps of your own."
    if not all(isinstance(fault, LearnerRaised) and not isinstance(fault, LoadFailed) for fault in faults):
        return None
    lines = {fault.line for fault in faults}  # not told: the check says where, and a notebook counts by cells
    if None in lines:
        return None
    same = ", every time at the same line" if len(lines) == 1 < len(faults) else ""
    return f"Your code stops with an exception{same}; the input that is shown brings it about."


def _shapes(wrong: Sequence[Mismatch]) -> str:
    general = "The shape of the result is wrong, so its values were not looked at. Work the output size out on paper."
    pairs = [(tuple(cause.got.shape), tuple(cause.expected.shape)) for cause in wrong[:MOST]]
    if len(set(pairs)) < LEAST:
        return general
    if all(len(got) == len(want) for got, want in pairs):
        if all(len(want) >= 2 and got == (*want[:-2], want[-1], want[-2]) for got, want in pairs):
            return "The last two axes of the result are swapped: height comes before width."
        steps = {tuple(one - other for one, other in zip(got, want, strict=True)) for got, want in pairs}
        if len(steps) == 1:
            axes = [f"{abs(step)} too {'large' if step > 0 else 'small'} along axis {axis}"
                    for axis, step in enumerate(steps.pop()) if step]  # fmt: skip
            return f"The shape of the result is always {' and '.join(axes)}. Work the output size out on paper."
    if all(len(got) < len(want) for got, want in pairs):
        return "The result has too few dimensions: an axis was dropped on the way, the batch or the channels perhaps."
    if all(len(got) > len(want) for got, want in pairs):
        if all([side for side in got if side != 1] == [side for side in want if side != 1] for got, want in pairs):
            return "The result has too many dimensions: an axis of length 1 was left over on the way."
        return "The result has too many dimensions: an axis was not summed, or not joined with another one."
    return general


def _types(wrong: Sequence[Mismatch]) -> str:
    pairs = [(cause.got, cause.expected) for cause in wrong]
    if all(isinstance(got, float) and type(want) is int and got == want for got, want in pairs):
        return "The values are right, but they are floats: divide with //, which stays an int, instead of /."
    if all(got is None for got, _ in pairs):
        return "The function gives None back: is there a return at its end, on every way through it?"
    return "The result is not the kind of object that was asked for."


def _errors(wrong: Sequence[Mismatch]) -> str:
    if all("Error" in str(cause.got)[:40] for cause in wrong):
        return "Arguments that make no sense are refused, but not with a ValueError that names the argument."
    return "Right inputs work; arguments that make no sense are not refused as they should be."


def _values(wrong: Sequence[Mismatch]) -> str | None:
    pairs = [pair for cause in wrong[:MOST] for pair in [_pair(cause)] if pair is not None]
    if len(pairs) < len(wrong[:MOST]):
        return None
    return same_step(pairs) or likeness(pairs)


def _pair(cause: Mismatch) -> Pair | None:
    """The answer and the right one in double precision: tensors of one shape, or two numbers."""
    got, want = cause.got, cause.expected
    if isinstance(got, torch.Tensor) and isinstance(want, torch.Tensor) and got.shape == want.shape:
        return None if got.is_complex() else Pair(got.detach().double(), want.detach().double(), want.dtype)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in (got, want)):
        return None
    one, other = (torch.tensor([value], dtype=torch.float64) for value in (got, want))
    return Pair(one, other, torch.float64 if isinstance(want, float) else torch.int64)
