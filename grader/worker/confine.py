"""What a worker gives up before it reads a byte of the learner's. The place of the full lockdown.

Now: its parent's death is its own, a directory of its own, an environment of its own, limits on memory, processor time,
file size and core dumps. `ISOLATION` is the name of what this adds up to.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

from .control import Limits

ISOLATION = "process"
_PR_SET_PDEATHSIG = 1
OPEN_FILES = 64


def confine(directory: str, limits: Limits, parent: int) -> None:
    """Lock this process down. Raises OSError where a limit that was asked for cannot be set."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _die_with(parent)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update({"HOME": directory, "TMPDIR": directory, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"})
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=2)  # at the soft limit SIGXCPU, which says why
    if sys.platform == "linux":  # macOS does not enforce RLIMIT_AS
        _limit(resource.RLIMIT_AS, _size_now() + limits.memory_bytes)


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


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(0)
