"""Jobs of this machine: warm processes, forked from one that has everything imported; a dead one is replaced.

Which job grades what, and in which order results come, has no influence on any result.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from grader.errors import GraderFault

from . import job, parcel
from .parcel import Graded, Parcel, Setup, packed

GRACE_SECONDS = 120.0  # beyond what a submission's answers may take, for our own work on it
OWN_SHARE = 4.0  # and so many times that, on a machine that is busy
FAREWELL_SECONDS = 5.0
TRIES = 2  # jobs that may die over one submission


@dataclass(slots=True)
class _Job:
    process: Any
    pipe: Connection
    parcel: Parcel | None = None  # the one it grades
    since: float = 0.0


@dataclass(slots=True)
class Pool:
    """`count` jobs. `seconds`: what the answers of one submission may take. `stopping()` True: nothing new is begun."""

    setup: Setup
    count: int
    seconds: float
    stopping: Callable[[], bool] = lambda: False
    _jobs: list[_Job] = field(default_factory=list)
    _context: Any = None

    def __enter__(self) -> Pool:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["grader.batch.warm"])
        return self

    def __exit__(self, *error: object) -> None:
        patience = 0.0 if any(error) else FAREWELL_SECONDS  # who is in a hurry does not wait for what runs
        for one in self._jobs:
            one.pipe.close()
        for one in self._jobs:
            one.process.join(patience)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
        self._jobs.clear()

    def rehearse(self) -> None:
        """Raises GraderFault where right answers do not get all their points on this machine."""
        first = self._start()
        first.pipe.send_bytes(job.REHEARSE)
        try:
            words = first.pipe.recv_bytes().decode()
        except (EOFError, OSError):
            raise GraderFault("a job ended while it graded our own solutions") from None
        if words:
            raise GraderFault(words)

    def run(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, Graded]]:
        """Each with its result, in the order in which they are done."""
        left, waiting, died = iter(parcels), deque[Parcel](), dict[str, int]()
        while True:
            while len(waiting) < self.count and not self.stopping():  # read while the jobs are busy
                following = next(left, None)
                if following is None:
                    break
                waiting.append(following)
                self._hand_out(waiting)
            self._hand_out(waiting)
            busy = [one for one in self._jobs if one.parcel is not None]
            if not busy:
                return
            ready = set(wait([one.pipe for one in busy], timeout=1.0))
            for one in busy:
                if one.pipe in ready:
                    result = self._heard(one, waiting, died)
                    self._hand_out(waiting)  # before anybody looks at the result: no job has to wait for that
                    if result is not None:
                        yield result
                elif time.monotonic() - one.since > self.seconds * OWN_SHARE + GRACE_SECONDS:
                    one.process.kill()  # its end is heard as that of any

    def _start(self) -> _Job:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=job.serve, args=(theirs, packed(self.setup)), daemon=False)
        process.start()
        theirs.close()
        self._jobs.append(_Job(process, ours))
        return self._jobs[-1]

    def _hand_out(self, waiting: deque[Parcel]) -> None:
        """A job gets a parcel when it has none: it is reading then, so that neither side waits for the other."""
        while waiting and not self.stopping():
            idle = next((one for one in self._jobs if one.parcel is None), None)
            if idle is None and len(self._jobs) >= self.count:
                return
            one = idle if idle is not None else self._start()
            one.parcel, one.since = waiting.popleft(), time.monotonic()
            with contextlib.suppress(OSError):  # it has died: that is heard when its pipe is read
                one.pipe.send_bytes(packed(one.parcel))

    def _heard(self, one: _Job, waiting: deque[Parcel], died: dict[str, int]) -> tuple[Parcel, Graded] | None:
        """A result; None where the job has died and its parcel gets another try."""
        done, one.parcel = one.parcel, None
        assert done is not None
        try:
            return done, parcel.graded(one.pipe.recv_bytes())
        except (EOFError, OSError):
            self._jobs.remove(one)
            one.process.kill()
            one.process.join()
            one.pipe.close()
        died[done.name] = died.get(done.name, 0) + 1
        if died[done.name] < TRIES:
            waiting.appendleft(done)
            return None
        return done, Graded(fault=f"the job that graded it ended {TRIES} times (exit code {one.process.exitcode})")
