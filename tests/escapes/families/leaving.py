"""Leaving early, so that nobody gets to say what was wrong."""

from __future__ import annotations

from ..attack import DEAD, RAISED, Attack

_EITHER = DEAD | RAISED


def _leaves(name: str, sentence: str, body: str, verdicts: frozenset[str] = DEAD, says: str = "") -> Attack:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"import os, sys, signal, ctypes, threading, atexit\ndef conv_output_size(*args, **kwargs):\n{lines}\n"
    return Attack(name, sentence, source, verdicts=verdicts, says=says)


ATTACKS = [
    _leaves(
        "exit_at_once", "ends its process with exit code 0 in the middle of a call", "os._exit(0)", says="exit code 0"
    ),
    *(
        _leaves(f"exit_{code}", f"ends with {code}, an exit code that the worker itself uses", f"os._exit({code})")
        for code in (70, 71, 72)
    ),
    _leaves("sys_exit", "calls sys.exit(0)", "sys.exit(0)", says="tried to end the program"),
    _leaves("quit_by_name", "calls quit()", "quit()"),
    _leaves(
        "exit_of_its_own",
        "raises a SystemExit whose code answers True to everything",
        "class Yes(int):\n    def __eq__(self, other): return True\n    def __bool__(self): return False\n"
        "class Leave(SystemExit):\n    code = Yes()\nraise Leave(0)",
        verdicts=_EITHER,
    ),
    _leaves(
        "interrupt", "raises KeyboardInterrupt, as if the teacher had pressed Ctrl-C", "raise KeyboardInterrupt", RAISED
    ),
    _leaves("generator_exit", "raises GeneratorExit", "raise GeneratorExit", RAISED),
    _leaves("stop_iteration", "raises StopIteration", "raise StopIteration(1)", RAISED),
    _leaves(
        "skip_by_name",
        "raises exceptions with the names and modules of pytest's skip and of Hypothesis's give-up",
        "name = 'Skipped' if args and args[0] % 2 else 'UnsatisfiedAssumption'\n"
        "kind = type(name, (BaseException,), {'__module__': 'pytest' if name == 'Skipped' else 'hypothesis.errors'})\n"
        "raise kind('skip this check')",
        RAISED,
    ),
    _leaves(
        "skip_for_real",
        "skips its own test through unittest, and tries pytest",
        "import unittest\ntry:\n    import pytest\nexcept ImportError:\n    raise unittest.SkipTest('later')\npytest.skip('later')",
        RAISED,
    ),
    _leaves(
        "our_own_faults",
        "raises an exception called GraderFault, so that nobody would dare to take points",
        "class GraderFault(Exception):\n    pass\nGraderFault.__module__ = 'grader.errors'\nraise GraderFault('the grader is broken')",
        RAISED,
    ),
    _leaves("memory_by_hand", "raises MemoryError by hand", "raise MemoryError('so sorry')", _EITHER),
    _leaves(
        "killed_by_itself", "sends itself SIGKILL", "ctypes.CDLL(None).raise_(9) if False else signal.raise_signal(9)"
    ),
    _leaves("terminated_by_itself", "sends itself SIGTERM", "signal.raise_signal(15)"),
    _leaves("stopped_by_itself", "sends itself SIGSTOP and waits", "signal.raise_signal(19)", frozenset({"timed_out"})),
    _leaves("aborts", "aborts", "os.abort()"),
    _leaves("segfault", "reads address 0", "ctypes.string_at(0)", says="segmentation fault"),
    _leaves(
        "segfault_in_a_thread",
        "crashes from a thread while the main one answers",
        "threading.Thread(target=ctypes.string_at, args=(0,)).start()\nimport time\ntime.sleep(0.5)\nreturn 3",
    ),
    _leaves(
        "stack_overflow",
        "runs through the C stack",
        "sys.setrecursionlimit(10**9)\nx = ()\nfor _ in range(10**6): x = (x,)\nreturn hash(x)",
    ),
    _leaves(
        "farewell",
        "leaves work for when it is gone: atexit, __del__ and a thread that outlives the answer",
        "class Last:\n    def __del__(self): open('/tmp/farewell', 'w').write('here')\n"
        "keep = globals().setdefault('keep', []); keep.append(Last())\n"
        "atexit.register(lambda: open('/tmp/farewell', 'w').write('here'))\n"
        "def later():\n    import time\n    time.sleep(0.3)\n    os._exit(0)\n"
        "threading.Thread(target=later, daemon=True).start()\nreturn -1",
        frozenset({"wrong", "died", "raised"}),
    ),
]
