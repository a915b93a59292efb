"""What the first wrong element is made of: asked of the reference, and silent where it cannot be told."""

from __future__ import annotations

import types

import pytest
import torch
from torch import nn
from torch.nn import functional

from grader.checker.compare import Mismatch, close
from grader.checker.show import counterexample
from grader.learner import InProcess, Kind, Learner


class Pool(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return functional.max_pool2d(x, self.size)


class Conv(nn.Module):
    def __init__(self, ins, outs):
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, 2)

    def forward(self, x):
        return self.conv(x)


def conv(x, weight, stride=1):
    return functional.conv2d(x, weight, stride=stride)


def both(x, y):
    return x.softmax(-1), y


RIGHT = types.ModuleType("ex98_window")
RIGHT.__dict__.update(__file__=__file__, conv=conv, both=both, Pool=Pool, Conv=Conv)
KINDS = {"conv": Kind.FUNCTION, "both": Kind.FUNCTION, "Pool": Kind.MODULE, "Conv": Kind.MODULE}
X = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
WEIGHT = torch.tensor([[[[1.0, 0.0], [2.0, 3.0]]]])


def window_of(ask, spoil=lambda right: right + 1):
    """The window where `ask` gives the right answer and a spoiled one was got."""
    learner = Learner(InProcess.from_module(RIGHT), KINDS)
    case = learner.link.begin_case()
    want = ask(learner)
    with pytest.raises(Mismatch) as found:
        close(spoil(want.detach()), want.detach())
    view = counterexample("ex98_window", RIGHT, case, found.value)
    return None if view.window is None else (view.window.of, dict(view.window.inputs))


def corner(top, left, *, size=2):
    return tuple((0, 0, top + i, left + j) for i in range(size) for j in range(size))


def test_a_convolution_sees_its_window_and_a_zero_of_the_kernel_hides_nothing():
    assert window_of(lambda c: c.conv(X, WEIGHT, stride=2)) == ((0, 0, 0, 0), {"x": corner(0, 0)})


def test_the_window_is_that_of_the_first_wrong_element():
    def last(right):
        right = right.clone()
        right[0, 0, 1, 1] += 1
        return right

    assert window_of(lambda c: c.conv(X, WEIGHT, 2), last) == ((0, 0, 1, 1), {"x": corner(2, 2)})


def test_a_maximum_depends_on_every_element_of_its_window():
    assert window_of(lambda c: c.Pool(2)(X)) == ((0, 0, 0, 0), {"x": corner(0, 0)})


def test_a_layer_with_weights_of_its_own_sees_the_same():
    assert window_of(lambda c: c.Conv(1, 1)(X)) == ((0, 0, 0, 0), {"x": corner(0, 0)})


def test_a_gradient_is_made_of_the_gradients_that_come_back_to_it():
    upstream = torch.arange(1.0, 10).reshape(1, 1, 3, 3)

    def gradient(learner):
        x = X.clone().requires_grad_()
        learner.conv(x, WEIGHT).backward(upstream)
        return x.grad

    first, parts = window_of(gradient, lambda right: right + torch.eye(4)[2].diag())

    assert first == (0, 0, 2, 2)
    assert parts["grad_out"] == corner(1, 1)
    assert "x" not in parts


def test_what_depends_on_everything_or_on_too_much_has_no_window():
    assert window_of(lambda c: c.both(torch.ones(1, 3), torch.ones(1))[0]) is None
    assert window_of(lambda c: c.conv(torch.ones(1, 1, 40, 40), torch.ones(1, 1, 1, 1))) is None
