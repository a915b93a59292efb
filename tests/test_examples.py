"""Docstring examples as checks: run across the wall, compared as text."""

from __future__ import annotations

import pytest

from grader import course
from grader.checker.compare import Mismatch
from grader.checker.examples import run_examples
from grader.checker.run import local
from grader.errors import LearnerRaised, LearnerTodo
from grader.learner import InProcess, Kind, Learner
from grader.references import reference

KINDS = {"double": Kind.FUNCTION, "own": Kind.FUNCTION, "Net": Kind.MODULE}
SOURCE = """
import torch
from torch import nn
def double(x):
    if isinstance(x, str):
        raise ValueError("x is text")
    return x * 2
class Own:
    def __repr__(self):
        return "mine"
def own(shape):
    return {"bare": Own(), "list": [1, Own()], "dict": {"a": (Own(),)}}[shape]
class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)
        nn.init.ones_(self.weight), nn.init.zeros_(self.bias)
"""


def run(docstring, text=SOURCE):
    run_examples(Learner(InProcess.from_source("ex", text, "ex.py"), KINDS), docstring)


@pytest.mark.parametrize(
    "docstring",
    [
        ">>> double(3)\n6",
        ">>> double(torch.tensor([1., 2.]))\ntensor([2., 4.])",
        ">>> double(torch.ones(2,\n...     2))\ntensor([[2., 2.],\n        [2., 2.]])",
        ">>> x = double(2)\n>>> x + 1\n5",
        ">>> double(None) if False else None",
        ">>> net = Net()\n>>> net(torch.ones(1, 2)).item()\n2.0",
        ">>> double('a')\nTraceback (most recent call last):\n    ...\nValueError: x must be a number",
        ">>> double([1])\n[1, ...]",
        "no example at all",
    ],
)
def test_a_right_answer_passes(docstring):
    run(docstring)


@pytest.mark.parametrize(
    ("docstring", "words"),
    [
        (">>> double(3)\n7", ">>> double(3) should give 7, got 6"),
        (">>> double(3)", ">>> double(3) should give nothing, got 6"),
        (">>> None\n7", "should give 7, got nothing"),
        (">>> own('bare')\n7", "should give 7, got an Own from ex (mine)"),
        (">>> own('list')\n7", "should give 7, got the list [1, <ex.Own>]"),
        (">>> own('dict')\n7", "should give 7, got the dict {'a': (<ex.Own>,)}"),
        (">>> double('a')\nTraceback (most recent call last):\n    ...\nTypeError: no", "got ValueError: x is text"),
        (">>> double(1)\nTraceback (most recent call last):\n    ...\nValueError: no", "got 2"),
    ],
)
def test_a_wrong_answer_is_shown_with_its_example(docstring, words):
    with pytest.raises(Mismatch) as caught:
        run(docstring)

    assert words in caught.value.message


def test_an_exception_and_what_is_not_written_are_the_learners():
    with pytest.raises(LearnerRaised):
        run(">>> double(None)\n2")
    with pytest.raises(LearnerTodo):
        run(">>> double(1)\n2", "def double(x):\n    raise NotImplementedError")


@pytest.mark.parametrize("name", course.load().names)
def test_the_examples_of_every_source_print_what_they_say(name):
    exercise = course.load().exercise(name)
    learner = local(reference(name), exercise.kinds)
    for task in exercise.tasks:
        run_examples(learner, task.docstring)
        assert ">>>" in task.docstring, f"{task.name} has no example"


@pytest.mark.parametrize(
    "printed",
    [
        "tensor([0.3333, 0.6667])",  # four places are all that is printed
        "tensor([0.33335, 0.66662])",
        "tensor([0.3333, 0.6667], dtype=torch.float32)",
    ],
)
def test_without_a_reference_a_tensor_is_held_to_what_is_printed(printed):
    run(f">>> double(torch.tensor([1 / 6, 2 / 6]))\n{printed}")


@pytest.mark.parametrize(
    ("call", "printed", "words"),
    [
        ("double(torch.tensor([1., 2.]))", "tensor([2., 5.])", "at [1]"),
        ("double(torch.tensor([1., 2.]))", "tensor([2, 4])", "int64"),
        ("double(torch.tensor([1., 2.]))", "tensor([[2., 4.]])", "shape (2,), expected (1, 2)"),
        ("double(torch.tensor([1., 2.]))", "tensor([2., nan])", "at [1]"),
        ("double(torch.tensor([1., 2.]))", "7", "should give 7, got tensor([2., 4.])"),
        ("double(torch.tensor([1., 2.]))", "tensor([2., ..., 5.])", "should give tensor([2., ..., 5.])"),
    ],
)
def test_without_a_reference_another_tensor_is_wrong(call, printed, words):
    with pytest.raises(Mismatch) as caught:
        run(f">>> {call}\n{printed}")

    assert words in f"{caught.value.message} {caught.value.where}"
