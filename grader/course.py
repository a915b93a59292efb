"""course.toml -> Course: order, titles, points and bans of every task, and where each file of an exercise lies."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from . import plan, source
from .errors import GraderFault, UsageError
from .worker.control import Ban, Limits

_HERE = Path(__file__).parent
TRAINER = "trainer"  # the kind of a task that trains a model, in place of what its source says ("function")
TRAININGS = 3  # models that the checks of such a task may ask for: one for each seed


@dataclass(frozen=True, slots=True)
class Budget:
    """What a learner's code may use: seconds of our clock, and the limits the worker gets."""

    call_seconds: float
    again_seconds: float
    load_seconds: float
    submission_seconds: float
    worker: Limits
    trainings_apart: bool = True  # whether tasks that train have their own time on top of that

    def of_submission(self, exercises: Iterable[Exercise]) -> float:
        """Seconds that all answers may take, of a submission that has these exercises."""
        apart = sum(exercise.training_seconds for exercise in exercises) if self.trainings_apart else 0.0
        return self.submission_seconds + apart

    def worker_of(self, exercise: Exercise) -> Limits:
        """The limits of a worker that answers for this exercise."""
        seconds = self.worker.cpu_seconds + math.ceil(exercise.training_seconds)
        return msgspec.structs.replace(self.worker, cpu_seconds=seconds)


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    points: float
    kind: str
    bans: tuple[Ban, ...]
    uses: tuple[str, ...]  # tasks that this one may build on
    parameters: tuple[str, ...]
    docstring: str
    hints: tuple[str, ...]
    seconds: float | None = None  # what one call may take, where it trains a model


@dataclass(frozen=True, slots=True)
class Exercise:
    name: str
    title: str
    lecture: str
    statement: str
    tasks: tuple[Task, ...]

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def training_seconds(self) -> float:
        """What all calls that train may take together, on top of what other answers may."""
        return TRAININGS * sum(task.seconds or 0.0 for task in self.tasks)

    @property
    def kinds(self) -> dict[str, str]:
        return {task.name: task.kind for task in self.tasks}

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)


@dataclass(frozen=True, slots=True)
class Course:
    """`kit`: this is a learner's kit, in which neither hidden checks nor references are (platforms/learner)."""

    title: str
    root: Path
    budget: Budget
    exercises: tuple[Exercise, ...]
    kit: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(exercise.name for exercise in self.exercises)

    def exercise(self, name: str) -> Exercise:
        return next(exercise for exercise in self.exercises if exercise.name == name)

    def source_file(self, name: str) -> Path:
        return self.root / "solutions" / f"{name}.py"

    def stub_file(self, name: str) -> Path:
        return self.root / "exercises" / f"{name}.py"

    def select(self, what: str) -> tuple[str, str | None]:
        """WHAT of the command line -> (exercise, task or None). Raises UsageError that names the nearest.

        An exercise goes by its name or a part of it; a task by its name, in any case where only one has it.
        """
        head, _, task = what.strip().partition("::")
        exact = [name for name in self.names if head.casefold() in (name, *name.split("_", 1))]
        owners = self._owners(head or task)
        if not exact and not (head and task) and len(owners) == 1:  # a bare task name
            return owners[0]
        matches = exact or ([] if owners else [name for name in self.names if head and head.casefold() in name])
        if len(matches) != 1:
            raise UsageError(self._unknown(what, matches or [f"{e}::{t}" for e, t in owners]))
        if not task:
            return matches[0], None
        found = [name for owner, name in self._owners(task) if owner == matches[0]]
        if len(found) == 1:
            return matches[0], found[0]
        known = [known.name for known in self.exercise(matches[0]).tasks]
        near = found or difflib.get_close_matches(task, known, 3, 0.3) or known
        raise UsageError(f"{matches[0]} has no task {task!r}; the nearest: {', '.join(near)}")

    def _owners(self, name: str) -> list[tuple[str, str]]:
        """Every (exercise, task) of that name: as it is written or, where there is none, in any case."""
        every = [(exercise.name, task.name) for exercise in self.exercises for task in exercise.tasks]
        written = [pair for pair in every if pair[1] == name]
        return written or [pair for pair in every if pair[1].casefold() == name.casefold()]

    def _unknown(self, what: str, matches: list[str]) -> str:
        if matches:
            return f"{what!r} could be any of {', '.join(matches)}; say which"
        names = [word for name in self.names for word in (name, *name.split("_", 1))]
        tasks = [task.name for exercise in self.exercises for task in exercise.tasks]
        close = difflib.get_close_matches(what.rpartition("::")[2] or what, [*names, *tasks], 4, 0.5)
        close += difflib.get_close_matches(what.partition("::")[0].casefold(), names, 2, 0.5)
        near = dict.fromkeys(full for word in close for full in self._full(word))
        return f"there is no exercise or task {what!r}; the nearest: {', '.join(list(near)[:4] or self.names)}"

    def _full(self, word: str) -> list[str]:
        """A name as it may be written on the command line, whole."""
        exercises = [name for name in self.names if word in (name, *name.split("_", 1))]
        return exercises or [f"{owner}::{name}" for owner, name in self._owners(word)]


def root() -> Path:
    """Where the course lies: beside the package in a checkout, inside it where it was installed from a wheel."""
    packed = _HERE / "course_data"
    return packed if packed.is_dir() else _HERE.parent


@functools.cache
def load(folder: Path | None = None) -> Course:
    """Raises GraderFault where course.toml and the sources do not fit together."""
    place = folder or root()
    file = place / "exercises" / "course.toml"
    try:
        text = file.read_text("utf-8")
        return _course(place, file, plan.read(text))
    except OSError as error:
        raise GraderFault(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise GraderFault(f"{file}: {error}") from error


def _course(place: Path, file: Path, known: plan.Plan) -> Course:
    bans = {name: plan.ban(name, entry) for name, entry in known.ban.items()}
    chosen = [entry for entry in known.exercise if not known.kit or entry.name in known.kit]
    exercises = tuple(_exercise(place, file, entry, bans) for entry in chosen)
    limits, mega = known.limits, 2**20
    worker = Limits(limits.memory_mb * mega, limits.cpu_seconds, limits.file_mb * mega, limits.gpu_memory_mb * mega)
    budget = Budget(limits.call_seconds, limits.again_seconds, limits.load_seconds, limits.submission_seconds, worker)
    return Course(known.title, place, budget, exercises, bool(known.kit))


def _exercise(place: Path, toml: Path, entry: plan.ExercisePlan, bans: dict[str, Ban]) -> Exercise:
    file = place / "solutions" / f"{entry.name}.py"
    try:
        parsed = source.read(file.read_text("utf-8"), str(file))
    except FileNotFoundError as error:
        raise GraderFault(f"{file} is missing: {toml} lists {entry.name}") from error
    found = {task.name: task for task in parsed.tasks}
    wanted = [task.name for task in entry.task]
    if list(found) != wanted:
        raise GraderFault(
            f"{file}: its tasks are {list(found)}, course.toml says {wanted}; names and order have to agree"
        )
    return Exercise(
        entry.name,
        entry.title,
        entry.lecture,
        parsed.statement,
        tuple(_task(entry.name, task, found[task.name], bans) for task in entry.task),
    )


def _task(exercise: str, entry: plan.TaskPlan, found: source.SourceTask, bans: dict[str, Ban]) -> Task:
    for name in entry.ban:
        if name not in bans:
            raise ValueError(f"{exercise}::{entry.name} has a ban {name!r}, and there is no [ban.{name}]")
    chosen = tuple(bans[name] for name in entry.ban)
    return Task(
        entry.name,
        entry.points,
        found.kind if entry.seconds is None else TRAINER,
        chosen,
        entry.uses,
        found.parameters,
        found.docstring,
        found.hints,
        entry.seconds,
    )
