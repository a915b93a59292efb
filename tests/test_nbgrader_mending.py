"""A submitted notebook, whatever became of it, is built anew of the gradebook and the sources of its cells."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.platforms.nbgrader.book import notebook
from grader.platforms.nbgrader.given import Given, Handout
from grader.platforms.nbgrader.mending import LONGEST, Seen, mended, seen, shown
from grader.platforms.nbgrader.names import Mark

TEST = f"%grade ex::f\n### BEGIN HIDDEN TESTS\n{Mark('ex', 'f').line}\n### END HIDDEN TESTS"
HANDOUT = Handout(
    {
        cell.name: cell
        for cell in (
            Given("statement", "# Text", "markdown", True, False, None, "a" * 32),
            Given("begin", "import torch", "code", True, False, None, "b" * 32),
            Given("solve", "def f():\n    raise NotImplementedError()", "code", False, True, None, "c" * 32),
            Given("test", TEST, "code", True, False, 2.0, "d" * 32),
            Given("why", "Why?", "markdown", False, True, 3.0, "e" * 32),
            Given("essay", "Write.", "markdown", True, False, 4.0, "f" * 32, by_hand=True),
        )
    }
)
ANSWER = "def f():\n    return 1"
INTACT = [
    Seen("# Text", False, "statement"),
    Seen("import torch", True, "begin"),
    Seen(ANSWER, True, "solve"),
    Seen("%grade ex::f", True, "test"),
    Seen("Why?", False, "why"),
    Seen("Write. I did.", False, "essay"),
]


def made(cells: list[Seen]) -> list[tuple[str | None, str]]:
    """(name, source) of each cell."""
    return [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source) for cell in mended(cells, HANDOUT)]


WHOLE = [
    ("statement", "# Text"),
    ("begin", "import torch"),
    ("solve", ANSWER),
    ("test", TEST),
    ("why", "Why?"),
    ("essay", "Write."),
]


def test_an_intact_notebook_stays_what_it_is() -> None:
    assert made(INTACT) == WHOLE


@pytest.mark.parametrize("gone", ["begin", "test", "essay"])
def test_a_cell_of_ours_that_was_deleted_stands_where_it_stood(gone: str) -> None:
    again = made([cell for cell in INTACT if cell.claim != gone])

    assert sorted(again, key=str) == sorted(WHOLE, key=str)
    assert [name for name, _ in again].index("test") == [name for name, _ in again].index("solve") + 1


def test_what_was_edited_and_is_not_theirs_is_put_right() -> None:
    edited = [Seen("print('mine')" if cell.claim in {"test", "begin"} else cell.source, cell.code, cell.claim)
              for cell in INTACT]  # fmt: skip

    assert made(edited) == WHOLE


def test_of_copies_the_last_one_counts_and_the_others_are_code_like_any() -> None:
    again = made([*INTACT, Seen("def f():\n    return 2", True, "solve")])

    assert [source for name, source in again if name == "solve"] == ["def f():\n    return 2"]
    assert (None, ANSWER) in again


def test_an_answer_without_its_name_is_found_by_its_definition() -> None:
    again = made([Seen(cell.source, cell.code, None) for cell in INTACT])

    assert ("solve", ANSWER) in again
    assert [name for name, _ in again].count("test") == 1


def test_points_and_kind_are_the_gradebooks() -> None:
    (cell,) = [cell for cell in mended([Seen("x", False, "test")], HANDOUT) if "nbgrader" in cell.metadata
               and cell.metadata.nbgrader.grade_id == "test"]  # fmt: skip

    assert cell.cell_type == "code"
    assert cell.metadata.nbgrader.points == 2.0
    assert cell.metadata.nbgrader.grade is True


def test_a_task_that_is_graded_by_hand_stays_one() -> None:
    about = HANDOUT.cells["essay"].metadata

    assert (about["grade"], about["task"], about["points"]) == (False, True, 4.0)
    assert "essay" not in HANDOUT.graded
    assert list(HANDOUT.marks) == ["test"]


def test_text_of_a_learners_is_text() -> None:
    hostile = "<script>alert(1)</script> [x](javascript:1) $$\\href{javascript:1}{x}$$ ![](http://x)\n\n# heading"
    (text,) = [cell.source for cell in mended([Seen(hostile, False)], Handout())]

    assert not set("<>[]()$\\!#") & set(text.removeprefix("<pre>").removesuffix("</pre>").replace("&#", ""))
    assert text.count("<") == 2


def test_an_answer_in_words_is_text_and_untouched_ones_are_known_again() -> None:
    (answer,) = [source for name, source in made([Seen("<b>x</b>", False, "why")]) if name == "why"]

    assert answer == shown("<b>x</b>")
    assert ("why", "Why?") in made([Seen("Why?", False, "why")])


def test_long_text_is_cut() -> None:
    assert len(shown("x" * 10 * LONGEST)) < 2 * LONGEST


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*HANDOUT.cells, "other", ""]) | JSON
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "x"]) | JSON},
    optional={
        "source": st.sampled_from([ANSWER, TEST, "x"]) | JSON,
        "id": NAMES,
        "metadata": st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": NAMES}) | JSON}) | JSON,
    },
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(CELLS, max_size=6))
def test_whatever_is_handed_in_every_test_is_there_once_and_the_notebook_is_sound(cells: list[dict[str, Any]]) -> None:
    again = list(mended([seen(cell) for cell in cells], HANDOUT))
    names = [cell.metadata.nbgrader.grade_id for cell in again if "nbgrader" in cell.metadata]
    sources = {cell.metadata.nbgrader.grade_id: cell.source for cell in again if "nbgrader" in cell.metadata}

    assert names.count("test") == names.count("begin") == 1
    assert len(set(names)) == len(names)
    assert sources["test"] == TEST
    for number, cell in enumerate(again):
        cell["id"] = f"cell-{number}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nbformat.validate({"cells": again, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_the_marks_of_a_notebook_are_read_from_its_handout() -> None:
    from grader import course

    known = course.load()
    cells = json.loads(notebook(known, known.exercise("ex02_filters")))["cells"]
    handed_out = Handout(
        {
            cell["id"]: Given(cell["id"], "".join(cell["source"]), cell["cell_type"], True, False,
                              cell["metadata"]["nbgrader"].get("points"), None)
            for cell in cells
        }
    )  # fmt: skip

    assert [mark.task for mark in handed_out.marks.values()] == [t.name for t in known.exercise("ex02_filters").tasks]


def test_a_renamed_notebook_is_found_only_without_doubt(tmp_path: Path) -> None:
    from grader.platforms.nbgrader.renamed import find_renamed

    folder = tmp_path / "ex02_filters"
    folder.mkdir()
    for names, expected in {
        ("homework.ipynb",): "homework.ipynb",
        ("homework.ipynb", "ex02 (1).ipynb"): "ex02 (1).ipynb",
        ("one.ipynb", "two.ipynb"): None,
    }.items():
        for old in folder.iterdir():
            old.unlink()
        for name in names:
            (folder / name).write_text(name, "utf-8")
        notebooks = [str(folder / name) for name in names]
        find_renamed("ex02_filters", "*", notebooks)
        found = folder / "ex02_filters.ipynb"

        assert (found.read_text("utf-8") if found.exists() else None) == expected
        assert (str(found) in notebooks) == (expected is not None)


def test_no_link_is_followed_to_a_notebook(tmp_path: Path) -> None:
    from grader.platforms.nbgrader.renamed import find_renamed

    folder = tmp_path / "ex02_filters"
    folder.mkdir()
    (tmp_path / "secret").write_text("{}", "utf-8")
    (folder / "homework.ipynb").symlink_to(tmp_path / "secret")
    find_renamed("ex02_filters", "*", [str(folder / "homework.ipynb")])

    assert [file.name for file in folder.iterdir()] == ["homework.ipynb"]
