"""Saves are heard however an editor writes, and once."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest
from kit import ROOT

from grader import course
from grader.collect import Submission
from grader.watch.saves import Saves

EXERCISE = "ex03_output_size"


def stub(folder: Path, name: str = EXERCISE) -> Path:
    shutil.copy(ROOT / "exercises" / f"{name}.py", folder)
    return folder / f"{name}.py"


@pytest.fixture
def saves(tmp_path):
    stub(tmp_path)
    heard: list[Submission] = []
    made = Saves(tmp_path, course.load().names, heard.append)
    made.heard = heard
    return made


def test_the_same_content_again_is_no_save(saves, tmp_path):
    file = tmp_path / f"{EXERCISE}.py"
    file.write_text(file.read_text())
    saves.look()
    assert saves.heard == []


@pytest.mark.parametrize("between", ["", "   \n", None], ids=["empty", "blank", "gone"])
def test_a_file_that_is_away_for_a_moment_is_one_save(saves, tmp_path, between):
    file = tmp_path / f"{EXERCISE}.py"
    text = file.read_text()
    file.unlink() if between is None else file.write_text(between)
    saves.look()
    file.write_text(text + "\nX = 1\n")
    saves.look()
    saves.look()
    assert [submission.modules[EXERCISE].source for submission in saves.heard] == [text + "\nX = 1\n"]


def test_an_exercise_that_comes_later_is_a_save(saves, tmp_path):
    stub(tmp_path, "ex04_conv")
    saves.look()
    assert [set(submission.modules) for submission in saves.heard] == [{EXERCISE, "ex04_conv"}]


def test_a_folder_that_is_away_for_a_moment_is_no_save(saves, tmp_path):
    shutil.move(tmp_path, tmp_path.with_name("elsewhere"))
    saves.look()
    assert saves.heard == []


def test_saves_are_heard_however_an_editor_writes(tmp_path):
    file = stub(tmp_path)
    heard: list[str] = []
    new = threading.Event()

    def tell(submission: Submission) -> None:
        heard.append(submission.modules[EXERCISE].source.rsplit("#", 1)[1].strip())
        new.set()

    def wait() -> None:
        assert new.wait(20)
        new.clear()

    with Saves(tmp_path, course.load().names, tell):
        time.sleep(0.5)  # until the system watches
        text = file.read_text()
        file.write_text(f"{text}# one\n")
        wait()
        beside = tmp_path / ".ex03.swp"
        beside.write_text(f"{text}# two\n")
        beside.replace(file)
        wait()
        file.write_text(f"{text}# three\n")
        file.write_text(f"{text}# three\n")
        wait()
        (tmp_path / "notes.txt").write_text("nothing to do with it")
        time.sleep(0.3)
    assert heard[-1] == "three"
    assert heard == sorted(set(heard), key=heard.index)
    assert {"one", "two"} <= set(heard)
