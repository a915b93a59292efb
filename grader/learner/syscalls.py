"""The system calls a worker may make: a seccomp filter, built once here and loaded by every worker after its fork.

An allow-list: what computing on a processor needs. What a learner may well try by mistake (a child process, a socket)
answers "operation not permitted", which Python says as a PermissionError; what nobody knows answers "not implemented",
so that the C library falls back to what it did before there was such a call. Another architecture's calls kill.
"""

from __future__ import annotations

import errno
import functools
import tempfile
from typing import Any

from grader.worker.lockdown import OWN_PID


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Seen in use by training, attention, SVD, FFT, jit, vmap, saving and loading, and numpy.
ALLOWED = _words("""
    read write readv writev pread64 pwrite64 lseek close fstat stat lstat newfstatat statx access faccessat
    faccessat2 openat open getcwd getdents64 mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2
    ftruncate fsync fdatasync dup dup2 dup3 poll ppoll select pselect6 chdir fchdir umask flock
    mmap munmap mremap mprotect madvise brk membarrier
    futex futex_waitv set_robust_list get_robust_list rseq sched_yield sched_getaffinity sched_getparam
    sched_getscheduler sched_get_priority_max sched_get_priority_min get_mempolicy getcpu
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack rt_sigtimedwait rt_sigsuspend restart_syscall pause
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage sysinfo uname getrandom
    setitimer getitimer alarm getpid gettid getppid getuid geteuid getgid getegid getgroups getpgrp getpgid getsid
    getresuid getresgid getrlimit getpriority exit exit_group arch_prctl set_tid_address wait4 waitid
""")
# Plain refusals, by name: all that starts, reaches, watches or stops something else, or asks the kernel for more.
REFUSED = _words("""
    fork vfork execve execveat kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_getfd pidfd_send_signal
    ptrace process_vm_readv process_vm_writev process_madvise kcmp
    socket socketpair connect bind listen accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg
    shutdown getsockname getpeername setsockopt getsockopt
    memfd_create memfd_secret shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semctl semtimedop
    mq_open mq_unlink pipe pipe2 eventfd eventfd2 epoll_create epoll_create1 inotify_init inotify_init1 signalfd
    signalfd4 timerfd_create userfaultfd io_uring_setup io_uring_enter io_uring_register io_setup io_submit
    keyctl add_key request_key bpf perf_event_open seccomp landlock_create_ruleset landlock_add_rule
    landlock_restrict_self
    unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff syslog acct quotactl
    setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups setpgid setsid capset capget
    chmod fchmod fchmodat chown fchown lchown fchownat link linkat symlink symlinkat mknod mknodat truncate utime utimes
    utimensat futimesat setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr readlink readlinkat name_to_handle_at
    open_by_handle_at fanotify_init lookup_dcookie sethostname setdomainname settimeofday clock_settime adjtimex
    clock_adjtime setpriority ioprio_set sched_setaffinity sched_setparam sched_setscheduler sched_setattr set_mempolicy
    mbind migrate_pages move_pages mlock mlock2 mlockall personality iopl ioperm modify_ldt vhangup nfsservctl
    remap_file_pages splice tee vmsplice sync syncfs creat setrlimit
""")
_THREAD = 0x10000  # CLONE_THREAD
_PRCTL = (15, 16)  # PR_SET_NAME, PR_GET_NAME
_IOCTL = (0x5401, 0x5413, 0x541B)  # TCGETS, TIOCGWINSZ, FIONREAD
# What a GPU's driver is asked: NVIDIA's calls have the type 'F', those of its memory manager are plain numbers, and its
# beginning and end. (mask, value) of the call's number.
_GPU_IOCTL = ((0xFF00, 0x4600), (0xFFFFFF00, 0), (0xFFFFFFFF, 0x30000001), (0xFFFFFFFF, 0x30000002))
# What CUDA makes for itself now and then, all of it within this process.
_GPU_ALLOWED = _words("eventfd2 pipe2 mlock munlock mbind set_mempolicy")
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030)  # F_DUPFD to F_SETLKW, F_DUPFD_CLOEXEC; not F_SETOWN, which sends signals


class NoSeccomp(Exception):
    """Why there is no filter on this machine; a sentence."""


@functools.cache
def program(*, gpu: bool = False) -> bytes:
    """The filter as a classic BPF program in which OWN_PID stands for the worker's number. Raises NoSeccomp.

    `gpu`: with what the driver of a GPU is asked by, which is a wide door into the kernel.
    """
    library = _library()
    allow = library.ALLOW
    refuse = library.ERRNO(errno.EPERM)
    rules = library.SyscallFilter(library.ERRNO(errno.ENOSYS))
    rules.set_attr(library.Attr.ACT_BADARCH, library.KILL_PROCESS)
    for name in (*ALLOWED, *(_GPU_ALLOWED if gpu else ())):
        _add(library, rules, allow, name)
    for name in REFUSED:
        if not gpu or name not in _GPU_ALLOWED:
            _add(library, rules, refuse, name)
    equal, masked = library.EQ, library.MASKED_EQ
    _add(library, rules, allow, "clone", library.Arg(0, masked, _THREAD, _THREAD))
    _add(library, rules, refuse, "clone", library.Arg(0, masked, _THREAD, 0))
    _add(library, rules, allow, "tgkill", library.Arg(0, equal, OWN_PID))  # raise() and abort()
    _add(library, rules, allow, "prlimit64", library.Arg(0, equal, 0))
    for mask, value in _GPU_IOCTL if gpu else ():
        _add(library, rules, allow, "ioctl", library.Arg(1, masked, mask, value))
    for name, place, values in (("prctl", 0, _PRCTL), ("ioctl", 1, _IOCTL), ("fcntl", 1, _FCNTL)):
        for value in values:
            _add(library, rules, allow, name, library.Arg(place, equal, value))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(library: Any, rules: Any, action: int, name: str, *arguments: Any) -> None:
    """A call that this architecture, or this version of the library, does not know is left to the default."""
    number = library.resolve_syscall(library.Arch.NATIVE, name)
    if number >= 0:
        rules.add_rule_exactly(action, number, *arguments)


def _library() -> Any:
    try:
        import pyseccomp
    except ImportError as error:
        raise NoSeccomp(f"the Python package pyseccomp is not there ({error})") from None
    except RuntimeError:
        raise NoSeccomp("the library libseccomp is not there: install libseccomp2 (Fedora: libseccomp)") from None
    except OSError as error:
        raise NoSeccomp(f"libseccomp cannot be loaded: {error}") from None
    return pyseccomp
