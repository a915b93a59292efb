"""The command as a user meets it: real processes, real exit codes, real files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from kit import ROOT, solution

GRADE = [sys.executable, "-P", "-m", "grader"]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GRADE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)


def test_the_references_earn_every_point_and_exit_0():
    """Of three exercises; that all of them do is shown task by task in test_verify.py."""
    done = run("run", "ex01", "ex03", "ex10", "--submission", "solutions", "--json", "-")

    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(done.stdout)
    assert data["schema"] == "grade/1"
    if sys.platform == "linux":
        assert data["environment"]["isolation"] == "sandboxed"
        assert data["environment"]["walls"] == ["bubblewrap", "landlock", "seccomp"]
    assert data["score"] == data["max_score"] > 0
    assert all(check["verdict"] == "passed" for e in data["exercises"] for t in e["tasks"] for check in t["checks"])


def test_fresh_stubs_earn_nothing_are_all_todo_and_exit_1(tmp_path):
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    done = run("run", "--json", "r.json", cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["score"] == 0
    assert {task["status"] for exercise in data["exercises"] for task in exercise["tasks"]} == {"todo"}


def test_one_wrong_task_costs_that_task_alone(tmp_path):
    text = solution("ex03_output_size").replace("return lost // 2", "return lost // 2 + 1")
    (tmp_path / "ex03_output_size.py").write_text(text)
    done = run("run", "--submission", str(tmp_path), "--json", "-")

    data = json.loads(done.stdout)
    (graded,) = (exercise for exercise in data["exercises"] if exercise["name"] == "ex03_output_size")
    points = {task["name"]: (task["score"], task["max_score"]) for task in graded["tasks"]}
    wrong = points.pop("same_padding")
    assert wrong[0] < wrong[1]
    assert all(score == most for score, most in points.values())
    missing = [exercise for exercise in data["exercises"] if exercise is not graded]
    assert {task["status"] for exercise in missing for task in exercise["tasks"]} == {"todo"}
    assert done.returncode == 1


def test_all_outputs_are_written_and_stdout_stays_clean(tmp_path):
    outputs = ["--html", "out/f.html", "--junit", "out/j.xml", "--json", "-"]
    done = run("run", "ex03", "--submission", str(ROOT / "examples" / "half_right"), *outputs, cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["exercises"][0]["name"] == "ex03_output_size"
    assert "ex03_output_size" in done.stderr
    page = (tmp_path / "out" / "f.html").read_text()
    assert page.startswith(("<!DOCTYPE html>", "<!doctype html>"))
    assert "<script" not in page
    assert ElementTree.parse(tmp_path / "out" / "j.xml").getroot().tag == "testsuites"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "ex99"], "nearest"),
        (["run", "ex03::conv_output_sise"], "conv_output_size"),
        (["run", "--submission", "not/there"], "not/there"),
        (["run", "--nonsense"], "--nonsense"),
        (["frobnicate"], "frobnicate"),
        (["run", "--json", "-", "--html", "-"], "stdout"),
    ],
)
def test_wrong_usage_exits_2_with_a_line_that_helps(arguments, words):
    done = run(*arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_submission_without_any_exercise_exits_5(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    done = run("run", "--submission", str(tmp_path))

    assert done.returncode == 5
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_exits_2(tmp_path):
    (tmp_path / "file").write_text("")
    target = str(tmp_path / "file" / "result.json")
    done = run("run", "ex03::same_padding", "--submission", "solutions", "--json", target)

    assert done.returncode == 2
    assert "--json" in done.stderr


def test_grade_alone_shows_the_map_and_what_was_graded_last(tmp_path):
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    (tmp_path / "exercises" / "ex03_output_size.py").write_text(solution("ex03_output_size"))
    before = run(cwd=tmp_path)
    assert run("run", "ex03", cwd=tmp_path).returncode == 0
    after = run("status", cwd=tmp_path)

    assert before.returncode == after.returncode == 0
    assert "not graded yet" in before.stdout
    assert "25 / 25" in after.stdout
    assert "ex04_conv" in after.stdout
    assert "untouched" in after.stdout


def test_debug_runs_in_this_process_and_says_that_it_is_not_the_graded_mode():
    done = run("run", "ex03::same_padding", "--submission", "solutions", "--debug", "--json", "-")

    assert done.returncode == 0
    assert json.loads(done.stdout)["environment"]["isolation"] == "none"
    assert "not the graded mode" in done.stderr


def as_notebook(text: str) -> str:
    """The module as a learner's notebook: a cell a definition, magics, forged outputs and metadata around it."""
    parts = text.split("\n\n\n")
    cells = [nbformat.v4.new_markdown_cell("# My work"), nbformat.v4.new_code_cell("%matplotlib inline\n!ls")]
    cells += [nbformat.v4.new_code_cell(part) for part in parts]
    for cell in cells[1:]:
        cell.outputs = [nbformat.v4.new_output("stream", text="PASSED 100 / 100")]
        cell.metadata = {"nbgrader": {"grade": True, "points": 1000}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"score": 100}))


def test_a_notebook_a_file_a_folder_and_a_zip_of_the_same_work_get_the_same_grade(tmp_path):
    text = (ROOT / "examples" / "half_right" / "ex03_output_size.py").read_text()
    ways = {way: tmp_path / way for way in ("notebook", "file", "folder", "zip")}
    for folder in ways.values():
        folder.mkdir()
    (ways["notebook"] / "ex03_output_size.ipynb").write_text(as_notebook(text))
    (ways["file"] / "ex03_output_size.py").write_text(text)
    (ways["folder"] / "exercises").mkdir()
    (ways["folder"] / "exercises" / "ex03_output_size.py").write_text(text)
    with zipfile.ZipFile(ways["zip"] / "hand-in.zip", "w") as archive:
        archive.writestr("robin/ex03_output_size.py", text)
    submissions = {
        "notebook": ways["notebook"] / "ex03_output_size.ipynb",
        "file": ways["file"] / "ex03_output_size.py",
        "folder": ways["folder"],
        "zip": ways["zip"] / "hand-in.zip",
    }
    results = {}
    for way, path in submissions.items():
        done = run("run", "ex03::same_padding", "--submission", str(path), "--json", "-")
        assert done.returncode == 1, (way, done.stderr)
        results[way] = json.loads(done.stdout)

    assert len({result["score"] for result in results.values()}) == 1
    assert 0 < results["zip"]["score"] < results["zip"]["max_score"]
    assert len({results[way]["submission"]["sha256"] for way in ("file", "folder", "zip")}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")
def test_doctor_says_what_is_enforced_and_that_strangers_can_be_graded():
    done = run("doctor")

    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("bubblewrap", "landlock", "seccomp", "reads no file of yours", "strangers can be graded here"):
        assert words in done.stdout
    assert "✗" not in done.stdout


def test_an_audience_that_is_none_is_exit_2():
    done = run("run", "ex03", "--audience", "everybody", "--submission", "solutions")

    assert done.returncode == 2
    assert "learner, after_due, after_published, staff" in done.stderr
