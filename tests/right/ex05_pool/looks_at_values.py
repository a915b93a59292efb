"""Branches on values, compares with a mask, boolean indexing: fine on any real device, impossible on "meta"."""

import math

import torch
from torch import nn


def relu(x):
    if not x.isnan().any():
        return x * (x > 0)
    out = torch.zeros_like(x)
    positive = ~(x <= 0)
    out[positive] = x[positive]
    return out


def _as_pair(v):
    return list(v) if isinstance(v, (tuple, list)) else [v, v]


def _grid(x, kernel_size, stride, padding, dilation, ceil_mode):
    k, p, d = _as_pair(kernel_size), _as_pair(padding), _as_pair(dilation)
    s = _as_pair(stride) if stride is not None else k
    if min(k) < 1 or min(s) < 1 or min(d) < 1 or min(p) < 0:
        raise ValueError(f"bad kernel_size {k}, stride {s}, padding {p} or dilation {d}")
    if k[0] < 2 * p[0] or k[1] < 2 * p[1]:
        raise ValueError(f"padding {p} is too large for kernel_size {k}")
    grids = []
    for i, size in enumerate(x.shape[2:]):
        last = size + p[i] - d[i] * (k[i] - 1)  # windows that fit start before this row
        starts = [r for r in range(-p[i], size, s[i]) if r < last]
        if not starts:
            raise ValueError("x is too small for this kernel_size")
        if ceil_mode:
            after = starts[-1] + s[i]
            complete = starts[-1] == last - 1
            starts += [after] * (after < size and not complete)
        grids.append((starts, range(0, d[i] * k[i], d[i])))
    return grids


def _look(x, i, j, rows, columns):
    """All windows' element (a, b), and whether it is in the picture."""
    r = torch.tensor(rows, device=x.device) + i
    q = torch.tensor(columns, device=x.device) + j
    inside = ((r >= 0) & (r < x.shape[2]))[:, None] & ((q >= 0) & (q < x.shape[3]))
    r, q = r.clamp(0, x.shape[2] - 1), q.clamp(0, x.shape[3] - 1)
    return x[:, :, r[:, None], q], inside, (r, q)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    (rows, down), (columns, across) = _grid(x, kernel_size, stride, padding, dilation, ceil_mode)
    best = torch.full((*x.shape[:2], len(rows), len(columns)), -math.inf, dtype=x.dtype, device=x.device)
    for i in down:
        for j in across:
            value, inside, _ = _look(x, i, j, rows, columns)
            better = inside & (value > best)
            if better.any():
                best = torch.where(better, value, best)
    return best


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    (rows, down), (columns, across) = _grid(x, kernel_size, stride, padding, 1, ceil_mode)
    v, h = _as_pair(padding)
    mean, number = 0, torch.zeros(len(rows), len(columns), dtype=x.dtype, device=x.device)
    for i in down:
        for j in across:
            value, inside, _ = _look(x, i, j, rows, columns)
            if count_include_pad:
                r = torch.tensor(rows, device=x.device) + i
                q = torch.tensor(columns, device=x.device) + j
                counts = (r < x.shape[2] + v)[:, None] & (q < x.shape[3] + h)
            else:
                counts = inside
            number = number + counts
            # running mean: m += (value - m) / n wherever the element counts
            change = (torch.where(inside, value, torch.zeros_like(value)) - mean) / number.clamp(min=1)
            mean = mean + torch.where(counts, change, torch.zeros_like(change))
    return mean


def global_avg_pool2d(x):
    return avg_pool2d(x, tuple(x.shape[2:]))[:, :, 0, 0]


def flatten(x, start_dim=1):
    if start_dim not in list(range(-x.dim(), x.dim())):
        raise ValueError(f"start_dim ({start_dim}) should be in the range of x")
    if start_dim < 0:
        return flatten(x, start_dim + x.dim())
    if start_dim == x.dim() - 1:
        return x
    merged = torch.cat(x.unbind(start_dim), dim=start_dim) if x.shape[start_dim] else None
    if merged is None:
        return x.reshape(*x.shape[:start_dim], 0)
    return flatten(merged, start_dim)


def softmax(x, dim=-1):
    if dim > x.dim() - 1 or dim < -x.dim():
        raise ValueError(f"Invalid dim {dim}")
    high = x.detach().amax(dim=dim, keepdim=True)
    shifted = x - high
    if (shifted < -700).any():
        shifted = shifted.clamp(min=-700)
    p = torch.exp(shifted)
    return p * p.sum(dim=dim, keepdim=True).reciprocal()


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        super().__init__()
        if any(v <= 0 for v in _as_pair(kernel_size)):
            raise ValueError(f"kernel_size must be positive, got {kernel_size}")
        if stride is not None and any(v <= 0 for v in _as_pair(stride)):
            raise ValueError(f"stride must be positive, got {stride}")
        self.config = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
        self.kernel_size = kernel_size

    def forward(self, x):
        return max_pool2d(x, self.kernel_size, **self.config)


class AvgPool2d(MaxPool2d):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding)
        self.config = dict(stride=stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad)

    def forward(self, x):
        return avg_pool2d(x, self.kernel_size, **self.config)
