"""Hidden checks of ex07: backward passes, each with an upstream gradient that is drawn, never a plain sum."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

# What an error may speak of: whatever takes part. The first name is the one that a learner should think of.
STRIDE = ["stride", "grad_out", "shape"]
PADDING = ["padding", "pad", "grad_out", "shape", "size"]
KERNEL = ["kernel", "grad_out", "input", "shape", "size", "weight", "window", "x"]
MATCH = ["grad_out", "shape", "size", "channel", "batch", "weight", "input", "x"]

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


@st.composite
def geometries(
    pick: Pick,
    *,
    kernel: int = 3,
    square: bool = False,
    strides: int = 1,
    paddings: int = 0,
    dilations: int = 1,
    leftover: int = 3,
) -> Case:
    """Sizes of a layer whose window fits at least once; "options" holds the arguments that are varied."""
    kernel_size = pick(draw.ints(1, kernel) if square else draw.int_or_pair(1, kernel))
    options = {}
    if strides > 1:
        options["stride"] = pick(draw.int_or_pair(1, strides))
    if paddings:
        options["padding"] = pick(draw.int_or_pair(0, paddings))
    if dilations > 1:
        options["dilation"] = pick(draw.int_or_pair(1, dilations))
    axes = zip(
        pair(kernel_size),
        pair(options.get("stride", 1)),
        pair(options.get("padding", 0)),
        pair(options.get("dilation", 1)),
        strict=True,
    )
    size, output = [], []
    for k, s, p, d in axes:
        reach = d * (k - 1) + 1
        n = pick(draw.ints(max(1, reach - 2 * p), max(1, reach - 2 * p) + leftover))
        size.append(n)
        output.append((n + 2 * p - reach) // s + 1)
    return {"kernel_size": kernel_size, "size": tuple(size), "output": tuple(output), "options": options}


@st.composite
def convolutions(
    pick: Pick, *, batch: tuple[int, int] = (1, 1), values: Any = draw.tensors, dtype: Any = torch.float32, **kinds: int
) -> Case:
    """A convolution that has been run: what went in, its filters, and the gradient of what came out."""
    where = pick(geometries(**kinds))
    n, c, o = pick(draw.ints(*batch)), pick(draw.ints(1, 3)), pick(draw.ints(1, 3))
    return {
        "x": pick(values((n, c, *where["size"]), dtype)),
        "weight": pick(values((o, c, *pair(where["kernel_size"])), dtype)),
        "bias": pick(values((o,), dtype)),
        "grad_out": pick(values((n, o, *where["output"]), dtype)),
        "kernel_size": where["kernel_size"],
        "options": where["options"],
    }


def strided(shape: Any, dtype: torch.dtype) -> Any:
    """Integer values in any memory layout."""
    return draw.layouts(draw.tensors(shape, dtype))


@st.composite
def nonzero(pick: Pick, shape: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Positive and negative integers, no zero."""
    values = pick(draw.tensors(shape, dtype))
    return values + (values >= 0)


@st.composite
def distinct(pick: Pick, shape: Any, dtype: torch.dtype = torch.float32, *, below: int | None = None) -> torch.Tensor:
    """Consecutive integers, each once, in any order: half of them negative, or all smaller than `below`."""
    drawn = pick(draw.tensors(shape, dtype, low=-(10**6), high=10**6))
    ranks = drawn.flatten().argsort(stable=True).argsort().reshape(shape).to(dtype)
    return ranks - (drawn.numel() // 2 if below is None else drawn.numel() - below)


# rotate180


@check("rotate180", title="One kernel, also where height and width differ", points=1)
@given(kernel=draw.tensors(draw.pairs(1, 4)))
def test_rotate180_plane(learner, reference, kernel):
    expect.close(learner.rotate180(kernel), reference.rotate180(kernel))


@check("rotate180", title="A whole filter bank: each filter keeps its place", points=0.5)
@given(kernel=draw.tensors(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))))
def test_rotate180_bank(learner, reference, kernel):
    expect.close(learner.rotate180(kernel), reference.rotate180(kernel))


@check("rotate180", title="The kernel stays as it was, and float64 stays float64", points=0.5, examples=20)
@given(kernel=draw.reals(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))))
def test_rotate180_unchanged(learner, reference, kernel):
    expect.unchanged(learner.rotate180, kernel)
    expect.close(learner.rotate180(kernel), reference.rotate180(kernel))


# full_convolution2d


SQUARES = st.integers(1, 5).map(lambda side: (side, side))
SMALL_SQUARES = st.integers(1, 3).map(lambda side: (side, side))


@check("full_convolution2d", title="Square images and kernels", points=1)
@given(image=draw.tensors(SQUARES), kernel=draw.tensors(SMALL_SQUARES))
def test_full_convolution2d_square(learner, reference, image, kernel):
    expect.close(learner.full_convolution2d(image, kernel), reference.full_convolution2d(image, kernel))


@check("full_convolution2d", title="Height and width that differ, in image and kernel", points=1)
@given(image=draw.tensors(draw.sizes(2, 6)), kernel=draw.tensors(draw.sizes(1, 3)))
def test_full_convolution2d_oblong(learner, reference, image, kernel):
    expect.close(learner.full_convolution2d(image, kernel), reference.full_convolution2d(image, kernel))


@check("full_convolution2d", title="A kernel that is larger than the image", points=0.5)
@given(image=draw.tensors(draw.pairs(1, 2)), kernel=draw.tensors(draw.pairs(2, 4)))
def test_full_convolution2d_large_kernel(learner, reference, image, kernel):
    expect.close(learner.full_convolution2d(image, kernel), reference.full_convolution2d(image, kernel))


@check("full_convolution2d", title="float64 to its full precision, in any memory layout", points=0.5, examples=20)
@given(image=draw.layouts(draw.reals(draw.sizes(1, 5))), kernel=draw.layouts(draw.reals(draw.pairs(1, 3))))
def test_full_convolution2d_float64(learner, reference, image, kernel):
    expect.unchanged(learner.full_convolution2d, image, kernel)
    expect.close(learner.full_convolution2d(image, kernel), reference.full_convolution2d(image, kernel))


# conv2d_grad_weight


def same_grad_weight(learner: Any, reference: Any, case: Case) -> None:
    arguments = case["x"], case["grad_out"], case["kernel_size"]
    got = learner.conv2d_grad_weight(*arguments, **case["options"])
    expect.close(got, reference.conv2d_grad_weight(*arguments, **case["options"]))


@check("conv2d_grad_weight", title="One image, a square kernel, stride 1, no padding", points=1)
@given(case=convolutions(square=True))
def test_conv2d_grad_weight_plain(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Kernels whose height and width differ", points=0.5)
@given(case=convolutions())
def test_conv2d_grad_weight_oblong(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Several images: their gradients add up", points=0.5)
@given(case=convolutions(batch=(2, 3), square=True))
def test_conv2d_grad_weight_batch(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Padding, also different for height and width", points=1)
@given(case=convolutions(paddings=2))
def test_conv2d_grad_weight_padding(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Stride, also where it does not divide", points=1)
@given(case=convolutions(strides=3, leftover=5))
def test_conv2d_grad_weight_stride(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="A dilated kernel", points=0.5)
@given(case=convolutions(dilations=2))
def test_conv2d_grad_weight_dilation(learner, reference, case):
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Everything together, all arguments in order", points=0.5, examples=50)
@given(case=convolutions(batch=(1, 3), strides=3, paddings=2, dilations=2, leftover=5, values=strided))
def test_conv2d_grad_weight_together(learner, reference, case):
    arguments = case["x"], case["grad_out"], case["kernel_size"], *case["options"].values()
    expect.close(learner.conv2d_grad_weight(*arguments), reference.conv2d_grad_weight(*arguments))


@check("conv2d_grad_weight", title="float64 to its full precision, inputs unchanged", points=0.5, examples=20)
@given(case=convolutions(batch=(1, 2), strides=2, paddings=1, values=draw.reals, dtype=torch.float64))
def test_conv2d_grad_weight_float64(learner, reference, case):
    expect.unchanged(learner.conv2d_grad_weight, case["x"], case["grad_out"], case["kernel_size"], **case["options"])
    same_grad_weight(learner, reference, case)


@check("conv2d_grad_weight", title="Arguments that make no sense are a ValueError", points=0.5)
def test_conv2d_grad_weight_errors(learner, reference):
    x, grad_out = torch.ones(2, 1, 5, 5), torch.ones(2, 3, 3, 3)
    expect.value_error(learner.conv2d_grad_weight, x, grad_out, 3, about=STRIDE, stride=0)
    expect.value_error(learner.conv2d_grad_weight, x, grad_out, 3, about=PADDING, padding=-1)
    expect.value_error(learner.conv2d_grad_weight, x, torch.ones(2, 3, 1, 1), 3, about=PADDING, padding=-1)
    expect.value_error(learner.conv2d_grad_weight, x, grad_out, 3, about=STRIDE, stride=(1, 0))
    expect.value_error(learner.conv2d_grad_weight, x, torch.ones(2, 3, 5, 5), 3, about=["dilation"], dilation=0)
    expect.value_error(learner.conv2d_grad_weight, x, torch.ones(2, 3, 6, 6), 0, about=["kernel"])
    expect.value_error(learner.conv2d_grad_weight, x, grad_out, 7, about=KERNEL)
    expect.value_error(learner.conv2d_grad_weight, x[..., :3], torch.ones(2, 3, 2, 0), 4, about=KERNEL)
    expect.value_error(learner.conv2d_grad_weight, x, torch.ones(2, 3, 4, 4), 3, about=MATCH)
    expect.value_error(learner.conv2d_grad_weight, x, torch.ones(3, 3, 3, 3), 3, about=MATCH)


# conv2d_grad_input


def same_grad_input(learner: Any, reference: Any, case: Case) -> None:
    arguments = tuple(case["x"].shape), case["weight"], case["grad_out"]
    got = learner.conv2d_grad_input(*arguments, **case["options"])
    expect.close(got, reference.conv2d_grad_input(*arguments, **case["options"]))


@check("conv2d_grad_input", title="One image, a square kernel, stride 1, no padding", points=1)
@given(case=convolutions(square=True))
def test_conv2d_grad_input_plain(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Kernels whose height and width differ", points=0.5)
@given(case=convolutions())
def test_conv2d_grad_input_oblong(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Several images", points=0.5)
@given(case=convolutions(batch=(2, 3), square=True))
def test_conv2d_grad_input_batch(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Padding, also different for height and width", points=1)
@given(case=convolutions(paddings=3))
def test_conv2d_grad_input_padding(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Stride, also where it does not divide", points=1)
@given(case=convolutions(strides=3, leftover=5))
def test_conv2d_grad_input_stride(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="A dilated kernel", points=0.5)
@given(case=convolutions(dilations=2))
def test_conv2d_grad_input_dilation(learner, reference, case):
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Everything together, all arguments in order", points=0.5, examples=50)
@given(case=convolutions(batch=(1, 3), strides=3, paddings=2, dilations=2, leftover=5, values=strided))
def test_conv2d_grad_input_together(learner, reference, case):
    arguments = tuple(case["x"].shape), case["weight"], case["grad_out"], *case["options"].values()
    expect.close(learner.conv2d_grad_input(*arguments), reference.conv2d_grad_input(*arguments))


@check("conv2d_grad_input", title="float64 to its full precision, inputs unchanged", points=0.5, examples=20)
@given(case=convolutions(batch=(1, 2), strides=2, paddings=1, values=draw.reals, dtype=torch.float64))
def test_conv2d_grad_input_float64(learner, reference, case):
    shape = tuple(case["x"].shape)
    expect.unchanged(learner.conv2d_grad_input, shape, case["weight"], case["grad_out"], **case["options"])
    same_grad_input(learner, reference, case)


@check("conv2d_grad_input", title="Arguments that make no sense are a ValueError", points=0.5)
def test_conv2d_grad_input_errors(learner, reference):
    shape, weight, grad_out = (2, 1, 5, 5), torch.ones(3, 1, 3, 3), torch.ones(2, 3, 3, 3)
    expect.value_error(learner.conv2d_grad_input, shape, weight, grad_out, about=STRIDE, stride=0)
    expect.value_error(learner.conv2d_grad_input, shape, weight, grad_out, about=PADDING, padding=-1)
    expect.value_error(learner.conv2d_grad_input, shape, torch.ones(3, 1, 7, 7), grad_out, about=KERNEL)
    expect.value_error(learner.conv2d_grad_input, shape, weight, torch.ones(2, 3, 4, 4), about=MATCH)
    expect.value_error(learner.conv2d_grad_input, shape, weight, torch.ones(2, 2, 3, 3), about=MATCH)
    expect.value_error(learner.conv2d_grad_input, shape, torch.ones(3, 2, 3, 3), grad_out, about=MATCH)


# conv2d_grad_bias


@check("conv2d_grad_bias", title="One image: the sum over all places", points=0.5)
@given(grad_out=draw.tensors(st.tuples(st.just(1), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))))
def test_conv2d_grad_bias_places(learner, reference, grad_out):
    expect.close(learner.conv2d_grad_bias(grad_out), reference.conv2d_grad_bias(grad_out))


@check("conv2d_grad_bias", title="Several images: the sum over them, too", points=1)
@given(grad_out=draw.tensors(st.tuples(st.integers(2, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))))
def test_conv2d_grad_bias_batch(learner, reference, grad_out):
    expect.close(learner.conv2d_grad_bias(grad_out), reference.conv2d_grad_bias(grad_out))


@check("conv2d_grad_bias", title="float64 to its full precision, in any memory layout", points=0.5, examples=20)
@given(grad_out=draw.layouts(draw.reals(st.tuples(st.integers(1, 3), st.integers(1, 3), st.just(3), st.just(2)))))
def test_conv2d_grad_bias_float64(learner, reference, grad_out):
    expect.unchanged(learner.conv2d_grad_bias, grad_out)
    expect.close(learner.conv2d_grad_bias(grad_out), reference.conv2d_grad_bias(grad_out))


# relu_backward


@st.composite
def elementwise(pick: Pick, *, values: Any, upstream: Any = nonzero, axes: tuple[int, int] = (1, 2)) -> Case:
    """x and grad_out of one shape. A gradient of 0 would hide whether it passes."""
    shape = pick(st.lists(st.integers(1, 3), min_size=axes[0], max_size=axes[1]).map(tuple))
    return {"grad_out": pick(upstream(shape)), "x": pick(values(shape))}


def strided_reals(shape: Any, dtype: torch.dtype = torch.float64) -> Any:
    return draw.layouts(draw.reals(shape, dtype))


@check("relu_backward", title="Positive and negative inputs, positive and negative gradients", points=1)
@given(case=elementwise(values=nonzero))
def test_relu_backward_signs(learner, reference, case):
    expect.close(learner.relu_backward(**case), reference.relu_backward(**case))


@check("relu_backward", title="The gradient at 0 is 0", points=0.5)
@given(case=elementwise(values=lambda shape: draw.tensors(shape, low=-1, high=1)))
def test_relu_backward_zero(learner, reference, case):
    expect.close(learner.relu_backward(**case), reference.relu_backward(**case))


@check("relu_backward", title="Any number of axes, float64, inputs unchanged", points=0.5)
@given(case=elementwise(values=strided_reals, upstream=strided_reals, axes=(1, 4)))
def test_relu_backward_shapes(learner, reference, case):
    expect.unchanged(learner.relu_backward, case["grad_out"], case["x"])
    expect.close(learner.relu_backward(**case), reference.relu_backward(**case))


# linear_backward


@st.composite
def dense_layers(
    pick: Pick, *, batch: tuple[int, int], values: Any = draw.tensors, dtype: Any = torch.float32
) -> tuple[torch.Tensor, ...]:
    """grad_out, x, weight of a fully connected layer."""
    n, inputs, outputs = pick(draw.ints(*batch)), pick(draw.ints(1, 4)), pick(draw.ints(1, 4))
    return tuple(pick(values(shape, dtype)) for shape in ((n, outputs), (n, inputs), (outputs, inputs)))


def whole(answer: Any) -> Any:
    """The three gradients; whether the shapes fit is for `expect.close` to say."""
    three = isinstance(answer, tuple | list) and len(answer) == 3
    expect.that(three, "linear_backward should return a tuple of three tensors: grad_x, grad_weight, grad_bias")
    return answer


@check("linear_backward", title="The gradient of the input", points=1)
@given(layer=dense_layers(batch=(1, 3)))
def test_linear_backward_x(learner, reference, layer):
    got = whole(learner.linear_backward(*layer))
    expect.close(got[0], reference.linear_backward(*layer)[0], what="grad_x")


@check("linear_backward", title="The gradient of the weights", points=1)
@given(layer=dense_layers(batch=(1, 3)))
def test_linear_backward_weight(learner, reference, layer):
    got = whole(learner.linear_backward(*layer))
    expect.close(got[1], reference.linear_backward(*layer)[1], what="grad_weight")


@check("linear_backward", title="The gradient of the bias", points=1)
@given(layer=dense_layers(batch=(1, 3)))
def test_linear_backward_bias(learner, reference, layer):
    got = whole(learner.linear_backward(*layer))
    expect.close(got[2], reference.linear_backward(*layer)[2], what="grad_bias")


@check("linear_backward", title="float64 to its full precision, in any memory layout", points=1, examples=20)
@given(layer=dense_layers(batch=(1, 3), values=strided_reals, dtype=torch.float64))
def test_linear_backward_float64(learner, reference, layer):
    expect.unchanged(learner.linear_backward, *layer)
    expect.close(whole(learner.linear_backward(*layer)), reference.linear_backward(*layer))


# max_pool2d_backward


@st.composite
def pools(
    pick: Pick,
    *,
    batch: tuple[int, int] = (1, 2),
    values: Any = distinct,
    dtype: Any = torch.float32,
    overlap: bool | None = False,
    oblong: bool = True,
    divides: bool = False,
) -> Case:
    """A pooling layer that has been run. `overlap`: windows do, do not (the stride is left out), or may (None)."""
    sides = draw.pairs(1, 3) if oblong else draw.ints(2, 3)
    kernel_size = pick(draw.pairs(2, 3) if overlap and oblong else sides)
    options = {}
    if overlap:
        options["stride"] = tuple(pick(draw.ints(1, k - 1)) for k in pair(kernel_size))
    elif overlap is None:
        options["stride"] = pick(draw.int_or_pair(1, 4))
    axes = list(zip(pair(kernel_size), pair(options.get("stride", kernel_size)), strict=True))
    output = [pick(draw.ints(1, 3 if k < 3 and s < 3 else 2)) for k, s in axes]
    spare = [0 if divides or s == 1 else pick(draw.ints(0, s - 1)) for _, s in axes]
    size = [(o - 1) * s + k + more for (k, s), o, more in zip(axes, output, spare, strict=True)]
    shape = (pick(draw.ints(*batch)), pick(draw.ints(1, 2)), *size)
    grad_out = pick((draw.reals if dtype == torch.float64 else draw.tensors)((*shape[:2], *output), dtype))
    return {"grad_out": grad_out, "x": pick(values(shape, dtype)), "kernel_size": kernel_size, "options": options}


def tied(shape: Any, dtype: Any = torch.float32) -> Any:
    """So few values that most windows have several winners."""
    return draw.tensors(shape, dtype, low=-1, high=1)


def negative(shape: Any, dtype: Any = torch.float32) -> Any:
    return distinct(shape, dtype, below=0)


def same_max(learner: Any, reference: Any, case: Case) -> None:
    arguments = case["grad_out"], case["x"], case["kernel_size"]
    got = learner.max_pool2d_backward(*arguments, **case["options"])
    expect.close(got, reference.max_pool2d_backward(*arguments, **case["options"]))


@check("max_pool2d_backward", title="Windows that touch and cover everything", points=1)
@given(case=pools(oblong=False, divides=True))
def test_max_pool2d_backward_plain(learner, reference, case):
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Windows higher than wide or wider than high, leftover rows and columns", points=1)
@given(case=pools())
def test_max_pool2d_backward_oblong(learner, reference, case):
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Overlapping windows: gradients of a common winner add up", points=1)
@given(case=pools(overlap=True))
def test_max_pool2d_backward_overlap(learner, reference, case):
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Ties: the first in row-major order gets it all", points=1)
@given(case=pools(values=tied))
def test_max_pool2d_backward_ties(learner, reference, case):
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Windows of nothing but negative numbers", points=0.5, examples=20)
@given(case=pools(values=negative))
def test_max_pool2d_backward_negative(learner, reference, case):
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Everything together: any stride, any layout, float64", points=1)
@given(case=pools(overlap=None, dtype=torch.float64, values=lambda shape, dtype: draw.layouts(tied(shape, dtype))))
def test_max_pool2d_backward_together(learner, reference, case):
    expect.unchanged(
        learner.max_pool2d_backward, case["grad_out"], case["x"], case["kernel_size"], case["options"]["stride"]
    )
    same_max(learner, reference, case)


@check("max_pool2d_backward", title="Arguments that make no sense are a ValueError", points=0.5)
def test_max_pool2d_backward_errors(learner, reference):
    grad_out, x = torch.ones(1, 2, 2, 2), torch.arange(32.0).reshape(1, 2, 4, 4)
    expect.value_error(learner.max_pool2d_backward, grad_out, x, 2, about=STRIDE, stride=0)
    expect.value_error(learner.max_pool2d_backward, grad_out, x, 5, about=KERNEL)
    expect.value_error(learner.max_pool2d_backward, torch.ones(1, 2, 3, 3), x, 2, about=MATCH)


# avg_pool2d_backward


def same_avg(learner: Any, reference: Any, case: Case) -> None:
    arguments = case["grad_out"], tuple(case["x"].shape), case["kernel_size"]
    got = learner.avg_pool2d_backward(*arguments, **case["options"])
    expect.close(got, reference.avg_pool2d_backward(*arguments, **case["options"]))


@check("avg_pool2d_backward", title="Windows that touch and cover everything", points=1)
@given(case=pools(oblong=False, divides=True))
def test_avg_pool2d_backward_plain(learner, reference, case):
    same_avg(learner, reference, case)


@check("avg_pool2d_backward", title="Windows higher than wide or wider than high, leftover rows and columns", points=1)
@given(case=pools())
def test_avg_pool2d_backward_oblong(learner, reference, case):
    same_avg(learner, reference, case)


@check("avg_pool2d_backward", title="Overlapping windows: shares add up", points=1)
@given(case=pools(overlap=True))
def test_avg_pool2d_backward_overlap(learner, reference, case):
    same_avg(learner, reference, case)


@check("avg_pool2d_backward", title="Any stride, float64 to its full precision", points=0.5)
@given(case=pools(overlap=None, dtype=torch.float64))
def test_avg_pool2d_backward_together(learner, reference, case):
    same_avg(learner, reference, case)


@check("avg_pool2d_backward", title="Arguments that make no sense are a ValueError", points=0.5)
def test_avg_pool2d_backward_errors(learner, reference):
    grad_out, shape = torch.ones(1, 2, 2, 2), (1, 2, 4, 4)
    expect.value_error(learner.avg_pool2d_backward, grad_out, shape, 2, about=STRIDE, stride=0)
    expect.value_error(learner.avg_pool2d_backward, grad_out, shape, 5, about=KERNEL)
    expect.value_error(learner.avg_pool2d_backward, torch.ones(1, 2, 3, 3), shape, 2, about=MATCH)


# Conv2dFunction

NAMES = ("grad_x", "grad_weight", "grad_bias")


def leaves(case: Case, wanted: tuple[bool, ...] = (True, True, True)) -> list[torch.Tensor]:
    """x, weight and bias as fresh tensors of their own, with gradients asked for where `wanted` says so."""
    return [
        case[name].clone().requires_grad_(wants) for name, wants in zip(("x", "weight", "bias"), wanted, strict=True)
    ]


def sliding(case: Case) -> tuple[Any, Any]:
    """stride and padding, which `apply` always wants."""
    return case["options"].get("stride", 1), case["options"].get("padding", 0)


def gradients(function: Any, case: Case, tensors: list[torch.Tensor]) -> tuple[torch.Tensor | None, ...]:
    y = function(*tensors, *sliding(case))
    expect.that(y.shape == case["grad_out"].shape, f"forward should give shape {tuple(case['grad_out'].shape)}")
    expect.that(y.requires_grad, "the result of apply should take part in autograd")
    return torch.autograd.grad(y, tensors, case["grad_out"], allow_unused=True)


def same_gradients(learner: Any, reference: Any, case: Case) -> None:
    got = gradients(learner.Conv2dFunction.apply, case, leaves(case))
    want = gradients(reference.Conv2dFunction.apply, case, leaves(case))
    for name, one, other in zip(NAMES, got, want, strict=True):
        expect.close(one, other, what=name)


@check("Conv2dFunction", title="forward gives what F.conv2d gives", points=1)
@given(case=convolutions(batch=(1, 2), strides=3, paddings=2))
def test_conv2dfunction_forward(learner, reference, case):
    arguments = case["x"], case["weight"], case["bias"], *sliding(case)
    expect.close(learner.Conv2dFunction.apply(*arguments), reference.Conv2dFunction.apply(*arguments))


@check("Conv2dFunction", title="The three gradients at stride 1 without padding", points=1)
@given(case=convolutions(batch=(1, 2)))
def test_conv2dfunction_gradients(learner, reference, case):
    same_gradients(learner, reference, case)


@check("Conv2dFunction", title="The three gradients with stride and padding, each an int or a pair", points=1.5)
@given(case=convolutions(batch=(1, 2), strides=3, paddings=2, leftover=4))
def test_conv2dfunction_options(learner, reference, case):
    same_gradients(learner, reference, case)


@check("Conv2dFunction", title="bias may be None, forward and backward", points=1)
@given(case=convolutions(batch=(1, 2), strides=2, paddings=1))
def test_conv2dfunction_no_bias(learner, reference, case):
    (x, weight, _), (x2, weight2, _) = leaves(case), leaves(case)
    y = learner.Conv2dFunction.apply(x, weight, None, *sliding(case))
    want = reference.Conv2dFunction.apply(x2, weight2, None, *sliding(case))
    expect.close(y, want)
    expect.that(y.requires_grad, "the result of apply should take part in autograd")
    got = torch.autograd.grad(y, (x, weight), case["grad_out"], allow_unused=True)
    for name, one, other in zip(NAMES, got, torch.autograd.grad(want, (x2, weight2), case["grad_out"]), strict=False):
        expect.close(one, other, what=name)


@check("Conv2dFunction", title="float64: precise, and passes torch.autograd.gradcheck", points=1, examples=6)
@given(
    case=convolutions(batch=(1, 2), kernel=2, strides=2, paddings=1, values=draw.reals, dtype=torch.float64, leftover=2)
)
def test_conv2dfunction_gradcheck(learner, reference, case):
    same_gradients(learner, reference, case)
    stride, padding = sliding(case)

    def convolve(*tensors):
        return learner.Conv2dFunction.apply(*tensors, stride, padding)

    agrees = torch.autograd.gradcheck(convolve, leaves(case), raise_exception=False, nondet_tol=1e-9)
    expect.that(agrees, "torch.autograd.gradcheck finds another gradient when it nudges the inputs one by one")


SINGLE = [(True, False, False), (False, True, False), (False, False, True)]
# Three gradients of tensor operations take a dozen of them or more. With fewer, the work is done elsewhere (in NumPy,
# in Python lists), where nobody counts, and nothing can be said.
COUNTABLE = 8


@check(
    "Conv2dFunction",
    title="needs_input_grad: only the gradients that are asked for are computed",
    points=1,
    examples=10,
)
@given(case=convolutions(batch=(1, 2), strides=2, paddings=1))
def test_conv2dfunction_needs_input_grad(learner, reference, case):
    apply, options = learner.Conv2dFunction.apply, sliding(case)
    everything, most = learner.count_ops_backward(apply, *leaves(case), *options)
    for place, wanted in enumerate(SINGLE):
        alone, ops = learner.count_ops_backward(apply, *leaves(case, wanted), *options)
        fewer = ops < most or most < COUNTABLE
        expect.that(fewer, f"{NAMES[place]} alone costs as many operations as all three gradients together")
        expect.that(
            alone[0] is not None and everything[place] is not None,
            f"{NAMES[place]} should be there when it is asked for, alone or with the others",
        )


@st.composite
def two_calls(pick: Pick) -> tuple[Case, Case]:
    """Two layers. With the same shapes a mix-up gives no error, only wrong numbers."""
    case = pick(convolutions(batch=(1, 2), strides=2, paddings=1))
    if pick(st.booleans()):
        return case, pick(convolutions(strides=2, paddings=1))
    return case, case | {name: pick(draw.tensors(tuple(case[name].shape))) for name in ("x", "weight", "bias")}


@check("Conv2dFunction", title="Two calls in flight at once do not disturb each other", points=1)
@given(cases=two_calls())
def test_conv2dfunction_two_calls(learner, reference, cases):
    results = []
    for function in (learner.Conv2dFunction.apply, reference.Conv2dFunction.apply):
        calls = [(leaves(each), each) for each in cases]
        outputs = [function(*tensors, *sliding(each)) for tensors, each in calls]
        for y, (tensors, each) in zip(outputs, calls, strict=True):
            expect.that(y.shape == each["grad_out"].shape and y.requires_grad, "forward should give F.conv2d's shape")
            results.append(torch.autograd.grad(y, tensors, each["grad_out"], allow_unused=True))
    for got, want in zip(results[:2], results[2:], strict=True):
        for name, one, expected in zip(NAMES, got, want, strict=True):
            expect.close(one, expected, what=name)


@check("Conv2dFunction", title="Any memory layout, inputs unchanged", points=0.5, examples=20)
@given(case=convolutions(batch=(1, 2), strides=2, paddings=1, values=strided))
def test_conv2dfunction_layouts(learner, reference, case):
    arguments = case["x"], case["weight"], case["bias"], *sliding(case)
    expect.unchanged(learner.Conv2dFunction.apply, *arguments)
    same_gradients(learner, reference, case)
