"""What the trusted side asks of the zygote: spawn a worker, tell how one ended. Small typed messages, one at a time."""

from __future__ import annotations

import socket
import struct

import msgspec

LENGTH = struct.Struct(">I")
CAP = 2**20
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

# How a worker that nobody killed ends. Anybody can forge them: they choose words, never points.
NOT_READY, OUT_OF_MEMORY, CHANNEL_LOST = 70, 71, 72


class Limits(msgspec.Struct, frozen=True):
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


class Ban(msgspec.Struct, frozen=True):
    """What a task forbids: see course.toml, which is where the words come from."""

    name: str
    because: str
    operators: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    transposed_convolution: bool = False
    autograd: bool = False


class Spawn(msgspec.Struct, tag="spawn", frozen=True):
    """Two file descriptors come along: the worker's end of its socket, the write end of its output pipe."""

    directory: str
    limits: Limits
    bans: tuple[Ban, ...]
    device: str


class Ended(msgspec.Struct, tag="ended", frozen=True):
    """How did the worker `pid` end? Waits at most `seconds` for it."""

    pid: int
    seconds: float


class Answer(msgspec.Struct, frozen=True):
    """`pid` of a spawned worker (with its pidfd where the system has one), or the wait status of an ended one."""

    pid: int = 0
    status: int | None = None


_orders: msgspec.msgpack.Decoder[Spawn | Ended] = msgspec.msgpack.Decoder(Spawn | Ended)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def send(sock: socket.socket, message: Spawn | Ended | Answer, fds: tuple[int, ...] = ()) -> None:
    data = msgspec.msgpack.encode(message)
    socket.send_fds(sock, [LENGTH.pack(len(data)) + data], list(fds))


def receive_order(sock: socket.socket) -> tuple[Spawn | Ended, list[int]] | None:
    """The next order and its file descriptors, or None where the trusted side has gone."""
    data, fds = _receive(sock)
    return None if data is None else (_orders.decode(data), fds)


def receive_answer(sock: socket.socket) -> tuple[Answer, list[int]] | None:
    data, fds = _receive(sock)
    return None if data is None else (_answers.decode(data), fds)


def _receive(sock: socket.socket) -> tuple[bytes | None, list[int]]:
    data, fds, _, _ = socket.recv_fds(sock, CAP, 4, _CLOSE_ON_EXEC)
    while data and (len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack(data[: LENGTH.size])[0]):
        more = sock.recv(CAP)
        if not more:
            return None, fds
        data += more
    return (data[LENGTH.size :], fds) if data else (None, fds)
