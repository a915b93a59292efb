"""as_strided windows for the maximum, an integral image (in float64) for the mean, layers with submodules that pad."""

import math

import torch
from torch import nn


def relu(x):
    return torch.where(x < 0, torch.zeros((), dtype=x.dtype, device=x.device), x)


def _hv(value):
    if isinstance(value, int):
        return value, value
    vertical, horizontal = value
    return vertical, horizontal


def _count(size, k, s, p, d, up):
    span = size + 2 * p - d * (k - 1) - 1
    if span < 0:
        raise ValueError(f"kernel {k} does not fit into {size} with padding {p}")
    n = (math.ceil(span / s) if up else math.floor(span / s)) + 1
    return n - 1 if (n - 1) * s >= size + p else n


def _checked(kernel_size, stride, padding, dilation):
    kernel, padding, dilation = _hv(kernel_size), _hv(padding), _hv(dilation)
    stride = kernel if stride is None else _hv(stride)
    for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True):
        if k <= 0:
            raise ValueError("kernel_size <= 0")
        if s <= 0:
            raise ValueError("stride <= 0")
        if d <= 0:
            raise ValueError("dilation <= 0")
        if p not in range(k // 2 + 1):
            raise ValueError(f"padding must lie between 0 and {k // 2}")
    return kernel, stride, padding, dilation


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    k, s, p, d = _checked(kernel_size, stride, padding, dilation)
    n, c, height, width = x.shape
    rows = _count(height, k[0], s[0], p[0], d[0], ceil_mode)
    columns = _count(width, k[1], s[1], p[1], d[1], ceil_mode)
    below = max(height + p[0], (rows - 1) * s[0] + d[0] * (k[0] - 1) + 1 - p[0])
    right = max(width + p[1], (columns - 1) * s[1] + d[1] * (k[1] - 1) + 1 - p[1])
    framed = x.new_full((n, c, p[0] + below, p[1] + right), -torch.inf)
    framed[:, :, p[0] : p[0] + height, p[1] : p[1] + width] = x
    a, b, e, f = framed.stride()
    windows = framed.as_strided((n, c, rows, columns, *k), (a, b, e * s[0], f * s[1], e * d[0], f * d[1]))
    return windows.amax(dim=(4, 5))


def _rectangle_sums(x, top, bottom, left, right):
    """Sums over rows top … bottom - 1 and columns left … right - 1, from one integral image."""
    whole = torch.zeros(*x.shape[:2], x.shape[2] + 1, x.shape[3] + 1, dtype=torch.float64, device=x.device)
    whole[:, :, 1:, 1:] = x.double().cumsum(2).cumsum(3)
    rows = whole[:, :, bottom] - whole[:, :, top]
    return rows[..., right] - rows[..., left]


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    k, s, p, _ = _checked(kernel_size, stride, padding, 1)
    ends, lengths = [], []
    for axis, size in enumerate(x.shape[2:]):
        n = _count(size, k[axis], s[axis], p[axis], 1, ceil_mode)
        start = torch.arange(n, device=x.device) * s[axis] - p[axis]
        stop = (start + k[axis]).clamp(max=size + p[axis])
        inside = start.clamp(min=0), stop.clamp(max=size)
        ends += inside
        lengths.append(stop - start if count_include_pad else inside[1] - inside[0])
    sums = _rectangle_sums(x, *ends)
    return (sums / torch.outer(*lengths)).to(x.dtype)


def global_avg_pool2d(x):
    return x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]).mean(dim=2)


def flatten(x, start_dim=1):
    if start_dim >= x.dim() or start_dim + x.dim() < 0:
        raise ValueError("start_dim out of range")
    kept = list(x.shape)[:start_dim] if start_dim != 0 else []
    merged = list(x.shape)[start_dim:]
    x = x.clone(memory_format=torch.contiguous_format)
    return x.view(kept + [int(torch.tensor(merged).prod())])


def softmax(x, dim=-1):
    if abs(dim + 0.5) > x.dim():
        raise ValueError(f"dim {dim} is not an axis of {tuple(x.shape)}")
    with torch.no_grad():
        top = x.max(dim=dim, keepdim=True).values
    e = torch.exp(x - top)
    return torch.div(e, torch.sum(e, dim=dim, keepdim=True))


class MaxPool2d(nn.Module):
    """Pads with a module of torch, then slides without padding."""

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        super().__init__()
        _checked(kernel_size, stride, padding, dilation)
        vertical, horizontal = _hv(padding)
        self.pad = nn.ConstantPad2d((horizontal, horizontal, vertical, vertical), -math.inf)
        self.kernel, self.dilation, self.ceil_mode = kernel_size, dilation, ceil_mode
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def forward(self, x):
        if self.ceil_mode:  # the last window's rule needs to know what is padding
            return max_pool2d(x, self.kernel, self.stride, self.padding, self.dilation, True)
        return max_pool2d(self.pad(x), self.kernel, self.stride, 0, self.dilation)


class AvgPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.pool = lambda x: avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
        _checked(kernel_size, stride, padding, 1)

    def forward(self, x):
        return self.pool(x)
