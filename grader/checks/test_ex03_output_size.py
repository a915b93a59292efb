"""Hidden checks of ex03: sizes along one axis, and a whole network's shapes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

# What an error about a window that does not fit may speak of: everything is involved.
ANY = ["size", "kernel", "stride", "padding", "pad", "dilation", "output", "window"]

# A check of errors begins with a call that is fine, whatever it returns: code that always raises has refused nothing.

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies


def reach(kernel_size: int, dilation: int) -> int:
    """Elements from the first to the last that a window touches."""
    return dilation * (kernel_size - 1) + 1


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@st.composite
def windows(
    pick: Pick, *, strides: tuple[int, int] | None = None, paddings: int = 0, dilations: int = 1, pool: bool = False
) -> Case:
    """Arguments, in signature order, for which at least one window fits. What is not varied is left out."""
    case: Case = {"size": 0, "kernel_size": pick(draw.ints(1, 5))}
    if strides:
        case["stride"] = pick(draw.ints(*strides))
    if paddings:
        case["padding"] = pick(draw.ints(0, case["kernel_size"] // 2 if pool else paddings))
    if dilations > 1:
        case["dilation"] = pick(draw.ints(1, dilations))
    least = reach(case["kernel_size"], case.get("dilation", 1)) - 2 * case.get("padding", 0)
    case["size"] = pick(draw.ints(max(1, least), max(1, least) + 15))
    return case


@st.composite
def misfits(pick: Pick, *, pool: bool = False) -> Case:
    """Arguments in range for which the window covers more than the padded axis, often by less than a stride."""
    size, dilation = pick(draw.ints(1, 4)), pick(draw.ints(1, 2))
    padding = 0 if pool else pick(draw.ints(0, 2))
    kernel_size = ceil_div(size + 2 * padding, dilation) + 1 + pick(draw.ints(0, 2))
    stride = pick(draw.ints(1, 4))
    return {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}


# conv_output_size


@check("conv_output_size", title="Kernel and padding at stride 1", points=1)
@given(case=windows(paddings=3))
def test_conv_output_size_padding(learner, reference, case):
    expect.equal(learner.conv_output_size(**case), reference.conv_output_size(**case))


@check("conv_output_size", title="Strides, also where the last step does not fit", points=1)
@given(case=windows(strides=(1, 5), paddings=3))
def test_conv_output_size_stride(learner, reference, case):
    expect.equal(learner.conv_output_size(**case), reference.conv_output_size(**case))


@check("conv_output_size", title="A dilated kernel", points=0.5)
@given(case=windows(dilations=4))
def test_conv_output_size_dilation(learner, reference, case):
    expect.equal(learner.conv_output_size(**case), reference.conv_output_size(**case))


@check("conv_output_size", title="All five arguments, given in order", points=0.5)
@given(case=windows(strides=(1, 4), paddings=3, dilations=3))
def test_conv_output_size_all(learner, reference, case):
    arguments = tuple(case.values())
    expect.equal(learner.conv_output_size(*arguments), reference.conv_output_size(*arguments))


@check("conv_output_size", title="A window that does not fit is a ValueError", points=0.5)
@given(case=misfits())
def test_conv_output_size_no_fit(learner, reference, case):
    learner.conv_output_size(5, 3)
    expect.value_error(learner.conv_output_size, about=ANY, **case)


@check("conv_output_size", title="Arguments out of range are a ValueError that names them", points=0.5)
def test_conv_output_size_range(learner, reference):
    learner.conv_output_size(7, 3)
    expect.value_error(learner.conv_output_size, 7, 3, about=["stride"], stride=0)
    expect.value_error(learner.conv_output_size, 7, 3, about=["stride"], stride=-2)
    expect.value_error(learner.conv_output_size, 7, 3, about=["padding", "pad"], padding=-1)
    expect.value_error(learner.conv_output_size, 7, 0, about=["kernel"])
    expect.value_error(learner.conv_output_size, 7, 3, about=["dilation"], dilation=0)
    expect.value_error(learner.conv_output_size, -2, 1, about=["size", "padding", "kernel"], padding=3)


# same_padding


@check("same_padding", title="Odd kernels", points=1)
@given(half=draw.ints(0, 6))
def test_same_padding_odd(learner, reference, half):
    expect.equal(learner.same_padding(2 * half + 1), reference.same_padding(2 * half + 1))


@check("same_padding", title="Odd kernels with dilation", points=0.5)
@given(half=draw.ints(0, 4), dilation=draw.ints(1, 5))
def test_same_padding_dilation(learner, reference, half, dilation):
    kernel_size = 2 * half + 1
    expect.equal(learner.same_padding(kernel_size, dilation), reference.same_padding(kernel_size, dilation))


@check("same_padding", title="Even kernels, where the dilation makes a symmetric padding possible", points=0.5)
@given(half=draw.ints(1, 4), half_dilation=draw.ints(1, 3))
def test_same_padding_even(learner, reference, half, half_dilation):
    kernel_size, dilation = 2 * half, 2 * half_dilation
    got = learner.same_padding(kernel_size=kernel_size, dilation=dilation)
    expect.equal(got, reference.same_padding(kernel_size, dilation))


@check("same_padding", title="Where no symmetric padding exists: a ValueError", points=0.5)
@given(half=draw.ints(1, 4), half_dilation=draw.ints(0, 2))
def test_same_padding_impossible(learner, reference, half, half_dilation):
    learner.same_padding(3)
    expect.value_error(learner.same_padding, 2 * half, 2 * half_dilation + 1, about=["kernel", "dilation", "padding"])


@check("same_padding", title="Arguments out of range are a ValueError that names them", points=0.5)
def test_same_padding_range(learner, reference):
    learner.same_padding(3)
    expect.value_error(learner.same_padding, -1, about=["kernel"])
    expect.value_error(learner.same_padding, 3, about=["dilation"], dilation=0)
    expect.value_error(learner.same_padding, 3, about=["dilation"], dilation=-2)


# pool_output_size


@st.composite
def hanging(pick: Pick, *, kept: bool) -> Case:
    """Ceil mode with a first window that fits; the last one starts before the right padding (`kept`) or not.

    Window n is the last candidate: window n - 1 ends inside the padded input, n ends at its end or beyond.
    """
    kernel_size = pick(draw.ints(1, 4))
    padding = pick(draw.ints(0, kernel_size // 2))
    dilation = pick(draw.ints(1, 2))
    n = pick(draw.ints(1, 3))
    covers = reach(kernel_size, dilation)
    least = 1 if kept else covers - padding + 1  # a shorter stride cannot jump over the input's end
    stride = pick(draw.ints(least, least + (4 if kept else 2)))
    first = max(1, (n - 1) * stride + covers - 2 * padding + 1)
    if kept:
        first = max(first, n * stride - padding + 1)
        last = n * stride + covers - 2 * padding
    else:
        last = n * stride - padding
    size = pick(draw.ints(first, max(first, last)))
    return {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}


@check("pool_output_size", title="Windows that touch: without a stride, the stride is the kernel size", points=1)
@given(case=windows(dilations=2), named=st.booleans())
def test_pool_output_size_default(learner, reference, case, named):
    if named:
        case = {**case, "stride": None}
    expect.equal(learner.pool_output_size(**case), reference.pool_output_size(**case))


@check("pool_output_size", title="A stride of its own: overlapping windows and gaps between them", points=0.5)
@given(case=windows(strides=(1, 6)))
def test_pool_output_size_stride(learner, reference, case):
    expect.equal(learner.pool_output_size(**case), reference.pool_output_size(**case))


@check("pool_output_size", title="Padding, up to half of the kernel", points=0.5)
@given(case=windows(strides=(1, 3), paddings=1, pool=True))
def test_pool_output_size_padding(learner, reference, case):
    expect.equal(learner.pool_output_size(**case), reference.pool_output_size(**case))


@check("pool_output_size", title="A dilated window", points=0.5)
@given(case=windows(strides=(1, 3), paddings=1, dilations=3, pool=True))
def test_pool_output_size_dilation(learner, reference, case):
    arguments = tuple(case.values())
    expect.equal(learner.pool_output_size(*arguments), reference.pool_output_size(*arguments))


@check("pool_output_size", title="Ceil mode: a last window that hangs over the end counts", points=1)
@given(case=hanging(kept=True))
def test_pool_output_size_ceil(learner, reference, case):
    got = learner.pool_output_size(**case, ceil_mode=True)
    expect.equal(got, reference.pool_output_size(**case, ceil_mode=True))


@check("pool_output_size", title="Ceil mode: a last window that starts beyond the input does not count", points=0.5)
@given(case=hanging(kept=False))
def test_pool_output_size_last_window(learner, reference, case):
    arguments = (*case.values(), True)
    expect.equal(learner.pool_output_size(*arguments), reference.pool_output_size(*arguments))


@check("pool_output_size", title="A padding of more than half of the kernel is a ValueError", points=0.5)
@given(kernel_size=draw.ints(1, 5), more=draw.ints(1, 2), dilation=draw.ints(1, 2), size=draw.ints(10, 20))
def test_pool_output_size_padding_limit(learner, reference, kernel_size, more, dilation, size):
    padding = kernel_size // 2 + more
    case = {"size": size, "kernel_size": kernel_size, "padding": padding, "dilation": dilation}
    learner.pool_output_size(6, 2)
    expect.value_error(learner.pool_output_size, about=["padding", "pad", "kernel"], **case)


@check("pool_output_size", title="A window that does not fit, arguments out of range: a ValueError", points=0.5)
@given(case=misfits(pool=True))
def test_pool_output_size_errors(learner, reference, case):
    learner.pool_output_size(6, 2)
    expect.value_error(learner.pool_output_size, about=ANY, **case)
    expect.value_error(learner.pool_output_size, 7, 2, about=["stride"], stride=0)
    expect.value_error(learner.pool_output_size, 7, 2, about=["padding", "pad"], padding=-1)
    expect.value_error(learner.pool_output_size, 7, 0, about=["kernel"], stride=1)
    expect.value_error(learner.pool_output_size, 7, 2, about=["dilation"], dilation=0)
    expect.value_error(learner.pool_output_size, 0, 2, about=ANY, padding=1)


# conv_transpose_output_size


@st.composite
def stamps(
    pick: Pick, *, strides: int = 1, paddings: int = 0, output_padding: bool = False, dilations: int = 1
) -> Case:
    """Arguments of a transposed convolution, in signature order, with at least one output."""
    case: Case = {"size": 0, "kernel_size": pick(draw.ints(1, 4))}
    case["stride"] = pick(draw.ints(1, strides))
    dilation = pick(draw.ints(1, dilations))
    if paddings:
        case["padding"] = pick(draw.ints(0, paddings))
    if output_padding:
        case["output_padding"] = pick(draw.ints(0, max(case["stride"], dilation) - 1))
    if dilations > 1:
        case["dilation"] = dilation
    cut = 2 * case.get("padding", 0) + 1 - reach(case["kernel_size"], dilation)
    least = 1 + max(0, ceil_div(cut, case["stride"]))
    case["size"] = pick(draw.ints(least, least + 6))
    return case


@check("conv_transpose_output_size", title="Kernel and stride", points=1)
@given(case=stamps(strides=4))
def test_conv_transpose_output_size_stride(learner, reference, case):
    if case["stride"] == 1:
        del case["stride"]  # the default
    expect.equal(learner.conv_transpose_output_size(**case), reference.conv_transpose_output_size(**case))


@check("conv_transpose_output_size", title="Padding makes the output smaller", points=0.5)
@given(case=stamps(strides=3, paddings=3))
def test_conv_transpose_output_size_padding(learner, reference, case):
    expect.equal(learner.conv_transpose_output_size(**case), reference.conv_transpose_output_size(**case))


@check("conv_transpose_output_size", title="Output padding below the stride", points=0.5)
@given(case=stamps(strides=4, output_padding=True))
def test_conv_transpose_output_size_output_padding(learner, reference, case):
    expect.equal(learner.conv_transpose_output_size(**case), reference.conv_transpose_output_size(**case))


@check("conv_transpose_output_size", title="A dilated kernel", points=0.5)
@given(case=stamps(strides=2, dilations=4))
def test_conv_transpose_output_size_dilation(learner, reference, case):
    expect.equal(learner.conv_transpose_output_size(**case), reference.conv_transpose_output_size(**case))


@check("conv_transpose_output_size", title="All six arguments, given in order", points=0.5)
@given(case=stamps(strides=3, paddings=2, output_padding=True, dilations=3))
def test_conv_transpose_output_size_all(learner, reference, case):
    arguments = tuple(case.values())
    got = learner.conv_transpose_output_size(*arguments)
    expect.equal(got, reference.conv_transpose_output_size(*arguments))


@check("conv_transpose_output_size", title="Too much output padding is a ValueError", points=0.5)
@given(stride=draw.ints(1, 3), dilation=draw.ints(1, 3), more=st.sampled_from([1, 0]), size=draw.ints(2, 5))
def test_conv_transpose_output_size_output_padding_limit(learner, reference, stride, dilation, more, size):
    learner.conv_transpose_output_size(4, 3)
    expect.value_error(
        learner.conv_transpose_output_size,
        size,
        3,
        about=["output_padding", "output padding", "stride", "dilation"],
        stride=stride,
        output_padding=max(stride, dilation) + more,
        dilation=dilation,
    )


@check("conv_transpose_output_size", title="No output left, arguments out of range: a ValueError", points=0.5)
@given(kernel_size=draw.ints(1, 4), more=draw.ints(0, 1))
def test_conv_transpose_output_size_errors(learner, reference, kernel_size, more):
    learner.conv_transpose_output_size(4, 3)
    padding = (kernel_size + 1) // 2 + more
    expect.value_error(learner.conv_transpose_output_size, 1, kernel_size, about=ANY, padding=padding)
    expect.value_error(learner.conv_transpose_output_size, 5, 3, about=["stride"], stride=0)
    expect.value_error(learner.conv_transpose_output_size, 5, 3, about=["padding", "pad"], padding=-1)
    expect.value_error(learner.conv_transpose_output_size, 5, 0, about=["kernel"])
    expect.value_error(learner.conv_transpose_output_size, -1, 9, about=["size", "kernel"])
    expect.value_error(learner.conv_transpose_output_size, 5, 3, about=["dilation"], dilation=0)
    expect.value_error(
        learner.conv_transpose_output_size, 5, 3, about=["output_padding", "output padding", "pad"], output_padding=-1
    )


# receptive_field


def stacks(strides: tuple[int, int], most: int = 4) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(draw.ints(1, 5), draw.ints(*strides)), min_size=1, max_size=most)


@check("receptive_field", title="A stack of layers with stride 1", points=1)
@given(layers=stacks((1, 1)))
def test_receptive_field_stride_one(learner, reference, layers):
    expect.equal(learner.receptive_field(layers), reference.receptive_field(layers))


@check("receptive_field", title="Layers with strides", points=1)
@given(layers=stacks((1, 3)))
def test_receptive_field_strides(learner, reference, layers):
    expect.equal(learner.receptive_field(layers), reference.receptive_field(layers))


@check("receptive_field", title="Without layers, an element sees itself", points=0.25)
def test_receptive_field_no_layers(learner, reference):
    expect.equal(learner.receptive_field([]), 1)


@check("receptive_field", title="The list of layers stays as it is", points=0.25)
@given(layers=stacks((1, 2)))
def test_receptive_field_unchanged(learner, reference, layers):
    expect.that(learner.receptive_field(layers), "receptive_field should return how many elements are seen")
    expect.unchanged(learner.receptive_field, layers)


@check("receptive_field", title="A kernel or a stride out of range is a ValueError", points=0.5)
def test_receptive_field_range(learner, reference):
    learner.receptive_field([(3, 1)])
    expect.value_error(learner.receptive_field, [(0, 1)], about=["kernel", "layer"])
    expect.value_error(learner.receptive_field, [(3, 0), (3, 1)], about=["stride", "layer"])
    expect.value_error(learner.receptive_field, [(3, 1), (-2, 1)], about=["kernel", "layer"])
    expect.value_error(learner.receptive_field, [(3, -1), (3, 1)], about=["stride", "layer"])


# trace_shapes


@st.composite
def conv_layers(pick: Pick) -> Case:
    layer = {"type": "conv", "out_channels": pick(draw.ints(1, 4)), "kernel_size": pick(draw.ints(1, 4))}
    options = {"stride": draw.ints(1, 3), "padding": draw.ints(0, 2), "dilation": draw.ints(1, 3)}
    return layer | pick(st.fixed_dictionaries({}, optional=options))


@st.composite
def pool_layers(pick: Pick) -> Case:
    kind, kernel_size = pick(st.sampled_from(["max_pool", "avg_pool"])), pick(draw.ints(1, 4))
    strides = st.one_of(draw.ints(1, 4), st.none())
    options = {"stride": strides, "padding": draw.ints(0, kernel_size // 2)}
    return {"type": kind, "kernel_size": kernel_size} | pick(st.fixed_dictionaries({}, optional=options))


def needed(layers: list[Case]) -> int:
    """The least size from which one element is left after all layers, worked out from the last to the first."""
    size = 1
    for layer in reversed(layers):
        stride = layer.get("stride") or (1 if layer["type"] == "conv" else layer["kernel_size"])
        covers = reach(layer["kernel_size"], layer.get("dilation", 1))
        size = max(1, (size - 1) * stride + covers - 2 * layer.get("padding", 0))
    return size


@st.composite
def networks(pick: Pick, layer: st.SearchStrategy[Case], *, most: int) -> Case:
    """Layers, and an input shape that they fit, each axis on its own."""
    layers = pick(st.lists(layer, min_size=1, max_size=most))
    least = needed(layers)
    channels, height, width = (pick(draw.ints(low, low + 8)) for low in (1, least, least))
    return {"input_shape": (channels, height, width), "layers": layers}


@st.composite
def flattened(pick: Pick) -> Case:
    """A flatten behind and before 1x1 convolutions, so that no other layer's arithmetic takes part."""
    pointwise = st.fixed_dictionaries(
        {"type": st.just("conv"), "out_channels": draw.ints(1, 9), "kernel_size": st.just(1)}
    )
    before, after = pick(st.lists(pointwise, max_size=1)), pick(st.lists(pointwise, max_size=2))
    shape = pick(st.tuples(draw.ints(1, 3), draw.ints(1, 6), draw.ints(1, 6)))
    return {"input_shape": shape, "layers": [*before, {"type": "flatten"}, *after]}


PLAIN = (3, 8, 8), [{"type": "conv", "out_channels": 2, "kernel_size": 1}]


def same_trace(learner: Any, reference: Any, case: Case) -> None:
    shape, layers = case["input_shape"], case["layers"]
    want = reference.trace_shapes(shape, layers)
    expect.equal(learner.trace_shapes(shape, layers), want)


@check("trace_shapes", title="A convolution: its filters are the new channels", points=1)
@given(case=networks(conv_layers(), most=1))
def test_trace_shapes_conv(learner, reference, case):
    same_trace(learner, reference, case)


@check("trace_shapes", title="Pooling, max and mean: channels stay", points=1)
@given(case=networks(pool_layers(), most=1))
def test_trace_shapes_pool(learner, reference, case):
    same_trace(learner, reference, case)


@check("trace_shapes", title="Flatten: everything becomes channels, and the network may go on", points=0.5)
@given(case=flattened())
def test_trace_shapes_flatten(learner, reference, case):
    same_trace(learner, reference, case)


@check("trace_shapes", title="A whole network: each layer works on the shape before it", points=0.5)
@given(case=networks(st.one_of(conv_layers(), pool_layers()), most=4))
def test_trace_shapes_network(learner, reference, case):
    same_trace(learner, reference, case)


@check("trace_shapes", title="Defaults that are written out mean what absent keys mean", points=0.5)
@given(size=draw.ints(4, 9), kernel_size=draw.ints(1, 4), kind=st.sampled_from(["max_pool", "avg_pool"]))
def test_trace_shapes_defaults(learner, reference, size, kernel_size, kind):
    conv = {"type": "conv", "out_channels": 2, "kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
    pool = {"type": kind, "kernel_size": kernel_size, "stride": None, "padding": 0}
    same_trace(learner, reference, {"input_shape": (1, size, size + 1), "layers": [conv, pool]})


@check("trace_shapes", title="A network without layers has no shapes to list", points=0.25)
@given(channels=draw.ints(1, 3), height=draw.ints(1, 5), width=draw.ints(1, 5))
def test_trace_shapes_no_layers(learner, reference, channels, height, width):
    expect.equal(learner.trace_shapes((channels, height, width), []), [])


@check("trace_shapes", title="An unknown type of layer is a ValueError", points=0.25)
@given(kind=st.sampled_from(["relu", "conv3d", "pool", ""]))
def test_trace_shapes_unknown_type(learner, reference, kind):
    learner.trace_shapes(*PLAIN)
    about = ["type", "layer", *filter(None, [kind])]
    expect.value_error(learner.trace_shapes, (3, 8, 8), [{"type": kind, "kernel_size": 1}], about=about)


@check("trace_shapes", title="A missing key is a ValueError", points=0.5)
def test_trace_shapes_missing_key(learner, reference):
    learner.trace_shapes(*PLAIN)
    about = ["type", "kernel_size", "kernel", "out_channels", "layer", "key"]
    for layer in (
        {"type": "conv", "kernel_size": 3},
        {"type": "conv", "out_channels": 4},
        {"type": "max_pool", "stride": 2},
        {"type": "avg_pool"},
        {"kernel_size": 2},
    ):
        expect.value_error(learner.trace_shapes, (3, 8, 8), [layer], about=about)


@check("trace_shapes", title="An unknown key is a ValueError, also one that belongs to another type", points=0.5)
def test_trace_shapes_unknown_key(learner, reference):
    learner.trace_shapes(*PLAIN)
    for key, layer in (
        ("strides", {"type": "conv", "out_channels": 4, "kernel_size": 3, "strides": 2}),
        ("ceil_mode", {"type": "max_pool", "kernel_size": 2, "ceil_mode": True}),
        ("dilation", {"type": "max_pool", "kernel_size": 2, "dilation": 1}),
        ("out_channels", {"type": "avg_pool", "kernel_size": 2, "out_channels": 3}),
        ("kernel_size", {"type": "flatten", "kernel_size": 1}),
    ):
        expect.value_error(learner.trace_shapes, (3, 8, 8), [layer], about=[key, "key", "layer", "argument"])


@check("trace_shapes", title="A layer that does not fit, numbers out of range: a ValueError", points=0.5)
@given(case=networks(pool_layers(), most=2), wide=st.booleans())
def test_trace_shapes_no_fit(learner, reference, case, wide):
    learner.trace_shapes(*PLAIN)
    channels, height, width = case["input_shape"]
    too_large = (height if wide else width) + 1  # it may fit one axis: it has to fit both
    shape = (channels, height, max(width, too_large)) if wide else (channels, max(height, too_large), width)
    layers = [{"type": "conv", "out_channels": 1, "kernel_size": too_large}, *case["layers"]]
    about = [*ANY, "layer", "shape", "height", "width"]
    expect.value_error(learner.trace_shapes, shape, layers, about=about)
    expect.value_error(learner.trace_shapes, (1, 5, -1), case["layers"], about=about)
    stuck = {"type": "max_pool", "kernel_size": 2, "stride": 0}
    expect.value_error(learner.trace_shapes, (1, 5, 5), [stuck], about=["stride", "layer"])
    expect.value_error(learner.trace_shapes, (1, 5, -1), [{"type": "flatten"}], about=about)
    for filters in (-2, 0):
        layer = {"type": "conv", "out_channels": filters, "kernel_size": 1}
        expect.value_error(learner.trace_shapes, (1, 5, 5), [layer], about=["channel", "filter", "layer", "output"])


@check("trace_shapes", title="The caller's list and dicts stay as they are", points=0.5)
@given(case=networks(st.one_of(conv_layers(), pool_layers()), most=3))
def test_trace_shapes_unchanged(learner, reference, case):
    got = learner.trace_shapes(case["input_shape"], case["layers"])
    expect.that(got, "trace_shapes should return the list of shapes")
    expect.unchanged(learner.trace_shapes, case["input_shape"], case["layers"])
