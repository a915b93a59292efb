"""The reference of ex05 against torch: values, gradients, errors and modules, on thousands of drawn cases."""

import importlib.util
import math
import random
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex05_pool.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex05_pool_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def whole(bits, *shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    return torch.randint(-9, 10, shape, generator=generator).to(dtype)


def distinct(bits, *shape):
    """Each value once: no maximum is tied."""
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    size = math.prod(shape)
    return (torch.randperm(size, generator=generator).double() - size // 2 + 0.5).reshape(shape)


def maybe_pair(bits, low, high):
    return bits.choice([bits.randint(low, high), (bits.randint(low, high), bits.randint(low, high))])


def a_shape(bits):
    return bits.randint(1, 2), bits.randint(1, 3), bits.randint(1, 9), bits.randint(1, 9)


def settings(bits):
    """Keyword arguments of a pooling that may or may not fit its input."""
    return {
        "kernel_size": maybe_pair(bits, 1, 4),
        "stride": bits.choice([None, maybe_pair(bits, 1, 5)]),
        "padding": maybe_pair(bits, 0, 2),
        "ceil_mode": bits.random() < 0.5,
    }


def outcome(error, function, *args, **kwargs):
    """The answer, or None where the call raises `error`."""
    try:
        return function(*args, **kwargs)
    except error:
        return None


def agree(got, want, case, tolerance=0.0):
    assert (got is None) == (want is None), case
    if want is not None:
        assert got.dtype == want.dtype, case
        assert got.shape == want.shape, case
        assert torch.allclose(got, want, rtol=0, atol=tolerance, equal_nan=True), case


def agree_with_gradients(mine, theirs, x, case, seed):
    """Same values, and the same gradient of x for a drawn gradient from above."""
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    got, want = mine(a), theirs(b)
    agree(got.detach(), want.detach(), case, 1e-12)
    upstream = torch.randn(want.shape, generator=torch.Generator().manual_seed(seed), dtype=want.dtype)
    got.backward(upstream)
    want.backward(upstream)
    agree(a.grad, b.grad, case, 1e-12)


# relu


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_relu_agrees_with_f_relu_on_all_kinds_of_numbers(ref, dtype):
    x = torch.tensor([-math.inf, -7.0, -1e-30, -0.0, 0.0, 1e-30, 5.0, 1e30, math.inf, math.nan], dtype=dtype)
    agree(ref.relu(x), F.relu(x), dtype)
    agree(ref.relu(x.reshape(2, 5).T), F.relu(x.reshape(2, 5).T), dtype)


def test_relu_has_the_gradient_of_f_relu_away_from_zero(ref):
    x = distinct(random.Random(0), 3, 4, 5)
    agree_with_gradients(ref.relu, F.relu, x, "relu", 0)


# the poolings


def test_max_pool2d_agrees_with_torch_where_it_has_a_result_and_refuses_where_torch_does(ref):
    bits, fitted = random.Random(1), 0
    for _ in range(4000):
        kwargs = settings(bits) | {"dilation": maybe_pair(bits, 1, 3)}
        x = whole(bits, *a_shape(bits), dtype=bits.choice([torch.float32, torch.float64]))
        want = outcome(RuntimeError, F.max_pool2d, x, **kwargs)
        agree(outcome(ValueError, ref.max_pool2d, x, **kwargs), want, (x.shape, kwargs))
        fitted += want is not None
    assert fitted > 1000


def test_avg_pool2d_agrees_with_torch_where_it_has_a_result_and_refuses_where_torch_does(ref):
    bits, fitted = random.Random(2), 0
    for _ in range(4000):
        kwargs = settings(bits) | {"count_include_pad": bits.random() < 0.5}
        x = whole(bits, *a_shape(bits), dtype=bits.choice([torch.float32, torch.float64]))
        want = outcome(RuntimeError, F.avg_pool2d, x, **kwargs)
        agree(outcome(ValueError, ref.avg_pool2d, x, **kwargs), want, (x.shape, kwargs), 1e-5)
        fitted += want is not None
    assert fitted > 1000


def sees_padding_alone(ref, x, kwargs):
    """torch's backward of a window without any element of x writes somewhere: nothing to compare with."""
    return bool(ref.max_pool2d(torch.zeros_like(x), **kwargs).isinf().any())


def test_max_pool2d_has_the_gradients_of_torch(ref):
    bits, compared = random.Random(3), 0
    for seed in range(1200):
        kwargs = settings(bits) | {"dilation": maybe_pair(bits, 1, 2)}
        x = distinct(bits, *a_shape(bits))
        if outcome(RuntimeError, F.max_pool2d, x, **kwargs) is None or sees_padding_alone(ref, x, kwargs):
            continue
        case = (x.shape, kwargs)
        agree_with_gradients(
            lambda t, k=kwargs: ref.max_pool2d(t, **k), lambda t, k=kwargs: F.max_pool2d(t, **k), x, case, seed
        )
        compared += 1
    assert compared > 300


def test_avg_pool2d_has_the_gradients_of_torch(ref):
    bits, compared = random.Random(4), 0
    for seed in range(1200):
        kwargs = settings(bits) | {"count_include_pad": bits.random() < 0.5}
        x = distinct(bits, *a_shape(bits))
        if outcome(RuntimeError, F.avg_pool2d, x, **kwargs) is None:
            continue
        case = (x.shape, kwargs)
        agree_with_gradients(
            lambda t, k=kwargs: ref.avg_pool2d(t, **k), lambda t, k=kwargs: F.avg_pool2d(t, **k), x, case, seed
        )
        compared += 1
    assert compared > 300


def test_max_pool2d_gives_minus_infinity_where_a_window_sees_padding_alone(ref):
    x = -torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    agree(ref.max_pool2d(x, 2, 1, 1, 4), torch.full((1, 1, 1, 1), -math.inf), "all padding")
    agree(ref.max_pool2d(x * math.inf, 2), F.max_pool2d(x * math.inf, 2), "infinite input")
    agree(ref.max_pool2d(x, 3, padding=1), F.max_pool2d(x, 3, padding=1), "negative input")


def test_max_pool2d_keeps_nan_as_torch_does(ref):
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    x[0, 0, 2, 3] = math.nan
    agree(ref.max_pool2d(x, 3, 1), F.max_pool2d(x, 3, 1), "nan")


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_poolings_pass_gradcheck_take_any_layout_and_leave_the_input_alone(ref, name):
    x = distinct(random.Random(5), 2, 2, 5, 6)
    ours, theirs = getattr(ref, name), getattr(F, name)
    assert torch.autograd.gradcheck(lambda t: ours(t, 3, 2, 1, ceil_mode=True), (x.clone().requires_grad_(),))
    for view in (x.transpose(2, 3), x[:, :, ::2, 1:], x.to(memory_format=torch.channels_last), x.expand(2, 2, 5, 6)):
        before = view.clone()
        agree(ours(view, (2, 3), 2, 1), theirs(view, (2, 3), 2, 1), name, 1e-12)
        assert torch.equal(view, before)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"kernel_size": 0}, "kernel_size"),
        ({"kernel_size": (2, -1)}, "kernel_size"),
        ({"kernel_size": (2, 2, 2)}, "kernel_size"),
        ({"kernel_size": 2, "stride": 0}, "stride"),
        ({"kernel_size": 2, "stride": (1, -1)}, "stride"),
        ({"kernel_size": 2, "padding": -1}, "padding"),
        ({"kernel_size": 3, "padding": 2}, "padding"),
        ({"kernel_size": (1, 3), "padding": 1}, "padding"),
        ({"kernel_size": 6}, "kernel_size"),
        ({"kernel_size": (1, 7)}, "kernel_size"),
    ],
)
def test_poolings_and_their_layers_refuse_what_makes_no_sense(ref, name, kwargs, word):
    x = torch.zeros(1, 1, 4, 5)
    with pytest.raises(ValueError, match=word):
        getattr(ref, name)(x, **kwargs)
    layer = {"max_pool2d": "MaxPool2d", "avg_pool2d": "AvgPool2d"}[name]
    with pytest.raises(ValueError, match=word):
        getattr(ref, layer)(**kwargs)(x)


def test_max_pool2d_refuses_a_dilation_below_one_or_a_wrong_number_of_axes(ref):
    with pytest.raises(ValueError, match="dilation"):
        ref.max_pool2d(torch.zeros(1, 1, 4, 4), 2, dilation=0)
    with pytest.raises(ValueError, match="kernel_size"):
        ref.max_pool2d(torch.zeros(1, 1, 4, 4), 3, dilation=2)
    with pytest.raises(ValueError, match="x must be"):
        ref.max_pool2d(torch.zeros(4, 4), 2)
    with pytest.raises(ValueError, match="x must be"):
        ref.global_avg_pool2d(torch.zeros(4, 4))


def test_poolings_work_on_the_meta_device(ref):
    x = torch.empty(2, 3, 7, 6, device="meta")
    assert ref.max_pool2d(x, 3, 2, 1, 2, True).device.type == "meta"
    assert ref.avg_pool2d(x, 3, 2, 1, True, False).device.type == "meta"


def test_global_avg_pool2d_agrees_with_adaptive_pooling(ref):
    bits = random.Random(6)
    for _ in range(200):
        x = whole(bits, *a_shape(bits), dtype=torch.float64)
        agree(ref.global_avg_pool2d(x), F.adaptive_avg_pool2d(x, 1).flatten(1), x.shape, 1e-12)


# flatten


def test_flatten_agrees_with_torch_for_every_shape_and_start(ref):
    for dims in range(5):
        for shape in product([0, 1, 2, 3], repeat=dims):
            x = torch.arange(float(math.prod(shape))).reshape(shape)
            for start in range(-dims - 2, dims + 2):
                case = (shape, start)
                want = outcome(IndexError, torch.flatten, x, start)
                agree(outcome(ValueError, ref.flatten, x, start), want, case)
                if dims > 1:
                    turned = x.transpose(0, -1)
                    want = outcome(IndexError, torch.flatten, turned, start)
                    agree(outcome(ValueError, ref.flatten, turned, start), want, case)


def test_flatten_begins_at_axis_one_by_default(ref):
    x = torch.arange(24.0).reshape(2, 3, 4)
    assert torch.equal(ref.flatten(x), torch.flatten(x, 1))


# softmax


def test_softmax_agrees_with_torch_along_every_axis_at_every_level(ref):
    bits = random.Random(7)
    for _ in range(600):
        shape = [bits.randint(1, 4) for _ in range(bits.randint(1, 4))]
        level = bits.choice([0, 1e2, -1e2, 1e4, -1e4])
        x = whole(bits, *shape, dtype=bits.choice([torch.float32, torch.float64])) + level
        for dim in range(-len(shape) - 1, len(shape) + 1):
            want = outcome(IndexError, torch.softmax, x, dim)
            agree(outcome(ValueError, ref.softmax, x, dim), want, (shape, dim, level), 1e-6)
        agree(ref.softmax(x), torch.softmax(x, -1), (shape, level), 1e-6)


def test_softmax_passes_gradcheck(ref):
    x = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(3, 4).requires_grad_()
    for dim in (0, 1, -1):
        assert torch.autograd.gradcheck(lambda t, d=dim: ref.softmax(t, d), (x,))


# MaxPool2d and AvgPool2d


def test_the_layers_agree_with_those_of_torch_and_hold_no_state(ref):
    bits = random.Random(8)
    for _ in range(400):
        x = whole(bits, *a_shape(bits), dtype=torch.float64)
        kwargs = settings(bits)
        for name, more in (
            ("MaxPool2d", {"dilation": maybe_pair(bits, 1, 2)}),
            ("AvgPool2d", {"count_include_pad": bits.random() < 0.5}),
        ):
            case = (name, x.shape, kwargs, more)
            theirs = getattr(nn, name)(**kwargs, **more)
            want = outcome(RuntimeError, theirs, x)
            agree(
                outcome(ValueError, lambda n=name, m=more, k=kwargs, t=x: getattr(ref, n)(**k, **m)(t)),
                want,
                case,
                1e-12,
            )
    for layer in (ref.MaxPool2d(2), ref.AvgPool2d(2)):
        assert layer.state_dict() == {}
        assert list(layer.parameters()) == []
        layer.load_state_dict({})


def test_the_layers_take_the_arguments_in_the_order_of_the_functions(ref):
    x = whole(random.Random(9), 1, 2, 8, 7, dtype=torch.float64)
    arguments = (3, 2, 1, 2, True)
    assert torch.equal(ref.MaxPool2d(*arguments)(x), ref.max_pool2d(x, *arguments))
    arguments = (3, 2, 1, True, False)
    assert torch.equal(ref.AvgPool2d(*arguments)(x), ref.avg_pool2d(x, *arguments))
