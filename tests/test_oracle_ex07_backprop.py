"""The reference of ex07 against torch: autograd through conv2d, the pools, linear and relu, and gradcheck."""

import importlib.util
import random
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex07_backprop.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex07_backprop_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dice():
    return random.Random(7)


@pytest.fixture
def bits():
    return torch.Generator().manual_seed(7)


def pair(value):
    return (value, value) if isinstance(value, int) else value


def int_or_pair(dice, low, high):
    return dice.choice([dice.randint(low, high), (dice.randint(low, high), dice.randint(low, high))])


def integers(bits, *shape, dtype=torch.float64, high=4):
    return torch.randint(-3, high, shape, generator=bits).to(dtype)


def layer(dice, *, dilations=2):
    """kernel_size, stride, padding, dilation and an input size for which at least one output fits."""
    kernel, stride = int_or_pair(dice, 1, 3), int_or_pair(dice, 1, 4)
    padding, dilation = int_or_pair(dice, 0, 2), int_or_pair(dice, 1, dilations)
    reach = [d * (k - 1) + 1 - 2 * p for k, p, d in zip(*map(pair, (kernel, padding, dilation)), strict=True)]
    return kernel, stride, padding, dilation, tuple(max(1, r) + dice.randint(0, 4) for r in reach)


def autograd(function, inputs, bits):
    """The output's shape-fitting random upstream gradient, and what autograd makes of it."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    y = function(*leaves)
    upstream = integers(bits, *y.shape, dtype=y.dtype)
    return upstream, torch.autograd.grad(y, leaves, upstream)


def same(got, want):
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert torch.equal(got, want)


def test_conv2d_gradients_agree_with_autograd(ref, dice, bits):
    for _ in range(1500):
        kernel, stride, padding, dilation, size = layer(dice)
        n, c, o = (dice.randint(1, 3) for _ in range(3))
        x, weight, bias = integers(bits, n, c, *size), integers(bits, o, c, *pair(kernel)), integers(bits, o)

        def convolve(x, weight, bias, options=(stride, padding, dilation)):
            return F.conv2d(x, weight, bias, *options)

        upstream, (grad_x, grad_weight, grad_bias) = autograd(convolve, (x, weight, bias), bits)
        same(ref.conv2d_grad_weight(x, upstream, kernel, stride, padding, dilation), grad_weight)
        same(ref.conv2d_grad_input(x.shape, weight, upstream, stride, padding, dilation), grad_x)
        same(ref.conv2d_grad_bias(upstream), grad_bias)


def test_conv2d_gradients_keep_float32_and_any_memory_layout(ref, bits):
    x = integers(bits, 2, 3, 5, 4, dtype=torch.float32).to(memory_format=torch.channels_last)
    weight = integers(bits, 2, 3, 2, 3, dtype=torch.float32).transpose(2, 3).contiguous().transpose(2, 3)
    upstream, (grad_x, grad_weight) = autograd(F.conv2d, (x, weight), bits)
    upstream = upstream.transpose(0, 3).contiguous().transpose(0, 3)
    same(ref.conv2d_grad_weight(x, upstream, (2, 3)), grad_weight)
    same(ref.conv2d_grad_input(tuple(x.shape), weight, upstream), grad_x)


def test_full_convolution_and_rotation_agree_with_conv2d(ref, dice, bits):
    for _ in range(500):
        image = integers(bits, dice.randint(1, 6), dice.randint(1, 6))
        kernel = integers(bits, dice.randint(1, 4), dice.randint(1, 4))
        turned = torch.rot90(kernel, 2)
        same(ref.rotate180(kernel), turned)
        want = F.conv_transpose2d(image[None, None], kernel[None, None])[0, 0]
        same(ref.full_convolution2d(image, kernel), want)
        same(ref.full_convolution2d(kernel, image), want)


def test_rotation_leaves_filters_and_the_kernel_itself_alone(ref, bits):
    bank = integers(bits, 3, 2, 2, 4)
    before = bank.clone()
    same(ref.rotate180(bank), torch.stack([torch.stack([torch.rot90(k, 2) for k in f]) for f in bank]))
    same(bank, before)


def test_relu_backward_agrees_with_autograd(ref, dice, bits):
    for _ in range(300):
        shape = [dice.randint(1, 4) for _ in range(dice.randint(1, 4))]
        x = integers(bits, *shape, high=3)
        upstream, (grad,) = autograd(F.relu, (x,), bits)
        same(ref.relu_backward(upstream, x), grad)


def test_linear_backward_agrees_with_autograd(ref, dice, bits):
    for _ in range(500):
        n, inputs, outputs = (dice.randint(1, 5) for _ in range(3))
        tensors = integers(bits, n, inputs), integers(bits, outputs, inputs), integers(bits, outputs)
        upstream, wants = autograd(F.linear, tensors, bits)
        for got, want in zip(ref.linear_backward(upstream, *tensors[:2]), wants, strict=True):
            same(got, want)


def test_pooling_gradients_agree_with_autograd(ref, dice, bits):
    for _ in range(1500):
        kernel = int_or_pair(dice, 1, 3)
        stride = dice.choice([None, int_or_pair(dice, 1, 4)])
        size = [k + dice.randint(0, 5) for k in pair(kernel)]
        x = integers(
            bits, dice.randint(1, 3), dice.randint(1, 3), *size, high=dice.choice([-1, 1, 4])
        )  # ties, negatives

        def largest(x, options=(kernel, stride)):
            return F.max_pool2d(x, *options)

        def mean(x, options=(kernel, stride)):
            return F.avg_pool2d(x, *options)

        upstream, (grad,) = autograd(largest, (x,), bits)
        same(ref.max_pool2d_backward(upstream, x, kernel, stride), grad)
        upstream, (grad,) = autograd(mean, (x,), bits)
        torch.testing.assert_close(ref.avg_pool2d_backward(upstream, tuple(x.shape), kernel, stride), grad)


def test_of_equal_pixels_the_first_in_row_major_order_wins(ref):
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0, 3] = x[0, 0, 1, 2] = 1
    grad = ref.max_pool2d_backward(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), x, 2)
    assert grad.nonzero()[:, 2:].tolist() == [[0, 0], [0, 3], [2, 0], [2, 2]]


def test_conv2d_function_agrees_with_autograd(ref, dice, bits):
    for _ in range(500):
        kernel, stride, padding, _, size = layer(dice, dilations=1)
        n, c, o = (dice.randint(1, 3) for _ in range(3))
        tensors = [integers(bits, n, c, *size), integers(bits, o, c, *pair(kernel))]
        if dice.random() < 0.7:
            tensors.append(integers(bits, o))
        bias = [] if len(tensors) == 3 else [None]

        def theirs(*tensors, rest=(*bias, stride, padding)):
            return F.conv2d(*tensors, *rest)

        def ours(*tensors, rest=(*bias, stride, padding)):
            return ref.Conv2dFunction.apply(*tensors, *rest)

        same(ours(*tensors), theirs(*tensors))
        upstream, wants = autograd(theirs, tensors, bits)
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        for got, want in zip(torch.autograd.grad(ours(*leaves), leaves, upstream), wants, strict=True):
            same(got, want)


def test_conv2d_function_passes_gradcheck(ref, dice, bits):
    for _ in range(10):
        kernel, stride, padding, _, size = layer(dice, dilations=1)
        shapes = (1, 2, *size), (2, 2, *pair(kernel)), (2,)
        leaves = [torch.rand(shape, generator=bits, dtype=torch.float64).requires_grad_() for shape in shapes]

        def ours(*tensors, options=(stride, padding)):
            return ref.Conv2dFunction.apply(*tensors, *options)

        assert torch.autograd.gradcheck(ours, leaves)


def test_conv2d_function_computes_no_gradient_that_nobody_asked_for(ref, bits, monkeypatch):
    computed = []

    def noted(function, *args):
        computed.append(function.__name__)
        return function(*args)

    for name in ("conv2d_grad_input", "conv2d_grad_weight", "conv2d_grad_bias"):
        monkeypatch.setattr(ref, name, partial(noted, getattr(ref, name)))
    x, weight, bias = integers(bits, 1, 1, 3, 3), integers(bits, 1, 1, 2, 2).requires_grad_(), integers(bits, 1)
    ref.Conv2dFunction.apply(x, weight, bias, 1, 0).sum().backward()
    assert computed == ["conv2d_grad_weight"]


def test_two_calls_may_be_in_flight_at_once(ref, bits):
    first, second = (integers(bits, 1, 1, 3, 3).requires_grad_() for _ in range(2))
    weight, other = integers(bits, 1, 1, 2, 2), integers(bits, 1, 1, 1, 1)
    y1 = ref.Conv2dFunction.apply(first, weight, None, 1, 0)
    y2 = ref.Conv2dFunction.apply(second, other, None, 2, 1)
    g1, g2 = integers(bits, *y1.shape), integers(bits, *y2.shape)
    y1.backward(g1)
    y2.backward(g2)
    same(first.grad, F.conv_transpose2d(g1, weight))
    same(second.grad, ref.conv2d_grad_input(second.shape, other, g2, 2, 1))


X, G = torch.zeros(2, 1, 5, 5), torch.zeros(2, 3, 3, 3)
W = torch.zeros(3, 1, 3, 3)
BAD = {
    "weight: stride 0": ("conv2d_grad_weight", (X, G, 3, 0), "stride"),
    "weight: half a stride 0": ("conv2d_grad_weight", (X, G, 3, (1, 0)), "stride"),
    "weight: negative padding": ("conv2d_grad_weight", (X, G, 3, 1, -1), "padding"),
    "weight: dilation 0": ("conv2d_grad_weight", (X, G, 3, 1, 0, 0), "dilation"),
    "weight: kernel 0": ("conv2d_grad_weight", (X, G, 0), "kernel_size"),
    "weight: kernel too large": ("conv2d_grad_weight", (X, G, 7), "kernel_size"),
    "weight: other size": ("conv2d_grad_weight", (X, G, 2), "grad_out"),
    "weight: other batch": ("conv2d_grad_weight", (X[:1], G, 3), "grad_out"),
    "input: stride 0": ("conv2d_grad_input", (X.shape, W, G, 0), "stride"),
    "input: negative padding": ("conv2d_grad_input", (X.shape, W, G, 1, -1), "padding"),
    "input: kernel too large": ("conv2d_grad_input", ((2, 1, 2, 2), W, G), "kernel_size"),
    "input: other size": ("conv2d_grad_input", ((2, 1, 6, 5), W, G), "grad_out"),
    "input: other channels": ("conv2d_grad_input", ((2, 2, 5, 5), W, G), "weight"),
    "input: other filters": ("conv2d_grad_input", (X.shape, W[:2], G), "grad_out"),
    "relu: other shape": ("relu_backward", (G, X), "grad_out"),
    "linear: other batch": ("linear_backward", (torch.zeros(2, 3), torch.zeros(4, 5), torch.zeros(3, 5)), "grad_out"),
    "linear: other inputs": ("linear_backward", (torch.zeros(4, 3), torch.zeros(4, 5), torch.zeros(3, 6)), "weight"),
    "max: stride 0": ("max_pool2d_backward", (X, X, 2, 0), "stride"),
    "max: kernel too large": ("max_pool2d_backward", (X, X, 6), "kernel_size"),
    "max: other size": ("max_pool2d_backward", (X, X, 2), "grad_out"),
    "avg: stride 0": ("avg_pool2d_backward", (X, X.shape, 2, 0), "stride"),
    "avg: kernel too large": ("avg_pool2d_backward", (X, X.shape, 6), "kernel_size"),
    "avg: other size": ("avg_pool2d_backward", (X, X.shape, 2), "grad_out"),
}


@pytest.mark.parametrize(("task", "arguments", "name"), BAD.values(), ids=BAD)
def test_bad_arguments_raise_a_value_error_that_names_them(ref, task, arguments, name):
    with pytest.raises(ValueError, match=name):
        getattr(ref, task)(*arguments)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((X, W, None, 0, 0), "stride"),
        ((X, W, None, 1, -1), "padding"),
        ((X, torch.zeros(3, 2, 3, 3), None, 1, 0), "weight"),
        ((X, torch.zeros(3, 1, 7, 7), None, 1, 0), "kernel_size"),
    ],
)
def test_bad_arguments_of_the_function_do_too(ref, arguments, name):
    with pytest.raises(ValueError, match=name):
        ref.Conv2dFunction.apply(*arguments)
