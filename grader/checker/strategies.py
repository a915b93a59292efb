"""The one room for inputs: strategies that read as the specification and shrink to what a person can check by hand.

Tensors are drawn as a pattern or a seed, never element by element: that is quick, and a failing input shrinks to
1, 2, 3, … in the smallest shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import strategies as st

Shape = Sequence[int]
SEEDS = 2**16


def _shapes(shape: Shape | st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    return shape if isinstance(shape, st.SearchStrategy) else st.just(tuple(shape))


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape],
    dtype: torch.dtype = torch.float32,
    low: int = -3,
    high: int = 3,
) -> torch.Tensor:
    """An integer-valued tensor, so that sums of products are exact; shrinks to 1, 2, 3, …"""
    size = tuple(draw(_shapes(shape)))
    seed = draw(st.integers(0, SEEDS))
    if seed == 0:
        return torch.arange(1, 1 + int(np.prod(size, dtype=int))).reshape(size).to(dtype)
    values = _bits(seed).integers(low, high, size=size, endpoint=True)
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(size).to(dtype)


@st.composite
def reals(draw: st.DrawFn, shape: Shape | st.SearchStrategy[Shape], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Values in [-1, 1] that no integer and no float32 holds exactly: what a float32 buffer rounds."""
    size = tuple(draw(_shapes(shape)))
    values = _bits(draw(st.integers(1, SEEDS))).uniform(-1.0, 1.0, size=size)
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(size).to(dtype)


def _bits(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))  # a documented bit stream, the same on every machine


@st.composite
def layouts(draw: st.DrawFn, tensor: st.SearchStrategy[torch.Tensor]) -> torch.Tensor:
    """The same values in another storage: contiguous, transposed, a slice of something larger, channels last."""
    value = draw(tensor)
    ways = ["contiguous", "transposed", "sliced"] + (["channels_last"] if value.dim() == 4 else [])
    match draw(st.sampled_from(ways)):
        case "transposed" if value.dim() >= 2:
            return value.transpose(-1, -2).contiguous().transpose(-1, -2)
        case "sliced" if value.dim() >= 1:
            wide = value.new_full((*value.shape[:-1], 2 * value.shape[-1] + 1), 77)
            wide[..., 1::2] = value
            return wide[..., 1::2]
        case "channels_last":
            return value.contiguous(memory_format=torch.channels_last)
    return value


def ints(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    """(vertical, horizontal), equal or not."""
    return st.tuples(st.integers(low, high), st.integers(low, high))


def int_or_pair(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    return st.one_of(st.integers(low, high), pairs(low, high))


@st.composite
def sizes(draw: st.DrawFn, low: int, high: int) -> tuple[int, int]:
    """(height, width): different far more often than not."""
    height = draw(st.integers(low, high))
    step = draw(st.integers(1, max(1, high - low)))
    width = height + step if height + step <= high else max(low, height - step)
    return height, width
