"""One function does it all: a convolution whose kernel covers the whole image is a dense layer. The rest recurses."""


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    try:
        height, width = kernel_size
    except TypeError:
        return conv_parameter_count(in_channels, out_channels, (kernel_size, kernel_size), groups, bias)
    for name, value in {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": height}.items():
        if value < 1:
            raise ValueError(name)
    if width < 1:
        raise ValueError("kernel_size")
    if groups > 1:
        if groups > in_channels or groups > out_channels or in_channels % groups or out_channels % groups:
            raise ValueError("groups")
        part = conv_parameter_count(in_channels // groups, out_channels // groups, kernel_size, 1, bias)
        return groups * part
    return out_channels * (in_channels * height * width + bias)


def dense_parameter_count(image_shape, neurons, bias=True):
    try:
        return conv_parameter_count(image_shape[0], neurons, tuple(image_shape[1:]), bias=bias)
    except ValueError:
        raise ValueError("neurons" if neurons < 1 else "image_shape") from None


def dense_weights_per_neuron(image_shape):
    return dense_parameter_count(image_shape, 1, False)


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    if not hidden:
        return dense_parameter_count(image_shape, num_classes, bias)
    first, *rest = hidden
    here = dense_parameter_count(image_shape, first, bias)
    return here + mlp_parameter_count((first, 1, 1), rest, num_classes, bias)
