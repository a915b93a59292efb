"""What a detector that is not good enough does, told from its detections: a sentence for the learner, or none.

Most mistakes with boxes are a matter of writing them down: the same detections, read in another way, are good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .metrics import IOU, box_iou, mean_average_precision, taken
from .predictions import Found
from .symptoms import GAP, MEMORISED, UNTRAINED

NOTHING = "It finds nothing: there is hardly a box in any picture. A lower score threshold shows what it thinks of them"
CENTRES = "Its boxes are good when they are read as centre, width and height; they should be corners, x1, y1, x2, y2"
RELATIVE = "Its boxes are good when they are multiplied by the size of the picture; they should be in pixels"
EXCHANGED = "Its boxes are good with x and y exchanged; they should be x1, y1, x2, y2, and x counts columns"
TWICE = (
    "It finds objects several times, and every further box is a wrong one: of boxes that overlap keep the best alone, "
    "with nms"
)
UPSIDE_DOWN = "Its boxes are good but for the scores: the worst have the highest. The surest should come first"
SCORELESS = "All its scores are the same, so that nothing tells good boxes from bad: return how sure it is of each"
RENAMED = "Its boxes are in the right places with the wrong class: look at how labels are counted (from 0), and trained"
LOOSE = (
    "Its boxes lie about where the objects are, but too far off to count: an IoU of 0.5 is needed. Look at how centre "
    "and size are worked out of what the network says (which cell, which unit), and at the weight of their loss"
)


@dataclass(frozen=True, slots=True)
class Truth:
    """The objects of every picture: boxes (K, 4) xyxy in pixels, labels (K,)."""

    boxes: Sequence[Tensor]
    labels: Sequence[Tensor]

    def precision(self, found: Sequence[Found], *, iou: float = IOU) -> float:
        return mean_average_precision(found, self.boxes, self.labels, iou=iou)

    def without_classes(self) -> Truth:
        return Truth(self.boxes, [torch.zeros_like(own) for own in self.labels])


def of_detector(found: Sequence[Found], truth: Truth, seen: tuple[Sequence[Found], Truth], size: int) -> str | None:
    """found: in new pictures of size × size; seen: in pictures that it was trained on, with their truth."""
    value, before = truth.precision(found), seen[1].precision(seen[0])
    if sum(len(own.boxes) for own in found) < 0.1 * len(found):
        return NOTHING
    for said, reading in _READINGS:
        if truth.precision([replace(own, boxes=reading(own.boxes, size)) for own in found]) > value + GAP:
            return said
    if truth.precision([alone(own) for own in found]) > value + GAP:
        return TWICE
    scores = torch.cat([own.scores for own in found])
    if truth.precision([_reversed(own) for own in found]) > value + GAP:
        return UPSIDE_DOWN
    where = truth.without_classes()
    everywhere = [replace(own, labels=torch.zeros_like(own.labels)) for own in found]
    if where.precision([alone(own) for own in everywhere]) > value + 2 * GAP:
        return RENAMED
    if bool((scores == scores[0]).all()) and _found_objects(found, truth) > value + GAP:
        return SCORELESS
    if before >= value + GAP:
        return f"On pictures that it was trained on the mAP is {before:.2f}. {MEMORISED}"
    if truth.precision(found, iou=0.25) > value + 2 * GAP:
        return LOOSE
    return f"On pictures that it was trained on the mAP is {before:.2f}. {UNTRAINED}" if before < 0.4 else None


def _corners(boxes: Tensor, size: int) -> Tensor:
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], 1)


_READINGS: tuple[tuple[str, Callable[[Tensor, int], Tensor]], ...] = (
    (CENTRES, _corners),
    (RELATIVE, lambda boxes, size: boxes * size),
    (
        f"{RELATIVE}. And they are centre, width and height; they should be corners",
        lambda boxes, size: _corners(boxes * size, size),
    ),
    (EXCHANGED, lambda boxes, size: boxes[:, [1, 0, 3, 2]]),
)


def alone(found: Found, iou: float = IOU) -> Found:
    """Without those that overlap a better one of the same class by more than `iou`."""
    overlap = box_iou(found.boxes, found.boxes) > iou
    overlap &= found.labels[:, None] == found.labels
    kept = torch.ones(len(found.boxes), dtype=torch.bool)
    for place in range(len(kept)):
        if kept[place]:
            kept[place + 1 :] &= ~overlap[place, place + 1 :]
    return Found(found.boxes[kept], found.scores[kept], found.labels[kept])


def _reversed(found: Found) -> Found:
    return Found(found.boxes.flip(0), -found.scores.flip(0), found.labels.flip(0))


def _found_objects(found: Sequence[Found], truth: Truth) -> float:
    """The part of the objects that some box of the right class covers."""
    hits = 0
    for own, boxes, labels in zip(found, truth.boxes, truth.labels, strict=True):
        for label in set(labels.tolist()):
            hits += int((taken(own.boxes[own.labels == label], boxes[labels == label]) >= 0).sum())
    return hits / max(1, sum(len(labels) for labels in truth.labels))
