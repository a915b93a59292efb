"""How long to wait for an answer: seconds of our clock, and more where the machine, not the learner, is what is slow.

A busy machine must not cost anybody a point. A worker that wants to run and hardly got a processor is given the time
that it was kept waiting, up to a ceiling; so is one that sleeps because we have not fetched yet what it sends. One that
sleeps for itself, or that had its share, is not.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CEILING = 8.0  # times the limit, whatever the reason
LOOK_AGAIN = 0.2
QUICK = 0.05  # an answer within this time needs no look at the processor's clock, which would cost as much as the call
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(slots=True)
class Patience:
    """One limit for one whole exchange. `pid`: whose processor time counts; None: our clock alone."""

    seconds: float
    started: float
    pid: int | None = None
    used: float | None = None  # processor time it had used when we first looked

    @classmethod
    def of(cls, seconds: float, pid: int | None = None) -> Patience:
        return cls(seconds, time.monotonic(), pid)

    def left(self, at_hand: Callable[[], bool] = lambda: False) -> float:
        """Seconds until it is worth looking again. Raises TimeoutError where there is nothing left.

        `at_hand`: whether the channel is ready, so that the worker waits for us.
        """
        elapsed = time.monotonic() - self.started
        if self.pid is not None and self.used is None:
            if elapsed < QUICK < self.seconds:
                return QUICK - elapsed
            self.used = (_look(self.pid) or ("", 0.0))[1]
        if elapsed < self.seconds:
            return self.seconds - elapsed
        if self.pid is not None and elapsed < CEILING * self.seconds and self._was_kept_waiting(at_hand):
            return LOOK_AGAIN
        raise TimeoutError

    def _was_kept_waiting(self, at_hand: Callable[[], bool]) -> bool:
        assert self.pid is not None
        assert self.used is not None
        seen = _look(self.pid)
        return seen is not None and seen[1] - self.used < self.seconds and (seen[0] in "RD" or at_hand())


@dataclass(slots=True)
class Purse:
    """The seconds that all answers of a submission together may take; shared by its sessions. Waiting alone counts."""

    seconds: float = math.inf
    spent: float = 0.0

    @property
    def empty(self) -> bool:
        return self.spent >= self.seconds

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.spent += time.monotonic() - started


def _look(pid: int) -> tuple[str, float] | None:
    """(state, processor seconds) of a process; None where the system does not tell, or it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], (int(fields[11]) + int(fields[12])) / _TICK


def address_space(pid: int) -> tuple[int, int] | None:
    """(bytes now, bytes at most so far) that a process has mapped: what its memory limit counts."""
    try:
        with open(f"/proc/{pid}/status", encoding="latin-1") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return int(lines["VmSize"].split()[0]) * 1024, int(lines["VmPeak"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # no such place, or a process that has ended
        return None
