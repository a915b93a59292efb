"""A GPU on paper: tensors that say they are on one and have values all the same.

Without a GPU; tests/test_gpu.py is the same on a real one.
"""

from __future__ import annotations

import pytest
import torch
from device_kit import BY_META, CPU_ALONE, MISTAKES
from kit import ROOT, grade, solution
from paper_gpu import Paper, plugged_in
from wall_kit import learner_of

from grader import course
from grader.checker import places
from grader.learner import InProcess
from grader.pipeline import Grader
from grader.worker.device import CUDA

# --- A GPU on paper


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_what_mixes_devices_is_right_on_the_cpu_and_named_on_paper(mistake):
    tasks = frozenset({mistake.task})
    here = grade(Grader(course.load(), None), mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]
    with plugged_in():
        there = grade(Grader(course.load(), None, CUDA), mistake.exercise, mistake.source, tasks).exercises[0].tasks[0]

    assert {check.spec.name for check in here.checks if check.verdict != "passed"} <= BY_META
    assert there.score < here.score
    assert there.diagnosis == mistake.says


@pytest.mark.parametrize(("name", "task"), [("ex10_fcn/loops", "confusion_matrix"), ("ex11_yolo/masks", "nms")])
def test_a_right_solution_for_the_cpu_alone_is_told_of_devices_on_paper(name, task):
    assert name in CPU_ALONE
    exercise, style = name.split("/")
    text = (ROOT / "tests" / "right" / exercise / f"{style}.py").read_text("utf-8")
    with plugged_in():
        report = grade(Grader(course.load(), None, CUDA), exercise, text, frozenset({task}))

    assert report.score < report.max_score
    assert any(step in report.exercises[0].tasks[0].diagnosis for step in places.STEPS)


def test_what_is_right_for_the_cpu_alone_is_one_of_the_right_solutions():
    there = {f"{file.parent.name}/{file.stem}" for file in (ROOT / "tests" / "right").glob("*/*.py")}

    assert there >= CPU_ALONE


@pytest.mark.parametrize(("exercise", "task"), [("ex02_filters", "edge_magnitude"), ("ex08_resnet", "BasicBlock"),
                                                ("ex10_fcn", "bilinear_kernel"), ("ex11_yolo", "nms")])  # fmt: skip
def test_references_earn_every_point_on_paper(exercise, task):
    with plugged_in():
        report = grade(Grader(course.load(), None, CUDA), exercise, solution(exercise), frozenset({task}))

    assert report.score == report.max_score
    assert report.environment.device == CUDA


def test_paper_is_no_cpu_and_says_so_in_torchs_words():
    with plugged_in():
        session = InProcess.from_source("m", "def f(x): return [str(x.device), type(x).__name__]", "m.py", device=CUDA)
        assert learner_of(session).f(torch.ones(2)) == ["cuda:0", Paper.__name__]
