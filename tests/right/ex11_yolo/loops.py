"""Plain Python: loops over numbers, tensors only at the rim; the loss adds up term after term."""

import math

import torch
from torch import nn


def box_cxcywh_to_xyxy(boxes):
    if boxes.shape[-1] != 4:
        raise ValueError("last dimension of boxes should be 4")
    out = torch.empty_like(boxes)
    flat, result = boxes.reshape(-1, 4), out.view(-1, 4)
    for k in range(flat.shape[0]):
        cx, cy, w, h = flat[k]
        result[k, 0] = cx - 0.5 * w
        result[k, 1] = cy - 0.5 * h
        result[k, 2] = cx + 0.5 * w
        result[k, 3] = cy + 0.5 * h
    return out


def box_xyxy_to_cxcywh(boxes):
    if boxes.shape[-1] != 4:
        raise ValueError("last dimension of boxes should be 4")
    rows = [[(a + c) / 2, (b + d) / 2, c - a, d - b] for a, b, c, d in boxes.reshape(-1, 4).tolist()]
    return torch.tensor(rows, dtype=boxes.dtype).reshape(boxes.shape)


def iou(p, q):
    if p[2] <= p[0] or p[3] <= p[1] or q[2] <= q[0] or q[3] <= q[1]:
        return 0.0
    w = min(p[2], q[2]) - max(p[0], q[0])
    h = min(p[3], q[3]) - max(p[1], q[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - w * h)


def box_iou(a, b):
    if a.shape[-1] != 4 or b.shape[-1] != 4:
        raise ValueError("boxes a and b need 4 coordinates")
    out = torch.zeros(len(a), len(b), dtype=a.dtype)
    for i, p in enumerate(a.tolist()):
        for j, q in enumerate(b.tolist()):
            out[i, j] = iou(p, q)
    return out


def encode_targets(boxes, labels, grid_size, num_classes):
    if grid_size < 1:
        raise ValueError("grid_size must be positive")
    if len(boxes) != len(labels):
        raise ValueError("boxes and labels differ in length")
    target = torch.zeros(grid_size, grid_size, 5 + num_classes, dtype=boxes.dtype)
    taken = set()
    for k in range(len(boxes)):
        cx, cy, w, h = boxes[k].tolist()
        if cx < 0 or cx > 1 or cy < 0 or cy > 1:
            raise ValueError(f"centre ({cx}, {cy}) of box {k} is outside of the image")
        col = min(math.floor(cx * grid_size), grid_size - 1)
        row = min(math.floor(cy * grid_size), grid_size - 1)
        if (row, col) in taken:
            continue
        taken.add((row, col))
        numbers = [cx * grid_size - col, cy * grid_size - row, w, h, 1.0] + [0.0] * num_classes
        numbers[5 + int(labels[k])] = 1.0
        target[row, col] = torch.tensor(numbers, dtype=boxes.dtype)
    return target


class YOLOHead(nn.Module):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__()
        if min(in_channels, grid_size, boxes_per_cell, num_classes, hidden) <= 0:
            raise ValueError("all sizes have to be positive")
        self.c, self.s = in_channels, grid_size
        self.fc1 = nn.Linear(in_channels * grid_size * grid_size, hidden)
        self.fc2 = nn.Linear(hidden, grid_size * grid_size * (boxes_per_cell * 5 + num_classes))

    def forward(self, x):
        n, c, h, w = x.shape
        if (c, h, w) != (self.c, self.s, self.s):
            raise ValueError("input shape does not fit")
        hidden = self.fc1(x.reshape(n, -1))
        hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
        if self.training:
            hidden = hidden * 2 * (torch.rand_like(hidden) < 0.5)
        return self.fc2(hidden).view(n, h, w, -1)


def decode_predictions(prediction, boxes_per_cell, num_classes, threshold=0.25):
    s = prediction.shape[0]
    if prediction.shape[2] != 5 * boxes_per_cell + num_classes:
        raise ValueError("prediction has the wrong number of channels")
    found = []
    for r in range(s):
        for c in range(s):
            v = prediction[r, c].tolist()
            probs = v[5 * boxes_per_cell:]
            label = max(range(num_classes), key=lambda k: probs[k])
            for b in range(boxes_per_cell):
                x, y, w, h, conf = v[5 * b:5 * b + 5]
                score = conf * probs[label]
                if score > threshold:
                    cx, cy = (c + x) / s, (r + y) / s
                    box = [min(max(t, 0.0), 1.0) for t in (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)]
                    found.append((score, box, label))
    found.sort(key=lambda t: t[0], reverse=True)
    if not found:
        return prediction.new_zeros(0, 4), prediction.new_zeros(0), torch.zeros(0, dtype=torch.long)
    scores, boxes, labels = zip(*found)
    return (torch.tensor(boxes, dtype=prediction.dtype), torch.tensor(scores, dtype=prediction.dtype),
            torch.tensor(labels))


def yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    if prediction.shape[:3] != target.shape[:3] or target.shape[3] != 5 + num_classes \
            or prediction.shape[3] != 5 * boxes_per_cell + num_classes:
        raise ValueError("prediction and target do not have matching shapes")
    n, s = prediction.shape[:2]
    loss = 0 * prediction.sum()
    for i in range(n):
        for r in range(s):
            for c in range(s):
                p, t = prediction[i, r, c], target[i, r, c]
                best, best_iou = -1, 0.0
                if t[4] > 0.5:
                    tx, ty, tw, th = t[:4].tolist()
                    truth = [tx / s - tw / 2, ty / s - th / 2, tx / s + tw / 2, ty / s + th / 2]
                    best_iou = -1.0
                    for b in range(boxes_per_cell):
                        x, y, w, h = p[5 * b:5 * b + 4].tolist()
                        value = iou([x / s - w / 2, y / s - h / 2, x / s + w / 2, y / s + h / 2], truth)
                        if value > best_iou:
                            best, best_iou = b, value
                    loss = loss + ((p[5 * boxes_per_cell:] - t[5:]) ** 2).sum()
                for b in range(boxes_per_cell):
                    x, y, w, h, conf = p[5 * b:5 * b + 5]
                    if b == best:
                        loss = loss + lambda_coord * ((x - t[0]) ** 2 + (y - t[1]) ** 2)
                        for side, right in ((w, t[2]), (h, t[3])):
                            if side > 0:
                                loss = loss + lambda_coord * (side.sqrt() - right.sqrt()) ** 2
                            else:
                                loss = loss + lambda_coord * right
                        loss = loss + (conf - best_iou) ** 2
                    else:
                        loss = loss + lambda_noobj * conf ** 2
    return loss / n


def nms(boxes, scores, iou_threshold):
    if len(boxes) != len(scores):
        raise ValueError("boxes and scores differ in length")
    rows, keep = boxes.tolist(), []
    for i in sorted(range(len(rows)), key=lambda k: -scores[k].item()):
        if all(iou(rows[i], rows[j]) <= iou_threshold for j in keep):
            keep.append(i)
    return torch.tensor(keep, dtype=torch.int64)


def batched_nms(boxes, scores, labels, iou_threshold):
    if not len(boxes) == len(scores) == len(labels):
        raise ValueError("boxes, scores and labels differ in length")
    rows, keep = boxes.tolist(), []
    for i in sorted(range(len(rows)), key=lambda k: -scores[k].item()):
        if all(labels[i] != labels[j] or iou(rows[i], rows[j]) <= iou_threshold for j in keep):
            keep.append(i)
    return torch.tensor(keep, dtype=torch.int64)


def average_precision(scores, matched, num_ground_truth):
    if len(scores) != len(matched):
        raise ValueError("scores and matched differ in length")
    if sum(matched.tolist()) > num_ground_truth:
        raise ValueError("more matched detections than ground truth")
    pairs = sorted(zip(scores.tolist(), matched.tolist()), reverse=True)
    points, hits = [(0.0, 0.0)], 0
    for n, (_, hit) in enumerate(pairs, 1):
        hits += hit
        if hit:
            points.append((hits / num_ground_truth, hits / n))
    area = 0.0
    for k in range(1, len(points)):
        area += (points[k][0] - points[k - 1][0]) * max(p for _, p in points[k:])
    return area
