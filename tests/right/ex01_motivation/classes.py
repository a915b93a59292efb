"""Objects: a layer checks itself when it is made and knows its parameters; floats inside, rounded at the door."""

from dataclasses import dataclass


class NotPositive(ValueError):
    """A subclass of ValueError is one."""

    def __init__(self, name, value):
        super().__init__(f"{name} = {value}?")


@dataclass(frozen=True)
class Layer:
    inputs: float
    neurons: float
    bias: bool

    @property
    def parameters(self):
        return self.neurons * (self.inputs + (1.0 if self.bias is True else 0.0))


def positive(name, value):
    if isinstance(value, (tuple, list)):
        return type(value)(positive(name, item) for item in value)
    if value < 1:
        raise NotPositive(name, value)
    return float(value)


def dense_weights_per_neuron(image_shape):
    volume = 1.0
    for size in positive("image_shape", image_shape):
        volume *= size
    return round(volume)


def dense_parameter_count(image_shape, neurons, bias=True):
    return round(Layer(dense_weights_per_neuron(image_shape), positive("neurons", neurons), bias).parameters)


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    sizes = [dense_weights_per_neuron(image_shape)]
    sizes.extend(positive("hidden", hidden))
    sizes.append(positive("num_classes", num_classes))
    layers = [Layer(sizes[i], sizes[i + 1], bias) for i in range(len(sizes) - 1)]
    return round(sum(layer.parameters for layer in layers))


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ins, outs = positive("in_channels", in_channels), positive("out_channels", out_channels)
    size = positive("kernel_size", kernel_size)
    area = size**2 if isinstance(size, float) else size[0] * size[1]
    if not (ins / groups).is_integer() or not (outs / groups).is_integer():
        raise NotPositive("the rest of in_channels or out_channels by groups", groups)
    return round(Layer(ins * area / groups, outs, bias).parameters)
