"""Frames: every message survives the way, and no bytes at all make a reader do anything but read or raise WireError."""

from __future__ import annotations

import socket
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.worker import control
from grader.worker.values import Unpacker
from grader.worker.wire import (
    BODY_CAP,
    HEADER_CAP,
    MAGIC,
    PREFIX,
    TEXT_CAP,
    Backward,
    Call,
    DictV,
    DtypeV,
    Entry,
    Failure,
    Forget,
    HandleV,
    ListV,
    Load,
    Numbered,
    OpaqueV,
    Reply,
    State,
    TensorV,
    TupleV,
    WireError,
    frame,
    lengths,
    read_reply,
    read_request,
    reply_frame,
    words,
)

FUZZ = settings(max_examples=150, deadline=None, derandomize=True, database=None)
TENSOR = TensorV("float32", (2, 3), "cpu", 0, 24, True, (3, 1))
REQUESTS = [
    Load("ex", "ex.py", "def f(): pass\n# größe"),
    Call("f", [1, 2.5, None, "x", ListV([TENSOR])], {"b": True, "a": TupleV([])}, on=3, keep=4, graph=5, grad=False),
    Call("f", [], {}, echo=True, count=True),
    Backward(5, [TENSOR, None], count=True),
    State(3, {"weight": TENSOR}),
    Forget([1, 2], [3]),
]
REPLIES = [
    Reply(1),
    Reply(2, DictV([("k", HandleV(1)), (1, OpaqueV("set", "{1}")), (None, DtypeV("float32"))]), ops=7),
    Reply(3, failure=Failure("raised", "ValueError", ["ValueError", "Exception"], "no", 3, 4)),
    Reply(4, TENSOR, None, ListV([TENSOR]), 0, [Entry("w", "p", TENSOR), Entry("v", "b", None, "w")], False),
]


def header_of(data: bytes) -> bytes:
    head, body = lengths(data[: PREFIX.size])
    assert len(data) == PREFIX.size + head + body
    return data[PREFIX.size : PREFIX.size + head]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
def test_a_request_survives_the_way(request_):
    data = frame(Numbered(9, request_), b"body")

    assert read_request(header_of(data)) == Numbered(9, request_)
    assert data.endswith(b"body")


@pytest.mark.parametrize("reply", REPLIES, ids=lambda r: str(r.number))
def test_a_reply_survives_the_way(reply):
    assert read_reply(header_of(frame(reply, b""))) == reply


def test_keyword_arguments_keep_their_order():
    data = frame(Numbered(1, Call("f", [], {"z": 1, "a": 2})), b"")

    assert list(read_request(header_of(data)).request.kwargs) == ["z", "a"]


def test_the_same_message_has_the_same_bytes():
    assert frame(REPLIES[3], b"xy") == frame(REPLIES[3], b"xy")


# Caps.


def test_a_header_over_the_cap_is_not_written():
    with pytest.raises(WireError, match="more than one answer may hold"):
        frame(Reply(1, "x" * (HEADER_CAP + 1)), b"")


class Large(bytes):
    def __len__(self):
        return BODY_CAP + 1


def test_a_body_over_the_cap_is_not_written():
    with pytest.raises(WireError, match="more than one answer may hold"):
        frame(Reply(1), Large())


@pytest.mark.parametrize("value", ["\ud800", 2**70, -(2**64)], ids=["a lone surrogate", "a big int", "a small int"])
def test_what_msgpack_cannot_hold_is_a_wire_error(value):
    with pytest.raises(WireError, match="written down"):
        frame(Reply(1, value), b"")


@pytest.mark.parametrize("value", ["\ud800", "x" * (HEADER_CAP + 1)], ids=["a lone surrogate", "too long"])
def test_an_answer_that_cannot_be_written_becomes_a_failure_that_says_so(value):
    reply = read_reply(header_of(reply_frame(Reply(5, value), b"")))

    assert reply.number == 5
    assert reply.failure is not None
    assert reply.failure.kind == "unsendable"


PREFIXES = {
    "another magic": b"CNG2" + bytes(12),
    "a huge header": PREFIX.pack(MAGIC, HEADER_CAP + 1, 0),
    "a huge body": PREFIX.pack(MAGIC, 0, BODY_CAP + 1),
    "the largest lengths there are": PREFIX.pack(MAGIC, 2**32 - 1, 2**64 - 1),
    "text": b"HTTP/1.1 200 OK\r",
    "too short": MAGIC,
    "nothing": b"",
    "too long": PREFIX.pack(MAGIC, 1, 1) + b"x",
}


@pytest.mark.parametrize("name", PREFIXES)
def test_a_prefix_that_is_none_is_refused(name):
    with pytest.raises(WireError, match="not the beginning"):
        lengths(PREFIXES[name])


# Whatever arrives.


def only_a_wire_error(read, data: bytes) -> None:
    try:
        found = read(data)
    except WireError:
        return
    values = [found.value, found.echo] if isinstance(found, Reply) else []
    for value in values:
        try:
            Unpacker(b"").unpack(value)
        except WireError:
            continue


@FUZZ
@given(data=st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_a_wire_error(data):
    only_a_wire_error(read_reply, data)
    only_a_wire_error(read_request, data)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "number": ANYTHING,
        "value": st.lists(st.sampled_from(["t", "l", "u", "d", "y", "h", "o"]) | ANYTHING, max_size=8),
        "failure": ANYTHING,
        "echo": ANYTHING,
        "ops": ANYTHING,
        "state": ANYTHING,
        "request": st.dictionaries(st.sampled_from(["type", "target", "args", "kwargs", "graph", "on"]), ANYTHING),
    },
)


@FUZZ
@given(message=ANYTHING | FIELDS)
def test_well_formed_nonsense_raises_nothing_but_a_wire_error(message):
    data = msgspec.msgpack.encode(message)
    only_a_wire_error(read_reply, data)
    only_a_wire_error(read_request, data)


@FUZZ
@given(
    which=st.sampled_from([header_of(frame(reply, b"")) for reply in REPLIES]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 40),
)
def test_a_damaged_reply_raises_nothing_but_a_wire_error(which, changes, cut):
    data = bytearray(which)
    for place, byte in changes:
        data[place % len(data)] = byte
    only_a_wire_error(read_reply, bytes(data[: len(data) - cut % len(data)]))


NESTED = {
    "arrays": b"\x91" * 100_000,
    "arrays of a value": b"\x83\xa6number\x01\xa5value" + b"\x92\xa1l\x91" * 50_000,
    "maps": b"\x81\xa1a" * 100_000,
    "an array that claims four billion items": b"\xdd\xff\xff\xff\xff",
    "a map that claims four billion items": b"\xdf\xff\xff\xff\xff",
    "a string that claims four gigabytes": b"\xdb\xff\xff\xff\xffx",
    "bytes that claim four gigabytes": b"\xc6\xff\xff\xff\xffx",
    "invalid UTF-8": b"\x82\xa6number\x01\xa5value\xa2\xff\xfe",
    "an extension": b"\xc7\x04\x01abcd",
    "nothing": b"",
}


@pytest.mark.parametrize("name", NESTED)
def test_a_malicious_header_is_refused(name):
    for read in (read_reply, read_request):
        with pytest.raises(WireError, match="does not decode"):
            read(NESTED[name])


def test_a_nest_deeper_than_the_stack_is_refused_wherever_it_decodes():
    for depth in range(100, 1200, 100):
        data = b"\x82\xa6number\x01\xa5value" + b"\x92\xa1l\x91" * depth + b"\xc0"
        only_a_wire_error(read_reply, data)


# Text of the learner's.


def test_words_are_cut():
    assert len(words("x" * 10**6)) == TEXT_CAP


def test_words_lose_addresses_that_differ_from_run_to_run():
    assert words("<f object at 0x7f00deadBEEF> and <g at 0x1>") == "<f object> and <g>"


def test_words_are_valid_text():
    assert words("a\ud800b").encode() == b"a?b"


# Orders to the zygote.


def test_an_order_and_its_answer_survive_the_way():

    one, other = socket.socketpair()
    ban = control.Ban("b", "because", ("conv",), ("numpy.convolve",), ("torch.nn.Conv2d",), True, True)
    setup = control.Setup("/work", True, ("/usr/lib",), b"\x06\0\0\0", ("torch",))
    with one, other:
        for order in (
            setup,
            control.Branch((ban,), "cpu"),
            control.Spawn(control.Limits(1, 2, 3)),
            control.Ended(7, 0.5),
        ):
            control.send(one, order)
            assert control.receive_order(other) == (order, [])
        control.send(other, control.Answer(5, 9, "too much"))
        assert control.receive_answer(one) == (control.Answer(5, 9, "too much"), [])
        other.close()
        assert control.receive_answer(one) is None


def test_an_order_that_is_cut_short_is_the_end():

    one, other = socket.socketpair()
    with one, other:
        one.sendall(struct.pack(">I", 100) + b"half")
        one.close()
        assert control.receive_order(other) is None


def test_a_failure_of_megabytes_is_none_of_ours():
    modest = Failure("raised", "ValueError", ["Exception"], "x" * 2000, 3, 1)
    assert read_reply(msgspec.msgpack.encode(Reply(1, failure=modest))).failure == modest
    for huge in (
        Failure("raised", "ValueError", [], "x" * 10**5),
        Failure("raised", "V" * 10**5, [], ""),
        Failure("raised", "ValueError", ["Exception"] * 10**4, ""),
    ):
        with pytest.raises(WireError, match="larger than any"):
            read_reply(msgspec.msgpack.encode(Reply(1, failure=huge)))
