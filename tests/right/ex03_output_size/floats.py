"""The formulas as PyTorch's pages print them, with true division, floor and ceil; the ints come back at the end."""

import math


class ShapeError(ValueError):
    """A ValueError of this module's own."""


def conv_output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    for name, value, low in [
        ("size", size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ]:
        if value < low:
            raise ShapeError(f"`{name}` = {value}, but it must be >= {low}")
    result = math.floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1)
    if result < 1:
        raise ShapeError(f"output size would be {result}")
    return result


def same_padding(kernel_size: int, dilation: int = 1) -> int:
    if kernel_size < 1:
        raise ShapeError("Kernel size must be at least one")
    if dilation < 1:
        raise ShapeError("Dilation must be at least one")
    half = dilation * (kernel_size - 1) / 2
    if half != math.trunc(half):
        raise ShapeError(f"padding would have to be {half}")
    return int(half)


def pool_output_size(
    size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    stride = kernel_size if stride is None else stride
    if padding > kernel_size / 2:
        raise ShapeError("`padding` is more than half of `kernel_size`")
    for name, value in [("size", size), ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)]:
        if value < 1:
            raise ShapeError(f"`{name}` = {value}, but it must be >= 1")
    if padding < 0:
        raise ShapeError("`padding` is negative")
    whole = math.ceil if ceil_mode else math.floor
    result = whole((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1)
    while ceil_mode and (result - 1) * stride >= size + padding:
        result -= 1
    if result < 1:
        raise ShapeError(f"output size would be {result}")
    return result


def conv_transpose_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    ones = {"size": size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    zeros = {"padding": padding, "output_padding": output_padding}
    bad = [name for name, value in ones.items() if value < 1] + [name for name, value in zeros.items() if value < 0]
    if bad:
        raise ShapeError("out of range: " + ", ".join(bad))
    if output_padding >= stride and output_padding >= dilation:
        raise ShapeError(f"output padding {output_padding} is too large")
    result = (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1
    if result < 1:
        raise ShapeError(f"output size would be {result}")
    return result


def receptive_field(layers: list[tuple[int, int]]) -> int:
    if not layers:
        return 1
    (kernel_size, stride), *rest = layers
    if kernel_size < 1:
        raise ShapeError("kernel size below one")
    if stride < 1:
        raise ShapeError("stride below one")
    return (receptive_field(rest) - 1) * stride + kernel_size


def trace_shapes(input_shape: tuple[int, int, int], layers: list[dict]) -> list[tuple[int, int, int]]:
    if min(input_shape) < 1:
        raise ShapeError("the shape of the input must be positive")
    if not layers:
        return []
    first, *rest = layers
    shape = _after(input_shape, dict(first))
    return [shape, *trace_shapes(shape, rest)]


def _after(shape: tuple[int, int, int], layer: dict) -> tuple[int, int, int]:
    kind = layer.pop("type", None)
    c, h, w = shape
    try:
        if kind == "conv":
            c = layer.pop("out_channels")
            if c < 1:
                raise ShapeError("`out_channels` must be positive")
            k, s, p, d = (
                layer.pop("kernel_size"),
                layer.pop("stride", 1),
                layer.pop("padding", 0),
                layer.pop("dilation", 1),
            )
            h, w = conv_output_size(h, k, s, p, d), conv_output_size(w, k, s, p, d)
        elif kind in ("max_pool", "avg_pool"):
            k, s, p = layer.pop("kernel_size"), layer.pop("stride", None), layer.pop("padding", 0)
            h, w = pool_output_size(h, k, s, p), pool_output_size(w, k, s, p)
        elif kind == "flatten":
            c, h, w = math.prod(shape), 1, 1
        else:
            raise ShapeError(f"no such type: {kind}")
    except KeyError as missing:
        raise ShapeError(f"{kind} lacks its key {missing}") from None
    if layer:
        raise ShapeError(f"{kind} has keys too many: {list(layer)}")
    return c, h, w
