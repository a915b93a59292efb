"""Window by window with tensor slices, as course notes write it; answers are views, expanded or transposed tensors."""

import math

import torch
from torch import nn


def as_pair(value):
    match value:
        case [a, b]:
            return a, b
        case _:
            return value, value


def validate(h, w, kh, kw, sh, sw, ph=0, pw=0, dh=1, dw=1):
    if sh < 1 or sw < 1:
        raise ValueError("`stride` out of range")
    if ph < 0 or pw < 0:
        raise ValueError("`padding` out of range")
    if min(kh, kw, dh, dw) < 1:
        raise ValueError("`kernel_size` or `dilation` out of range")
    oh = math.floor((h + 2 * ph - dh * (kh - 1) - 1) / sh + 1)
    ow = math.floor((w + 2 * pw - dw * (kw - 1) - 1) / sw + 1)
    if oh < 1 or ow < 1:
        raise ValueError("`kernel_size` exceeds the input")
    return oh, ow


def agree(grad_out, *shape):
    if grad_out.size() != torch.Size(shape):
        raise ValueError(f"`grad_out` is of shape {list(grad_out.size())} where {list(shape)} was due")


def rotate180(kernel):
    return kernel.transpose(-1, -2).flip(-1).transpose(-1, -2).flip(-1)


def full_convolution2d(image, kernel):
    top, left = kernel.size(0) - 1, kernel.size(1) - 1
    padded = nn.ZeroPad2d((left, left, top, top))(image)
    turned = rotate180(kernel)
    rows = [
        torch.stack([(padded[a : a + top + 1, b : b + left + 1] * turned).sum() for b in range(image.size(1) + left)])
        for a in range(image.size(0) + top)
    ]
    return torch.stack(rows)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(as_pair, (kernel_size, stride, padding, dilation))
    n, c, h, w = x.size()
    oh, ow = validate(h, w, kh, kw, sh, sw, ph, pw, dh, dw)
    agree(grad_out, n, grad_out.size(1), oh, ow)
    padded = nn.functional.pad(x, (pw, pw, ph, ph))
    grad = x.new_zeros(c, kh, kw, grad_out.size(1))
    for image, upstream in zip(padded, grad_out):
        for a in range(oh):
            for b in range(ow):
                window = image[:, a * sh : a * sh + dh * (kh - 1) + 1 : dh, b * sw : b * sw + dw * (kw - 1) + 1 : dw]
                grad += window.unsqueeze(-1) * upstream[:, a, b]
    return grad.permute(3, 0, 1, 2)


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = map(as_pair, (stride, padding, dilation))
    n, c, h, w = input_shape
    o, ci, kh, kw = weight.size()
    oh, ow = validate(h, w, kh, kw, sh, sw, ph, pw, dh, dw)
    agree(grad_out, n, o, oh, ow)
    if ci != c:
        raise ValueError("`weight` has other channels than `input_shape`")
    padded = grad_out.new_zeros(h + 2 * ph, w + 2 * pw, n, c)
    for a in range(oh):
        for b in range(ow):
            window = padded[a * sh : a * sh + dh * (kh - 1) + 1 : dh, b * sw : b * sw + dw * (kw - 1) + 1 : dw]
            window += torch.tensordot(grad_out[:, :, a, b], weight, 1).permute(2, 3, 0, 1)
    return padded[ph : ph + h, pw : pw + w].permute(2, 3, 0, 1)


def conv2d_grad_bias(grad_out):
    return sum(image.flatten(1).sum(-1) for image in grad_out)


def relu_backward(grad_out, x):
    return (grad_out.t() * (x.t() > 0).type(x.dtype)).t() if x.dim() == 2 else (x > 0) * grad_out


def linear_backward(grad_out, x, weight):
    grad_weight = torch.zeros_like(weight.t())
    for g, row in zip(grad_out, x):
        grad_weight.addr_(row, g)
    return torch.stack([g @ weight for g in grad_out]), grad_weight.t(), grad_out.cumsum(0)[-1]


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kh, kw = as_pair(kernel_size)
    sh, sw = (kh, kw) if stride is None else as_pair(stride)
    n, c, h, w = x.size()
    oh, ow = validate(h, w, kh, kw, sh, sw)
    agree(grad_out, n, c, oh, ow)
    grad = torch.zeros_like(x)
    for image in range(n):
        for channel in range(c):
            for a in range(oh):
                for b in range(ow):
                    window = x[image, channel, a * sh : a * sh + kh, b * sw : b * sw + kw]
                    row, column = (window == window.max()).nonzero()[0]
                    grad[image, channel, a * sh + row, b * sw + column] += grad_out[image, channel, a, b]
    return grad


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kh, kw = as_pair(kernel_size)
    sh, sw = (kh, kw) if stride is None else as_pair(stride)
    n, c, h, w = input_shape
    oh, ow = validate(h, w, kh, kw, sh, sw)
    agree(grad_out, n, c, oh, ow)
    if (oh, ow, kh, kw) == (1, 1, h, w):
        return (grad_out / (h * w)).expand(n, c, h, w)  # every pixel the same: no memory of its own
    grad = grad_out.new_zeros(tuple(input_shape))
    for a in range(oh):
        for b in range(ow):
            window = grad.narrow(2, a * sh, kh).narrow(3, b * sw, kw)
            window.copy_(window + (grad_out[:, :, a, b] / (kh * kw)).view(n, c, 1, 1))
    return grad


class _Geometry:
    def __init__(self, stride, padding):
        self.stride, self.padding = as_pair(stride), as_pair(padding)

    def __iter__(self):
        yield from (self.stride, self.padding)


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None, stride=1, padding=0):
        ctx.set_materialize_grads(False)
        ctx.geometry = _Geometry(stride, padding)
        ctx.has_bias = bias is not None
        ctx.save_for_backward(x, weight)
        layer = nn.functional.conv2d
        return layer(x, weight, None, *ctx.geometry) + (bias.view(-1, 1, 1) if ctx.has_bias else 0)

    @staticmethod
    def backward(ctx, *grad_outputs):
        (grad_out,) = grad_outputs
        if grad_out is None:
            return (None,) * 5
        x, weight = ctx.saved_tensors
        results = []
        if ctx.needs_input_grad[0]:
            results.append(conv2d_grad_input(x.size(), weight, grad_out, *ctx.geometry))
        else:
            results.append(None)
        if ctx.needs_input_grad[1]:
            results.append(conv2d_grad_weight(x, grad_out, tuple(weight.size()[2:]), *ctx.geometry))
        else:
            results.append(None)
        results.append(conv2d_grad_bias(grad_out) if ctx.has_bias and ctx.needs_input_grad[2] else None)
        return *results, None, None
