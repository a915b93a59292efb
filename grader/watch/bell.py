"""A bell that whoever waits for a learner's answer hears too: a pipe, whose other end the session watches."""

from __future__ import annotations

import contextlib
import os
import select


class Bell:
    """`fd` can be read from while the bell has been rung and nobody has hushed it."""

    def __init__(self) -> None:
        self.fd, self._end = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._end, False)

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it has been rung often enough
            os.write(self._end, b"x")

    def hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                pass

    @property
    def rung(self) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._end)
