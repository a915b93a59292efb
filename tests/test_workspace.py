"""What a folder remembers: whole or absent, never a reason to fail."""

from __future__ import annotations

import json
import os
import threading

import pytest

from grader.model import Environment, ExerciseResult, Isolation, Report, Status, TaskResult
from grader.workspace import FILE, SCHEMA, fingerprint, recall, remember, write_text

ENVIRONMENT = Environment("0", "3", "2", "cpu", Isolation.NONE, 0)


def report(name="ex04", missing=False, **scores):
    tasks = tuple(
        TaskResult(task, 2.0, status=Status.PASSED if score == 2 else Status.FAILED, score=score)
        for task, score in scores.items()
    )
    return Report("x", "0", ENVIRONMENT, (ExerciseResult(name, name, tasks, missing),))


def test_what_is_remembered_is_recalled(tmp_path):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": "source"})

    assert recall(tmp_path) == {
        "ex04": {
            "source": fingerprint("source"),
            "tasks": {"a": {"status": "passed", "score": 2.0}, "b": {"status": "failed", "score": 1.0}},
        }
    }


def test_a_run_of_one_task_keeps_the_others_where_the_source_is_the_same(tmp_path):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": "source"})
    remember(tmp_path, report(b=2.0), {"ex04": "source"})
    assert {name: task["score"] for name, task in recall(tmp_path)["ex04"]["tasks"].items()} == {"a": 2.0, "b": 2.0}

    remember(tmp_path, report(b=0.0), {"ex04": "another"})
    assert list(recall(tmp_path)["ex04"]["tasks"]) == ["b"]


def test_what_was_not_there_is_not_remembered(tmp_path):
    remember(tmp_path, report(missing=True, a=0.0), {"ex04": "source"})
    remember(tmp_path, report(a=0.0), {})

    assert recall(tmp_path) == {}


ENTRY = {"source": "0", "tasks": {"a": {"status": "passed", "score": 1}}}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"3", b"[" * 100_000,
        json.dumps({"schema": "grade-state/2", "exercises": {"e": ENTRY}}).encode(),
        json.dumps({"schema": SCHEMA}).encode(),
        json.dumps({"schema": SCHEMA, "exercises": [ENTRY]}).encode(),
        json.dumps({"schema": SCHEMA, "exercises": {"e": 3, "f": {}, "g": {"tasks": []}}}).encode(),
        json.dumps({"schema": SCHEMA, "exercises": {"e": {**ENTRY, "source": None}}}).encode(),
        json.dumps({"schema": SCHEMA, "exercises": {"e": {"source": "0", "tasks": {"a": 3}}}}).encode(),
        json.dumps({"schema": SCHEMA, "exercises": {"e": {"source": "0", "tasks": {"a": {"score": 1}}}}}).encode(),
        *(json.dumps({"schema": SCHEMA, "exercises": {"e": {"source": "0", "tasks": {
            "a": {"status": "passed", "score": score}}}}}).encode()
          for score in ("1", None, True, float("nan"), float("inf"), -1, [])),
    ],
)  # fmt: skip
def test_a_broken_state_counts_as_absent_and_is_replaced(tmp_path, content):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(content)

    assert recall(tmp_path) == {}
    remember(tmp_path, report(a=2.0), {"ex04": "source"})
    assert list(recall(tmp_path)) == ["ex04"]


def test_one_broken_entry_does_not_cost_the_others(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps({"schema": SCHEMA, "exercises": {"e": 3, "f": ENTRY}}))

    assert recall(tmp_path) == {"f": ENTRY}


@pytest.mark.parametrize("obstacle", ["file", "folder"])
def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(tmp_path, obstacle):
    if obstacle == "file":
        (tmp_path / FILE.parent).write_text("in the way")
    else:
        (tmp_path / FILE).mkdir(parents=True)

    remember(tmp_path, report(a=2.0), {"ex04": "source"})

    assert recall(tmp_path) == {}


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr("grader.workspace.tempfile.mkstemp", refused)
    remember(tmp_path, report(a=2.0), {"ex04": "source"})

    assert recall(tmp_path) == {}


def test_writers_at_the_same_time_leave_a_whole_file(tmp_path):
    def write(number):
        for _ in range(20):
            remember(tmp_path, report(name=f"ex0{number}", a=2.0), {f"ex0{number}": "source"})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        file = tmp_path / FILE
        if file.exists():
            assert json.loads(file.read_text())["schema"] == SCHEMA
    for thread in threads:
        thread.join()

    assert set(recall(tmp_path)) <= {"ex00", "ex01", "ex02", "ex03"}
    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == [FILE.name]


def test_writing_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "out.txt"
    write_text(file, "old")

    def fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr("grader.workspace.os.replace", fails)
    with pytest.raises(OSError, match="disk full"):
        write_text(file, "new")

    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_any_text_can_be_fingerprinted_and_written(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "lone \ud800 é")

    assert (tmp_path / "a" / "b.txt").read_text("utf-8") == "lone \\ud800 é"
    assert fingerprint("lone \ud800") != fingerprint("lone")


def test_what_a_folder_brings_along_is_neither_waited_for_nor_written_through(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "state.json").write_text("precious")
    linked, pipe = tmp_path / "linked", tmp_path / "pipe"
    linked.mkdir()
    (linked / ".grade").symlink_to(elsewhere)
    (pipe / ".grade").mkdir(parents=True)
    os.mkfifo(pipe / ".grade" / "state.json")
    for folder in (linked, pipe):
        assert recall(folder) == {}
    remember(linked, report(a=2.0), {"ex04": "x"})

    assert (elsewhere / "state.json").read_text() == "precious"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["state.json"]
