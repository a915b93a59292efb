"""Never coming to an end: in Python, in C, asleep, in a trap of its own values, in a thread, while it is loaded.

An attack hangs in another way in each check: the first calls of the four checks of this task differ from each other.
"""

from __future__ import annotations

from ..attack import DEAD, LATE, Attack
from .kernel import MACHINE
from .killing import CHANNELS, HONEST, POINTS

# `way` is 0 where the arguments come in order, 1 where they come by name, 2 where one is negative; the first of all,
# the example in the statement, is the same as 0.
BY_TURNS = """
def inception_output_channels(*args, **kwargs):
    way = 1 if kwargs else 2 if min(args) < 0 else 0
    return WAYS[way]()
"""

ATTACKS = [
    Attack(
        "stubborn_loops",
        "ignores every signal and exception in a loop, burns all processors from 64 threads, stops itself",
        """
import signal, threading
def deaf():
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
def burn():
    for _ in range(64):
        threading.Thread(target=deaf).start()
    deaf()
WAYS = deaf, burn, lambda: signal.raise_signal(signal.SIGSTOP)
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "loops_in_c",
        "loops where Python looks at no signal: a regular expression, a power of ten, a sum without an end",
        """
import itertools, re
WAYS = (lambda: re.match(r"(a|aa|a?)+b", "a" * 5000), lambda: 10 ** 10 ** 8, lambda: sum(itertools.repeat(1)))
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "loops_in_torch",
        "multiplies, sorts and decomposes tensors for longer than anybody waits",
        """
import torch
def tensor(*shape):
    return torch.rand(*shape, dtype=torch.float64)
WAYS = (lambda: torch.matrix_power(tensor(900, 900), 2**60 - 1),
        lambda: any(tensor(2**22).sort() is None for _ in range(100)), lambda: torch.linalg.svd(tensor(1500, 1500)))
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "waiting",
        "waits for what never comes: a lock that it holds itself, descriptors, a signal that is blocked",
        """
import select, signal, threading
lock = threading.Lock()
def locked():
    lock.acquire()
    lock.acquire()
def blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    signal.sigwait([signal.SIGUSR1])
WAYS = locked, lambda: select.select([], [], []), blocked
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "hanging_values",
        "answers with a value whose repr hangs, with an exception whose text hangs, and prints to what never flushes",
        """
import sys, time
class Value:
    def __repr__(self):
        time.sleep(1000)
class Error(Exception):
    def __str__(self):
        time.sleep(1000)
class Stream:
    def write(self, text):
        pass
    def flush(self):
        time.sleep(1000)
def raises():
    raise Error
def prints():
    sys.stdout = Stream()
WAYS = Value, raises, prints
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "hanging_names",
        "hangs where its module is asked for a name, where its class is looked at, and where its object goes away",
        """
import time
def hang(*args):
    time.sleep(1000)
class Meta(type):
    __instancecheck__ = __subclasscheck__ = __eq__ = __getattribute__ = hang
    __hash__ = hang
class Value(metaclass=Meta):
    __class__ = property(hang)
    __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __index__ = __float__ = hang
class Loud:
    __del__ = hang
def gone():
    Loud()
WAYS = Value, gone, lambda: {Value(): 1}
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=LATE,
    ),
    Attack(
        "endless_answers",
        "answers with a generator, with a list that never ends and with a tuple that counts itself for ever",
        """
import itertools
class Endless(list):
    __iter__ = lambda self: itertools.count()
    __len__ = lambda self: 2**62
    __getitem__ = lambda self, place: place
class Own(tuple):
    __iter__ = lambda self: itertools.repeat(self)
WAYS = (lambda: (number for number in itertools.count()), lambda: Endless([256]), lambda: Own((256,)))
"""
        + BY_TURNS,
        target=CHANNELS,
    ),
    Attack(
        "thread_that_stays",
        "answers right, while threads of it wait, burn and write, and an exit handler waits for them",
        """
import atexit, sys, threading, time
def burn():
    while True:
        time.sleep(0)
def write():
    while True:
        sys.stderr.write("x" * 4096 + "\\n")
atexit.register(time.sleep, 1000)
for what in (burn, write, lambda: time.sleep(1000)):
    threading.Thread(target=what).start()
"""
        + HONEST,
        target=CHANNELS,
        earns=POINTS,
    ),
    Attack(
        "hanging_load",
        "hangs while it is loaded, with a name for its process that looks like another process's numbers",
        """
import ctypes, threading
ctypes.CDLL(None).prctl(15, b") R 1 1 1 1 1 1", 0, 0, 0)
threading.Event().wait()
""",
        target=CHANNELS,
        verdicts=LATE,
        says="while your module was being loaded",
    ),
    Attack(
        "spins_on_the_channel",
        "answers right, while a thread of it reads the requests away, writes without an end, or drips",
        """
import os, threading, time
def read():
    while True:
        os.read(3, 1)
def write():
    while True:
        os.write(3, b"CNG1" + bytes(2**16))
def drip():
    for byte in b"CNG1\\0\\0\\1\\0" + bytes(2000):
        os.write(3, bytes([byte]))
        time.sleep(0.05)
    time.sleep(1000)
WAYS = read, write, drip
"""
        + HONEST.replace("def inception_output_channels", "def honest")
        + """
def inception_output_channels(*args, **kwargs):
    threading.Thread(target=WAYS[1 if kwargs else 2 if min(args) < 0 else 0]).start()
    return honest(*args, **kwargs)
""",
        target=CHANNELS,
        verdicts=LATE | DEAD,
    ),
    Attack(
        "main_thread_ends",
        "ends its first thread alone, so that its process looks dead while another thread goes on burning",
        MACHINE
        + """
import threading, time
def burn():
    while True:
        time.sleep(0)
def inception_output_channels(*args, **kwargs):
    threading.Thread(target=burn).start()
    ctypes.CDLL(None).syscall({"x86_64": 60}.get(platform.machine(), 93), 0)
""",
        target=CHANNELS,
        verdicts=LATE | DEAD,
    ),
    Attack(
        "deep_recursion",
        "calls itself without an end: in Python with the limit lifted, in a repr, and through C",
        """
import sys
sys.setrecursionlimit(2**31 - 1)
exec("def own():\\n " + "=".join(f"a{n}" for n in range(5000)) + "=0\\n own()")  # a large frame each
def through_c():
    return list(map(lambda _: through_c(), [1]))
class Value:
    def __repr__(self):
        return repr(self)
WAYS = own, Value, through_c
"""
        + BY_TURNS,
        target=CHANNELS,
        verdicts=DEAD | LATE,
    ),
]
