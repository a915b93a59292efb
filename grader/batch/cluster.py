"""Jobs on other machines: a dask.distributed cluster that is there already. Parcels travel as bytes, results too.

Each of its worker processes keeps a bench of its own, warm from its first parcel on. Dask runs a parcel once more where
the worker that had it dies; the result is the same wherever it comes from.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from grader import course
from grader.errors import GraderFault, UsageError

from . import parcel
from .bench import Bench
from .children import some
from .key import engine
from .parcel import Graded, Parcel, Setup, packed

ANOTHER = "another grader or other libraries than you have"
AHEAD = 2  # parcels on the way for each thread of the cluster
CONNECT_SECONDS, WAIT_SECONDS = 20, 0.5


@dataclass(slots=True)
class Cluster:
    """The cluster whose scheduler is at `address`. Raises UsageError where there is none, or dask is not installed."""

    address: str
    setup: Setup
    stopping: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda words: None
    _client: Any = None
    _agreed: bool = False
    _mark: str = field(default_factory=lambda: engine(course.load().root))

    def __enter__(self) -> Cluster:
        try:
            from distributed import Client
            from distributed.comm.addressing import get_address_host_port
        except ImportError:
            raise UsageError("--dask needs dask.distributed: pip install 'cnn-grader[dask]'") from None
        try:
            options: dict[str, Any] = {"timeout": CONNECT_SECONDS, "set_as_default": False}
            get_address_host_port(self.address)  # a Client that is made of no address takes a minute to go
            self._client = Client(self.address, **options)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:
            words = str(error).strip().split("\n")[0]
            raise UsageError(f"--dask {self.address}: no scheduler answers there ({words})") from None
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(Exception):  # the cluster may have gone
            self._client.close()

    def rehearse(self) -> None:
        """On one of its workers, whichever: all are made of the same. Raises GraderFault or UsageError."""
        with self._there():
            self._agree()
            words = self._client.submit(rehearse_there, packed(self.setup), self._mark, pure=False).result()
        if words:
            raise GraderFault(words)

    def _agree(self) -> None:
        """Raises UsageError that names workers which are not what we are. Who comes later says so in each parcel."""
        if self._agreed:
            return
        if not self._client.nthreads():
            self.say(f"The cluster at {self.address} has no worker yet; waiting for one.")
        while not self._client.nthreads():
            if self.stopping():
                raise KeyboardInterrupt
            time.sleep(WAIT_SECONDS)
        marks: dict[str, Any] = self._client.run(mark_there, on_error="return")
        if others := sorted(address for address, mark in marks.items() if mark != self._mark):
            raise UsageError(
                f"--dask {self.address}: {some(others)} of {len(marks)} workers have {ANOTHER}; "
                "install the same versions there"
            )
        self._agreed = True

    @contextlib.contextmanager
    def _there(self) -> Iterator[None]:
        """Raises UsageError where the cluster has gone meanwhile: no submission has lost its grade by that."""
        try:
            yield
        except (Exception, asyncio.CancelledError):
            if self._client.status == "running":
                raise
            words = "the scheduler has gone; what was graded is kept, and the same command goes on from there"
            raise UsageError(f"--dask {self.address}: {words}") from None

    def run(self, parcels: Iterator[Parcel]) -> Iterator[tuple[Parcel, Graded]]:
        import distributed

        waiting: dict[Any, Parcel] = {}
        done: Any = distributed.as_completed(loop=self._client.loop)  # type: ignore[no-untyped-call]
        left = iter(parcels)
        while True:
            while len(waiting) < self._room() and not self.stopping():
                following = next(left, None)
                if following is None:
                    break
                data = (packed(self.setup), packed(following), self._mark)
                with self._there():
                    self._agree()
                    future = self._client.submit(grade_there, *data, pure=False, retries=1)
                waiting[future] = following
                done.add(future)
            if not waiting:
                return
            with self._there():
                future = next(done)
            yield waiting.pop(future), self._result(future)
            future.release()

    def _room(self) -> int:
        threads: int = sum(self._client.nthreads().values())
        return max(1, AHEAD * threads)

    def _result(self, future: Any) -> Graded:
        try:
            with self._there():
                return parcel.graded(future.result())
        except UsageError:
            raise
        except Exception as error:  # whatever the cluster has for us: the learner had no part in it
            return Graded(fault=f"the cluster gave no result: {type(error).__name__}: {str(error)[:500]}")


# On a worker of the cluster.


def grade_there(setup: bytes, data: bytes, mark: str) -> bytes:
    """A parcel's result. Everything else a worker may do at the same time waits."""
    if mark != engine(course.load().root):
        return packed(Graded(fault=f"this worker of the cluster has {ANOTHER}"))
    return packed(_attendant(setup).ask(lambda bench: bench.grade(parcel.parcel(data))))


def mark_there() -> str:
    return engine(course.load().root)


def rehearse_there(setup: bytes, mark: str) -> str:
    if mark != engine(course.load().root):
        return f"a worker of the cluster has {ANOTHER}"
    return str(_attendant(setup).ask(lambda bench: bench.rehearse()))


class _Attendant:
    """Keeps the bench of a process in a thread of its own: a box dies with the thread that made it."""

    def __init__(self, setup: bytes) -> None:
        self._wanted: queue.Queue[tuple[Callable[[Bench], Any], Future[Any]]] = queue.Queue()
        threading.Thread(target=self._serve, args=(setup,), name="bench", daemon=True).start()

    def ask(self, what: Callable[[Bench], Any]) -> Any:
        answer: Future[Any] = Future()
        self._wanted.put((what, answer))
        return answer.result()

    def _serve(self, setup: bytes) -> None:
        bench: Bench | None = None
        while True:
            what, answer = self._wanted.get()
            try:
                bench = bench or Bench(parcel.setup(setup))
                answer.set_result(what(bench))
            except BaseException as error:
                answer.set_exception(error)


_attendants: dict[bytes, _Attendant] = {}
_lock = threading.Lock()


def _attendant(setup: bytes) -> _Attendant:
    with _lock:
        if setup not in _attendants:
            _attendants[setup] = _Attendant(setup)
        return _attendants[setup]
