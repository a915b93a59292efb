"""Frames over one worker's socket, there and back; what it prints meanwhile is drained, or a flood would block it."""

from __future__ import annotations

import contextlib
import os
import select
from dataclasses import dataclass

from grader.errors import Stopped
from grader.worker.wire import PREFIX, Reply, WireError, lengths, read_reply

from .handle import Worker
from .patience import Patience

OUTPUT_CAP = 64 * 1024  # bytes of a learner's output that are kept; the rest is read and dropped
UNASKED = "an answer to nothing that was asked"  # in a frame of its own, or right behind another: as it happens
_CHUNK = 2**16
_CHUNKS = 32  # read at once: a flood that never ends must not keep us from looking at the clock


@dataclass(slots=True)
class Channel:
    """What is said with one worker. `printed` gets what it prints; `stop`: see WorkerSession.

    Everything raises TimeoutError, EOFError, ConnectionError, WireError or Stopped.
    """

    worker: Worker
    printed: bytearray
    stop: int | None = None

    def read(self, patience: Patience) -> tuple[Reply, bytearray]:
        """One frame, all of it before our patience ends, and nothing after it."""
        data = bytearray()
        while len(data) < PREFIX.size:
            data += self._chunk(patience)
        head, length = lengths(bytes(data[: PREFIX.size]))
        start = PREFIX.size + head
        while len(data) < start:
            data += self._chunk(patience)
        reply = read_reply(bytes(data[PREFIX.size : start]))
        if len(data) > start + length:
            raise WireError(UNASKED)
        body = data[start:]
        while (missing := length - len(body)) > 0:
            here = len(body)
            body.extend(bytes(min(missing, max(_CHUNK, here))))  # a promise gets no memory, bytes do
            self._fill(memoryview(body)[here:], patience)
        return reply, body

    def send(self, data: bytes, patience: Patience) -> None:
        view = memoryview(data)
        self.worker.channel.setblocking(False)
        while view:
            try:
                view = view[self.worker.channel.send(view) :]
            except BlockingIOError:
                self._wait(patience, writing=True)

    def _chunk(self, patience: Patience) -> bytes:
        """What is there, once something is."""
        while True:
            self._wait(patience)
            with contextlib.suppress(BlockingIOError):
                if data := self.worker.channel.recv(_CHUNK):
                    return data
                raise EOFError

    def _fill(self, view: memoryview, patience: Patience) -> None:
        while view:
            self._wait(patience)
            with contextlib.suppress(BlockingIOError):
                got = self.worker.channel.recv_into(view)
                if got == 0:
                    raise EOFError
                view = view[got:]

    def _wait(self, patience: Patience, *, writing: bool = False) -> None:
        """Until the channel is ready; meanwhile what the learner prints is drained, so that a flood cannot block."""
        channel, wanted = self.worker.channel.fileno(), select.POLLOUT if writing else select.POLLIN
        poll = select.poll()
        poll.register(channel, wanted)
        poll.register(self.worker.output, select.POLLIN)
        if self.stop is not None:
            poll.register(self.stop, select.POLLIN)
        while True:
            ready = dict(poll.poll(patience.left(lambda: channel in dict(poll.poll(0))) * 1000))
            if self.stop in ready:
                raise Stopped
            if self.worker.output in ready and not self.drain():
                poll.unregister(self.worker.output)
            if channel in ready:
                return

    def drain(self) -> bool:
        """Read what is there, up to a point; False where the pipe is closed."""
        for _ in range(_CHUNKS):
            try:
                chunk = os.read(self.worker.output, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self.printed += chunk[: OUTPUT_CAP - len(self.printed)]
            if len(chunk) < _CHUNK:
                return True
        return True
