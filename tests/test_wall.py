"""A real worker and code that means harm: every fault has its own kind and words, costs its call, and leaves nothing.

What is tried here stays inside a worker's process: no file outside its directory, no other process than its own.
"""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from wall_kit import (
    FILENAME,
    HASTY,
    LIMITS,
    MEGABYTE,
    closing_sessions,
    eventually,
    is_alive,
    learner_of,
    open_fds,
    shared_zygote,
    wall,
)

from grader.errors import GraderFault, LearnerDied, LearnerRaised, LearnerRefused, LearnerTimedOut, LearnerTodo
from grader.learner import Kind, LoadFailed, TimeLimits, WorkerSession, Zygote, walls
from grader.learner.channel import Channel
from grader.learner.patience import CEILING, LOOK_AGAIN, Patience, _look
from grader.worker import control
from grader.worker.wire import OpaqueV

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")


def calls(*functions):
    for function in functions:
        function()


@pytest.fixture
def remember():
    torch.set_num_threads(1)
    yield from closing_sessions()


@pytest.fixture(scope="module")
def another_zygote():
    """Started where the environment holds a secret."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRADE_TOKEN", "very-secret")
        zygote = Zygote(walls.NONE).start()
    yield zygote
    zygote.close()


@pytest.fixture
def session_of(remember):
    """Opens a session on a module whose `f` has this body, with `ok` beside it."""

    def open_session(body: str, *, top: str = "", **kwargs) -> WorkerSession:
        lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        source = f"import torch\n{textwrap.dedent(top)}\ndef f(*args):\n{lines}\n\ndef ok(x):\n    return x + 1\n"
        return remember(wall(source, **kwargs))

    return open_session


FAKE = "import os, time\nfrom worker.wire import MAGIC, PREFIX, Reply, frame\n"

# name: (body of f, exception, words in its message); HASTY limits where it never comes back.
RAISES = {
    "KeyboardInterrupt": ("raise KeyboardInterrupt", LearnerRaised, "KeyboardInterrupt"),
    "GeneratorExit": ("raise GeneratorExit", LearnerRaised, "GeneratorExit"),
    "a base exception of its own": ("class Odd(BaseException): pass\nraise Odd('hm')", LearnerRaised, "Odd: hm"),
    "an exception whose text raises": (
        "class Odd(Exception):\n    def __str__(self): raise KeyError\nraise Odd",
        LearnerRaised,
        "its text raises",
    ),
    "an exception whose class lies": (
        "class Meta(type):\n    def __getattribute__(cls, name): raise KeyError\n"
        "class Odd(Exception, metaclass=Meta): pass\nraise Odd('hm')",
        LearnerRaised,
        "Odd: hm",
    ),
    "an exception whose traceback lies": (
        "class Odd(NotImplementedError):\n    __traceback__ = property(lambda self: 1 / 0)\nraise Odd",
        LearnerRaised,
        "Odd",
    ),
    "a syntax error of its own making": (
        f"e = SyntaxError('hm')\ne.filename = {FILENAME!r}\ne.lineno = 'x'\ne.msg = 7\nraise e",
        LearnerRaised,
        "SyntaxError: 7",
    ),
    "a lone surrogate": ("raise ValueError('\\ud800')", LearnerRaised, "ValueError: ?"),
    "endless recursion": ("return f()", LearnerRaised, "RecursionError"),
    "sys.exit": ("import sys; sys.exit(0)", LearnerDied, "tried to end the program"),
    "SystemExit": ("raise SystemExit", LearnerDied, "tried to end the program"),
    "exit()": ("exit()", LearnerDied, "tried to end the program"),
    "a large list": ("x = []\nwhile True: x.append(bytearray(2**24))", LearnerDied, "ran out of memory"),
    "a large tensor": ("torch.zeros(2**38)", LearnerDied, "ran out of memory"),
    "many small tensors": ("x = []\nwhile True: x.append(torch.ones(2**20))", LearnerDied, "ran out of memory"),
    "the input's end": ("return input()", LearnerRaised, "EOFError"),
    "a file that grows": ("open('x', 'wb').write(bytes(2**25))", LearnerRaised, "File too large"),
    "too many open files": ("return [open('/dev/null') for _ in range(1000)]", LearnerRaised, "Too many open files"),
    "an 8 GB expanded tensor": ("return torch.zeros(1).expand(2**31)", LearnerDied, "larger than an answer"),
    "a list that contains itself": ("x = []\nx.append(x)\nreturn x", LearnerDied, "nested too deeply"),
    "a deep return value": ("x = 1\nfor _ in range(10**5): x = [x]\nreturn x", LearnerDied, "nested too deeply"),
    "too many items": ("return [0] * 10**6", LearnerDied, "too many items"),
    "a text that is too long": ("return 'x' * 2**24", LearnerDied, "more than one answer may hold"),
}

DIES = {
    "os._exit": ("import os; os._exit(0)", "ended the process (exit code 0)"),
    "a made-up exit code": ("import os; os._exit(255)", "ended the process (exit code 255)"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
    "a stack overflow": (
        "import sys; sys.setrecursionlimit(10**9)\n"
        "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\n"
        "x = ()\nfor _ in range(10**6): x = (x,)\nreturn hash(x)",
        "segmentation fault",
    ),
    "abort": ("import os; os.abort()", "SIGABRT"),
    "SIGTERM to itself": ("import os; os.kill(os.getpid(), 15)", "SIGTERM"),
    "SIGKILL to its whole group": ("import os; os.kill(0, 9)", "killed from outside"),
    "a real-time signal": ("import os; os.kill(os.getpid(), 40)", "crashed the process"),
    "it closes its socket": ("import os; os.close(3)", "closed the channel"),
    "it shuts its socket down": ("import socket; socket.socket(fileno=3).shutdown(2)", "closed the channel"),
    "it closes its socket and lives on": (
        "import os, time; os.close(3); time.sleep(1000)",
        "closed the channel",
    ),
    "it closes every file descriptor": ("import os; os.closerange(0, 64)", "closed the channel"),
    "garbage on every file descriptor": (
        "import os\nfor fd in range(64):\n    try: os.write(fd, b'x' * 100)\n    except OSError: pass",
        "disturbed the channel",
    ),
    "huge lengths": (
        f"{FAKE}os.write(3, PREFIX.pack(MAGIC, 2**32 - 1, 2**64 - 1))",
        "disturbed the channel",
    ),
    "a header that is nonsense": (
        f"{FAKE}os.write(3, PREFIX.pack(MAGIC, 4, 0) + b'abcd')",
        "does not decode",
    ),
    "a header that nests for ever": (
        f"{FAKE}os.write(3, PREFIX.pack(MAGIC, 10**4, 0) + b'\\x91' * 10**4)",
        "does not decode",
    ),
    "an answer to an earlier question": (
        f"{FAKE}os.write(3, frame(Reply(1, 7), b''))",
        "nothing that was asked",
    ),
    "an answer to a later question": (
        f"{FAKE}os.write(3, frame(Reply(99, 7), b''))",
        "nothing that was asked",
    ),
}

HANGS = {
    "an endless loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "a hang in C": "import re; re.match('(a*)*b', 'a' * 40)",
    "a deadlock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "an endless answer of its repr": "class Odd:\n    def __repr__(self):\n        while True: pass\nreturn Odd()",
    "an endless text of its exception": (
        "class Odd(Exception):\n    def __str__(self):\n        while True: pass\nraise Odd"
    ),
    "an endless flush": "import sys\nclass Odd:\n    def flush(self):\n        while True: pass\nsys.stdout = Odd()",
    "signals ignored": (
        "import signal, time\nfor name in ('SIGTERM', 'SIGINT', 'SIGALRM', 'SIGHUP', 'SIGXCPU'):\n"
        "    signal.signal(getattr(signal, name), signal.SIG_IGN)\ntime.sleep(1000)"
    ),
    "every exception swallowed": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "an endless flood of output": "import os\nwhile True: os.write(1, b'x' * 2**16)",
    "an endless flood from a thread": (
        "import os, threading, time\n"
        "def flood():\n    while True: os.write(2, b'x' * 2**16)\n"
        "threading.Thread(target=flood, daemon=True).start()\ntime.sleep(1000)"
    ),
    "an answer that never ends": f"{FAKE}os.write(3, PREFIX.pack(MAGIC, 100, 100)); time.sleep(1000)",
    "an answer that drips": (
        f"{FAKE}os.write(3, PREFIX.pack(MAGIC, 10**6, 100))\nwhile True:\n    os.write(3, b'x'); time.sleep(0.02)"
    ),
    "a fork that stays behind with the channel": "import os, time\nif os.fork() == 0: time.sleep(1000)\nos._exit(0)",
}


@pytest.mark.parametrize("name", RAISES)
def test_a_fault_that_comes_back_leaves_the_worker_alive(name, session_of):
    body, kind, words = RAISES[name]
    session = session_of(body)
    learner = learner_of(session)
    with pytest.raises(kind) as caught:
        learner.f()

    assert type(caught.value) is kind
    assert words in caught.value.message
    assert len(caught.value.message) < 2500
    assert learner.ok(1) == 2
    assert session.generation == 1


@pytest.mark.parametrize("name", DIES)
def test_a_death_costs_its_call_and_the_next_has_a_fresh_worker(name, session_of):
    body, words = DIES[name]
    session = session_of(body)
    learner = learner_of(session)
    with pytest.raises(LearnerDied) as caught:
        calls(learner.f, lambda: learner.ok(1))  # a forged answer is noticed when the real one is found behind it

    assert words in caught.value.message
    assert learner.ok(1) == 2
    assert session.generation == 2


@pytest.mark.parametrize("name", HANGS)
def test_a_hang_ends_at_the_deadline_and_the_next_call_has_a_fresh_worker(name, session_of):
    session = session_of(HANGS[name], times=TimeLimits(call=20, again=20, load=20))
    learner = learner_of(session)
    learner.ok(1)
    session.times = HASTY
    started = time.monotonic()
    with pytest.raises(LearnerTimedOut, match=r"no answer within 0\.5 seconds"):
        learner.f()

    assert time.monotonic() - started < 4
    session.times = TimeLimits(call=20, again=20, load=20)
    assert learner.ok(1) == 2
    assert session.generation == 2


def test_after_the_first_hang_patience_is_shorter(session_of):
    session = session_of("while True: pass", times=TimeLimits(call=0.6, again=0.2, load=20))
    learner = learner_of(session)
    for seconds in ("0.6", "0.2"):
        with pytest.raises(LearnerTimedOut, match=f"within {seconds} seconds"):
            learner.f()
    session.impatient = False

    with pytest.raises(LearnerTimedOut, match=r"within 0\.6 seconds"):
        learner.f()


def test_processor_time_has_a_limit_of_its_own(session_of):
    limits = control.Limits(LIMITS.memory_bytes, 1, LIMITS.file_bytes)
    session = session_of("while True: pass", limits=limits)

    with pytest.raises(LearnerDied, match="processor time"):
        learner_of(session).f()


# Loading.

LOADS = {
    "it does not parse": ("x = 1\ndef f(:\n    pass\n", "SyntaxError", 2, 7),
    "it is indented wrongly": ("def f():\nreturn 1\n", "IndentationError", 2, 1),
    "it imports what is not there": ("import torch\nimport nothing_of_that_name\n", "ModuleNotFoundError", 2, None),
    "it imports a name that is not there": ("\n\nfrom torch import nothing_of_it\n", "ImportError", 3, None),
    "it raises": ("x = 1\n\n\nx / 0\n", "ZeroDivisionError", 4, None),
    "it has a null byte": ("x = '\0'\n", "", None, None),
}


@pytest.mark.parametrize("name", LOADS)
def test_a_module_that_does_not_load_says_why_and_where_every_time(name, remember):
    source, type_name, line, column = LOADS[name]
    session = remember(wall(source))
    learner = learner_of(session)
    for _ in range(2):
        with pytest.raises(LoadFailed) as caught:
            learner.ok(1)
    fault = caught.value

    assert fault.type_name == type_name or not type_name
    assert fault.message.startswith(f"your module cannot be loaded: {type_name}")
    assert (fault.line, fault.reply.failure.column) == (line, column)
    assert fault.bases == ()
    assert session.generation == 1


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("while True: pass", LearnerTimedOut, "while your module was being loaded: no answer"),
        ("import os; os._exit(0)", LearnerDied, "while your module was being loaded: your code ended the process"),
        ("import ctypes; ctypes.string_at(0)", LearnerDied, "segmentation fault"),
        ("exit()", LearnerDied, "tried to end the program"),
        ("x = bytearray(2**40)", LearnerDied, "ran out of memory"),
        ("import torch\ntorch.relu(torch.ones(1))", LearnerRefused, "cannot be loaded: torch.nn.functional.relu"),
    ],
    ids=["it hangs", "it exits", "it crashes", "it ends the program", "it eats memory", "it uses what is forbidden"],
)
def test_a_module_that_ends_while_loading_is_loaded_once_and_no_more(source, kind, words, remember):
    ban = control.Ban("relu", "that is what you build here", operators=("::relu$",))
    session = remember(wall(source, times=TimeLimits(call=20, again=20, load=2), bans=(ban,)))
    learner = learner_of(session)
    for _ in range(3):
        with pytest.raises(kind) as caught:
            learner.ok(1)

    assert words in caught.value.message
    assert session.generation == 1


def test_a_fault_that_is_raised_again_does_not_grow(remember):
    learner = learner_of(remember(wall("1 / 0")))
    depths = []
    for _ in range(5):
        with pytest.raises(LoadFailed) as caught:
            learner.ok(1)
        depths.append(len(caught.traceback))

    assert depths[1] == depths[4]


def test_a_task_that_is_not_there_is_not_written_yet(remember):
    with pytest.raises(LearnerTodo, match="missing"):
        learner_of(remember(wall("x = 1"))).f()


def test_what_stood_before_a_death_is_loaded_again_and_what_was_made_is_gone(remember):
    source = """
        import torch
        made = []
        class M(torch.nn.Module):
            def forward(self, x):
                made.append(1)
                return x * 2
        def f():
            import os; os._exit(1)
        def g():
            return len(made)
    """
    learner = learner_of(remember(wall(source)), M=Kind.MODULE)
    net, x = learner.M(), torch.ones(1, requires_grad=True)
    y = net(x)
    assert learner.g() == 1
    with pytest.raises(LearnerDied):
        learner.f()

    assert learner.g() == 0
    with pytest.raises(LearnerRaised, match="a worker that is gone"):
        net(x)
    with pytest.raises(LearnerRaised, match="a worker that is gone"):
        y.backward()


# Odd answers.


@pytest.mark.parametrize(
    ("body", "type_name"),
    [
        ("return (i for i in range(3))", "generator"),
        ("return torch.ones(2).numpy()", "numpy.ndarray"),
        ("return 1j", "complex"),
        ("return torch.eye(2).to_sparse()", "torch.Tensor"),
        ("return torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)", "torch.Tensor"),
        ("class Sub(torch.Tensor): pass\nreturn torch.ones(2).as_subclass(Sub)", "Sub"),
        ("class Yes(int):\n    def __eq__(self, other): return True\nreturn Yes()", "Yes"),
        ("class Odd:\n    def __repr__(self): raise KeyboardInterrupt\nreturn Odd()", "Odd"),
        ("return f", "function"),
        ("return torch", "module"),
        ("return 2**100", "int"),
    ],
)
def test_an_answer_of_an_odd_type_crosses_by_name(body, type_name, session_of):
    learner = learner_of(session_of(body))
    answer = learner.f()

    assert isinstance(answer, OpaqueV)
    assert answer.type_name.rpartition(".")[2] == type_name.rpartition(".")[2]
    assert learner.ok(1) == 2


def test_nan_is_an_answer_like_any_other(session_of):
    value, tensor = learner_of(session_of("return float('nan'), torch.tensor([float('nan'), 1])")).f()

    assert value != value
    assert torch.isnan(tensor).tolist() == [True, False]


def test_a_patched_torch_over_there_changes_nothing_here(session_of):
    body = """
        torch.Tensor.detach = torch.Tensor.sum = torch.Tensor.__eq__ = lambda *args, **kwargs: True
        torch.equal = torch.allclose = lambda *args, **kwargs: True
        torch.zeros = None
        import sys
        sys.modules["torch.testing"] = sys.modules["grader"] = None
        return 1
    """
    learner = learner_of(session_of(body))
    learner.f()

    assert not torch.equal(torch.zeros(1), torch.ones(1))
    assert torch.ones(2).detach().sum().item() == 2
    torch.testing.assert_close(torch.ones(1), torch.ones(1))


def test_a_worker_that_is_spoiled_is_not_the_next_sessions(session_of):
    first = learner_of(session_of("torch.ones = None\nreturn 1"))
    first.f()

    assert learner_of(session_of("return torch.ones(1)")).f().item() == 1


# Output.


def test_a_gigabyte_of_output_is_cut_and_the_answer_is_right(session_of):
    session = session_of("text = 'x' * 2**20\nfor _ in range(1024): print(text)\nreturn 7")
    answer = learner_of(session).f()

    assert answer == 7
    assert session.take_output().startswith("xxx")
    assert len(session._output) <= 64 * 1024


def test_output_comes_in_order_and_once(session_of):
    session = session_of(
        "import os, sys\nprint('one')\nprint('two', file=sys.stderr)\nos.write(1, b'three\\n')\nprint('four')"
    )
    learner = learner_of(session)
    learner.f()

    assert session.take_output() == "one\ntwo\nthree\nfour\n"
    learner.ok(1)
    assert session.take_output() == ""


@pytest.mark.parametrize("end", ["while True: pass", "import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_what_was_printed_before_the_end_is_kept(end, session_of):
    session = session_of(f"print('here')\n{end}", times=HASTY)
    with pytest.raises((LearnerDied, LearnerTimedOut)):
        learner_of(session).f()

    assert session.take_output() == "here\n"


def test_a_thread_that_goes_on_printing_does_not_hang_us(session_of):
    body = """
        import threading
        def flood():
            while True: print("x" * 1000)
        threading.Thread(target=flood, daemon=True).start()
        return 1
    """
    session = session_of(body)
    learner = learner_of(session)
    assert learner.f() == 1
    for _ in range(20):
        assert learner.ok(1) == 2
        assert len(session.take_output()) <= 64 * 1024


def test_output_that_is_no_text_is_still_shown(session_of):
    session = session_of("import os; os.write(1, b'\\xff\\xfe ok')\nprint('\\ud800')")
    learner_of(session).f()

    assert session.take_output() == "\ufffd\ufffd ok\\ud800\n"


@pytest.mark.parametrize(
    "spoil", ["sys.stdout = None", "del sys.stdout", "sys.stdout.close()", "os.close(1); os.close(2)"]
)
def test_a_spoiled_stdout_does_not_spoil_the_answer(spoil, session_of):
    learner = learner_of(session_of(f"import os, sys\n{spoil}\nreturn 5"))

    assert learner.f() == 5
    assert learner.ok(1) == 2


# What a worker can see.


@pytest.fixture
def looks(session_of):
    """Evaluates one expression in a fresh worker."""
    return lambda expression: learner_of(session_of(f"import os, sys, resource, signal\nreturn {expression}")).f()


def test_its_environment_is_its_own(session_of, another_zygote):
    body = """
        import os
        try:
            return dict(os.environ), open('/proc/self/environ').read()
        except PermissionError:  # nobody may look into a worker, itself included
            return dict(os.environ), ""
    """
    names, raw = learner_of(session_of(body, zygote=another_zygote)).f()

    assert set(names) == {"HOME", "TMPDIR", "LANG", "OMP_NUM_THREADS", "TORCHINDUCTOR_CACHE_DIR"}
    assert "secret" not in raw


def test_its_directory_is_its_own_empty_and_gone_afterwards(session_of):
    session = session_of("import os\nopen('left', 'w').close()\nos.mkdir('d')\nreturn os.getcwd()")
    learner = learner_of(session)
    place = Path(learner.f())
    other = learner_of(session_of("import os\nreturn os.listdir('.'), os.getcwd()"))

    assert place.parent.parent == Path(tempfile.gettempdir())
    assert place.stat().st_mode & 0o777 == 0o700
    listed, elsewhere = other.f()
    assert listed == []
    assert Path(elsewhere) != place
    session.close()
    assert not place.exists()


@pytest.mark.parametrize(
    "mess",
    [
        "os.mkdir('locked'); open('locked/x', 'w').close(); os.chmod('locked', 0); os.chmod('.', 0o500)",
        "os.symlink('/', 'root'); os.symlink('nowhere', 'dangling'); os.mkfifo('pipe')",
    ],
    ids=["locked", "links"],
)
def test_no_mess_in_its_directory_survives_or_stops_us(mess, session_of):
    session = session_of(f"import os\nplace = os.getcwd()\n{mess}\nreturn place")
    place = Path(learner_of(session).f())
    assert place.exists()
    session.close()

    assert not place.exists()
    assert Path("/proc").exists()


def test_a_nest_of_folders_deeper_than_our_stack_is_removed(session_of):
    session = session_of(
        "import os\nplace = os.getcwd()\nfor _ in range(300): os.mkdir('d'); os.chdir('d')\nreturn place"
    )
    place = Path(learner_of(session).f())
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)  # three hundred folders are slow enough to make
    try:
        session.close()
    finally:
        sys.setrecursionlimit(limit)

    assert not place.exists()


def test_it_inherits_no_file_descriptor(looks):
    numbers = looks("sorted(int(fd) for fd in os.listdir('/proc/self/fd'))")

    assert numbers[:4] == [0, 1, 2, 3]
    assert len(numbers) == 5  # and the one that lists


def test_it_inherits_none_of_ours_either(session_of):
    body = "import os\nreturn os.readlink('/proc/self/fd/0'), os.path.exists('/proc/self/fd/1500')"
    with tempfile.TemporaryFile() as file:
        high = os.dup2(file.fileno(), 1500)
        try:
            standard_in, high_is_there = learner_of(session_of(body)).f()
        finally:
            os.close(high)

    assert standard_in == "/dev/null"
    assert not high_is_there


def test_a_program_it_starts_does_not_get_its_channel(looks):
    assert looks("os.get_inheritable(3)") is False


@pytest.mark.parametrize(
    "name", ["grader", "grader.checks", "grader.worker", "solutions", "exercises", "tests", "conftest"]
)
def test_nothing_of_the_grader_is_there_to_import(name, session_of):
    with pytest.raises(LearnerRaised, match="ModuleNotFoundError"):
        learner_of(session_of(f"import {name}\nreturn 1")).f()


def test_nobody_has_loaded_what_checks_are_made_of(looks):
    assert looks("[name for name in ('pytest', 'hypothesis', 'torchvision') if name in sys.modules]") == []


def test_its_path_holds_no_folder_of_the_project(looks):
    root = Path(__file__).parent.parent
    folders = [root / "grader", root / "solutions", root / "tests", root]
    path = looks("sys.path")

    assert path
    assert "" not in path
    assert not [entry for entry in path if Path(entry) in folders]


def test_no_site_no_user_packages_no_script_folder(looks):
    assert looks("[sys.flags.no_site, sys.flags.no_user_site, sys.flags.safe_path]") == [1, 1, True]


def test_no_argument_tells_it_anything(looks):
    assert looks("sys.argv") == ["worker"]


def test_its_limits_are_set(looks):
    names = ["RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU"]
    soft = [pair[0] for pair in looks(f"[resource.getrlimit(getattr(resource, name)) for name in {names}]")]

    assert soft == [0, LIMITS.file_bytes, 64, LIMITS.cpu_seconds]
    assert 0 < looks("resource.getrlimit(resource.RLIMIT_AS)[0]") < 2**50


def test_random_numbers_and_the_order_of_sets_are_the_same_in_every_zygote(session_of, another_zygote):
    body = """
        import random, numpy
        return torch.rand(2), [random.random(), float(numpy.random.rand()), list({"a", "b", "c", "d"}), object()]
    """
    first, second, other = (learner_of(session_of(body, zygote=which)).f() for which in (None, None, another_zygote))

    for tensor, values in (second, other):
        assert torch.equal(first[0], tensor)
        assert first[1] == values


# Processes.


def test_a_fork_that_stays_behind_dies_with_the_worker(session_of):
    session = session_of("import os, time\npid = os.fork()\nif pid == 0: time.sleep(1000)\nreturn pid")
    pid = learner_of(session).f()
    assert is_alive(pid)
    session.close()

    assert not is_alive(pid)


def test_a_fork_that_left_the_group_dies_too(session_of):
    body = """
        import os, time
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                os.write(write, str(os.getpid()).encode())
                time.sleep(1000)
            os._exit(0)
        return int(os.read(read, 20))
    """
    session = session_of(body)
    pid = learner_of(session).f()
    assert is_alive(pid)
    session.close()

    assert eventually(lambda: not is_alive(pid))


def test_a_fork_that_answers_too_is_noticed(session_of):
    session = session_of("import os; return os.fork()", times=TimeLimits(call=20, again=20, load=20))
    learner = learner_of(session)

    def go_on() -> None:
        learner.f()
        session.times = HASTY
        eventually(lambda: learner.ok(1) != 2, seconds=20)  # the fork answers when the machine lets it

    with pytest.raises((LearnerDied, LearnerTimedOut)):
        go_on()
    session.times = TimeLimits(call=20, again=20, load=20)

    assert learner.ok(1) == 2


def test_a_session_of_its_own_keeps_it_from_our_group(looks):
    assert looks("[os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()]") == [True, True]
    parent = Path(f"/proc/{looks('os.getppid()')}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) == shared_zygote()._process.pid


def test_fifty_workers_leave_nothing_behind(session_of):
    session = session_of("os._exit(0)", top="import os\ndef g(): return os.getppid()")
    learner = learner_of(session)
    learner.ok(1)
    session.close()
    before = open_fds()
    place = shared_zygote()._place
    for _ in range(25):
        with pytest.raises(LearnerDied):
            learner.f()
        learner.ok(1)
        branch = learner.g()
        assert len(os.listdir(place)) == 1
        session.close()

    assert open_fds() == before
    assert os.listdir(place) == []
    assert not Path(f"/proc/{branch}/task/{branch}/children").read_text().split()


def test_a_worker_that_cannot_be_made_leaves_nothing_behind(monkeypatch):
    before = open_fds()
    monkeypatch.setattr(tempfile, "tempdir", None)
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        zygote = Zygote(walls.NONE).start()
        os.kill(zygote._process.pid, signal.SIGKILL)
        with pytest.raises(GraderFault):
            zygote.spawn(LIMITS, ())
        assert os.listdir(folder) == []
    monkeypatch.setattr(tempfile, "tempdir", None)

    assert open_fds() <= before


# Sessions and zygotes.


def test_two_sessions_at_once_do_not_meet(session_of):
    one, other = (learner_of(session_of("seen.append(args[0])\nreturn list(seen)", top="seen = []")) for _ in range(2))

    assert [one.f(1), other.f(2), one.f(3), other.f(4)] == [[1], [2], [1, 3], [2, 4]]


def test_two_threads_use_one_zygote(session_of):
    answers: dict[int, list] = {}

    def work(number: int) -> None:
        learner = learner_of(sessions[number])
        answers[number] = []
        for step in range(5):
            answers[number].append(learner.ok(10 * number + step))
            sessions[number].close()

    sessions = [session_of("return 1") for _ in range(3)]
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {number: [10 * number + step + 1 for step in range(5)] for number in range(3)}


def test_a_worker_that_takes_its_time_to_die_does_not_hold_up_another_session(session_of, monkeypatch):
    monkeypatch.setattr("grader.learner.session.DEATH_SECONDS", 3.0)
    slow = session_of("import os, time\nos.close(3)\ntime.sleep(1000)")
    quick = learner_of(session_of("return 1"))
    quick.ok(1)
    learner_of(slow).ok(1)
    ended = []

    def die() -> None:
        with pytest.raises(LearnerDied):
            learner_of(slow).f()
        ended.append(True)

    thread = threading.Thread(target=die)
    thread.start()
    quick.link.session.close()
    assert quick.ok(1) == 2
    assert not ended
    thread.join()


def test_a_zygote_that_dies_is_our_fault_and_a_new_one_takes_over(session_of, another_zygote):
    session = session_of("return 1", zygote=another_zygote)
    learner = learner_of(session)
    assert learner.ok(1) == 2
    worker = session._channel.worker.pid
    os.kill(another_zygote._process.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(worker))
    with pytest.raises(GraderFault):
        learner.ok(1)

    assert learner.ok(1) == 2


def test_a_zygote_that_is_closed_takes_its_workers_and_their_forks_along(session_of, another_zygote):
    body = "import os, time\nchild = os.fork()\nif child == 0: time.sleep(1000)\nreturn os.getpid(), child"
    pids = learner_of(session_of(body, zygote=another_zygote)).f()
    assert all(map(is_alive, pids))
    another_zygote.close()

    assert not any(map(is_alive, pids))


def test_a_grader_that_is_killed_leaves_no_process_and_no_directory():
    program = """if True:
        import os, sys
        from wall_kit import learner_of, wall
        session = wall("import os\\ndef f(): return [os.getpid(), os.getcwd()]")
        print(*learner_of(session).f(), flush=True)
        os.kill(os.getpid(), 9)
    """
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    pid, place = done.stdout.split()

    assert done.returncode == -9
    assert eventually(lambda: not is_alive(int(pid)))
    assert eventually(lambda: not Path(place).exists())


def test_a_zygote_that_cannot_import_torch_says_so(monkeypatch):
    monkeypatch.setattr("grader.learner.box.package_files", dict)
    zygote = Zygote(walls.NONE).start()
    with pytest.raises(GraderFault, match="No module named"):
        zygote.spawn(LIMITS, ())
    zygote.close()


def test_a_worker_that_cannot_confine_itself_is_our_fault(session_of):
    zygote = Zygote(replace(walls.NONE, syscalls=bytes(8)))  # no filter that a kernel takes
    session = session_of("return 1", zygote=zygote)
    try:
        with pytest.raises(GraderFault, match="a worker did not start"):
            learner_of(session).ok(1)
    finally:
        zygote.close()


def test_a_request_that_is_too_large_is_our_fault(session_of):
    learner = learner_of(session_of("return 1"))
    with pytest.raises(GraderFault, match="cannot be sent"):
        learner.f("x" * (9 * MEGABYTE))

    assert learner.ok(1) == 2


def test_an_interrupt_of_ours_leaves_no_answer_for_the_next_request(session_of, monkeypatch):
    session = session_of("import time; time.sleep(0.2); return 'late'")
    learner = learner_of(session)
    learner.ok(1)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Channel, "read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            learner.f()

    assert learner.ok(1) == 2


def test_the_same_calls_give_the_same_bytes(remember):
    source = "import torch\ndef f(x): return {'y': x * torch.rand(3), 's': str({'a', 'b', 'c'})}, torch.rand(2)\n"
    said = []
    for _ in range(2):
        learner = learner_of(remember(wall(source)))
        learner.f(torch.arange(3.0))
        learner.f(torch.arange(3.0))
        said.append([(e.body, e.reply, e.answer) for e in learner.link.case.exchanges])

    assert said[0] == said[1]


def test_neither_meta_tensors_nor_optimizers_bring_in_the_compiler(remember):
    source = """
        import sys
        import torch
        def f(x):
            torch.batch_norm(torch.relu(x), None, None, x[0, :, 0], x[0, :, 0], True, 0.1, 1e-5, False)
            weight = torch.nn.Parameter(torch.ones(1))
            weight.grad = torch.ones(1)
            optimizer = torch.optim.SGD([weight], lr=0.25, momentum=0.5)
            optimizer.step()
            assert weight.item() == 0.75 and torch.is_grad_enabled()
            return "torch._dynamo" in sys.modules, "torch.fx.experimental.symbolic_shapes" in sys.modules
    """

    assert learner_of(remember(wall(source))).f(torch.ones(2, 3, 4, device="meta")) == (False, True)


def test_a_worker_that_was_kept_from_running_is_given_its_time():
    busy = Patience(1.0, time.monotonic() - 1.5, os.getpid(), used=_look(os.getpid())[1])
    spent = Patience(1.0, time.monotonic() - 1.5, os.getpid(), used=_look(os.getpid())[1] - 1.0)
    late = Patience(1.0, time.monotonic() - CEILING - 0.1, os.getpid(), used=_look(os.getpid())[1])

    assert busy.left() == LOOK_AGAIN  # it runs, and had none of its second yet
    for over in (spent, late, Patience(1.0, time.monotonic() - 1.5)):
        with pytest.raises(TimeoutError):
            over.left()


def test_a_worker_that_sleeps_until_we_fetch_its_answer_is_not_late():
    """It is we who are slow; and only as long as it has not had its seconds of a processor."""
    asleep = subprocess.Popen(["sleep", "60"])
    try:
        while (_look(asleep.pid) or "R")[0] != "S":
            time.sleep(0.01)
        used = _look(asleep.pid)[1]
        waits = Patience(1.0, time.monotonic() - 1.5, asleep.pid, used)
        spent = Patience(1.0, time.monotonic() - 1.5, asleep.pid, used - 1.0)
        late = Patience(1.0, time.monotonic() - CEILING - 0.1, asleep.pid, used)

        assert waits.left(lambda: True) == LOOK_AGAIN
        for over, at_hand in ((waits, False), (spent, True), (late, True)):
            with pytest.raises(TimeoutError):
                over.left(lambda ready=at_hand: ready)
    finally:
        asleep.kill()
        asleep.wait()


def test_a_large_answer_that_we_are_slow_to_fetch_is_not_late(session_of, monkeypatch):
    """As the training set that comes back from a training which a busy machine has made slow."""
    fill = Channel._fill

    def slowly(self, view, patience):
        for start in range(0, len(view), 2**18):
            time.sleep(0.1)
            fill(self, view[start : start + 2**18], patience)

    learner = learner_of(session_of("return torch.zeros(2**20)", times=TimeLimits(call=1.0, again=1.0, load=20)))
    assert len(learner.f()) == 2**20
    monkeypatch.setattr(Channel, "_fill", slowly)
    assert len(learner.f()) == 2**20
