"""Hidden checks of ex05: the activation, the poolings as functions and as layers, flattening, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task
from grader.errors import LearnerRaised

# What an error about a window that does not fit may speak of: everything is involved.
FIT = ["kernel", "window", "size", "input", "image", "shape", "output", "height", "width", "padding", "dilation", "x"]
KERNEL = ["kernel", "window", "size", "stride"]  # without a stride, a kernel of 0 is a stride of 0 too
PADDING = ["padding", "pad", "kernel"]
DIM = ["dim", "axis", "axes"]

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Values = Callable[..., st.SearchStrategy[torch.Tensor]]
Setting = st.SearchStrategy[Any] | None  # None: not given in the call


# What is drawn and how it is compared


def on_axis(setting: Any, axis: int) -> int:
    return setting if isinstance(setting, int) else setting[axis]


def sees_something(size: int, kernel: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether each window along this axis, one that hangs over the end too, has an element of x in it."""
    starts = range(-padding, size + padding, stride)
    return all(any(0 <= start + dilation * i < size for i in range(kernel)) for start in starts if start < size)


@st.composite
def paddings(pick: Pick, kernel: Any) -> Any:
    """As much as is allowed: at most half of the kernel."""
    if pick(st.booleans()):
        return tuple(pick(draw.ints(0, on_axis(kernel, axis) // 2)) for axis in (0, 1))
    return pick(draw.ints(0, min(on_axis(kernel, 0), on_axis(kernel, 1)) // 2))


@st.composite
def pools(
    pick: Pick,
    *,
    batch: int = 1,
    channels: int = 1,
    kernel: st.SearchStrategy[Any] | None = None,
    stride: Setting = None,
    padding: bool = False,
    dilation: Setting = None,
    room: int = 4,
    blind: bool = False,
    values: Values = draw.tensors,
    **flags: Setting,
) -> Case:
    """Arguments in signature order for which at least one whole window fits. What is not varied is left out.

    `batch` and `channels` are upper bounds; `room` is how much larger than the smallest possible an axis may be.
    `blind` allows windows that see padding alone. The settings come first, so that they become simple first.
    """
    size_of_kernel = pick(draw.ints(1, 3) if kernel is None else kernel)
    settings: Case = {"stride": pick(stride)} if stride is not None else {}
    if padding:
        settings["padding"] = pick(paddings(size_of_kernel))
    if dilation is not None:
        settings["dilation"] = pick(dilation)
    settings |= {name: pick(flag) for name, flag in flags.items() if flag is not None}
    step = size_of_kernel if settings.get("stride") is None else settings["stride"]
    size = []
    for axis in (0, 1):
        k, s = on_axis(size_of_kernel, axis), on_axis(step, axis)
        p, d = on_axis(settings.get("padding", 0), axis), on_axis(settings.get("dilation", 1), axis)
        least = max(1, d * (k - 1) + 1 - 2 * p)
        axis_size = least + pick(draw.ints(0, room))
        while not blind and not sees_something(axis_size, k, s, p, d):
            axis_size += 1
        size.append(axis_size)
    x = pick(values((pick(draw.ints(1, batch)), pick(draw.ints(1, channels)), *size)))
    return {"x": x, "kernel_size": size_of_kernel} | settings


def wide(shape: Any) -> Any:
    """Values beyond any limit that a network has by accident: 6 and -1 among them."""
    return draw.tensors(shape, low=-9, high=9)


def below_zero(shape: Any) -> Any:
    """Negative values alone, also smaller than any number that one might take for the smallest."""
    negative = draw.tensors(shape, low=-9, high=-1)
    return st.one_of(negative, negative.map(lambda x: torch.where(x > 0, -x, x) * 1e30), wide(shape))


@st.composite
def distinct(pick: Pick, shape: Any, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Each value once and none of them 0, so that no maximum is tied and no kink is met."""
    drawn = pick(draw.tensors(shape, dtype, low=-(10**6), high=10**6))
    ranks = drawn.flatten().argsort(stable=True).argsort().reshape(shape).to(dtype)
    return ranks - drawn.numel() // 2 + 0.5


def layouts_of_reals(shape: Any) -> Any:
    return draw.layouts(draw.reals(shape))


def shapes(low: int = 1, high: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """One to four axes."""
    return st.lists(draw.ints(low, high), min_size=1, max_size=4).map(tuple)


def upstream_for(output: torch.Tensor) -> torch.Tensor:
    """A gradient from above that differs from place to place, so that no sum hides anything."""
    return (torch.arange(output.numel()) * 7 % 11 - 5).reshape(output.shape).to(output.dtype)


def expect_gradient(mine: Callable[..., Any], theirs: Callable[..., Any], case: Case) -> None:
    """Same values, and the same gradient for x."""
    results, leaves = [], []
    for function in (mine, theirs):
        x = case["x"].clone().requires_grad_()
        results.append(function(**case | {"x": x}))
        leaves.append(x)
    got, want = results
    expect.close(got, want)
    expect.that(got.requires_grad, "the result is cut off from autograd: no detach, .data, numpy or .item() on the way")
    upstream = upstream_for(want)
    (found,) = torch.autograd.grad(got, leaves[:1], upstream, allow_unused=True)
    (right,) = torch.autograd.grad(want, leaves[1:], upstream)
    expect.that(found is not None, "no gradient arrives at x: it is cut off from autograd on the way")
    expect.close(found, right, what="the gradient for x")


def expect_kept(function: Callable[..., Any], case: Case, want: torch.Tensor) -> None:
    """Values and dtype of `want`, arguments as they were, and the device of x: there is one everywhere, "meta".

    It has shapes and no values: what mixes devices fails there as it would on a GPU. Code that looks at a value
    fails too, which says nothing about it.
    """
    expect.close(function(**case), want)
    expect.unchanged(function, **case)
    try:
        got = function(**case | {"x": case["x"].to("meta")})
    except LearnerRaised as error:
        mixed = "device" in error.text or "Cannot copy out of meta" in error.text
        expect.that(
            not mixed or "item()" in error.text,
            "with x on another device than the CPU your code mixes devices: make new tensors where x is, with "
            "x.new_zeros(...) or device=x.device",
        )
        return
    expect.close(got, want.to("meta"))


# relu


@check("relu", title="Negative values become 0, all others stay, in any shape", points=0.5)
@given(x=wide(shapes()))
def test_relu_values(learner, reference, x):
    expect.close(learner.relu(x), reference.relu(x))


@check("relu", title="NaN stays NaN", points=0.5)
@given(x=wide(shapes(high=3)), step=draw.ints(1, 3))
def test_relu_nan(learner, reference, x, step):
    x = x.clone()
    x.view(-1)[::step] = math.nan
    expect.close(learner.relu(x), reference.relu(x))


@check("relu", title="The gradient passes where the input is above 0, and only there", points=0.5, examples=20)
@given(x=distinct((2, 3)) | distinct((1, 2, 2, 3)))
def test_relu_gradient(learner, reference, x):
    expect_gradient(learner.relu, reference.relu, {"x": x})


@check("relu", title="The input stays as it was; dtype and device are kept, in any memory layout", points=0.5)
@given(x=layouts_of_reals(shapes(high=3)))
def test_relu_kept(learner, reference, x):
    expect_kept(learner.relu, {"x": x}, reference.relu(x))


# max_pool2d


@check("max_pool2d", title="One image, one channel: windows that touch; what is left over is left out", points=1.5)
@given(case=pools(kernel=draw.ints(1, 3), values=wide))
def test_max_pool2d_plain(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="Several images and channels, each for itself", points=1)
@given(case=pools(batch=3, channels=3, kernel=draw.ints(1, 2), room=2, values=wide))
def test_max_pool2d_channels(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="Oblong windows, with a step of their own height and width", points=1)
@given(case=pools(kernel=draw.sizes(1, 4)))
def test_max_pool2d_oblong(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="Strides: windows that overlap, windows with gaps, pairs", points=1)
@given(case=pools(kernel=draw.int_or_pair(1, 3), stride=draw.int_or_pair(1, 4), room=5))
def test_max_pool2d_stride(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="Padding: it never wins, however small the values are", points=1.5)
@given(
    case=pools(
        kernel=draw.int_or_pair(2, 4), stride=st.none() | draw.int_or_pair(1, 2), padding=True, values=below_zero
    )
)
def test_max_pool2d_padding(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="Dilation: windows with holes", points=0.5)
@given(case=pools(kernel=draw.int_or_pair(1, 3), stride=draw.int_or_pair(1, 2), dilation=draw.int_or_pair(1, 3)))
def test_max_pool2d_dilation(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="ceil_mode: a last window may hang over the end", points=1)
@given(case=pools(kernel=draw.int_or_pair(2, 3), stride=st.none() | draw.int_or_pair(1, 2), ceil_mode=st.just(True)))
def test_max_pool2d_ceil(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="ceil_mode: but no window starts in the padding at the end, or beyond it", points=0.5)
@given(
    case=pools(
        kernel=draw.int_or_pair(2, 3), stride=draw.int_or_pair(1, 5), padding=True, ceil_mode=st.just(True),
        values=below_zero,
    )
)  # fmt: skip
def test_max_pool2d_last_window(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


ALL_OF_MAX: dict[str, Any] = {
    "kernel": draw.int_or_pair(1, 3),
    "stride": st.none() | draw.int_or_pair(1, 3),
    "padding": True,
    "dilation": draw.int_or_pair(1, 2),
    "ceil_mode": st.booleans(),
}


@check("max_pool2d", title="All arguments together, given in order", points=0.5)
@given(case=pools(batch=2, channels=2, **ALL_OF_MAX))
def test_max_pool2d_all(learner, reference, case):
    arguments = tuple(case.values())
    expect.close(learner.max_pool2d(*arguments), reference.max_pool2d(*arguments))


@check("max_pool2d", title="Padding counts as -inf, also where a window sees nothing else", points=0.25, examples=20)
@given(
    case=pools(
        kernel=st.just(2), stride=st.just(1), padding=True, dilation=draw.int_or_pair(2, 4), room=1, blind=True,
        values=below_zero,
    )
)  # fmt: skip
def test_max_pool2d_blind(learner, reference, case):
    expect.close(learner.max_pool2d(**case), reference.max_pool2d(**case))


@check("max_pool2d", title="The gradient goes to the largest element of each window, and adds up", points=0.5)
@given(case=pools(batch=2, channels=2, **ALL_OF_MAX, values=distinct))
def test_max_pool2d_gradient(learner, reference, case):
    expect_gradient(learner.max_pool2d, reference.max_pool2d, case)


@check(
    "max_pool2d", title="The input stays as it was; dtype and device are kept, in any memory layout", points=0.25,
    examples=20,
)  # fmt: skip
@given(case=pools(batch=2, channels=2, kernel=draw.int_or_pair(2, 3), padding=True, values=layouts_of_reals))
def test_max_pool2d_kept(learner, reference, case):
    expect_kept(learner.max_pool2d, case, reference.max_pool2d(**case))


@check("max_pool2d", title="Settings that make no sense are a ValueError that names them", points=0.25)
def test_max_pool2d_errors(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)
    expect.value_error(learner.max_pool2d, x, 0, about=KERNEL)
    expect.value_error(learner.max_pool2d, x, (2, 0), about=KERNEL)
    expect.value_error(learner.max_pool2d, x, 2, stride=0, about=["stride", "step"])
    expect.value_error(learner.max_pool2d, x, 2, padding=-1, about=PADDING)
    expect.value_error(learner.max_pool2d, x, 2, dilation=0, about=["dilation", "kernel"])


@check("max_pool2d", title="A window that does not fit, or a padding above half of it, is a ValueError", points=0.25)
def test_max_pool2d_misfits(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)
    expect.value_error(learner.max_pool2d, x, 6, about=FIT)
    expect.value_error(learner.max_pool2d, x, 3, dilation=3, about=FIT)
    expect.value_error(learner.max_pool2d, x, 3, padding=2, about=PADDING)
    expect.value_error(learner.max_pool2d, x, 3, padding=(0, 2), about=PADDING)


# avg_pool2d


@check("avg_pool2d", title="One image, one channel: windows that touch; what is left over is left out", points=1)
@given(case=pools(kernel=draw.ints(1, 3), values=wide))
def test_avg_pool2d_plain(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="Several images and channels, each for itself", points=0.5)
@given(case=pools(batch=3, channels=3, kernel=draw.ints(1, 2), room=2, values=wide))
def test_avg_pool2d_channels(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="Oblong windows, with a step of their own height and width", points=1)
@given(case=pools(kernel=draw.sizes(1, 4)))
def test_avg_pool2d_oblong(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="Strides: windows that overlap, windows with gaps, pairs", points=1)
@given(case=pools(kernel=draw.int_or_pair(1, 3), stride=draw.int_or_pair(1, 4), room=5))
def test_avg_pool2d_stride(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


PADDED: dict[str, Any] = {
    "kernel": draw.int_or_pair(2, 4), "stride": st.none() | draw.int_or_pair(1, 2), "padding": True, "values": wide,
}  # fmt: skip


@check("avg_pool2d", title="Padding with zeros, which count as elements", points=1)
@given(case=pools(**PADDED))
def test_avg_pool2d_padding(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="count_include_pad=False: the mean of the window's part of the image alone", points=0.5)
@given(case=pools(**PADDED, count_include_pad=st.just(False)))
def test_avg_pool2d_uncounted(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="ceil_mode: a last window that hangs over has a mean of what it sees", points=0.75)
@given(
    case=pools(
        kernel=draw.int_or_pair(2, 3), stride=st.none() | draw.int_or_pair(1, 2), ceil_mode=st.just(True), values=wide
    )
)
def test_avg_pool2d_ceil(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


@check("avg_pool2d", title="ceil_mode with padding, counted or not", points=0.5)
@given(
    case=pools(
        kernel=draw.int_or_pair(2, 4), stride=draw.int_or_pair(1, 5), padding=True, values=wide,
        ceil_mode=st.just(True), count_include_pad=st.booleans(),
    )
)  # fmt: skip
def test_avg_pool2d_ceil_padding(learner, reference, case):
    expect.close(learner.avg_pool2d(**case), reference.avg_pool2d(**case))


ALL_OF_AVG: dict[str, Any] = {
    "kernel": draw.int_or_pair(1, 3),
    "stride": st.none() | draw.int_or_pair(1, 3),
    "padding": True,
    "ceil_mode": st.booleans(),
    "count_include_pad": st.booleans(),
}


@check("avg_pool2d", title="All arguments together, given in order", points=0.5)
@given(case=pools(batch=2, channels=2, **ALL_OF_AVG))
def test_avg_pool2d_all(learner, reference, case):
    arguments = tuple(case.values())
    expect.close(learner.avg_pool2d(*arguments), reference.avg_pool2d(*arguments))


@check("avg_pool2d", title="The gradient is shared out among the elements of each window, and adds up", points=0.5)
@given(case=pools(batch=2, channels=2, **ALL_OF_AVG, values=distinct))
def test_avg_pool2d_gradient(learner, reference, case):
    expect_gradient(learner.avg_pool2d, reference.avg_pool2d, case)


@check(
    "avg_pool2d", title="The input stays as it was; dtype and device are kept, in any memory layout", points=0.25,
    examples=20,
)  # fmt: skip
@given(
    case=pools(
        batch=2, channels=2, kernel=draw.int_or_pair(2, 3), padding=True, values=layouts_of_reals,
        ceil_mode=st.booleans(), count_include_pad=st.booleans(),
    )
)  # fmt: skip
def test_avg_pool2d_kept(learner, reference, case):
    expect_kept(learner.avg_pool2d, case, reference.avg_pool2d(**case))


@check("avg_pool2d", title="Settings that make no sense are a ValueError that names them", points=0.25)
def test_avg_pool2d_errors(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)
    expect.value_error(learner.avg_pool2d, x, 0, about=KERNEL)
    expect.value_error(learner.avg_pool2d, x, 2, stride=0, about=["stride", "step"])
    expect.value_error(learner.avg_pool2d, x, 2, padding=-1, about=PADDING)


@check("avg_pool2d", title="A window that does not fit, or a padding above half of it, is a ValueError", points=0.25)
def test_avg_pool2d_misfits(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)
    expect.value_error(learner.avg_pool2d, x, 6, about=FIT)
    expect.value_error(learner.avg_pool2d, x, (1, 6), about=FIT)
    expect.value_error(learner.avg_pool2d, x, 3, padding=2, about=PADDING)


# global_avg_pool2d


@check("global_avg_pool2d", title="The mean of each feature map, for any height, width and batch", points=1)
@given(x=wide(st.tuples(draw.ints(1, 3), draw.ints(1, 3), draw.ints(1, 4), draw.ints(1, 5))))
def test_global_avg_pool2d_values(learner, reference, x):
    expect.close(learner.global_avg_pool2d(x), reference.global_avg_pool2d(x))


@check("global_avg_pool2d", title="The gradient is shared out among all pixels", points=0.5, examples=20)
@given(x=distinct((2, 3, 2, 3)) | distinct((1, 2, 3, 1)))
def test_global_avg_pool2d_gradient(learner, reference, x):
    expect_gradient(learner.global_avg_pool2d, reference.global_avg_pool2d, {"x": x})


@check(
    "global_avg_pool2d", title="The input stays as it was; dtype and device are kept, in any memory layout", points=0.5,
    examples=20,
)  # fmt: skip
@given(x=layouts_of_reals(st.tuples(draw.ints(1, 3), draw.ints(1, 3), draw.ints(2, 4), draw.ints(2, 3))))
def test_global_avg_pool2d_kept(learner, reference, x):
    expect_kept(learner.global_avg_pool2d, {"x": x}, reference.global_avg_pool2d(x))


# flatten


@check("flatten", title="A batch of feature maps becomes a batch of vectors, channel by channel, row by row", points=1)
@given(x=wide(st.tuples(draw.ints(1, 3), draw.ints(1, 3), draw.ints(1, 3), draw.ints(1, 4))))
def test_flatten_batch(learner, reference, x):
    expect.close(learner.flatten(x), reference.flatten(x))


@st.composite
def starts(pick: Pick) -> Case:
    x = pick(wide(shapes(high=3)))
    return {"x": x, "start_dim": pick(draw.ints(-x.dim(), x.dim() - 1))}


@check("flatten", title="Any number of axes and any start_dim, also counted from the end", points=1)
@given(case=starts())
def test_flatten_start(learner, reference, case):
    expect.close(learner.flatten(*case.values()), reference.flatten(*case.values()))


@check("flatten", title="Memory layouts that cannot be flattened without a copy", points=0.5)
@given(
    x=draw.layouts(draw.tensors(st.tuples(draw.ints(1, 2), draw.ints(2, 3), draw.ints(2, 3), draw.ints(2, 3)))),
    axes=st.permutations([1, 2, 3]),
)
def test_flatten_layouts(learner, reference, x, axes):
    x = x.permute(0, *axes)
    expect.close(learner.flatten(x), reference.flatten(x))


@check("flatten", title="Tensors without elements: an empty batch, or an empty axis anywhere", points=0.5)
@given(x=draw.tensors(st.permutations([0, 2, 3]) | st.just([0, 3, 0])), start=draw.ints(0, 2))
def test_flatten_empty(learner, reference, x, start):
    expect.close(learner.flatten(x, start), reference.flatten(x, start))


@check(
    "flatten", title="The input stays as it was; dtype and device are kept, and the gradient finds its way", points=0.5,
    examples=20,
)  # fmt: skip
@given(x=layouts_of_reals(st.tuples(draw.ints(1, 2), draw.ints(1, 3), draw.ints(1, 3))))
def test_flatten_kept(learner, reference, x):
    expect_kept(learner.flatten, {"x": x}, reference.flatten(x))
    expect_gradient(learner.flatten, reference.flatten, {"x": x})


@check("flatten", title="A start_dim that x does not have is a ValueError that names it", points=0.5)
def test_flatten_errors(learner, reference):
    x = torch.arange(1.0, 25.0).reshape(2, 3, 4)
    for start in (3, 5, -4, -6):
        expect.value_error(learner.flatten, x, start, about=["start", *DIM])


# softmax


def probabilities(got: torch.Tensor, want: torch.Tensor) -> None:
    # Larger scores cost an honest answer more of its last digits: x - log(sum(exp(x))) is one.
    expect.close(got, want, terms=256)


@check("softmax", title="Scores along the last axis become probabilities", points=1)
@given(x=wide(shapes(high=3)))  # up to 81 in the simplest pattern: exp holds that
def test_softmax_last(learner, reference, x):
    probabilities(learner.softmax(x), reference.softmax(x))


@st.composite
def along(pick: Pick) -> Case:
    x = pick(wide(shapes(high=3)))
    return {"x": x, "dim": pick(draw.ints(-x.dim(), x.dim() - 1))}


@check("softmax", title="Along any axis, also counted from the end", points=1)
@given(case=along())
def test_softmax_dim(learner, reference, case):
    probabilities(learner.softmax(*case.values()), reference.softmax(*case.values()))


@check("softmax", title="Large scores and very negative ones, also side by side, give neither NaN nor zeros", points=1)
@given(
    x=draw.tensors(st.tuples(draw.ints(1, 3), draw.ints(2, 4)), low=-4, high=4),
    level=st.sampled_from([1000.0, -1000.0, 0.0]),
    step=st.sampled_from([0.0, 1000.0, -500.0]),
    spread=st.sampled_from([1.0, 100.0]),
)
def test_softmax_stable(learner, reference, x, level, step, spread):
    x = spread * x + level + step * torch.arange(x.shape[0])[:, None]  # each row on a level of its own
    probabilities(learner.softmax(x), reference.softmax(x))


@check("softmax", title="Gradients, with float64 and the device kept and the input as it was", points=0.5, examples=20)
@given(x=layouts_of_reals(st.tuples(draw.ints(1, 3), draw.ints(2, 4))))
def test_softmax_kept(learner, reference, x):
    expect_kept(learner.softmax, {"x": x}, reference.softmax(x))
    expect_gradient(learner.softmax, reference.softmax, {"x": x})


@check("softmax", title="A dim that x does not have is a ValueError that names it", points=0.5)
def test_softmax_errors(learner, reference):
    x = torch.arange(1.0, 7.0).reshape(2, 3)
    for dim in (2, 5, -3, -5):
        expect.value_error(learner.softmax, x, dim, about=DIM)
    expect.value_error(learner.softmax, x[0], 1, about=DIM)


# MaxPool2d and AvgPool2d


def made(module: Any, layer: str, case: Case, *, in_order: bool = False) -> torch.Tensor:
    """What a layer with these settings makes of x."""
    settings = {name: value for name, value in case.items() if name != "x"}
    kind = getattr(module, layer)
    return (kind(*settings.values()) if in_order else kind(**settings))(case["x"])


def expect_stateless(module: Any, layer: str) -> None:
    built = getattr(module, layer)(2)
    expect.equal(list(built.state_dict()), [])
    expect.equal([name for name, _ in built.named_parameters()], [])


def expect_reusable(learner: Any, reference: Any, layer: str, pictures: list[torch.Tensor]) -> None:
    """One layer, called with one picture after the other, in train and in eval mode."""
    mine, theirs = (getattr(module, layer)(3, 2, 1) for module in (learner, reference))
    for x in pictures:
        expect.close(mine(x), theirs(x))
    mine.eval()
    expect.close(mine(pictures[0]), theirs(pictures[0]))


PICTURES = st.lists(
    wide(st.tuples(draw.ints(1, 2), draw.ints(1, 2), draw.ints(1, 6), draw.ints(1, 6))), min_size=2, max_size=3
)


@check("MaxPool2d", title="The layer with a kernel size alone", points=0.5)
@given(case=pools(batch=2, channels=2, kernel=draw.int_or_pair(1, 3), values=wide))
def test_max_layer_kernel(learner, reference, case):
    expect.close(made(learner, "MaxPool2d", case), made(reference, "MaxPool2d", case))


@check("MaxPool2d", title="Each setting given by its name", points=1)
@given(case=pools(**ALL_OF_MAX, values=below_zero))
def test_max_layer_names(learner, reference, case):
    expect.close(made(learner, "MaxPool2d", case), made(reference, "MaxPool2d", case))


@check("MaxPool2d", title="The settings given in the order of the function's arguments", points=0.5)
@given(case=pools(**ALL_OF_MAX, values=below_zero))
def test_max_layer_order(learner, reference, case):
    got = made(learner, "MaxPool2d", case, in_order=True)
    expect.close(got, made(reference, "MaxPool2d", case, in_order=True))


@check("MaxPool2d", title="One layer takes pictures of different sizes, in train and in eval mode", points=0.5)
@given(pictures=PICTURES)
def test_max_layer_reused(learner, reference, pictures):
    expect_reusable(learner, reference, "MaxPool2d", pictures)


@check("MaxPool2d", title="No parameters, and an empty state_dict", points=0.5)
def test_max_layer_state(learner, reference):
    expect_stateless(learner, "MaxPool2d")


@check("MaxPool2d", title="The gradient finds its way back, and float64 is kept", points=0.5, examples=20)
@given(case=pools(channels=2, kernel=draw.ints(2, 3), stride=draw.ints(1, 2), values=distinct))
def test_max_layer_gradient(learner, reference, case):
    expect_gradient(
        lambda **now: made(learner, "MaxPool2d", now), lambda **now: made(reference, "MaxPool2d", now), case
    )


@check("MaxPool2d", title="Settings that make no sense are a ValueError, when the layer is made or called", points=0.5)
def test_max_layer_errors(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)

    def make_and_call(*arguments, **settings):
        return learner.MaxPool2d(*arguments, **settings)(x)

    expect.value_error(make_and_call, 0, about=KERNEL)
    expect.value_error(make_and_call, 2, stride=0, about=["stride", "step"])
    expect.value_error(make_and_call, 2, padding=-1, about=PADDING)
    expect.value_error(make_and_call, 2, dilation=0, about=["dilation", "kernel"])
    expect.value_error(make_and_call, 6, about=FIT)


@check("AvgPool2d", title="The layer with a kernel size alone", points=0.5)
@given(case=pools(batch=2, channels=2, kernel=draw.int_or_pair(1, 3), values=wide))
def test_avg_layer_kernel(learner, reference, case):
    expect.close(made(learner, "AvgPool2d", case), made(reference, "AvgPool2d", case))


@check("AvgPool2d", title="Each setting given by its name", points=1)
@given(case=pools(**ALL_OF_AVG, values=wide))
def test_avg_layer_names(learner, reference, case):
    expect.close(made(learner, "AvgPool2d", case), made(reference, "AvgPool2d", case))


@check("AvgPool2d", title="The settings given in the order of the function's arguments", points=0.5)
@given(case=pools(**ALL_OF_AVG, values=wide))
def test_avg_layer_order(learner, reference, case):
    got = made(learner, "AvgPool2d", case, in_order=True)
    expect.close(got, made(reference, "AvgPool2d", case, in_order=True))


@check("AvgPool2d", title="One layer takes pictures of different sizes, in train and in eval mode", points=0.5)
@given(pictures=PICTURES)
def test_avg_layer_reused(learner, reference, pictures):
    expect_reusable(learner, reference, "AvgPool2d", pictures)


@check("AvgPool2d", title="No parameters, and an empty state_dict", points=0.5)
def test_avg_layer_state(learner, reference):
    expect_stateless(learner, "AvgPool2d")


@check("AvgPool2d", title="The gradient finds its way back, and float64 is kept", points=0.5, examples=20)
@given(case=pools(channels=2, kernel=draw.ints(2, 3), stride=draw.ints(1, 2), values=distinct))
def test_avg_layer_gradient(learner, reference, case):
    expect_gradient(
        lambda **now: made(learner, "AvgPool2d", now), lambda **now: made(reference, "AvgPool2d", now), case
    )


@check("AvgPool2d", title="Settings that make no sense are a ValueError, when the layer is made or called", points=0.5)
def test_avg_layer_errors(learner, reference):
    x = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)

    def make_and_call(*arguments, **settings):
        return learner.AvgPool2d(*arguments, **settings)(x)

    expect.value_error(make_and_call, 0, about=KERNEL)
    expect.value_error(make_and_call, 2, stride=0, about=["stride", "step"])
    expect.value_error(make_and_call, 2, padding=-1, about=PADDING)
    expect.value_error(make_and_call, 6, about=FIT)
