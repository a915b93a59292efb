"""The docstring examples as public checks: what the statement shows is run across the wall, one check a task."""

from __future__ import annotations

import doctest
from typing import Any

import torch
from torch import nn

from grader.errors import LearnerRaised
from grader.learner import Learner

from .check import watched
from .compare import Mismatch

TITLE = "The examples in the statement"
_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@watched
def test_examples(learner: Learner, reference: Any, task: str) -> None:
    """Parametrized over the tasks of the exercise by the plugin."""
    run_examples(learner, getattr(reference, task).__doc__ or "")


def run_examples(learner: Learner, docstring: str) -> None:
    names = {"torch": torch, "nn": nn} | {name: getattr(learner, name) for name in learner.task_names}
    for example in doctest.DocTestParser().get_examples(docstring):
        got = _output(example, names)
        if not doctest.OutputChecker().check_output(example.want, got, _FLAGS):
            text = f">>> {example.source.strip()}"
            want = example.want.strip()
            raise Mismatch(
                "example", f"{text} should give {want or 'nothing'}, got {got.strip() or 'nothing'}", want, got.strip()
            )


def _output(example: doctest.Example, names: dict[str, Any]) -> str:
    """What a Python prompt would print. The source is ours; the names in it lead across the wall."""
    try:
        code = compile(example.source, "<example>", "eval")
    except SyntaxError:
        exec(compile(example.source, "<example>", "exec"), names)  # a statement of our own docstring
        return ""
    try:
        value = eval(code, names)  # an expression of our own docstring
    except LearnerRaised as error:
        if example.exc_msg is None:
            raise
        if "ValueError" in example.exc_msg and "ValueError" in error.bases:
            return example.want
        return error.message
    return "" if value is None else f"{value!r}\n"
