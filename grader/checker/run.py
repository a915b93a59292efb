"""Starts pytest on the checks of one exercise: file, root, configuration and plugins are ours, from here alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grader.errors import GraderFault
from grader.learner import InProcess, Kind, Learner
from grader.model import CheckResult, Verdict
from grader.references import reference

from .check import Trial
from .diagnose import Evidence, diagnose
from .misconceptions import Misconception
from .plugin import Checks

CHECKS = Path(__file__).parent.parent / "checks"
_PYTEST = [
    "-c", str(CHECKS / "pytest.ini"), "--rootdir", str(CHECKS), "--confcutdir", str(CHECKS), "--noconftest",
    "--disable-plugin-autoload", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:warnings",
    "-p", "no:faulthandler", "-p", "no:junitxml", "--capture=no", "--assert=plain", "--import-mode=importlib",
]  # fmt: skip


def run_checks(
    exercise: str,
    kinds: dict[str, str],
    open_learner: Callable[[str], Learner],
    *,
    tasks: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    tell: Callable[[CheckResult], None] = lambda _: None,
) -> tuple[list[CheckResult], dict[str, Trial]]:
    """Run the checks of an exercise against a learner. Raises GraderFault where they could not be run at all."""
    plugin = Checks(
        exercise,
        tuple(kinds),
        reference(exercise),
        open_learner,
        None if tasks is None else frozenset(tasks),
        None if only is None else frozenset(only),
        tell,
    )
    with _own_environment():
        code = pytest.main([*_PYTEST, str(CHECKS / f"test_{exercise}.py")], plugins=[plugin])
    if plugin.errors:
        raise GraderFault(f"the checks of {exercise} could not be run: {plugin.errors[0]}")
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise GraderFault(f"the checks of {exercise} could not be run: pytest ended with {code!r}")
    return list(plugin.results.values()), plugin.trials


@contextmanager
def _own_environment() -> Any:
    """pytest reads options from the environment; ours come from here alone."""
    taken = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith("PYTEST_")}
    try:
        yield
    finally:
        for key in [key for key in os.environ if key.startswith("PYTEST_")]:
            del os.environ[key]
        os.environ.update(taken)


def explain(
    exercise: str, kinds: dict[str, str], results: list[CheckResult], trials: dict[str, Trial]
) -> dict[str, str]:
    """A diagnosis for every task that has one."""

    def rerun(check: str, wrong: Misconception) -> bool:
        learner = local(wrong.module(), kinds)
        again, _ = run_checks(exercise, kinds, lambda _: learner, only=[check])
        return all(result.verdict is Verdict.PASSED for result in again)

    found: dict[str, str] = {}
    for task in kinds:
        ran = [result for result in results if result.spec.task == task and result.spec.name in trials]
        if not any(result.verdict in (Verdict.WRONG, Verdict.RAISED) for result in ran):
            continue
        sentence = diagnose(exercise, task, [Evidence(r.spec.name, trials[r.spec.name]) for r in ran], rerun)
        if sentence is not None:
            found[task] = sentence
    return found


def local(module: Any, kinds: dict[str, str]) -> Learner:
    """A learner without a wall, for modules of our own."""
    return Learner(InProcess.from_module(module), {name: Kind(kind) for name, kind in kinds.items()})
