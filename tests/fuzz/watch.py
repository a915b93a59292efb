"""Runs the cases of one target: their time, their memory, and whether they are the same twice.

Every fixed case and every round of drawn ones has a forked process of its own, so that none hides what another takes.
What cannot be caught in Python is left to the system: past its processor time, its memory or its sleep such a process
is killed, and the case that killed it lies in the file `current`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Flaky

from .mutate import changes_from, mutated
from .target import Target, Wrong

SECONDS, SECONDS_FIXED = 2.0, 6.0  # of processor time that a case may take; those at the edge of what may be sent more
DEADLY = 15  # seconds of processor time after which nobody waits for an end
ASLEEP = 100  # seconds after which a case that uses no processor hangs
BEYOND = 2**31  # bytes of address space beyond what a case may take: one that takes them is told from one refused
COPIES = 8  # of the case itself that may be there at once
ROUND = 250  # cases that are drawn, then MUTANTS times as many mutated ones
MUTANTS = 3
SLOW = "it takes too long"
_QUIET = settings(
    max_examples=ROUND,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class Found(Exception):
    """A finding that may be made smaller."""


@dataclass
class Watch:
    """Runs cases and writes down what is wrong with them."""

    target: Target
    folder: Path  # for `current`, for findings and for the tally
    cases: int = 0
    findings: dict[str, str] = field(default_factory=dict)  # what is wrong, in short -> file
    met: list[str] = field(default_factory=list)  # findings that are known
    _warned: list[str] = field(default_factory=list)
    _last: bytes = b""

    # In the process that has everything imported and runs no case.

    def fixed(self) -> None:
        for name, make in self.target.fixed.items():
            self.apart(functools.partial(self._made, make, name), name)

    def _made(self, make: Callable[[], bytes], name: str) -> None:
        self.see(make(), name)

    def round(self, seed: int) -> None:
        """Drawn cases, then mutated ones."""
        self.apart(lambda: self._mutated(self._drawn(seed), random.Random(seed)))

    def apart(self, work: Callable[[], None], name: str = "") -> None:
        """In a process of its own, whose tally is taken over."""
        pid = os.fork()
        if pid == 0:
            self._limited(work)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.__dict__.update(json.loads((self.folder / "tally.json").read_text("utf-8")))
        if code:
            end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            says = SLOW if end == "SIGXCPU" else f"the process has died of it ({end})"
            self.note(says, (self.folder / "current").read_bytes(), name)

    def tell(self) -> None:
        """The tally so far: it counts even where the process that wrote it does not live."""
        part = self.folder / "tally.part"
        part.write_text(json.dumps({"cases": self.cases, "findings": self.findings, "met": self.met}), "utf-8")
        part.replace(self.folder / "tally.json")

    # In a forked one.

    def _limited(self, work: Callable[[], None]) -> None:
        """Set the limits, from what a process takes that has everything imported; run; and end."""
        code = 3
        try:
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_: self._warned.append(str(message))  # type: ignore[assignment]
            self._current = os.open(self.folder / "current", os.O_RDWR | os.O_CREAT, 0o600)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (_memory()[0] + self.target.megabytes * 2**20 + BEYOND,) * 2)
            self.tell()
            work()
            self.tell()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def see(self, case: bytes, name: str = "") -> None:
        """Run a case. Raises Found for what was not known and may be made smaller."""
        self.cases += 1
        self._last = case
        os.pwrite(self._current, case, 0)
        os.ftruncate(self._current, len(case))
        limit = SECONDS_FIXED if name else SECONDS
        try:
            with _killed_if_it_hangs():
                took, asked = self._run(case, twice=not name)
                if took > limit and f"{name}: {SLOW}" not in self.target.open:  # a busy machine may have been slow
                    took = min(took, self._run(case, twice=False)[0])
        except Exception as error:
            self._warned.clear()
            says = _words(error)
            if name or says in self.findings or says in self.target.open:
                self.note(says, case, name)
                return
            raise Found(says) from error
        if took > limit:
            self.note(SLOW, case, name)
        if asked > self.target.megabytes * 2**20 + COPIES * len(case):
            self.note("it takes too much memory", case, name)

    def _run(self, case: bytes, *, twice: bool) -> tuple[float, int]:
        """(seconds of processor time, bytes of address space) that it took."""
        (size, highest), spent = _memory(), time.process_time()
        came = self.target.read(case)
        took, higher = time.process_time() - spent, _memory()[1]
        first = self.target.judge(case, came)
        if twice and first != self.target.judge(case, self.target.read(case)):
            raise Wrong("the same twice is not the same")
        if self._warned:
            raise Wrong(f"a warning: {self._warned[-1]}")
        return took, higher - size if higher > highest else 0  # below an earlier peak there is nothing to be seen

    def note(self, says: str, case: bytes, name: str = "") -> None:
        says = f"{name}: {says}" if name else says
        if says in self.target.open:
            self.met = sorted({*self.met, says})
        elif says not in self.findings:
            file = self.folder / f"{name.replace(' ', '-') or hashlib.sha256(case).hexdigest()[:12]}.case"
            file.write_bytes(case)
            self.findings[says] = str(file)
        self.tell()

    def _drawn(self, seed: int) -> list[bytes]:
        drawn: list[bytes] = []

        @hypothesis.seed(seed)
        @_QUIET
        @given(self.target.cases)
        def one(case: bytes) -> None:
            drawn.append(case)
            self.see(case)

        try:
            one()
        except Found as found:  # raised for the smallest at last
            self.note(str(found), self._last)
        except Flaky:  # a case that fails and then does not
            self.note("what fails once does not fail twice", self._last)
        return drawn[:ROUND]

    def _mutated(self, drawn: list[bytes], source: random.Random) -> None:
        for _ in range(MUTANTS * ROUND if drawn else 0):
            case = mutated(source.choice(drawn), changes_from(source), self.target.tokens)
            try:
                self.see(case)
            except Found as found:
                self.note(str(found), case)


@contextmanager
def _killed_if_it_hangs() -> Iterator[None]:
    """The system ends this process at too much processor time, or when it sleeps too long: in C code too."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + DEADLY, hard))
    signal.setitimer(signal.ITIMER_REAL, ASLEEP)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _words(error: BaseException) -> str:
    """What went wrong and where, without what changes from case to case."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}grader{os.sep}" in f.filename]
    where = f" in {Path(frames[-1].filename).name}, {frames[-1].name}" if frames else ""
    says = f": {str(error)[:200]}" if isinstance(error, Wrong) else ""
    return f"{type(error).__name__}{says}{where}"


def _memory() -> tuple[int, int]:
    """(bytes of address space now, the most there ever were)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        found = dict(line.split(":", 1) for line in file if line.startswith(("VmSize:", "VmPeak:")))
    return int(found["VmSize"].split()[0]) * 1024, int(found["VmPeak"].split()[0]) * 1024
