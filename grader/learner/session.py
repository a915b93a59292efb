"""One narrow door: a request goes over, a reply or a learner's fault comes back.

`Session` is the whole interface; `WorkerSession` is the wall, `InProcess` (inprocess.py) its small fake.
"""

from __future__ import annotations

import contextlib
import os
import select
from dataclasses import dataclass, field
from typing import Protocol

from grader.errors import GraderFault, LearnerDied, LearnerFault, LearnerTimedOut
from grader.worker import control
from grader.worker.wire import (
    PREFIX,
    Backward,
    Call,
    Load,
    Numbered,
    Reply,
    Request,
    WireError,
    frame,
    lengths,
    read_reply,
)

from .faults import DISTURBED, LoadFailed, cause_of_death, unloadable
from .handle import Worker
from .patience import Patience
from .zygote import Zygote

OUTPUT_CAP = 64 * 1024  # bytes of a learner's output that are kept; the rest is read and dropped
READY_SECONDS = 60.0  # until a fork has confined itself, on a machine that is very busy
DEATH_SECONDS = 1.0  # until a worker that closed its channel has ended too
UNASKED = "an answer to nothing that was asked"  # in a frame of its own, or right behind another: as it happens
_CHUNK = 2**16
_CHUNKS = 32  # read at once: a flood that never ends must not keep us from looking at the clock


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds of our own clock."""

    call: float = 10.0
    again: float = 2.0
    load: float = 20.0


class Session(Protocol):
    """What the proxies need of the other side."""

    impatient: bool  # whether the task at hand has run out of time once

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]: ...

    @property
    def generation(self) -> int:
        """Counts workers: an object made in an earlier one is gone."""

    def take_output(self) -> str: ...


class Answers(Protocol):
    """Answers a helper's question with a frame; see oracle.py."""

    def answer(self, ask: Call | Backward, body: bytes | bytearray) -> bytes: ...


@dataclass(slots=True)
class WorkerSession:
    """The wall: requests to a worker forked for this submission, replaced by a fresh one after any death."""

    zygote: Zygote
    load: Load
    limits: control.Limits
    times: TimeLimits = TimeLimits()
    bans: tuple[control.Ban, ...] = ()
    device: str = "cpu"
    oracle: Answers | None = None  # who answers what the helpers of `load` ask
    generation: int = 0
    impatient: bool = False  # this task has already run out of time once
    _worker: Worker | None = None
    _unloadable: LearnerFault | None = None
    _number: int = 0
    _output: bytearray = field(default_factory=bytearray)

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]:
        """Send and wait. Raises a LearnerFault where no reply comes; GraderFault where there is no worker to be had."""
        if self._unloadable is not None:
            raise self._unloadable.with_traceback(None)  # or it would grow with every raise
        if self._worker is None:
            self._begin()
        return self._exchange(request, body, self.times.again if self.impatient else self.times.call)

    def close(self) -> None:
        """Kill the worker and all it forked; nothing it does later is read."""
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(GraderFault):  # the zygote has died, and its workers with it
                self.zygote.bury(worker)

    def take_output(self) -> str:
        """What the learner's code has printed since the last time, cut. Hostile text."""
        if self._worker is not None:
            self._drain(self._worker)
        text = self._output.decode("utf-8", "replace")
        self._output.clear()
        return text

    def _begin(self) -> None:
        self._worker = self.zygote.spawn(self.limits, self.bans, self.device)
        self.generation += 1
        self._wait_until_ready(self._worker)
        try:
            reply, _ = self._exchange(self.load, b"", self.times.load)
        except (LearnerDied, LearnerTimedOut) as fault:
            self._unloadable = type(fault)(f"while your module was being loaded: {fault.message}", fault.line)
            raise self._unloadable from None
        if reply.failure is not None:
            self.close()
            self._unloadable = unloadable(reply)
            raise self._unloadable

    def _wait_until_ready(self, worker: Worker) -> None:
        """Its first word, before it has seen a byte of the learner's: where it does not come, the fault is ours."""
        try:
            self._read(worker, Patience.of(READY_SECONDS))
        except (TimeoutError, EOFError, ConnectionError, WireError) as error:
            self._drain(worker)
            said = self.take_output()[-500:]
            self.close()
            raise GraderFault(f"a worker did not start ({type(error).__name__}) {said}".rstrip()) from None

    def _exchange(self, request: Request, body: bytes | bytearray, seconds: float) -> tuple[Reply, bytearray]:
        worker = self._worker
        assert worker is not None
        self._number += 1
        try:
            data = frame(Numbered(self._number, request), body)
        except WireError as error:
            raise GraderFault(f"a check asks for what cannot be sent: {error}") from None
        patience = Patience.of(seconds, worker.host_pid or None)
        try:
            self._send(worker, data, patience)
            reply, answer = self._read(worker, patience)
            while reply.ask is not None:
                if self.oracle is None:
                    raise WireError("a question that nobody offered to answer")
                self._send(worker, self.oracle.answer(reply.ask, answer), patience)
                reply, answer = self._read(worker, patience)
            if reply.number != self._number:
                raise WireError(UNASKED)
        except TimeoutError:
            self.close()
            self.impatient = True
            raise LearnerTimedOut(f"no answer within {seconds:g} seconds") from None
        except (EOFError, ConnectionError):
            raise LearnerDied(self._cause_of_death(worker)) from None
        except WireError as error:
            self.close()
            raise LearnerDied(f"{DISTURBED}: {error}") from None
        except BaseException:  # our own interrupt: the next request must not read this one's answer
            self.close()
            raise
        return reply, answer

    def _read(self, worker: Worker, patience: Patience) -> tuple[Reply, bytearray]:
        """One frame, all of it before our patience ends, and nothing after it."""
        data = bytearray()
        while len(data) < PREFIX.size:
            data += self._chunk(worker, patience)
        head, length = lengths(bytes(data[: PREFIX.size]))
        start = PREFIX.size + head
        while len(data) < start:
            data += self._chunk(worker, patience)
        reply = read_reply(bytes(data[PREFIX.size : start]))
        if len(data) > start + length:
            raise WireError(UNASKED)
        body = data[start:]
        while (missing := length - len(body)) > 0:
            here = len(body)
            body.extend(bytes(min(missing, max(_CHUNK, here))))  # a promise gets no memory, bytes do
            self._fill(worker, memoryview(body)[here:], patience)
        return reply, body

    def _send(self, worker: Worker, data: bytes, patience: Patience) -> None:
        view = memoryview(data)
        worker.channel.setblocking(False)
        while view:
            try:
                view = view[worker.channel.send(view) :]
            except BlockingIOError:
                self._wait(worker, patience, writing=True)

    def _chunk(self, worker: Worker, patience: Patience) -> bytes:
        """What is there, once something is."""
        while True:
            self._wait(worker, patience)
            with contextlib.suppress(BlockingIOError):
                if data := worker.channel.recv(_CHUNK):
                    return data
                raise EOFError

    def _fill(self, worker: Worker, view: memoryview, patience: Patience) -> None:
        while view:
            self._wait(worker, patience)
            with contextlib.suppress(BlockingIOError):
                got = worker.channel.recv_into(view)
                if got == 0:
                    raise EOFError
                view = view[got:]

    def _wait(self, worker: Worker, patience: Patience, *, writing: bool = False) -> None:
        """Until the channel is ready; meanwhile what the learner prints is drained, so that a flood cannot block."""
        channel, wanted = worker.channel.fileno(), select.POLLOUT if writing else select.POLLIN
        poll = select.poll()
        poll.register(channel, wanted)
        poll.register(worker.output, select.POLLIN)
        while True:
            ready = dict(poll.poll(patience.left() * 1000))
            if worker.output in ready and not self._drain(worker):
                poll.unregister(worker.output)
            if channel in ready:
                return

    def _drain(self, worker: Worker) -> bool:
        """Read what is there, up to a point; False where the pipe is closed."""
        for _ in range(_CHUNKS):
            try:
                chunk = os.read(worker.output, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._output += chunk[: OUTPUT_CAP - len(self._output)]
            if len(chunk) < _CHUNK:
                return True
        return True

    def _cause_of_death(self, worker: Worker) -> str:
        """Why the channel has ended. The zygote's own death is not the learner's fault: a GraderFault."""
        self._worker = None
        worker.has_ended(DEATH_SECONDS)
        self._drain(worker)  # its last words are in the pipe now
        return cause_of_death(self.zygote.bury(worker, DEATH_SECONDS))


__all__ = ["LoadFailed", "Session", "TimeLimits", "WorkerSession"]
