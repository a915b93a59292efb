"""What the trusted side asks of the zygote: branch for a task's bans, spawn a worker, tell how one ended.

Small typed messages, one at a time. The first one says how workers are locked down.
"""

from __future__ import annotations

import os
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
    gpu_bytes: int = 4 * 2**30  # of a GPU's own memory, where there is one


class Ban(msgspec.Struct, frozen=True):
    """What a task forbids: see course.toml, which is where the words come from."""

    name: str
    because: str
    operators: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    transposed_convolution: bool = False
    autograd: bool = False


class Setup(msgspec.Struct, tag="setup", frozen=True):
    """How every worker of this zygote is locked down; see lockdown.py and confine.py."""

    place: str = ""  # the folder in which each worker gets one of its own; "": workers can write nowhere
    landlock: bool = False
    readable: tuple[str, ...] = ()  # what Landlock lets a worker read; () is all that is there
    syscalls: bytes = b""  # the seccomp filter of learner/syscalls.py; b"" is none
    packages: tuple[str, ...] = ()  # what a worker may import beside Python's own library
    devices: tuple[str, ...] = ()  # the driver of a GPU, which a worker may open
    told: tuple[str, ...] = ()  # where that driver tells of itself, which a worker may read


class Branch(msgspec.Struct, tag="branch", frozen=True):
    """Become a zygote for workers with these bans. One file descriptor comes along: its own socket for orders."""

    bans: tuple[Ban, ...]
    device: str


class Spawn(msgspec.Struct, tag="spawn", frozen=True):
    """Two file descriptors come along: the worker's end of its socket, the write end of its output pipe."""

    limits: Limits


class Ended(msgspec.Struct, tag="ended", frozen=True):
    """How did the worker `pid` end? Waits at most `seconds` for it."""

    pid: int
    seconds: float


Order = Setup | Branch | Spawn | Ended


class Answer(msgspec.Struct, frozen=True):
    """`pid` of a new process (of a worker with its pidfd, where the system has one), or how a worker has ended.

    A pid is the zygote's name for a process: in a box it is not what it is called outside.
    """

    pid: int = 0
    status: int | None = None
    excess: str = ""  # what it had too much of, where the zygote killed it for that; see warden.py


_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def send(sock: socket.socket, message: Order | Answer, fds: tuple[int, ...] = ()) -> None:
    data = msgspec.msgpack.encode(message)
    socket.send_fds(sock, [LENGTH.pack(len(data)) + data], list(fds))


class Garbled(ValueError):
    """A message that is none of these."""


def receive_order(sock: socket.socket) -> tuple[Order, list[int]] | None:
    """The next order and its file descriptors, or None where the trusted side has gone."""
    data, fds = _receive(sock)
    return None if data is None else (_orders.decode(data), fds)


def receive_answer(sock: socket.socket) -> tuple[Answer, list[int]] | None:
    """The zygote's answer and its file descriptors, or None where it has gone. Raises OSError, Garbled."""
    data, fds = _receive(sock)
    try:
        if data is not None:
            return _answers.decode(data), fds
    except Exception as error:  # msgspec raises its own errors, UnicodeDecodeError and RecursionError
        _close(fds)
        raise Garbled(f"an answer that does not decode ({type(error).__name__})") from None
    _close(fds)
    return None


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def _receive(sock: socket.socket) -> tuple[bytes | None, list[int]]:
    data, fds, _, _ = socket.recv_fds(sock, CAP, 4, _CLOSE_ON_EXEC)
    while data and (len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack(data[: LENGTH.size])[0]):
        more = sock.recv(CAP)
        if not more:
            return None, fds
        data += more
    return (data[LENGTH.size :], fds) if data else (None, fds)
