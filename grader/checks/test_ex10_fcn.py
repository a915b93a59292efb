"""Hidden checks of ex10: dense layers as convolutions, the way back to the size of the picture, loss and measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task
from grader.errors import LearnerRaised

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Values = Callable[..., st.SearchStrategy[torch.Tensor]]
Setting = st.SearchStrategy[Any] | None  # None: not given in the call

# What an error may speak of: whatever takes part.
SHAPES = ["weight", "kernel", "channel", "input", "image", "shape", "size", "dim", "filter", "x"]
FITTING = [*SHAPES, "padding", "pad", "output", "result", "stride"]
CHANNELS = ["channel", "class", "pool", "in_channels", "num_classes", "size"]
MAPS = ["pool3", "pool4", "pool5", "size", "shape", "height", "width", "map"]
LABELS = ["target", "label", "class", "prediction", "predicted", "truth", "ignore", "range"]
MATCHING = ["target", "logits", "prediction", "shape", "size", "dim", "match"]


def layouts_of_reals(shape: Sequence[int]) -> st.SearchStrategy[torch.Tensor]:
    return draw.layouts(draw.reals(shape))


def expect_kept(function: Callable[..., Any], case: Case, want: Any, *, blind: bool = True) -> None:
    """Values and dtype of `want`, arguments as they were, and the device of the inputs.

    One device is everywhere, "meta". It has shapes and no values: what mixes devices fails there as it would on a GPU.
    Code that looks at values fails too, which says nothing about it; where it has every reason to (not `blind`), only
    an error that speaks of two devices counts.
    """
    expect.close(function(**case), want)
    expect.unchanged(function, **case)
    there = {key: value.to("meta") if isinstance(value, torch.Tensor) else value for key, value in case.items()}
    try:
        got = function(**there)
    except LearnerRaised as error:
        mixed = "expected device" in error.text or "same device" in error.text
        copied = "Cannot copy out of meta" in error.text and "item()" not in error.text
        expect.that(
            not mixed and not (blind and copied),
            "with all inputs on another device than the CPU your code mixes devices: make new tensors where they are, "
            "with x.new_zeros(...) or device=x.device",
        )
        return
    answers, wanted = (value if isinstance(value, tuple | list) else (value,) for value in (got, want))
    for one, other in zip(answers, wanted, strict=True):
        expect.close(one, other.to("meta"))


def expect_moved(head: Any, theirs: Any, *maps: torch.Tensor) -> None:
    """The shape of the scores on a device without values, which no tensor of the CPU's can be added to."""
    moved = head.to("meta")
    expect.close(moved(*(m.to("meta") for m in maps)), theirs.to("meta")(*(m.to("meta") for m in maps)))


def upstream_for(output: torch.Tensor) -> torch.Tensor:
    """A gradient from above that differs from place to place, so that no sum hides anything."""
    return (torch.arange(output.numel()) * 7 % 11 - 5).reshape(output.shape).to(output.dtype)


def same_gradients(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """A gradient that is None, since nothing was needed of the leaf, is one of zeros."""
    for name, one in mine.items():
        if one is None:
            cut = f"no gradient arrives at {name}: it is cut off from autograd on the way"
            expect.that(not theirs[name].any(), cut)
        else:
            expect.close(one, theirs[name], what=f"the gradient for {name}")


def gradients(output: torch.Tensor, leaves: Mapping[str, torch.Tensor], upstream: torch.Tensor) -> dict[str, Any]:
    expect.that(output.requires_grad, "the result is cut off from autograd: no detach, .data, numpy or .item() inside")
    found = torch.autograd.grad(output, list(leaves.values()), upstream, allow_unused=True)
    return dict(zip(leaves, found, strict=True))


# convolutionize


@st.composite
def dense_layers(pick: Pick, *, values: Values = draw.tensors, distinct: bool = False) -> Case:
    """weight, bias and input_shape, whose axes are often different and sometimes 1."""
    shape = pick(st.permutations([2, 3, 4])) if distinct else [pick(draw.ints(1, n)) for n in (3, 4, 4)]
    outs = pick(draw.ints(1, 3))
    weight = pick(values((outs, math.prod(shape))))
    return {"weight": weight, "bias": pick(values((outs,))), "input_shape": tuple(shape)}


def both(answer: Any) -> Any:
    parts = isinstance(answer, tuple | list) and len(answer) == 2
    expect.that(parts, "convolutionize should return two things: the filters and the bias")
    return answer


@check(
    "convolutionize",
    title="The filters: every weight of the dense layer is where its input was",
    points=1.5,
    examples=30,
)
@given(case=st.one_of(dense_layers(), dense_layers(distinct=True)))
def test_convolutionize_filters(learner, reference, case):
    expect.close(both(learner.convolutionize(**case))[0], reference.convolutionize(**case)[0], what="the filters")


@check("convolutionize", title="The bias is that of the dense layer", points=0.5, examples=20)
@given(case=dense_layers())
def test_convolutionize_bias(learner, reference, case):
    expect.close(both(learner.convolutionize(**case))[1], case["bias"], what="the bias")


@check("convolutionize", title="Used as a convolution, it gives what the dense layer gives at every place of a larger "
       "picture", points=1, examples=20)  # fmt: skip
@given(case=dense_layers(distinct=True), extra=draw.pairs(0, 2), data=st.integers(1, 1000))
def test_convolutionize_everywhere(learner, reference, case, extra, data):
    c, h, w = case["input_shape"]
    shape = (1, c, h + extra[0], w + extra[1])
    picture = torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(data)).float()
    filters, bias = both(learner.convolutionize(**case))
    expect.equal(tuple(filters.shape), (len(case["weight"]), c, h, w))
    expect.equal(tuple(bias.shape), tuple(case["bias"].shape))
    windows = picture.unfold(2, h, 1).unfold(3, w, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
    want = torch.nn.functional.linear(windows, case["weight"], case["bias"]).permute(0, 3, 1, 2)
    expect.close(torch.nn.functional.conv2d(picture, filters, bias), want, what="the map of scores")


@check("convolutionize", title="float64 to its full precision, any memory layout; weight and bias stay as they were",
       points=0.5, examples=20)  # fmt: skip
@given(case=dense_layers(values=layouts_of_reals))
def test_convolutionize_kept(learner, reference, case):
    expect_kept(learner.convolutionize, case, reference.convolutionize(**case))


@check("convolutionize", title="A weight that does not fit the input's shape is a ValueError", points=0.5)
def test_convolutionize_errors(learner, reference):
    about = [*SHAPES, "match"]
    expect.value_error(learner.convolutionize, torch.ones(2, 12), torch.ones(2), (2, 2, 2), about=about)
    expect.value_error(learner.convolutionize, torch.ones(4, 6), torch.ones(4), (2, 2, 3), about=about)


# conv_transpose2d


def on_axis(setting: Any, axis: int) -> int:
    return setting if isinstance(setting, int) else setting[axis]


@st.composite
def transposed(
    pick: Pick,
    *,
    batch: int = 1,
    channels: int = 1,
    kernel: Sequence[int] = (3, 3),
    room: int = 2,
    bias: bool = False,
    stride: Setting = None,
    padding: Setting = None,
    extra: bool = False,
    values: Values = draw.tensors,
) -> Case:
    """Arguments in signature order for which something is left of the result. What is not varied is left out.

    `batch`, `channels` and `kernel` are upper bounds; `room` is how much larger than the smallest possible an axis of x
    may be; `extra`: with output_padding. The settings come first, so that they are the first to become simple.
    """
    named = {"stride": stride, "padding": padding}
    settings = {name: pick(setting) for name, setting in named.items() if setting is not None}
    steps = [on_axis(settings.get("stride", 1), axis) for axis in (0, 1)]
    if extra:
        both_axes = pick(st.booleans())
        more = [pick(draw.ints(0, step - 1)) for step in steps]
        settings["output_padding"] = min(more) if both_axes else tuple(more)
    kernel_size = pick(st.tuples(*[draw.ints(1, size) for size in kernel]))
    size = []
    for axis, (k, step) in enumerate(zip(kernel_size, steps, strict=True)):
        missing = 1 + 2 * on_axis(settings.get("padding", 0), axis) - k
        missing -= on_axis(settings.get("output_padding", 0), axis)
        size.append(1 + max(0, -(-missing // step)) + pick(draw.ints(0, room)))
    ins, outs = pick(draw.ints(1, channels)), pick(draw.ints(1, channels))
    case: Case = {"x": pick(values((pick(draw.ints(1, batch)), ins, *size)))}
    case["weight"] = pick(values((ins, outs, *kernel_size)))
    if bias:
        case["bias"] = pick(values((outs,)))
    return case | settings


def same_result(learner: Any, reference: Any, case: Case) -> None:
    expect.close(learner.conv_transpose2d(**case), reference.conv_transpose2d(**case))


@check(
    "conv_transpose2d", title="One image, one channel, one kernel: stamps that overlap add up", points=1, examples=25
)
@given(case=transposed(room=4))
def test_transpose_plain(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="Batches, several channels in and out", points=1, examples=25)
@given(case=transposed(batch=3, channels=3))
def test_transpose_channels(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="The bias, also where no stamp reaches", points=0.75, examples=25)
@given(case=transposed(batch=2, channels=3, bias=True, stride=draw.ints(1, 3)))
def test_transpose_bias(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="Stride, also different for height and width and larger than the kernel", points=1.25)
@given(case=transposed(channels=2, stride=draw.int_or_pair(1, 4)))
def test_transpose_stride(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="Padding, also different for height and width and larger than the kernel", points=1.25)
@given(case=transposed(channels=2, padding=draw.int_or_pair(0, 3)))
def test_transpose_padding(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="output_padding: more rows at the bottom, more columns at the right", points=1)
@given(case=transposed(stride=st.one_of(draw.ints(2, 3), draw.pairs(1, 4)), padding=draw.ints(0, 2), extra=True))
def test_transpose_output_padding(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="All arguments together", points=1, examples=30)
@given(
    case=transposed(
        batch=2,
        channels=3,
        kernel=(4, 4),
        bias=True,
        stride=draw.int_or_pair(1, 3),
        padding=draw.int_or_pair(0, 2),
        extra=True,
    )
)
def test_transpose_together(learner, reference, case):
    same_result(learner, reference, case)


@check("conv_transpose2d", title="float64 to its full precision, any memory layout and device; no argument is changed",
       points=0.75, examples=15)  # fmt: skip
@given(
    case=transposed(
        batch=2,
        channels=2,
        kernel=(2, 3),
        bias=True,
        stride=draw.ints(1, 2),
        padding=draw.ints(0, 1),
        values=layouts_of_reals,
    )
)
def test_transpose_kept(learner, reference, case):
    expect_kept(learner.conv_transpose2d, case, reference.conv_transpose2d(**case))


@check("conv_transpose2d", title="A batch without images", points=0.25)
def test_transpose_empty(learner, reference):
    same_result(learner, reference, {"x": torch.ones(0, 2, 3, 4), "weight": torch.ones(2, 3, 2, 3), "stride": 2})


@check("conv_transpose2d", title="Autograd finds the gradients of x, weight and bias", points=0.75, examples=12,
       guarded=False)  # fmt: skip
@given(
    case=transposed(
        batch=2,
        channels=2,
        bias=True,
        stride=draw.int_or_pair(1, 2),
        padding=draw.int_or_pair(0, 1),
        extra=True,
        values=draw.reals,
    )
)
def test_transpose_gradients(learner, reference, case):
    found = []
    for module in (learner, reference):
        leaves = {name: case[name].clone().requires_grad_() for name in ("x", "weight", "bias")}
        out = module.conv_transpose2d(**case | leaves)
        found.append((out, gradients(out, leaves, upstream_for(out))))
    (got, mine), (want, theirs) = found
    expect.close(got, want)
    same_gradients(mine, theirs)


@check("conv_transpose2d", title="Arguments that do not go together are a ValueError that names one of them",
       points=0.5)  # fmt: skip
def test_transpose_errors(learner, reference):
    x, weight = torch.arange(1.0, 25.0).reshape(1, 2, 3, 4), torch.ones(2, 3, 2, 2)
    expect.value_error(learner.conv_transpose2d, x, torch.ones(3, 2, 2, 2), about=SHAPES)
    expect.value_error(learner.conv_transpose2d, x, torch.ones(1, 3, 2, 2), about=SHAPES)
    expect.value_error(learner.conv_transpose2d, x, weight, padding=(3, 0), about=FITTING)
    expect.value_error(learner.conv_transpose2d, x, weight, padding=(0, 4), about=FITTING)
    expect.value_error(learner.conv_transpose2d, x, weight, None, -1, about=["stride"])
    expect.value_error(learner.conv_transpose2d, x, weight, stride=(1, 0), about=["stride"])
    expect.value_error(learner.conv_transpose2d, x, weight, padding=(0, -1), about=["padding", "pad"])


@check("conv_transpose2d", title="An output_padding that is not smaller than stride is a ValueError", points=0.5)
def test_transpose_output_padding_errors(learner, reference):
    x, weight = torch.arange(1.0, 13.0).reshape(1, 1, 3, 4), torch.ones(1, 1, 2, 2)
    about = ["output_padding", "stride", "padding"]
    expect.value_error(learner.conv_transpose2d, x, weight, output_padding=1, about=about)
    expect.value_error(learner.conv_transpose2d, x, weight, stride=2, output_padding=3, about=about)
    expect.value_error(learner.conv_transpose2d, x, weight, stride=2, output_padding=(0, 2), about=about)
    expect.value_error(learner.conv_transpose2d, x, weight, stride=(1, 3), output_padding=(1, 1), about=about)
    expect.value_error(learner.conv_transpose2d, x, weight, stride=2, output_padding=(-1, 0), about=about)


# bilinear_kernel


@check("bilinear_kernel", title="One channel, an odd size: the tent has its top on the middle element", points=1.25,
       examples=15)  # fmt: skip
@given(half=draw.ints(0, 7))
def test_bilinear_odd(learner, reference, half):
    expect.close(learner.bilinear_kernel(1, 2 * half + 1), reference.bilinear_kernel(1, 2 * half + 1))


@check("bilinear_kernel", title="One channel, an even size: the tent has its top between two elements", points=1.25,
       examples=15)  # fmt: skip
@given(half=draw.ints(1, 8))
def test_bilinear_even(learner, reference, half):
    expect.close(learner.bilinear_kernel(1, 2 * half), reference.bilinear_kernel(1, 2 * half))


@check("bilinear_kernel", title="Several channels: each has the tent for itself and zeros for the others", points=1,
       examples=20)  # fmt: skip
@given(channels=draw.ints(2, 4), kernel_size=draw.ints(1, 5))
def test_bilinear_channels(learner, reference, channels, kernel_size):
    got = learner.bilinear_kernel(channels=channels, kernel_size=kernel_size)
    expect.close(got, reference.bilinear_kernel(channels, kernel_size))


@check("bilinear_kernel", title="A negative size is a ValueError that names it", points=0.5)
def test_bilinear_errors(learner, reference):
    expect.value_error(learner.bilinear_kernel, -1, 4, about=["channel", "size"])
    expect.value_error(learner.bilinear_kernel, 2, -3, about=["kernel", "size"])


# FCN32sHead and FCN8sHead


def scored(name: str, ins: int, classes: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (classes, ins, 1, 1), f"{name}.bias": (classes,)}


def state_shapes(task: str, arguments: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The state_dict that the statement promises: name → shape."""
    *pools, classes = arguments
    if task == "FCN32sHead":
        return scored("score_fr", pools[0], classes) | {"upscore.weight": (classes, classes, 64, 64)}
    three, four, five = pools
    scores = scored("score_fr", five, classes) | scored("score_pool4", four, classes)
    ups = {"upscore2": 4, "upscore_pool4": 4, "upscore8": 16}
    return (
        scores
        | scored("score_pool3", three, classes)
        | {f"{name}.weight": (classes, classes, k, k) for name, k in ups.items()}
    )


FREE = ("upscore.weight", "upscore8.weight")  # the last layer: to keep it as it starts, as its authors did, is fine too


@st.composite
def head_arguments(pick: Pick, task: str, *, most: int = 3) -> tuple[int, ...]:
    """Channels that often differ, and the number of classes."""
    pools = 1 if task == "FCN32sHead" else 3
    return (*(pick(draw.ints(1, most)) for _ in range(pools)), pick(draw.ints(1, 3)))


@st.composite
def heads(
    pick: Pick,
    task: str,
    *,
    batch: int = 1,
    values: Values = draw.tensors,
    maps: Values | None = None,
    silent: Sequence[str] = (),
) -> Case:
    """What a head is made with, weights for it, and its input maps. `silent`: score layers that give 0."""
    arguments = pick(head_arguments(task))
    height, width = pick(draw.sizes(1, 2))
    n = pick(draw.ints(1, batch))
    scales = (1,) if task == "FCN32sHead" else (4, 2, 1)
    pools = [
        pick((maps or values)((n, channels, scale * height, scale * width)))
        for channels, scale in zip(arguments, scales, strict=False)
    ]
    state = {name: pick(values(shape)) for name, shape in state_shapes(task, arguments).items()}
    for name in state:
        if name.split(".")[0] in silent:
            state[name] = torch.zeros_like(state[name])
    return {"task": task, "arguments": arguments, "state": state, "pools": pools}


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "nothing"


def expect_shapes(found: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Tensors by these names, no more and no less, with these shapes."""
    missing, extra = [n for n in shapes if n not in found], [n for n in found if n not in shapes]
    names = few(list(found))
    expect.that(not missing, f"the state_dict should have {few(missing)} in it; it has {names}")
    expect.that(not extra, f"the state_dict should have nothing called {few(extra)} in it")
    for name, shape in shapes.items():
        mine = tuple(found[name].shape)
        expect.that(mine == shape, f"{name} should have the shape {shape}, yours has {mine}")


def expect_state(learner: Any, task: str, arguments: tuple[int, ...]) -> None:
    head = getattr(learner, task)(*arguments)
    shapes = state_shapes(task, arguments)
    expect_shapes(head.state_dict(), shapes)
    trained = {name for name, value in head.named_parameters() if value.requires_grad}
    idle = [name for name in shapes if name not in trained and name not in FREE]
    expect.that(not idle, f"{few(idle)} should be a parameter that an optimizer can train")


def expect_bilinear(learner: Any, reference: Any, task: str, arguments: tuple[int, ...]) -> None:
    """Of a head, and of another one after the first has learned something."""
    head = getattr(learner, task)(*arguments)
    shapes = state_shapes(task, arguments)
    for when in ("at the start", "of a second head, made when the first has learned something,"):
        state = head.state_dict()
        for name in (name for name in shapes if name.startswith("upscore")):
            expect.that(name in state, f"the state_dict should have {name} in it; it has {few(list(state))}")
            want = reference.bilinear_kernel(shapes[name][0], shapes[name][-1])
            expect.close(state[name], want, what=f"{name} {when}")
        head.load_state_dict({name: torch.full_like(value, 7) for name, value in state.items()})
        head = getattr(learner, task)(*arguments)


def built(module: Any, case: Case, *, double: bool = False) -> Any:
    """A head with the given weights in it."""
    head = getattr(module, case["task"])(*case["arguments"])
    expect_shapes(head.state_dict(), {name: tuple(value.shape) for name, value in case["state"].items()})
    if double:
        head.double()
    head.load_state_dict(case["state"])
    return head


def same_scores(learner: Any, reference: Any, case: Case) -> None:
    with torch.no_grad():
        got, want = (built(module, case)(*case["pools"]) for module in (learner, reference))
    expect.close(got, want)


def same_head_gradients(learner: Any, reference: Any, case: Case) -> None:
    """Same scores, and same gradients for every input map and every weight and bias, in float64."""
    found = []
    for module in (learner, reference):
        head = built(module, case, double=True)
        pools = [pool.clone().requires_grad_() for pool in case["pools"]]
        named = dict(head.named_parameters())
        leaves = {name: named[name] for name in case["state"] if name in named and named[name].requires_grad}
        leaves |= dict(zip(["pool5"] if len(pools) == 1 else ["pool3", "pool4", "pool5"], pools, strict=True))
        out = head(*pools)
        found.append((out, gradients(out, leaves, upstream_for(out))))
    (got, mine), (want, theirs) = found
    expect.close(got, want)
    idle = [name for name in theirs if name not in mine and name not in FREE]
    expect.that(not idle, f"no gradient arrives at {few(idle)}: it should be a parameter that an optimizer can train")
    same_gradients(mine, theirs)


def expect_head_kept(learner: Any, reference: Any, case: Case) -> None:
    """float64 in, float64 out, any memory layout, train and eval alike, and the input is still what it was."""
    head = built(learner, case, double=True)
    with torch.no_grad():
        want = built(reference, case, double=True)(*case["pools"])
        expect.close(head(*case["pools"]), want)
        head.eval()
        expect.close(head(*case["pools"]), want)
        expect.unchanged(head, *case["pools"])


@check("FCN32sHead", title="Weights and biases have the names and shapes of the statement", points=1, examples=6)
@given(arguments=head_arguments("FCN32sHead"))
def test_fcn32_state(learner, reference, arguments):
    expect_state(learner, "FCN32sHead", arguments)


@check("FCN32sHead", title="upscore starts as bilinear interpolation", points=1)
def test_fcn32_bilinear(learner, reference):
    expect_bilinear(learner, reference, "FCN32sHead", (2, 3))
    expect_bilinear(learner, reference, "FCN32sHead", (3, 1))


@check("FCN32sHead", title="With given weights: the scores, 32 times as large as pool5", points=1.25, examples=8)
@given(case=heads("FCN32sHead", batch=2))
def test_fcn32_scores(learner, reference, case):
    same_scores(learner, reference, case)


@check("FCN32sHead", title="Gradients arrive at pool5 and at every weight and bias", points=0.75, examples=4)
@given(case=heads("FCN32sHead", batch=2, values=draw.reals))
def test_fcn32_gradients(learner, reference, case):
    same_head_gradients(learner, reference, case)


@check("FCN32sHead", title="float64 to its full precision, train and eval mode alike; the input stays as it was",
       points=0.5, examples=4)  # fmt: skip
@given(case=heads("FCN32sHead", batch=2, values=draw.reals, maps=layouts_of_reals))
def test_fcn32_kept(learner, reference, case):
    expect_head_kept(learner, reference, case)


@check("FCN32sHead", title="Moved to another device, it works there with all it makes on the way", points=0.25)
def test_fcn32_device(learner, reference):
    expect_moved(learner.FCN32sHead(2, 3), reference.FCN32sHead(2, 3), torch.zeros(1, 2, 1, 2))


@check("FCN32sHead", title="A negative number of channels is a ValueError that names it", points=0.25)
def test_fcn32_errors(learner, reference):
    def make_and_call(*arguments):
        return learner.FCN32sHead(*arguments)(torch.ones(1, 2, 1, 1))

    expect.value_error(make_and_call, 2, -1, about=CHANNELS)
    expect.value_error(make_and_call, -2, 1, about=CHANNELS)


@check("FCN8sHead", title="Weights and biases have the names and shapes of the statement", points=1, examples=10)
@given(arguments=head_arguments("FCN8sHead"))
def test_fcn8_state(learner, reference, arguments):
    expect_state(learner, "FCN8sHead", arguments)


@check("FCN8sHead", title="The three upscore layers start as bilinear interpolation", points=1)
def test_fcn8_bilinear(learner, reference):
    expect_bilinear(learner, reference, "FCN8sHead", (2, 3, 1, 3))
    expect_bilinear(learner, reference, "FCN8sHead", (1, 1, 2, 1))


@check("FCN8sHead", title="With given weights: what comes from pool5, the other scores being 0", points=1, examples=10)
@given(case=heads("FCN8sHead", batch=2, silent=["score_pool4", "score_pool3"]))
def test_fcn8_pool5(learner, reference, case):
    same_scores(learner, reference, case)


@check("FCN8sHead", title="With given weights: what comes from pool4, the other scores being 0", points=1, examples=10)
@given(case=heads("FCN8sHead", batch=2, silent=["score_fr", "score_pool3"]))
def test_fcn8_pool4(learner, reference, case):
    same_scores(learner, reference, case)


@check("FCN8sHead", title="With given weights: what comes from pool3, the other scores being 0", points=1, examples=10)
@given(case=heads("FCN8sHead", batch=2, silent=["score_fr", "score_pool4"]))
def test_fcn8_pool3(learner, reference, case):
    same_scores(learner, reference, case)


@check("FCN8sHead", title="With given weights: all three together", points=0.5, examples=10)
@given(case=heads("FCN8sHead", batch=3))
def test_fcn8_whole(learner, reference, case):
    same_scores(learner, reference, case)


@check("FCN8sHead", title="Gradients arrive at all three maps and at every weight and bias", points=0.75, examples=6)
@given(case=heads("FCN8sHead", batch=2, values=draw.reals))
def test_fcn8_gradients(learner, reference, case):
    same_head_gradients(learner, reference, case)


@check("FCN8sHead", title="float64 to its full precision, train and eval mode alike; the inputs stay as they were",
       points=0.5, examples=6)  # fmt: skip
@given(case=heads("FCN8sHead", batch=2, values=draw.reals, maps=layouts_of_reals))
def test_fcn8_kept(learner, reference, case):
    expect_head_kept(learner, reference, case)


@check("FCN8sHead", title="Moved to another device, it works there with all it makes on the way", points=0.25)
def test_fcn8_device(learner, reference):
    maps = torch.zeros(1, 2, 4, 8), torch.zeros(1, 3, 2, 4), torch.zeros(1, 4, 1, 2)
    expect_moved(learner.FCN8sHead(2, 3, 4, 5), reference.FCN8sHead(2, 3, 4, 5), *maps)


@check("FCN8sHead", title="Maps that are not a half and a quarter of pool3 are a ValueError", points=0.75)
def test_fcn8_sizes(learner, reference):
    def sizes(three: tuple[int, int], four: tuple[int, int], five: tuple[int, int]) -> Any:
        pools = [torch.ones(1, channels, *size) for channels, size in ((2, three), (3, four), (1, five))]
        return learner.FCN8sHead(2, 3, 1, 2)(*pools)

    expect.value_error(sizes, (8, 8), (4, 4), (1, 1), about=MAPS)
    expect.value_error(sizes, (4, 4), (1, 1), (1, 1), about=MAPS)  # what could be stretched without a word
    expect.value_error(sizes, (1, 1), (2, 2), (1, 1), about=MAPS)
    expect.value_error(sizes, (4, 8), (2, 4), (1, 1), about=MAPS)
    expect.value_error(sizes, (8, 4), (4, 1), (2, 1), about=MAPS)
    expect.value_error(sizes, (1, 4), (2, 2), (1, 1), about=MAPS)


@check("FCN8sHead", title="A negative number of channels is a ValueError that names it", points=0.25)
def test_fcn8_errors(learner, reference):
    def make_and_call(*arguments):
        return learner.FCN8sHead(*arguments)(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 2, 2), torch.ones(1, 2, 1, 1))

    for place in range(4):
        arguments = [2, 2, 2, 2]
        arguments[place] = -1
        expect.value_error(make_and_call, *arguments, about=CHANNELS)


# pixel_cross_entropy

CLASSES = st.sampled_from([2, 3, 4, 1])
IGNORABLE = [0, 254, -1, 1, -100]  # beside 255, which stands in when none is given


def labelled(pick: Pick, shape: tuple[int, ...], classes: int, ignored: int | None) -> torch.Tensor:
    """A map of labels. With `ignored`, some pixels have that one, and the last has not."""
    target = pick(draw.tensors(shape, torch.int64, low=0, high=classes - 1)) % classes
    if ignored is None:
        return target
    out = pick(draw.tensors(shape, torch.int64, low=0, high=2)) % 3 == 0
    out.view(-1)[0] = True
    target = target.masked_fill(out, ignored)
    target.view(-1)[-1] = (ignored + 1) % classes
    return target


@st.composite
def scored_pictures(
    pick: Pick, *, batch: int = 2, ignored: Setting = None, default: bool = False, values: Values = draw.tensors
) -> Case:
    """logits and target, of two pixels or more. `ignored`: a strategy of ignore_index (`default`: 255, not given)."""
    index = 255 if default else None if ignored is None else pick(ignored)
    n, classes, (height, width) = pick(draw.ints(1, batch)), pick(CLASSES), pick(draw.sizes(1, 4))
    logits = pick(values((n, classes, height, width)))
    case = {"logits": logits, "target": labelled(pick, (n, height, width), classes, index)}
    return case | ({} if default or index is None else {"ignore_index": index})


def same_loss(learner: Any, reference: Any, case: Case) -> None:
    expect.close(learner.pixel_cross_entropy(**case), reference.pixel_cross_entropy(**case))


def loss_gradient(module: Any, case: Case, factor: float = -2.5) -> tuple[torch.Tensor, Any]:
    logits = case["logits"].clone().requires_grad_()
    loss = module.pixel_cross_entropy(**case | {"logits": logits})
    return loss, gradients(loss, {"logits": logits}, torch.full_like(loss, factor))


def same_loss_gradient(learner: Any, reference: Any, case: Case) -> None:
    want, right = loss_gradient(reference, case)
    logits = case["logits"].clone().requires_grad_()
    loss = learner.pixel_cross_entropy(**case | {"logits": logits})
    expect.close(loss, want)
    same_gradients(gradients(loss, {"logits": logits}, torch.full_like(want, -2.5)), right)


def spoiled(case: Case, spoil: float, classes: int) -> Case:
    """The first `classes` scores of every ignored pixel are `spoil`."""
    out = (case["target"] == case.get("ignore_index", 255)).unsqueeze(1).expand(case["logits"].shape).clone()
    out[:, classes:] = False
    return case | {"logits": case["logits"].masked_fill(out, spoil)}


SPOIL = st.sampled_from([math.nan, math.inf, -math.inf])


@check("pixel_cross_entropy", title="Every pixel counts: the mean of their cross entropies", points=1.5, examples=30)
@given(case=scored_pictures())
def test_loss_plain(learner, reference, case):
    same_loss(learner, reference, case)


@check("pixel_cross_entropy", title="Ignored pixels have no part in the mean", points=1, examples=30)
@given(case=scored_pictures(batch=3, default=True))
def test_loss_ignored(learner, reference, case):
    same_loss(learner, reference, case)


@check(
    "pixel_cross_entropy",
    title="Another ignore_index, also a negative one or that of a class",
    points=0.75,
    examples=30,
)
@given(case=scored_pictures(ignored=st.sampled_from(IGNORABLE)))
def test_loss_other_index(learner, reference, case):
    same_loss(learner, reference, case)


@check("pixel_cross_entropy", title="Very large scores of either sign", points=0.75, examples=20)
@given(case=scored_pictures(default=True), scale=st.sampled_from([1000.0, -1000.0, 30000.0]))
def test_loss_large(learner, reference, case, scale):
    case = case | {"logits": case["logits"] * scale}
    magnitude = case["logits"].abs().max().item()  # scores are subtracted from one another
    expect.close(learner.pixel_cross_entropy(**case), reference.pixel_cross_entropy(**case), magnitude=magnitude)


@check(
    "pixel_cross_entropy",
    title="NaN and infinities at ignored pixels do not change the result",
    points=0.5,
    examples=20,
)
@given(case=scored_pictures(default=True), spoil=SPOIL, classes=draw.ints(1, 4))
def test_loss_nan(learner, reference, case, spoil, classes):
    same_loss(learner, reference, spoiled(case, spoil, classes))


@check("pixel_cross_entropy", title="The gradient, which is 0 at ignored pixels", points=1, examples=20, guarded=False)
@given(case=st.one_of(scored_pictures(values=draw.reals), scored_pictures(values=draw.reals, default=True)))
def test_loss_gradient(learner, reference, case):
    same_loss_gradient(learner, reference, case)


@check("pixel_cross_entropy", title="NaN and infinities at ignored pixels do not change the gradient", points=0.25,
       examples=20, guarded=False)  # fmt: skip
@given(case=scored_pictures(default=True, values=draw.reals), spoil=SPOIL, classes=draw.ints(1, 4))
def test_loss_nan_gradient(learner, reference, case, spoil, classes):
    same_loss_gradient(learner, reference, spoiled(case, spoil, classes))


@check("pixel_cross_entropy", title="No pixel counts: 0, with a gradient of 0", points=0.5, examples=15, guarded=False)
@given(case=scored_pictures(), spoil=st.sampled_from([1.0, math.nan, math.inf]), index=st.sampled_from([255, -1]))
def test_loss_none(learner, reference, case, spoil, index):
    case = case | {"target": torch.full_like(case["target"], index), "ignore_index": index}
    same_loss_gradient(learner, reference, spoiled(case, spoil, 1))


@check("pixel_cross_entropy", title="float64 to its full precision, any memory layout and device; no argument is "
       "changed", points=0.5, examples=20)  # fmt: skip
@given(case=scored_pictures(default=True, values=layouts_of_reals))
def test_loss_kept(learner, reference, case):
    expect_kept(learner.pixel_cross_entropy, case, reference.pixel_cross_entropy(**case), blind=False)


@check("pixel_cross_entropy", title="A target that does not have the shape of the scores is a ValueError", points=0.25)
def test_loss_errors(learner, reference):
    logits = torch.arange(24.0).reshape(1, 2, 3, 4)
    labels = torch.arange(24) % 2
    expect.value_error(learner.pixel_cross_entropy, logits, labels[:12].reshape(1, 4, 3), about=MATCHING)
    expect.value_error(learner.pixel_cross_entropy, logits, labels[:8].reshape(1, 2, 4), about=MATCHING)
    expect.value_error(learner.pixel_cross_entropy, logits, labels.reshape(2, 3, 4), about=MATCHING)


# confusion_matrix


@st.composite
def predictions(
    pick: Pick, *, ignored: Setting = None, default: bool = False, junk: bool = False, batch: int = 2
) -> Case:
    """prediction, target, num_classes. `junk`: whatever stands in prediction where target is ignored."""
    index = 255 if default else None if ignored is None else pick(ignored)
    classes = pick(CLASSES)
    shape = (pick(draw.ints(1, batch)), *pick(draw.sizes(1, 4)))
    target = labelled(pick, shape, classes, index)
    prediction = pick(draw.tensors(shape, torch.int64, low=0, high=classes - 1)) % classes
    if junk:
        numbers = pick(draw.tensors(shape, torch.int64, low=-1000, high=1000))
        prediction = torch.where(target == index, numbers, prediction)
    case = {"prediction": prediction, "target": target, "num_classes": classes}
    return case | ({} if default or index is None else {"ignore_index": index})


def same_matrix(learner: Any, reference: Any, case: Case) -> None:
    expect.close(learner.confusion_matrix(**case), reference.confusion_matrix(**case))


@check(
    "confusion_matrix",
    title="Every pixel counts, once: rows are true classes, columns predicted ones",
    points=1,
    examples=25,
)
@given(case=predictions())
def test_confusion_counts(learner, reference, case):
    same_matrix(learner, reference, case)


@check("confusion_matrix", title="Thousands of pixels", points=0.25)
def test_confusion_many(learner, reference):
    prediction, target = torch.arange(9216) % 3, torch.arange(9216) % 5 // 2  # each class of three meets each
    prediction[:5000] = target[:5000] = 1
    case = {"prediction": prediction.reshape(1, 96, 96), "target": target.reshape(1, 96, 96), "num_classes": 3}
    same_matrix(learner, reference, case)


@check("confusion_matrix", title="Ignored pixels do not count", points=1, examples=25)
@given(case=predictions(default=True))
def test_confusion_ignored(learner, reference, case):
    same_matrix(learner, reference, case)


@check("confusion_matrix", title="At ignored pixels, any prediction will do", points=0.5, examples=25)
@given(case=predictions(default=True, junk=True))
def test_confusion_any_prediction(learner, reference, case):
    same_matrix(learner, reference, case)


@check(
    "confusion_matrix", title="Another ignore_index, also a negative one or that of a class", points=0.5, examples=30
)
@given(case=predictions(ignored=st.sampled_from(IGNORABLE)))
def test_confusion_other_index(learner, reference, case):
    same_matrix(learner, reference, case)


@check("confusion_matrix", title="Where no pixel counts, all is 0", points=0.25, examples=10)
@given(case=predictions())
def test_confusion_nothing(learner, reference, case):
    same_matrix(learner, reference, case | {"target": torch.full_like(case["target"], 255)})


@check("confusion_matrix", title="A true class outside 0 … C-1 at a pixel that counts is a ValueError", points=0.5)
def test_confusion_target_errors(learner, reference):
    for wrong in (-1, 3, 257):
        for place in (0, 5):
            prediction, target = torch.tensor([[[0, 1, 2], [2, 1, 0]]]), torch.tensor([[[0, 1, 2], [255, 1, 2]]])
            target.view(-1)[place] = wrong
            expect.value_error(learner.confusion_matrix, prediction, target, 3, about=LABELS)


@check("confusion_matrix", title="A predicted class outside 0 … C-1 at a pixel that counts is a ValueError", points=0.5)
def test_confusion_prediction_errors(learner, reference):
    for wrong in (-1, 3, 257):
        for place in (0, 4):
            prediction, target = torch.tensor([[[0, 1, 2], [2, 1, 0]]]), torch.tensor([[[1, 1, 2], [255, 1, 2]]])
            prediction.view(-1)[place] = wrong
            expect.value_error(learner.confusion_matrix, prediction, target, 3, about=LABELS)


@check("confusion_matrix", title="Two maps of different shapes are a ValueError", points=0.25)
def test_confusion_shapes(learner, reference):
    about = [*MATCHING, "truth", "label"]
    labels = torch.arange(12) % 3
    expect.value_error(learner.confusion_matrix, labels.reshape(1, 3, 4), labels.reshape(1, 4, 3), 3, about=about)
    expect.value_error(learner.confusion_matrix, labels[:6].reshape(1, 2, 3), labels.reshape(2, 2, 3), 3, about=about)


@check("confusion_matrix", title="Any memory layout will do; prediction and target stay as they were", points=0.25,
       examples=20)  # fmt: skip
@given(case=predictions(default=True, junk=True), turned=st.booleans())
def test_confusion_kept(learner, reference, case, turned):
    if turned:
        case |= {name: case[name].transpose(1, 2).contiguous().transpose(1, 2) for name in ("prediction", "target")}
    same_matrix(learner, reference, case)
    expect.unchanged(learner.confusion_matrix, **case)


# pixel_accuracy and mean_iou


@st.composite
def confusions(pick: Pick, *, high: int = 9, absent: bool = False, half: bool = False, scale: int = 1) -> torch.Tensor:
    """(C, C) counts. Every class occurs; `absent`: all but one, `half`: all but one that occurs on one side only."""
    classes = pick(draw.ints(3 if absent or half else 2, 4))
    counts = pick(draw.tensors((classes, classes), torch.int64, low=0, high=high)).abs()
    counts = counts + torch.eye(classes, dtype=torch.int64)
    gone = pick(draw.ints(0, classes - 1))
    other = (gone + 1) % classes
    if absent or half:
        counts[gone] = counts[:, gone] = 0
    if half and pick(st.booleans()):
        counts[other, gone] = pick(draw.ints(1, 3))
    elif half:
        counts[gone, other] = pick(draw.ints(1, 3))
    return counts * scale


FEW = 4  # terms: a quotient of whole numbers, and a mean of a few


def same_accuracy(learner: Any, reference: Any, confusion: torch.Tensor) -> None:
    expect.close(learner.pixel_accuracy(confusion), reference.pixel_accuracy(confusion), terms=FEW)


@check("pixel_accuracy", title="The pixels on the diagonal, as a part of all", points=1, examples=25)
@given(confusion=st.one_of(confusions(), confusions(absent=True)))
def test_accuracy_values(learner, reference, confusion):
    same_accuracy(learner, reference, confusion)


@check("pixel_accuracy", title="NaN where nothing was counted", points=0.5)
def test_accuracy_nothing(learner, reference):
    for classes in (3, 1):
        confusion = torch.zeros(classes, classes, dtype=torch.int64)
        same_accuracy(learner, reference, confusion)


@check("pixel_accuracy", title="All right is 1 and all wrong is 0; very many pixels; the matrix stays as it was",
       points=0.5, examples=20)  # fmt: skip
@given(confusion=draw.layouts(confusions(scale=10**9)), part=st.sampled_from(["all", "right", "wrong"]))
def test_accuracy_kept(learner, reference, confusion, part):
    right = confusion.diagonal().diag()
    counts = {"all": confusion, "right": right, "wrong": confusion - right + right.roll(1, 0)}[part]
    same_accuracy(learner, reference, counts)
    expect.unchanged(learner.pixel_accuracy, counts)


def same_iou(learner: Any, reference: Any, confusion: torch.Tensor) -> None:
    expect.close(learner.mean_iou(confusion), reference.mean_iou(confusion), terms=FEW)


@check("mean_iou", title="All classes occur: the mean of their intersections over unions", points=1.5, examples=25)
@given(confusion=confusions())
def test_iou_values(learner, reference, confusion):
    same_iou(learner, reference, confusion)


@check("mean_iou", title="Classes that occur nowhere have no part in the mean", points=1, examples=25)
@given(confusion=confusions(absent=True))
def test_iou_absent(learner, reference, confusion):
    same_iou(learner, reference, confusion)


@check("mean_iou", title="A class that only occurs in truth, or only in prediction, counts", points=0.75, examples=25)
@given(confusion=confusions(half=True))
def test_iou_half(learner, reference, confusion):
    same_iou(learner, reference, confusion)


@check("mean_iou", title="NaN where nothing was counted", points=0.5)
def test_iou_nothing(learner, reference):
    same_iou(learner, reference, torch.zeros(3, 3, dtype=torch.int64))
    same_iou(learner, reference, torch.zeros(1, 1, dtype=torch.int64))


@check("mean_iou", title="Very many pixels, any memory layout; the matrix stays as it was", points=0.25, examples=20)
@given(confusion=draw.layouts(st.one_of(confusions(scale=10**9), confusions(scale=10**9, absent=True))))
def test_iou_kept(learner, reference, confusion):
    same_iou(learner, reference, confusion)
    expect.unchanged(learner.mean_iou, confusion)
