"""`grade batch`: from a folder of submissions to grades, one after the other, stopped and resumed at any moment."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from grader.classview import publish
from grader.collect.files import shown
from grader.course import Course
from grader.errors import UsageError
from grader.model import Environment, ExerciseResult, Report, TaskResult
from grader.report import html, record
from grader.store import Row, Store, owner
from grader.workspace import write_text

from .children import Child, children, some
from .key import Keys
from .parcel import Graded, Parcel, Setup

RESULTS, FEEDBACK, GRADES, LOCK = "results", "feedback", "grades.csv", ".lock"
REHEARSED = "rehearsed"  # what is noted of a rehearsal that went well
GRADED, UNREADABLE, FAULT = "graded", "unreadable", "fault"


class Jobs(Protocol):
    """Who grades: processes of this machine, or of a cluster."""

    def rehearse(self) -> None: ...

    def run(self, parcels: Iterator[Parcel]) -> Iterator[tuple[Parcel, Graded]]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """`grade batch` as it was asked for. `db`: a URL; None is OUT/grades.db. `again`: grade what was graded before."""

    folder: Path
    out: Path
    wanted: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    again: bool = False
    db: str | None = None


@dataclass(slots=True)
class Tally:
    """How a batch stands. `tell` hears of every change."""

    total: int = 0
    kept: int = 0  # graded before, and still true
    graded: int = 0
    unreadable: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopping: bool = False  # what runs comes to its end, and nothing new is begun
    stopped: bool = False
    tell: Callable[[Tally], None] = lambda tally: None

    @property
    def done(self) -> int:
        return self.kept + self.graded + self.unreadable + len(self.faults)


@dataclass(slots=True)
class Batch:
    """One run over one folder, what it finds written down after every submission."""

    asked: Asked
    course: Course
    setup: Setup
    environment: Environment
    store: Store
    tally: Tally
    stop: bool = False
    _rehearsed: bool = False
    _empty: list[str] = field(default_factory=list)
    _children: dict[str, Child] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

    def run(self, jobs: Jobs) -> None:
        """Grade what is not graded yet. Ctrl-C once: what runs comes to its end. Twice: it does not."""
        found, self.tally.notes = children(self.asked.folder)
        self._children = {child.name: child for child in found}
        self.tally.total = len(found)
        with self._interruptible():
            for parcel, graded in jobs.run(self._to_do(jobs)):
                self._keep(parcel, graded)
        self.tally.stopped = self.stop and self.tally.done < self.tally.total
        gone = sorted(set(self.store.keys()) - set(self._children))
        if gone:
            kept = f"{len(gone)} results are" if len(gone) > 1 else "1 result is"
            self.tally.notes.append(f"{kept} kept of submissions that are not there any more; a new OUT has none")
        if self._empty:
            words = f"{'has' if len(self._empty) == 1 else 'have'} none of what was asked for, and no points"
            self.tally.notes.append(f"{len(self._empty)} {words}: {some(self._empty)}")
        with self._writing():
            publish(self.asked.out, self.store, self.course)

    def _to_do(self, jobs: Jobs) -> Iterator[Parcel]:
        """The submissions that have to be graded, read one by one."""
        known, keys = self.store.keys(), Keys(self.course, self.setup, self.environment.walls)
        names = self.course.names
        asked = [each.name for each in self.course.exercises if self.setup.chosen.of(each)]
        only = next(iter(self.setup.wanted)) if len(self.setup.wanted) == 1 else None
        for child in self._children.values():
            try:
                parcel, problem = Parcel.of(child.read(names, only)), ""
            except UsageError as error:  # where it lies here is nobody's business who reads the feedback
                problem = str(error).replace(shown(child.path), shown(Path(child.path.name)))
                parcel = Parcel(child.name, "", {}, (problem,))
            if not problem and not any(name in parcel.modules for name in asked):
                self._empty.append(child.name)
            key = self._keys[child.name] = keys.of(parcel)
            before = known.get(child.name)
            if not self.asked.again and before is not None and before[0] == key and self._is_kept(before):
                self.tally.kept += 1
                self.tally.tell(self.tally)
            elif problem:
                self._keep_unreadable(parcel, problem)
            else:
                self._rehearse(jobs, keys.rehearsal)
                yield parcel

    def _rehearse(self, jobs: Jobs, mark: str) -> None:
        """Our own solutions first, where they have not been graded on this machine as it is."""
        if not self._rehearsed and (self.asked.again or self.store.noted(REHEARSED) != mark):
            jobs.rehearse()
            self.store.note(REHEARSED, mark)
        self._rehearsed = True

    def _is_kept(self, before: tuple[str, str, str]) -> bool:
        _, status, file = before
        files = (self.asked.out / RESULTS / f"{file}.json", self.asked.out / FEEDBACK / f"{file}.html")
        return status in (GRADED, UNREADABLE) and all(_has_something(path) for path in files)

    def _keep(self, parcel: Parcel, graded: Graded) -> None:
        """Files first, then the row: a row says that they are there."""
        status = FAULT if graded.fault else GRADED
        score = None if graded.fault else graded.score
        self._write(parcel, graded.record, graded.page)
        self._put(parcel, status, score, graded.max_score, graded.record, graded.fault, graded.seconds)
        if graded.fault:
            self.tally.faults.append(f"{parcel.name}: {graded.fault}")
        else:
            self.tally.graded += 1
        self.tally.tell(self.tally)

    def _keep_unreadable(self, parcel: Parcel, problem: str) -> None:
        """What cannot be read is graded as what it is: nothing of what was asked for, and why."""
        wanted = self.setup.chosen
        missing = tuple(
            ExerciseResult(
                exercise.name,
                exercise.title,
                tuple(TaskResult(name, exercise.task(name).points) for name in wanted.of(exercise)),
                missing=True,
            )
            for exercise in self.course.exercises
            if wanted.of(exercise)
        )
        report = Report(parcel.name, "", self.environment, missing, (problem,))
        text = record.render(report)
        self._write(parcel, text, html.render(report))
        self._put(parcel, UNREADABLE, 0.0, report.max_score, text, problem, 0.0)
        self.tally.unreadable += 1
        self.tally.tell(self.tally)

    def _write(self, parcel: Parcel, text: str, page: str) -> None:
        file = self._children[parcel.name].file
        for folder, suffix, content in ((RESULTS, "json", text), (FEEDBACK, "html", page)):
            path = self.asked.out / folder / f"{file}.{suffix}"
            with self._writing():
                if content:
                    write_text(path, content)
                else:
                    path.unlink(missing_ok=True)  # of an earlier run: there is no grade now

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """A disk that is full is nobody's fault who wrote this program. Raises UsageError."""
        try:
            yield
        except OSError as error:
            words = "cannot be written to: {}; what was graded is kept, and the same command goes on from there"
            raise UsageError(f"--out {shown(self.asked.out)}: {words.format(error.strerror)}") from None

    def _put(
        self, parcel: Parcel, status: str, score: float | None, most: float, text: str, message: str, seconds: float
    ) -> None:
        file, key = self._children[parcel.name].file, self._keys[parcel.name]
        now = datetime.now(UTC)
        self.store.put(
            Row(parcel.name, file, key, parcel.sha256, status, score, most, text, message, round(seconds, 3), now)
        )

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        def hear(number: int, frame: Any) -> None:
            if self.stop:
                raise KeyboardInterrupt
            self.stop = self.tally.stopping = True
            self.tally.tell(self.tally)

        before = signal.signal(signal.SIGINT, hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def _has_something(path: Path) -> bool:
    """A file that was new when the power went may be there and empty, while its row is on the disk."""
    return path.is_file() and path.stat().st_size > 0


@contextlib.contextmanager
def opened(asked: Asked) -> Iterator[Store]:
    """The store of OUT, for this run alone. Raises UsageError."""
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(asked.out / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        words = "another grade batch is writing there; wait for it or take another OUT"
        raise UsageError(f"--out {shown(asked.out)}: {words}") from None
    except OSError as error:
        raise UsageError(f"--out {shown(asked.out)}: cannot be written to: {error.strerror}") from None
    try:
        with Store(asked.db) if asked.db is not None else Store.in_folder(asked.out) as store:
            if asked.db is not None:
                owner.claim(store, asked.out)
            yield store
    finally:
        lock.release()


def setup_of(
    wanted: Mapping[str, frozenset[str] | None], device: str, seconds: float | None, *, audience: str = "learner",
    unsandboxed: bool = False,
) -> Setup:  # fmt: skip
    chosen = {name: None if tasks is None else tuple(sorted(tasks)) for name, tasks in sorted(wanted.items())}
    return Setup(chosen, device, seconds, audience, unsandboxed)
