"""Slices of the input, one for every kernel element, added up; the layer leaves all its questions to forward."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MODES = ["zeros", "reflect", "replicate", "circular"]


class BadArgument(ValueError):
    pass


def _need(condition: bool, text: str) -> None:
    if not condition:
        raise BadArgument(text)


def _many(value, count: int) -> list[int]:
    return list(value) if isinstance(value, (tuple, list)) else [int(value)] * count


def pad2d(x: Tensor, padding: int | tuple[int, int], mode: str = "zeros") -> Tensor:
    """Built with cat of pieces of x."""
    _need(mode in MODES, f"mode: {mode!r} is none of {MODES}")
    for axis, p in zip((-2, -1), _many(padding, 2)):
        size = x.size(axis)
        _need(p >= 0, f"padding={padding}: negative")
        _need(mode != "reflect" or p < size, f"padding={padding}: only sizes above it can be reflected")
        _need(mode != "circular" or p <= size, f"padding={padding}: more than once around")
        if p == 0:
            continue
        if mode == "zeros":
            before = after = torch.zeros_like(x.narrow(axis, 0, 1)).repeat_interleave(p, dim=axis)
        elif mode == "replicate":
            before = x.narrow(axis, 0, 1).repeat_interleave(p, dim=axis)
            after = x.narrow(axis, size - 1, 1).repeat_interleave(p, dim=axis)
        elif mode == "reflect":
            before, after = x.narrow(axis, 1, p).flip(axis), x.narrow(axis, size - 1 - p, p).flip(axis)
        else:
            before, after = x.narrow(axis, size - p, p), x.narrow(axis, 0, p)
        x = torch.cat((before, x, after), axis)
    return x


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    out_channels, depth, kh, kw = weight.shape
    (sh, sw), (dh, dw) = _many(stride, 2), _many(dilation, 2)
    _need(sh > 0 and sw > 0, f"stride {stride}")
    _need(dh > 0 and dw > 0, f"dilation {dilation}")
    _need(groups > 0 and x.size(1) % groups == 0 and out_channels % groups == 0, f"{groups} groups do not divide")
    _need(x.size(1) == depth * groups, f"expected input with {depth * groups} channels, got {x.size(1)}")
    _need(bias is None or bias.shape == (out_channels,), "bias and weight disagree")
    if padding == "same":
        _need(sh == sw == 1, f"stride {stride} with padding 'same'")
        lh, lw = dh * (kh - 1), dw * (kw - 1)
        x = F.pad(x, (lw // 2, lw - lw // 2, lh // 2, lh - lh // 2))
    elif padding != "valid":
        _need(not isinstance(padding, str), f"unknown padding {padding}")
        ph, pw = _many(padding, 2)
        _need(ph >= 0 and pw >= 0, f"padding {padding} is negative")
        x = F.pad(x, (pw, pw, ph, ph))
    oh = (x.size(2) - dh * (kh - 1) - 1) // sh + 1
    ow = (x.size(3) - dw * (kw - 1) - 1) // sw + 1
    _need(oh > 0 and ow > 0, f"a kernel of {kh} x {kw} does not fit")
    parts = []
    for images, filters in zip(x.chunk(groups, dim=1), weight.chunk(groups, dim=0)):
        total = 0
        for a in range(kh):
            for b in range(kw):
                seen = images[:, :, a * dh : a * dh + (oh - 1) * sh + 1 : sh, b * dw : b * dw + (ow - 1) * sw + 1 : sw]
                total = total + torch.einsum("nchw,oc->nohw", seen, filters[:, :, a, b])
        parts.append(total)
    out = torch.cat(parts, 1)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    """A sum of two-dimensional convolutions over the slices of the kernel's depth."""
    (sd, *flat_stride), (pd, *flat_padding) = _many(stride, 3), _many(padding, 3)
    _need(sd > 0, f"stride {stride}")
    _need(pd >= 0, f"padding {padding} is negative")
    _need(x.dim() == 5 and weight.dim() == 5, "x and weight have five axes")
    if pd:
        x = F.pad(x, (0, 0, 0, 0, pd, pd))
    kd = weight.size(2)
    od = (x.size(2) - kd) // sd + 1
    _need(od > 0, "the kernel is deeper than x")
    slices = []
    for z in range(od):
        flats = [
            conv2d(x[:, :, z * sd + k], weight[:, :, k], None, tuple(flat_stride), tuple(flat_padding)) for k in range(kd)
        ]
        slices.append(sum(flats))
    out = torch.stack(slices, dim=2)
    return out if bias is None else out + bias.view(-1, 1, 1, 1)


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self.settings = dict(stride=stride, dilation=dilation, groups=groups)
        self.padding, self.mode = padding, padding_mode
        kernel = _many(kernel_size, 2)
        self.weight = nn.Parameter(
            torch.empty([out_channels, in_channels // max(groups, 1), *kernel], device=device, dtype=dtype)
        )
        self.bias = nn.Parameter(torch.empty([out_channels], device=device, dtype=dtype)) if bias else None
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        if self.bias is not None:
            fan_in, _ = nn.init._calculate_fan_in_and_fan_out(self.weight)
            nn.init.uniform_(self.bias, -(fan_in**-0.5), fan_in**-0.5)

    def forward(self, x):
        padding = self.padding
        _need(self.mode in MODES, f"padding_mode {self.mode!r} is unknown")
        if self.mode != "zeros" and padding != "valid":
            if padding == "same":
                _need(_many(self.settings["stride"], 2) == [1, 1], "stride must be 1 with 'same'")
                d, k = _many(self.settings["dilation"], 2), self.weight.shape[2:]
                lost = [d[0] * (k[0] - 1), d[1] * (k[1] - 1)]
                x = pad2d(x, tuple((n + 1) // 2 for n in lost), self.mode)
                x = x[:, :, lost[0] % 2 :, lost[1] % 2 :]
            else:
                x = pad2d(x, padding, self.mode)
            padding = 0
        return conv2d(x, self.weight, self.bias, padding=padding, **self.settings)
