"""What learners get wrong in ex01. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import itertools
import math

import numpy as np
import torch

from grader.checker.misconceptions import misconception, reference

ref = reference("ex01_motivation")


def _sides(kernel_size):
    return (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size


# dense_weights_per_neuron


@misconception(
    "dense_weights_per_neuron",
    "You counted the pixels and left the channels out. A colour picture has three numbers at each pixel, and the "
    "neuron needs a weight for each of them: multiply all three sizes instead.",
)
def channels_forgotten(image_shape):
    ref.dense_weights_per_neuron(image_shape)
    return image_shape[1] * image_shape[2]


@misconception(
    "dense_weights_per_neuron",
    "You took the picture to be as wide as it is high. Pictures need not be square: multiply the height by the width, "
    "not by itself, instead.",
)
def square_picture_assumed(image_shape):
    channels, height, _ = image_shape
    ref.dense_weights_per_neuron(image_shape)
    return channels * height * height


@misconception(
    "dense_weights_per_neuron",
    "You added the three sizes. The numbers of a picture fill a block of channels × height × width: multiply the "
    "three instead.",
)
def sizes_added(image_shape):
    ref.dense_weights_per_neuron(image_shape)
    return sum(image_shape)


@misconception(
    "dense_weights_per_neuron",
    "You counted the bias of the neuron along with its weights. A bias is a parameter, but it is no weight: here, "
    "count the weights alone instead.",
)
def bias_counted(image_shape):
    return ref.dense_weights_per_neuron(image_shape) + 1


@misconception(
    "dense_weights_per_neuron",
    "You returned a number of numpy's, as `np.prod` makes it. It prints like an int, but it is none: return "
    "`int(...)` of it, or multiply the three sizes with `*` (or `math.prod`), instead.",
)
def numpy_number_returned(image_shape):
    ref.dense_weights_per_neuron(image_shape)
    return np.prod(image_shape)


@misconception(
    "dense_weights_per_neuron",
    "You gave an answer for a picture with a negative size. There is no such picture: raise a ValueError that names "
    "`image_shape` instead.",
)
def negative_size_accepted(image_shape):
    channels, height, width = image_shape
    return channels * height * width


@misconception(
    "dense_weights_per_neuron",
    "You looked whether the product is negative. Two negative sizes give a positive product and slip through: look at "
    "each of the three sizes by itself instead.",
)
def product_tested(image_shape):
    channels, height, width = image_shape
    if channels * height * width < 1:
        raise ValueError(f"image_shape {image_shape} makes no sense")
    return channels * height * width


# dense_parameter_count


@misconception(
    "dense_parameter_count",
    "You added one bias for the whole layer. Every neuron adds a bias of its own to its sum: add `neurons` biases "
    "instead.",
)
def one_bias_for_the_layer(image_shape, neurons, bias=True):
    return ref.dense_parameter_count(image_shape, neurons, False) + (1 if bias else 0)


@misconception(
    "dense_parameter_count",
    "You added a bias for every number of the picture. The biases belong to the neurons, not to what they see: add "
    "`neurons` biases instead.",
)
def bias_for_every_input(image_shape, neurons, bias=True):
    weights = ref.dense_parameter_count(image_shape, neurons, False)
    return weights + ref.dense_weights_per_neuron(image_shape) if bias else weights


@misconception(
    "dense_parameter_count",
    "You left the biases out, even where `bias` is True. Add one for every neuron instead.",
)
def bias_forgotten(image_shape, neurons, bias=True):
    return ref.dense_parameter_count(image_shape, neurons, False)


@misconception(
    "dense_parameter_count",
    "You counted the biases even where `bias` is False. Add them only where `bias` is True instead.",
)
def bias_always_counted(image_shape, neurons, bias=True):
    return ref.dense_parameter_count(image_shape, neurons, True)


@misconception(
    "dense_parameter_count",
    "You count no bias where nothing is said of one. A dense layer has a bias unless it is told otherwise: let `bias` "
    "be True by default instead.",
)
def no_bias_by_default(image_shape, neurons, bias=False):
    return ref.dense_parameter_count(image_shape, neurons, bias)


@misconception(
    "dense_parameter_count",
    "You counted the weights once, as if all neurons shared them. In a dense layer every neuron has weights of its own "
    "(it is the convolution that shares them): multiply the weights of one neuron by `neurons` instead.",
)
def weights_shared(image_shape, neurons, bias=True):
    ref.dense_parameter_count(image_shape, neurons, bias)
    return ref.dense_weights_per_neuron(image_shape) + (neurons if bias else 0)


@misconception(
    "dense_parameter_count",
    "You computed with float32, which holds whole numbers up to about 16 million only: the last digits of larger "
    "counts are lost. Multiply plain Python ints, which are always exact, instead.",
)
def counted_in_float32(image_shape, neurons, bias=True):
    exact = ref.dense_parameter_count(image_shape, neurons, bias)
    return int(torch.tensor(float(exact), dtype=torch.float32).item())


@misconception(
    "dense_parameter_count",
    "You gave an answer for a layer with a negative number of neurons. There is no such layer: raise a ValueError that "
    "names `neurons` instead.",
)
def negative_neurons_accepted(image_shape, neurons, bias=True):
    weights = ref.dense_weights_per_neuron(image_shape)
    return neurons * (weights + 1 if bias else weights)


# mlp_parameter_count


def _layers(image_shape, hidden, num_classes):
    """(inputs, neurons) of every dense layer; raises what the reference raises."""
    ref.mlp_parameter_count(image_shape, hidden, num_classes)
    sizes = [ref.dense_weights_per_neuron(image_shape), *hidden, num_classes]
    return list(itertools.pairwise(sizes))


def _parameters(layers, bias):
    return sum(neurons * (inputs + 1 if bias else inputs) for inputs, neurons in layers)


@misconception(
    "mlp_parameter_count",
    "You stopped after the last hidden layer. The classes are a dense layer too, with one neuron for each class: count "
    "its weights and biases instead of leaving them out.",
)
def class_layer_forgotten(image_shape, hidden, num_classes, bias=True):
    return _parameters(_layers(image_shape, hidden, num_classes)[:-1], bias)


@misconception(
    "mlp_parameter_count",
    "You let every layer see the whole picture. Only the first one does: let every later layer have as many inputs as "
    "the layer before it has neurons instead.",
)
def every_layer_sees_the_picture(image_shape, hidden, num_classes, bias=True):
    layers = _layers(image_shape, hidden, num_classes)
    return _parameters([(layers[0][0], neurons) for _, neurons in layers], bias)


@misconception(
    "mlp_parameter_count",
    "You counted the weights from the picture to the first hidden layer and from the last one to the classes, but not "
    "those between hidden layers. Count all neighbours in the row of layers instead.",
)
def weights_between_hidden_forgotten(image_shape, hidden, num_classes, bias=True):
    layers = _layers(image_shape, hidden, num_classes)
    between = sum(inputs * neurons for inputs, neurons in layers[1:-1])
    return _parameters(layers, bias) - between


@misconception(
    "mlp_parameter_count",
    "You multiplied the sizes of all layers with each other. Weights join neighbouring layers only: multiply the two "
    "sizes of each pair of neighbours, and add the products, instead.",
)
def all_sizes_multiplied(image_shape, hidden, num_classes, bias=True):
    layers = _layers(image_shape, hidden, num_classes)
    weights, biases = layers[0][0], sum(neurons for _, neurons in layers)
    for _, neurons in layers:
        weights *= neurons
    return weights + biases if bias else weights


@misconception(
    "mlp_parameter_count",
    "You added one bias for each layer. Every neuron has its own: add as many biases as the layer has neurons instead.",
)
def one_bias_a_layer(image_shape, hidden, num_classes, bias=True):
    layers = _layers(image_shape, hidden, num_classes)
    return _parameters(layers, False) + (len(layers) if bias else 0)


@misconception(
    "mlp_parameter_count",
    "You counted the biases even where `bias` is False. It holds for all dense layers: hand it on to each of them "
    "instead.",
)
def bias_not_handed_on(image_shape, hidden, num_classes, bias=True):
    return _parameters(_layers(image_shape, hidden, num_classes), True)


@misconception(
    "mlp_parameter_count",
    "You put the hidden layers in the opposite order. The first entry of `hidden` is the layer next to the picture: "
    "walk through the list from its start instead.",
)
def hidden_from_the_end(image_shape, hidden, num_classes, bias=True):
    return ref.mlp_parameter_count(image_shape, hidden[::-1], num_classes, bias)


@misconception(
    "mlp_parameter_count",
    "You took for granted that there is a hidden layer: with an empty list there is no `hidden[0]`, and your code "
    "stops with an IndexError. Start from the picture, and loop over `[*hidden, num_classes]`, instead.",
)
def hidden_layer_needed(image_shape, hidden, num_classes, bias=True):
    first = hidden[0]
    return ref.mlp_parameter_count(image_shape, [first, *hidden[1:]], num_classes, bias)


@misconception(
    "mlp_parameter_count",
    "You appended to the caller's list: after your count it has one layer more, and the next count is wrong. Make a "
    "list of your own, such as `[*hidden, num_classes]`, instead.",
)
def list_of_the_caller_changed(image_shape, hidden, num_classes, bias=True):
    total = ref.mlp_parameter_count(image_shape, hidden, num_classes, bias)
    hidden.append(num_classes)
    return total


@misconception(
    "mlp_parameter_count",
    "You gave an answer for a picture with a negative size, and for layers with a negative number of neurons. There is "
    "no such network: raise a ValueError that names the argument instead.",
)
def negative_sizes_accepted(image_shape, hidden, num_classes, bias=True):
    sizes = [math.prod(image_shape), *hidden, num_classes]
    return _parameters(itertools.pairwise(sizes), bias)


@misconception(
    "mlp_parameter_count",
    "You looked at the picture's sizes, but gave an answer for layers with a negative number of neurons. Raise a "
    "ValueError that names `hidden` or `num_classes` instead.",
)
def negative_layers_accepted(image_shape, hidden, num_classes, bias=True):
    sizes = [ref.dense_weights_per_neuron(image_shape), *hidden, num_classes]
    return _parameters(itertools.pairwise(sizes), bias)


@misconception(
    "mlp_parameter_count",
    "You looked at the picture and the classes, but gave an answer for a hidden layer with a negative number of "
    "neurons. Look at every entry of `hidden`, and raise a ValueError, instead.",
)
def negative_hidden_accepted(image_shape, hidden, num_classes, bias=True):
    ref.mlp_parameter_count(image_shape, [], num_classes, bias)
    return negative_layers_accepted(image_shape, hidden, num_classes, bias)


# conv_parameter_count


@misconception(
    "conv_parameter_count",
    "You gave every filter a single flat kernel. A filter is as deep as the picture: count one kernel for each input "
    "channel that it sees, `in_channels // groups` of them, instead.",
)
def input_channels_forgotten(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias)
    return ref.conv_parameter_count(1, out_channels, kernel_size, 1, bias)


@misconception(
    "conv_parameter_count",
    "You left the biases out, even where `bias` is True. Add one for every filter, `out_channels` in all, instead.",
)
def filter_biases_forgotten(in_channels, out_channels, kernel_size, groups=1, bias=True):
    return ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False)


@misconception(
    "conv_parameter_count",
    "You counted the biases even where `bias` is False. Add them only where `bias` is True instead.",
)
def filter_biases_always_counted(in_channels, out_channels, kernel_size, groups=1, bias=True):
    return ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, True)


@misconception(
    "conv_parameter_count",
    "You added one bias for the whole layer. Every filter has a bias of its own: add `out_channels` biases instead.",
)
def one_bias_for_all_filters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    return ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False) + (1 if bias else 0)


@misconception(
    "conv_parameter_count",
    "You gave a filter one bias for each channel that it sees. It adds up all channels first, and then one bias: "
    "count one bias a filter instead.",
)
def bias_for_every_channel(in_channels, out_channels, kernel_size, groups=1, bias=True):
    weights = ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False)
    return weights + (in_channels // groups * out_channels if bias else 0)


@misconception(
    "conv_parameter_count",
    "You divided the biases by the groups too. There are as many filters with groups as without, and each has a bias: "
    "add `out_channels` biases, whatever `groups` is, instead.",
)
def biases_divided_by_groups(in_channels, out_channels, kernel_size, groups=1, bias=True):
    weights = ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False)
    return weights + (out_channels // groups if bias else 0)


@misconception(
    "conv_parameter_count",
    "You did not square the kernel size: an int stands for a square kernel, with `kernel_size * kernel_size` weights. "
    "Multiply the height by the width instead.",
)
def kernel_not_squared(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias)
    kernel_size = (kernel_size, 1) if isinstance(kernel_size, int) else kernel_size
    return ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias)


@misconception(
    "conv_parameter_count",
    "You took the kernel to be square: of a pair you used one number twice. Multiply the kernel's height by its width "
    "instead.",
)
def square_kernel_assumed(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias)
    return ref.conv_parameter_count(in_channels, out_channels, _sides(kernel_size)[0], groups, bias)


@misconception(
    "conv_parameter_count",
    "You left the groups out: your filters see all input channels. With groups a filter sees only the channels of its "
    "own group: use `in_channels // groups` in place of `in_channels` instead.",
)
def groups_ignored(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias)
    return ref.conv_parameter_count(in_channels, out_channels, kernel_size, 1, bias)


@misconception(
    "conv_parameter_count",
    "You divided both channel counts by the groups, and so counted the weights of a single group. There are `groups` "
    "of them: divide `in_channels` alone instead.",
)
def one_group_counted(in_channels, out_channels, kernel_size, groups=1, bias=True):
    weights = ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, False) // groups
    return weights + (out_channels if bias else 0)


@misconception(
    "conv_parameter_count",
    "You divided with `/`, and your answer is a float. Where the groups divide the channels the result is a whole "
    "number: divide with `//`, which keeps an int, instead.",
)
def divided_with_a_slash(in_channels, out_channels, kernel_size, groups=1, bias=True):
    return float(ref.conv_parameter_count(in_channels, out_channels, kernel_size, groups, bias))


@misconception(
    "conv_parameter_count",
    "You gave an answer where `groups` does not divide the channels, and dropped the rest. Such a layer cannot be cut "
    "into equal parts: raise a ValueError that names `groups` instead.",
)
def groups_not_tested(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, kernel_size, 1, bias)
    return ref.conv_parameter_count(in_channels // groups, out_channels, kernel_size, 1, bias)


@misconception(
    "conv_parameter_count",
    "You asked whether `groups` divides the input channels, but not whether it divides `out_channels`. The filters are "
    "shared out among the groups too: test both, and raise a ValueError, instead.",
)
def output_groups_not_tested(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, groups, kernel_size, groups, bias)
    return groups_not_tested(in_channels, out_channels, kernel_size, groups, bias)


@misconception(
    "conv_parameter_count",
    "You gave an answer for negative channels or a negative kernel. There is no such layer: raise a ValueError that "
    "names the argument instead.",
)
def negative_numbers_accepted(in_channels, out_channels, kernel_size, groups=1, bias=True):
    if in_channels % groups or out_channels % groups:
        raise ValueError("groups must divide in_channels and out_channels")
    height, width = _sides(kernel_size)
    weights = out_channels * (in_channels // groups) * height * width
    return weights + out_channels if bias else weights


@misconception(
    "conv_parameter_count",
    "You looked at the sign of the channels, but not at that of the kernel. Look at its height and its width, each by "
    "itself, and raise a ValueError that names `kernel_size`, instead.",
)
def negative_kernel_accepted(in_channels, out_channels, kernel_size, groups=1, bias=True):
    ref.conv_parameter_count(in_channels, out_channels, 1, groups, bias)
    return negative_numbers_accepted(in_channels, out_channels, kernel_size, groups, bias)
