"""The processes below a zygote: its workers (or branches), and whatever a worker's code has forked.

A worker leads a session of its own, so that it and its forks die as one group; a fork that has left the group is handed
to the zygote when its parent dies, and is killed there.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import warden
from .cleanup import remove

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 200  # a killed orphan leaves its own children to us: again, but not for ever
_KEPT_ENDINGS = 256


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker ended: its wait status, and what it had too much of where that is why it was killed."""

    status: int
    excess: str = ""


@dataclass(slots=True)
class Family:
    """Who lives, with the folder of each ("" for none), and how those ended who do not."""

    place: str = ""  # where folders are made; "" for nowhere
    workers: dict[int, str] = field(default_factory=dict)
    _excess: dict[int, str] = field(default_factory=dict)
    _endings: dict[int, Ending] = field(default_factory=dict)

    def adopt_orphans(self) -> None:
        """From here on, what a dead descendant leaves behind becomes a child of this process."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def folder(self) -> str:
        """A new folder for a worker to come, or "" where there is no place for one.

        Of the names the first that is free: what a learner prints of it must not differ from run to run.
        """
        for number in itertools.count() if self.place else ():
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder := os.path.join(self.place, str(number)), 0o700)
                return folder
        return ""

    def look_after(self) -> None:
        """Kill whoever has too much of what the kernel does not count."""
        for pid, folder in self.workers.items():
            if pid not in self._excess and (words := warden.excess(pid, folder)):
                self._excess[pid] = words
                _kill(pid)

    def ending(self, pid: int, seconds: float) -> Ending | None:
        """How a worker has ended, or None where it has not within `seconds`."""
        deadline = time.monotonic() + seconds
        self.reap()
        while pid in self.workers and time.monotonic() < deadline:
            time.sleep(0.001)
            self.reap()
        return self._endings.pop(pid, None)

    def reap(self) -> None:
        """Collect the dead, so that none stays a zombie, and kill what they left behind."""
        with contextlib.suppress(ChildProcessError):
            while (pid := self._next_dead()) != 0:
                self._collect(pid)
            self._kill_orphans()

    def end(self, patience: float = 0.0) -> None:
        """Kill everybody who has not left within `patience` seconds, and remove their folders."""
        deadline = time.monotonic() + patience
        for pid in list(self.workers):
            if patience and self.ending(pid, max(0.0, deadline - time.monotonic())) is not None:
                continue
            _kill(pid)
            self.ending(pid, 2.0)

    def _next_dead(self) -> int:
        """A child that has ended and still holds its pid, or 0. Raises ChildProcessError where there is no child."""
        if hasattr(os, "waitid"):
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return 0 if found is None else found.si_pid
        for pid in list(self.workers):  # macOS: no look without collecting
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._bury(pid, status)
                return self._next_dead()
        return 0

    def _collect(self, pid: int) -> None:
        if pid in self.workers:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)  # its number is nobody else's before it is collected
        self._bury(pid, os.waitpid(pid, 0)[1])

    def _bury(self, pid: int, status: int) -> None:
        if pid not in self.workers:
            return
        if folder := self.workers.pop(pid):
            remove(Path(folder))
        self._endings[pid] = Ending(status, self._excess.pop(pid, ""))
        while len(self._endings) > _KEPT_ENDINGS:
            self._endings.pop(next(iter(self._endings)))

    def _kill_orphans(self) -> None:
        for _ in range(_ROUNDS):
            orphans = _children() - self.workers.keys()
            if not orphans:
                return
            for pid in orphans:
                _kill(pid)
            for pid in orphans:
                os.waitpid(pid, 0)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _children() -> set[int]:
    """The children of this process, where the kernel tells."""
    files = Path("/proc/self/task").glob("*/children") if sys.platform == "linux" else ()
    return {int(pid) for file in files for pid in file.read_text(encoding="ascii").split()}
