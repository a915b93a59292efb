"""What a folder remembers: whole or absent, never a reason to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from filelock import FileLock
from kit import ROOT

from grader.model import Environment, ExerciseResult, Isolation, Report, Status, TaskResult
from grader.state import SCHEMA, Earned, Graded, State, fingerprint, parse, with_hints, with_spoiled, without
from grader.workspace import FILE, LOCK, recall, remember, update, write_text

ENVIRONMENT = Environment("0", "3", "2", "cpu", Isolation.NONE, 0)


def report(name="ex04", missing=False, **scores):
    tasks = tuple(
        TaskResult(task, 2.0, status=Status.PASSED if score == 2 else Status.FAILED, score=score)
        for task, score in scores.items()
    )
    return Report("x", "0", ENVIRONMENT, (ExerciseResult(name, name, tasks, missing),))


def test_what_is_remembered_is_recalled(tmp_path):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": "source"})

    mark = fingerprint("source")
    tasks = {"a": Earned("passed", 2.0, mark), "b": Earned("failed", 1.0, mark)}
    assert recall(tmp_path).exercises == {"ex04": Graded(fingerprint("source"), tasks)}


def test_a_run_of_one_task_keeps_the_others_where_the_source_is_the_same(tmp_path):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": "source"})
    remember(tmp_path, report(b=2.0), {"ex04": "source"})
    assert {name: task.score for name, task in recall(tmp_path).exercises["ex04"].tasks.items()} == {"a": 2.0, "b": 2.0}

    remember(tmp_path, report(b=0.0), {"ex04": "another"})
    assert list(recall(tmp_path).exercises["ex04"].tasks) == ["b"]


TWO = "import torch\n\n\ndef a():\n    return 1\n\n\ndef b():\n    return 2\n"


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        (TWO.replace("return 2", "return 3"), {"a"}),
        (TWO.replace("return 2", "return a()"), {"a"}),
        (TWO.replace("return 1", "return b()"), {"b"}),
        (TWO.replace("import torch", "import math"), set()),
        (TWO.replace("def a", "def c"), {"b"}),
        (TWO + "\n\n\ndef c():\n    return 3\n", {"a", "b"}),
    ],
)
def test_a_task_is_remembered_for_as_long_as_nothing_changes_that_it_depends_on(tmp_path, changed, kept):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": TWO})

    assert set(recall(tmp_path).points("ex04", changed) or {}) == kept
    remember(tmp_path, report(c=1.0), {"ex04": changed})
    assert set(recall(tmp_path).points("ex04", changed)) == {*kept, "c"}


def test_points_of_the_first_schema_are_those_of_the_whole_file():
    old = State({"ex04": Graded(fingerprint(TWO), {"a": Earned("passed", 1.0)})})

    assert old.points("ex04", TWO) == {"a": Earned("passed", 1.0)}
    assert old.points("ex04", TWO + "# more\n") is None


def test_what_was_not_there_is_not_remembered(tmp_path):
    remember(tmp_path, report(missing=True, a=0.0), {"ex04": "source"})
    remember(tmp_path, report(a=0.0), {})

    assert recall(tmp_path) == State()


ENTRY = {"source": "0", "tasks": {"a": {"status": "passed", "score": 1}}}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"3", b"[" * 100_000,
        json.dumps({"schema": "grade-state/3", "exercises": {"e": ENTRY}}).encode(),
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

    assert recall(tmp_path).exercises == {}
    remember(tmp_path, report(a=2.0), {"ex04": "source"})
    assert list(recall(tmp_path).exercises) == ["ex04"]


def test_one_broken_entry_does_not_cost_the_others(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps({"schema": SCHEMA, "exercises": {"e": 3, "f": ENTRY}}))

    assert recall(tmp_path) == State({"f": Graded("0", {"a": Earned("passed", 1.0)})})


@pytest.mark.parametrize("obstacle", ["file", "folder"])
def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(tmp_path, obstacle):
    if obstacle == "file":
        (tmp_path / FILE.parent).write_text("in the way")
    else:
        (tmp_path / FILE).mkdir(parents=True)

    remember(tmp_path, report(a=2.0), {"ex04": "source"})

    assert recall(tmp_path) == State()


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr("grader.workspace.tempfile.mkstemp", refused)
    remember(tmp_path, report(a=2.0), {"ex04": "source"})

    assert recall(tmp_path) == State()


def test_writers_at_the_same_time_leave_a_whole_file_with_all_that_they_wrote(tmp_path):
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

    assert set(recall(tmp_path).exercises) == {"ex00", "ex01", "ex02", "ex03"}
    assert {path.name for path in (tmp_path / FILE).parent.iterdir()} <= {FILE.name, LOCK.name}


WRITER = """
import sys
from pathlib import Path
from grader.state import with_hints
from grader.workspace import update
for number in range(10):
    assert update(Path(sys.argv[1]), lambda state: with_hints(state, f"{sys.argv[2]}::{number}", 1))
"""


def test_no_entry_of_processes_that_write_at_the_same_time_is_lost(tmp_path):
    command = [sys.executable, "-P", "-c", WRITER, str(tmp_path)]
    writers = [
        subprocess.Popen([*command, name], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) for name in "abc"
    ]

    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert set(recall(tmp_path).hints) == {f"{name}::{number}" for name in "abc" for number in range(10)}


def test_a_lock_that_is_never_free_stops_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr("grader.workspace.PATIENCE", 0.1)
    (tmp_path / LOCK).parent.mkdir()
    with FileLock(tmp_path / LOCK):
        assert not update(tmp_path, lambda state: with_hints(state, "e::a", 1))

    assert update(tmp_path, lambda state: with_hints(state, "e::a", 1))


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
def test_a_lock_that_is_something_else_is_left_alone(tmp_path, kind):
    precious, lock = tmp_path / "precious", tmp_path / LOCK
    precious.write_text("precious")
    lock.parent.mkdir()
    if kind == "link":
        lock.symlink_to(precious)
    elif kind == "hard link":
        os.link(precious, lock)
    elif kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.mkdir()

    assert not update(tmp_path, lambda state: with_hints(state, "e::a", 1))
    assert precious.read_text() == "precious"


def test_a_state_of_the_first_schema_is_read_and_written_as_the_second(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps({"schema": "grade-state/1", "exercises": {"e": ENTRY}}))
    update(tmp_path, lambda state: with_hints(state, "e::a", 1))

    assert list(recall(tmp_path).exercises) == ["e"]
    assert json.loads((tmp_path / FILE).read_text())["schema"] == SCHEMA


@pytest.mark.parametrize("hints", [3, [], {"a": "1"}, {"a": -1}, {"a": True}, {"a": 10**9}, {"a": 1.5}, {"a": None}])
@pytest.mark.parametrize("moment", [3, None, "", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "\ud800", []])
def test_hostile_memories_count_as_absent(hints, moment):
    text = {"schema": SCHEMA, "hints": hints, "spoiled": {"a": moment}, "last": {"what": ["a"], "at": moment}}

    assert parse(json.dumps(text).encode()) == State()


def test_what_was_graded_last_is_remembered_with_its_moment(tmp_path):
    remember(tmp_path, report(a=2.0, b=1.0), {"ex04": "source"})
    assert recall(tmp_path).last.what == ("ex04",)

    remember(tmp_path, report(b=1.0), {"ex04": "source"})
    last = recall(tmp_path).last
    assert last.what == ("ex04::b",)
    assert last.at.tzinfo is not None


def test_points_and_hints_of_a_task_are_forgotten_but_not_that_its_solution_was_seen():
    graded = Graded("0", {"a": Earned("passed", 1.0), "b": Earned("passed", 1.0)})
    seen = with_spoiled(with_hints(State({"e": graded}), "e::a", 2), "e::a", datetime.now(UTC))

    assert list(without(seen, "e", "a").exercises["e"].tasks) == ["b"]
    assert without(seen, "e", "a").hints == without(seen, "e").hints == {}
    assert without(seen, "e").exercises == {}
    assert list(without(seen, "e").spoiled) == ["e::a"]


def test_other_exercises_are_not_forgotten():
    state = with_hints(State({"e": Graded("0", {})}), "ee::a", 1)

    assert without(state, "e").hints == {"ee::a": 1}


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
        assert recall(folder) == State()
    remember(linked, report(a=2.0), {"ex04": "x"})

    assert (elsewhere / "state.json").read_text() == "precious"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["state.json"]
