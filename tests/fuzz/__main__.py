"""`python -m tests.fuzz [TARGET ...] --seconds N [--seed S]`: fuzz for a while; exit code 1 where something was found.

Each target runs in a process of its own under a limit of memory. A finding is a file that holds the case:
`python -m tests.fuzz TARGET --replay FILE` runs it once more.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

TARGETS = ("wire", "orders", "decks", "notebooks", "archives", "folders", "texts", "states", "classes")


def main() -> int:
    wanted = _arguments().parse_args()
    if wanted.inside:
        return _inside(wanted)
    folder = Path(wanted.findings or tempfile.mkdtemp(prefix="fuzz-"))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    names = wanted.targets or TARGETS
    found = [_run(name, folder / name, wanted, wanted.seconds / len(names), console) for name in names]
    if not any(found) and not wanted.findings:
        shutil.rmtree(folder)
    return 1 if any(found) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[[], *TARGETS], help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suite", action="store_true", help="as many cases as the test suite runs, whatever they take")
    parser.add_argument("--replay", metavar="FILE", help="run this case and no other")
    parser.add_argument("--findings", metavar="FOLDER", help="where to write findings")
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    return parser


def _run(name: str, folder: Path, wanted: argparse.Namespace, seconds: float, console: Console) -> bool:
    """A target in a process of its own; whether anything was found."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.fuzz", name, "--inside", str(folder), "--seconds", str(seconds)]
    command += ["--seed", str(wanted.seed)]
    command += ["--replay", str(Path(wanted.replay).resolve())] if wanted.replay else []
    command += ["--suite"] if wanted.suite else []
    began = time.monotonic()
    with console.status(name):
        ended = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(folder)})
    took = time.monotonic() - began
    tally = json.loads((folder / "tally.json").read_text("utf-8")) if ended.returncode in (0, 1) else {}
    findings = tally.get("findings", {"the target does not run at all": "-"})
    cases, known = tally.get("cases", 0), tally.get("met", [])
    counts = f"{cases:8,} cases  {took:6.1f} s  {cases / took:6,.0f} a second  {len(findings)} findings"
    console.print(f"{name:10}{counts}{f', {len(known)} known ones' if known else ''}")
    for says, file in findings.items():
        console.print(f"  {says}\n    python -m tests.fuzz {name} --replay {file}")
    return bool(findings)


def _inside(wanted: argparse.Namespace) -> int:
    """The one target, in this process and those that it forks."""
    from .watch import Watch

    [name] = wanted.targets
    watch = Watch(importlib.import_module(f"{__package__}.{name}").TARGET, Path(wanted.inside))
    watch.tell()
    ends = time.monotonic() + wanted.seconds
    if wanted.replay:
        case = Path(wanted.replay).read_bytes()
        watch.apart(lambda: watch.see(case, "replayed"), "replayed")
        return 1 if watch.findings else 0
    for number in itertools.count():
        if number >= watch.target.rounds if wanted.suite else time.monotonic() >= ends:
            break
        watch.round(wanted.seed * 1_000_003 + number)
    watch.fixed()
    for says in watch.target.open if wanted.suite else ():
        if says not in watch.met and says.split(": ")[0] in watch.target.fixed:
            watch.findings[f"it is mended, strike it from what is open: {says}"] = "-"
    watch.tell()
    return 1 if watch.findings else 0


if __name__ == "__main__":
    sys.exit(main())
