"""One check against one learner: its inputs are played, a failure is shrunk, and everything that was said is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.errors
import torch

from grader.errors import GraderFault, LearnerFault, LearnerRaised
from grader.learner import Case, Learner, Link, follow

from . import stumble
from .check import SEED, given_to
from .compare import Mismatch
from .deck import Deck, Memory, deal, deck_of

# Inputs tried after the first failure: a count, not a clock, so that the result is the same anywhere.
SEARCH_SECONDS = 30.0  # after the first failure of a check: code that is wrong and slow must not hold up a class
SHRINK_CASES = 250
KEPT_CASES = 60
KEPT_BYTES = 32 * 2**20  # of what was said in the passing, and in the failing cases of one check: networks add up
_OURS = (GraderFault, OSError, MemoryError)  # the machine's and our own: no learner's answer raises them on this side

FLAKY = (
    "The same input was fine when it was tried again: your code has to give the same answer every time. Look for "
    "random numbers, memory that is never filled (torch.empty), and values kept from one call to the next."
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
    """The cases of one check, failing and passing, in the order they ran.

    `arguments` are those of the fixtures. `stand_in` gives the reference without a wall, to tell a fault of the check
    from one of the learner's, or None in a learner's kit. `shown` is the failure to show; `flaky`: its input passed
    when it was tried again.
    """

    function: Callable[..., Any]
    arguments: dict[str, Any]
    stand_in: Callable[[], Learner | None]
    shrink: bool = True  # whether to look for the smallest failing input: only a learner needs it
    failures: list[Failed] = field(default_factory=list)
    passed: list[Case] = field(default_factory=list)
    shown: Failed | None = None
    flaky: bool = False
    _failed: int = 0
    _known: int = 0  # how many of the engine's first inputs passed when they were played
    _left: int = SHRINK_CASES
    _first: float | None = None  # when it failed first
    _room: int = KEPT_BYTES  # left for cases that passed

    def outcome(self) -> Exception | None:
        """Run the check: None where it passes, else a Mismatch, a LearnerFault, or what is a fault of ours."""
        try:
            dependent = self._play()
            if dependent or (self.shrink and self.failures and hasattr(self.function, "hypothesis")):
                self._search()
        except Halt as halt:
            if isinstance(halt.cause, _OURS) or not self.failures:
                return halt.cause
        except hypothesis.errors.HypothesisException as error:
            return error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # pytest.skip, SystemExit: a check has no business with them
            return GraderFault(f"the check itself ended with {type(error).__name__}: {error}")
        return self._conclusion()

    def _is_late(self) -> bool:
        """Whether the search for a smaller failure has taken too long; never before there is a failure."""
        return self._first is not None and time.monotonic() - self._first > SEARCH_SECONDS

    def passes(self) -> bool:
        """Whether the check passes, without a search for the smallest failure."""
        deck = deck_of(self.function)
        if deck.inputs is None or deck.inner is None:
            return self.outcome() is None
        try:
            return all(self._attempt(deck.inner, draw) is None for draw in deck.draws())
        except (Halt, hypothesis.errors.HypothesisException):
            return False

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        """What the engine calls for every input it draws."""
        if self._known > 0:
            self._known -= 1
            return
        if self.failures and (self._left <= 0 or self._is_late()):
            raise Halt(self.failures[-1].cause)  # it stands as the smallest
        self._left -= bool(self.failures)
        drawn = {name: value for name, value in kwargs.items() if name not in self.arguments}
        cause = self._attempt(inner, lambda: drawn)
        if cause is not None:
            raise cause

    def _play(self) -> bool:
        """Run every input that does not depend on answers; True where the engine has to draw the rest."""
        played = 0

        def attempt(deck: Deck, place: int, drawn: Callable[[], dict[str, Any]]) -> None:
            nonlocal played
            if self._is_late():
                return  # it has failed already; slow code gets fewer counterexamples
            assert deck.inner is not None
            if self._attempt(deck.inner, drawn, self._memory(deck, place)) is not None and self._failed == 1:
                self._known = played
            played += 1

        try:
            if deal(self.function, attempt):
                return False
        except Halt as halt:
            if self._failed <= 1 or isinstance(halt.cause, _OURS):
                raise
            self.failures.pop()
            return False  # it failed before, in a way that can be shown smaller
        self.failures.clear()
        self.passed.clear()
        self._room = KEPT_BYTES
        self._failed = 0
        return True

    def _search(self) -> None:
        """Let the engine run: it comes upon the first failure again and makes it smaller."""
        first, played = self.failures[0] if self.failures else None, self._failed
        try:
            with given_to(self):
                self.function(**self.arguments)
        except (Mismatch, LearnerFault):
            return
        except hypothesis.errors.HypothesisException:
            if not self.failures:
                raise
            self.shown, self.flaky = self.failures[-1], True  # it says: a failure that does not repeat
        else:
            if first is not None and self._failed == played:
                self.shown, self.flaky = first, True

    def _memory(self, deck: Deck, place: int) -> Memory:
        """How this input of this check went before. One function may serve several tasks, of several exercises."""
        right = getattr(self.arguments.get("reference"), "__name__", None)
        return deck.memory(place, right, self.arguments.get("task"), self.arguments["learner"].link.session.device)

    def _attempt(
        self, inner: Callable[..., Any], draw: Callable[[], dict[str, Any]], memory: Memory | None = None
    ) -> Mismatch | LearnerRaised | None:
        """One input: None where it passes. Raises Halt where there is no use in going on."""
        link: Link = self.arguments["learner"].link
        case, begins = link.begin_case(), link.handles
        drawn: dict[str, Any] = {}
        torch.default_generator.manual_seed(SEED)  # what a reference initialises at random is the same every time
        try:
            if memory is not None and (same := follow(link, memory.known)) is not None:
                self._note(same)
                return None
            drawn = draw()
            inner(**drawn, **self.arguments)
        except (Mismatch, LearnerRaised) as cause:
            self._keep(case, cause, drawn)
            return cause
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
            self._keep(case, verdict, drawn)
            return verdict
        if memory is not None and not link.unrecorded:
            memory.learn(case, begins, link.handles)
        self._note(case)
        return None

    def _note(self, passed: Case) -> None:
        if len(self.passed) < KEPT_CASES and (size := passed.size) <= self._room:
            self.passed.append(passed)
            self._room -= size

    def _keep(self, case: Case, cause: Mismatch | LearnerFault, drawn: dict[str, Any]) -> None:
        self._failed += 1
        self._first = self._first or time.monotonic()
        case.failed = True
        cause.__traceback__ = cause.__context__ = cause.__cause__ = None  # they hold all that the check had in hand
        whole = case.size + sum(failed.case.size for failed in self.failures)
        while len(self.failures) > 1 and not (len(self.failures) < KEPT_CASES and whole <= KEPT_BYTES):
            # The first ones and the smallest ones are worth most.
            whole -= self.failures.pop(len(self.failures) // 2).case.size
        self.failures.append(Failed(case, cause, drawn))

    def _conclusion(self) -> Exception | None:
        """The cause to show, after a second look at its input: does it fail every time?"""
        if not self.failures:
            return None
        if self.shown is None:
            wrong = [failed for failed in self.failures if isinstance(failed.cause, Mismatch | LearnerRaised)]
            self.shown = wrong[-1] if wrong else self.failures[-1]
            if wrong and self.shrink:
                self.flaky = self._passes_again(self.shown)
        return self.shown.cause

    def _passes_again(self, failed: Failed) -> bool:
        inner = deck_of(self.function).inner
        again = Trial(self.function, self.arguments, self.stand_in)
        try:
            return inner is not None and again._attempt(inner, lambda: failed.drawn) is None
        except (Halt, hypothesis.errors.HypothesisException):
            return False
