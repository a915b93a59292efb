"""The checks of one exercise against one learner, and what is to be said of their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.learner import InProcess, Kind, Learner
from grader.model import CheckResult, CheckSpec, Verdict
from grader.references import reference

from .collected import items
from .diagnose import Evidence, diagnose
from .judge import Judge
from .misconceptions import Misconception
from .surroundings import ours_alone
from .trial import Trial

CHECKS = Path(__file__).parent.parent / "checks"
PUBLIC = Path(__file__).parent / "public.py"
_EXPLAINED = (Verdict.WRONG, Verdict.RAISED, Verdict.REFUSED)


def run_checks(
    exercise: str,
    kinds: dict[str, str],
    open_learner: Callable[[CheckSpec], Learner],
    *,
    tasks: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    first: frozenset[str] = frozenset(),
    tell: Callable[[CheckResult], None] = lambda _: None,
    starts: Callable[[CheckSpec], None] = lambda _: None,
    shrink: bool = True,
    public: bool = False,
) -> tuple[list[CheckResult], dict[str, Trial]]:
    """Run the checks of an exercise against a learner. Raises GraderFault where they could not be run at all.

    `first`: names of checks that run before the others of their task. Without `shrink` the first failing inputs stand
    as they were drawn: quicker, for whoever reads no counterexample. `public`: the examples of the statement and
    nothing else, without asking the reference, which a learner's kit does not have.
    """
    file = PUBLIC if public else CHECKS / f"test_{exercise}.py"
    right = reference(exercise)
    wanted, names = None if tasks is None else set(tasks), None if only is None else set(only)
    with ours_alone():
        found = [
            item
            for item in items(file, exercise, tuple(kinds), right)
            if (wanted is None or item.spec.task in wanted) and (names is None or item.spec.name in names)
        ]
        judge = Judge(
            exercise, kinds, right, open_learner, lambda: None if public else local(right, kinds), tell, shrink, starts
        )
        judge.run(found, first)
    return list(judge.results.values()), judge.trials


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
