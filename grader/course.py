"""course.toml -> Course: order, titles, points and bans of every task, and where each file of an exercise lies."""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import source
from .errors import GraderFault, UsageError
from .worker.control import Ban, Limits

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Budget:
    """What a learner's code may use: seconds of our clock, and the limits the worker gets."""

    call_seconds: float
    again_seconds: float
    load_seconds: float
    worker: Limits


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    points: float
    kind: str
    bans: tuple[Ban, ...]
    parameters: tuple[str, ...]
    docstring: str
    hints: tuple[str, ...]


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
    def kinds(self) -> dict[str, str]:
        return {task.name: task.kind for task in self.tasks}

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)


@dataclass(frozen=True, slots=True)
class Course:
    title: str
    root: Path
    budget: Budget
    exercises: tuple[Exercise, ...]

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
        """WHAT of the command line -> (exercise, task or None). Raises UsageError that names the nearest."""
        head, _, task = what.partition("::")
        matches = [name for name in self.names if head == name or head in name.split("_", 1)] or [
            name for name in self.names if head and head in name
        ]
        if not task and not matches:  # a bare task name
            owners = [(e.name, t.name) for e in self.exercises for t in e.tasks if t.name == head]
            if len(owners) == 1:
                return owners[0]
        if len(matches) != 1:
            raise UsageError(self._unknown(what, head, matches))
        if not task:
            return matches[0], None
        tasks = [known.name for known in self.exercise(matches[0]).tasks]
        if task not in tasks:
            near = difflib.get_close_matches(task, tasks, 3, 0.3) or tasks
            raise UsageError(f"{matches[0]} has no task {task!r}; the nearest: {', '.join(near)}")
        return matches[0], task

    def _unknown(self, what: str, head: str, matches: list[str]) -> str:
        if matches:
            return f"{what!r} could be any of {', '.join(matches)}; say which"
        tasks = [f"{e.name}::{t.name}" for e in self.exercises for t in e.tasks]
        near = difflib.get_close_matches(head, [*self.names, *(t.split("::")[1] for t in tasks)], 3, 0.4)
        return f"there is no exercise or task {what!r}; the nearest: {', '.join(near or self.names)}"


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
        data = tomllib.loads(file.read_text("utf-8"))
        bans = {name: _ban(name, entry) for name, entry in data.get("ban", {}).items()}
        exercises = tuple(_exercise(place, entry, bans) for entry in data["exercise"])
        return Course(data["title"], place, _budget(data["limits"]), exercises)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise GraderFault(f"{file}: the course cannot be read: {type(error).__name__}: {error}") from error


def _budget(limits: dict[str, Any]) -> Budget:
    mega = 2**20
    worker = Limits(limits["memory_mb"] * mega, limits["cpu_seconds"], limits["file_mb"] * mega)
    return Budget(limits["call_seconds"], limits["again_seconds"], limits["load_seconds"], worker)


def _ban(name: str, entry: dict[str, Any]) -> Ban:
    return Ban(
        name,
        entry["because"],
        tuple(entry.get("operators", ())),
        tuple(entry.get("python", ())),
        tuple(entry.get("bases", ())),
        transposed_convolution=entry.get("transposed_convolution", False),
        autograd=entry.get("autograd", False),
    )


def _exercise(place: Path, entry: dict[str, Any], bans: dict[str, Ban]) -> Exercise:
    name = entry["name"]
    file = place / "solutions" / f"{name}.py"
    parsed = source.read(file.read_text("utf-8"), str(file))
    found = {task.name: task for task in parsed.tasks}
    wanted = [task["name"] for task in entry["task"]]
    if list(found) != wanted:
        raise GraderFault(f"{file}: its tasks are {list(found)}, course.toml says {wanted}")
    tasks = tuple(
        Task(
            task["name"],
            float(task["points"]),
            found[task["name"]].kind,
            tuple(bans[ban] for ban in task.get("ban", ())),
            found[task["name"]].parameters,
            found[task["name"]].docstring,
            found[task["name"]].hints,
        )
        for task in entry["task"]
    )
    return Exercise(name, entry["title"], entry["lecture"], parsed.statement, tasks)
