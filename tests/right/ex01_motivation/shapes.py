"""Every answer is the number of elements of some shape: torch.Size.numel, expanded tensors, math.prod."""

import itertools
import math
import operator

import torch


def _check(what, values, low=1):
    if not all(v >= low for v in values):
        raise ValueError(f"{what}: every number has to be {low} or more, not {list(values)}")


def dense_weights_per_neuron(image_shape: tuple[int, int, int]) -> int:
    _check("image_shape", image_shape)
    return torch.Size(image_shape).numel()


def dense_parameter_count(image_shape, neurons: int, bias: bool = True) -> int:
    _check("image_shape", image_shape)
    _check("neurons", [neurons])
    weight = torch.zeros(()).expand(neurons, *image_shape)  # one number seen often: no memory
    return weight.numel() + bias * weight.shape[0]


def mlp_parameter_count(image_shape, hidden: list[int], num_classes: int, bias: bool = True) -> int:
    _check("image_shape", image_shape)
    _check("hidden", hidden)
    _check("num_classes", [num_classes])
    sizes = list(itertools.chain([math.prod(image_shape)], hidden, [num_classes]))
    weights = sum(itertools.starmap(operator.mul, itertools.pairwise(sizes)))
    return weights + (sum(sizes) - sizes[0] if bias else 0)


def conv_parameter_count(in_channels: int, out_channels: int, kernel_size, groups: int = 1, bias: bool = True) -> int:
    kernel_size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    _check("in_channels and out_channels", [in_channels, out_channels])
    _check("kernel_size", kernel_size)
    depth, rest = divmod(in_channels, groups)
    if rest:
        raise ValueError(f"in_channels={in_channels} cannot be cut into {groups} parts")
    if math.gcd(out_channels, groups) != groups:
        raise ValueError(f"out_channels={out_channels} cannot be cut into {groups} parts")
    return math.prod([out_channels, depth, *kernel_size]) + int(bias) * out_channels
