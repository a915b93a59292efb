"""The lecture's way: every gradient is a plain F.conv2d of something stretched, padded or with axes exchanged."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.modules.utils import _pair as pair


class BadShape(ValueError):
    pass


def check(size, kernel, stride, padding, dilation, got):
    if min(stride) <= 0:
        raise BadShape("non-positive stride is not supported")
    if min(padding) < 0:
        raise BadShape("negative padding is not supported")
    if min(*kernel, *dilation) <= 0:
        raise BadShape("kernel size and dilation should be greater than zero")
    want = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation)]
    if min(want) <= 0:
        raise BadShape(f"Kernel size can't be greater than actual input size {tuple(size)}")
    if list(got) != want:
        raise BadShape(f"grad_out is {tuple(got)}, not {tuple(want)}")


def rotate180(kernel):
    kh, kw = kernel.shape[-2:]
    return kernel[..., torch.arange(kh - 1, -1, -1)[:, None], torch.arange(kw - 1, -1, -1)]


def full_convolution2d(image, kernel):
    kh, kw = kernel.shape
    padded = F.pad(image, (kw - 1, kw - 1, kh - 1, kh - 1))
    return F.conv2d(padded.unsqueeze(0), rotate180(kernel).unsqueeze(0).unsqueeze(0)).squeeze(0)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    kernel, stride, padding, dilation = pair(kernel_size), pair(stride), pair(padding), pair(dilation)
    check(x.shape[2:], kernel, stride, padding, dilation, grad_out.shape[2:])
    if x.size(0) != grad_out.size(0):
        raise BadShape("batch sizes of x and grad_out differ")
    swapped = F.conv2d(x.transpose(0, 1), grad_out.transpose(0, 1), None, dilation, padding, stride)
    return swapped[:, :, : kernel[0], : kernel[1]].transpose(0, 1)


def stretch(t, stride):
    """stride - 1 zeros between neighbours."""
    out = t.new_zeros(*t.shape[:2], (t.shape[2] - 1) * stride[0] + 1, (t.shape[3] - 1) * stride[1] + 1)
    out[:, :, :: stride[0], :: stride[1]] = t
    return out


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    stride, padding, dilation = pair(stride), pair(padding), pair(dilation)
    kernel = weight.shape[2:]
    check(input_shape[2:], kernel, stride, padding, dilation, grad_out.shape[2:])
    if (weight.size(1), weight.size(0), grad_out.size(0)) != (input_shape[1], grad_out.size(1), input_shape[0]):
        raise BadShape("channels or batch of input_shape, weight and grad_out differ")
    stretched = stretch(grad_out, stride)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel)]
    before = [r - p for r, p in zip(reach, padding)]
    after = [n + r - b - s for n, r, b, s in zip(input_shape[2:], reach, before, stretched.shape[2:])]
    padded = F.pad(stretched, (before[1], after[1], before[0], after[0]))  # a negative number crops
    return F.conv2d(padded, rotate180(weight).transpose(0, 1), dilation=dilation)


def conv2d_grad_bias(grad_out):
    return torch.einsum("nohw->o", grad_out)


def relu_backward(grad_out, x):
    return grad_out * torch.heaviside(x, torch.zeros_like(x))


def linear_backward(grad_out, x, weight):
    return grad_out.matmul(weight), (x.t() @ grad_out).t(), grad_out.t().sum(1)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    if stride is None:
        stride = kernel_size
    check(x.shape[2:], pair(kernel_size), pair(stride), (0, 0), (1, 1), grad_out.shape[2:])
    if x.shape[:2] != grad_out.shape[:2]:
        raise BadShape("x and grad_out differ in batch or channels")
    _, index = F.max_pool2d(x, kernel_size, stride, return_indices=True)
    plane = x.size(2) * x.size(3)
    offset = torch.arange(x.size(0) * x.size(1), device=x.device).reshape(x.size(0), x.size(1), 1, 1) * plane
    grad = x.new_zeros(x.numel())
    grad.put_((index + offset).flatten(), grad_out.flatten(), accumulate=True)
    return grad.view(x.size())


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kh, kw = pair(kernel_size)
    if kh < 1 or kw < 1:
        raise BadShape("kernel size should be greater than zero")
    n, c, h, w = input_shape
    flat = grad_out.reshape(-1, 1, *grad_out.shape[2:])
    mean = grad_out.new_full((1, 1, kh, kw), 1 / (kh * kw))
    if grad_out.shape[0] * grad_out.shape[1] != n * c:
        raise BadShape("grad_out and input_shape differ in batch or channels")
    grad = conv2d_grad_input((n * c, 1, h, w), mean, flat, (kh, kw) if stride is None else stride)
    return grad.reshape(n, c, h, w)


class Conv2dFunction(Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.save_for_backward(x, weight)
        ctx.geometry = {"stride": stride, "padding": padding}
        return F.conv2d(x, weight, bias, **ctx.geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias, *_ = ctx.needs_input_grad
        return (
            conv2d_grad_input(x.shape, weight, grad_out, **ctx.geometry) if for_x else None,
            conv2d_grad_weight(x, grad_out, weight.shape[2:], **ctx.geometry) if for_weight else None,
            conv2d_grad_bias(grad_out) if for_bias else None,
            None,
            None,
        )
