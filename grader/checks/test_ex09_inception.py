"""Hidden checks of ex09: both Inception modules, the numbers that belong to them, and the first stage made of them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

# What an error about a number of channels may speak of: any argument could be meant by "channels".
CHANNELS = ["channel", "ch1x1", "ch3x3", "ch5x5", "pool", "filter", "width"]

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Values = Callable[..., st.SearchStrategy[torch.Tensor]]
Convolution = tuple[str, int, int, int]  # name, input channels, filters, side of the kernel


def naive_convolutions(ins: int, one: int, three: int, five: int) -> list[Convolution]:
    return [("branch1.0", ins, one, 1), ("branch2.0", ins, three, 3), ("branch3.0", ins, five, 5)]


def inception_convolutions(
    ins: int, one: int, three_red: int, three: int, five_red: int, five: int, proj: int
) -> list[Convolution]:
    return [
        ("branch1.0", ins, one, 1),
        ("branch2.0", ins, three_red, 1),
        ("branch2.2", three_red, three, 3),
        ("branch3.0", ins, five_red, 1),
        ("branch3.2", five_red, five, 5),
        ("branch4.1", ins, proj, 1),
    ]


CONVOLUTIONS = {"NaiveInception": naive_convolutions, "Inception": inception_convolutions}


def state_shapes(task: str, arguments: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The state_dict that the statement promises: name → shape."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, ins, filters, side in CONVOLUTIONS[task](*arguments):
        shapes |= {f"{name}.weight": (filters, ins, side, side), f"{name}.bias": (filters,)}
    return shapes


def branch_channels(task: str, arguments: tuple[int, ...]) -> tuple[int, ...]:
    """How many channels each of the four branches gives."""
    if task == "NaiveInception":
        ins, *filters = arguments
        return (*filters, ins)
    _, one, _, three, _, five, proj = arguments
    return one, three, five, proj


@st.composite
def channels(pick: Pick, task: str, *, most: int = 3) -> tuple[int, ...]:
    """Arguments of a module: sometimes every number is the same, as where axes are easily mistaken."""
    count = 4 if task == "NaiveInception" else 7
    if pick(st.integers(0, 3)) == 3:
        return (pick(draw.ints(1, 2)),) * count
    return tuple(pick(draw.ints(1, most)) for _ in range(count))


@st.composite
def blocks(
    pick: Pick,
    task: str,
    *,
    batch: int = 1,
    most: int = 3,
    largest: int = 5,
    values: Values = draw.tensors,
    image: Values | None = None,
) -> Case:
    """What a module is made with, weights for it, and an input. `image`: other values for the input alone."""
    arguments = pick(channels(task, most=most))
    size = pick(draw.sizes(1, largest))
    x = pick((image or values)((pick(draw.ints(1, batch)), arguments[0], *size)))
    state = {name: pick(values(shape)) for name, shape in state_shapes(task, arguments).items()}
    return {"task": task, "arguments": arguments, "state": state, "x": x}


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "nothing"


def expect_shapes(found: Mapping[str, torch.Tensor], shapes: dict[str, tuple[int, ...]]) -> None:
    """Tensors by these names, no more and no less, with these shapes."""
    missing, extra = [n for n in shapes if n not in found], [n for n in found if n not in shapes]
    names = few(list(found))
    expect.that(not missing, f"your module should have weights and biases called {few(missing)}; it has {names}")
    expect.that(not extra, f"your module should have no weights called {few(extra)}")
    for name, shape in shapes.items():
        mine = tuple(found[name].shape)
        expect.that(mine == shape, f"{name} should have the shape {shape}, yours has {mine}")


def expect_state(block: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    """The state_dict has what is asked for, and all of it are parameters."""
    expect_shapes(block.state_dict(), shapes)
    trained = {name for name, _ in block.named_parameters()}
    expect.that(trained == set(shapes), "every weight and bias should be a parameter, so that an optimizer finds it")


def built(module: Any, case: Case, *, double: bool = False, only: str = "") -> Any:
    """A module with the given weights in it. `only`: those of one branch; the others stay as the module made them."""
    block = getattr(module, case["task"])(*case["arguments"])
    state = {name: value for name, value in case["state"].items() if name.startswith(only)}
    found = {name: value for name, value in block.named_parameters() if name.startswith(only)}
    expect_shapes(found, {name: tuple(value.shape) for name, value in state.items()})
    if double:
        block.double()
    block.load_state_dict(state, strict=not only)
    return block


def answer(module: Any, case: Case, **options: Any) -> torch.Tensor:
    with torch.no_grad():
        return built(module, case, **options)(case["x"])


def expect_branch(learner: Any, reference: Any, case: Case, number: int) -> None:
    """The channels that one branch (1 to 4) gives are where they belong, and right, whatever the other branches do."""
    starts = [0, *itertools.accumulate(branch_channels(case["task"], case["arguments"]))]
    mine = slice(starts[number - 1], starts[number])
    got, want = (answer(module, case, only=f"branch{number}.") for module in (learner, reference))
    there = f"branch{number} (output channels {mine.start} to {mine.stop - 1})"
    expect.close(got[:, mine], want[:, mine], what=there)


def upstream_for(output: torch.Tensor) -> torch.Tensor:
    """A gradient from above that differs from place to place, so that no sum hides anything."""
    return (torch.arange(output.numel()) * 7 % 11 - 5).reshape(output.shape).to(output.dtype)


def expect_gradients(learner: Any, reference: Any, case: Case, *, of: str) -> None:
    """Same gradients for the input (of="x") or for every weight and bias (of="parameters"), in float64."""
    found = []
    for module in (learner, reference):
        block = built(module, case, double=True)
        x = case["x"].clone().requires_grad_()
        named = dict(block.named_parameters())
        leaves = {"the input": x} if of == "x" else {name: named[name] for name in case["state"]}
        out = block(x)
        found.append((out, torch.autograd.grad(out, list(leaves.values()), upstream_for(out), allow_unused=True)))
    (got, ours), (want, theirs) = found
    expect.close(got, want)
    for name, one, other in zip(leaves, ours, theirs, strict=True):
        if one is None:
            expect.that(not other.any(), f"no gradient arrives at {name}: it is cut off from autograd on the way")
        else:
            expect.close(one, other, what=f"the gradient for {name}")


def expect_kept(learner: Any, reference: Any, case: Case) -> None:
    """float64 in, float64 out, any memory layout, and the input is still what it was."""
    block = built(learner, case, double=True)
    with torch.no_grad():
        expect.close(block(case["x"]), answer(reference, case, double=True))
        expect.unchanged(block, case["x"])


SIZES = st.one_of(draw.sizes(1, 6), st.just((1, 1)))  # on a single pixel, a pooling with any stride keeps the size


def layouts_of_reals(shape: tuple[int, ...]) -> st.SearchStrategy[torch.Tensor]:
    return draw.layouts(draw.reals(shape))


def often_negative(shape: tuple[int, ...]) -> st.SearchStrategy[torch.Tensor]:
    """Pictures whose largest values are negative as well: where padding with zeros would win."""
    return st.one_of(draw.tensors(shape), draw.tensors(shape, low=-9, high=-1))


# NaiveInception


@check(
    "NaiveInception", title="Height and width stay, and the channels of all branches add up", points=0.5, examples=30
)
@given(arguments=channels("NaiveInception", most=4), size=SIZES, batch=draw.ints(1, 2))
def test_naive_shape(learner, reference, arguments, size, batch):
    x = torch.ones(batch, arguments[0], *size)
    total = sum(branch_channels("NaiveInception", arguments))
    got = learner.NaiveInception(*arguments)(x)
    expect.equal(tuple(got.shape), (batch, total, *size))


@check("NaiveInception", title="Weights and biases have the names and shapes of the statement", points=0.5, examples=10)
@given(arguments=channels("NaiveInception"))
def test_naive_state(learner, reference, arguments):
    expect_state(learner.NaiveInception(*arguments), state_shapes("NaiveInception", arguments))


@check("NaiveInception", title="The three convolutions with their ReLU, each in its place", points=1.5, examples=30)
@given(case=blocks("NaiveInception"))
def test_naive_convolutions(learner, reference, case):
    got, want = answer(learner, case), answer(reference, case)
    last = case["arguments"][0]
    expect.close(got[:, :-last], want[:, :-last], what="branch1 to branch3")


@check(
    "NaiveInception", title="The pooled input comes last, also where all its values are negative", points=1, examples=30
)
@given(case=blocks("NaiveInception", image=often_negative))
def test_naive_pool(learner, reference, case):
    expect_branch(learner, reference, case, 4)


@check("NaiveInception", title="The whole, for several images, in train and in eval mode", points=0.5, examples=20)
@given(case=blocks("NaiveInception", batch=3))
def test_naive_whole(learner, reference, case):
    block, want = built(learner, case), answer(reference, case)
    expect.close(block(case["x"]), want)
    block.eval()
    expect.close(block(case["x"]), want)


@check("NaiveInception", title="Gradients arrive at the input through all four branches", points=0.5, examples=20)
@given(case=blocks("NaiveInception", batch=2, values=draw.reals))
def test_naive_gradient_input(learner, reference, case):
    expect_gradients(learner, reference, case, of="x")


@check("NaiveInception", title="Gradients arrive at every weight and bias", points=0.5, examples=20)
@given(case=blocks("NaiveInception", batch=2, values=draw.reals))
def test_naive_gradient_parameters(learner, reference, case):
    expect_gradients(learner, reference, case, of="parameters")


@check(
    "NaiveInception", title="float64 and any memory layout will do; the input stays as it was", points=0.5, examples=15
)
@given(case=blocks("NaiveInception", batch=2, values=draw.reals, image=layouts_of_reals))
def test_naive_kept(learner, reference, case):
    expect_kept(learner, reference, case)


@check("NaiveInception", title="A number of channels below 1 is a ValueError that names the argument", points=0.5)
def test_naive_errors(learner, reference):
    def make_and_call(*arguments):
        return learner.NaiveInception(*arguments)(torch.ones(1, 2, 3, 4))

    expect.value_error(make_and_call, 2, 1, -1, 1, about=CHANNELS)
    expect.value_error(make_and_call, 2, 0, 1, 1, about=CHANNELS)
    expect.value_error(make_and_call, -2, 1, 1, 1, about=CHANNELS)
    expect.value_error(make_and_call, 2, 1, 1, 0, about=CHANNELS)


# Inception


def one_wrong(count: int, place: int) -> list[int]:
    """Numbers of channels, all 2 but one of them, which is negative."""
    return [-1 if number == place else 2 for number in range(count)]


@check(
    "Inception", title="Height and width stay, and the channels of the four branches add up", points=0.5, examples=30
)
@given(arguments=channels("Inception", most=4), size=SIZES, batch=draw.ints(1, 2))
def test_inception_shape(learner, reference, arguments, size, batch):
    x = torch.ones(batch, arguments[0], *size)
    total = sum(branch_channels("Inception", arguments))
    got = learner.Inception(*arguments)(x)
    expect.equal(tuple(got.shape), (batch, total, *size))


@check("Inception", title="Weights and biases have the names and shapes of the statement", points=0.5, examples=10)
@given(arguments=channels("Inception"))
def test_inception_state(learner, reference, arguments):
    expect_state(learner.Inception(*arguments), state_shapes("Inception", arguments))


@check("Inception", title="branch1: the 1×1 convolution comes first", points=1, examples=20)
@given(case=blocks("Inception"))
def test_inception_branch1(learner, reference, case):
    expect_branch(learner, reference, case, 1)


@check("Inception", title="branch2: reduction, ReLU, 3×3 convolution, ReLU", points=1.5, examples=30)
@given(case=blocks("Inception"))
def test_inception_branch2(learner, reference, case):
    expect_branch(learner, reference, case, 2)


@check("Inception", title="branch3: reduction, ReLU, 5×5 convolution, ReLU", points=1.5, examples=30)
@given(case=blocks("Inception"))
def test_inception_branch3(learner, reference, case):
    expect_branch(learner, reference, case, 3)


@check(
    "Inception",
    title="branch4: the largest of 3×3 neighbours, also of negative ones, then projected",
    points=1.5,
    examples=30,
)
@given(case=blocks("Inception", image=often_negative))
def test_inception_branch4(learner, reference, case):
    expect_branch(learner, reference, case, 4)


@check("Inception", title="The whole, for several images, in train and in eval mode", points=1, examples=20)
@given(case=blocks("Inception", batch=3))
def test_inception_whole(learner, reference, case):
    block, want = built(learner, case), answer(reference, case)
    expect.close(block(case["x"]), want)
    block.eval()
    expect.close(block(case["x"]), want)


@check("Inception", title="Gradients arrive at the input through all four branches", points=0.75, examples=20)
@given(case=blocks("Inception", batch=2, values=draw.reals))
def test_inception_gradient_input(learner, reference, case):
    expect_gradients(learner, reference, case, of="x")


@check("Inception", title="Gradients arrive at every weight and bias", points=0.75, examples=20)
@given(case=blocks("Inception", batch=2, values=draw.reals))
def test_inception_gradient_parameters(learner, reference, case):
    expect_gradients(learner, reference, case, of="parameters")


@check("Inception", title="float64 and any memory layout will do; the input stays as it was", points=0.5, examples=15)
@given(case=blocks("Inception", batch=2, values=draw.reals, image=layouts_of_reals))
def test_inception_kept(learner, reference, case):
    expect_kept(learner, reference, case)


@check("Inception", title="A negative number of channels is a ValueError that names the argument", points=0.5)
def test_inception_errors(learner, reference):
    def make_and_call(*arguments):
        return learner.Inception(*arguments)(torch.ones(1, 2, 3, 4))

    for place in range(7):
        expect.value_error(make_and_call, *one_wrong(7, place), about=CHANNELS)


# inception_output_channels and inception_parameter_count

# Szegedy et al. 2015, table 1: in, 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool proj of all nine modules.
GOOGLENET = [
    (192, 64, 96, 128, 16, 32, 32),
    (256, 128, 128, 192, 32, 96, 64),
    (480, 192, 96, 208, 16, 48, 64),
    (512, 160, 112, 224, 24, 64, 64),
    (512, 128, 128, 256, 24, 64, 64),
    (512, 112, 144, 288, 32, 64, 64),
    (528, 256, 160, 320, 32, 128, 128),
    (832, 256, 160, 320, 32, 128, 128),
    (832, 384, 192, 384, 48, 128, 128),
]
NAMES = ("in_channels", "ch1x1", "ch3x3red", "ch3x3", "ch5x5red", "ch5x5", "pool_proj")
OUTPUTS = ("ch1x1", "ch3x3", "ch5x5", "pool_proj")


@check("inception_output_channels", title="The channels of all four branches together", points=1)
@given(filters=st.tuples(*[draw.ints(1, 9)] * 4))
def test_output_channels(learner, reference, filters):
    expect.equal(learner.inception_output_channels(*filters), reference.inception_output_channels(*filters))


@check("inception_output_channels", title="The modules of GoogLeNet, arguments given by name", points=0.5, examples=15)
@given(row=st.sampled_from(GOOGLENET))
def test_output_channels_googlenet(learner, reference, row):
    given_all = dict(zip(NAMES, row, strict=True))
    filters = {name: given_all[name] for name in OUTPUTS}
    expect.equal(learner.inception_output_channels(**filters), reference.inception_output_channels(**filters))


@check("inception_output_channels", title="A negative number of channels is a ValueError that names it", points=0.5)
def test_output_channels_errors(learner, reference):
    for place in range(4):
        expect.value_error(learner.inception_output_channels, *one_wrong(4, place), about=CHANNELS)


@check("inception_parameter_count", title="The weights alone, without biases", points=2)
@given(row=st.tuples(*[draw.ints(1, 6)] * 7))
def test_parameter_count_weights(learner, reference, row):
    got = learner.inception_parameter_count(*row, bias=False)
    expect.equal(got, reference.inception_parameter_count(*row, bias=False))


@check("inception_parameter_count", title="Weights and biases, which are there unless told otherwise", points=1.5)
@given(row=st.tuples(*[draw.ints(1, 6)] * 7))
def test_parameter_count_bias(learner, reference, row):
    expect.equal(learner.inception_parameter_count(*row), reference.inception_parameter_count(*row))


@check(
    "inception_parameter_count", title="The modules of GoogLeNet, with and without biases, arguments by name", points=1,
    examples=20,
)  # fmt: skip
@given(bias=st.booleans(), row=st.sampled_from(GOOGLENET))
def test_parameter_count_googlenet(learner, reference, bias, row):
    named = dict(zip(NAMES, row, strict=True))
    got = learner.inception_parameter_count(**named, bias=bias)
    expect.equal(got, reference.inception_parameter_count(**named, bias=bias))


@check("inception_parameter_count", title="A negative number of channels is a ValueError that names it", points=0.5)
def test_parameter_count_errors(learner, reference):
    for place in range(7):
        expect.value_error(learner.inception_parameter_count, *one_wrong(7, place), about=CHANNELS)


# GoogLeNetStage3

STAGE = {"inception3a": GOOGLENET[0], "inception3b": GOOGLENET[1]}


def stage_shapes() -> dict[str, tuple[int, ...]]:
    return {
        f"{block}.{name}": shape
        for block, row in STAGE.items()
        for name, shape in state_shapes("Inception", row).items()
    }


@functools.cache
def stage_state() -> dict[str, torch.Tensor]:
    """Weights that keep values near 1 through all layers, biases among them."""
    bits = torch.Generator().manual_seed(9)
    state = {}
    for name, shape in stage_shapes().items():
        bound = math.sqrt(6 / math.prod(shape[1:])) if len(shape) == 4 else 0.5
        state[name] = (torch.rand(shape, generator=bits) * 2 - 1) * bound
    return state


STAGE_CASE: Case = {"task": "GoogLeNetStage3", "arguments": ()}


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape))) * 2 - 1


def expect_stage(learner: Any, reference: Any, shapes: list[tuple[int, int, int]]) -> None:
    """Right values for pictures of these (N, H, W)."""
    case = STAGE_CASE | {"state": stage_state()}
    ours, theirs = built(learner, case), built(reference, case)
    with torch.no_grad():
        for n, h, w in shapes:
            x = picture(n, 192, h, w)
            expect.close(ours(x), theirs(x))


@check("GoogLeNetStage3", title="Both modules have the names of the statement and the shapes of the paper", points=1)
def test_stage_state(learner, reference):
    expect_state(learner.GoogLeNetStage3(), stage_shapes())


@check("GoogLeNetStage3", title="480 channels, and half the height and width, rounded as the statement says", points=1)
def test_stage_shape(learner, reference):
    ours, theirs = learner.GoogLeNetStage3(), reference.GoogLeNetStage3()
    with torch.no_grad():
        for h, w in [(4, 6), (5, 7), (6, 3), (2, 5), (8, 4)]:
            x = picture(1, 192, h, w)
            expect.equal(tuple(ours(x).shape), tuple(theirs(x).shape))


@check("GoogLeNetStage3", title="With given weights: height and width that are odd", points=1.5)
def test_stage_odd(learner, reference):
    expect_stage(learner, reference, [(1, 5, 3), (1, 3, 7), (2, 5, 5)])


@check("GoogLeNetStage3", title="With given weights: height and width that are even", points=1.5)
def test_stage_even(learner, reference):
    expect_stage(learner, reference, [(1, 4, 6), (1, 8, 2), (2, 6, 5)])


@check("GoogLeNetStage3", title="Gradients arrive at the input and at the weights of both modules", points=1)
def test_stage_gradients(learner, reference):
    state = {name: value.double() for name, value in stage_state().items()}
    case = STAGE_CASE | {"state": state, "x": picture(1, 192, 5, 4).double()}
    expect_gradients(learner, reference, case, of="x")
    expect_gradients(learner, reference, case, of="parameters")
