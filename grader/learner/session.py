"""One narrow door: a request goes over, a reply or a learner's fault comes back.

`Session` is the whole interface; `WorkerSession` is the wall, `InProcess` (inprocess.py) its small fake.
"""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass, field
from typing import Protocol

from grader.errors import LearnerDied, LearnerRaised, LearnerTimedOut
from grader.worker import control
from grader.worker.wire import PREFIX, Load, Numbered, Reply, Request, WireError, frame, lengths, read_reply

from .zygote import Worker, Zygote

OUTPUT_CAP = 64 * 1024  # bytes of a learner's output that are kept; the rest is read and dropped


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


@dataclass(slots=True)
class WorkerSession:
    """The wall: requests to a worker forked for this submission, replaced by a fresh one after any death."""

    zygote: Zygote
    load: Load
    limits: control.Limits
    times: TimeLimits = TimeLimits()
    bans: tuple[control.Ban, ...] = ()
    device: str = "cpu"
    generation: int = 0
    impatient: bool = False  # this task has already run out of time once
    _worker: Worker | None = None
    _unloadable: Exception | None = None
    _number: int = 0
    _output: bytearray = field(default_factory=bytearray)

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]:
        """Send and wait. Raises a LearnerFault where no reply comes; GraderFault where there is no worker to be had."""
        if self._unloadable is not None:
            raise self._unloadable
        if self._worker is None:
            self._begin()
        return self._exchange(request, body, self.times.again if self.impatient else self.times.call)

    def close(self) -> None:
        """Kill the worker; nothing it does later is read."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.close()
            self._worker = None

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
        try:
            reply, _ = self._exchange(self.load, b"", self.times.load)
        except (LearnerDied, LearnerTimedOut) as fault:
            self._unloadable = type(fault)(f"while your module was being loaded: {fault.message}", fault.line)
            raise self._unloadable from None
        if reply.failure is not None:
            self._unloadable = LoadFailed(reply)
            raise self._unloadable

    def _exchange(self, request: Request, body: bytes | bytearray, seconds: float) -> tuple[Reply, bytearray]:
        worker = self._worker
        assert worker is not None
        self._number += 1
        deadline = time.monotonic() + seconds
        try:
            self._send(worker, frame(Numbered(self._number, request), body), deadline)
            head, length = lengths(bytes(self._receive(worker, PREFIX.size, deadline)))
            reply = read_reply(bytes(self._receive(worker, head, deadline)))
            data = self._receive(worker, length, deadline)
        except TimeoutError:
            self.close()
            self.impatient = True
            raise LearnerTimedOut(f"no answer within {seconds:g} seconds") from None
        except (EOFError, ConnectionError):
            raise LearnerDied(self._cause_of_death()) from None
        except WireError as error:
            self.close()
            raise LearnerDied(f"your code disturbed the channel it answers through: {error}") from None
        if reply.number != self._number:
            self.close()
            raise LearnerDied("your code disturbed the channel it answers through: an answer to nothing that was asked")
        return reply, data

    def _send(self, worker: Worker, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        worker.channel.setblocking(False)
        while view:
            self._wait(worker, deadline, writing=True)
            try:
                view = view[worker.channel.send(view) :]
            except BlockingIOError:
                continue

    def _receive(self, worker: Worker, count: int, deadline: float) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            self._wait(worker, deadline)
            try:
                got = worker.channel.recv_into(view)
            except BlockingIOError:
                continue
            if got == 0:
                raise EOFError
            view = view[got:]
        return data

    def _wait(self, worker: Worker, deadline: float, *, writing: bool = False) -> None:
        """Until the channel is ready; meanwhile what the learner prints is drained, so that a flood cannot block."""
        channel, wanted = worker.channel.fileno(), select.POLLOUT if writing else select.POLLIN
        poll = select.poll()
        poll.register(channel, wanted)
        poll.register(worker.output, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = dict(poll.poll(left * 1000))
            if worker.output in ready and not self._drain(worker):
                poll.unregister(worker.output)
            if channel in ready:
                return

    def _drain(self, worker: Worker) -> bool:
        """Read what is there; False where the pipe is closed."""
        while True:
            try:
                chunk = os.read(worker.output, 2**16)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._output += chunk[: OUTPUT_CAP - len(self._output)]
            if len(chunk) < 2**16:
                return True

    def _cause_of_death(self) -> str:
        worker = self._worker
        assert worker is not None
        status = self.zygote.ending(worker, 1.0)
        self._drain(worker)
        self.close()
        if status is None:
            return "your code closed the channel it answers through"
        if os.WIFSIGNALED(status):
            return _signalled(os.WTERMSIG(status))
        return f"your code ended the process (exit code {os.WEXITSTATUS(status)}) instead of returning"


class LoadFailed(LearnerRaised):
    """The module itself does not run; every check of it ends the same way."""

    def __init__(self, reply: Reply) -> None:
        failure = reply.failure
        assert failure is not None
        super().__init__(
            message=f"your module cannot be loaded: {failure.type_name}: {failure.text}",
            line=failure.line,
            type_name=failure.type_name,
            text=failure.text,
        )
        self.reply = reply


def _signalled(number: int) -> str:
    if number == signal.SIGSEGV:
        return "your code crashed the process (segmentation fault)"
    if number == signal.SIGKILL:
        return "the process was killed from outside, most likely because memory ran out"
    if number == signal.SIGXCPU:
        return "your code used up the processor time of this run"
    if number == signal.SIGXFSZ:
        return "your code wrote a file larger than is allowed"
    name = signal.Signals(number).name if number in {s.value for s in signal.Signals} else str(number)
    return f"your code crashed the process ({name})"
