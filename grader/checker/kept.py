"""The check files, imported once a process and looked over: what is wrong with one is said before anything runs."""

from __future__ import annotations

import ast
import functools
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from grader.errors import GraderFault
from grader.model import CheckSpec
from grader.references import load


class KeptModule(pytest.Module):
    """pytest's collector of a check file, whose module is the one that is already there."""

    def _getobj(self) -> types.ModuleType:
        try:
            return check_module(self.path, self.path.stat().st_mtime_ns)
        except GraderFault as fault:
            raise self.CollectError(str(fault)) from fault


@functools.cache
def check_module(file: Path, changed: int) -> types.ModuleType:
    """The module of a check file as of `changed`. Raises GraderFault where it cannot be imported or shadows a check."""
    module = load(file, file.stem)
    tree = ast.parse(file.read_text("utf-8"), str(file))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    for name, count in Counter(names).items():
        if count > 1:
            raise GraderFault(f"{file}: {name} is defined {count} times; only the last would run")
    return module


def faults(specs: Sequence[CheckSpec], tasks: Sequence[str]) -> Iterator[str]:
    """What does not hold of all the checks of an exercise, in file order."""
    seen: dict[str, CheckSpec] = {}
    for spec in specs:
        if spec.task not in tasks:
            yield f"{spec.name} checks {spec.task!r}, which is no task of the exercise ({', '.join(tasks)})"
        if spec.name in seen:
            yield f"there are two checks named {spec.name}"
        for name in spec.needs:
            if name == spec.name:
                yield f"{spec.name} needs itself"
            elif name not in seen:
                later = any(other.name == name for other in specs)
                yield f"{spec.name} needs {name!r}, which is {'defined below it' if later else 'no check'}"
            elif seen[name].task != spec.task:
                yield f"{spec.name} needs {name!r}, a check of another task ({seen[name].task})"
        if not spec.guarded and not any(other.task == spec.task and other.guarded for other in seen.values()):
            yield f"{spec.name} is not guarded and stands above every guarded check of {spec.task}"
        if not spec.points >= 0:
            yield f"{spec.name} has {spec.points:g} points"
        seen[spec.name] = spec
