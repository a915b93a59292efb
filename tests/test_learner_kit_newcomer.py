"""A learner's kit from end to end: released, cloned, installed, worked in, pushed, graded by the course's workflow."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit import solution
from schemas_kit import errors
from test_platform_workflows import Runner, scripts, staff_workflow

from grader import course
from grader.desk.solution import reference
from grader.platforms.releases import Wish, release

KNOWN = course.load()
EX, OTHER = "ex03_output_size", "ex02_filters"
TASK = "conv_output_size"


class Person:
    """Somebody with a home of their own and no settings: real processes, one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "100",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def run(self, *command: str | Path, cwd: Path, ends: int = 0) -> str:
        done = subprocess.run(
            [*map(str, command)], cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == ends, done.stdout + done.stderr
        return done.stdout + done.stderr


def installed(person: Person, folder: Path) -> Path:
    """A fresh environment with the grader that requirements.txt names, without an index.

    What that needs, torch and the rest, is lent by the environment that the tests run in; its grader is not.
    """
    person.run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=folder)
    python = folder / ".venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--quiet")
    person.run(*pip, "--disable-pip-version-check", "-r", "requirements.txt", cwd=folder)
    (packages,) = (folder / ".venv" / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(f"{Path(pytest.__file__).parent.parent}\n")
    where = person.run(python, "-P", "-c", "import grader; print(grader.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(packages)
    return folder / ".venv" / "bin" / "grade"


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the staff made: workflows, a kit with the learner's workflow in it, and the repository that learners get."""
    place = tmp_path_factory.mktemp("staff")
    release("learner", Wish(KNOWN, (OTHER, EX), place / "kit"))
    release("github", Wish(KNOWN, (OTHER, EX), place / "github"))
    teacher = Person(place / "teacher")
    for file in (place / "github" / "learner").rglob("*.yml"):
        below = place / "kit" / file.relative_to(place / "github" / "learner")
        below.parent.mkdir(parents=True)
        below.write_bytes(file.read_bytes())
    for command in (("init", "--quiet", "--initial-branch", "main"), ("add", "."), ("commit", "--quiet", "-m", "kit")):
        teacher.run("git", *command, cwd=place / "kit")
    teacher.run("git", "clone", "--quiet", "--bare", "kit", "learner.git", cwd=place)
    return place


@pytest.fixture(scope="module")
def learner(staff: Path) -> Person:
    return Person(staff / "learner")


@pytest.fixture(scope="module")
def clone(staff: Path, learner: Person) -> Path:
    learner.run("git", "clone", "--quiet", staff / "learner.git", "work", cwd=learner.home)
    return learner.home / "work"


@pytest.fixture(scope="module")
def tool(learner: Person, clone: Path) -> Path:
    return installed(learner, clone)


def write(clone: Path, name: str) -> None:
    """Our own answer in place of the stub's definition."""
    file = clone / "exercises" / f"{EX}.py"
    lines = file.read_text().split("\n")
    tree = ast.parse("\n".join(lines))
    (node,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    lines[node.lineno - 1 : node.end_lineno] = [reference(solution(EX), name)]
    file.write_text("\n".join(lines))


def test_a_newcomer_is_told_what_is_checked_solves_a_task_and_the_course_gives_its_points(
    staff: Path, learner: Person, clone: Path, tool: Path
) -> None:
    before = learner.run(tool, cwd=clone)
    assert "ex02_filters" in before
    assert "ex04_conv" not in before  # not in this kit
    assert learner.run(tool, "run", EX, cwd=clone, ends=1).count("to do") == 6

    write(clone, TASK)
    said = learner.run(tool, "run", EX, "--json", "result.json", "--html", "page.html", cwd=clone, ends=1)
    assert f"○ examples pass  {TASK}" in said
    assert "Public examples: they pass in 1 of 6 tasks. No points are given here" in said
    result = (clone / "result.json").read_text()
    assert errors("grade-1", result) == []
    assert (json.loads(result)["kit"], json.loads(result)["score"]) == (True, 0)
    assert "examples pass in 1 of 6 tasks" in learner.run(tool, cwd=clone)

    learner.run("git", "add", "exercises", cwd=clone)
    learner.run("git", "commit", "--quiet", "-m", f"ex03: {TASK}", cwd=clone)
    learner.run("git", "push", "--quiet", cwd=clone)

    runner = Runner(staff / "job")
    (runner.workspace / "submission").rmdir()
    learner.run("git", "clone", "--quiet", staff / "learner.git", runner.workspace / "submission", cwd=staff)
    (grade_step,) = scripts(staff_workflow(staff / "github")["jobs"]["grade"])
    done = runner.step(grade_step, WHAT=EX)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "file=submission/" not in done.stdout
    graded = json.loads((runner.workspace / "grades" / "result.json").read_text())
    earned = {task["name"]: task["score"] for task in graded["exercises"][0]["tasks"]}
    assert earned == {task.name: task.points if task.name == TASK else 0 for task in KNOWN.exercise(EX).tasks}
    assert "kit" not in graded


def test_what_git_keeps_is_the_work_and_no_rubbish(learner: Person, clone: Path, tool: Path) -> None:
    learner.run(tool, "hint", EX, cwd=clone)
    learner.run(tool, "reset", f"{EX}::{TASK}", cwd=clone)
    changed = learner.run("git", "status", "--porcelain", cwd=clone).split()
    assert set(changed) <= {"M", "??", f"exercises/{EX}.py", "result.json", "page.html"}


def test_every_command_of_the_kit_answers(learner: Person, clone: Path, tool: Path) -> None:
    assert "same_padding" in learner.run(tool, "show", EX, cwd=clone)
    assert "is not in a learner's kit" in learner.run(tool, "solution", "same_padding", "--spoil", cwd=clone, ends=2)
    assert "hint 1 of" in learner.run(tool, "hint", "same_padding", cwd=clone)
    assert "there is no exercise or task 'ex04'" in learner.run(tool, "run", "ex04", cwd=clone, ends=2)
    assert "learner's kit" in learner.run(tool, "release", "learner", "--to", "x", cwd=clone, ends=2)
    assert "learner's kit" in learner.run(tool, "verify", cwd=clone, ends=2)
    assert "learner's kit" in learner.run(tool, "batch", ".", "--out", "x", cwd=clone, ends=2)
    assert not (clone / "x").exists()
    empty = clone.parent / "empty"
    empty.mkdir()
    assert "Nothing was checked" in learner.run(tool, "run", cwd=empty, ends=5)
    assert "Debug mode" in learner.run(tool, "run", EX, "--debug", cwd=clone, ends=1)


def test_every_module_of_the_kit_can_be_imported(learner: Person, clone: Path, tool: Path) -> None:
    """None of them leads to a room that was left out, and all that they need is asked for."""
    program = """
import importlib, pathlib, sys
import grader

root = pathlib.Path(grader.__file__).parent
for file in sorted(root.rglob("*.py")):
    parts = file.relative_to(root).with_suffix("").parts
    if parts[0] != "course_data" and parts[-1] != "__main__":
        importlib.import_module(".".join(("grader", *parts)).removesuffix(".__init__"))
print(sorted(name for name in ("sqlalchemy", "rapidfuzz", "nbformat") if name in sys.modules))
"""
    said = learner.run(tool.parent / "python", "-P", "-W", "error", "-c", program, cwd=clone)
    assert said.strip().endswith("[]")
