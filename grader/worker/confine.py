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
from dataclasses import dataclass

from .control import Limits
from .device import CPU, environment, is_gpu
from .lockdown import Locks

OPEN_FILES = 64
GPU_OPEN_FILES = 1024  # CUDA keeps its driver open many times over
DRIVER_BYTES = 2 * 2**30  # what CUDA's libraries may come to need on the host, beside the learner's own
NOWHERE = "/nonexistent"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def confine(directory: str, limits: Limits, parent: int, locks: Locks, device: str = CPU) -> None:
    """Lock this process down. Raises OSError where something that was asked for cannot be enforced."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    die_with(parent)
    os.chdir(directory or "/")
    home = directory or NOWHERE
    os.environ.clear()
    os.environ.update({"HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"})
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = directory or "/"  # torch.func loads what insists on one that is there
    os.environ.update(environment(device))  # some libraries of a GPU read it when they are first used
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, GPU_OPEN_FILES if is_gpu(device) else OPEN_FILES)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=2)  # at the soft limit SIGXCPU, which says why
    if sys.platform == "linux":  # macOS does not enforce either
        _limit(*memory_limit(device, limits.memory_bytes, _size_now()))
    locks.lock(directory)


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a process: all of its address space, and what it may write to and shares with nobody."""

    space: int
    data: int


def memory_limit(device: str, budget: int, now: Size) -> tuple[int, int]:
    """Which limit holds a worker to `budget` bytes more than it has now, and its value.

    CUDA reserves hundreds of GB of address space that it never fills, so on a GPU the other size is what counts.
    """
    if is_gpu(device):
        return resource.RLIMIT_DATA, now.data + budget + DRIVER_BYTES
    return resource.RLIMIT_AS, now.space + budget


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


def _size_now() -> Size:
    """What this process has already: torch's libraries alone map several GB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = file.read().split()
    return Size(*(int(pages[column]) * resource.getpagesize() for column in (0, 5)))


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
