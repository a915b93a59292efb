"""Stopping, steering or outliving others: parent, siblings, the grader, every process that has a number.

A module with bans is graded by two workers that live at once, one of them without the guard: each is a sibling to the
other, and tries to be rid of it.
"""

from __future__ import annotations

from ..attack import DEAD, Attack
from .kernel import ANSWER, CALLS, DOORS

# Whoever may be there: pid 1 of the namespace, the zygote, siblings, the grader; and those whose numbers are near.
OTHERS = """
import os, signal
mine = os.getpid()
near = [pid for pid in range(max(1, mine - 60), mine + 60) if pid != mine]
others = list(dict.fromkeys([os.getppid(), 1, $GRADER, *near]))
def each(what):
    # Answers whom it worked on; where on nobody, what the refusal was where there was somebody.
    worked, refusal = [], None
    for pid in others:
        try:
            what(pid)
        except OSError as error:
            if refusal is None or error.errno not in (2, 3):
                refusal = error
        else:
            worked.append(pid)
    if not worked:
        raise refusal
    return worked
"""
HONEST = """
def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    if min(ch1x1, ch3x3, ch5x5, pool_proj) < 1:
        raise ValueError("ch1x1, ch3x3, ch5x5 and pool_proj are numbers of channels: at least 1 each")
    return ch1x1 + ch3x3 + ch5x5 + pool_proj
"""
CHANNELS = "ex09_inception::inception_output_channels"
POINTS = 2.0

ATTACKS = [
    Attack(
        "signals",
        "sends every kind of deadly signal to parent, siblings, the grader, its group and everybody",
        CALLS
        + OTHERS
        + """
info = ctypes.create_string_buffer(128)
def send():
    doors(
        kill=lambda: each(lambda pid: os.kill(pid, 9)), stop=lambda: each(lambda pid: os.kill(pid, signal.SIGSTOP)),
        nothing=lambda: each(lambda pid: os.kill(pid, 0)), group=lambda: each(lambda pid: os.killpg(pid, 9)),
        everybody=lambda: os.kill(-1, 9), own_group=lambda: os.kill(0, 9), own_killpg=lambda: os.killpg(0, 9),
        tkill=lambda: each(lambda pid: call("tkill", pid, 9)),
        tgkill=lambda: each(lambda pid: call("tgkill", pid, pid, 9)),
        queue=lambda: each(lambda pid: call("rt_sigqueueinfo", pid, 9, info)),
        queue_thread=lambda: each(lambda pid: call("rt_tgsigqueueinfo", pid, pid, 9, info)),
        pidfd=lambda: each(lambda pid: signal.pidfd_send_signal(os.pidfd_open(pid), 9)),
        any_pidfd=lambda: [signal.pidfd_send_signal(fd, 9) for fd in range(64)],
    )
send()
def pixel_cross_entropy(*args, **kwargs):  # has checks with bans and checks without
    send()
    raise SystemExit  # ends the check, and no worker
""",
        target="ex10_fcn::pixel_cross_entropy",
        verdicts=DEAD,
    ),
    Attack(
        "signals_by_descriptor",
        "has the kernel send the signals: by the owner of a descriptor, by a timer, by joining or ending a group",
        CALLS
        + OTHERS
        + """
import fcntl, struct
page = ctypes.create_string_buffer(4096)
number = lambda pid: ctypes.byref(ctypes.c_int(pid))
doors(
    owner=lambda: each(lambda pid: call("fcntl", 3, 8, pid)), signal=lambda: call("fcntl", 3, 10, 9),
    owner_ex=lambda: each(lambda pid: call("fcntl", 3, 15, struct.pack("ii", 1, pid))),
    notify=lambda: call("fcntl", os.open(os.path.dirname(os.__file__), os.O_RDONLY), 1026, 0x8000001F),
    lease=lambda: call("fcntl", 1, 1024, 1), set_owner=lambda: each(lambda pid: call("ioctl", 3, 0x8901, number(pid))),
    set_group=lambda: each(lambda pid: call("ioctl", 3, 0x8902, number(pid))),
    asynchronous=lambda: call("ioctl", 3, 0x5452, number(1)), timer=lambda: call("timer_create", 0, page, page),
    message=lambda: call("mq_open", text("q"), 0x42, 0o600, 0), of_parent=lambda: call("prctl", 1, 9, 0, 0, 0),
    setpgid=lambda: each(lambda pid: os.setpgid(0, pid)), others_group=lambda: each(lambda pid: os.setpgid(pid, 0)),
    session=lambda: os.setsid(), foreground=lambda: os.tcsetpgrp(0, mine), hangup=lambda: call("vhangup"),
    typed=lambda: [call("ioctl", fd, 0x5412, ctypes.byref(ctypes.c_char(b"x"))) for fd in range(3)],
    robust=lambda: each(lambda pid: call("get_robust_list", pid, page, page)),
    terminal=lambda: os.openpty(), console=lambda: os.open("/dev/tty", os.O_RDWR),
)
"""
        + ANSWER,
    ),
    Attack(
        "memory_of_others",
        "attaches to parent, siblings and the grader, reads and writes their memory, takes their descriptors",
        CALLS
        + OTHERS
        + """
page = ctypes.create_string_buffer(4096)
def vector():
    return ctypes.byref((ctypes.c_long * 2)(ctypes.addressof(page), 4096))
def file(name, how):
    return each(lambda pid: os.close(os.open(f"/proc/{pid}/{name}", how)))
doors(
    attach=lambda: each(lambda pid: call("ptrace", 16, pid, 0, 0)),
    seize=lambda: each(lambda pid: call("ptrace", 0x4206, pid, 0, 0)), traced=lambda: call("ptrace", 0, 0, 0, 0),
    read=lambda: each(lambda pid: call("process_vm_readv", pid, vector(), 1, vector(), 1, 0)),
    write=lambda: each(lambda pid: call("process_vm_writev", pid, vector(), 1, vector(), 1, 0)),
    descriptor=lambda: each(lambda pid: call("pidfd_getfd", call("pidfd_open", pid, 0), 3, 0)),
    compare=lambda: each(lambda pid: call("kcmp", mine, pid, 1, 0, 0)),
    advise=lambda: each(lambda pid: call("process_madvise", pid, vector(), 1, 21, 0)),
    move=lambda: each(lambda pid: call("move_pages", pid, 1, vector(), 0, page, 2)),
    migrate=lambda: each(lambda pid: call("migrate_pages", pid, 64, page, page)),
    mem=lambda: file("mem", os.O_RDWR), read_mem=lambda: file("mem", os.O_RDONLY),
    environ=lambda: file("environ", os.O_RDONLY), maps=lambda: file("maps", os.O_RDONLY),
    command=lambda: file("cmdline", os.O_RDONLY), descriptors=lambda: file("fd/3", os.O_RDONLY),
    disk=lambda: file("root", os.O_RDONLY), core=lambda: file("coredump_filter", os.O_RDWR),
    dumpable=lambda: call("prctl", 4, 1, 0, 0, 0), tracer=lambda: call("prctl", 0x59616D61, -1, 0, 0, 0),
)
"""
        + ANSWER,
    ),
    Attack(
        "starving_others",
        "takes processor time, memory and open files away from others by their priorities, masks and limits",
        CALLS
        + OTHERS
        + """
import resource
lowest = os.sched_param(1)
score = lambda pid: open(f"/proc/{pid}/oom_score_adj", "w").write("1000")
doors(
    nice=lambda: each(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19)),
    nice_group=lambda: each(lambda pid: os.setpriority(os.PRIO_PGRP, pid, 19)),
    nice_user=lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19), own_nice=lambda: os.nice(-5),
    mask=lambda: each(lambda pid: os.sched_setaffinity(pid, {0})), own_mask=lambda: os.sched_setaffinity(0, {0}),
    idle=lambda: each(lambda pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))),
    real_time=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, lowest),
    deadline=lambda: call("sched_setattr", 0, ctypes.create_string_buffer(b"\\x30" + b"\\0" * 55), 0),
    disk=lambda: each(lambda pid: call("ioprio_set", 1, pid, 3 << 13)),
    limit=lambda: each(lambda pid: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))),
    look=lambda: each(lambda pid: resource.prlimit(pid, resource.RLIMIT_AS)),
    out_of_memory=lambda: each(score), own_score=lambda: score(mine), policy=lambda: call("set_mempolicy", 1, 0, 0),
    group=lambda: open("/sys/fs/cgroup/cgroup.procs", "w").write(str(os.getppid())),
)
"""
        + ANSWER,
    ),
    Attack(
        "outliving",
        "clears the signal that its parent's death sends, leaves its session, and forks a daemon in every way there is",
        CALLS
        + """
import multiprocessing, pty, subprocess, sys, concurrent.futures
def daemon():
    got = _libc.daemon(0, 0)
    if got == -1:
        raise OSError(ctypes.get_errno(), "daemon")
    os._exit(0)
clone = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: 0)
stack = ctypes.create_string_buffer(65536)
def libc_clone():
    got = _libc.clone(clone, ctypes.c_void_p(ctypes.addressof(stack) + 65000), 17, None)
    if got == -1:
        raise OSError(ctypes.get_errno(), "clone")
    return got
def pool():
    with concurrent.futures.ProcessPoolExecutor(1) as made:
        return made.submit(os.getpid).result(1)
def started():
    process = multiprocessing.get_context("fork").Process(target=os.getpid)
    process.start()
    return process.pid
quiet_doors(
    parents_death=lambda: call("prctl", 1, 0, 0, 0, 0), adopt=lambda: call("prctl", 36, 1, 0, 0, 0),
    session=lambda: os.setsid(), group=lambda: os.setpgid(0, 0), fork=lambda: os.fork(), forkpty=lambda: pty.fork(),
    daemon=daemon, libc_clone=libc_clone, raw_fork=lambda: call("fork"), raw_vfork=lambda: call("vfork"),
    raw_clone=lambda: call("clone", 17, 0, 0, 0, 0), raw_clone3=lambda: call("clone3", stack, 88), started=started,
    pool=pool, popen=lambda: subprocess.Popen(["sleep", "1000"], start_new_session=True).pid,
)
"""
        + ANSWER,
    ),
    Attack(
        "own_descriptors",
        "makes every descriptor it has not block, throws away its output and its input, and answers as if nothing were",
        DOORS
        + """
import fcntl, os
for fd in (0, 1, 2):
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND | os.O_ASYNC | (os.O_DIRECT if fd else 0))
"""
        + HONEST.replace("    if min", "    os.closerange(0, 3)\n    if min"),
        target=CHANNELS,
        earns=POINTS,
    ),
    Attack(
        "own_channel",
        "closes the channel it answers through, makes it not block, or puts its output in its place",
        """
import fcntl, os
def inception_output_channels(*args, **kwargs):
    if kwargs:
        os.close(3)
    elif min(args) < 0:
        os.dup2(1, 3)
    else:
        fcntl.fcntl(3, fcntl.F_SETFL, os.O_NONBLOCK)
    return sum(args)
""",
        target=CHANNELS,
        verdicts=DEAD,
    ),
]
