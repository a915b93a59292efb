"""Comparison: passes in silence or raises a `Mismatch` that says what, where, expected and got.

Shape and dtype come before values, finite before close, and a bound follows from the dtype and the length of the sums.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch

from .describe import article as _article
from .describe import described

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)
# Roundings per term that an honest algorithm of another order (FFT, pairwise sums) may need, by where it computes and
# in what. On a GPU cuDNN may take Winograd's way to a float32 convolution, whose transforms cost two bits more; sums of
# half-precision numbers are gathered in float32 and rounded once. TF32, which would cost 13 bits, is off.
SLACK: Mapping[str, Mapping[torch.dtype, float]] = {
    "cpu": dict.fromkeys(_FLOATS, 32.0),
    "cuda": {**dict.fromkeys(_FLOATS, 32.0), torch.float32: 128.0, torch.complex64: 128.0},
}
_computed_on: ContextVar[str] = ContextVar("computed_on", default="cpu")


@contextlib.contextmanager
def computed_on(device: str) -> Iterator[None]:
    """While this is open, answers come from there: "cpu" or "cuda"."""
    token = _computed_on.set(device)
    try:
        yield
    finally:
        _computed_on.reset(token)


@dataclass
class Mismatch(AssertionError):
    """The answer is not what was asked for. `kind` is for the diagnosis, `message` for the learner."""

    kind: str  # type, shape, dtype, device, nan, value, error, gradient, property, example
    message: str
    expected: Any = None
    got: Any = None
    where: str | None = None
    bad: torch.Tensor | None = None
    share: float = 0.0  # of the check's points, that it earns nevertheless

    def __str__(self) -> str:
        return self.message


def equal(got: Any, want: Any) -> None:
    """Same type and same value: ints, floats, strings, None and lists, tuples and dicts of them. NaN equals NaN."""
    found = _first_difference(got, want, "")
    if found is None:
        return
    place, one, other = found
    where = f"at {place}: expected {described(other)}, got {described(one)}" if place else None
    kind = "value" if type(one) is type(other) else "type"
    words = f"expected {described(other)}, got {described(one)}" if not place else f"{place} of the result is wrong: "
    text = words if not place else f"{words}expected {described(other)}, got {described(one)}"
    raise Mismatch(kind, text + _hint(one, other), want, got, where)


def _first_difference(got: Any, want: Any, place: str) -> tuple[str, Any, Any] | None:
    """(where, got, want) of the innermost first difference."""
    if type(got) is not type(want):
        return place, got, want
    if isinstance(want, list | tuple):
        if len(got) != len(want):
            return place, got, want
        pairs = ((f"{place}[{i}]", one, other) for i, (one, other) in enumerate(zip(got, want, strict=True)))
    elif isinstance(want, dict):
        if list(got) != list(want):
            return place, got, want
        pairs = ((f"{place}[{key!r}]", got[key], other) for key, other in want.items())
    else:
        return None if same(got, want) else (place, got, want)
    return next((found for at, one, other in pairs if (found := _first_difference(one, other, at))), None)


def same(got: Any, want: Any) -> bool:
    if isinstance(want, torch.Tensor):
        return got.dtype == want.dtype and got.shape == want.shape and bool(alike(got, want).all())
    if isinstance(want, float) and math.isnan(want):
        return math.isnan(got)
    return bool(got == want)


def _hint(got: Any, want: Any) -> str:
    """What to do about a right value of a wrong type."""
    if isinstance(got, torch.Tensor) and isinstance(want, int | float) and got.numel() == 1:
        return ": a tensor with one element is not a number yet, .item() makes it one"
    numbers = isinstance(got, int | float) and isinstance(want, int | float)
    if numbers and type(got) is not type(want) and got == want:
        if isinstance(got, float) and not isinstance(want, bool):
            return ": the value is right, but it has to be an int. Divide with // where the result is a whole number"
        return f": the value is right, but it has to be {_article(type(want).__name__)}"
    pair = {type(got), type(want)}
    return f": it has to be a {type(want).__name__}" if pair == {list, tuple} else ""


def close(got: Any, want: Any, *, terms: int = 64, magnitude: float | None = None, what: str = "the result") -> None:
    """Tensors (or tuples, lists and dicts of them): exact shape, dtype and device, values within rounding.

    The bound is SLACK · eps · terms · magnitude, the first two by dtype; magnitude is the largest expected absolute
    value, at least 1.
    A Python float has to be a float within the same bound for float32, where such numbers come from.
    """
    if isinstance(want, tuple | list | dict):
        same_parts(got, want, what)
        for place in _places(want):
            close(got[place], want[place], terms=terms, magnitude=magnitude, what=f"{what}[{place!r}]")
    elif isinstance(want, torch.Tensor):
        same_frame(got, want, what)
        _same_values(got, want, bound(want, terms=terms, magnitude=magnitude), what)
    elif isinstance(want, float) and isinstance(got, float):
        one, other = torch.tensor(got, dtype=torch.float64), torch.tensor(want, dtype=torch.float64)
        allowed = bound(other.float(), terms=terms, magnitude=magnitude)
        if not bool(_good(one, other, allowed)):
            kind = "value" if math.isfinite(got) or not math.isfinite(want) else "nan"
            raise Mismatch(kind, f"expected {what} to be {want:.6g}, got {got:.6g}", want, got)
    else:
        equal(got, want)


def _places(value: Any) -> Any:
    return value if isinstance(value, dict) else range(len(value))


def alike_in_kind(got: Any, want: Any, what: str) -> None:
    """Everything but the values: same nesting, types, shapes and dtypes."""
    if isinstance(want, tuple | list | dict):
        same_parts(got, want, what)
        for place in _places(want):
            alike_in_kind(got[place], want[place], f"{what}[{place!r}]")
    elif isinstance(want, torch.Tensor):
        same_frame(got, want, what)
    elif type(got) is not type(want):
        raise Mismatch("type", f"expected {what} to be {described(want)}, got {described(got)}", want, got)


def same_parts(got: Any, want: Any, what: str) -> None:
    """As many values, or the same keys, as were asked for; a list will do for a tuple."""
    if isinstance(want, dict):
        if not isinstance(got, dict):
            raise Mismatch("type", f"expected {what} to be a dict, got {described(got)}", want, got)
        if set(got) != set(want):
            missing, extra = [k for k in want if k not in got], [k for k in got if k not in want]
            parts = [f"lacks {missing[:6]}"] * bool(missing) + [f"has {extra[:6]} besides"] * bool(extra)
            raise Mismatch("type", f"the keys of {what} are not the expected ones: it {' and '.join(parts)}", want, got)
    elif not isinstance(got, tuple | list) or len(got) != len(want):
        text = f"expected {what} to be {len(want)} value{'s' * (len(want) != 1)}, got {described(got)}"
        raise Mismatch("type", text, want, got)


def bound(want: torch.Tensor, *, terms: int, magnitude: float | None = None) -> float:
    """The largest error that rounding explains; 0 for integers and bools."""
    if not (want.is_floating_point() or want.is_complex()) or want.device.type == "meta":
        return 0.0
    finite = want.detach()[want.isfinite()].abs()
    scale = max(1.0, finite.max().item() if finite.numel() else 0.0) if magnitude is None else magnitude
    return SLACK[_computed_on.get()][want.dtype] * torch.finfo(want.dtype).eps * terms * scale


def same_frame(got: Any, want: torch.Tensor, what: str) -> None:
    """A tensor of the expected shape, dtype and device."""
    if not isinstance(got, torch.Tensor):
        raise Mismatch("type", f"expected {what} to be {described(want)}, got {described(got)}", want, got)
    if got.shape != want.shape:
        text = f"{what} has shape {tuple(got.shape)}, expected {tuple(want.shape)}"
        raise Mismatch("shape", text, want, got, where=text)
    if got.dtype != want.dtype:
        text = f"{what} is {_name(got)}, expected {_name(want)}: make new tensors with the dtype that is asked for"
        if want.is_floating_point():
            text = f"{what} is {_name(got)}, expected {_name(want)}: keep the dtype of the input"
        raise Mismatch("dtype", text, want, got, where=text)
    if got.device != want.device:
        text = f"{what} is on {got.device}, expected {want.device}: make new tensors on the device of the input"
        raise Mismatch("device", text, want, got, where=text)


def _name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def alike(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """Element by element the same, infinities and NaN included."""
    return (got == want) | ((got != got) & (want != want))  # NaN alone differs from itself


def _good(got: torch.Tensor, want: torch.Tensor, allowed: float) -> torch.Tensor:
    if allowed == 0:
        return alike(got, want)
    wide = torch.complex128 if want.is_complex() else torch.float64
    finite = want.isfinite() & got.isfinite()
    error = torch.where(finite, got.to(wide) - want.to(wide), 0.0).abs()
    return torch.where(finite, error <= allowed, alike(got, want))


def _same_values(got: torch.Tensor, want: torch.Tensor, allowed: float, what: str) -> None:
    if want.device.type == "meta" or want.numel() == 0:
        return
    got, want = got.detach(), want.detach()
    bad = ~_good(got, want, allowed)
    if not bool(bad.any()):
        return
    kind = "nan" if bool((bad & ~got.isfinite() & want.isfinite()).any()) else "value"
    where = _where(got, want, bad)
    raise Mismatch(kind, f"{what} has the right shape but wrong values: {where}", want, got, where, bad)


def _where(got: torch.Tensor, want: torch.Tensor, bad: torch.Tensor) -> str:
    if bad.dim() == 0:
        one, other = _numbers(got, want)
        return f"expected {other}, got {one}"
    first = tuple(int(i) for i in bad.nonzero()[0])
    count = int(bad.sum())
    amount = "it alone differs" if count == 1 else f"{count} of {bad.numel()} elements differ"
    one, other = _numbers(got[first], want[first])
    return f"first at {list(first)}: expected {other}, got {one}; {amount}"


def _numbers(got: torch.Tensor, want: torch.Tensor) -> tuple[str, str]:
    """Both as text, with as many digits as it takes to tell them apart."""
    one, other = got.item(), want.item()
    for digits in (6, 9, 17):
        if not isinstance(one, float) or not isinstance(other, float):
            break
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return str(one), str(other)
