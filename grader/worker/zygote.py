"""Imports torch once, then forks a worker for every order. It never sees a submission's bytes.

Rules: no tensor operation, no backward, no CUDA call in this process (a parallel operation in the parent hangs the
child); one thread. The child locks itself down and only then reads its own socket, over which the source comes.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import random
import signal
import socket
import sys
import traceback

import torch

from . import control
from .confine import confine
from .family import Family
from .guard import arm
from .serve import Servant
from .slim import skip_dynamo
from .wire import PREFIX, Backward, Call, Reply, frame, lengths, read_reply, read_request, reply_frame

_FOR_META = ("sympy", "torch.fx.experimental.symbolic_shapes")  # what torch imports for the first meta tensor
STANDARD_FDS = 3  # stdin, stdout, stderr; the worker's socket comes next


def main(fd: int) -> None:
    """Serve orders from the control socket `fd` until the trusted side closes it."""
    torch.set_num_threads(1)
    skip_dynamo()
    orders = socket.socket(fileno=fd)
    control.send(orders, control.Answer(os.getpid()))
    for name in _FOR_META:  # the other side is still busy
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the children share these pages as long as the collector leaves them alone
    family = Family()
    family.adopt_orphans()
    while (received := control.receive_order(orders)) is not None:
        order, fds = received
        if isinstance(order, control.Ended):
            control.send(orders, control.Answer(order.pid, family.ending(order.pid, order.seconds)))
        else:
            _spawn(orders, order, fds, family)
            family.reap()
    family.end()


def _spawn(orders: socket.socket, order: control.Spawn, fds: list[int], family: Family) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        orders.close()
        _work(order, fds, parent)
    family.workers[pid] = order.directory
    for fd in fds:
        os.close(fd)
    handles = (os.pidfd_open(pid),) if hasattr(os, "pidfd_open") else ()
    control.send(orders, control.Answer(pid), handles)
    for fd in handles:
        os.close(fd)


def _work(order: control.Spawn, fds: list[int], parent: int) -> None:
    """The life of a worker. It ends with the process, whatever happens."""
    try:
        os.setsid()  # a group of its own: it cannot kill ours by `kill(0)`, and its forks die with it
        _take(*fds)
        _fresh_streams()
        confine(order.directory, order.limits, parent)
        guard = arm(order.bans, order.device)
        _seed()
        channel = socket.socket(fileno=STANDARD_FDS)
        channel.sendall(frame(Reply(0), b""))  # confined and ready: what goes wrong from here on is the learner's
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(control.NOT_READY)
    try:
        _serve(channel, Servant(guard, functools.partial(_ask, channel)))
    except MemoryError:
        os._exit(control.OUT_OF_MEMORY)
    except BaseException:
        os._exit(control.CHANNEL_LOST)
    os._exit(0)


def _take(channel: int, output: int) -> None:
    """Its socket is 3, its output 1 and 2, nothing comes in, and nothing else of ours stays open."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(channel, STANDARD_FDS)
    os.set_inheritable(STANDARD_FDS, False)
    os.closerange(STANDARD_FDS + 1, max(1024, channel, output, null) + 64)


def _seed() -> None:
    """Random numbers are the same in every worker of every run."""
    torch.default_generator.manual_seed(0)
    random.seed(0)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(0)


def _fresh_streams() -> None:
    """Text streams on the new descriptors; nothing buffered in the zygote comes along.

    Line by line: what was printed before a crash or an endless loop is what the learner needs to see.
    """
    options = {"encoding": "utf-8", "errors": "backslashreplace"}
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", 1, closefd=False, **options)  # type: ignore[call-overload]
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, **options)  # type: ignore[call-overload]
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _serve(channel: socket.socket, servant: Servant) -> None:
    while (received := _frame(channel)) is not None:
        header, body = received
        channel.sendall(reply_frame(*servant.answer(read_request(header), body)))


def _ask(channel: socket.socket, request: Call | Backward, body: bytes) -> tuple[Reply, bytearray]:
    """A helper's question, in the middle of an answer."""
    channel.sendall(frame(Reply(0, ask=request), body))
    received = _frame(channel)
    if received is None:
        os._exit(control.CHANNEL_LOST)
    header, answer = received
    return read_reply(header), answer


def _frame(channel: socket.socket) -> tuple[bytes, bytearray] | None:
    """(header, body) of the next frame, or None where the trusted side has closed the socket."""
    prefix = _exactly(channel, PREFIX.size)
    if prefix is None:
        return None
    head, length = lengths(bytes(prefix))
    header, body = _exactly(channel, head), _exactly(channel, length)
    return None if header is None or body is None else (bytes(header), body)


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


def ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group; the trusted side decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
