"""torch.vmap over images and groups; padding by gather; dataclass settings; one rule for any number of axes."""

import dataclasses
import math

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a convolution."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    def __post_init__(self):
        if self.stride < 1:
            raise ValueError(f"stride must be at least 1, not {self.stride}")
        if self.dilation < 1:
            raise ValueError(f"dilation must be at least 1, not {self.dilation}")
        if min(self.before, self.after) < 0:
            raise ValueError(f"padding must be at least 0, not {self.before}")

    def __call__(self, size):
        n = (size + self.before + self.after - self.dilation * (self.kernel - 1) - 1) // self.stride + 1
        if n < 1:
            raise ValueError(f"kernel size {self.kernel} is too large for an input of size {size}")
        return n


def expand(value, n):
    return [value] * n if isinstance(value, int) else [*value]


def axes(kernel, stride, padding, dilation):
    n = len(kernel)
    stride, dilation = expand(stride, n), expand(dilation, n)
    if padding == "same":
        if any(s > 1 for s in stride):
            raise ValueError("stride > 1 with padding='same'")
        lost = [d * (k - 1) for k, d in zip(kernel, dilation)]
        before, after = [e // 2 for e in lost], [-(-e // 2) for e in lost]
    elif isinstance(padding, str):
        if padding != "valid":
            raise ValueError(f"padding is 'same', 'valid' or a number, not {padding!r}")
        before = after = [0] * n
    else:
        before = after = expand(padding, n)
    return [Axis(*setting) for setting in zip(kernel, stride, dilation, before, after)]


def extend(x, dim, before, after, mode):
    """Longer along one axis, by gather from x and a mask for the zeros."""
    size = x.shape[dim]
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(f"mode {mode!r} does not exist")
    if before < 0 or after < 0:
        raise ValueError("padding cannot be negative")
    if max(before, after) > {"reflect": size - 1, "circular": size}.get(mode, math.inf):
        raise ValueError(f"padding ({before}, {after}) does not suit size {size} and mode {mode!r}")
    place = torch.arange(-before, size + after, device=x.device)
    if mode == "circular":
        source = place % size
    elif mode == "reflect":
        period = max(1, 2 * (size - 1))
        source = torch.minimum(place % period, (-place) % period)
    else:
        source = place.clamp(0, size - 1)
    shape = [1] * x.dim()
    shape[dim] = -1
    index = source.view(shape).expand(*x.shape[:dim], len(place), *x.shape[dim + 1 :])
    out = x.gather(dim, index)
    if mode == "zeros":
        out = out.masked_fill(((place < 0) | (place >= size)).view(shape), 0)
    return out


def pad2d(x, padding, mode="zeros"):
    v, h = expand(padding, 2)
    return extend(extend(x, 3, h, h, mode), 2, v, v, mode)


def convolve(x, weight, bias, settings, groups):
    if groups < 1 or weight.shape[0] % groups or x.shape[1] % groups or x.shape[1] != weight.shape[1] * groups:
        raise ValueError(f"shapes {x.shape} and {weight.shape} do not match for groups={groups}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias of shape {bias.shape} for weight of shape {weight.shape}")
    for axis in settings:
        if axis(10**9) < 1:
            raise ValueError
    sizes = [axis(size) for axis, size in zip(settings, x.shape[2:])]
    for dim, axis in enumerate(settings, start=2):
        x = extend(x, dim, axis.before, axis.after, "zeros")
    for dim, (axis, size) in enumerate(zip(settings, sizes)):
        seen = torch.arange(size, device=x.device)[:, None] * axis.stride
        seen = seen + torch.arange(axis.kernel, device=x.device)[None] * axis.dilation
        x = x.movedim(2 + dim, -1)[..., seen].movedim(-2, 2 + dim)  # the kernel axes gather at the end
    n = len(settings)

    def one_group(image, filters):  # (c, *out, *kernel), (o, c, *kernel) -> (o, *out)
        return torch.tensordot(filters, image, dims=([*range(1, n + 2)], [0, *range(n + 1, 2 * n + 1)]))

    images, filters = x.unflatten(1, (groups, -1)), weight.unflatten(0, (groups, -1))
    out = torch.vmap(torch.vmap(one_group), in_dims=(0, None))(images, filters).flatten(1, 2)
    if bias is not None:
        out = (out.movedim(1, -1) + bias).movedim(-1, 1)
    return out


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return convolve(x, weight, bias, axes(weight.shape[2:], stride, padding, dilation), groups)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    return convolve(x, weight, bias, axes(weight.shape[2:], stride, padding, 1), 1)


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        kernel = expand(kernel_size, 2)
        self.axes, self.groups, self.mode = axes(kernel, stride, padding, dilation), groups, padding_mode
        if groups < 1 or any(channels % groups for channels in (in_channels, out_channels)):
            raise ValueError("the number of channels has to be a multiple of groups")
        spread = 1 / math.sqrt(in_channels / groups * math.prod(kernel))

        def start(*shape):
            return nn.Parameter(spread - 2 * spread * torch.rand(*shape, device=device, dtype=dtype))

        self.weight = start(out_channels, in_channels // groups, *kernel)
        self.bias = start(out_channels) if bias else None

    def forward(self, x):
        for dim, axis in enumerate(self.axes, start=2):
            x = extend(x, dim, axis.before, axis.after, self.mode)
        inner = [dataclasses.replace(axis, before=0, after=0) for axis in self.axes]
        return convolve(x, self.weight, self.bias, inner, self.groups)
