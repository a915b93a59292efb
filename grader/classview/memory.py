"""Which submissions were found alike, kept with the class: a regrade makes the page anew, without the sources."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import msgspec

from grader.store import Store

from .alike import Likeness

NOTE = "alike"
PAIRS = 2000  # that are kept


@dataclass(frozen=True, slots=True)
class _Kept:
    of: str  # which results there were then
    found: Likeness


def remember(store: Store, likeness: Likeness) -> None:
    kept = _Kept(_state(store), replace(likeness, pairs=likeness.pairs[:PAIRS]))
    store.note(NOTE, msgspec.json.encode(kept).decode())


def recall(store: Store) -> Likeness | None:
    """None where nobody has compared yet, or where it cannot be read: it can be found out again."""
    text = store.noted(NOTE)
    if text is None:
        return None
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except msgspec.MsgspecError:
        return None
    return replace(kept.found, old=kept.of != _state(store))


def _state(store: Store) -> str:
    known = sorted((name, key) for name, (key, _, _) in store.keys().items())
    return hashlib.sha256(repr(known).encode("utf-8", "backslashreplace")).hexdigest()
