"""Listens to a training: the loss of every backward pass, thinned out. For the eye; nothing is judged by it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from .wire import LOSSES_CAP, Losses


class Listener:
    """Keeps means over `stride` values each, and never more than LOSSES_CAP of them."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.stride = 1
        self._rest: list[float] = []

    def hear(self, value: float) -> None:
        self._rest.append(value)
        if len(self._rest) < self.stride:
            return
        self.values.append(sum(self._rest) / self.stride)
        self._rest.clear()
        if len(self.values) == LOSSES_CAP:
            self.values = [(one + other) / 2 for one, other in zip(self.values[::2], self.values[1::2], strict=True)]
            self.stride *= 2

    @property
    def heard(self) -> Losses | None:
        return Losses(self.values, self.stride) if self.values else None


@contextlib.contextmanager
def listening(wanted: bool) -> Iterator[Listener]:
    """Hears every scalar that is backpropagated while this is open, where that is `wanted`."""
    listener = Listener()
    if not wanted:
        yield listener
        return
    backward = torch.autograd.backward

    def heard(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(tensors, torch.Tensor) and tensors.numel() == 1 and tensors.is_floating_point():
            listener.hear(float(tensors.detach()))
        return backward(tensors, *args, **kwargs)

    torch.autograd.backward = heard  # Tensor.backward looks it up there
    try:
        yield listener
    finally:
        torch.autograd.backward = backward
