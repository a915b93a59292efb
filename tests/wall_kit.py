"""Shared by the tests of the wall: one zygote a test process, sessions with short limits, learners of a source text."""

from __future__ import annotations

import atexit
import functools
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grader.learner import InProcess, Kind, Learner, Session, TimeLimits, WorkerSession, Zygote, walls
from grader.worker import control
from grader.worker.wire import Load

FILENAME = "exercise.py"
MEGABYTE = 2**20
LIMITS = control.Limits(memory_bytes=400 * MEGABYTE, cpu_seconds=60, file_bytes=8 * MEGABYTE)
PATIENT = TimeLimits(call=20.0, again=20.0, load=20.0)  # for calls that must come back, on a busy machine
HASTY = TimeLimits(call=0.5, again=0.5, load=20.0)  # for calls that must not


@functools.cache
def shared_zygote(around: walls.Walls = walls.NONE) -> Zygote:
    """Started once, since importing torch takes seconds; ended with this process.

    Without walls: what is shown of the least holds for more, and code that means harm gets to try more.
    """
    zygote = Zygote(around).start()
    atexit.register(zygote.close)
    return zygote


def wall(
    source: str,
    *,
    times: TimeLimits = PATIENT,
    limits: control.Limits = LIMITS,
    bans: tuple[control.Ban, ...] = (),
    zygote: Zygote | None = None,
) -> WorkerSession:
    """A session with a real worker. Close it."""
    load = Load("exercise", FILENAME, textwrap.dedent(source))
    return WorkerSession(zygote or shared_zygote(), load, limits, times, bans)


def fake(source: str) -> InProcess:
    """The same source in this process."""
    return InProcess.from_source("exercise", textwrap.dedent(source), FILENAME)


def learner_of(session: Session, **kinds: Kind) -> Learner:
    """A learner whose tasks are functions `f`, `g`, `h` and `ok`, and what `kinds` says."""
    functions = dict.fromkeys(("f", "g", "h", "ok"), Kind.FUNCTION)
    return Learner(session, functions | kinds)


def open_fds() -> set[str]:
    """What this process has open now, as `number -> target`."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {os.readlink(entry)}")
        except OSError:  # the one that lists
            continue
    return found


def is_alive(pid: int) -> bool:
    """Whether that process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def closing_sessions() -> Iterator[Callable[[Session], Session]]:
    """The body of a fixture: remembers sessions and closes them at the end of the test."""
    opened: list[Session] = []

    def remember(session: Session) -> Session:
        opened.append(session)
        return session

    yield remember
    for session in opened:
        session.close()  # type: ignore[attr-defined]
