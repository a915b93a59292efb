"""A course in a folder of its own, run by the real nbgrader, and notebooks as learners hand them in.

Only commands of the installed program are called, in processes of their own: it warns a lot, and none of that is ours.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from grader import course

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

    def release(self, *arguments: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
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
        script = (
            "import json, sys\nfrom nbgrader.api import Gradebook\n"
            "with Gradebook('sqlite:///gradebook.db') as book:\n"
            "    found = {s.student_id: {g.name: (g.auto_score, g.needs_manual_grade) for n in s.notebooks"
            " for g in n.grades} for s in book.assignment_submissions(sys.argv[1])}\n"
            "print(json.dumps(found))"
        )
        said = self.run("python", "-W", "ignore", "-c", script, name)
        found: dict[str, dict[str, tuple[float | None, bool]]] = json.loads(said.splitlines()[-1])
        return {who: {cell: (pair[0], pair[1]) for cell, pair in cells.items()} for who, cells in found.items()}

    def exported(self) -> list[dict[str, str]]:
        self.nbgrader("export", "--to", "grades.csv")
        with open(self.root / "grades.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def feedback(self, learner: str, name: str) -> str:
        """The page as a browser would read it, frames and all."""
        page = (self.root / "feedback" / learner / name / f"{name}.html").read_text("utf-8")
        return page + unescape(page) + unescape(unescape(page))


def pieces(source: str) -> tuple[str, dict[str, str]]:
    """A module in parts: what is no task (imports, helpers), and the tasks."""
    lines, tasks, taken = source.split("\n"), {}, set[int]()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
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
    before, tasks = pieces(course.load().source_file(name).read_text("utf-8"))
    return answered(book, name, tasks, before)


def extra(source: str, kind: str = "code") -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source, "id": f"own{abs(hash(source))}"[:20]}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def changed(book: Book, change: Callable[[Book], None]) -> Book:
    made: Book = json.loads(json.dumps(book))
    change(made)
    return made
