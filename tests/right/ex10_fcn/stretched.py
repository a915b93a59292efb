"""The transposed convolution as a plain one of the stretched input; all is checked in forward; results are views."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


def convolutionize(weight, bias, input_shape):
    if len(weight[0]) != torch.Size(input_shape).numel():
        raise ValueError("this weight is not for input_shape " + str(input_shape))
    return weight.unflatten(1, input_shape), bias


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    stride, padding, extra = ((v, v) if isinstance(v, int) else v for v in (stride, padding, output_padding))
    for name, values, least in (("stride", stride, 1), ("padding", padding, 0), ("output_padding", extra, 0)):
        if any(v < least for v in values):
            raise ValueError(f"{name} = {values}")
    if extra[0] >= stride[0] or extra[1] >= stride[1]:
        raise ValueError(f"output_padding = {extra} with stride = {stride}")
    if x.shape[1] != weight.shape[0]:
        raise ValueError("x and weight: different numbers of channels")
    n, c, h, w = x.shape
    kh, kw = weight.shape[2:]
    wide = F.pad(x[:, :, :, None, :, None], (0, stride[1] - 1, 0, 0, 0, stride[0] - 1))
    wide = wide.reshape(n, c, h * stride[0], w * stride[1])
    top, left = kh - 1 - padding[0], kw - 1 - padding[1]
    bottom, right = top + extra[0] - (stride[0] - 1), left + extra[1] - (stride[1] - 1)
    if h * stride[0] + top + bottom < kh or w * stride[1] + left + right < kw:
        raise ValueError("padding takes away the whole output")
    wide = F.pad(wide, (left, right, top, bottom))  # negative where something is cut off
    return F.conv2d(wide, weight.flip(2, 3).transpose(0, 1), bias)


def bilinear_kernel(channels, kernel_size):
    if min(channels, kernel_size) < 1:
        raise ValueError("sizes must be at least 1")
    f = (kernel_size + 1) // 2
    # a box convolved with a box is a tent; where the size is even, the boxes are of twice as many samples
    i = torch.arange(kernel_size) * 2 - (kernel_size - 1)
    tent = (2 * f - i.abs()) / (2 * f)
    weight = tent.new_zeros(channels * channels, kernel_size, kernel_size)
    weight[:: channels + 1] = tent[:, None] * tent
    return weight.view(channels, channels, kernel_size, kernel_size)


class Up(nn.Module):
    def __init__(self, classes, factor):
        super().__init__()
        self.factor = factor
        self.weight = nn.Parameter(bilinear_kernel(classes, 2 * factor))

    def forward(self, x):
        return conv_transpose2d(x, self.weight, None, self.factor, self.factor // 2)


class FCN32sHead(nn.Sequential):
    def __init__(self, in_channels, num_classes):
        if in_channels < 1 or num_classes < 1:
            raise ValueError("channels")
        parts = [("score_fr", nn.Conv2d(in_channels, num_classes, 1)), ("upscore", Up(num_classes, 32))]
        super().__init__(OrderedDict(parts))


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super().__init__()
        self.asked = (pool3_channels, pool4_channels, pool5_channels, num_classes)
        for name, channels in zip(("score_pool3", "score_pool4", "score_fr"), self.asked):
            self.add_module(name, nn.Conv2d(max(1, channels), max(1, num_classes), 1))
        for name, factor in (("upscore2", 2), ("upscore_pool4", 2), ("upscore8", 8)):
            self.add_module(name, Up(max(1, num_classes), factor))

    def forward(self, pool3, pool4, pool5):
        if min(self.asked) < 1:
            raise ValueError(f"channels {self.asked}")
        h, w = pool5.shape[-2:]
        if pool4.shape[-2:] != (2 * h, 2 * w) or pool3.shape[-2:] != (4 * h, 4 * w):
            raise ValueError("sizes of pool3, pool4 and pool5 must be 4 : 2 : 1")
        return self.upscore8(
            self.score_pool3(pool3) + self.upscore_pool4(self.score_pool4(pool4) + self.upscore2(self.score_fr(pool5)))
        )


def pixel_cross_entropy(logits, target, ignore_index=255):
    if logits.movedim(1, -1).shape[:-1] != target.shape:
        raise ValueError("the shape of target is not that of logits without the classes")
    keep = target.ne(ignore_index)
    rows, labels = logits.movedim(1, -1)[keep], target[keep]  # (pixels, C)
    loss = rows.logsumexp(-1) - rows.gather(-1, labels[:, None])[:, 0]
    return loss.sum() / max(1, loss.numel())


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("shapes of prediction and target")
    keep = target != ignore_index
    pairs = torch.stack([target[keep], prediction[keep]])
    if (pairs < 0).any() or (pairs >= num_classes).any():
        raise ValueError("a label is no class")
    counts = torch.zeros(num_classes, num_classes, dtype=torch.long, device=pairs.device)
    return counts.index_put_(tuple(pairs), torch.ones_like(pairs[0]), accumulate=True)


def pixel_accuracy(confusion):
    return float(confusion.trace() / confusion.sum())


def mean_iou(confusion):
    both = confusion.diag()
    return float((both / (confusion.sum(0) + confusion.sum(1) - both)).nanmean())
