"""Comparison: `expect` passes in silence or raises a `Mismatch` that says what, where, expected and got.

Shape and dtype come before values, finite before close, and a bound follows from the dtype and the length of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grader.errors import LearnerRaised
from grader.worker.wire import OpaqueV

SLACK = 32.0  # roundings per term that an honest algorithm of another order (FFT, pairwise sums) may need


@dataclass
class Mismatch(AssertionError):
    """The answer is not what was asked for. `kind` is for the diagnosis, `message` for the learner."""

    kind: str  # type, shape, dtype, device, nan, value, error, property
    message: str
    expected: Any = None
    got: Any = None
    where: str | None = None
    bad: torch.Tensor | None = None

    def __str__(self) -> str:
        return self.message


def described(value: Any) -> str:
    """What a value is, in a learner's words."""
    if isinstance(value, torch.Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}"
    if isinstance(value, OpaqueV):
        return f"{value.type_name}: {value.text}" if value.type_name == "int" else f"a {value.type_name}"
    if value is None:
        return "None"
    return f"{type(value).__name__} {value!r}"


def equal(got: Any, want: Any) -> None:
    """Same type and same value: ints, floats, strings, None and lists, tuples and dicts of them."""
    if not _same_plain(got, want):
        kind = "value" if type(got) is type(want) else "type"
        raise Mismatch(kind, f"expected {described(want)}, got {described(got)}", want, got)


def _same_plain(got: Any, want: Any) -> bool:
    if type(got) is not type(want):
        return False
    if isinstance(want, list | tuple):
        return len(got) == len(want) and all(_same_plain(a, b) for a, b in zip(got, want, strict=True))
    if isinstance(want, dict):
        return list(got) == list(want) and all(_same_plain(got[key], want[key]) for key in want)
    if isinstance(want, torch.Tensor):
        return got.dtype == want.dtype and got.shape == want.shape and torch.equal(got, want)
    return bool(got == want)


def close(got: Any, want: Any, *, terms: int = 64, magnitude: float | None = None, what: str = "the result") -> None:
    """Tensors (or tuples and lists of them): exact shape, dtype and device, values within rounding.

    The bound is SLACK · eps(dtype) · terms · magnitude; magnitude is the largest expected absolute value, at least 1.
    """
    if isinstance(want, tuple | list):
        if not isinstance(got, tuple | list) or len(got) != len(want):
            text = f"expected {what} to be {len(want)} values, got {described(got)}"
            raise Mismatch("type", text, want, got)
        for place, (one, other) in enumerate(zip(got, want, strict=True)):
            close(one, other, terms=terms, magnitude=magnitude, what=f"{what}[{place}]")
        return
    if want is None:
        return equal(got, None)
    _same_frame(got, want, what)
    _same_values(got, want, bound(want, terms=terms, magnitude=magnitude), what)


def bound(want: torch.Tensor, *, terms: int, magnitude: float | None = None) -> float:
    """The largest error that rounding explains; 0 for integers and bools."""
    if not want.is_floating_point() or want.device.type == "meta":
        return 0.0
    finite = want.detach()[want.isfinite()].abs()
    scale = max(1.0, finite.max().item() if finite.numel() else 0.0) if magnitude is None else magnitude
    return SLACK * torch.finfo(want.dtype).eps * terms * scale


def _same_frame(got: Any, want: torch.Tensor, what: str) -> None:
    if not isinstance(got, torch.Tensor):
        raise Mismatch("type", f"expected {what} to be {described(want)}, got {described(got)}", want, got)
    if got.shape != want.shape:
        text = f"{what} has shape {tuple(got.shape)}, expected {tuple(want.shape)}"
        raise Mismatch("shape", text, want, got, where=text)
    if got.dtype != want.dtype:
        text = f"{what} is {_name(got)}, expected {_name(want)}: keep the dtype of the input"
        raise Mismatch("dtype", text, want, got, where=text)
    if got.device != want.device:
        text = f"{what} is on {got.device}, expected {want.device}: make new tensors on the device of the input"
        raise Mismatch("device", text, want, got, where=text)


def _name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _same_values(got: torch.Tensor, want: torch.Tensor, allowed: float, what: str) -> None:
    if want.device.type == "meta" or want.numel() == 0:
        return
    got, want = got.detach(), want.detach()
    finite = want.isfinite() & got.isfinite()
    error = torch.where(finite, got.double() - want.double(), 0.0).abs()
    alike = (got == want) | (got.isnan() & want.isnan())  # infinities and NaN have to be the same
    good = torch.where(finite, error <= allowed, alike)
    if bool(good.all()):
        return
    bad = ~good
    kind = "nan" if bool((bad & ~got.isfinite() & want.isfinite()).any()) else "value"
    where = _where(got, want, bad)
    raise Mismatch(kind, f"{what} has the right shape but wrong values: {where}", want, got, where, bad)


def _where(got: torch.Tensor, want: torch.Tensor, bad: torch.Tensor) -> str:
    if bad.dim() == 0:
        return f"expected {number(want)}, got {number(got)}"
    first = tuple(int(i) for i in bad.nonzero()[0])
    count = int(bad.sum())
    amount = "it alone differs" if count == 1 else f"{count} of {bad.numel()} elements differ"
    return f"first at {list(first)}: expected {number(want[first])}, got {number(got[first])}; {amount}"


def number(value: torch.Tensor) -> str:
    item = value.item()
    return f"{item:.6g}" if isinstance(item, float) else str(item)


def value_error(function: Callable[..., Any], /, *args: Any, about: Sequence[str], **kwargs: Any) -> None:
    """The call raises ValueError, and its message names one of `about` (any argument that is involved)."""
    names = " or ".join(about)
    want = f"ValueError about {names}"
    try:
        got = function(*args, **kwargs)
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


def unchanged(function: Any, /, *args: Any, **kwargs: Any) -> None:
    """The call leaves its arguments as they were: tensors, lists, dicts. `function` belongs to `learner`."""
    with function.link.echoed() as seen:
        function(*args, **kwargs)
    after, named = seen[-1]
    for before, now in [*zip(args, after, strict=True), *((kwargs[key], named[key]) for key in kwargs)]:
        if not _as_before(before, now):
            text = "the call changed one of its arguments: work on a copy, the caller still needs it"
            raise Mismatch("property", text, before, now)


def _as_before(before: Any, now: Any) -> bool:
    if isinstance(before, torch.Tensor):
        return (
            isinstance(now, torch.Tensor) and before.shape == now.shape and torch.equal(before.detach(), now.detach())
        )
    if isinstance(before, list | tuple):
        return len(before) == len(now) and all(_as_before(a, b) for a, b in zip(before, now, strict=True))
    if isinstance(before, dict):
        return list(before) == list(now) and all(_as_before(before[key], now[key]) for key in before)
    return True


def that(condition: Any, sentence: str) -> None:
    """The condition holds; `sentence` tells the learner what should have been."""
    if not condition:
        raise Mismatch("property", sentence)
