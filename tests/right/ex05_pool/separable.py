"""One axis after the other: the maximum of maxima, and the mean as two matrix products. Layers check when called."""

import math
from dataclasses import astuple, dataclass
from functools import partial

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Axis:
    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    ceil_mode: bool

    def __post_init__(self):
        for name, low in {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} = {getattr(self, name)} is smaller than {low}")
        if self.padding > self.kernel // 2:
            raise ValueError(f"padding {self.padding} with kernel {self.kernel}")
        if self.dilation * (self.kernel - 1) >= self.size + 2 * self.padding:
            raise ValueError(f"kernel {self.kernel} is too large for {self.size}")

    def starts(self) -> list[int]:
        """In the picture's own rows, the padding has negative ones."""
        reach = self.dilation * (self.kernel - 1)
        whole = [i for i in range(-self.padding, self.size + self.padding - reach, self.stride)]
        after = whole[-1] + self.stride
        hangs_over = self.ceil_mode and whole[-1] + reach < self.size + self.padding - 1 and after < self.size
        return [*whole, after] if hangs_over else whole

    def seen(self) -> list[list[int]]:
        """The rows that each window looks at."""
        taps = [[i + self.dilation * a for a in range(self.kernel)] for i in self.starts()]
        return [[i for i in rows if 0 <= i < self.size] for rows in taps]


def axes(x, kernel_size, stride, padding, dilation, ceil_mode) -> list[Axis]:
    settings = [kernel_size, kernel_size if stride is None else stride, padding, dilation]
    pairs = [(v, v) if isinstance(v, int) else v for v in settings]
    return [Axis(size, *numbers, ceil_mode) for size, *numbers in zip(x.shape[2:], *pairs, strict=True)]


def relu(x: Tensor) -> Tensor:
    return x - x.clamp(max=0)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    for dim, axis in enumerate(axes(x, kernel_size, stride, padding, dilation, ceil_mode), start=2):
        nothing = torch.full_like(x.select(dim, 0), -math.inf)
        best = [x[(slice(None),) * dim + (rows,)].amax(dim) if rows else nothing for rows in axis.seen()]
        x = torch.stack(best, dim)
    return x


def averages(axis: Axis, include: bool) -> list[list[float]]:
    """The matrix that takes the means along one axis, row by row."""
    lines = []
    for start, rows in zip(axis.starts(), axis.seen(), strict=True):
        number = min(start + axis.kernel, axis.size + axis.padding) - start if include else len(rows)
        lines.append([1 / number if i in rows else 0.0 for i in range(axis.size)])
    return lines


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    vertical, horizontal = axes(x, kernel_size, stride, padding, 1, ceil_mode)
    matrix = partial(torch.tensor, dtype=x.dtype, device=x.device)
    down = matrix(averages(vertical, count_include_pad))
    across = matrix(averages(horizontal, count_include_pad))
    return down @ x @ across.T


def global_avg_pool2d(x: Tensor) -> Tensor:
    h, w = x.shape[2:]
    return torch.einsum("nchw,h,w->nc", x, x.new_full((h,), 1 / h), x.new_full((w,), 1 / w))


def flatten(x: Tensor, start_dim: int = 1) -> Tensor:
    try:
        first = range(x.dim())[start_dim]
    except IndexError:
        raise ValueError(f"start_dim={start_dim} does not exist in a tensor of {x.dim()} dimensions") from None
    rows = math.prod(x.shape[:first])
    columns = math.prod(x.shape[first:])
    return x.reshape(rows, columns).unflatten(0, x.shape[:first]) if first else x.reshape(columns)


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    if dim >= x.dim() or dim < -x.dim():
        raise ValueError("dim out of range")
    x = x.transpose(dim, -1)
    x = x - x.max(-1)[0].unsqueeze(-1)
    weights = x.exp()
    return (weights / (weights @ weights.new_ones(weights.shape[-1], 1))).transpose(-1, dim)


@dataclass(eq=False)
class _Settings(nn.Module):
    def __post_init__(self):
        pass

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        nn.Module.__init__(self)
        return self


@dataclass(eq=False)
class MaxPool2d(_Settings):
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    ceil_mode: bool = False

    def forward(self, x):
        return max_pool2d(x, *astuple(self))


@dataclass(eq=False)
class AvgPool2d(_Settings):
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: int | tuple[int, int] = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def forward(self, x):
        return avg_pool2d(x, *astuple(self))
