"""Hidden checks of ex01: counts of weights and biases, of dense layers and of convolutions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

# What an error may speak of: everything that is involved, also where a task hands its numbers on to another one.
IMAGE = ["image_shape", "image", "shape", "channel", "height", "width", "size", "dimension", "input"]
NEURONS = ["neuron", "layer", "unit", "feature", "output"]
CHANNELS = ["group", "channel", "filter"]

# A check of errors begins with a call that is fine, whatever it returns: code that always raises has refused nothing.

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies


@st.composite
def pictures(pick: Pick, *, channels: tuple[int, int] = (1, 4)) -> tuple[int, int, int]:
    """(channels, height, width), seldom square."""
    return (pick(draw.ints(*channels)), *pick(draw.sizes(1, 9)))


@st.composite
def networks(pick: Pick, *, hidden: tuple[int, int]) -> Case:
    """Arguments of a perceptron with as many hidden layers as `hidden` allows, without its bias."""
    least, most = hidden
    layers = pick(st.lists(draw.ints(1, 7), min_size=least, max_size=most))
    return {"image_shape": pick(pictures()), "hidden": layers, "num_classes": pick(draw.ints(1, 7))}


@st.composite
def convolutions(pick: Pick, *, kernel: st.SearchStrategy[Any], groups: tuple[int, int] | None = None) -> Case:
    """Arguments of a convolution whose groups fit, without its bias; no groups: the default, or a 1 that is given."""
    parts = pick(draw.ints(*groups)) if groups else 1
    ins, outs = parts * pick(draw.ints(1, 4)), parts * pick(draw.ints(1, 4))
    case: Case = {"in_channels": ins, "out_channels": outs, "kernel_size": pick(kernel)}
    return case | ({"groups": parts} if groups else {})


# dense_weights_per_neuron


@check("dense_weights_per_neuron", title="A grey picture: one weight for each pixel", points=0.75)
@given(image_shape=pictures(channels=(1, 1)))
def test_dense_weights_per_neuron_grey(learner, reference, image_shape):
    expect.equal(learner.dense_weights_per_neuron(image_shape), reference.dense_weights_per_neuron(image_shape))


@check("dense_weights_per_neuron", title="Several channels: one weight for each pixel of each channel", points=0.75)
@given(image_shape=pictures(channels=(2, 5)))
def test_dense_weights_per_neuron_channels(learner, reference, image_shape):
    expect.equal(learner.dense_weights_per_neuron(image_shape), reference.dense_weights_per_neuron(image_shape))


@check("dense_weights_per_neuron", title="A negative size is a ValueError that names it", points=0.25)
def test_dense_weights_per_neuron_negative(learner, reference):
    learner.dense_weights_per_neuron((3, 5, 4))
    for image_shape in ((3, -5, 4), (3, 5, -4), (-3, 5, 4)):
        expect.value_error(learner.dense_weights_per_neuron, image_shape, about=IMAGE)


@check("dense_weights_per_neuron", title="Two negative sizes do not make up for each other", points=0.25)
def test_dense_weights_per_neuron_two_negative(learner, reference):
    learner.dense_weights_per_neuron((3, 5, 4))
    expect.value_error(learner.dense_weights_per_neuron, (3, -5, -4), about=IMAGE)


# dense_parameter_count


@check("dense_parameter_count", title="Without bias: every neuron has its own weights", points=0.75)
@given(neurons=draw.ints(1, 9), image_shape=pictures())
def test_dense_parameter_count_weights(learner, reference, neurons, image_shape):
    got = learner.dense_parameter_count(image_shape, neurons, bias=False)
    expect.equal(got, reference.dense_parameter_count(image_shape, neurons, bias=False))


@check("dense_parameter_count", title="With bias: one more for every neuron", points=0.75)
@given(neurons=draw.ints(1, 9), image_shape=pictures())
def test_dense_parameter_count_bias(learner, reference, neurons, image_shape):
    got = learner.dense_parameter_count(image_shape, neurons, bias=True)
    expect.equal(got, reference.dense_parameter_count(image_shape, neurons, bias=True))


@check("dense_parameter_count", title="Where nothing is said of a bias, there is one", points=0.5)
@given(neurons=draw.ints(1, 9), image_shape=pictures())
def test_dense_parameter_count_default(learner, reference, neurons, image_shape):
    got = learner.dense_parameter_count(image_shape, neurons)
    expect.equal(got, reference.dense_parameter_count(image_shape, neurons))


@check("dense_parameter_count", title="A layer that sees a small photo: the large number is exact", points=0.5)
def test_dense_parameter_count_photo(learner, reference):
    # An odd number above 2**24, which float32 cannot hold; small enough to be counted weight by weight.
    got = learner.dense_parameter_count((3, 63, 65), 1367, False)
    expect.equal(got, reference.dense_parameter_count((3, 63, 65), 1367, False))


@check("dense_parameter_count", title="A negative number is a ValueError that names the argument", points=0.5)
def test_dense_parameter_count_negative(learner, reference):
    learner.dense_parameter_count((3, 5, 4), 2)
    expect.value_error(learner.dense_parameter_count, (3, 5, 4), -2, about=NEURONS)
    expect.value_error(learner.dense_parameter_count, (3, 5, -4), 2, about=IMAGE)


# mlp_parameter_count


@check("mlp_parameter_count", title="One hidden layer, without bias", points=0.75)
@given(case=networks(hidden=(1, 1)))
def test_mlp_parameter_count_weights(learner, reference, case):
    expect.equal(learner.mlp_parameter_count(**case, bias=False), reference.mlp_parameter_count(**case, bias=False))


@check("mlp_parameter_count", title="One hidden layer, with its biases and those of the classes", points=0.75)
@given(case=networks(hidden=(1, 1)))
def test_mlp_parameter_count_bias(learner, reference, case):
    expect.equal(learner.mlp_parameter_count(**case), reference.mlp_parameter_count(**case))


@check("mlp_parameter_count", title="Several hidden layers: each sees the one before it", points=1)
@given(case=networks(hidden=(2, 4)))
def test_mlp_parameter_count_deep(learner, reference, case):
    expect.equal(learner.mlp_parameter_count(**case, bias=False), reference.mlp_parameter_count(**case, bias=False))


@check("mlp_parameter_count", title="Any number of layers, all four arguments in order", points=0.75)
@given(case=networks(hidden=(0, 4)), bias=st.booleans())
def test_mlp_parameter_count_all(learner, reference, case, bias):
    arguments = (*case.values(), bias)
    expect.equal(learner.mlp_parameter_count(*arguments), reference.mlp_parameter_count(*arguments))


@check("mlp_parameter_count", title="No hidden layer: the picture goes straight to the classes", points=0.75)
@given(case=networks(hidden=(0, 0)))
def test_mlp_parameter_count_no_hidden(learner, reference, case):
    expect.equal(learner.mlp_parameter_count(**case), reference.mlp_parameter_count(**case))


@check("mlp_parameter_count", title="The caller's list of hidden layers stays as it is", points=0.5)
@given(case=networks(hidden=(0, 3)))
def test_mlp_parameter_count_unchanged(learner, reference, case):
    expect.unchanged(learner.mlp_parameter_count, **case)


@check("mlp_parameter_count", title="A negative number is a ValueError that names the argument", points=0.5)
def test_mlp_parameter_count_negative(learner, reference):
    learner.mlp_parameter_count((3, 5, 4), [6, 2], 3)
    expect.value_error(learner.mlp_parameter_count, (3, -5, 4), [6, 2], 3, about=IMAGE)
    expect.value_error(learner.mlp_parameter_count, (3, 5, 4), [6, 2], -3, about=["class", *NEURONS, "size"])
    expect.value_error(learner.mlp_parameter_count, (3, 5, 4), [6, -2], 3, about=["hidden", *NEURONS, *IMAGE])


# conv_parameter_count


@check("conv_parameter_count", title="Filters with a square kernel, without bias", points=1)
@given(case=convolutions(kernel=draw.ints(1, 7)))
def test_conv_parameter_count_weights(learner, reference, case):
    expect.equal(learner.conv_parameter_count(**case, bias=False), reference.conv_parameter_count(**case, bias=False))


@check("conv_parameter_count", title="With bias, also where nothing is said of it: one for every filter", points=1)
@given(case=convolutions(kernel=draw.ints(1, 7)), named=st.booleans())
def test_conv_parameter_count_bias(learner, reference, case, named):
    case = case | ({"bias": True} if named else {})
    expect.equal(learner.conv_parameter_count(**case), reference.conv_parameter_count(**case))


@check("conv_parameter_count", title="A kernel that is not square: (height, width)", points=1)
@given(case=convolutions(kernel=draw.sizes(1, 7)))
def test_conv_parameter_count_pair(learner, reference, case):
    expect.equal(learner.conv_parameter_count(**case), reference.conv_parameter_count(**case))


@check("conv_parameter_count", title="Groups, without bias: each filter sees the channels of its group", points=1)
@given(case=convolutions(kernel=draw.ints(1, 4), groups=(1, 4)))
def test_conv_parameter_count_groups(learner, reference, case):
    expect.equal(learner.conv_parameter_count(**case, bias=False), reference.conv_parameter_count(**case, bias=False))


@check("conv_parameter_count", title="All five arguments, given in order", points=0.5)
@given(case=convolutions(kernel=st.one_of(draw.ints(1, 5), draw.sizes(1, 5)), groups=(1, 4)), bias=st.booleans())
def test_conv_parameter_count_all(learner, reference, case, bias):
    arguments = (*case.values(), bias)
    expect.equal(learner.conv_parameter_count(*arguments), reference.conv_parameter_count(*arguments))


@check("conv_parameter_count", title="Groups that do not divide both channel counts are a ValueError", points=1)
@given(groups=draw.ints(2, 4), whole=draw.ints(1, 3), rest=draw.ints(1, 3), other=draw.ints(1, 3), outs=st.booleans())
def test_conv_parameter_count_indivisible(learner, reference, groups, whole, rest, other, outs):
    uneven = groups * whole + min(rest, groups - 1)
    pair = (groups * other, uneven) if outs else (uneven, groups * other)
    learner.conv_parameter_count(4, 6, 3, groups=2)
    expect.value_error(learner.conv_parameter_count, *pair, 3, groups=groups, about=CHANNELS)


@check("conv_parameter_count", title="A negative number is a ValueError that names the argument", points=0.5)
def test_conv_parameter_count_negative(learner, reference):
    learner.conv_parameter_count(3, 5, (3, 2))
    expect.value_error(learner.conv_parameter_count, -3, 5, 3, about=["channel", "input"])
    expect.value_error(learner.conv_parameter_count, 3, -5, 3, about=["channel", "filter", "output"])
    expect.value_error(learner.conv_parameter_count, 3, 5, -3, about=["kernel", "size"])
    expect.value_error(learner.conv_parameter_count, 3, 5, (3, -2), about=["kernel", "size"])
