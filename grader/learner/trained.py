"""A call that trained a model, in words and figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from grader.worker.wire import Call, Losses, Request

from .record import Exchange
from .session import Session


@dataclass(frozen=True, slots=True)
class Trained:
    """One call of a function that trains. `losses` are the worker's word, checked for size alone."""

    call: str  # without its tensors
    losses: Losses | None
    seconds: float
    limit: float
    memory: tuple[int, int] | None  # bytes that the worker had added at most, and those that it may

    @classmethod
    def of(cls, said: Exchange, seconds: float, session: Session) -> Trained:
        """Of a `Call` that this session has carried."""
        limit = session.patient_for
        losses = said.reply.losses if said.reply is not None else None
        return cls(in_words(said.request), losses, seconds, math.inf if limit is None else limit, session.memory)


def in_words(call: Request) -> str:
    assert isinstance(call, Call)
    plain = (bool, int, float, str)
    given = [repr(value) if isinstance(value, plain) else "…" for value in call.args]
    given += [f"{key}={value!r}" if isinstance(value, plain) else f"{key}=…" for key, value in call.kwargs.items()]
    return f"{call.target}({', '.join(given)})"
