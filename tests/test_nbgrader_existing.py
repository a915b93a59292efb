"""A course that runs in nbgrader already takes our exercises in: as modules, and beside cells of its own."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader_kit import Place, cell, shared

from grader import course

NAME = "ex03_output_size"
MINE = "double"  # an assignment of the course's own, graded as it always was
MIXED = "mixed"  # cells of theirs and ours in one notebook
OUTSIDE = "graded by cnn-grader: ex99_lost::task"  # a task that is not in the course that is installed


def meta(name: str, **about: object) -> dict[str, object]:
    kind: dict[str, object] = {"grade": False, "solution": False, "locked": False, "schema_version": 3, "task": False}
    return {"nbgrader": {**kind, "grade_id": name, **about}}


def test_cell(name: str, source: str, points: float) -> object:
    return new_code_cell(source, metadata=meta(name, grade=True, locked=True, points=points))


test_cell.__test__ = False  # type: ignore[attr-defined]


def hidden(mark: str) -> str:
    return f"%grade it\n### BEGIN HIDDEN TESTS\n# {mark}\n### END HIDDEN TESTS"


def assignments() -> dict[str, str]:
    answer = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    padding = "def same_padding(kernel_size, dilation=1):\n    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    mine = [
        new_code_cell(answer, metadata=meta("answer", solution=True)),
        test_cell("test", "assert double(3) == 6", 2.0),
    ]
    mixed = [
        new_code_cell(padding, metadata=meta("padding", solution=True)),
        test_cell("ours", hidden(f"graded by cnn-grader: {NAME}::same_padding"), 6.0),
        test_cell("theirs", "assert True", 1.0),
        test_cell("lost", hidden(OUTSIDE), 4.0),
        new_markdown_cell("Why?", metadata=meta("why", grade=True, solution=True, points=3.0)),
        new_markdown_cell("Draw.", metadata=meta("draw", locked=True, task=True, points=2.0)),
    ]
    return {
        name: nbformat.writes(new_notebook(cells=cells, metadata=kernel))
        for name, cells in {MINE: mine, MIXED: mixed}.items()
    }


def build(place: Place) -> None:
    place.set_up()
    (place.root / "nbgrader_config.py").write_text("c = get_config()\nc.ClearSolutions.text_stub = 'Here'\n", "utf-8")
    for name, text in assignments().items():
        (place.root / "source" / name).mkdir(parents=True)
        (place.root / "source" / name / f"{name}.ipynb").write_text(text, "utf-8")
    place.release("ex03", "--modules")
    place.nbgrader_each(*(("generate_assignment", name) for name in (NAME, MINE, MIXED)))
    solved = course.load().source_file(NAME).read_text("utf-8")
    stub = course.load().stub_file(NAME).read_text("utf-8")
    for who, module in {"solves": solved, "untouched": stub, "without": None}.items():
        folder = place.hand_in(who, NAME, place.released(NAME))
        if module is not None:
            (folder / f"{NAME}.py").write_text(module, "utf-8")
    for name in (MINE, MIXED):
        book = place.released(name)
        if name == MINE:
            cell(book, "answer")["source"] = "def double(x):\n    return x + x\n"
        else:
            cell(book, "padding")["source"] = (
                "def same_padding(kernel_size, dilation=1):\n    return dilation * (kernel_size - 1) // 2\n"
            )
            cell(book, "why")["source"] = "Because <script>alert(1)</script>"
        place.hand_in("solves", name, book)
    place.nbgrader_each(*(("autograde", name) for name in (NAME, MINE, MIXED)), ("generate_feedback", MIXED))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cache: Path) -> Place:
    return shared(tmp_path_factory, worker_id, "existing", build)


def test_the_release_has_the_stub_and_nothing_of_the_reference(place: Place) -> None:
    released = place.root / "release" / NAME

    assert sorted(file.name for file in released.iterdir()) == [f"{NAME}.ipynb", f"{NAME}.py"]
    assert (released / f"{NAME}.py").read_bytes() == course.load().stub_file(NAME).read_bytes()


def test_a_module_is_graded_and_not_overwritten(place: Place) -> None:
    points = {f"test-{NAME}-{task.name}": task.points for task in course.load().exercise(NAME).tasks}
    grades = place.grades(NAME)
    kept = (place.root / "autograded" / "solves" / NAME / f"{NAME}.py").read_text("utf-8")

    assert grades["solves"] == {name: (most, False) for name, most in points.items()}
    assert grades["untouched"] == grades["without"] == dict.fromkeys(points, (0.0, False))
    assert kept == course.load().source_file(NAME).read_text("utf-8")


def test_a_module_is_shown_to_who_grades(place: Place) -> None:
    sources = ["".join(each["source"]) for each in place.autograded("solves", NAME)["cells"]]

    assert course.load().source_file(NAME).read_text("utf-8") in sources


def test_an_assignment_of_their_own_is_graded_as_before(place: Place) -> None:
    assert place.grades(MINE) == {"solves": {"test": (2.0, False)}}


def test_partial_credit_is_in_proportion_to_a_teachers_points(place: Place) -> None:
    """4 of 6 where the course has 2 of 3: this answer misses what is asked of odd sums."""
    score, by_hand = place.grades(MIXED)["solves"]["ours"]
    task = course.load().exercise(NAME).task("same_padding")

    assert not by_hand
    assert score is not None
    assert 0 < score < 6
    assert (score / 6 * task.points) % 0.5 == pytest.approx(0)


@pytest.mark.parametrize("cell_name", ["theirs", "lost", "why"])
def test_what_we_cannot_grade_waits_for_a_person(place: Place, cell_name: str) -> None:
    """Neither nothing nor everything: a cell of theirs that was not run, a fault of ours, an answer in words."""
    assert place.grades(MIXED)["solves"][cell_name] == (None, True)


def test_a_task_that_is_graded_by_hand_is_still_there(place: Place) -> None:
    score, _ = place.grades(MIXED)["solves"]["draw"]
    kept = cell(place.autograded("solves", MIXED), "draw")["metadata"]["nbgrader"]

    assert score is None
    assert (kept["task"], kept["points"]) == (True, 2.0)


def test_the_page_says_that_no_grade_was_given(place: Place) -> None:
    page = place.feedback("solves", MIXED)

    assert "No grade was given: the grader itself failed." in page
    assert "This cell was not run" in page
    assert "<script>alert(1)" not in (place.root / "feedback" / "solves" / MIXED / f"{MIXED}.html").read_text("utf-8")


def test_their_settings_still_hold(place: Place) -> None:
    config = (place.root / "nbgrader_config.py").read_text("utf-8")

    assert config.startswith("c = get_config()\nc.ClearSolutions.text_stub = 'Here'\n")
    assert json.dumps("Here")[1:-1] in config
