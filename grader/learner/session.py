"""One narrow door: a request goes over, a reply or a learner's fault comes back.

`Session` is the whole interface; `WorkerSession` is the wall, `InProcess` (inprocess.py) its small fake.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Protocol

from grader.errors import GraderFault, LearnerDied, LearnerFault, LearnerTimedOut
from grader.worker import control
from grader.worker.device import is_gpu
from grader.worker.wire import (
    Backward,
    Call,
    Load,
    Numbered,
    Reply,
    Request,
    WireError,
    frame,
)

from .channel import UNASKED, Channel
from .faults import DISTURBED, LoadFailed, cause_of_death, unloadable
from .patience import Patience, Purse, address_space
from .zygote import Zygote

READY_SECONDS = 60.0  # until a fork has confined itself, on a machine that is very busy
NO_ANSWER = "no answer within"  # how a call that ran out of its own time is told
DEATH_SECONDS = 1.0  # until a worker that closed its channel has ended too


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds of our own clock."""

    call: float = 10.0
    again: float = 2.0
    load: float = 20.0


class Session(Protocol):
    """What the proxies need of the other side."""

    impatient: bool  # whether the task at hand has run out of time once
    patient_for: float | None  # seconds of one call, where the task at hand has its own limit

    @property
    def device(self) -> str:
        """Where the learner's tensors live: "cpu" or "cuda"."""

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]: ...

    @property
    def generation(self) -> int:
        """Counts workers: an object made in an earlier one is gone."""

    def take_output(self) -> str: ...

    @property
    def memory(self) -> tuple[int, int] | None:
        """Bytes that the worker has added at most so far, and those that it may; None where nobody counts them."""


class Answers(Protocol):
    """Answers a helper's question with a frame; see oracle.py."""

    def answer(self, ask: Call | Backward, body: bytes | bytearray) -> bytes: ...


@dataclass(slots=True)
class Fate:
    """What sessions of one module share: one that does not load in time is not waited for again, bans or no bans."""

    never_loads: LearnerTimedOut | None = None


@dataclass(slots=True)
class WorkerSession:
    """The wall: requests to a worker forked for this submission, replaced by a fresh one after any death."""

    zygote: Zygote
    load: Load
    limits: control.Limits
    times: TimeLimits = TimeLimits()
    bans: tuple[control.Ban, ...] = ()
    oracle: Answers | None = None  # who answers what the helpers of `load` ask
    purse: Purse = field(default_factory=Purse)
    fate: Fate = field(default_factory=Fate)
    stop: int | None = None  # a descriptor: once there is something to read from it, nobody wants an answer any more
    generation: int = 0
    impatient: bool = False  # this task has already run out of time once
    patient_for: float | None = None
    _channel: Channel | None = None
    _unloadable: LearnerFault | None = None
    _number: int = 0
    _born_with: int | None = None  # bytes of address space
    _output: bytearray = field(default_factory=bytearray)

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]:
        """Send and wait. Raises a LearnerFault where no reply comes; GraderFault where there is no worker to be had."""
        known = self._unloadable or self.fate.never_loads
        if known is not None:
            raise known.with_traceback(None)  # or it would grow with every raise
        if self.purse.empty:
            self.close()
            raise LearnerTimedOut(
                f"your submission has used up the {self.purse.seconds:g} seconds that all its answers may take"
            )
        if self._channel is None:
            self._begin()
        return self._exchange(
            request, body, self.times.again if self.impatient else self.patient_for or self.times.call
        )

    @property
    def device(self) -> str:
        return self.zygote.device

    @property
    def memory(self) -> tuple[int, int] | None:
        if self._channel is None or self._born_with is None or is_gpu(self.device):
            return None
        seen = address_space(self._channel.worker.host_pid)
        return None if seen is None else (max(0, seen[1] - self._born_with), self.limits.memory_bytes)

    def close(self) -> None:
        """Kill the worker and all it forked; nothing it does later is read."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(GraderFault):  # the zygote has died, and its workers with it
                self.zygote.bury(channel.worker)

    def take_output(self) -> str:
        """What the learner's code has printed since the last time, cut. Hostile text."""
        if self._channel is not None:
            self._channel.drain()
        text = self._output.decode("utf-8", "replace")
        self._output.clear()
        return text

    def _begin(self) -> None:
        worker = self.zygote.spawn(self.limits, self.bans)
        self._channel = Channel(worker, self._output, self.stop)
        self.generation += 1
        self._wait_until_ready(self._channel)
        born = address_space(worker.host_pid) if worker.host_pid else None
        self._born_with = None if born is None else born[0]
        try:
            reply, _ = self._exchange(self.load, b"", self.times.load)
        except (LearnerDied, LearnerTimedOut) as fault:
            self._unloadable = type(fault)(f"while your module was being loaded: {fault.message}", fault.line)
            if isinstance(self._unloadable, LearnerTimedOut):
                self.fate.never_loads = self._unloadable
            raise self._unloadable from None
        if reply.failure is not None:
            self.close()
            self._unloadable = unloadable(reply)
            raise self._unloadable

    def _wait_until_ready(self, channel: Channel) -> None:
        """Its first word, before it has seen a byte of the learner's: where it does not come, the fault is ours."""
        try:
            channel.read(Patience.of(READY_SECONDS))
        except (TimeoutError, EOFError, ConnectionError, WireError) as error:
            channel.drain()
            said = self.take_output()[-500:]
            self.close()
            raise GraderFault(f"a worker did not start ({type(error).__name__}) {said}".rstrip()) from None

    def _exchange(self, request: Request, body: bytes | bytearray, seconds: float) -> tuple[Reply, bytearray]:
        channel = self._channel
        assert channel is not None
        self._number += 1
        try:
            data = frame(Numbered(self._number, request), body)
        except WireError as error:
            raise GraderFault(f"a check asks for what cannot be sent: {error}") from None
        patience = Patience.of(seconds, channel.worker.host_pid or None)
        try:
            with self.purse.open():  # not while a worker is made: that is our time
                channel.send(data, patience)
                reply, answer = channel.read(patience)
                while reply.ask is not None:
                    if self.oracle is None:
                        raise WireError("a question that nobody offered to answer")
                    channel.send(self.oracle.answer(reply.ask, answer), patience)
                    reply, answer = channel.read(patience)
            if reply.number != self._number:
                raise WireError(UNASKED)
        except TimeoutError:
            self.close()
            self.impatient = True
            raise LearnerTimedOut(f"{NO_ANSWER} {seconds:g} seconds") from None
        except (EOFError, ConnectionError):
            raise LearnerDied(self._cause_of_death(channel)) from None
        except WireError as error:
            self.close()
            raise LearnerDied(f"{DISTURBED}: {error}") from None
        except BaseException:  # our own interrupt: the next request must not read this one's answer
            self.close()
            raise
        if reply.failure is not None and is_gpu(self.device) and reply.failure.kind in ("broken", "memory"):
            self.close()  # what CUDA does in this process from here on is not to be relied upon
        return reply, answer

    def _cause_of_death(self, channel: Channel) -> str:
        """Why the channel has ended. The zygote's own death is not the learner's fault: a GraderFault."""
        self._channel = None
        channel.worker.has_ended(DEATH_SECONDS)
        channel.drain()  # its last words are in the pipe now
        return cause_of_death(self.zygote.bury(channel.worker, DEATH_SECONDS))


__all__ = ["LoadFailed", "Session", "TimeLimits", "WorkerSession"]
