"""What a trained model answered, checked before anything is measured: classes and detections, or a `Mismatch`.

Everything here may come from a hostile submission: wrong types and shapes, NaN, a million boxes. A figure is only ever
made of what passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.checker.compare import Mismatch
from grader.checker.describe import described

# Boxes that one picture of 64 × 64 may have: one a pixel, and far more than anybody needs.
MOST_BOXES = 4096
COUNTED = 100  # of these the best count, as in COCO
DIVERGED = (
    "The training diverged: the loss grew instead of falling, until numbers were too large to be told. Take a smaller "
    "learning rate, and look whether the gradients of each step begin at zero"
)
WITHOUT_ARGMAX = "These look like classes: return the scores of all classes, without argmax"
CLASSES_LAST = "The classes belong on axis 1: N, C, H, W"
TOO_SMALL = "Bring the scores back to the size of the picture before you return them"
FROM_ONE = "There is no class for the ground here: the first shape is 0"
SQUEEZED = "Even a single picture keeps its axis: look for a squeeze"
NOT_A_DICT = "the entry of a picture should be a tuple (boxes, scores, labels)"


@dataclass(frozen=True, slots=True)
class Found:
    """The detections in one picture: boxes (K, 4) and scores (K,) in float64, labels (K,) in int64; best first."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def classes(got: Any, count: int, num_classes: int, size: tuple[int, ...] = ()) -> Tensor:
    """Logits (count, num_classes, *size) -> the class with the highest, (count, *size). Raises Mismatch."""
    return logits(got, count, num_classes, size).argmax(1)


def logits(got: Any, count: int, num_classes: int, size: tuple[int, ...] = ()) -> Tensor:
    """(count, num_classes, *size), finite. Raises Mismatch."""
    want = (count, num_classes, *size)
    if not isinstance(got, Tensor):
        raise Mismatch("type", f"the model should give one tensor of logits; it gave {described(got)}")
    if tuple(got.shape) != want:
        hint = _shape_hint(tuple(got.shape), want)
        raise Mismatch("shape", f"logits should have the shape {want}; the model gave {tuple(got.shape)}{hint}")
    if not got.is_floating_point():
        raise Mismatch("dtype", f"logits should be floats, a score for every class; the model gave {got.dtype}")
    _has_values("logits", got)
    _finite("logits", got)
    return got.detach()


def _shape_hint(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    count, num_classes, *size = want
    if count == 1 and got == want[1:]:
        return f". {SQUEEZED}"
    if got == (count, *size):
        return f". {WITHOUT_ARGMAX}"
    if size and got == (count, *size, num_classes):
        return f". {CLASSES_LAST}"
    if len(got) == len(want) and got[:1] == want[:1] and got[2:] == want[2:]:
        return f". There are {num_classes} classes{', the ground is one of them' if size else ''}"
    if len(got) == len(want) and got[:2] == want[:2]:
        return f". {TOO_SMALL}"
    return ""


def _has_values(what: str, values: Tensor) -> None:
    if values.device.type == "meta":
        raise Mismatch("device", f"{what} are on the device 'meta', where tensors have a shape and no values")


def _finite(what: str, values: Tensor) -> None:
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise Mismatch("nan", f"{bad} of {values.numel()} {what} are NaN or infinite. {DIVERGED}")


def detections(got: Any, count: int, num_classes: int) -> list[Found]:
    """What a detector gave for `count` pictures. Raises Mismatch that says in which picture something is wrong."""
    if not isinstance(got, list | tuple):
        raise Mismatch("type", f"the detector should give a list, one entry for each picture; it gave {described(got)}")
    if len(got) != count:
        raise Mismatch("shape", f"the detector was asked about {count} pictures and gave {len(got)} entries")
    return [_found(entry, f"picture {place}", num_classes) for place, entry in enumerate(got)]


def _found(entry: Any, where: str, num_classes: int) -> Found:
    if not isinstance(entry, list | tuple) or len(entry) != 3:
        kind = f"a tuple of {len(entry)}" if isinstance(entry, list | tuple) else described(entry)
        raise Mismatch("type", f"{NOT_A_DICT}; that of {where} is {kind}")
    boxes, scores, labels = (_tensor(name, value, where) for name, value in zip(_PARTS, entry, strict=True))
    if boxes.numel() == scores.numel() == labels.numel() == 0:  # torch.tensor([]) is of no shape in particular
        return Found(torch.zeros(0, 4).double(), torch.zeros(0).double(), torch.zeros(0).long())
    number = len(boxes) if boxes.dim() else 0
    for name, value, shape in (
        ("boxes", boxes, (number, 4)),
        ("scores", scores, (number,)),
        ("labels", labels, (number,)),
    ):
        if tuple(value.shape) != shape:
            want = {"boxes": "(K, 4)"}.get(name, f"({number},), one for each box")
            raise Mismatch("shape", f"{name} should have the shape {want}; in {where} it is {tuple(value.shape)}")
    if number > MOST_BOXES:
        more = f"more than {MOST_BOXES}, one a pixel. Keep those with a good score, and one for each object (nms)"
        raise Mismatch("shape", f"{where} has {number} boxes, {more}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise Mismatch("dtype", f"labels should be integers; in {where} they are {labels.dtype}")
    for name, value in (("boxes", boxes), ("scores", scores)):
        if value.is_complex() or value.dtype == torch.bool:
            raise Mismatch("dtype", f"{name} should be floats; in {where} they are {value.dtype}")
        _finite(f"{name} of {where}", value)
    _known(labels, where, num_classes)
    order = scores.double().argsort(descending=True, stable=True)[:COUNTED]
    return Found(boxes[order].double(), scores[order].double(), labels[order].long())


_PARTS = ("boxes", "scores", "labels")


def _tensor(name: str, value: Any, where: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise Mismatch("type", f"{name} should be a tensor; in {where} it is {described(value)}")
    _has_values(f"{name} of {where}", value)
    return value.detach()


def _known(labels: Tensor, where: str, num_classes: int) -> None:
    strange = labels[(labels < 0) | (labels >= num_classes)]
    if len(strange):
        hint = f". {FROM_ONE}" if int(strange[0]) == num_classes else ""
        said = f"labels go from 0 to {num_classes - 1}; {where} has {int(strange[0])}{hint}"
        raise Mismatch("value", said)
