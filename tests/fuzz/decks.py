"""Decks on disk: a file in the user's cache, mangled.

What holds: a list of inputs, or None; never an error, since a cache must not stop a grade.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from hypothesis import given, strategies

from grader.checker import check
from grader.checker.shelf import MAGIC, Shelf
from grader.worker.values import Packer
from grader.worker.wire import WireError

from .forged import VALUES, Plan, written
from .handed_in import folder
from .mutate import CHANGES, mutated
from .target import Target, insist, often

TOKENS = (MAGIC, b"\x92\xa1l\x91", b"\xa1t", b"\xa1d", b"\xcf" + b"\xff" * 8, b"\xc6\xff\xff\xff\xff")
_INPUTS = [
    {"x": torch.arange(6.0).reshape(2, 3).t(), "stride": (1, 2), "padding": 0, "name": "é"},
    {"x": torch.zeros(0, 3, dtype=torch.float64), "weight": torch.ones(2, requires_grad=True), "bias": None},
    {"sizes": [(1, True), [2.5, float("nan")]], "dtype": torch.float16, "flags": {"a": 1}},
]


@check(task="something", title="a title", points=1.0)
@given(strategies.none())
def test_something(x: object) -> None:
    """A check, for the shelf to keep inputs of."""


@functools.cache
def _file() -> Path:
    shelf = Shelf(folder() / "decks")
    shelf.put(test_something, _INPUTS)
    [file] = (folder() / "decks").glob("*/*.deck")
    return file


@functools.cache
def valid() -> bytes:
    return _file().read_bytes()


def read(data: bytes) -> Any:
    _file().write_bytes(data)
    return Shelf(folder() / "decks").take(test_something)


def judge(data: bytes, came: Any) -> object:
    if came is None:
        return None
    insist(isinstance(came, list) and all(isinstance(drawn, dict) for drawn in came), "no inputs of a check")
    packer = Packer(layout=True)
    try:
        form: object = packer.pack(came)
    except WireError as error:
        form = str(error)
    return f"{form} {hashlib.sha256(packer.body).hexdigest()}"


def _forged(plan: Any, tail: bytes) -> bytes:
    """A deck of anything that a message may hold."""
    body = bytearray()
    form = written(plan, body)
    return MAGIC + msgspec.msgpack.encode((form, bytes(body))) + tail


def _full(part: bytes, count: int = 400_000) -> bytes:
    """A deck of one list that holds far more than a message may."""
    return MAGIC + b"\x92\x92\xa1l\xdd" + count.to_bytes(4, "big") + part * count + b"\xc4\x00"


HEAVY: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "many lists": lambda: _full(b"\x92\xa1l\x90"),
    "many words": lambda: _full(b"\xa2ab"),
    "a nest without end": lambda: _full(b"\x92\xa1l\x91" * 10**6, 1),
    "bytes without end": lambda: MAGIC + b"\x92\xc0\xc6\xff\xff\xff\xff",
}
_DRAWN = strategies.builds(
    lambda inputs: Plan("l", [Plan("d", list(zip("xyz", drawn, strict=False))) for drawn in inputs]),
    strategies.lists(strategies.lists(VALUES, max_size=3), max_size=3),
)
TARGET = Target(
    cases=strategies.one_of(
        strategies.builds(lambda changes: mutated(valid(), changes, TOKENS), CHANGES),
        strategies.builds(_forged, often(_DRAWN, VALUES), often(strategies.just(b""), strategies.binary(max_size=3))),
        strategies.binary(max_size=40).map(lambda data: MAGIC + data),
    ),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=300,
    tokens=TOKENS,
    fixed=HEAVY,
)
