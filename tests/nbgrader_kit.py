"""A course in a folder of its own, run by the real nbgrader, and notebooks as learners hand them in.

Only commands of the installed program are called, in processes of their own: it warns a lot, and none of that is ours.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from grader import course

_GRADES = """
select s.student_id, c.name, g.auto_score, g.needs_manual_grade
from grade g join base_cell c on g.cell_id = c.id join submitted_notebook n on g.notebook_id = n.id
join submitted_assignment s on n.assignment_id = s.id join assignment a on s.assignment_id = a.id where a.name = ?
"""
_SUBMITTED = """
select s.student_id, n.id from submitted_notebook n join submitted_assignment s on n.assignment_id = s.id
join assignment a on s.assignment_id = a.id where a.name = ?
"""
BIN = Path(sys.executable).parent
Book = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """`root` is the course; exchange, caches and settings of the program lie beside it."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "course"

    @property
    def environment(self) -> dict[str, str]:
        own = {name: str(self.home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"  # it calls alembic by name
        return {**os.environ, **own, "IPYTHONDIR": str(self.home / "ipython"), "PATH": path, "PYTHONWARNINGS": "ignore"}

    def run(self, *command: str, folder: Path | None = None, ok: bool = True) -> str:
        """What it prints. `ok`: whether it has to end well."""
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=folder or self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=300,
        )
        assert (done.returncode == 0) == ok, f"{command} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def nbgrader(self, *arguments: str, folder: Path | None = None, ok: bool = True) -> str:
        return self.run("nbgrader", *arguments, folder=folder, ok=ok)

    def nbgrader_each(self, *commands: tuple[str, ...], folder: Path | None = None) -> None:
        """The same program, one command after the other in one process: most of a short command is its start."""
        script = (
            "import json, sys\nfrom nbgrader.apps import NbGraderApp\n"
            "for command in json.loads(sys.argv[1]):\n"
            "    NbGraderApp.clear_instance()\n    NbGraderApp.launch_instance(command)\n"
        )
        self.run("python", "-W", "ignore", "-c", script, json.dumps(commands), folder=folder)

    def set_up(self) -> None:
        """An exchange that learner and teacher share, and an empty folder for each of them."""
        for folder in (self.root, self.home / "learner", self.home / "exchange", self.home / "jupyter_config_dir"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / "exchange").chmod(0o777)
        (self.home / "jupyter_config_dir" / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.Exchange.root = {str(self.home / 'exchange')!r}\n"
            f"c.Exchange.cache = {str(self.home / 'cache')!r}\nc.CourseDirectory.course_id = 'cnn'\n",
            "utf-8",
        )

    def release(self, *arguments: str) -> None:
        self.run("grade", "release", "nbgrader", *arguments, "--to", str(self.root))

    def released(self, name: str) -> Book:
        book: Book = json.loads((self.root / "release" / name / f"{name}.ipynb").read_text("utf-8"))
        return book

    def hand_in(self, learner: str, name: str, book: Book | str, filename: str | None = None) -> Path:
        folder = self.root / "submitted" / learner / name
        folder.mkdir(parents=True, exist_ok=True)
        text = book if isinstance(book, str) else json.dumps(book)
        (folder / (filename or f"{name}.ipynb")).write_text(text, "utf-8")
        return folder

    def autograded(self, learner: str, name: str) -> Book:
        book: Book = json.loads((self.root / "autograded" / learner / name / f"{name}.ipynb").read_text("utf-8"))
        return book

    def grades(self, name: str) -> dict[str, dict[str, tuple[float | None, bool]]]:
        """Learner -> test cell -> (score of the autograding, whether a person has to look at it)."""
        found: dict[str, dict[str, tuple[float | None, bool]]] = {}
        with contextlib.closing(sqlite3.connect(self.root / "gradebook.db")) as book:
            for who, cell, score, by_hand in book.execute(_GRADES, (name,)):
                found.setdefault(who, {})[cell] = (score, bool(by_hand))
        return found

    def submitted(self, name: str) -> dict[str, str]:
        """Learner -> what the formgrader calls their notebook."""
        with contextlib.closing(sqlite3.connect(self.root / "gradebook.db")) as book:
            return dict(book.execute(_SUBMITTED, (name,)))

    def exported(self) -> list[dict[str, str]]:
        with open(self.root / "grades.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def feedback(self, learner: str, name: str) -> str:
        """The page as a browser would read it, frames and all."""
        page = (self.root / "feedback" / learner / name / f"{name}.html").read_text("utf-8")
        return page + unescape(page) + unescape(unescape(page))


def pieces(source: str, name: str) -> tuple[str, dict[str, str]]:
    """A module in parts: what is no task of the exercise (imports, helpers), and the tasks."""
    wanted = {task.name for task in course.load().exercise(name).tasks}
    lines, taken = source.split("\n"), set[int]()
    tasks: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in wanted:
            start = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            tasks[node.name] = "\n".join(lines[start - 1 : node.end_lineno])
            taken |= set(range(start, (node.end_lineno or start) + 1))
    rest = "\n".join(line for number, line in enumerate(lines, 1) if number not in taken)
    return rest, tasks


def cell(book: Book, name: str) -> dict[str, Any]:
    return next(c for c in book["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def answered(book: Book, name: str, answers: Mapping[str, str], before: str = "") -> Book:
    """The notebook with answers in its solution cells; `before` stands in the first of them."""
    made: Book = json.loads(json.dumps(book))
    for number, task in enumerate(task.name for task in course.load().exercise(name).tasks):
        if task in answers:
            own = f"{before}\n\n" if before and number == 0 else ""
            cell(made, f"solve-{name}-{task}")["source"] = f"{own}{answers[task]}"
    return made


def right(book: Book, name: str) -> Book:
    """The notebook solved as we solve it."""
    before, tasks = pieces(course.load().source_file(name).read_text("utf-8"), name)
    return answered(book, name, tasks, before)


def extra(source: str, kind: str = "code") -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source, "id": f"own{abs(hash(source))}"[:20]}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def changed(book: Book, change: Callable[[Book], None]) -> Book:
    made: Book = json.loads(json.dumps(book))
    change(made)
    return made


def shared(factory: pytest.TempPathFactory, worker: str, name: str, build: Callable[[Place], None]) -> Place:
    """A course that is made once for a whole test run, by the process that comes first."""
    run = factory.getbasetemp()
    made = Place((run if worker == "master" else run.parent) / name)
    done = made.home / "done"
    with FileLock(f"{made.home}.lock"):
        if not done.exists():
            assert not made.home.exists(), "another test process has failed to make the course"
            build(made)
            done.touch()
    return made
