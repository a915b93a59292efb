"""Whatever a learner's code does ends as a verdict of its own, costs its own checks at most, and the run goes on.

One task of ex03 misbehaves, the others are the reference's: the others keep every point.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from kit import grade, solution, task, verdicts

from grader.learner import Zygote, walls
from grader.model import Status, Verdict
from grader.pipeline import Grader
from grader.score import exit_code
from grader.worker import control

EXERCISE, TASK, NEIGHBOUR = "ex03_output_size", "same_padding", "receptive_field"
WHOLE = solution(EXERCISE)
HEAD, REST = WHOLE.split("def same_padding", 1)
REST = REST.split("\ndef ", 1)[1]


def module(body: str, top: str = "") -> str:
    """The reference module with this body for same_padding."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}{top}\n\ndef same_padding(kernel_size, dilation=1):\n{lines}\n\ndef {REST}"


FAULTS = {
    "raises": ("raise KeyError('oops')", {"raised"}, "KeyError"),
    "loops for ever": ("while True: pass", {"timed_out"}, "seconds"),
    "sleeps": ("import time; time.sleep(1000)", {"timed_out"}, "seconds"),
    "leaves with os._exit": ("import os; os._exit(0)", {"died"}, "ended the process"),
    "leaves with SystemExit": ("raise SystemExit(0)", {"died"}, "SystemExit"),
    "leaves with exit()": ("exit()", {"died"}, "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", {"raised"}, "KeyboardInterrupt"),
    "crashes": ("import ctypes; ctypes.string_at(0)", {"died"}, "segmentation fault"),
    "eats memory in a list": ("x = []\nwhile True: x.append(bytearray(2**24))", {"died"}, "memory"),
    "eats memory in a tensor": ("import torch; return torch.zeros(2**40)", {"died"}, "memory"),
    "returns an 8 GB tensor": ("import torch; return torch.zeros(1).expand(2**31)", {"died"}, "larger"),
    "returns NaN": ("return float('nan')", {"wrong"}, "nan"),
    "returns a string": ("return '1'", {"wrong"}, "str"),
    "returns nothing": ("return None", {"wrong"}, "None"),
    "returns a float": ("return float(dilation * (kernel_size - 1) // 2)", {"wrong"}, "float"),
    "returns a tensor": ("import torch; return torch.tensor(1)", {"wrong"}, "tensor"),
    "is a stub": ("raise NotImplementedError", {"todo"}, "not written"),
    "recurses for ever": ("return same_padding(kernel_size, dilation)", {"raised"}, "RecursionError"),
    "raises something that has no text": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        {"raised"},
        "its text raises",
    ),
}


@pytest.fixture(scope="module")
def hasty(grader) -> Grader:
    """Short limits: these tests wait for them."""
    worker = control.Limits(500 * 2**20, 60, 8 * 2**20)  # touching gigabytes takes longer than a call may
    budget = replace(grader.course.budget, call_seconds=1.5, again_seconds=0.3, load_seconds=5.0, worker=worker)
    return replace(grader, course=replace(grader.course, budget=budget))


@pytest.mark.parametrize("name", FAULTS)
def test_a_misbehaving_task_gets_its_own_verdict_and_costs_no_other(name, hasty):
    body, expected, words = FAULTS[name]
    report = grade(hasty, EXERCISE, module(body), frozenset({TASK, NEIGHBOUR}))

    wrong = task(report, TASK)
    assert expected <= verdicts(wrong) <= expected | {"passed", "wrong", "not_run"}
    assert words in " ".join(check.message or "" for check in wrong.checks)
    assert wrong.status is (Status.TODO if name == "is a stub" else Status.FAILED)
    assert task(report, NEIGHBOUR).status is Status.PASSED
    assert exit_code(report) == 1


ALWAYS_EQUAL = """
class Yes(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __repr__(self): return '1'
"""


def test_an_object_that_is_equal_to_everything_earns_nothing(hasty):
    report = grade(hasty, EXERCISE, module("return Yes()", ALWAYS_EQUAL), frozenset({TASK}))

    scored = [check for check in task(report, TASK).checks if check.verdict is Verdict.PASSED]
    assert not [check for check in scored if check.spec.points]


def test_a_hanging_repr_is_cut_off_by_the_deadline(hasty):
    top = "class Slow:\n    def __repr__(self):\n        while True: pass\n"
    report = grade(hasty, EXERCISE, module("return Slow()", top), frozenset({TASK, NEIGHBOUR}))

    assert verdicts(task(report, TASK)) <= {"timed_out", "wrong", "not_run"}
    assert task(report, NEIGHBOUR).status is Status.PASSED


def test_a_gigabyte_of_print_neither_hangs_nor_reaches_the_report(grader):
    flood = module("FLOOD and print(FLOOD.pop() * 2**30)\nreturn 1", "FLOOD = ['x']\n")
    report = grade(grader, EXERCISE, flood, frozenset({TASK, NEIGHBOUR}))

    assert all(len(check.printed) <= 2100 for check in task(report, TASK).checks)
    assert task(report, NEIGHBOUR).status is Status.PASSED


def test_a_tensor_subclass_cannot_lie(grader):
    text = solution("ex04_conv") + (
        "\n\nclass Liar(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
        "        return True\n\n"
        "def conv3d(x, weight, bias=None, stride=1, padding=0):\n"
        "    return torch.zeros(1).as_subclass(Liar)\n"
    )
    report = grade(grader, "ex04_conv", text, frozenset({"conv3d"}))

    assert task(report, "conv3d").score == 0
    assert not report.faulty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def conv_output_size(:\n    pass\n", "SyntaxError"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError"),
        ("x = 1 / 0\n", "ZeroDivisionError"),
        ("import os; os._exit(3)\n", "ended the process"),
        ("while True: pass\n", "no answer"),
        ("", "missing"),
        ("conv_output_size = 3\n", "callable"),
    ],
)
def test_a_module_that_does_not_load_is_told_why_on_every_task(text, words, grader):
    budget = replace(grader.course.budget, load_seconds=1.0)
    report = grade(replace(grader, course=replace(grader.course, budget=budget)), EXERCISE, text)

    assert report.score == 0
    assert not report.faulty
    first = report.exercises[0].tasks[0]
    assert words in (first.checks[0].message or "")


def test_a_syntax_error_names_the_line(grader):
    report = grade(grader, EXERCISE, "import torch\n\ndef f(:\n")

    assert report.exercises[0].tasks[0].checks[0].line == 3


def test_a_zygote_that_cannot_start_is_our_fault_and_gives_no_score(grader, monkeypatch):
    monkeypatch.setattr("grader.learner.box.package_files", dict)
    broken = Zygote(walls.NONE).start()
    report = grade(replace(grader, zygote=broken), EXERCISE, WHOLE, frozenset({TASK}))
    broken.close()

    assert report.faulty
    assert exit_code(report) == 3
    assert task(report, TASK).score == 0


def test_a_diagnosis_that_stumbles_costs_no_grade(grader, monkeypatch):
    monkeypatch.setattr("grader.pipeline.explain", lambda *_: 1 / 0)
    report = grade(grader, EXERCISE, module("return 1"), frozenset({TASK, NEIGHBOUR}))

    assert not report.faulty
    assert task(report, NEIGHBOUR).status is Status.PASSED
    assert "stumbled" in (task(report, TASK).diagnosis or "")
    assert task(report, NEIGHBOUR).diagnosis is None


def test_a_module_that_never_loads_is_waited_for_once(grader, monkeypatch):
    """Tasks with bans have sessions of their own: none of them loads it again."""
    spawned, spawn = [], Zygote.spawn
    monkeypatch.setattr(Zygote, "spawn", lambda *args, **kwargs: spawned.append(1) or spawn(*args, **kwargs))
    budget = replace(grader.course.budget, load_seconds=1.0)
    report = grade(replace(grader, course=replace(grader.course, budget=budget)), "ex04_conv", "while True: pass\n")

    assert report.exercises[0].score == 0
    assert {c.verdict for t in report.exercises[0].tasks for c in t.checks} <= {Verdict.TIMED_OUT, Verdict.NOT_RUN}
    assert len(spawned) == 1


def test_a_stumble_of_the_wall_is_our_fault_and_never_a_wrong_answer(grader, monkeypatch):
    """An exception of our own code on the way is no answer of the learner's, though the reference passes."""

    def stumble(*_: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'fileno'")

    monkeypatch.setattr("grader.learner.channel.Channel._wait", stumble)
    report = grade(grader, EXERCISE, solution(EXERCISE))

    assert report.faulty
    assert exit_code(report) == 3
