"""Loops over images, channels and positions, each window cut out of the picture and clipped to it: slow, and right."""

import math

import torch
from torch import nn


def _two(value, name):
    a, b = (value, value) if isinstance(value, int) else value
    if a < 0 or b < 0:
        raise ValueError(f"{name} is negative: {value}")
    return a, b


def _steps(size, k, s, p, d, ceil_mode):
    """Where the windows start, counted in the picture itself."""
    if k == 0 or s == 0 or d == 0:
        raise ValueError("kernel_size, stride and dilation must not be 0")
    if 2 * p > k:
        raise ValueError("pad should be at most half of the kernel")
    start, starts = -p, []
    while start + d * (k - 1) < size + p:
        starts.append(start)
        start += s
    if not starts:
        raise ValueError(f"the window ({k}, dilated by {d}) is larger than the image ({size})")
    last_end = starts[-1] + d * (k - 1) + 1
    if ceil_mode and last_end < size + p and start < size:
        starts.append(start)
    return starts


def relu(x):
    out = x.clone()
    flat = out.reshape(-1)
    for i in range(flat.numel()):
        if flat[i] < 0:
            flat[i] = 0.0
    return flat.reshape(x.shape)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    kh, kw = _two(kernel_size, "kernel_size")
    sh, sw = _two(kernel_size if stride is None else stride, "stride")
    ph, pw = _two(padding, "padding")
    dh, dw = _two(dilation, "dilation")
    n, c, height, width = x.shape
    rows = _steps(height, kh, sh, ph, dh, ceil_mode)
    columns = _steps(width, kw, sw, pw, dw, ceil_mode)
    out = torch.full((n, c, len(rows), len(columns)), -math.inf, dtype=x.dtype, device=x.device)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            seen = [
                x[:, :, r, q]
                for r in range(top, top + dh * (kh - 1) + 1, dh)
                for q in range(left, left + dw * (kw - 1) + 1, dw)
                if 0 <= r < height and 0 <= q < width
            ]
            if seen:
                out[:, :, i, j] = torch.stack(seen).max(dim=0)[0]
    return out


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    kh, kw = _two(kernel_size, "kernel_size")
    sh, sw = _two(kernel_size if stride is None else stride, "stride")
    ph, pw = _two(padding, "padding")
    n, c, height, width = x.shape
    rows = _steps(height, kh, sh, ph, 1, ceil_mode)
    columns = _steps(width, kw, sw, pw, 1, ceil_mode)
    out = x.new_empty(n, c, len(rows), len(columns))
    for b in range(n):
        for k in range(c):
            for i, top in enumerate(rows):
                for j, left in enumerate(columns):
                    window = x[b, k, max(top, 0) : top + kh, max(left, 0) : left + kw]
                    number = window.numel()
                    if count_include_pad:
                        number = (min(top + kh, height + ph) - top) * (min(left + kw, width + pw) - left)
                    out[b, k, i, j] = window.sum() / number
    return out


def global_avg_pool2d(x):
    n, c, h, w = x.shape
    return torch.stack([torch.stack([x[i, j].sum() / (h * w) for j in range(c)]) for i in range(n)])


def flatten(x, start_dim=1):
    dims = x.dim()
    if start_dim < -dims or start_dim >= dims:
        raise ValueError(f"Dimension out of range: start_dim {start_dim}")
    while start_dim < 0:
        start_dim += dims
    shape = list(x.shape[: start_dim + 1])
    for size in x.shape[start_dim + 1 :]:
        shape[-1] *= size
    return x.contiguous().view(shape)


def softmax(x, dim=-1):
    if dim not in range(-x.dim(), x.dim()):
        raise ValueError(f"there is no axis {dim}")
    parts = x.unbind(dim)
    largest = parts[0]
    for part in parts[1:]:
        largest = torch.where(part > largest, part, largest)
    powers = [math.e ** (part - largest) for part in parts]
    total = sum(powers)
    return torch.stack([power / total for power in powers], dim)


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        super().__init__()
        self.arguments = (kernel_size, stride, padding, dilation, ceil_mode)

    def forward(self, x):
        return max_pool2d(x, *self.arguments)


class AvgPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.arguments = (kernel_size, stride, padding, ceil_mode, count_include_pad)

    def forward(self, x):
        return avg_pool2d(x, *self.arguments)
