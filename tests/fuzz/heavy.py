"""Answers at the edge of what may be sent, each after something: time, memory, the stack. Too large to be drawn."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from grader.worker.values import DEPTH_CAP, ITEMS_CAP
from grader.worker.wire import (
    BODY_CAP,
    HEADER_CAP,
    MAGIC,
    PREFIX,
    DictV,
    Entry,
    ListV,
    Reply,
    TensorV,
    TupleV,
    Value,
    frame,
)

_ROOM = HEADER_CAP - 200  # for what surrounds the heavy part
_EMPTY = TensorV("float32", (0,), "cpu", 0, 0, True)
_PRIME = 2**61 - 1  # Python's hash of a number is that number modulo this one


def _raw(field: bytes, part: bytes, count: int) -> bytes:
    """An answer whose `field` is an array of `count` times the same, which no encoder of ours would make."""
    names = {b"value": b"\xa5value\x92\xa1l", b"keys": b"\xa5value\x92\xa1d", b"state": b"\xa5state"}
    header = b"\x82\xa6number\x02" + names[field] + b"\xdd" + count.to_bytes(4, "big") + part * count
    return PREFIX.pack(MAGIC, len(header), 0) + header


def _full(field: bytes, part: bytes) -> bytes:
    return _raw(field, part, _ROOM // len(part))


def colliding_keys(count: int = 24_000) -> bytes:
    """Keys of one and the same hash."""
    same = [5 + times * _PRIME for times in range(8)] + [5.0 * 2.0 ** (61 * times) for times in range(-15, 16) if times]
    keys = itertools.islice(itertools.product(same, repeat=3), count)
    return frame(Reply(2, DictV([(TupleV(list(key)), None) for key in keys])), b"")


def deep_names(count: int = 900) -> bytes:
    """Few parameters, each with a path of modules of its own."""
    return frame(Reply(2, state=[Entry(f"{number}" + ".a" * 198, "b", None) for number in range(count)]), b"")


def shared_weights(count: int = 4000) -> bytes:
    """Many weights that are the same as another."""
    own = [Entry(f"w{number}", "p", _EMPTY) for number in range(count)]
    return frame(Reply(2, state=own + [Entry(f"v{number}", "p", None, f"w{number}") for number in range(count)]), b"")


def many_entries() -> bytes:
    return frame(Reply(2, state=[Entry(f"w{number}", "p", _EMPTY) for number in range(20_000)]), b"")


def many_tensors() -> bytes:
    return frame(
        Reply(2, ListV([TensorV("uint8", (1,), "cpu", place, 1) for place in range(ITEMS_CAP - 1)])), bytes(10**5)
    )


def promised_body() -> bytes:
    """A body of which no byte comes."""
    header = b"\x81\xa6number\x02"
    return PREFIX.pack(MAGIC, len(header), BODY_CAP) + header


def promised_header() -> bytes:
    return PREFIX.pack(MAGIC, HEADER_CAP, 0) + b"\x82\xa6number\x02\xa5value\xdb\x00\x7f\x00\x00"


def empty_rows(count: int = 2**23) -> bytes:
    """No element at all, and as many lists as there are rows for who makes one of it."""
    return frame(Reply(2, TensorV("float32", (count, 0), "cpu", 0, 0)), b"")


def large_body() -> bytes:
    size = 40 * 2**20
    return frame(Reply(2, TensorV("uint8", (size,), "cpu", 0, size)), bytes(size))


def wide_nest() -> bytes:
    """As many lists as may be, as deep as they may be."""
    value: Value = None
    for _ in range(DEPTH_CAP):
        value = ListV([value])
    return frame(Reply(2, ListV([value] * (ITEMS_CAP // (DEPTH_CAP + 2)))), b"")


def spread_tensors() -> bytes:
    """A byte each that claims to be seen a million times."""
    return frame(
        Reply(2, ListV([TensorV("uint8", (2**20,), "cpu", place, 1, False, (0,)) for place in range(90_000)])),
        bytes(90_000),
    )


def growing_question() -> bytes:
    """A helper's question that is longer when we write it: short floats become long ones."""
    count = _ROOM // 5
    header = b"\x82\xa6number\x02\xa3ask\x84\xa4type\xa4call\xa6target\xa1g\xa6kwargs\x80\xa4args\xdd"
    header += count.to_bytes(4, "big") + b"\xca\x3f\x80\x00\x01" * count
    return PREFIX.pack(MAGIC, len(header), 0) + header


def bytes_again(count: int = 4000) -> bytes:
    """The same megabyte as the content of many tensors."""
    size = 2**20
    return frame(Reply(2, ListV([TensorV("uint8", (size,), "cpu", 0, size)] * count)), bytes(size))


def long_words() -> bytes:
    return frame(Reply(2, "\U0001f600" * (_ROOM // 4)), b"")


# name -> (the action in wire.py that meets it, what makes it)
HEAVY: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a header full of lists": ("_function", lambda: _full(b"value", b"\x92\xa1l\x90")),
    "a header over the cap": ("_function", lambda: _raw(b"value", b"\x92\xa1l\x90", 5 * HEADER_CAP // 4)),
    "a header full of nothing": ("_function", lambda: _full(b"value", b"\xc0")),
    "a header full of words": ("_function", lambda: _full(b"value", b"\xa2ab")),
    "a header full of pairs": ("_function", lambda: _full(b"keys", b"\x92\xc0\xc0")),
    "a header full of entries": ("_built", lambda: _full(b"state", b"\x93\xa0\xa0\xc0")),
    "a nest without end": ("_function", lambda: _raw(b"value", b"\x92\xa1l\x91" * (_ROOM // 4), 1)),
    "long words": ("_function", long_words),
    "keys of one hash": ("_function", colliding_keys),
    "as many tensors as may be": ("_function", many_tensors),
    "as many nests as may be": ("_function", wide_nest),
    "a tensor of 40 MB": ("_function", large_body),
    "bytes again and again": ("_function", bytes_again),
    "bytes seen a million times": ("_function", spread_tensors),
    "an empty tensor of many rows": ("_close", empty_rows),
    "many rows of nothing as lists": ("_listed", empty_rows),
    "a body that does not come": ("_function", promised_body),
    "a header that does not come": ("_function", promised_header),
    "as many parameters as may be": ("_built", many_entries),
    "deep names": ("_built", deep_names),
    "shared weights": ("_built", shared_weights),
    "a question that grows": ("_helped", growing_question),
}  # fmt: skip
