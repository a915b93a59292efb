"""Replay: does another module answer alike? Told from whole conversations, values, gradients, modules and errors."""

from __future__ import annotations

import types

import pytest
import torch

from grader.checker.replay import agrees
from grader.learner import InProcess, Kind, Learner

KINDS = {"f": Kind.FUNCTION, "Net": Kind.MODULE}


def module(text: str) -> types.ModuleType:
    made = types.ModuleType("ex")
    made.__file__ = "ex.py"
    exec(f"import torch\nfrom torch import nn\n{text}", made.__dict__)
    return made


def cases(text: str, *conversations):
    found = []
    for talk in conversations:
        learner = Learner(InProcess.from_module(module(text)), KINDS)
        found.append(learner.link.begin_case())
        try:
            talk(learner)
        except Exception:
            found[-1].failed = True
    return found


def values(learner):
    learner.f(torch.arange(4.0))


def gradients(learner):
    x = torch.arange(4.0, requires_grad=True)
    (learner.f(x) * torch.tensor([1.0, -2, 3, 0.5])).sum().backward()


def echo(learner):
    learner.echo(learner.f, torch.arange(4.0))


def counted(learner):
    learner.count_ops(learner.f, torch.ones(64))


SQUARE = "def f(x):\n    return x * x"


@pytest.mark.parametrize(
    ("theirs", "ours", "talk", "expected"),
    [
        (SQUARE, SQUARE, values, True),
        (SQUARE, "def f(x):\n    return x.pow(2)", gradients, True),
        (SQUARE, "def f(x):\n    return x + x", values, False),
        (SQUARE, "def f(x):\n    return (x * x).double()", values, False),
        (SQUARE, "def f(x):\n    return (x * x)[None]", values, False),
        (SQUARE, "def f(x):\n    return x * x.detach()", gradients, False),
        (SQUARE, "def f(x):\n    return (x * x).detach()", gradients, False),
        (SQUARE, "def f(x):\n    y = x * x\n    x.zero_()\n    return y", echo, False),
        (SQUARE, "def f(x):\n    raise ValueError", values, False),
        ("def f(x):\n    raise ValueError('a')", "def f(x):\n    raise ValueError('b')", values, True),
        ("def f(x):\n    raise ValueError('a')", "def f(x):\n    raise IndexError('a')", values, False),
        ("def f(x):\n    return 8", "def f(x):\n    return 8.0", values, False),
        ("def f(x):\n    return 0.1 + 0.2", "def f(x):\n    return 0.3", values, True),
        ("def f(x):\n    return [x, (1, None)]", "def f(x):\n    return [x, (1, None)]", values, True),
        ("def f(x):\n    return (x, 1)", "def f(x):\n    return [x, 1]", values, False),
        ("def f(x):\n    return {'a': x}", "def f(x):\n    return {'b': x}", values, False),
        ("def f(x):\n    return object()", "def f(x):\n    return object()", values, True),
        ("def f(x):\n    return object()", "def f(x):\n    return len", values, False),
        ("def f(x):\n    return x / 0", "def f(x):\n    return x / 0", values, True),
        (SQUARE, "def f(x):\n    return torch.stack([v * v for v in x])", counted, False),
        (SQUARE, "def g(x):\n    return x", values, False),
    ],
)
def test_answers_are_alike_or_not(theirs, ours, talk, expected):
    assert agrees(module(ours), cases(theirs, talk)) is expected


def test_every_case_has_to_agree():
    both = cases(SQUARE, values, lambda learner: learner.f(torch.tensor([0.0, 1.0])))

    assert not agrees(module("def f(x):\n    return x"), both)
    assert agrees(module("def f(x):\n    return x"), both[1:])


NET = """
class Net(nn.Module):
    def __init__(self, size=6):
        super().__init__()
        self.fc = nn.Linear(size, size, bias={bias})
        {more}
    def forward(self, x):
        return {result}
"""


def net(bias=True, more="", result="self.fc(x)"):
    return NET.format(bias=bias, more=more or "pass", result=result)


def used(learner):
    learner.Net(6)(torch.ones(2, 6))


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (net(), True),
        (net(result="self.fc(x).relu()"), False),
        (net(bias=False), False),
        (net(more="self.extra = nn.Parameter(torch.zeros(1))"), False),
        (net(more="self.register_buffer('b', torch.zeros(1))"), False),
        (net(more="nn.init.constant_(self.fc.weight, 9)"), False),
        (net(more="self.fc.weight.requires_grad_(False)"), False),
        ("Net = print", False),
    ],
)
def test_modules_agree_with_the_learners_random_values(ours, expected):
    torch.manual_seed(1)
    said = cases(net(), used)
    torch.manual_seed(2)

    assert agrees(module(ours), said) is expected


@pytest.mark.parametrize(
    ("ours", "expected"), [("normal_(0, 0.2)", True), ("normal_(0, 0.4)", False), ("zero_()", False)]
)
def test_initial_values_agree_in_size_and_not_one_by_one(ours, expected):
    theirs = "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__({0}, {0})\n"
    theirs += "        self.weight.data.{1}"
    for seed in range(30):
        torch.manual_seed(seed)
        said = cases(theirs.format(20, "normal_(0, 0.2)"), lambda learner: learner.Net())

        assert agrees(module(theirs.format(20, ours)), said) is expected
    for seed in range(30 if expected else 0):  # few values say little
        torch.manual_seed(seed)
        said = cases(theirs.format(6, "normal_(0, 0.2)"), lambda learner: learner.Net())

        assert agrees(module(theirs.format(6, ours)), said)


def test_a_worker_that_died_agrees_with_nobody():
    from grader.errors import LearnerTimedOut

    learner = Learner(InProcess.from_module(module(SQUARE)), KINDS)
    case = learner.link.begin_case()

    class Hangs:
        def request(self, request, body=b""):
            raise LearnerTimedOut("no answer")

    learner.link.session = Hangs()
    with pytest.raises(LearnerTimedOut):
        learner.f(torch.ones(1))

    assert not agrees(module(SQUARE), [case])
