"""Diagnosis: a known mistake by its name where all answers agree with it, else what wrong answers have in common."""

from __future__ import annotations

import pytest
from checker_kit import tiny
from kit import ROOT

from grader import source
from grader.checker import misconceptions
from grader.checker.run import explain, run_checks
from grader.checker.trial import FLAKY
from grader.learner import InProcess, Kind, Learner

EX03 = "ex03_output_size"
SOLUTION = (ROOT / "solutions" / f"{EX03}.py").read_text("utf-8")
KINDS = {task.name: task.kind for task in source.read(SOLUTION, EX03).tasks}
SENTENCES = {mistake.says for mistake in misconceptions.of_exercise(EX03)}
SIZE = "(size + 2 * padding - dilation * (kernel_size - 1) - 1)"


def said_of_ex03(task: str, stand_in: str) -> str | None:
    """The diagnosis of `task` where its right function `right` is replaced by `stand_in`."""
    text = f"{SOLUTION}\nimport math\nright = {task}\n{stand_in}\n"
    learner = Learner(InProcess.from_source(EX03, text, f"{EX03}.py"), {name: Kind(k) for name, k in KINDS.items()})
    results, trials = run_checks(EX03, KINDS, lambda _: learner, tasks=[task])
    assert any(result.verdict.value == "wrong" for result in results)
    return explain(EX03, KINDS, results, trials).get(task)


def conv(expression: str) -> str:
    head = "def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):\n"
    return f"{head}    same = right(size, kernel_size, stride, padding, dilation)\n    return {expression}\n"


def test_a_known_mistake_is_called_by_its_name():
    for expression, words in [
        (f"math.ceil({SIZE} / stride) + 1", "You rounded up"),
        (f"-(-{SIZE} // stride) + 1", "You rounded up"),
        (f"{SIZE} / stride + 1", "your answer is a float"),
    ]:
        assert words in said_of_ex03("conv_output_size", conv(expression))


@pytest.mark.parametrize(
    "expression",
    [
        f"math.ceil({SIZE} / stride) + 1 if stride != 3 else same",
        f"math.ceil({SIZE} / stride) + 1 if padding else same",
        f"math.ceil({SIZE} / stride) + 1 if size % 2 else same",
        f"math.ceil({SIZE} / stride) + 1 if stride < 4 else {SIZE} // stride",
        f"round({SIZE} / stride) + 1 if kernel_size > 2 else same",
        f"{SIZE} // stride if stride > 1 else same",
        f"{SIZE} / stride + 1 if stride > 2 else same",
        "(size + padding - dilation * (kernel_size - 1) - 1) // stride + 1 if kernel_size > 3 else same",
        "(size + 2 * padding - dilation * kernel_size) // stride + 1 if dilation > 2 else same",
        "(size + 2 * padding - kernel_size) // stride + 1 if dilation == 2 else same",
        f"math.ceil({SIZE} / stride) + 2",
        f"{SIZE} // stride + 1 + (size == 7)",
    ],
)
def test_what_resembles_a_known_mistake_on_some_inputs_is_not_called_by_its_name(expression):
    assert said_of_ex03("conv_output_size", conv(expression)) not in SENTENCES


def test_a_known_mistake_beside_another_is_named_where_it_explains_whole_checks():
    rounded_up = said_of_ex03("conv_output_size", conv(f"math.ceil({SIZE} / stride) + 1 + (dilation > 1)"))
    unchecked = "def receptive_field(layers):\n    return 1 + sum(kernel - 1 for kernel, _ in layers)\n"

    assert rounded_up.startswith("You rounded up")
    assert said_of_ex03("receptive_field", unchecked).startswith("You left the strides out")


def test_of_two_mistakes_the_one_that_explains_a_check_whole_is_named():
    said = said_of_ex03("conv_output_size", conv(f"math.ceil({SIZE} / stride) + 1 + (dilation > 1)"))

    assert said.startswith("You rounded up")


def test_two_mistakes_at_once_have_no_name():
    expression = "math.ceil((size + padding - dilation * (kernel_size - 1) - 1) / stride) + 1"

    assert said_of_ex03("conv_output_size", conv(expression)) not in SENTENCES


def test_one_off_is_said_as_such():
    expression = "same + 3"

    assert said_of_ex03("conv_output_size", conv(expression)).startswith("Every value is 3 too large")


# a small course of its own

TINY = """
def window(x, size):
    '''Sums of neighbours.'''
    return x.unfold(-1, size, 1).sum(-1)


def windows_mean(x, size):
    '''Their mean.'''
    return window(x, size) / size
"""
CHECKS = """
@check("window", title="w", points=1)
@given(x=draw.tensors(st.tuples(draw.ints(3, 6))), size=draw.ints(1, 3))
def test_window(learner, reference, x, size):
    expect.close(learner.window(x, size), reference.window(x, size))

@check("windows_mean", title="m", points=1)
@given(x=draw.tensors(st.tuples(draw.ints(3, 6))), size=draw.ints(1, 3))
def test_mean(learner, reference, x, size):
    expect.close(learner.windows_mean(x, size), reference.windows_mean(x, size))
"""
MISTAKES = """
@misconception("window", "You took the mean.")
def mean(x, size):
    return ref.window(x, size) / size

@misconception("window", "You took the largest.")
def largest(x, size):
    return x.unfold(-1, size, 1).amax(-1)

@misconception("window", "You took the largest as well.")
def largest_again(x, size):
    return x.unfold(-1, size, 1).amax(-1)

@misconception("windows_mean", "You forgot to divide.")
def undivided(x, size):
    return ref.window(x, size)
"""


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    return tiny(tmp_path, monkeypatch, solution=TINY, checks=CHECKS, mistakes=MISTAKES)


def window(body, mean="return window(x, size) / size"):
    return f"import torch\ndef window(x, size):\n    {body}\ndef windows_mean(x, size):\n    {mean}\n"


RIGHT = "return x.unfold(-1, size, 1).sum(-1)"


@pytest.mark.parametrize(
    ("text", "window_says", "mean_says"),
    [
        (window(RIGHT), None, None),
        (window("return x.unfold(-1, size, 1).mean(-1)"), "You took the mean.", "You took the mean."),
        (window("return x.unfold(-1, size, 1).amax(-1)"), "You took the largest.", "You took the largest."),
        (window(RIGHT, "return window(x, size)"), None, "You forgot to divide."),
        (window("return x.unfold(-1, size, 1).amin(-1)"), None, None),
        (window("y = x.unfold(-1, size, 1); return y.sum(-1) if x.numel() == 5 else y.mean(-1)"),
         "the same factor", "the same factor"),
        (window("return -x.unfold(-1, size, 1).sum(-1)"), "has the wrong sign.", "has the wrong sign."),
        (window("return x.unfold(-1, size, 1).sum(-1).double()"), "The dtype changes on the way", "The dtype changes"),
        (window("return x.unfold(-1, size, 1).sum(-1)[None]"), "too many dimensions", "too many dimensions"),
        (window("return x[9]"), "stops with an exception; the input", "stops with an exception; the input"),
        (window("raise NotImplementedError"), None, None),
        (window("window.n = getattr(window, 'n', 0) + 1; return x.unfold(-1, size, 1).sum(-1) + (window.n % 3 == 1)"),
         FLAKY, FLAKY),
    ],
)  # fmt: skip
def test_the_diagnosis_of_a_whole_exercise(exercise, text, window_says, mean_says):
    said = exercise.said(text)

    for task, words in (("window", window_says), ("windows_mean", mean_says)):
        assert said.get(task) is None if words is None else words in said[task]
