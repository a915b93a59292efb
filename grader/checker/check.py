"""`@check`: what makes a pytest function a check of the course, and who is given the inputs that are drawn for it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, Verbosity, settings

from grader.model import CheckSpec, Visibility

SEED = 0  # the checks are derandomized: every run draws the same inputs

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
    backend="hypothesis",
)


class Runner(Protocol):
    """Who is given every input of a running check: a `Trial` runs it, a `deck` only keeps it."""

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None: ...


_running: list[Runner] = []


@contextlib.contextmanager
def given_to(runner: Runner) -> Iterator[None]:
    """While this is open, every input of a check that is called goes to `runner`."""
    _running.append(runner)
    try:
        yield
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
    guarded: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a test function a check of `task`. Goes above `@given`. `title` is the sentence a learner reads.

    Without `guarded` the task's bans do not hold: for gradients, where only the forward pass has bans.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.removeprefix("test_")
        spec = CheckSpec(name, task, title, points, Visibility(visibility), tuple(needs), guarded)
        handle = getattr(function, "hypothesis", None)
        if handle is None:
            function = watched(function)
        else:
            handle.inner_test = watched(handle.inner_test)
            function = settings(PROFILE, max_examples=examples)(function)
        function.grader_spec = spec  # type: ignore[attr-defined]
        return function

    return decorate


def inner_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """The body of a check that draws its inputs, as it was written."""
    inner: Callable[..., Any] = function.hypothesis.inner_test.__wrapped__  # type: ignore[attr-defined]
    return inner


def watched(inner: Callable[..., Any]) -> Callable[..., Any]:
    """`inner`, whose calls go to whoever asked for them with `given_to`."""

    @functools.wraps(inner)
    def called(**kwargs: Any) -> None:
        if _running:
            _running[-1].run(inner, kwargs)
        else:
            inner(**kwargs)

    return called
