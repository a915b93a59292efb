"""grades nms: a box that is suppressed still suppresses others"""

import torch


def nms(boxes, scores, iou_threshold):
    if len(boxes) != len(scores):
        raise ValueError("as many scores as boxes")
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    corner = torch.maximum(sorted_boxes[:, None, :2], sorted_boxes[None, :, :2])
    opposite = torch.minimum(sorted_boxes[:, None, 2:], sorted_boxes[None, :, 2:])
    shared = (opposite - corner).clamp(min=0).prod(-1)
    areas = (sorted_boxes[:, 2:] - sorted_boxes[:, :2]).prod(-1)
    overlap = shared / (areas[:, None] + areas[None] - shared)
    alone = (overlap > iou_threshold).triu(1).any(0).logical_not()
    return order[alone]
