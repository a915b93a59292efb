"""The reference of ex01 against torch: the parameters of the layers that torch.nn makes, counted."""

import importlib.util
import random
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex01_motivation.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex01_motivation_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def drawn_shape(source):
    return tuple(source.randint(1, 9) for _ in range(3))


def test_dense_weights_per_neuron_is_the_length_of_the_flattened_image(ref):
    for shape in product(range(1, 11), repeat=3):
        flat = torch.zeros(1, *shape).flatten(1)
        assert ref.dense_weights_per_neuron(shape) == flat.shape[1], shape


def test_dense_parameter_count_agrees_with_linear(ref):
    source = random.Random(1)
    for _ in range(3000):
        shape, neurons, bias = drawn_shape(source), source.randint(1, 30), source.random() < 0.5
        inputs = torch.Size(shape).numel()
        layer = nn.Linear(inputs, neurons, bias, device="meta")
        assert ref.dense_parameter_count(shape, neurons, bias) == parameters(layer), (shape, neurons, bias)


def test_mlp_parameter_count_agrees_with_a_stack_of_linear(ref):
    source = random.Random(2)
    for _ in range(2000):
        shape, bias, classes = drawn_shape(source), source.random() < 0.5, source.randint(1, 12)
        hidden = [source.randint(1, 20) for _ in range(source.randint(0, 5))]
        sizes, before = [torch.Size(shape).numel(), *hidden, classes], list(hidden)
        layers = [nn.Linear(sizes[i], sizes[i + 1], bias, device="meta") for i in range(len(sizes) - 1)]
        assert ref.mlp_parameter_count(shape, hidden, classes, bias) == parameters(nn.Sequential(*layers)), sizes
        assert hidden == before


def test_the_counted_mlp_is_one_that_runs():
    """The stack of layers above, whose sizes come from the same list, really maps pictures to classes."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(24, 5), nn.ReLU(), nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    assert net(torch.zeros(2, 2, 3, 4)).shape == (2, 3)


def test_conv_parameter_count_agrees_with_conv2d(ref):
    """Every small combination, also those where torch refuses the groups."""
    refused = 0
    kernels = (1, 3, (1, 4), (5, 2))
    for ins, outs, kernel, groups, bias in product(range(1, 7), range(1, 7), kernels, range(1, 5), (True, False)):
        case = (ins, outs, kernel, groups, bias)
        try:
            expected = parameters(nn.Conv2d(ins, outs, kernel, groups=groups, bias=bias, device="meta"))
        except ValueError:
            refused += 1
            with pytest.raises(ValueError, match="groups"):
                ref.conv_parameter_count(*case)
        else:
            assert ref.conv_parameter_count(*case) == expected, case
    assert 500 < refused < 1000  # both sorts of cases were met


def test_defaults_are_those_of_torch(ref):
    assert ref.dense_parameter_count((1, 2, 2), 3) == parameters(nn.Linear(4, 3))
    assert ref.mlp_parameter_count((1, 2, 2), [3], 2) == parameters(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))
    assert ref.conv_parameter_count(4, 6, 3) == parameters(nn.Conv2d(4, 6, 3))


def test_numbers_of_the_lecture(ref):
    assert ref.dense_weights_per_neuron((3, 5, 5)) == 75
    assert ref.dense_parameter_count((3, 5, 5), 3) == 228
    assert ref.dense_parameter_count((3, 5, 5), 3, bias=False) == 225
    assert ref.conv_parameter_count(3, 5, 5) == 380


def test_numbers_of_the_statement(ref):
    statement = " ".join(ref.__doc__.split())
    assert "150 528 numbers" in statement
    assert ref.dense_weights_per_neuron((3, 224, 224)) == 150_528
    assert "more than 150 million" in statement
    assert ref.dense_parameter_count((3, 224, 224), 1000) == 150_529_000
    assert "has 1792" in statement
    assert ref.conv_parameter_count(3, 64, 3) == 1792


def test_a_convolution_over_the_whole_image_is_a_dense_layer(ref):
    for channels, height, width, neurons, bias in product(range(1, 4), range(1, 6), range(1, 6), (1, 4), (True, False)):
        dense = ref.dense_parameter_count((channels, height, width), neurons, bias)
        assert ref.conv_parameter_count(channels, neurons, (height, width), bias=bias) == dense


@pytest.mark.parametrize(
    ("task", "name", "arguments"),
    [
        ("dense_weights_per_neuron", "image_shape", {"image_shape": (-3, 5, 5)}),
        ("dense_weights_per_neuron", "image_shape", {"image_shape": (3, -5, -5)}),
        ("dense_weights_per_neuron", "image_shape", {"image_shape": (3, 5, 0)}),
        ("dense_parameter_count", "image_shape", {"image_shape": (3, 5, -5), "neurons": 2}),
        ("dense_parameter_count", "neurons", {"image_shape": (3, 5, 5), "neurons": -2}),
        ("mlp_parameter_count", "image_shape", {"image_shape": (3, -5, 5), "hidden": [], "num_classes": 2}),
        ("mlp_parameter_count", "hidden", {"image_shape": (3, 5, 5), "hidden": [4, -1], "num_classes": 2}),
        ("mlp_parameter_count", "num_classes", {"image_shape": (3, 5, 5), "hidden": [4], "num_classes": -2}),
        ("conv_parameter_count", "in_channels", {"in_channels": -3, "out_channels": 5, "kernel_size": 3}),
        ("conv_parameter_count", "out_channels", {"in_channels": 3, "out_channels": -5, "kernel_size": 3}),
        ("conv_parameter_count", "kernel_size", {"in_channels": 3, "out_channels": 5, "kernel_size": -3}),
        ("conv_parameter_count", "kernel_size", {"in_channels": 3, "out_channels": 5, "kernel_size": (-3, -2)}),
        ("conv_parameter_count", "groups", {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "groups": 0}),
        ("conv_parameter_count", "groups", {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "groups": -2}),
        ("conv_parameter_count", "groups", {"in_channels": 3, "out_channels": 4, "kernel_size": 3, "groups": 2}),
        ("conv_parameter_count", "groups", {"in_channels": 4, "out_channels": 3, "kernel_size": 3, "groups": 2}),
    ],
)
def test_bad_arguments_are_named(ref, task, name, arguments):
    with pytest.raises(ValueError, match=name):
        getattr(ref, task)(**arguments)


def test_answers_are_plain_ints(ref):
    answers = [
        ref.dense_weights_per_neuron((1, 1, 1)),
        ref.dense_parameter_count((1, 1, 1), 1, False),
        ref.mlp_parameter_count((1, 1, 1), [], 1, False),
        ref.mlp_parameter_count((1, 1, 1), [1], 1),
        ref.conv_parameter_count(1, 1, 1, 1, False),
        ref.conv_parameter_count(4, 2, (1, 3), 2),
    ]
    assert {type(answer) for answer in answers} == {int}
