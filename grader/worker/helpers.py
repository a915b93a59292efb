"""Stands in for a task whose own version is wrong, while another task that calls it is graded.

The right answer is worked out in another process: a helper asks over the worker's own socket in the middle of a call,
and the trusted side has the reference answer in a worker of its own. So no source of it comes into the learner's reach.
"""

from __future__ import annotations

import builtins
import itertools
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from .crossing import Crossing, replaced
from .values import Packer, Unpacker, tensors_in
from .wire import Backward, Call, Failure, Reply, WireError

# Sends a question and waits for its answer.
Ask = Callable[[Call | Backward, bytes], tuple[Reply, bytearray]]


@dataclass(slots=True)
class Desk:
    """Where helpers ask: one question at a time, each graph under a number of its own."""

    ask: Ask
    home: torch.device
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _graphs: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        recording = torch.is_grad_enabled()
        leaves = [tensor for tensor in tensors_in([list(args), kwargs]) if tensor.requires_grad] if recording else []
        graph = next(self._graphs) if leaves else None
        packer = Packer(layout=True)
        packed = [packer.pack(value) for value in args]
        named = {key: packer.pack(value) for key, value in kwargs.items()}
        reader, reply = self._asked(Call(name, packed, named, graph=graph, grad=recording), bytes(packer.body))
        value = reader.unpack(reply.value)
        tensors = tensors_in(value)
        wanted = [tensor for tensor, wants in zip(tensors, reader.wants, strict=True) if wants]
        if graph is None or not wanted:
            return value
        joined = Crossing.apply(self, graph, None, wanted, *leaves)
        return replaced(value, {id(old): new for old, new in zip(wanted, joined, strict=True)})

    def backward(
        self, graph: int, grads: Sequence[torch.Tensor | None], inputs: Sequence[torch.Tensor]
    ) -> Sequence[torch.Tensor | None]:
        packer = Packer()
        reader, reply = self._asked(Backward(graph, [packer.pack(grad) for grad in grads]), bytes(packer.body))
        answer: list[torch.Tensor | None] = reader.unpack(reply.value)
        return answer

    def forget_graph(self, graph: int) -> None:
        """Nothing to do: the process over there ends with the check's exercise."""

    def _asked(self, request: Call | Backward, body: bytes) -> tuple[Unpacker, Reply]:
        with self._lock:
            reply, answer = self.ask(request, body)
        if reply.failure is not None:
            raise _error(reply.failure)
        return Unpacker(answer, home=self.home), reply


def _error(failure: Failure) -> Exception:
    """What the right version raises, as far as it is one of Python's own exceptions."""
    kind = getattr(builtins, failure.type_name, RuntimeError)
    return kind(failure.text) if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError(failure.text)


def put_in(module: types.ModuleType, names: Sequence[str], ask: Ask | None, home: torch.device) -> None:
    """Replace these functions of a learner's module, whose tensors live at `home`.

    What the module has taken from them before stays as it is.
    """
    if not names:
        return
    if ask is None:
        raise WireError("nobody to ask for a helper")
    desk = Desk(ask, home)
    for name in names:
        setattr(module, name, _helper(desk, name))


def _helper(desk: Desk, name: str) -> Callable[..., Any]:
    def helper(*args: Any, **kwargs: Any) -> Any:
        return desk.call(name, args, kwargs)

    helper.__name__ = helper.__qualname__ = name
    return helper
