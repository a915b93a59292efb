"""The reference of ex03 against torch: every small combination of arguments, on real (tiny) tensors."""

import importlib.util
import random
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex03_output_size.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex03_output_size_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def attempt(error, function, *args):
    """The answer, or None where the call raises `error`."""
    try:
        return function(*args)
    except error:
        return None


def line(size):
    return torch.zeros(1, 1, size, size)


def test_conv_output_size_agrees_with_conv2d(ref):
    kernels = {k: torch.zeros(1, 1, k, k) for k in range(1, 6)}

    def torch_size(size, kernel, *rest):
        return F.conv2d(line(size), kernels[kernel], None, *rest).shape[-1]

    for case in product(range(1, 11), kernels, (1, 2, 3, 4), (0, 1, 2, 3), (1, 2, 3)):
        assert attempt(ValueError, ref.conv_output_size, *case) == attempt(RuntimeError, torch_size, *case), case


def test_pool_output_size_agrees_with_max_pool2d(ref):
    def torch_size(size, *rest):
        return F.max_pool2d(line(size), *rest).shape[-1]

    cases = product(range(1, 10), (1, 2, 3, 4, 5), (None, 1, 2, 3, 5, 7), (0, 1, 2, 3), (1, 2, 3), (False, True))
    for case in cases:
        assert attempt(ValueError, ref.pool_output_size, *case) == attempt(RuntimeError, torch_size, *case), case


def test_pool_output_size_agrees_with_avg_pool2d(ref):
    def torch_size(size, kernel, stride, padding, _, ceil_mode):
        return F.avg_pool2d(line(size), kernel, stride, padding, ceil_mode).shape[-1]

    for case in product(range(1, 10), (1, 2, 3, 4, 5), (None, 1, 2, 3, 5), (0, 1, 2, 3), (1,), (False, True)):
        assert attempt(ValueError, ref.pool_output_size, *case) == attempt(RuntimeError, torch_size, *case), case


def test_conv_transpose_output_size_agrees_with_conv_transpose2d(ref):
    kernels = {k: torch.zeros(1, 1, k, k) for k in range(1, 5)}

    def torch_size(size, kernel, stride, padding, output_padding, dilation):
        weight = kernels[kernel]
        out = F.conv_transpose2d(line(size), weight, None, stride, padding, output_padding, 1, dilation)
        return out.shape[-1] or None  # torch gives an empty tensor for a size of exactly 0, the course an error

    for case in product(range(1, 6), kernels, (1, 2, 3), (0, 1, 2), (0, 1, 2, 3), (1, 2, 3)):
        answer = attempt(ValueError, ref.conv_transpose_output_size, *case)
        assert answer == attempt(RuntimeError, torch_size, *case), case


def test_conv_output_size_takes_back_what_conv_transpose_made(ref):
    for size, kernel, stride, padding, dilation in product(range(1, 9), (1, 2, 3, 5), (1, 2, 3), (0, 1), (1, 2)):
        for output_padding in range(stride):
            grown = attempt(
                ValueError, ref.conv_transpose_output_size, size, kernel, stride, padding, output_padding, dilation
            )
            if grown is not None:
                assert ref.conv_output_size(grown, kernel, stride, padding, dilation) == size


def test_same_padding_is_the_one_padding_that_keeps_the_size(ref):
    for kernel, dilation in product(range(1, 12), range(1, 7)):
        keeps = [p for p in range(80) if ref.conv_output_size(40, kernel, 1, p, dilation) == 40] if kernel < 7 else None
        if keeps is None:  # the window may be larger than 40 elements: take a longer axis
            keeps = [p for p in range(80) if ref.conv_output_size(90, kernel, 1, p, dilation) == 90]
        answer = attempt(ValueError, ref.same_padding, kernel, dilation)
        assert [answer] == keeps if keeps else answer is None


def test_same_padding_is_what_padding_same_does_in_conv2d(ref):
    """torch pads one element more on one side where no symmetric padding exists; elsewhere the results are equal."""
    torch.manual_seed(0)
    for kernel, dilation in product(range(1, 6), range(1, 4)):
        x, weight = torch.randn(1, 1, 7, 7), torch.randn(1, 1, kernel, kernel)
        padding = attempt(ValueError, ref.same_padding, kernel, dilation)
        assert (padding is None) == (dilation * (kernel - 1) % 2 == 1)
        if padding is not None:
            torch.testing.assert_close(
                F.conv2d(x, weight, padding=padding, dilation=dilation),
                F.conv2d(x, weight, padding="same", dilation=dilation),
            )


def seen_through_autograd(layers):
    """The span of inputs that reach output 0, found by gradients: no formula."""
    size = 400
    x = torch.zeros(1, 1, size, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    y[0, 0, 0].backward()
    return int(x.grad.flatten().nonzero().max()) + 1


def test_receptive_field_agrees_with_the_gradient(ref):
    source = random.Random(3)
    for _ in range(800):
        layers = [(source.randint(1, 4), source.randint(1, 3)) for _ in range(source.randint(0, 4))]
        before = list(layers)
        assert ref.receptive_field(layers) == seen_through_autograd(layers), layers
        assert layers == before


def drawn_layer(source, channels):
    """A layer as the dict of trace_shapes, and the torch module that it means."""
    kind = source.choice(["conv", "conv", "max_pool", "avg_pool", "flatten"])
    layer = {"type": kind}
    if kind == "flatten":
        return layer, Flat()
    kernel = layer["kernel_size"] = source.randint(1, 4)
    options = {"stride": source.choice([1, 2, 3]), "padding": source.randint(0, 2)}
    if kind == "conv":
        options["dilation"] = source.randint(1, 2)
        layer["out_channels"] = source.randint(1, 4)
    chosen = {key: value for key, value in options.items() if source.random() < 0.5}
    layer |= chosen
    if kind == "conv":
        return layer, nn.Conv2d(channels, layer["out_channels"], kernel, **chosen)
    return layer, (nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d)(kernel, **chosen)


class Flat(nn.Module):
    def forward(self, x):
        return x.reshape(len(x), -1, 1, 1)


def test_trace_shapes_agrees_with_modules(ref):
    source = random.Random(4)
    fitting = 0
    for _ in range(1500):
        shape = channels, height, width = source.randint(1, 3), source.randint(1, 16), source.randint(1, 16)
        x, layers, expected = torch.zeros(1, channels, height, width), [], []
        with torch.no_grad():
            for _ in range(source.randint(0, 5)):
                layer, module = drawn_layer(source, x.shape[1])
                layers.append(layer)
                x = attempt(RuntimeError, module, x)
                if x is None:
                    expected = None
                    break
                expected.append(tuple(x.shape[1:]))
        before = [dict(layer) for layer in layers]
        assert attempt(ValueError, ref.trace_shapes, shape, layers) == expected, (shape, layers)
        assert layers == before
        fitting += expected is not None
    assert 500 < fitting < 1450  # both sorts of cases were met


@pytest.mark.parametrize(
    ("task", "name", "arguments"),
    [
        ("conv_output_size", "size", {"size": -1, "kernel_size": 1, "padding": 3}),
        ("conv_output_size", "kernel_size", {"size": 5, "kernel_size": 0}),
        ("conv_output_size", "stride", {"size": 5, "kernel_size": 2, "stride": 0}),
        ("conv_output_size", "padding", {"size": 5, "kernel_size": 2, "padding": -1}),
        ("conv_output_size", "dilation", {"size": 5, "kernel_size": 2, "dilation": 0}),
        ("conv_output_size", "kernel_size", {"size": 3, "kernel_size": 4}),
        ("same_padding", "kernel_size", {"kernel_size": 0}),
        ("same_padding", "dilation", {"kernel_size": 3, "dilation": 0}),
        ("same_padding", "kernel_size", {"kernel_size": 4, "dilation": 3}),
        ("pool_output_size", "size", {"size": -2, "kernel_size": 9, "padding": 4, "stride": 1}),
        ("pool_output_size", "kernel_size", {"size": 5, "kernel_size": 0}),
        ("pool_output_size", "stride", {"size": 5, "kernel_size": 2, "stride": 0}),
        ("pool_output_size", "padding", {"size": 5, "kernel_size": 3, "padding": 2}),
        ("pool_output_size", "padding", {"size": 9, "kernel_size": 3, "padding": 2, "dilation": 2}),
        ("pool_output_size", "dilation", {"size": 5, "kernel_size": 2, "dilation": 0}),
        ("pool_output_size", "kernel_size", {"size": 2, "kernel_size": 3}),
        ("conv_transpose_output_size", "size", {"size": 0, "kernel_size": 9}),
        ("conv_transpose_output_size", "stride", {"size": 3, "kernel_size": 3, "stride": 0}),
        ("conv_transpose_output_size", "output_padding", {"size": 3, "kernel_size": 3, "output_padding": 1}),
        ("conv_transpose_output_size", "output_padding", {"size": 3, "kernel_size": 3, "output_padding": -1}),
        ("conv_transpose_output_size", "padding", {"size": 1, "kernel_size": 3, "padding": 2}),
        ("receptive_field", "kernel_size", {"layers": [(3, 1), (0, 1)]}),
        ("receptive_field", "stride", {"layers": [(3, 0)]}),
        ("trace_shapes", "input_shape", {"input_shape": (3, -4, 4), "layers": []}),
        ("trace_shapes", "type", {"input_shape": (3, 4, 4), "layers": [{"kernel_size": 2}]}),
        ("trace_shapes", "type", {"input_shape": (3, 4, 4), "layers": [{"type": "relu"}]}),
        ("trace_shapes", "out_channels", {"input_shape": (3, 4, 4), "layers": [{"type": "conv", "kernel_size": 2}]}),
        ("trace_shapes", "kernel_size", {"input_shape": (3, 4, 4), "layers": [{"type": "avg_pool"}]}),
        ("trace_shapes", "bias", {"input_shape": (3, 4, 4), "layers": [{"type": "flatten", "bias": True}]}),
        ("trace_shapes", "kernel_size", {"input_shape": (3, 2, 4), "layers": [{"type": "max_pool", "kernel_size": 3}]}),
    ],
)
def test_bad_arguments_are_named(ref, task, name, arguments):
    with pytest.raises(ValueError, match=name):
        getattr(ref, task)(**arguments)


def test_answers_are_plain_ints(ref):
    answers = [
        ref.conv_output_size(7, 3, 2),
        ref.same_padding(3),
        ref.pool_output_size(7, 3, ceil_mode=True),
        ref.conv_transpose_output_size(7, 3, 2),
        ref.receptive_field([]),
        *ref.trace_shapes((1, 4, 4), [{"type": "flatten"}])[0],
    ]
    assert {type(answer) for answer in answers} == {int}
