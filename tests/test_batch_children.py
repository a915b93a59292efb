"""What of a folder is a submission, and what it is called."""

from __future__ import annotations

import zipfile

import pytest

from grader.batch.children import children
from grader.errors import UsageError


def test_children_are_what_can_be_a_submission(tmp_path):
    for name in ("one.py", "two.ipynb", "three.zip", "notes.txt", ".hidden.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "four").mkdir()
    (tmp_path / "five").symlink_to(tmp_path / "four")
    found, notes = children(tmp_path)

    assert [child.name for child in found] == ["four", "one", "three", "two"]
    assert notes == ["left out, being no folder, .py, .ipynb or .zip: five, notes.txt"]


def test_names_stay_apart_and_their_files_are_safe(tmp_path):
    names = ["ada", "ada.py", "ada.zip", "=cmd()", "a\nb", "..x", "é" * 60, "A b", "CON", "李" * 83, "李" * 84]
    for name in names:
        (tmp_path / name).mkdir() if "." not in name[1:] else (tmp_path / name).write_text("")
    found, _ = children(tmp_path)

    assert len(found) == len(names) - 1  # what begins with a dot is left alone
    assert len({child.name for child in found}) == len({child.file.casefold() for child in found}) == len(found)
    assert {"ada", "ada.py", "ada.zip"} <= {child.name for child in found}
    for child in found:
        assert not set(child.file) & set('/\\\n\r\t:*?"<>|')
        assert not child.file.startswith((".", " ", "-"))
        assert len(f".{child.file}.json.12345678".encode()) <= 255  # on its way, as write_text names it


NAMES = ("ex03_output_size", "ex04_conv")


def read(folder, only=None):
    (child,) = children(folder)[0]
    return child.read(NAMES, only)


def packed(file, **entries):
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in entries.items():
            archive.writestr(f"{name}.py", text)


def test_what_an_upload_lies_in_does_not_count(tmp_path):
    """Moodle gives a folder for each student, with the zip or the folder that was uploaded."""
    for number, place in enumerate(("a", "a/upload", "a/upload/more", "a/exercises")):
        there = tmp_path / str(number) / place
        there.mkdir(parents=True)
        (there / "ex04_conv.py").write_text("x = 1\n")
        (tmp_path / str(number) / "a" / ".DS_Store").write_text("")
        assert list(read(tmp_path / str(number)).modules) == ["ex04_conv"]
    (tmp_path / "zipped" / "a" / "__MACOSX").mkdir(parents=True)
    packed(tmp_path / "zipped" / "a" / "homework.zip", ex04_conv="x = 1\n")
    assert list(read(tmp_path / "zipped").modules) == ["ex04_conv"]


def test_one_file_of_any_name_is_the_exercise_that_was_asked_for(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.py").write_text("x = 1\n")
    (tmp_path / "a" / "report.pdf").write_text("")
    (tmp_path / "a" / "test_mine.py").write_text("")

    assert read(tmp_path, "ex04_conv").modules["ex04_conv"].filename == "mine.py"
    assert read(tmp_path).notes == ("None of the exercises is in it; there is mine.py, report.pdf, test_mine.py.",)
    (tmp_path / "a" / "other.ipynb").write_text("{}")
    assert read(tmp_path, "ex04_conv").modules == {}


def test_nothing_is_guessed_or_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "ex04_conv.py").write_text("x = 1\n")
    for number, made in enumerate(("two", "linked", "deep", "empty", "broken")):
        folder = tmp_path / "class" / str(number)
        (folder / "a").mkdir(parents=True)
        if made == "two":
            for name in ("one", "other"):
                (folder / "a" / name).mkdir()
                (folder / "a" / name / "ex04_conv.py").write_text("x = 1\n")
        if made == "linked":
            (folder / "a" / "work").symlink_to(secret)
        if made == "deep":
            (folder / "a" / "b" / "c" / "d").mkdir(parents=True)
            (folder / "a" / "b" / "c" / "d" / "ex04_conv.py").write_text("x = 1\n")
        if made == "broken":
            (folder / "a" / "work.zip").write_text("no zip")
            with pytest.raises(UsageError, match=r"work\.zip: this is no zip"):
                read(folder)
        else:
            assert read(folder).modules == {}
    assert read(tmp_path / "class" / "0").notes == ("None of the exercises is in it; there is one/, other/.",)
    assert read(tmp_path / "class" / "1").notes == ("None of the exercises is in it; there is work.",)
    assert read(tmp_path / "class" / "3").notes == ("None of the exercises is in it; there is nothing.",)


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        children(tmp_path / "nowhere")
