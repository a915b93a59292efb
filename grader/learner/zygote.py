"""Our end of the zygote: start it behind the best walls there are, ask for workers, kill them, close it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import GraderFault
from grader.model import Isolation
from grader.worker import control
from grader.worker.cleanup import remove
from grader.worker.device import CPU, environment, is_gpu

from . import box, gpu
from .handle import Worker
from .syscalls import program
from .walls import Walls, here

START_SECONDS = 120.0  # a cold import of torch from a slow disk
ANSWER_SECONDS = 30.0
BRANCHES = 12  # kept at a time: a process each, most of whose memory is shared
FAREWELL_SECONDS = 5.0  # until the zygote has killed its workers and what they forked
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
_Key = tuple[tuple[control.Ban, ...], str]


@dataclass(slots=True)
class Zygote:
    """The process that has torch imported. Started at once, waited for only when the first worker is asked for.

    `around` is what stands between its workers and this machine; None: the best there is here. Workers of a GPU have
    the driver within their walls, so they have a zygote of their own.
    """

    around: Walls | None = None
    device: str = CPU  # where its workers' tensors live
    _process: subprocess.Popen[bytes] | None = None
    _orders: socket.socket | None = None
    _branches: dict[_Key, socket.socket] = field(default_factory=dict)  # the one used last stands last
    _place: Path | None = None
    _ready: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def walls(self) -> Walls:
        if self.around is None:
            self.around = here()
        return self.around

    def start(self) -> Zygote:
        """Begin to import torch over there; returns without waiting.

        To be called in a thread that outlives it: a box dies with the thread that made it.
        """
        self.close()
        ours, theirs = socket.socketpair()
        extras, variables = self._gpu() if is_gpu(self.device) else (box.Extras(), {})
        command, place = box.command(self.walls, theirs.fileno(), extras)
        if not place and self.walls.isolation is Isolation.PROCESS:  # Landlock alone could not cap what is written
            self._place = Path(tempfile.mkdtemp(prefix="grade-"))
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env={**_ENVIRONMENT, **variables},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us to handle
            )
        except OSError as error:
            ours.close()
            raise GraderFault(f"{command[0]} cannot be started: {error.strerror}") from None
        finally:
            theirs.close()
        self._orders = ours
        self._ready = False
        readable = box.sight().readable() if self.walls.landlock and not self.walls.bubblewrap else ()
        if readable:
            readable += tuple(file for file in extras.files if os.path.exists(file))
        filter_ = self.walls.syscalls
        setup = control.Setup(
            str(self._place or place),
            bool(self.walls.landlock),
            readable,
            program(gpu=True) if filter_ and is_gpu(self.device) else filter_,
            box.sight().packages,
            extras.devices,
            tuple(path for path in gpu.TOLD if os.path.exists(path)) if extras.devices else (),
        )
        with contextlib.suppress(OSError):  # it has died already: the first who asks for a worker hears why
            control.send(ours, setup)
        return self

    def _gpu(self) -> tuple[box.Extras, dict[str, str]]:
        """What workers of a GPU have within their walls, and what they have to know of our environment."""
        known = gpu.variables(os.environ.items())
        files = (*gpu.FILES, *([known["LD_LIBRARY_PATH"]] if "LD_LIBRARY_PATH" in known else []))
        return box.Extras(gpu.nodes(), files), {**known, **environment(self.device)}

    def spawn(self, limits: control.Limits, bans: tuple[control.Ban, ...]) -> Worker:
        """A fresh worker, confined, with nothing of a learner's in it yet. Raises GraderFault where there is none."""
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair()
            read, write = os.pipe()
            undo.callback(os.close, read)
            undo.callback(ours.close)
            try:
                with self._lock:
                    orders = self._branch((bans, self.device))
                    answer, fds = self._ask(orders, control.Spawn(limits), (theirs.fileno(), write))
            finally:
                theirs.close()
                os.close(write)
            os.set_blocking(read, False)
            undo.pop_all()
        return Worker(answer.pid, fds[0] if fds else None, ours, read, orders)

    def bury(self, worker: Worker, seconds: float = 0.0) -> control.Answer | None:
        """The end of a worker and of all it forked: how it ended, where that came by itself within `seconds`.

        It is killed otherwise, and collected before its folder is removed. Nothing of it stays.
        """
        by_itself = worker.has_ended(seconds)
        if worker.pidfd is not None or seconds == 0:
            worker.kill()
        answer = None
        try:
            if worker.orders.fileno() >= 0:  # otherwise the zygote has ended, and its workers with it
                answer = self._ask(worker.orders, control.Ended(worker.pid, seconds + 2.0))[0]
        finally:
            if answer is None or answer.status is None:
                worker.kill()
            worker.close()
        return answer if by_itself and answer is not None and answer.status is not None else None

    def close(self) -> None:
        """End the zygote, its workers and what they forked."""
        for orders in [*self._branches.values(), *([self._orders] if self._orders is not None else [])]:
            orders.close()
        self._branches.clear()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(FAREWELL_SECONDS if self._ready else 0)
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
        if self._place is not None:
            remove(self._place)
        self._orders = self._process = self._place = None

    def _branch(self, key: _Key) -> socket.socket:
        """The socket of the branch with these bans; a new one where there is none yet."""
        if key in self._branches:
            self._branches[key] = self._branches.pop(key)
            return self._branches[key]
        if self._orders is None:
            self.start()
        assert self._orders is not None
        if not self._ready:
            self._answer(self._orders, START_SECONDS)  # its first word: torch is imported
            self._ready = True
        ours, theirs = socket.socketpair()
        try:
            self._ask(self._orders, control.Branch(*key), (theirs.fileno(),))
        finally:
            theirs.close()
        self._answer(ours, ANSWER_SECONDS)  # its first word: the guard is armed
        self._branches[key] = ours
        self._prune()
        return ours

    def _prune(self) -> None:
        """An old branch ends when its socket closes, and its workers with it; they are none by now."""
        for key in list(self._branches)[:-BRANCHES]:
            self._branches.pop(key).close()

    def _ask(
        self, orders: socket.socket, order: control.Order, fds: tuple[int, ...] = ()
    ) -> tuple[control.Answer, list[int]]:
        with self._lock:
            try:
                control.send(orders, order, fds)
            except OSError as error:
                raise self._lost(error) from None
            return self._answer(orders, ANSWER_SECONDS)

    def _answer(self, orders: socket.socket, seconds: float) -> tuple[control.Answer, list[int]]:
        try:
            orders.settimeout(seconds)
            received = control.receive_answer(orders)
            if received is None:
                raise OSError("it has ended")
        except (OSError, ValueError) as error:
            raise self._lost(error) from None
        return received

    def _lost(self, error: Exception) -> GraderFault:
        words = self._last_words()
        self.close()  # the next worker gets a new one
        return GraderFault(f"the worker process cannot be reached ({error}){words}")

    def _last_words(self) -> str:
        """What a zygote that failed to start wrote to stderr: our own code's words, no learner's."""
        if self._process is None or self._process.stderr is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        descriptor = self._process.stderr.fileno()
        os.set_blocking(descriptor, False)
        try:
            text = os.read(descriptor, 2**16).decode("utf-8", "replace").strip()
        except BlockingIOError:  # it lives on and has said nothing
            return ""
        return f": {text[-500:]}" if text else ""
