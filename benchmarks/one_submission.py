"""What one submission costs: a cold `grade run` against `import torch` and against the same checks in plain pytest.

    python benchmarks/one_submission.py [EXERCISE] [--runs N]

Whole processes, one after the other in turn, medians; ratios are what to quote. Then the cost of one call across the
wall, against the same call in this process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
CALLS = 300


def seconds(command: list[str], exercise: str) -> float:
    environment = {**os.environ, "EXERCISE": exercise, "PYTHONPATH": str(ROOT / "benchmarks")}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    took = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return took


def whole_processes(exercise: str, runs: int) -> None:
    check_file = str(ROOT / "grader" / "checks" / f"test_{exercise}.py")
    empty = ["-c", str(ROOT / "grader" / "checks" / "pytest.ini"), "--rootdir", str(ROOT), "-p", "no:cacheprovider"]
    commands = {
        "grade run, cold": [sys.executable, "-P", "-m", "grader", "run", exercise, "--submission", "solutions"],
        "import torch": [sys.executable, "-c", "import torch"],
        "plain pytest, in process": [
            sys.executable, "-m", "pytest", "-q", *empty, "-p", "plain", "--import-mode=importlib", check_file,
        ],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            took = seconds(command, exercise)
            if turn:  # the first turn warms the disk cache
                times[name].append(took)
    ours = times["grade run, cold"]
    print(f"{exercise}, {runs} runs each, torch {torch.__version__}, Python {sys.version.split()[0]}")
    for name, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(ours, taken, strict=True))
        print(f"  {name:26} median {statistics.median(taken):6.2f} s   grade run / this {ratio:5.2f}")


def one_call() -> None:
    from grader import course
    from grader.learner import InProcess, Kind, Learner, WorkerSession, Zygote
    from grader.worker.wire import Load

    torch.set_num_threads(1)
    source = "def same(x):\n    return x\n"
    zygote = Zygote().start()
    session = WorkerSession(zygote, Load("m", "m.py", source), course.load().budget.worker)
    kinds = {"same": Kind.FUNCTION}
    sides = {
        "across": Learner(session, kinds),
        "in process": Learner(InProcess.from_source("m", source, "m.py"), kinds),
    }
    print("one call, there and back (median):")
    for count, size in ((256, "1 KB"), (2**18, "1 MB")):
        across, within = (median_of(side, torch.zeros(count)) for side in sides.values())
        print(f"  {size}: {across:.3f} ms across the wall, {within:.3f} ms through the fake, × {across / within:.2f}")
    started = time.perf_counter()
    for _ in range(20):
        session.close()
        sides["across"].same(torch.zeros(1))
    print(f"fresh worker to first answer: {(time.perf_counter() - started) / 20 * 1000:.1f} ms (mean of 20)")
    session.close()
    zygote.close()


def median_of(side: Any, tensor: torch.Tensor) -> float:
    """Milliseconds; the record of what was said is dropped between calls, as between the inputs of a check."""
    taken = []
    for _ in range(CALLS):
        side.link.begin_case()
        started = time.perf_counter()
        side.same(tensor)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercise", nargs="?", default="ex04_conv")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    whole_processes(arguments.exercise, arguments.runs)
    one_call()
