"""im2col and back: F.unfold, matmul and F.fold; the setup_context style of autograd.Function; results as views."""

import torch
import torch.nn.functional as F


def _two(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v)


def _count(shape, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    if any(s < 1 for s in stride):
        raise ValueError(f"bad stride {stride}")
    if any(p < 0 for p in padding):
        raise ValueError(f"bad padding {padding}")
    if any(k < 1 for k in kernel):
        raise ValueError(f"bad kernel_size {kernel}")
    if any(d < 1 for d in dilation):
        raise ValueError(f"bad dilation {dilation}")
    room = [n + 2 * p - d * (k - 1) - 1 for n, p, d, k in zip(shape, padding, dilation, kernel)]
    if min(room) < 0:
        raise ValueError(f"kernel of size {kernel} sticks out of the input")
    return tuple(r // s + 1 for r, s in zip(room, stride))


def rotate180(kernel):
    return torch.rot90(kernel, k=2, dims=(-2, -1))


def full_convolution2d(image, kernel):
    columns = image.reshape(1, -1, 1) * kernel.reshape(1, 1, -1)  # pixel, tap
    size = [a + b - 1 for a, b in zip(image.shape, kernel.shape)]
    return F.fold(columns.transpose(1, 2), size, tuple(kernel.shape))[0, 0]


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    kernel, stride, padding, dilation = _two(kernel_size), _two(stride), _two(padding), _two(dilation)
    if grad_out.shape[2:] != _count(x.shape[2:], kernel, stride, padding, dilation) or len(grad_out) != len(x):
        raise ValueError(f"unexpected grad_out: {tuple(grad_out.shape)}")
    columns = F.unfold(x, kernel, dilation, padding, stride)  # N, C*kH*kW, L
    product = columns @ grad_out.flatten(2).transpose(1, 2)  # N, C*kH*kW, O
    return product.sum(0).T.unflatten(1, (x.shape[1], *kernel))


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    stride, padding, dilation = _two(stride), _two(padding), _two(dilation)
    output = _count(input_shape[2:], weight.shape[2:], stride, padding, dilation)
    if tuple(grad_out.shape) != (input_shape[0], weight.shape[0], *output):
        raise ValueError(f"unexpected grad_out: {tuple(grad_out.shape)}")
    if weight.shape[1] != input_shape[1]:
        raise ValueError("weight and input_shape have different channels")
    columns = weight.flatten(1).T @ grad_out.flatten(2)
    return F.fold(columns, input_shape[2:], weight.shape[2:], dilation, padding, stride)


def conv2d_grad_bias(grad_out):
    return grad_out.movedim(1, 0).reshape(grad_out.shape[1], -1) @ grad_out.new_ones(grad_out[:, 0].numel())


def relu_backward(grad_out, x):
    return grad_out.masked_fill(x <= 0, 0)


def linear_backward(grad_out, x, weight):
    return [
        F.linear(grad_out, weight.t()),
        torch.bmm(grad_out[:, :, None], x[:, None, :]).sum(0),
        grad_out.sum(0),
    ]


def _planes(t):
    return t.reshape(-1, 1, *t.shape[2:])


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kernel = _two(kernel_size)
    stride = kernel if stride is None else _two(stride)
    if tuple(grad_out.shape) != (*x.shape[:2], *_count(x.shape[2:], kernel, stride)):
        raise ValueError("grad_out and x do not fit together")
    columns = F.unfold(_planes(x), kernel, stride=stride)  # N*C, kH*kW, L
    first = (columns == columns.amax(1, keepdim=True)).to(torch.uint8).argmax(1, keepdim=True)
    spread = torch.zeros_like(columns).scatter(1, first, grad_out.reshape(-1, 1, columns.shape[-1]))
    return F.fold(spread, x.shape[2:], kernel, stride=stride).view(x.shape)


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kernel = _two(kernel_size)
    stride = kernel if stride is None else _two(stride)
    if tuple(grad_out.shape) != (*input_shape[:2], *_count(input_shape[2:], kernel, stride)):
        raise ValueError("grad_out and input_shape do not fit together")
    share = (grad_out / (kernel[0] * kernel[1])).reshape(-1, 1, grad_out.shape[2] * grad_out.shape[3])
    columns = share.expand(-1, kernel[0] * kernel[1], -1)
    return F.fold(columns, tuple(input_shape[2:]), kernel, stride=stride).view(*input_shape)


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(x, weight, bias, stride, padding):
        output = _count(x.shape[2:], weight.shape[2:], _two(stride), _two(padding))
        y = weight.flatten(1) @ F.unfold(x, weight.shape[2:], 1, padding, stride)
        if bias is not None:
            y = y + bias[:, None]
        return y.unflatten(-1, output)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, bias, ctx.stride, ctx.padding = inputs
        ctx.save_for_backward(x, weight, bias)

    @staticmethod
    def backward(ctx, grad_out):
        x, weight, bias = ctx.saved_tensors
        gx = gw = gb = None
        if ctx.needs_input_grad[0]:
            gx = conv2d_grad_input(x.shape, weight, grad_out, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            gw = conv2d_grad_weight(x, grad_out, weight.shape[2:], ctx.stride, ctx.padding)
        if bias is not None and ctx.needs_input_grad[2]:
            gb = conv2d_grad_bias(grad_out)
        return gx, gw, gb, None, None
