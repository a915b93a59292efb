"""course.toml as it is written: its keys, and what each may hold. Anything else in it is an error, told by place.

A misspelt key would not be missed by anybody: `bans = ["convolution"]` for `ban` forbids nothing.
"""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any

import msgspec

from .worker.control import Ban

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ExerciseName = Annotated[str, msgspec.Meta(pattern=r"^ex[0-9]{2}_[a-z0-9_]+$")]
Points = Annotated[float, msgspec.Meta(gt=0, lt=1000)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]


class TaskPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    points: Points
    ban: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    seconds: Seconds | None = None  # it trains a model: what one call may take


class ExercisePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: ExerciseName
    title: str
    lecture: str
    task: Annotated[tuple[TaskPlan, ...], msgspec.Meta(min_length=1)]


class LimitsPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call_seconds: Seconds
    again_seconds: Seconds
    load_seconds: Seconds
    cpu_seconds: Count
    memory_mb: Count
    file_mb: Count
    submission_seconds: Seconds = 600.0
    gpu_memory_mb: Count = 4096


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kit`: in a learner's kit alone, the exercises that are in it."""

    title: str
    limits: LimitsPlan
    exercise: Annotated[tuple[ExercisePlan, ...], msgspec.Meta(min_length=1)]
    ban: dict[str, dict[str, Any]] = {}
    kit: tuple[ExerciseName, ...] = ()


def read(text: str) -> Plan:
    """Raises ValueError that says where in the file what is wrong."""
    try:
        known = msgspec.convert(tomllib.loads(text), Plan)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`$.", "`")) from error
    _distinct("exercise", [exercise.name for exercise in known.exercise])
    unknown = set(known.kit) - {exercise.name for exercise in known.exercise}
    if unknown:
        raise ValueError(f"the kit has {min(unknown)!r}, which is no exercise")
    for exercise in known.exercise:
        names = [task.name for task in exercise.task]
        _distinct(f"task of {exercise.name}", names)
        for task in exercise.task:
            if task.seconds is not None and task.uses:
                raise ValueError(f"{exercise.name}::{task.name} trains a model; such a task uses no other")
            for name in task.uses:
                if name not in names or name == task.name:
                    raise ValueError(f"{exercise.name}::{task.name} uses {name!r}, which is no other task of it")
                if next(other for other in exercise.task if other.name == name).seconds is not None:
                    raise ValueError(
                        f"{exercise.name}::{task.name} uses {name!r}, which trains; nothing can build on that"
                    )
    return known


def _distinct(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"there are two entries for the {what} {twice[0]!r}")


def ban(name: str, entry: dict[str, Any]) -> Ban:
    """[ban.NAME] as the guard takes it. Raises ValueError that names the ban."""
    unknown = set(entry) - set(Ban.__struct_fields__)
    if unknown or "name" in entry:
        raise ValueError(f"[ban.{name}] has a key that means nothing: {', '.join(sorted(unknown) or ['name'])}")
    try:
        made = msgspec.convert({"name": name, **entry}, Ban)
    except msgspec.ValidationError as error:
        raise ValueError(f"[ban.{name}]: {str(error).replace('`$.', '`')}") from error
    for pattern in made.operators:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"[ban.{name}]: {pattern!r} is no regular expression: {error}") from error
    return made
