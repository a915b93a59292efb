"""The docstring examples as public checks: what the statement shows is run across the wall, one check a task.

An answer that prints otherwise is held to the reference. In a learner's kit there is none: it is held to the print.
"""

from __future__ import annotations

import doctest
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from grader.errors import LearnerRaised
from grader.learner import Learner
from grader.worker.wire import OpaqueV

from .check import watched
from .compare import Mismatch, close
from .describe import described

TITLE = "The examples in the statement"
_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@watched
def test_examples(learner: Learner, reference: Any, task: str) -> None:
    """Parametrized over the tasks of the exercise by `collected`."""
    run_examples(learner, getattr(reference, task).__doc__ or "", reference)


@watched
def test_printed(learner: Learner, reference: Any, task: str) -> None:
    """The same in a learner's kit, where `reference` has docstrings and no solutions."""
    run_examples(learner, getattr(reference, task).__doc__ or "")


PUBLIC = (test_examples, test_printed)


def run_examples(learner: Learner, docstring: str, reference: Any = None) -> None:
    names = {"torch": torch, "nn": nn} | {name: getattr(learner, name) for name in learner.task_names}
    examples = doctest.DocTestParser().get_examples(docstring)
    for number, example in enumerate(examples):
        value = _value(example, names)
        got = "" if value is None else value.text if isinstance(value, _Said) else f"{value!r}\n"
        if not doctest.OutputChecker().check_output(example.want, got, _FLAGS):
            want = example.want.strip()
            there = described(value) if _holds_their_own(value) else got.strip() or "nothing"
            text = f">>> {example.source.strip()} should give {want or 'nothing'}, got {there}"
            if isinstance(value, torch.Tensor) and reference is not None:
                _compare(value, _of_reference(examples[: number + 1], learner, reference))
            elif isinstance(value, torch.Tensor) and (printed := _printed(want)) is not None:
                if not _prints_alike(value, printed):
                    _compare(value, printed)
            else:
                raise Mismatch("example", text, want, got.strip())


def _holds_their_own(value: Any) -> bool:
    """Whether it is an object of the learner's own, or has one in it: a prompt here would print our stand-in for it."""
    if isinstance(value, list | tuple | dict):
        return any(map(_holds_their_own, [*value, *value.values()] if isinstance(value, dict) else value))
    return isinstance(value, OpaqueV)


def _compare(got: torch.Tensor, want: Any) -> None:
    """Both as tensors: drawn where they differ, and fine where only the print does (-0. for 0., a last digit)."""
    try:
        close(got, want)
    except Mismatch as found:
        raise replace(found, kind="example") from None


def _of_reference(examples: list[doctest.Example], learner: Learner, reference: Any) -> Any:
    """What the last of these examples gives with the reference."""
    names = {"torch": torch, "nn": nn} | {name: getattr(reference, name) for name in learner.task_names}
    return [_value(example, names) for example in examples][-1]


def _printed(text: str) -> torch.Tensor | None:
    """The tensor that a prompt printed; None where that is cut or something else."""
    names = {"tensor": torch.tensor, "torch": torch, "nan": math.nan, "inf": math.inf}
    try:
        made = eval(text, {"__builtins__": {}}, names)  # what our own docstring shows
    except (SyntaxError, TypeError, ValueError, NameError, RuntimeError):
        return None
    return made if isinstance(made, torch.Tensor) and made.dtype is not torch.bool else None


def _prints_alike(got: torch.Tensor, printed: torch.Tensor) -> bool:
    """Whether nothing but what printing cuts off is between them: it gives four places."""
    if (got.shape, got.dtype) != (printed.shape, printed.dtype):
        return False
    return torch.allclose(got.detach(), printed, rtol=1e-4, atol=1e-4, equal_nan=True)


@dataclass(frozen=True, slots=True)
class _Said:
    """An exception instead of a value, as an example shows it."""

    text: str


def _value(example: doctest.Example, names: dict[str, Any]) -> Any:
    """What a Python prompt would print. The source is ours; the names in it lead across the wall."""
    try:
        code = compile(example.source, "<example>", "eval")
    except SyntaxError:
        exec(compile(example.source, "<example>", "exec"), names)  # a statement of our own docstring
        return None
    try:
        return eval(code, names)  # an expression of our own docstring
    except LearnerRaised as error:
        if example.exc_msg is None:
            raise
        if "ValueError" in example.exc_msg and "ValueError" in error.bases:
            return _Said(example.want)
        return _Said(error.message)
