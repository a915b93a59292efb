"""What our steps write into cells and resources, and that nbgrader itself would read the same from it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.errors import GraderFault
from grader.platforms.nbgrader.given import Given, Handout
from grader.platforms.nbgrader.names import Mark
from grader.platforms.nbgrader.words import Answer, Graded, Question

with warnings.catch_warnings():  # of nbgrader's and of what it needs
    warnings.simplefilter("ignore")
    from nbgrader.utils import determine_grade

    from grader.platforms.nbgrader import steps

MARK = Mark("ex02_filters", "convolve2d")
NAME = "test-ex02_filters-convolve2d"
SOURCE = f"%grade it\n### BEGIN HIDDEN TESTS\n{MARK.line}\n### END HIDDEN TESTS"
RESOURCES = {"nbgrader": {"db_url": "", "notebook": "ex02_filters", "assignment": "ex02_filters"}}


def graded(score: float | None, most: float = 5.0) -> Answer:
    return Answer({MARK.key: Graded(score, most, "said", "<p>page</p>")}, "sandboxed")


def run(monkeypatch: pytest.MonkeyPatch, answer: Answer | GraderFault, points: float = 5.0, **traits: Any) -> Any:
    """(cell, its score) after the step, with a desk that gives this answer."""
    known = Given(NAME, SOURCE, "code", True, False, points, None)
    monkeypatch.setattr(steps, "handout", lambda *_: Handout({NAME: known}))

    class Stub:
        def ask(self, question: Question) -> Answer:
            if isinstance(answer, GraderFault):
                raise answer
            return answer

    monkeypatch.setattr(steps, "desk", Stub)
    book = new_notebook(cells=[new_code_cell(SOURCE, metadata={"nbgrader": known.metadata})])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = steps.GradeAcrossTheWall(**traits)
    book, resources = step.preprocess(book, dict(RESOURCES))
    return book.cells[0], resources[steps.SCORES][NAME]


@pytest.mark.parametrize("score", [0.0, 0.1 + 0.2, 2.5, 1 / 3, 5.0])
def test_a_score_is_the_same_to_the_last_digit(monkeypatch: pytest.MonkeyPatch, score: float) -> None:
    cell, written = run(monkeypatch, graded(score))

    assert written == score
    assert determine_grade(cell) == (score, 5.0)


@pytest.mark.parametrize(("score", "points", "expected"), [(5.0, 0.3, 0.3), (2.5, 10.0, 5.0), (0.0, 7.0, 0.0)])
def test_other_points_are_in_proportion(
    monkeypatch: pytest.MonkeyPatch, score: float, points: float, expected: float
) -> None:
    assert run(monkeypatch, graded(score), points)[1] == expected


@pytest.mark.parametrize(
    "answer",
    [graded(None), Answer(fault="torch is gone"), Answer({}, "sandboxed"), GraderFault("no process")],
)
def test_our_fault_is_no_score_at_all(monkeypatch: pytest.MonkeyPatch, answer: Answer | GraderFault) -> None:
    cell, written = run(monkeypatch, answer)

    assert written is None
    assert [output.output_type for output in cell.outputs] == ["display_data"]


def test_a_fault_of_ours_keeps_its_words_for_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, _ = run(monkeypatch, Answer(fault="Traceback: secret/path"))

    assert "secret/path" not in str(cell.outputs)


def test_strangers_are_not_graded_where_they_cannot_be_locked_in(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer(graded(5.0).tasks, "process")
    with pytest.raises(RuntimeError, match="allow_unsandboxed = True"):
        run(monkeypatch, answer)

    assert run(monkeypatch, answer, allow_unsandboxed=True)[1] == 5.0


def test_the_hidden_region_is_shown_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, graded(1.0))[0].source == "%grade it"


def test_what_is_graded_is_the_code_in_its_order_or_the_module() -> None:
    book = new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("%grade it"), new_code_cell("y = 2")])
    work = steps.work(book, "ex02_filters", "ex02_filters.ipynb")
    module = new_code_cell("z = 3", metadata={"cnn_grader": {"exercise": "ex02_filters", "filename": "ex02_filters.py",
                                                             "problem": None}})  # fmt: skip

    assert [line for line in work.source.split("\n") if line and not line.startswith("#")] == ["x = 1", "y = 2"]
    assert work.line_map == (1, 3, 5)
    book.cells.append(module)
    assert steps.work(book, "ex02_filters", "ex02_filters.ipynb").source == "z = 3"
    assert "x = 1" in steps.work(book, "ex03_output_size", "x.ipynb").source
