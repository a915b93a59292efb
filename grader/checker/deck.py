"""The inputs of a check, drawn once and played to every learner.

Until a check fails, what Hypothesis draws depends on nothing but the check. So its engine is asked once a process, with
nobody to answer, and what it gives is kept; it runs again only to shrink a failure.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import DataObject

from grader.worker.values import tensors_in

from .check import given_to

FIXTURES = ("learner", "reference", "task")
KEPT_ELEMENTS = 4_000_000  # elements of all the tensors of a check that are still kept in memory


@dataclass(slots=True)
class Deck:
    """Every input of one check in the order they are drawn; None where they depend on the answers (`st.data`)."""

    inner: Callable[..., Any] | None = None
    inputs: list[dict[str, Any]] | None = field(default_factory=list)

    def run(self, inner: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        drawn = {name: value for name, value in kwargs.items() if name not in FIXTURES}
        if any(isinstance(value, DataObject) for value in drawn.values()):
            self.inputs = None
        self.inner = inner
        if self.inputs is not None:
            self.inputs.append(drawn)

    def play(self) -> Iterator[dict[str, Any]]:
        """Copies: a check may write into its inputs, and the next learner must not notice."""
        for drawn in self.inputs or ():
            yield copy.deepcopy(drawn)


_decks: dict[Callable[..., Any], Deck] = {}


def deck_of(function: Callable[..., Any]) -> Deck:
    """The inputs of this check. Raises what Hypothesis raises where none can be drawn."""
    known = _decks.get(function)
    if known is not None:
        return known
    deck = Deck()
    with given_to(deck):
        function(**dict.fromkeys(inspect.signature(function).parameters))
    if deck.inputs is None or _size(deck.inputs) <= KEPT_ELEMENTS:
        _decks[function] = deck
    return deck


def _size(inputs: list[dict[str, Any]]) -> int:
    return sum(tensor.numel() for tensor in tensors_in(inputs))
