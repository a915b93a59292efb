"""Tensors as Python text that makes them again."""

from __future__ import annotations

import math
from typing import Any

import torch


def literal(tensor: torch.Tensor) -> str:
    """Python that makes this tensor again, layout and requires_grad included."""
    plain = tensor.detach()
    grad = ".requires_grad_()" if tensor.requires_grad else ""
    if plain.device.type == "meta":
        return f"torch.empty({tuple(plain.shape)}, dtype={plain.dtype}, device='meta'){grad}"
    if not plain.is_contiguous():
        span = 1 + sum((n - 1) * s for n, s in zip(plain.shape, plain.stride(), strict=True))
        flat = plain.as_strided((span,), (1,))
        return f"{literal(flat)}.as_strided({tuple(plain.shape)}, {tuple(plain.stride())}){grad}"
    count = plain.numel()
    counting = torch.arange(1, count + 1).reshape(plain.shape)
    if count > 4 and not plain.is_complex() and torch.equal(plain.double(), counting.double()):
        return f"torch.arange(1, {count + 1}, dtype={plain.dtype}).reshape{tuple(plain.shape)}{grad}"
    numbers = "[]" if count == 0 else _numbers(plain.tolist())
    shape = f".reshape{tuple(plain.shape)}" if count == 0 else ""
    return f"torch.tensor({numbers}, dtype={plain.dtype}){shape}{grad}"


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_numbers(value) for value in values)}]"
    if isinstance(values, float) and not math.isfinite(values):
        return f"float('{values}')"
    return repr(values)
