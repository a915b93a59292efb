"""What this machine can enforce against a learner's code, each line proved by trying it in a worker made for that.

A worker with a module of ours does what a thief or a vandal would, to things of ours that are there to be stolen: a
file, a socket, a process, a variable. What it gets is what a stranger's submission would get.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import LearnerFault
from grader.learner import Kind, Learner, TimeLimits, WorkerSession, Zygote
from grader.model import Isolation
from grader.worker.confine import DRIVER_BYTES
from grader.worker.control import Limits
from grader.worker.device import is_gpu
from grader.worker.wire import Load

_LIMITS = Limits(memory_bytes=300 * 2**20, cpu_seconds=60, file_bytes=8 * 2**20, gpu_bytes=2**30)
_TIMES = TimeLimits(call=5.0, again=5.0, load=20.0)
_PATIENCE = 0.5  # seconds for what must run out of time
_ADVICE = "see the walls above"
_VARIABLE = "GRADE_DOCTOR_SECRET"

_PROBE = """
import ctypes, os, socket, subprocess

def read(path): return open(path).read()
def exists(path): return os.path.exists(path)
def listing(path): return len(os.listdir(path))
def write(path): return open(path, "w").write("x")
def variables(): return sorted(os.environ)
def tcp(port): return socket.create_connection(("127.0.0.1", port), 1).send(b"x")
def unix(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(1)
        made.connect(path)
        return made.send(b"x")
def fork():
    if os.fork() == 0:
        os._exit(0)
    return True
def execute(program): return subprocess.run([program]).returncode
def signal_to(pid): return os.kill(pid, 0)
def look_at(pid): return open(f"/proc/{pid}/cmdline").read(1)
def system_call(number): return ctypes.CDLL(None, use_errno=True).syscall(number, 1, 0, 0, 0, 0, 0)
def memory(size): return len(bytearray(size))
def gpu_memory(size):
    import torch
    return torch.empty(size, dtype=torch.uint8, device="cuda").numel()
def loop():
    while True: pass
def files():
    for number in range(10**6): open(f"{number}", "w").close()
def fill():
    for number in range(10**6): open(f"{number}", "wb").write(bytes(2**20))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a submission cannot do here, or can. `advice`: how to get it where it is not held."""

    what: str
    held: bool
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Wall:
    """A means of the system: there, or how to get it."""

    name: str
    there: bool
    words: str


@dataclass(frozen=True, slots=True)
class Health:
    isolation: Isolation
    walls: tuple[Wall, ...]
    findings: tuple[Finding, ...]
    gpu: tuple[Wall, ...] = ()  # what there is of a GPU
    on_gpu: tuple[Finding, ...] = ()  # the same as `findings` for a worker on it, where there can be one

    @property
    def sound(self) -> bool:
        """Whether strangers can be graded here."""
        return self.isolation is Isolation.SANDBOXED and all(finding.held for finding in self.findings)


def examine(zygote: Zygote, tell: Callable[[Finding], None] = lambda finding: None) -> Health:
    """Try everything. Raises GraderFault where no worker can be had at all."""
    findings = []
    with _Bait() as bait, contextlib.closing(_session(zygote)) as session:
        functions = [line[4:].partition("(")[0] for line in _PROBE.splitlines() if line.startswith("def ")]
        learner = Learner(session, dict.fromkeys(functions, Kind.FUNCTION))
        for finding in _findings(learner, session, bait):
            tell(finding)
            findings.append(finding)
    return Health(zygote.walls.isolation, tuple(_walls(zygote)), tuple(findings))


def _walls(zygote: Zygote) -> Iterator[Wall]:
    around, missing = zygote.walls, dict(zygote.walls.missing)
    size = "" if around.sized else "; this version cannot cap a folder (0.8 can), so submissions can write nowhere"
    words = {
        "bubblewrap": f"a box that shows libraries and nothing else, without network{size}",
        "landlock": f"the kernel opens nothing else for a worker (interface {around.landlock})",
        "seccomp": "the kernel answers only the system calls that computing needs",
    }
    for name, found in words.items():
        there = name in around.names
        yield Wall(name, there, found if there else missing.get(name, "switched off"))


def _session(zygote: Zygote) -> WorkerSession:
    return WorkerSession(zygote, Load("probe", "probe.py", _PROBE), _LIMITS, _TIMES)


class _Bait:
    """Things of ours that a probe tries to get at."""

    def __enter__(self) -> _Bait:
        self._stack = contextlib.ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="grade-doctor-")))
        self.secret = secrets.token_hex(8)
        self.file = self.folder / "secret"
        self.file.write_text(self.secret, "ascii")
        os.environ[_VARIABLE] = self.secret
        self._stack.callback(os.environ.pop, _VARIABLE, None)
        self.tcp = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.unix = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        self.unix.bind(str(self.folder / "socket"))
        self.unix.listen()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def port(self) -> int:
        return int(self.tcp.getsockname()[1])


def _findings(learner: Any, session: WorkerSession, bait: _Bait) -> Iterator[Finding]:
    file, new = str(bait.file), str(bait.folder / "new")
    yield _refused("reads no file of yours", lambda: learner.read(file))
    yield _refused("lists no folder of yours", lambda: learner.listing(str(bait.folder)))
    yield _answers(
        "cannot tell whether a file is there", lambda: learner.exists(file), False, "bubblewrap would hide that"
    )
    yield _refused("writes to no folder of yours", lambda: learner.write(new))
    yield _answers("sees no variable of your environment", lambda: _VARIABLE in learner.variables(), False)
    yield _refused("reaches no network", lambda: learner.tcp(bait.port))
    yield _refused("reaches no service of this machine", lambda: learner.unix(str(bait.folder / "socket")))
    yield _refused("starts no process", learner.fork, lambda: learner.execute("/bin/true"))
    yield _refused("sends no signal to others", lambda: learner.signal_to(os.getpid()), lambda: learner.signal_to(1))
    yield _refused("looks into no other process", lambda: learner.look_at(os.getpid()), lambda: learner.look_at(1))
    if (numbers := _SYSTEM_CALLS.get(os.uname().machine)) is not None:
        yield _answers(
            "reaches no odd corner of the kernel (io_uring, keyring, bpf, namespaces)",
            lambda: [learner.system_call(number) for number in numbers],
            [-1] * len(numbers),
        )
    gpu = is_gpu(session.device)
    most = 2 * _LIMITS.memory_bytes + (DRIVER_BYTES if gpu else 0)
    yield _refused("takes no more memory than it may", lambda: learner.memory(most))
    if gpu:
        yield _refused("takes no more of the GPU's memory", lambda: learner.gpu_memory(2 * _LIMITS.gpu_bytes))
    session.times = TimeLimits(_PATIENCE, _PATIENCE, _TIMES.load)
    yield _refused("does not run for ever", learner.loop)
    session.times = _TIMES
    yield _refused("makes no files without end", learner.files)
    yield _refused("does not fill the disk", learner.fill)


_SYSTEM_CALLS = {"x86_64": (425, 250, 321, 272), "aarch64": (425, 219, 280, 97)}  # io_uring_setup keyctl bpf unshare


def _refused(what: str, *attempts: Callable[[], object]) -> Finding:
    """Held where every attempt ends in an exception, or the worker's end."""
    said = []
    for attempt in attempts:
        try:
            attempt()
        except LearnerFault as fault:
            said.append(fault.message.partition(": '/")[0])  # without the path of our bait
            continue
        return Finding(what, False, "it can", _ADVICE)
    return Finding(what, True, said[-1])


def _answers(what: str, question: Callable[[], object], wanted: object, means: str = "") -> Finding:
    try:
        held = question() == wanted
    except LearnerFault as fault:
        return Finding(what, True, fault.message)
    return Finding(what, held, "nothing came back" if held else "it can", means or _ADVICE)
