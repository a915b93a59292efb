"""numpy and int64 tensors: products of vectors, brought back to plain ints at the end."""

import numpy as np
import torch


def dense_weights_per_neuron(image_shape):
    shape = np.asarray(image_shape)
    if (shape <= 0).any():
        raise ValueError("Image shape must be positive!")
    return int(np.prod(shape, dtype=np.int64))


def dense_parameter_count(image_shape, neurons, bias=True):
    if np.sign(neurons) != 1:
        raise ValueError(f"Expected a positive number of neurons, but got {neurons}")
    per_neuron = torch.tensor([dense_weights_per_neuron(image_shape), bias])  # a bool becomes 0 or 1
    return (neurons * per_neuron).sum().item()


def mlp_parameter_count(image_shape, hidden, num_classes, bias=True):
    outs = torch.tensor([*hidden, num_classes])
    if (outs <= 0).any():
        raise ValueError(f"LAYERS HAVE TO BE POSITIVE: {outs.tolist()}")
    ins = outs.roll(1)
    ins[0] = dense_weights_per_neuron(image_shape)
    return torch.dot(ins + int(bias), outs).item()


def conv_parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    kernel = np.broadcast_to(kernel_size, 2)
    channels = np.array([in_channels, out_channels])
    if (kernel <= 0).any():
        raise ValueError(f"Kernel {tuple(kernel)}")
    if (channels <= 0).any() or (channels % groups).any():
        raise ValueError(f"Channels {in_channels} -> {out_channels} in {groups} group(s)")
    # A filter that sees its own group alone: a block-diagonal mask over (filter, channel).
    mask = np.kron(np.eye(groups, dtype=int), np.ones(channels[::-1] // groups, dtype=int))
    return int(mask.sum() * kernel.prod()) + (out_channels if bias else 0)
