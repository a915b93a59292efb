"""Looking for what is not theirs on the disk: checks, references, other submissions, tokens, processes, devices."""

from __future__ import annotations

from ..attack import DEAD, RAISED, Attack

ANSWER = "\ndef conv_output_size(*args, **kwargs):\n    return -1\n"

# `any_of` makes many tries and says in one line which of them came home with something.
ANY_OF = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def any_of(tries):
    got, kinds = {}, {}
    for name, what in tries.items():
        try:
            got[name] = what()
        except BaseException as error:
            kinds[type(error).__name__] = kinds.get(type(error).__name__, 0) + 1
    if not got:
        raise PermissionError(f"all of {len(tries)}: {kinds}")
    return got
def read(path):
    return open(path, "rb").read(4000)
def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"""

_STORES = """
def below(top):
    found = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    if not found:
        raise FileNotFoundError(top)
    return found[:5], read(found[0])[:200]
attempt(lambda: any_of({top: lambda top=top: below(top) for top in (
    "$SOLUTIONS", "$SOLUTIONS/misconceptions", "$SOLUTIONS/mutants", "$CHECKS", "$PROJECT/tests", "$PROJECT/exercises",
    "$TMP/decks", "$TMP/cache", "$TMP/home", "$TMP/handed_in", "$TMP", "/var/tmp", "$CLASS",
)}))
attempt(lambda: any_of({path: lambda path=path: read(path) for path in (
    "$SOLUTIONS/misconceptions/ex03_output_size.py", "$SOLUTIONS/mutants/ex03_output_size.toml",
    "$CHECKS/__pycache__/test_ex03_output_size.cpython-311.pyc", "$CHECKS/pytest.ini", "$PROJECT/exercises/course.toml",
    "$PROJECT/.git/HEAD", "$PROJECT/.git/index", "$SECRET", "$TMP/handed_in/ex03_output_size.py",
)}))
"""

_PROCESSES = """
OWN = ("self", "thread-self", os.getpid())
PIDS = (os.getppid(), $GRADER, 1, 2, *OWN)
LOOKS = ("mem", "environ", "cmdline", "maps", "status", "stat", "stack", "syscall", "root/etc/passwd", "cwd/README.md",
         "fd/3", "fd/4", "fd/5", "fd/6", "exe", "auxv", "task", "fdinfo/3", "mountinfo", "smaps", "pagemap", "io")
def look(pid, what):
    path = f"/proc/{pid}/{what}"
    if (pid, what) in {(own, "exe") for own in OWN}:
        return read("/Python itself may be read")
    return os.listdir(path) if what == "task" else read(path)
attempt(lambda: any_of({f"{pid}/{what}": lambda pid=pid, what=what: look(pid, what) for pid in PIDS for what in LOOKS}))
attempt(lambda: any_of({f"{pid}/{what}": lambda pid=pid, what=what: os.readlink(f"/proc/{pid}/{what}")
                        for pid in PIDS for what in ("exe", "cwd", "root", "fd/3", "ns/user")}))
attempt(lambda: any_of({name: lambda name=name: read(f"/proc/{name}") for name in (
    "cmdline", "kcore", "kmsg", "kallsyms", "keys", "meminfo", "mounts", "net/tcp", "net/unix",
    "sys/kernel/core_pattern", "sys/kernel/random/boot_id", "self/../1/environ", "./self/root/proc/1/environ")}))
attempt(lambda: os.listdir("/proc"))
attempt(lambda: any_of({str(pid): lambda pid=pid: read(f"/proc/{pid}/environ") for pid in range(1, 3000)}))
"""

_NUMBERS = """
def lives(call, *before):
    return [pid for pid in range(1, 2000) if call(*before, pid) >= 0 and pid != os.getpid()]
attempt(lambda: {call: "some" for call in ("getsid", "getpgid", "sched_getscheduler") if lives(getattr(libc, call))})
pid, head, size = $GRADER, ctypes.c_void_p(), ctypes.c_size_t()
attempt(lambda: checked(libc.syscall(274, pid, ctypes.byref(head), ctypes.byref(size))))  # get_robust_list
attempt(lambda: any_of({str(n): lambda n=n: checked(libc.syscall(n, pid, 0, 0, 0, 0, 0))
                        for n in (101, 310, 311, 312, 424, 434, 438)}))  # ptrace to pidfd_getfd
"""

_DOORS = """
import importlib.machinery, linecache, mmap, runpy, sqlite3, tokenize, zipfile
import numpy, torch
SECRET, SOURCE = "$SECRET", "$CHECKS/test_ex03_output_size.py"
def mapped(path):
    file = os.open(path, os.O_RDONLY)
    return mmap.mmap(file, 10, prot=mmap.PROT_READ)[:10]
def by_number(number, *args):
    return os.read(checked(libc.syscall(number, *args)), 100)
def below_folder():
    folder = os.open("$CHECKS", os.O_PATH | os.O_DIRECTORY)
    return os.read(os.open("test_ex03_output_size.py", os.O_RDONLY, dir_fd=folder), 100)
def after_chdir():
    os.chdir("$CHECKS")
    return read("test_ex03_output_size.py")
def lines(path):
    found = linecache.getlines(path)
    if not found:
        raise FileNotFoundError(path)
    return found
def library():
    return ctypes.CDLL(SECRET)
attempt(lambda: any_of({
    "mmap": lambda: mapped(SECRET), "path": lambda: os.read(os.open(SECRET, os.O_PATH), 100),
    "open": lambda: by_number(2, SECRET.encode(), 0), "openat": lambda: by_number(257, -100, SECRET.encode(), 0),
    "openat2": lambda: by_number(437, -100, SECRET.encode(), bytes(24), 24), "folder": below_folder,
    "chdir": after_chdir, "fromfile": lambda: numpy.fromfile(SECRET, dtype="u1"),
    "memmap": lambda: numpy.memmap(SECRET, dtype="u1", mode="r")[:9], "load": lambda: torch.load(SECRET),
    "from_file": lambda: torch.from_file(SECRET, size=9, dtype=torch.uint8), "lines": lambda: lines(SOURCE),
    "tokenize": lambda: tokenize.open(SOURCE).read(), "run": lambda: runpy.run_path(SOURCE),
    "loader": lambda: importlib.machinery.SourceFileLoader("x", SOURCE).get_source("x"),
    "sqlite": lambda: sqlite3.connect(SECRET).execute("select * from sqlite_master").fetchall(),
    "zip": lambda: zipfile.ZipFile(SECRET).namelist(), "library": library,
    "dots": lambda: read("/usr/lib/../.." + SECRET), "slashes": lambda: read("//" + SECRET.replace("/", "/./")),
}))
"""

_LINKS = """
HOME = os.environ["HOME"]
def through(make):
    path = os.path.join(HOME, "link")
    make("$SECRET", path)
    return read(path)
attempt(lambda: any_of({
    "symlink": lambda: through(os.symlink), "hard link": lambda: through(os.link), "rename": lambda: through(os.rename),
    "of a folder": lambda: (os.symlink("$CHECKS", HOME + "/f"), read(HOME + "/f/test_ex03_output_size.py")),
    "of an open file": lambda: os.link("/proc/self/fd/0", HOME + "/zero", follow_symlinks=False),
    "into the class": lambda: os.rename(HOME, "$CLASS/other/mine"), "exchange": lambda: checked(
        libc.syscall(316, -100, b"$SECRET", -100, (HOME + "/it").encode(), 2)),
    "mount": lambda: checked(libc.mount(b"$CHECKS", HOME.encode(), b"", 4096, None)),
}))
"""

_DEVICES = """
attempt(lambda: any_of({name: lambda name=name: (os.listdir if name == "shm" else read)(f"/dev/{name}") for name in (
    "mem", "kmem", "port", "kmsg", "shm", "tty", "ptmx", "console", "sda", "vda", "nvme0n1", "loop0", "fuse", "kvm",
    "fd/3", "fd/4", "mqueue", "vhost-net", "net/tun", "userfaultfd", "nvidiactl", "vsock", "hwrng", "cuse")}))
attempt(lambda: any_of({name: lambda name=name: read(f"/sys/{name}") for name in (
    "class/dmi/id/product_uuid", "class/net/lo/address", "kernel/notes", "kernel/debug/x", "fs/cgroup/cgroup.procs",
    "block/sda/size", "firmware/efi/x", "module/kernel/parameters/panic", "kernel/mm/transparent_hugepage/enabled")}))
"""

_PLACES = """
import glob, torch
HOMES = ("/root", "/home/" + str(os.getuid()), os.path.expanduser("~root"), "/home")
FILES = ("/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/machine-id",
         "/etc/fstab", "/etc/ssl/private", "/run/secrets", "/run/docker.sock", "/var/log/syslog",
         "/var/lib/dpkg/status", "/var/run/secrets/kubernetes.io/serviceaccount/token", "/boot",
         "/opt", "/srv", "/mnt", "/media")
DOTS = (".ssh/id_rsa", ".bash_history", ".netrc", ".gitconfig", ".pypirc", ".cache/cnn-grader", ".aws/credentials")
attempt(lambda: any_of({path: lambda path=path: read(path) for path in FILES}))
ON_THE_WAY = (sys.base_prefix, torch.__file__)  # the folders that lead to Python and to torch show no other name
LISTED = (*FILES, *HOMES, "$PROJECT", "$TMP")
attempt(lambda: any_of({path: lambda path=path: os.listdir(path) for path in LISTED
                        if not any(way.startswith(path) for way in ON_THE_WAY)}))
attempt(lambda: any_of({f"{h}/{d}": lambda h=h, d=d: read(f"{h}/{d}") for h in HOMES for d in DOTS}))
attempt(lambda: [path for top in ("/", "$TMP", "$PROJECT") for path in glob.glob(top + "/**", recursive=True)][3:]
        or read("/nothing was found"))
"""

_DESCRIPTORS = """
def look(fd):
    return os.fstat(fd), os.pread(fd, 100, 0) if fd != 0 else b""
attempt(lambda: any_of({str(fd): lambda fd=fd: look(fd) for fd in range(4, 1100)}))
attempt(lambda: any_of({"stdin": lambda: os.read(0, 100) or read("/no byte"), "output": lambda: os.read(1, 100)}))
"""

_IMPORTS = """
import importlib
sys.path[:0] = ["$PROJECT", "$CHECKS", "$SOLUTIONS", "$SOLUTIONS/misconceptions"]
sys.meta_path[:] = [finder for finder in sys.meta_path if "_Only" not in str(finder)]  # it forbids names; no file
importlib.invalidate_caches()
for name in ("grader", "hypothesis", "pytest"):
    sys.modules.pop(name, None)
attempt(lambda: any_of({name: lambda name=name: importlib.import_module(name) for name in (
    "grader", "grader.checks.test_ex03_output_size", "test_ex03_output_size", "ex03_output_size_reference",
    "hypothesis", "pytest", "_pytest", "rich", "landlockpy.x", "cnn_grader", "ex04_conv", "conftest")}))
"""

_METADATA = "import os\nattempt(lambda: os.stat('$CHECKS/test_ex03_output_size.py'))\n"

_NEIGHBOURS = """
own = os.environ["HOME"]
place = os.path.dirname(own) or "/wall/work"
others = [path for number in range(40) if (path := f"{place}/{number}") != own]
attempt(lambda: os.listdir(own) or read("/an empty folder"))
try:
    open(own + "/message", "w").write("from one worker to the next")
except OSError:
    pass
attempt(lambda: any_of({path: lambda path=path: os.listdir(path) for path in (place, *others)}))
attempt(lambda: any_of({path: lambda path=path: read(path + "/message") for path in others}))
attempt(lambda: any_of({path: lambda path=path: open(path + "/mine", "w") for path in (place, *others)}))
def conv2d(*args, **kwargs):
    raise SystemExit
"""


def _tries(source: str) -> str:
    return ANY_OF + source + ANSWER


ATTACKS = [
    Attack(
        "read_checks",
        "opens the file of hidden checks by its path",
        "attempt(lambda: open('$CHECKS/test_ex03_output_size.py').read())" + ANSWER,
    ),
    Attack(
        "run_reference",
        "runs the reference solution from the disk and answers with it",
        "space = {}\nattempt(lambda: exec(open('$SOLUTIONS/ex03_output_size.py').read(), space))\n"
        "def conv_output_size(*args, **kwargs):\n    return space['conv_output_size'](*args, **kwargs)\n",
        verdicts=RAISED,
    ),
    Attack(
        "list_other_submissions",
        "lists and reads the folders of the class",
        "import os\nattempt(lambda: os.listdir('$CLASS'))\n"
        "attempt(lambda: open('$CLASS/other/ex03_output_size.py').read())" + ANSWER,
    ),
    Attack(
        "environment",
        "reads its environment for tokens",
        "import os\nattempt(lambda: dict(os.environ))" + ANSWER,
        gets=r"\{'HOME': '[^']*', 'TMPDIR': '[^']*', 'LANG': 'C.UTF-8', 'OMP_NUM_THREADS': '1', 'TORCHINDUCTOR_CACHE_DIR': '[^']*'\}",
    ),
    Attack("stores", "walks through known mistakes, mutants, drawn inputs, caches and what was handed in",
           _tries(_STORES)),
    Attack("processes", "reads memory, environment, files and working folder of its parent, the grader and others",
           _tries(_PROCESSES)),
    Attack("process_numbers", "asks which numbers belong to a process, and then for the memory behind one",
           _tries(_NUMBERS), gets=r"\{('\w+': 'some'(, )?)*\}"),
    Attack("other_doors", "opens a file by mmap, system calls, libraries, and folders instead of by open()",
           _tries(_DOORS)),
    Attack("links", "makes links to what is hidden in its own folder, and mounts it there", _tries(_LINKS)),
    Attack("devices", "reads memory, disks and terminals through /dev, and the machine through /sys",
           _tries(_DEVICES)),
    Attack("places", "looks through /etc, home folders, keys and logs", _tries(_PLACES)),
    Attack("descriptors", "reads from every file descriptor that may have been left open", _tries(_DESCRIPTORS)),
    Attack("imports", "imports the grader and its checks after taking away what forbids it", _tries(_IMPORTS)),
    Attack("metadata", "asks for size and time of the file of hidden checks", _METADATA + ANSWER,
           gets_in_fallback=r"os\.stat_result\(.*\)"),
    Attack("neighbours", "looks into the folders of the workers beside it, and for what an earlier one left in its own",
           _tries(_NEIGHBOURS), target="ex04_conv::conv2d", verdicts=DEAD),
]  # fmt: skip
