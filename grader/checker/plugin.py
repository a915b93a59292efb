"""The pytest plugin: finds the checks of an exercise, hands them `learner` and `reference`, makes results of the ends.

pytest collects and calls; whether a check passed is decided here, from exceptions of our own. Every check starts as
not_run, so what pytest did not get to has not passed.
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import (
    GraderFault,
    LearnerDied,
    LearnerFault,
    LearnerRaised,
    LearnerRefused,
    LearnerTimedOut,
    LearnerTodo,
)
from grader.learner import Kind, Learner
from grader.model import CheckResult, CheckSpec, Verdict
from grader.text import clean

from . import examples, kept
from .compare import Mismatch
from .show import counterexample
from .trainings import trainings
from .trial import FLAKY, Trial

_VERDICTS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (Mismatch, Verdict.WRONG),
    (LearnerTodo, Verdict.TODO),
    (LearnerRefused, Verdict.REFUSED),
    (LearnerTimedOut, Verdict.TIMED_OUT),
    (LearnerDied, Verdict.DIED),
    (LearnerFault, Verdict.RAISED),
)


@dataclass(slots=True)
class Checks:
    """The plugin. `open_learner` gives the learner for a check, `wanted` limits the tasks, `tell` hears each result."""

    exercise: str
    kinds: Mapping[str, str]  # of its tasks, in their order
    reference_module: types.ModuleType
    open_learner: Callable[[CheckSpec], Learner]
    stand_in: Callable[[], Learner | None]  # the reference without a wall; None where there is none
    wanted: frozenset[str] | None = None
    only: frozenset[str] | None = None  # names of checks; None: all
    tell: Callable[[CheckResult], None] = lambda _: None
    shrink: bool = True
    first: frozenset[str] = frozenset()  # names of checks that run before the others of their task
    results: dict[str, CheckResult] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.kinds)

    @pytest.fixture
    def learner(self, request: pytest.FixtureRequest) -> Learner:
        return self.open_learner(_spec(request.node))

    @pytest.fixture
    def reference(self) -> types.ModuleType:
        return self.reference_module

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if metafunc.function in examples.PUBLIC:
            metafunc.parametrize("task", [task for task in self.tasks if self._has_examples(task)])

    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module:
        module: pytest.Module = kept.KeptModule.from_parent(parent, path=module_path)
        return module

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Course order, the wanted ones, and the list that every result is measured against."""
        specs = {item: _spec(item) for item in items}
        faults = list(kept.faults(list(specs.values()), self.tasks))
        if faults:
            self.errors.extend(faults)
            items.clear()
            return
        items.sort(key=lambda item: self.tasks.index(specs[item].task))  # stable: the file's order within a task
        items[:] = [item for item in items if self._is_wanted(specs[item])]
        self.results.update({specs[item].name: CheckResult(specs[item]) for item in items})
        early = self._with_needs(self.first)
        items.sort(key=lambda item: (self.tasks.index(specs[item].task), specs[item].name not in early))

    def _with_needs(self, names: frozenset[str]) -> frozenset[str]:
        """These checks and all that has to pass before them."""
        needs = {need for name in names if name in self.results for need in self.results[name].spec.needs}
        return names if needs <= names else self._with_needs(names | needs)

    def _has_examples(self, task: str) -> bool:
        """Without any there is nothing to check: what would pass then is no sign that something was written."""
        return ">>>" in (getattr(self.reference_module, task).__doc__ or "")

    def _is_wanted(self, spec: CheckSpec) -> bool:
        return (self.wanted is None or spec.task in self.wanted) and (self.only is None or spec.name in self.only)

    def pytest_internalerror(self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        self.errors.append(str(excinfo.value) if isinstance(excinfo.value, GraderFault) else str(excrepr)[-2000:])
        return True  # nothing is printed

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr)[-2000:])

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        spec = _spec(pyfuncitem)
        result = self._held_back(spec) or self._run(spec, pyfuncitem)
        self.results[spec.name] = result
        self.tell(result)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:  # only a fixture of ours can still fail
            self.errors.append(str(report.longrepr)[-2000:])

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

    def _run(self, spec: CheckSpec, item: pytest.Function) -> CheckResult:
        arguments: dict[str, Any] = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
        learner: Learner = arguments["learner"]
        learner.link.session.take_output()
        trains = self.kinds[spec.task] == Kind.TRAINER
        recorded = Trial(item.obj, arguments, self.stand_in, self.shrink and not trains)
        if not trains:  # nobody could afford to train known mistakes until one gives the same model
            self.trials[spec.name] = recorded
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
            view = counterexample(self.exercise, self.reference_module, case, cause, closely=closely)
        share = cause.share if isinstance(cause, Mismatch) else 0.0
        words = clean(_sentence(cause, recorded.flaky))
        return CheckResult(spec, verdict, words, view, line, column=column, share=share)


def _sentence(cause: Exception, flaky: bool) -> str:
    words = str(cause)
    if isinstance(cause, LearnerFault) and cause.line is not None:
        words = f"line {cause.line}: {cause.message}"
    return f"{words}. {FLAKY}" if flaky else words


def _spec(item: pytest.Item) -> CheckSpec:
    function = getattr(item, "obj", None)
    if function in examples.PUBLIC and isinstance(item, pytest.Function):
        task = str(item.callspec.params["task"])
        return CheckSpec(f"{task}_examples", task, examples.TITLE, 0.0)
    spec: CheckSpec | None = getattr(function, "grader_spec", None)
    if spec is None:
        raise GraderFault(f"{item.nodeid} is no check: it lacks @check")
    return spec
