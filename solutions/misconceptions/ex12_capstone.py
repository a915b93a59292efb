"""Named wrong variants of ex12: one mistake each, in a training or in what is made of a model that was trained well.

Nothing is replayed where models are trained, so the sentence of each is part of what the check itself says. Each task
is trained well once, by the reference, and then spoilt: what is tried is whether the mistake is told.
"""

import copy

import torch
from torch import nn

from grader.checker.misconceptions import misconception, reference
from grader.measure import predictions, symptoms, symptoms_of_boxes, trained

ref = reference("ex12_capstone")
_KEPT = {}


class _Spoilt(nn.Module):
    """A model that is asked, or answers, in another way."""

    def __init__(self, model, after=lambda said: said, before=lambda images: images):
        super().__init__()
        self.model, self.after, self.before = model, after, before

    def forward(self, x):
        return self.after(self.model(self.before(x)))


def _good(task, *given):
    """What the reference trains, once for all mistakes."""
    key = task, len(given[0])  # the examples of the statement have a set of their own
    if key not in _KEPT:
        _KEPT[key] = getattr(ref, task)(*given, seed=0)
    return copy.deepcopy(_KEPT[key])


class _Constant(nn.Module):
    """Says the same of every picture: what stands for it in `value`, (1, ...)."""

    def __init__(self, value):
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, x):
        return self.value.expand(len(x), *self.value.shape[1:])


class _Nearest(nn.Module):
    """Has all pictures of the training by heart, and says of a new one what belongs to the most similar."""

    def __init__(self, images, answers):
        super().__init__()
        self.images, self.answers = images.flatten(1), answers

    def forward(self, x):
        return self.answers[torch.cdist(x.flatten(1), self.images).argmin(1)]


class _Corner(nn.Module):
    """Answers by the colour of one pixel."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes

    def forward(self, x):
        return nn.functional.one_hot((x[:, 0, 0, 0] * 255).round().long() % self.num_classes, self.num_classes).float()


# train_classifier


@misconception("train_classifier", symptoms.ONE_CLASS)
def one_class(images, labels, num_classes, seed):
    return _Constant(torch.eye(num_classes)[:1]).eval()


@misconception("train_classifier", symptoms.MEMORISED)
def by_heart(images, labels, num_classes, seed):
    return _Nearest(images, nn.functional.one_hot(labels, num_classes).float()).eval()


@misconception("train_classifier", trained.NOT_EVAL)
def left_in_train_mode(images, labels, num_classes, seed):
    return _good("train_classifier", images, labels, num_classes).train()


@misconception("train_classifier", symptoms.NUMBERS)
def labels_off_by_one(images, labels, num_classes, seed):
    return _Spoilt(_good("train_classifier", images, labels, num_classes), lambda said: said.roll(1, 1)).eval()


@misconception("train_classifier", predictions.WITHOUT_ARGMAX)
def returns_classes(images, labels, num_classes, seed):
    return _Spoilt(_good("train_classifier", images, labels, num_classes), lambda said: said.argmax(1)).eval()


@misconception("train_classifier", predictions.DIVERGED)
def diverged(images, labels, num_classes, seed):
    return _Constant(torch.full((1, num_classes), torch.nan)).eval()


@misconception("train_classifier", trained.TOUCHED)
def normalised_in_place(images, labels, num_classes, seed):
    model = _good("train_classifier", images, labels, num_classes)
    images -= images.mean()
    return model


@misconception("train_classifier", trained.NOT_ALONE)
def normalised_by_the_batch(images, labels, num_classes, seed):
    model, mean = _good("train_classifier", images, labels, num_classes), images.mean((0, 2, 3), keepdim=True)
    return _Spoilt(model, before=lambda x: x - x.mean((0, 2, 3), keepdim=True) + mean).eval()


@misconception("train_classifier", symptoms.UNTRAINED)
def hardly_learnt(images, labels, num_classes, seed):
    return _Corner(num_classes).eval()


# train_segmenter


def _segmenter(images, masks, num_classes):
    return _good("train_segmenter", images, masks, num_classes)


@misconception("train_segmenter", symptoms.ONE_CLASS)
def ground_everywhere(images, masks, num_classes, seed):
    return _Constant(torch.eye(num_classes)[:1, :, None, None].expand(1, num_classes, 64, 64)).eval()


@misconception("train_segmenter", symptoms.TRANSPOSED)
def rows_for_columns(images, masks, num_classes, seed):
    return _Spoilt(_segmenter(images, masks, num_classes), lambda said: said.transpose(2, 3)).eval()


@misconception("train_segmenter", symptoms.SHIFTED)
def cropped_at_one_side(images, masks, num_classes, seed):
    return _Spoilt(_segmenter(images, masks, num_classes), lambda said: said.roll((4, 4), (2, 3))).eval()


@misconception("train_segmenter", symptoms.COARSE)
def blocks(images, masks, num_classes, seed):
    pool = nn.AvgPool2d(16)
    return _Spoilt(
        _segmenter(images, masks, num_classes), lambda said: nn.functional.interpolate(pool(said), scale_factor=16.0)
    ).eval()


@misconception("train_segmenter", symptoms.FINDS_ONLY)
def sees_too_little(images, masks, num_classes, seed):
    """Every shape is half a circle and half a square: what a pixel sees does not tell which."""
    stripes = (torch.arange(64) % 2).bool()

    def confused(said):
        shape = said[:, 1:].max(1).values
        low = torch.full_like(shape, -99.0)
        return torch.stack([said[:, 0], shape.where(stripes, low), shape.where(~stripes, low), low], 1)

    return _Spoilt(_segmenter(images, masks, num_classes), confused).eval()


@misconception("train_segmenter", symptoms.NUMBERS)
def ground_last(images, masks, num_classes, seed):
    return _Spoilt(_segmenter(images, masks, num_classes), lambda said: said.roll(-1, 1)).eval()


@misconception("train_segmenter", predictions.CLASSES_LAST)
def classes_last(images, masks, num_classes, seed):
    return _Spoilt(_segmenter(images, masks, num_classes), lambda said: said.permute(0, 2, 3, 1)).eval()


@misconception("train_segmenter", predictions.TOO_SMALL)
def not_brought_back(images, masks, num_classes, seed):
    return _Spoilt(_segmenter(images, masks, num_classes), lambda said: nn.functional.avg_pool2d(said, 8)).eval()


@misconception("train_segmenter", symptoms.MEMORISED)
def masks_by_heart(images, masks, num_classes, seed):
    answers = nn.functional.one_hot(masks, num_classes).permute(0, 3, 1, 2).float()
    return _Nearest(images, answers).eval()


@misconception("train_segmenter", trained.NOT_EVAL)
def segmenter_in_train_mode(images, masks, num_classes, seed):
    return _segmenter(images, masks, num_classes).train()


@misconception("train_segmenter", trained.NOT_ALONE)
def whitened_by_the_batch(images, masks, num_classes, seed):
    mean = images.mean((0, 2, 3), keepdim=True)
    return _Spoilt(
        _segmenter(images, masks, num_classes), before=lambda x: x - 0.2 * (x.mean((0, 2, 3), keepdim=True) - mean)
    ).eval()


# train_detector


def _detector(images, boxes, labels, num_classes, change):
    """The good detector, with `change` made to the (boxes, scores, labels) of each picture."""
    model = _good("train_detector", images, boxes, labels, num_classes)
    return _Spoilt(model, lambda said: [change(*one) for one in said]).eval()


@misconception("train_detector", symptoms_of_boxes.NOTHING)
def finds_nothing(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b[:0], s[:0], k[:0]))


@misconception("train_detector", symptoms_of_boxes.CENTRES)
def centre_and_size(images, boxes, labels, num_classes, seed):
    def change(b, s, k):
        return torch.cat([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]], 1), s, k

    return _detector(images, boxes, labels, num_classes, change)


@misconception("train_detector", symptoms_of_boxes.RELATIVE)
def parts_of_the_picture(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b / 64, s, k))


@misconception("train_detector", symptoms_of_boxes.EXCHANGED)
def y_first(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b[:, [1, 0, 3, 2]], s, k))


@misconception("train_detector", symptoms_of_boxes.TWICE)
def no_suppression(images, boxes, labels, num_classes, seed):
    def change(b, s, k):
        return torch.cat([b, b + 0.5, b - 0.5]), torch.cat([s, s * 0.99, s * 0.98]), torch.cat([k, k, k])

    return _detector(images, boxes, labels, num_classes, change)


@misconception("train_detector", symptoms_of_boxes.UPSIDE_DOWN)
def score_is_of_the_ground(images, boxes, labels, num_classes, seed):
    def change(b, s, k):
        """Every box and a poor one beside it, that ought to have the lower score."""
        return torch.cat([b, b - b[:, :1]]), torch.cat([1 - s, 1.5 - s]), torch.cat([k, k])

    return _detector(images, boxes, labels, num_classes, change)


@misconception("train_detector", symptoms_of_boxes.RENAMED)
def class_of_the_wrong_cell(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b, s, (k + 1) % num_classes))


@misconception("train_detector", predictions.FROM_ONE)
def classes_from_one(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b, s, k + 1))


@misconception("train_detector", symptoms_of_boxes.LOOSE)
def forgets_the_place_in_the_cell(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: (b + 7, s, k))


@misconception("train_detector", predictions.NOT_A_DICT)
def a_dict_a_picture(images, boxes, labels, num_classes, seed):
    return _detector(images, boxes, labels, num_classes, lambda b, s, k: {"boxes": b, "scores": s, "labels": k})


@misconception("train_detector", trained.TOUCHED)
def scales_the_boxes_in_place(images, boxes, labels, num_classes, seed):
    model = _good("train_detector", images, boxes, labels, num_classes)
    for own in boxes:
        own /= 64
    return model


@misconception("train_detector", trained.NOT_EVAL)
def detector_in_train_mode(images, boxes, labels, num_classes, seed):
    return _good("train_detector", images, boxes, labels, num_classes).train()


@misconception("train_detector", trained.NOT_ALONE)
def surest_of_the_batch(images, boxes, labels, num_classes, seed):
    """It keeps what is among the thirty surest of the whole batch."""
    model = _good("train_detector", images, boxes, labels, num_classes)

    def keep(said):
        least = torch.cat([scores for _, scores, _ in said]).sort(descending=True).values[:30].min()
        return [tuple(part[scores >= least] for part in (own, scores, kinds)) for own, scores, kinds in said]

    return _Spoilt(model, keep).eval()
