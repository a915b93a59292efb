"""What a model that is not good enough does, told from its predictions: a sentence for the learner, or none.

A training cannot be replayed on known mistakes, as other tasks are; but much can be read off what a model answers on
pictures that it has never seen and on some that it was trained on. Each function tries the kinds from the plainest to
the subtlest. No sentence is better than a wrong one: a kind is told only where it explains what is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from .metrics import accuracy, class_ious, mean_iou

MEMORISED = (
    "It has learnt its pictures by heart: on those it was trained on it is far better than on new ones. Convolutions "
    "and pooling see a shape wherever it is, with fewer weights than dense layers; mirrored copies help as well"
)
UNTRAINED = (
    "It is as bad on the very pictures that it was trained on. Either it has hardly learnt (does the loss fall? Look "
    "for optimizer.zero_grad(), the learning rate, the number of epochs, a softmax before the cross entropy), or it is "
    "asked in another way than it was trained (pictures that are normalised in the training alone, dropout left on)"
)
ONE_CLASS = "A model answers like that that has learnt nothing of the pictures, or whose training has gone astray"
TOO_MUCH = 0.97  # of the answers being one class: nothing is told apart
GAP = 0.15  # by how much the figure has to be better, as it would be without the mistake, to name that mistake


def of_classifier(predicted: Tensor, truth: Tensor, seen: tuple[Tensor, Tensor], names: Sequence[str]) -> str | None:
    """predicted, truth: (N,) classes of new pictures; seen: both of pictures that it was trained on."""
    value, before = accuracy(predicted, truth), accuracy(*seen)
    single = _single(predicted)
    if single is not None:
        return f"It answers class {single} ({names[single]}) to nearly every picture. {ONE_CLASS}"
    renamed = _renaming(predicted, truth, len(names))
    if renamed is not None and accuracy(renamed[predicted], truth) > value + GAP:
        return f"It tells the shapes apart, under other numbers: {_renamed(renamed, names)}. {NUMBERS}"
    return _by_heart(value, before)


NUMBERS = "The classes of the logits should be in the order of the labels, and begin at 0"


def _single(predicted: Tensor) -> int | None:
    counts = predicted.flatten().bincount()
    return int(counts.argmax()) if counts.max() >= TOO_MUCH * predicted.numel() else None


def _renaming(predicted: Tensor, truth: Tensor, num_classes: int) -> Tensor | None:
    """The other numbering of the classes under which most answers are right; None where the given one is the best."""
    every = [torch.tensor(order) for order in itertools.permutations(range(num_classes))]
    best = max(every, key=lambda order: accuracy(order[predicted], truth))
    return None if bool((best == torch.arange(num_classes)).all()) else best


def _renamed(order: Tensor, names: Sequence[str]) -> str:
    pairs = sorted((int(true), said) for said, true in enumerate(order))
    return ", ".join(f"to a {names[true]} it says {said}" for true, said in pairs if true != said)


def _by_heart(value: float, before: float) -> str | None:
    if before >= value + GAP:
        return f"On pictures that it was trained on the figure is {before:.2f}. {MEMORISED}"
    return f"On pictures that it was trained on the figure is {before:.2f}. {UNTRAINED}" if before < 0.7 else None


TRANSPOSED = "Its masks are right with rows and columns exchanged: look for a transpose, permute or view on the way"
SHIFTED = "Its masks are right but moved: look at the padding of the layers, and at how scores get back to full size"
COARSE = (
    "All pixels of a block get the same answer, so outlines are rough: add the finer maps of earlier layers (skip "
    "connections), or bring the scores back to full size in learnt steps"
)
FINDS_ONLY = (
    "It finds where the shapes are but not which they are: every pixel has to see more of the picture (deeper layers, "
    "pooling, dilation)"
)
_SHIFTS = [shift for shift in itertools.product(range(-4, 5, 2), repeat=2) if shift != (0, 0)]


def of_segmenter(predicted: Tensor, truth: Tensor, seen: tuple[Tensor, Tensor], names: Sequence[str]) -> str | None:
    """predicted, truth: (N, H, W) classes of the pixels of new pictures; seen: both of some it was trained on."""
    kinds = len(names)
    value, before = mean_iou(predicted, truth, kinds), mean_iou(*seen, kinds)
    single = _single(predicted)
    if single is not None:
        return f"It answers class {single} ({names[single]}) for nearly every pixel. {ONE_CLASS}"
    if mean_iou(predicted.transpose(1, 2), truth, kinds) > value + GAP:
        return TRANSPOSED
    every = [torch.tensor(order) for order in itertools.permutations(range(kinds))]
    best = max(every, key=lambda order: mean_iou(order[predicted], truth, kinds))
    if mean_iou(best[predicted], truth, kinds) > value + GAP:
        return f"It tells the classes apart, under other numbers: {_renamed(best, names)}. {NUMBERS}"
    moved = max(_SHIFTS, key=lambda shift: mean_iou(predicted.roll(shift, (1, 2)), truth, kinds))
    if mean_iou(predicted.roll(moved, (1, 2)), truth, kinds) > value + GAP:
        return f"{SHIFTED}. They lie {_places(-moved[0], 'down')} and {_places(-moved[1], 'to the right')}"
    if (size := _block(predicted)) > 1 and mean_iou(predicted, _blocky(truth, size), kinds) > value + GAP / 3:
        return f"Blocks of {size} × {size}: {COARSE}"
    shape = float(class_ious((predicted > 0).long(), (truth > 0).long(), 2)[1])
    if shape > value + 2 * GAP:
        return f"{FINDS_ONLY}. Ground and shape alone would give {shape:.2f}"
    return _by_heart(value, before)


def _places(count: int, direction: str) -> str:
    return f"{abs(count)} pixels {'too far' if count >= 0 else 'not far enough'} {direction}"


def _block(predicted: Tensor) -> int:
    """The largest of 16, 8, 4 and 2 for which all blocks of that size have one class each; 1 where there is none."""
    for size in (16, 8, 4, 2):
        if bool((_blocky(predicted, size) == predicted).all()):
            return size
    return 1


def _blocky(classes: Tensor, size: int) -> Tensor:
    """Every block of size × size with the class of one pixel in its middle."""
    middle = classes[:, size // 2 :: size, size // 2 :: size]
    return middle.repeat_interleave(size, 1).repeat_interleave(size, 2)[:, : classes.shape[1], : classes.shape[2]]
