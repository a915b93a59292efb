"""Hidden checks of ex12: the capstone.

The learner's function trains in the worker on sets made here; what its model answers about pictures it has never seen
is measured here. Labels never cross. Sizes, thresholds and where credit begins come from docs/capstone.md: a right and
ordinary solution reaches the threshold, a dense network earns nothing.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from grader.checker import check, expect
from grader.datasets import tensors
from grader.datasets.outlines import SHAPES
from grader.measure import metrics, predictions, symptoms, symptoms_of_boxes
from grader.measure.predictions import Found
from grader.measure.symptoms_of_boxes import Truth
from grader.measure.trained import BATCH, NOT_ALONE, Figure, Trained, first_that_answers, train

# 160 random bits, of which every set below is made: learners have the generator, and with these the answers. Make your
# own for your course: python -c "import secrets; print(secrets.randbits(160))".
SECRET = 1138214967911563450318019650451122592891990771564
SEEDS = (11, 12, 13)  # of the trainings: the second and the third where the one before did not reach everything
SEEN = 200  # training pictures that a model is asked about too: was it learnt, or learnt by heart?
PIXELS = ("ground", *SHAPES)
SIZE = 64
LAST_TITLE = "Is in eval mode, answers for each picture by itself, and left the training set alone"


@functools.cache
def single(split: str, count: int) -> tuple[Tensor, Tensor]:
    """images, labels"""
    return tensors.classification(count, SECRET, split)


@functools.cache
def scene(split: str, count: int) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """images, masks, boxes, labels"""
    images, masks = tensors.segmentation(count, SECRET, split)
    return images, masks, *tensors.detection(count, SECRET, split)[1:]


# train_classifier


def new_singles() -> tuple[Tensor, Tensor]:
    return single("test", 1000)


def classifier(learner: Any, seed: int) -> Trained:
    return train(learner, "train_classifier", seed, *single("train", 2500), len(SHAPES))


def classes(made: Trained, images: Tensor) -> Tensor:
    return torch.cat([predictions.classes(got, len(part), len(SHAPES)) for got, part in made.asked(images)])


def accuracy(learner: Any, seed: int) -> float:
    images, labels = new_singles()
    return metrics.accuracy(classes(classifier(learner, seed), images), labels)


ACCURACY = Figure("the accuracy on new pictures", full=0.95, none=0.80, seeds=SEEDS, of_seed=accuracy)


@check("train_classifier", title="Returns a model that gives finite logits, a score for each class", points=0)
def test_train_classifier_answers(learner):
    first_that_answers(SEEDS, lambda seed: classes(classifier(learner, seed), new_singles()[0][:4]))


@check(
    "train_classifier",
    title="Accuracy on pictures that it has never seen",
    points=8,
    needs=["train_classifier_answers"],
)
def test_train_classifier_accuracy(learner):
    def symptom(seed: int) -> str | None:
        made, (images, labels) = classifier(learner, seed), new_singles()
        known, theirs = (part[:SEEN] for part in single("train", 2500))
        return symptoms.of_classifier(classes(made, images), labels, (classes(made, known), theirs), SHAPES)

    ACCURACY.expect_reached(learner, symptom)


@check("train_classifier", title=LAST_TITLE, points=2, needs=["train_classifier_answers"])
def test_train_classifier_alone(learner):
    made = classifier(learner, ACCURACY.expect_something(learner))
    made.expect_eval()
    made.expect_untouched()
    made.expect_alone(new_singles()[0][:24])


# train_segmenter


def new_scenes() -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    return scene("test", 200)


def segmenter(learner: Any, seed: int) -> Trained:
    images, masks, _, _ = scene("train", 800)
    return train(learner, "train_segmenter", seed, images, masks, len(PIXELS))


def pixels(made: Trained, images: Tensor) -> Tensor:
    answers = made.asked(images)
    return torch.cat([predictions.classes(got, len(part), len(PIXELS), (SIZE, SIZE)) for got, part in answers])


def iou(learner: Any, seed: int) -> float:
    images, masks, _, _ = new_scenes()
    return metrics.mean_iou(pixels(segmenter(learner, seed), images), masks, len(PIXELS))


IOU = Figure("the mean IoU on new pictures", full=0.80, none=0.45, seeds=SEEDS, of_seed=iou)


@check("train_segmenter", title="Returns a model that gives finite logits, a score for each class and pixel", points=0)
def test_train_segmenter_answers(learner):
    first_that_answers(SEEDS, lambda seed: pixels(segmenter(learner, seed), new_scenes()[0][:4]))


@check(
    "train_segmenter",
    title="Mean IoU on pictures that it has never seen",
    points=10,
    needs=["train_segmenter_answers"],
)
def test_train_segmenter_iou(learner):
    def symptom(seed: int) -> str | None:
        made, (images, masks, _, _) = segmenter(learner, seed), new_scenes()
        known, theirs = (part[: SEEN // 2] for part in scene("train", 800)[:2])
        return symptoms.of_segmenter(pixels(made, images), masks, (pixels(made, known), theirs), PIXELS)

    IOU.expect_reached(learner, symptom)


@check("train_segmenter", title=LAST_TITLE, points=2, needs=["train_segmenter_answers"])
def test_train_segmenter_alone(learner):
    made = segmenter(learner, IOU.expect_something(learner))
    made.expect_eval()
    made.expect_untouched()
    made.expect_alone(new_scenes()[0][:8])


# train_detector


def detector(learner: Any, seed: int) -> Trained:
    images, _, boxes, labels = scene("train", 800)
    return train(learner, "train_detector", seed, images, boxes, labels, len(SHAPES))


def found(made: Trained, images: Tensor, batch: int = BATCH) -> list[Found]:
    answers = made.asked(images, batch)
    return [one for got, part in answers for one in predictions.detections(got, len(part), len(SHAPES))]


def new_objects() -> Truth:
    return Truth(*new_scenes()[2:])


def precision(learner: Any, seed: int) -> float:
    return new_objects().precision(found(detector(learner, seed), new_scenes()[0]))


PRECISION = Figure("the mAP on new pictures", full=0.60, none=0.25, seeds=SEEDS, of_seed=precision)


@check("train_detector", title="Returns what gives (boxes, scores, labels) for each picture", points=0)
def test_train_detector_answers(learner):
    first_that_answers(SEEDS, lambda seed: found(detector(learner, seed), new_scenes()[0][:4]))


@check("train_detector", title="mAP on pictures that it has never seen", points=12, needs=["train_detector_answers"])
def test_train_detector_precision(learner):
    def symptom(seed: int) -> str | None:
        made = detector(learner, seed)
        known, _, boxes, labels = (part[: SEEN // 2] for part in scene("train", 800))
        seen = found(made, known), Truth(boxes, labels)
        return symptoms_of_boxes.of_detector(found(made, new_scenes()[0]), new_objects(), seen, SIZE)

    PRECISION.expect_reached(learner, symptom)


@check("train_detector", title=LAST_TITLE, points=2, needs=["train_detector_answers"])
def test_train_detector_alone(learner):
    made = detector(learner, PRECISION.expect_something(learner))
    made.expect_eval()
    made.expect_untouched()
    images, _, boxes, labels = (part[:24] for part in new_scenes())
    truth = Truth(boxes, labels)
    together, alone = truth.precision(found(made, images)), truth.precision(found(made, images, 1))
    expect.that(abs(together - alone) <= 0.05, NOT_ALONE)  # a box more or less at the threshold is rounding
