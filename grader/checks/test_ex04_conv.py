"""Hidden checks of ex04: padding, the convolution in two and three dimensions, and the layer made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task
from grader.errors import LearnerRaised

# What an error about shapes that do not go together may speak of: everything is involved.
SHAPES = ["weight", "kernel", "channel", "group", "input", "image", "shape", "size", "dim", "padding", "filter", "x"]

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Values = Callable[..., st.SearchStrategy[torch.Tensor]]
Setting = st.SearchStrategy[Any] | None  # None: not given in the call

# pad2d


def largest_padding(mode: str, size: int) -> int:
    """As far as a mode goes, and no further than a tiny picture needs."""
    return {"reflect": size - 1, "circular": size}.get(mode, 3)


@st.composite
def pads(pick: Pick, mode: str, *, least: int = 0, pair: bool = True, values: Values = draw.tensors) -> Case:
    """x and a padding that the mode allows. `pair=False`: the same on all four sides."""
    x_shape = (pick(draw.ints(1, 2)), pick(draw.ints(1, 2)), *pick(draw.sizes(1, 4)))
    limits = [min(3, largest_padding(mode, size)) for size in x_shape[2:]]
    if pair:
        padding: Any = tuple(pick(draw.ints(min(least, limit), limit)) for limit in limits)
    else:
        padding = pick(draw.ints(0, min(limits)))
    return {"x": pick(values(x_shape)), "padding": padding}


@check("pad2d", title="Zeros, equally many on all four sides", points=1)
@given(case=pads("zeros", pair=False))
def test_pad2d_zeros(learner, reference, case):
    expect.close(learner.pad2d(**case), reference.pad2d(**case))


@check("pad2d", title="Zeros, a pair: (rows above and below, columns left and right)", points=1)
@given(case=pads("zeros"))
def test_pad2d_pair(learner, reference, case):
    expect.close(learner.pad2d(**case), reference.pad2d(**case))


@check("pad2d", title="Reflect: the border is a mirror", points=1)
@given(case=st.one_of(pads("reflect", pair=False), pads("reflect")))
def test_pad2d_reflect(learner, reference, case):
    expect.close(learner.pad2d(**case, mode="reflect"), reference.pad2d(**case, mode="reflect"))


@check("pad2d", title="Replicate: the border value goes on", points=0.5)
@given(case=st.one_of(pads("replicate", pair=False), pads("replicate")))
def test_pad2d_replicate(learner, reference, case):
    expect.close(learner.pad2d(**case, mode="replicate"), reference.pad2d(**case, mode="replicate"))


@check("pad2d", title="Circular: the picture goes on at its other end", points=1)
@given(case=st.one_of(pads("circular", pair=False), pads("circular")))
def test_pad2d_circular(learner, reference, case):
    expect.close(learner.pad2d(**case, mode="circular"), reference.pad2d(**case, mode="circular"))


@check("pad2d", title="The largest padding that a mode still allows", points=0.5)
@given(
    mode=st.sampled_from(["reflect", "circular"]), x=draw.tensors(st.tuples(*[draw.ints(1, n) for n in (1, 1, 4, 4)]))
)
def test_pad2d_limit(learner, reference, mode, x):
    padding = tuple(largest_padding(mode, size) for size in x.shape[2:])
    expect.close(learner.pad2d(x, padding, mode), reference.pad2d(x, padding, mode))


@check("pad2d", title="float64 stays float64, any memory layout will do, the input stays as it was", points=0.5)
@given(mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]), data=st.data())
def test_pad2d_kept(learner, reference, mode, data):
    case = data.draw(pads(mode, least=1, values=lambda shape: draw.layouts(draw.reals(shape))))
    expect.close(learner.pad2d(**case, mode=mode), reference.pad2d(**case, mode=mode))
    expect.unchanged(learner.pad2d, **case, mode=mode)


@check("pad2d", title="A padding or a mode that makes no sense is a ValueError that names it", points=0.5)
def test_pad2d_errors(learner, reference):
    x = torch.arange(1.0, 13.0).reshape(1, 1, 3, 4)
    expect.value_error(learner.pad2d, x, 3, "reflect", about=["padding", "pad", "reflect"])
    expect.value_error(learner.pad2d, x, (4, 0), "circular", about=["padding", "pad", "circular"])
    expect.value_error(learner.pad2d, x, -1, about=["padding", "pad"])
    expect.value_error(learner.pad2d, x, 1, "mirror", about=["mode", "mirror"])


# conv2d and conv3d


def on_axis(setting: Any, axis: int) -> int:
    return setting if isinstance(setting, int) else setting[axis]


@st.composite
def convolutions(
    pick: Pick,
    *,
    batch: int = 1,
    channels: int = 1,
    kernel: Sequence[int] = (3, 3),
    room: int = 4,
    bias: bool = False,
    stride: Setting = None,
    padding: Setting = None,
    dilation: Setting = None,
    groups: Setting = None,
    values: Values = draw.tensors,
) -> Case:
    """Arguments in signature order for which at least one window fits. What is not varied is left out.

    `batch`, `channels` (of each group, in and out) and `kernel` are upper bounds; `room` is how much larger than the
    smallest possible an axis may be. The settings come first, so that they are the first to become simple.
    """
    given_settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings = {name: pick(setting) for name, setting in given_settings.items() if setting is not None}
    parts = settings.get("groups", 1)
    ins, outs = pick(draw.ints(1, channels)), parts * pick(draw.ints(1, channels))
    kernel_size = pick(st.tuples(*[draw.ints(1, size) for size in kernel]))
    size = []
    for axis, k in enumerate(kernel_size):
        pad = settings.get("padding", 0)
        lost = 0 if pad == "same" else on_axis(settings.get("dilation", 1), axis) * (k - 1)
        around = 0 if isinstance(pad, str) else 2 * on_axis(pad, axis)
        size.append(max(1, lost + 1 - around) + pick(draw.ints(0, room)))
    case: Case = {"x": pick(values((pick(draw.ints(1, batch)), parts * ins, *size)))}
    case["weight"] = pick(values((outs, ins, *kernel_size)))
    if bias:
        case["bias"] = pick(values((outs,)))
    return case | settings


def layouts_of_reals(shape: Sequence[int]) -> st.SearchStrategy[torch.Tensor]:
    return draw.layouts(draw.reals(shape))


def upstream_for(output: torch.Tensor) -> torch.Tensor:
    """A gradient from above that differs from place to place, so that no sum hides anything."""
    return (torch.arange(output.numel()) * 7 % 11 - 5).reshape(output.shape).to(output.dtype)


def expect_gradients(got: torch.Tensor, want: torch.Tensor, mine: Case, theirs: Case) -> None:
    """Same values, and same gradients for the named leaves: `mine` of `got`, `theirs` of `want`."""
    expect.close(got, want)
    expect.that(got.requires_grad, "the result is cut off from autograd: no detach, .data, numpy or .item() on the way")
    upstream = upstream_for(want)
    found = torch.autograd.grad(got, list(mine.values()), upstream, allow_unused=True)
    right = torch.autograd.grad(want, list(theirs.values()), upstream)
    for name, one, other in zip(mine, found, right, strict=True):
        if one is None:  # fair where every window sees padding alone: then nothing of x was needed
            expect.that(not other.any(), f"no gradient arrives at {name}: it is cut off from autograd on the way")
        else:
            expect.close(one, other, what=f"the gradient for {name}")


def expect_device_kept(function: Callable[..., Any], case: Case, want: torch.Tensor) -> None:
    """On the meta device, which has shapes and no values: what mixes devices fails there as it would on a GPU."""
    there = {key: value.to("meta") if isinstance(value, torch.Tensor) else value for key, value in case.items()}
    try:
        got = function(**there)
    except LearnerRaised as error:
        expect.that(
            False,
            "with all inputs on another device than the CPU your code raises "
            f"{error.type_name}: make new tensors there too, with x.new_zeros(...) or device=x.device",
        )
    expect.close(got, want.to("meta"))


# conv2d


@check("conv2d", title="One image, one channel, one filter: the kernel slides over the image", points=1)
@given(case=convolutions())
def test_conv2d_plain(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="Batches, several channels and several filters", points=1)
@given(case=convolutions(batch=2, channels=3))
def test_conv2d_channels(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="The bias", points=0.5)
@given(case=convolutions(batch=2, channels=3, kernel=(2, 3), bias=True))
def test_conv2d_bias(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="Strides, also different ones for height and width", points=1)
@given(case=convolutions(channels=2, kernel=(3, 2), room=6, stride=draw.int_or_pair(1, 4)))
def test_conv2d_stride(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="Padding with zeros, also different ones for height and width", points=1)
@given(case=convolutions(channels=2, room=3, padding=draw.int_or_pair(0, 2)))
def test_conv2d_padding(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="Dilation, also different ones for height and width", points=0.5)
@given(case=convolutions(channels=2, room=3, dilation=draw.int_or_pair(1, 3)))
def test_conv2d_dilation(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="Groups: each part of the filters sees its own part of the channels", points=1)
@given(case=convolutions(channels=3, kernel=(2, 2), room=2, groups=draw.ints(1, 3)))
def test_conv2d_groups(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title='Padding "same" and "valid", also with even kernels and dilation', points=1)
@given(case=convolutions(kernel=(4, 4), padding=st.sampled_from(["valid", "same"]), dilation=draw.int_or_pair(1, 2)))
def test_conv2d_same(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))


@check("conv2d", title="All arguments together, given in order", points=0.5)
@given(
    case=convolutions(
        batch=2,
        channels=2,
        bias=True,
        stride=draw.int_or_pair(1, 3),
        padding=draw.int_or_pair(0, 2),
        dilation=draw.int_or_pair(1, 2),
        groups=draw.ints(1, 2),
    )
)
def test_conv2d_all(learner, reference, case):
    arguments = tuple(case.values())
    expect.close(learner.conv2d(*arguments), reference.conv2d(*arguments))


@check("conv2d", title="Autograd finds the gradients for x, weight and bias", points=1, examples=30)
@given(
    case=convolutions(
        batch=2,
        channels=2,
        kernel=(2, 3),
        room=3,
        bias=True,
        stride=draw.int_or_pair(1, 2),
        padding=draw.int_or_pair(0, 1),
        groups=draw.ints(1, 2),
        values=lambda shape: draw.tensors(shape, torch.float64),
    )
)
def test_conv2d_gradients(learner, reference, case):
    leaves = {name: case[name].requires_grad_() for name in ("x", "weight", "bias")}
    expect_gradients(learner.conv2d(**case), reference.conv2d(**case), leaves, leaves)


@check("conv2d", title="The result keeps the dtype and the device of the input", points=0.5, examples=20)
@given(case=convolutions(batch=2, channels=2, bias=True, padding=draw.ints(0, 2), values=draw.reals))
def test_conv2d_kept(learner, reference, case):
    want = reference.conv2d(**case)
    expect.close(learner.conv2d(**case), want)
    expect_device_kept(learner.conv2d, case, want)


@check("conv2d", title="Any memory layout will do, and the arguments stay as they were", points=0.5, examples=20)
@given(
    case=convolutions(batch=2, channels=2, kernel=(2, 3), bias=True, padding=draw.ints(0, 1), values=layouts_of_reals)
)
def test_conv2d_pure(learner, reference, case):
    expect.close(learner.conv2d(**case), reference.conv2d(**case))
    expect.unchanged(learner.conv2d, **case)


@check("conv2d", title="Shapes that do not go together are a ValueError", points=0.25)
def test_conv2d_misfits(learner, reference):
    x = torch.arange(1.0, 61.0).reshape(1, 3, 4, 5)
    expect.value_error(learner.conv2d, x, torch.ones(2, 2, 3, 3), about=SHAPES)
    expect.value_error(learner.conv2d, x, torch.ones(2, 1, 3, 3), about=SHAPES)
    expect.value_error(learner.conv2d, x, torch.ones(2, 1, 3, 3), groups=2, about=SHAPES)
    expect.value_error(learner.conv2d, x, torch.ones(2, 1, 3, 3), groups=3, about=SHAPES)
    expect.value_error(learner.conv2d, x, torch.ones(2, 3, 5, 3), about=SHAPES)
    for length in (3, 1):
        bias = torch.ones(length)
        expect.value_error(learner.conv2d, x, torch.ones(2, 3, 3, 3), bias, about=["bias", *SHAPES])
    expect.value_error(learner.conv2d, x, torch.ones(2, 3, 3, 3), dilation=(1, 3), about=[*SHAPES, "dilation"])


@check("conv2d", title="Settings that make no sense are a ValueError that names them", points=0.25)
def test_conv2d_ranges(learner, reference):
    x, weight = torch.arange(1.0, 85.0).reshape(1, 2, 6, 7), torch.ones(2, 2, 3, 3)
    expect.value_error(learner.conv2d, x, weight, stride=0, about=["stride"])
    expect.value_error(learner.conv2d, x, weight, padding=-1, about=["padding", "pad"])
    expect.value_error(learner.conv2d, x, weight, padding="full", about=["padding", "pad"])
    for stride in (2, (1, 2)):
        expect.value_error(learner.conv2d, x, weight, stride=stride, padding="same", about=["stride", "padding", "pad"])
    expect.value_error(learner.conv2d, x, weight, dilation=(1, 0), about=["dilation"])
    expect.value_error(learner.conv2d, x, weight, groups=0, about=["group"])


def batches() -> Iterator[tuple[str, torch.Tensor]]:
    """The same picture, then larger ones. Every axis is at least 2 in all of them: an axis of 1 can save a copy."""
    shapes = {
        "": (2, 2, 6, 7),
        "higher images": (2, 2, 20, 7),
        "wider images": (2, 2, 6, 21),
        "more images": (14, 2, 6, 7),
    }
    for words, shape in shapes.items():
        yield words, (torch.arange(math.prod(shape)) % 7 - 3.0).reshape(shape)


@check("conv2d", title="The number of tensor operations does not grow with the images or their number", points=2)
def test_conv2d_vectorised(learner, reference):
    weight = torch.arange(1.0, 17.0).reshape(2, 2, 2, 2)
    few = 0
    for words, x in batches():
        got, count = learner.count_ops(learner.conv2d, x, weight)
        expect.close(got, reference.conv2d(x, weight))
        few = few or count
        expect.that(
            count <= few + 8,
            f"{words} took {count} tensor operations where small ones took {few}: loop over the elements of the "
            "kernel at most, and let one operation work on all positions and all images at once",
        )


# conv3d


def triples(low: int, high: int) -> st.SearchStrategy[Any]:
    return st.one_of(draw.ints(low, high), st.tuples(*[draw.ints(low, high)] * 3))


@check("conv3d", title="One volume, one channel, one filter: the kernel slides in three directions", points=1)
@given(case=convolutions(kernel=(3, 2, 2), room=2))
def test_conv3d_plain(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))


@check("conv3d", title="Batches, several channels and several filters", points=1, examples=30)
@given(case=convolutions(batch=2, channels=2, kernel=(2, 2, 2), room=2))
def test_conv3d_channels(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))


@check("conv3d", title="The bias", points=0.5, examples=30)
@given(case=convolutions(channels=2, kernel=(3, 2, 2), room=2, bias=True))
def test_conv3d_bias(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))


@check("conv3d", title="Strides, one for each direction", points=1)
@given(case=convolutions(kernel=(2, 2, 2), room=4, stride=triples(1, 3)))
def test_conv3d_stride(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))


@check("conv3d", title="Padding with zeros, one for each direction", points=1)
@given(case=convolutions(kernel=(2, 3, 2), room=2, padding=triples(0, 2)))
def test_conv3d_padding(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))


@check("conv3d", title="All arguments together, given in order", points=0.5, examples=30)
@given(
    case=convolutions(
        batch=2, channels=2, kernel=(2, 2, 2), room=2, bias=True, stride=triples(1, 2), padding=triples(0, 1)
    )
)
def test_conv3d_all(learner, reference, case):
    arguments = tuple(case.values())
    expect.close(learner.conv3d(*arguments), reference.conv3d(*arguments))


@check(
    "conv3d", title="float64 stays float64, any memory layout will do, the arguments stay as they were", points=0.5,
    examples=20,
)  # fmt: skip
@given(
    case=convolutions(channels=2, kernel=(2, 2, 2), room=2, bias=True, padding=draw.ints(0, 1), values=layouts_of_reals)
)
def test_conv3d_kept(learner, reference, case):
    expect.close(learner.conv3d(**case), reference.conv3d(**case))
    expect.unchanged(learner.conv3d, **case)


@check("conv3d", title="Arguments that make no sense are a ValueError that names them", points=0.5)
def test_conv3d_errors(learner, reference):
    x = torch.arange(1.0, 161.0).reshape(1, 2, 4, 4, 5)
    weight = torch.ones(2, 2, 2, 2, 2)
    expect.value_error(learner.conv3d, x, torch.ones(2, 1, 2, 2, 2), about=SHAPES)
    expect.value_error(learner.conv3d, x, torch.ones(2, 2, 5, 2, 2), about=SHAPES)
    expect.value_error(learner.conv3d, x, weight, stride=0, about=["stride"])
    expect.value_error(learner.conv3d, x, weight, padding=(-1, 0, 0), about=["padding", "pad"])


# Conv2d


@st.composite
def layers(pick: Pick, *, dtype: torch.dtype = torch.float32, bias: bool = True, **bounds: Any) -> Case:
    """What a layer is made with, the state_dict of such an nn.Conv2d, and an input."""
    values = bounds.pop("values", lambda shape: draw.tensors(shape, dtype))
    case = pick(convolutions(bias=bias, values=values, **bounds))
    x, weight = case.pop("x"), case.pop("weight")
    kernel = tuple(weight.shape[2:])
    if kernel[0] == kernel[1] and pick(st.booleans()):
        kernel = kernel[0]
    state = {"weight": weight} | ({"bias": case.pop("bias")} if bias else {})
    return {"arguments": (x.shape[1], weight.shape[0], kernel), "settings": case, "state": state, "x": x}


def expect_shapes(state: dict[str, torch.Tensor], like: dict[str, torch.Tensor]) -> None:
    """The same names, in any order, and shapes."""
    expect.equal(sorted(state), sorted(like))
    for name, value in like.items():
        got, want = tuple(state[name].shape), tuple(value.shape)
        expect.that(got == want, f"{name} should have shape {want}, yours has {got}")


def built(module: Any, case: Case, **more: Any) -> Any:
    """A layer with the given values in it."""
    layer = module.Conv2d(*case["arguments"], **case["settings"], **more)
    layer.load_state_dict(case["state"])
    return layer


def answer(module: Any, case: Case, **more: Any) -> torch.Tensor:
    with torch.no_grad():
        return built(module, case, **more)(case["x"])


@check("Conv2d", title="With given weights the layer convolves and adds its bias, in train and in eval mode", points=1)
@given(case=layers(batch=2, channels=2))
def test_layer_output(learner, reference, case):
    layer = built(learner, case)
    want = answer(reference, case)
    expect.close(layer(case["x"]), want)
    layer.eval()
    expect.close(layer(case["x"]), want)


@check("Conv2d", title="kernel_size, stride, padding and dilation, ints and pairs, given in order", points=1)
@given(
    case=layers(
        channels=2,
        kernel=(3, 2),
        room=5,
        stride=draw.int_or_pair(1, 3),
        padding=draw.int_or_pair(0, 2),
        dilation=draw.int_or_pair(1, 2),
    )
)
def test_layer_arguments(learner, reference, case):
    want = answer(reference, case)
    case["arguments"] += tuple(case.pop("settings").values())
    expect.close(answer(learner, case | {"settings": {}}), want)


@check("Conv2d", title="Groups, and the shape of the weight that goes with them", points=1)
@given(case=layers(channels=2, kernel=(2, 3), room=2, groups=draw.ints(1, 3)))
def test_layer_groups(learner, reference, case):
    layer = learner.Conv2d(*case["arguments"], **case["settings"])
    expect_shapes(layer.state_dict(), case["state"])
    expect.close(answer(learner, case), answer(reference, case))


@check("Conv2d", title="bias=False: no bias in the result and none in the state_dict", points=0.5, examples=20)
@given(case=layers(channels=2, kernel=(2, 2), room=2, bias=False))
def test_layer_no_bias(learner, reference, case):
    layer = learner.Conv2d(*case["arguments"], bias=False)
    expect.equal(sorted(layer.state_dict()), ["weight"])
    expect.that(getattr(layer, "bias", None) is None, "with bias=False the attribute bias is None")
    expect.close(answer(learner, case, bias=False), answer(reference, case, bias=False))


@check("Conv2d", title="Every padding_mode, with an int and with a pair of paddings", points=1.5)
@given(
    mode=st.sampled_from(["zeros", "replicate", "circular", "reflect"]),
    case=layers(kernel=(3, 2), room=4, stride=draw.ints(1, 2), padding=draw.int_or_pair(0, 2)),
)
def test_layer_padding_mode(learner, reference, mode, case):
    padding = case["settings"]["padding"]
    if all(on_axis(padding, axis) <= largest_padding(mode, case["x"].shape[2 + axis]) for axis in (0, 1)):
        got = answer(learner, case, padding_mode=mode)
        expect.close(got, answer(reference, case, padding_mode=mode))


@st.composite
def words(pick: Pick) -> tuple[str, Case]:
    """(padding_mode, a layer with padding in words): the image is at least as large as what is added to it."""
    mode = pick(st.sampled_from(["zeros", "replicate", "circular", "reflect"]))
    padding = st.sampled_from(["same", "same", "same", "valid"])
    case = pick(layers(kernel=(4, 4), room=2, padding=padding, dilation=draw.int_or_pair(1, 2)))
    shape = (*case["x"].shape[:2], *pick(st.tuples(draw.ints(5, 7), draw.ints(5, 7))))
    if case["settings"]["padding"] == "same":
        case["x"] = pick(draw.tensors(shape))
    return mode, case


@check("Conv2d", title='Padding "same" and "valid", in every padding_mode', points=1)
@given(drawn=words())
def test_layer_same(learner, reference, drawn):
    mode, case = drawn
    got = answer(learner, case, padding_mode=mode)
    expect.close(got, answer(reference, case, padding_mode=mode))


@check("Conv2d", title="The parameters are called weight and bias, and take the state_dict of an nn.Conv2d", points=1)
@given(case=layers(channels=3, groups=draw.ints(1, 2)))
def test_layer_state(learner, reference, case):
    layer = learner.Conv2d(*case["arguments"], **case["settings"])
    expect_shapes(layer.state_dict(), case["state"])
    expect.equal(sorted(name for name, _ in layer.named_parameters()), ["bias", "weight"])
    layer.load_state_dict(case["state"])
    now = layer.state_dict()
    for name, value in case["state"].items():
        expect.close(now[name], value, what=name)


def expect_uniform(values: torch.Tensor, bound: float, what: str, *, slack: float) -> None:
    """Within the bound and spread over all of it. `slack` is at least seven standard errors of so many values."""
    values = values.detach().double()
    largest, spread = values.abs().max().item(), values.std().item() / (bound / math.sqrt(3))
    words = f"{what} should begin with values spread evenly over ±1/√fan_in = ±{bound:.3f}"
    expect.that(largest <= bound * (1 + 1e-5), f"{words}, but one of yours is {largest:.3f} from 0")
    expect.that(1 - slack < spread < 1 + slack, f"{words}; the spread of yours is {spread:.2f} times as wide")
    expect.that(abs(values.mean().item()) < slack * bound, f"{words}; yours do not have a mean near 0")


@check("Conv2d", title="Initial values: evenly within ±1/√fan_in, the bias too", points=0.75)
def test_layer_init(learner, reference):
    for arguments, groups in (((3, 100, 5), 1), ((8, 120, (3, 2)), 4)):
        state = learner.Conv2d(*arguments, groups=groups).state_dict()
        like = reference.Conv2d(*arguments, groups=groups).state_dict()
        expect_shapes(state, like)
        bound = 1 / math.sqrt(like["weight"][0].numel())
        expect_uniform(state["weight"], bound, "weight", slack=0.2)
        expect_uniform(state["bias"], bound, "bias", slack=0.4)


@check("Conv2d", title="Two layers begin with different values", points=0.25)
def test_layer_fresh(learner, reference):
    first, second = (learner.Conv2d(4, 12, 3).state_dict() for _ in range(2))
    expect_shapes(first, reference.Conv2d(4, 12, 3).state_dict())
    same = torch.equal(first["weight"], second["weight"])
    expect.that(not same, "two layers should not begin with the same weights: do not set a seed in the layer")


@check("Conv2d", title="dtype and device say as what and where the parameters are made", points=0.5, examples=15)
@given(case=layers(channels=2, kernel=(2, 2), room=2, padding=draw.ints(1, 2), values=draw.reals))
def test_layer_dtype_device(learner, reference, case):
    case["state"] = {name: value.detach() for name, value in case["state"].items()}
    layer = built(learner, case, dtype=torch.float64)
    expect.that({p.dtype for p in layer.parameters()} == {torch.float64}, "every parameter should have the given dtype")
    expect.close(layer(case["x"]), answer(reference, case, dtype=torch.float64))
    layer = learner.Conv2d(*case["arguments"], **case["settings"], device="meta")
    devices = {p.device.type for p in layer.parameters()}
    expect.that(devices == {"meta"}, "every parameter should be made on the given device")


@check("Conv2d", title="Gradients arrive at the input, the weight and the bias", points=1, examples=30)
@given(
    mode=st.sampled_from(["zeros", "circular"]),
    case=layers(
        dtype=torch.float64,
        batch=2,
        channels=2,
        kernel=(2, 2),
        room=3,
        stride=draw.ints(1, 2),
        padding=draw.int_or_pair(0, 1),
    ),
)
def test_layer_gradients(learner, reference, mode, case):
    results, leaves = [], []
    for module in (learner, reference):
        layer = built(module, case, padding_mode=mode, dtype=torch.float64)
        x = case["x"].clone().requires_grad_()
        results.append(layer(x))
        leaves.append({"x": x, "weight": layer.weight, "bias": layer.bias})
    expect_gradients(*results, *leaves)


@check("Conv2d", title="Arguments that make no sense are a ValueError, when the layer is made or called", points=0.5)
def test_layer_errors(learner, reference):
    def make_and_call(*arguments, **settings):
        return learner.Conv2d(*arguments, **settings)(x)

    x = torch.arange(1.0, 81.0).reshape(1, 4, 4, 5)
    expect.value_error(make_and_call, 4, 4, 3, groups=3, about=["group", "channel"])
    expect.value_error(make_and_call, 4, 3, 3, groups=2, about=["group", "channel"])
    expect.value_error(make_and_call, 4, 2, 3, padding=1, padding_mode="mirror", about=["mode", "mirror"])
    expect.value_error(make_and_call, 4, 2, 3, padding=4, padding_mode="reflect", about=["padding", "pad", "reflect"])
    for mode in ("zeros", "circular"):
        settings = {"stride": 2, "padding": "same", "padding_mode": mode}
        expect.value_error(make_and_call, 4, 2, 3, **settings, about=["stride", "padding", "pad"])
    expect.value_error(make_and_call, 4, 2, 5, about=[*SHAPES, "kernel"])
    expect.value_error(make_and_call, 4, 2, 3, stride=0, about=["stride"])
    expect.value_error(make_and_call, 4, 2, 3, dilation=0, about=["dilation"])

    def narrow():  # a kernel of 4 adds one column before and two behind: that is twice around
        return learner.Conv2d(1, 1, (1, 4), padding="same", padding_mode="circular")(torch.ones(1, 1, 3, 1))

    expect.value_error(narrow, about=["padding", "pad", "circular"])
