"""What the numbers of a tensor stand for, where the statement says so: boxes, a map of classes, indices of boxes.

The docstring of a task declares it in the words a learner reads: "boxes: (K, 4) xyxy", "target: (N, H, W), the true
class of every pixel". A picture is made of that; nothing is graded by it.
"""

from __future__ import annotations

import re
import types

import torch

from grader.learner import Case
from grader.model import Drawn

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
    if value.dim() == 1 and value.dtype == torch.int64 and re.search(r"\bindices\b[^.]*\bof the boxes\b", docstring):
        return Drawn.CHOSEN
    if value.dim() == 2 and value.shape[-1] == 4 and value.is_floating_point():
        said = re.search(r"^\s+boxes +\(\w+, 4\) +(xyxy|cxcywh)\b", docstring, re.MULTILINE)
        return BOXES[said.group(1)] if said else Drawn.NUMBERS
    return Drawn.NUMBERS


def statement_of(reference: types.ModuleType, case: Case) -> str:
    """The docstring of the task that the last call is about."""
    calls = list(last_call(reference, case))
    return (calls[0][0].__doc__ or "") if calls else ""
