"""The wire: what may cross the wall, and how it is written down.

A frame is a fixed prefix, a msgpack header of known types and the raw bytes of the tensors it mentions. No pickle, no
eval, on either side. Sizes are capped before anything is allocated, and any exception while decoding is a `WireError`:
whoever sent such a frame misbehaved. What lives here must not know what a check or a submission is.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import msgspec

MAGIC = b"CNG1"
PREFIX = struct.Struct(">4sIQ")  # magic, length of the header, length of the body
HEADER_CAP = 8 * 2**20
BODY_CAP = 256 * 2**20
TEXT_CAP = 2000  # characters of an exception's text or of a repr
LOSSES_CAP = 400  # points of a training curve
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class WireError(Exception):
    """A frame that is not what the protocol allows."""


class TensorV(msgspec.Struct, tag="t", array_like=True, frozen=True):
    """A tensor: its bytes lie in the body at `offset`. `strides` only where the layout is part of an input."""

    dtype: str
    shape: tuple[int, ...]
    device: str
    offset: int
    nbytes: int
    requires_grad: bool = False
    strides: tuple[int, ...] | None = None


class ListV(msgspec.Struct, tag="l", array_like=True, frozen=True):
    items: list[Value]


class TupleV(msgspec.Struct, tag="u", array_like=True, frozen=True):
    items: list[Value]


class DictV(msgspec.Struct, tag="d", array_like=True, frozen=True):
    items: list[tuple[Value, Value]]


class DtypeV(msgspec.Struct, tag="y", array_like=True, frozen=True):
    name: str


class HandleV(msgspec.Struct, tag="h", array_like=True, frozen=True):
    """An object that lives in the worker."""

    handle: int


class OpaqueV(msgspec.Struct, tag="o", array_like=True, frozen=True):
    """Something that does not cross: its type and the beginning of its repr, both the learner's words."""

    type_name: str
    text: str


Value = None | bool | int | float | str | TensorV | ListV | TupleV | DictV | DtypeV | HandleV | OpaqueV


class Load(msgspec.Struct, tag="load", frozen=True):
    """Run the learner's module, once, before anything else.

    `helpers`: its functions that are replaced (helpers.py). `cells`: lines that head the cells of a notebook, which run
    one by one.
    """

    name: str
    filename: str
    source: str
    helpers: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()


class Call(msgspec.Struct, tag="call", frozen=True):
    """Call `target` ("conv2d", "Conv2dFunction.apply") or, with `on`, that method of an object in the worker.

    `keep`: name of the object to keep the result under (a construction). `graph`: name to keep the autograd graph
    under. `grad`: whether gradients are recorded. `echo`: send the arguments back as they are after the call. `count`:
    count dispatched operations. `ours`: `target` is a function of our own `lab`. `trains`: listen to its losses.
    """

    target: str
    args: list[Value]
    kwargs: dict[str, Value]
    on: int | None = None
    keep: int | None = None
    graph: int | None = None
    grad: bool = True
    echo: bool = False
    count: bool = False
    ours: bool = False
    trains: bool = False


class Backward(msgspec.Struct, tag="backward", frozen=True):
    """Send upstream gradients into a kept graph; answers with the gradients of its inputs, then of its parameters."""

    graph: int
    grads: list[Value]
    count: bool = False


class State(msgspec.Struct, tag="state", frozen=True):
    """Parameters and buffers of a module in the worker: write those given, then read all."""

    on: int
    write: dict[str, Value]


class Forget(msgspec.Struct, tag="forget", frozen=True):
    handles: list[int]
    graphs: list[int]


Request = Load | Call | Backward | State | Forget


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """A parameter (`kind` "p") or buffer ("b", or "n" where it is not persistent) by its dotted name.

    `same_as` names an earlier entry that is the very same object: weights that are shared.
    """

    name: str
    kind: str
    value: TensorV | None
    same_as: str | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why there is no value. `kind`: raised, refused, todo, missing, memory, exit, unsendable, broken (the GPU)."""

    kind: str
    type_name: str
    bases: list[str]
    text: str
    line: int | None = None
    column: int | None = None


class Losses(msgspec.Struct, array_like=True, frozen=True):
    """Each a mean over `stride` backward passes."""

    values: list[float]
    stride: int


class Reply(msgspec.Struct, frozen=True):
    number: int
    value: Value = None
    failure: Failure | None = None
    echo: Value = None
    ops: int = 0
    state: list[Entry] | None = None
    training: bool = True
    ask: Call | Backward | None = None  # no answer yet: a helper asks first
    losses: Losses | None = None


class Numbered(msgspec.Struct, frozen=True):
    number: int
    request: Request


def words(text: str, cap: int = TEXT_CAP) -> str:
    """Text of the learner's: cut, without lone surrogates, and without addresses, which differ from run to run."""
    return _ADDRESS.sub("", text[:cap].encode("utf-8", "replace").decode())


_encoder = msgspec.msgpack.Encoder()
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_requests: msgspec.msgpack.Decoder[Numbered] = msgspec.msgpack.Decoder(Numbered)


def header(said: Reply | Request | Numbered) -> bytes:
    """Raises WireError for what cannot be written down."""
    try:
        return _encoder.encode(said)
    except Exception as error:  # a number too large for msgpack, a lone surrogate
        raise WireError(f"cannot be written down: {error}") from None


def frame(said: Reply | Numbered, body: bytes | bytearray) -> bytes:
    """The bytes of one message. Raises WireError where it is over the caps."""
    head = header(said)
    if len(head) > HEADER_CAP or len(body) > BODY_CAP:
        raise WireError(f"{len(head) + len(body):,} bytes are more than one answer may hold")
    return b"".join((PREFIX.pack(MAGIC, len(head), len(body)), head, body))


def reply_frame(reply: Reply, body: bytes | bytearray) -> bytes:
    """The bytes of an answer; one that cannot be written down becomes a failure that says so."""
    try:
        return frame(reply, body)
    except WireError as error:
        return frame(Reply(reply.number, failure=Failure("unsendable", "", [], words(str(error)))), b"")


def lengths(prefix: bytes) -> tuple[int, int]:
    """(length of the header, length of the body) of the frame that begins with `prefix`."""
    magic, head, body = PREFIX.unpack(prefix) if len(prefix) == PREFIX.size else (b"", 0, 0)
    if magic != MAGIC or head > HEADER_CAP or body > BODY_CAP:
        raise WireError("not the beginning of a message")
    return head, body


def read_reply(header: bytes) -> Reply:
    reply: Reply = _read(_replies, header)
    if reply.failure is not None and not _is_modest(reply.failure):
        raise WireError("a failure larger than any that is sent")
    if reply.losses is not None and not (len(reply.losses.values) <= LOSSES_CAP and 0 < reply.losses.stride < 2**40):
        raise WireError("a training curve longer than any that is sent")
    return reply


def _is_modest(failure: Failure) -> bool:
    """Our own side of the worker cuts what it says; a learner's code that speaks for it need not."""
    words_of = (failure.kind, failure.type_name, failure.text, *failure.bases)
    return len(failure.bases) <= 100 and all(len(text) <= 2 * TEXT_CAP for text in words_of)


def read_request(header: bytes) -> Numbered:
    numbered: Numbered = _read(_requests, header)
    return numbered


def _read(decoder: msgspec.msgpack.Decoder[Any], header: bytes) -> Any:
    try:
        return decoder.decode(header)
    except Exception as error:  # msgspec raises its own errors, UnicodeDecodeError and RecursionError
        raise WireError(f"a message that does not decode ({type(error).__name__})") from None
