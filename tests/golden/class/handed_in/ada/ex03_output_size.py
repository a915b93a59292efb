"""One private rule for every window, named tuples for shapes, bounds read off the signature."""

import inspect
from typing import NamedTuple

AT_LEAST = {"padding": 0, "output_padding": 0}


class Shape(NamedTuple):
    channels: int
    height: int
    width: int


def in_range(function):
    signature = inspect.signature(function)

    def wrapper(*args, **kwargs):
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if value is not None and not isinstance(value, bool) and value < AT_LEAST.get(name, 1):
                raise ValueError(f"{function.__name__}(): {name}={value} is out of range")
        return function(*args, **kwargs)

    return wrapper


def _windows(room, step, up):
    """Places of a window that can move by `room`; 0 or less where there is none."""
    return 1 + (room + (step - 1 if up else 0)) // step


@in_range
def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    places = _windows(size - 1 + 2 * padding - (kernel_size - 1) * dilation, stride, up=False)
    if places > 0:
        return places
    raise ValueError("output is empty")


@in_range
def same_padding(kernel_size, dilation=1):
    if kernel_size % 2 or not dilation % 2:
        return (kernel_size - 1) * dilation >> 1
    raise ValueError("an even kernel needs an even dilation")


@in_range
def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if padding not in range(kernel_size // 2 + 1):
        raise ValueError("padding > kernel_size // 2")
    step = stride or kernel_size  # a stride of 0 has been refused already
    places = _windows(size - 1 + 2 * padding - (kernel_size - 1) * dilation, step, ceil_mode)
    places -= (places - 1) * step >= size + padding
    if places > 0:
        return places
    raise ValueError("output is empty")


@in_range
def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if not (output_padding < stride or output_padding < dilation):
        raise ValueError("output_padding must be below the stride or the dilation")
    last = (size - 1) * stride + (kernel_size - 1) * dilation
    places = last - 2 * padding + output_padding + 1
    if places > 0:
        return places
    raise ValueError("output is empty")


def receptive_field(layers):
    first = last = 0  # the input elements that output element 0 sees
    for kernel_size, stride in reversed(tuple(layers)):
        if kernel_size < 1 or stride < 1:
            raise ValueError(f"bad layer: kernel_size={kernel_size}, stride={stride}")
        first, last = first * stride, last * stride + kernel_size - 1
    return last - first + 1


DEFAULTS = {
    "conv": {"out_channels": ..., "kernel_size": ..., "stride": 1, "padding": 0, "dilation": 1},
    "max_pool": {"kernel_size": ..., "stride": None, "padding": 0},
    "avg_pool": {"kernel_size": ..., "stride": None, "padding": 0},
    "flatten": {},
}


def trace_shapes(input_shape, layers):
    shape = Shape(*input_shape)
    if any(n < 1 for n in shape):
        raise ValueError(f"{shape} is no shape of an image")
    trace = []
    for number, layer in enumerate(layers):
        where = f"layer {number}"
        if layer.get("type") not in DEFAULTS:
            raise ValueError(f"{where}: unknown type")
        options = {**DEFAULTS[layer["type"]], **layer}
        kind = options.pop("type")
        if any(value is ... for value in options.values()) or len(options) != len(DEFAULTS[kind]):
            raise ValueError(f"{where}: wrong keys")
        if kind == "flatten":
            shape = Shape(shape.channels * shape.height * shape.width, 1, 1)
        else:
            channels = options.pop("out_channels", shape.channels)
            measure = conv_output_size if kind == "conv" else pool_output_size
            try:
                if channels < 1:
                    raise ValueError("out_channels")
                shape = Shape(channels, measure(shape.height, **options), measure(shape.width, **options))
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
        trace.append(shape)
    return trace
