"""What the zygote answers: a process of ours, but one that learners' workers are forked from.

What holds: an answer with its file descriptors, None for an end, or an OSError or ValueError, which is what our side of
it expects; no descriptor is lost on any of these ways.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from grader.worker import control

from .forged import ANYTHING, EXTREME
from .mutate import CHANGES, mutated
from .target import Target, allowed, insist, often


def read(data: bytes) -> Any:
    """The first byte: how many descriptors come along."""
    before = _open()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        fds = [theirs.fileno()] * (data[0] % 3 if data else 0)
        if data[1:]:
            socket.send_fds(theirs, [data[1:]], fds)
        theirs.shutdown(socket.SHUT_WR)
        try:
            came = control.receive_answer(ours)
        except (OSError, ValueError) as error:
            return allowed(error), before
    return came, before


def _open() -> int:
    return len(os.listdir("/proc/self/fd"))


def judge(data: bytes, came: Any) -> object:
    answer, before = came
    if isinstance(answer, tuple):
        for fd in answer[1]:
            os.close(fd)
        answer = (answer[0], len(answer[1]))
    insist(_open() == before, "a file descriptor that nobody can close")
    return repr(answer)


def _sent(fds: int, message: Any, length: int | None) -> bytes:
    data = msgspec.msgpack.encode(message)
    return bytes([fds]) + control.LENGTH.pack((len(data) if length is None else length) % 2**32) + data


HEAVY: dict[str, Callable[[], bytes]] = {
    "a nest without end": lambda: _sent(0, {"other": msgspec.Raw(b"\x91" * 100_000)}, None),
    "descriptors and no message": lambda: _sent(2, 1, None),
}
_ANSWERS = st.fixed_dictionaries({}, optional={"pid": EXTREME, "status": st.none() | EXTREME})
_SENT = st.builds(_sent, st.integers(0, 2), often(_ANSWERS, ANYTHING), often(st.none(), EXTREME))
TARGET = Target(
    cases=st.one_of(_SENT, st.builds(mutated, _SENT, CHANGES)),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=100,
    fixed=HEAVY,
)
