"""More rights than any exercise needs: namespaces, capabilities, keys, programs, devices, memory of the machine."""

from __future__ import annotations

from ..attack import Attack
from .kernel import ANSWER, CALLS, DOORS

ATTACKS = [
    Attack(
        "more_rights",
        "asks for namespaces, mounts, capabilities, other users, keys, code in the kernel, another clock, a reboot",
        CALLS
        + """
page = ctypes.create_string_buffer(b"\\0" * 4096)
here = text(os.environ["HOME"])
attr = ctypes.create_string_buffer(b"\\1\\0\\0\\0\\x80\\0\\0\\0", 128)  # perf: software, 128 bytes
full = ctypes.create_string_buffer(b"\\xff" * 24)
header = ctypes.create_string_buffer(b"\\x22\\x05\\x08\\x20\\0\\0\\0\\0")
doors(
    unshare_user=lambda: call("unshare", 0x10000000), unshare_net=lambda: call("unshare", 0x40000000),
    unshare_files=lambda: call("unshare", 0x400), setns=lambda: call("setns", 3, 0),
    clone_user=lambda: call("clone", 0x10000011, 0, 0, 0, 0), clone3=lambda: call("clone3", page, 64),
    mount=lambda: call("mount", text("none"), here, text("tmpfs"), 0, 0), umount=lambda: call("umount2", text("/"), 2),
    pivot_root=lambda: call("pivot_root", here, here), chroot=lambda: os.chroot("/"),
    fsopen=lambda: call("fsopen", text("tmpfs"), 0), open_tree=lambda: call("open_tree", -100, text("/"), 1),
    capset=lambda: call("capset", header, full), setuid=lambda: os.setuid(0), setgid=lambda: os.setgid(0),
    setgroups=lambda: os.setgroups([0]), setfsuid=lambda: call("setfsuid", 1000),
    personality=lambda: call("personality", 0x40000), modify_ldt=lambda: call("modify_ldt", 0, page, 64),
    iopl=lambda: call("iopl", 3), ioperm=lambda: call("ioperm", 0x80, 1, 1),
    keyctl=lambda: call("keyctl", 0, -3, 1), add_key=lambda: call("add_key", text("user"), text("k"), here, 3, -4),
    request_key=lambda: call("request_key", text("user"), text("k"), 0, -4),
    bpf=lambda: call("bpf", 0, page, 72), perf=lambda: call("perf_event_open", attr, 0, -1, -1, 0),
    userfaultfd=lambda: call("userfaultfd", 1), io_uring=lambda: call("io_uring_setup", 4, page),
    aio=lambda: call("io_setup", 4, page), seccomp=lambda: call("seccomp", 1, 0, page),
    landlock=lambda: call("landlock_create_ruleset", 0, 0, 1), fanotify=lambda: call("fanotify_init", 0x200, 0),
    handle=lambda: call("name_to_handle_at", -100, text("/"), page, page, 0),
    by_handle=lambda: call("open_by_handle_at", 3, page, 0), device=lambda: os.mknod("d", 0o20666, os.makedev(1, 1)),
    fifo=lambda: os.mkfifo("f"), hostname=lambda: call("sethostname", text("mine"), 4),
    domain=lambda: call("setdomainname", text("mine"), 4), clock=lambda: call("clock_settime", 0, page),
    time_of_day=lambda: call("settimeofday", page, 0), adjtimex=lambda: call("adjtimex", page),
    kernel_log=lambda: call("syslog", 10, 0, 0), acct=lambda: call("acct", 0),
    quota=lambda: call("quotactl", 0, 0, 0, 0), kexec=lambda: call("kexec_load", 0, 0, 0, 0),
    reboot=lambda: call("reboot", 0xFEE1DEAD - 2**32, 672274793, 0, 0),
    module=lambda: call("delete_module", text("nothing"), 0), swap=lambda: call("swapoff", text("/none")),
    hangup=lambda: call("vhangup"), secret=lambda: call("memfd_secret", 0),
    timer=lambda: call("timer_create", 0, 0, page),
    path_by_rule=lambda: call("openat2", -100, text("/"), page, 24),
)
"""
        + ANSWER,
    ),
    Attack(
        "other_programs",
        "runs a shell, a setuid program, the interpreter again and a program that it wrote into memory or a file",
        CALLS
        + """
import pty, shutil, subprocess, sys
void = (ctypes.c_char_p * 2)(b"sh", None)
def written():
    name = os.path.join(os.environ["HOME"], "program")
    with open(name, "wb") as file:
        file.write(b"#!/bin/sh\\necho out\\n")
    os.chmod(name, 0o755)
    return os.execv(name, [name])
def unless_refused(status):
    if status in (-1, 127 << 8):  # what libc says of a child that it could not make
        raise PermissionError(errno.EPERM, "no child")
    return status
quiet_doors(
    system=lambda: unless_refused(os.system("id")), libc=lambda: unless_refused(_libc.system(b"id")),
    popen=lambda: os.popen("id").read(),
    run=lambda: subprocess.run(["/bin/sh", "-c", "id"]), spawn=lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
    execv=lambda: os.execv("/bin/sh", ["sh"]), setuid=lambda: os.execv("/usr/bin/su", ["su"]),
    again=lambda: os.execv(sys.executable or "/proc/self/exe", ["python"]),
    self=lambda: os.execv("/proc/self/exe", ["python"]),
    at=lambda: call("execveat", 3, text(""), void, 0, 0x1000), memory=lambda: os.memfd_create("program"),
    written=written, terminal=lambda: pty.spawn(["/bin/sh"]), vfork=lambda: call("vfork"),
)
"""
        + ANSWER,
    ),
    Attack(
        "devices_and_switches",
        "opens disks, the memory and the log of the kernel, terminals, and the switches in /proc and /sys",
        DOORS
        + """
import os
names = ("mem", "kmem", "kmsg", "port", "sda", "vda", "nvme0n1", "ptmx", "pts/ptmx", "tty", "tty1", "console", "fuse",
         "kvm", "net/tun", "vhost-net", "vsock", "watchdog", "random", "full", "shm/x", "mqueue/x")
switches = ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/self/mem",
            "/proc/1/root/etc/passwd", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs", "/sys/power/state")
paths = {name: "/dev/" + name for name in names} | {path: path for path in switches}
ways = {f"write_{name}": lambda path=path: os.open(path, os.O_WRONLY | os.O_NONBLOCK) for name, path in paths.items()}
del paths["random"]  # may be read
doors(**{f"read_{name}": lambda path=path: os.open(path, os.O_RDONLY) for name, path in paths.items()}, **ways)
"""
        + ANSWER,
    ),
    Attack(
        "memory_of_the_machine",
        "maps page 0, makes a library writable for all, locks memory, and declares pages of the machine broken",
        CALLS
        + """
import mmap, torch
library = os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so")
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
page.write(b"x")
where = ctypes.addressof(ctypes.c_char.from_buffer(page))
shared = call("mmap", 0, 4096, 1, 1, os.open(library, os.O_RDONLY), 0)
doors(
    page_zero=lambda: call("mmap", 0, 4096, 3, 0x32, -1, 0), broken=lambda: call("madvise", where, 4096, 100),
    offline=lambda: call("madvise", where, 4096, 101), locked=lambda: call("mmap", 0, 64 << 20, 3, 0x2022, -1, 0),
    library=lambda: mmap.mmap(os.open(library, os.O_RDONLY), 4096, mmap.MAP_SHARED, mmap.PROT_WRITE),
    writable=lambda: call("mprotect", shared, 4096, 3), written=lambda: os.open(library, os.O_RDWR),
    punched=lambda: call("madvise", shared, 4096, 9), lock=lambda: call("mlock", where, 4096),
)
"""
        + ANSWER,
    ),
]
