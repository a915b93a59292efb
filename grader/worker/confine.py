"""What a worker gives up before it reads a byte of the learner's. Once it is done there is no way back.

Always: its parent's death is its own, an environment of its own, no core dump, no look into its memory from outside,
limits on memory, processor time, open files and file size. Where the system can (lockdown.py): no capability, no file
but those it needs, no system call but those that computing needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

from .control import Limits
from .lockdown import Locks

OPEN_FILES = 64
NOWHERE = "/nonexistent"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def confine(directory: str, limits: Limits, parent: int, locks: Locks) -> None:
    """Lock this process down. Raises OSError where something that was asked for cannot be enforced."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    die_with(parent)
    os.chdir(directory or "/")
    home = directory or NOWHERE
    os.environ.clear()
    os.environ.update({"HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"})
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = directory or "/"  # torch.func loads what insists on one that is there
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=2)  # at the soft limit SIGXCPU, which says why
    if sys.platform == "linux":  # macOS does not enforce RLIMIT_AS
        _limit(resource.RLIMIT_AS, _size_now() + limits.memory_bytes)
    locks.lock(directory)


def hide() -> None:
    """Nobody of this user may look into this process or trace it, nor into what it forks from here on."""
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)


def die_with(parent: int) -> None:
    """This process dies when its parent does."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(0)


def _limit(kind: int, value: int, *, grace: int = 0) -> None:
    hard = resource.getrlimit(kind)[1]
    soft, new = value, value + grace
    if hard != resource.RLIM_INFINITY:
        soft, new = min(soft, hard), min(new, hard)
    resource.setrlimit(kind, (soft, new))


def _size_now() -> int:
    """Bytes of address space this process already has: torch's libraries alone map several GB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
