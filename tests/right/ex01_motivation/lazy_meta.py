"""Layers that never get memory: lazy modules and the meta device tell the shapes, and the shapes tell the counts."""

import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def _send(module, shape):
    if any(size < 0 for size in shape):
        raise ValueError(f"no image has the shape {tuple(shape)}")
    module(torch.empty(1, *shape, device="meta"))
    return sum(p.nelement() for p in module.parameters())


def dense_weights_per_neuron(image_shape):
    return dense_parameter_count(image_shape, neurons=1, bias=False)


def dense_parameter_count(image_shape, neurons, bias=True):
    return mlp_parameter_count(image_shape, [], neurons, bias)


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    sizes = list(hidden)
    sizes.append(num_classes)
    if min(sizes) < 0:
        raise ValueError(f"a layer of {min(sizes)} neurons")
    net = nn.Sequential(nn.Flatten(), *[nn.LazyLinear(n, bias=bias, device="meta") for n in sizes])
    return _send(net, image_shape)


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    if in_channels < 0 or out_channels < 0:
        raise ValueError(f"{in_channels} or {out_channels} channels")
    kernel = nn.modules.utils._pair(kernel_size)
    if min(kernel) < 0:
        raise ValueError(f"a kernel of {kernel}")
    if out_channels % groups:  # the lazy layer asks about in_channels only
        raise ValueError(f"{out_channels} filters in {groups} groups")
    layer = nn.LazyConv2d(out_channels, kernel, groups=groups, bias=bias, device="meta")
    return _send(layer, (in_channels, *kernel))
