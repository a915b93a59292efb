"""The desk's commands as a learner meets them: real processes, exit codes, pipes of 80 columns."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit import ROOT, solution

from grader import course
from grader.state import Earned, Graded, State, fingerprint
from grader.workspace import recall, update

KNOWN = course.load()
NAME, TASK = "ex03_output_size", "ex03_output_size::same_padding"
PLAIN = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "FORCE_COLOR", "NO_COLOR"}}


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "grader", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env={**PLAIN, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.fixture
def folder(tmp_path):
    assert run("init", str(tmp_path)).returncode == 0
    return tmp_path


def work(folder, status):
    """The reference as the learner's work, graded with that end."""
    (folder / "exercises" / f"{NAME}.py").write_text(solution(NAME), "utf-8")
    tasks = {task.name: Earned(status, 1.0) for task in KNOWN.exercise(NAME).tasks}
    update(folder, lambda _: State({NAME: Graded(fingerprint(solution(NAME)), tasks)}))


def test_a_new_folder_is_made_and_the_next_step_said(tmp_path):
    done = run("init", "mine", cwd=tmp_path)

    assert done.returncode == 0
    assert "12 exercises" in done.stdout
    assert "Next: cd mine, then grade\n" in done.stdout
    assert "Next: grade run ex01_motivation\n" in run(cwd=tmp_path / "mine").stdout


@pytest.mark.parametrize("command", [("show", "ex06"), ("show", "ex04::conv2d"), ("hint", "ex04"), ("status",), ()])
def test_what_goes_into_a_pipe_fits_80_columns_and_has_no_colours(folder, command):
    done = run(*command, cwd=folder)

    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.split("\n"))) <= 80
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_console_that_knows_ascii_alone_is_no_trouble(folder):
    for command in (("show", "ex06"), ("hint", "ex06"), ("status",)):
        done = run(*command, cwd=folder, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()


def test_hints_go_on_where_they_stopped(folder):
    assert "hint 2 of" not in run("hint", TASK, cwd=folder).stdout
    assert "hint 2 of" in run("hint", TASK, cwd=folder).stdout


def test_a_solution_of_a_task_that_has_passed_is_python_in_a_pipe(folder):
    work(folder, "passed")
    done = run("solution", "same_padding", cwd=folder)

    assert done.returncode == 0
    assert ast.parse(done.stdout)
    assert "return lost // 2" in done.stdout


def test_a_solution_before_it_has_passed_is_refused_and_with_spoil_noted_on_the_map(folder):
    work(folder, "failed")
    refused = run("solution", TASK, cwd=folder)
    shown = run("solution", TASK, "--spoil", cwd=folder)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"grade hint {TASK}" in refused.stderr
    assert shown.returncode == 0
    assert f"Solutions seen before they passed: {TASK}\n" in run(cwd=folder).stdout


def test_a_reset_says_where_the_backup_lies(folder):
    work(folder, "passed")
    done = run("reset", "ex03", cwd=folder)

    assert done.returncode == 0
    place = done.stdout.split("What you had is in ")[1].strip()
    assert (folder / place).read_text("utf-8") == solution(NAME)
    assert recall(folder).exercises == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "ex99"], "nearest"),
        (["show"], "WHAT"),
        (["hint", "ex03::same_paddin"], "same_padding"),
        (["hint", "ex03"], "grade init"),
        (["solution", "ex03"], "same_padding"),
        (["solution"], "TASK"),
        (["reset", "ex03"], "grade init"),
        (["init"], "DIR"),
        (["init", "file"], "file"),
    ],
)
def test_wrong_usage_exits_2_with_a_line_that_helps(tmp_path, arguments, words):
    (tmp_path / "file").write_text("")
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


AT_ONCE = """
import sys
from grader.cli import main
try:
    main()
finally:
    print(sorted({"torch", "numpy", "pytest", "hypothesis"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["status", "show ex04", "hint ex04", f"solution {TASK}", "reset ex03", "init new"])
def test_the_desk_answers_at_once_without_torch_and_pytest(folder, command):
    work(folder, "passed")
    done = subprocess.run(
        [sys.executable, "-P", "-c", AT_ONCE, *command.split()],
        cwd=folder, capture_output=True, text=True, timeout=60, env={**PLAIN, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "[]\n")
