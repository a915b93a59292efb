"""No arithmetic: build the network of torch.nn, with all its weights, and ask how many parameters it has."""

from torch import nn


def parameters(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def refuse(**numbers):
    bad = [name for name, number in numbers.items() if number <= 0]
    if bad:
        raise ValueError(f"not positive: {bad}")


def dense_weights_per_neuron(image_shape):
    return dense_parameter_count(image_shape, 1, False)


def dense_parameter_count(image_shape, neurons, bias=True):
    channels, height, width = image_shape
    refuse(channels=channels, height=height, width=width, neurons=neurons)
    return parameters(nn.Linear(channels * height * width, neurons, bias))


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    channels, height, width = image_shape
    refuse(channels=channels, height=height, width=width, num_classes=num_classes)
    layers = [nn.Flatten()]
    inputs = channels * height * width
    for i, neurons in enumerate(hidden):
        refuse(**{f"hidden[{i}]": neurons})
        layers += [nn.Linear(inputs, neurons, bias=bias), nn.ReLU()]
        inputs = neurons
    layers.append(nn.Linear(inputs, num_classes, bias=bias))
    return parameters(nn.Sequential(*layers))


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    refuse(in_channels=in_channels, out_channels=out_channels)
    if isinstance(kernel_size, int):
        refuse(kernel_size=kernel_size)
    else:
        refuse(kernel_height=kernel_size[0], kernel_width=kernel_size[1])
    return parameters(nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups, bias=bias))
