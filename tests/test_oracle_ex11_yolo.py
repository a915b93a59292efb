"""The reference of ex11 against torchvision.ops, and against second formulations that share nothing with it."""

import importlib.util
import math
import random
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import ops

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex11_yolo.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex11_yolo_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dice():
    return random.Random(11)


@pytest.fixture
def bits():
    return torch.Generator().manual_seed(11)


def close(got, want, tolerance=1e-12):
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert torch.allclose(got, want, rtol=0, atol=tolerance)


def proper(bits, count, *, scale=1.0, dtype=torch.float64):
    """xyxy boxes that have an area."""
    corner = torch.rand(count, 2, generator=bits, dtype=torch.float64) * 2 - 0.5
    size = torch.rand(count, 2, generator=bits, dtype=torch.float64) + 0.05
    return (torch.cat([corner, corner + size], 1) * scale).to(dtype)


def whole(bits, count, dtype=torch.float32):
    """xyxy boxes with whole corners, many of which touch or lie in one another; some have no area."""
    corner = torch.randint(-3, 4, (count, 2), generator=bits)
    return torch.cat([corner, corner + torch.randint(0, 5, (count, 2), generator=bits)], 1).to(dtype)


def different(bits, count, dtype=torch.float32):
    return (torch.randperm(count, generator=bits) + 1).to(dtype) / (count + 1)


# boxes


def test_conversions_agree_with_torchvision(ref, dice, bits):
    for _ in range(500):
        shape = [dice.randint(0, 3) for _ in range(dice.randint(0, 3))]
        boxes = torch.randn(*shape, 4, generator=bits, dtype=dice.choice([torch.float32, torch.float64]))
        close(ref.box_cxcywh_to_xyxy(boxes), ops.box_convert(boxes, "cxcywh", "xyxy"), 1e-6)
        close(ref.box_xyxy_to_cxcywh(boxes), ops.box_convert(boxes, "xyxy", "cxcywh"), 1e-6)
        close(ref.box_xyxy_to_cxcywh(ref.box_cxcywh_to_xyxy(boxes)), boxes, 1e-5)


def test_iou_agrees_with_torchvision(ref, dice, bits):
    for _ in range(1500):
        scale = dice.choice([1.0, 0.01, 1000.0])
        a, b = proper(bits, dice.randint(0, 5), scale=scale), proper(bits, dice.randint(0, 5), scale=scale)
        close(ref.box_iou(a, b), ops.box_iou(a, b))
        close(ref.box_iou(a.float(), b.float()), ops.box_iou(a, b).float(), 1e-4)


def test_iou_of_whole_boxes_counts_unit_squares(ref, bits):
    for _ in range(200):
        a, b = whole(bits, 4), whole(bits, 3)
        covers = [
            [{(x, y) for x in range(x1, x2) for y in range(y1, y2)} for x1, y1, x2, y2 in boxes.int().tolist()]
            for boxes in (a, b)
        ]
        want = torch.tensor([[len(p & q) / max(1, len(p | q)) for q in covers[1]] for p in covers[0]])
        close(ref.box_iou(a, b), want, 1e-6)


def test_iou_of_boxes_without_area_is_zero(ref, bits):
    for _ in range(500):
        boxes = whole(bits, 4, torch.float64)
        boxes[0, 2] = boxes[0, 0] - torch.randint(0, 3, (), generator=bits)
        boxes[1, 3] = boxes[1, 1] - torch.randint(0, 3, (), generator=bits)
        iou = ref.box_iou(boxes, boxes)
        assert not iou[:2].any()
        assert not iou[:, :2].any()
        assert iou.isfinite().all()


# targets and detections


def test_targets_say_what_a_search_over_all_cells_says(ref, dice, bits):
    for _ in range(500):
        size, classes, count = dice.randint(1, 6), dice.randint(1, 4), dice.randint(0, 6)
        boxes = torch.rand(count, 4, generator=bits, dtype=torch.float64)
        labels = torch.randint(0, classes, (count,), generator=bits)
        want = torch.zeros(size, size, 5 + classes, dtype=torch.float64)
        for row in range(size):
            for column in range(size):
                for (cx, cy, w, h), label in zip(boxes.tolist(), labels.tolist(), strict=True):
                    x, y = cx * size - column, cy * size - row
                    if 0 <= x < 1 and 0 <= y < 1:
                        hot = [float(label == c) for c in range(classes)]
                        want[row, column] = torch.tensor([x, y, w, h, 1.0, *hot], dtype=torch.float64)
                        break
        close(ref.encode_targets(boxes, labels, size, classes), want)


def test_centres_on_borders_belong_to_the_later_cell_and_one_to_the_last(ref):
    for size in (1, 2, 4, 8):
        for column in range(size + 1):
            box = torch.tensor([[column / size, 0.5 / size, 0.25, 0.5]])
            target = ref.encode_targets(box, torch.tensor([0]), size, 1)
            assert target[..., 4].nonzero().tolist() == [[0, min(column, size - 1)]]
            assert target[0, min(column, size - 1), 0] == (column == size)


def test_what_is_encoded_is_decoded(ref, dice, bits):
    for _ in range(300):
        size, classes, count = dice.randint(1, 5), dice.randint(1, 4), dice.randint(0, 5)
        centre = torch.rand(count, 2, generator=bits, dtype=torch.float64)
        boxes = torch.cat([centre, torch.rand(count, 2, generator=bits, dtype=torch.float64) / 2], 1)
        labels = torch.randint(0, classes, (count,), generator=bits)
        target = ref.encode_targets(boxes, labels, size, classes)
        target[..., 4] *= 0.5 + 0.4 * torch.rand(size, size, generator=bits, dtype=torch.float64)
        found, scores, names = ref.decode_predictions(target, 1, classes)
        assert (scores.diff() <= 0).all()
        kept = {}
        for box, label in zip(boxes, labels.tolist(), strict=True):
            kept.setdefault(tuple((box[:2] * size).long().tolist()), (box, label))
        want = sorted((*ops.box_convert(b, "cxcywh", "xyxy").clamp(0, 1).tolist(), label) for b, label in kept.values())
        got = sorted((*box, label) for box, label in zip(found.tolist(), names.tolist(), strict=True))
        assert [row[4] for row in got] == [row[4] for row in want]
        assert torch.allclose(torch.tensor(got), torch.tensor(want))


def test_decoding_agrees_with_a_loop_over_all_boxes(ref, dice, bits):
    for _ in range(400):
        size, per_cell, classes = dice.randint(1, 4), dice.randint(1, 3), dice.randint(1, 4)
        prediction = torch.rand(size, size, per_cell * 5 + classes, generator=bits, dtype=torch.float64)
        threshold = dice.choice([0.1, 0.25, 0.6])
        want = []
        for row in range(size):
            for column in range(size):
                cell = prediction[row, column].tolist()
                best = max(cell[per_cell * 5 :])
                for x, y, w, h, confidence in (cell[5 * b : 5 * b + 5] for b in range(per_cell)):
                    if confidence * best > threshold:
                        cx, cy = (column + x) / size, (row + y) / size
                        corners = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                        corners = [min(1.0, max(0.0, value)) for value in corners]
                        want.append((confidence * best, corners, cell[per_cell * 5 :].index(best)))
        want.sort(key=lambda found: -found[0])
        boxes, scores, labels = ref.decode_predictions(prediction, per_cell, classes, threshold)
        close(scores, torch.tensor([found[0] for found in want], dtype=torch.float64))
        close(boxes, torch.tensor([found[1] for found in want], dtype=torch.float64).reshape(-1, 4))
        assert labels.tolist() == [found[2] for found in want]
        assert labels.dtype == torch.int64


# the head


def test_head_agrees_with_a_stack_of_torch_layers(ref, bits):
    for channels, size, per_cell, classes, hidden in [(3, 2, 2, 4, 8), (1, 1, 1, 1, 1), (2, 4, 3, 2, 5)]:
        head = ref.YOLOHead(channels, size, per_cell, classes, hidden)
        cell = per_cell * 5 + classes
        stack = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * size**2, hidden), nn.LeakyReLU(0.1), nn.Dropout(0.5),
            nn.Linear(hidden, size**2 * cell), nn.Unflatten(1, (size, size, cell)),
        )  # fmt: skip
        names = {"fc1.weight": "1.weight", "fc1.bias": "1.bias", "fc2.weight": "4.weight", "fc2.bias": "4.bias"}
        head.load_state_dict({name: stack.state_dict()[other] for name, other in names.items()})
        x = torch.randn(3, channels, size, size, generator=bits)
        assert torch.equal(head.eval()(x), stack.eval()(x))
        torch.manual_seed(5)
        got = head.train()(x)
        torch.manual_seed(5)
        assert torch.equal(got, stack.train()(x))


def test_head_has_the_sizes_of_the_paper_by_default(ref):
    with torch.device("meta"):
        head = ref.YOLOHead(1024)
    assert head.fc1.weight.shape == (4096, 50176)
    assert head.fc2.weight.shape == (1470, 4096)


# the loss


def terms(prediction, target, boxes_per_cell, coord, noobj):
    """Equation 3 of the paper, number by number."""
    n, s, _, _ = prediction.shape
    total = prediction.new_zeros(())
    for i in range(n):
        for row in range(s):
            for column in range(s):
                cell, truth = prediction[i, row, column], target[i, row, column]
                boxes = [cell[5 * b : 5 * b + 5] for b in range(boxes_per_cell)]
                best = None
                if truth[4] == 1:
                    ious = [_iou(box.tolist(), truth.tolist(), row, column, s) for box in boxes]
                    best = ious.index(max(ious))
                    x, y, w, h, confidence = boxes[best]
                    total = total + coord * ((x - truth[0]) ** 2 + (y - truth[1]) ** 2)
                    for side, right in ((w, truth[2]), (h, truth[3])):
                        root = side**0.5 if side > 0 else torch.zeros_like(side)
                        total = total + coord * (root - right**0.5) ** 2
                    total = total + (confidence - ious[best]) ** 2
                    for score, right in zip(cell[5 * boxes_per_cell :], truth[5:], strict=True):
                        total = total + (score - right) ** 2
                for b, box in enumerate(boxes):
                    if b != best:
                        total = total + noobj * box[4] ** 2
    return total / n


def _iou(one, other, row, column, size):
    corners = []
    for x, y, w, h in (one[:4], other[:4]):
        cx, cy = (x + column) / size, (y + row) / size
        corners.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    (a, b, c, d), (e, f, g, i) = corners
    if min(c - a, d - b, g - e, i - f) <= 0:
        return 0.0
    shared = max(0.0, min(c, g) - max(a, e)) * max(0.0, min(d, i) - max(b, f))
    return shared / ((c - a) * (d - b) + (g - e) * (i - f) - shared)


def scene(ref, dice, bits, *, low=0.0):
    """A random prediction (widths and heights from `low` to 1) and encoded targets, some of them empty."""
    n, s, per_cell, classes = (dice.randint(1, 3) for _ in range(4))
    prediction = torch.rand(n, s, s, per_cell * 5 + classes, generator=bits, dtype=torch.float64)
    for b in range(per_cell):
        sides = prediction[..., 5 * b + 2 : 5 * b + 4]
        sides.mul_(1 - low).add_(low)
    targets = []
    for _ in range(n):
        boxes = torch.rand(dice.randint(0, 3), 4, generator=bits, dtype=torch.float64) * 0.9 + 0.05
        labels = torch.randint(0, classes, (len(boxes),), generator=bits)
        targets.append(ref.encode_targets(boxes, labels, s, classes))
    return prediction, torch.stack(targets), per_cell, classes


def test_loss_agrees_with_the_equation_term_by_term(ref, dice, bits):
    for _ in range(300):
        prediction, target, per_cell, classes = scene(ref, dice, bits, low=dice.choice([0.0, -0.5]))
        coord, noobj = dice.choice([(5.0, 0.5), (1.0, 0.0), (0.0, 2.0)])
        got = ref.yolo_loss(prediction, target, per_cell, classes, coord, noobj)
        close(got, terms(prediction, target, per_cell, coord, noobj))
    assert torch.equal(
        ref.yolo_loss(prediction, target, per_cell, classes),
        ref.yolo_loss(prediction, target, per_cell, classes, 5.0, 0.5),
    )


def test_gradient_agrees_with_the_equation_whose_iou_is_a_number(ref, dice, bits):
    for _ in range(100):
        prediction, target, per_cell, classes = scene(ref, dice, bits, low=0.1)
        leaves = [prediction.clone().requires_grad_() for _ in range(2)]
        ref.yolo_loss(leaves[0], target, per_cell, classes).mul(3).backward()
        terms(leaves[1], target, per_cell, 5.0, 0.5).mul(3).backward()
        close(leaves[0].grad, leaves[1].grad)


def test_gradient_of_negative_sizes_is_finite(ref):
    prediction = torch.tensor([0.5, 0.5, -0.25, 0.25, 0.5, 1.0]).reshape(1, 1, 1, 6).requires_grad_()
    target = torch.tensor([0.5, 0.5, 0.25, 0.25, 1.0, 1.0]).reshape(1, 1, 1, 6)
    ref.yolo_loss(prediction, target, 1, 1).backward()
    assert prediction.grad.isfinite().all()


def test_perfect_prediction_has_no_loss(ref, dice, bits):
    for _ in range(100):
        _, target, _, classes = scene(ref, dice, bits)
        assert ref.yolo_loss(target, target, 1, classes) < 1e-12


# suppression and precision


def test_nms_agrees_with_torchvision(ref, dice, bits):
    for _ in range(1500):
        boxes = dice.choice([proper(bits, 7), proper(bits, 7, scale=1000.0), whole(bits, 7)])[: dice.randint(0, 7)]
        boxes = boxes.to(dice.choice([torch.float32, torch.float64]))
        scores = different(bits, len(boxes), boxes.dtype)
        threshold = dice.choice([0.0, 0.25, 0.4142, 0.5, 0.7071, 1.0])
        got = ref.nms(boxes, scores, threshold)
        assert got.tolist() == ops.nms(boxes, scores, threshold).tolist()
        assert got.dtype == torch.int64


def test_batched_nms_agrees_with_torchvision_class_by_class(ref, dice, bits):
    for _ in range(700):
        boxes = dice.choice([proper(bits, 8), proper(bits, 8, scale=1000.0), whole(bits, 8)])[: dice.randint(0, 8)]
        scores = different(bits, len(boxes), boxes.dtype)
        labels = torch.tensor([dice.choice([0, 3, 4, 80]) for _ in boxes], dtype=torch.int64)
        kept = []
        for label in set(labels.tolist()):
            members = (labels == label).nonzero()[:, 0]
            kept += members[ops.nms(boxes[members], scores[members], 0.4142)].tolist()
        got = ref.batched_nms(boxes, scores, labels, 0.4142)
        assert got.tolist() == sorted(kept, key=lambda index: -scores[index].item())
        assert got.dtype == torch.int64
        away = boxes - boxes.min() if len(boxes) else boxes  # torchvision moves classes by the largest coordinate
        assert ref.batched_nms(away, scores, labels, 0.4142).tolist() == (
            ops.batched_nms(away, scores, labels, 0.4142).tolist()
        )


def test_average_precision_agrees_with_the_area_below_the_staircase(ref, dice):
    for _ in range(2000):
        count = dice.randint(0, 9)
        rows = [(score / 100, dice.random() < 0.5) for score in dice.sample(range(100), count)]
        matches = sum(hit for _, hit in rows)
        objects = matches + dice.randint(0, 3)
        points, found = [], 0
        for number, (_, hit) in enumerate(sorted(rows, reverse=True), start=1):
            found += hit
            points.append((found / objects if objects else 0.0, found / number))
        steps = range(1, objects + 1)
        heights = [max((p for r, p in points if r >= step / objects - 1e-9), default=0.0) for step in steps]
        want = sum(heights) / objects if objects else 0.0
        scores = torch.tensor([score for score, _ in rows])
        matched = torch.tensor([hit for _, hit in rows], dtype=torch.bool)
        got = ref.average_precision(scores, matched, objects)
        assert type(got) is float
        assert math.isclose(got, want, abs_tol=1e-12)


# what all of them promise


def test_bad_arguments_are_value_errors(ref):
    boxes, ints = torch.tensor([[0.1, 0.1, 0.5, 0.5]]), torch.tensor([0])
    one = torch.ones(1)
    calls = [
        (ref.box_cxcywh_to_xyxy, torch.ones(2, 3)),
        (ref.box_cxcywh_to_xyxy, torch.tensor(1.0)),
        (ref.box_xyxy_to_cxcywh, torch.ones(4, 5)),
        (ref.box_iou, boxes, torch.ones(2, 3)),
        (ref.encode_targets, boxes + 1, ints, 2, 2),
        (ref.encode_targets, boxes - 1, ints, 2, 2),
        (ref.encode_targets, boxes * torch.nan, ints, 2, 2),
        (ref.encode_targets, boxes, torch.tensor([0, 1]), 2, 2),
        (ref.encode_targets, boxes, ints, 0, 2),
        (ref.decode_predictions, torch.ones(2, 2, 9), 1, 3),
        (ref.yolo_loss, torch.ones(1, 2, 2, 8), torch.zeros(1, 2, 2, 9), 1, 3),
        (ref.yolo_loss, torch.ones(1, 2, 2, 8), torch.zeros(2, 2, 2, 8), 1, 3),
        (ref.yolo_loss, torch.ones(1, 2, 2, 9), torch.zeros(1, 2, 2, 8), 1, 3),
        (ref.nms, boxes, torch.ones(2), 0.5),
        (ref.batched_nms, boxes, one, torch.tensor([0, 1]), 0.5),
        (ref.batched_nms, boxes, torch.ones(2), ints, 0.5),
        (ref.average_precision, one, torch.tensor([True]), 0),
        (ref.average_precision, one, torch.tensor([True, False]), 2),
        (ref.YOLOHead, 0),
        (ref.YOLOHead, 1, 1, 1, 1, 0),
        (ref.YOLOHead(2, 3, 1, 1, 4), torch.ones(1, 2, 3, 2)),
    ]
    for function, *arguments in calls:
        with pytest.raises(ValueError, match=r"\w"):
            function(*arguments)


def test_inputs_stay_as_they_were(ref, dice, bits):
    prediction, target, per_cell, classes = scene(ref, dice, bits)
    boxes, labels = torch.tensor([[0.5, 0.25, 0.5, 0.5], [0.5, 0.25, 0.75, 0.5]]), torch.tensor([0, 0])
    scores = torch.tensor([0.5, 0.75])
    calls = [
        (ref.box_cxcywh_to_xyxy, boxes), (ref.box_xyxy_to_cxcywh, boxes), (ref.box_iou, boxes, boxes),
        (ref.encode_targets, boxes, labels, 3, 2), (ref.decode_predictions, prediction[0], per_cell, classes),
        (ref.yolo_loss, prediction, target, per_cell, classes), (ref.nms, boxes, scores, 0.5),
        (ref.batched_nms, boxes, scores, labels, 0.5), (ref.average_precision, scores, scores > 0.6, 2),
    ]  # fmt: skip
    for function, *arguments in calls:
        before = [value.clone() if isinstance(value, torch.Tensor) else value for value in arguments]
        function(*arguments)
        for value, old in zip(arguments, before, strict=True):
            assert torch.equal(value, old) if isinstance(value, torch.Tensor) else value == old
