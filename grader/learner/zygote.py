"""Our end of the zygote: start it, ask for workers, kill them, close it."""

from __future__ import annotations

import contextlib
import os
import shutil
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

_MAIN = Path(control.__file__).with_name("__main__.py")
START_SECONDS = 120.0  # a cold import of torch from a slow disk
ANSWER_SECONDS = 30.0


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

    def close(self) -> None:
        self.channel.close()
        os.close(self.output)
        if self.pidfd is not None:
            os.close(self.pidfd)
        shutil.rmtree(self.directory, ignore_errors=True)


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
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-S", str(_MAIN), str(theirs.fileno()), *libraries()]
        self._process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env={"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
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
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        directory = Path(tempfile.mkdtemp(prefix="grade-"))
        order = control.Spawn(str(directory), limits, bans, device)
        try:
            with self._lock:
                answer, fds = self._ask(order, (theirs.fileno(), write))
        finally:
            theirs.close()
            os.close(write)
        os.set_blocking(read, False)
        return Worker(answer.pid, fds[0] if fds else None, ours, read, directory)

    def ending(self, worker: Worker, seconds: float) -> int | None:
        """The wait status of a worker that has ended, or None where it has not within `seconds`."""
        with self._lock:
            return self._ask(control.Ended(worker.pid, seconds), ())[0].status

    def close(self) -> None:
        if self._orders is not None:
            self._orders.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
        self._orders = self._process = None

    def _ask(self, order: control.Spawn | control.Ended, fds: tuple[int, ...]) -> tuple[control.Answer, list[int]]:
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
            raise GraderFault(f"the worker process cannot be reached ({error}){self._last_words()}") from None

    def _receive(self, seconds: float) -> tuple[control.Answer, list[int]]:
        assert self._orders is not None
        self._orders.settimeout(seconds)
        received = control.receive_answer(self._orders)
        if received is None:
            raise OSError("it has ended")
        return received

    def _last_words(self) -> str:
        """What a zygote that failed to start wrote to stderr: our own code's words, no learner's."""
        if self._process is None or self._process.stderr is None or self._process.poll() is None:
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
