"""A notebook's cells run one by one: one that stops costs what it defines, and nothing beside it."""

from __future__ import annotations

import json

import pytest
from kit import solution

from grader.collect import Submission, collect
from grader.model import Report, Verdict
from grader.pipeline import Wanted

EXERCISE = "ex03_output_size"
TASKS = frozenset({"conv_output_size", "same_padding"})


@pytest.fixture
def graded(grader, tmp_path):
    def grade(*cells: str, exercise: str = EXERCISE, tasks: frozenset[str] = TASKS) -> Report:
        book = {
            "cells": [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in cells],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / f"{exercise}.ipynb"
        path.write_text(json.dumps(book))
        submission: Submission = collect(path, (exercise,))
        return grader.grade(submission, wanted=Wanted({exercise: tasks}))

    return grade


def points(report: Report) -> dict[str, float]:
    return {task.name: task.score for task in report.exercises[0].tasks}


RIGHT = solution(EXERCISE)
FORBIDDEN = "torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))"


@pytest.mark.parametrize(
    "scratch",
    [
        "trace_shapes(1, 2, 3, 4)",
        "raise NotImplementedError",
        "display(conv_output_size(5, 3))",
        "def broken(:\n    pass",
        "import sys\nsys.exit()",
        "raise KeyboardInterrupt",
        "1 / 0\nconv_output_size = None",
    ],
)
def test_a_cell_that_tries_something_out_costs_nothing(graded, scratch):
    assert points(graded("import torch", RIGHT, scratch)) == {"conv_output_size": 4.0, "same_padding": 3.0}
    assert points(graded(scratch, RIGHT)) == {"conv_output_size": 4.0, "same_padding": 3.0}


def test_what_a_cell_was_refused_is_its_own_affair(graded):
    report = graded(
        solution("ex04_conv"),
        f"import torch\nassert conv2d is not None\n{FORBIDDEN}",
        exercise="ex04_conv",
        tasks=frozenset({"pad2d"}),
    )

    assert points(report) == {"pad2d": 6.0}


def test_what_a_cell_was_refused_it_has_not(graded):
    """A task that is made of what was refused at the top of a cell is not there."""
    door = f"import torch\nkernel = {FORBIDDEN}\ndef conv2d(*a, **k):\n    return kernel"
    report = graded(door, exercise="ex04_conv", tasks=frozenset({"conv2d"}))

    assert points(report) == {"conv2d": 0.0}


def test_a_task_whose_own_cell_stops_is_told_at_what(graded):
    report = graded(
        "x = undefined\n\ndef conv_output_size(size):\n    return size",
        RIGHT.replace("def conv_output_size", "def other"),
    )
    task = report.exercises[0].tasks[0]
    check = next(check for check in task.checks if check.spec.points)

    assert task.score == 0
    assert check.verdict is Verdict.RAISED
    assert "NameError" in check.message
    assert check.place == "code cell 1, line 1"


def test_a_task_with_a_syntax_error_costs_itself_alone(graded):
    wrong = "def conv_output_size(:\n    return 1"
    rest = RIGHT.replace("def conv_output_size", "def other")
    report = graded(rest, wrong)

    assert points(report) == {"conv_output_size": 0.0, "same_padding": 3.0}
    check = next(check for check in report.exercises[0].tasks[0].checks if check.spec.points)
    assert "SyntaxError" in check.message
    assert check.place == "code cell 2, line 1"
    assert check.excerpt.startswith("def conv_output_size(:\n")
    assert check.excerpt.endswith("^")


def test_the_learner_reads_which_cell_stopped(graded):
    report = graded(RIGHT, "print(1)\n1 / 0")
    printed = "".join(check.printed for task in report.exercises[0].tasks for check in task.checks)

    assert "code cell 2, line 2 stopped: ZeroDivisionError: division by zero" in printed


def test_a_task_that_is_in_no_cell_is_to_do(graded):
    assert {c.verdict for c in graded("x = 1").exercises[0].tasks[0].checks} == {Verdict.TODO}


def test_a_module_that_is_no_notebook_is_whole_or_nothing(grader, tmp_path):
    path = tmp_path / f"{EXERCISE}.py"
    path.write_text(f"{RIGHT}\n1 / 0\n")
    report = grader.grade(collect(path, (EXERCISE,)), wanted=Wanted({EXERCISE: TASKS}))

    assert points(report) == {"conv_output_size": 0.0, "same_padding": 0.0}
