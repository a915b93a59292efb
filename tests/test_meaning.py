"""What the numbers of a tensor stand for: as the statement says it, and plain numbers where it says nothing."""

from __future__ import annotations

import pytest
import torch

from grader.checker import meaning
from grader.model import Chosen, Drawn
from grader.references import reference

BOXES = torch.zeros(3, 4)
MAP = torch.zeros(1, 2, 3, dtype=torch.int64)


def docstring(exercise, task):
    return getattr(reference(exercise), task).__doc__


@pytest.mark.parametrize(
    ("task", "name", "tensor", "drawn"),
    [
        ("box_iou", "a", BOXES, Drawn.CORNERS),
        ("box_iou", "b", BOXES, Drawn.CORNERS),
        ("nms", "boxes", BOXES, Drawn.CORNERS),
        ("encode_targets", "boxes", BOXES, Drawn.CENTRES),
        ("nms", "scores", torch.zeros(4), Drawn.NUMBERS),
        ("nms", "boxes", torch.zeros(3, 5), Drawn.NUMBERS),
        ("average_precision", "boxes", BOXES, Drawn.NUMBERS),
    ],
)
def test_boxes_are_what_the_statement_calls_boxes(task, name, tensor, drawn):
    assert meaning.of_input(docstring("ex11_yolo", task), name, tensor) is drawn


@pytest.mark.parametrize(
    ("task", "name", "tensor", "drawn"),
    [
        ("confusion_matrix", "prediction", MAP, Drawn.CLASSES),
        ("confusion_matrix", "target", MAP, Drawn.CLASSES),
        ("pixel_cross_entropy", "target", MAP, Drawn.CLASSES),
        ("pixel_cross_entropy", "logits", torch.zeros(1, 2, 2, 3), Drawn.NUMBERS),
        ("mean_iou", "confusion", MAP[0], Drawn.NUMBERS),
    ],
)
def test_a_map_of_classes_is_what_the_statement_calls_one(task, name, tensor, drawn):
    assert meaning.of_input(docstring("ex10_fcn", task), name, tensor) is drawn


def test_an_answer_may_be_boxes_or_a_choice_among_them():
    assert meaning.of_result(docstring("ex11_yolo", "decode_predictions"), BOXES) is Drawn.CORNERS
    assert meaning.of_result(docstring("ex11_yolo", "box_iou"), BOXES) is Drawn.NUMBERS
    assert meaning.choice(docstring("ex11_yolo", "nms"), [2, 0], torch.tensor([2])) == Chosen((2, 0), (2,))
    assert meaning.choice(docstring("ex11_yolo", "nms"), [2, 0], None) is None
    assert meaning.choice(docstring("ex11_yolo", "box_iou"), [2], [0]) is None
