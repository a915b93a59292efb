"""Which mutants of a reference do the checks of its tasks notice?

A few warm processes load an exercise and draw its inputs once. Each mutant then runs in a fork of one of them: what it
breaks, fills or never ends dies with it. Nobody backpropagates in a process that is to be forked, so these start anew
and are no forks of the caller. Bans are not armed: a mutant is judged by its answers. The examples in the statement do
not count, for they earn no points. POSIX alone.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import select
import signal
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch

from grader.checker.deck import deck_of
from grader.checker.kept import check_module
from grader.checker.run import CHECKS, local
from grader.checker.surroundings import ours_alone
from grader.checker.trial import Trial
from grader.errors import GraderFault
from grader.learner import InProcess, Kind, Learner
from grader.model import CheckSpec
from grader.references import reference

from .mutants import Mutant

CPU_SECONDS = 10  # of one check: the slowest takes a second on a right answer
WALL_SECONDS = 600  # of one mutant, should it sleep
HEADROOM = 2 * 2**30  # bytes that a mutant may take beside what the warm process has


class End(StrEnum):
    KILLED = "killed"
    TIMED_OUT = "timed_out"  # noticed as well: a learner's code would be stopped
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`by`: the checks that failed, in the order of the file: the first one found, or all where all were asked."""

    mutant: Mutant
    end: End
    by: tuple[str, ...]


def try_all(
    exercise: str,
    kinds: dict[str, str],
    mutants: Iterable[Mutant],
    *,
    every_check: bool = False,
    cpu_seconds: int = CPU_SECONDS,
    jobs: int | None = None,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    """The end of every mutant, in their order. Raises GraderFault where the checks of the exercise cannot be run.

    With `every_check` none is spared the checks after the first that failed. `cpu_seconds` are those of one check.
    """
    wanted = list(mutants)
    if not wanted:
        return ()
    count = min(jobs or os.cpu_count() or 1, len(wanted))
    judges = sorted({task for mutant in wanted for task in mutant.tasks})
    context = multiprocessing.get_context("spawn")
    found = {}
    with context.Pool(count, _warm_up, (exercise, kinds, judges, every_check, cpu_seconds)) as pool:
        for outcome in pool.imap_unordered(_try, wanted):
            found[outcome.mutant.id] = outcome
            tell(outcome)
    return tuple(found[mutant.id] for mutant in wanted)


@dataclass(slots=True)
class _Host:
    """What a warm process keeps: the checks with their inputs, and how often each was the one that noticed."""

    exercise: str
    kinds: dict[str, str]
    every_check: bool
    cpu_seconds: int
    right: types.ModuleType
    checks: list[tuple[CheckSpec, Callable[..., Any]]]
    kills: Counter[str] = field(default_factory=Counter)

    def order(self, tasks: tuple[str, ...]) -> Iterator[tuple[CheckSpec, Callable[..., Any]]]:
        """The checks of these tasks. Those that noticed most come first, where the first failure is enough."""
        wanted = [pair for pair in self.checks if pair[0].task in tasks]
        return iter(wanted if self.every_check else sorted(wanted, key=lambda pair: -self.kills[pair[0].name]))


_hosts: list[_Host] = []
_faults: list[str] = []


def _warm_up(exercise: str, kinds: dict[str, str], tasks: list[str], every_check: bool, cpu_seconds: int) -> None:
    """An exception here would have the pool start the next process for ever: it is kept for the first mutant."""
    try:
        _hosts[:] = [_host(exercise, kinds, tasks, every_check, cpu_seconds)]
    except Exception as error:
        _faults.append(f"the mutants of {exercise} cannot be tried: {type(error).__name__}: {error}")


def _host(exercise: str, kinds: dict[str, str], tasks: list[str], every_check: bool, cpu_seconds: int) -> _Host:
    torch.set_num_threads(1)  # a pool of threads does not survive a fork
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears it and ends us
    file = CHECKS / f"test_{exercise}.py"
    module = check_module(file, file.stat().st_mtime_ns)
    functions = [(value.grader_spec, value) for value in vars(module).values() if hasattr(value, "grader_spec")]
    checks = [(spec, function) for spec, function in functions if spec.task in tasks]
    with ours_alone():
        for _, function in checks:
            deck_of(function)
    return _Host(exercise, kinds, every_check, cpu_seconds, reference(exercise), checks)


def _try(mutant: Mutant) -> Outcome:
    """One mutant in a fork of this process, heard through a pipe: the name of every check that failed, and an end."""
    if _faults:
        raise GraderFault(_faults[0])
    host = _hosts[0]
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ear)
        try:
            _hush()
            _live(host, mutant, lambda line: os.write(mouth, line.encode() + b"\n"))
        finally:
            os._exit(0)
    os.close(mouth)
    said, in_time = _hear(ear)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    by = tuple(line for line in said if line != _END)
    host.kills.update(by[:1])
    if not in_time or code == -signal.SIGXCPU:
        return Outcome(mutant, End.TIMED_OUT, by)
    return Outcome(mutant, End.SURVIVED if said == [_END] else End.KILLED, by)


_END = "."


def _hear(ear: int) -> tuple[list[str], bool]:
    """Every line until the pipe is closed; False where it was not in time."""
    text = b""
    with os.fdopen(ear, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], WALL_SECONDS)[0]:
            piece = pipe.read(65536)
            if not piece:
                return text.decode().split("\n")[:-1], True
            text += piece
    return text.decode().split("\n")[:-1], False


def _live(host: _Host, mutant: Mutant, say: Callable[[str], object]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory()
    with ours_alone():
        for spec, function in host.order(mutant.tasks):
            _limit_time(host.cpu_seconds)
            if _notices(host, mutant.source, function):
                say(spec.name)
                if not host.every_check:
                    break
    say(_END)


def _notices(host: _Host, source: str, function: Callable[..., Any]) -> bool:
    """A fresh module a check, so that the order of the checks makes no difference."""
    session = InProcess.from_source(host.exercise, source, f"{host.exercise}.py")
    learner = Learner(session, {name: Kind(kind) for name, kind in host.kinds.items()})
    given = {"learner": learner, "reference": host.right}
    return not Trial(function, given, lambda: local(host.right, host.kinds), shrink=False).passes()


def _hush() -> None:
    """What a mutant prints and warns of is nobody's business."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _limit_time(more: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + more + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _limit_memory() -> None:
    size = Path("/proc/self/statm")
    if size.is_file():  # Linux; elsewhere the clock has to do
        pages = int(size.read_text("utf-8").split()[0])
        limit = pages * resource.getpagesize() + HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
