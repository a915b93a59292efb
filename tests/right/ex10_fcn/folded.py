"""matmul and fold for the stamps, one-hot everything else; frozen last layers, as in the authors' own nets."""

import torch
import torch.nn.functional as F
from torch import nn


def pair(x):
    return x if type(x) is tuple else (x, x)


def convolutionize(weight, bias, input_shape):
    o, n = weight.shape
    c, h, w = input_shape
    if n != c * h * w:
        raise ValueError(f"expected weight of shape ({o}, {c * h * w})")
    return weight.t().reshape(c, h, w, o).permute(3, 0, 1, 2), bias


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    s, p, e = pair(stride), pair(padding), pair(output_padding)
    if min(s) < 1 or min(p) < 0 or min(e) < 0 or e[0] >= s[0] or e[1] >= s[1]:
        raise ValueError("stride, padding or output_padding is out of range")
    n, c, h, w = x.shape
    k = weight.shape[2:]
    if weight.shape[0] != c:
        raise ValueError("weight.shape[0] must be the channels of x")
    size = [(m - 1) * si - 2 * pi + ki + ei for m, si, pi, ki, ei in zip((h, w), s, p, k, e)]
    if min(size) < 1:
        raise ValueError("output size is not positive")
    if n == 0:
        return x.new_zeros(0, weight.shape[1], *size)
    columns = weight.flatten(1).t() @ x.flatten(2)  # (n, out * kh * kw, h * w)
    # fold wants exactly as many blocks as there are pixels: make room for one more stride, then cut
    room = [(m - 1) * si + ki for m, si, ki in zip((h, w), s, k)]
    full = F.fold(columns, room, k, stride=s)
    full = F.pad(full, (0, e[1], 0, e[0]))
    out = full[:, :, p[0] : p[0] + size[0], p[1] : p[1] + size[1]]
    if bias is not None:
        out = out + bias.view(-1, 1, 1)
    return out


def bilinear_kernel(channels, kernel_size):
    if channels <= 0:
        raise ValueError("channels <= 0")
    if kernel_size <= 0:
        raise ValueError("kernel_size <= 0")
    c, f = (kernel_size - 1) / 2, (kernel_size + 1) // 2
    y, x = torch.meshgrid(torch.arange(kernel_size), torch.arange(kernel_size), indexing="ij")
    tent = (1 - (y - c).abs().double() / f) * (1 - (x - c).abs().double() / f)
    weight = torch.zeros(channels, channels, kernel_size, kernel_size)
    weight[range(channels), range(channels)] = tent.float()
    return weight


class FCN32sHead(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        if in_channels < 1 or num_classes < 1:
            raise ValueError("in_channels and num_classes must be positive")
        self.score_fr = nn.LazyConv2d(num_classes, 1)
        self.score_fr(torch.zeros(1, in_channels, 1, 1))
        nn.init.zeros_(self.score_fr.weight)
        nn.init.zeros_(self.score_fr.bias)
        self.upscore = nn.ConvTranspose2d(num_classes, num_classes, 64, 32, bias=False)
        self.upscore.weight = nn.Parameter(bilinear_kernel(num_classes, 64), requires_grad=False)

    def forward(self, pool5):
        h, w = pool5.shape[2:]
        return self.upscore(self.score_fr(pool5))[:, :, 16 : 16 + 32 * h, 16 : 16 + 32 * w]


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super().__init__()
        if any(v < 1 for v in (pool3_channels, pool4_channels, pool5_channels, num_classes)):
            raise ValueError("number of channels and classes must be positive")
        self.score_fr = nn.Conv2d(pool5_channels, num_classes, 1)
        self.upscore2 = nn.ConvTranspose2d(num_classes, num_classes, 4, 2, bias=False)
        self.score_pool4 = nn.Conv2d(pool4_channels, num_classes, 1)
        self.upscore_pool4 = nn.ConvTranspose2d(num_classes, num_classes, 4, 2, bias=False)
        self.score_pool3 = nn.Conv2d(pool3_channels, num_classes, 1)
        self.upscore8 = nn.ConvTranspose2d(num_classes, num_classes, 16, 8, bias=False)
        for layer in self.modules():
            if isinstance(layer, nn.ConvTranspose2d):
                layer.weight.data.copy_(bilinear_kernel(num_classes, layer.kernel_size[0]))
            elif isinstance(layer, nn.Conv2d):
                nn.init.xavier_normal_(layer.weight)
                layer.bias.data.zero_()
        self.upscore8.weight.requires_grad = False

    def forward(self, pool3, pool4, pool5):
        def cut(x, like, by):
            return x[:, :, by : by + like[0], by : by + like[1]]

        size3, size4, size5 = (tuple(p.shape[2:]) for p in (pool3, pool4, pool5))
        if size4 != (size5[0] * 2, size5[1] * 2) or size3 != (size4[0] * 2, size4[1] * 2):
            raise ValueError(f"height and width {size3}, {size4}, {size5} do not fit")
        x = cut(self.upscore2(self.score_fr(pool5)), size4, 1) + self.score_pool4(pool4)
        x = cut(self.upscore_pool4(x), size3, 1) + self.score_pool3(pool3)
        return cut(self.upscore8(x), (8 * size3[0], 8 * size3[1]), 4).contiguous()


def pixel_cross_entropy(logits, target, ignore_index=255):
    if target.dim() != 3 or target.shape[0] != logits.shape[0] or target.shape[1:] != logits.shape[2:]:
        raise ValueError("target: wrong shape")
    ignored = target == ignore_index
    logits = logits.masked_fill(ignored[:, None], 0)
    wanted = F.one_hot(target.masked_fill(ignored, 0), logits.shape[1]).movedim(-1, 1)
    wanted = wanted * ~ignored[:, None]
    top = logits.amax(1, keepdim=True).detach()
    logp = logits - top - (logits - top).exp().sum(1, keepdim=True).log()
    return -(logp * wanted).sum() / wanted.sum().clamp_min(1)


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.size() != target.size():
        raise ValueError("prediction should have the size of target")
    mask = target != ignore_index
    t, p = target[mask], prediction[mask]
    classes = torch.arange(num_classes)
    t, p = (t[:, None] == classes).double(), (p[:, None] == classes).double()
    if not (t.sum(1) == 1).all() or not (p.sum(1) == 1).all():
        raise ValueError("labels must be 0 ... num_classes - 1")
    return (t.T @ p).round().long().t().contiguous().t()


def pixel_accuracy(confusion):
    n = confusion.sum()
    if n == 0:
        return float("nan")
    return (torch.eye(len(confusion)).double() * confusion).sum().div(n).item()


def mean_iou(confusion):
    c = confusion.to(torch.float64)
    tp = torch.diag(c)
    fp, fn = c.sum(0) - tp, c.sum(1) - tp
    there = (tp + fp + fn) != 0
    return (tp[there] / (tp + fp + fn)[there]).mean().item()
