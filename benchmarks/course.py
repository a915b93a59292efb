"""What the references cost: each exercise and the whole course, on one core, inputs drawn anew and inputs kept.

    python benchmarks/course.py [EXERCISE ...] [--runs N] [--wrong]

Whole `grade run` processes with all that they start, pinned to one core where the system can, medians of processor
seconds, which a busy machine changes least. "drawn" begins with an empty cache of inputs, "kept" with the one that it
left. Then where the time of a run goes. `--wrong`: every task of the submission is wrong, so that each failure is made
small and diagnosed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def seconds(what: list[str], submission: Path, cache: Path) -> float:
    command = [sys.executable, "-P", "-m", "grader", "run", *what, "--submission", str(submission), "--json", "-"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, preexec_fn=one_core)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr}")
    report = json.loads(done.stdout)
    if submission == ROOT / "solutions" and report["score"] != report["max_score"]:
        raise SystemExit(f"{what}: the reference lost points: what was measured is no full run")
    return took


def measured(names: list[str], submission: Path, runs: int) -> None:
    print(f"{'':22}{'drawn':>9}{'kept':>9}   processor seconds on one core, median of {runs}")
    for what in [*([name] for name in names), *([names] if len(names) > 1 else [])]:
        drawn, kept = [], []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as cache:
                drawn.append(seconds(what, submission, Path(cache)))
                kept.append(seconds(what, submission, Path(cache)))
        label = what[0] if len(what) == 1 else "together"
        print(f"{label:22}{statistics.median(drawn):9.1f}{statistics.median(kept):9.1f}", flush=True)


def wrong_everywhere(folder: Path, names: list[str]) -> Path:
    """Submissions whose functions answer with something else, and whose modules answer twice as much."""
    for name in names:
        text = (ROOT / "solutions" / f"{name}.py").read_text("utf-8")
        tasks = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        text += "\n\ndef _spoilt(right):\n    def wrong(*args, **kwargs):\n        value = right(*args, **kwargs)\n"
        text += "        return value + value if not isinstance(value, dict) else {}\n    return wrong\n"
        for task in tasks:
            if task.name.startswith("_"):
                continue
            target = f"{task.name}.forward" if isinstance(task, ast.ClassDef) else task.name
            text += f"\n{target} = _spoilt({target})"
        (folder / f"{name}.py").write_text(text + "\n")
    return folder


class Clock:
    """Adds up what passes in some functions; time inside another clocked one belongs to that one alone."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._open: list[float] = []

    def around(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._open.append(0.0)
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - started
                self.spent[label] += took - self._open.pop()
                if self._open:
                    self._open[-1] += took

        return timed


def where(names: list[str]) -> None:
    """One process, inputs drawn: imports, drawing, the learner's side, the checks' own arithmetic."""
    one_core()
    clock = Clock()
    started = time.perf_counter()
    from grader import course
    from grader.checker import deck, judge, trial
    from grader.collect import collect
    from grader.learner import WorkerSession, Zygote
    from grader.pipeline import Grader, Wanted

    clock.spent["importing torch, pytest, Hypothesis here"] = time.perf_counter() - started
    zygote = Zygote().start()
    Zygote.spawn = clock.around("starting workers; torch in theirs", Zygote.spawn)  # type: ignore[method-assign]
    deck._draw = clock.around("Hypothesis drawing inputs", deck._draw)
    WorkerSession.request = clock.around("the learner's side: calls and answers", WorkerSession.request)  # type: ignore[method-assign]
    trial.Trial._attempt = clock.around("references and comparisons", trial.Trial._attempt)  # type: ignore[method-assign]
    judge.Judge._run = clock.around("the rest of a check", judge.Judge._run)  # type: ignore[method-assign]
    try:
        known = course.load()
        submission = collect(ROOT / "solutions", known.names, None)
        grade = clock.around("everything else", Grader(known, zygote).grade)
        grade(submission, wanted=Wanted(dict.fromkeys(names)))
    finally:
        zygote.close()
    whole = sum(clock.spent.values())
    print(f"\nwhere {whole:.1f} s go ({', '.join(names)}; one process, inputs drawn)")
    for label, spent in clock.spent.most_common():
        print(f"  {label:42}{spent:6.1f} s {100 * spent / whole:5.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercise", nargs="*")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    every = sorted(path.stem for path in (ROOT / "exercises").glob("ex*.py"))
    names = arguments.exercise or every
    unknown = sorted(set(names) - set(every))
    if unknown:
        raise SystemExit(f"no exercise {', '.join(unknown)}; there are {', '.join(every)}")
    with tempfile.TemporaryDirectory() as folder:
        place = wrong_everywhere(Path(folder), names) if arguments.wrong else ROOT / "solutions"
        measured(names, place, arguments.runs)
    if not arguments.wrong:
        where(names)


if __name__ == "__main__":
    main()
