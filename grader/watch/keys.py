"""Single keys of a terminal, without Enter, read in a thread; silent where there is no terminal."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any


class Keys:
    """`tell` gets every key that is pressed, as text. While this is open, what is typed is not shown."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._before: Any = None
        self._wake: tuple[int, int] | None = None
        self._thread = threading.Thread(target=self._wait, name="keys", daemon=True)

    def __enter__(self) -> Keys:
        if not sys.stdin.isatty() or sys.platform == "win32":
            return self
        import termios
        import tty

        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        self._wake = os.pipe()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._wake is None or sys.platform == "win32":
            return
        import termios

        os.write(self._wake[1], b"x")
        self._thread.join(2.0)
        for fd in self._wake:
            os.close(fd)
        with contextlib.suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _wait(self) -> None:
        assert self._wake is not None
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._wake[0], select.POLLIN)
        while self._wake[0] not in (ready := dict(poll.poll())):
            if self._fd in ready:
                try:
                    typed = os.read(self._fd, 64)
                except OSError:  # the terminal has gone
                    typed = b""
                if not typed:
                    return self.tell("q")
                for key in typed.decode("utf-8", "ignore"):
                    self.tell(key)
