"""F.unfold and one matrix product; groups by a block-diagonal weight; answers in unusual memory layouts."""

import math
from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F

IntOrPair = Union[int, Tuple[int, int]]


def to_tuple(v, n):
    if isinstance(v, int):
        return tuple([v] * n)
    assert len(v) == n
    return tuple(v)


def pad2d(x: torch.Tensor, padding: IntOrPair, mode: str = "zeros") -> torch.Tensor:
    """Fancy indexing with all rows and columns at once; zeros by a mask."""
    v, h = to_tuple(padding, 2)
    n, c, rows, cols = x.shape
    if min(v, h) < 0:
        raise ValueError("padding must be >= 0")
    i = torch.arange(-v, rows + v, device=x.device)
    j = torch.arange(-h, cols + h, device=x.device)
    if mode == "zeros":
        inside = ((i >= 0) & (i < rows))[:, None] & ((j >= 0) & (j < cols))[None, :]
        picked = x[:, :, i.clamp(0, rows - 1)[:, None], j.clamp(0, cols - 1)[None, :]]
        return torch.where(inside, picked, torch.zeros((), dtype=x.dtype, device=x.device))
    if mode == "replicate":
        i, j = i.clamp(0, rows - 1), j.clamp(0, cols - 1)
    elif mode == "circular":
        if v > rows or h > cols:
            raise ValueError("Padding value causes wrapping around more than once.")
        i, j = i.remainder(rows), j.remainder(cols)
    elif mode == "reflect":
        if v > rows - 1 or h > cols - 1:
            raise ValueError("Padding size should be less than the corresponding input dimension")
        i = torch.where(i < 0, -i, i)
        i = torch.where(i >= rows, 2 * rows - 2 - i, i)
        j = torch.where(j < 0, -j, j)
        j = torch.where(j >= cols, 2 * cols - 2 - j, j)
    else:
        raise ValueError("mode must be zeros, reflect, replicate or circular")
    return x[:, :, i][:, :, :, j].to(memory_format=torch.channels_last)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    O, Cg, kH, kW = weight.shape
    if groups < 1 or C % groups or O % groups or Cg * groups != C:
        raise ValueError(f"Given groups={groups}, weight of size {list(weight.shape)}, x of size {list(x.shape)}")
    if bias is not None and (bias.ndim != 1 or len(bias) != O):
        raise ValueError(f"Expected bias to be 1-dimensional with {O} elements")
    s, d = to_tuple(stride, 2), to_tuple(dilation, 2)
    if any(v <= 0 for v in s):
        raise ValueError("non-positive stride is not supported")
    if any(v <= 0 for v in d):
        raise ValueError("dilation should be greater than zero")
    if padding == "same":
        if s != (1, 1):
            raise ValueError("padding='same' is not supported for strided convolutions")
        tv, th = d[0] * (kH - 1), d[1] * (kW - 1)
        x = F.pad(x, [th // 2, math.ceil(th / 2), tv // 2, math.ceil(tv / 2)])
        p = (0, 0)
    elif padding == "valid":
        p = (0, 0)
    elif isinstance(padding, str):
        raise ValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
    else:
        p = to_tuple(padding, 2)
        if min(p) < 0:
            raise ValueError("negative padding is not supported")
    oH = (x.shape[2] + 2 * p[0] - d[0] * (kH - 1) - 1) // s[0] + 1
    oW = (x.shape[3] + 2 * p[1] - d[1] * (kW - 1) - 1) // s[1] + 1
    if oH <= 0 or oW <= 0:
        raise ValueError("Kernel size can't be greater than actual input size")
    columns = F.unfold(x, (kH, kW), dilation=d, padding=p, stride=s)  # N, C kH kW, L
    if groups > 1:  # zeros where a filter must not look
        blocks = torch.block_diag(*[part.reshape(O // groups, -1) for part in weight.chunk(groups)])
    else:
        blocks = weight.reshape(O, -1)
    out = columns.transpose(1, 2) @ blocks.t()  # N, L, O
    if bias is not None:
        out = out + bias
    return out.transpose(1, 2).unflatten(2, (oH, oW))  # channels last, so to say


def conv3d(x, weight, bias=None, stride=1, padding=0):
    """unfold along the depth, then two dimensions with the depth of the kernel in the channels."""
    s, p = to_tuple(stride, 3), to_tuple(padding, 3)
    N, C = x.shape[:2]
    O, Cw, kD, kH, kW = weight.shape
    if C != Cw:
        raise ValueError(f"weight has {Cw} input channels and x has {C}")
    if s[0] < 1:
        raise ValueError("stride must be at least 1")
    if p[0] < 0:
        raise ValueError("padding must be at least 0")
    x = torch.cat([x.new_zeros(N, C, p[0], *x.shape[3:]), x, x.new_zeros(N, C, p[0], *x.shape[3:])], 2)
    if kD > x.shape[2]:
        raise ValueError("kernel does not fit into the depth")
    w = x.unfold(2, kD, s[0])  # N, C, oD, H, W, kD
    oD = w.shape[2]
    flat = w.permute(0, 2, 1, 5, 3, 4).reshape(N * oD, C * kD, *x.shape[3:])
    out = conv2d(flat, weight.reshape(O, C * kD, kH, kW), bias, s[1:], p[1:])
    return out.reshape(N, oD, O, *out.shape[2:]).transpose(1, 2)


class Conv2d(torch.nn.Module):
    weight: torch.Tensor
    bias: Optional[torch.Tensor]

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        # nn.Conv2d itself knows its initial values and what it refuses: borrow both. It is not called.
        model = torch.nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.weight = model.weight
        self.register_parameter("bias", model.bias)
        self.stride, self.dilation, self.groups = model.stride, model.dilation, model.groups
        self.padding, self.padding_mode = model.padding, model.padding_mode
        self.around = list(model._reversed_padding_repeated_twice)

    def forward(self, x):
        if self.padding_mode == "zeros":
            return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        try:
            x = F.pad(x, self.around, mode=self.padding_mode)
        except RuntimeError as error:
            raise ValueError(f"padding {self.padding}: {error}") from error
        return conv2d(x, self.weight, self.bias, self.stride, "valid", self.dilation, self.groups)
