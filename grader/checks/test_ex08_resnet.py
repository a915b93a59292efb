"""Hidden checks of ex08: residual blocks, the network made of them, its plain rival, and the look at the gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from grader.checker import check, expect, lab
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task
from grader.errors import LearnerRaised

# What an error about the arguments of a block may speak of: "channels" can mean any of them.
ARGUMENTS = ["channel", "width", "planes", "stride", "filter", "feature"]

Case = dict[str, Any]
Shapes = dict[str, tuple[int, ...]]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Layer = tuple[str, str, int, int, int]  # convolution, its batch normalization, input channels, filters, kernel
SEEDS = st.integers(0, 2**16)


def expansion(task: str) -> int:
    return 4 if task == "Bottleneck" else 1


def layers_of(task: str, ins: int, width: int, stride: int = 1) -> list[Layer]:
    """The convolutions that the statement promises, each with the batch normalization behind it."""
    outs = expansion(task) * width
    if task == "Bottleneck":
        found = [("conv1", "bn1", ins, width, 1), ("conv2", "bn2", width, width, 3), ("conv3", "bn3", width, outs, 1)]
    else:
        found = [("conv1", "bn1", ins, width, 3), ("conv2", "bn2", width, width, 3)]
    if task != "PlainBlock" and (stride != 1 or ins != outs):
        found.append(("downsample.0", "downsample.1", ins, outs, 1))
    return found


def normalization_shapes(name: str, channels: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def block_shapes(task: str, arguments: Sequence[int], prefix: str = "") -> Shapes:
    """The state_dict of a block: name → shape."""
    shapes: Shapes = {}
    for conv, norm, ins, outs, side in layers_of(task, *arguments):
        shapes[f"{prefix}{conv}.weight"] = (outs, ins, side, side)
        shapes |= normalization_shapes(prefix + norm, outs)
    return shapes


def network_shapes(kind: str, layers: Sequence[int], num_classes: int = 1000, in_channels: int = 3) -> Shapes:
    """The state_dict of a ResNet: name → shape."""
    task = {"basic": "BasicBlock", "bottleneck": "Bottleneck"}[kind]
    shapes: Shapes = {"conv1.weight": (64, in_channels, 7, 7)} | normalization_shapes("bn1", 64)
    channels = 64
    for number, (width, count) in enumerate(zip((64, 128, 256, 512), layers, strict=True), start=1):
        for place in range(count):
            stride = 2 if place == 0 and number > 1 else 1
            shapes |= block_shapes(task, (channels, width, stride), f"layer{number}.{place}.")
            channels = expansion(task) * width
    return shapes | {"fc.weight": (num_classes, channels), "fc.bias": (num_classes,)}


def values_for(shapes: Shapes, seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Values that no network begins with: every scale, offset and statistic differs from every other.

    Convolutions keep the size of what passes through them, so that a deep network neither dies out nor explodes.
    """
    bits = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = {}
    for name, shape in shapes.items():
        spread = torch.rand(shape, generator=bits, dtype=torch.float32) * 2 - 1
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(3)
        elif name.endswith("running_var"):
            state[name] = (1 + 0.6 * spread).to(dtype)
        elif len(shape) > 1:
            state[name] = (spread * math.sqrt(4 / math.prod(shape[1:]))).to(dtype)
        elif name.endswith("weight"):
            state[name] = ((1 + spread.abs()) * torch.where(spread < -0.4, -1, 1)).to(dtype)  # some are negative
        else:
            state[name] = (0.5 * spread).to(dtype)
    return state


# What blocks are made with: (in_channels, out_channels or width, stride); without a stride it is 1

Arguments = tuple[int, ...]


@st.composite
def same_shape(pick: Pick, task: str) -> Arguments:
    """The shortcut can be the input itself."""
    width = pick(draw.ints(1, 2 if task == "Bottleneck" else 4))
    return expansion(task) * width, width, *pick(st.sampled_from([(), (1,)]))


@st.composite
def other_channels(pick: Pick, task: str) -> Arguments:
    """The number of channels changes, height and width stay. Also in_channels = width, which a bottleneck widens."""
    ins, width = pick(draw.ints(1, 4)), pick(draw.ints(1, 3))
    assume(ins != expansion(task) * width)
    return ins, width, 1


@st.composite
def strided(pick: Pick, task: str) -> Arguments:
    """The stride changes height and width, the number of channels stays."""
    width = pick(draw.ints(1, 2 if task == "Bottleneck" else 3))
    return expansion(task) * width, width, pick(draw.ints(2, 3))


@st.composite
def any_arguments(pick: Pick, task: str) -> Arguments:
    way = pick(st.sampled_from([same_shape, other_channels, strided, None]))
    if way is not None:
        return pick(way(task))
    return pick(draw.ints(1, 4)), pick(draw.ints(1, 2)), pick(draw.ints(1, 2))


@st.composite
def blocks(
    pick: Pick,
    task: str,
    *,
    of: Any = any_arguments,
    train: bool = False,
    dtype: torch.dtype = torch.float32,
    layouts: bool = False,
) -> Case:
    """What a block is made with, a seed for its weights and statistics, and an input.

    In train mode there are always several values to take a mean and a variance of.
    """
    arguments = pick(of(task))
    n, size = (pick(draw.ints(2, 3)), pick(draw.sizes(4, 7))) if train else (pick(draw.ints(1, 2)), pick(SIZES))
    x = draw.tensors((n, arguments[0], *size)) if dtype == torch.float32 else draw.reals((n, arguments[0], *size))
    case = {"task": task, "arguments": arguments, "seed": pick(SEEDS), "train": train, "dtype": dtype}
    return case | {"x": pick(draw.layouts(x) if layouts else x)}


SIZES = draw.sizes(1, 7)


# What is asked of them


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "nothing"


def expect_state(module: Any, shapes: Shapes) -> None:
    """A state_dict with these names, no more and no less, and these shapes; weights and biases are parameters."""
    found: Mapping[str, torch.Tensor] = module.state_dict()
    missing, extra = [n for n in shapes if n not in found], [n for n in found if n not in shapes]
    expect.that(not missing, f"the state_dict should have {few(missing)}; it has {few(list(found))}")
    expect.that(not extra, f"the state_dict should not have {few(extra)}")
    for name, shape in shapes.items():
        mine = tuple(found[name].shape)
        expect.that(mine == shape, f"{name} should have the shape {shape}, yours has {mine}")
    trained = {name for name, _ in module.named_parameters()}
    wanted = {name for name in shapes if name.endswith(("weight", "bias"))}
    expect.that(trained == wanted, "every weight and bias should be a parameter of its own; statistics are none")


def expect_block_state(learner: Any, task: str, arguments: Arguments) -> None:
    """The same for a block, whose arguments are given by name."""
    names = ("in_channels", "width" if task == "Bottleneck" else "out_channels", "stride")
    block = getattr(learner, task)(**dict(zip(names, arguments, strict=False)))
    expect_state(block, block_shapes(task, arguments))


def built(module: Any, case: Case) -> Any:
    """A block with the case's weights and statistics in it."""
    block = getattr(module, case["task"])(*case["arguments"])
    state = values_for(block_shapes(case["task"], case["arguments"]), case["seed"], case["dtype"])
    return prepared(block, state, case)


def prepared(module: Any, state: Mapping[str, torch.Tensor], case: Case) -> Any:
    if case["dtype"] == torch.float64:
        module.double()
    module.load_state_dict(state)
    return module.train(case["train"])


def expect_answer(learner: Any, reference: Any, case: Case) -> None:
    with torch.no_grad():
        expect.close(built(learner, case)(case["x"]), built(reference, case)(case["x"]))


def statistics(module: Any) -> dict[str, torch.Tensor]:
    return {name: value for name, value in module.named_buffers() if "running" in name}


def expect_training(ours: Any, theirs: Any, x: torch.Tensor) -> None:
    """Right values with the statistics of this batch, and the running statistics moved as BatchNorm2d does."""
    with torch.no_grad():
        expect.close(ours(x), theirs(x))
    moved = statistics(ours)
    for name, value in statistics(theirs).items():
        expect.close(moved[name], value, what=f"{name} after a forward in train mode")


def upstream_for(output: torch.Tensor) -> torch.Tensor:
    """A gradient from above that differs from place to place, so that no sum hides anything."""
    return (torch.arange(output.numel()) * 7 % 11 - 5).reshape(output.shape).to(output.dtype)


def gradients(module: Any, x: torch.Tensor, names: Sequence[str]) -> list[torch.Tensor | None]:
    """Those of the input ("the input") or of parameters by name; None where none arrives."""
    image = x.detach().clone().requires_grad_()
    out = module(image)
    named = dict(module.named_parameters()) | {"the input": image}
    return list(torch.autograd.grad(out, [named[name] for name in names], upstream_for(out), allow_unused=True))


def expect_gradients(ours: Any, theirs: Any, x: torch.Tensor, names: Sequence[str]) -> None:
    for name, got, want in zip(names, gradients(ours, x, names), gradients(theirs, x, names), strict=True):
        expect.that(got is not None, f"no gradient arrives at {name}: it is cut off from autograd on the way")
        expect.close(got, want, what=f"the gradient for {name}")


def expect_block_gradients(learner: Any, reference: Any, case: Case) -> None:
    names = [name for name in block_shapes(case["task"], case["arguments"]) if name.endswith(("weight", "bias"))]
    expect_gradients(built(learner, case), built(reference, case), case["x"], ["the input", *names])


def expect_kept(learner: Any, reference: Any, case: Case) -> None:
    """float64 in, float64 out, any memory layout, and the input is still what it was, on a second call too."""
    block = built(learner, case)
    with torch.no_grad():
        want = built(reference, case)(case["x"])
        expect.close(block(case["x"]), want)
        expect.unchanged(block, case["x"])
        expect.close(block(case["x"]), want, what="the result of another call")


def expect_device(module: Any, ins: int) -> None:
    """Moved to another device with its input, the module stays there.

    There is one everywhere, "meta". It has shapes and no values: what mixes devices fails there as it would on a GPU.
    Code that looks at values fails too, which says nothing about it.
    """
    with torch.no_grad():
        want = module.eval()(torch.ones(2, ins, 16, 16))
        try:
            got = module.to("meta")(torch.ones(2, ins, 16, 16, device="meta"))
        except LearnerRaised as error:
            mixed = any(words in error.text for words in ("expected device", "same device", "Cannot copy out of meta"))
            expect.that(
                not mixed or "item()" in error.text,
                "with everything on another device than the CPU your code mixes devices: make new tensors where x is, "
                "with x.new_zeros(...) or device=x.device",
            )
            return
    expect.close(got, want.to("meta"))


def expect_block_errors(learner: Any, task: str) -> None:
    def make_and_call(*arguments):
        return getattr(learner, task)(*arguments)(torch.ones(2, 4, 4, 4))

    expect.value_error(make_and_call, -4, 2, about=ARGUMENTS)
    expect.value_error(make_and_call, 4, -1, about=ARGUMENTS)
    expect.value_error(make_and_call, 4, 1, 0, about=ARGUMENTS)


# BasicBlock


@check("BasicBlock", title="The output's channels, and its size for every stride", points=0.5, examples=14)
@given(arguments=any_arguments("BasicBlock"), size=SIZES, n=draw.ints(1, 3))
def test_basic_shape(learner, reference, arguments, size, n):
    x = torch.ones(n, arguments[0], *size)
    with torch.no_grad():
        got = learner.BasicBlock(*arguments).eval()(x)
        expect.equal(tuple(got.shape), tuple(reference.BasicBlock(*arguments).eval()(x).shape))


@check("BasicBlock", title="Names and shapes of the state_dict; no convolution has a bias", points=0.75, examples=9)
@given(arguments=any_arguments("BasicBlock"))
def test_basic_state(learner, reference, arguments):
    expect_block_state(learner, "BasicBlock", arguments)


@check("BasicBlock", title="Nothing is projected where the shape stays: downsample is None", points=0.25, examples=5)
@given(arguments=same_shape("BasicBlock"))
def test_basic_no_downsample(learner, reference, arguments):
    expect.equal(learner.BasicBlock(*arguments).downsample, None)


@check("BasicBlock", title="Two convolutions and the input added, where the shape stays", points=1, examples=14)
@given(case=blocks("BasicBlock", of=same_shape))
def test_basic_identity(learner, reference, case):
    expect_answer(learner, reference, case)


@check("BasicBlock", title="The shortcut is projected where the number of channels changes", points=0.75, examples=8)
@given(case=blocks("BasicBlock", of=other_channels))
def test_basic_channels(learner, reference, case):
    expect_answer(learner, reference, case)


@check("BasicBlock", title="A stride, also where the number of channels stays", points=0.75, examples=8)
@given(case=blocks("BasicBlock", of=strided))
def test_basic_stride(learner, reference, case):
    expect_answer(learner, reference, case)


@check(
    "BasicBlock", title="Train mode: statistics of the batch, and the running ones move along", points=0.75, examples=9
)
@given(case=blocks("BasicBlock", train=True, dtype=torch.float64))
def test_basic_train(learner, reference, case):
    expect_training(built(learner, case), built(reference, case), case["x"])


@check("BasicBlock", title="Gradients arrive at the input and at every weight", points=0.5, examples=9)
@given(case=blocks("BasicBlock", train=True, dtype=torch.float64))
def test_basic_gradients(learner, reference, case):
    expect_block_gradients(learner, reference, case)


@check("BasicBlock", title="On the device of its input", points=0.25)
def test_basic_device(learner, reference):
    expect_device(learner.BasicBlock(3, 3), 3)
    expect_device(learner.BasicBlock(3, 4, 2), 3)


@check("BasicBlock", title="float64 and any memory layout; the input stays as it was", points=0.25, examples=8)
@given(case=blocks("BasicBlock", dtype=torch.float64, layouts=True))
def test_basic_kept(learner, reference, case):
    expect_kept(learner, reference, case)


@check("BasicBlock", title="Negative channels and a stride of 0 are a ValueError that names the argument", points=0.25)
def test_basic_errors(learner, reference):
    expect_block_errors(learner, "BasicBlock")


# Bottleneck


@check("Bottleneck", title="4 · width output channels, and the size for every stride", points=0.5, examples=14)
@given(arguments=any_arguments("Bottleneck"), size=SIZES, n=draw.ints(1, 3))
def test_bottleneck_shape(learner, reference, arguments, size, n):
    x = torch.ones(n, arguments[0], *size)
    with torch.no_grad():
        got = learner.Bottleneck(*arguments).eval()(x)
        expect.equal(tuple(got.shape), tuple(reference.Bottleneck(*arguments).eval()(x).shape))


@check("Bottleneck", title="Names and shapes of the state_dict; no convolution has a bias", points=0.75, examples=9)
@given(arguments=any_arguments("Bottleneck"))
def test_bottleneck_state(learner, reference, arguments):
    expect_block_state(learner, "Bottleneck", arguments)


@check("Bottleneck", title="Nothing is projected where the shape stays: downsample is None", points=0.25, examples=5)
@given(arguments=same_shape("Bottleneck"))
def test_bottleneck_no_downsample(learner, reference, arguments):
    expect.equal(learner.Bottleneck(*arguments).downsample, None)


@check("Bottleneck", title="Three convolutions and the input added, where the shape stays", points=1, examples=14)
@given(case=blocks("Bottleneck", of=same_shape))
def test_bottleneck_identity(learner, reference, case):
    expect_answer(learner, reference, case)


@check("Bottleneck", title="The shortcut is projected where the number of channels changes", points=0.75, examples=8)
@given(case=blocks("Bottleneck", of=other_channels))
def test_bottleneck_channels(learner, reference, case):
    expect_answer(learner, reference, case)


@check("Bottleneck", title="A stride, in the 3×3 convolution and in the shortcut", points=0.75, examples=8)
@given(case=blocks("Bottleneck", of=strided))
def test_bottleneck_stride(learner, reference, case):
    expect_answer(learner, reference, case)


@check(
    "Bottleneck", title="Train mode: statistics of the batch, and the running ones move along", points=0.75, examples=9
)
@given(case=blocks("Bottleneck", train=True, dtype=torch.float64))
def test_bottleneck_train(learner, reference, case):
    expect_training(built(learner, case), built(reference, case), case["x"])


@check("Bottleneck", title="Gradients arrive at the input and at every weight", points=0.5, examples=9)
@given(case=blocks("Bottleneck", train=True, dtype=torch.float64))
def test_bottleneck_gradients(learner, reference, case):
    expect_block_gradients(learner, reference, case)


@check("Bottleneck", title="On the device of its input", points=0.25)
def test_bottleneck_device(learner, reference):
    expect_device(learner.Bottleneck(4, 1), 4)
    expect_device(learner.Bottleneck(4, 2, 2), 4)


@check("Bottleneck", title="float64 and any memory layout; the input stays as it was", points=0.25, examples=8)
@given(case=blocks("Bottleneck", dtype=torch.float64, layouts=True))
def test_bottleneck_kept(learner, reference, case):
    expect_kept(learner, reference, case)


@check("Bottleneck", title="Negative channels and a stride of 0 are a ValueError that names the argument", points=0.25)
def test_bottleneck_errors(learner, reference):
    expect_block_errors(learner, "Bottleneck")


# ResNet: few of them, for each has weights of some millions, and all of them cross the wall


def picture(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    values = torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64) * 2 - 1
    return values.to(dtype)


def is_convolution(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4


def networks(
    learner: Any,
    reference: Any,
    kind: str,
    layers: list[int],
    *,
    num_classes: int = 5,
    in_channels: int = 3,
    train: bool = False,
    dtype: torch.dtype = torch.float32,
) -> list[Any]:
    """The learner's and ours, with the same weights and statistics.

    The convolutions' are those that the learner's network began with: any will do, and they have crossed the wall.
    """
    shapes = network_shapes(kind, layers, num_classes, in_channels)
    theirs, ours = (module.ResNet(kind, list(layers), num_classes, in_channels) for module in (learner, reference))
    found = {name: value.detach() for name, value in theirs.named_parameters()}
    begun = {name: found.get(name) for name, shape in shapes.items() if is_convolution(shape)}
    for name, value in begun.items():
        expect.that(value is not None, f"your network should have a parameter called {name}")
        expect.that(value.shape == shapes[name], f"{name} should have the shape {shapes[name]}")
    given_now = values_for({name: shape for name, shape in shapes.items() if not is_convolution(shape)}, 8, dtype)
    for net, state in ((theirs, given_now), (ours, begun | given_now)):
        net.train(train)
        if dtype == torch.float64:
            net.double()
        net.load_state_dict(state, strict=net is ours)
    return [theirs, ours]


def expect_logits(ours: Any, theirs: Any, shapes: Sequence[tuple[int, ...]]) -> None:
    with torch.no_grad():
        for shape in shapes:
            x = picture(*shape)
            expect.close(ours(x), theirs(x))


@check("ResNet", title='Names and shapes of the state_dict: "basic", and what is there by default', points=1)
def test_resnet_state_basic(learner, reference):
    expect_state(learner.ResNet("basic", (1, 3, 1, 1)), network_shapes("basic", [1, 3, 1, 1]))


@check("ResNet", title='Names and shapes of the state_dict: "bottleneck", for any number of classes', points=1)
def test_resnet_state_bottleneck(learner, reference):
    net = learner.ResNet(block="bottleneck", layers=[2, 1, 1, 1], num_classes=7, in_channels=1)
    expect_state(net, network_shapes("bottleneck", [2, 1, 1, 1], 7, 1))


@check("ResNet", title="Weights and statistics that are loaded, and one basic block a layer", points=1.5)
def test_resnet_basic(learner, reference):
    state = values_for(network_shapes("basic", [1, 1, 1, 1], 5), 8, torch.float32)
    nets = [module.ResNet("basic", [1, 1, 1, 1], num_classes=5).eval() for module in (learner, reference)]
    for net in nets:
        net.load_state_dict(state)
    expect_logits(*nets, [(1, 3, 32, 40), (2, 3, 48, 32)])


@check("ResNet", title="On the device of its input", points=0.25)
def test_resnet_device(learner, reference):
    expect_device(learner.ResNet("basic", [1, 1, 1, 1], 2), 3)


@check("ResNet", title="Several blocks a layer, each with its own weights", points=0.75)
def test_resnet_depth(learner, reference):
    expect_logits(*networks(learner, reference, "basic", [3, 2, 1, 1]), [(2, 3, 40, 32)])


@check("ResNet", title="Bottleneck blocks", points=1.5)
def test_resnet_bottleneck(learner, reference):
    expect_logits(*networks(learner, reference, "bottleneck", [2, 1, 1, 1]), [(2, 3, 32, 40)])


@check("ResNet", title="Pictures of any size, and with any number of channels", points=1)
def test_resnet_sizes(learner, reference):
    nets = networks(learner, reference, "basic", [1, 1, 1, 1], num_classes=3, in_channels=2)
    expect_logits(*nets, [(1, 2, 200, 224), (1, 2, 33, 47), (3, 2, 9, 15), (1, 2, 20, 65), (1, 2, 70, 66)])


@check("ResNet", title="Train mode: statistics of the batch, and the running ones move along", points=1)
def test_resnet_train(learner, reference):
    expect_training(*networks(learner, reference, "basic", [1, 1, 1, 1], train=True), picture(3, 3, 64, 48))


@check("ResNet", title="Gradients arrive at the picture and at the weights of every part", points=1)
def test_resnet_gradients(learner, reference):
    nets = networks(learner, reference, "basic", [1, 1, 1, 1], dtype=torch.float64)
    parts = ["conv1", "bn1", "layer1.0.conv2", "layer2.0.downsample.0", "layer3.0.bn1", "layer4.0.conv1", "fc"]
    names = ["the input", *(f"{part}.weight" for part in parts)]
    expect_gradients(*nets, picture(2, 3, 33, 40, dtype=torch.float64), names)


@check("ResNet", title="Three or five numbers in layers are a ValueError that names it", points=0.5)
def test_resnet_layers_errors(learner, reference):
    def make_and_call(layers):
        return learner.ResNet("basic", layers, num_classes=2).eval()(torch.ones(1, 3, 32, 32))

    about = ["layer", "count", "stage", "number"]
    expect.value_error(make_and_call, [1, 1, 1], about=about)
    expect.value_error(make_and_call, [1, 1, 1, 1, 1], about=about)


@check("ResNet", title="A block that there is not is a ValueError that names it", points=0.5)
def test_resnet_block_errors(learner, reference):
    def make_and_call(block):
        return learner.ResNet(block, [1, 1, 1, 1], num_classes=2).eval()(torch.ones(1, 3, 32, 32))

    expect.value_error(make_and_call, "pyramid", about=["block", "basic", "bottleneck", "pyramid"])
    expect.value_error(make_and_call, "", about=["block", "basic", "bottleneck"])


# PlainBlock


@check("PlainBlock", title="The output's channels, and its size for every stride", points=0.5, examples=14)
@given(arguments=any_arguments("PlainBlock"), size=SIZES, n=draw.ints(1, 3))
def test_plain_shape(learner, reference, arguments, size, n):
    x = torch.ones(n, arguments[0], *size)
    with torch.no_grad():
        got = learner.PlainBlock(*arguments).eval()(x)
        expect.equal(tuple(got.shape), tuple(reference.PlainBlock(*arguments).eval()(x).shape))


@check("PlainBlock", title="Names and shapes of the state_dict: nothing of a shortcut", points=0.5, examples=9)
@given(arguments=any_arguments("PlainBlock"))
def test_plain_state(learner, reference, arguments):
    expect_block_state(learner, "PlainBlock", arguments)


@check("PlainBlock", title="Two convolutions, and nothing added, where the shape stays", points=0.75, examples=14)
@given(case=blocks("PlainBlock", of=same_shape))
def test_plain_same(learner, reference, case):
    expect_answer(learner, reference, case)


@check("PlainBlock", title="Other numbers of channels, and strides", points=0.75, examples=14)
@given(case=blocks("PlainBlock"))
def test_plain_any(learner, reference, case):
    expect_answer(learner, reference, case)


@check(
    "PlainBlock", title="Train mode: statistics of the batch, and the running ones move along", points=0.5, examples=9
)
@given(case=blocks("PlainBlock", train=True, dtype=torch.float64))
def test_plain_train(learner, reference, case):
    expect_training(built(learner, case), built(reference, case), case["x"])


@check("PlainBlock", title="On the device of its input", points=0.25)
def test_plain_device(learner, reference):
    expect_device(learner.PlainBlock(3, 4, 2), 3)


@check("PlainBlock", title="Gradients arrive at the input and at every weight", points=0.25, examples=9)
@given(case=blocks("PlainBlock", train=True, dtype=torch.float64))
def test_plain_gradients(learner, reference, case):
    expect_block_gradients(learner, reference, case)


@check("PlainBlock", title="float64 and any memory layout; the input stays as it was", points=0.25, examples=8)
@given(case=blocks("PlainBlock", dtype=torch.float64, layouts=True))
def test_plain_kept(learner, reference, case):
    expect_kept(learner, reference, case)


@check("PlainBlock", title="Negative channels and a stride of 0 are a ValueError that names the argument", points=0.25)
def test_plain_errors(learner, reference):
    expect_block_errors(learner, "PlainBlock")


# gradient_norms

# Pictures are 1 × 5 × 4, and there are 4 classes: labels drawn as 1, 2, 3 are classes, too.
HEAD = ("Flatten()", "Linear(12, 4)")
PLAIN = ("Conv2d(1, 2, 3)", "ReLU()", "Twice(Conv2d(2, 2, 3, padding=1))", *HEAD)
NORMED = (
    "Conv2d(1, 3, 3, bias=False)",
    "BatchNorm2d(3)",
    "ReLU()",
    "Residual(Conv2d(3, 2, 3, padding=1), BatchNorm2d(2), Conv2d(2, 3, 1))",
    "Conv2d(3, 2, 1)",
    *HEAD,
)
MIXED = (
    "Sequential(OwnConv2d(1, 2, 3), BatchNorm2d(2))",
    "ConvTranspose2d(2, 2, 1)",
    "Residual(Residual(Conv2d(2, 2, 1), ReLU()))",
    *HEAD,
)
SPARE = ("Conv2d(1, 2, 3)", "Unused(Conv2d(2, 2, 2))", "ReLU()", "Conv2d(2, 2, 1)", "Unused(Conv2d(1, 1, 1))", *HEAD)


@st.composite
def batches(pick: Pick, *, least: int = 1, most: int = 3) -> Case:
    """Images, labels and a seed for the model's weights."""
    n = pick(draw.ints(least, most))
    labels = pick(draw.tensors((n,), dtype=torch.int64, low=0, high=3))
    return {"images": pick(draw.reals((n, 1, 5, 4))), "labels": labels, "seed": pick(SEEDS)}


class Look:
    """One model on both sides, and what the call makes of it."""

    def __init__(self, learner: Any, reference: Any, layers: Sequence[str], case: Case, **named: str) -> None:
        self.learner, self.reference, self.case = learner, reference, case
        settings = {"seed": case["seed"], "dtype": "float64"} | named
        self.over_there, self.ours = learner.lab.model(*layers, **settings), lab.model(*layers, **settings)

    def set(self, what: str, values: Mapping[str, Any]) -> None:
        """set_modes, set_trainable or set_grads, on both sides."""
        getattr(self.learner.lab, what)(self.over_there, values)
        getattr(lab, what)(self.ours, values)

    def taken(self) -> Any:
        return self.learner.gradient_norms(self.over_there, self.case["images"], labels=self.case["labels"])

    def wanted(self) -> dict[str, float]:
        found: dict[str, float] = self.reference.gradient_norms(self.ours, self.case["images"], self.case["labels"])
        return found

    def expect_norms(self) -> None:
        expect.close(self.taken(), self.wanted(), terms=4)

    def expect_something(self) -> None:
        """Whoever looks at nothing leaves everything as it was: that earns nothing."""
        got = self.taken()
        whole = isinstance(got, dict) and set(got) == set(self.wanted())
        expect.that(whole and all(isinstance(value, float) for value in got.values()), "a float for each weight")
        expect.that(any(value > 0 for value in got.values()), "there are gradients: not every norm is 0")

    def expect_left(self, what: str, sentence: str) -> None:
        """What `lab.what` says of the model over there is what it said before the call."""
        before = getattr(lab, what)(self.ours)
        self.expect_something()
        after = getattr(self.learner.lab, what)(self.over_there)
        for name, value in before.items():
            same = name in after and type(after[name]) is type(value)
            if same:
                same = torch.equal(after[name], value) if isinstance(value, torch.Tensor) else after[name] == value
            expect.that(same, sentence.format(name or "the model"))


@check(
    "gradient_norms",
    title="The weights of all convolutions by name, at any depth, and nothing else",
    points=0.75,
    examples=5,
)
@given(case=batches(least=2))
def test_norms_names(learner, reference, case):
    for layers, named in ((MIXED, {}), (PLAIN[:-2], {"neck": "Conv2d(2, 2, 1)", "flat": HEAD[0], "head": HEAD[1]})):
        look = Look(learner, reference, layers, case, **named)
        got, want = look.taken(), look.wanted()
        expect.that(isinstance(got, dict), "the result should be a dict: name of a weight → norm")
        missing, extra = sorted(set(want) - set(got)), [name for name in got if name not in want]
        expect.that(not missing, f"the result should have {few(missing)}; it has {few([str(name) for name in got])}")
        expect.that(not extra, f"{few([str(name) for name in extra])} should not be in the result")


@check("gradient_norms", title="The L2 norms for one image, as Python floats", points=1, examples=8)
@given(case=batches(most=1))
def test_norms_one_image(learner, reference, case):
    Look(learner, reference, PLAIN, case).expect_norms()


@check("gradient_norms", title="The loss is the mean over several images", points=0.5, examples=8)
@given(case=batches(least=2))
def test_norms_mean(learner, reference, case):
    Look(learner, reference, PLAIN, case).expect_norms()


@check("gradient_norms", title="Train or eval mode, whichever each part of the model is in", points=0.75, examples=12)
@given(
    modes=st.sampled_from([{}, {"": False, "1": False, "3.body.1": False}, {"1": False}, {"": False}]),
    case=batches(least=2),
)
def test_norms_modes(learner, reference, modes, case):
    look = Look(learner, reference, NORMED, case)
    look.set("set_modes", modes)
    look.expect_norms()


@check("gradient_norms", title="Frozen weights get the norm that they would have", points=0.75, examples=9)
@given(
    frozen=st.sampled_from([["0.weight"], ["3.body.0.weight", "1.weight"], None]),
    case=batches(least=2),
)
def test_norms_frozen(learner, reference, frozen, case):
    look = Look(learner, reference, NORMED, case)
    every = list(lab.trainable(look.ours))
    look.set("set_trainable", dict.fromkeys(every if frozen is None else frozen, False))
    look.expect_norms()


@check("gradient_norms", title="A weight that has no part in the output gets 0.0", points=0.5, examples=10)
@given(case=batches())
def test_norms_unused(learner, reference, case):
    Look(learner, reference, SPARE, case).expect_norms()


@check("gradient_norms", title="Gradients that were there are not counted in, and stay", points=0.5, examples=8)
@given(case=batches(least=2))
def test_norms_grads_left(learner, reference, case):
    look = Look(learner, reference, PLAIN, case)
    earlier = {name: 0.5 + value.detach() for name, value in look.ours.named_parameters()}
    look.set("set_grads", earlier | {"0.bias": None, "2.layer.weight": None})
    look.expect_left("grads", "the .grad of {} should be what it was before the call")
    look.expect_norms()


@check(
    "gradient_norms", title="requires_grad stays as it was, of frozen weights and of others", points=0.25, examples=10
)
@given(case=batches(least=2))
def test_norms_trainable_left(learner, reference, case):
    look = Look(learner, reference, NORMED, case)
    look.set("set_trainable", {"3.body.0.weight": False, "1.bias": False})
    look.expect_left("trainable", "requires_grad of {} should be what it was before the call")


@check("gradient_norms", title="Every part of the model stays in its mode", points=0.25, examples=10)
@given(
    modes=st.sampled_from([{"1": False}, {"": False, "3": False}, {"": False, "1": False, "3.body.1": False}]),
    case=batches(least=2),
)
def test_norms_modes_left(learner, reference, modes, case):
    look = Look(learner, reference, NORMED, case)
    look.set("set_modes", modes)
    look.expect_left("modes", "{} should be in the mode it was in before the call")


@check(
    "gradient_norms", title="Weights, running statistics and other buffers stay as they were", points=0.75, examples=12
)
@given(case=batches(least=2))
def test_norms_buffers_left(learner, reference, case):
    look = Look(learner, reference, NORMED, case)
    before = {name: value.clone() for name, value in look.ours.state_dict().items()}
    look.expect_something()
    after = look.over_there.state_dict()
    for name, value in before.items():
        same = name in after and torch.equal(after[name], value)
        expect.that(same, f"{name} should be what it was before the call")
