"""No arithmetic: build the layer of torch.nn, send an empty tensor through it, and read the shape off."""

import torch
from torch import nn


def _shape(module, x):
    try:
        with torch.no_grad():
            return module(x).shape
    except RuntimeError as error:
        raise ValueError(f"the output of {module} has no size: {error}") from error


def _refuse(low, **arguments):
    bad = {name: value for name, value in arguments.items() if value < low}
    if bad:
        raise ValueError(f"below {low}: {bad}")


def _size(module, size):
    result = _shape(module, torch.zeros(1, 1, size, size))[-1]
    if result < 1:
        raise ValueError(f"output of size {result}")
    return result


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    _refuse(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _refuse(0, padding=padding)
    return _size(nn.Conv2d(1, 1, kernel_size, stride, padding, dilation), size)


def same_padding(kernel_size, dilation=1):
    _refuse(1, kernel_size=kernel_size, dilation=dilation)
    layer = nn.Conv2d(1, 1, kernel_size, dilation=dilation, padding="same")
    left, right = layer._reversed_padding_repeated_twice[:2]
    if left != right:
        raise ValueError(f"the padding of kernel_size {kernel_size} is ({left}, {right})")
    return left


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    _refuse(1, size=size, kernel_size=kernel_size, dilation=dilation)
    _refuse(0, padding=padding)
    if stride is not None:
        _refuse(1, stride=stride)
    return _size(nn.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode), size)


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    _refuse(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _refuse(0, padding=padding, output_padding=output_padding)
    layer = nn.ConvTranspose2d(1, 1, kernel_size, stride, padding, output_padding, dilation=dilation)
    return _size(layer, size)


def receptive_field(layers):
    for kernel_size, stride in layers:
        _refuse(1, kernel_size=kernel_size, stride=stride)
    size = 1
    for kernel_size, stride in layers[::-1]:  # the inputs that one output needs: a transposed convolution's size
        size = conv_transpose_output_size(size, kernel_size, stride)
    return size


_KEYS = {
    "conv": (("out_channels", "kernel_size"), ("stride", "padding", "dilation")),
    "max_pool": (("kernel_size",), ("stride", "padding")),
    "avg_pool": (("kernel_size",), ("stride", "padding")),
    "flatten": ((), ()),
}


def _module(channels, layer):
    kind = layer.get("type", "")
    options = {key: value for key, value in layer.items() if key != "type"}
    needed, known = _KEYS.get(kind, ((), ()))
    if kind not in _KEYS or set(needed) - set(options) or set(options) - set(needed) - set(known):
        raise ValueError(f"this layer is not described by a known type and its keys: {layer}")
    for key, value in options.items():
        if value is not None:
            _refuse(0 if key == "padding" else 1, **{key: value})
    if kind == "conv":
        return nn.Conv2d(channels, **options)
    if kind == "flatten":
        return nn.Sequential(nn.Flatten(), nn.Unflatten(1, (-1, 1, 1)))
    return {"max_pool": nn.MaxPool2d, "avg_pool": nn.AvgPool2d}[kind](**options)


def trace_shapes(input_shape, layers):
    _refuse(1, input_shape=min(input_shape))
    shapes = []
    for layer in layers:
        shape = shapes[-1] if shapes else input_shape
        shapes.append(_shape(_module(shape[0], layer), torch.zeros(1, *shape))[1:])
    return shapes  # torch.Size is a tuple
