"""Hidden checks of ex11: boxes, targets, the head and the loss of YOLO, suppression and average precision.

Coordinates are whole numbers or eighths, so that areas and overlaps are exact and no right answer hangs on rounding;
thresholds are numbers that no overlap of such boxes comes near, except where the check is about the very border.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies

# What an error may speak of: whatever takes part.
BOXES = ["boxes", "box", "shape", "last", "coordinate", "4"]
COUNTS = ["boxes", "box", "labels", "scores", "matched", "shape", "length", "size", "number", "count"]
CELLS = ["prediction", "target", "boxes_per_cell", "num_classes", "shape", "size", "channel", "cell", "grid", "class"]

THRESHOLDS = [0.271, 0.414, 0.618, 0.731]  # fractions whose denominator is no area that is drawn here


def distinct(pick: Pick, count: int, *, dtype: torch.dtype = torch.float32, step: float = 1 / 8) -> torch.Tensor:
    """(count,) scores step, 2 * step, …, each once, in any order; shrinks to a rising row."""
    keys = pick(draw.tensors((count,), torch.float64, low=-(10**6), high=10**6))
    return (keys.argsort(stable=True).argsort() + 1).to(dtype) * step


def eighths(
    pick: Pick, shape: tuple[int, ...], low: int = 1, high: int = 7, dtype: Any = torch.float32
) -> torch.Tensor:
    """low/8 … high/8: exact in binary."""
    values = pick(draw.tensors(shape, dtype, low=low, high=high))
    return ((values - low) % (high - low + 1) + low) / 8


@st.composite
def rectangles(
    pick: Pick, count: int | st.SearchStrategy[int], *, low: int = -3, high: int = 4, dtype: Any = torch.float32
) -> torch.Tensor:
    """(K, 4) proper xyxy boxes with whole corners, close enough together to overlap often."""
    k = count if isinstance(count, int) else pick(count)
    corner = pick(draw.tensors((k, 2), dtype, low=low, high=high))
    size = pick(draw.tensors((k, 2), dtype, low=1, high=6))
    return torch.cat([corner, corner + size], dim=1)


# box_cxcywh_to_xyxy and box_xyxy_to_cxcywh

ANY_AXES = st.sampled_from([(4,), (2, 4), (0, 4), (2, 3, 4), (1, 2, 2, 4), (4, 4)])


@check("box_cxcywh_to_xyxy", title="A list of boxes", points=1)
@given(boxes=draw.tensors(st.tuples(draw.ints(1, 3), st.just(4)), low=0, high=8))
def test_to_xyxy_list(learner, reference, boxes):
    expect.close(learner.box_cxcywh_to_xyxy(boxes), reference.box_cxcywh_to_xyxy(boxes))


@check("box_cxcywh_to_xyxy", title="One box alone, no box, and more axes before the last", points=0.5, examples=30)
@given(boxes=draw.tensors(ANY_AXES))
def test_to_xyxy_axes(learner, reference, boxes):
    expect.close(learner.box_cxcywh_to_xyxy(boxes), reference.box_cxcywh_to_xyxy(boxes))


@check("box_cxcywh_to_xyxy", title="float64 to its full precision, and the boxes stay as they were", points=0.25,
       examples=20)  # fmt: skip
@given(boxes=draw.layouts(draw.reals((3, 4))))
def test_to_xyxy_float64(learner, reference, boxes):
    expect.close(learner.box_cxcywh_to_xyxy(boxes), reference.box_cxcywh_to_xyxy(boxes))
    expect.unchanged(learner.box_cxcywh_to_xyxy, boxes)


@check("box_cxcywh_to_xyxy", title="Boxes that do not have four numbers are a ValueError", points=0.25)
def test_to_xyxy_errors(learner, reference):
    expect.value_error(learner.box_cxcywh_to_xyxy, torch.ones(2, 5), about=BOXES)
    expect.value_error(learner.box_cxcywh_to_xyxy, torch.ones(4, 3), about=BOXES)


@check("box_xyxy_to_cxcywh", title="A list of boxes", points=1)
@given(boxes=rectangles(draw.ints(1, 3), low=0, high=8))
def test_to_cxcywh_list(learner, reference, boxes):
    expect.close(learner.box_xyxy_to_cxcywh(boxes), reference.box_xyxy_to_cxcywh(boxes))


@check("box_xyxy_to_cxcywh", title="One box alone, no box, and more axes before the last", points=0.5, examples=30)
@given(boxes=draw.tensors(ANY_AXES))
def test_to_cxcywh_axes(learner, reference, boxes):
    expect.close(learner.box_xyxy_to_cxcywh(boxes), reference.box_xyxy_to_cxcywh(boxes))


@check("box_xyxy_to_cxcywh", title="float64 to its full precision, and the boxes stay as they were", points=0.25,
       examples=20)  # fmt: skip
@given(boxes=draw.layouts(draw.reals((3, 4))))
def test_to_cxcywh_float64(learner, reference, boxes):
    expect.close(learner.box_xyxy_to_cxcywh(boxes), reference.box_xyxy_to_cxcywh(boxes))
    expect.unchanged(learner.box_xyxy_to_cxcywh, boxes)


@check("box_xyxy_to_cxcywh", title="Boxes that do not have four numbers are a ValueError", points=0.25)
def test_to_cxcywh_errors(learner, reference):
    expect.value_error(learner.box_xyxy_to_cxcywh, torch.ones(2, 5), about=BOXES)
    expect.value_error(learner.box_xyxy_to_cxcywh, torch.ones(4, 3), about=BOXES)


# box_iou


def same_iou(learner: Any, reference: Any, a: torch.Tensor, b: torch.Tensor) -> None:
    expect.close(learner.box_iou(a, b), reference.box_iou(a, b))


@st.composite
def overlapping(pick: Pick) -> tuple[torch.Tensor, torch.Tensor]:
    """Two boxes that share an area: the second one has its upper left corner inside the first."""
    a = pick(rectangles(1))
    inside = pick(draw.tensors((1, 2), low=0, high=5)) % (a[:, 2:] - a[:, :2])
    size = pick(draw.tensors((1, 2), low=1, high=6))
    return a, torch.cat([a[:, :2] + inside, a[:, :2] + inside + size], dim=1)


@check("box_iou", title="Two boxes that overlap", points=1)
@given(pair=overlapping(), turned=st.booleans())
def test_iou_pair(learner, reference, pair, turned):
    same_iou(learner, reference, *(pair[::-1] if turned else pair))


@check("box_iou", title="Every box of a with every box of b", points=1)
@given(a=rectangles(draw.ints(1, 4)), b=rectangles(draw.ints(1, 3)))
def test_iou_matrix(learner, reference, a, b):
    same_iou(learner, reference, a, b)


@st.composite
def neighbours(pick: Pick) -> tuple[torch.Tensor, torch.Tensor]:
    """A box, and one beside it: they touch or have a gap on one axis or on both."""
    a, b = pick(rectangles(1)), pick(rectangles(1))
    for axis in pick(st.sampled_from([(0, 1), (0,), (1,)])):
        gap = pick(draw.ints(0, 3))
        size = b[0, axis + 2] - b[0, axis]
        b[0, axis] = a[0, axis + 2] + gap
        b[0, axis + 2] = b[0, axis] + size
    return a, b


@check("box_iou", title="Boxes that only touch, or lie apart on one axis or on both, share nothing", points=1)
@given(pair=neighbours(), turned=st.booleans())
def test_iou_apart(learner, reference, pair, turned):
    same_iou(learner, reference, *(pair[::-1] if turned else pair))


@check("box_iou", title="Any unit: parts of the picture and thousands of pixels", points=0.5)
@given(a=rectangles(3, low=-2, high=2), b=rectangles(2, low=-2, high=2), scale=st.sampled_from([0.125, 64.0, 512.0]))
def test_iou_units(learner, reference, a, b, scale):
    same_iou(learner, reference, a * scale, b * scale)


@st.composite
def degenerate(pick: Pick) -> torch.Tensor:
    """(K, 4) boxes, at least one of which has no area."""
    boxes = pick(rectangles(draw.ints(1, 3)))
    sides = pick(st.lists(st.sampled_from([0, 1]), min_size=1, max_size=2, unique=True))
    for axis in sides:
        boxes[0, axis + 2] = boxes[0, axis] - pick(draw.ints(0, 2))
    return boxes


@check("box_iou", title="Boxes without any area give 0 and never NaN", points=0.5)
@given(a=degenerate(), b=degenerate(), alone=st.booleans())
def test_iou_degenerate(learner, reference, a, b, alone):
    same_iou(learner, reference, a, a if alone else b)


@check("box_iou", title="No boxes on one side, or on both", points=0.25, examples=12)
@given(n=draw.ints(0, 2), m=draw.ints(0, 2))
def test_iou_empty(learner, reference, n, m):
    full = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 4.0, 2.0]])
    n = 0 if m else n
    same_iou(learner, reference, full[:n], full[:m])


@check("box_iou", title="float64 to its full precision, in any memory layout, and the boxes stay as they were",
       points=0.5, examples=20)  # fmt: skip
@given(a=draw.layouts(draw.reals((3, 4))), b=draw.layouts(draw.reals((2, 4))))
def test_iou_float64(learner, reference, a, b):
    frame = torch.tensor([-300.0, -300.0, 300.0, 300.0], dtype=torch.float64)  # corners move by up to 100: all overlap
    a, b = frame + 100 * a, frame + 100 * b
    # In boxes of so many pixels a tiny number added to the denominator, as many do, stays within this bound.
    expect.close(learner.box_iou(a, b), reference.box_iou(a, b), magnitude=2000.0)
    expect.unchanged(learner.box_iou, a, b)


@check("box_iou", title="Boxes that do not have four numbers are a ValueError", points=0.25)
def test_iou_errors(learner, reference):
    boxes = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 4.0, 2.0]])
    expect.value_error(learner.box_iou, boxes, torch.ones(2, 5), about=[*BOXES, "a", "b"])
    expect.value_error(learner.box_iou, boxes[:, :3], boxes, about=[*BOXES, "a", "b"])


# encode_targets


@st.composite
def objects(
    pick: Pick, *, count: Any = 1, low: int = 1, high: int = 7, grids: Any = None, dtype: Any = torch.float32
) -> Case:
    """Objects of one picture, each in a cell of its own; their centres lie low/8 to high/8 into the cell."""
    size, classes = pick(draw.ints(2, 5) if grids is None else grids), pick(draw.ints(1, 4))
    k = count if isinstance(count, int) else pick(count)
    cells = pick(st.permutations(range(size * size)))[:k]
    place = torch.tensor([(cell % size, cell // size) for cell in cells], dtype=dtype).reshape(k, 2)
    centre = (place + eighths(pick, (k, 2), low, high, dtype)) / size
    boxes = torch.cat([centre, eighths(pick, (k, 2), 1, 8, dtype)], dim=1)
    labels = pick(draw.tensors((k,), torch.int64, low=0, high=classes - 1)) % classes
    return {"boxes": boxes, "labels": labels, "grid_size": size, "num_classes": classes}


def same_sums(learner: Any, reference: Any, case: Case, part: slice, what: str) -> None:
    """The sum over all cells of a part of their numbers: what they are, in whatever cell."""
    got, want = learner.encode_targets(*case.values()), reference.encode_targets(*case.values())
    expect.equal(tuple(got.shape), tuple(want.shape))
    expect.close(got[..., part].sum((0, 1)), want[..., part].sum((0, 1)), what=f"{what}, summed over all cells,")


@check("encode_targets", title="One object: the right cell is marked, row from y and column from x", points=1)
@given(case=objects())
def test_targets_cell(learner, reference, case):
    got, want = learner.encode_targets(*case.values()), reference.encode_targets(*case.values())
    expect.equal(tuple(got.shape), tuple(want.shape))
    expect.close(got[..., 4], want[..., 4], what="entry 4 of the cells")


@check("encode_targets", title="One object: its place within the cell, and its size", points=1)
@given(case=objects())
def test_targets_box(learner, reference, case):
    same_sums(learner, reference, case, slice(0, 4), "x, y, w, h")


@check("encode_targets", title="One object: its class as a 1 among zeros", points=0.5)
@given(case=objects())
def test_targets_class(learner, reference, case):
    same_sums(learner, reference, case, slice(5, None), "the classes")


@check("encode_targets", title="Several objects, each in a cell of its own", points=0.75)
@given(case=objects(count=draw.ints(2, 4)))
def test_targets_several(learner, reference, case):
    expect.close(learner.encode_targets(*case.values()), reference.encode_targets(*case.values()))


@st.composite
def on_borders(pick: Pick) -> Case:
    """Centres on the borders of cells, 0 and 1 among them: grids whose borders are exact in binary."""
    case = pick(objects(grids=st.sampled_from([2, 4, 1])))
    size = case["grid_size"]
    corner = pick(st.tuples(draw.ints(0, size), draw.ints(0, size)))
    free = pick(st.sampled_from([(True, True), (True, False), (False, True)]))
    for axis in (0, 1):
        if free[axis]:
            case["boxes"][0, axis] = corner[axis] / size
    return case


@check("encode_targets", title="Centres on the border of two cells, and at exactly 0 and 1", points=0.75, examples=50)
@given(case=on_borders())
def test_targets_borders(learner, reference, case):
    expect.close(learner.encode_targets(*case.values()), reference.encode_targets(*case.values()))


@st.composite
def shared_cells(pick: Pick) -> Case:
    """Two or three objects in one cell, and now and then one elsewhere, in any order."""
    case = pick(objects(count=2))
    size, k = case["grid_size"], pick(draw.ints(2, 3))
    cell = (case["boxes"][0, :2] * size).floor()
    centre = (cell + eighths(pick, (k, 2))) / size
    crowd = torch.cat([centre, eighths(pick, (k, 2), 0, 8)], dim=1)  # a thin line is an object too
    order = torch.tensor(pick(st.permutations(range(k + 1))))
    case["boxes"] = torch.cat([crowd, case["boxes"][1:]])[order]
    case["labels"] = pick(draw.tensors((k + 1,), torch.int64, low=0, high=3)) % case["num_classes"]
    return case


@check("encode_targets", title="Of several objects in one cell the first stays, box and class", points=0.75)
@given(case=shared_cells())
def test_targets_first_stays(learner, reference, case):
    expect.close(learner.encode_targets(*case.values()), reference.encode_targets(*case.values()))


@check("encode_targets", title="A picture without any object", points=0.25, examples=10)
@given(case=objects(count=0, grids=draw.ints(1, 3)))
def test_targets_empty(learner, reference, case):
    expect.close(learner.encode_targets(*case.values()), reference.encode_targets(*case.values()))


@check("encode_targets", title="float64 to its full precision, and the arguments stay as they were", points=0.5,
       examples=20)  # fmt: skip
@given(case=objects(count=2, grids=draw.ints(2, 3), dtype=torch.float64), real=draw.reals((2, 4)))
def test_targets_float64(learner, reference, case, real):
    case["boxes"] = case["boxes"] + real / 64  # stays within the cell
    expect.close(learner.encode_targets(*case.values()), reference.encode_targets(*case.values()))
    expect.unchanged(learner.encode_targets, *case.values())


@check("encode_targets", title="Centres outside of the picture, and labels that do not match, are a ValueError",
       points=0.5)  # fmt: skip
def test_targets_errors(learner, reference):
    label, boxes = torch.tensor([1]), torch.tensor([[0.25, 0.5, 0.5, 0.25]])
    outside = ["centre", "center", "boxes", "box", "outside", "cx", "cy", "coordinate", "range", "0"]
    for wrong in ([1.25, 0.5, 0.5, 0.25], [0.5, 1.25, 0.5, 0.25], [-0.25, 0.5, 0.5, 0.25], [0.5, -0.25, 0.5, 0.25]):
        expect.value_error(learner.encode_targets, torch.tensor([wrong]), label, 3, 2, about=outside)
    expect.value_error(learner.encode_targets, boxes, torch.tensor([1, 0]), 3, 2, about=COUNTS)
    expect.value_error(learner.encode_targets, boxes, label, 0, 2, about=["grid_size", "grid", "size"])


# YOLOHead

HIDDEN_OF_DROPOUT = 64


@st.composite
def heads(pick: Pick) -> Case:
    """What a head is made with, values for its layers, and feature maps."""
    channels, size, per_cell, classes, hidden = (pick(draw.ints(1, high)) for high in (3, 3, 2, 3, 4))
    outputs = size * size * (5 * per_cell + classes)
    state = {
        "fc1.weight": pick(draw.tensors((hidden, channels * size * size))),
        "fc1.bias": pick(draw.tensors((hidden,))) + 0.5,  # no unit is at exactly 0, the kink of the LeakyReLU
        "fc2.weight": pick(draw.tensors((outputs, hidden))),
        "fc2.bias": pick(draw.tensors((outputs,))),
    }
    x = pick(draw.tensors((pick(draw.ints(1, 3)), channels, size, size)))
    return {"arguments": (channels, size, per_cell, classes, hidden), "state": state, "x": x}


def built(module: Any, case: Case) -> Any:
    """A head with the given values in it, in eval mode."""
    head = module.YOLOHead(*case["arguments"])
    head.load_state_dict(case["state"])
    head.eval()
    return head


@check("YOLOHead", title="With given weights, in eval mode: the numbers of every cell in their place", points=1.5)
@given(case=heads())
def test_head_output(learner, reference, case):
    with torch.no_grad():
        expect.close(built(learner, case)(case["x"]), built(reference, case)(case["x"]))


@check("YOLOHead", title="The layers are called fc1 and fc2, have a bias each and the right shapes", points=1,
       examples=15)  # fmt: skip
@given(case=heads())
def test_head_state(learner, reference, case):
    state = learner.YOLOHead(*case["arguments"]).state_dict()
    expect.equal(sorted(state), sorted(case["state"]))
    for name, value in case["state"].items():
        expect.equal((name, tuple(state[name].shape)), (name, tuple(value.shape)))


@check("YOLOHead", title="The defaults: 7 × 7 cells, 2 boxes, 20 classes, 4096 hidden units", points=0.5)
def test_head_defaults(learner, reference):
    head, small = learner.YOLOHead(2, hidden=3), learner.YOLOHead(2, grid_size=1)
    shapes = {name: tuple(head.state_dict()[name].shape) for name in ("fc1.weight", "fc2.weight")}
    expect.equal(shapes, {"fc1.weight": (3, 2 * 7 * 7), "fc2.weight": (7 * 7 * 30, 3)})
    shapes = {name: tuple(small.state_dict()[name].shape) for name in ("fc1.weight", "fc2.weight")}
    expect.equal(shapes, {"fc1.weight": (4096, 2), "fc2.weight": (30, 4096)})


@check("YOLOHead", title="Dropout: about half of the hidden units in training mode, none in eval mode", points=1)
def test_head_dropout(learner, reference):
    units = HIDDEN_OF_DROPOUT
    head = learner.YOLOHead(1, 1, 1, units - 5, units)  # as many outputs as hidden units: each shows one of them
    state = {
        "fc1.weight": torch.zeros(units, 1),
        "fc1.bias": torch.ones(units),
        "fc2.weight": torch.eye(units),
        "fc2.bias": torch.zeros(units),
    }
    # One large output, that is not looked at, keeps chance out of the diagnosis: it compares by the largest value.
    state["fc2.bias"][0] = 1e6
    head.load_state_dict(state)
    x = torch.ones(8, 1, 1, 1)
    with torch.no_grad():
        head.train()
        seen = head(x).reshape(8, units)[:, 1:]
        kept = (seen - 2).abs() < 1e-3
        share = kept.double().mean().item()  # of 504 units: 0.35 and 0.65 are more than six standard deviations away
        valid = bool((kept | (seen.abs() < 1e-3)).all())
        head.eval()
        still = head(x).reshape(8, units)[:, 1:]
    expect.that(valid, "in training mode a hidden unit is either dropped (0) or counts double, so that the mean stays")
    expect.that(0.35 < share < 0.65, f"dropout with probability 0.5 keeps about half of the units, yours {share:.2f}")
    expect.close(still, torch.ones(8, units - 1), what="the result in eval mode")


@check("YOLOHead", title="Gradients arrive at the feature map and at both layers", points=0.5, examples=20)
@given(case=heads(), upstream=st.integers(1, 9))
def test_head_gradients(learner, reference, case, upstream):
    found = []
    for module in (learner, reference):
        head, x = built(module, case), case["x"].clone().requires_grad_()
        y = head(x)
        values = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * upstream % 7 - 3
        leaves = {"x": x} | dict(head.named_parameters())
        found.append(dict(zip(leaves, torch.autograd.grad(y, list(leaves.values()), values), strict=True)))
    for name, want in found[1].items():
        expect.close(found[0].get(name), want, what=f"the gradient for {name}", terms=256)


ABOUT_HEADS = ["x", "shape", "size", "channel", "grid", "feature", "input", "boxes", "class", "hidden"]


@check("YOLOHead", title="Feature maps that do not fit are a ValueError", points=0.25)
def test_head_misfits(learner, reference):
    def make_and_call(shape):
        return learner.YOLOHead(3, 3, 1, 2, 4)(torch.ones(shape))

    expect.value_error(make_and_call, (2, 3, 2, 2), about=ABOUT_HEADS)
    expect.value_error(make_and_call, (2, 2, 3, 3), about=ABOUT_HEADS)


@check("YOLOHead", title="Sizes below 1 are a ValueError", points=0.25)
def test_head_errors(learner, reference):
    def make_and_call(channels, size, *others):
        return learner.YOLOHead(channels, size, *others)(torch.ones(2, channels, size, size))

    for place in range(5):
        sizes = [3, 3, 1, 2, 4]
        sizes[place] = 0
        expect.value_error(make_and_call, *sizes, about=ABOUT_HEADS)


# decode_predictions


@st.composite
def grids(
    pick: Pick,
    *,
    sizes: tuple[int, int] = (1, 3),
    boxes: tuple[int, int] = (1, 1),
    classes: tuple[int, int] = (1, 4),
    lowest: tuple[float, float] = (6.5, 13.5),
    single: bool = False,
    inside: bool = True,
    real: bool = False,
) -> Case:
    """The prediction for one picture. All scores differ, and all are exact: `lowest`/32, the next 1/32, …"""
    dtype = torch.float64 if real else torch.float32
    size, b, c = pick(draw.ints(*sizes)), pick(draw.ints(*boxes)), pick(draw.ints(*classes))
    place = eighths(pick, (size, size, b, 2), 1, 7, dtype)
    shape = eighths(pick, (size, size, b, 2), 1, 2 if inside else 12, dtype)
    if inside:
        shape = shape / size  # a quarter of the cell at most, and 1/8 from its border: all within the picture
    best = 2.0 ** (pick(draw.tensors((size, size, 1), dtype, low=-1, high=1)) % 3 - 1)
    labels = pick(draw.tensors((size, size), torch.int64, low=0, high=c - 1)) % c
    others = best * eighths(pick, (size, size, c), 0, 6, dtype)
    probabilities = torch.where(torch.nn.functional.one_hot(labels, c) > 0, best, others)
    scores = distinct(pick, size * size * b, dtype=dtype, step=1 / 32).reshape(size, size, b)
    low, high = lowest
    scores = scores + (pick(draw.ints(0, int(high - low))) + low - 1) / 32  # 8/32 is the threshold unless it is given
    if single:
        scores = scores * (scores == scores.max()) + 0.5 * (scores == scores.max())
    confidence = (scores / best)[..., None]
    prediction = torch.cat([torch.cat([place, shape, confidence], -1).flatten(-2), probabilities], -1)
    if real:
        prediction = prediction + pick(draw.reals(tuple(prediction.shape))) / 2**20  # far too little to change an order
    return {"prediction": prediction, "boxes_per_cell": b, "num_classes": c}


def decoded(module: Any, case: Case) -> Any:
    return module.decode_predictions(*case.values())


def three(answer: Any, want: Any) -> Any:
    """Boxes, scores and labels, of as many detections; whether they fit is for `expect.close` to say."""
    parts = isinstance(answer, tuple | list) and len(answer) == 3
    expect.that(parts, "decode_predictions should return three tensors: boxes, scores, labels")
    kept, right = (len(scores) for _, scores, _ in (answer, want))
    expect.that(kept == right, f"{right} of the boxes should be kept here, yours are {kept}")
    return answer


def same_detections(got: Any, want: Any) -> None:
    expect.close(three(got, want), want)


@check("decode_predictions", title="One detection: where it is in the picture", points=1)
@given(case=grids(single=True))
def test_decode_boxes(learner, reference, case):
    got, want = decoded(learner, case), decoded(reference, case)
    expect.close(three(got, want)[0], want[0], what="boxes")


@check("decode_predictions", title="One detection: its score and its class", points=1)
@given(case=grids(single=True))
def test_decode_scores(learner, reference, case):
    got, want = decoded(learner, case), decoded(reference, case)
    expect.close(three(got, want)[1], want[1], what="scores")
    expect.close(got[2], want[2], what="labels")


@check("decode_predictions", title="Several detections in several cells, the highest score first", points=0.75)
@given(case=grids(sizes=(2, 3)))
def test_decode_order(learner, reference, case):
    same_detections(decoded(learner, case), decoded(reference, case))


@check("decode_predictions", title="Several boxes in a cell", points=0.75)
@given(case=grids(boxes=(2, 3)))
def test_decode_boxes_per_cell(learner, reference, case):
    same_detections(decoded(learner, case), decoded(reference, case))


@check("decode_predictions", title="The threshold: 0.25 unless given, and a score that equals it is not kept",
       points=0.75)  # fmt: skip
@given(case=grids(sizes=(2, 3), lowest=(1, 8)), number=draw.ints(0, 9))
def test_decode_threshold(learner, reference, case, number):
    settings = {} if number == 0 else {"threshold": number / 32}
    got = learner.decode_predictions(*case.values(), **settings)
    same_detections(got, reference.decode_predictions(*case.values(), **settings))


@check("decode_predictions", title="Boxes that reach out of the picture are clipped", points=0.5)
@given(case=grids(inside=False, boxes=(1, 2)))
def test_decode_clipped(learner, reference, case):
    same_detections(decoded(learner, case), decoded(reference, case))


@check("decode_predictions", title="Nothing is kept: three empty tensors of the right shapes", points=0.5, examples=10)
@given(case=grids(boxes=(1, 2)))
def test_decode_nothing(learner, reference, case):
    same_detections(learner.decode_predictions(*case.values(), 2.0), reference.decode_predictions(*case.values(), 2.0))


@check("decode_predictions", title="float64 to its full precision, and the prediction stays as it was", points=0.5,
       examples=20)  # fmt: skip
@given(case=grids(boxes=(1, 2), sizes=(1, 2), real=True))
def test_decode_float64(learner, reference, case):
    same_detections(decoded(learner, case), decoded(reference, case))
    expect.unchanged(learner.decode_predictions, *case.values())


@check("decode_predictions", title="A prediction that does not have B * 5 + C numbers a cell is a ValueError",
       points=0.25)  # fmt: skip
def test_decode_errors(learner, reference):
    expect.value_error(learner.decode_predictions, torch.ones(2, 2, 12), 2, 3, about=CELLS)
    expect.value_error(learner.decode_predictions, torch.ones(2, 2, 13), 1, 3, about=CELLS)


# yolo_loss

FAR = 5.0  # cells: so far away that no box shares anything, whether it is measured in cells or in pictures
MILLION = 1e6  # as lambda_coord: the other terms, whatever they are, are lost in the rounding that is allowed


@st.composite
def scenes(
    pick: Pick,
    *,
    pictures: tuple[int, int] = (1, 1),
    sizes: tuple[int, int] = (1, 3),
    boxes: tuple[int, int] = (1, 1),
    dtype: Any = torch.float32,
) -> Case:
    """Targets, and a prediction taken apart that is perfect: its loss is 0.

    "place" (N, S, S, B, 2), "size" (N, S, S, B, 2), "confidence" (N, S, S, B), "classes" (N, S, S, C); in cells with an
    object ("there") one box, at "mine" (N, S, S), is the true one, and all others are far away. In the other cells
    boxes and classes are anything, since they do not count.
    """
    n, s, b, c = (pick(draw.ints(*bounds)) for bounds in (pictures, sizes, boxes, (1, 3)))
    there = pick(draw.tensors((n, s, s), torch.int64, low=0, high=1)) % 2 == 1
    there[0, -1, 0] |= not bool(there.any())
    true_place, true_size = eighths(pick, (n, s, s, 2), 0, 7, dtype), eighths(pick, (n, s, s, 2), 2, 7, dtype)
    labels = pick(draw.tensors((n, s, s), torch.int64, low=0, high=c - 1)) % c
    hot = torch.nn.functional.one_hot(labels, c).to(dtype)
    target = torch.cat([true_place, true_size, torch.ones(n, s, s, 1, dtype=dtype), hot], -1) * there[..., None]
    mine = pick(draw.tensors((n, s, s), torch.int64, low=0, high=b - 1)) % b
    chosen = (torch.arange(b) == mine[..., None]) & there[..., None]
    place = torch.where(chosen[..., None], true_place[..., None, :], FAR + eighths(pick, (n, s, s, b, 2), 0, 7, dtype))
    size = torch.where(chosen[..., None], true_size[..., None, :], eighths(pick, (n, s, s, b, 2), 1, 7, dtype))
    classes = torch.where(there[..., None], hot, eighths(pick, (n, s, s, c), 1, 7, dtype))
    return {
        "target": target, "there": there, "mine": mine, "chosen": chosen, "place": place, "size": size,
        "confidence": chosen.to(dtype), "classes": classes,
    }  # fmt: skip


def arguments(case: Case) -> tuple[Any, ...]:
    """prediction, target, boxes_per_cell, num_classes."""
    boxes = torch.cat([case["place"], case["size"], case["confidence"][..., None]], -1)
    prediction = torch.cat([boxes.flatten(-2), case["classes"]], -1)
    return prediction, case["target"], boxes.shape[-2], case["classes"].shape[-1]


def same_loss(learner: Any, reference: Any, case: Case, *, terms: int = 64, **weights: float) -> None:
    given = arguments(case)
    expect.close(learner.yolo_loss(*given, **weights), reference.yolo_loss(*given, **weights), terms=terms)


@st.composite
def only_noobj(pick: Pick) -> Case:
    case = pick(scenes(boxes=(1, 3)))
    case["target"] = torch.zeros_like(case["target"])
    case["confidence"] = eighths(pick, tuple(case["confidence"].shape), 0, 7)
    return case


@check("yolo_loss", title="A picture without objects: all confidences should be 0", points=1)
@given(case=only_noobj())
def test_loss_noobj(learner, reference, case):
    same_loss(learner, reference, case)


@st.composite
def only_classes(pick: Pick) -> Case:
    case = pick(scenes(boxes=(1, 2)))
    case["classes"] = case["classes"] + pick(draw.tensors(tuple(case["classes"].shape))) / 4
    return case


@check("yolo_loss", title="The class scores, in the cells that have an object", points=1)
@given(case=only_classes())
def test_loss_classes(learner, reference, case):
    same_loss(learner, reference, case)


@st.composite
def only_centres(pick: Pick) -> Case:
    """One box, far from its object and sure of nothing: the IoU and the confidence are 0, the size is right."""
    case = pick(scenes())
    away = torch.tensor([FAR, 0.0])  # so x is off by more than y
    case["place"] = case["place"] + away + eighths(pick, tuple(case["place"].shape), 0, 7)
    case["confidence"] = torch.zeros_like(case["confidence"])
    return case


@check("yolo_loss", title="The centre of the responsible box", points=1.5)
@given(case=only_centres())
def test_loss_centre(learner, reference, case):
    same_loss(learner, reference, case, terms=4, lambda_coord=MILLION)


@st.composite
def only_sizes(pick: Pick, *, sign: int = 1) -> Case:
    """One box, at its place, with another width and height. `sign` -1 makes one of the two or both negative."""
    case = pick(scenes())
    size = eighths(pick, tuple(case["size"].shape), 1, 7)
    if sign < 0:
        negative = torch.tensor(pick(st.sampled_from([(True, False), (False, True), (True, True)])))
        size = torch.where(negative, size * (-8 / 11), size)  # elevenths: no "area" can cancel with that of the object
    case["size"] = torch.where(case["chosen"][..., None], size, case["size"])
    return case


@check("yolo_loss", title="The size of the responsible box, by the roots of width and height", points=1.5)
@given(case=only_sizes())
def test_loss_size(learner, reference, case):
    same_loss(learner, reference, case, lambda_coord=MILLION)


@check("yolo_loss", title="A negative width or height that is predicted counts as 0", points=0.5, examples=30)
@given(case=only_sizes(sign=-1))
def test_loss_negative_size(learner, reference, case):
    case["confidence"] = torch.zeros_like(case["confidence"])
    same_loss(learner, reference, case, terms=4096, lambda_coord=MILLION)  # a clamp at 1e-6 and not 0 is fine


@st.composite
def only_confidence(pick: Pick, **sizes: Any) -> Case:
    """One box that overlaps with its object, in place and size not quite right."""
    case = pick(scenes(**sizes))
    there = case["chosen"][..., None]
    case["place"] = torch.where(there, eighths(pick, tuple(case["place"].shape), 0, 7), case["place"])
    case["size"] = torch.where(there, eighths(pick, tuple(case["size"].shape), 3, 7), case["size"])
    case["confidence"] = eighths(pick, tuple(case["confidence"].shape), 0, 8) * case["chosen"]
    return case


@check("yolo_loss", title="The confidence of the responsible box should be its IoU, in a grid of one cell", points=1.25)
@given(case=only_confidence(sizes=(1, 1)))
def test_loss_confidence(learner, reference, case):
    same_loss(learner, reference, case, lambda_coord=0.0)


@check("yolo_loss", title="That IoU is taken in the picture, also where there are several cells", points=1)
@given(case=only_confidence(sizes=(2, 4)))
def test_loss_units(learner, reference, case):
    same_loss(learner, reference, case, lambda_coord=0.0)


@st.composite
def idle_boxes(pick: Pick) -> Case:
    """The responsible box is perfect; the other boxes of its cell are far away and sure of something."""
    case = pick(scenes(boxes=(2, 3)))
    unsure = eighths(pick, tuple(case["confidence"].shape), 1, 7)
    case["confidence"] = torch.where(case["there"][..., None] & ~case["chosen"], unsure, case["confidence"])
    return case


@check("yolo_loss", title="The other boxes of a cell with an object should be sure of nothing", points=1)
@given(case=idle_boxes())
def test_loss_idle(learner, reference, case):
    same_loss(learner, reference, case)


@st.composite
def rivals(pick: Pick, *, widest: float = 1.0, **bounds: Any) -> Case:
    """All boxes of a cell lie at the object's place and are no wider than it, each by another factor."""
    case = pick(scenes(boxes=(2, 3), **bounds))
    shape = tuple(case["confidence"].shape)
    keys = pick(draw.tensors(shape, torch.float64, low=-(10**6), high=10**6))
    factor = widest * (1 - keys.argsort(stable=True).argsort().to(case["size"].dtype) / 4)
    factor = torch.stack([factor, torch.ones_like(factor)], -1)
    there = case["there"][..., None, None]
    case["place"] = torch.where(there, case["target"][..., None, :2], case["place"])
    case["size"] = torch.where(there, case["target"][..., None, 2:4] * factor, case["size"])
    case["confidence"] = eighths(pick, shape, 0, 7)
    return case


@check("yolo_loss", title="Of several boxes that overlap with the object, the one with the highest IoU is responsible",
       points=0.5)  # fmt: skip
@given(case=rivals())
def test_loss_responsible(learner, reference, case):
    same_loss(learner, reference, case)


@st.composite
def ties(pick: Pick) -> Case:
    """No box of a cell touches the object: all have the IoU 0."""
    case = pick(scenes(boxes=(2, 3)))
    case["place"] = FAR + eighths(pick, tuple(case["place"].shape), 0, 7)
    case["confidence"] = eighths(pick, tuple(case["confidence"].shape), 0, 7)
    return case


@check("yolo_loss", title="Where several boxes have the highest IoU, the first of them is responsible", points=0.25,
       examples=30)  # fmt: skip
@given(case=ties())
def test_loss_ties(learner, reference, case):
    same_loss(learner, reference, case)


@st.composite
def batches(pick: Pick) -> Case:
    case = pick(scenes(pictures=(2, 3)))
    case["classes"] = case["classes"] + pick(draw.tensors(tuple(case["classes"].shape))) / 4
    unsure = eighths(pick, tuple(case["confidence"].shape), 0, 7)
    case["confidence"] = torch.where(case["chosen"], case["confidence"], unsure)
    if pick(st.booleans()):  # a picture without objects in the middle of it
        case["target"][1], case["confidence"][1] = 0.0, 0.5
    return case


@check("yolo_loss", title="Several pictures: the sum, divided by their number", points=0.5)
@given(case=batches())
def test_loss_batch(learner, reference, case):
    same_loss(learner, reference, case)


@check("yolo_loss", title="The two weights, as given", points=0.5, examples=30)
@given(case=ties(), coord=draw.ints(0, 4), noobj=draw.ints(0, 8))
def test_loss_weights(learner, reference, case, coord, noobj):
    weights = coord * 0.75, noobj * 0.25
    given = (*arguments(case), *weights)
    expect.close(learner.yolo_loss(*given), reference.yolo_loss(*given))


def gradients(module: Any, case: Case, upstream: float) -> torch.Tensor:
    prediction, *others = arguments(case)
    prediction = prediction.clone().requires_grad_()
    loss = module.yolo_loss(prediction, *others)
    (found,) = torch.autograd.grad(loss, [prediction], torch.full_like(loss, upstream))
    return found


def entries(case: Case, *, boxes: bool) -> torch.Tensor:
    """Which numbers of a cell are x, y, w, h of a box (or all the others)."""
    b, c = case["confidence"].shape[-1], case["classes"].shape[-1]
    places = torch.tensor([True, True, True, True, False] * b + [False] * c)
    return places if boxes else ~places


@check("yolo_loss", title="The gradient for confidences and classes", points=0.5, examples=30)
@given(case=rivals(pictures=(1, 2), widest=0.875), upstream=st.sampled_from([2.0, -0.5, 3.0]))
def test_loss_gradient(learner, reference, case, upstream):
    part = entries(case, boxes=False)
    got, want = gradients(learner, case, upstream), gradients(reference, case, upstream)
    expect.close(got[..., part], want[..., part], what="the gradient for confidences and classes")


@check("yolo_loss", title="The gradient for places and sizes: nothing of it comes through the IoU",
       points=0.5, examples=30)  # fmt: skip
@given(case=rivals(pictures=(1, 2), widest=0.875), upstream=st.sampled_from([2.0, -0.5, 3.0]))
def test_loss_gradient_boxes(learner, reference, case, upstream):
    part = entries(case, boxes=True)
    got, want = gradients(learner, case, upstream), gradients(reference, case, upstream)
    expect.close(got[..., part], want[..., part], what="the gradient for places and sizes")


@st.composite
def reals_far_away(pick: Pick) -> Case:
    """No box touches its object: the IoU is 0, whatever is added to its denominator."""
    case = pick(scenes(pictures=(1, 2), sizes=(1, 2), boxes=(1, 2), dtype=torch.float64))
    case["place"] = FAR + pick(draw.reals(tuple(case["place"].shape))).abs()
    case["size"] = 0.5 + pick(draw.reals(tuple(case["size"].shape))) / 4
    case["confidence"] = pick(draw.reals(tuple(case["confidence"].shape)))
    return case


@check("yolo_loss", title="float64 to its full precision, and the arguments stay as they were",
       points=0.25, examples=20)  # fmt: skip
@given(case=reals_far_away())
def test_loss_float64(learner, reference, case):
    same_loss(learner, reference, case)
    expect.unchanged(learner.yolo_loss, *arguments(case))


@check("yolo_loss", title="A prediction and a target that do not fit are a ValueError", points=0.25)
def test_loss_errors(learner, reference):
    prediction, target = torch.ones(2, 3, 3, 13), torch.zeros(2, 3, 3, 8)
    expect.value_error(learner.yolo_loss, prediction, target, 1, 3, about=CELLS)
    expect.value_error(learner.yolo_loss, prediction, torch.zeros(2, 3, 3, 9), 2, 3, about=CELLS)
    expect.value_error(learner.yolo_loss, prediction, torch.zeros(2, 2, 2, 8), 2, 3, about=CELLS)


# nms

SCALES, SHIFTS = st.sampled_from([0.125, 32.0, 256.0]), st.sampled_from([0.0, -16.0, 8.0])


def same_indices(got: Any, want: torch.Tensor) -> None:
    """First as lists: they say more of a wrong answer than the shapes of two tensors do."""
    expect.equal(got.tolist(), want.tolist())
    expect.close(got, want)


@st.composite
def candidates(
    pick: Pick, *, count: tuple[int, int], labels: tuple[int, ...] = (), dtype: Any = torch.float32, **bounds: Any
) -> Case:
    """Boxes with different scores, and classes where `labels` are given."""
    boxes = pick(rectangles(draw.ints(*count), dtype=dtype, **bounds))
    case = {"boxes": boxes, "scores": distinct(pick, len(boxes), dtype=dtype)}
    if labels:
        numbers = pick(draw.tensors((len(boxes),), torch.int64, low=0, high=len(labels) - 1))
        case["labels"] = torch.tensor(labels)[numbers % len(labels)]
    return case | {"iou_threshold": pick(st.sampled_from(THRESHOLDS))}


@st.composite
def chains(pick: Pick) -> Case:
    """Boxes in a row, each of which overlaps too much with its neighbours alone."""
    count, across = pick(draw.ints(3, 6)), pick(st.booleans())
    corner = torch.arange(count) * 2.0
    zero = torch.zeros(count)
    boxes = torch.stack([corner, zero, corner + 6, zero + 3], 1)  # IoU 1/2 with the next one, 1/5 with the one after it
    boxes = boxes[:, [1, 0, 3, 2]] if across else boxes
    falling = torch.arange(count, 0, -1) / 8
    scores = falling if pick(st.booleans()) else distinct(pick, count)
    return {"boxes": boxes, "scores": scores, "iou_threshold": pick(st.sampled_from(THRESHOLDS[:2]))}


@check("nms", title="Two boxes: the lower score goes where they overlap too much", points=1)
@given(case=candidates(count=(2, 2), low=0, high=2))
def test_nms_two(learner, reference, case):
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@check("nms", title="Many boxes in any order: indices by falling score", points=1)
@given(case=candidates(count=(3, 6)))
def test_nms_many(learner, reference, case):
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@check("nms", title="A chain: a box that is suppressed itself suppresses nothing", points=1)
@given(case=chains())
def test_nms_chain(learner, reference, case):
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@st.composite
def at_the_border(pick: Pick) -> Case:
    """A box inside another one with half or a quarter of its area: the IoU is exactly the threshold."""
    part, across = pick(st.sampled_from([2, 4])), pick(st.booleans())
    inner = torch.tensor([[0.0, 0.0, 1.0, 3.0]]) * pick(draw.ints(1, 3))
    outer = inner * torch.tensor([1.0, 1.0, part, 1.0])
    boxes = torch.cat([outer, inner]) + pick(draw.ints(-2, 2))
    boxes = boxes[:, [1, 0, 3, 2]] if across else boxes
    return {"boxes": boxes, "scores": distinct(pick, 2), "iou_threshold": 1 / part}


@check("nms", title="An IoU that equals the threshold does not suppress", points=0.5, examples=30)
@given(case=at_the_border())
def test_nms_border(learner, reference, case):
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@check("nms", title="Boxes of any unit: parts of a picture, thousands of pixels, negative numbers", points=0.5)
@given(case=candidates(count=(2, 4)), scale=SCALES, shift=SHIFTS)
def test_nms_units(learner, reference, case, scale, shift):
    case["boxes"] = (case["boxes"] + shift) * scale
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@check("nms", title="Boxes without any area stay", points=0.25, examples=25)
@given(case=candidates(count=(2, 4)), twice=st.booleans())
def test_nms_degenerate(learner, reference, case, twice):
    case["boxes"][0, 2:] = case["boxes"][0, :2]
    if twice:
        case["boxes"][1] = case["boxes"][0]
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))


@check("nms", title="No boxes at all: an empty tensor of indices", points=0.25)
def test_nms_empty(learner, reference):
    expect.close(learner.nms(torch.zeros(0, 4), torch.zeros(0), 0.5), torch.zeros(0, dtype=torch.int64))


def nearly_equal(scores: torch.Tensor) -> torch.Tensor:
    """float64 scores in the same order that float32 cannot tell apart."""
    return 0.5 + scores.double() * 2.0**-40


@check("nms", title="float64 scores to their full precision, and the arguments stay as they were",
       points=0.25, examples=20)  # fmt: skip
@given(case=candidates(count=(2, 4), dtype=torch.float64))
def test_nms_float64(learner, reference, case):
    case["scores"] = nearly_equal(case["scores"])
    same_indices(learner.nms(*case.values()), reference.nms(*case.values()))
    expect.unchanged(learner.nms, *case.values())


@check("nms", title="Not as many scores as boxes is a ValueError", points=0.25)
def test_nms_errors(learner, reference):
    boxes = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 4.0, 2.0]])
    expect.value_error(learner.nms, boxes, torch.tensor([0.5, 0.25, 0.75]), 0.5, about=COUNTS)
    expect.value_error(learner.nms, boxes, torch.tensor([0.5]), 0.5, about=COUNTS)


# batched_nms

SCATTERED = (3, 0, 17, 60)


@check("batched_nms", title="One class: as nms", points=0.5)
@given(case=candidates(count=(2, 5), labels=(0,)))
def test_batched_one_class(learner, reference, case):
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))


@check("batched_nms", title="Two boxes that overlap: the lower score goes only if the class is the same", points=1)
@given(case=candidates(count=(2, 2), labels=(1, 0), low=0, high=2))
def test_batched_two(learner, reference, case):
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))


@check("batched_nms", title="Several classes, whatever their numbers: falling score over all of them", points=1)
@given(case=candidates(count=(3, 6), labels=SCATTERED))
def test_batched_order(learner, reference, case):
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))


@check("batched_nms", title="Boxes of any unit: parts of a picture and thousands of pixels", points=0.25)
@given(case=candidates(count=(2, 5), labels=(1, 0, 2)), scale=SCALES, shift=SHIFTS)
def test_batched_units(learner, reference, case, scale, shift):
    case["boxes"] = (case["boxes"] + shift) * scale
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))


@st.composite
def apart_by_their_largest(pick: Pick) -> Case:
    """Two boxes that would meet if a class were moved by its label times the largest coordinate, or that plus one."""
    box, label = pick(rectangles(1, low=-4, high=-1)), pick(draw.ints(1, 3))
    step = box.max() + pick(draw.ints(0, 1))
    boxes = torch.cat([box, box - label * step])
    if pick(st.booleans()):
        boxes = boxes - 50.0  # negative all through: the largest coordinate is no measure of anything
    return {"boxes": boxes, "scores": distinct(pick, 2), "labels": torch.tensor([0, label]), "iou_threshold": 0.414}


@check("batched_nms", title="Boxes at negative coordinates: classes stay apart there, too", points=0.25)
@given(case=apart_by_their_largest())
def test_batched_negative(learner, reference, case):
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))


@check("batched_nms", title="No boxes at all: an empty tensor of indices", points=0.25)
def test_batched_empty(learner, reference):
    nothing = torch.zeros(0, dtype=torch.int64)
    expect.close(learner.batched_nms(torch.zeros(0, 4), torch.zeros(0), nothing, 0.5), nothing)


@check("batched_nms", title="float64 scores to their full precision, and the arguments stay as they were", points=0.25,
       examples=20)  # fmt: skip
@given(case=candidates(count=(2, 4), labels=(1, 0), dtype=torch.float64))
def test_batched_float64(learner, reference, case):
    case["scores"] = nearly_equal(case["scores"])
    same_indices(learner.batched_nms(*case.values()), reference.batched_nms(*case.values()))
    expect.unchanged(learner.batched_nms, *case.values())


@check("batched_nms", title="Not as many scores or labels as boxes is a ValueError", points=0.5)
def test_batched_errors(learner, reference):
    boxes = torch.tensor([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 4.0, 2.0]])
    scores, labels = torch.tensor([0.5, 0.75]), torch.tensor([1, 0])
    expect.value_error(learner.batched_nms, boxes, scores[:1], labels, 0.5, about=COUNTS)
    expect.value_error(learner.batched_nms, boxes, scores, torch.tensor([1, 0, 1]), 0.5, about=COUNTS)


# average_precision


@st.composite
def detections(pick: Pick, *, matches: Any, order: bool, more: int = 3, dtype: Any = torch.float32) -> Case:
    """`matches`: a list of bools by falling score. `order`: the list is given in that order, else in any."""
    matched = torch.tensor(pick(matches), dtype=torch.bool)
    count = len(matched)
    scores = torch.arange(count, 0, -1).to(dtype) / 32
    if not order:
        shuffled = torch.tensor(pick(st.permutations(range(count))), dtype=torch.int64)
        scores, matched = scores[shuffled], matched[shuffled]
    ground_truth = int(matched.sum()) + pick(draw.ints(0, more))
    return {"scores": scores, "matched": matched, "num_ground_truth": ground_truth}


def same_precision(learner: Any, reference: Any, case: Case) -> None:
    expect.close(learner.average_precision(*case.values()), reference.average_precision(*case.values()))


WITH_A_MATCH = st.lists(st.booleans(), min_size=2, max_size=8).map(lambda row: row if any(row) else [False, True])
MATCHES_FIRST = st.tuples(draw.ints(1, 4), draw.ints(0, 3)).map(lambda c: [True] * c[0] + [False] * c[1])


@check("average_precision", title="All matches come before all misses: the share of objects that was found", points=1)
@given(case=detections(matches=MATCHES_FIRST, order=True))
def test_precision_perfect(learner, reference, case):
    same_precision(learner, reference, case)


@check("average_precision", title="Matches and misses in turn: the precision is interpolated at all points", points=1.5)
@given(case=detections(matches=WITH_A_MATCH, order=True))
def test_precision_interpolated(learner, reference, case):
    same_precision(learner, reference, case)


@check("average_precision", title="Detections in any order", points=1)
@given(case=detections(matches=WITH_A_MATCH, order=False))
def test_precision_any_order(learner, reference, case):
    same_precision(learner, reference, case)


@check("average_precision", title="No match, no detection, no object: 0.0", points=0.75, examples=20)
@given(case=detections(matches=st.lists(st.just(False), min_size=0, max_size=3), order=True))
def test_precision_nothing(learner, reference, case):
    same_precision(learner, reference, case)


@check("average_precision", title="float64 scores to their full precision, and the arguments stay as they were",
       points=0.25, examples=20)  # fmt: skip
@given(case=detections(matches=WITH_A_MATCH, order=False, dtype=torch.float64))
def test_precision_float64(learner, reference, case):
    case["scores"] = nearly_equal(case["scores"])
    same_precision(learner, reference, case)
    expect.unchanged(learner.average_precision, *case.values())


@check("average_precision", title="More matches than objects, and lists of different length, are a ValueError",
       points=0.5)  # fmt: skip
def test_precision_errors(learner, reference):
    scores, matched = torch.tensor([0.75, 0.5, 0.25]), torch.tensor([True, False, True])
    about = ["num_ground_truth", "ground", "match", "detection", *COUNTS]
    expect.value_error(learner.average_precision, scores, matched, 1, about=about)
    expect.value_error(learner.average_precision, scores, matched, 0, about=about)
    expect.value_error(learner.average_precision, scores[:2], matched, 2, about=about)
