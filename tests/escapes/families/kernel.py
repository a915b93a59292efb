"""Asking the kernel for more: every system call that no exercise needs, other ways in, other rights, other devices.

Numbers of system calls are looked up by name, so that each attack means the same on every architecture.
"""

from __future__ import annotations

from grader.learner import syscalls

from ..attack import DEAD, Attack

# Tries many ways in, and says in one line a kind of refusal which stayed shut; `quiet_doors` lets nothing out that
# others write meanwhile. Of what is printed, the report keeps the first part alone.
DOORS = """
import contextlib, errno, gc, os
def tried(ways):
    opened, shut = {}, {}
    for name, way in ways.items():
        try:
            opened[name] = repr(way())[:200]
        except OSError as error:
            shut.setdefault(errno.errorcode.get(error.errno, type(error).__name__), []).append(name)
        except BaseException as error:
            shut.setdefault(type(error).__name__, []).append(name)
    return opened, shut
def doors(tried=tried, **ways):
    opened, shut = tried(ways)
    for name, got in opened.items():
        print("GOT", name, got)
    for kind, names in shut.items():
        print("REFUSED", kind, *names)
def silently(ways):
    kept, null = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(null, fd)
    try:
        return tried(ways)
    finally:
        gc.collect()
        for fd, old in zip((1, 2), kept):
            os.dup2(old, fd)
        for old in (*kept, null):
            os.close(old)
def quiet_doors(**ways):
    doors(silently, **ways)
"""


def _numbers() -> dict[str, int]:
    """Every system call that libseccomp knows here, but for those that any process may end or trap itself with."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return {}  # then there is no filter, and no run of these attacks
    native = pyseccomp.Arch.NATIVE
    names = (*syscalls.ALLOWED, *syscalls.REFUSED, *_CONDITIONAL, *_UNNAMED)
    found = {name: pyseccomp.resolve_syscall(native, name) for name in names}
    return {name: number for name, number in found.items() if number >= 0}


_CONDITIONAL = ("clone", "tgkill", "prlimit64", "prctl", "ioctl", "fcntl", "open", "openat", "mmap")
_UNNAMED = ("clone3", "openat2", "close_range", "quotactl_fd", "timer_create", "epoll_ctl")
_KNOWN = _numbers()
_OPEN = sorted(_KNOWN[name] for name in (*syscalls.ALLOWED, *_CONDITIONAL) if name in _KNOWN)

# `call("unshare", 0x10000000)` makes a system call past every wrapper; an error is an OSError.
CALLS = (
    DOORS
    + f"NUMBERS = {_KNOWN}\n"
    + """
import ctypes, os
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
def raw(number, *arguments):
    got = _libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if type(a) is int else a for a in arguments])
    return -ctypes.get_errno() if got == -1 else got
def call(name, *arguments):
    got = raw(NUMBERS[name], *arguments) if name in NUMBERS else -errno.ENOSYS
    if got < 0:
        raise OSError(-got, os.strerror(-got))
    return got
def text(value):
    return ctypes.c_char_p(value.encode())
"""
)
# `machine(code)` makes a function of machine code.
MACHINE = """
import ctypes, mmap, platform, signal
_pages = []
def machine(code):
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    page.write(code)
    _pages.append(page)
    return ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_void_p)(
        ctypes.addressof(ctypes.c_char.from_buffer(page)))
"""
ANSWER = "\ndef conv_output_size(*args, **kwargs):\n    return -1\n"

ATTACKS = [
    Attack(
        "every_system_call",
        "makes every system call that has a number, also with a number whose upper half is set, and keeps what works",
        # 335 and 336 are the kernel's own traps of uprobes on x86-64, past every filter: a signal for who calls them.
        CALLS
        + f"skipped = {{*{_OPEN}, *((335, 336) if os.uname().machine == 'x86_64' else ())}}\n"
        + """
page = ctypes.create_string_buffer(4096)
def sweep():
    works = []
    for number in range(1024):
        if number in skipped:
            continue
        for arguments in ((0,) * 6, (-1,) * 6, (1,) * 6, (page,) * 6):
            for half in (0, 1 << 32):
                got = raw(number + half, *arguments)
                if got not in (-errno.EPERM, -errno.ENOSYS):
                    works.append((number, got))
    return works
attempt(sweep)
"""
        + ANSWER,
        gets=r"\[\]",
    ),
    Attack(
        "every_argument",
        "tries every command of fcntl, ioctl, prctl and clone, every limit and thread of others, and upper halves",
        CALLS
        + f"FCNTL, IOCTL, PRCTL = {syscalls._FCNTL}, {syscalls._IOCTL}, {syscalls._PRCTL}\n"
        + """
import fcntl
THREAD, UP, mine = 0x10000, 1 << 32, os.getpid()
page = ctypes.create_string_buffer(4096)
tries = [("fcntl", fd, n, arg) for fd in (1, 3) for n in range(1100) if n not in FCNTL for arg in (0, mine, page)]
tries += [("fcntl", 3, n + UP, page) for n in range(1100)]
# FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX, FIOASYNC, FICLONE, BLKFLSBUF, FS_IOC_SETFLAGS, FIBMAP and their kind
tries += [("ioctl", fd, n, page) for fd in (0, 1, 3) for n in range(0x5400, 0x5500) if n not in IOCTL]
tries += [("ioctl", 3, n, page) for n in (0x8901, 0x8902, 0x8903, 0x8912, 0x40049409, 0x1261, 0x40086602, 1, 2)]
tries += [("ioctl", 3, n + UP, page) for n in range(0x5400, 0x5500)]
tries += [("prctl", n, a, 0, 0, 0) for n in (*range(100), 0x53564d41, 0x59616d61, 0x41555856)
          for a in (0, 1, 9, page) if n not in PRCTL]
tries += [("prctl", n + UP, page, 0, 0, 0) for n in range(100)]
tries += [("prlimit64", pid, what, None, page) for pid in (1, os.getppid(), mine, UP, -1) for what in range(16)]
tries += [("tgkill", pid, pid, s) for pid in (*range(300), UP + mine, -1) if pid != mine for s in (0, 9, 19)]
tries += [("tkill", pid, 9) for pid in range(300)]
# a new process, with and without what a thread shares; each kind of namespace; the flag of threads in the upper half
tries += [("clone", flags, 0, 0, 0, 0) for flags in (0, 17, 0x100, 0x4111, 0x10000000, 0x20000000, 0x40000000,
                                                     THREAD << 32, 0x7E020000, 0x8000, 0x2000, 0x100000000)]
def sweep():
    works = []
    for name, *arguments in tries:
        got = raw(NUMBERS[name], *arguments)
        if got == 0 and name == "clone":
            os._exit(0)
        if got not in (-errno.EPERM, -errno.ENOSYS):
            works.append((name, *[a for a in arguments if type(a) is int], got))
    return works
attempt(sweep)
"""
        + ANSWER,
        gets=r"\[\]",
    ),
    Attack(
        "threads_with_more",
        "starts a thread that is to be in namespaces, with descriptors or a parent of its own",
        CALLS
        + """
WHOLE = 0x10000 | 0x800 | 0x100  # a thread: shares memory and signal handlers
ways = dict(new_mounts=0x20000, new_user=0x10000000, new_pid=0x20000000, new_net=0x40000000, new_ipc=0x08000000,
            new_uts=0x04000000, new_cgroup=0x02000000)
doors(**{name: lambda flag=flag: call("clone", WHOLE | flag, 0, 0, 0, 0) for name, flag in ways.items()})
"""
        + ANSWER,
    ),
    Attack(
        "foreign_entries",
        "enters the kernel as a 32-bit and as an x32 program, whose system calls have other numbers",
        MACHINE
        + """
INT_80, X32 = bytes.fromhex("b802000000cd80c3"), bytes.fromhex("b8390000400f05c3")  # fork, each by its own number
def conv_output_size(*args, **kwargs):
    if platform.machine() != "x86_64":
        signal.raise_signal(signal.SIGKILL)
    code = X32 if kwargs else INT_80
    print("came back with", machine(code)(0, None))
    return -1
""",
        verdicts=DEAD,
        says="SIGSYS",
    ),
]
