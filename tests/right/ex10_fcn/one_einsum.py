"""One einsum with indicator matrices for the stamps; numpy where nothing has to be learned."""

import numpy as np
import torch
from torch import nn


def convolutionize(weight, bias, input_shape):
    if weight.shape[-1] != np.prod(input_shape):
        raise ValueError("input_shape and weight")
    return torch.stack([row.view(input_shape) for row in weight]), bias


def meets(count, kernel, stride, padding, result, like):
    """(result, count, kernel): 1 where kernel element k of input element i lands on a."""
    a = torch.arange(result, device=like.device)[:, None, None] + padding
    i = torch.arange(count, device=like.device)[None, :, None]
    k = torch.arange(kernel, device=like.device)[None, None, :]
    return (a == i * stride + k).to(like.dtype)


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    settings = []
    for value in (stride, padding, output_padding):
        settings.append((value,) * 2 if np.isscalar(value) else tuple(value))
    masks = []
    if x.shape[1] != weight.shape[0]:
        raise ValueError("channels of x and weight")
    for n, k, s, p, e in zip(x.shape[2:], weight.shape[2:], *settings):
        if s < 1:
            raise ValueError("stride")
        if p < 0 or e < 0:
            raise ValueError("padding")
        if e >= s:
            raise ValueError("output_padding too large")
        result = s * (n - 1) + k + e - 2 * p
        if result < 1:
            raise ValueError("padding too large")
        masks.append(meets(n, k, s, p, result, x))
    out = torch.einsum("nihw,iokl,ahk,bwl->noab", x, weight, *masks)
    return out if bias is None else out.add(bias.reshape(1, -1, 1, 1))


def bilinear_kernel(channels, kernel_size):
    if channels < 1 or kernel_size < 1:
        raise ValueError("channels and kernel_size start at 1")
    factor = (kernel_size + 1) // 2
    center = factor - 1 if kernel_size % 2 == 1 else factor - 0.5
    og = np.ogrid[:kernel_size, :kernel_size]
    filt = (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)
    weight = np.zeros((channels, channels, kernel_size, kernel_size), dtype=np.float64)
    weight[range(channels), range(channels), :, :] = filt
    return torch.from_numpy(weight).float()


class Score(nn.Module):
    """A 1×1 convolution by einsum."""

    def __init__(self, ins, outs):
        super().__init__()
        if ins < 1 or outs < 1:
            raise ValueError("channels have to be positive")
        self.weight = nn.Parameter(torch.randn(outs, ins, 1, 1) * 0.01)
        self.bias = nn.Parameter(torch.randn(outs))

    def forward(self, x):
        return torch.einsum("nchw,oc->nohw", x, self.weight[:, :, 0, 0]) + self.bias[:, None, None]


class Fixed(nn.Module):
    """A kernel that is kept as it starts: a buffer."""

    def __init__(self, classes, factor):
        super().__init__()
        self.factor = factor
        self.register_buffer("weight", bilinear_kernel(classes, 2 * factor))

    def forward(self, x):
        return nn.functional.conv_transpose2d(x, self.weight, stride=self.factor, padding=self.factor // 2)


class Learned(Fixed):
    def __init__(self, classes, factor):
        nn.Module.__init__(self)
        self.factor = factor
        self.weight = nn.Parameter(bilinear_kernel(classes, 2 * factor))


class FCN32sHead(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.score_fr = Score(in_channels, num_classes)
        self.upscore = Fixed(num_classes, 32)

    def forward(self, pool5):
        return self.upscore(self.score_fr(pool5))


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super().__init__()
        self.score_pool3 = Score(pool3_channels, num_classes)
        self.score_pool4 = Score(pool4_channels, num_classes)
        self.score_fr = Score(pool5_channels, num_classes)
        self.upscore2 = Learned(num_classes, 2)
        self.upscore_pool4 = Learned(num_classes, 2)
        self.upscore8 = Fixed(num_classes, 8)

    def forward(self, pool3, pool4, pool5):
        for i in (2, 3):
            if pool3.shape[i] != 2 * pool4.shape[i] or pool3.shape[i] != 4 * pool5.shape[i]:
                raise ValueError("height or width of the maps")
        # what is linear may be upsampled one by one and added at the end
        a = self.upscore8(self.upscore_pool4(self.upscore2(self.score_fr(pool5))))
        b = self.upscore8(self.upscore_pool4(self.score_pool4(pool4)))
        return a + b + self.upscore8(self.score_pool3(pool3))


def pixel_cross_entropy(logits, target, ignore_index=255):
    n, c, h, w = logits.shape
    if list(target.shape) != [n, h, w]:
        raise ValueError("logits and target")
    logits = logits.permute(0, 2, 3, 1).reshape(-1, c)
    target = target.reshape(-1)
    index = (target != ignore_index).nonzero().squeeze(1)
    if len(index) == 0:
        return torch.zeros_like(logits).mul(torch.where(torch.isfinite(logits), logits, 0)).sum()
    logits, target = logits.index_select(0, index), target.index_select(0, index)
    log_p = logits.log_softmax(-1)
    return log_p[torch.arange(len(index)), target].mean().neg()


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    p, t = prediction.numpy().copy(), target.numpy()
    if p.shape != t.shape:
        raise ValueError("prediction.shape != target.shape")
    valid = t != ignore_index
    p, t = p[valid], t[valid]
    if t.size and (t.min() < 0 or t.max() >= num_classes or p.min() < 0 or p.max() >= num_classes):
        raise ValueError("labels")
    out = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(out, (t, p), 1)
    return torch.from_numpy(out)


def pixel_accuracy(confusion):
    c = confusion.numpy()
    with np.errstate(invalid="ignore"):
        return np.trace(c) / c.sum()  # np.float64 is a float


def mean_iou(confusion):
    c = confusion.numpy()
    union = c.sum(0) + c.sum(1) - np.diag(c)
    iou = np.diag(c)[union > 0] / union[union > 0]
    return float(iou.mean()) if iou.size else float("nan")
