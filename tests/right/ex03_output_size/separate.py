"""Every task on its own feet: none calls another, all arithmetic is written out, results go through numpy and back."""

import numpy as np


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    values = np.array([size, kernel_size, stride, padding + 1, dilation])
    if (values < 1).any():
        name = ["size", "kernel_size", "stride", "padding", "dilation"][int((values < 1).argmax())]
        raise ValueError(f"invalid {name}")
    places = np.arange(0, size + 2 * padding - dilation * (kernel_size - 1), stride)
    if not places.size:
        raise ValueError("invalid kernel_size or size: nothing fits")
    return int(places.size)


def same_padding(kernel_size, dilation=1):
    if kernel_size < 1 or dilation < 1:
        raise ValueError("invalid kernel_size or dilation")
    padding = np.true_divide(dilation * (kernel_size - 1), 2)
    if padding % 1:
        raise ValueError("invalid kernel_size and dilation")
    return padding.astype(int).item()


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if stride is None:
        stride = kernel_size
    if size < 1 or kernel_size < 1 or stride < 1 or dilation < 1 or not 0 <= padding <= kernel_size // 2:
        raise ValueError("invalid size, kernel_size, stride, padding or dilation")
    way = size + 2 * padding - dilation * (kernel_size - 1) - 1
    steps, rest = divmod(way, stride)
    if ceil_mode and rest and (steps + 1) * stride < size + padding:
        steps += 1
    if steps < 0:
        raise ValueError("invalid kernel_size: larger than the input")
    return steps + 1


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if size < 1 or kernel_size < 1 or stride < 1 or dilation < 1 or padding < 0:
        raise ValueError("invalid size, kernel_size, stride, padding or dilation")
    if not 0 <= output_padding < max(stride, dilation):
        raise ValueError("invalid output_padding")
    starts = np.arange(size) * stride
    ends = starts + dilation * (kernel_size - 1)
    length = int(ends[-1]) + 1 - 2 * padding + output_padding
    if length < 1:
        raise ValueError("invalid padding: larger than the output")
    return length


def receptive_field(layers):
    if not len(layers):
        return 1
    kernels, strides = np.array(layers).T
    if (kernels < 1).any() or (strides < 1).any():
        raise ValueError("invalid kernel_size or stride in layers")
    distances = np.cumprod([1, *strides[:-1]])
    return int(1 + (kernels - 1) @ distances)


def trace_shapes(input_shape, layers):
    shape = np.array(input_shape)
    if (shape < 1).any():
        raise ValueError("invalid input_shape")
    found = []
    for layer in layers:
        known = {"type", "kernel_size", "stride", "padding"}
        if layer.get("type") == "conv":
            known |= {"out_channels", "dilation"}
        elif layer.get("type") == "flatten":
            known = {"type"}
        elif layer.get("type") not in ("max_pool", "avg_pool"):
            raise ValueError(f"invalid type in {layer}")
        for key in layer:
            if key not in known:
                raise ValueError(f"invalid key {key}")
        if layer["type"] == "flatten":
            shape = np.array([shape.prod(), 1, 1])
        else:
            k, p, d = layer.get("kernel_size", 0), layer.get("padding", 0), layer.get("dilation", 1)
            s = layer.get("stride")
            if s is None:
                s = 1 if layer["type"] == "conv" else k
            c = layer.get("out_channels", 0) if layer["type"] == "conv" else int(shape[0])
            if k < 1 or s < 1 or p < 0 or d < 1 or c < 1:
                raise ValueError(f"invalid number, or kernel_size or out_channels missing, in {layer}")
            if layer["type"] != "conv" and p > k // 2:
                raise ValueError("invalid padding")
            shape = np.array([c, *((shape[1:] + 2 * p - d * (k - 1) - 1) // s + 1)])
            if (shape < 1).any():
                raise ValueError("invalid kernel_size: larger than the shape")
        found.append(tuple(shape.tolist()))
    return found
