"""Forged answers of a worker: what a servant of ours would send, with lies in it.

A plan is drawn first and written down afterwards, since a tensor's offset is known only then: most tensors of a message
fit its body, and the one that lies gets read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import strategies as st

from grader.worker.values import DTYPES
from grader.worker.wire import MAGIC, PREFIX

from .mutate import CHANGES, mutated
from .target import often

EXTREME = st.sampled_from(
    [-(2**63), -4, -1, 0, 1, 2, 63, 64, 65, 255, 2**16, 2**28, 2**31 - 1, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1]
)
_RAW = (  # what msgspec itself would never write
    b"\xca\x7f\xc0\x00\x00",  # a short NaN
    b"\xdb\x00\x00\x00\x01t",  # a short text behind a long length
    b"\xdd\xff\xff\xff\xff",  # four billion items, none of them here
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xffx",
    b"\xc6\xff\xff\xff\xffx",
    b"\xc7\x04\x01abcd",  # an extension
    b"\xa2\xff\xfe",  # no UTF-8
    b"\xa3\xed\xa0\x80",  # a lone surrogate
    b"\xc1",  # what msgpack never uses
    b"\x91" * 2000,
)
WORDS = st.sampled_from(["", "a", "key", "weight", "é\U0001f600", "\x00\x1b[2J", "torch.Tensor", "int", "x" * 300])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | EXTREME | st.integers(-9, 9) | st.floats() | WORDS
    | st.binary(max_size=5) | st.sampled_from(_RAW).map(msgspec.Raw),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@dataclass(frozen=True)
class TensorPlan:
    """`lies`: fields of the written form that say something else."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    device: str
    wants: bool
    lies: tuple[tuple[int, Any], ...]

    def write(self, body: bytearray) -> list[Any]:
        if self.strides is None:
            length = math.prod(self.shape)
        else:
            length = 1 + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
            length = 0 if 0 in self.shape else length
        nbytes = 0 if self.device == "meta" else length * DTYPES[self.dtype].itemsize
        form = ["t", self.dtype, self.shape, self.device, len(body), nbytes, self.wants, self.strides]
        body += bytes(range(251)) * (nbytes // 251) + bytes(range(nbytes % 251))
        for place, lie in self.lies:
            form[place % len(form) :] = [lie, *form[place % len(form) + 1 :]]
        return form


@dataclass(frozen=True)
class Plan:
    """Any other value: its kind on the wire and what it is made of."""

    kind: str
    items: list[Any]
    wraps: int = 0  # how often it is put into a list of its own

    def write(self, body: bytearray) -> Any:
        form: Any = [self.kind, [[written(part, body) for part in item] if self.kind == "d" else written(item, body)
                                 for item in self.items]]  # fmt: skip
        for _ in range(self.wraps):
            form = ["l", [form]]
        return form


def written(plan: Any, body: bytearray) -> Any:
    return plan.write(body) if isinstance(plan, TensorPlan | Plan) else plan


def _tensor(shape: list[int], steps: list[int] | None, *rest: Any) -> TensorPlan:
    return TensorPlan(rest[0], tuple(shape), None if steps is None else tuple(steps[: len(shape)]), *rest[1:])


_SIZES = st.lists(EXTREME, max_size=4)
_LIES = st.one_of(
    st.tuples(st.sampled_from([4, 5]), EXTREME),
    st.tuples(st.sampled_from([2, 7]), _SIZES),
    st.tuples(st.sampled_from([1, 3]), WORDS),
    st.tuples(st.integers(1, 7), ANYTHING),
)
TENSORS = st.builds(
    _tensor,
    st.lists(st.sampled_from([1, 2, 3, 0]), max_size=4),
    often(st.none(), st.lists(st.integers(0, 5), min_size=4, max_size=4), times=2),
    st.sampled_from(sorted(DTYPES)),
    st.sampled_from(["cpu", "cpu", "cpu", "cpu", "meta", "cuda:0"]),
    st.booleans(),
    often(st.just(()), st.lists(_LIES, min_size=1, max_size=2).map(tuple), times=8),
)
_LEAVES = st.one_of(
    TENSORS,
    TENSORS,
    st.sampled_from([None, True, False, -1, 0, 3, 0.5, float("nan"), float("inf")]),
    EXTREME,
    WORDS,
    st.sampled_from(["float32", "torch.float32", ""]).map(lambda name: ["y", name]),
    EXTREME.map(lambda handle: ["h", handle]),
    st.tuples(WORDS, WORDS).map(lambda words: ["o", *words]),
)
_KEYS = often(WORDS, _LEAVES, st.builds(Plan, st.just("u"), st.lists(_LEAVES, max_size=3)), times=2)
_WRAPS = st.sampled_from([0] * 12 + [1, 22, 25, 300])
VALUES: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: (
        st.builds(Plan, st.sampled_from("lu"), st.lists(inner, max_size=3), _WRAPS)
        | st.builds(Plan, st.just("d"), st.lists(st.tuples(_KEYS, inner), max_size=3), _WRAPS)
    ),
    max_leaves=5,
)
# What the callers in wire.py ask for: answers near enough to be read to their end.
_X = TensorPlan("float32", (2, 2), None, "cpu", True, ())
_META = TensorPlan("float32", (2, 2), None, "meta", False, ())
_WIDE = TensorPlan("float32", (2, 2), (0, 0), "cpu", True, ())
_ENDLESS = TensorPlan("uint8", (2**40,), (0,), "cpu", False, ())


def _echo(x: TensorPlan) -> Plan:
    return Plan("l", [Plan("l", [x, Plan("l", [x]), Plan("d", [("a", 1)])]), Plan("d", [("key", x)])])


LIKELY = st.one_of(
    st.sampled_from([_X, _META, _WIDE, _ENDLESS]),
    st.sampled_from([_X, _META, _ENDLESS, None]).map(lambda item: Plan("l", [item])),
    st.sampled_from([Plan("u", [_X, _X]), Plan("d", [("weight", _X)]), Plan("u", [Plan("l", []), Plan("l", [])])]),
    st.just(Plan("l", [_X, Plan("u", [1.5, Plan("d", [("a", _X)])])])),
)
_ECHOES = often(st.sampled_from([_X, _META, _WIDE]).map(_echo), LIKELY, VALUES, times=2)
_NAMES = st.sampled_from(
    ["weight", "bias", "a", "a.b", "a.b.c", "sub.bias", "", ".", "..a", "training", "link", "remote_handle", "forward",
     "_modules", "a" * 401, ".".join("a" * 200)]
)  # fmt: skip


@dataclass(frozen=True)
class EntryPlan:
    name: Any
    kind: Any
    value: Any
    same_as: Any

    def write(self, body: bytearray) -> list[Any]:
        return [self.name, self.kind, written(self.value, body), self.same_as]


_ENTRIES = st.builds(EntryPlan, _NAMES, st.sampled_from("ppbnx"), often(TENSORS, st.none()), often(st.none(), _NAMES))
_FAILURES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["raised", "refused", "todo", "missing", "memory", "exit", "unsendable", ""]),
        "type_name": WORDS,
        "bases": st.lists(WORDS, max_size=2),
        "text": WORDS,
    },
    optional={"line": EXTREME, "column": EXTREME},
)
_ASKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["call", "call", "call", "backward", "load"]), "target": often(st.just("g"), WORDS)},
    optional={"graph": st.none() | EXTREME, "on": st.none() | EXTREME, "keep": st.none() | EXTREME},
)
_ANSWERS = st.fixed_dictionaries(
    {"value": LIKELY | VALUES},
    optional={
        "echo": _ECHOES,
        "ops": EXTREME,
        "state": st.lists(_ENTRIES, max_size=4),
        "training": st.booleans(),
    },
)
_ASKING = st.builds(lambda ask, args: {"ask": ask | {"args": args}}, _ASKS, st.lists(VALUES, max_size=2))
_FAILING = st.builds(lambda failure: {"failure": failure}, _FAILURES)
_FIELDS = st.sampled_from(["number", "value", "failure", "echo", "ops", "state", "training", "ask", "other"])


@dataclass(frozen=True)
class FramePlan:
    """One message: its fields, some of them replaced, lengths that may lie, and what follows it."""

    fields: dict[str, Any]
    lies: dict[str, Any] = field(default_factory=dict)
    lengths: tuple[int | None, int | None] = (None, None)
    damage: list[Any] = field(default_factory=list)
    tail: bytes = b""

    def write(self, number: int) -> bytes:
        body = bytearray()
        header = {"number": number} | {name: _field(value, body) for name, value in self.fields.items()} | self.lies
        head = mutated(msgspec.msgpack.encode(header), self.damage)
        sizes = [true if lie is None else lie for true, lie in zip((len(head), len(body)), self.lengths, strict=True)]
        return PREFIX.pack(MAGIC, sizes[0] % 2**32, sizes[1] % 2**64) + head + body + self.tail


def _field(value: Any, body: bytearray) -> Any:
    if isinstance(value, list):
        return [item.write(body) if isinstance(item, EntryPlan) else item for item in value]
    if isinstance(value, dict) and "args" in value:
        return value | {"args": [written(item, body) for item in value["args"]], "kwargs": {}, "grads": []}
    return written(value, body)


def _tampered(fields: dict[str, Any]) -> st.SearchStrategy[FramePlan]:
    honest = st.just(FramePlan(fields))
    return often(
        honest,
        st.builds(FramePlan, st.just(fields), st.dictionaries(_FIELDS, ANYTHING, min_size=1, max_size=2)),
        st.tuples(st.none() | EXTREME, EXTREME).map(lambda sizes: FramePlan(fields, lengths=sizes)),
        CHANGES.map(lambda damage: FramePlan(fields, damage=damage)),
        st.binary(max_size=20).map(lambda tail: FramePlan(fields, tail=tail)),
        times=12,
    )


FRAMES = st.integers(0, 9).flatmap(lambda n: _ANSWERS if n < 7 else _ASKING if n < 9 else _FAILING).flatmap(_tampered)


def numbered(plans: list[FramePlan], first: int) -> bytes:
    """All of them, each with the number that is asked for; a question has no turn of its own."""
    data = b""
    for plan in plans:
        data += plan.write(first)
        first += "ask" not in plan.fields
    return data
