"""Whatever a model answers, it is read, or a sentence says what is wrong with it; never an error of ours."""

from __future__ import annotations

import contextlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checker.compare import Mismatch
from grader.measure import predictions
from grader.measure.predictions import COUNTED, MOST_BOXES, classes, detections


def test_the_highest_score_is_the_class():
    assert classes(torch.tensor([[0.0, 2.0, 1.0], [5.0, 2.0, 1.0]]), 2, 3).tolist() == [1, 0]
    assert classes(torch.zeros(2, 4, 8, 8, dtype=torch.float64), 2, 4, (8, 8)).shape == (2, 8, 8)
    assert classes(torch.zeros(2, 3, dtype=torch.bfloat16), 2, 3).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (None, "should give one tensor of logits; it gave None"),
        ([torch.zeros(3)] * 2, "one tensor of logits"),
        (torch.zeros(2), predictions.WITHOUT_ARGMAX),
        (torch.zeros(2, 4), "There are 3 classes"),
        (torch.zeros(5, 3), r"should have the shape \(2, 3\); the model gave \(5, 3\)"),
        (torch.zeros(()), r"the model gave \(\)"),
        (torch.zeros(2, 3, dtype=torch.int64), "should be floats"),
        (torch.zeros(2, 3, dtype=torch.complex64), "should be floats"),
        (torch.tensor([[0.0, 1.0, torch.nan], [0.0, torch.inf, 0.0]]), "2 of 6 logits are NaN or infinite"),
        (torch.zeros(2, 3, device="meta"), "logits are on the device 'meta'"),
    ],
)  # fmt: skip
def test_what_is_no_score_for_each_class_is_said(got, says):
    with pytest.raises(Mismatch, match=says):
        classes(got, 2, 3)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((2, 8, 8), predictions.WITHOUT_ARGMAX),
        ((2, 8, 8, 4), predictions.CLASSES_LAST),
        ((2, 4, 1, 1), predictions.TOO_SMALL),
        ((2, 3, 8, 8), "There are 4 classes, the ground is one of them"),
    ],
)
def test_of_maps_the_usual_wrong_shapes_have_a_hint(shape, says):
    with pytest.raises(Mismatch, match=says):
        classes(torch.zeros(shape), 2, 4, (8, 8))


@pytest.mark.parametrize(("shape", "size"), [((3,), ()), ((3, 8, 8), (8, 8))])
def test_a_picture_without_its_axis_was_squeezed(shape, size):
    with pytest.raises(Mismatch, match=predictions.SQUEEZED):
        classes(torch.zeros(shape), 1, 3, size)


def one(boxes=((0.0, 0.0, 4.0, 4.0),), scores=(0.5,), labels=(1,)):
    return torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), torch.tensor(labels, dtype=torch.int64)


EMPTY = (torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))


def test_detections_come_best_first():
    boxes = torch.arange(12.0).reshape(3, 4)
    (found,) = detections([(boxes, torch.tensor([0.1, 0.9, 0.5]), torch.tensor([0, 1, 2], dtype=torch.int32))], 1, 3)
    assert found.labels.tolist() == [1, 2, 0]
    assert found.boxes[0].tolist() == [4, 5, 6, 7]
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (torch.float64, torch.float64, torch.int64)


def test_no_detection_is_an_answer():
    assert [len(found.boxes) for found in detections([EMPTY, list(one())], 2, 3)] == [0, 1]


def test_an_empty_tensor_of_any_shape_says_that_nothing_was_found():
    """torch.tensor([]) is what a learner writes, and it can mean nothing else."""
    nothing = torch.tensor([])
    (found,) = detections([(nothing, nothing, nothing)], 1, 3)
    assert (found.boxes.shape, found.scores.shape, found.labels.dtype) == ((0, 4), (0,), torch.int64)


def test_of_very_many_the_surest_count():
    many = (torch.zeros(MOST_BOXES, 4), torch.arange(float(MOST_BOXES)), torch.zeros(MOST_BOXES, dtype=torch.int64))
    (found,) = detections([many], 1, 3)
    assert len(found.boxes) == COUNTED
    assert found.scores[0] == MOST_BOXES - 1


def test_a_million_boxes_are_too_many():
    many = (torch.zeros(10**6, 4), torch.zeros(10**6), torch.zeros(10**6, dtype=torch.int64))
    with pytest.raises(Mismatch, match="picture 1 has 1000000 boxes, more than 4096"):
        detections([EMPTY, many], 2, 3)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (None, predictions.NOT_A_DICT),
        ({"boxes": one()[0]}, predictions.NOT_A_DICT),
        (one()[:2], "is a tuple of 2"),
        ((1, *one()[1:]), "boxes should be a tensor; in picture 0 it is the int 1"),
        ((torch.zeros(4), *one()[1:]), r"boxes should have the shape \(K, 4\); in picture 0 it is \(4,\)"),
        ((torch.zeros(()), *one()[1:]), r"boxes should have the shape \(K, 4\)"),
        ((torch.zeros(1, 5), *one()[1:]), r"it is \(1, 5\)"),
        ((one()[0], torch.zeros(2), one()[2]), r"scores should have the shape \(1,\), one for each box"),
        ((*one()[:2], torch.zeros(1, 1, dtype=torch.int64)), "labels should have the shape"),
        ((*one()[:2], torch.zeros(1)), "labels should be integers; in picture 0 they are torch.float32"),
        ((*one()[:2], torch.zeros(1, dtype=torch.bool)), "labels should be integers"),
        ((one()[0].to(torch.complex64), *one()[1:]), "boxes should be floats"),
        ((one()[0], torch.ones(1, dtype=torch.bool), one()[2]), "scores should be floats"),
        ((torch.zeros(1, 4, device="meta"), *one()[1:]), "boxes of picture 0 are on the device 'meta'"),
        ((*one()[:2], torch.zeros(1, dtype=torch.int64, device="meta")), "labels of picture 0 are on the device"),
        ((torch.full((1, 4), torch.nan), *one()[1:]), "4 of 4 boxes of picture 0 are NaN or infinite"),
        ((one()[0], torch.tensor([-torch.inf]), one()[2]), "1 of 1 scores of picture 0 are NaN or infinite"),
        ((*one()[:2], torch.tensor([3])), f"picture 0 has 3. {predictions.FROM_ONE}"),
        ((*one()[:2], torch.tensor([-1])), "labels go from 0 to 2; picture 0 has -1"),
    ],
)
def test_what_is_wrong_with_a_picture_s_entry_is_said(entry, says):
    with pytest.raises(Mismatch, match=says.replace("(boxes, scores, labels)", r"\(boxes, scores, labels\)")):
        detections([entry], 1, 3)


@pytest.mark.parametrize("got", [None, 3, torch.zeros(2, 4), {}, "boxes"])
def test_a_detector_gives_a_list(got):
    with pytest.raises(Mismatch, match="should give a list"):
        detections(got, 2, 3)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_of_as_many_entries_as_there_were_pictures(count):
    with pytest.raises(Mismatch, match=f"asked about 2 pictures and gave {count} entries"):
        detections([EMPTY] * count, 2, 3)


DTYPES = (torch.float32, torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool, torch.complex64)
some_tensor = st.builds(
    lambda shape, dtype, value, device: torch.full(shape, value).to(dtype).to(device),
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from(DTYPES),
    st.sampled_from([0.0, 1.0, -1.0, 7.0]) | st.sampled_from([float("nan"), float("inf"), 1e30]),
    st.sampled_from(["cpu", "cpu", "meta"]),
)
anything = st.recursive(
    some_tensor | st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner, inner) | st.dictionaries(st.text(max_size=2), inner)
    ),
    max_leaves=8,
)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_read_or_a_mismatch(got):
    for read in (
        lambda: classes(got, 2, 3),
        lambda: classes(got, 2, 3, (2, 2)),
        lambda: detections(got, 2, 3),
        lambda: detections([got, got], 2, 3),
    ):
        with contextlib.suppress(Mismatch):  # anything else would be a fault of ours
            read()
