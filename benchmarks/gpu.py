"""The throughput of `grade batch` on a GPU against the CPU: the same class, the same checks, in turn.

    python benchmarks/gpu.py [EXERCISE ...] [--class N] [--jobs N] [--runs N] [--cpu-alone]

A class of right submissions in the styles of tests/right, graded anew in every run; medians, warming up in neither.
Ratios are what to quote. Without a GPU it says so and ends; --cpu-alone measures the CPU all the same.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from grader.learner import gpu

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ("ex04_conv", "ex08_resnet")


def a_class(folder: Path, exercise: str, count: int) -> Path:
    """`count` right submissions of one exercise, no two of them the same text."""
    styles = [ROOT / "solutions" / f"{exercise}.py", *sorted((ROOT / "tests" / "right" / exercise).glob("*.py"))]
    for number in range(count):
        place = folder / f"student{number:04}"
        place.mkdir(parents=True)
        text = styles[number % len(styles)].read_text("utf-8")
        (place / f"{exercise}.py").write_text(f"{text}\n# {number}\n", "utf-8")
    return folder


def seconds(submissions: Path, out: Path, exercise: str, jobs: int, device: str) -> float:
    command = [
        sys.executable, "-P", "-m", "grader", "batch", str(submissions), "--out", str(out), "--only", exercise,
        "--jobs", str(jobs), "--device", device, "--again",
    ]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return time.perf_counter() - started


def processor() -> str:
    """The model of the CPU, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{named[0] if named else platform.machine()}, {cores} cores"


def measure(exercise: str, count: int, jobs: int, runs: int, devices: list[str]) -> None:
    """Two classes a device, one of a single submission: their difference is what the others cost, and no start."""
    with tempfile.TemporaryDirectory(prefix="grade-bench-") as folder:
        place = Path(folder)
        classes = {size: a_class(place / f"class{size}", exercise, size) for size in (1, count)}
        rates: dict[str, list[float]] = {device: [] for device in devices}
        for turn in range(runs + 1):
            for device in devices:
                one, all_ = (
                    seconds(classes[size], place / f"out-{device}-{size}", exercise, jobs, device)
                    for size in (1, count)
                )
                if turn:  # the first turn draws inputs and warms the disk
                    rates[device].append(60 * (count - 1) / max(all_ - one, 1e-9))
    for device in devices:
        print(f"| {exercise} | {device} | {statistics.median(rates[device]):.1f} |")
    if len(devices) > 1:
        ratio = statistics.median(one / other for one, other in zip(rates["cuda"], rates["cpu"], strict=True))
        print(f"  {exercise}: cuda / cpu {ratio:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", default=EXERCISES)
    parser.add_argument("--class", type=int, default=24, dest="count", help="submissions")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cpu-alone", action="store_true", help="also where there is no GPU")
    arguments = parser.parse_args()
    found = gpu.facts()
    missing = gpu.why_not(found)
    print(f"CPU: {processor()}")
    print(f"GPU: {'; '.join(map(str, found.cards)) if not missing else f'none, nothing measured on one ({missing})'}")
    print(f"torch {torch.__version__}, driver {found.driver or 'none'}, Python {platform.python_version()}")
    if missing and not arguments.cpu_alone:
        return 0
    print(f"{arguments.count} submissions, {arguments.jobs} jobs, median of {arguments.runs} runs\n")
    print("| exercise | device | submissions a minute |\n|---|---|---|")
    for exercise in arguments.exercises:
        measure(exercise, arguments.count, arguments.jobs, arguments.runs, ["cpu"] if missing else ["cpu", "cuda"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
