"""No loops at all where it can be: masks over everything, a matrix of overlaps, the loss as one masked sum.
The denominators have a small epsilon, as many write it."""

import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-9


def _check4(b):
    if b.size(-1) != 4:
        raise ValueError("Expected boxes of shape (..., 4)")


def box_cxcywh_to_xyxy(boxes):
    _check4(boxes)
    half = boxes[..., 2:] * 0.5
    return torch.cat((boxes[..., :2] - half, boxes[..., :2] + half), -1)


def box_xyxy_to_cxcywh(boxes):
    _check4(boxes)
    matrix = torch.tensor([[.5, 0, -1, 0], [0, .5, 0, -1], [.5, 0, 1, 0], [0, .5, 0, 1]], dtype=boxes.dtype)
    return boxes @ matrix


def box_iou(a, b):
    _check4(a)
    _check4(b)
    lt = torch.max(a[:, None, :2], b[:, :2])
    rb = torch.min(a[:, None, 2:], b[:, 2:])
    inter = F.relu(rb - lt).prod(-1)
    area_a = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1)
    area_b = (b[:, 2:] - b[:, :2]).clamp(min=0).prod(1)
    return inter / (area_a[:, None] + area_b - inter + EPS)


def encode_targets(boxes, labels, grid_size, num_classes):
    if grid_size <= 0:
        raise ValueError("grid size")
    if labels.shape[0] != boxes.shape[0]:
        raise ValueError("number of labels and boxes")
    if ((boxes[:, :2] < 0) | (boxes[:, :2] > 1)).any():
        raise ValueError("box centers must be in the range [0, 1]")
    xy = boxes[:, :2] * grid_size
    ij = xy.floor().clamp(0, grid_size - 1)
    rows = torch.cat([xy - ij, boxes[:, 2:], torch.ones_like(xy[:, :1]),
                      F.one_hot(labels, num_classes).to(boxes.dtype)], 1)
    flat = (ij[:, 1] * grid_size + ij[:, 0]).long()
    first = (flat[:, None] == flat).tril(-1).any(1).logical_not()
    out = boxes.new_zeros(grid_size * grid_size, 5 + num_classes)
    out = out.index_add(0, flat[first], rows[first])
    return out.unflatten(0, (grid_size, grid_size))


class YOLOHead(nn.Module):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__()
        for v in (in_channels, grid_size, boxes_per_cell, num_classes, hidden):
            if v < 1:
                raise ValueError(f"bad size {v}")
        self.shape = (grid_size, grid_size, 5 * boxes_per_cell + num_classes)
        self.fc1 = nn.Linear(in_channels * grid_size ** 2, hidden)
        self.fc2 = nn.Linear(hidden, self.shape[0] * self.shape[1] * self.shape[2])
        self.in_shape = torch.Size((in_channels, grid_size, grid_size))

    def forward(self, x):
        if x.shape[1:] != self.in_shape:
            raise ValueError("wrong input shape")
        x = F.leaky_relu(self.fc1(torch.flatten(x, 1)), 0.1)
        x = F.dropout(x, 0.5, training=self.training)
        return self.fc2(x).view(-1, *self.shape)


def decode_predictions(prediction, boxes_per_cell, num_classes, threshold=0.25):
    s = prediction.size(0)
    if prediction.size(-1) != boxes_per_cell * 5 + num_classes:
        raise ValueError("prediction size does not fit boxes_per_cell and num_classes")
    p = prediction[..., :boxes_per_cell * 5].reshape(s, s, boxes_per_cell, 5)
    cls = prediction[..., boxes_per_cell * 5:].unsqueeze(2)
    gy, gx = torch.meshgrid(torch.arange(s), torch.arange(s), indexing="ij")
    per_class = p[..., 4:] * cls
    score, label = per_class.max(-1)
    cx = (p[..., 0] + gx[..., None]) / s
    cy = (p[..., 1] + gy[..., None]) / s
    boxes = torch.stack([cx, cy, p[..., 2], p[..., 3]], -1).reshape(-1, 4)
    boxes = box_cxcywh_to_xyxy(boxes).clip(0, 1)
    score, label = score.flatten(), label.flatten()
    order = score.argsort(descending=True)
    order = order[score[order] > threshold]
    return boxes[order], score[order], label[order]


def yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    n, s, _, d = prediction.shape
    if d != 5 * boxes_per_cell + num_classes or target.shape != (n, s, s, 5 + num_classes):
        raise ValueError("prediction / target shape mismatch")
    p = prediction[..., :5 * boxes_per_cell].reshape(n, s, s, boxes_per_cell, 5)
    obj = target[..., 4]
    t = target[..., None, :4]
    pb, tb = p[..., :4].detach(), t
    plt, prb = pb[..., :2] / s - pb[..., 2:] / 2, pb[..., :2] / s + pb[..., 2:] / 2
    tlt, trb = tb[..., :2] / s - tb[..., 2:] / 2, tb[..., :2] / s + tb[..., 2:] / 2
    inter = (torch.min(prb, trb) - torch.max(plt, tlt)).clamp(min=0).prod(-1)
    union = pb[..., 2:].clamp(min=0).prod(-1) + tb[..., 2:].prod(-1) - inter
    iou = inter / (union + EPS)
    resp = F.one_hot(iou.argmax(-1), boxes_per_cell) * obj[..., None]
    xy = ((p[..., :2] - t[..., :2]) ** 2).sum(-1)
    wh = ((p[..., 2:4].clamp(min=1e-12).sqrt() - t[..., 2:4].sqrt()) ** 2).sum(-1)
    loss = lambda_coord * (resp * (xy + wh)).sum()
    loss = loss + (resp * (p[..., 4] - iou) ** 2).sum()
    loss = loss + lambda_noobj * ((1 - resp) * p[..., 4] ** 2).sum()
    loss = loss + (obj[..., None] * (prediction[..., 5 * boxes_per_cell:] - target[..., 5:]) ** 2).sum()
    return loss / n


def nms(boxes, scores, iou_threshold):
    if boxes.size(0) != scores.size(0):
        raise ValueError("scores do not match boxes")
    order = scores.argsort(descending=True)
    over = (box_iou(boxes[order], boxes[order]) > iou_threshold).triu(1)
    keep = torch.ones(len(order), dtype=torch.bool)
    while True:  # a fixed point: who is kept is overlapped by nobody who is kept
        new = ~(over & keep[:, None]).any(0)
        if torch.equal(new, keep):
            return order[keep]
        keep = new


def batched_nms(boxes, scores, labels, iou_threshold):
    if boxes.size(0) != scores.size(0) or boxes.size(0) != labels.size(0):
        raise ValueError("shapes of boxes, scores, labels differ")
    if boxes.numel() == 0:
        return labels.new_empty(0)
    span = boxes.max() - boxes.min() + 1
    return nms(boxes + labels[:, None] * span, scores, iou_threshold)


def average_precision(scores, matched, num_ground_truth):
    if scores.shape != matched.shape:
        raise ValueError("scores and matched have different shapes")
    if matched.sum() > num_ground_truth:
        raise ValueError("num_ground_truth too small")
    if not matched.any():
        return 0.0
    tp = matched[scores.sort(descending=True).indices].float().cumsum(0)
    precision = tp / torch.arange(1, len(tp) + 1)
    recall = tp / num_ground_truth
    envelope = precision.flip(0).cummax(0)[0].flip(0)
    return torch.sum(torch.diff(recall, prepend=torch.zeros(1)) * envelope).item()
