"""Our end of the zygote: start it, ask for workers, kill them, close it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from grader.errors import GraderFault
from grader.model import Isolation
from grader.worker import control

from .cleanup import remove

_MAIN = Path(control.__file__).with_name("__main__.py")
START_SECONDS = 120.0  # a cold import of torch from a slow disk
ANSWER_SECONDS = 30.0
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
FAREWELL_SECONDS = 5.0  # until the zygote has killed its workers and what they forked


@dataclass(slots=True)
class Worker:
    """One forked worker: its socket, its output pipe, a handle to kill it by, its directory."""

    pid: int
    pidfd: int | None
    channel: socket.socket
    output: int
    directory: Path

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
        remove(self.directory)


@dataclass(slots=True)
class Zygote:
    """The process that has torch imported. Started at once, waited for only when the first worker is asked for."""

    isolation: Isolation = Isolation.PROCESS
    _process: subprocess.Popen[bytes] | None = None
    _orders: socket.socket | None = None
    _ready: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> Zygote:
        """Begin to import torch over there; returns without waiting."""
        self.close()
        ours, theirs = socket.socketpair()
        # With this environment -s -P is what -I is, but for one thing: -I hashes strings anew in every process, and the
        # order of a learner's set must not differ from run to run.
        command = [sys.executable, "-s", "-P", "-S", str(_MAIN), str(theirs.fileno()), *libraries()]
        self._process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us to handle
        )
        theirs.close()
        self._orders = ours
        self._ready = False
        return self

    def spawn(self, limits: control.Limits, bans: tuple[control.Ban, ...], device: str = "cpu") -> Worker:
        """A fresh worker, confined, with nothing of a learner's in it yet. Raises GraderFault where there is none."""
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair()
            read, write = os.pipe()
            undo.callback(os.close, read)
            undo.callback(ours.close)
            directory = Path(tempfile.mkdtemp(prefix="grade-"))
            undo.callback(remove, directory)
            order = control.Spawn(str(directory), limits, bans, device)
            try:
                answer, fds = self._ask(order, (theirs.fileno(), write))
            finally:
                theirs.close()
                os.close(write)
            os.set_blocking(read, False)
            undo.pop_all()
        return Worker(answer.pid, fds[0] if fds else None, ours, read, directory)

    def bury(self, worker: Worker, seconds: float = 0.0) -> int | None:
        """The end of a worker and of all it forked: the wait status where it came by itself within `seconds`.

        It is killed otherwise, and collected before its directory is removed. Nothing of it stays.
        """
        by_itself = worker.has_ended(seconds)
        if worker.pidfd is not None or seconds == 0:
            worker.kill()
        status = None
        try:
            if self._orders is not None:  # otherwise it has died, and its workers with it
                status = self._ask(control.Ended(worker.pid, seconds + 2.0), ())[0].status
        finally:
            if status is None:
                worker.kill()
            worker.close()
        return status if by_itself else None

    def close(self) -> None:
        """End the zygote, its workers and what they forked."""
        if self._orders is not None:
            self._orders.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(FAREWELL_SECONDS if self._ready else 0)
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
        self._orders = self._process = None

    def _ask(self, order: control.Spawn | control.Ended, fds: tuple[int, ...]) -> tuple[control.Answer, list[int]]:
        with self._lock:
            if self._orders is None:
                self.start()
            assert self._orders is not None
            try:
                if not self._ready:
                    self._receive(START_SECONDS)  # its first word: torch is imported
                    self._ready = True
                control.send(self._orders, order, fds)
                return self._receive(ANSWER_SECONDS)
            except (OSError, ValueError) as error:
                words = self._last_words()
                self.close()  # the next worker gets a new one
                raise GraderFault(f"the worker process cannot be reached ({error}){words}") from None

    def _receive(self, seconds: float) -> tuple[control.Answer, list[int]]:
        assert self._orders is not None
        self._orders.settimeout(seconds)
        received = control.receive_answer(self._orders)
        if received is None:
            raise OSError("it has ended")
        return received

    def _last_words(self) -> str:
        """What a zygote that failed to start wrote to stderr: our own code's words, no learner's."""
        if self._process is None or self._process.stderr is None:
            return ""
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return ""
        text = self._process.stderr.read().decode("utf-8", "replace").strip()
        return f": {text[-500:]}" if text else ""


def libraries() -> list[str]:
    """The folders a worker imports from: where torch and what it needs are installed, and no folder of the project."""
    known = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}
    for name in ("torch", "numpy", "msgspec"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            known.add(str(Path(spec.origin).parent.parent))
    return sorted(known)
