"""Every layer is a linear map: its matrix is found by sending all unit vectors through it, and the gradient is Jᵀ g."""

import torch
import torch.nn.functional as F


def _refuse(message):
    raise ValueError(message)


def _tuple(value, low, name):
    value = (value, value) if isinstance(value, int) else tuple(value)
    if min(value) < low:
        _refuse(f"{name} = {value} is too small")
    return value


def _units(*shape, like):
    size = torch.Size(shape).numel()
    return torch.eye(size, dtype=like.dtype, device=like.device).reshape(size, *shape)


def _run(layer, tensor, *args, **kwargs):
    try:
        return layer(tensor, *args, **kwargs)
    except RuntimeError as error:
        raise ValueError(f"the kernel does not fit into the input: {error}") from None


def rotate180(kernel):
    height, width = kernel.shape[-2:]
    across = _units(height, like=kernel).flip(0)
    return across @ kernel @ _units(width, like=kernel).flip(0)


def full_convolution2d(image, kernel):
    height, width = kernel.shape
    units = _units(*image.shape, like=image).unsqueeze(1)
    stamps = F.conv2d(F.pad(units, (width - 1, width - 1, height - 1, height - 1)), kernel.flip(-1, -2)[None, None])
    return torch.tensordot(image.reshape(-1), stamps.squeeze(1), dims=1)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    kernel = _tuple(kernel_size, 1, "kernel_size")
    options = {
        "stride": _tuple(stride, 1, "stride"),
        "padding": _tuple(padding, 0, "padding"),
        "dilation": _tuple(dilation, 1, "dilation"),
    }
    units = _units(x.shape[1], *kernel, like=x)
    slopes = _run(F.conv2d, x, units, **options)  # N, C*kH*kW, oH, oW: one channel for each weight
    if (slopes.shape[0], *slopes.shape[2:]) != (grad_out.shape[0], *grad_out.shape[2:]):
        _refuse("shapes of x and grad_out do not match")
    grad = torch.einsum("nohw,nkhw->ok", grad_out, slopes)
    return grad.reshape(-1, x.shape[1], *kernel)


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    options = {
        "stride": _tuple(stride, 1, "stride"),
        "padding": _tuple(padding, 0, "padding"),
        "dilation": _tuple(dilation, 1, "dilation"),
    }
    if input_shape[1] != weight.shape[1] or input_shape[0] != grad_out.shape[0]:
        _refuse("input_shape does not match weight or grad_out")
    units = _units(*input_shape[1:], like=weight)
    jacobian = _run(F.conv2d, units, weight, **options)
    if jacobian.shape[1:] != grad_out.shape[1:]:
        _refuse(f"grad_out should be {tuple(jacobian.shape[1:])} for each image")
    return (grad_out.flatten(1) @ jacobian.flatten(1).T).reshape(input_shape)


def conv2d_grad_bias(grad_out):
    return torch.stack([grad_out[:, channel].sum() for channel in range(grad_out.shape[1])])


def relu_backward(grad_out, x):
    slopes = torch.where(x > 0, 1, 0).to(x)
    return (slopes.reshape(-1) * grad_out.reshape(-1)).reshape(x.shape)


def linear_backward(grad_out, x, weight):
    grad_x = torch.einsum("no,oi->ni", grad_out, weight)
    grad_weight = torch.einsum("no,ni->oi", grad_out, x)
    return grad_x, grad_weight, torch.einsum("no->o", grad_out)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kernel = _tuple(kernel_size, 1, "kernel_size")
    step = kernel if stride is None else _tuple(stride, 1, "stride")
    _, winners = _run(F.max_pool2d, x, kernel, step, return_indices=True)
    if winners.shape != grad_out.shape:
        _refuse("grad_out and the pooled x have different shapes")
    pixels = x.shape[2] * x.shape[3]
    selects = F.one_hot(winners.flatten(2), pixels).to(x.dtype)  # N, C, windows, pixels
    return (grad_out.flatten(2).unsqueeze(2) @ selects).reshape(x.shape)


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kernel = _tuple(kernel_size, 1, "kernel_size")
    step = kernel if stride is None else _tuple(stride, 1, "stride")
    pooled = _run(F.avg_pool2d, _units(*input_shape[2:], like=grad_out).unsqueeze(1), kernel, step)
    if (*input_shape[:2], *pooled.shape[2:]) != tuple(grad_out.shape):
        _refuse("grad_out does not have the pooled shape")
    return (grad_out.flatten(2) @ pooled.flatten(1).T).reshape(*input_shape)


class Conv2dFunction(torch.autograd.Function):
    """Keeps the two Jacobians of the forward pass instead of its inputs."""

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.shapes = x.shape, weight.shape
        by_weight = _run(F.conv2d, x, _units(*weight.shape[1:], like=x), None, stride, padding)
        by_x = F.conv2d(_units(*x.shape[1:], like=x), weight, None, stride, padding)
        ctx.save_for_backward(by_x, by_weight)
        y = torch.einsum("ok,nkhw->nohw", weight.flatten(1), by_weight)
        return y if bias is None else y.add_(bias[None, :, None, None])

    @staticmethod
    def backward(ctx, grad_out):
        by_x, by_weight = ctx.saved_tensors
        shape_x, shape_weight = ctx.shapes
        grad_x, grad_weight, grad_bias = None, None, None
        if ctx.needs_input_grad[0]:
            grad_x = torch.einsum("nohw,kohw->nk", grad_out, by_x).view(shape_x)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.einsum("nohw,nkhw->ok", grad_out, by_weight).view(shape_weight)
        if ctx.needs_input_grad[2]:
            grad_bias = torch.einsum("nohw->o", grad_out)
        return grad_x, grad_weight, grad_bias, None, None
