"""ex03, as Robin handed it in on Tuesday night."""

import math


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    for name, value in [("size", size), ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)]:
        if value < 1:
            raise ValueError(f"{name} must be positive, got {value}")
    if padding < 0:
        raise ValueError("padding must not be negative")
    span = dilation * (kernel_size - 1) + 1
    if span > size + 2 * padding:
        raise ValueError("kernel_size does not fit into size")
    return (size + 2 * padding - span) // stride + 1


def same_padding(kernel_size, dilation=1):
    # rule of thumb from the slides: half the kernel
    if kernel_size < 1 or dilation < 1:
        raise ValueError("kernel_size and dilation must be at least 1")
    if kernel_size % 2 == 0:
        raise ValueError("no same padding for an even kernel_size")
    return kernel_size // 2


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if stride is None:
        stride = kernel_size
    if min(size, kernel_size, stride, dilation) < 1:
        raise ValueError("size, kernel_size, stride and dilation must be at least 1")
    if padding < 0 or padding > kernel_size // 2:
        raise ValueError("padding must be between 0 and kernel_size // 2")
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("kernel_size is larger than size")
    steps = math.ceil(room / stride) if ceil_mode else room // stride
    return steps + 1


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1:
        raise ValueError("size, kernel_size, stride and dilation must be at least 1")
    if padding < 0:
        raise ValueError("padding must not be negative")
    if output_padding < 0 or (output_padding >= stride and output_padding >= dilation):
        raise ValueError("output_padding must be smaller than stride or dilation")
    out = (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1
    if out < 1:
        raise ValueError("no output: padding too large for size")
    return out


def receptive_field(layers):
    field = 1
    for kernel_size, stride in layers:
        field += kernel_size - 1  # every layer sees a bit more
    return field


def trace_shapes(input_shape, layers):
    raise NotImplementedError
