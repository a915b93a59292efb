"""What of a folder is a submission, and what it is called."""

from __future__ import annotations

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


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        children(tmp_path / "nowhere")
