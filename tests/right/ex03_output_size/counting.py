"""No formula at all: slide the window, stamp the kernels, mark what is seen, and count."""


def _positive(**numbers):
    for name, number in numbers.items():
        if number <= 0:
            raise ValueError(f"{name} has to be positive (it is {number})")


def _not_negative(**numbers):
    for name, number in numbers.items():
        if number < 0:
            raise ValueError(f"{name} cannot be negative (it is {number})")


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    _positive(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _not_negative(padding=padding)
    axis = [False] * padding + [True] * size + [False] * padding
    count = 0
    left = 0
    while left + (kernel_size - 1) * dilation < len(axis):
        count += 1
        left += stride
    if count == 0:
        raise ValueError("the kernel is larger than the padded input")
    return count


def same_padding(kernel_size, dilation=1):
    _positive(kernel_size=kernel_size, dilation=dilation)
    size = kernel_size * dilation
    for padding in range(kernel_size * dilation + 1):
        fits = size + 2 * padding > (kernel_size - 1) * dilation
        if fits and conv_output_size(size, kernel_size, 1, padding, dilation) == size:
            return padding
    raise ValueError(f"no padding keeps the size with kernel_size={kernel_size}, dilation={dilation}")


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if stride is None:
        stride = kernel_size
    _positive(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _not_negative(padding=padding)
    if 2 * padding > kernel_size:
        raise ValueError("pad should be at most half of the kernel")
    end = size + 2 * padding
    count, left, covered_to = 0, 0, None
    while True:
        right = left + (kernel_size - 1) * dilation
        if right < end:
            fits = True
        elif ceil_mode and left < size + padding:
            # a hanging window counts if the window before it, real or not, left something uncovered
            fits = right - stride < end - 1
        else:
            fits = False
        if not fits:
            break
        count, left, covered_to = count + 1, left + stride, right
    if covered_to is None:
        raise ValueError("no window of this kernel_size fits")
    return count


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    _positive(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _not_negative(padding=padding, output_padding=output_padding)
    if not (output_padding < stride or output_padding < dilation):
        raise ValueError("output_padding is neither smaller than stride nor smaller than dilation")
    stamped = {at * stride + tap * dilation for at in range(size) for tap in range(kernel_size)}
    length = max(stamped) + 1 - 2 * padding + output_padding
    if length <= 0:
        raise ValueError("padding removes the whole output")
    return length


def receptive_field(layers):
    for number, (kernel_size, stride) in enumerate(layers):
        if kernel_size < 1 or stride < 1:
            raise ValueError(f"layers[{number}] = {(kernel_size, stride)}: kernel and stride start at 1")
    seen = {0}
    for kernel_size, stride in reversed(layers):
        seen = {at * stride + tap for at in seen for tap in range(kernel_size)}
    return max(seen) - min(seen) + 1


def trace_shapes(input_shape, layers):
    if any(number < 1 for number in input_shape):
        raise ValueError("input_shape must hold positive numbers")
    shapes = [tuple(input_shape)]
    for layer in layers:
        c, h, w = shapes[-1]
        keys = set(layer)
        if "type" not in keys:
            raise ValueError("a layer without type")
        if layer["type"] == "flatten":
            if keys != {"type"}:
                raise ValueError(f"flatten takes no other key, got {sorted(keys)}")
            shapes.append((c * h * w, 1, 1))
        elif layer["type"] == "conv":
            if not {"type", "out_channels", "kernel_size"} <= keys:
                raise ValueError("conv needs the keys out_channels and kernel_size")
            if keys - {"type", "out_channels", "kernel_size", "stride", "padding", "dilation"}:
                raise ValueError(f"conv does not know all of the keys {sorted(keys)}")
            rest = [layer["kernel_size"], layer.get("stride", 1), layer.get("padding", 0), layer.get("dilation", 1)]
            _positive(out_channels=layer["out_channels"])
            shapes.append((layer["out_channels"], conv_output_size(h, *rest), conv_output_size(w, *rest)))
        elif layer["type"] in ("max_pool", "avg_pool"):
            if "kernel_size" not in keys:
                raise ValueError("pooling needs the key kernel_size")
            if keys - {"type", "kernel_size", "stride", "padding"}:
                raise ValueError(f"pooling does not know all of the keys {sorted(keys)}")
            rest = [layer["kernel_size"], layer.get("stride"), layer.get("padding", 0)]
            shapes.append((c, pool_output_size(h, *rest), pool_output_size(w, *rest)))
        else:
            raise ValueError(f"unknown layer type {layer['type']!r}")
    return shapes[1:]
