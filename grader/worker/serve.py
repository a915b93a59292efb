"""Answers requests with the learner's module: load, call, backward, state. Runs in the worker.

Whatever the learner's code does inside a request ends as a `Reply`: a value or a `Failure`. Nothing here decides
whether an answer is right, and nothing here can: there is no check, no reference and no expected value in this process.
"""

from __future__ import annotations

import contextlib
import functools
import io
import linecache
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import torch

from . import lab
from .cells import Stopped, run_cells, why_missing
from .device import HOST, moved
from .failures import failure_from
from .helpers import Ask, put_in
from .losses import Listener, listening
from .modules import entries_of, modules_in, write_into
from .ops import counting
from .values import Packer, Unpacker, same_tensor, tensors_in
from .wire import Backward, Call, Entry, Failure, Forget, Load, Numbered, Reply, Request, State, TensorV, WireError


@dataclass(slots=True)
class Graph:
    """What backward needs of a forward call. `wanted`: the inputs, then all parameters, needing grad or not."""

    outputs: list[torch.Tensor]
    wanted: list[torch.Tensor]


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
    ask: Ask | None = None
    home: torch.device = HOST  # where a learner's tensors live
    module: types.ModuleType | None = None
    filename: str = ""
    stopped: list[Stopped] = field(default_factory=list)  # cells of a notebook
    objects: dict[int, object] = field(default_factory=dict)
    graphs: dict[int, Graph] = field(default_factory=dict)
    listener: Listener | None = None  # to the training at hand
    sent: dict[int, dict[str, tuple[str | None, torch.Tensor | None]]] = field(default_factory=dict)

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
            reply, out = Reply(number, failure=failure_from(error, self.filename, self.home)), bytearray()
        if len(self.guard.refusals) > refused_before:  # also where the learner's code swallowed the exception
            refusal = self.guard.refusals[refused_before]
            failure = Failure("refused", refusal.operator, [], refusal.because, refusal.line)
            reply, out = Reply(number, failure=failure), bytearray()
        if self.listener is not None and self.listener.heard is not None:  # also of a training that ended badly
            reply, self.listener = msgspec.structs.replace(reply, losses=self.listener.heard), None
        for stream in ("stdout", "stderr"):
            with contextlib.suppress(BaseException):
                getattr(sys, stream).flush()
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
        sys.modules[request.name] = module
        if request.cells:
            self.stopped = run_cells(lines, request.cells, request.filename, module, self.guard)
        else:
            code = compile(request.source, request.filename, "exec", dont_inherit=True)
            exec(code, module.__dict__)  # with cells.py the one place where a learner's source runs
        put_in(module, request.helpers, self.ask, self.home)
        self.module = module

    def _call(self, number: int, request: Call, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        reader = Unpacker(body, self._object, leaves=True, home=self.home)
        args = [reader.unpack(value) for value in request.args]
        kwargs = {key: reader.unpack(value) for key, value in request.kwargs.items()}
        target = self._target(request)
        owner = self.objects.get(request.on) if request.on is not None else None
        modules = [owner] if isinstance(owner, torch.nn.Module) else modules_in(args, kwargs)
        wanted = [tensor for tensor in tensors_in([args, kwargs]) if tensor.requires_grad]
        wanted += [parameter for module in modules for parameter in module.parameters()]
        with (
            torch.set_grad_enabled(request.grad),
            counting(request.count) as counter,
            listening(request.trains) as self.listener,
        ):
            try:
                value = target(*args, **kwargs)
            finally:
                if not request.ours:
                    lab.grad_mode.left = torch.is_grad_enabled()
        packer = Packer(self._handle)
        answer = None if request.keep is not None and isinstance(value, torch.nn.Module) else packer.pack(value)
        if request.graph is not None and request.grad:
            self.graphs[request.graph] = Graph(list(packer.differentiable), wanted)
        echo = packer.pack([args, kwargs]) if request.echo else None
        handle = request.on
        if request.keep is not None:
            handle, owner = request.keep, value
            if not request.ours:
                self.guard.check_bases(type(value))  # a class, or a function in its place, may make something else
            moved(value, self.home, kwargs)
            self.objects[request.keep] = value
        state = self._news(handle, owner, packer) if isinstance(owner, torch.nn.Module) else None
        training = owner.training if isinstance(owner, torch.nn.Module) else True
        return Reply(number, answer, None, echo, counter.count, state, training is True), packer.body

    def _target(self, request: Call) -> Callable[..., object]:
        if request.ours:
            return lab.FUNCTIONS[request.target]
        if request.on is None and self.module is None:
            raise LookupError("no module is loaded")
        found: Any = self._object(request.on) if request.on is not None else self.module
        if request.on is not None and request.target == "__getattribute__":
            return functools.partial(getattr, found)  # what nn.Module answers in __getattr__ too
        for part in request.target.split("."):
            if request.on is None and not hasattr(found, part):
                raise why_missing(self.stopped, request.target, self.filename)
            found = getattr(found, part)
        if request.on is None and isinstance(found, type):
            self.guard.check_bases(found)
        return found  # type: ignore[no-any-return]

    def _backward(self, number: int, request: Backward, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        graph = self.graphs.get(request.graph)
        if graph is None:
            raise LookupError("this graph lived in a worker that is gone")
        reader = Unpacker(body, home=self.home)
        upstream = [reader.unpack(value) for value in request.grads]
        wanted = [tensor for tensor in graph.wanted if tensor.requires_grad]
        pairs = [(out, grad) for out, grad in zip(graph.outputs, upstream, strict=True) if grad is not None]
        found: tuple[torch.Tensor | None, ...] = (None,) * len(wanted)
        with counting(request.count) as counter:
            if pairs and wanted:
                outputs, given = zip(*pairs, strict=True)
                found = self.guard.run_backward(outputs, wanted, given, retain_graph=True, allow_unused=True)
        by_tensor = {id(tensor): grad for tensor, grad in zip(wanted, found, strict=True)}
        packer = Packer()
        grads = [by_tensor.get(id(tensor)) for tensor in graph.wanted]
        return Reply(number, packer.pack(grads), ops=counter.count), packer.body

    def _state(self, number: int, request: State, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        owner = self._object(request.on)
        if not isinstance(owner, torch.nn.Module):
            raise TypeError("only an nn.Module has a state")
        reader = Unpacker(body, home=self.home)
        places: dict[str, torch.Tensor] = dict(owner.named_parameters()) | dict(owner.named_buffers())
        packer = Packer()
        entries = self._news(request.on, owner, packer)  # before: what is written is no news to who writes it
        for name, value in request.write.items():
            write_into(places[name], reader.unpack(value))
        self._news(request.on, owner, Packer())
        return Reply(number, state=entries, training=owner.training is True), packer.body

    def _news(self, handle: int | None, owner: torch.nn.Module, packer: Packer) -> list[Entry]:
        """The parameters and buffers that changed since they were sent, by value: `.data` leaves no other trace."""
        sent = self.sent.setdefault(handle or 0, {})
        entries = []
        for entry, value in entries_of(owner):
            known = sent.get(entry.name)
            if known is not None and known[0] == entry.same_as and same_tensor(known[1], value):
                continue
            if value is not None and entry.same_as is None:
                packed = packer.tensor(value)
                if not isinstance(packed, TensorV):
                    raise WireError(f"{entry.name} is not an ordinary tensor")
                entry = Entry(entry.name, entry.kind, packed)
            sent[entry.name] = (entry.same_as, None if value is None else value.detach().clone())
            entries.append(entry)
        return entries

    def _object(self, handle: int) -> object:
        if handle not in self.objects:
            raise LookupError("this object lived in a worker that is gone")
        return self.objects[handle]

    def _handle(self, value: object) -> int | None:
        return next((handle for handle, known in self.objects.items() if known is value), None)
