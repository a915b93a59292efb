"""numpy for all that needs no gradient; results go back through from_numpy. The loss gathers the responsible boxes."""

import numpy as np
import torch
from torch import nn


def _np(t):
    return t.detach().cpu().numpy()


def box_cxcywh_to_xyxy(boxes):
    b = _np(boxes)
    if b.shape[-1] != 4:
        raise ValueError("boxes: four coordinates please")
    return torch.from_numpy(np.concatenate([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], axis=-1))


def box_xyxy_to_cxcywh(boxes):
    b = _np(boxes)
    if b.shape[-1] != 4:
        raise ValueError("boxes: four coordinates please")
    return torch.from_numpy(np.concatenate([(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], axis=-1))


def _iou(a, b):
    wh = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inter = np.where((wh > 0).all(-1), wh[..., 0] * wh[..., 1], 0)
    area = lambda v: np.prod(v[:, 2:] - v[:, :2], axis=1)
    union = area(a)[:, None] + area(b)[None] - inter
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inter > 0, inter / union, 0).astype(a.dtype)


def box_iou(a, b):
    if a.shape[-1] != 4 or b.shape[-1] != 4:
        raise ValueError("a and b must be (N, 4) and (M, 4)")
    return torch.from_numpy(_iou(_np(a), _np(b)))


def encode_targets(boxes, labels, grid_size, num_classes):
    b, l = _np(boxes), _np(labels)
    if grid_size < 1:
        raise ValueError("grid_size < 1")
    if len(b) != len(l):
        raise ValueError("need one label for each box")
    if len(b) and not (0 <= b[:, :2].min() and b[:, :2].max() <= 1):
        raise ValueError("box outside of image")
    out = np.zeros((grid_size, grid_size, 5 + num_classes), dtype=b.dtype)
    for k in reversed(range(len(b))):  # the first one is written last
        col, row = np.minimum((b[k, :2] * grid_size).astype(int), grid_size - 1)
        out[row, col] = 0
        out[row, col, 0] = b[k, 0] * grid_size - col
        out[row, col, 1] = b[k, 1] * grid_size - row
        out[row, col, 2:4] = b[k, 2:]
        out[row, col, 4] = 1
        out[row, col, 5 + l[k]] = 1
    return torch.from_numpy(out)


class YOLOHead(nn.Module):
    """Checks nothing at construction beyond what forward needs; everything is told in forward."""

    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__()
        self.sizes = (in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        if min(self.sizes) > 0:
            self.fc1 = nn.Linear(in_channels * grid_size * grid_size, hidden)
            self.relu = nn.LeakyReLU(0.1, inplace=True)
            self.drop = nn.Dropout(p=0.5)
            self.fc2 = nn.Linear(hidden, grid_size * grid_size * (boxes_per_cell * 5 + num_classes))

    def forward(self, x):
        c, s, b, k, _ = self.sizes
        if min(self.sizes) <= 0 or list(x.shape[1:]) != [c, s, s]:
            raise ValueError(f"size {tuple(x.shape)} does not go with {self.sizes}")
        return self.fc2(self.drop(self.relu(self.fc1(x.flatten(start_dim=1))))).reshape(x.shape[0], s, s, b * 5 + k)


def decode_predictions(prediction, boxes_per_cell, num_classes, threshold=0.25):
    p = _np(prediction)
    s, B = p.shape[0], boxes_per_cell
    if p.shape[-1] != 5 * B + num_classes:
        raise ValueError("prediction: last axis is not 5 * B + C")
    cls = p[..., 5 * B:]
    boxes, scores, labels = [], [], []
    for r, c in np.ndindex(s, s):
        k = int(np.argmax(cls[r, c]))
        for b in range(B):
            x, y, w, h, conf = p[r, c, 5 * b:5 * b + 5]
            if conf * cls[r, c, k] > threshold:
                boxes.append([(c + x) / s - w / 2, (r + y) / s - h / 2, (c + x) / s + w / 2, (r + y) / s + h / 2])
                scores.append(conf * cls[r, c, k])
                labels.append(k)
    order = np.argsort(-np.array(scores)) if scores else []
    boxes = np.clip(np.array(boxes, dtype=p.dtype).reshape(-1, 4), 0, 1)
    result = [boxes[order] if len(scores) else boxes, [scores[i] for i in order], [labels[i] for i in order]]
    return (torch.as_tensor(result[0]), torch.as_tensor(np.array(result[1], dtype=p.dtype)),
            torch.as_tensor(np.array(result[2], dtype=np.int64)))


def yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    N, S, B = prediction.shape[0], prediction.shape[1], boxes_per_cell
    if prediction.shape[-1] != 5 * B + num_classes:
        raise ValueError("prediction has wrong shape")
    if tuple(target.shape) != (N, S, S, 5 + num_classes):
        raise ValueError("target has wrong shape")
    p = prediction.reshape(N * S * S, -1)
    t = target.reshape(N * S * S, -1)
    conf = p[:, 4:5 * B:5]
    loss = lambda_noobj * (conf ** 2).sum()
    for k in torch.nonzero(t[:, 4]).flatten().tolist():
        raw, truth = _np(p[k, :5 * B]).reshape(B, 5)[:, :4].astype(float), _np(t[k, :4]).astype(float)[None]
        def corners(v):
            xy = v[:, :2] / S
            return np.concatenate([xy - v[:, 2:] / 2, xy + v[:, 2:] / 2], 1)
        iou = _iou(corners(raw), corners(truth))[:, 0]
        b = int(iou.argmax())
        mine = p[k, 5 * b:5 * b + 5]
        loss = loss - lambda_noobj * mine[4] ** 2 + (mine[4] - float(iou[b])) ** 2
        loss = loss + lambda_coord * ((mine[:2] - t[k, :2]) ** 2).sum()
        loss = loss + lambda_coord * ((torch.sqrt(torch.relu(mine[2:4])) - torch.sqrt(t[k, 2:4])) ** 2).sum()
        loss = loss + ((p[k, 5 * B:] - t[k, 5:]) ** 2).sum()
    return loss / N


def nms(boxes, scores, iou_threshold):
    b, s = _np(boxes), _np(scores)
    if b.shape[0] != s.shape[0]:
        raise ValueError("boxes and scores")
    order, keep = np.argsort(-s), []
    while order.size > 0:
        keep.append(order[0])
        over = _iou(b[order[:1]], b[order])[0]
        over[0] = np.inf
        order = order[over <= iou_threshold]
    return torch.from_numpy(np.array(keep, dtype=np.int64))


def batched_nms(boxes, scores, labels, iou_threshold):
    if not (boxes.shape[0] == scores.shape[0] == labels.shape[0]):
        raise ValueError("boxes, scores and labels")
    l, keep = _np(labels), []
    for c in np.unique(l):
        idx = np.where(l == c)[0]
        keep.extend(idx[nms(boxes[idx], scores[idx], iou_threshold).numpy()])
    s = _np(scores)
    return torch.tensor(sorted(keep, key=lambda i: -s[i]), dtype=torch.int64)


def average_precision(scores, matched, num_ground_truth):
    s, m = _np(scores), _np(matched)
    if s.shape != m.shape:
        raise ValueError("scores and matched differ in shape")
    if m.sum() > num_ground_truth:
        raise ValueError("more matches than ground truth objects")
    if num_ground_truth == 0 or len(s) == 0:
        return 0.0
    tp = np.cumsum(m[np.argsort(-s)])
    rec = np.concatenate(([0.0], tp / num_ground_truth, [1.0]))
    prec = np.concatenate(([0.0], tp / np.arange(1, len(tp) + 1), [0.0]))
    for i in range(prec.size - 1, 0, -1):
        prec[i - 1] = max(prec[i - 1], prec[i])
    i = np.where(rec[1:] != rec[:-1])[0]
    return float(np.sum((rec[i + 1] - rec[i]) * prec[i + 1]))
