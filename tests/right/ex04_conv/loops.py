# loses: conv2d_vectorised
"""Seven nested loops, as on the blackboard: slow, and right."""

import math
from itertools import product

import torch
from torch import nn


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def _triple(value):
    return (value,) * 3 if isinstance(value, int) else value


def _where(i, size, mode):
    """The row (or column) that stands at i, or None for a zero."""
    if 0 <= i < size:
        return i
    if mode == "zeros":
        return None
    if mode == "replicate":
        return 0 if i < 0 else size - 1
    if mode == "circular":
        return i + size if i < 0 else i - size
    return -i if i < 0 else 2 * (size - 1) - i


def pad2d(x, padding, mode="zeros"):
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(f"I do not know the mode {mode}")
    v, h = _pair(padding)
    if v < 0 or h < 0:
        raise ValueError("padding is negative")
    height, width = x.shape[2], x.shape[3]
    if mode == "reflect" and (v >= height or h >= width):
        raise ValueError("padding too large to reflect")
    if mode == "circular" and (v > height or h > width):
        raise ValueError("padding too large to wrap around")
    out = torch.zeros(*x.shape[:2], height + 2 * v, width + 2 * h, dtype=x.dtype, device=x.device)
    for i in range(-v, height + v):
        for j in range(-h, width + h):
            a, b = _where(i, height, mode), _where(j, width, mode)
            if a is not None and b is not None:
                out[:, :, i + v, j + h] = x[:, :, a, b]
    return out


def _same(padding, stride, kernel, dilation):
    """top, bottom, left, right"""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if _pair(stride) not in ((1, 1), [1, 1]):
            raise ValueError("padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2
    if isinstance(padding, str):
        raise ValueError(f"padding: {padding}?")
    v, h = _pair(padding)
    if v < 0 or h < 0:
        raise ValueError("negative padding")
    return v, v, h, h


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    n, c, height, width = x.shape
    o, per_group, kh, kw = weight.shape
    if groups <= 0 or c % groups != 0 or o % groups != 0:
        raise ValueError("groups must divide the numbers of channels")
    if per_group != c // groups:
        raise ValueError("weight does not match the channels of x")
    if bias is not None and tuple(bias.shape) != (o,):
        raise ValueError("bias must have one entry for each filter")
    dh, dw = _pair(dilation)
    sh, sw = _pair(stride)
    if min(dh, dw) < 1:
        raise ValueError("dilation must be positive")
    if min(sh, sw) < 1:
        raise ValueError("stride must be positive")
    top, bottom, left, right = _same(padding, stride, (kh, kw), (dh, dw))
    oh = (height + top + bottom - dh * (kh - 1) - 1) // sh + 1
    ow = (width + left + right - dw * (kw - 1) - 1) // sw + 1
    if oh < 1 or ow < 1:
        raise ValueError("Calculated padded input size is smaller than the kernel size")
    out = torch.zeros(n, o, oh, ow, dtype=x.dtype, device=x.device)
    for b, f, i, j in product(range(n), range(o), range(oh), range(ow)):
        first = f // (o // groups) * per_group
        total = x.new_zeros(()) if bias is None else bias[f]
        for a, e in product(range(kh), range(kw)):
            row, column = i * sh + a * dh - top, j * sw + e * dw - left
            if 0 <= row < height and 0 <= column < width:  # outside stand zeros
                total = total + (x[b, first : first + per_group, row, column] * weight[f, :, a, e]).sum()
        out[b, f, i, j] = total
    return out


def conv3d(x, weight, bias=None, stride=1, padding=0):
    n, c, *size = x.shape
    o, c2, *kernel = weight.shape
    if c != c2:
        raise ValueError(f"weight has {c2} channels, x has {c}")
    stride, padding = _triple(stride), _triple(padding)
    if any(s < 1 for s in stride):
        raise ValueError("stride")
    if any(p < 0 for p in padding):
        raise ValueError("padding")
    outs = [(h + 2 * p - k) // s + 1 for h, p, k, s in zip(size, padding, kernel, stride, strict=True)]
    if min(outs) < 1:
        raise ValueError("kernel larger than the padded input")
    out = x.new_empty(n, o, *outs)
    for b, f, z, y, w in product(range(n), range(o), *map(range, outs)):
        total = 0.0
        for c_, *k in product(range(c), *map(range, kernel)):
            place = [q * s + a - p for q, s, a, p in zip((z, y, w), stride, k, padding, strict=True)]
            if all(0 <= q < h for q, h in zip(place, size, strict=True)):
                total += x[(b, c_, *place)].item() * weight[(f, c_, *k)].item()
        out[b, f, z, y, w] = total if bias is None else total + bias[f].item()
    return out


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        kh, kw = _pair(kernel_size)
        if groups < 1 or in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        bound = (in_channels // groups * kh * kw) ** -0.5
        start = torch.rand(out_channels, in_channels // groups, kh, kw, device=device, dtype=dtype)
        self.weight = nn.Parameter((start * 2 - 1) * bound)
        if bias:
            self.bias = nn.Parameter((torch.rand(out_channels, device=device, dtype=dtype) * 2 - 1) * bound)
        else:
            self.bias = None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.mode = padding_mode

    def forward(self, x):
        if self.mode == "zeros":
            return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        around = _same(self.padding, self.stride, self.weight.shape[2:], _pair(self.dilation))
        v, h = max(around[:2]), max(around[2:])
        x = pad2d(x, (v, h), self.mode)  # perhaps one too many at the top and at the left
        x = x[:, :, v - around[0] :, h - around[2] :]
        return conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


assert math.isclose(1 ** -0.5, 1.0)
