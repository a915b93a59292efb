"""A worker that is none: a socket on which a stranger's bytes lie, and the zygote that hands it out.

The session under test is the real one, from the first byte of the socket to the values that a check is given.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from grader.learner import WorkerSession
from grader.learner.session import TimeLimits
from grader.worker import control
from grader.worker.wire import Load, Reply, frame

READY = frame(Reply(0), b"")
LOADED = frame(Reply(1), b"")
TIMES = TimeLimits(call=60.0, again=60.0, load=60.0)  # a session that really waits is stopped by the watch
_HELD = 2**16  # bytes that a socket takes at once, whatever the system


@dataclass
class Channel:
    """The session's end of a socket. The other end says the next part of `script` when the session waits for more.

    It is read in pieces of at most `piece` bytes, as they might arrive.
    """

    script: list[bytes]
    piece: int
    _ours: socket.socket = field(init=False)
    _theirs: socket.socket = field(init=False)
    _feeder: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()

    def fileno(self) -> int:
        """Asked for before every wait."""
        if (self._feeder is None or not self._feeder.is_alive()) and not select.select([self._ours], [], [], 0)[0]:
            self._say(self.script.pop(0) if self.script else b"")
        return self._ours.fileno()

    def setblocking(self, flag: bool) -> None:
        self._ours.setblocking(flag)

    def send(self, data: memoryview) -> int:
        sent = self._ours.send(data)
        self._theirs.recv(sent, socket.MSG_WAITALL)
        return sent

    def recv(self, size: int) -> bytes:
        return self._ours.recv(min(size, self.piece))

    def recv_into(self, view: memoryview) -> int:
        return self._ours.recv_into(view[: self.piece])

    def close(self) -> None:
        self._ours.close()
        if self._feeder is not None:
            self._feeder.join()
        self._theirs.close()

    def _say(self, part: bytes) -> None:
        if len(part) > _HELD:
            self._feeder = threading.Thread(target=self._feed, args=(part,))
            self._feeder.start()
        else:
            self._feed(part)

    def _feed(self, part: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads any longer
            self._theirs.sendall(part)
            if not self.script:
                self._theirs.shutdown(socket.SHUT_WR)


@dataclass
class Worker:
    """What a session needs of a worker."""

    channel: Channel
    output: int
    host_pid: int = 0  # nobody looks at its processor time

    def has_ended(self, seconds: float) -> bool:
        return True


@dataclass
class Zygote:
    """Each worker it gives says `script`, a part at a time, and has printed `said`."""

    script: list[bytes]
    said: bytes = b""
    piece: int = _HELD

    device = "cpu"

    def spawn(self, limits: object, bans: object) -> Worker:
        read, write = os.pipe()
        os.write(write, self.said[:4096])
        os.close(write)
        os.set_blocking(read, False)
        return Worker(Channel(list(self.script), self.piece), read)

    def bury(self, worker: Worker, seconds: float = 0.0) -> int | None:
        os.close(worker.output)
        worker.channel.close()
        return None


def session(script: list[bytes], said: bytes = b"", piece: int = _HELD) -> WorkerSession:
    """A session whose module loads, and whose worker then answers with these parts."""
    zygote: Any = Zygote([READY, LOADED, *script], said, piece)
    limits = control.Limits(memory_bytes=0, cpu_seconds=0, file_bytes=0)
    return WorkerSession(zygote, Load("exercise", "exercise.py", ""), limits, TIMES)
