"""The lockdown in earnest: real workers behind the best walls of this machine, and behind Landlock alone.

What a worker asks for here is harmless where a wall is missing: it reads, counts and looks, and starts nothing. Code
that means harm is in tests/escapes, which runs in a throw-away namespace.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from wall_kit import HASTY, LIMITS, closing_sessions, eventually, is_alive, learner_of, shared_zygote, wall

from grader.errors import GraderFault, LearnerDied, LearnerRaised
from grader.learner import Kind, Zygote, box, walls
from grader.worker import control, warden

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")
HERE = walls.here() if sys.platform == "linux" else walls.NONE
AROUND = {"box": HERE, "fallback": HERE.without_box(), "box without Landlock": replace(HERE, landlock=0)}


def test_this_machine_has_what_our_tests_need():
    assert HERE.names == ("bubblewrap", "landlock", "seccomp"), HERE.missing


@pytest.fixture
def remember():
    torch.set_num_threads(1)
    yield from closing_sessions()


@pytest.fixture(params=AROUND)
def mode(request):
    return request.param


@pytest.fixture
def asks(remember, mode):
    """Calls `f` of a module with this body in a fresh worker behind the walls of `mode`."""

    def ask(body: str, *arguments: object, **options):
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        source = f"import ctypes, os, sys\nimport torch\ndef f(*args):\n{lines}\ndef ok(x): return x + 1\n"
        session = remember(wall(source, zygote=shared_zygote(AROUND[mode]), **options))
        return learner_of(session).f(*arguments)

    return ask


def refused(asks, body: str, *arguments: object) -> str:
    with pytest.raises(LearnerRaised) as caught:
        asks(body, *arguments)
    return caught.value.message


# What computing needs is there.


def test_it_computes_as_without_walls(asks):
    body = """
x = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
torch.set_num_threads(2)
y = torch.nn.functional.conv1d(x, torch.ones(2, 3, 2)).relu().sum() + torch.linalg.svd(x.detach()[0]).S.sum()
y.backward()
import fractions, statistics, decimal, dataclasses, json, uuid
net = torch.nn.LSTM(4, 5)
sum(p.sum() for p in net.parameters()).backward()
return x.grad, len(list(net(x)[0].shape)), torch.fft.fft(x[0]).abs()
"""
    grad, size, spectrum = asks(body)

    assert grad.shape == (2, 3, 4)
    assert size == 3
    assert torch.equal(spectrum, torch.fft.fft(torch.arange(24.0).reshape(2, 3, 4)[0]).abs())


def test_threads_work(asks):
    body = """
import threading
out = []
made = [threading.Thread(target=lambda: out.append(torch.ones(3).sum().item())) for _ in range(8)]
[t.start() for t in made]; [t.join() for t in made]
return out
"""
    assert asks(body) == [3.0] * 8


def test_it_computes_with_the_kernels_that_we_compute_with(asks):
    capability = "return torch.backends.cpu.get_cpu_capability()"
    assert asks(capability) == torch.backends.cpu.get_cpu_capability()


def test_what_asks_for_libraries_that_are_not_there_can_do_without(asks):
    """torch.func loads most of torch, and asks for many others on the way."""
    body = """
from torch import func
square = lambda t: (t * t).sum()
out, pull = func.vjp(lambda t: t ** 2, torch.ones(3))
net = torch.nn.Linear(2, 2)
func.functional_call(net, dict(net.named_parameters()), (torch.ones(1, 2),))
from importlib.util import find_spec
there = [find_spec(name) is not None for name in ("hypothesis", "pytest", "grader", "numpy")]
return func.grad(square)(torch.ones(2)), func.vmap(square)(torch.ones(3, 2)), func.hessian(square)(torch.ones(2)), there
"""
    room = control.Limits(memory_bytes=2048 * 2**20, cpu_seconds=60, file_bytes=2**20)  # as the course gives
    grad, mapped, hessian, there = asks(body, limits=room)

    assert grad.tolist() == [2, 2]
    assert mapped.tolist() == [2, 2, 2]
    assert hessian.tolist() == [[2, 0], [0, 2]]
    assert there == [False, False, False, True]


def test_an_import_of_what_is_not_there_is_told(asks):
    assert "beside it there are torch, numpy and Python's own library" in refused(asks, "import hypothesis")


# What it does not need is not.


def test_no_file_of_ours_can_be_opened(asks, mode, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("ours")
    for path in (secret, Path(__file__), Path("/etc/passwd"), Path("/etc/hostname")):
        assert re.match("(FileNotFound|Permission)Error", refused(asks, "return open(args[0]).read()", str(path)))
    for folder in (tmp_path, Path(__file__).parent, Path("/home"), *([] if "without" in mode else [Path("/proc")])):
        assert re.match("(FileNotFound|Permission)Error", refused(asks, "return os.listdir(args[0])", str(folder)))


def test_nothing_of_the_grader_is_in_sight(asks, mode):
    root = Path(__file__).parent.parent
    assert asks("import importlib.util as u\nreturn 'grader' in sys.modules and sys.modules['grader']") is None
    if mode != "fallback":  # Landlock hides contents and lists, not that a path is there
        assert (
            asks("return [os.path.exists(p) for p in args]", str(root / "grader"), str(root / "solutions"))
            == [False] * 2
        )


@pytest.mark.parametrize("package", ["pytest", "hypothesis", "grader", "rich", "torchvision_nothing"])
def test_only_torch_and_its_like_can_be_imported(package, asks):
    said = refused(asks, f"import {package}")

    assert "ModuleNotFoundError" in said
    assert package == "grader" or "beside it there are torch, numpy and Python's own library" in said


def test_no_process_can_be_started(asks):
    for body in (
        "return os.fork()",
        "import subprocess; subprocess.run(['true'])",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "import multiprocessing as m; m.Process(target=print).start()",
        "os.system('true') and None; raise PermissionError",  # answers with an exit status
    ):
        assert "PermissionError" in refused(asks, body)


def test_dataloader_workers_say_what_is_missing(asks):
    said = refused(asks, "return list(torch.utils.data.DataLoader([1, 2], num_workers=1))")

    assert "leave num_workers at 0" in said


def test_a_compiler_that_cannot_be_started_is_named(asks):
    said = refused(asks, "return torch.compile(lambda x: x + 1)(torch.ones(2))")

    assert "torch.compile starts a compiler, which cannot be done here: leave it out" in said


def test_no_socket_can_be_made(asks):
    for family in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"):
        assert "PermissionError" in refused(asks, f"import socket; socket.socket(socket.{family})")
    assert "PermissionError" in refused(asks, "import socket; socket.socketpair()")
    assert "PermissionError" in refused(asks, "import socket; return socket.socket(fileno=3).recv(1)")


def test_no_other_process_can_be_seen_or_signalled(asks, mode):
    for pid in (1, os.getpid(), os.getppid()):
        assert "PermissionError" in refused(asks, "os.kill(args[0], 0)", pid)
        if "without" in mode:  # the box has a zygote and its workers in it, and nobody else
            continue
        assert re.match("(FileNotFound|Permission)Error", refused(asks, "open(f'/proc/{args[0]}/stat').read()", pid))
    assert asks("return ctypes.CDLL(None, use_errno=True).syscall(234, args[0], args[0], 0)", 1) == -1  # tgkill


def test_a_signal_to_itself_still_ends_it(asks):
    with pytest.raises(LearnerDied, match="SIGABRT"):
        asks("os.abort()")


def test_root_has_no_powers(asks):
    found = asks("return [os.getuid(), ctypes.CDLL(None, use_errno=True).prctl(24, 21, 0, 0, 0)]")  # PR_CAPBSET_READ

    assert found[1] == -1


def test_the_host_has_no_name_of_its_own(asks, mode):
    name = asks("return os.uname().nodename")

    assert name == "worker" or mode == "fallback"


def test_what_it_may_write_is_its_own_folder_or_nothing(asks, mode):
    if mode == "fallback":
        assert "Permission" in refused(asks, "open('x', 'w')")
        assert asks("return os.getcwd()") == "/"
        return
    assert asks("return os.getcwd()") == f"{box.PLACE}/0"  # the same in every run
    assert asks("open('x', 'w').write('y'); os.mkdir('d'); os.rename('x', 'd/z')\nreturn open('d/z').read()") == "y"
    for path in ("/", "/dev/shm", "/tmp", "/usr/lib", box.PLACE, "/wall"):
        if mode == "box without Landlock" and path == box.PLACE:
            continue
        said = refused(asks, "open(args[0] + '/x', 'w')", path)
        assert re.match("(FileNotFound|Permission)Error|OSError: .*Read-only", said), path


def test_seven_ways_to_ask_the_kernel_for_more(asks):
    numbers = {"x86_64": (425, 250, 321, 272, 319, 101, 161), "aarch64": (425, 219, 280, 97, 279, 117, 51)}
    wanted = numbers.get(os.uname().machine)
    if wanted is None:
        pytest.skip("numbers of system calls are known for two architectures")
    assert (
        asks("c = ctypes.CDLL(None).syscall\nreturn [c(n, 0, 0, 0, 0, 0) for n in args[0]]", list(wanted)) == [-1] * 7
    )


# What the kernel does not count.


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import time\nfor n in range(10**6): open(f'{n}', 'w').close()", "more than 2,000 files"),
        ("import time\nfor n in range(10**6): os.mkdir(f'{n}')", "more than 2,000 files"),
        ("while True:\n    os.mkdir('d' * 200); os.chdir('d' * 200)", "hid folders|more than 2,000 files"),
    ],
    ids=["files", "folders", "a nest"],
)
def test_files_without_end_are_ended(body, words, asks, mode):
    if mode == "fallback":
        assert "PermissionError" in refused(asks, body)
        return
    with pytest.raises(LearnerDied, match=words):
        asks(body)


def test_threads_without_end_are_ended(asks):
    body = """
import threading, time
threading.stack_size(65536)
while True:
    try: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    except RuntimeError: time.sleep(0.01)
"""
    with pytest.raises(LearnerDied, match="more than 256 threads"):
        asks(body, limits=control.Limits(2**34, 60, LIMITS.file_bytes))  # less ends it before


def test_a_full_folder_is_its_own_fault_and_empty_for_the_next(asks, mode):
    if mode == "fallback":
        return
    body = "for n in range(1000): open(f'{n}', 'wb').write(bytes(2**20))"
    assert "No space left" in refused(asks, body)

    assert asks("return os.listdir('.')") == []


def test_without_a_box_the_disk_is_counted(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}").write_bytes(bytes(2**20))
    assert warden.excess(os.getpid(), str(tmp_path)) == ""
    for number in range(50):
        (tmp_path / f"more{number}").write_bytes(bytes(2**20))

    assert "more than 64 MB" in warden.excess(os.getpid(), str(tmp_path))


# The zygote.


def test_workers_of_one_set_of_bans_come_from_one_branch_and_others_from_another(remember):
    ban = control.Ban("relu", "that is what you build here", operators=("::relu$",))
    source = "import os, torch\ndef f(): return os.getppid()\ndef g(): return torch.relu(torch.ones(1))\n"
    zygote = shared_zygote(HERE)
    plain, again = (learner_of(remember(wall(source, zygote=zygote))) for _ in range(2))
    banned = learner_of(remember(wall(source, zygote=zygote, bans=(ban,))))

    assert plain.f() == again.f() != banned.f()
    assert plain.g().item() == 1
    with pytest.raises(Exception, match="not be used here"):
        banned.g()


def test_old_branches_are_let_go(monkeypatch):
    monkeypatch.setattr("grader.learner.zygote.BRANCHES", 2)
    zygote = Zygote(HERE).start()
    try:
        for number in range(4):
            ban = control.Ban(f"b{number}", "so", operators=(f"::nothing{number}$",))
            zygote.bury(zygote.spawn(LIMITS, (ban,)))
        assert len(zygote._branches) == 2
    finally:
        zygote.close()


@pytest.mark.parametrize("mode", AROUND)
def test_a_zygote_that_is_closed_or_dies_takes_all_its_own_along(mode, remember):
    for end in ("close", "kill"):
        zygote = Zygote(AROUND[mode]).start()
        session = remember(wall("def ok(x): return x + 1", zygote=zygote))
        assert learner_of(session).ok(1) == 2
        pids = [zygote._process.pid, session._channel.worker.host_pid]
        assert all(map(is_alive, pids))
        if end == "close":
            zygote.close()
        else:
            os.kill(zygote._process.pid, 9)
        assert eventually(lambda: not any(map(is_alive, pids)))  # noqa: B023  # asked for at once
        zygote.close()


def test_a_box_that_cannot_be_started_is_our_fault():
    zygote = Zygote(replace(HERE, bubblewrap="/nonexistent/bwrap"))
    with pytest.raises(GraderFault, match="cannot be started"):
        zygote.spawn(LIMITS, ())
    zygote = Zygote(replace(HERE, bubblewrap="/bin/false")).start()
    with pytest.raises(GraderFault, match="cannot be reached"):
        zygote.spawn(LIMITS, ())
    zygote.close()


def test_patience_knows_the_process_by_the_name_that_it_has_out_here(asks, remember, mode):
    session = remember(wall("import os\ndef f(): return os.getpid()", zygote=shared_zygote(AROUND[mode])))
    inside = learner_of(session).f()
    name = Path(f"/proc/{session._channel.worker.host_pid}/stat").read_text()

    assert int(name.split()[0]) == session._channel.worker.host_pid
    assert (inside == session._channel.worker.host_pid) is (mode == "fallback")
    assert session.times != HASTY
    assert Kind.FUNCTION
