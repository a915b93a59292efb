"""The throw-away namespace: what a hostile submission could reach if every wall fell is gone a second later.

Own users, processes, network and mounts; the disk is there to be read and cannot be written; /tmp is empty and of
memory. util-linux's unshare and bubblewrap make it: no mount of our own. In there user namespaces can be made, for the
box under test, or are switched off for good, for the fallback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HOST = "throw-away"
_KINDS = ("user", "pid", "mnt", "net", "ipc", "uts")
_OUTSIDE = "GRADE_ESCAPES_OUTSIDE"  # the namespaces of whoever made the throw-away one
_SWITCH_OFF = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'  # of this namespace alone


class CannotBeMade(Exception):
    """Why this machine has no throw-away namespace for us."""


def _namespaces() -> str:
    return " ".join(os.readlink(f"/proc/self/ns/{kind}") for kind in _KINDS)


def start(arguments: list[str], *, fallback: bool, **options: object) -> subprocess.Popen[str]:
    """`python -m tests.escapes.inside ARGUMENTS` in a throw-away namespace. Raises CannotBeMade.

    `fallback`: where nobody can make a user namespace of their own.
    """
    command = [*_around(fallback), sys.executable, "-P", "-m", "tests.escapes.inside", *arguments]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": "/tmp/home",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        _OUTSIDE: _namespaces(),
    }
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **options)  # type: ignore[call-overload,no-any-return]


def _around(fallback: bool) -> list[str]:
    unshare, bwrap = shutil.which("unshare"), shutil.which("bwrap")
    if unshare is None or bwrap is None:
        raise CannotBeMade("needs the programs unshare (package util-linux) and bwrap (package bubblewrap)")
    outer = [unshare, "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    outer += ["sh", "-c", _SWITCH_OFF, "--"] if fallback else []
    powers = ["--cap-drop", "ALL"] if fallback else []  # root needs no user namespace to make the other ones
    inner = [bwrap, "--unshare-net", "--unshare-ipc", "--unshare-uts", "--hostname", HOST, "--die-with-parent",
             "--ro-bind", "/", "/", "--bind", "/proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
             "--tmpfs", "/var/tmp", "--tmpfs", "/dev/shm", *_ours(), *powers, "--"]  # fmt: skip
    attempt = subprocess.run([*outer, *inner, "true"], capture_output=True, text=True, check=False)
    if attempt.returncode != 0:
        raise CannotBeMade(f"this machine makes no namespace for us: {attempt.stderr.strip()[-300:]}")
    return [*outer, *inner]


def ours_below_tmp() -> list[Path]:
    """Project and interpreter, where they lie in a folder that is emptied: they are there to be read, as anywhere."""
    return [path for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix)) if path.is_relative_to("/tmp")]


def _ours() -> list[str]:
    return [word for path in ours_below_tmp() for word in ("--ro-bind", str(path), str(path))]


def refuse_outside() -> None:
    """Ends this process unless it is in a throw-away namespace; root is no exception."""
    problems = list(_signs_of_a_real_machine())
    if problems:
        sys.exit(f"hostile submissions run in a throw-away namespace alone (python -m tests.escapes): {problems[0]}")


def _signs_of_a_real_machine() -> list[str]:
    found = []
    if os.environ.get(_OUTSIDE, "") == "":
        found.append("nobody has made one")
    for outer, inner in zip(os.environ.get(_OUTSIDE, "").split(), _namespaces().split(), strict=False):
        if outer == inner:
            found.append(f"{inner} is the namespace of whoever started this")
    if os.uname().nodename != HOST:
        found.append("the host has a name of its own")
    if Path("/proc/self/uid_map").read_text("ascii").split()[-1] == "4294967295":
        found.append("the users are those of the machine")
    interfaces = [line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text("ascii").splitlines()[2:]]
    if interfaces != ["lo"]:
        found.append("there is a network")
    for folder in (ROOT, Path("/"), Path("/usr"), Path.home().parent, Path(sys.prefix)):
        emptied = folder.is_relative_to("/tmp") and not any(folder.is_relative_to(path) for path in ours_below_tmp())
        if not os.statvfs(folder).f_flag & os.ST_RDONLY and not emptied:
            found.append(f"{folder} is not read-only")
    return found
