"""When a task goes wrong: named from several failing and several passing inputs, and from nothing less."""

from __future__ import annotations

import pytest
import torch
from checker_kit import tiny

from grader.checker.conditions import only_where
from grader.learner import Case, Event

SOLUTION = """
def pool(x, kernel_size, stride=1, padding=0, mode="sum"):
    '''Sums of windows.'''
    sides = (stride, stride) if isinstance(stride, int) else stride
    wide = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * padding, x.shape[3] + 2 * padding)
    wide[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]] = x
    return wide.unfold(2, kernel_size, sides[0]).unfold(3, kernel_size, sides[1]).sum((-1, -2))


class Pool(nn.Module):
    '''The same as a layer.'''
    def __init__(self, kernel_size, stride=1):
        super().__init__()
        self.options = kernel_size, stride
    def forward(self, x):
        return pool(x, *self.options)
"""
CHECKS = """
SHAPE = st.tuples(draw.ints(1, 2), draw.ints(1, 2), draw.ints(3, 6), draw.ints(3, 6))

@check("pool", title="p", points=1)
@given(x=draw.tensors(SHAPE), k=draw.ints(1, 3), stride=draw.int_or_pair(1, 3), padding=draw.ints(0, 2))
def test_pool(learner, reference, x, k, stride, padding):
    expect.close(learner.pool(x, k, stride, padding), reference.pool(x, k, stride, padding))

@check("Pool", title="l", points=1)
@given(x=draw.tensors(SHAPE), k=draw.ints(1, 3), stride=draw.ints(1, 3))
def test_layer(learner, reference, x, k, stride):
    expect.close(learner.Pool(k, stride)(x), reference.Pool(k, stride)(x))
"""


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    return tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHECKS)


def spoiled(condition, how="result * result + 1"):
    body = SOLUTION.replace("return wide", "result = wide")
    end = f"    return {how} if {condition} else result\n"
    return "import torch\nfrom torch import nn\n" + body.replace(".sum((-1, -2))\n", f".sum((-1, -2))\n{end}")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("stride not in (1, (1, 1))", "stride is more than 1"),
        ("padding", "padding is more than 0"),
        ("sides[0] != sides[1]", "stride differs for height and width"),
        ("kernel_size == 2", "kernel_size is even"),
        ("x.shape[0] > 1", "x holds more than one image"),
        ("x.shape[1] > 1", "x has more than one channel"),
        ("x.shape[2] != x.shape[3]", "x is not square"),
        ("True", None),
        ("padding or x.shape[0] > 1", None),
        ("x.shape[2] == 5", None),
        ("int(x.sum()) % 2", None),
    ],
)
def test_the_condition_under_which_answers_are_wrong(exercise, condition, words):
    said = exercise.said(spoiled(condition)).get("pool")

    assert said == (
        f"It goes wrong only where {words}; in all other inputs that were tried, it is right." if words else None
    )


def test_what_raises_under_a_condition_only(exercise):
    said = exercise.said(spoiled("padding", "result[9, 9]"))["pool"]

    assert said.startswith("Your code stops with an exception; the input that is shown")
    assert "only where padding is more than 0" in said


def test_what_a_layer_was_made_with_counts(exercise):
    assert "only where stride is more than 1" in exercise.said(spoiled("sides != (1, 1)"))["Pool"]


def test_a_pattern_and_its_condition_are_both_said(exercise):
    said = exercise.said(spoiled("sides[0] > 1 or sides[1] > 1", "-result"))["pool"]

    assert said.startswith("Every value has the wrong sign. It goes wrong only where stride is more than 1;")


class Made:
    @staticmethod
    def f(x, stride=1):
        return x


def case(stride, size=2):
    return Case(events=[Event("f", (torch.ones(1, 1, size, size),), {"stride": stride})])


RIGHT = [case(1, size) for size in (2, 3, 4)]


def test_few_inputs_tell_nothing():
    wrong = [case(2), case(3), case((2, 3)), case((3, 2)), case((2, 1)), case((4, 4))]

    assert only_where(Made, wrong, []) is None
    assert only_where(Made, wrong[:2], RIGHT) is None
    assert only_where(Made, [wrong[0]] * 6, RIGHT) is None
    assert only_where(Made, [*wrong, case(1)], RIGHT) is None
