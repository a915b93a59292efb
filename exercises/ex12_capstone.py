"""ex12 · Capstone: train it

Lecture: feature extraction and classification · applications: FCN and YOLO.

Here everything comes together. You get pictures and what is to be said of them, and give back a model that says it of
pictures which nobody has shown it. Which layers, which loss, which optimizer and for how long is up to you: all of
torch may be used, and whatever you built in the exercises before, copied into this file.

The pictures are made by a seed: circles, squares and triangles on noisy ground, of all sizes and colours, each a bit
turned, brighter than its ground.

    picture                  train_classifier    train_segmenter       train_detector
    +----------------+       what is it?         which class has       what is where?
    |   __           |                           every pixel?
    |  |  |    ╱╲    |       0 circle            0000000000000000      square   (3, 1, 7, 4)   0.98
    |  |__|   ╱__╲   |       1 square            0002220003300000      triangle (9, 2, 14, 4)  0.91
    |                |       2 triangle          0002220033330000
    +----------------+                           0000000000000000      boxes in pixels, and how sure

To look at them, and to try your functions out as long as you like, make some in a notebook or in a script *beside*
this file (a submission itself can import torch, numpy and Python's own library alone):

    from grader.datasets import tensors
    images, labels = tensors.classification(2500, seed=1)
    new_images, new_labels = tensors.classification(500, seed=1, split="test")
    images, masks = tensors.segmentation(800, seed=1)
    images, boxes, labels = tensors.detection(800, seed=1)

How it is graded. Your function is called once with a training set (2500 pictures for the classifier, 800 for the
others) and the model it returns is asked about pictures that were kept from it. From its answers we work out the
figure of the task:

    task               figure                             all points from    none up to
    train_classifier   accuracy                           0.95               0.80
    train_segmenter    mean IoU over the 4 classes        0.80               0.45
    train_detector     mAP at an IoU of 0.5               0.60               0.25

Between the two you earn a share. What a dense network reaches earns nothing: this is what convolutions are for. Where
the first training does not reach all points, your function is called with two more seeds, and the best one counts:
nobody fails for bad luck. The loss of every step is drawn in the report.

- Time: a training may take two minutes on one core (torch runs with one thread). Ours take three to ten seconds.
- Memory: about two gigabytes.
- Seed: call `torch.manual_seed(seed)` first, and the same seed gives the same model, today and tomorrow.
- The training set belongs to whoever calls you: leave it as it is.

Sources: LeCun et al. 1998 (classification), Long et al. 2015 (FCN), Redmon et al. 2016 (YOLO).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def train_classifier(images: Tensor, labels: Tensor, num_classes: int, seed: int) -> nn.Module:
    """Train a network that says which shape a picture shows.

    images: (N, 3, 32, 32) of float32 from 0 to 1, one shape in each; labels: (N,) of int64, 0 to num_classes - 1.

    Returns an nn.Module in eval mode: images (M, 3, 32, 32) → logits (M, num_classes), the highest at the class of the
    picture. What it says of a picture does not depend on which others are in the batch. All points from an accuracy of
    0.95 on new pictures.

    >>> images, labels = torch.rand(32, 3, 32, 32), torch.arange(32) % 3
    >>> model = train_classifier(images, labels, 3, seed=0)  # from noise nothing can be learnt, but that is quick
    >>> model(images).shape, model.training
    (torch.Size([32, 3]), False)
    """
    raise NotImplementedError


def train_segmenter(images: Tensor, masks: Tensor, num_classes: int, seed: int) -> nn.Module:
    """Train a network that says of every pixel which class it has.

    images: (N, 3, 64, 64) of float32 from 0 to 1, one to three shapes in each; masks: (N, 64, 64) of int64, the class
    of every pixel: 0 for the ground, then the shapes. num_classes counts the ground.

    Returns an nn.Module in eval mode: images (M, 3, 64, 64) → logits (M, num_classes, 64, 64). What it says of a
    picture does not depend on which others are in the batch. All points from a mean IoU of 0.80 on new pictures.

    Source: Long et al. 2015; Ronneberger et al., "U-Net", 2015.

    >>> images, masks = torch.rand(32, 3, 64, 64), torch.randint(4, (32, 64, 64))
    >>> model = train_segmenter(images, masks, 4, seed=0)
    >>> model(images[:2]).shape, model.training
    (torch.Size([2, 4, 64, 64]), False)
    """
    raise NotImplementedError


def train_detector(
    images: Tensor, boxes: list[Tensor], labels: list[Tensor], num_classes: int, seed: int
) -> Callable[[Tensor], list[tuple[Tensor, Tensor, Tensor]]]:
    """Train a network that says which shapes are in a picture, and where.

    images: (N, 3, 64, 64) of float32 from 0 to 1, one to three shapes in each; boxes: for every picture (K, 4) xyxy in
    pixels, which hold what can be seen of each of its K shapes; labels: for every picture (K,) of int64, 0 to
    num_classes - 1. There is no class for the ground.

    Returns an nn.Module in eval mode, or a function: images (M, 3, 64, 64) → a list of M tuples (boxes, scores, labels)
    with (L, 4) xyxy in pixels, (L,) how sure it is of each, and (L,) of int64. L is whatever was found, also 0, and at
    most 4096; of these the 100 surest count. What it says of a picture does not depend on which others are in the
    batch.

    All points from a mAP of 0.60 on new pictures, at an IoU of 0.5: a box counts where it overlaps an object of its
    class by at least that much which no surer box has found. So a second box for the same object is a wrong one.

    Source: Redmon et al. 2016; Everingham et al., The PASCAL VOC Challenge, section 4.2.

    >>> boxes, labels = [torch.tensor([[8., 8., 40., 32.]])] * 32, [torch.tensor([2])] * 32
    >>> detect = train_detector(torch.rand(32, 3, 64, 64), boxes, labels, 3, seed=0)
    >>> found = detect(torch.rand(2, 3, 64, 64))
    >>> [len(picture) for picture in found]  # boxes, scores, labels of each of two pictures
    [3, 3]
    """
    raise NotImplementedError
