"""`@check`: what makes a pytest function a check of the course, and how one drawn input of it is run and recorded."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings

from grader.errors import LearnerFault, LearnerRaised
from grader.learner import Case, Learner
from grader.model import CheckSpec, Visibility

from .compare import Mismatch

SEED = 0  # the checks are derandomized: every run draws the same inputs
SHRINK_CASES = (
    250  # inputs tried after the first failure; a count, not a clock, so that the result is the same anywhere
)
KEPT_CASES = 60

# Our own profile, never one that the environment loads.
PROFILE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
    verbosity=Verbosity.quiet,
)


class Halt(BaseException):
    """Ends a check at once: what happened would happen again, and shrinking it costs a worker each time.

    A BaseException, so that Hypothesis lets it through.
    """

    def __init__(self, cause: LearnerFault) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(slots=True)
class Failed:
    """One failing input: what was said across the wall, and how it failed."""

    case: Case
    cause: Mismatch | LearnerFault


@dataclass(slots=True)
class Trial:
    """One check against one learner: its cases, failing and passing, in the order they ran."""

    learner: Learner
    failures: list[Failed] = field(default_factory=list)
    passed: list[Case] = field(default_factory=list)
    _after: int = 0

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        if self.failures:
            self._after += 1
            if self._after > SHRINK_CASES:
                return  # the last failure stands as the smallest
        case = self.learner.link.begin_case()
        try:
            inner(**kwargs)
        except (Mismatch, LearnerRaised) as cause:
            self._keep(case, cause)
            raise
        except LearnerFault as cause:
            self._keep(case, cause)
            raise Halt(cause) from None
        if len(self.passed) < KEPT_CASES:
            self.passed.append(case)

    def _keep(self, case: Case, cause: Mismatch | LearnerFault) -> None:
        case.failed = True
        if len(self.failures) > KEPT_CASES:
            self.failures.pop(KEPT_CASES // 2)  # the first ones and the smallest ones are worth most
        self.failures.append(Failed(case, cause))


_running: list[Trial] = []


@contextlib.contextmanager
def trial(learner: Learner) -> Iterator[Trial]:
    """While this is open, every input of a check is recorded in it."""
    _running.append(Trial(learner))
    try:
        yield _running[-1]
    finally:
        _running.pop()


def check(
    task: str,
    *,
    title: str,
    points: float,
    needs: Sequence[str] = (),
    visibility: str = "public",
    examples: int = 40,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a test function a check of `task`. Goes above `@given`. `title` is the sentence a learner reads."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.removeprefix("test_")
        spec = CheckSpec(name, task, title, points, Visibility(visibility), tuple(needs))
        handle = getattr(function, "hypothesis", None)
        if handle is None:
            function = _recorded(function)
        else:
            handle.inner_test = _recorded(handle.inner_test)
            function = settings(PROFILE, max_examples=examples)(function)
        function.grader_spec = spec  # type: ignore[attr-defined]
        return function

    return decorate


def _recorded(inner: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(inner)
    def recorded(**kwargs: Any) -> None:
        if _running:
            _running[-1].run(inner, kwargs)
        else:
            inner(**kwargs)

    return recorded
