"""What wrong values have in common with the right ones: a sign, factor, step, turn or shift, the border, rounding.

Each likeness looks at one wrong answer and says yes, no, or that this one cannot tell: a result of one element is its
own border. It is named where no answer says no and several different ones say yes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import torch

LEAST = 2  # different answers that have to say yes
IMAGES = 4  # axes of a batch of images
PART = 4  # and one in so many of all of them


class Pair(NamedTuple):
    """An answer and the right one, in double precision; `dtype` is that of the right one."""

    got: torch.Tensor
    want: torch.Tensor
    dtype: torch.dtype


Likeness = Callable[[Pair], bool | None]


def likeness(pairs: Sequence[Pair]) -> str | None:
    """The sentence for the learner, or None."""
    if len(_different(pairs)) < LEAST:
        return None
    found = next((words for words, holds in LIKENESSES if _shared(pairs, holds)), None)
    return found or _shifted(pairs) or next((words for words, holds in FAINTER if _shared(pairs, holds)), None)


def _shared(pairs: Sequence[Pair], holds: Likeness) -> bool:
    yes = []
    for pair in pairs:
        said = holds(pair)
        if said is False:
            return False
        yes += [pair] * bool(said)
    return len(_different(yes)) >= LEAST and len(yes) * PART >= len(pairs)


def _different(pairs: Sequence[Pair]) -> set[tuple[str, str]]:
    return {(str(got.tolist()), str(want.tolist())) for got, want, _ in pairs}


def _near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _zero(pair: Pair) -> bool:
    return not bool(pair.got.any()) and bool(pair.want.any())


def _sign(pair: Pair) -> bool:
    return bool(pair.want.any()) and _near(pair.got, -pair.want)


def _ratio(pair: Pair) -> bool | None:
    got, want, _ = pair
    there = want != 0
    if bool((got[~there].abs() > 1e-6).any()):
        return False
    if int(there.sum()) < 2:
        return None
    ratio = got[there] / want[there]
    return bool(ratio[0].abs() > 1e-6) and _near(ratio, ratio[0].expand_as(ratio))


def _transposed(pair: Pair) -> bool:
    got, want, _ = pair
    return got.dim() >= 2 and got.shape[-1] == got.shape[-2] > 1 and _near(got, want.mT)


def _turned(pair: Pair) -> bool:
    got, want, _ = pair
    return got.dim() >= 2 and want.shape[-1] * want.shape[-2] > 1 and _near(got, want.flip(-1, -2))


def _step(pair: Pair) -> bool | None:
    if pair.got.numel() < 2:
        return None
    step = pair.got - pair.want
    return _near(step, step.reshape(-1)[0].expand_as(step))


def _border(pair: Pair) -> bool | None:
    """Of feature maps alone: a table of counts or overlaps has a first row, and no border."""
    got, want, dtype = pair
    if got.dim() < 2 or not dtype.is_floating_point:
        return False
    if min(got.shape[-2:]) < 3:
        return None
    bad = (got - want).abs() > 1e-4 * (1 + want.abs())
    if not bool(bad.any()) or bool(bad[..., 1:-1, 1:-1].any()):
        return False
    sides = (bad[..., 0, :], bad[..., -1, :], bad[..., 0], bad[..., -1])
    return True if got.dim() == IMAGES or sum(bool(side[..., 1:-1].any()) for side in sides) > 1 else None


def _narrow(pair: Pair) -> bool:
    """As near as the next narrower dtype comes, and for single precision: nothing but numbers that half types have."""
    got, want, dtype = pair
    off, scale = (got - want).abs().max().item(), want.abs().max().item()
    if dtype == torch.float64:
        return off <= 1e-5 * scale
    halves = (got.half().double(), got.bfloat16().double())
    return dtype == torch.float32 and off <= 1e-2 * scale and any(torch.equal(got, half) for half in halves)


def _whole(pair: Pair) -> bool | None:
    """Whole numbers for what is none; the right ones lie less than 1 away."""
    got, want, dtype = pair
    if not dtype.is_floating_point or not torch.equal(got, got.round()) or not bool(((got - want).abs() < 1).all()):
        return False
    return True if int((want != want.round()).sum()) >= LEAST else None


def _finite(holds: Likeness) -> Likeness:
    return lambda pair: bool(pair.got.isfinite().all() and pair.want.isfinite().all()) and holds(pair)


SWAPPED = "The result is the right one with its last two axes swapped: height comes before width."
LIKENESSES: tuple[tuple[str, Likeness], ...] = (
    ("Every value is 0: the result is made, but nothing is written into it.", _zero),
    ("Every value has the wrong sign.", _sign),
    ("The values are right but for rounding: on the way they pass through a narrower dtype. Keep the dtype of the "
     "input in every step, and do not add small numbers that the formula does not have.", _finite(_narrow)),
    ("The values are the right ones rounded to whole numbers: look for // or an integer dtype on the way.",
     _finite(_whole)),
    (SWAPPED, _transposed),
    ("The result is the right one turned by 180°.", _turned),
)  # fmt: skip
FAINTER: tuple[tuple[str, Likeness], ...] = (
    ("Every value is off by the same factor: a mean for a sum, or the other way round?", _ratio),
    (
        "Only elements at the border are wrong: look at the edge of the picture, and at the padding.",
        _border,
    ),
    ("Every value of a result is off by the same amount: something is added too often, or not at all.", _step),
)

# The same result, moved: (step along the last axis but one, along the last one) -> in words.
WAYS: dict[tuple[int, ...], str] = {
    (0, 1): "to the right", (0, -1): "to the left", (1, 0): "down", (-1, 0): "up",
    (1, 1): "down and to the right", (-1, -1): "up and to the left",
    (1, -1): "down and to the left", (-1, 1): "up and to the right",
}  # fmt: skip


def _shifted(pairs: Sequence[Pair]) -> str | None:
    """One way in which every result is moved by one place; nothing where more than one way would do."""
    flat = all(pair.got.dim() == 1 for pair in pairs)
    ways = [(0, 1), (0, -1)] if flat else [way for way in product((-1, 0, 1), repeat=2) if any(way)]
    found = [way for way in ways if _shared(pairs, lambda pair, way=way: _moved(pair, way))]  # type: ignore[misc]
    if len(found) != 1:
        return None
    where = ("towards the end" if found[0][1] > 0 else "towards the beginning") if flat else WAYS[found[0]]
    return f"The result is the right one, shifted by one {where}: some index begins one too early or too late."


def _moved(pair: Pair, way: tuple[int, int]) -> bool | None:
    one, other = pair.got, pair.want
    for axis, step in ((-2, way[0]), (-1, way[1])):
        if step == 0:
            continue
        if one.dim() < -axis:
            return False
        length = one.shape[axis] - 1
        if length < 1:
            return None
        one, other = one.narrow(axis, max(step, 0), length), other.narrow(axis, max(-step, 0), length)
    if not torch.equal(one, other) and not _near(one, other):
        return False
    return None if bool((other == other.reshape(-1)[0]).all()) else True  # plain: the same anywhere


def same_step(pairs: Sequence[Pair]) -> str | None:
    """One whole number that every value of every answer is off by."""
    steps = [got - want for got, want, _ in pairs]
    if len(_different(pairs)) < LEAST:
        return None
    first = steps[0].reshape(-1)[0]
    if not float(first).is_integer() or not all(_near(step, first.expand_as(step)) for step in steps):
        return None
    size = f"{abs(int(first))} too {'large' if first > 0 else 'small'}"
    return f"Every value is {size}: something is counted once too often, or not at all."
