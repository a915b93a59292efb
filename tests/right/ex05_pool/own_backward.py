"""autograd.Functions with a backward of their own, on indices into the flattened picture; answers may be expanded."""

import torch
from torch import nn
from torch.autograd import Function


class _ReLU(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.clone()
        out[x < 0] = 0
        ctx.save_for_backward(x > 0)
        return out

    @staticmethod
    def backward(ctx, grad):
        (open_,) = ctx.saved_tensors
        return grad * open_


def relu(x):
    return _ReLU.apply(x)


def _axis(size, k, s, p, d, ceil_mode):
    """(rows of each window, -1 where there is none; how many of the padded picture)."""
    if k < 1 or s < 1 or d < 1:
        raise ValueError("kernel size, stride and dilation have to be positive")
    if p < 0 or p > k // 2:
        raise ValueError("padding has to be between 0 and half of the kernel size")
    reach = d * (k - 1) + 1
    if reach > size + 2 * p:
        raise ValueError("kernel size can't be greater than the image")
    count = (size + 2 * p - reach + (s - 1 if ceil_mode else 0)) // s + 1
    if ceil_mode and (count - 1) * s >= size + p:
        count -= 1
    taps = torch.arange(count)[:, None] * s - p + torch.arange(k) * d
    number = ((taps >= -p) & (taps < size + p)).sum(1)
    return torch.where((taps >= 0) & (taps < size), taps, -1), number


def _both(x, *settings):
    ceil_mode = settings[-1]
    pairs = [(v, v) if isinstance(v, int) else tuple(v) for v in settings[:-1]]
    (rows, tall), (columns, broad) = (_axis(x.shape[2 + i], *(v[i] for v in pairs), ceil_mode) for i in (0, 1))
    width = x.shape[3]
    rows, columns = rows[:, None, :, None], columns[None, :, None, :]
    index = torch.where((rows < 0) | (columns < 0), -1, rows * width + columns)  # (oH, oW, kH, kW)
    return index.reshape(*index.shape[:2], -1).to(x.device), torch.outer(tall, broad).to(x.device)


class _MaxPool(Function):
    @staticmethod
    def forward(ctx, x, index):
        n, c, h, w = x.shape
        pixels = torch.cat([x.reshape(n, c, h * w), x.new_full((n, c, 1), float("-inf"))], 2)  # -1 finds the last
        best, where = pixels[:, :, index].max(-1)
        ctx.save_for_backward(index.expand(n, c, *index.shape).gather(-1, where[..., None]))
        ctx.shape = x.shape
        return best

    @staticmethod
    def backward(ctx, grad):
        (index,) = ctx.saved_tensors
        n, c, h, w = ctx.shape
        out = grad.new_zeros(n, c, h * w + 1)
        out.scatter_add_(2, (index % (h * w + 1)).reshape(n, c, -1), grad.reshape(n, c, -1))
        return out[:, :, :-1].reshape(ctx.shape), None


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    stride = kernel_size if stride is None else stride
    index, _ = _both(x, kernel_size, stride, padding, dilation, ceil_mode)
    return _MaxPool.apply(x, index)


class _AvgPool(Function):
    @staticmethod
    def forward(ctx, x, index, number):
        n, c, h, w = x.shape
        pixels = torch.cat([x.reshape(n, c, h * w), x.new_zeros(n, c, 1)], 2)
        ctx.save_for_backward(index, number)
        ctx.shape = x.shape
        return pixels[:, :, index].sum(-1) / number

    @staticmethod
    def backward(ctx, grad):
        index, number = ctx.saved_tensors
        n, c, h, w = ctx.shape
        out = grad.new_zeros(n, c, h * w + 1)
        share = (grad / number)[..., None].expand(n, c, *index.shape)
        out.index_add_(2, (index % (h * w + 1)).reshape(-1), share.reshape(n, c, -1))
        return out[:, :, :-1].reshape(ctx.shape), None, None


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    stride = kernel_size if stride is None else stride
    index, number = _both(x, kernel_size, stride, padding, 1, ceil_mode)
    return _AvgPool.apply(x, index, number if count_include_pad else (index >= 0).sum(-1))


class _Mean(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.sum(dim=(-1, -2)).div_(x.size(-1) * x.size(-2))

    @staticmethod
    def backward(ctx, grad):
        h, w = ctx.shape[2:]
        return (grad / (h * w))[:, :, None, None].expand(ctx.shape)


def global_avg_pool2d(x):
    return _Mean.apply(x)


def flatten(x, start_dim=1):
    start = start_dim + x.dim() if start_dim < 0 else start_dim
    if not 0 <= start < x.dim():
        raise ValueError(f"invalid start_dim: {start_dim}")
    size = 1
    for s in x.shape[start:]:
        size *= s
    return x.reshape(x.shape[:start] + (size,))


class _Softmax(Function):
    @staticmethod
    def forward(ctx, x, dim):
        shifted = x - x.amax(dim, keepdim=True)
        p = shifted.exp_()
        p /= p.sum(dim, keepdim=True)
        ctx.dim = dim
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, grad):
        (p,) = ctx.saved_tensors
        return p * (grad - (grad * p).sum(ctx.dim, keepdim=True)), None


def softmax(x, dim=-1):
    if not isinstance(dim, int) or dim < -x.ndim or dim > x.ndim - 1:
        raise ValueError(f"dim must be an axis of x, not {dim}")
    return _Softmax.apply(x, dim)


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
        nn.Module.__init__(self)
        self.register_buffer("unused", torch.zeros(2), persistent=False)
        self.__dict__.update({k: v for k, v in locals().items() if k not in ("self", "__class__")})

    def forward(self, x):
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(nn.Module):
    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super(AvgPool2d, self).__init__()
        self.kernel_size = kernel_size
        self.stride = stride if (stride is not None) else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x):
        return avg_pool2d(
            x, self.kernel_size, self.stride, self.padding,
            ceil_mode=self.ceil_mode, count_include_pad=self.count_include_pad,
        )  # fmt: skip
