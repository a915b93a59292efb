"""What the numbers of a tensor stand for, where the statement says so: boxes, a map of classes, indices of boxes.

The docstring of a task declares it in the words a learner reads: "boxes: (K, 4) xyxy", "target: (N, H, W), the true
class of every pixel". A picture is made of that; nothing is graded by it.
"""

from __future__ import annotations

import re
import types

import torch

from grader.learner import Case
from grader.model import Chosen, Drawn

from .names import last_call

BOXES = {"xyxy": Drawn.CORNERS, "cxcywh": Drawn.CENTRES}


def of_input(docstring: str, name: str, tensor: torch.Tensor) -> Drawn:
    """What an argument of that name stands for."""
    known = re.escape(name)
    if tensor.dim() == 2 and tensor.shape[-1] == 4 and tensor.is_floating_point():
        said = re.search(rf"\b{known}: \([^)]*\b4\)[^.;]*?\b(xyxy|cxcywh)\b", docstring)
        return BOXES[said.group(1)] if said else Drawn.NUMBERS
    if tensor.dim() >= 2 and not tensor.is_floating_point() and not tensor.is_complex():
        said = re.search(rf"\b{known}\b[^:.]*: \([^)]*\bH, W\)[^.]*\bclass of every pixel\b", docstring)
        return Drawn.CLASSES if said else Drawn.NUMBERS
    return Drawn.NUMBERS


def of_result(docstring: str, value: object) -> Drawn:
    """What an answer stands for."""
    if not isinstance(value, torch.Tensor):
        return Drawn.NUMBERS
    if value.dim() == 2 and value.shape[-1] == 4 and value.is_floating_point():
        said = re.search(r"^\s+boxes +\(\w+, 4\) +(xyxy|cxcywh)\b", docstring, re.MULTILINE)
        return BOXES[said.group(1)] if said else Drawn.NUMBERS
    return Drawn.NUMBERS


def choice(docstring: str, expected: object, got: object) -> Chosen | None:
    """Both answers as indices of boxes, where that is what the task gives."""
    if not re.search(r"\bindices\b[^.]*\bof the boxes\b", docstring):
        return None
    both = [_whole(value.tolist() if isinstance(value, torch.Tensor) else value) for value in (expected, got)]
    return None if both[0] is None or both[1] is None else Chosen(both[0], both[1])


def _whole(value: object) -> tuple[int, ...] | None:
    return tuple(value) if isinstance(value, list) and all(type(item) is int for item in value) else None


def statement_of(reference: types.ModuleType, case: Case) -> str:
    """The docstring of the task that the last call is about."""
    calls = list(last_call(reference, case))
    return (calls[0][0].__doc__ or "") if calls else ""
