"""Where autograd crosses from one process to another: the forward has happened over there, the backward will."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch


class Ends(Protocol):
    """What a crossing needs of the link."""

    def backward(
        self, graph: int, grads: Sequence[torch.Tensor | None], inputs: Sequence[torch.Tensor]
    ) -> Sequence[torch.Tensor | None]: ...

    def forget_graph(self, graph: int) -> None: ...


class Crossing(torch.autograd.Function):
    """Gives `outputs`, which have arrived already, a history that leads to `inputs` through the worker's graph."""

    @staticmethod
    def forward(
        ctx: Any,
        link: Ends,
        graph: int,
        refresh: Callable[[], object] | None,
        outputs: list[torch.Tensor],
        *inputs: torch.Tensor,
    ) -> Any:
        ctx.link, ctx.graph, ctx.refresh = link, graph, refresh
        ctx.inputs = [tensor.detach() for tensor in inputs]
        ctx.set_materialize_grads(False)
        weakref.finalize(ctx, link.forget_graph, graph)
        return tuple(tensor.view_as(tensor) for tensor in outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor | None) -> Any:
        if ctx.refresh is not None:
            ctx.refresh()
        return (None, None, None, None, *ctx.link.backward(ctx.graph, grads, ctx.inputs))


def replaced(value: Any, new: dict[int, torch.Tensor]) -> Any:
    """The nested value with some of its tensors replaced, by id."""
    if isinstance(value, torch.Tensor):
        return new.get(id(value), value)
    if isinstance(value, list | tuple):
        return type(value)(replaced(item, new) for item in value)
    if isinstance(value, dict):
        return {key: replaced(item, new) for key, item in value.items()}
    return value
