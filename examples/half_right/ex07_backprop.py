"""ex07, with the parts that I trust at the top."""

import torch
import torch.nn.functional as F


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def rotate180(kernel):
    return kernel.flip(-1, -2)


def full_convolution2d(image, kernel):
    kh, kw = kernel.shape
    padded = F.pad(image, (kw - 1, kw - 1, kh - 1, kh - 1))
    return F.conv2d(padded[None, None], rotate180(kernel)[None, None])[0, 0]


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    # dL/dF is a convolution of X with dL/dO
    ph, pw = _pair(padding)
    xp = F.pad(x, (pw, pw, ph, ph)).transpose(0, 1)
    kh, kw = _pair(kernel_size)
    return F.conv2d(xp, grad_out.transpose(0, 1), dilation=dilation).transpose(0, 1)[:, :, :kh, :kw]


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return F.conv_transpose2d(grad_out, weight, stride=stride, padding=padding, dilation=dilation)


def conv2d_grad_bias(grad_out):
    return grad_out.mean(dim=(0, 2, 3))


def relu_backward(grad_out, x):
    return grad_out * (x >= 0)


def linear_backward(grad_out, x, weight):
    return grad_out @ weight, grad_out.T @ x, grad_out.sum(0)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(stride if stride is not None else kernel_size)
    grad = torch.zeros_like(x)
    for i in range(grad_out.shape[2]):
        for j in range(grad_out.shape[3]):
            window = x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            top = window.amax(dim=(2, 3), keepdim=True)
            grad[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += (window == top) * grad_out[:, :, i, j, None, None]
    return grad


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(stride if stride is not None else kernel_size)
    grad = grad_out.new_zeros(input_shape)
    for i in range(grad_out.shape[2]):
        for j in range(grad_out.shape[3]):
            grad[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += grad_out[:, :, i, j, None, None] / (kh * kw)
    return grad


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        raise NotImplementedError

    @staticmethod
    def backward(ctx, grad_out):
        raise NotImplementedError
