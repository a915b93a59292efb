"""len(range(...)), min and reduce in the place of divisions; every layer of a network is a function of a shape."""

from functools import reduce
from itertools import accumulate


def _check(condition, message):
    if not condition:
        raise ValueError(message)


def _span(kernel_size, dilation):
    return kernel_size + (kernel_size - 1) * (dilation - 1)


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    _check(size > 0, f"size: {size}")
    _check(kernel_size > 0, f"kernel_size: {kernel_size}")
    _check(stride > 0, f"stride: {stride}")
    _check(padding >= 0, f"padding: {padding}")
    _check(dilation > 0, f"dilation: {dilation}")
    places = range(0, size + 2 * padding - _span(kernel_size, dilation) + 1, stride)
    _check(places, "Kernel size can't be greater than actual input size")
    return len(places)


def same_padding(kernel_size, dilation=1):
    _check(kernel_size > 0, "kernel_size")
    _check(dilation > 0, "dilation")
    padding, odd = divmod(_span(kernel_size, dilation) - 1, 2)
    _check(not odd, f"same padding would be asymmetric for kernel size {kernel_size}, dilation {dilation}")
    return padding


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    _check(kernel_size > 0, "kernel_size")
    step = stride if stride is not None else kernel_size
    _check(0 <= padding <= kernel_size // 2, "padding must lie between 0 and half the kernel")
    if not ceil_mode:
        return conv_output_size(size, kernel_size, step, padding, dilation)
    _check(size > 0 and step > 0 and dilation > 0, "size, stride and dilation must be positive")
    # windows that leave something for the next one, plus one; of these the ones that start before the right padding
    needed = 1 - (_span(kernel_size, dilation) - size - 2 * padding) // step
    allowed = len(range(0, size + padding, step))
    _check(needed > 0, "kernel_size is too large for size")
    return min(needed, allowed)


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    _check(min(size, kernel_size, stride, dilation) > 0, "size, kernel_size, stride and dilation must be positive")
    _check(min(padding, output_padding) >= 0, "padding and output_padding must not be negative")
    _check(output_padding < max(stride, dilation), "output padding must be smaller than either stride or dilation")
    grown = stride * size - stride - padding - padding + _span(kernel_size, dilation) + output_padding
    _check(grown > 0, "size too small for this padding")
    return grown


def receptive_field(layers):
    _check(all(number > 0 for layer in layers for number in layer), "layers: kernel sizes and strides must be positive")
    jumps = accumulate((stride for _, stride in layers), lambda a, b: a * b, initial=1)
    return sum(((kernel_size - 1) * jump for (kernel_size, _), jump in zip(layers, jumps, strict=False)), start=1)


def _conv(shape, *, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    _check(out_channels > 0, "out_channels")
    return (out_channels, *(conv_output_size(n, kernel_size, stride, padding, dilation) for n in shape[1:]))


def _pool(shape, *, kernel_size, stride=None, padding=0):
    return (shape[0], *(pool_output_size(n, kernel_size, stride, padding) for n in shape[1:]))


def _flatten(shape):
    return (reduce(lambda a, b: a * b, shape), 1, 1)


def trace_shapes(input_shape, layers):
    _check(min(input_shape) > 0, "input_shape")

    def step(shape, layer):
        match layer:
            case {"type": "conv", **rest}:
                function = _conv
            case {"type": "max_pool" | "avg_pool", **rest}:
                function = _pool
            case {"type": "flatten", **rest}:
                function = _flatten
            case _:
                raise ValueError(f"{layer} has no known type")
        try:
            return function(shape, **rest)
        except TypeError as error:
            raise ValueError(f"the keys of {layer} are wrong: {error}") from error

    return list(accumulate(layers, step, initial=tuple(input_shape)))[1:]
