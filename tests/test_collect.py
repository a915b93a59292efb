"""What learners hand in, and what nobody should: collecting ends in a Submission or in a UsageError, nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.collect import Module, Submission, archive, collect, files
from grader.collect import notebook as notebook_reader
from grader.collect.candidates import LeftOut, exercise_in
from grader.collect.contents import NOTEBOOK_LIMIT, SOURCE_LIMIT
from grader.collect.decode import decode
from grader.collect.notebook import python_lines
from grader.errors import UsageError
from grader.text import clean

NAMES = ("ex03_output_size", "ex04_conv", "ex07_backprop")
CODE = "def conv2d(x, weight):\n    return x\n"
quick = settings(max_examples=80, deadline=None, derandomize=True, database=None)


def notebook(*cells: object) -> bytes:
    """A notebook of code cells: strings or lists of strings, or whole cells where a dict is given."""
    made = [cell if isinstance(cell, dict) else {"cell_type": "code", "source": cell, "outputs": []} for cell in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def zipped(entries: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return buffer.getvalue()


def hand_in(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def collect_zip(folder: Path, entries: Mapping[str, bytes | str]) -> Submission:
    return collect(hand_in(folder, "alice.zip", zipped(entries)), NAMES)


def only_module(submission: Submission) -> Module:
    assert len(submission.modules) == 1
    return next(iter(submission.modules.values()))


# Folders


def test_a_folder_gives_the_modules_at_its_top_and_in_exercises(tmp_path):
    hand_in(tmp_path, "ex04_conv.py", CODE)
    hand_in(tmp_path, "exercises/ex07_backprop.py", "x = 1\n")
    got = collect(tmp_path, NAMES)
    assert {name: module.filename for name, module in got.modules.items()} == {
        "ex04_conv": "ex04_conv.py",
        "ex07_backprop": "exercises/ex07_backprop.py",
    }
    assert got.modules["ex04_conv"].source == CODE
    assert got.notes == ()


def test_a_folder_without_modules_is_an_empty_submission(tmp_path):
    hand_in(tmp_path, "README.md", "hello")
    assert collect(tmp_path, NAMES).modules == {}


def test_a_deeper_folder_is_not_searched(tmp_path):
    hand_in(tmp_path, "old/ex04_conv.py", CODE)
    assert collect(tmp_path, NAMES).modules == {}


def test_py_wins_over_ipynb_and_a_note_says_so(tmp_path):
    hand_in(tmp_path, "ex04_conv.ipynb", notebook("1"))
    hand_in(tmp_path, "exercises/ex04_conv.py", CODE)
    got = collect(tmp_path, NAMES)
    assert only_module(got).filename == "exercises/ex04_conv.py"
    assert got.notes == ("ex04_conv.ipynb was left out: exercises/ex04_conv.py is graded for ex04_conv.",)


def test_the_exact_name_wins_over_a_copy(tmp_path):
    hand_in(tmp_path, "ex04_conv (1).py", "x = 1\n")
    hand_in(tmp_path, "ex04_conv.ipynb", notebook("2"))
    assert only_module(collect(tmp_path, NAMES)).filename == "ex04_conv.ipynb"


def test_a_copy_stands_in_where_the_exact_name_is_missing(tmp_path):
    hand_in(tmp_path, "ex04_conv (1).py", CODE)
    got = collect(tmp_path, NAMES)
    assert got.modules["ex04_conv"].source == CODE
    assert got.notes == ("ex04_conv (1).py is graded as ex04_conv; that would be its name.",)


def test_two_copies_are_not_guessed_between(tmp_path):
    hand_in(tmp_path, "ex04_conv (1).py", CODE)
    hand_in(tmp_path, "ex04_conv (2).py", CODE)
    got = collect(tmp_path, NAMES)
    assert got.modules == {}
    assert "cannot tell which of these is ex04_conv" in got.notes[0]


def test_a_learners_own_tests_are_no_module(tmp_path):
    hand_in(tmp_path, "test_ex04_conv.py", "assert True\n")
    assert collect(tmp_path, NAMES).modules == {}


def test_a_crowded_folder_still_gives_the_exact_names(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LISTED", 2)
    hand_in(tmp_path, "ex04_conv.py", CODE)
    hand_in(tmp_path, "ex07.py", CODE)
    hand_in(tmp_path, "notes.txt", "")
    assert set(collect(tmp_path, NAMES).modules) == {"ex04_conv"}


def test_a_dot_is_called_as_its_folder_is(tmp_path, monkeypatch):
    folder = tmp_path / "alice.smith"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert collect(Path("."), NAMES).name == "alice.smith"


def test_a_linked_module_is_left_out_with_a_note(tmp_path):
    secret = hand_in(tmp_path, "secret.py", "KEY = 1\n")
    folder = tmp_path / "alice"
    folder.mkdir()
    (folder / "ex04_conv.py").symlink_to(secret)
    got = collect(folder, NAMES)
    assert got.modules == {}
    assert "ex04_conv.py was left out: it is a symbolic link" in got.notes[0]


def test_a_notebook_stands_in_for_a_linked_module(tmp_path):
    (tmp_path / "ex04_conv.py").symlink_to("/etc/passwd")
    hand_in(tmp_path, "ex04_conv.ipynb", notebook("x = 1"))
    assert only_module(collect(tmp_path, NAMES)).filename == "ex04_conv.ipynb"


def test_a_linked_exercises_folder_is_left_out(tmp_path):
    hand_in(tmp_path, "bob/ex04_conv.py", CODE)
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "exercises").symlink_to(tmp_path / "bob")
    got = collect(tmp_path / "alice", NAMES)
    assert got.modules == {}
    assert got.notes == ("exercises was left out: it is a symbolic link; put the folder itself in its place.",)


def test_a_pipe_does_not_make_the_grader_wait(tmp_path):
    os.mkfifo(tmp_path / "ex04_conv.py")
    got = collect(tmp_path, NAMES)
    assert got.modules == {}
    assert "a pipe, a socket or a device" in got.notes[0]


@pytest.mark.skipif(not files._HELD, reason="folders cannot be held open here")
@pytest.mark.parametrize("place", ["", "exercises"])
def test_a_folder_that_becomes_a_link_while_it_is_looked_at_is_not_followed(tmp_path, place):
    mine, other = tmp_path / "alice" / place, tmp_path / "bob"
    hand_in(mine, "ex04_conv.py", CODE)
    hand_in(other, "ex04_conv.py", "KEY = 1\n")
    (found,) = files.candidates(tmp_path / "alice", NAMES).candidates
    mine.rename(tmp_path / "away")
    mine.symlink_to(other)
    with pytest.raises(LeftOut, match="cannot be opened"):
        found.read(100)
    assert list(files._near(tmp_path / "alice", place, NAMES)) == []


def test_a_file_with_another_name_elsewhere_is_left_out(tmp_path):
    secret = hand_in(tmp_path, "secret.py", "KEY = 1\n")
    (tmp_path / "alice").mkdir()
    os.link(secret, tmp_path / "alice" / "ex04_conv.py")
    got = collect(tmp_path / "alice", NAMES)
    assert got.modules == {}
    assert "ex04_conv.py was left out: it is a hard link" in got.notes[0]


@pytest.mark.parametrize("trick", ["pipe", "link"])
def test_a_file_swapped_between_look_and_open_is_still_refused(tmp_path, monkeypatch, trick):
    honest = os.lstat(hand_in(tmp_path, "honest.py", CODE))
    path = tmp_path / "ex04_conv.py"
    if trick == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "honest.py")
    monkeypatch.setattr(files.os, "lstat", lambda _: honest)
    with pytest.raises(LeftOut):
        files.read_regular(path, 100)


def test_a_folder_named_like_a_module_is_left_out(tmp_path):
    (tmp_path / "ex04_conv.py").mkdir()
    assert "it is a folder" in collect(tmp_path, NAMES).notes[0]


# Single files


@pytest.mark.parametrize("name", ["ex04_conv.py", "my_ex04_conv (1).py", "ex04.py", "EX04_Conv.PY", "ex04-final.py"])
def test_a_single_file_is_known_by_its_name(tmp_path, name):
    got = collect(hand_in(tmp_path, name, CODE), NAMES)
    assert (only_module(got).exercise, only_module(got).filename) == ("ex04_conv", name)


@pytest.mark.parametrize("stem", ["solution", "ex040", "ex04_conv_and_ex07", "flex04", "test_ex04_conv"])
def test_other_names_speak_of_no_single_exercise(stem):
    assert exercise_in(stem, NAMES) is None


def test_a_file_of_another_name_needs_to_be_told_which_exercise_it_is(tmp_path):
    path = hand_in(tmp_path, "solution.py", CODE)
    with pytest.raises(UsageError, match="cannot tell which exercise this is: rename it to one of ex03_out"):
        collect(path, NAMES)
    assert set(collect(path, NAMES, "ex04_conv").modules) == {"ex04_conv"}


def test_an_exact_name_is_not_overruled(tmp_path):
    path = hand_in(tmp_path, "ex07_backprop.py", CODE)
    assert set(collect(path, NAMES, "ex04_conv").modules) == {"ex07_backprop"}


def test_an_unknown_exercise_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="there is no exercise 'ex99'"):
        collect(tmp_path, NAMES, "ex99")


@pytest.mark.parametrize("name", ["nowhere", "nul\0.py", "lone\ud800.py", "x" * 5000])
def test_a_path_to_nothing_is_wrong_usage(tmp_path, name):
    with pytest.raises(UsageError):
        collect(tmp_path / name, NAMES)


def test_a_file_of_another_kind_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="this cannot be graded; give a folder"):
        collect(hand_in(tmp_path, "ex04_conv.tar.gz", b""), NAMES)


@pytest.mark.parametrize("target", ["alice", "alice/ex04_conv.py"])
def test_a_link_as_the_submission_is_wrong_usage(tmp_path, target):
    hand_in(tmp_path, "alice/ex04_conv.py", CODE)
    link = tmp_path / "ex04_conv.py"
    link.symlink_to(tmp_path / target)
    with pytest.raises(UsageError, match="symbolic link"):
        collect(link, NAMES)


def test_a_pipe_as_the_submission_is_wrong_usage(tmp_path):
    os.mkfifo(tmp_path / "ex04_conv.py")
    with pytest.raises(UsageError, match="cannot be graded"):
        collect(tmp_path / "ex04_conv.py", NAMES)


# Text


@pytest.mark.parametrize(
    "data",
    [
        "π = 'é'\n".encode(),
        b"\xef\xbb\xbf" + "π = 'é'\n".encode(),
        "# coding: utf-8\r\nπ = 'é'\r\n".encode(),
        "#!/usr/bin/python\n# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
    ],
)
def test_text_is_read_as_python_reads_it(data):
    spaces: list[dict[str, object]] = [{}, {}]
    exec(compile(data, "bytes", "exec"), spaces[0])
    exec(compile(decode(data), "text", "exec"), spaces[1])
    wanted = {name: value for name, value in spaces[0].items() if name != "__builtins__"}
    assert {name: value for name, value in spaces[1].items() if name != "__builtins__"} == wanted


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"x = 1\ny = '\xe9'\n", "line 2 is not UTF-8 text"),
        (b"x = '\0'\n", "NUL bytes"),
        ("x = 1".encode("utf-16"), "UTF-16"),
        (b"# coding: rot13\n", "its coding line asks for 'rot13'"),
        (b"x" * (SOURCE_LIMIT + 1), "larger than 1 MB"),
    ],
)
def test_a_module_that_is_no_text_is_there_with_its_problem(tmp_path, data, said):
    hand_in(tmp_path, "ex07_backprop.py", CODE)
    hand_in(tmp_path, "ex04_conv.py", data)
    got = collect(tmp_path, NAMES)
    assert got.modules["ex04_conv"].problem is not None
    assert said in got.modules["ex04_conv"].problem
    assert got.modules["ex04_conv"].source == ""
    assert got.modules["ex07_backprop"].problem is None


def test_a_module_of_exactly_the_limit_is_read(tmp_path):
    hand_in(tmp_path, "ex04_conv.py", b"#" * SOURCE_LIMIT)
    assert only_module(collect(tmp_path, NAMES)).problem is None


def test_a_coding_line_after_code_is_a_comment():
    assert decode("x = 1\n# coding: rot13\ny = 'é'".encode()) == "x = 1\n# coding: rot13\ny = 'é'"


def test_names_are_safe_to_show(tmp_path):
    folder = tmp_path / "al\x1b[31mice\u202e"
    folder.mkdir()
    hand_in(folder, "ex04_conv \x1b[2J\n.py", CODE)
    got = collect(folder, NAMES)
    assert got.name == "al\\x1b[31mice\\u202e"
    assert only_module(got).filename == "ex04_conv \\x1b[2J .py"
    assert all(clean(note, keep_newlines=False) == note for note in got.notes)


# Fingerprints


def test_the_same_content_has_the_same_fingerprint_however_it_comes(tmp_path, monkeypatch):
    hand_in(tmp_path, "a/ex04_conv.py", CODE)
    hand_in(tmp_path, "b/exercises/ex04_conv.py", CODE.replace("\n", "\r\n"))
    os.utime(tmp_path / "a/ex04_conv.py", (0, 0))
    packed = hand_in(tmp_path, "c.zip", zipped({"work/ex04_conv.py": CODE, "work/README": "x"}))
    monkeypatch.chdir(tmp_path / "a")
    ways = [Path("."), Path("ex04_conv.py"), tmp_path / "b", packed]
    assert len({collect(way, NAMES).sha256 for way in ways}) == 1


def test_a_fingerprint_is_that_of_names_and_contents_behind_their_lengths(tmp_path):
    hand_in(tmp_path, "ex04_conv.py", "x")
    wanted = hashlib.sha256(struct.pack(">Q", 9) + b"ex04_conv" + struct.pack(">Q", 1) + b"x").hexdigest()
    assert collect(tmp_path, NAMES).sha256 == wanted


@pytest.mark.parametrize(
    ("name", "content"), [("ex04_conv.py", CODE + " "), ("ex07_backprop.py", CODE), ("ex04_conv.py", b"\xff")]
)
def test_other_content_has_another_fingerprint(tmp_path, name, content):
    hand_in(tmp_path, "a/ex04_conv.py", CODE)
    hand_in(tmp_path, f"b/{name}", content)
    assert collect(tmp_path / "a", NAMES).sha256 != collect(tmp_path / "b", NAMES).sha256


def test_outputs_of_a_notebook_do_not_change_its_fingerprint(tmp_path):
    run = {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "SECRET"}], "metadata": {"tags": ["SECRET"]}}
    hand_in(tmp_path, "a/ex04_conv.ipynb", notebook(run))
    hand_in(tmp_path, "b/ex04_conv.ipynb", notebook(["x = 1"]))
    first, second = collect(tmp_path / "a", NAMES), collect(tmp_path / "b", NAMES)
    assert first.sha256 == second.sha256
    assert "SECRET" not in only_module(first).source


# Notebooks


def read_notebook(folder: Path, content: bytes) -> Module:
    return only_module(collect(hand_in(folder, "ex04_conv.ipynb", content), NAMES))


def test_the_code_cells_of_a_notebook_become_one_text_that_leads_back(tmp_path):
    text = {"cell_type": "markdown", "source": "# Convolution"}
    module = read_notebook(tmp_path, notebook(["import torch\n", "x = 1"], text, "y = 2\r\nz = 3"))
    assert module.source == "# --- code cell 1 ---\nimport torch\nx = 1\n# --- code cell 2 ---\ny = 2\nz = 3\n"
    assert [module.locate(line) for line in (1, 2, 3, 4, 6)] == [
        "code cell 1, line 1",
        "code cell 1, line 1",
        "code cell 1, line 2",
        "code cell 2, line 1",
        "code cell 2, line 2",
    ]


def test_a_line_of_a_plain_file_is_just_that():
    assert Module("ex04_conv", "ex04_conv.py", CODE).locate(2) == "line 2"


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
        ("!pip install \\\n   torch\nx = 1", "# !pip install \\\n#    torch\nx = 1"),
        ("if x:\n    !ls\ny = 1", "if x:\n    pass  # !ls\ny = 1"),
        ("?conv2d\nconv2d??\nx = 1", "# ?conv2d\n# conv2d??\nx = 1"),
        ("files = !ls\nt = %timeit -o f()", "# files = !ls\n# t = %timeit -o f()"),
        ("!echo \"it's\nx = 1", "# !echo \"it's\nx = 1"),
        ("\n%%bash\necho (\nrm x", "# \n# %%bash\n# echo (\n# rm x"),
        ("%%!\nrm x", "# %%!\n# rm x"),
        ("%%time\nx = 1", "# %%time\nx = 1"),
    ],
)
def test_what_only_ipython_understands_becomes_a_comment_on_its_line(cell, wanted):
    assert "\n".join(python_lines(cell.split("\n"))) == wanted


@pytest.mark.parametrize(
    "cell",
    [
        "x = (a\n     %b)",
        "x = a \\\n  %b",
        '"""\n%matplotlib inline\n!ls\n"""\nx = 1',
        "s = '''a\\'''\n!b'''",
        "s = 'a\\\n!b'",
        "x != y\nx %= 2",
        "d = {'a': '[', # (\n}\nx = f'{d[\"a\"]}'",
        "really = 1  # really?",
    ],
)
def test_what_python_understands_stays_as_it_is(cell):
    assert "\n".join(python_lines(cell.split("\n"))) == cell


@pytest.mark.parametrize("file", sorted(Path(files.__file__).parents[1].glob("*/*.py")), ids=lambda file: file.name)
def test_no_line_of_our_own_code_is_taken_for_a_magic(file):
    lines = file.read_text("utf-8").split("\n")
    assert python_lines(lines) == lines


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "broken JSON"),
        (b"{", "broken JSON"),
        (b"\xff\xfe{", "broken JSON"),
        (b"[" * 200_000, "broken JSON"),
        (b'{"a":' * 200_000, "broken JSON"),
        (b"[]", "no cells"),
        (b'{"worksheets": []}', "no cells"),
        (b'{"cells": [3]}', "one of its cells is no cell"),
        (notebook("x", 3), "the source of code cell 2 is no text"),
        (notebook(["x", ["y"]]), "the source of code cell 1 is no text"),
        (notebook("x = '\0'"), "NUL character"),
        (notebook("x = '\ud800'"), "lone surrogate"),
        (notebook("(" * SOURCE_LIMIT), "longer than a megabyte"),
        (notebook(*[""] * 50_000), "longer than a megabyte"),
        (b'{"cells": [' + b"[]," * 300_000, "far more than a notebook"),
        (notebook("x", {"cell_type": "code", "outputs": "y" * NOTEBOOK_LIMIT}), "larger than 10 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_notebook_that_cannot_be_read_is_there_with_its_problem(tmp_path, content, said):
    module = read_notebook(tmp_path, content)
    assert said in (module.problem or "")
    assert module.source == ""


def test_no_more_cells_are_read_than_a_source_can_hold(tmp_path, monkeypatch):
    read: list[list[str]] = []
    monkeypatch.setattr(notebook_reader, "python_lines", lambda lines: read.append(lines) or lines)
    module = read_notebook(tmp_path, notebook(*[""] * 100_000))
    assert "longer than a megabyte" in (module.problem or "")
    assert len(read) < SOURCE_LIMIT // len("# --- code cell 1 ---")


def test_pictures_in_outputs_do_not_make_a_notebook_too_large(tmp_path):
    picture = {"cell_type": "code", "source": "x = 1", "outputs": [{"data": {"image/png": "A" * (2 * SOURCE_LIMIT)}}]}
    assert read_notebook(tmp_path, notebook(picture)).problem is None


# Archives


@pytest.mark.parametrize(
    "name",
    [
        "ex04_conv.py",
        "exercises/ex04_conv.py",
        "homework/ex04_conv.py",
        "homework/exercises/ex04_conv.py",
        "homework\\exercises\\ex04_conv.py",
        "./ex04_conv.py",
    ],
)
def test_a_zip_gives_the_modules_of_its_folder(tmp_path, name):
    got = collect_zip(tmp_path, {name: CODE, "__MACOSX/._ex04_conv.py": b"\0", "__MACOSX/x": "", ".DS_Store": b"\0"})
    assert got.name == "alice"
    assert only_module(got).source == CODE
    assert got.notes == ()


def test_a_zip_of_an_exercises_folder_and_more_is_read(tmp_path):
    got = collect_zip(tmp_path, {"exercises/ex04_conv.py": CODE, "exercises/ex07_backprop.ipynb": notebook("x")})
    assert set(got.modules) == {"ex04_conv", "ex07_backprop"}


def test_apple_doubles_beside_modules_are_ignored(tmp_path):
    got = collect_zip(tmp_path, {"a/ex04_conv.py": CODE, "a/._ex04_conv.py": b"\0\0", "a/._ex07_backprop.py": b"\0"})
    assert set(got.modules) == {"ex04_conv"}
    assert got.modules["ex04_conv"].source == CODE


def test_a_module_too_deep_in_a_zip_is_left_out_with_a_note(tmp_path):
    got = collect_zip(tmp_path, {"a/b/ex04_conv.py": CODE, "a/ex07_backprop.py": CODE})
    assert set(got.modules) == {"ex07_backprop"}
    assert got.notes == ("a/b/ex04_conv.py was left out: modules lie at the top or in a folder exercises.",)


@pytest.mark.parametrize(
    "name",
    [
        "/ex04_conv.py",
        "\\ex04_conv.py",
        "C:\\ex04_conv.py",
        "../ex04_conv.py",
        "exercises/../ex04_conv.py",
        "ex04_conv\n.py",
        "ex04_conv\u202e.py",
        "ex04_conv\x1b[2J.py",
        "x" * 2000 + "ex04_conv.py",
    ],
)
def test_an_entry_with_a_hostile_name_is_left_out_with_a_note(tmp_path, name):
    got = collect_zip(tmp_path, {name: CODE, "ex07_backprop.py": CODE})
    assert set(got.modules) == {"ex07_backprop"}
    assert len(got.notes) == 1
    assert clean(got.notes[0], keep_newlines=False) == got.notes[0]


def test_a_name_that_goes_on_behind_a_nul_is_left_out(tmp_path):
    data = zipped({"ex04_conv.pyZtxt": CODE}).replace(b"ex04_conv.pyZtxt", b"ex04_conv.py\0txt")
    got = collect(hand_in(tmp_path, "alice.zip", data), NAMES)
    assert got.modules == {}
    assert "cannot be seen" in got.notes[0]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_an_entry_that_is_no_plain_file_is_left_out(tmp_path, kind):
    info = zipfile.ZipInfo("ex04_conv.py")
    info.external_attr = (kind | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(info, "/etc/passwd")
    got = collect(hand_in(tmp_path, "alice.zip", buffer.getvalue()), NAMES)
    assert got.modules == {}
    assert len(got.notes) == 1


def test_of_two_entries_with_one_name_the_last_counts_as_it_does_when_unzipped(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.writestr("ex04_conv.py", "first")
        made.writestr("ex04_conv.py", CODE)
    got = collect(hand_in(tmp_path, "alice.zip", buffer.getvalue()), NAMES)
    assert only_module(got).source == CODE
    assert got.notes == ("ex04_conv.py is in the zip more than once: only the last one counts.",)


def test_a_zip_in_a_zip_is_not_opened(tmp_path):
    got = collect_zip(tmp_path, {"inner.zip": zipped({"ex04_conv.py": CODE})})
    assert got.modules == {}
    assert got.notes == ("inner.zip was left out: a zip inside a zip is not opened.",)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06", zipped({"ex04_conv.py": CODE})[:-30]])
def test_a_broken_zip_is_wrong_usage(tmp_path, content):
    with pytest.raises(UsageError, match="no zip that can be read"):
        collect(hand_in(tmp_path, "alice.zip", content), NAMES)


def test_an_encrypted_zip_is_wrong_usage(tmp_path):
    data = bytearray(zipped({"ex04_conv.py": CODE}))
    data[6] |= 1  # flags of the entry's own header, then of the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UsageError, match="password"):
        collect(hand_in(tmp_path, "alice.zip", bytes(data)), NAMES)


@pytest.mark.parametrize("factor", [1, 30])
def test_a_zip_of_too_many_entries_is_wrong_usage(tmp_path, monkeypatch, factor):
    monkeypatch.setattr(archive, "ENTRIES", 10)
    entries = {f"{number}.txt": "" for number in range(11 * factor)}
    with pytest.raises(UsageError, match="more than 10 entries"):
        collect_zip(tmp_path, entries)


def test_a_zip_with_a_long_list_of_few_entries_is_wrong_usage(tmp_path):
    info = zipfile.ZipInfo("ex04_conv.py")
    info.extra = b"\x99\x99\0\0" * 16_000  # a second of zipfile's time for 16 such entries
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(info, CODE)
    data = buffer.getvalue()
    start = data.index(b"PK\1\2")
    record, end = data[start:-22], data[-22:]
    many = record * (archive.DIRECTORY_LIMIT // len(record) + 1)
    long = data[:start] + many + end[:12] + struct.pack("<L", len(many)) + end[16:]
    assert set(collect(hand_in(tmp_path, "alice.zip", data), NAMES).modules) == {"ex04_conv"}
    with pytest.raises(UsageError, match="too long a list"):
        collect(hand_in(tmp_path, "alice.zip", long), NAMES)


def test_a_zip_that_is_too_large_itself_is_wrong_usage(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ARCHIVE_LIMIT", 100)
    with pytest.raises(UsageError, match="larger than"):
        collect_zip(tmp_path, {"ex04_conv.py": CODE})


def test_a_bomb_is_left_out_and_the_rest_is_read(tmp_path):
    got = collect_zip(tmp_path, {"ex04_conv.py": b"\n" * 10 * SOURCE_LIMIT, "ex07_backprop.py": CODE})
    assert set(got.modules) == {"ex07_backprop"}
    assert "unpacks to more than 200 times its size" in got.notes[0]


def test_reading_stops_at_the_limit_whatever_the_header_says(tmp_path):
    got = collect(hand_in(tmp_path, "a.zip", zipped({"ex04_conv.py": os.urandom(2 * SOURCE_LIMIT)})), NAMES)
    assert "larger than 1 MB" in (only_module(got).problem or "")


def test_all_entries_together_stay_below_the_total(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 1000)
    monkeypatch.setattr(archive, "_Allowance", lambda: type("Allowance", (), {"left": 1000})())
    got = collect_zip(tmp_path, {f"{name}.py": "#" * 600 for name in NAMES})
    assert set(got.modules) == {"ex03_output_size"}
    assert len(got.notes) == 2


def test_a_damaged_entry_is_a_problem_of_its_module_alone(tmp_path):
    data = zipped({"ex04_conv.py": "x = 12345\n", "ex07_backprop.py": CODE}, method=zipfile.ZIP_STORED)
    got = collect(hand_in(tmp_path, "a.zip", data.replace(b"x = 12345", b"x = 99999")), NAMES)
    assert "damaged" in (got.modules["ex04_conv"].problem or "")
    assert got.modules["ex07_backprop"].problem is None


def test_an_entry_packed_in_an_unusual_way_is_left_out(tmp_path):
    got = collect(hand_in(tmp_path, "a.zip", zipped({"ex04_conv.py": CODE}, method=zipfile.ZIP_LZMA)), NAMES)
    assert got.modules == {}
    assert "ordinary compression" in got.notes[0]


def test_notes_do_not_flood_the_report(tmp_path):
    got = collect_zip(tmp_path, {f"../{number}": "" for number in range(100)})
    assert len(got.notes) == 20
    assert got.notes[-1] == "There are 81 more notes like these."


# Anything at all


def assert_sound(path: Path) -> None:
    """Nothing but a UsageError or a Submission that can be sent, shown and hashed."""
    try:
        got = collect(path, NAMES)
    except UsageError:
        return
    for module in got.modules.values():
        module.source.encode()
        assert "\0" not in module.source
        assert (module.problem is None) or module.source == ""
    texts = [got.name, *got.notes, *(module.problem or "" for module in got.modules.values())]
    assert all(clean(text, keep_newlines=False) == text for text in texts)


def assert_sound_as(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_sound(hand_in(Path(folder), name, content))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
source_lines = st.text(alphabet="ab%!?=\\\"'#([{}]) \n\r\0\ud800é", max_size=60)
sources = source_lines | st.lists(source_lines) | anything
cells = st.fixed_dictionaries({"cell_type": st.just("code"), "source": sources})


@quick
@given(st.fixed_dictionaries({"cells": st.lists(cells | anything, max_size=5) | anything}) | anything)
def test_any_json_as_a_notebook_is_sound(value):
    assert_sound_as("ex04_conv.ipynb", json.dumps(value).encode())


@quick
@given(source_lines)
@example("%%")
@example("'\\")
@example('"""\\"""')
def test_any_cell_keeps_its_number_of_lines(cell):
    assert len(python_lines(cell.split("\n"))) == cell.count("\n") + 1


@quick
@given(st.binary(max_size=200), st.sampled_from(["ex04_conv.py", "ex04_conv.ipynb", "alice.zip"]))
def test_any_bytes_are_sound(data, name):
    assert_sound_as(name, data)


WHOLE = zipped({"a/ex04_conv.py": CODE * 5, "a/ex07.ipynb": notebook("x = 1"), "a/exercises/x\\y.py": ""})


@settings(quick, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 40))
def test_a_zip_with_any_bytes_changed_is_sound(changes, cut):
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value
    assert_sound_as("alice.zip", bytes(data[: len(data) - cut]))


entry_names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@quick
@given(st.dictionaries(entry_names, st.just(b"x")))
@example({"ex04_conv.py": b"x", "EX04_conv.py": b"y", "ex04.py": b"z", "exercises": b"", "a/../b": b""})
@example({"/": b"", "\\": b"", "..": b"", ".": b"", "//ex04_conv.py": b"", "ex04_conv.py/": b""})
def test_a_zip_of_any_names_is_sound(entries):
    assert_sound_as("alice.zip", zipped(entries))
