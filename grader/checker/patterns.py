"""What all wrong answers of a task have in common, in words. Says nothing where they have nothing in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from .compare import Mismatch

LEAST = 2  # different wrong answers that it takes to speak of every one
MOST = 40  # that are looked at

Pair = tuple[torch.Tensor, torch.Tensor]


def in_words(wrong: Sequence[Mismatch]) -> str | None:
    """The sentence for the learner, or None."""
    wrong = [cause for cause in wrong if cause.kind != "example"]  # texts; the checks hold the values
    kinds = {cause.kind for cause in wrong}
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
    if "nan" in kinds and kinds <= {"nan", "value"}:
        return (
            "Some results are NaN or infinite: look for a division by zero, a root of a negative or a value never set."
        )
    if kinds == {"value"}:
        return _values(wrong)
    return None


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
        return "The result has too many dimensions: an axis of length 1 was left over on the way."
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
    pairs = [pair for cause in wrong[:MOST] for pair in [_tensors(cause)] if pair is not None]
    if len(pairs) < len(wrong[:MOST]) or not _differ(pairs):
        return None
    return next((words for words, holds in PATTERNS if all(holds(got, want) for got, want in pairs)), _steps(pairs))


def _tensors(cause: Mismatch) -> Pair | None:
    """The answer and the right one in double precision: tensors of one shape, or two numbers."""
    got, want = cause.got, cause.expected
    if isinstance(got, torch.Tensor) and isinstance(want, torch.Tensor) and got.shape == want.shape:
        return (got.detach().double(), want.detach().double()) if not got.is_complex() else None
    plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (got, want))
    return (torch.tensor([got], dtype=torch.float64), torch.tensor([want], dtype=torch.float64)) if plain else None


def _differ(pairs: Sequence[Pair]) -> bool:
    """Whether there are enough different ones to speak of a pattern, and enough numbers in them."""
    texts = {(tuple(got.shape), str(got.tolist()), str(want.tolist())) for got, want in pairs}
    return len(texts) >= LEAST


def _near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _steps(pairs: Sequence[Pair]) -> str | None:
    """The same constant in every answer, or one constant within each."""
    steps = [got - want for got, want in pairs]
    first = steps[0].reshape(-1)[0]
    if all(_near(step, first.expand_as(step)) for step in steps) and float(first).is_integer():
        size = f"{abs(int(first))} too {'large' if first > 0 else 'small'}"
        return f"Every value is {size}: something is counted once too often, or not at all."
    many = [step for step in steps if step.numel() > 1]
    if len(many) >= LEAST and all(_near(step, step.reshape(-1)[0].expand_as(step)) for step in many):
        return "Every value of a result is off by the same amount: something is added too often, or not at all."
    return None


def _constant_ratio(got: torch.Tensor, want: torch.Tensor) -> bool:
    there = want != 0
    if int(there.sum()) < 2 or bool((got[~there].abs() > 1e-6).any()):
        return False
    ratio = got[there] / want[there]
    return bool(ratio[0].abs() > 1e-6) and _near(ratio, ratio[0].expand_as(ratio))


def _transposed(got: torch.Tensor, want: torch.Tensor) -> bool:
    return got.dim() >= 2 and got.shape[-1] == got.shape[-2] > 1 and _near(got, want.mT)


def _turned(got: torch.Tensor, want: torch.Tensor) -> bool:
    return got.dim() >= 2 and want.shape[-1] * want.shape[-2] > 1 and _near(got, want.flip(-1, -2))


def _only_border(got: torch.Tensor, want: torch.Tensor) -> bool:
    if got.dim() < 2 or min(got.shape[-2:]) < 3:
        return False
    bad = (got - want).abs() > 1e-4 * (1 + want.abs())
    return bool(bad.any()) and not bool(bad[..., 1:-1, 1:-1].any())


PATTERNS: tuple[tuple[str, Callable[[torch.Tensor, torch.Tensor], bool]], ...] = (
    ("Every value is 0: the result is made, but nothing is written into it.",
     lambda got, want: not bool(got.any()) and bool(want.any())),
    ("Every value has the wrong sign.", lambda got, want: bool(want.any()) and _near(got, -want)),
    ("Every value is off by the same factor: a mean for a sum, or the other way round?", _constant_ratio),
    ("The result is the right one with its last two axes swapped.", _transposed),
    ("The result is the right one turned by 180°.", _turned),
    ("Only elements at the border are wrong: look at how the padding is done.", _only_border),
)  # fmt: skip
