"""Answers requests with the learner's module: load, call, backward, state. Runs in the worker.

Whatever the learner's code does inside a request ends as a `Reply`: a value or a `Failure`. Nothing here decides
whether an answer is right, and nothing here can: there is no check, no reference and no expected value in this process.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from .failures import MissingTask, failure_from
from .ops import OpCounter
from .values import Packer, Unpacker, tensors_in
from .wire import Backward, Call, Entry, Failure, Forget, Load, Numbered, Reply, Request, State, TensorV, WireError


@dataclass(slots=True)
class Graph:
    """What backward needs of a forward call."""

    outputs: list[torch.Tensor]
    inputs: list[torch.Tensor]
    parameters: list[torch.Tensor]


class NoGuard:
    """Stands in for the op guard where nothing is forbidden: in our own process (`--debug`, tests)."""

    filename: str | None = None

    @property
    def refusals(self) -> list[Any]:
        return []

    def check_bases(self, cls: type) -> None:
        return None

    def run_backward(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor | None, ...]:
        grads: tuple[torch.Tensor | None, ...] = torch.autograd.grad(*args, **kwargs)
        return grads


@dataclass(slots=True)
class Servant:
    """One learner's module and the objects it has made."""

    guard: Any = field(default_factory=NoGuard)
    module: types.ModuleType | None = None
    filename: str = ""
    objects: dict[int, object] = field(default_factory=dict)
    graphs: dict[int, Graph] = field(default_factory=dict)
    sent: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def answer(self, numbered: Numbered, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        """Carry out one request; every end of it is a reply."""
        number = numbered.number
        refused_before = len(self.guard.refusals)
        try:
            reply, out = self._carry_out(number, numbered.request, body)
        except WireError as error:
            failure = Failure("unsendable", "", [], str(error))
            reply, out = Reply(number, failure=failure), bytearray()
        except BaseException as error:
            reply, out = Reply(number, failure=failure_from(error, self.filename)), bytearray()
        if len(self.guard.refusals) > refused_before:  # also where the learner's code swallowed the exception
            refusal = self.guard.refusals[refused_before]
            failure = Failure("refused", refusal.operator, [], refusal.because, refusal.line)
            reply, out = Reply(number, failure=failure), bytearray()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        return reply, out

    def _carry_out(self, number: int, request: Request, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        match request:
            case Load():
                self.load(request)
                return Reply(number), bytearray()
            case Call():
                return self._call(number, request, body)
            case Backward():
                return self._backward(number, request, body)
            case State():
                return self._state(number, request, body)
            case Forget():
                for handle in request.handles:
                    self.objects.pop(handle, None)
                    self.sent.pop(handle, None)
                for graph in request.graphs:
                    self.graphs.pop(graph, None)
                return Reply(number), bytearray()

    def load(self, request: Load) -> None:
        """Run the module's top level under its own name, so that classes and dataclasses in it work as usual."""
        self.filename = self.guard.filename = request.filename
        module = types.ModuleType(request.name)
        module.__file__ = request.filename
        lines = io.StringIO(request.source).readlines()  # splits where Python does, and nowhere else
        linecache.cache[request.filename] = (len(request.source), None, lines, request.filename)
        code = compile(request.source, request.filename, "exec", dont_inherit=True)
        sys.modules[request.name] = module
        exec(code, module.__dict__)  # the one place where a learner's source runs
        self.module = module

    def _call(self, number: int, request: Call, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        reader = Unpacker(body, self._object, leaves=True)
        args = [reader.unpack(value) for value in request.args]
        kwargs = {key: reader.unpack(value) for key, value in request.kwargs.items()}
        target = self._target(request)
        owner = self.objects.get(request.on) if request.on is not None else None
        leaves = [tensor for tensor in tensors_in([args, kwargs]) if tensor.requires_grad]
        with torch.set_grad_enabled(request.grad), _counting(request.count) as counter:
            value = target(*args, **kwargs)
        if request.keep is not None:
            self.objects[request.keep] = value
            owner = value
        if request.graph is not None and request.grad:
            outputs = [tensor for tensor in tensors_in(value) if tensor.requires_grad]
            self.graphs[request.graph] = Graph(outputs, leaves, [p for _, p in _trained(owner)])
        packer = Packer(self._handle)
        answer = None if request.keep is not None else packer.pack(value)
        echo = packer.pack([args, kwargs]) if request.echo else None
        handle = request.on if request.keep is None else request.keep
        state = self._news(handle, owner, packer) if isinstance(owner, torch.nn.Module) else None
        training = owner.training if isinstance(owner, torch.nn.Module) else True
        return Reply(number, answer, None, echo, counter.count, state, training is True), packer.body

    def _target(self, request: Call) -> Callable[..., object]:
        if request.on is None and self.module is None:
            raise LookupError("no module is loaded")
        found: Any = self._object(request.on) if request.on is not None else self.module
        for part in request.target.split("."):
            if request.on is None and not hasattr(found, part):
                raise MissingTask(f"there is no {request.target} in {self.filename}")
            found = getattr(found, part)
        if request.on is None and isinstance(found, type):
            self.guard.check_bases(found)
        return found  # type: ignore[no-any-return]

    def _backward(self, number: int, request: Backward, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        graph = self.graphs[request.graph]
        reader = Unpacker(body)
        upstream = [reader.unpack(value) for value in request.grads]
        wanted = graph.inputs + graph.parameters
        pairs = [(out, grad) for out, grad in zip(graph.outputs, upstream, strict=True) if grad is not None]
        grads: tuple[torch.Tensor | None, ...] = (None,) * len(wanted)
        with _counting(request.count) as counter:
            if pairs and wanted:
                outputs, given = zip(*pairs, strict=True)
                grads = self.guard.run_backward(outputs, wanted, given, retain_graph=True, allow_unused=True)
        packer = Packer()
        return Reply(number, packer.pack(list(grads)), ops=counter.count), packer.body

    def _state(self, number: int, request: State, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        owner = self._object(request.on)
        if not isinstance(owner, torch.nn.Module):
            raise TypeError("only an nn.Module has a state")
        reader = Unpacker(body)
        places: dict[str, torch.Tensor] = dict(owner.named_parameters()) | dict(owner.named_buffers())
        for name, value in request.write.items():
            # .data: as seen from here this is the caller's own change, and a graph that waits for backward stays valid
            places[name].data.copy_(reader.unpack(value))
        packer = Packer()
        return Reply(number, state=self._news(request.on, owner, packer), training=owner.training is True), packer.body

    def _news(self, handle: int | None, owner: torch.nn.Module, packer: Packer) -> list[Entry]:
        """The parameters and buffers that changed since they were last sent."""
        sent = self.sent.setdefault(handle or 0, {})
        entries = []
        for entry, value in _entries(owner):
            stamp = (id(value), 0 if value is None else value._version)
            if sent.get(entry.name) == stamp:
                continue
            sent[entry.name] = stamp
            if value is not None and entry.same_as is None:
                packed = packer.tensor(value)
                if not isinstance(packed, TensorV):
                    raise WireError(f"{entry.name} is not an ordinary tensor")
                entry = Entry(entry.name, entry.kind, packed)
            entries.append(entry)
        return entries

    def _object(self, handle: int) -> object:
        if handle not in self.objects:
            raise LookupError("this object lived in a worker that is gone")
        return self.objects[handle]

    def _handle(self, value: object) -> int | None:
        return next((handle for handle, known in self.objects.items() if known is value), None)


def _trained(owner: object) -> list[tuple[str, torch.Tensor]]:
    if not isinstance(owner, torch.nn.Module):
        return []
    return [(name, p) for name, p in owner.named_parameters() if p.requires_grad]


def _entries(owner: torch.nn.Module) -> Iterator[tuple[Entry, torch.Tensor | None]]:
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


@contextlib.contextmanager
def _counting(wanted: bool) -> Iterator[OpCounter]:
    counter = OpCounter()
    if not wanted:
        yield counter
        return
    with counter:
        yield counter
