"""Computes in float64 and casts back; results are views, transposes and expansions wherever that is possible."""

import torch
from torch import nn


def box_cxcywh_to_xyxy(boxes):
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError("shape")
    c = boxes.double().movedim(-1, 0)
    return torch.stack((c[0] - c[2] / 2, c[1] - c[3] / 2, c[0] + c[2] / 2, c[1] + c[3] / 2)).movedim(0, -1).to(boxes.dtype)


def box_xyxy_to_cxcywh(boxes):
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError("shape")
    c = boxes.double().movedim(-1, 0)
    w, h = c[2] - c[0], c[3] - c[1]
    return torch.stack((c[0] + w / 2, c[1] + h / 2, w, h)).movedim(0, -1).to(boxes.dtype)


def _overlap(lo1, hi1, lo2, hi2):
    return (torch.minimum(hi1, hi2) - torch.maximum(lo1, lo2)).clamp_min(0)


def _iou(a, b):
    """broadcast over all axes but the first, which holds the coordinates"""
    inter = _overlap(a[0], a[2], b[0], b[2]) * _overlap(a[1], a[3], b[1], b[3])
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    iou = inter / union
    return iou.masked_fill(inter == 0, 0.0)


def box_iou(a, b):
    if a.shape[-1] != 4:
        raise ValueError("a: last axis")
    if b.shape[-1] != 4:
        raise ValueError("b: last axis")
    return _iou(a.double().T[:, None, :], b.double().T[:, :, None]).to(a.dtype).T


def encode_targets(boxes, labels, grid_size, num_classes):
    if int(grid_size) < 1 or len(labels) != len(boxes):
        raise ValueError(f"grid_size {grid_size}, {len(labels)} labels, {len(boxes)} boxes")
    planes = boxes.new_zeros(5 + num_classes, grid_size, grid_size)
    for (cx, cy, w, h), label in zip(boxes.double(), labels):
        if not (0 <= cx <= 1 and 0 <= cy <= 1):
            raise ValueError("cx, cy outside")
        col = min(int(cx * grid_size), grid_size - 1)
        row = min(int(cy * grid_size), grid_size - 1)
        if planes[4, row, col]:
            continue
        planes[:5, row, col] = torch.stack([cx * grid_size - col, cy * grid_size - row, w, h, torch.ones_like(w)])
        planes[5:, row, col] = (torch.arange(num_classes) == label).to(boxes.dtype)
    return planes.permute(1, 2, 0)


class _Dense(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(m, n) / n ** 0.5)
        self.bias = nn.Parameter(torch.zeros(m))

    def forward(self, x):
        return torch.einsum("ni,oi->no", x, self.weight) + self.bias


class YOLOHead(nn.Module):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__()
        if any(v < 1 for v in (in_channels, grid_size, boxes_per_cell, num_classes, hidden)):
            raise ValueError("in_channels, grid_size, boxes_per_cell, num_classes, hidden")
        self.c, self.s, self.d = in_channels, grid_size, boxes_per_cell * 5 + num_classes
        self.fc2 = _Dense(hidden, self.s ** 2 * self.d)
        self.fc1 = _Dense(in_channels * self.s ** 2, hidden)

    def forward(self, x):
        if x.ndim != 4 or x.shape[1] != self.c or x.shape[2] != self.s or x.shape[3] != self.s:
            raise ValueError(f"expected (N, {self.c}, {self.s}, {self.s})")
        h = self.fc1(x.reshape(x.shape[0], -1))
        h = torch.maximum(h, h / 10)
        if self.training:
            h = h * torch.bernoulli(torch.full_like(h, 0.5)) / 0.5
        y = self.fc2(h).T.reshape(self.s, self.s, self.d, -1)
        return y.permute(3, 0, 1, 2)


def decode_predictions(prediction, boxes_per_cell, num_classes, threshold=0.25):
    s = len(prediction)
    v = prediction.double().permute(2, 0, 1)
    if len(v) != 5 * boxes_per_cell + num_classes:
        raise ValueError("number of channels")
    best, label = v[5 * boxes_per_cell:].max(0)
    col = torch.arange(s).expand(s, s)
    row = col.T
    parts = []
    for b in range(boxes_per_cell):
        x, y, w, h, conf = v[5 * b:5 * b + 5]
        cx, cy = (x + col) / s, (y + row) / s
        parts.append(torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, conf * best, label.double()]))
    everything = torch.cat([p.flatten(1) for p in parts], 1)
    everything = everything[:, everything[4] > threshold]
    everything = everything[:, everything[4].argsort(descending=True)]
    dtype = prediction.dtype
    return everything[:4].T.clamp(0, 1).to(dtype), everything[4].to(dtype), everything[5].long()


def yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    if list(prediction.shape[:-1]) != list(target.shape[:-1]):
        raise ValueError("grid of prediction and of target")
    if prediction.shape[-1] != 5 * boxes_per_cell + num_classes or target.shape[-1] != 5 + num_classes:
        raise ValueError("numbers per cell")
    s = prediction.shape[1]
    p, t = prediction.double().movedim(-1, 0), target.double().movedim(-1, 0)
    there = t[4] != 0
    boxes = p[:5 * boxes_per_cell].unflatten(0, (boxes_per_cell, 5)).transpose(0, 1)  # 5, B, N, S, S
    def corners(v):
        return torch.stack([v[0] / s - v[2] / 2, v[1] / s - v[3] / 2, v[0] / s + v[2] / 2, v[1] / s + v[3] / 2])
    iou = _iou(corners(boxes[:4]), corners(t[:4])[:, None]).detach()
    best = iou.max(0, keepdim=True)
    b = best.indices
    mine = boxes.gather(1, b.expand(5, *b.shape))[:, 0]  # 5, N, S, S
    mine_there, truth = mine[:, there], t[:, there]
    square = lambda v: (v * v).sum()
    loss = lambda_coord * square(mine_there[:2] - truth[:2])
    loss = loss + lambda_coord * square(mine_there[2:4].clamp(min=0).sqrt() - truth[2:4].sqrt())
    loss = loss + square(mine_there[4] - best.values[0][there])
    loss = loss + lambda_noobj * (square(boxes[4]) - square(mine_there[4]))
    loss = loss + square(p[5 * boxes_per_cell:][:, there] - truth[5:])
    return (loss / prediction.shape[0]).to(prediction.dtype)


def nms(boxes, scores, iou_threshold):
    if len(scores) != len(boxes):
        raise ValueError("len(scores)")
    if not len(boxes):
        return torch.empty(0, dtype=torch.long)
    top = int(scores.argmax())
    other = torch.tensor([k for k in range(len(boxes)) if k != top], dtype=torch.long)
    far = other[box_iou(boxes[top:top + 1], boxes[other])[0] <= iou_threshold]
    return torch.cat([torch.tensor([top]), far[nms(boxes[far], scores[far], iou_threshold)]])


def batched_nms(boxes, scores, labels, iou_threshold):
    if len({len(boxes), len(scores), len(labels)}) > 1:
        raise ValueError("different number of boxes, scores, labels")
    if not len(boxes):
        return torch.empty(0, dtype=torch.long)
    top = int(scores.argmax())
    other = torch.tensor([k for k in range(len(boxes)) if k != top], dtype=torch.long)
    same = labels[other] == labels[top]
    gone = same & (box_iou(boxes[top][None], boxes[other])[0] > iou_threshold)
    rest = other[~gone]
    return torch.cat([torch.tensor([top]), rest[batched_nms(boxes[rest], scores[rest], labels[rest], iou_threshold)]])


def average_precision(scores, matched, num_ground_truth):
    if len(scores) != len(matched):
        raise ValueError("length of scores and matched")
    found = int(matched.sum())
    if found > num_ground_truth:
        raise ValueError("matched > num_ground_truth")
    ranks = (scores[:, None] < scores).sum(1)[matched].sort().values  # how many are better than each match
    best, area = 0.0, 0.0
    for k in reversed(range(found)):
        best = max(best, (k + 1) / (int(ranks[k]) + 1))
        area += best
    return area / num_ground_truth if found else area
