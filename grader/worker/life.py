"""The life of a worker behind its lockdown: read a request, answer it, until the trusted side closes the socket.

Plain reads and writes on a descriptor: the filter of system calls knows no socket.
"""

from __future__ import annotations

import os
from typing import NoReturn

import torch

from . import control
from .guard import Guard
from .serve import Servant
from .wire import PREFIX, Backward, Call, Reply, frame, lengths, read_reply, read_request, reply_frame

CHANNEL = 3  # its socket, behind stdin, stdout and stderr


def say_ready() -> None:
    """Confined, and no byte of the learner's read yet."""
    _send(frame(Reply(0), b""))


def live(guard: Guard, home: torch.device) -> NoReturn:
    try:
        servant = Servant(guard, _ask, home)
        while (received := _frame()) is not None:
            header, body = received
            _send(reply_frame(*servant.answer(read_request(header), body)))
    except MemoryError:
        os._exit(control.OUT_OF_MEMORY)
    except BaseException:
        os._exit(control.CHANNEL_LOST)
    os._exit(0)


def _ask(request: Call | Backward, body: bytes) -> tuple[Reply, bytearray]:
    """A helper's question, in the middle of an answer."""
    _send(frame(Reply(0, ask=request), body))
    received = _frame()
    if received is None:
        os._exit(control.CHANNEL_LOST)
    header, answer = received
    return read_reply(header), answer


def _frame() -> tuple[bytes, bytearray] | None:
    """(header, body) of the next frame, or None where the trusted side has closed the socket."""
    prefix = _exactly(PREFIX.size)
    if prefix is None:
        return None
    head, length = lengths(bytes(prefix))
    header, body = _exactly(head), _exactly(length)
    return None if header is None or body is None else (bytes(header), body)


def _exactly(count: int) -> bytearray | None:
    """`count` bytes, or None where the trusted side has closed the socket."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = os.readv(CHANNEL, [view])
        if got == 0:
            return None
        view = view[got:]
    return data


def _send(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(CHANNEL, view) :]
