"""Everything by recursion on a shorter axis or a shorter network; arguments are tested where they are used."""

OPTIONAL = ("stride", "padding", "dilation")


def demand(low, **arguments):
    [(name, value)] = arguments.items()
    if value < low:
        raise ValueError(f"{name} < {low}")
    return value


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    axis = demand(1, size=size) + 2 * demand(0, padding=padding)
    window = (demand(1, kernel_size=kernel_size) - 1) * demand(1, dilation=dilation) + 1
    if window > axis:
        raise ValueError(f"window of {window} on an axis of {axis}")

    def count(axis):
        return 0 if axis < window else 1 + count(axis - demand(1, stride=stride))

    return count(axis)


def same_padding(kernel_size, dilation=1):
    missing = (demand(1, kernel_size=kernel_size) - 1) * demand(1, dilation=dilation)
    if missing & 1:
        raise ValueError("padding cannot be symmetric here")
    return missing >> 1


def pool_output_size(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    step = demand(1, kernel_size=kernel_size) if stride is None else demand(1, stride=stride)
    if padding > kernel_size - (kernel_size + 1) // 2:
        raise ValueError("too much padding for this kernel")
    if not ceil_mode:
        return conv_output_size(size, kernel_size, step, padding, dilation)
    # Longer by what would make the next step fit; then take back the window that has no input left.
    demand(1, size=size), demand(0, padding=padding), demand(1, dilation=dilation)
    extra = size + 2 * padding + step - 1
    if (kernel_size - 1) * dilation + 1 > extra:
        raise ValueError("window does not fit")
    number = conv_output_size(extra, kernel_size, step, 0, dilation)
    return number - 1 if number * step >= size + padding + step else number


def conv_transpose_output_size(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    demand(1, stride=stride), demand(1, dilation=dilation), demand(0, padding=padding)
    if demand(0, output_padding=output_padding) not in range(max(stride, dilation)):
        raise ValueError("output_padding")
    if demand(1, size=size) > 1:
        whole = stride + conv_transpose_output_size(size - 1, kernel_size, stride, 0, output_padding, dilation)
    else:
        whole = demand(1, kernel_size=kernel_size) + (kernel_size - 1) * (dilation - 1) + output_padding
    if whole <= 2 * padding:
        raise ValueError(f"padding cuts {2 * padding} of {whole}")
    return whole - 2 * padding


def receptive_field(layers):
    layers = list(layers)  # a copy, so that it may be used up
    seen = 1
    while layers:
        kernel_size, stride = layers.pop()
        seen = demand(1, kernel_size=kernel_size) + (seen - 1) * demand(1, stride=stride)
    return seen


def trace_shapes(input_shape, layers):
    channels, height, width = (demand(1, input_shape=number) for number in input_shape)
    if not layers:
        return []
    layer = layers[0].copy()
    kind = layer.pop("type", "missing type")
    allowed = {"conv": OPTIONAL, "max_pool": OPTIONAL[:2], "avg_pool": OPTIONAL[:2], "flatten": ()}
    if kind not in allowed:
        raise ValueError(f"cannot make a layer of {kind}")
    required = () if kind == "flatten" else ("out_channels", "kernel_size") if kind == "conv" else ("kernel_size",)
    if not set(required) <= layer.keys() <= {*required, *allowed[kind]}:
        raise ValueError(f"keys of {kind}: {', '.join(layer) or 'none'}; the layer needs {required}")
    if kind == "conv":
        channels = demand(1, out_channels=layer.pop("out_channels"))
        shape = (channels, conv_output_size(height, **layer), conv_output_size(width, **layer))
    elif kind == "flatten":
        shape = (channels * height * width, 1, 1)
    else:
        shape = (channels, pool_output_size(height, **layer), pool_output_size(width, **layer))
    return [shape, *trace_shapes(shape, layers[1:])]
