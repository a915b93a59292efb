"""`grade report`, `grade regrade`, `grade export` as a teacher meets them: exit codes, words, files, and what stays."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from kit import ROOT, solution
from marks_kit import CONV, PAD, STRIDE, a_class, row
from rich.console import Console

from grader import course
from grader.classview.front import Export, Regrade, change_points, write_export, write_report
from grader.errors import UsageError
from grader.marks.place import opened
from grader.store import Store


@pytest.fixture
def out(tmp_path) -> Path:
    return a_class(tmp_path / "out", row("ada", "+++"), row("bob", "+-+"), row("cy", None), row("fay", "!++"))


@pytest.fixture
def said():
    """A console, and what was said on it so far."""
    console = Console(file=io.StringIO(), width=80)
    return console, lambda: console.file.getvalue()


def regrade(out, console, **asked):
    return change_points(out, None, course.load(), Regrade(**asked), console)


def export(out, console, **asked):
    return write_export(out, None, course.load(), Export(**asked), console)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "grader", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def changes(out):
    with Store.in_folder(out) as store:
        return store.changes()


def test_what_if_says_what_would_change_and_writes_nothing(out, said):
    console, words = said

    assert regrade(out, console, drop=("stride",)) == 0
    assert f"· {STRIDE}: 3 points → counts for nobody" in words()
    # before: 10/10, 7/10, 4/10; after: 7/7, 7/7, 4/7
    assert (
        "4 of 4 submissions change, 2 to a larger share of all points, 0 to a smaller one; mean 70.0 % → 85.7 %"
        in words()
    )
    assert "bob 7 of 10 (70 %) 7 of 7 (100 %)" in " ".join(words().split())
    assert "Nothing was written" in words()
    assert changes(out) == []
    assert not (out / "grades.csv").exists()


def test_applying_writes_tables_and_the_trail_and_keeps_the_originals(out, said):
    console, _ = said
    with Store.in_folder(out) as store:
        before = list(store.rows())
    regrade(out, console, drop=("stride",), apply=True, why="ambiguous", who="grace")

    assert "bob,graded,7,7,3,4\n" in (out / "grades.csv").read_text("utf-8")
    assert "Changed after grading" in (out / "report.html").read_text("utf-8")
    assert [(one.who, one.why) for one in changes(out)] == [("grace", "ambiguous")]
    with Store.in_folder(out) as store:
        assert list(store.rows()) == before


def test_undo_is_tried_first_and_then_applied(out, said):
    console, words = said
    regrade(out, console, points=("bias=5",), apply=True, why="harder than it looks", who="grace")
    regrade(out, console, undo=True)

    assert "takes back what grace changed" in words()
    assert "· not any more: ex04_conv::conv2d::bias: 1 point → 5 points" in words()
    assert len(changes(out)) == 1

    regrade(out, console, undo=True, apply=True, why="not after all", who="alan")

    assert "ada,graded,10,10,6,4\n" in (out / "grades.csv").read_text("utf-8")
    assert [(one.who, json.loads(one.what)["kind"]) for one in changes(out)] == [("grace", "regrade"), ("alan", "undo")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "say what to change"),
        ({"undo": True, "drop": ("stride",)}, "say what to change"),
        ({"undo": True}, "no change is in force"),
        ({"drop": ("stride",), "apply": True, "why": "  "}, "--apply needs --why"),
        ({"drop": ("strid3",)}, "the nearest: ex04_conv::conv2d::stride"),
        ({"points": ("stride=x",)}, "write CHECK=N"),
    ],
)
def test_what_regrade_cannot_do_is_told(out, said, asked, told):
    with pytest.raises(UsageError, match=told):
        regrade(out, said[0], **asked)


def test_nobody_regrades_while_a_batch_is_writing(out, said):
    with opened(out, alone=True), pytest.raises(UsageError, match="a grade batch is writing there"):
        regrade(out, said[0], drop=("stride",), apply=True, why="w", who="g")
    with opened(out, alone=True):
        assert regrade(out, said[0], drop=("stride",)) == 0  # looking is always possible


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_folder_without_a_class_is_told_and_stays_as_it_is(tmp_path, said, name):
    with pytest.raises(UsageError, match="OUT of grade batch"):
        write_report(tmp_path / name, None, course.load(), None, said[0])
    assert list(tmp_path.iterdir()) == []


def test_export_says_who_is_not_in_the_file(out, said, tmp_path):
    console, words = said
    (tmp_path / "roster.csv").write_text("id,name,lms_id\nada,Ada,17\nfay,Fay,18\nzoe,Zoe,19\n", "utf-8")
    target = tmp_path / "canvas.csv"
    export(out, console, format="canvas", roster=tmp_path / "roster.csv", title="Exercises (7)", to=str(target))

    assert target.read_text("utf-8").splitlines()[0].endswith(",Section,Exercises (7)")
    for expected in (
        "2 not on the roster, and not in the file: bob, cy",
        "1 without a submission: Zoe",
        "1 without a grade, by a fault of ours: fay",
        "1 lines: ",
    ):
        assert expected in words()


def test_export_takes_lateness_off(out, said, tmp_path, capsys):
    (tmp_path / "times.csv").write_text(
        "submission,time\nada,2026-11-21 12:00\nbob,2026-11-19 12:00\ncyy,2026-11-23\n", "utf-8"
    )
    export(out, said[0], late="10%/day", due="2026-11-20T12:00Z", times=tmp_path / "times.csv")
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert [(line["submission"], line["final"]) for line in lines] == [
        ("ada", "9"), ("bob", "7"), ("cy", "4"), ("fay", ""),
    ]  # fmt: skip
    assert "1 lose points for being late: ada 10 %" in said[1]()
    assert "2 without a known time, taken as in time: cy, fay" in said[1]()
    assert "1 times are of nobody here: cyy" in said[1]()


def test_export_has_changes_that_are_in_force(out, said, capsys):
    regrade(out, said[0], drop=("stride",), apply=True, why="w", who="g")
    export(out, said[0], format="json")

    assert json.loads(capsys.readouterr().out)["grades"][1]["final"] == 7.0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"format": "xlsx"}, "there is canvas, moodle, csv, json"),
        ({"format": "canvas"}, "needs --roster FILE"),
        ({"format": "csv", "late": "10%/day"}, "--late needs --due TIME and --times FILE"),
        ({"format": "csv", "due": "2026-11-20T12:00Z"}, "go with --late"),
    ],
)
def test_what_export_cannot_do_is_told(out, said, asked, told):
    with pytest.raises(UsageError, match=told):
        export(out, said[0], **asked)


def test_a_file_that_cannot_be_written_is_told(out, said):
    with pytest.raises(UsageError, match=r"all.csv: cannot be written: "):
        export(out, said[0], to=str(out / "grades.db" / "all.csv"))


def test_the_real_commands_answer_without_torch(out, tmp_path):
    code = (
        "import sys; from grader import cli, teacher; from pathlib import Path;"
        f"teacher.report(Path({str(out)!r})); teacher.export(Path({str(out)!r}));"
        "sys.exit(bool({'torch', 'pytest', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr.count("4 lines")) == (0, 1)
    assert f"submission,status,score,max_score,late_hours,penalty_percent,final,{CONV},{PAD}" in done.stdout


def test_wrong_usage_is_exit_2_with_a_line(out):
    done = run("regrade", str(out), "--drop", "nothing_like_it")

    assert done.returncode == 2
    assert done.stderr.startswith("grade: there is no check 'nothing_like_it'; the nearest: ")
    assert done.stderr.count("\n") == 1


def test_files_called_after_people_are_compared_where_the_class_was_graded_for_one_exercise(tmp_path):
    """As grade batch read them: with --only of one exercise a name need not say which."""
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ada", "bob"):
        (folder / f"{name}.py").write_text(solution(CONV), "utf-8")
    whole = json.loads(row("ada").record)
    alone = json.dumps({**whole, "exercises": whole["exercises"][:1]})
    out = a_class(tmp_path / "out", *(replace(row(name), record=alone) for name in ("ada", "bob")))
    done = run("report", str(out), "--submissions", str(folder))

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Pairs of submissions that are conspicuously alike: 1")


def test_near_duplicates_are_found_in_the_folder_of_submissions(tmp_path):

    folder = tmp_path / "class"
    for name, text in (("ada", solution(CONV)), ("bob", solution(CONV).replace("weight", "w"))):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{CONV}.py").write_text(text, "utf-8")
    (folder / "broken.zip").write_bytes(b"no zip")
    out = a_class(tmp_path / "out", row("ada"), row("bob"))
    done = run("report", str(out), "--submissions", str(folder))

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Pairs of submissions that are conspicuously alike: 1")
    assert "No two submissions" not in (out / "report.html").read_text("utf-8")
