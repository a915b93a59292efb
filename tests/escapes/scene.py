"""The scene of an attack: secrets that nobody may find, listeners that nobody may reach, a grader to be attacked."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader import course
from grader.checker.shelf import Shelf
from grader.collect import collect
from grader.learner import Zygote
from grader.model import Report
from grader.pipeline import Grader, Wanted
from grader.worker.control import Limits

from . import throwaway
from .attack import PRELUDE, Attack
from .throwaway import ROOT

TMP = Path("/tmp")
LIMITS = Limits(memory_bytes=400 * 2**20, cpu_seconds=20, file_bytes=8 * 2**20)
HONEST = "ex03_output_size"


@dataclass
class Scene:
    """`places` are the names that a hostile source may use, as $NAME. `canaries`: secret -> whose it is."""

    grader: Grader
    zygote: Zygote
    places: Mapping[str, str]
    canaries: Mapping[str, str]
    listeners: Mapping[str, socket.socket]
    processes: frozenset[int] = frozenset()
    files: Mapping[str, bytes] = field(default_factory=dict)
    judged: int = 0

    def grade(self, attack: Attack) -> Report:
        """Hand it in and grade its target."""
        exercise, _, task = attack.target.partition("::")
        with _folder(TMP / "handed_in") as folder:
            if attack.build is not None:
                path = attack.build(folder)
            else:
                path = folder / f"{exercise}.py"
                path.write_text(PRELUDE + string.Template(attack.source).safe_substitute(self.places), "utf-8")
            return self.grade_path(path, exercise, task)

    def grade_path(self, path: Path, exercise: str, task: str) -> Report:
        known = self.grader.course.names
        submission = collect(path, known, exercise)
        return self.grader.grade(submission, wanted=Wanted({exercise: frozenset({task})}))

    def remember_host(self) -> None:
        """From here on, nothing may have changed."""
        self.processes, self.files = _processes(self.zygote), _files()

    def harm(self) -> Iterator[str]:
        """What is not as it was."""
        for name, listener in self.listeners.items():
            with contextlib.suppress(BlockingIOError):
                listener.recv(1) if name == "UDP" else listener.accept()
                yield f"something was heard over {name}"
        running = _processes(self.zygote)
        if running - self.processes:
            yield f"processes were left behind: {[_command(pid) for pid in sorted(running - self.processes)]}"
        if self.processes - running:
            yield "processes of ours are gone"
        now = _files()
        for path in sorted(now.keys() ^ self.files.keys()):
            yield f"{path} was {'made' if path in now else 'removed'}"
        for path in sorted(now.keys() & self.files.keys()):
            if now[path] != self.files[path]:
                yield f"{path} was changed"

    def honest(self) -> str:
        """What an honest submission gets right now: "" for full marks."""
        report = self.grade_path(ROOT / "solutions" / f"{HONEST}.py", HONEST, "conv_output_size")
        task = report.exercises[0].tasks[0]
        return "" if task.score == task.max_score else f"{task.score} of {task.max_score}"


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """Set everything up, below the /tmp of a throw-away namespace."""
    canaries = {secrets.token_hex(12): whose for whose in ("environment", "file", "classmate", "earlier", "memory")}
    by_owner = {whose: secret for secret, whose in canaries.items()}
    os.environ["GRADE_CANARY"] = by_owner["environment"]
    os.environ["XDG_CACHE_HOME"] = str(TMP / "cache")
    (TMP / "home").mkdir(exist_ok=True)
    other = TMP / "class" / "other"
    other.mkdir(parents=True)
    (other / f"{HONEST}.py").write_text(f"# {by_owner['classmate']}\n")
    (TMP / "secret").mkdir()
    (TMP / "secret" / "token").write_text(by_owner["file"])
    known = course.load()
    budget = replace(known.budget, call_seconds=1.0, again_seconds=0.2, load_seconds=4.0, worker=LIMITS)
    zygote = Zygote().start()
    in_memory = f"a secret in the grader's memory: {by_owner['memory']}"
    with contextlib.ExitStack() as stack:
        stack.callback(zygote.close)
        listeners = {name: stack.enter_context(made) for name, made in _listeners().items()}
        grader = Grader(replace(known, budget=budget), zygote, shelf=Shelf(TMP / "decks"))
        places = {
            "CHECKS": str(ROOT / "grader" / "checks"),
            "SOLUTIONS": str(ROOT / "solutions"),
            "PROJECT": str(ROOT),
            "CLASS": str(TMP / "class"),
            "SECRET": str(TMP / "secret" / "token"),
            "TMP": str(TMP),
            "GRADER": str(os.getpid()),
            "PORT": str(listeners["TCP"].getsockname()[1]),
            "UDP": str(listeners["UDP"].getsockname()[1]),
            "SOCKET": str(TMP / "secret" / "socket"),
            "ABSTRACT": "grade-escapes",
        }
        made = Scene(grader, zygote, places, canaries, listeners)
        earlier = f"LEFT = {by_owner['earlier']!r}\ndef conv_output_size(*a, **k):\n    return len(LEFT)\n"
        made.grade(Attack("earlier", "a submission before", earlier))
        assert made.honest() == ""
        made.remember_host()
        assert in_memory
        yield made


def _listeners() -> dict[str, socket.socket]:
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    path.bind(str(TMP / "secret" / "socket"))
    abstract.bind("\0grade-escapes")
    for listener in (path, abstract):
        listener.listen()
    for listener in (tcp, udp, path, abstract):
        listener.setblocking(False)
    return {"TCP": tcp, "UDP": udp, "UNIX": path, "ABSTRACT": abstract}


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[Path]:
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _processes(zygote: Zygote) -> frozenset[int]:
    """Every process of the namespace but the zygote's branches: these come with a task's bans, and stay."""
    parents = {int(name): _parent(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    assert zygote._process is not None
    root = zygote._process.pid
    while "python" not in _command(root).partition(" ")[0]:  # below bubblewrap's own process
        root = next(pid for pid, parent in parents.items() if parent == root)
    return frozenset(pid for pid, parent in parents.items() if parent not in (root, None))


def _parent(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[1])
    return None


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8").replace("\0", " ")[:100]
    return str(pid)


def _files() -> dict[str, bytes]:
    """What lies below /tmp, apart from what the grader itself keeps there."""
    kept = {TMP / name for name in ("decks", "cache", "handed_in")} | set(throwaway.ours_below_tmp())
    found = {}
    for parent, folders, files in os.walk(TMP):
        folders[:] = [name for name in folders if Path(parent, name) not in kept]
        for name in (*folders, *files):
            path = Path(parent, name)
            found[str(path)] = path.read_bytes() if path.is_file() else b""
    return found
