"""Filling the disk: with files, folders, bytes, depth and holes; elsewhere, beside, and where nobody looks.

Without a box there is no place to write to at all.
"""

from __future__ import annotations

from ..attack import DEAD, LATE, Attack
from .hanging import BY_TURNS
from .kernel import ANSWER, DOORS
from .killing import CHANNELS

# In the folder of its own, where it has one; where it has none, it says so.
AT_HOME = """
import itertools, os, time
def at_home():
    try:
        os.chdir(os.environ["HOME"])
    except FileNotFoundError:
        print("REFUSED nowhere to write")
        raise SystemExit
"""

ATTACKS = [
    Attack(
        "many_files",
        "makes files, folders and folders in folders without an end",
        AT_HOME
        + """
def files():
    at_home()
    for number in itertools.count():
        os.close(os.open(f"f{number}", os.O_CREAT | os.O_WRONLY))
def folders():
    at_home()
    for number in itertools.count():
        os.mkdir(f"d{number}")
def depth():
    at_home()
    while True:
        os.mkdir("a-rather-long-name-of-a-folder")
        os.chdir("a-rather-long-name-of-a-folder")
WAYS = files, folders, depth
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | LATE,
    ),
    Attack(
        "many_bytes",
        "writes one file without an end, as many as there is room for, and some that it has removed but still holds",
        AT_HOME
        + """
import signal
def one():
    at_home()
    with open("one", "wb", 0) as file:
        while True:
            file.write(bytes(2**20))
def many(removed=False):
    at_home()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number in itertools.count():
        file = os.open(f"many{number}", os.O_CREAT | os.O_WRONLY)
        if removed:
            os.unlink(f"many{number}")
        for _ in range(7):
            os.write(file, bytes(2**20))
WAYS = one, many, lambda: many(removed=True)
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | LATE | {"raised", "wrong"},
    ),
    Attack(
        "locked_and_hollow",
        "locks folders against itself, nests them with files at every level, and makes files of nothing but a hole",
        AT_HOME
        + """
def locked():
    at_home()
    os.mkdir("locked", 0)
    os.mkdir("open")
    os.umask(0o777)
    os.mkdir("open/locked")
    time.sleep(0.4)
def nested():
    at_home()
    for level in range(900):
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY))
        os.mkdir("d")
        os.chdir("d")
    os._exit(0)
def hollow():
    at_home()
    file = os.open("hollow", os.O_CREAT | os.O_RDWR)
    os.ftruncate(file, 2**40)
WAYS = locked, nested, hollow
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | {"raised", "wrong"},
    ),
    Attack(
        "elsewhere",
        "writes wherever others write or read: temporary folders, home, system, project, a sibling's folder, its parent",
        DOORS
        + """
import tempfile
home = os.environ["HOME"]
above = os.path.dirname(home)
places = ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev", "/run", "/etc", "/usr/lib", "/root", "/home", "/wall", "/wall/work",
          "/wall/worker", "$TMP/decks", "$TMP/class/other", "$PROJECT", os.path.dirname(os.__file__), above)
def write(path):
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
ways = {f"in {place}": lambda place=place: write(os.path.join(place, "mine")) for place in places}
ways |= {f"beside {n}": lambda n=n: write(f"{above}/{n}/mine") for n in range(40) if f"{above}/{n}" != home}
ways |= {f"folder {place}": lambda place=place: os.mkdir(os.path.join(place, "mine")) for place in places[:8]}
doors(
    **ways, temporary=lambda: open("/tmp/x", "w"), nameless=lambda: os.open("/tmp", os.O_TMPFILE | os.O_RDWR),
    library=lambda: open(os.__file__, "a"), own_folder=lambda: os.rmdir(home), renamed=lambda: os.rename(home, above + "/x"),
    moved=lambda: os.rename(os.__file__, home + "/os.py"), taken=lambda: os.rename(os.path.join(home, "."), "/tmp/x"),
    symbolic=lambda: os.symlink("/etc/passwd", home + "/link"), hard=lambda: os.link(os.__file__, home + "/link"),
    rights=lambda: os.chmod(home, 0o777), owner=lambda: os.chown(home, 0, 0), times=lambda: os.utime(os.__file__, (0, 0)),
    marks=lambda: os.setxattr(home, "user.mine", b"x"), cut=lambda: os.truncate(os.__file__, 0),
)
"""
        + ANSWER,
    ),
]
