"""A class of right submissions, the same checks: `grade batch` against other graders, side by side in one run.

    python benchmarks/batch.py [--nbgrader PROGRAM] [--otter PROGRAM] [--runs N] [--class N]

13 checks of two tasks of ex02. `grade batch` at one and two jobs: what one more submission costs (a class of --class
against one a quarter as large) and what the whole class costs, warming up included; beside it the bare compute of the
checks, the module in one process with them. The first class hands in our reference over and over, so that all
answers are alike; the second one hands in the right solutions of tests/right in turn. The others get one submission at
a time (pytest, otter) or five (nbgrader); they run the same checks in the learner's own process, which is why they are
not safe. nbgrader and otter-grader are run where they are given, from virtual environments of their own; their kernels
find torch and the checks through PYTHONPATH. Memory is the proportional set size of all processes of a run at its peak.
"""

from __future__ import annotations

import argparse
import inspect
import os
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
import numpy
import torch
from in_notebook import EXERCISE, TASKS, checks
from memory import at_its_peak

from grader import course, source
from grader.checker.check import inner_of
from grader.checker.run import local
from grader.checker.trial import Trial
from grader.references import load, reference

ROOT = Path(__file__).resolve().parent.parent
ONLY = [word for task in TASKS for word in ("--only", f"{EXERCISE}::{task}")]
TEXT = (ROOT / "solutions" / f"{EXERCISE}.py").read_text("utf-8")
ALIKE = (ROOT / "solutions" / f"{EXERCISE}.py",)
DIFFERING = tuple(sorted((ROOT / "tests" / "right" / EXERCISE).glob("*.py")))
PATHS = os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT), str(Path(numpy.__file__).parent.parent)])
NBGRADER_AT_ONCE = 5
MORE = "grade batch --jobs {jobs}, one more"
MORE_DIFFERING = "grade batch --jobs {jobs}, one more, they differ"
BARE = "the checks' bare compute in one process"
BARE_DIFFERING = "the checks' bare compute, they differ"


def seconds(command: list[str], folder: Path, **environment: str) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return time.perf_counter() - started


def a_class(folder: Path, count: int, styles: Sequence[Path]) -> Path:
    for number in range(count):
        place = folder / f"student{number:04}"
        place.mkdir(parents=True)
        text = styles[number % len(styles)].read_text("utf-8")
        (place / f"{EXERCISE}.py").write_text(f"{text}\n# {number}\n", "utf-8")
    return folder


def ours(folder: Path, jobs: int, count: int, styles: Sequence[Path] = ALIKE) -> tuple[float, float]:
    """(seconds of a whole batch, its peak of memory in bytes)."""
    submissions = folder / f"class{count}of{len(styles)}"
    if not submissions.exists():
        a_class(submissions, count, styles)
    out = tempfile.mkdtemp(dir=folder)
    command = [sys.executable, "-P", "-m", "grader", "batch", str(submissions), "--out", out, "--jobs", str(jobs)]
    started = time.perf_counter()
    running = subprocess.Popen([*command, *ONLY], stdout=subprocess.DEVNULL, start_new_session=True)
    with at_its_peak(running.pid) as peak:
        code = running.wait()
        took = time.perf_counter() - started
    if code:
        raise SystemExit(f"grade batch ended with {code}")
    return took, peak()


def fresh_pytest(folder: Path) -> float:
    rooms = ROOT / "grader" / "checks"
    command = [
        sys.executable, "-m", "pytest", "-q", "-c", str(rooms / "pytest.ini"), "--rootdir", str(ROOT), "-p", "plain",
        "-p", "no:cacheprovider", "--import-mode=importlib", str(rooms / f"test_{EXERCISE}.py"),
        "-k", " or ".join(checks()),
    ]  # fmt: skip
    return seconds(command, folder, EXERCISE=EXERCISE, PYTHONPATH=PATHS)


def bare(styles: Sequence[Path] = ALIKE) -> float:
    """The checks alone, a module: kept inputs, all in this process, warm; nothing is forked, collected or written."""
    return statistics.mean(bare_of(load(path, EXERCISE)) for path in styles)


def bare_of(module: types.ModuleType) -> float:
    learner = local(module, course.load().exercise(EXERCISE).kinds)
    given = {"learner": learner, "reference": reference(EXERCISE)}
    started = time.perf_counter()
    for function in checks().values():
        asked = inspect.signature(inner_of(function) if hasattr(function, "hypothesis") else function).parameters
        trial = Trial(function, {key: given[key] for key in given if key in asked}, lambda: learner)
        assert trial.passes(), function.__name__
    return time.perf_counter() - started


def cells(*, tests: bool) -> list[nbformat.NotebookNode]:
    def cell(name: str, text: str, **kind: object) -> nbformat.NotebookNode:
        known = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
        return nbformat.v4.new_code_cell(text, id=name, metadata={"nbgrader": {**known, "grade_id": name, **kind}})

    made = [cell("answer", TEXT, solution=True)]
    for name in checks() if tests else ():
        text = f"import in_notebook\nin_notebook.run({name!r}, globals())"
        made.append(cell(name, text, grade=True, locked=True, points=1))
    return made


def notebook(path: Path, *, tests: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(cells=cells(tests=tests), metadata={"kernelspec": kernel})
    nbformat.write(book, path)


def nbgrader(folder: Path, program: str) -> Callable[[], float]:
    """A course with one assignment; autograding it anew each time."""
    place = folder / "nbgrader"
    notebook(place / "source" / "hw" / "a.ipynb")
    for number in range(NBGRADER_AT_ONCE):
        notebook(place / "submitted" / f"s{number}" / "hw" / "a.ipynb")
    (place / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.timeout = 300\n")
    environment = {"PYTHONPATH": PATHS, "PATH": f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"}
    seconds([program, "generate_assignment", "hw", "--force"], place, **environment)
    return lambda: seconds([program, "autograde", "hw", "--force"], place, **environment) / NBGRADER_AT_ONCE


def otter(folder: Path, program: str) -> Callable[[], float]:
    place = folder / "otter"
    (place / "tests").mkdir(parents=True)
    for name in checks():
        (place / "tests" / f"{name}.py").write_text(
            f"from otter.test_files import test_case\nOK_FORMAT = False\nname = {name!r}\npoints = 1\n\n"
            f"@test_case()\ndef test_it(env):\n    import in_notebook\n    in_notebook.run({name!r}, env)\n"
        )
    notebook(place / "a.ipynb", tests=False)
    environment = {"PYTHONPATH": PATHS, "PATH": f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"}
    seconds([program, "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment"], place, **environment)
    return lambda: seconds([program, "run", "a.ipynb", "-a", "autograder.zip"], place, **environment)


def _version(program: str, package: str) -> str:
    """Of the package in the program's own environment."""
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    python = Path(program).with_name("python")
    return subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(these, those, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--class", type=int, default=80, dest="count")
    parser.add_argument("--nbgrader", metavar="PROGRAM")
    parser.add_argument("--otter", metavar="PROGRAM")
    options = parser.parse_args()
    assert source.read(TEXT, EXERCISE).tasks[0].name == TASKS[0]
    print(f"{len(checks())} checks, torch {torch.__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = max(1, options.count // 4), options.count
        ours(folder, 1, 1)  # draws the inputs, once for all
        bare()  # draws them here
        peers: dict[str, Callable[[], float]] = {
            BARE: bare,
            BARE_DIFFERING: lambda: bare(DIFFERING),
            "a fresh pytest": lambda: fresh_pytest(folder),
        }
        if options.nbgrader:
            peers["nbgrader autograde"] = nbgrader(folder, options.nbgrader)
        if options.otter:
            peers["otter run"] = otter(folder, options.otter)
        times: dict[str, list[float]] = {}
        memory: dict[int, float] = {}
        for _ in range(options.runs):
            for jobs in (1, 2):
                (short, _peak), (long, memory[jobs]) = ours(folder, jobs, few), ours(folder, jobs, many)
                times.setdefault(MORE.format(jobs=jobs), []).append((long - short) / (many - few))
                times.setdefault(f"grade batch --jobs {jobs}, whole class / its size", []).append(long / many)
                short, long = (ours(folder, jobs, count, DIFFERING)[0] for count in (few, many))
                times.setdefault(MORE_DIFFERING.format(jobs=jobs), []).append((long - short) / (many - few))
            for peer, way in peers.items():
                times.setdefault(peer, []).append(way())
        best = times[MORE.format(jobs=2)]
        for kind, taken in times.items():
            ratio = _ratio(taken, best)
            print(f"  {kind:52} {statistics.median(taken):7.3f} s a submission   {ratio:5.1f} × --jobs 2, one more")
        for more, compute in ((MORE, BARE), (MORE_DIFFERING, BARE_DIFFERING)):
            one, two = times[more.format(jobs=1)], times[more.format(jobs=2)]
            print(f"  {more.format(jobs=1)}: {_ratio(one, times[compute]):.2f} × the bare compute")
            print(f"  {more.format(jobs=1)}: {_ratio(one, two):.1f} × two jobs")
        print(f"  memory at its peak: {memory[1] / 2**20:.0f} MB with one job, {memory[2] / 2**20:.0f} MB with two")
        for name, program in (("nbgrader", options.nbgrader), ("otter-grader", options.otter)):
            if program:
                print(f"  {name} {_version(program, name)}")


if __name__ == "__main__":
    main()
