"""From Python values to requests and back, with gradients: a `Link` is one learner's side of a conversation."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.errors import GraderFault, LearnerDied, LearnerFault, LearnerStrayed
from grader.worker.crossing import Crossing, replaced
from grader.worker.device import is_gpu, place
from grader.worker.values import Packer, Unpacker, tensors_in
from grader.worker.wire import Backward, Call, Reply, Request, Value

from .faults import DISTURBED, fault_of
from .holdings import Holdings
from .record import Case, Exchange, handle_of
from .session import Session
from .trained import Trained

HANDLES_A_CHECK = 2**20


@dataclass(slots=True)
class Answer:
    """What a call gave: its value, plain and checked, and what was measured on the way."""

    value: Any
    reply: Reply
    body: bytes | bytearray
    tensors: list[torch.Tensor]
    wants: list[bool]
    devices: list[str]


@dataclass(slots=True)
class Link:
    """Sends calls through a session and records them in the current case."""

    session: Session
    case: Case = field(default_factory=Case)
    ops: int = 0
    counting: bool = False
    unrecorded: bool = False  # whole data sets cross: nobody could keep, repeat or show what was said
    trained: list[Trained] = field(default_factory=list)
    echoes: list[Any] | None = None
    handles: int = 0  # given so far: the last one's name
    ahead: deque[Exchange] = field(default_factory=deque)  # said already; see known.py
    holdings: Holdings = field(default_factory=Holdings)

    def begin_check(self, number: int) -> None:
        """From here handles are named alike, whatever other checks ran before: what is asked can be compared."""
        self.handles = max(self.handles, (number + 1) * HANDLES_A_CHECK)

    def begin_case(self) -> Case:
        self.ahead.clear()
        self.holdings.end_case()
        self.case = Case()
        return self.case

    def next_handle(self) -> int:
        self.handles += 1
        return self.handles

    def forget_handle(self, owner: object, handle: int, nbytes: int = 0) -> None:
        """Let it go when `owner` is no more. `nbytes`: what the object over there weighs."""
        weakref.finalize(owner, self.forget, handle, nbytes)

    def forget(self, handle: int, nbytes: int = 0) -> None:
        self.holdings.dropped(handle, is_graph=False, nbytes=nbytes)

    def forget_graph(self, graph: int) -> None:
        self.holdings.dropped(graph, is_graph=True)

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
        refresh: Callable[[], object] | None = None,
        ours: bool = False,
        trains: bool = False,
    ) -> Answer:
        """Call over there. The answer's tensors take part in autograd over here where they did over there.

        `parameters` are all of the modules involved. `refresh` is called before a backward through this call: it writes
        the values over there that they have now.
        """
        leaves = [tensor for tensor in tensors_in([list(args), kwargs]) if tensor.requires_grad]
        recording = torch.is_grad_enabled()
        tracked = bool(leaves) or any(tensor.requires_grad for tensor in parameters)
        graph = self.next_handle() if recording and keep is None and tracked else None
        packer = _Outgoing(handle_of, layout=True)
        request = Call(
            target,
            [packer.pack(value) for value in args],
            {key: packer.pack(value) for key, value in kwargs.items()},
            on=on,
            keep=keep,
            graph=graph,
            grad=recording or trains,  # whoever asks for a model under no_grad wants it trained all the same
            echo=self.echoes is not None,
            count=self.counting,
            ours=ours,
            trains=trains,
        )
        answer = self._answer(*self.exchange(request, bytes(packer.body)))
        if is_gpu(self.session.device) and not ours and (on is None or target == "__call__"):
            given = [tensor for tensor in tensors_in([list(args), kwargs]) if tensor.device.type != "meta"]
            self._same_place(answer, with_input=on is not None or bool(given))
        if graph is not None:
            answer.value = self._attach(answer, graph, [*leaves, *parameters], refresh)
        return answer

    def _same_place(self, answer: Answer, *, with_input: bool) -> None:
        """Raises LearnerStrayed for a result on the CPU where the input was on the GPU: over here both look alike."""
        if with_input and "cpu" in answer.devices:
            raise LearnerStrayed("cpu", str(place(self.session.device)))

    def exchange(self, request: Request, body: bytes = b"") -> tuple[Reply, bytes | bytearray]:
        """Send, record, and turn a failure over there into the exception it stands for.

        Raises GraderFault where something else was said already than what is asked now.
        """
        if not self.ahead:
            said = self.ask(request, body)
        elif not (said := self.ahead.popleft()).asks(request, body):
            raise GraderFault(
                "this check asks otherwise for the same input and the same answers; it may depend on nothing else"
            )
        self.holdings.note(said.request, said.answer, lasting=self.unrecorded)
        if not self.unrecorded:
            self.case.exchanges.append(said)
        if said.reply is None:
            assert said.fault is not None
            raise said.fault
        if said.reply.failure is not None:
            raise fault_of(said.reply.failure)
        self.ops += said.reply.ops
        return said.reply, said.answer

    def ask(self, request: Request, body: bytes) -> Exchange:
        """Send, and say what came back, whatever it is."""
        started = time.perf_counter()
        try:
            self._tidy()
            reply, answer = self.session.request(request, body)
            said = Exchange(request, body, reply, answer if self.unrecorded else bytes(answer))
        except LearnerFault as fault:
            said = Exchange(request, body, None, b"", fault)
        if isinstance(request, Call) and request.trains:
            self.trained.append(Trained.of(said, time.perf_counter() - started, self.session))
        return said

    def backward(self, graph: int, grads: Sequence[torch.Tensor | None], inputs: Sequence[torch.Tensor]) -> list[Any]:
        packer = Packer()
        request = Backward(graph, [packer.pack(grad) for grad in grads], count=self.counting)
        reply, body = self.exchange(request, bytes(packer.body))
        answer = self._answer(reply, body).value
        if not isinstance(answer, list) or len(answer) != len(inputs):
            raise LearnerDied(f"{DISTURBED}: gradients of something else")
        if not all(grad is None or _fits(grad, tensor) for grad, tensor in zip(answer, inputs, strict=True)):
            raise LearnerDied(f"{DISTURBED}: a gradient of another shape or type")
        return answer

    def _answer(self, reply: Reply, body: bytes | bytearray) -> Answer:
        try:
            reader = Unpacker(body)
            value = reader.unpack(reply.value)
            if reply.echo is not None and self.echoes is not None:
                self.echoes.append(Unpacker(body).unpack(reply.echo))
        except Exception as error:  # a frame that decodes but whose parts do not fit
            raise LearnerDied(f"{DISTURBED}: {error}") from None
        return Answer(value, reply, body, tensors_in(value), reader.wants, reader.devices)

    def _attach(
        self, answer: Answer, graph: int, inputs: list[torch.Tensor], refresh: Callable[[], object] | None
    ) -> Any:
        wanted = [tensor for tensor, wants in zip(answer.tensors, answer.wants, strict=True) if wants]
        if not wanted:
            self.forget_graph(graph)
            return answer.value
        joined = Crossing.apply(self, graph, refresh, wanted, *inputs)
        return replaced(answer.value, {id(old): new for old, new in zip(wanted, joined, strict=True)})

    def _tidy(self) -> None:
        """Tell the worker what it may let go of. Not recorded: it changes no answer."""
        if (due := self.holdings.due()) is not None:
            self.session.request(due)


def _fits(grad: object, tensor: torch.Tensor) -> bool:
    """Whether it can be the gradient of this tensor."""
    if not isinstance(grad, torch.Tensor):
        return False
    return (grad.shape, grad.dtype, grad.device) == (tensor.shape, tensor.dtype, tensor.device)


class _Outgoing(Packer):
    """Writes down what a check sends. Something that does not cross is a mistake in the check."""

    def other(self, value: object) -> Value:
        raise TypeError(f"a check cannot send a {type(value).__name__} across the wall")
