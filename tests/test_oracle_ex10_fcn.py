"""The reference of ex10 against PyTorch itself, on thousands of drawn cases."""

from __future__ import annotations

import importlib.util
import itertools
import math
import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

SOURCE = Path(__file__).resolve().parent.parent / "solutions" / "ex10_fcn.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("oracle_ex10_fcn", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def generator(bits):
    return torch.Generator().manual_seed(bits.randrange(2**31))


def whole(bits, *shape, dtype=torch.float32):
    return torch.randint(-3, 4, shape, generator=generator(bits)).to(dtype)


def real(bits, *shape):
    return torch.rand(shape, generator=generator(bits), dtype=torch.float64) * 2 - 1


def labels(bits, shape, classes):
    return torch.randint(0, classes, shape, generator=generator(bits))


def either(bits, low, high):
    """An int or a pair."""
    return bits.choice([bits.randint(low, high), (bits.randint(low, high), bits.randint(low, high))])


def two(value):
    return (value, value) if isinstance(value, int) else value


# convolutionize


def test_a_dense_layer_as_a_convolution_gives_the_same_at_every_place(ref):
    bits = random.Random(1)
    for _ in range(600):
        shape, outs = tuple(bits.randint(1, 4) for _ in range(3)), bits.randint(1, 3)
        dtype = bits.choice([torch.float32, torch.float64])
        weight, bias = whole(bits, outs, math.prod(shape), dtype=dtype), whole(bits, outs, dtype=dtype)
        filters, same = ref.convolutionize(weight, bias, shape)
        assert filters.shape == (outs, *shape)
        assert torch.equal(same, bias)
        c, h, w = shape
        picture = whole(bits, 2, c, h + bits.randint(0, 2), w + bits.randint(0, 2), dtype=dtype)
        scores = F.conv2d(picture, filters, same)
        for i, j in itertools.product(range(scores.shape[2]), range(scores.shape[3])):
            window = picture[:, :, i : i + h, j : j + w]
            assert torch.equal(scores[:, :, i, j], F.linear(window.flatten(1), weight, bias))


def test_convolutionize_without_a_bias_hands_on_none(ref):
    assert ref.convolutionize(torch.ones(2, 6), None, (1, 2, 3))[1] is None


@pytest.mark.parametrize(
    ("weight", "bias", "shape"),
    [((2, 6), (2,), (2, 2, 2)), ((2, 6), (3,), (1, 2, 3)), ((2, 6, 1), (2,), (1, 2, 3)), ((2, 6), (2,), (1, -2, -3))],
)
def test_convolutionize_refuses_what_does_not_fit(ref, weight, bias, shape):
    with pytest.raises(ValueError, match=r"weight|bias|input_shape"):
        ref.convolutionize(torch.ones(weight), torch.ones(bias), shape)


# conv_transpose2d


def transposed(bits, values=whole, **options):
    """Arguments that torch takes."""
    while True:
        stride, padding = either(bits, 1, 4), either(bits, 0, 3)
        extra = tuple(bits.randint(0, step - 1) for step in two(stride))
        extra = extra[0] if extra[0] == extra[1] else extra
        kernel, size = (bits.randint(1, 4), bits.randint(1, 4)), (bits.randint(1, 5), bits.randint(1, 5))
        axes = zip(size, two(stride), two(padding), kernel, two(extra), strict=True)
        if all((n - 1) * s - 2 * p + k + e >= 1 for n, s, p, k, e in axes):
            break
    ins, outs = bits.randint(1, 3), bits.randint(1, 3)
    x = values(bits, bits.randint(0, 3), ins, *size, **options)
    weight = values(bits, ins, outs, *kernel, **options)
    bias = bits.choice([None, values(bits, outs, **options)])
    return x, weight, bias, stride, padding, extra


def test_conv_transpose2d_is_torch_s(ref):
    bits = random.Random(2)
    for _ in range(3000):
        dtype = bits.choice([torch.float32, torch.float64])
        case = transposed(bits, dtype=dtype)
        got, want = ref.conv_transpose2d(*case), F.conv_transpose2d(*case)
        assert got.dtype == dtype
        assert torch.equal(got, want), case[3:]


def test_conv_transpose2d_keeps_to_the_rounding_of_its_dtype(ref):
    bits = random.Random(3)
    for _ in range(300):
        case = transposed(bits, real)
        torch.testing.assert_close(ref.conv_transpose2d(*case), F.conv_transpose2d(*case), rtol=0, atol=1e-13)


def test_conv_transpose2d_has_the_gradients_of_torch_s(ref):
    bits = random.Random(4)
    for _ in range(400):
        x, weight, bias, *settings = transposed(bits, real)
        leaves = [leaf.requires_grad_() for leaf in (x, weight, bias) if leaf is not None]
        got, want = ref.conv_transpose2d(x, weight, bias, *settings), F.conv_transpose2d(x, weight, bias, *settings)
        upstream = real(bits, *want.shape)
        ours, theirs = (torch.autograd.grad(out, leaves, upstream) for out in (got, want))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_conv_transpose2d_passes_gradcheck(ref):
    bits = random.Random(5)
    x, weight, bias = real(bits, 2, 2, 2, 3), real(bits, 2, 2, 3, 2), real(bits, 2)
    leaves = [leaf.requires_grad_() for leaf in (x, weight, bias)]
    assert torch.autograd.gradcheck(lambda *a: ref.conv_transpose2d(*a, (2, 3), 1, (1, 0)), leaves)


def test_conv_transpose2d_is_the_adjoint_of_conv2d(ref):
    """<conv2d(y), x> = <y, conv_transpose2d(x)>, where both read the same numbers as weight."""
    bits = random.Random(6)
    for _ in range(300):
        x, weight, _, stride, padding, extra = transposed(bits, real)
        y = ref.conv_transpose2d(x, weight, None, stride, padding, extra)
        other = real(bits, *y.shape)
        forward = F.conv2d(other, weight, None, stride, padding)[:, :, : x.shape[2], : x.shape[3]]
        torch.testing.assert_close((forward * x).sum(), (other * y).sum(), rtol=0, atol=1e-11)


def test_conv_transpose2d_takes_any_layout_and_leaves_its_arguments_alone(ref):
    bits = random.Random(7)
    x, weight = whole(bits, 2, 4, 5, 3).permute(0, 3, 1, 2), whole(bits, 2, 3, 2, 3).transpose(0, 3)
    before = x.clone(), weight.clone()
    assert torch.equal(ref.conv_transpose2d(x, weight, stride=2), F.conv_transpose2d(x, weight, stride=2))
    assert torch.equal(x, before[0])
    assert torch.equal(weight, before[1])
    assert ref.conv_transpose2d(x.to("meta"), weight.to("meta")).device.type == "meta"


BAD = [
    ("stride", {"stride": 0}),
    ("stride", {"stride": (1, -1)}),
    ("padding", {"padding": -1}),
    ("padding", {"padding": (3, 0)}),
    ("padding", {"padding": (0, 4)}),
    ("output_padding", {"output_padding": 1}),
    ("output_padding", {"stride": 2, "output_padding": 2}),
    ("output_padding", {"stride": (1, 2), "output_padding": (1, 1)}),
    ("output_padding", {"stride": (2, 1), "output_padding": (1, 1)}),
    ("output_padding", {"stride": 2, "output_padding": -1}),
    ("weight", {"weight": torch.ones(3, 2, 2, 2)}),
    ("weight", {"weight": torch.ones(1, 2, 2, 2)}),
    ("weight", {"weight": torch.ones(2, 2, 2)}),
    ("bias", {"bias": torch.ones(2)}),
    ("bias", {"bias": torch.ones(1)}),
    ("x", {"x": torch.ones(2, 4, 4)}),
]


@pytest.mark.parametrize(("name", "bad"), BAD)
def test_conv_transpose2d_refuses_what_makes_no_sense(ref, name, bad):
    case = {"x": torch.ones(1, 2, 4, 5), "weight": torch.ones(2, 3, 2, 2)} | bad
    with pytest.raises(ValueError, match=name):
        ref.conv_transpose2d(**case)


def test_conv_transpose2d_and_torch_s_refuse_the_same_paddings(ref):
    x, weight = torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 2)
    for padding, stride in itertools.product(range(5), range(1, 4)):
        try:
            want = F.conv_transpose2d(x, weight, None, stride, padding)
        except RuntimeError:
            with pytest.raises(ValueError, match="padding"):
                ref.conv_transpose2d(x, weight, None, stride, padding)
        else:
            assert torch.equal(ref.conv_transpose2d(x, weight, None, stride, padding), want)


# bilinear_kernel


def test_bilinear_kernel_is_the_formula(ref):
    for channels, k in itertools.product(range(1, 4), range(1, 18)):
        got = ref.bilinear_kernel(channels, k)
        f, c = (k + 1) // 2, (k - 1) / 2
        assert (got.shape, got.dtype) == ((channels, channels, k, k), torch.float32)
        for a, b in itertools.product(range(channels), repeat=2):
            rows = [[(a == b) * (1 - abs(i - c) / f) * (1 - abs(j - c) / f) for j in range(k)] for i in range(k)]
            torch.testing.assert_close(got[a, b], torch.tensor(rows), rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_bilinear_kernel_makes_a_picture_larger_as_interpolation_does(ref, factor):
    """Inside; at the border torch repeats the last pixel and the transposed convolution fades out."""
    x = real(random.Random(8), 2, 3, 5, 6).float()
    got = F.conv_transpose2d(x, ref.bilinear_kernel(3, 2 * factor), stride=factor, padding=factor // 2)
    want = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    assert got.shape == want.shape
    inside = slice(factor // 2, -factor // 2)
    torch.testing.assert_close(got[..., inside, inside], want[..., inside, inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("channels", "kernel_size"), [(0, 3), (-1, 3), (2, 0), (2, -4)])
def test_bilinear_kernel_refuses_sizes_below_one(ref, channels, kernel_size):
    with pytest.raises(ValueError, match="channels" if channels < 1 else "kernel_size"):
        ref.bilinear_kernel(channels, kernel_size)


# The heads


def filled(head, bits):
    """The same head in float64 with other weights in it, and these weights by name."""
    state = {name: real(bits, *value.shape) for name, value in head.state_dict().items()}
    head.double().load_state_dict(state)
    return head, state


def score(state, name, x):
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"])


def up(state, name, x, factor):
    return F.conv_transpose2d(x, state[f"{name}.weight"], None, factor, factor // 2)


def plain32(state, pool5):
    return up(state, "upscore", score(state, "score_fr", pool5), 32)


def plain8(state, pool3, pool4, pool5):
    fused = up(state, "upscore2", score(state, "score_fr", pool5), 2) + score(state, "score_pool4", pool4)
    return up(state, "upscore8", up(state, "upscore_pool4", fused, 2) + score(state, "score_pool3", pool3), 8)


def maps(bits, channels, n=2):
    h, w = bits.randint(1, 3), bits.randint(1, 3)
    scales = (1,) if len(channels) == 1 else (4, 2, 1)
    return [real(bits, n, c, s * h, s * w) for c, s in zip(channels, scales, strict=True)]


HEADS = pytest.mark.parametrize(("name", "pools", "plain"), [("FCN32sHead", 1, plain32), ("FCN8sHead", 3, plain8)])


@HEADS
def test_the_heads_are_what_torch_s_functions_make_of_their_state_dicts(ref, name, pools, plain):
    bits = random.Random(9)
    for _ in range(40 if pools == 1 else 150):
        channels, classes = [bits.randint(1, 4) for _ in range(pools)], bits.randint(1, 3)
        head, state = filled(getattr(ref, name)(*channels, classes), bits)
        inputs = [pool.requires_grad_() for pool in maps(bits, channels)]
        leaves = {key: value.requires_grad_() for key, value in state.items()}
        got, want = head(*inputs), plain(leaves, *inputs)
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
        assert got.shape[2:] == tuple((32 if pools == 1 else 8) * n for n in inputs[0].shape[2:])
        upstream, named = real(bits, *want.shape), dict(head.named_parameters())
        ours = torch.autograd.grad(got, [*inputs, *(named[key] for key in leaves)], upstream)
        theirs = torch.autograd.grad(want, [*inputs, *leaves.values()], upstream)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_the_layers_are_those_of_the_statement(ref):
    head = ref.FCN8sHead(5, 6, 7, 3)
    assert {name: (m.kernel_size, m.stride, m.padding, m.bias is None) for name, m in head.named_children()} == {
        "score_fr": ((1, 1), (1, 1), (0, 0), False),
        "score_pool4": ((1, 1), (1, 1), (0, 0), False),
        "score_pool3": ((1, 1), (1, 1), (0, 0), False),
        "upscore2": ((4, 4), (2, 2), (1, 1), True),
        "upscore_pool4": ((4, 4), (2, 2), (1, 1), True),
        "upscore8": ((16, 16), (8, 8), (4, 4), True),
    }
    head = ref.FCN32sHead(5, 3)
    assert [name for name, _ in head.named_children()] == ["score_fr", "upscore"]
    assert (head.upscore.kernel_size, head.upscore.stride, head.upscore.padding) == ((64, 64), (32, 32), (16, 16))
    assert head.upscore.bias is None


def test_the_upscore_layers_start_as_bilinear_interpolation_and_learn(ref):
    for head in (ref.FCN32sHead(4, 3), ref.FCN8sHead(2, 3, 4, 3)):
        layers = [layer for layer in head.modules() if isinstance(layer, nn.ConvTranspose2d)]
        assert len(layers) == (1 if isinstance(head, ref.FCN32sHead) else 3)
        for layer in layers:
            assert torch.equal(layer.weight, ref.bilinear_kernel(3, layer.kernel_size[0]))
            assert layer.weight.requires_grad


@HEADS
def test_the_heads_refuse_numbers_of_channels_below_one(ref, name, pools, plain):
    for place, wrong in itertools.product(range(pools + 1), (0, -2)):
        arguments = [2] * (pools + 1)
        arguments[place] = wrong
        with pytest.raises(ValueError, match=r"channels|num_classes"):
            getattr(ref, name)(*arguments)


def test_fcn8s_takes_only_maps_of_sizes_four_two_one(ref):
    head, state = filled(ref.FCN8sHead(1, 1, 1, 2), random.Random(10))
    sizes = (1, 2, 3, 4, 5, 6, 8)
    for three, four, five in itertools.product(sizes, sizes, (1, 2)):
        for turned in (False, True):
            shapes = [(n, s) if turned else (s, n) for n, s in zip((three, four, five), (4, 2, 1), strict=True)]
            pools = [torch.ones(1, 1, *shape, dtype=torch.float64) for shape in shapes]
            if (three, four) == (4 * five, 2 * five):
                assert torch.equal(head(*pools), plain8(state, *pools))
            else:
                with pytest.raises(ValueError, match=r"pool4|pool5"):
                    head(*pools)


# pixel_cross_entropy


def scored(bits, values=whole, **options):
    n, classes, h, w = bits.randint(1, 3), bits.randint(1, 5), bits.randint(1, 4), bits.randint(1, 4)
    index = bits.choice([255, -1, 0, 1, -100, 7])
    target = labels(bits, (n, h, w), classes)
    target[torch.rand(target.shape, generator=generator(bits)) < bits.choice([0, 0.3, 0.9])] = index
    return values(bits, n, classes, h, w, **options), target, index


def test_pixel_cross_entropy_is_torch_s(ref):
    bits = random.Random(11)
    for _ in range(2000):
        scale = bits.choice([1, 1, 1000])
        logits, target, index = scored(bits)
        logits = logits * scale
        got, want = ref.pixel_cross_entropy(logits, target, index), F.cross_entropy(logits, target, ignore_index=index)
        if not bool((target != index).any()):
            want = torch.tensor(0.0)
        torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-6 * scale)


def test_pixel_cross_entropy_has_the_gradient_of_torch_s_whatever_stands_at_ignored_pixels(ref):
    bits = random.Random(12)
    for _ in range(500):
        logits, target, index = scored(bits, real)
        out = (target == index).unsqueeze(1)
        plain, spoiled = logits.clone().requires_grad_(), logits.masked_fill(out, bits.choice([math.nan, math.inf]))
        spoiled.requires_grad_()
        got, want = ref.pixel_cross_entropy(spoiled, target, index), F.cross_entropy(plain, target, ignore_index=index)
        (one,), (other,) = (torch.autograd.grad(loss, leaf) for loss, leaf in ((got, spoiled), (want, plain)))
        if bool(out.all()):
            assert got == 0
            assert not one.any()
            continue
        assert got.dtype == torch.float64
        assert not one[out.expand_as(one)].any()
        torch.testing.assert_close(got, want, rtol=0, atol=1e-14)
        torch.testing.assert_close(one, other, rtol=0, atol=1e-14)


def test_pixel_cross_entropy_passes_gradcheck(ref):
    bits = random.Random(13)
    logits, target, index = scored(bits, real)
    assert torch.autograd.gradcheck(lambda x: ref.pixel_cross_entropy(x, target, index), logits.requires_grad_())


def test_pixel_cross_entropy_leaves_its_arguments_alone_and_works_on_any_device(ref):
    logits, target = torch.ones(1, 2, 2, 3), torch.tensor([[[0, 1, 255], [255, 1, 0]]])
    before = target.clone()
    assert ref.pixel_cross_entropy(logits, target).shape == ()
    assert torch.equal(target, before)
    assert ref.pixel_cross_entropy(logits.to("meta"), target.to("meta")).device.type == "meta"
    assert ref.pixel_cross_entropy(logits[:0], target[:0]) == 0


@pytest.mark.parametrize("shape", [(1, 3, 2), (2, 2, 3), (1, 2), (1, 1, 2, 3), (1, 2, 2)])
def test_pixel_cross_entropy_refuses_a_target_of_another_shape(ref, shape):
    with pytest.raises(ValueError, match="target"):
        ref.pixel_cross_entropy(torch.ones(1, 2, 2, 3), torch.zeros(shape, dtype=torch.int64))


# confusion_matrix, pixel_accuracy, mean_iou


def mapped(bits):
    classes, index = bits.randint(1, 5), bits.choice([255, 255, -1, 0, 2])
    shape = (bits.randint(1, 3), bits.randint(1, 4), bits.randint(1, 4))
    target, prediction = labels(bits, shape, classes), labels(bits, shape, classes)
    out = torch.rand(shape, generator=generator(bits)) < bits.choice([0, 0.3, 1])
    target[out] = index
    prediction[out] = torch.randint(-500, 500, (int(out.sum()),), generator=generator(bits))
    prediction[(target == index) & ~out] = 99
    return prediction, target, classes, index


def test_the_confusion_matrix_and_what_is_read_off_it_are_those_of_plain_counting(ref):
    bits = random.Random(14)
    for _ in range(1500):
        prediction, target, classes, index = mapped(bits)
        table = [[0] * classes for _ in range(classes)]
        for t, p in zip(target.flatten().tolist(), prediction.flatten().tolist(), strict=True):
            if t != index:
                table[t][p] += 1
        got = ref.confusion_matrix(prediction, target, classes, index)
        assert got.dtype == torch.int64
        assert got.tolist() == table
        total, right = sum(map(sum, table)), sum(table[c][c] for c in range(classes))
        ious = []
        for c in range(classes):
            union = sum(table[c]) + sum(row[c] for row in table) - table[c][c]
            ious += [table[c][c] / union] if union else []
        accuracy, iou = ref.pixel_accuracy(got), ref.mean_iou(got)
        assert type(accuracy) is type(iou) is float
        if total == 0:
            assert math.isnan(accuracy)
            assert math.isnan(iou)
        else:
            assert accuracy == pytest.approx(right / total)
            assert iou == pytest.approx(sum(ious) / len(ious))


@pytest.mark.parametrize("wrong", [-1, 3, 255, -255])
@pytest.mark.parametrize("name", ["prediction", "target"])
def test_labels_that_are_no_class_are_refused_where_a_pixel_counts(ref, name, wrong):
    for place in range(5):
        maps = {"prediction": torch.tensor([[[0, 1, 2, 0, 1, 2]]]), "target": torch.tensor([[[2, 1, 0, 0, 1, 9]]])}
        maps[name][0, 0, place] = wrong
        with pytest.raises(ValueError, match=name):
            ref.confusion_matrix(**maps, num_classes=3, ignore_index=9)


def test_maps_of_different_shapes_are_refused(ref):
    with pytest.raises(ValueError, match="prediction"):
        ref.confusion_matrix(torch.zeros(1, 2, 3).long(), torch.zeros(1, 3, 2).long(), 2)
    with pytest.raises(ValueError, match="num_classes"):
        ref.confusion_matrix(torch.zeros(1, 2, 3).long(), torch.zeros(1, 2, 3).long(), 0)


@pytest.mark.parametrize("name", ["pixel_accuracy", "mean_iou"])
def test_a_matrix_that_is_not_square_is_refused(ref, name):
    for shape in [(2, 3), (4,), (2, 2, 2)]:
        with pytest.raises(ValueError, match="confusion"):
            getattr(ref, name)(torch.ones(shape, dtype=torch.int64))


@pytest.mark.parametrize("name", ["pixel_accuracy", "mean_iou"])
def test_very_many_pixels_are_no_difference(ref, name):
    counts = torch.tensor([[10**15 + 1, 3], [10**9, 10**15]])
    before = counts.clone()
    assert getattr(ref, name)(counts) == pytest.approx(1 - 5e-7 if name == "pixel_accuracy" else 1 - 1e-6, abs=1e-8)
    assert torch.equal(counts, before)
