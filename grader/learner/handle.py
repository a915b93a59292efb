"""What we hold of one worker: its socket, its output, and a handle to kill it by."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
from dataclasses import dataclass


@dataclass
class Worker:
    """One forked worker. `pid` is what its zygote calls it, `orders` the zygote's socket."""

    pid: int
    pidfd: int | None
    channel: socket.socket
    output: int
    orders: socket.socket

    @functools.cached_property
    def host_pid(self) -> int:
        """What this process calls it: in a box every process has another number. 0 where it cannot be told."""
        if self.pidfd is None:
            return self.pid
        try:
            with open(f"/proc/self/fdinfo/{self.pidfd}", encoding="ascii") as file:
                found = next((int(line.split()[1]) for line in file if line.startswith("Pid:")), 0)
        except OSError:
            return 0
        return max(found, 0)  # -1: it has ended

    def kill(self) -> None:
        """SIGKILL, from outside: a worker is never asked to leave."""
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def has_ended(self, seconds: float) -> bool:
        """Wait for its end; without a pidfd nobody can tell from here."""
        if self.pidfd is None:
            return True
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Drop what we hold of a worker that has ended."""
        self.channel.close()
        os.close(self.output)
        if self.pidfd is not None:
            os.close(self.pidfd)
