"""One check against one learner: its inputs are played, a failure is shrunk, and everything that was said is kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis.errors
import torch

from grader.errors import GraderFault, LearnerFault, LearnerRaised
from grader.learner import Case, Learner

from . import stumble
from .check import SEED, given_to
from .compare import Mismatch
from .deck import deck_of

# Inputs tried after the first failure: a count, not a clock, so that the result is the same anywhere.
SHRINK_CASES = 250
KEPT_CASES = 60
_OURS = (GraderFault, OSError, MemoryError)  # the machine's and our own: no learner's answer raises them on this side

FLAKY = (
    "The same input was fine when it was tried again: your code has to give the same answer every time. Look for random "
    "numbers, memory that is never filled (torch.empty), and values kept from one call to the next."
)


class Halt(BaseException):
    """Ends a check at once: what happened would happen again, and shrinking it costs a worker each time.

    A BaseException, so that Hypothesis lets it through.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Failed:
    """One failing input: what was said across the wall, how it failed, and the input itself."""

    case: Case
    cause: Mismatch | LearnerFault
    drawn: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Trial:
    """The cases of one check, failing and passing, in the order they ran. `flaky`: failed once, then passed.

    `stand_in` gives the reference without a wall, to tell a fault of the check from one of the learner's.
    """

    function: Callable[..., Any]
    arguments: dict[str, Any]  # of the fixtures
    stand_in: Callable[[], Learner]
    failures: list[Failed] = field(default_factory=list)
    passed: list[Case] = field(default_factory=list)
    flaky: bool = False
    _known: int = 0  # how many of the engine's first inputs passed when they were played
    _left: int = SHRINK_CASES

    @property
    def learner(self) -> Learner:
        learner: Learner = self.arguments["learner"]
        return learner

    def outcome(self) -> Exception | None:
        """Run the check: None where it passes, else what went wrong (a Mismatch, a LearnerFault, or a fault of ours)."""
        try:
            dependent = self._play()
        except Halt as halt:
            return halt.cause
        except hypothesis.errors.HypothesisException as error:
            return error
        if not dependent and not self.failures:
            return None
        if dependent or hasattr(self.function, "hypothesis"):
            return self._search()
        return self._smallest(self.failures[-1])

    def passes(self) -> bool:
        """Whether the check passes, without a search for the smallest failure."""
        deck = deck_of(self.function)
        if deck.inputs is None:
            return self.outcome() is None
        try:
            assert deck.inner is not None
            return all(self._attempt(deck.inner, drawn) is None for drawn in deck.play())
        except (Halt, hypothesis.errors.HypothesisException):
            return False

    def _play(self) -> bool:
        """Run every input that does not depend on answers; True where the engine has to draw the rest."""
        deck = deck_of(self.function)
        if deck.inputs is None or deck.inner is None:
            return deck.inputs is None
        first: int | None = None
        for number, drawn in enumerate(deck.play()):
            try:
                if self._attempt(deck.inner, drawn) is not None and first is None:
                    first = number
            except Halt:
                if first is None:
                    raise
                break  # it failed before in a way that can be shown smaller
            except hypothesis.errors.HypothesisException:  # assume(), note() and others need the engine
                self.failures.clear()
                self.passed.clear()
                return True
        self._known = first or 0
        return False

    def _search(self) -> Exception | None:
        """Let the engine run: it comes upon the first failure again and makes it smaller."""
        played = len(self.failures)
        first = self.failures[0] if self.failures else None
        try:
            with given_to(self):
                self.function(**self.arguments)
        except Halt as halt:
            if not self.failures or isinstance(halt.cause, _OURS):
                return halt.cause
        except (Mismatch, LearnerFault):
            pass
        except hypothesis.errors.HypothesisException as error:  # a failure that does not repeat, or nothing was drawn
            if not self.failures:
                return error
        except (KeyboardInterrupt, GraderFault):
            raise
        except BaseException as error:  # out of the check, but not out of one of its cases
            if not self.failures:
                return GraderFault(f"the check itself failed: {type(error).__name__}: {error}")
        if first is not None and len(self.failures) == played:  # the engine saw it pass
            self.flaky = True
            return self._said(first.cause)
        return self._smallest(self.failures[-1]) if self.failures else None

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        """What the engine calls for every input it draws."""
        if self._known > 0:
            self._known -= 1
            return
        if self.failures and self._left <= 0:
            raise Halt(self.failures[-1].cause)  # it stands as the smallest
        self._left -= bool(self.failures)
        cause = self._attempt(inner, {name: value for name, value in kwargs.items() if name not in self.arguments})
        if cause is not None:
            raise cause

    def _attempt(self, inner: Callable[..., Any], drawn: dict[str, Any]) -> Mismatch | LearnerRaised | None:
        """One input: None where it passes. Raises Halt where there is no use in going on."""
        case = self.learner.link.begin_case()
        torch.manual_seed(SEED)  # what a reference initialises at random is the same every time
        try:
            inner(**drawn, **self.arguments)
        except (Mismatch, LearnerRaised) as cause:
            return self._keep(case, cause, drawn)
        except LearnerFault as fault:
            self._keep(case, fault, drawn)
            raise Halt(fault) from None
        except _OURS as error:
            raise Halt(error) from error
        except hypothesis.errors.HypothesisException:
            raise
        except Exception as error:
            verdict = stumble.judge(error, inner, {**drawn, **self.arguments}, case, self.stand_in())
            if isinstance(verdict, GraderFault):
                raise Halt(verdict) from error
            return self._keep(case, verdict, drawn)
        if len(self.passed) < KEPT_CASES:
            self.passed.append(case)
        return None

    def _keep[T: Mismatch | LearnerFault](self, case: Case, cause: T, drawn: dict[str, Any]) -> T:
        case.failed = True
        if len(self.failures) >= KEPT_CASES:
            self.failures.pop(KEPT_CASES // 2)  # the first ones and the smallest ones are worth most
        self.failures.append(Failed(case, cause, drawn))
        return cause

    def _smallest(self, failed: Failed) -> Exception:
        """The cause that is shown, after a second look at its input: does it fail every time?"""
        if not isinstance(failed.cause, Mismatch | LearnerRaised):
            return failed.cause
        inner = deck_of(self.function).inner
        again = replace_lists(self)
        try:
            assert inner is not None
            self.flaky = again._attempt(inner, failed.drawn) is None
        except (Halt, hypothesis.errors.HypothesisException):
            return failed.cause
        return self._said(failed.cause)
