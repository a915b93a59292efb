"""Hidden checks of ex06: the lecture's network, training and evaluating any model, and looking at its feature maps.

The functions get models that `lab` builds on both sides with the same weights. They are small: a module of torch's is
as well trained, evaluated and restored with two channels as with two hundred.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect, lab
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task
from grader.errors import LearnerRaised

Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies
Batch = tuple[torch.Tensor, torch.Tensor]
State = dict[str, torch.Tensor]

# Models for the functions: images of 1×4×3, three classes.
IMAGE, CLASSES = (1, 4, 3), 3
DENSE = ("Flatten()", "Linear(12, 3)")
CONVOLUTIONAL = ("Conv2d(1, 2, 2)", "ReLU()", "Flatten()", "Linear(12, 3)")
# BatchNorm and a dropout of everything: both tell train from eval mode, and neither by chance.
MOODY = ("Conv2d(1, 2, 2)", "BatchNorm2d(2)", "ReLU()", "Dropout(1.0)", "Flatten()", "Linear(12, 3)")
# Modules inside modules, so that every one has a mode to lose; probes at both ends.
NESTED = (
    "Probe()",
    "Sequential(Conv2d(1, 2, 2), Sequential(BatchNorm2d(2), Dropout(1.0)), ReLU())",
    "Sequential(Flatten(), Linear(12, 3))",
    "Probe()",
)
MODES = tuple(lab.modes(lab.model(*NESTED)))


def models(learner: Any, layers: tuple[str, ...], seed: int = 0, dtype: str = "float64", **named: str) -> Any:
    """The same model on both sides."""
    return tuple(side.model(*layers, seed=seed, dtype=dtype, **named) for side in (learner.lab, lab))


def optimizers(learner: Any, ours: Any, theirs: Any, **settings: float) -> Any:
    return learner.lab.sgd(ours, **settings), lab.sgd(theirs, **settings)


def pictures(count: int, shape: tuple[int, ...] = IMAGE, dtype: torch.dtype = torch.float64) -> Any:
    return draw.reals((count, *shape), dtype)


@st.composite
def some_pictures(pick: Pick, low: int, high: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return pick(pictures(pick(draw.ints(low, high)), dtype=dtype))


@st.composite
def batch(pick: Pick, most: int = 4, dtype: torch.dtype = torch.float64) -> Batch:
    count = pick(draw.ints(1, most))
    return pick(pictures(count, dtype=dtype)), pick(draw.tensors((count,), torch.int64)) % CLASSES


def batches(low: int = 1, high: int = 3, **settings: Any) -> st.SearchStrategy[list[Batch]]:
    return st.lists(batch(**settings), min_size=low, max_size=high)


@st.composite
def modes_of(pick: Pick, names: tuple[str, ...]) -> dict[str, bool]:
    """A mode for every module of these names, each its own."""
    return {name: pick(st.booleans()) for name in names}


def as_number(value: Any) -> Any:
    """A tensor of one element taken for its number: what type the result has is asked by one check alone."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def expect_state(ours: Any, theirs: Any) -> None:
    """All weights and buffers are what they should be after the call."""
    for name, value in named_state(theirs).items():
        expect.close(named_state(ours)[name], value, what=f"{name} of the model after the call")


def named_state(model: Any) -> dict[str, torch.Tensor]:
    """Parameters and buffers. Asking for a state_dict over there would be a step of the learner's story."""
    return {name: value.detach() for name, value in [*model.named_parameters(), *model.named_buffers()]}


def expect_modes(learner: Any, model: Any, before: dict[str, bool]) -> None:
    after, words = learner.lab.modes(model), {True: "train mode", False: "eval mode"}
    for name, mode in before.items():
        place = f"the submodule {name!r}" if name else "the model itself"
        expect.that(
            after.get(name) is mode,
            f"{place} was in {words[mode]} before the call and should be so again; now it is in {words[not mode]}",
        )


def expect_quiet(learner: Any, model: Any) -> None:
    """What the probes of the model saw: eval mode in every call."""
    expect.that(
        not any(training for training, _, _ in learner.lab.seen(model)),
        "the model should be in eval mode, all of it, while it looks at the images",
    )


def expect_unrecorded(learner: Any, model: Any, before: dict[str, bool]) -> None:
    """No call of the model was recorded for a backward pass, and its parameters are as trainable as before."""
    expect.that(
        not any(recorded for _, recorded, _ in learner.lab.seen(model)),
        "nothing should be recorded for a backward pass while the model runs: use torch.no_grad()",
    )
    expect.that(
        learner.lab.trainable(model) == before,
        "every parameter should require gradients (or not) as before the call; it is not yours to freeze",
    )
    expect.that(
        all(grad is None for grad in learner.lab.grads(model).values()),
        "no parameter should get a gradient: there is nothing to train here",
    )


def expect_recording_as_before(learner: Any, function: Any, *args: Any) -> None:
    """Gradients are recorded after the call as they were before."""
    function(*args)
    expect.that(
        learner.lab.grad_left(),
        "after the call nothing is recorded any more, and no training could go on: use `with torch.no_grad():`",
    )


def expect_failure(learner: Any, function: Any, *args: Any) -> None:
    """The model's own RuntimeError comes out of the call, and gradients are recorded afterwards as before."""
    try:
        function(*args)
    except LearnerRaised as error:
        expect.that(
            "RuntimeError" in error.bases and "made to fail" in error.text,
            "the model raises a RuntimeError here, and your function should let it through as it is; "
            f"it raised {error.type_name}",
        )
        expect.that(
            learner.lab.grad_left(),
            "after the model's error nothing is recorded any more: use `with torch.no_grad():`, which ends in any case",
        )
        return
    expect.that(False, "the model raises a RuntimeError here: do not catch it, the caller has to know")


# Net

WIDTHS = (6, 16, 120, 84)  # filters or neurons of all layers but the last


def net_shapes(in_channels: int, num_classes: int) -> dict[str, tuple[int, ...]]:
    conv1, conv2, fc1, fc2 = WIDTHS
    weights = {
        "conv1": (conv1, in_channels, 5, 5),
        "conv2": (conv2, conv1, 5, 5),
        "fc1": (fc1, conv2 * 5 * 5),
        "fc2": (fc2, fc1),
        "fc3": (num_classes, fc2),
    }
    return {f"{name}.{part}": shape if part == "weight" else shape[:1]
            for name, shape in weights.items() for part in ("weight", "bias")}  # fmt: skip


def expect_shapes(net: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    """Parameters by these names with these shapes, and nothing else in the state_dict."""
    found = dict(net.named_parameters())
    missing = [name for name in shapes if name not in found]
    expect.that(not missing, f"your network should have parameters called {', '.join(missing[:3])}")
    for name, shape in shapes.items():
        mine = tuple(found[name].shape)
        expect.that(mine == shape, f"{name} should have the shape {shape}, yours has {mine}")
    extra = [name for name in net.state_dict() if name not in shapes]
    expect.that(not extra, f"your network should have no other weights or buffers, but has {', '.join(extra[:3])}")


def loaded(module: Any, arguments: tuple[int, int], state: State, dtype: torch.dtype = torch.float32) -> Any:
    """A network with these weights in it; without them nothing can be compared."""
    net = module.Net(*arguments)
    expect_shapes(net, {name: tuple(value.shape) for name, value in state.items()})
    net.to(dtype)
    net.load_state_dict(state)
    return net


@st.composite
def trained(pick: Pick, arguments: tuple[int, int], dtype: torch.dtype = torch.float64) -> State:
    """Weights that keep values near 1 through all layers, biases among them."""
    shapes = net_shapes(*arguments)
    bound = {name: math.sqrt(6 / math.prod(shape[1:])) if len(shape) > 1 else 0.5 for name, shape in shapes.items()}
    return {name: pick(draw.reals(shape, dtype)) * bound[name] for name, shape in shapes.items()}


@st.composite
def networks(pick: Pick, *, most: int = 2, dtype: torch.dtype = torch.float64) -> Any:
    """(arguments, weights, images), all of reals."""
    arguments = (pick(draw.ints(1, 4)), pick(draw.ints(1, 6)))
    x = pick(draw.reals((pick(draw.ints(1, most)), arguments[0], 32, 32), dtype))
    return arguments, pick(trained(arguments, dtype)), x


def chosen(rows: int, columns: int, *, start: int = 0, step: int = 1) -> torch.Tensor:
    """A weight that hands on one input a neuron: number start + step · i for neuron i."""
    weight = torch.zeros(rows, columns)
    weight[torch.arange(rows), (start + step * torch.arange(rows)) % columns] = 1.0
    return weight


def wrapped(shape: tuple[int, ...], most: int = 3) -> st.SearchStrategy[torch.Tensor]:
    """Whole numbers from -most to most also where they shrink to 1, 2, 3, …: their sums stay exact in float32."""
    return draw.tensors(shape, low=-most, high=most).map(lambda value: (value + most) % (2 * most + 1) - most)


@st.composite
def features_alone(pick: Pick) -> Any:
    """Weights whose dense part hands features on as they are, lifted over every ReLU, and set down again."""
    channels, lift = pick(draw.ints(1, 2)), float(2**20)
    shapes = net_shapes(channels, 84)
    state = {name: pick(wrapped(shape)) for name, shape in shapes.items() if name.startswith("conv")}
    state |= {
        "fc1.weight": chosen(120, 400, start=pick(draw.ints(0, 399)), step=7),
        "fc1.bias": torch.full((120,), lift),
    }
    state |= {"fc2.weight": chosen(84, 120), "fc2.bias": torch.zeros(84)}
    state |= {"fc3.weight": chosen(84, 84), "fc3.bias": torch.full((84,), -lift)}
    return (channels, 84), state, pick(wrapped((pick(draw.ints(1, 2)), channels, 32, 32)))


@st.composite
def decision_alone(pick: Pick) -> Any:
    """Weights whose convolutions make every feature 1, whatever the image: the dense part is left."""
    arguments = (1, pick(draw.ints(1, 6)))
    state = {name: pick(wrapped(shape, most=2)) for name, shape in net_shapes(*arguments).items()}
    state |= {"conv2.weight": torch.zeros(16, 6, 5, 5), "conv2.bias": torch.ones(16)}
    return arguments, state, pick(wrapped((1, 1, 32, 32)))


@check("Net", title="Scores for every image: one row an image, one column a class", points=1, examples=10)
@given(channels=draw.ints(1, 4), classes=draw.ints(1, 12), count=draw.ints(1, 3))
def test_net_shape(learner, reference, channels, classes, count):
    x = torch.ones(count, channels, 32, 32)
    with torch.no_grad():
        got = learner.Net(in_channels=channels, num_classes=classes)(x)
    expect.equal(tuple(got.shape), (count, classes))


@check(
    "Net", title="The layers have the names and shapes of the statement, by default and as told", points=1, examples=8
)
@given(arguments=draw.pairs(1, 12))
def test_net_state(learner, reference, arguments):
    expect_shapes(learner.Net(), net_shapes(3, 10))
    expect_shapes(learner.Net(*arguments), net_shapes(*arguments))
    names = learner.lab.modes(learner.Net())
    expect.that("pool" in names, "your network should have a module called pool, as an attribute of its own")


@check(
    "Net", title="Feature learning: convolution, ReLU and max pooling, twice, then flattened", points=1.25, examples=15
)
@given(case=features_alone())
def test_net_features(learner, reference, case):
    arguments, state, x = case
    with torch.no_grad():
        expect.close(loaded(learner, arguments, state)(x), loaded(reference, arguments, state)(x))


@check("Net", title="Classification: a ReLU after fc1 and fc2, logits as fc3 gives them", points=1, examples=15)
@given(case=decision_alone())
def test_net_decision(learner, reference, case):
    arguments, state, x = case
    with torch.no_grad():
        expect.close(loaded(learner, arguments, state)(x), loaded(reference, arguments, state)(x))


@check("Net", title="The whole network with given weights, in train and in eval mode", points=0.75, examples=8)
@given(case=networks(most=3, dtype=torch.float32))
def test_net_whole(learner, reference, case):
    arguments, state, x = case
    net = loaded(learner, arguments, state)
    with torch.no_grad():
        want = loaded(reference, arguments, state)(x)
        expect.close(net(x), want)
        net.eval()
        expect.close(net(x), want)


@check("Net", title="Gradients arrive at the image and at every weight and bias", points=0.5, examples=3)
@given(case=networks())
def test_net_gradients(learner, reference, case):
    arguments, state, image = case
    found = []
    for module in (learner, reference):
        net, x = loaded(module, arguments, state, torch.float64), image.clone().requires_grad_()
        leaves = {"the image": x, **dict(net.named_parameters())}
        scores = net(x)
        upstream = (torch.arange(scores.numel()) * 7 % 11 - 5).reshape(scores.shape).double()
        found.append(
            dict(
                zip(
                    leaves, torch.autograd.grad(scores, list(leaves.values()), upstream, allow_unused=True), strict=True
                )
            )
        )
    ours, theirs = found
    for name, want in theirs.items():
        expect.that(ours[name] is not None, f"no gradient arrives at {name}: it is cut off from autograd on the way")
        expect.close(ours[name], want, what=f"the gradient for {name}")


@check("Net", title="float64 will do; the images stay as they were", points=0.25, examples=6)
@given(case=networks())
def test_net_kept(learner, reference, case):
    arguments, state, x = case
    net = loaded(learner, arguments, state, torch.float64)
    with torch.no_grad():
        expect.close(net(x), loaded(reference, arguments, state, torch.float64)(x))
        expect.unchanged(net, x)


@check("Net", title="A negative number of channels or classes is a ValueError that names the argument", points=0.25)
def test_net_errors(learner, reference):
    def make_and_call(**arguments):
        return learner.Net(**arguments)(torch.ones(1, 3, 32, 32))

    expect.value_error(make_and_call, in_channels=-1, about=["channel"])
    expect.value_error(make_and_call, num_classes=-2, about=["class"])


# train_one_epoch


@check(
    "train_one_epoch",
    title="One batch: the cross entropy of the logits, measured before the step",
    points=1,
    examples=20,
)
@given(seed=draw.ints(0, 9), one=batches(high=1), rate=st.sampled_from([0.5, 0.1]))
def test_train_loss(learner, reference, seed, one, rate):
    ours, theirs = models(learner, DENSE, seed)
    mine, other = optimizers(learner, ours, theirs, lr=rate)
    got = learner.train_one_epoch(ours, one, mine)
    expect.close(as_number(got), reference.train_one_epoch(theirs, one, other))


@check("train_one_epoch", title="One batch: the weights take one step of the optimizer", points=1, examples=20)
@given(seed=draw.ints(0, 9), one=batches(high=1), rate=st.sampled_from([0.5, 0.1]))
def test_train_step(learner, reference, seed, one, rate):
    ours, theirs = models(learner, CONVOLUTIONAL, seed)
    mine, other = optimizers(learner, ours, theirs, lr=rate)
    learner.train_one_epoch(ours, one, mine)
    reference.train_one_epoch(theirs, one, other)
    expect_state(ours, theirs)


@check("train_one_epoch", title="Batches of different sizes: the mean loss over all samples", points=1, examples=20)
@given(seed=draw.ints(0, 9), several=batches(2, 4))
def test_train_mean(learner, reference, seed, several):
    ours, theirs = models(learner, DENSE, seed)
    mine, other = optimizers(learner, ours, theirs, lr=0.0)  # the weights stay, whatever the steps are
    got = learner.train_one_epoch(ours, several, mine)
    expect.close(as_number(got), reference.train_one_epoch(theirs, several, other))


@check(
    "train_one_epoch",
    title="Several batches: one step each, in order, each with its own gradient",
    points=1,
    examples=20,
)
@given(
    seed=draw.ints(0, 9),
    several=batches(2, 4, most=3),
    momentum=st.sampled_from([0.0, 0.9]),
    decay=st.sampled_from([0.0, 0.1]),
)
def test_train_steps(learner, reference, seed, several, momentum, decay):
    ours, theirs = models(learner, DENSE, seed)
    mine, other = optimizers(learner, ours, theirs, lr=0.2, momentum=momentum, weight_decay=decay)
    got = learner.train_one_epoch(ours, several, mine)
    want = reference.train_one_epoch(theirs, several, other)
    expect_state(ours, theirs)
    expect.close(as_number(got), want)


@check(
    "train_one_epoch", title="Gradients that were there before the epoch have no part in it", points=0.5, examples=15
)
@given(seed=draw.ints(0, 9), one=batches(high=2), grad=draw.tensors((3, 12), torch.float64))
def test_train_stale(learner, reference, seed, one, grad):
    ours, theirs = models(learner, DENSE, seed)
    for side, model in ((learner.lab, ours), (lab, theirs)):
        side.set_grads(model, {"1.weight": grad, "1.bias": grad[:, 0]})
    mine, other = optimizers(learner, ours, theirs, lr=0.2)
    learner.train_one_epoch(ours, one, mine)
    reference.train_one_epoch(theirs, one, other)
    expect_state(ours, theirs)


TRAINED = (
    "Probe()",
    "Sequential(Conv2d(1, 2, 2), BatchNorm2d(2), Sequential(Dropout(1.0)))",
    "Residual(Conv2d(2, 2, 1), BatchNorm2d(2))",
    "Sequential(Probe(), Flatten(), Linear(12, 3))",
)


@check(
    "train_one_epoch", title="Everything in the model trains in train mode, and stays in it", points=0.5, examples=15
)
@given(training=st.booleans(), seed=draw.ints(0, 9), several=batches(1, 2))
def test_train_mode(learner, reference, training, seed, several):
    ours, theirs = models(learner, TRAINED, seed)
    ours.train(training)
    theirs.train(training)
    mine, other = optimizers(learner, ours, theirs, lr=0.1)
    learner.train_one_epoch(ours, several, mine)
    reference.train_one_epoch(theirs, several, other)
    left = [name or "the model itself" for name, mode in learner.lab.modes(ours).items() if not mode]
    expect.that(
        all(training for training, _, _ in learner.lab.seen(ours)),
        "the model should be in train mode, all of it, while it learns",
    )
    expect.that(not left, f"the model should be left in train mode, all of it; {', '.join(left[:3])} is not")
    expect_state(ours, theirs)


@check("train_one_epoch", title="Frozen parameters stay as they are, and stay frozen", points=0.25, examples=15)
@given(seed=draw.ints(0, 9), frozen=st.booleans(), several=batches(1, 2))
def test_train_frozen(learner, reference, seed, frozen, several):
    ours, theirs = models(learner, CONVOLUTIONAL, seed)
    for side, model in ((learner.lab, ours), (lab, theirs)):
        side.set_trainable(model, {"0.weight": False, "0.bias": frozen, "3.bias": not frozen})
    mine, other = optimizers(learner, ours, theirs, lr=0.2)
    learner.train_one_epoch(ours, several, mine)
    reference.train_one_epoch(theirs, several, other)
    expect.that(learner.lab.trainable(ours) == lab.trainable(theirs), "what was frozen should be frozen afterwards")
    expect_state(ours, theirs)


@check(
    "train_one_epoch",
    title="The result is a Python float, float32 will do, the batches stay as they were",
    points=0.25,
    examples=15,
)
@given(seed=draw.ints(0, 9), several=batches(1, 3, dtype=torch.float32))
def test_train_kept(learner, reference, seed, several):
    ours, theirs = models(learner, DENSE, seed, "float32")
    mine, other = optimizers(learner, ours, theirs, lr=0.1)
    expect.close(learner.train_one_epoch(ours, several, mine), reference.train_one_epoch(theirs, several, other))
    expect.unchanged(learner.train_one_epoch, ours, several, mine)


@check("train_one_epoch", title="A second epoch goes on where the first one ended", points=0.25, examples=15)
@given(seed=draw.ints(0, 9), several=batches(1, 2), momentum=st.sampled_from([0.0, 0.9]))
def test_train_again(learner, reference, seed, several, momentum):
    ours, theirs = models(learner, DENSE, seed)
    mine, other = optimizers(learner, ours, theirs, lr=0.2, momentum=momentum)
    for _ in range(2):
        got = learner.train_one_epoch(ours, several, mine)
        want = reference.train_one_epoch(theirs, several, other)
    expect.close(as_number(got), want)
    expect_state(ours, theirs)


@check("train_one_epoch", title="No batches are a ValueError that names them", points=0.25)
def test_train_errors(learner, reference):
    model = learner.lab.model(*DENSE)
    expect.value_error(learner.train_one_epoch, model, [], learner.lab.sgd(model, lr=0.1), about=["batch"])


# evaluate


@check(
    "evaluate",
    title="One batch: the part of the images whose highest score is for the right class",
    points=1,
    examples=20,
)
@given(seed=draw.ints(0, 9), one=batches(high=1, most=6))
def test_evaluate_one(learner, reference, seed, one):
    ours, theirs = models(learner, DENSE, seed)
    expect.close(as_number(learner.evaluate(ours, one)), reference.evaluate(theirs, one))


@check("evaluate", title="Batches of different sizes: every image counts the same", points=1, examples=20)
@given(seed=draw.ints(0, 9), several=batches(2, 4))
def test_evaluate_several(learner, reference, seed, several):
    ours, theirs = models(learner, CONVOLUTIONAL, seed)
    expect.close(as_number(learner.evaluate(ours, several)), reference.evaluate(theirs, several))


@check(
    "evaluate",
    title="The model runs in eval mode, all of it: no dropout, no batch statistics",
    points=0.75,
    examples=20,
)
@given(seed=draw.ints(0, 9), several=batches(1, 2))
def test_evaluate_mode(learner, reference, seed, several):
    ours, theirs = models(learner, MOODY, seed, last="Sequential(Probe())")
    ours.train()
    expect.close(as_number(learner.evaluate(ours, several)), reference.evaluate(theirs, several))
    expect_quiet(learner, ours)
    expect_state(ours, theirs)


@check(
    "evaluate", title="No gradients are recorded, and weights stay as trainable as they were", points=0.5, examples=15
)
@given(seed=draw.ints(0, 9), several=batches(1, 2), frozen=st.booleans())
def test_evaluate_gradients(learner, reference, seed, several, frozen):
    ours, theirs = models(learner, NESTED, seed)
    learner.lab.set_trainable(ours, {"1.0.weight": frozen})
    before = learner.lab.trainable(ours)
    expect.close(as_number(learner.evaluate(ours, several)), reference.evaluate(theirs, several))
    expect_unrecorded(learner, ours, before)
    expect_recording_as_before(learner, learner.evaluate, ours, several)


@check("evaluate", title="Every submodule gets the mode back that it had, each its own", points=0.75, examples=18)
@given(modes=modes_of(MODES), several=batches(1, 2, most=2))
def test_evaluate_restores(learner, reference, modes, several):
    model = learner.lab.model(*NESTED, dtype="float64")
    learner.lab.set_modes(model, modes)
    learner.evaluate(model, several)
    expect_modes(learner, model, modes)


@check(
    "evaluate",
    title="The model raises an error: it gets through, and the modes are back all the same",
    points=0.5,
    examples=20,
)
@given(modes=modes_of(MODES), call=draw.ints(1, 2), several=batches(2, 3, most=2))
def test_evaluate_raises(learner, reference, modes, call, several):
    model = learner.lab.model(*NESTED, f"Fails({call})", dtype="float64")
    learner.lab.set_modes(model, modes)
    expect_failure(learner, learner.evaluate, model, several)
    expect_modes(learner, model, modes)


@check(
    "evaluate",
    title="The result is a Python float, float32 will do, the batches stay as they were",
    points=0.25,
    examples=15,
)
@given(seed=draw.ints(0, 9), several=batches(1, 3, dtype=torch.float32))
def test_evaluate_kept(learner, reference, seed, several):
    ours, theirs = models(learner, DENSE, seed, "float32")
    expect.close(learner.evaluate(ours, several), reference.evaluate(theirs, several))
    expect.unchanged(learner.evaluate, ours, several)


@check("evaluate", title="No batches are a ValueError that names them", points=0.25)
def test_evaluate_errors(learner, reference):
    expect.value_error(learner.evaluate, learner.lab.model(*DENSE), [], about=["batch"])


# predict


@check("predict", title="The index of the highest score for every image, as a LongTensor", points=1.25, examples=18)
@given(seed=draw.ints(0, 9), classes=draw.ints(2, 6), images=some_pictures(2, 5))
def test_predict_classes(learner, reference, seed, classes, images):
    ours, theirs = models(learner, ("Conv2d(1, 2, 2)", "ReLU()", "Flatten()"), seed, last=f"Linear(12, {classes})")
    expect.close(learner.predict(ours, images), reference.predict(theirs, images))


@check("predict", title="A single image: still a tensor of one index", points=0.5, examples=20)
@given(seed=draw.ints(0, 9), images=pictures(1))
def test_predict_single(learner, reference, seed, images):
    ours, theirs = models(learner, DENSE, seed)
    expect.close(learner.predict(ours, images), reference.predict(theirs, images))


@check(
    "predict", title="The model runs in eval mode, all of it: no dropout, no batch statistics", points=0.5, examples=20
)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 4))
def test_predict_mode(learner, reference, seed, images):
    ours, theirs = models(learner, MOODY, seed, last="Sequential(Probe())")
    ours.train()
    expect.close(learner.predict(ours, images), reference.predict(theirs, images))
    expect_quiet(learner, ours)
    expect_state(ours, theirs)


@check(
    "predict", title="No gradients are recorded, and weights stay as trainable as they were", points=0.5, examples=15
)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 3), frozen=st.booleans())
def test_predict_gradients(learner, reference, seed, images, frozen):
    ours, theirs = models(learner, NESTED, seed)
    learner.lab.set_trainable(ours, {"1.0.weight": frozen})
    before = learner.lab.trainable(ours)
    expect.close(learner.predict(ours, images), reference.predict(theirs, images))
    expect_unrecorded(learner, ours, before)
    expect_recording_as_before(learner, learner.predict, ours, images)


@check("predict", title="Every submodule gets the mode back that it had, each its own", points=0.5, examples=18)
@given(modes=modes_of(MODES), images=some_pictures(1, 2))
def test_predict_restores(learner, reference, modes, images):
    model = learner.lab.model(*NESTED, dtype="float64")
    learner.lab.set_modes(model, modes)
    learner.predict(model, images)
    expect_modes(learner, model, modes)


@check(
    "predict",
    title="The model raises an error: it gets through, and the modes are back all the same",
    points=0.5,
    examples=20,
)
@given(modes=modes_of(MODES), images=some_pictures(1, 2))
def test_predict_raises(learner, reference, modes, images):
    model = learner.lab.model(*NESTED, "Fails()", dtype="float64")
    learner.lab.set_modes(model, modes)
    expect_failure(learner, learner.predict, model, images)
    expect_modes(learner, model, modes)


@check("predict", title="float32 and any memory layout will do; the images stay as they were", points=0.25, examples=15)
@given(seed=draw.ints(0, 9), images=draw.layouts(some_pictures(1, 3, dtype=torch.float32)))
def test_predict_kept(learner, reference, seed, images):
    ours, theirs = models(learner, DENSE, seed, "float32")
    expect.close(learner.predict(ours, images), reference.predict(theirs, images))
    expect.unchanged(learner.predict, ours, images)


# feature_maps

FLAT = ("Conv2d(1, 2, 2)", "ReLU()", "Conv2d(2, 3, 2)", "Flatten()", "Linear(6, 3)")
DEEP = {
    "stem": "Conv2d(1, 2, 3, padding=1)",
    "features": "Sequential(ReLU(), Conv2d(2, 2, 2), Sequential(ReLU(), Conv2d(2, 3, 1)), Residual(Conv2d(3, 3, 1)))",
    "head": "Sequential(Flatten(), Linear(18, 3))",
}
# A subclass of nn.Conv2d counts; a transposed convolution and a BatchNorm have weights of as many axes, and do not.
KINDS = {
    "up": "ConvTranspose2d(1, 2, 2)",
    "own": "OwnConv2d(2, 2, 2)",
    "block": "Sequential(BatchNorm2d(2), OwnConv2d(2, 3, 1), ReLU())",
    "plain": "Conv2d(3, 1, 2)",
    "head": "Sequential(Flatten(), Linear(6, 3))",
}
OVERWRITTEN = {
    "first": "Conv2d(1, 2, 2)",
    "relu": "ReLU(inplace=True)",
    "block": "Sequential(Conv2d(2, 2, 2), LeakyReLU(0.5, inplace=True), Residual(Conv2d(2, 2, 1), ReLU(inplace=True)))",
    "last": "Conv2d(2, 1, 1)",
    "end": "Hardtanh(inplace=True)",
}
# Everything at once, and what fails after the first of its convolutions.
BUSY = {
    "probe": "Probe()",
    "first": "Conv2d(1, 2, 2)",
    "block": "Sequential(BatchNorm2d(2), Dropout(1.0), Sequential(Conv2d(2, 2, 2, padding=1), ReLU()))",
    "last": "Conv2d(2, 1, 1)",
}
BROKEN = BUSY | {"fails": "Fails()", "never": "Conv2d(1, 1, 1)"}
BUSY_MODES, BROKEN_MODES = (tuple(lab.modes(lab.model(**texts))) for texts in (BUSY, BROKEN))


def expect_maps(learner: Any, reference: Any, ours: Any, theirs: Any, images: torch.Tensor) -> None:
    """The same maps by the same names, and no history in them."""
    expect.close(learner.feature_maps(ours, images), reference.feature_maps(theirs, images))


@check("feature_maps", title="Every convolution, also inside other modules, by its full name", points=1, examples=20)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 2))
def test_maps_names(learner, reference, seed, images):
    ours, theirs = models(learner, (), seed, **DEEP)
    got, want = learner.feature_maps(ours, images), reference.feature_maps(theirs, images)
    expect.that(isinstance(got, dict), "the result should be a dict from names to tensors")
    expect.equal(sorted(got, key=str), sorted(want))


@check("feature_maps", title="The outputs of the convolutions, for all images and channels", points=1, examples=20)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 3))
def test_maps_values(learner, reference, seed, images):
    expect_maps(learner, reference, *models(learner, FLAT, seed), images)


@check("feature_maps", title="Subclasses of nn.Conv2d count, and other layers do not", points=0.75, examples=20)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 2))
def test_maps_kinds(learner, reference, seed, images):
    expect_maps(learner, reference, *models(learner, (), seed, **KINDS), images)


@check(
    "feature_maps",
    title="Values as they left the layer, also where the next one overwrites them in place",
    points=1,
    examples=20,
)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 2))
def test_maps_overwritten(learner, reference, seed, images):
    expect_maps(learner, reference, *models(learner, (), seed, **OVERWRITTEN), images)


@check("feature_maps", title="None of its hooks is left, and those of others are still there", points=0.75, examples=20)
@given(hooked=st.sampled_from(["first", "block.2.0", "last", "block", ""]), images=some_pictures(1, 2))
def test_maps_hooks(learner, reference, hooked, images):
    model = learner.lab.model(dtype="float64", **BUSY)
    learner.lab.add_hook(model, hooked)
    before = learner.lab.hooks(model)
    learner.feature_maps(model, images)
    expect_hooks(learner, model, before)
    ran = learner.lab.hooked(model, hooked)
    model(images)
    expect.that(
        learner.lab.hooked(model, hooked) == ran + 1,
        "a hook that others had registered no longer runs: remove your own handles alone",
    )


def expect_hooks(learner: Any, model: Any, before: dict[str, int]) -> None:
    after = learner.lab.hooks(model)
    more = [name or "the model itself" for name, count in before.items() if after.get(name, 0) > count]
    fewer = [name or "the model itself" for name, count in before.items() if after.get(name, 0) < count]
    expect.that(not more, f"hooks of yours are left behind at {', '.join(more[:3])}: remove them again")
    expect.that(not fewer, f"hooks of others are gone at {', '.join(fewer[:3])}: remove your own handles alone")


@check(
    "feature_maps",
    title="Eval mode while the model runs, and afterwards every submodule's own mode",
    points=0.5,
    examples=18,
)
@given(modes=modes_of(BUSY_MODES), seed=draw.ints(0, 9), images=some_pictures(1, 2))
def test_maps_modes(learner, reference, modes, seed, images):
    ours, theirs = models(learner, (), seed, **BUSY)
    learner.lab.set_modes(ours, modes)
    expect_maps(learner, reference, ours, theirs, images)
    expect_quiet(learner, ours)
    expect_modes(learner, ours, modes)
    expect_state(ours, theirs)


@check("feature_maps", title="No gradients: none are recorded, and the maps have no history", points=0.25, examples=15)
@given(seed=draw.ints(0, 9), images=some_pictures(1, 2))
def test_maps_gradients(learner, reference, seed, images):
    ours = learner.lab.model(seed=seed, dtype="float64", **BUSY)
    before = learner.lab.trainable(ours)
    got = learner.feature_maps(ours, images)
    expect.that(isinstance(got, dict), "the result should be a dict from names to tensors")
    traced = [name for name, value in got.items() if getattr(value, "requires_grad", False)]
    expect.that(not traced, f"the map of {', '.join(map(str, traced[:3]))} still has its gradient history")
    expect_unrecorded(learner, ours, before)
    expect_recording_as_before(learner, learner.feature_maps, ours, images)


@check(
    "feature_maps",
    title="The model raises an error: it gets through, hooks and modes are as before",
    points=0.5,
    examples=20,
)
@given(modes=modes_of(BROKEN_MODES), images=some_pictures(1, 2))
def test_maps_raises(learner, reference, modes, images):
    model = learner.lab.model(dtype="float64", **BROKEN)
    learner.lab.set_modes(model, modes)
    learner.lab.add_hook(model, "first")
    before = learner.lab.hooks(model)
    expect_failure(learner, learner.feature_maps, model, images)
    expect_hooks(learner, model, before)
    expect_modes(learner, model, modes)


@check(
    "feature_maps",
    title="A model without convolutions has no feature maps; the images stay as they were",
    points=0.25,
    examples=10,
)
@given(images=some_pictures(1, 2))
def test_maps_none(learner, reference, images):
    model = learner.lab.model("BatchNorm2d(1)", *DENSE, dtype="float64")
    expect.equal(learner.feature_maps(model, images), {})
    expect.unchanged(learner.feature_maps, learner.lab.model(*FLAT, dtype="float64"), images)
