"""Everything element by element: stamps pixel by pixel, losses pixel by pixel, counts pixel by pixel."""

import math

import torch
from torch import nn


def two(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v)


def convolutionize(weight, bias, input_shape):
    c, h, w = input_shape
    if weight.size(1) != c * h * w:
        raise ValueError("weight has %d columns, input_shape needs %d" % (weight.size(1), c * h * w))
    filters = weight.new_empty(len(weight), c, h, w)
    k = 0
    for i in range(c):
        for j in range(h):
            for l in range(w):
                filters[:, i, j, l] = weight[:, k]
                k += 1
    return [filters, bias.clone()]


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    (sh, sw), (ph, pw), (oh, ow) = two(stride), two(padding), two(output_padding)
    if sh <= 0 or sw <= 0:
        raise ValueError("stride must be positive")
    if ph < 0 or pw < 0 or oh < 0 or ow < 0:
        raise ValueError("padding and output_padding can't be negative")
    if oh >= sh or ow >= sw:
        raise ValueError("output padding must be smaller than stride")
    n, ins, h, w = x.shape
    if ins != weight.shape[0]:
        raise ValueError("weight is for %d input channels" % weight.shape[0])
    _, outs, kh, kw = weight.shape
    height = (h - 1) * sh - 2 * ph + kh + oh
    width = (w - 1) * sw - 2 * pw + kw + ow
    if height < 1 or width < 1:
        raise ValueError("the output would be empty")
    rows = []
    for a in range(height):
        row = []
        for b in range(width):
            value = x.new_zeros(n, outs) if bias is None else bias.expand(n, outs)
            for k in range(kh):
                for l in range(kw):
                    i, rest_i = divmod(a + ph - k, sh)
                    j, rest_j = divmod(b + pw - l, sw)
                    if rest_i == 0 and rest_j == 0 and 0 <= i < h and 0 <= j < w:
                        value = value + x[:, :, i, j] @ weight[:, :, k, l]
            row.append(value)
        rows.append(torch.stack(row, -1))
    return torch.stack(rows, -2)


def bilinear_kernel(channels, kernel_size):
    if channels < 1 or kernel_size < 1:
        raise ValueError("channels and kernel_size have to be positive")
    f, c = (kernel_size + 1) // 2, (kernel_size - 1) / 2
    out = torch.zeros(channels, channels, kernel_size, kernel_size)
    for n in range(channels):
        for i in range(kernel_size):
            for j in range(kernel_size):
                out[n, n, i, j] = (1 - abs(i - c) / f) * (1 - abs(j - c) / f)
    return out


def up(classes, k, s, p):
    layer = nn.ConvTranspose2d(classes, classes, k, s, p, bias=False)
    layer.weight.data = bilinear_kernel(classes, k)
    return layer


class FCN32sHead(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        if in_channels <= 0 or num_classes <= 0:
            raise ValueError("in_channels, num_classes")
        self.score_fr = nn.Conv2d(in_channels, num_classes, kernel_size=1)
        self.upscore = up(num_classes, 64, 32, 16)

    def forward(self, pool5):
        x = self.score_fr(pool5)
        x = self.upscore(x)
        return x


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super().__init__()
        if min(pool3_channels, pool4_channels, pool5_channels, num_classes) <= 0:
            raise ValueError("all numbers of channels have to be positive")
        self.upscore8 = up(num_classes, 16, 8, 4)
        self.upscore_pool4 = up(num_classes, 4, 2, 1)
        self.upscore2 = up(num_classes, 4, 2, 1)
        self.score_pool3 = nn.Conv2d(pool3_channels, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4_channels, num_classes, 1)
        self.score_fr = nn.Conv2d(pool5_channels, num_classes, 1)

    def forward(self, pool3, pool4, pool5):
        x = self.upscore2(self.score_fr(pool5))
        if x.shape[2:] != pool4.shape[2:]:
            raise ValueError("pool4 must be twice the size of pool5")
        x = self.upscore_pool4(x + self.score_pool4(pool4))
        if x.shape[2:] != pool3.shape[2:]:
            raise ValueError("pool3 must be twice the size of pool4")
        return self.upscore8(x + self.score_pool3(pool3))


def pixel_cross_entropy(logits, target, ignore_index=255):
    n, c, h, w = logits.shape
    if tuple(target.shape) != (n, h, w):
        raise ValueError("target and logits do not belong together")
    losses = []
    for b, picture in enumerate(target.tolist()):
        for i, row in enumerate(picture):
            for j, label in enumerate(row):
                if label != ignore_index:
                    losses.append(torch.logsumexp(logits[b, :, i, j], 0) - logits[b, label, i, j])
    if not losses:
        return logits[:0].sum()
    return torch.stack(losses).mean()


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("prediction and target differ in shape")
    table = [[0] * num_classes for _ in range(num_classes)]
    for t, p in zip(target.flatten().tolist(), prediction.flatten().tolist()):
        if t == ignore_index:
            continue
        if not 0 <= t < num_classes:
            raise ValueError(f"label {t} in target")
        if not 0 <= p < num_classes:
            raise ValueError(f"label {p} in prediction")
        table[t][p] += 1
    return torch.tensor(table)


def pixel_accuracy(confusion):
    table = confusion.tolist()
    total = sum(map(sum, table))
    return sum(table[i][i] for i in range(len(table))) / total if total else math.nan


def mean_iou(confusion):
    table = confusion.tolist()
    values = []
    for i in range(len(table)):
        union = sum(table[i]) + sum(row[i] for row in table) - table[i][i]
        if union:
            values.append(table[i][i] / union)
    return sum(values) / len(values) if values else float("nan")
