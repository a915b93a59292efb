"""`grade reset`: the stub back, nothing lost, and nothing touched outside of the folder."""

from __future__ import annotations

import ast
import os

import pytest
from kit import solution

from grader import course, source
from grader.desk import reset
from grader.desk.reset import BACKUPS, put_back
from grader.errors import UsageError
from grader.state import Earned, Graded, State, fingerprint, with_hints
from grader.workspace import recall, update

KNOWN = course.load()
NAME, TASK = "ex03_output_size", "same_padding"
STUB = source.stub(solution(NAME))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / f"{NAME}.py").write_text(solution(NAME), "utf-8")
    return tmp_path


def file(folder):
    return folder / "exercises" / f"{NAME}.py"


def definition(text, name):
    return next(ast.unparse(node) for node in ast.parse(text).body if getattr(node, "name", None) == name)


def backups(folder):
    return (
        {each.name: each.read_bytes() for each in (folder / BACKUPS).iterdir()} if (folder / BACKUPS).is_dir() else {}
    )


def test_a_whole_exercise_is_the_stub_again_and_the_work_lies_in_a_backup(folder):
    done = put_back(KNOWN, folder, "ex03")

    assert file(folder).read_text("utf-8") == STUB
    assert (folder / done.backup).read_text("utf-8") == solution(NAME)
    assert done.backup == BACKUPS / f"{NAME}.py.bak-1"


def test_a_backup_is_never_overwritten(folder):
    for text in ("one", "two", "three"):
        file(folder).write_text(text)
        put_back(KNOWN, folder, "ex03")

    assert backups(folder) == {f"{NAME}.py.bak-{n}": text for n, text in enumerate((b"one", b"two", b"three"), 1)}


def test_a_task_alone_is_put_back_and_all_else_stays_byte_for_byte(folder):
    text = "# mine ä\r\n" + solution(NAME).replace("\n", "\r\n") + "\r\nrest = 1\x0c\r\n"
    file(folder).write_bytes(b"\xef\xbb\xbf" + text.encode())
    put_back(KNOWN, folder, f"ex03::{TASK}")
    after = file(folder).read_bytes()

    start, end = text.index("def same_padding"), text.index("def pool_output_size")
    assert after.startswith(b"\xef\xbb\xbf" + text[:start].encode())
    assert after.endswith(text[end:].encode())
    assert definition(after.decode("utf-8-sig"), TASK) == definition(STUB, TASK)
    assert b"\n" not in after.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "text",
    [
        "@mark\n@other(1)\ndef same_padding(x):\n    return 1\n\n\nrest = 1\n",
        "async def same_padding(x): return 1\nrest = 1\n",
        "class same_padding: pass\nrest = 1",
        "def same_padding(x):\n    def same_padding(y):\n        return 1\n    return '''\n\nrest'''\nrest = 1\n",
        "def other(): pass\nrest = 1",
        "rest = 1\nif rest:\n    def same_padding(): return 1\n",
        "rest = 1\ndef same_padding(): return '\\d'\n",
        "# coding: latin-1\nrest = 1\ndef same_padding(): return 1\n",
    ],
)
def test_a_definition_is_put_back_in_whatever_style_it_was_written(folder, text):
    file(folder).write_text(text)
    put_back(KNOWN, folder, f"ex03::{TASK}")
    after = file(folder).read_text("utf-8")

    assert definition(after, TASK) == definition(STUB, TASK)
    assert "rest = 1" in after
    assert "@mark" not in after


def test_a_class_is_put_back_whole(folder):
    (folder / "ex04_conv.py").write_text(solution("ex04_conv"), "utf-8")
    put_back(KNOWN, folder, "Conv2d")
    after = (folder / "ex04_conv.py").read_text("utf-8")

    assert definition(after, "Conv2d") == definition(source.stub(solution("ex04_conv")), "Conv2d")
    assert definition(after, "conv2d") == definition(solution("ex04_conv"), "conv2d")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"def same_padding(:\n", "line 1"),
        (b"\xff\xfed\0e\0f\0", "UTF-16"),
        (b"x = 1\0", "NUL"),
        (b"x = '\xe4'\n", "line 1 is not UTF-8"),
        ("# coding: latin-1\nx = 'ä'\n".encode("latin-1"), "UTF-8"),
        (b"def same_padding(): pass\ndef same_padding(): pass\n", "2 times"),
        (b"(" * 5000, "cannot be read"),
    ],
)
def test_a_file_in_which_no_task_is_found_is_left_as_it_is(folder, content, words):
    file(folder).write_bytes(content)
    with pytest.raises(UsageError, match=words) as refused:
        put_back(KNOWN, folder, f"ex03::{TASK}")

    assert f"grade reset {NAME}" in str(refused.value)
    assert file(folder).read_bytes() == content
    assert backups(folder) == {}


def test_a_stub_is_not_written_in_another_coding_than_the_file_asks_for(folder):
    place = folder / "ex05_pool.py"
    place.write_bytes(b"# coding: latin-1\ndef max_pool2d(): pass\n")
    with pytest.raises(UsageError, match="UTF-8"):
        put_back(KNOWN, folder, "max_pool2d")

    assert place.read_bytes() == b"# coding: latin-1\ndef max_pool2d(): pass\n"


def test_a_file_that_is_no_python_is_put_back_whole(folder):
    file(folder).write_bytes(b"\xff\xfe(")
    put_back(KNOWN, folder, "ex03")

    assert file(folder).read_text("utf-8") == STUB
    assert backups(folder) == {f"{NAME}.py.bak-1": b"\xff\xfe("}


def test_a_stub_is_left_alone_without_a_backup(folder):
    file(folder).write_text(STUB, "utf-8")

    assert put_back(KNOWN, folder, "ex03").backup is None
    assert put_back(KNOWN, folder, f"ex03::{TASK}").backup is None
    assert backups(folder) == {}


def test_points_and_hints_of_what_was_put_back_are_forgotten(folder):
    tasks = {TASK: Earned("passed", 3.0), "receptive_field": Earned("passed", 3.0)}
    state = with_hints(State({NAME: Graded(fingerprint("x"), tasks)}), f"{NAME}::{TASK}", 2)
    update(folder, lambda _: with_hints(state, f"{NAME}::receptive_field", 1))
    put_back(KNOWN, folder, f"ex03::{TASK}")

    assert list(recall(folder).exercises[NAME].tasks) == ["receptive_field"]
    assert recall(folder).hints == {f"{NAME}::receptive_field": 1}
    put_back(KNOWN, folder, "ex03")
    assert recall(folder) == State()


def test_the_file_that_is_graded_is_the_one_that_is_put_back(folder):
    (folder / f"{NAME}.py").write_text("at the top")
    put_back(KNOWN, folder, "ex03")

    assert (folder / f"{NAME}.py").read_text("utf-8") == STUB
    assert file(folder).read_text("utf-8") == solution(NAME)


def test_what_is_not_there_is_answered_with_how_to_get_it(folder):
    with pytest.raises(UsageError, match=r"grade init \."):
        put_back(KNOWN, folder, "ex04")


@pytest.mark.parametrize("what", ["file", "folder", "hard link", "memory", "backups"])
def test_no_link_is_followed_out_of_the_folder(folder, tmp_path_factory, what):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    precious = elsewhere / f"{NAME}.py"
    precious.write_text("precious")
    if what == "file":
        file(folder).unlink()
        file(folder).symlink_to(precious)
    elif what == "hard link":
        file(folder).unlink()
        os.link(precious, file(folder))
    elif what == "folder":
        file(folder).unlink()
        (folder / "exercises").rmdir()
        (folder / "exercises").symlink_to(elsewhere)
    elif what == "memory":
        (folder / ".grade").symlink_to(elsewhere)
    else:
        (folder / ".grade").mkdir()
        (folder / BACKUPS).symlink_to(elsewhere)

    with pytest.raises(UsageError, match="othing was changed"):
        put_back(KNOWN, folder, "ex03")
    assert [each.name for each in elsewhere.iterdir()] == [precious.name]
    assert precious.read_text() == "precious"


def test_a_link_where_the_backup_would_lie_is_not_written_through(folder, tmp_path):
    (folder / BACKUPS).mkdir(parents=True)
    (folder / BACKUPS / f"{NAME}.py.bak-1").symlink_to(tmp_path / "not-there")
    done = put_back(KNOWN, folder, "ex03")

    assert done.backup.name == f"{NAME}.py.bak-2"
    assert not (tmp_path / "not-there").exists()


@pytest.mark.parametrize("refused", ["os.open", "write_bytes"])
def test_where_nothing_can_be_written_nothing_is_lost(folder, monkeypatch, refused):
    def fails(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    real = os.open
    if refused == "write_bytes":
        monkeypatch.setattr(reset, "write_bytes", fails)
    else:
        writes = os.O_WRONLY | os.O_RDWR
        monkeypatch.setattr(
            os, "open", lambda p, flags, *a, **k: (fails if flags & writes else real)(p, flags, *a, **k)
        )

    with pytest.raises(UsageError, match="nothing was changed"):
        put_back(KNOWN, folder, "ex03")
    assert file(folder).read_text("utf-8") == solution(NAME)
