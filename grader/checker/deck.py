"""The inputs of a check, drawn once and played to every learner.

Until a check fails, what Hypothesis draws depends on nothing but the check. So its engine is asked once a process,
while the first learner answers, and what it gives is kept; it runs again only to shrink a failure.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis.errors import HypothesisException
from hypothesis.strategies import DataObject

from grader.learner import Case, Known
from grader.worker.values import tensors_in

from .check import given_to, inner_of
from .shelf import Shelf

FIXTURES = ("learner", "reference", "task")
KNOWN_CASES, KNOWN_BYTES = 3, 2**19  # passing conversations of one input, and all of them of one check
KEPT_ELEMENTS = 4_000_000  # elements of all the tensors of a check that are still kept in memory


@dataclass(slots=True)
class Memory:
    """How cases of one input went that passed; right answers differ in their last digits."""

    deck: Deck
    known: list[Known] = field(default_factory=list)

    def learn(self, case: Case, begins: int, ends: int) -> None:
        known = Known.of(case, begins, ends)
        if known is not None and len(self.known) < KNOWN_CASES and case.size <= self.deck.room:
            self.known.append(known)
            self.deck.room -= case.size


@dataclass(slots=True)
class Deck:
    """Every input of one check in the order they are drawn; None where they depend on the answers (`st.data`)."""

    inner: Callable[..., Any] | None = None
    inputs: list[dict[str, Any]] | None = field(default_factory=list)
    _memories: dict[tuple[Hashable, ...], Memory] = field(default_factory=dict)
    room: int = field(default_factory=lambda: KNOWN_BYTES)  # that is left for all its memories together

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        drawn = {name: value for name, value in kwargs.items() if name not in FIXTURES}
        if any(isinstance(value, DataObject) for value in drawn.values()):
            self.inputs = None
        self.inner = inner
        if self.inputs is not None:
            self.inputs.append(drawn)

    def memory(self, *key: Hashable) -> Memory:
        return self._memories.setdefault(key, Memory(self))

    def draws(self) -> Iterator[Callable[[], dict[str, Any]]]:
        """Each gives a copy: a check may write into its inputs, and the next learner must not notice."""
        for drawn in self.inputs or ():
            yield functools.partial(copied, drawn)


_decks: dict[Callable[..., Any], Deck] = {}
_shelves: list[Shelf] = []


@contextlib.contextmanager
def kept_on(shelf: Shelf) -> Iterator[None]:
    """While this is open, decks are looked for on the shelf before they are drawn, and put there afterwards."""
    _shelves.append(shelf)
    try:
        yield
    finally:
        _shelves.pop()


# Is given a deck, the place of one input in it, and a copy of that input for the asking: a check may write into it, and
# the next learner must not notice. An exception of it that no answer explains ends the game.
Player = Callable[[Deck, int, Callable[[], dict[str, Any]]], object]


class _Stop(BaseException):
    """Ends a drawing: a BaseException, so that Hypothesis lets it through."""


@dataclass(slots=True)
class _Dealer:
    """Keeps every input that the engine draws, and hands it on at once where somebody plays."""

    deck: Deck
    player: Player | None

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        self.deck.run(inner, kwargs)
        if self.deck.inputs is None:
            raise _Stop
        if self.player is not None:
            try:
                place = len(self.deck.inputs) - 1
                self.player(self.deck, place, functools.partial(copied, self.deck.inputs[place]))
            except HypothesisException:  # assume(), note() and the like: a check that draws as it goes
                raise _Stop from None


def deal(function: Callable[..., Any], player: Player) -> bool:
    """Give every input of a check to `player`, drawing them on the way where they are not kept yet.

    So a learner whose first answer ends the check waits for one input and not for all of them. False where the inputs
    depend on the answers: then the engine has to be asked. Raises what Hypothesis raises where none can be drawn.
    """
    known = _known(function)
    if known is None:
        drawn_now = _draw(function, player)
        return drawn_now is not None and drawn_now.inputs is not None
    if known.inputs is None or known.inner is None:
        return False
    try:
        for place, draw in enumerate(known.draws()):
            player(known, place, draw)
    except HypothesisException:
        return False
    return True


def deck_of(function: Callable[..., Any]) -> Deck:
    """All inputs of this check. Raises what Hypothesis raises where none can be drawn."""
    deck = _known(function) or _draw(function, None)
    assert deck is not None  # only a player can stop a drawing
    return deck


def _known(function: Callable[..., Any]) -> Deck | None:
    if function in _decks:
        return _decks[function]
    inputs = _shelves[-1].take(function) if _shelves and hasattr(function, "hypothesis") else None
    if inputs is not None:
        _decks[function] = Deck(inner_of(function), inputs)
    return _decks.get(function)


def _draw(function: Callable[..., Any], player: Player | None) -> Deck | None:
    """Have the engine draw all inputs, and keep them; None where the player has need of the engine itself."""
    deck = Deck()
    try:
        with given_to(_Dealer(deck, player)):
            function(**dict.fromkeys(inspect.signature(function).parameters))
    except _Stop:
        if deck.inputs is not None:
            return None
    if deck.inputs is None or _size(deck.inputs) <= KEPT_ELEMENTS:
        _decks[function] = deck
        if _shelves and deck.inputs and hasattr(function, "hypothesis"):
            _shelves[-1].put(function, deck.inputs)
    return deck


def copied(drawn: dict[str, Any]) -> dict[str, Any]:
    """What `copy.deepcopy` gives, several times as fast where an input is a plain tensor that fills its memory."""
    memo: dict[int, Any] = {}
    return {name: _copied(value, memo) for name, value in drawn.items()}


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in (int, float, bool, str, type(None), torch.dtype):
        return value
    if kind is torch.Tensor and id(value) not in memo and value.is_contiguous() and value.is_leaf and _fills(value):
        memo[id(value)] = value.detach().clone().requires_grad_(value.requires_grad)
        memo.setdefault(id(memo), []).append(value)  # as deepcopy does: nothing may take its id while we copy
        return memo[id(value)]
    if kind is dict and id(value) not in memo:
        return {key: _copied(item, memo) for key, item in value.items()}
    return copy.deepcopy(value, memo)


def _fills(tensor: torch.Tensor) -> bool:
    """Whether it is all that its memory holds; another tensor may look into memory that is larger."""
    return tensor.device.type == "cpu" and tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


def _size(inputs: list[dict[str, Any]]) -> int:
    return sum(tensor.numel() for tensor in tensors_in(inputs))
