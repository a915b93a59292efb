"""A class graded undisturbed, and once more killed with -9 on the way again and again: the same grades?

    python benchmarks/killed.py [--count 500] [--kills 3] [--only WHAT ...]

Right, half right, wrong, hostile and broken submissions (a_class.py). Ends with 0 where every result is the same, byte
for byte apart from durations, and so is the table of grades.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from a_class import make

DURATION = re.compile(rb'"duration_s": [0-9.e-]+')


def command(folder: Path, out: Path, only: list[str]) -> list[str]:
    words = [word for what in only for word in ("--only", what)]
    return [sys.executable, "-P", "-m", "grader", "batch", str(folder), "--out", str(out), *words]


def done(out: Path) -> int:
    return len(list((out / "results").glob("*.json"))) if (out / "results").exists() else 0


def killed_at(words: list[str], out: Path, count: int) -> int:
    """Start, and kill everything of it once so many results are there; how many were."""
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    while done(out) < count and running.poll() is None:
        time.sleep(0.01)
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return done(out)


def contents(out: Path) -> dict[str, bytes]:
    found = {path.name: DURATION.sub(b"", path.read_bytes()) for path in (out / "results").glob("*.json")}
    return {**found, "grades.csv": (out / "grades.csv").read_bytes()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["ex03"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, calm, rough = (Path(name) / part for part in ("class", "calm", "rough"))
        folder.mkdir()
        make(folder, options.count)
        for number in range(1, options.kills + 1):
            there = killed_at(
                command(folder, rough, options.only), rough, number * options.count // (options.kills + 1)
            )
            print(f"killed with {there} of {options.count} graded", flush=True)
        began = time.monotonic()
        last = subprocess.run(command(folder, rough, options.only), capture_output=True, text=True, check=False)
        print(
            f"resumed: exit {last.returncode} after {time.monotonic() - began:.0f} s\n{last.stdout[-300:]}", flush=True
        )
        began = time.monotonic()
        whole = subprocess.run(command(folder, calm, options.only), capture_output=True, text=True, check=False)
        print(f"undisturbed: exit {whole.returncode} after {time.monotonic() - began:.0f} s\n{whole.stdout[-300:]}")
        one, other = contents(calm), contents(rough)
        different = sorted(file for file in one.keys() | other.keys() if one.get(file) != other.get(file))
        print(f"{len(one) - 1} results, {len(different)} differ {different[:10]}")
        return 1 if different or whole.returncode or last.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
