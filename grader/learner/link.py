"""From Python values to requests and back, with gradients; and a record of all that was said.

A `Link` is one learner's side of a conversation. The record serves two readers: the counterexample shows the last call,
and the diagnosis replays whole cases on known mistakes.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.errors import LearnerDied, LearnerFault, LearnerRaised, LearnerRefused, LearnerTodo
from grader.worker.values import Packer, Unpacker, tensors_in
from grader.worker.wire import Backward, Call, Entry, Failure, Forget, HandleV, Reply, Request, WireError

from .session import Session


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back: a reply with its body, or the fault that came instead."""

    request: Request
    body: bytes
    reply: Reply | None
    answer: bytes
    fault: LearnerFault | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A step as a person would write it: `name(*args, **kwargs)` on `subject` (a variable's name), giving `gives`."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    subject: str | None = None
    gives: str | None = None


@dataclass(slots=True)
class Case:
    """One drawn input of one check: everything said about it."""

    exchanges: list[Exchange] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    failed: bool = False


@dataclass(slots=True)
class Answer:
    """What a call gave: its value, plain and checked, and what was measured on the way."""

    value: Any
    reply: Reply
    body: bytearray
    tensors: list[torch.Tensor]
    wants: list[bool]


@dataclass(slots=True)
class Link:
    """Sends calls through a session and records them in the current case."""

    session: Session
    case: Case = field(default_factory=Case)
    ops: int = 0
    counting: bool = False
    echoes: list[Any] | None = None
    _handles: int = 0
    _stale_handles: list[int] = field(default_factory=list)
    _stale_graphs: list[int] = field(default_factory=list)

    def begin_case(self) -> Case:
        self.case = Case()
        return self.case

    def next_handle(self) -> int:
        self._handles += 1
        return self._handles

    def forget_handle(self, owner: object, handle: int) -> None:
        weakref.finalize(owner, self._stale_handles.append, handle)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count the operations dispatched by the calls inside, into `ops`."""
        self.ops, self.counting = 0, True
        try:
            yield
        finally:
            self.counting = False

    @contextlib.contextmanager
    def echoed(self) -> Iterator[list[Any]]:
        """Collect the arguments of the calls inside as they are after the call: [args, kwargs] each."""
        self.echoes = []
        try:
            yield self.echoes
        finally:
            self.echoes = None

    def call(
        self,
        target: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        on: int | None = None,
        keep: int | None = None,
        parameters: Sequence[torch.Tensor] = (),
        refresh: Callable[[], None] | None = None,
    ) -> Answer:
        """Call over there. The answer's tensors take part in autograd over here where they did over there.

        `refresh` is called before a backward through this call: it writes the parameters' values over there.
        """
        leaves = [tensor for tensor in tensors_in([list(args), kwargs]) if tensor.requires_grad]
        trained = [tensor for tensor in parameters if tensor.requires_grad]
        recording = torch.is_grad_enabled()
        graph = self.next_handle() if recording and keep is None and (leaves or trained) else None
        packer = Packer(_handle_of, layout=True)
        request = Call(
            target,
            [packer.pack(value) for value in args],
            {key: packer.pack(value) for key, value in kwargs.items()},
            on=on,
            keep=keep,
            graph=graph,
            grad=recording,
            echo=self.echoes is not None,
            count=self.counting,
        )
        answer = self._answer(*self.exchange(request, bytes(packer.body)))
        if graph is not None:
            answer.value = self._attach(answer, graph, [*leaves, *trained], refresh)
        return answer

    def exchange(self, request: Request, body: bytes = b"") -> tuple[Reply, bytearray]:
        """Send, record, and turn a failure over there into the exception it stands for."""
        self._tidy()
        try:
            reply, answer = self.session.request(request, body)
        except LearnerFault as fault:
            self.case.exchanges.append(Exchange(request, body, None, b"", fault))
            raise
        self.case.exchanges.append(Exchange(request, body, reply, bytes(answer)))
        if reply.failure is not None:
            raise fault_of(reply.failure)
        self.ops += reply.ops
        return reply, answer

    def backward(self, graph: int, grads: Sequence[torch.Tensor | None], inputs: Sequence[torch.Tensor]) -> list[Any]:
        packer = Packer(layout=False)
        request = Backward(graph, [packer.pack(grad) for grad in grads], count=self.counting)
        reply, body = self.exchange(request, bytes(packer.body))
        answer = self._answer(reply, body).value
        if not isinstance(answer, list) or len(answer) != len(inputs):
            raise LearnerDied("your code disturbed the channel it answers through: gradients of something else")
        for grad, tensor in zip(answer, inputs, strict=True):
            if grad is not None and (not isinstance(grad, torch.Tensor) or grad.shape != tensor.shape):
                raise LearnerDied("your code disturbed the channel it answers through: a gradient of another shape")
        return answer

    def _answer(self, reply: Reply, body: bytearray) -> Answer:
        try:
            reader = Unpacker(body)
            value = reader.unpack(reply.value)
            if reply.echo is not None and self.echoes is not None:
                self.echoes.append(Unpacker(body).unpack(reply.echo))
        except Exception as error:  # a frame that decodes but whose parts do not fit
            raise LearnerDied(f"your code disturbed the channel it answers through: {error}") from None
        return Answer(value, reply, body, tensors_in(value), reader.wants)

    def _attach(
        self, answer: Answer, graph: int, inputs: list[torch.Tensor], refresh: Callable[[], None] | None
    ) -> Any:
        wanted = [tensor for tensor, wants in zip(answer.tensors, answer.wants, strict=True) if wants]
        if not wanted:
            self._stale_graphs.append(graph)
            return answer.value
        joined = _Crossing.apply(self, graph, refresh, wanted, *inputs)
        return _replaced(answer.value, {id(old): new for old, new in zip(wanted, joined, strict=True)})

    def _tidy(self) -> None:
        """Tell the worker what nobody over here holds any longer. Not recorded: it changes no answer."""
        if len(self._stale_handles) + len(self._stale_graphs) < 32:
            return
        request = Forget(list(self._stale_handles), list(self._stale_graphs))
        self._stale_handles.clear()
        self._stale_graphs.clear()
        self.session.request(request)


class _Crossing(torch.autograd.Function):
    """Where autograd crosses the wall: the forward has happened over there, the backward will."""

    @staticmethod
    def forward(
        ctx: Any,
        link: Link,
        graph: int,
        refresh: Callable[[], None] | None,
        outputs: list[torch.Tensor],
        *inputs: torch.Tensor,
    ) -> Any:
        ctx.link, ctx.graph, ctx.refresh = link, graph, refresh
        ctx.inputs = [tensor.detach() for tensor in inputs]
        ctx.set_materialize_grads(False)
        weakref.finalize(ctx, link._stale_graphs.append, graph)
        return tuple(tensor.view_as(tensor) for tensor in outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor | None) -> Any:
        if ctx.refresh is not None:
            ctx.refresh()
        return (None, None, None, None, *ctx.link.backward(ctx.graph, grads, ctx.inputs))


def _replaced(value: Any, new: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return new.get(id(value), value)
    if isinstance(value, list | tuple):
        return type(value)(_replaced(item, new) for item in value)
    if isinstance(value, dict):
        return {key: _replaced(item, new) for key, item in value.items()}
    return value


def _handle_of(value: object) -> int | None:
    handle = getattr(value, "remote_handle", None)
    return handle if isinstance(handle, int) else None


def fault_of(failure: Failure) -> LearnerFault:
    """The exception that a failure over there stands for over here. Its text is the learner's: never parsed."""
    words = f"{failure.type_name}: {failure.text}" if failure.text else failure.type_name
    match failure.kind:
        case "todo":
            return LearnerTodo("not written yet", failure.line)
        case "missing":
            return LearnerTodo(f"missing: {failure.text}", None)
        case "refused":
            return LearnerRefused(f"{failure.type_name} may not be used here: {failure.text}", failure.line)
        case "memory":
            return LearnerDied(f"your code ran out of memory ({words})", failure.line)
        case "exit":
            return LearnerDied("your code tried to end the program (SystemExit) instead of returning", failure.line)
        case "unsendable":
            return LearnerDied(f"the answer cannot be handed over: {failure.text}", failure.line)
        case _:
            return LearnerRaised(
                message=words,
                line=failure.line,
                type_name=failure.type_name,
                text=failure.text,
                bases=tuple(failure.bases),
            )


__all__ = ["Answer", "Case", "Entry", "Event", "Exchange", "HandleV", "Link", "WireError", "fault_of"]
