"""NumPy inside: sliding_window_view, np.add.at, einsum; the answers share memory with NumPy arrays."""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view


def to_np(tensor):
    return tensor.detach().cpu().numpy()


def to_torch(array, like):
    return torch.from_numpy(array).to(device=like.device, dtype=like.dtype)


def twice(value):
    return np.broadcast_to(np.asarray(value), 2).tolist()


def output_size(size, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    size, kernel, stride, padding, dilation = (np.array(v) for v in (size, kernel, stride, padding, dilation))
    assert_that((stride > 0).all(), "stride must be positive")
    assert_that((padding >= 0).all(), "padding must not be negative")
    assert_that((dilation > 0).all() and (kernel > 0).all(), "kernel_size and dilation must be positive")
    result = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    assert_that((result > 0).all(), "kernel_size is larger than the input")
    return tuple(result.tolist())


def assert_that(condition, message):
    if not condition:
        raise ValueError(message)


def cut(x, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """(N, C, oH, oW, kH, kW)"""
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    windows = sliding_window_view(padded, reach, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def rotate180(kernel):
    return to_torch(to_np(kernel)[..., ::-1, ::-1].copy(), kernel)


def full_convolution2d(image, kernel):
    result = [[0.0] * 0]
    height, width = (int(a + b - 1) for a, b in zip(image.shape, kernel.shape))
    result = np.zeros((height, width))
    for (i, j), value in np.ndenumerate(to_np(kernel)):
        result[i : i + image.shape[0], j : j + image.shape[1]] += value * to_np(image).astype(float)
    return to_torch(result, image)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    kernel, stride, padding, dilation = twice(kernel_size), twice(stride), twice(padding), twice(dilation)
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    assert_that(tuple(grad_out.shape[2:]) == size and len(x) == len(grad_out), f"grad_out must end in {size}")
    windows = cut(to_np(x), kernel, stride, padding, dilation)
    return to_torch(np.einsum("nchwij,nohw->ocij", windows, to_np(grad_out)), x)


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    stride, padding, dilation = twice(stride), twice(padding), twice(dilation)
    n, c, h, w = (int(v) for v in input_shape)
    o, ci, kh, kw = weight.shape
    size = output_size((h, w), (kh, kw), stride, padding, dilation)
    assert_that(ci == c, "weight does not have the channels of input_shape")
    assert_that(tuple(grad_out.shape) == (n, o, *size), f"grad_out must be {(n, o, *size)}")
    grad = np.zeros((n, c, h + 2 * padding[0], w + 2 * padding[1]), dtype=to_np(grad_out).dtype)
    rows = np.add.outer(np.arange(size[0]) * stride[0], np.arange(kh) * dilation[0])
    columns = np.add.outer(np.arange(size[1]) * stride[1], np.arange(kw) * dilation[1])
    values = np.einsum("nohw,ocij->nchiwj", to_np(grad_out), to_np(weight))
    np.add.at(grad, (slice(None), slice(None), rows[:, :, None, None], columns[None, None]), values)
    inner = grad[:, :, padding[0] : grad.shape[2] - padding[0], padding[1] : grad.shape[3] - padding[1]]
    return to_torch(inner, grad_out)


def conv2d_grad_bias(grad_out):
    return to_torch(np.apply_over_axes(np.sum, to_np(grad_out), [0, 2, 3]).reshape(-1), grad_out)


def relu_backward(grad_out, x):
    return to_torch(np.where(to_np(x) > 0, to_np(grad_out), 0), grad_out)


def linear_backward(grad_out, x, weight):
    g, a, w = to_np(grad_out), to_np(x), to_np(weight)
    return to_torch(g.dot(w), x), to_torch(np.dot(a.T, g).T, weight), to_torch(np.sum(g, 0), grad_out)


def pool(size, kernel_size, stride):
    kernel = twice(kernel_size)
    stride = kernel if stride is None else twice(stride)
    return kernel, stride, output_size(size, kernel, stride)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kernel, stride, size = pool(x.shape[2:], kernel_size, stride)
    assert_that(tuple(grad_out.shape) == (*x.shape[:2], *size), "grad_out and x do not match")
    windows = cut(to_np(x), kernel, stride)
    best = windows.reshape(*windows.shape[:4], -1).argmax(-1)
    n, c, a, b = np.indices(best.shape)
    rows, columns = a * stride[0] + best // kernel[1], b * stride[1] + best % kernel[1]
    grad = np.zeros(tuple(x.shape))
    np.add.at(grad, (n, c, rows, columns), to_np(grad_out))
    return to_torch(grad, x)


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride, size = pool(input_shape[2:], kernel_size, stride)
    assert_that(tuple(grad_out.shape) == (*input_shape[:2], *size), "grad_out and input_shape do not match")
    grad = np.zeros(tuple(input_shape))
    for a, b in np.ndindex(*size):
        top, left = a * stride[0], b * stride[1]
        grad[:, :, top : top + kernel[0], left : left + kernel[1]] += to_np(grad_out)[:, :, a : a + 1, b : b + 1]
    return to_torch(grad / np.prod(kernel), grad_out)


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        kernel, steps, margins = weight.shape[2:], twice(stride), twice(padding)
        output_size(x.shape[2:], kernel, steps, margins)
        ctx.columns = cut(to_np(x), kernel, steps, margins)
        ctx.shape, ctx.stride, ctx.padding = tuple(x.shape), steps, margins
        ctx.save_for_backward(weight)
        y = np.einsum("nchwij,ocij->nohw", ctx.columns, to_np(weight))
        if bias is not None:
            y = y + to_np(bias)[:, None, None]
        return to_torch(y, x)

    @staticmethod
    def backward(ctx, grad_out):
        (weight,) = ctx.saved_tensors
        grads = [None] * 5
        if ctx.needs_input_grad[0]:
            grads[0] = conv2d_grad_input(ctx.shape, weight, grad_out, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            grads[1] = to_torch(np.einsum("nchwij,nohw->ocij", ctx.columns, to_np(grad_out)), weight)
        if ctx.needs_input_grad[2]:
            grads[2] = conv2d_grad_bias(grad_out)
        return tuple(grads)
