"""The convolution as the linear map that it is: a mask of which input meets which kernel element, by einsum alone.

No window is ever cut out: a 0/1 tensor (output, kernel element, input) for each axis does all of stride, padding,
dilation and even the padding modes. Subclasses of int and of tuple are handed on, errors come late.
"""

import functools
import math
import operator

import torch
from torch import nn


class Pair(tuple):
    """(vertical, horizontal)"""


def _each(value, n):
    return Pair([value] * n) if isinstance(value, int) else Pair(value)


def _meets(size, k, s, before, after, d, like):
    """(outputs, kernel elements, size): 1 where output i meets input j through kernel element a."""
    outs = (size + before + after - d * (k - 1) - 1) // s + 1
    if outs < 1:
        raise ValueError(f"input size {size} is too small for kernel size {k}")
    place = torch.arange(outs, device=like.device)[:, None] * s + torch.arange(k, device=like.device) * d - before
    return (place[..., None] == torch.arange(size, device=like.device)).to(like.dtype)


def pad2d(x, padding, mode="zeros"):
    ways = {
        "zeros": lambda i, n: i,
        "replicate": lambda i, n: min(max(i, 0), n - 1),
        "circular": lambda i, n: i % n,
        "reflect": lambda i, n: (n - 1) - abs((n - 1) - abs(i)),
    }
    if mode not in ways:
        raise ValueError("mode: " + str(mode))
    out = x
    for p, axis in zip(_each(padding, 2), (2, 3)):
        n = x.shape[axis]
        if not 0 <= p <= {"reflect": n - 1, "circular": n}.get(mode, math.inf):
            raise ValueError("padding: " + str(padding))
        columns = [ways[mode](i, n) for i in range(-p, n + p)]
        pieces = [
            out.select(axis, i) if 0 <= i < n else torch.zeros_like(out.select(axis, 0)) for i in columns
        ]
        out = torch.stack(pieces, dim=axis)
    return out


def _map(x, weight, bias, masks, groups):
    letters = "yxz"[: len(masks)], "ijk"[: len(masks)], "hwd"[: len(masks)]
    terms = [o + k + i for o, k, i in zip(*letters)]
    equation = f"ngc{letters[2]},goc{letters[1]},{','.join(terms)}->ngo{letters[0]}"
    split = x.view(x.shape[0], groups, -1, *x.shape[2:]) if x.is_contiguous() else x.unflatten(1, (groups, -1))
    out = torch.einsum(equation, split, weight.unflatten(0, (groups, -1)), *masks).flatten(1, 2)
    if bias is not None:
        out.transpose(1, -1).add_(bias)  # in place, but in our own result
    return out


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups < 1 or operator.mod(x.shape[1], groups) or operator.mod(weight.shape[0], groups):
        raise ValueError("channels are not divisible by groups")
    if x.shape[1] // groups != weight.shape[1]:
        raise ValueError("x.shape[1] and weight.shape[1] do not match")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError("bias.shape is wrong")
    stride, dilation = _each(stride, 2), _each(dilation, 2)
    if not all(s > 0 for s in stride) or not all(d > 0 for d in dilation):
        raise ValueError("stride and dilation must be positive")
    lost = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ValueError("stride must be 1 where the size is to stay the same")
        ends = [(n // 2, n - n // 2) for n in lost]
    elif padding == "valid":
        ends = [(0, 0), (0, 0)]
    elif isinstance(padding, str):
        raise ValueError("padding must be 'same' or 'valid'")
    else:
        ends = [(p, p) for p in _each(padding, 2)]
        if any(p < 0 for p, _ in ends):
            raise ValueError("padding must not be negative")
    masks = [
        _meets(size, k, s, a, b, d, x)
        for size, k, s, (a, b), d in zip(x.shape[2:], weight.shape[2:], stride, ends, dilation)
    ]
    return _map(x, weight, bias, masks, groups)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    stride, padding = _each(stride, 3), _each(padding, 3)
    if min(stride) < 1:
        raise ValueError("stride < 1")
    if min(padding) < 0:
        raise ValueError("padding < 0")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("x.shape[1] != weight.shape[1]")
    masks = [_meets(n, k, s, p, p, 1, x) for n, k, s, p in zip(x.shape[2:], weight.shape[2:], stride, padding)]
    return _map(x, weight, bias, masks, 1)


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        shape = out_channels, in_channels // groups, *_each(kernel_size, 2)
        if in_channels % groups or out_channels % groups:
            raise ValueError("groups")
        bound = math.prod(shape[1:]) ** -0.5
        draw = functools.partial(torch.distributions.Uniform(-bound, bound).sample)
        self.weight = nn.Parameter(draw(shape).to(device=device, dtype=dtype or torch.get_default_dtype()))
        self.bias = (
            nn.Parameter(draw((out_channels,)).to(device=device, dtype=dtype or torch.get_default_dtype())) if bias else None
        )
        self.apply_to = functools.partial(conv2d, stride=stride, dilation=dilation, groups=groups)
        if padding == "same" and padding_mode != "zeros":
            lost = [d * (k - 1) for d, k in zip(_each(dilation, 2), shape[2:])]
            if _each(stride, 2) != (1, 1):
                raise ValueError("stride")
            self.grow = lambda x: pad2d(x, [n - n // 2 for n in lost], padding_mode)[:, :, lost[0] % 2 :, lost[1] % 2 :]
            padding = 0
        elif padding_mode != "zeros":
            self.grow = lambda x: pad2d(x, 0 if padding == "valid" else padding, padding_mode)
        else:
            self.grow = None
        self.padding = padding

    def forward(self, x):
        if self.grow is None:
            return self.apply_to(x, self.weight, self.bias, padding=self.padding)
        return self.apply_to(self.grow(x), self.weight, self.bias)
