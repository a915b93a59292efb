"""Starts pytest on the checks of one exercise: file, root, configuration and plugins are ours, from here alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.errors import GraderFault
from grader.learner import InProcess, Kind, Learner
from grader.model import CheckResult, CheckSpec, Verdict
from grader.references import reference

from .diagnose import Evidence, diagnose
from .misconceptions import Misconception
from .plugin import Checks
from .surroundings import ours_alone
from .trial import Trial

CHECKS = Path(__file__).parent.parent / "checks"
PUBLIC = Path(__file__).parent / "public.py"
_PLUGINS_OFF = ("terminal", "cacheprovider", "warnings", "faulthandler", "junitxml", "logging",
                "unraisableexception", "threadexception")  # fmt: skip
_EXPLAINED = (Verdict.WRONG, Verdict.RAISED, Verdict.REFUSED)
_PYTEST = [
    "-c", str(CHECKS / "pytest.ini"), "--rootdir", str(CHECKS), "--confcutdir", str(CHECKS), "--noconftest",
    "--disable-plugin-autoload", "--capture=no", "--assert=plain", "--import-mode=importlib",
    *(option for name in _PLUGINS_OFF for option in ("-p", f"no:{name}")),
]  # fmt: skip


def run_checks(
    exercise: str,
    kinds: dict[str, str],
    open_learner: Callable[[CheckSpec], Learner],
    *,
    tasks: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    first: frozenset[str] = frozenset(),
    tell: Callable[[CheckResult], None] = lambda _: None,
    shrink: bool = True,
    public: bool = False,
) -> tuple[list[CheckResult], dict[str, Trial]]:
    """Run the checks of an exercise against a learner. Raises GraderFault where they could not be run at all.

    `first`: names of checks that run before the others of their task. Without `shrink` the first failing inputs stand
    as they were drawn: quicker, for whoever reads no counterexample. `public`: the examples of the statement and
    nothing else, without asking the reference, which a learner's kit does not have.
    """
    file = PUBLIC if public else CHECKS / f"test_{exercise}.py"
    if not file.is_file():
        raise GraderFault(f"{file} is missing: it holds the checks of {exercise}")
    right = reference(exercise)
    plugin = Checks(
        exercise,
        kinds,
        right,
        open_learner,
        lambda: None if public else local(right, kinds),
        None if tasks is None else frozenset(tasks),
        None if only is None else frozenset(only),
        tell,
        shrink,
        first,
    )
    with ours_alone():
        code = pytest.main([*_PYTEST, str(file)], plugins=[plugin])
    if plugin.errors:
        raise GraderFault(f"the checks of {exercise} could not be run: {plugin.errors[0]}")
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise GraderFault(f"the checks of {exercise} could not be run: pytest ended with {code!r}")
    return list(plugin.results.values()), plugin.trials


def explain(
    exercise: str,
    kinds: dict[str, str],
    results: list[CheckResult],
    trials: dict[str, Trial],
    uses: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """A diagnosis for every task that has one.

    `uses`: tasks that a task may build on; a mistake of these is thought of too, unless their own checks all passed.
    None: any other task may be to blame.
    """
    right = {name for name in kinds if _passed(results, name)}

    def rerun(check: str, wrong: Misconception) -> bool:
        trial = trials[check]
        again = Trial(trial.function, {**trial.arguments, "learner": local(wrong.module(), kinds)}, trial.stand_in)
        return again.passes()

    found: dict[str, str] = {}
    for task in kinds:
        ran = [result for result in results if result.spec.task == task and result.spec.name in trials]
        if not any(result.verdict in _EXPLAINED for result in ran):
            continue
        with ours_alone():
            suspects = [name for name in (kinds if uses is None else uses.get(task, ())) if name not in {task, *right}]
            evidence = [Evidence(r.spec.name, trials[r.spec.name]) for r in ran]
            sentence = diagnose(exercise, task, evidence, rerun, suspects)
        if sentence is not None:
            found[task] = sentence
    return found


def _passed(results: Sequence[CheckResult], task: str) -> bool:
    verdicts = {result.verdict for result in results if result.spec.task == task}
    return verdicts == {Verdict.PASSED}


def local(module: Any, kinds: dict[str, str]) -> Learner:
    """A learner without a wall, for modules of our own."""
    return Learner(InProcess.from_module(module), {name: Kind(kind) for name, kind in kinds.items()})
