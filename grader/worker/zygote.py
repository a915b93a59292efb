"""Imports torch once, then forks a worker for every order. It never sees a submission's bytes.

Rules: no tensor operation, no backward, no CUDA call in this process (a parallel operation in the parent hangs the
child); one thread. The child locks itself down and only then reads its own socket, over which the source comes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import time

import torch

from . import control
from .confine import confine
from .guard import arm
from .serve import Servant
from .wire import PREFIX, WireError, frame, lengths, read_request

STANDARD_FDS = 3  # stdin, stdout, stderr; the worker's socket comes next


def main(fd: int) -> None:
    """Serve orders from the control socket `fd` until the trusted side closes it."""
    torch.set_num_threads(1)
    orders = socket.socket(fileno=fd)
    gc.collect()
    gc.freeze()  # the children share these pages as long as the collector leaves them alone
    ended: dict[int, int] = {}
    control.send(orders, control.Answer(os.getpid()))
    while (received := control.receive_order(orders)) is not None:
        order, fds = received
        if isinstance(order, control.Ended):
            control.send(orders, control.Answer(order.pid, _ending(order, ended)))
        else:
            _spawn(orders, order, fds)
        _reap(ended)


def _spawn(orders: socket.socket, order: control.Spawn, fds: list[int]) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _work(order, fds, parent)
    for fd in fds:
        os.close(fd)
    handles = (os.pidfd_open(pid),) if hasattr(os, "pidfd_open") else ()
    control.send(orders, control.Answer(pid), handles)
    for fd in handles:
        os.close(fd)


def _work(order: control.Spawn, fds: list[int], parent: int) -> None:
    """The life of a worker. It ends with the process, whatever happens."""
    try:
        channel, output = fds
        os.dup2(channel, STANDARD_FDS + 20)
        os.dup2(output, 1)
        os.dup2(output, 2)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(STANDARD_FDS + 20, STANDARD_FDS)
        os.closerange(STANDARD_FDS + 1, max(1024, *fds) + 64)
        _fresh_streams()
        confine(order.directory, order.limits, parent)
        guard = arm(order.bans, order.device)
        _serve(socket.socket(fileno=STANDARD_FDS), Servant(guard))
    except BaseException:
        import traceback

        traceback.print_exc()  # before the learner's code is loaded: our own fault, and the trusted side reads it
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


def _fresh_streams() -> None:
    """Text streams on the new descriptors; nothing buffered in the zygote comes along."""
    options = {"encoding": "utf-8", "errors": "backslashreplace"}
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", 2**16, closefd=False, **options)  # type: ignore[call-overload]
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, **options)  # type: ignore[call-overload]
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _serve(channel: socket.socket, servant: Servant) -> None:
    while (prefix := _exactly(channel, PREFIX.size)) is not None:
        head, length = lengths(bytes(prefix))
        header, body = _exactly(channel, head), _exactly(channel, length)
        if header is None or body is None:
            return
        numbered = read_request(bytes(header))
        reply, out = servant.answer(numbered, body)
        try:
            data = frame(reply, out)
        except WireError as error:
            data = frame(_too_large(reply.number, str(error)), b"")
        channel.sendall(data)


def _too_large(number: int, text: str):  # type: ignore[no-untyped-def]
    from .wire import Failure, Reply

    return Reply(number, failure=Failure("unsendable", "", [], text))


def _exactly(channel: socket.socket, count: int) -> bytearray | None:
    """`count` bytes, or None where the trusted side has closed the socket."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = channel.recv_into(view)
        if got == 0:
            return None
        view = view[got:]
    return data


def _reap(ended: dict[int, int]) -> None:
    """Collect workers that have ended, so that none stays a zombie."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            ended[pid] = status
            while len(ended) > 256:
                ended.pop(next(iter(ended)))


def _ending(order: control.Ended, ended: dict[int, int]) -> int | None:
    deadline = time.monotonic() + order.seconds
    while order.pid not in ended:
        _reap(ended)
        if order.pid in ended or time.monotonic() > deadline:
            break
        time.sleep(0.002)
    return ended.get(order.pid)


def ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group; the trusted side decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
