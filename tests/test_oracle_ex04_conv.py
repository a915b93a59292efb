"""The reference of ex04 against torch: values, gradients, initial values, state_dicts and refusals, on drawn cases."""

import importlib.util
import math
import random
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

# torch says of its own way of doing it, once a process, that it copies: nothing to us.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex04_conv.py"
MODES = ("zeros", "reflect", "replicate", "circular")
WORDS = ("same", "valid")


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex04_conv_under_test", SOURCE)
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
    """Small whole numbers: sums of their products are exact in every dtype and order."""
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    return torch.randint(-4, 5, shape, generator=generator).to(dtype)


def real(bits, *shape):
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def maybe_pair(bits, low, high, axes=2):
    return bits.choice([bits.randint(low, high), tuple(bits.randint(low, high) for _ in range(axes))])


def sizes(bits, low, high, axes=2):
    return [bits.randint(low, high) for _ in range(axes)]


def settings(bits):
    """(channels, filters, kernel size, keyword arguments) of a convolution that may or may not fit its input."""
    groups = bits.choice([1, 1, 2, 3])
    words = bits.random() < 0.25
    kwargs = {
        "stride": 1 if words and bits.random() < 0.9 else maybe_pair(bits, 1, 4),
        "padding": bits.choice(WORDS) if words else maybe_pair(bits, 0, 3),
        "dilation": maybe_pair(bits, 1, 3),
        "groups": groups,
    }
    return groups * bits.randint(1, 2), groups * bits.randint(1, 2), sizes(bits, 1, 4), kwargs


def outcome(error, function, *args, **kwargs):
    """The answer, or None where the call raises `error`."""
    try:
        return function(*args, **kwargs)
    except error:
        return None


def agree(got, want, case):
    if want is None:
        assert got is None, case
    else:
        assert got is not None, case
        assert got.dtype == want.dtype, case
        assert got.shape == want.shape, case
        assert torch.equal(got, want), case


# pad2d


def test_pad2d_agrees_with_f_pad_in_every_mode_up_to_and_beyond_its_limit(ref):
    bits = random.Random(1)
    x = whole(bits, 2, 2, 3, 4)
    for mode, vertical, horizontal in product(MODES, range(6), range(6)):
        torch_mode = "constant" if mode == "zeros" else mode
        amounts = (horizontal, horizontal, vertical, vertical)
        want = outcome(RuntimeError, F.pad, x, amounts, torch_mode)
        case = (mode, vertical, horizontal)
        agree(outcome(ValueError, ref.pad2d, x, (vertical, horizontal), mode), want, case)
        if vertical == horizontal:
            agree(outcome(ValueError, ref.pad2d, x, vertical, mode=mode), want, case)


@pytest.mark.parametrize("mode", MODES)
def test_pad2d_takes_any_layout_and_a_size_of_one(ref, mode):
    bits = random.Random(2)
    narrow = whole(bits, 1, 2, 1, 5, dtype=torch.float64).transpose(2, 3)
    torch_mode = "constant" if mode == "zeros" else mode
    agree(ref.pad2d(narrow, (1, 0), mode), F.pad(narrow, (0, 0, 1, 1), torch_mode), mode)


@pytest.mark.parametrize("mode", MODES)
def test_pad2d_passes_gradcheck(ref, mode):
    x = real(random.Random(3), 1, 2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: ref.pad2d(t, (1, 2), mode), (x,))


@pytest.mark.parametrize("padding", [-1, (0, -1), (1, 2, 3)])
def test_pad2d_refuses_a_padding_that_makes_no_sense(ref, padding):
    with pytest.raises(ValueError, match="padding"):
        ref.pad2d(torch.ones(1, 1, 3, 3), padding)


def test_pad2d_refuses_an_unknown_mode(ref):
    with pytest.raises(ValueError, match="mode"):
        ref.pad2d(torch.ones(1, 1, 3, 3), 1, "mirror")


# conv2d


def test_conv2d_agrees_with_f_conv2d_wherever_that_has_an_answer(ref):
    bits = random.Random(4)
    answered = 0
    for _ in range(6000):
        channels, filters, kernel, kwargs = settings(bits)
        dtype = bits.choice([torch.float32, torch.float64])
        x = whole(bits, bits.randint(1, 3), channels, *sizes(bits, 1, 9), dtype=dtype)
        weight = whole(bits, filters, channels // kwargs["groups"], *kernel, dtype=dtype)
        bias = bits.choice([None, whole(bits, filters, dtype=dtype)])
        want = outcome(RuntimeError, F.conv2d, x, weight, bias, **kwargs)
        agree(outcome(ValueError, ref.conv2d, x, weight, bias, **kwargs), want, (x.shape, weight.shape, kwargs))
        answered += want is not None
    assert answered > 3000


def test_conv2d_is_right_where_sums_are_rounded(ref):
    bits = random.Random(5)
    for _ in range(200):
        channels, filters, kernel, kwargs = settings(bits)
        x = real(bits, 2, channels, 12, 13)
        weight = real(bits, filters, channels // kwargs["groups"], *kernel)
        want = outcome(RuntimeError, F.conv2d, x, weight, **kwargs)
        got = outcome(ValueError, ref.conv2d, x, weight, **kwargs)
        assert (got is None) == (want is None)
        if want is not None:
            torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
            single = ref.conv2d(x.float(), weight.float(), **kwargs)
            torch.testing.assert_close(single, want.float(), rtol=0, atol=1e-4)


def test_conv2d_takes_an_empty_batch(ref):
    assert ref.conv2d(torch.ones(0, 2, 5, 4), torch.ones(3, 2, 2, 2)).shape == (0, 3, 4, 3)


def test_conv2d_gives_the_gradients_of_f_conv2d(ref):
    bits = random.Random(6)
    for _ in range(300):
        channels, filters, kernel, kwargs = settings(bits)
        x = whole(bits, 2, channels, *sizes(bits, 4, 9), dtype=torch.float64).requires_grad_()
        weight = whole(bits, filters, channels // kwargs["groups"], *kernel, dtype=torch.float64).requires_grad_()
        bias = whole(bits, filters, dtype=torch.float64).requires_grad_()
        want = outcome(RuntimeError, F.conv2d, x, weight, bias, **kwargs)
        if want is None:
            continue
        upstream = whole(bits, *want.shape, dtype=torch.float64)
        leaves = (x, weight, bias)
        got = torch.autograd.grad(ref.conv2d(*leaves, **kwargs), leaves, upstream)
        for one, other in zip(got, torch.autograd.grad(want, leaves, upstream), strict=True):
            agree(one, other, (x.shape, weight.shape, kwargs))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"stride": (2, 1), "padding": (1, 2)},
        {"dilation": (1, 2), "groups": 2, "padding": 1},
        {"padding": "same", "dilation": 2},
    ],
)
def test_conv2d_passes_gradcheck(ref, kwargs):
    bits = random.Random(7)
    x, weight, bias = real(bits, 2, 2, 5, 4), real(bits, 2, 2 // kwargs.get("groups", 1), 2, 3), real(bits, 2)
    leaves = tuple(tensor.requires_grad_() for tensor in (x, weight, bias))
    assert torch.autograd.gradcheck(lambda *given: ref.conv2d(*given, **kwargs), leaves)


X, WEIGHT = (1, 4, 5, 5), (6, 4, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "kwargs", "names"),
    [
        (X, WEIGHT, {"stride": 0}, "stride"),
        (X, WEIGHT, {"stride": (1, -1)}, "stride"),
        (X, WEIGHT, {"stride": (1, 1, 1)}, "stride"),
        (X, WEIGHT, {"dilation": 0}, "dilation"),
        (X, WEIGHT, {"padding": -1}, "padding"),
        (X, WEIGHT, {"padding": "full"}, "padding"),
        (X, WEIGHT, {"padding": "same", "stride": (1, 2)}, "stride"),
        (X, (6, 1, 3, 3), {"groups": 3}, "groups"),
        (X, (5, 2, 3, 3), {"groups": 2}, "groups"),
        (X, WEIGHT, {"groups": 0}, "groups"),
        (X, (6, 1, 3, 3), {}, "weight"),
        (X, (6, 4, 3), {}, "weight"),
        (X, WEIGHT, {"bias": torch.ones(1)}, "bias"),
        (X, (6, 4, 6, 3), {}, "kernel"),
        (X, (6, 4, 3, 3), {"dilation": (1, 3)}, "dilation"),
        ((1, 4, 5, 2), WEIGHT, {}, "kernel"),
    ],
)
def test_conv2d_refuses_what_makes_no_sense(ref, x, weight, kwargs, names):
    with pytest.raises(ValueError, match=names):
        ref.conv2d(torch.ones(x), torch.ones(weight), **kwargs)


# conv3d


def test_conv3d_agrees_with_f_conv3d_wherever_that_has_an_answer(ref):
    bits = random.Random(8)
    answered = 0
    for _ in range(3000):
        channels, filters = bits.randint(1, 3), bits.randint(1, 3)
        kwargs = {"stride": maybe_pair(bits, 1, 3, axes=3), "padding": maybe_pair(bits, 0, 2, axes=3)}
        dtype = bits.choice([torch.float32, torch.float64])
        x = whole(bits, bits.randint(1, 2), channels, *sizes(bits, 1, 5, axes=3), dtype=dtype)
        weight = whole(bits, filters, channels, *sizes(bits, 1, 3, axes=3), dtype=dtype)
        bias = bits.choice([None, whole(bits, filters, dtype=dtype)])
        want = outcome(RuntimeError, F.conv3d, x, weight, bias, **kwargs)
        agree(outcome(ValueError, ref.conv3d, x, weight, bias, **kwargs), want, (x.shape, weight.shape, kwargs))
        answered += want is not None
    assert answered > 2000


def test_conv3d_passes_gradcheck(ref):
    bits = random.Random(9)
    leaves = tuple(t.requires_grad_() for t in (real(bits, 1, 2, 3, 3, 2), real(bits, 2, 2, 2, 1, 2), real(bits, 2)))
    assert torch.autograd.gradcheck(lambda *given: ref.conv3d(*given, (1, 2, 1), (1, 0, 1)), leaves)


@pytest.mark.parametrize(
    ("kwargs", "names"),
    [({"stride": 0}, "stride"), ({"padding": (0, 0, -1)}, "padding"), ({"stride": (1, 2)}, "stride")],
)
def test_conv3d_refuses_what_makes_no_sense(ref, kwargs, names):
    with pytest.raises(ValueError, match=names):
        ref.conv3d(torch.ones(1, 1, 3, 3, 3), torch.ones(1, 1, 2, 2, 2), **kwargs)


@pytest.mark.parametrize("shape", [(1, 2, 2, 2, 2), (1, 1, 4, 1, 1), (1, 1, 2, 2)])
def test_conv3d_refuses_a_weight_that_does_not_match(ref, shape):
    with pytest.raises(ValueError, match="weight"):
        ref.conv3d(torch.ones(1, 1, 3, 3, 3), torch.ones(shape))


# Conv2d


def test_the_layer_agrees_with_nn_conv2d_and_takes_its_state_dict(ref):
    bits = random.Random(10)
    answered = 0
    for _ in range(2500):
        channels, filters, kernel, kwargs = settings(bits)
        kwargs |= {"bias": bits.random() < 0.7, "padding_mode": bits.choice(MODES), "dtype": torch.float64}
        theirs = outcome(ValueError, nn.Conv2d, channels, filters, tuple(kernel), **kwargs)
        ours = outcome(ValueError, ref.Conv2d, channels, filters, tuple(kernel), **kwargs)
        assert (ours is None) == (theirs is None), kwargs
        if theirs is None:
            continue
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter.copy_(whole(bits, *parameter.shape))
        ours.load_state_dict(theirs.state_dict())
        x = whole(bits, bits.randint(1, 2), channels, *sizes(bits, 2, 9), dtype=torch.float64)
        want = outcome(RuntimeError, theirs, x)
        agree(outcome(ValueError, ours, x), want, (x.shape, theirs))
        answered += want is not None
    assert answered > 1200


def test_the_layer_knows_the_state_dict_of_nn_conv2d(ref):
    for bias, groups in product((True, False), (1, 2)):
        theirs = nn.Conv2d(4, 6, (3, 2), groups=groups, bias=bias)
        ours = ref.Conv2d(4, 6, (3, 2), groups=groups, bias=bias)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        theirs.load_state_dict(ours.state_dict())
        assert (ours.bias is None) == (not bias)


def test_the_layer_takes_its_arguments_in_the_order_of_nn_conv2d(ref):
    arguments = (2, 4, (3, 2), (2, 1), (1, 2), (1, 2), 2, False, "circular", "cpu", torch.float64)
    theirs, ours = nn.Conv2d(*arguments), ref.Conv2d(*arguments)
    ours.load_state_dict(theirs.state_dict())
    x = real(random.Random(11), 2, 2, 6, 7)
    torch.testing.assert_close(ours(x), theirs(x))


def test_initial_values_fill_the_bounds_of_nn_conv2d(ref):
    torch.manual_seed(12)
    layer = ref.Conv2d(8, 256, (3, 2), groups=2)
    bound = 1 / math.sqrt(4 * 3 * 2)
    for parameter in layer.parameters():
        assert parameter.abs().max() <= bound
        assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.12)
        assert abs(parameter.mean()) < 0.15 * bound


def test_the_layer_is_made_where_and_as_what_it_is_asked_for(ref):
    assert {p.dtype for p in ref.Conv2d(2, 3, 2, dtype=torch.float64).parameters()} == {torch.float64}
    layer = ref.Conv2d(2, 3, 2, padding="same", padding_mode="circular", device="meta")
    assert {p.device.type for p in layer.parameters()} == {"meta"}
    assert layer(torch.ones(1, 2, 5, 4, device="meta")).shape == (1, 3, 5, 4)


@pytest.mark.parametrize("mode", MODES)
def test_the_layer_passes_gradcheck(ref, mode):
    layer = ref.Conv2d(2, 2, (2, 3), (2, 1), (1, 2), groups=2, padding_mode=mode, dtype=torch.float64)
    x = real(random.Random(13), 1, 2, 3, 4).requires_grad_()

    def forward(given, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (given,))

    leaves = (x, layer.weight.detach().requires_grad_(), layer.bias.detach().requires_grad_())
    assert torch.autograd.gradcheck(forward, leaves)


@pytest.mark.parametrize(
    ("kwargs", "names"),
    [
        ({"groups": 3}, "groups"),
        ({"groups": 0}, "groups"),
        ({"padding_mode": "mirror"}, "mode"),
        ({"padding": "same", "stride": 2}, "stride"),
        ({"padding": "half"}, "padding"),
        ({"padding": -1}, "padding"),
        ({"padding": 5, "padding_mode": "reflect"}, "padding"),
        ({"padding": 6, "padding_mode": "circular"}, "padding"),
        ({"stride": 0}, "stride"),
        ({"dilation": 0}, "dilation"),
        ({"kernel_size": 0}, "kernel_size"),
        ({"kernel_size": 6}, "kernel_size"),
        ({"in_channels": 3}, "channels"),
        ({"out_channels": -1}, "out_channels"),
    ],
)
def test_the_layer_refuses_what_makes_no_sense(ref, kwargs, names):
    with pytest.raises(ValueError, match=names):
        ref.Conv2d(**{"in_channels": 4, "out_channels": 4, "kernel_size": 3} | kwargs)(torch.ones(1, 4, 5, 5))


# All of them


def test_no_function_changes_what_it_is_given(ref):
    bits = random.Random(14)
    x, weight, bias = whole(bits, 2, 2, 4, 5), whole(bits, 2, 2, 2, 3), whole(bits, 2)
    volume, filters = whole(bits, 1, 2, 3, 4, 5), whole(bits, 2, 2, 2, 2, 2)
    before = [t.clone() for t in (x, weight, bias, volume, filters)]
    for mode in MODES:
        ref.pad2d(x, (0, 1), mode)
    ref.conv2d(x, weight, bias, padding="same")
    ref.conv3d(volume, filters, bias, padding=1)
    assert all(torch.equal(now, then) for now, then in zip((x, weight, bias, volume, filters), before, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_results_stay_on_the_device_of_their_inputs(ref, mode):
    x, volume = torch.ones(1, 2, 4, 5, device="meta"), torch.ones(1, 2, 3, 4, 5, device="meta")
    weight, filters = torch.ones(3, 2, 2, 2, device="meta"), torch.ones(3, 2, 2, 2, 2, device="meta")
    bias = torch.ones(3, device="meta")
    for result in (ref.pad2d(x, 1, mode), ref.conv2d(x, weight, bias, padding=1), ref.conv3d(volume, filters, bias)):
        assert result.device.type == "meta"
