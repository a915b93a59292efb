"""Accuracy, mean IoU and mAP: cases worked out by hand, scikit-learn as another's word, and the definition, slowly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score, precision_recall_curve

from grader.measure import metrics
from grader.measure.predictions import Found
from grader.references import reference

UNIT = torch.tensor([[0.0, 0.0, 10.0, 10.0]])


def found(boxes, scores, labels):
    return Found(
        torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
        torch.tensor(scores, dtype=torch.float64),
        torch.tensor(labels, dtype=torch.int64),
    )


def test_accuracy_is_the_part_that_is_right():
    assert metrics.accuracy(torch.tensor([1, 2, 0, 1]), torch.tensor([1, 2, 1, 1])) == 0.75
    assert metrics.accuracy(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64)) == 0.0


def test_mean_iou_by_hand():
    truth = torch.tensor([[[0, 0, 1], [0, 1, 1]]])
    said = torch.tensor([[[0, 1, 1], [0, 1, 0]]])
    # class 0: 2 shared of 4; class 1: 2 shared of 4
    assert metrics.mean_iou(said, truth, 2) == 0.5


def test_a_class_that_occurs_nowhere_is_left_out_and_one_that_is_only_said_counts_as_zero():
    truth, said = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 1, 3]]])
    assert metrics.class_ious(said, truth, 4).tolist() == [1.0, 0.5, -1.0, 0.0]
    assert metrics.mean_iou(said, truth, 4) == 0.5
    assert metrics.mean_iou(truth[:0], truth[:0], 4) == 0.0


@given(st.integers(0, 10**6), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_mean_iou_is_that_of_ex10(seed, kinds):
    generator = torch.Generator().manual_seed(seed)
    truth, said = (torch.randint(kinds, (3, 4, 5), generator=generator) for _ in range(2))
    ex10 = reference("ex10_fcn")
    assert metrics.mean_iou(said, truth, kinds) == pytest.approx(
        ex10.mean_iou(ex10.confusion_matrix(said, truth, kinds))
    )


@given(st.integers(0, 10**6), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_mean_iou_is_scikit_learn_s_jaccard_score(seed, kinds):
    generator = torch.Generator().manual_seed(seed)
    truth, said = (torch.randint(kinds, (2, 3, 2), generator=generator) for _ in range(2))  # few pixels: classes lack
    want = jaccard_score(truth.flatten().numpy(), said.flatten().numpy(), average="macro")
    assert metrics.mean_iou(said, truth, 5) == pytest.approx(want)


def test_iou_by_hand_and_nothing_for_what_has_no_area():
    others = torch.tensor(
        [[5.0, 0.0, 15.0, 10.0], [0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 20.0, 10.0], [8.0, 8.0, 2.0, 2.0]]
    )
    assert metrics.box_iou(UNIT, others)[0].tolist() == pytest.approx([1 / 3, 1.0, 0.0, 0.0])


def test_boxes_as_large_as_floats_go_are_nothing_to_stumble_over():
    huge = torch.tensor([[-1e308, -1e308, 1e308, 1e308], [-1e200, 0, 1e200, 1e200]], dtype=torch.float64)
    assert torch.isfinite(metrics.box_iou(huge, huge)).all()


def test_average_precision_by_hand():
    # precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: two steps of 1/2, at 1 and at 2/3
    value = metrics.average_precision(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True]), 2)
    assert value == pytest.approx(5 / 6)


def test_precision_never_rises_with_recall():
    # precision 0, 1/2, 2/3: read as 2/3 from the first object on
    value = metrics.average_precision(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([False, True, True]), 2)
    assert value == pytest.approx(2 / 3)


@pytest.mark.parametrize(("scores", "objects"), [([], 3), ([0.5], 0), ([], 0)])
def test_without_detections_or_objects_it_is_zero(scores, objects):
    assert metrics.average_precision(torch.tensor(scores), torch.zeros(len(scores), dtype=torch.bool), objects) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=40, unique_by=lambda p: p[0]),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_average_precision_is_the_area_below_scikit_learn_s_curve(pairs, missed):
    scores, matched = torch.tensor([float(s) for s, _ in pairs]), torch.tensor([m for _, m in pairs])
    if not bool(matched.any()):
        assert metrics.average_precision(scores, matched, 1) == 0.0
        return
    precision, recall, _ = precision_recall_curve(matched.numpy(), scores.numpy())  # recall falls from 1 to 0
    best, area = 0.0, 0.0
    for place in range(len(recall) - 1):
        best = max(best, precision[place]) if recall[place] > 0 else best
        area += (recall[place] - recall[place + 1]) * best
    objects = int(matched.sum()) + missed
    assert metrics.average_precision(scores, matched, objects) == pytest.approx(area * int(matched.sum()) / objects)


def test_a_detection_takes_the_object_that_it_overlaps_most_of_those_left():
    true = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 2.0, 10.0, 12.0]])
    boxes = torch.tensor([[0.0, 2.0, 10.0, 12.0], [0.0, 2.0, 10.0, 12.0], [0.0, 2.0, 10.0, 12.0]])
    assert metrics.taken(boxes, true).tolist() == [1, 0, -1]
    assert metrics.taken(boxes, true[:0]).tolist() == [-1, -1, -1]


def test_an_iou_of_exactly_one_half_counts():
    assert metrics.taken(torch.tensor([[0.0, 0.0, 10.0, 5.0]]), UNIT).tolist() == [0]
    assert metrics.taken(torch.tensor([[0.0, 0.0, 10.0, 4.9]]), UNIT).tolist() == [-1]


def test_map_by_hand():
    boxes = [torch.cat([UNIT, UNIT + 20]), UNIT]
    labels = [torch.tensor([0, 1]), torch.tensor([0])]
    said = [
        found(
            [[0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 10, 10]], [0.9, 0.8, 0.3], [0, 1, 0]
        ),  # the third is a second box
        found([[50, 50, 60, 60], [0, 0, 10, 10]], [0.6, 0.5], [0, 0]),
    ]
    # class 1: 1. class 0: hit 0.9, miss 0.6, hit 0.5, miss 0.3 → precision 1, 1/2, 2/3: (1 + 2/3) / 2
    assert metrics.mean_average_precision(said, boxes, labels) == pytest.approx((1 + 5 / 6) / 2)


def test_the_right_box_of_the_wrong_class_or_in_the_wrong_picture_is_a_miss():
    boxes, labels = [UNIT, UNIT + 30], [torch.tensor([0]), torch.tensor([0])]
    other, here = found([[0, 0, 10, 10]], [0.9], [1]), found([[30, 30, 40, 40]], [0.9], [0])
    assert metrics.mean_average_precision([other, here], boxes, labels) == 0.5
    assert metrics.mean_average_precision([here, other], boxes, labels) == 0.0


def test_the_mean_goes_over_the_classes_that_occur_in_the_truth():
    said = [found([[0, 0, 10, 10], [50, 50, 60, 60]], [0.9, 0.8], [2, 0])]
    assert metrics.mean_average_precision(said, [UNIT], [torch.tensor([2])]) == 1.0
    assert metrics.mean_average_precision(said, [UNIT[:0]], [torch.tensor([], dtype=torch.int64)]) == 0.0


number = st.integers(0, 12).map(float)
a_box = st.tuples(number, number, number, number)  # also without an area, and inside out
an_object = st.tuples(number, number, st.integers(1, 8), st.integers(1, 8), st.integers(0, 2))
a_detection = st.tuples(a_box, st.sampled_from([0.25, 0.5, 0.75]), st.integers(0, 2))  # many have the same score
pictures = st.lists(
    st.tuples(st.lists(an_object, max_size=4), st.lists(a_detection, max_size=6)), min_size=1, max_size=4
)


@given(pictures)
@settings(max_examples=300, deadline=None)
def test_map_is_what_its_definition_gives_slowly(drawn):
    truth = [[((x, y, x + w, y + h), kind) for x, y, w, h, kind in objects] for objects, _ in drawn]
    near = [[(box, 0.5, kind) for box, kind in objects[::2]] for objects in truth]  # or hardly anything would be right
    told = [sorted([*said, *more], key=lambda one: -one[1]) for (_, said), more in zip(drawn, near, strict=True)]
    boxes = [torch.tensor([box for box, _ in objects]).reshape(-1, 4) for objects in truth]
    labels = [torch.tensor([kind for _, kind in objects], dtype=torch.int64) for objects in truth]
    said = [found(*([list(part) for part in zip(*own, strict=True)] or [[], [], []])) for own in told]

    assert metrics.mean_average_precision(said, boxes, labels) == pytest.approx(slowly(told, truth))


def slowly(told, truth):
    """mAP in plain Python, from the definition: the mean over classes of the area below the highest precisions."""
    kinds = {kind for objects in truth for _, kind in objects}
    areas = []
    for kind in kinds:
        ranked, objects = [], 0
        for own, there in zip(told, truth, strict=True):
            left = [box for box, other in there if other == kind]
            objects += len(left)
            for box, score, other in own:
                if other != kind:
                    continue
                best = max(left, key=lambda true, box=box: overlap(box, true), default=None)
                hit = best is not None and overlap(box, best) >= 0.5
                if hit:
                    left.remove(best)
                ranked.append((score, hit))
        ranked.sort(key=lambda one: -one[0])
        points = []
        for count in range(1, len(ranked) + 1):
            right = sum(hit for _, hit in ranked[:count])
            points.append((right / objects, right / count))
        area, before = 0.0, 0.0
        for recall in sorted({recall for recall, _ in points}):
            area += (recall - before) * max(precision for other, precision in points if other >= recall)
            before = recall
        areas.append(area)
    return sum(areas) / len(areas) if areas else 0.0


def overlap(one, other):
    width, height = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in range(2))
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)
