"""What this machine can put around a learner's code, found out by trying, once a process.

Two walls, each enough to call a run sandboxed: a box (bubblewrap: namespaces, nothing of the disk but libraries) and
Landlock (the kernel lets a worker open nothing but the libraries). Both stand on a seccomp filter of system calls.
Where there is neither, a worker is a process of its own with limits, and no more.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace

from grader.model import Isolation

from . import syscalls

_PROBE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Walls:
    """What is used. `missing`: wall -> why it is not there, a sentence each."""

    bubblewrap: str = ""  # the program, "" for no box
    sized: bool = False  # bubblewrap can cap the size of what a worker writes
    landlock: int = 0  # version of the kernel's interface, 0 for none
    syscalls: bytes = b""
    missing: tuple[tuple[str, str], ...] = ()

    @property
    def isolation(self) -> Isolation:
        around = self.bubblewrap or self.landlock
        return Isolation.SANDBOXED if around and self.syscalls else Isolation.PROCESS

    @property
    def names(self) -> tuple[str, ...]:
        """What a report says of them."""
        there = (("bubblewrap", self.bubblewrap), ("landlock", self.landlock), ("seccomp", self.syscalls))
        return tuple(name for name, found in there if found)

    def without_box(self) -> Walls:
        """As on a machine where nobody may make user namespaces."""
        return replace(self, bubblewrap="", sized=False)


NONE = Walls()


@functools.cache
def here() -> Walls:
    """The best this machine can do."""
    if sys.platform != "linux":
        words = "Linux alone has it: on this system a worker is a process with limits"
        return Walls(missing=tuple((name, words) for name in ("bubblewrap", "landlock", "seccomp")))
    missing: dict[str, str] = {}
    box, sized = _bubblewrap(missing)
    landlock, program = _landlock(missing), _seccomp(missing)
    return Walls(box, sized, landlock, program, tuple(missing.items()))


def _bubblewrap(missing: dict[str, str]) -> tuple[str, bool]:
    program = _program("bwrap")
    if program is None:
        missing["bubblewrap"] = "bwrap is not installed: install the package bubblewrap"
        return "", False
    try:
        attempt = _run(program, "--unshare-all", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL",
                       "--ro-bind", "/", "/", "--proc", "/proc", "--", _program("true") or "/bin/true")  # fmt: skip
        if attempt.returncode != 0:
            said = attempt.stderr.decode("utf-8", "replace").strip().splitlines()
            missing["bubblewrap"] = (
                f"bwrap is installed and cannot make a box here ({said[-1] if said else 'no reason given'}): "
                "allow user namespaces (sysctl user.max_user_namespaces=15000; on Ubuntu 24 also "
                "kernel.apparmor_restrict_unprivileged_userns=0; in Docker --security-opt seccomp=unconfined "
                "--security-opt apparmor=unconfined --security-opt systempaths=unconfined)"
            )
            return "", False
        return program, b"--size" in _run(program, "--help").stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        missing["bubblewrap"] = f"bwrap cannot be run: {error}"
        return "", False


def _program(name: str) -> str | None:
    """Never one of the current folder, which may be a submission's: an empty entry in PATH stands for it."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(place for place in places if os.path.isabs(place)))


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL)


def _landlock(missing: dict[str, str]) -> int:
    try:
        import landlockpy

        version: int = landlockpy.abi_version()
    except (ImportError, OSError) as error:
        missing["landlock"] = f"it cannot be asked for ({error}): install the Python package landlockpy"
        return 0
    if version == 0:
        missing["landlock"] = "this kernel has it not: Linux 5.13 or newer, with landlock in the boot option lsm="
    return version


def _seccomp(missing: dict[str, str]) -> bytes:
    try:
        return syscalls.program()
    except syscalls.NoSeccomp as error:
        missing["seccomp"] = str(error)
    except OSError as error:
        missing["seccomp"] = f"the filter cannot be built: {error}"
    return b""
