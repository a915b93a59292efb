"""`grade init`: all that a learner needs, nothing hidden, nothing overwritten."""

from __future__ import annotations

import json
import re

import pytest
from kit import solution

from grader import course, source
from grader.collect import collect
from grader.desk import init
from grader.errors import UsageError

KNOWN = course.load()
FILES = init.files(KNOWN)


def tree(folder):
    return {str(each.relative_to(folder)): each.read_text("utf-8") for each in folder.rglob("*") if each.is_file()}


def test_a_new_folder_holds_every_file_of_a_workspace(tmp_path):
    made = init.make(KNOWN, tmp_path / "a" / "b")

    assert tree(tmp_path / "a" / "b") == FILES
    assert made.made == tuple(FILES)
    assert made.left == {}


def test_every_exercise_is_its_stub_and_is_found_for_grading(tmp_path):
    init.make(KNOWN, tmp_path)
    found = collect(tmp_path, KNOWN.names)

    assert {name: module.source for name, module in found.modules.items()} == {
        name: source.stub(solution(name)) for name in KNOWN.names
    }
    assert found.notes == ()


def test_nothing_hidden_is_in_it():
    everything = "\n".join(FILES.values())
    hints = [hint for exercise in KNOWN.exercises for task in exercise.tasks for hint in task.hints]

    assert not any(mark in everything for mark in ("### ", "@check", "@misconception", "def _at_least"))
    assert [hint for hint in hints if " ".join(hint.split()) in " ".join(everything.split())] == []


def test_the_readme_names_every_exercise_and_commands_that_there_are():
    from typer.main import get_command

    from grader.cli import app

    readme = FILES["README.md"]
    commands = set(re.findall(r"`grade (\w+)", readme))

    assert all(f"| {each.name} | {each.title} | {each.points:g} |" in readme for each in KNOWN.exercises)
    assert {"show", "run", "hint", "solution", "reset"} <= commands <= set(get_command(app).commands)
    assert "$" not in readme
    for what in re.findall(r"`grade \w+ (\S+?)`", readme):
        KNOWN.select(what)


def test_settings_are_json():
    assert all(json.loads(text) for name, text in FILES.items() if name.endswith(".json"))


def test_what_is_there_is_left_alone_and_named(tmp_path):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "ex04_conv.py").write_text("mine")
    (tmp_path / "README.md").write_text("my notes")
    (tmp_path / "thesis.txt").write_text("precious")
    made = init.make(KNOWN, tmp_path)

    assert made.left == {"exercises/ex04_conv.py": "it is there already", "README.md": "it is there already"}
    assert tree(tmp_path) == {
        **FILES, "exercises/ex04_conv.py": "mine", "README.md": "my notes", "thesis.txt": "precious",
    }  # fmt: skip


def test_a_second_time_changes_nothing(tmp_path):
    init.make(KNOWN, tmp_path)
    before = tree(tmp_path)
    again = init.make(KNOWN, tmp_path)

    assert again.made == ()
    assert set(again.left) == set(FILES)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["ex04_conv.py", "exercises/ex04_conv.ipynb", "exercises/my ex04.py"])
def test_no_stub_is_put_before_work_that_lies_elsewhere(tmp_path, name):
    (tmp_path / "exercises").mkdir()
    (tmp_path / name).write_text("{}" if name.endswith("ipynb") else "mine")
    made = init.make(KNOWN, tmp_path)

    assert made.left == {"exercises/ex04_conv.py": f"{name} is your work on it"}
    assert not (tmp_path / "exercises" / "ex04_conv.py").exists()


def test_no_link_is_followed_out_of_the_folder(tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("exercises", ".vscode"):
        (tmp_path / name).symlink_to(elsewhere)
    (tmp_path / "README.md").symlink_to(elsewhere / "README.md")
    made = init.make(KNOWN, tmp_path)

    assert list(elsewhere.iterdir()) == []
    assert made.left["exercises/ex04_conv.py"] == "exercises is a symbolic link"
    assert made.left[".vscode/settings.json"] == ".vscode is a symbolic link"
    assert set(made.made) == {".gitignore", ".editorconfig"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_place_that_is_no_folder_is_refused(tmp_path, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("precious")
    else:
        (tmp_path / "real").mkdir()
        place.symlink_to(tmp_path / "real")

    with pytest.raises(UsageError, match="place"):
        init.make(KNOWN, place)
    assert sorted(tree(tmp_path)) == (["place"] if kind == "file" else [])


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, monkeypatch):
    def fails(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(init, "_write", fails)
    with pytest.raises(UsageError, match="Permission denied"):
        init.make(KNOWN, tmp_path)
