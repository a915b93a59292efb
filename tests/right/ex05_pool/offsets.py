"""One slice for each element of the window, joined with maximum or a sum; a mask counts the elements."""

from itertools import product
from typing import Optional, Tuple, Union

import torch
from torch import Tensor
from torch.nn import Module

Size2 = Union[int, Tuple[int, int]]


def relu(x: Tensor) -> Tensor:
    return torch.maximum(x, x.new_zeros(()))


def _pair(v: Size2) -> Tuple[int, int]:
    return tuple(v) if hasattr(v, "__len__") else (v, v)


class _Plan:
    """The numbers that both poolings need."""

    def __init__(self, x, kernel_size, stride, padding, dilation, ceil_mode):
        self.k, self.p, self.d = _pair(kernel_size), _pair(padding), _pair(dilation)
        self.s = self.k if stride is None else _pair(stride)
        for name, values, low in (("kernel_size", self.k, 1), ("stride", self.s, 1), ("padding", self.p, 0)):
            if any(v < low for v in values):
                raise ValueError(f"{name}={values} is out of range")
        if any(v < 1 for v in self.d):
            raise ValueError(f"dilation={self.d} is out of range")
        if self.p[0] > self.k[0] / 2 or self.p[1] > self.k[1] / 2:
            raise ValueError(f"padding={self.p} is more than half of kernel_size={self.k}")
        self.out = []
        for axis in range(2):
            size = x.shape[2 + axis] + 2 * self.p[axis]
            room = size - self.d[axis] * (self.k[axis] - 1) - 1
            if room < 0:
                raise ValueError("Output size is too small")
            count = room // self.s[axis] + 1
            if ceil_mode and room % self.s[axis] and count * self.s[axis] < size - self.p[axis]:
                count += 1
            self.out.append(count)

    def canvas(self, x: Tensor, outside: float, border: float) -> Tensor:
        """The picture with its border, and `outside` as far as the last windows hang over."""
        n, c, h, w = x.shape
        need = [(o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(self.out, self.s, self.d, self.k)]
        whole = [h + 2 * self.p[0], w + 2 * self.p[1]]
        big = x.new_full((n, c, max(need[0], whole[0]), max(need[1], whole[1])), outside)
        big[:, :, : whole[0], : whole[1]] = border
        big[:, :, self.p[0] : self.p[0] + h, self.p[1] : self.p[1] + w] = x
        return big

    def slices(self, big: Tensor):
        for a, b in product(range(self.k[0]), range(self.k[1])):
            top, left = a * self.d[0], b * self.d[1]
            rows = slice(top, top + (self.out[0] - 1) * self.s[0] + 1, self.s[0])
            yield big[:, :, rows, left : left + (self.out[1] - 1) * self.s[1] + 1 : self.s[1]]


def max_pool2d(
    x: Tensor,
    kernel_size: Size2,
    stride: Optional[Size2] = None,
    padding: Size2 = 0,
    dilation: Size2 = 1,
    ceil_mode: bool = False,
) -> Tensor:
    plan = _Plan(x, kernel_size, stride, padding, dilation, ceil_mode)
    out = None
    for part in plan.slices(plan.canvas(x, float("-inf"), float("-inf"))):
        out = part if out is None else out.maximum(part)
    return out


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    plan = _Plan(x, kernel_size, stride, padding, 1, ceil_mode)
    total = sum(plan.slices(plan.canvas(x, 0.0, 0.0)))
    number = sum(plan.slices(plan.canvas(torch.ones_like(x), 0.0, float(count_include_pad))))
    return total.div(number)


def global_avg_pool2d(x: Tensor) -> Tensor:
    return torch.einsum("nchw->nc", x) / (x.shape[-1] * x.shape[-2])


def flatten(x: Tensor, start_dim: int = 1) -> Tensor:
    if not -x.ndim <= start_dim <= x.ndim - 1:
        raise ValueError(f"Expected start_dim in [{-x.ndim}, {x.ndim - 1}]")
    start_dim %= x.ndim
    for _ in range(x.ndim - start_dim - 1):  # the last two axes become one, again and again
        x = x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])
    return x


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    try:
        return (x - x.logsumexp(dim, keepdim=True)).exp()
    except IndexError as error:
        raise ValueError(str(error)) from error


class _Pool(Module):
    function = None

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.args, self.kwargs = args, kwargs

    def forward(self, x):
        return type(self).function(x, *self.args, **self.kwargs)


class MaxPool2d(_Pool):
    function = staticmethod(max_pool2d)


class AvgPool2d(_Pool):
    function = staticmethod(avg_pool2d)
