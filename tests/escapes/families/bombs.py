"""Taking more than its share: memory, processes, threads, files, output, the kernel's own objects.

Where a bomb has a limit of its own, it dies or is refused at that limit, and what the grader holds of it stays small.
"""

from __future__ import annotations

from ..attack import DEAD, LATE, Attack
from .hanging import BY_TURNS
from .kernel import ANSWER, CALLS, DOORS, MACHINE
from .killing import CHANNELS, HONEST, POINTS

ATTACKS = [
    Attack(
        "memory_of_tensors_and_lists",
        "fills memory with one large tensor, with tensors one by one, and with many small objects",
        """
import torch
def tensors():
    kept = []
    while True:
        kept.append(torch.ones(2**22))
def objects():
    kept = []
    while True:
        kept.append(list(range(10**6)))
WAYS = lambda: torch.ones(2**33), tensors, objects
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD,
        says="out of memory",
    ),
    Attack(
        "memory_of_the_system",
        "fills memory past Python: by malloc, by private and shared mappings, by the stacks of threads",
        """
import ctypes, mmap, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def allocated():
    while (place := libc.malloc(2**24)) is not None:
        ctypes.memset(place, 1, 2**24)
    raise MemoryError
def mapped():
    kept = []
    while True:
        for how in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            kept.append(mmap.mmap(-1, 2**24, how | mmap.MAP_ANONYMOUS))
            for place in range(0, 2**24, 4096):
                kept[-1][place] = 1
def stacks():
    threading.stack_size(2**26)
    for _ in range(100):
        threading.Thread(target=threading.Event().wait).start()
WAYS = allocated, mapped, stacks
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | {"raised", "wrong"},
    ),
    Attack(
        "packed_bombs",
        "unpacks a gigabyte of zeros, compiles a program that is nested too deeply, and reads a number without an end",
        """
import bz2, sys, zlib
sys.set_int_max_str_digits(0)
packed = zlib.compress(bytes(2**24), 9)
WAYS = (lambda: int("9" * 10**7), lambda: [zlib.decompress(packed) for _ in range(1000)],
        lambda: compile("(" * 150 + "lambda: " * 10**6 + "0" + ")" * 150, "", "exec"))
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | LATE | {"raised"},
    ),
    Attack(
        "threads",
        "starts threads without an end: with the smallest stacks, and by the bare system call without any",
        MACHINE
        + """
import os, threading, time
def small():
    threading.stack_size(2**15)
    while True:
        threading.Thread(target=threading.Event().wait).start()
def bare():
    # clone(flags, stack): the new thread waits for a signal for ever, the old one comes back
    code = bytes.fromhex("b83800000031d24d31d24d31c00f0585c07401c3b8220000000f05ebf7")
    stack = ctypes.create_string_buffer(2**16)
    while platform.machine() == "x86_64":
        machine(code)(0x3D0F00, ctypes.addressof(stack) + 2**16 - 64)
    small()
WAYS = bare, small, bare
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | LATE,
        says="threads",
    ),
    Attack(
        "forks",
        "forks without an end, by Python, by libc and by the bare system calls",
        MACHINE
        + CALLS
        + """
import multiprocessing, os, subprocess, sys
def bare(number):
    # the flags and the stack of clone are what a fork has: SIGCHLD and none
    code = bytes.fromhex("b8") + number.to_bytes(4, "little") + bytes.fromhex("31d24d31d24d31c00f05c3")
    if platform.machine() != "x86_64":
        return call("clone", 17, 0, 0, 0, 0)
    got = machine(code)(17, None)
    if got < 0:
        raise OSError(-got, "")
    return got
quiet_doors(
    fork=os.fork, forkpty=os.forkpty, spawn=lambda: os.posix_spawn(sys.executable or "/bin/sh", ["sh"], {}),
    process=lambda: multiprocessing.get_context("fork").Process(target=os.getpid).start(),
    popen=lambda: subprocess.Popen(["sh"]), bare_fork=lambda: bare(57), bare_vfork=lambda: bare(58),
    bare_clone=lambda: bare(56), bare_clone3=lambda: bare(435),
)
"""
        + ANSWER,
    ),
    Attack(
        "kernel_objects",
        "fills the kernel's memory: by files of memory, shared segments, pipes, queues, watches, timers, descriptors",
        CALLS
        + """
import select, fcntl
page = ctypes.create_string_buffer(4096)
def descriptors():
    kept = []
    try:
        while len(kept) < 1000:
            kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        if len(kept) < 64:
            raise
    finally:
        for fd in kept:
            os.close(fd)
    return len(kept)
doors(
    memfd=lambda: os.memfd_create("m"), shmget=lambda: call("shmget", 0, 2**20, 0o1600),
    shm_open=lambda: os.open("/dev/shm/m", os.O_CREAT | os.O_RDWR), pipe=os.pipe,
    pipe_size=lambda: fcntl.fcntl(1, 1031, 2**20),
    eventfd=lambda: os.eventfd(0), epoll=lambda: select.epoll(), inotify=lambda: call("inotify_init1", 0),
    timerfd=lambda: call("timerfd_create", 1, 0), signalfd=lambda: call("signalfd4", -1, page, 8, 0),
    message=lambda: call("msgget", 0, 0o1600), semaphore=lambda: call("semget", 0, 100, 0o1600),
    queue=lambda: call("mq_open", text("m"), 0x42, 0o600, 0), aio=lambda: call("io_setup", 2**16, page),
    timers=lambda: call("timer_create", 1, 0, page), pidfd=lambda: os.pidfd_open(os.getpid()),
    landlock=lambda: call("landlock_create_ruleset", page, 8, 0), spliced=lambda: call("vmsplice", 1, page, 1, 8),
    descriptors=descriptors, key=lambda: call("add_key", text("user"), text("k"), page, 4096, -5),
)
"""
        + ANSWER,
    ),
    Attack(
        "own_limits",
        "lifts every limit of its own, soft and hard",
        DOORS
        + """
import resource
kinds = [name for name in dir(resource) if name.startswith("RLIMIT_")]
held = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
def lifted(name, how):
    how(getattr(resource, name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ways = {f"{name}_{how.__name__}": lambda name=name, how=how: lifted(name, how) for name in held
        for how in (resource.setrlimit, lambda *given: resource.prlimit(0, *given))}
doors(**ways)
attempt(lambda: [name for name in held if resource.getrlimit(getattr(resource, name))[1] == resource.RLIM_INFINITY])
"""
        + ANSWER,
        gets=r"\[\]",
    ),
    Attack(
        "output",
        "answers right, while threads of it write without an end to where its output goes, in lines and without",
        """
import os, sys, threading
def bytes_():
    while True:
        os.write(1, b"\\x1b[2J" + b"A" * 2**16)
def lines():
    number = 0
    while True:
        number += 1
        print(f"line {number}", file=sys.stderr)
for what in (bytes_, lines, bytes_):
    threading.Thread(target=what, daemon=True).start()
"""
        + HONEST,
        target=CHANNELS,
        earns=POINTS,
    ),
    Attack(
        "exceptions",
        "raises another exception at each call, with a text of megabytes, a chain of a hundred causes, and notes",
        """
def inception_output_channels(*args, **kwargs):
    error = None
    for number in range(100):
        new = type(f"Error{number}" * 1000, (ValueError,), {})("words " * 10**5)
        new.__cause__, error = error, new
    error.add_note("note " * 10**6)
    raise error
""",
        target=CHANNELS,
        verdicts=frozenset({"raised", "wrong"}) | LATE,
    ),
]
