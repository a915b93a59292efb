"""How soon a fresh worker answers its first call, on a warm zygote, against a bare fork of a process with torch in it.

    python benchmarks/worker.py [--runs N]

In turn, medians and ratios: the bare fork (os.fork, one byte back, collected), then a worker without walls, behind
Landlock and seccomp, and behind these in a box. A worker's time is from being asked for to its first answer: socket and
pipe made, forked, limited, locked down, the learner's source sent and run, one function called, the answer read.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch

from grader import course
from grader.learner import Kind, Learner, TimeLimits, WorkerSession, Zygote, walls
from grader.worker.control import Ban
from grader.worker.wire import Load

SOURCE = "import torch\nfrom torch import nn\n\ndef f(x):\n    return x + 1\n"
EXERCISE = "ex04_conv"


def bare_fork() -> float:
    read, write = os.pipe()
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.write(write, b"x")
        os._exit(0)
    os.read(read, 1)
    took = time.perf_counter() - started
    os.waitpid(pid, 0)
    os.close(read)
    os.close(write)
    return took


def first_answer(zygote: Zygote, bans: tuple[Ban, ...]) -> float:
    limits = course.load().budget.worker
    session = WorkerSession(zygote, Load("exercise", "exercise.py", SOURCE), limits, TimeLimits(), bans)
    learner = Learner(session, {"f": Kind.FUNCTION})
    started = time.perf_counter()
    learner.f(1)
    took = time.perf_counter() - started
    session.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    here = walls.here()
    kinds = {"no walls": walls.NONE, "Landlock, seccomp": here.without_box(), "box, Landlock, seccomp": here}
    bans = course.load().exercise(EXERCISE).tasks[0].bans
    zygotes = {name: Zygote(around).start() for name, around in kinds.items()}
    ways: dict[str, Callable[[], float]] = {"bare fork": bare_fork}
    for name, zygote in zygotes.items():
        ways[name] = lambda zygote=zygote: first_answer(zygote, ())  # type: ignore[misc]
        ways[f"{name}, bans of {EXERCISE}"] = lambda zygote=zygote: first_answer(zygote, bans)  # type: ignore[misc]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.runs + 2):
        for name, way in ways.items():
            took = way()
            if turn > 1:  # the first turns start the zygotes' branches
                times[name].append(took)
    for zygote in zygotes.values():
        zygote.close()
    print(f"{options.runs} runs each in turn, torch {torch.__version__}")
    for name, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(taken, times["bare fork"], strict=True))
        worst = sorted(taken)[int(0.95 * (len(taken) - 1))]
        median = statistics.median(taken)
        print(f"  {name:40} median {1000 * median:6.1f} ms   95 % {1000 * worst:6.1f} ms   / bare fork {ratio:5.2f}")


if __name__ == "__main__":
    main()
