"""What is in an nn.Module, by name, and how a value gets into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from .wire import Entry


def modules_in(args: list[Any], kwargs: dict[str, Any]) -> list[torch.nn.Module]:
    """The modules among the arguments, each once."""
    found = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.nn.Module)]
    return list({id(module): module for module in found}.values())


def write_into(place: torch.Tensor, value: torch.Tensor) -> None:
    """As seen from here this is the caller's own change: through .data, so that a graph that waits stays valid."""
    if place.shape == value.shape and place.dtype == value.dtype:
        place.data.copy_(value)
    else:  # module.double() over there
        place.data = value


def entries_of(owner: torch.nn.Module) -> Iterator[tuple[Entry, torch.Tensor | None]]:
    """Every parameter and buffer by dotted name, also those registered as None, the values not yet packed."""
    first: dict[int, str] = {}
    for prefix, module in owner.named_modules(remove_duplicate=False):
        fragile = module._non_persistent_buffers_set
        kinds = [("p", name, value) for name, value in module._parameters.items()]
        kinds += [("n" if name in fragile else "b", name, value) for name, value in module._buffers.items()]
        for kind, name, value in kinds:
            full = f"{prefix}.{name}" if prefix else name
            known = full if value is None else first.setdefault(id(value), full)
            yield Entry(full, kind, None, None if known == full else known), value
