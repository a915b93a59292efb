"""The kernel's part of the lockdown, on Linux: capabilities, Landlock, seccomp. Each holds until the process ends.

Whatever was asked for and cannot be had is an OSError: a worker that is not locked down never sees a learner's byte.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
from dataclasses import dataclass
from typing import Any

from .control import Setup

# Stands in a filter where the process's own number belongs, which it alone knows; see learner/syscalls.py.
OWN_PID = 0x7ACE51DE
DEVICES_READ = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
DEVICE_WRITTEN = "/dev/null"
_LOW = 8
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277, "riscv64": 277}
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
_CAPABILITY_VERSION_3 = 0x20080522
_INSTRUCTION = struct.Struct("=HBBI")


@dataclass(slots=True)
class Locks:
    """What a worker is to give up. `ruleset` is Landlock's, made once where it is the same for every worker."""

    setup: Setup
    ruleset: Any = None

    @classmethod
    def of(cls, setup: Setup) -> Locks:
        """Made in the zygote, so that no worker pays for what all of them need."""
        locks = cls(setup)
        if setup.landlock:
            import landlockpy

            landlockpy.abi_version()
            if not setup.place:
                taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(_LOW)]  # a worker has use for low numbers
                locks.ruleset = locks.rules("")
                for descriptor in taken:
                    os.close(descriptor)
        if setup.landlock or setup.syscalls:
            _libc()
        return locks

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What has to stay open until `lock`."""
        return () if self.ruleset is None else (self.ruleset.fileno(),)

    def lock(self, directory: str) -> None:
        """Give it up, for good. `directory` is the one place left to write to, "" for none."""
        if self.setup.landlock or self.setup.syscalls:
            _drop_capabilities()
        if self.setup.landlock:
            with self.ruleset or self.rules(directory) as ruleset:
                ruleset.restrict()
        if self.setup.syscalls:
            _seccomp(self.setup.syscalls, every_thread=bool(self.setup.devices))

    def rules(self, directory: str) -> Any:
        """What may be opened, as a ruleset of Landlock's."""
        from landlockpy import AccessFS, Ruleset, Scope

        read = AccessFS.READ_FILE | AccessFS.READ_DIR
        write = AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.REFER  # the last: to rename from folder to folder
        write |= AccessFS.MAKE_REG | AccessFS.MAKE_DIR | AccessFS.REMOVE_FILE | AccessFS.REMOVE_DIR
        ruleset = Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL)
        for path in self.setup.readable or _all_but_processes(self.setup.place):
            ruleset.allow_path(path, read if os.path.isdir(path) else AccessFS.READ_FILE)
        for path in DEVICES_READ:
            ruleset.allow_path(path, AccessFS.READ_FILE)
        ruleset.allow_path(DEVICE_WRITTEN, AccessFS.WRITE_FILE | AccessFS.TRUNCATE)
        for path in self.setup.told:
            ruleset.allow_path(path, read if os.path.isdir(path) else AccessFS.READ_FILE)
        for path in self.setup.devices:  # IOCTL_DEV: all that a driver is asked for goes by that call
            ruleset.allow_path(path, AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.IOCTL_DEV)
        if directory:
            ruleset.allow_path(directory, read | write)
        return ruleset


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _drop_capabilities() -> None:
    """Root without its powers: only matters where the grader itself runs as root and there is no box."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    number = {"x86_64": 126, "aarch64": 91, "riscv64": 91}.get(os.uname().machine)
    if number is not None:
        _checked(_libc().syscall(number, header, bytes(24)), "capset")


def _all_but_processes(place: str) -> tuple[str, ...]:
    """What a box shows, apart from what it shows of its processes and of other workers' folders."""
    hidden = {"/proc", "/dev", *("/" + part for part in place.split("/")[1:2])}
    found = [entry.path for entry in os.scandir("/") if not entry.is_symlink()]
    return tuple(path for path in found if path not in hidden)


def _seccomp(program: bytes, *, every_thread: bool = False) -> None:
    """Load a classic BPF program, this process's number put in its place.

    `every_thread`: also for those that are there already, which the driver of a GPU has started. Any later one has it
    from whoever starts it.
    """
    own = os.getpid()
    code = bytearray()
    for operation, true, false, value in _INSTRUCTION.iter_unpack(program):
        code += _INSTRUCTION.pack(operation, true, false, own if value == OWN_PID else value)
    memory = ctypes.create_string_buffer(bytes(code), len(code))
    fprog = struct.pack("=HxxxxxxQ", len(code) // _INSTRUCTION.size, ctypes.addressof(memory))  # struct sock_fprog
    libc = _libc()
    zero = ctypes.c_ulong(0)
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero), "no_new_privs")
    if every_thread:
        number = _SECCOMP_CALL[os.uname().machine]
        set_filter, all_of_them = ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC)
        _checked(libc.syscall(ctypes.c_long(number), set_filter, all_of_them, ctypes.c_char_p(fprog)), "seccomp")
        return
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    _checked(libc.prctl(_PR_SET_SECCOMP, mode, ctypes.c_char_p(fprog), zero, zero), "seccomp")
