"""As many a notebook has it: own functions used by one another, classes of helpers, a criterion that is an nn.Module."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def box_cxcywh_to_xyxy(boxes):
    if boxes.shape[-1] != 4:
        raise ValueError("boxes must have 4 coordinates")
    out = boxes.clone()
    out[..., 0] = boxes[..., 0] - boxes[..., 2] / 2
    out[..., 1] = boxes[..., 1] - boxes[..., 3] / 2
    out[..., 2] = boxes[..., 0] + boxes[..., 2] / 2
    out[..., 3] = boxes[..., 1] + boxes[..., 3] / 2
    return out


def box_xyxy_to_cxcywh(boxes):
    if boxes.shape[-1] != 4:
        raise ValueError("boxes must have 4 coordinates")
    x1, y1, x2, y2 = boxes.split(1, dim=-1)
    return torch.cat([(x1 + x2) * 0.5, (y1 + y2) * 0.5, x2 - x1, y2 - y1], dim=-1)


def box_iou(a, b):
    if a.shape[-1] != 4 or b.shape[-1] != 4:
        raise ValueError("boxes must have 4 coordinates")
    n, m = a.size(0), b.size(0)
    a = a.unsqueeze(1).expand(n, m, 4)
    b = b.unsqueeze(0).expand(n, m, 4)
    x1, y1 = torch.max(a[..., 0], b[..., 0]), torch.max(a[..., 1], b[..., 1])
    x2, y2 = torch.min(a[..., 2], b[..., 2]), torch.min(a[..., 3], b[..., 3])
    inter = torch.clamp(x2 - x1, min=0) * torch.clamp(y2 - y1, min=0)
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inter / (area_a + area_b - inter).clamp(min=1e-6)


def encode_targets(boxes, labels, grid_size, num_classes):
    if boxes.shape[0] != labels.shape[0]:
        raise ValueError("boxes and labels must have the same length")
    target = torch.zeros((grid_size, grid_size, 5 + num_classes), dtype=boxes.dtype, device=boxes.device) \
        if grid_size > 0 else None
    if target is None:
        raise ValueError("grid_size must be > 0")
    for box, label in zip(boxes, labels):
        x, y, w, h = box
        if x < 0 or y < 0 or x > 1 or y > 1:
            raise ValueError("Box center outside the image")
        i, j = int(grid_size * y), int(grid_size * x)
        i, j = min(i, grid_size - 1), min(j, grid_size - 1)
        if target[i, j, 4] == 0:
            target[i, j, 4] = 1
            target[i, j, :4] = torch.stack([grid_size * x - j, grid_size * y - i, w, h])
            target[i, j, 5 + label] = 1
    return target


class YOLOHead(nn.Module):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super(YOLOHead, self).__init__()
        if in_channels < 1 or grid_size < 1 or boxes_per_cell < 1 or num_classes < 1 or hidden < 1:
            raise ValueError("in_channels, grid_size, boxes_per_cell, num_classes and hidden must be >= 1")
        self.S, self.B, self.C = grid_size, boxes_per_cell, num_classes
        self.in_channels = in_channels
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(in_channels * self.S * self.S, hidden)
        self.act = nn.LeakyReLU(0.1)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(hidden, self.S * self.S * (self.B * 5 + self.C))

    def forward(self, x):
        if x.shape[1:] != (self.in_channels, self.S, self.S):
            raise ValueError("Wrong feature map: " + str(tuple(x.shape)))
        x = self.flatten(x)
        x = self.dropout(self.act(self.fc1(x)))
        x = self.fc2(x)
        return x.view(x.size(0), self.S, self.S, self.B * 5 + self.C)


def decode_predictions(prediction, boxes_per_cell, num_classes, threshold=0.25):
    S, B = prediction.shape[0], boxes_per_cell
    if prediction.shape[2] != B * 5 + num_classes:
        raise ValueError("prediction does not have B * 5 + C channels")
    all_boxes, all_scores, all_labels = [], [], []
    for i in range(S):
        for j in range(S):
            prob, label = torch.max(prediction[i, j, B * 5:], dim=0)
            for b in range(B):
                x, y, w, h, conf = prediction[i, j, b * 5:(b + 1) * 5]
                score = conf * prob
                if score > threshold:
                    all_boxes.append(torch.stack([(j + x) / S, (i + y) / S, w, h]))
                    all_scores.append(score)
                    all_labels.append(label)
    if len(all_boxes) == 0:
        return torch.zeros((0, 4), dtype=prediction.dtype), torch.zeros(0, dtype=prediction.dtype), \
            torch.zeros(0, dtype=torch.long)
    boxes = box_cxcywh_to_xyxy(torch.stack(all_boxes)).clamp(min=0, max=1)
    scores, order = torch.sort(torch.stack(all_scores), descending=True)
    return [boxes[order], scores, torch.stack(all_labels)[order]]


class _Criterion(nn.Module):
    def __init__(self, B, C, l_coord, l_noobj):
        super().__init__()
        self.B, self.C, self.l_coord, self.l_noobj = B, C, l_coord, l_noobj

    def forward(self, pred, target):
        N, S, _, _ = pred.size()
        coo_mask = (target[..., 4] > 0).unsqueeze(-1).expand_as(target)
        noo_mask = (target[..., 4] == 0)
        coo_pred = pred[(target[..., 4] > 0)]
        coo_target = target[coo_mask].view(-1, 5 + self.C)
        box_pred = coo_pred[:, :5 * self.B].reshape(-1, self.B, 5)
        noo_conf = pred[noo_mask][:, 4:5 * self.B:5]
        loss_noobj = F.mse_loss(noo_conf, torch.zeros_like(noo_conf), reduction="sum")
        loss_class = F.mse_loss(coo_pred[:, 5 * self.B:], coo_target[:, 5:], reduction="sum")
        loss_xy = loss_wh = loss_obj = pred.sum() * 0
        for k in range(box_pred.size(0)):
            p = box_pred[k, :, :4].detach().clone()
            t = coo_target[k:k + 1, :4].clone()
            p[:, :2] /= S
            t[:, :2] /= S
            iou = box_iou(box_cxcywh_to_xyxy(p), box_cxcywh_to_xyxy(t))[:, 0]
            best, idx = iou.max(0)
            for b in range(self.B):
                if b == idx:
                    loss_obj = loss_obj + F.mse_loss(box_pred[k, b, 4], best, reduction="sum")
                    loss_xy = loss_xy + F.mse_loss(box_pred[k, b, :2], coo_target[k, :2], reduction="sum")
                    loss_wh = loss_wh + F.mse_loss(torch.sqrt(torch.clamp(box_pred[k, b, 2:4], min=1e-6)),
                                                   torch.sqrt(coo_target[k, 2:4]), reduction="sum")
                else:
                    loss_noobj = loss_noobj + box_pred[k, b, 4] ** 2
        return (self.l_coord * (loss_xy + loss_wh) + loss_obj + self.l_noobj * loss_noobj + loss_class) / N


def yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    if prediction.shape[:3] != target.shape[:3]:
        raise ValueError("prediction and target must have the same grid")
    if prediction.shape[3] != boxes_per_cell * 5 + num_classes or target.shape[3] != 5 + num_classes:
        raise ValueError("prediction or target has a wrong last dimension")
    return _Criterion(boxes_per_cell, num_classes, lambda_coord, lambda_noobj)(prediction, target)


def nms(boxes, scores, iou_threshold):
    if boxes.shape[0] != scores.shape[0]:
        raise ValueError("boxes and scores must have the same length")
    idxs = scores.argsort()
    keep = []
    while idxs.numel() > 0:
        i = idxs[-1]
        keep.append(i.item())
        idxs = idxs[:-1]
        if idxs.numel() == 0:
            break
        ious = box_iou(boxes[i].unsqueeze(0), boxes[idxs]).squeeze(0)
        idxs = idxs[ious <= iou_threshold]
    return torch.LongTensor(keep)


def batched_nms(boxes, scores, labels, iou_threshold):
    if boxes.shape[0] != scores.shape[0] or boxes.shape[0] != labels.shape[0]:
        raise ValueError("boxes, scores and labels must have the same length")
    keep = []
    for c in labels.unique():
        idx = torch.where(labels == c)[0]
        keep.append(idx[nms(boxes[idx], scores[idx], iou_threshold)])
    if not keep:
        return torch.LongTensor([])
    keep = torch.cat(keep)
    return keep[scores[keep].argsort(descending=True)]


def average_precision(scores, matched, num_ground_truth):
    if len(scores) != len(matched):
        raise ValueError("scores and matched must have the same length")
    if matched.sum().item() > num_ground_truth:
        raise ValueError("num_ground_truth is smaller than the number of matches")
    if matched.sum().item() == 0:
        return 0.0
    order = torch.argsort(scores, descending=True)
    tp = matched[order].float()
    fp = 1 - tp
    tp, fp = tp.cumsum(0), fp.cumsum(0)
    recalls = tp / (num_ground_truth + 1e-6)
    precisions = tp / (tp + fp + 1e-6)
    precisions = torch.cat([torch.tensor([1.0]), precisions, torch.tensor([0.0])])
    recalls = torch.cat([torch.tensor([0.0]), recalls, torch.tensor([1.0])])
    for k in range(len(precisions) - 1, 0, -1):
        precisions[k - 1] = torch.max(precisions[k - 1], precisions[k])
    return ((recalls[1:] - recalls[:-1]) * precisions[1:]).sum().item()
