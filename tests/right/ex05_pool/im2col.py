"""F.unfold for the maximum, a depthwise convolution for the mean; answers in unusual memory layouts."""

import math

import torch
import torch.nn.functional as F
from torch import nn

NEGATIVE_INFINITY = -math.inf


class BadArgument(ValueError):
    """A ValueError of one's own is one too."""


def _need(condition, message):
    if not condition:
        raise BadArgument(message)


def relu(x):
    return (x + x.abs()) / 2


def _geometry(x, kernel_size, stride, padding, dilation, ceil_mode):
    as_pair = lambda v: (v,) * 2 if isinstance(v, int) else tuple(v)  # noqa: E731
    k, p, d = as_pair(kernel_size), as_pair(padding), as_pair(dilation)
    s = as_pair(kernel_size if stride is None else stride)
    _need(min(k) >= 1, "kernel size should be greater than zero")
    _need(min(s) >= 1, "stride should not be zero")
    _need(min(p) >= 0, "pad must be non-negative")
    _need(min(d) >= 1, "dilation should be greater than zero")
    _need(all(a <= b // 2 for a, b in zip(p, k)), "pad should be smaller than or equal to half of kernel size")
    extra = []
    for size, kk, ss, pp, dd in zip(x.shape[-2:], k, s, p, d):
        reach = dd * (kk - 1) + 1
        _need(size + 2 * pp >= reach, f"input of {size} is too small for a kernel of {reach}")
        left_over = (size + 2 * pp - reach) % ss
        next_start = size + 2 * pp - reach - left_over + ss
        extra.append(ss - left_over if ceil_mode and left_over and next_start < size + pp else 0)
    return k, s, p, d, extra


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    k, s, p, d, extra = _geometry(x, kernel_size, stride, padding, dilation, ceil_mode)
    n, c = x.shape[:2]
    x = F.pad(x, (p[1], p[1] + extra[1], p[0], p[0] + extra[0]), "constant", NEGATIVE_INFINITY)
    shape = [(size - dd * (kk - 1) - 1) // ss + 1 for size, kk, ss, dd in zip(x.shape[2:], k, s, d)]
    columns = F.unfold(x, k, dilation=d, stride=s)  # (N, C * kH * kW, L)
    best = columns.reshape(n, c, k[0] * k[1], -1).sort(dim=2, descending=True).values[:, :, 0]
    return best.reshape(n, c, *shape).to(memory_format=torch.channels_last)


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    k, s, p, _, extra = _geometry(x, kernel_size, stride, padding, 1, ceil_mode)
    channels = x.shape[1]
    ones = torch.ones(channels, 1, *k, dtype=x.dtype, device=x.device)
    around, over = (p[1], p[1], p[0], p[0]), (0, extra[1], 0, extra[0])
    total = F.conv2d(F.pad(F.pad(x, around), over), ones, stride=s, groups=channels)
    counted = F.pad(F.pad(torch.ones_like(x), around, value=1.0 if count_include_pad else 0.0), over)
    answer = total / F.conv2d(counted, ones, stride=s, groups=channels)
    return answer.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)


def global_avg_pool2d(x):
    return x.mean(-1).mean(-1).t().contiguous().t()


def flatten(x, start_dim=1):
    _need(-x.dim() <= start_dim < x.dim(), f"x has no axis {start_dim}")
    if start_dim < 0:
        start_dim = x.dim() + start_dim
    if x.numel() == 0:
        return x.new_empty(*x.shape[:start_dim], math.prod(x.shape[start_dim:]))
    return x.reshape(*x.shape[:start_dim], -1)


def softmax(x, dim=-1):
    """1 / sum of exp(x_j - x_i): an infinite sum rightly gives 0."""
    _need(-x.dim() <= dim < x.dim(), f"Dimension out of range (expected one of {x.dim()}, but got {dim})")
    x = x.movedim(dim, -1)
    differences = x[..., None, :] - x[..., :, None]
    return (1 / differences.exp().sum(-1)).movedim(-1, dim)


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride or kernel_size
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode
        _need(stride != 0, "stride must not be zero")

    def forward(self, input):
        return max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.settings = dict(
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )

    def forward(self, input):
        return avg_pool2d(input, **self.settings)
