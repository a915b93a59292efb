"""The command itself, run where a hostile folder is the current one: in a process of its own, in the namespace alone.

A submission's `build` calls `grade_in` before it hands the same folder in; what is not as it should be is an
AssertionError, which the judge reports like any other run that was stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import throwaway

TASK = "ex03_output_size::conv_output_size"
POINTS = 4.0
MARK = Path("/tmp/owned")  # whatever runs outside a worker writes here; workers cannot
CONSOLE = [str(Path(sys.prefix) / "bin" / "grade")]
MODULE = [sys.executable, "-P", "-m", "grader"]
PLAIN_MODULE = [sys.executable, "-m", "grader"]
_SECONDS = 100.0
_WRONG, _USAGE = 1, 2


def grade_in(folder: Path, command: Sequence[str], *arguments: str, earns: float = 0.0) -> None:
    """Grades with the folder as the current one; raises AssertionError where anything in it had a say in that."""
    before = _contents(folder)
    done = _run(folder, [*command, "run", TASK, "--json", "-", *arguments])
    assert done.returncode == _WRONG, f"exit code {done.returncode}: {done.stderr[-1000:]}"
    read = json.loads(done.stdout)
    assert (read["score"], read["max_score"]) == (earns, POINTS), f"{read['score']} of {read['max_score']} points"
    assert "seccomp" in read["environment"]["walls"], "the walls are not what they were"
    assert _contents(folder) == before, f"it left {sorted(_contents(folder) ^ before)} there"


def map_of(folder: Path, command: Sequence[str]) -> str:
    """What the map of the course says there."""
    done = _run(folder, [*command])
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-1000:]}"
    return done.stdout


def _contents(folder: Path) -> frozenset[Path]:
    """What lies there, apart from the points that `grade` keeps."""
    return frozenset(path for path in folder.rglob("*") if ".grade" not in path.parts)


def _run(folder: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    throwaway.refuse_outside()
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "GRADE_CANARY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    )
    if MARK.exists():
        ran = MARK.read_text("utf-8").split()
        MARK.unlink()
        raise AssertionError(f"outside a worker ran {', '.join(sorted(set(ran)))}")
    return done
