"""Counts dispatched tensor operations: "vectorised" is judged by this number, never by a clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# Bookkeeping that PyTorch adds of its own and a learner did not write.
_FREE = frozenset({"aten::detach", "aten::alias", "aten::lift_fresh"})


class OpCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Counts the operations dispatched in this thread; a composite operation counts as its parts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first counted operation imports torch._dynamo: a second, and hundreds of modules

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.name().split(".")[0] not in _FREE:
            self.count += 1
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def counting(wanted: bool) -> Iterator[OpCounter]:
    """A counter, which counts only where that is `wanted`: it costs something with every operation."""
    counter = OpCounter()
    with counter if wanted else contextlib.nullcontext():
        yield counter
