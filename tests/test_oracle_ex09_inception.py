"""The reference of ex09 against torch: modules put together from F.conv2d and F.max_pool2d, counts, and refusals."""

import importlib.util
import random
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex09_inception.py"
THREE_A = (192, 64, 96, 128, 16, 32, 32)
THREE_B = (256, 128, 128, 192, 32, 96, 64)


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex09_inception_under_test", SOURCE)
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
    return torch.randint(-3, 4, shape, generator=generator).to(dtype)


def real(bits, *shape):
    generator = torch.Generator().manual_seed(bits.randrange(2**31))
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1


def filled(block, values, bits):
    """The same block with other weights in it, by name, so that a wrong name is an error; and these weights."""
    state = {name: values(bits, *value.shape).to(value.dtype) for name, value in block.state_dict().items()}
    block.load_state_dict(state)
    return block, state


def conv(state, name, x):
    """Convolution and ReLU; the padding is what keeps the size."""
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2).relu()


def pooled(x):
    return F.max_pool2d(x, 3, stride=1, padding=1)


def naive(state, x):
    return torch.cat([*(conv(state, f"branch{i}.0", x) for i in (1, 2, 3)), pooled(x)], 1)


def reduced(state, x, prefix=""):
    def step(name, value):
        return conv(state, prefix + name, value)

    three, five = step("branch2.2", step("branch2.0", x)), step("branch3.2", step("branch3.0", x))
    return torch.cat([step("branch1.0", x), three, five, step("branch4.1", pooled(x))], 1)


def widths(bits, count, most=4):
    return tuple(bits.randint(1, most) for _ in range(count))


def picture_size(bits):
    return bits.randint(1, 9), bits.randint(1, 9)


FORMS = pytest.mark.parametrize(("name", "count", "plain"), [("NaiveInception", 4, naive), ("Inception", 7, reduced)])


@FORMS
def test_the_modules_are_what_torch_s_functions_make_of_their_state_dicts(ref, name, count, plain):
    bits = random.Random(1)
    for _ in range(1200):
        arguments = widths(bits, count)
        dtype = bits.choice([torch.float32, torch.float64])
        block, state = filled(getattr(ref, name)(*arguments).to(dtype), whole, bits)
        x = whole(bits, bits.randint(1, 3), arguments[0], *picture_size(bits), dtype=dtype)
        with torch.no_grad():
            got, want = block(x), plain(state, x)
        assert got.dtype == want.dtype
        assert torch.equal(got, want), (arguments, x.shape)


@FORMS
def test_gradients_for_input_and_parameters_are_those_of_torch_s_functions(ref, name, count, plain):
    bits = random.Random(2)
    for _ in range(200):
        arguments = widths(bits, count, most=3)
        block, state = filled(getattr(ref, name)(*arguments).double(), real, bits)
        leaves = {key: value.requires_grad_() for key, value in state.items()}
        x = real(bits, 2, arguments[0], *picture_size(bits)).requires_grad_()
        got, want = block(x), plain(leaves, x)
        upstream = real(bits, *want.shape)
        named = dict(block.named_parameters())
        ours = torch.autograd.grad(got, [x, *(named[key] for key in leaves)], upstream)
        theirs = torch.autograd.grad(want, [x, *leaves.values()], upstream)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@FORMS
def test_the_modules_pass_gradcheck(ref, name, count, plain):
    bits = random.Random(3)
    block, state = filled(getattr(ref, name)(*(2,) * count).double(), real, bits)
    x = real(bits, 1, 2, 3, 4).requires_grad_()

    def forward(given, *values):
        return torch.func.functional_call(block, dict(zip(state, values, strict=True)), (given,))

    assert torch.autograd.gradcheck(forward, (x, *(value.requires_grad_() for value in state.values())))


@FORMS
def test_the_modules_take_an_empty_batch_and_any_layout_and_leave_their_input_alone(ref, name, count, plain):
    bits = random.Random(4)
    block, state = filled(getattr(ref, name)(*(3,) * count), whole, bits)
    assert block(torch.ones(0, 3, 4, 5)).shape[0] == 0
    x = whole(bits, 2, 5, 4, 3).permute(0, 3, 2, 1)
    before = x.clone()
    assert torch.equal(block(x), plain(state, x))
    assert torch.equal(x, before)


@FORMS
def test_train_and_eval_make_no_difference(ref, name, count, plain):
    bits = random.Random(5)
    block, _ = filled(getattr(ref, name)(*(2,) * count), whole, bits)
    x = whole(bits, 2, 2, 5, 4)
    assert torch.equal(block.train()(x), block.eval()(x))


@FORMS
def test_the_modules_refuse_numbers_of_channels_below_one(ref, name, count, plain):
    for place, wrong in product(range(count), (0, -2)):
        arguments = [2] * count
        arguments[place] = wrong
        with pytest.raises(ValueError, match=r"in_channels|ch\dx\d|pool_proj"):
            getattr(ref, name)(*arguments)


@FORMS
@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (2, 4, 4), (4, 4)])
def test_the_modules_refuse_an_input_that_does_not_match(ref, name, count, plain, shape):
    with pytest.raises(ValueError, match="in_channels"):
        getattr(ref, name)(*(2,) * count)(torch.ones(shape))


def test_every_branch_is_a_sequential_with_the_parts_of_the_statement(ref):
    conv_relu, pool_conv_relu = [nn.Conv2d, nn.ReLU], [nn.MaxPool2d, nn.Conv2d, nn.ReLU]
    block = ref.Inception(*THREE_A)
    branches = [block.branch1, block.branch2, block.branch3, block.branch4]
    assert all(isinstance(branch, nn.Sequential) for branch in branches)
    kinds = [[type(part) for part in branch] for branch in branches]
    assert kinds == [conv_relu, 2 * conv_relu, 2 * conv_relu, pool_conv_relu]
    first = ref.NaiveInception(2, 3, 4, 5)
    assert [[type(part) for part in branch] for branch in (first.branch1, first.branch2, first.branch3)] == 3 * [
        conv_relu
    ]


def test_counts_are_those_of_modules_that_are_built(ref):
    bits = random.Random(6)
    for _ in range(400):
        row = widths(bits, 7, most=9)
        block = ref.Inception(*row)
        named = {name: parameter.numel() for name, parameter in block.named_parameters()}
        weights = sum(count for name, count in named.items() if name.endswith("weight"))
        assert ref.inception_parameter_count(*row) == sum(named.values())
        assert ref.inception_parameter_count(*row, False) == weights
        _, one, _, three, _, five, proj = row
        assert ref.inception_output_channels(one, three, five, proj) == block(torch.zeros(1, row[0], 1, 1)).shape[1]


def test_counts_are_those_of_the_paper(ref):
    assert ref.inception_parameter_count(*THREE_A) == 163_696
    assert ref.inception_parameter_count(*THREE_B) == 388_736
    assert ref.inception_output_channels(64, 128, 32, 32) == 256
    assert ref.inception_output_channels(128, 192, 96, 64) == 480
    assert type(ref.inception_parameter_count(*THREE_A)) is int


@pytest.mark.parametrize("wrong", [0, -1])
def test_counts_refuse_numbers_of_channels_below_one(ref, wrong):
    for place in range(4):
        with pytest.raises(ValueError, match=r"ch\dx\d|pool_proj"):
            ref.inception_output_channels(*[wrong if i == place else 2 for i in range(4)])
    for place in range(7):
        with pytest.raises(ValueError, match=r"in_channels|ch\dx\d|pool_proj"):
            ref.inception_parameter_count(*[wrong if i == place else 2 for i in range(7)])


# GoogLeNetStage3


@pytest.fixture(scope="module")
def stage(ref):
    made = ref.GoogLeNetStage3().double()
    bits = random.Random(7)
    state = {
        name: real(bits, *v.shape) * (v[0].numel() if v.dim() > 1 else 9) ** -0.5
        for name, v in made.state_dict().items()
    }
    made.load_state_dict(state)
    return made, state


def test_the_stage_is_both_modules_and_a_pool_in_ceil_mode(stage):
    made, state = stage
    bits = random.Random(8)
    for h, w in [(2, 2), (2, 3), (3, 5), (4, 4), (5, 6), (6, 5), (7, 8), (9, 3)]:
        x = real(bits, 2, 192, h, w)
        with torch.no_grad():
            got = made(x)
            want = F.max_pool2d(reduced(state, reduced(state, x, "inception3a."), "inception3b."), 3, 2, ceil_mode=True)
        assert got.shape == (2, 480, max(1, -(-(h - 3) // 2) + 1), max(1, -(-(w - 3) // 2) + 1))
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_the_stage_has_the_shapes_of_the_paper(ref):
    made = ref.GoogLeNetStage3()
    with torch.no_grad():
        assert made(torch.zeros(1, 192, 28, 28)).shape == (1, 480, 14, 14)
    assert sum(parameter.numel() for parameter in made.parameters()) == 163_696 + 388_736
    assert {name.split(".")[0] for name in made.state_dict()} == {"inception3a", "inception3b"}


@pytest.mark.parametrize("shape", [(1, 192, 1, 5), (1, 192, 5, 1), (1, 64, 5, 5)])
def test_the_stage_refuses_an_input_that_does_not_fit(stage, shape):
    with pytest.raises(ValueError, match="x must"):
        stage[0](torch.ones(shape, dtype=torch.float64))
