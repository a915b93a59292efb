"""From a save to its verdict in a warm `grade watch`, against a cold pytest of the same task's checks.

    python benchmarks/watch.py [--runs N]

The real command on a terminal of its own; a save is a file renamed into place. Right saves end when the screen says
that the task has passed; wrong ones have a first verdict (the check that fails, drawn) and a last (all checks,
diagnosed). In turn, medians and ratios. The cold pytest has the reference in its own process and pays for its imports.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from one_submission import ROOT, seconds

# Task -> a line of its reference and what a wrong save has in its place.
TASKS = {
    "ex03_output_size::conv_output_size": ("    return room // stride + 1\n", "    return room // stride + 2\n"),
    "ex03_output_size::trace_shapes": ("    return shapes\n", "    return shapes[::-1]\n"),
    "ex04_conv::conv2d": ("    return out if bias is None else out + bias[:, None, None]\n", "    return out + 1\n"),
}


class Watch:
    def __init__(self, folder: Path, exercise: str) -> None:
        self.fd, theirs = pty.openpty()
        command = [str(Path(sys.executable).with_name("grade")), "watch", exercise]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "90", "LINES": "50"}
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self.text = ""

    def until(self, pattern: str) -> float:
        """When it came; what came before is forgotten."""
        while True:
            if found := re.search(pattern, self.text):
                self.text = self.text[found.end() :]
                return time.perf_counter()
            if not select.select([self.fd], [], [], 120)[0]:
                raise SystemExit(f"{pattern!r} did not come: {self.text[-2000:]}")
            self.text += os.read(self.fd, 2**16).decode("utf-8", "replace")

    def quit(self) -> None:
        os.write(self.fd, b"q")
        self.process.wait()
        os.close(self.fd)


def saved(file: Path, text: str) -> float:
    beside = file.with_suffix(".new")
    beside.write_text(text, "utf-8")
    started = time.perf_counter()
    beside.replace(file)
    return started


def checks_of(exercise: str, task: str) -> str:
    """What pytest's -k takes for the checks of a task."""
    path = ROOT / "grader" / "checks" / f"test_{exercise}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    named = {name: getattr(function, "grader_spec", None) for name, function in vars(module).items()}
    return " or ".join(name for name, found in named.items() if found is not None and found.task == task)


def measure(name: str, runs: int) -> None:
    exercise, _, task = name.partition("::")
    right = (ROOT / "solutions" / f"{exercise}.py").read_text("utf-8")
    line, wrong_line = TASKS[name]
    begin = right.index(line, right.index(f"def {task}("))
    wrong = right[:begin] + wrong_line + right[begin + len(line) :]
    checks = ROOT / "grader" / "checks"
    cold = [
        sys.executable, "-m", "pytest", "-q", "-c", str(checks / "pytest.ini"), "--rootdir", str(ROOT), "-p", "plain",
        "-p", "no:cacheprovider", "--import-mode=importlib", str(checks / f"test_{exercise}.py"),
        "-k", checks_of(exercise, task),
    ]  # fmt: skip
    times: dict[str, list[float]] = {"right": [], "wrong, first verdict": [], "wrong, all of it": [], "cold pytest": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{exercise}.py"
        file.write_text(right, "utf-8")
        watch = Watch(Path(folder), name)
        watch.until("quit")
        for turn in range(runs + 1):
            note = f"    # save {turn}\n"  # inside the task: another text, the same answers
            started = saved(file, wrong.replace(wrong_line, note + wrong_line))
            first = watch.until(r"\x1b\[2J[^\0]*?\x1b\[1;31m")
            last = watch.until("graded in")
            watch.until("quit")
            began = saved(file, right[:begin] + note + right[begin:])
            passed = watch.until("graded in")
            watch.until("quit")
            pytest_took = seconds(cold, exercise)
            if turn:
                taken = (passed - began, first - started, last - started, pytest_took)
                for kind, value in zip(times, taken, strict=True):
                    times[kind].append(value)
        watch.quit()
    print(name)
    for kind, took in times.items():
        ratio = statistics.median(a / b for a, b in zip(times["cold pytest"], took, strict=True))
        print(f"  {kind:22} median {statistics.median(took) * 1000:6.0f} ms   cold pytest / this {ratio:5.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    for each in TASKS:
        measure(each, arguments.runs)
