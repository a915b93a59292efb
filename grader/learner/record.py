"""The record of a conversation: every request with its answer, and every step as a person would write it.

It serves two readers: the counterexample shows the last call, and the diagnosis replays whole cases on known mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from grader.errors import LearnerFault
from grader.worker.wire import Reply, Request, header


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back: a reply with its body, or the fault that came instead."""

    request: Request
    body: bytes
    reply: Reply | None
    answer: bytes | bytearray
    fault: LearnerFault | None = None

    def asks(self, request: Request, body: bytes) -> bool:
        """Whether it is the same request, to the byte: 0.0 and -0.0, 1 and True are equal, and not the same."""
        return self.body == body and (self.request is request or key(self.request) == key(request))


@dataclass(frozen=True, slots=True)
class Thing:
    """An object over there, in a step: its variable's name."""

    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """A step as a person would write it: `name(*args, **kwargs)` on `subject` (a variable's name), giving `gives`."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    subject: str | None = None
    gives: str | None = None


@dataclass(slots=True)
class Case:
    """One drawn input of one check: everything said about it."""

    exchanges: list[Exchange] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    failed: bool = False

    def tell(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        subject: str | None = None,
        gives: str | None = None,
    ) -> None:
        """Note a step. Objects over there are noted by name: a case outlives them, and a network is large."""
        self.events.append(Event(name, _named(tuple(args)), _named(kwargs), subject, gives))

    @property
    def size(self) -> int:
        """Bytes of the tensors that were sent and answered."""
        return sum(len(exchange.body) + len(exchange.answer) for exchange in self.exchanges)

    def new_name(self, word: str) -> str:
        """A variable's name for one more object of this kind: "module", then "module2"."""
        made = sum(event.gives is not None and event.gives.rstrip("0123456789") == word for event in self.events)
        return word if made == 0 else f"{word}{made + 1}"


def key(said: Request | Reply) -> bytes:
    """What is written of it, whatever its number."""
    return header(said if not isinstance(said, Reply) or said.number == 0 else msgspec.structs.replace(said, number=0))


def _named(value: Any) -> Any:
    if handle_of(value) is not None:
        return Thing(str(value.remote_name))
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_named(item) for item in value)
    return value


def handle_of(value: object) -> int | None:
    handle = getattr(value, "remote_handle", None)
    return handle if isinstance(handle, int) else None
