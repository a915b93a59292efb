"""Imports torch once, branches for each set of bans, and forks a worker for every order. Sees no submission's bytes.

The root does nothing but branch: a branch is a fork of it in which the op guard is armed, and which forks the workers.
Rules for both: no tensor operation, no backward, no CUDA call (a parallel operation in the parent hangs the child); one
thread. A worker locks itself down and only then reads its own socket, over which the source comes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NoReturn

import torch

from . import control
from .cleanup import remove
from .confine import confine, die_with, hide
from .device import place, prepare
from .family import Family
from .guard import Guard, arm
from .imports import allow_only
from .life import CHANNEL, live, say_ready
from .lockdown import Locks
from .slim import skip_dynamo
from .warden import LOOK_SECONDS

# What torch and learners import when they first need it: here it is paid once.
_FOR_LATER = ("sympy", "torch.fx.experimental.symbolic_shapes", "numpy.random")


def main(fd: int) -> None:
    """Serve orders from the control socket `fd` until the trusted side closes it."""
    torch.set_num_threads(1)
    skip_dynamo()
    orders = socket.socket(fileno=fd)
    received = control.receive_order(orders)
    if received is None or not isinstance(received[0], control.Setup):
        return  # the trusted side has gone
    setup = received[0]
    control.send(orders, control.Answer(os.getpid()))
    for name in _FOR_LATER:  # the other side is still busy
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # Asked once per process, and /proc/cpuinfo, which it reads, is not there for a worker: it would compute with the
    # plainest kernels there are, slowly and not as we do.
    torch.backends.cpu.get_cpu_capability()
    PathFinder.invalidate_caches()  # among them the names of all packages that are installed
    allow_only(setup.packages)
    locks = Locks.of(setup)
    hide()
    torch.default_generator.manual_seed(0)  # random numbers are the same in every worker of every run
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(0)
    gc.collect()
    gc.freeze()  # the children share these pages as long as the collector leaves them alone
    family = Family()
    family.adopt_orphans()
    while (received := control.receive_order(orders)) is not None:
        order, fds = received
        if isinstance(order, control.Branch):
            _branch(orders, order, fds, family, locks)
        family.reap()
    family.end(patience=3.0)  # the branches end as we do, once their workers have
    if setup.place:
        remove(Path(setup.place))  # whoever would have done it may have been killed


def _branch(orders: socket.socket, order: control.Branch, fds: list[int], family: Family, locks: Locks) -> None:
    root = os.getpid()
    pid = os.fork()
    if pid == 0:
        orders.close()
        try:
            die_with(root)
            own = socket.socket(fileno=fds[0])
            guard = arm(order.bans, order.device)
            gc.freeze()
            control.send(own, control.Answer(os.getpid()))
            _serve(own, guard, locks, order.device)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(control.NOT_READY)
        os._exit(0)
    family.workers[pid] = ""
    os.close(fds[0])
    control.send(orders, control.Answer(pid))


def _serve(orders: socket.socket, guard: Guard, locks: Locks, device: str) -> None:
    """The life of a branch."""
    family = Family(locks.setup.place)
    family.adopt_orphans()
    poll = select.poll()
    poll.register(orders, select.POLLIN)
    looked = time.monotonic()
    while True:
        waiting = poll.poll(LOOK_SECONDS * 1000 if family.workers else None)
        if time.monotonic() - looked >= LOOK_SECONDS:  # by the clock: many orders are no reason to look away
            family.look_after()
            looked = time.monotonic()
        if not waiting:
            continue
        received = control.receive_order(orders)
        if received is None:
            break
        order, fds = received
        if isinstance(order, control.Ended):
            ending = family.ending(order.pid, order.seconds)
            end = (None, "") if ending is None else (ending.status, ending.excess)
            control.send(orders, control.Answer(order.pid, *end))
        elif isinstance(order, control.Spawn):
            _spawn(orders, order, fds, family, guard, locks, device)
            family.reap()
    family.end()


def _spawn(
    orders: socket.socket,
    order: control.Spawn,
    fds: list[int],
    family: Family,
    guard: Guard,
    locks: Locks,
    device: str,
) -> None:
    parent, folder = os.getpid(), family.folder()
    pid = os.fork()
    if pid == 0:
        orders.close()
        _work(order, fds, parent, folder, guard, locks, device)
    family.workers[pid] = folder
    for fd in fds:
        os.close(fd)
    handles = (os.pidfd_open(pid),) if hasattr(os, "pidfd_open") else ()
    control.send(orders, control.Answer(pid), handles)
    for fd in handles:
        os.close(fd)


def _work(
    order: control.Spawn, fds: list[int], parent: int, folder: str, guard: Guard, locks: Locks, device: str
) -> NoReturn:
    """A worker, until it is ready for what is the learner's. It ends with the process, whatever happens."""
    try:
        os.setsid()  # a group of its own: it cannot kill ours by `kill(0)`, and its forks die with it
        _take(fds[0], fds[1], locks.descriptors)
        _fresh_streams()
        random.seed(0)  # Python draws a new seed in every fork
        prepare(device, order.limits.gpu_bytes)
        confine(folder, order.limits, parent, locks, device)
        say_ready()  # what goes wrong from here on is the learner's
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(control.NOT_READY)
    live(guard, place(device))


def _take(channel: int, output: int, keep: tuple[int, ...] = ()) -> None:
    """Its socket is 3, its output 1 and 2, nothing comes in; of ours nothing else stays open but, for now, `keep`."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(channel, CHANNEL)
    os.set_inheritable(CHANNEL, False)
    begin, end = CHANNEL + 1, max(1024, channel, output, null) + 64
    for kept in sorted(keep):
        os.closerange(begin, kept)
        begin = kept + 1
    os.closerange(begin, end)


def _fresh_streams() -> None:
    """Text streams on the new descriptors; nothing buffered in the zygote comes along.

    Line by line: what was printed before a crash or an endless loop is what the learner needs to see.
    """
    options = {"encoding": "utf-8", "errors": "backslashreplace"}
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", 1, closefd=False, **options)  # type: ignore[call-overload]
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, **options)  # type: ignore[call-overload]
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group; the trusted side decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
