"""Accuracy, mean IoU and mAP, worked out on our side from what a model answered (`predictions`) and the truth.

mAP is that of VOC since 2010, at an IoU of 0.5: in each picture and class the detections, best first, take the object
that they overlap most of those not taken yet (as COCO does; VOC itself would count a second best object as a miss);
precision is made to never rise with recall, and the area below it is the average precision of the class. The mean goes
over the classes that occur in the truth.

Sources: Everingham et al., The PASCAL VOC Challenge (2010), section 4.2; Lin et al., Microsoft COCO (2014).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .predictions import Found

IOU = 0.5


def accuracy(predicted: Tensor, truth: Tensor) -> float:
    """The part that is right, of classes of any shape. Nothing asked is nothing right: 0.0."""
    return float((predicted == truth).double().mean()) if truth.numel() else 0.0


def mean_iou(predicted: Tensor, truth: Tensor, num_classes: int) -> float:
    """Over the classes that occur in truth or prediction, pixels of all pictures together. 0.0 where there are none."""
    ious = class_ious(predicted, truth, num_classes)
    occurs = ious >= 0
    return float(ious[occurs].mean()) if bool(occurs.any()) else 0.0


def class_ious(predicted: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """(num_classes,) in float64; -1 for a class that occurs neither in truth nor in prediction."""
    pairs = (truth * num_classes + predicted).flatten()
    counts = torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes).double()
    hits = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - hits
    return torch.where(union > 0, hits / union.clamp(min=1), -1.0)


def mean_average_precision(
    found: Sequence[Found], boxes: Sequence[Tensor], labels: Sequence[Tensor], *, iou: float = IOU
) -> float:
    """mAP; boxes (K, 4) xyxy and labels (K,) are the truth of every picture. 0.0 where there is no object at all."""
    occurring = sorted({int(label) for own in labels for label in own})
    each = [_class_precision(found, boxes, labels, label, iou) for label in occurring]
    return sum(each) / len(each) if each else 0.0


def _class_precision(
    found: Sequence[Found], boxes: Sequence[Tensor], labels: Sequence[Tensor], label: int, iou: float
) -> float:
    scores, matched, objects = [], [], 0
    for picture, true, kinds in zip(found, boxes, labels, strict=True):
        own, wanted = picture.labels == label, true[kinds == label]
        scores.append(picture.scores[own])
        matched.append(taken(picture.boxes[own], wanted, iou) >= 0)
        objects += len(wanted)
    return average_precision(torch.cat(scores), torch.cat(matched), objects)


def taken(found: Tensor, true: Tensor, iou: float = IOU) -> Tensor:
    """Which of the true boxes (M, 4) each found one (K, 4), best first, takes: (K,), -1 for none."""
    out = torch.full((len(found),), -1)
    if not len(true):
        return out
    free = box_iou(found, true)
    for place in range(len(found)):
        best = int(free[place].argmax())
        if free[place, best] >= iou:
            out[place] = best
            free[:, best] = -1
    return out


def average_precision(scores: Tensor, matched: Tensor, objects: int) -> float:
    """The area below the precision-recall curve, all points. Equal scores count in the order they are given."""
    hits = matched[scores.argsort(descending=True, stable=True)].double().cumsum(0)
    if objects == 0 or len(hits) == 0:
        return 0.0
    precision = hits / torch.arange(1, len(hits) + 1)
    never_rising = precision.flip(0).cummax(0).values.flip(0)
    steps = torch.diff(hits, prepend=hits.new_zeros(1))
    return float((never_rising * steps).sum() / objects)


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """(K, 4) and (M, 4) xyxy -> (K, M) in float64. A box without an area overlaps nothing."""
    a, b = one.double()[:, None], other.double()[None]
    width, height = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).unbind(-1)
    )
    shared = width * height
    covered = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1) - shared
    overlap = torch.where(shared > 0, shared / covered, 0.0)
    return torch.where(torch.isfinite(overlap), overlap, 0.0)  # coordinates so large that an area overflows
