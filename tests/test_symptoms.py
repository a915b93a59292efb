"""What a model does, told from predictions made by hand; and where nothing is told, because nothing is known."""

from __future__ import annotations

import pytest
import torch

from grader.datasets import tensors
from grader.measure import symptoms, symptoms_of_boxes
from grader.measure.metrics import mean_iou
from grader.measure.predictions import Found
from grader.measure.symptoms_of_boxes import Truth, alone

SHAPES = ("circle", "square", "triangle")
PIXELS = ("ground", *SHAPES)


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


def spoilt(truth, part, kinds, seed=0):
    """`part` of the answers replaced by chance."""
    wrong = torch.rand(truth.shape, generator=noise(seed)) < part
    return torch.where(wrong, torch.randint(kinds, truth.shape, generator=noise(seed + 1)), truth)


LABELS = torch.randint(3, (600,), generator=noise(9))
GOOD, BAD = (LABELS, LABELS), (torch.randint(3, (600,), generator=noise(8)), LABELS)


def of_classifier(said, seen=GOOD):
    return symptoms.of_classifier(said, LABELS, seen, SHAPES)


def test_one_answer_to_everything():
    assert "answers class 2 (triangle) to nearly every picture" in of_classifier(torch.full((600,), 2))


def test_classes_under_other_numbers():
    said = of_classifier((LABELS + 1) % 3)
    assert "to a circle it says 1, to a square it says 2, to a triangle it says 0" in said
    assert symptoms.NUMBERS in said


def test_two_classes_exchanged():
    said = of_classifier(torch.tensor([1, 0, 2])[LABELS])
    assert "to a circle it says 1, to a square it says 0" in said


def test_learnt_by_heart():
    said = of_classifier(spoilt(LABELS, 0.5, 3))
    assert "trained on the figure is 1.00" in said
    assert symptoms.MEMORISED in said


def test_not_learnt():
    assert symptoms.UNTRAINED in of_classifier(spoilt(LABELS, 0.9, 3), BAD)


def test_nothing_is_said_of_what_is_nearly_good():
    nearly = spoilt(LABELS, 0.12, 3)
    assert of_classifier(nearly, (spoilt(LABELS, 0.12, 3, seed=5), LABELS)) is None


_, MASKS = tensors.segmentation(24, 5)


def of_segmenter(said, seen=None):
    return symptoms.of_segmenter(said, MASKS, seen or (said, MASKS), PIXELS)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (torch.zeros_like(MASKS), "answers class 0 (ground) for nearly every pixel"),
        (MASKS.transpose(1, 2), symptoms.TRANSPOSED),
        (MASKS.roll((4, -2), (1, 2)), "They lie 4 pixels too far down and 2 pixels not far enough to the right"),
        ((MASKS + 1) % 4, "to a ground it says 1"),
        (symptoms._blocky(MASKS, 16), "Blocks of 16 × 16"),
        (torch.where(MASKS > 0, torch.arange(64) % 3 + 1, 0), symptoms.FINDS_ONLY),
    ],
    ids=["ground", "transposed", "moved", "renamed", "coarse", "which"],
)
def test_what_is_wrong_with_masks(said, says):
    assert says in of_segmenter(said)


def test_masks_learnt_by_heart_or_not_learnt_at_all():
    poor = spoilt(MASKS, 0.5, 4)
    assert mean_iou(poor, MASKS, 4) < 0.4
    assert symptoms.MEMORISED in of_segmenter(poor, (MASKS, MASKS))
    assert symptoms.UNTRAINED in of_segmenter(poor)


def test_nothing_is_said_of_masks_that_are_nearly_good():
    assert of_segmenter(spoilt(MASKS, 0.03, 4)) is None


_, BOXES, KINDS = tensors.detection(40, 5)
TRUTH = Truth(BOXES, KINDS)


def detections(change=lambda boxes, scores, labels: (boxes, scores, labels)):
    """The truth as a detector would say it, then changed."""
    out = []
    for boxes, labels in zip(BOXES, KINDS, strict=True):
        scores = 0.9 - 0.1 * torch.arange(len(labels))
        found, given, kinds = change(boxes.double(), scores.double(), labels)
        order = given.argsort(descending=True, stable=True)
        out.append(Found(found[order], given[order], kinds[order]))
    return out


PERFECT = detections()


def of_detector(found, seen=None):
    return symptoms_of_boxes.of_detector(found, TRUTH, (seen or found, TRUTH), 64)


def centres(boxes):
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b, s, k: (b[:0], s[:0], k[:0]), symptoms_of_boxes.NOTHING),
        (lambda b, s, k: (centres(b), s, k), symptoms_of_boxes.CENTRES),
        (lambda b, s, k: (b / 64, s, k), symptoms_of_boxes.RELATIVE),
        (lambda b, s, k: (centres(b) / 64, s, k), "And they are centre, width and height"),
        (lambda b, s, k: (b[:, [1, 0, 3, 2]], s, k), symptoms_of_boxes.EXCHANGED),
        (lambda b, s, k: (b.repeat(3, 1), torch.cat([s, s - 0.01, s - 0.02]), k.repeat(3)), symptoms_of_boxes.TWICE),
        (lambda b, s, k: (b, s, (k + 1) % 3), symptoms_of_boxes.RENAMED),
        (lambda b, s, k: (b + 5, s, k), symptoms_of_boxes.LOOSE),
        (
            lambda b, s, k: (torch.cat([b, b - b[:, :1] + 40]), torch.cat([1 - s, 2 - s]), k.repeat(2)),
            symptoms_of_boxes.UPSIDE_DOWN,
        ),
    ],
    ids=["nothing", "centres", "relative", "both", "exchanged", "twice", "renamed", "loose", "upside"],
)  # fmt: skip
def test_what_is_wrong_with_boxes(change, says):
    assert says in of_detector(detections(change))


def test_scores_that_are_all_the_same():
    def change(boxes, scores, labels):
        strange = torch.rand((12, 4), generator=noise(3)) * 20
        strange = torch.cat([strange[:, :2], strange[:, :2] + 2 + strange[:, 2:]], 1)
        kinds = torch.randint(3, (12,), generator=noise(4))
        return torch.cat([strange, boxes]), torch.ones(12 + len(boxes)), torch.cat([kinds, labels])

    assert of_detector(detections(change)) == symptoms_of_boxes.SCORELESS


def test_boxes_learnt_by_heart_or_not_learnt_at_all():
    far = detections(lambda b, s, k: (b.flip(1) % 23 + torch.tensor([0, 0, 30, 30]), s, k))
    assert symptoms_of_boxes.MEMORISED in of_detector(far, PERFECT)
    assert symptoms_of_boxes.UNTRAINED in of_detector(far)


def test_nothing_is_said_of_boxes_that_are_nearly_good():
    def without_some(boxes, scores, labels):
        kept = torch.arange(len(labels)) < 2
        return boxes[kept], scores[kept], labels[kept]

    assert 0.5 < TRUTH.precision(detections(without_some)) < 1
    assert of_detector(detections(without_some)) is None


def test_alone_keeps_the_best_of_those_that_overlap_and_are_of_one_class():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11], [0, 1, 10, 11], [30, 0, 40, 10]], dtype=torch.float64)
    found = Found(boxes, torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([0, 0, 1, 0]))
    assert alone(found).scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
