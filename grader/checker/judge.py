"""Runs the collected checks of an exercise: hands them `learner` and `reference`, makes results of the ends.

Whether a check passed is decided here, from exceptions of our own. Every check starts as not_run, so what did not get
its turn has not passed.
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grader.errors import (
    GraderFault,
    LearnerDied,
    LearnerFault,
    LearnerRaised,
    LearnerRefused,
    LearnerStrayed,
    LearnerTimedOut,
    LearnerTodo,
)
from grader.learner import Kind, Learner
from grader.model import CheckResult, CheckSpec, Verdict
from grader.text import clean

from .collected import Item
from .compare import Mismatch
from .show import counterexample
from .trainings import trainings
from .trial import FLAKY, Trial

_VERDICTS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (Mismatch, Verdict.WRONG),
    (LearnerStrayed, Verdict.WRONG),
    (LearnerTodo, Verdict.TODO),
    (LearnerRefused, Verdict.REFUSED),
    (LearnerTimedOut, Verdict.TIMED_OUT),
    (LearnerDied, Verdict.DIED),
    (LearnerFault, Verdict.RAISED),
)


@dataclass(slots=True)
class Judge:
    """`open_learner` gives the learner for a check, `starts` hears which one runs now, `tell` each result.

    `results` are in course order, whatever the order in which the checks ran.
    """

    exercise: str
    kinds: Mapping[str, str]
    right: types.ModuleType
    open_learner: Callable[[CheckSpec], Learner]
    stand_in: Callable[[], Learner | None]  # the reference without a wall; None where there is none
    tell: Callable[[CheckResult], None] = lambda _: None
    shrink: bool = True
    starts: Callable[[CheckSpec], None] = lambda _: None
    results: dict[str, CheckResult] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)

    def run(self, items: Sequence[Item], first: frozenset[str]) -> None:
        """`first`: names of checks that run before the others of their task, after those that they need."""
        self.results.update({item.spec.name: CheckResult(item.spec) for item in items})
        early, tasks = self._with_needs(first), list(self.kinds)
        for item in sorted(items, key=lambda item: (tasks.index(item.spec.task), item.spec.name not in early)):
            result = self._held_back(item.spec) or self._run(item)
            self.results[item.spec.name] = result
            self.tell(result)

    def _with_needs(self, names: frozenset[str]) -> frozenset[str]:
        """These checks and all that has to pass before them."""
        needs = {need for name in names if name in self.results for need in self.results[name].spec.needs}
        return names if needs <= names else self._with_needs(names | needs)

    def _held_back(self, spec: CheckSpec) -> CheckResult | None:
        """Not run: a check it needs did not pass, or what it would measure is made of what is forbidden."""
        for name in spec.needs:
            needed = self.results.get(name)
            if needed is None or needed.verdict is Verdict.PASSED:
                continue  # not asked for in this run, or fine
            verdict = Verdict.TODO if needed.verdict is Verdict.TODO else Verdict.NOT_RUN
            return CheckResult(spec, verdict, f"first make this pass: {needed.spec.title}")
        siblings = [result for result in self.results.values() if result.spec.task == spec.task]
        refused = next((result for result in siblings if result.verdict is Verdict.REFUSED), None)
        if spec.guarded or refused is None:
            return None
        return replace(refused, spec=spec, counterexample=None, duration_s=0.0)

    def _run(self, item: Item) -> CheckResult:
        spec, learner = item.spec, self.open_learner(item.spec)
        there = {"learner": learner, "reference": self.right}
        arguments: dict[str, Any] = {"learner": learner, **item.given, **{name: there[name] for name in item.asks}}
        self.starts(spec)
        learner.link.session.take_output()
        trains = self.kinds[spec.task] == Kind.TRAINER
        recorded = Trial(item.function, arguments, self.stand_in, self.shrink and not trains)
        if not trains:  # nobody could afford to train known mistakes until one gives the same model
            self.trials[spec.name] = recorded
        learner.link.begin_check(item.number)
        learner.link.unrecorded = trains
        learner.link.trained.clear()
        started = time.perf_counter()
        cause = recorded.outcome()
        took = time.perf_counter() - started
        printed = clean(learner.link.session.take_output(), 2000)
        found = CheckResult(spec, Verdict.PASSED) if cause is None else self._explained(spec, cause, recorded)
        return replace(found, printed=printed, duration_s=took, trainings=trainings(learner))

    def _explained(self, spec: CheckSpec, cause: Exception, recorded: Trial) -> CheckResult:
        verdict = next((verdict for kind, verdict in _VERDICTS if isinstance(cause, kind)), Verdict.FAULT)
        if verdict is Verdict.FAULT:
            words = str(cause) if isinstance(cause, GraderFault) else f"{type(cause).__name__}: {cause}"
            return CheckResult(spec, verdict, clean(words))
        line = cause.line if isinstance(cause, LearnerFault) else None
        column = cause.column if isinstance(cause, LearnerRaised) else None
        view = None
        shown = recorded.shown if spec.name in self.trials else None
        if verdict is not Verdict.TODO and shown is not None:
            case, closely = shown.case, recorded.shrink
            view = counterexample(self.exercise, self.right, case, cause, closely=closely)
        share = cause.share if isinstance(cause, Mismatch) else 0.0
        words = clean(_sentence(cause, recorded.flaky))
        return CheckResult(spec, verdict, words, view, line, column=column, share=share)


def _sentence(cause: Exception, flaky: bool) -> str:
    words = str(cause)
    if isinstance(cause, LearnerFault) and cause.line is not None:
        words = f"line {cause.line}: {cause.message}"
    return f"{words}. {FLAKY}" if flaky else words
