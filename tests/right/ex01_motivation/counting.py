"""No formula: every weight and every bias is counted, one at a time, by the wire that it sits on."""

from itertools import product


def refuse_negative(name, *numbers):
    for number in numbers:
        if number < 0:
            raise ValueError(f"{name} must not be negative")


def dense_weights_per_neuron(image_shape):
    C, H, W = image_shape
    refuse_negative("a size of image_shape", C, H, W)
    count = 0
    for c in range(C):
        for y in range(H):
            for x in range(W):
                count += 1
    return count


def dense_parameter_count(image_shape, neurons, bias=True):
    refuse_negative("neurons", neurons)
    count = 0
    for neuron in range(neurons):
        C, H, W = image_shape
        refuse_negative("a size of image_shape", C, H, W)
        for weight in product(range(C), range(H), range(W)):
            count += 1
        if bias:
            count += 1
    return count


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    refuse_negative("hidden", *hidden)
    refuse_negative("num_classes", num_classes)
    seen = [1] * dense_weights_per_neuron(image_shape)
    count = 0
    for neurons in hidden + [num_classes]:
        for neuron in range(neurons):
            for one in seen:
                count += one
            if bias:
                count += 1
        seen = [1] * neurons
    return count


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    if isinstance(kernel_size, tuple):
        height, width = kernel_size
    else:
        height = width = kernel_size
    refuse_negative("in_channels", in_channels)
    refuse_negative("out_channels", out_channels)
    refuse_negative("kernel_size", height, width)
    group_of_input = [c * groups // in_channels for c in range(in_channels)]
    group_of_filter = [f * groups // out_channels for f in range(out_channels)]
    for g in range(groups):
        same_inputs = group_of_input.count(g) * groups == in_channels
        same_filters = group_of_filter.count(g) * groups == out_channels
        if not (same_inputs and same_filters):
            raise ValueError("the groups are not equal")
    count = 0
    for f in range(out_channels):
        for c in range(in_channels):
            if group_of_input[c] == group_of_filter[f]:
                for y in range(height):
                    for x in range(width):
                        count += 1
        if bias:
            count += 1
    return count
