"""ex11 · One-stage detection: YOLO

Lecture: YOLO, "You Only Look Once".

A classifier says *what* is in a picture, a detector also says *where*, for as many objects as there are. YOLO does it
in one pass of one network: the picture is divided into a grid of S × S cells, and the cell in which the centre of an
object falls has to find that object. Here you build everything around the backbone: boxes and their overlap, the target
that a network learns from, the head, the loss, and what makes a list of detections out of the network's numbers.

        column 0   1   2                      what the head says of one cell (B = 2 boxes, C classes)
             +---+---+---+
       row 0 |   |   |   |         x y w h conf | x y w h conf | class 0 … class C-1
             +---+---+---+        `---box 0---´  `---box 1---´  `-once for the cell-´
       row 1 |   |   | o |  <- the centre o lies in row 1, column 2
             +---+---+---+         x, y  where the centre is in its cell: 0 is the left (upper) border, 1 the right one
       row 2 |   |   |   |         w, h  width and height as parts of the whole picture, not of the cell
             +---+---+---+         conf  how sure the cell is that this box has an object in it, and how well it fits

So the head gives a tensor (N, S, S, 5 * B + C), and the target that it is compared with is (N, S, S, 5 + C): there is
one true box in a cell. The first S is the row (y, downwards), the second the column (x).

Boxes are float tensors whose last axis has four numbers, in one of two orders:

    xyxy    x1, y1, x2, y2   the upper left and the lower right corner
    cxcywh  cx, cy, w, h     the centre, width and height

Unless a task says otherwise they are relative to the picture: (0, 0) is its upper left corner and (1, 1) the lower
right one. Scores and confidences are plain numbers; nothing here goes through a sigmoid or a softmax.

Arguments that make no sense (shapes that do not match, a size below 1, ...) raise a `ValueError` whose message names
the argument. Results have the dtype and the device of the input, and no function changes what it is given.
`torchvision.ops` is forbidden here; it is what you build. Your functions may use one another.

Source: Redmon, Divvala, Girshick, Farhadi, "You Only Look Once: Unified, Real-Time Object Detection" (2016).
"""

import torch
from torch import Tensor, nn


def box_cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Turn centre and size into corners.

    boxes: (..., 4), any number of axes before the last; gives the same shape.
    ValueError: the last axis does not have 4 numbers.

    >>> box_cxcywh_to_xyxy(torch.tensor([[4., 3., 6., 2.]]))
    tensor([[1., 2., 7., 4.]])
    """
    raise NotImplementedError


def box_xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Turn corners into centre and size: the way back from `box_cxcywh_to_xyxy`.

    boxes: (..., 4), any number of axes before the last; gives the same shape.
    ValueError: the last axis does not have 4 numbers.

    >>> box_xyxy_to_cxcywh(torch.tensor([[1., 2., 7., 4.]]))
    tensor([[4., 3., 6., 2.]])
    """
    raise NotImplementedError


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of `a` with every box of `b`.

    a: (N, 4) and b: (M, 4), both xyxy, in any unit; N or M may be 0. Gives (N, M): entry (i, j) is the area that a[i]
    and b[j] share, divided by the area that they cover together. It is 1 for equal boxes and 0 for boxes that share
    nothing, and also for boxes that only touch.

        +-------+
        |   +---|---+        IoU =      shared area
        |   |###|   |              ---------------------
        +---|---+   |              area + area - shared
            +-------+

    A degenerate box has no area: x2 <= x1 or y2 <= y1. Its IoU with anything, itself included, is 0; never NaN.

    ValueError: the last axis of a or b does not have 4 numbers.

    >>> a = torch.tensor([[0., 0., 4., 4.], [6., 6., 7., 9.]])
    >>> b = torch.tensor([[2., 0., 4., 4.], [0., 0., 4., 4.], [0., 2., 4., 6.]])
    >>> box_iou(a, b)
    tensor([[0.5000, 1.0000, 0.3333],
            [0.0000, 0.0000, 0.0000]])
    """
    raise NotImplementedError


def encode_targets(boxes: Tensor, labels: Tensor, grid_size: int, num_classes: int) -> Tensor:
    """Write the objects of one picture into the grid: what the network is to say of it.

    boxes: (K, 4) cxcywh, relative to the picture; labels: (K,) int64, 0 to num_classes - 1; K may be 0.
    Gives (S, S, 5 + num_classes) with S = grid_size. The cell in which the centre of an object lies (row from cy,
    column from cx) has the numbers

        x, y, w, h, 1, then 1 at the place of the object's class and 0 at those of the others

    where x, y is the place of the centre within its cell, from 0 to 1, and w, h is the size relative to the whole
    picture, as given. All other cells are 0. A centre on the border of two cells belongs to the later one; a centre at
    exactly 1 belongs to the last cell. Of two objects in one cell the first one stays.

    ValueError: a centre outside of [0, 1], not as many labels as boxes, a grid_size below 1.

    >>> target = encode_targets(torch.tensor([[0.75, 0.375, 0.5, 0.25]]), torch.tensor([1]), 2, 3)
    >>> target.shape
    torch.Size([2, 2, 8])
    >>> target[0, 1]
    tensor([0.5000, 0.7500, 0.5000, 0.2500, 1.0000, 0.0000, 1.0000, 0.0000])
    >>> target.count_nonzero(dim=-1)
    tensor([[0, 6],
            [0, 0]])
    """
    raise NotImplementedError


class YOLOHead(nn.Module):
    """The last layers of YOLO: they look at the whole feature map at once and speak about every cell of the grid.

    in_channels: channels of the feature map; grid_size, boxes_per_cell, num_classes: S, B and C; hidden: units between.

    forward: (N, in_channels, S, S) → (N, S, S, B * 5 + C):

        flatten → fc1 (to `hidden`) → LeakyReLU with slope 0.1 → dropout with probability 0.5 → fc2 → the grid

    The feature map is flattened channel by channel, each row by row, as `torch.flatten` does. fc2 gives the S · S cells
    one after the other, row by row, each with its B boxes (x, y, w, h, confidence) and then its C class scores.
    The layers are called `fc1` and `fc2`, both with a bias; dropout acts in training mode only.

    ValueError, while it is made or when it is called: a size below 1, a feature map that is not
    (N, in_channels, grid_size, grid_size).

    Source: the paper's section 2.1 and 2.2; 7 × 7 cells, 2 boxes and 20 classes make 30 numbers a cell.

    >>> head = YOLOHead(4, grid_size=3, boxes_per_cell=2, num_classes=5, hidden=16).eval()
    >>> head(torch.zeros(2, 4, 3, 3)).shape
    torch.Size([2, 3, 3, 15])
    >>> sorted(head.state_dict())
    ['fc1.bias', 'fc1.weight', 'fc2.bias', 'fc2.weight']
    >>> head.fc1.weight.shape, head.fc2.weight.shape
    (torch.Size([16, 36]), torch.Size([135, 16]))
    """

    def __init__(
        self,
        in_channels: int,
        grid_size: int = 7,
        boxes_per_cell: int = 2,
        num_classes: int = 20,
        hidden: int = 4096,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def decode_predictions(
    prediction: Tensor, boxes_per_cell: int, num_classes: int, threshold: float = 0.25
) -> tuple[Tensor, Tensor, Tensor]:
    """Read the grid of one picture: what did the network find, where, and how sure is it?

    prediction: (S, S, B * 5 + C), as the head gives it. Gives (boxes, scores, labels) of the M boxes that are kept:

        boxes   (M, 4)  xyxy, relative to the picture, clipped to [0, 1]
        scores  (M,)    the confidence of the box times the largest class score of its cell
        labels  (M,)    int64, the class that has this largest score

    A box is kept where its score is larger than the threshold; the highest score comes first. Class scores are taken as
    they are: no softmax, no sigmoid. A cell may give up to B boxes, or none. M may be 0: then the shapes are (0, 4),
    (0,), (0,).

    ValueError: the last axis of the prediction does not have B * 5 + C numbers.

    >>> prediction = torch.zeros(2, 2, 5 + 3)
    >>> prediction[0, 1] = torch.tensor([0.5, 0.25, 0.5, 0.125, 0.75, 0., 1., 0.])
    >>> boxes, scores, labels = decode_predictions(prediction, 1, 3)
    >>> boxes
    tensor([[0.5000, 0.0625, 1.0000, 0.1875]])
    >>> scores, labels
    (tensor([0.7500]), tensor([1]))
    """
    raise NotImplementedError


def yolo_loss(
    prediction: Tensor,
    target: Tensor,
    boxes_per_cell: int,
    num_classes: int,
    lambda_coord: float = 5.0,
    lambda_noobj: float = 0.5,
) -> Tensor:
    """How far the grids of N pictures are from what they should say: five sums of squares, in one number.

    prediction: (N, S, S, B * 5 + C); target: (N, S, S, 5 + C), as `encode_targets` makes it. Gives a tensor without
    axes: the sum of all terms, divided by N.

    In a cell with an object, the *responsible* box is the one of the B boxes that has the highest IoU with the true
    box, the first of them where several have it. IoU is taken of boxes in the picture: x and y of both, which count in
    cells, are divided by S; w and h are relative to the picture already.

        lambda_coord * ( (x - x̂)² + (y - ŷ)² )          responsible boxes: the centre
        lambda_coord * ( (√w - √ŵ)² + (√h - √ĥ)² )      responsible boxes: the size; a negative prediction counts as 0
                       ( conf - IoU )²                  responsible boxes: the IoU with the true box is what to say
        lambda_noobj * ( conf - 0 )²                    every other box, in cells with and without an object
                       Σ ( class score - 1 or 0 )²      cells with an object, once a cell

    The IoU is a number to aim at: no gradient goes through it. The loss can be differentiated by autograd.

    ValueError: prediction and target that do not fit each other, or do not have B * 5 + C and 5 + C numbers a cell.

    Source: equation 3 of the paper.

    >>> target = torch.tensor([0.5, 0.5, 0.25, 0.25, 1.0, 1.0, 0.0]).reshape(1, 1, 1, 7)
    >>> prediction = torch.tensor([0.5, 0.5, 0.25, 0.25, 0.5, 1.0, 0.25]).reshape(1, 1, 1, 7)
    >>> yolo_loss(prediction, target, 1, 2)  # conf 0.5 where the IoU is 1, and 0.25 for the wrong class
    tensor(0.3125)
    >>> yolo_loss(prediction, torch.zeros(1, 1, 1, 7), 1, 2)  # no object: 0.5 · 0.5²
    tensor(0.1250)
    """
    raise NotImplementedError


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: of boxes that say the same, keep the one with the highest score.

    boxes: (K, 4) xyxy, in any unit; scores: (K,); K may be 0. Gives the indices (int64) of the boxes that are kept, in
    the order of falling score. As `torchvision.ops.nms`.

    Go through the boxes from the highest score to the lowest. A box is suppressed where its IoU with a box *that is
    kept* is larger than the threshold; a box that is suppressed itself suppresses nothing.

    ValueError: not as many scores as boxes.

    >>> boxes = torch.tensor([[0., 0., 4., 4.], [0., 1., 4., 4.], [5., 5., 8., 8.]])
    >>> nms(boxes, torch.tensor([0.6, 0.9, 0.7]), 0.5)
    tensor([1, 2])
    """
    raise NotImplementedError


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression within each class: a dog does not suppress the bicycle behind it.

    boxes: (K, 4) xyxy, in any unit (pixels, and negative numbers, too); scores: (K,); labels: (K,) int64, not negative.
    K may be 0. Gives the indices (int64) of the boxes that are kept, in the order of falling score over all classes.

    ValueError: not as many scores, or labels, as boxes.

    >>> boxes = torch.tensor([[0., 0., 4., 4.], [0., 1., 4., 4.], [0., 0., 4., 3.]])
    >>> batched_nms(boxes, torch.tensor([0.6, 0.9, 0.7]), torch.tensor([8, 8, 2]), 0.5)
    tensor([1, 2])
    """
    raise NotImplementedError


def average_precision(scores: Tensor, matched: Tensor, num_ground_truth: int) -> float:
    """The area under the precision-recall curve of one class: one number for how good a detector is.

    scores: (M,) of all detections, in any order; matched: (M,) bool, whether a detection found an object that no better
    one had found; num_ground_truth: how many objects there are. Gives a Python float from 0 to 1; 0.0 where nothing
    matched. As in VOC since 2010 (all-point interpolation).

    Sort by falling score. After each detection, with the detections up to and including it:

        precision = matched ones / detections so far        recall = matched ones / num_ground_truth

    The precision at a recall r counts as the highest precision at any recall that is at least r: the curve becomes a
    staircase that never rises. The result is the area below it.

    ValueError: more matches than ground truth, not as many scores as entries in matched.

    >>> round(average_precision(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True]), 2), 4)
    0.8333
    """
    raise NotImplementedError
