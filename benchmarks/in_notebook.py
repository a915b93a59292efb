"""The checks as other graders run them: in the learner's own kernel, by Hypothesis's engine, a call a check."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader import course
from grader.checker.kept import check_module
from grader.checker.run import CHECKS, local
from grader.references import reference

EXERCISE = "ex02_filters"
TASKS = ("cross_correlate2d", "convolve2d")


def checks() -> dict[str, Any]:
    """Name -> function, of the tasks that are measured."""
    file = Path(CHECKS) / f"test_{EXERCISE}.py"
    module = check_module(file, file.stat().st_mtime_ns)
    found = {name: function for name, function in vars(module).items() if hasattr(function, "grader_spec")}
    return {name: function for name, function in found.items() if function.grader_spec.task in TASKS}


def run(name: str, environment: Mapping[str, Any]) -> None:
    """Raises where the check fails."""
    module = types.ModuleType("learner")
    module.__dict__.update({task: environment[task] for task in TASKS if task in environment})
    learner = local(module, course.load().exercise(EXERCISE).kinds)
    function = checks()[name]
    given = {"learner": learner, "reference": reference(EXERCISE)}
    function(**{key: value for key, value in given.items() if key in inspect.signature(function).parameters})
