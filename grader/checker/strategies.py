"""The one room for inputs: strategies that read as the specification and shrink to what a person can check by hand.

Tensors are drawn as a pattern or a seed, never element by element: that is quick, and a failing input shrinks to
1, 2, 3, … in the smallest shape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

Shape = Sequence[int]
SEEDS = 2**16


_SEED, _OTHER_SEED = st.integers(0, SEEDS), st.integers(1, SEEDS)


def composite(function: Callable[..., Any]) -> Callable[..., Any]:
    """`st.composite`, except that equal arguments give the same strategy.

    Hypothesis looks a strategy over before it draws from it the first time: for one that a composite makes anew in
    every draw, that takes longer than the drawing.
    """
    make = st.composite(function)
    kept = functools.lru_cache(1024, typed=True)(make)

    @functools.wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        try:
            return kept(*args, **kwargs)
        except TypeError:  # an argument that cannot be looked up
            return make(*args, **kwargs)

    return made


def _shapes(shape: Shape | st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    return shape if isinstance(shape, st.SearchStrategy) else _just(tuple(shape))


@functools.lru_cache(1024, typed=True)
def _just(shape: Shape) -> st.SearchStrategy[Shape]:
    return st.just(shape)


@composite
def tensors(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape],
    dtype: torch.dtype = torch.float32,
    low: int = -3,
    high: int = 3,
) -> torch.Tensor:
    """An integer-valued tensor, so that sums of products are exact; shrinks to 1, 2, 3, …"""
    size = tuple(draw(_shapes(shape)))
    seed = draw(_SEED)
    if seed == 0:
        return torch.arange(1, 1 + int(np.prod(size, dtype=int))).reshape(size).to(dtype)
    values = _bits(seed).integers(low, high, size=size, endpoint=True)
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(size).to(dtype)


@composite
def reals(draw: st.DrawFn, shape: Shape | st.SearchStrategy[Shape], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Values in [-1, 1] that no integer and no float32 holds exactly: what a float32 buffer rounds."""
    size = tuple(draw(_shapes(shape)))
    values = _bits(draw(_OTHER_SEED)).uniform(-1.0, 1.0, size=size)
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(size).to(dtype)


def _bits(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))  # a documented bit stream, the same on every machine


@composite
def layouts(draw: st.DrawFn, tensor: st.SearchStrategy[torch.Tensor]) -> torch.Tensor:
    """The same values in another storage: contiguous, transposed, a slice of something larger, channels last."""
    value = draw(tensor)
    ways = ["contiguous", "transposed", "sliced"] + (["channels_last"] if value.dim() == 4 else [])
    match draw(_ways(*ways)):
        case "transposed" if value.dim() >= 2:
            return value.transpose(-1, -2).contiguous().transpose(-1, -2)
        case "sliced" if value.dim() >= 1:
            wide = value.new_full((*value.shape[:-1], 2 * value.shape[-1] + 1), 77)
            wide[..., 1::2] = value
            return wide[..., 1::2]
        case "channels_last":
            return value.contiguous(memory_format=torch.channels_last)
    return value


@functools.lru_cache(16)
def _ways(*ways: str) -> st.SearchStrategy[str]:
    return st.sampled_from(ways)


@functools.lru_cache(1024, typed=True)
def ints(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


@functools.lru_cache(1024, typed=True)
def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    """(vertical, horizontal), equal or not."""
    return st.tuples(st.integers(low, high), st.integers(low, high))


@functools.lru_cache(1024, typed=True)
def int_or_pair(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    return st.one_of(st.integers(low, high), pairs(low, high))


@composite
def sizes(draw: st.DrawFn, low: int, high: int) -> tuple[int, int]:
    """(height, width): different far more often than not."""
    height = draw(ints(low, high))
    step = draw(ints(1, max(1, high - low)))
    width = height + step if height + step <= high else max(low, height - step)
    return height, width
