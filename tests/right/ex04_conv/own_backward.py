"""conv2d as an autograd.Function with a backward written by hand; pad2d and conv3d in numpy, there and back.

Nothing says that pad2d and conv3d have to be differentiable on their own: the layer pads with another helper.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def _tuple(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def pad2d(x, padding, mode="zeros"):
    v, h = _tuple(padding, 2)
    image = x.detach().cpu().numpy()
    for p, axis in ((v, 2), (h, 3)):
        size = image.shape[axis]
        index = np.arange(-p, size + p)
        match mode:
            case _ if p < 0:
                raise ValueError(f"padding {p} < 0")
            case "zeros":
                image = np.insert(image, [0] * p + [size] * p, 0, axis=axis)
            case "replicate":
                image = np.take(image, index, axis=axis, mode="clip")
            case "circular" if p <= size:
                image = np.take(image, index, axis=axis, mode="wrap")
            case "reflect" if p < size:
                image = np.take(image, (size - 1) - np.abs((size - 1) - np.abs(index)), axis=axis)
            case "circular" | "reflect":
                raise ValueError(f"padding {p} is too large")
            case _:
                raise ValueError(f"mode {mode!r}")
    return torch.from_numpy(np.ascontiguousarray(image)).to(x.device)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding, dilation):
        """x and weight of one group; padding is (top, bottom, left, right)."""
        top, bottom, left, right = padding
        height, width = x.shape[2] + top + bottom, x.shape[3] + left + right
        big = x.new_zeros(*x.shape[:2], height, width)
        big[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
        kernel = weight.shape[2:]
        out_size = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip((height, width), kernel, stride, dilation)]
        columns = F.unfold(big, kernel, dilation=dilation, stride=stride)
        out = weight.flatten(1) @ columns + bias[:, None]
        ctx.save_for_backward(columns, weight)
        ctx.frame = (height, width), kernel, stride, dilation, (top, left), x.shape
        return out.reshape(x.shape[0], weight.shape[0], *out_size)

    @staticmethod
    def backward(ctx, grad):
        columns, weight = ctx.saved_tensors
        size, kernel, stride, dilation, (top, left), shape = ctx.frame
        flat = grad.flatten(2)
        grad_x = grad_w = grad_b = None
        if ctx.needs_input_grad[0]:
            big = F.fold(weight.flatten(1).t() @ flat, size, kernel, dilation=dilation, stride=stride)
            grad_x = big[:, :, top : top + shape[2], left : left + shape[3]]
        if ctx.needs_input_grad[1]:
            grad_w = torch.einsum("nol,nkl->ok", flat, columns).reshape(weight.shape)
        if ctx.needs_input_grad[2]:
            grad_b = flat.sum((0, 2))
        return grad_x, grad_w, grad_b, None, None, None


def _ends(padding, kernel, stride, dilation):
    if padding == "same":
        if stride != (1, 1):
            raise ValueError("padding='same' takes no stride")
        lost = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return lost[0] // 2, lost[0] - lost[0] // 2, lost[1] // 2, lost[1] - lost[1] // 2
    if padding == "valid":
        return 0, 0, 0, 0
    if isinstance(padding, str):
        raise ValueError(f"padding {padding!r}")
    v, h = _tuple(padding, 2)
    if v < 0 or h < 0:
        raise ValueError(f"padding {padding!r}")
    return v, v, h, h


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = _tuple(stride, 2), _tuple(dilation, 2)
    outs, depth, *kernel = weight.shape
    if min(stride) < 1:
        raise ValueError("stride")
    if min(dilation) < 1:
        raise ValueError("dilation")
    if groups < 1 or outs % groups or depth * groups != x.shape[1]:
        raise ValueError("weight, groups and the channels of x have to match")
    if bias is None:
        bias = weight.new_zeros(outs)
    elif bias.shape != (outs,):
        raise ValueError("bias")
    ends = _ends(padding, kernel, stride, dilation)
    for n, k, d, more in zip(x.shape[2:], kernel, dilation, (ends[0] + ends[1], ends[2] + ends[3])):
        if n + more < d * (k - 1) + 1:
            raise ValueError("the kernel does not fit")
    parts = [
        _Convolution.apply(*part, stride, ends, dilation)
        for part in zip(x.split(depth, 1), weight.split(outs // groups), bias.split(outs // groups))
    ]
    return parts[0] if groups == 1 else torch.cat(parts, 1)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    stride, padding = _tuple(stride, 3), _tuple(padding, 3)
    if x.shape[1] != weight.shape[1]:
        raise ValueError("x and weight have different channels")
    if min(stride) <= 0 or min(padding) < 0:
        raise ValueError(f"stride {stride} or padding {padding}")
    volume = x.detach().cpu().numpy()
    for axis, p in enumerate(padding, start=2):
        volume = np.insert(volume, [0] * p + [volume.shape[axis]] * p, 0, axis=axis)
    if any(k > n for k, n in zip(weight.shape[2:], volume.shape[2:])):
        raise ValueError("kernel larger than the volume")
    windows = np.lib.stride_tricks.sliding_window_view(volume, weight.shape[2:], axis=(2, 3, 4))
    windows = windows[:, :, :: stride[0], :: stride[1], :: stride[2]]
    out = np.einsum("nczyxijk,ocijk->nozyx", windows, weight.detach().cpu().numpy())
    if bias is not None:
        out = out + bias.detach().cpu().numpy()[:, None, None, None]
    return torch.from_numpy(out).to(device=x.device, dtype=x.dtype)


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups {groups}")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"padding_mode {padding_mode}")
        super().__init__()
        kernel = _tuple(kernel_size, 2)
        bound = (in_channels // groups * kernel[0] * kernel[1]) ** -0.5
        shapes = {"weight": (out_channels, in_channels // groups, *kernel), "bias": (out_channels,)}
        for name, shape in shapes.items():
            value = None
            if bias or name == "weight":
                value = nn.Parameter(torch.empty(shape, device=device, dtype=dtype).uniform_(-bound, bound))
            self.register_parameter(name, value)
        self.stride, self.dilation = _tuple(stride, 2), _tuple(dilation, 2)
        self.groups, self.padding, self.mode = groups, padding, padding_mode
        self.ends = _ends(padding, kernel, self.stride, self.dilation)

    def forward(self, x):
        if self.mode == "zeros":
            return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        top, bottom, left, right = self.ends
        for size, most in zip(x.shape[2:], (max(top, bottom), max(left, right))):
            if most > {"reflect": size - 1, "circular": size}.get(self.mode, most):
                raise ValueError(f"padding {self.padding} is too large for an input of {size}")
        x = F.pad(x, (left, right, top, bottom), mode=self.mode)
        return conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
