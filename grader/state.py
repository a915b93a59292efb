"""What `.grade/state.json` says, as values: read from bytes that may be a stranger's, changed, written down.

No file is opened here. What is not as it should be counts as absent, entry by entry: nothing here is worth failing for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from .model import Report
from .portions import portions

SCHEMA = "grade-state/2"
READ = (SCHEMA, "grade-state/1")  # the first knew of grades alone

Words = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")


class Earned(msgspec.Struct, frozen=True):
    """What a task was given when it was graded last. `source` is the fingerprint of its portion of the file."""

    status: Words
    score: Annotated[float, msgspec.Meta(ge=0, lt=10**6)]
    source: Words = ""


class Graded(msgspec.Struct, frozen=True):
    """An exercise's tasks. `source` is the fingerprint of the whole file that was graded last."""

    source: Words
    tasks: Annotated[dict[str, Earned], msgspec.Meta(max_length=100)]


class Last(msgspec.Struct, frozen=True):
    """The last run: exercises and tasks (`ex04_conv::conv2d`), and when it ended."""

    what: tuple[Words, ...]
    at: Moment


class State(msgspec.Struct, frozen=True):
    """`hints`: task -> how many were shown. `spoiled`: task -> when its solution was shown before it had passed."""

    exercises: dict[str, Graded] = {}
    hints: dict[str, int] = {}
    spoiled: dict[str, datetime] = {}
    last: Last | None = None

    def points(self, exercise: str, source: str) -> dict[str, Earned] | None:
        """The tasks of an exercise that were graded as they are in this file; None where there are none."""
        entry = self.exercises.get(exercise)
        if entry is None:
            return None
        if entry.source == fingerprint(source):
            return entry.tasks
        marks = _marks(source, entry.tasks)
        return {name: earned for name, earned in entry.tasks.items() if earned.source == marks[name]} or None


def fingerprint(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _marks(source: str, tasks: Iterable[str]) -> dict[str, str]:
    """Task -> the fingerprint of all that its answers may depend on."""
    return {task: fingerprint(text) for task, text in portions(source, tasks).items()}


def key(exercise: str, task: str) -> str:
    return f"{exercise}::{task}"


def parse(data: bytes) -> State:
    with contextlib.suppress(ValueError, RecursionError):
        known = json.loads(data)
        if isinstance(known, dict) and known.get("schema") in READ:
            return State(
                _sound(known.get("exercises"), Graded),
                _sound(known.get("hints"), Count),
                _sound(known.get("spoiled"), Moment),
                _sound({"last": known.get("last")}, Last).get("last"),
            )
    return State()


def _sound(entries: object, kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in entries.items() if isinstance(entries, dict) else ():
        with contextlib.suppress(msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            found[name] = msgspec.convert(value, kind)
    return found


def written(state: State) -> str:
    return json.dumps({"schema": SCHEMA, **msgspec.to_builtins(state)}, indent=1) + "\n"


def with_report(state: State, report: Report, sources: Mapping[str, str], at: datetime) -> State:
    """What a run found, added to what is known of the tasks that have not changed since."""
    exercises, what = dict(state.exercises), []
    for exercise in report.exercises:
        if exercise.missing or exercise.name not in sources:
            continue
        source = sources[exercise.name]
        tasks = dict(state.points(exercise.name, source) or {})
        tasks |= {task.name: Earned(task.status.value, task.score) for task in exercise.tasks}
        marks = _marks(source, tasks)
        marked = {name: msgspec.structs.replace(earned, source=marks[name]) for name, earned in tasks.items()}
        exercises[exercise.name] = Graded(fingerprint(source), marked)
        alone = len(exercise.tasks) == 1
        what.append(key(exercise.name, exercise.tasks[0].name) if alone else exercise.name)
    last = Last(tuple(what), at) if what else state.last
    return msgspec.structs.replace(state, exercises=exercises, last=last)


def with_hints(state: State, task: str, shown: int) -> State:
    return msgspec.structs.replace(state, hints={**state.hints, task: shown})


def with_spoiled(state: State, task: str, at: datetime) -> State:
    """The first time counts."""
    return msgspec.structs.replace(state, spoiled={task: at, **state.spoiled})


def without(state: State, exercise: str, task: str | None = None) -> State:
    """Points and hints forgotten, of a whole exercise or one task. That a solution was seen stays true."""
    exercises = {name: entry for name, entry in state.exercises.items() if name != exercise}
    if task is not None and exercise in state.exercises:
        entry = state.exercises[exercise]
        kept = {name: earned for name, earned in entry.tasks.items() if name != task}
        exercises[exercise] = Graded(entry.source, kept)
    gone = _hinted(state, exercise) if task is None else {key(exercise, task)}
    hints = {name: shown for name, shown in state.hints.items() if name not in gone}
    return msgspec.structs.replace(state, exercises=exercises, hints=hints)


def _hinted(state: State, exercise: str) -> set[str]:
    return {name for name in state.hints if name.startswith(key(exercise, ""))}
