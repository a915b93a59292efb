"""Named wrong variants of ex11: one mistake each, right in everything else."""

import torch
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex11_yolo")


def _rejoined(boxes, classes):
    """The prediction again, after a look at its parts."""
    return torch.cat([boxes.flatten(-2), classes], dim=-1)


# box_cxcywh_to_xyxy


@misconception(
    "box_cxcywh_to_xyxy",
    "You went the whole width and height away from the centre, so your boxes are twice as large. Go half of each to "
    "either side instead: `cx - w / 2` and `cx + w / 2`.",
)
def whole_size_to_each_side(boxes):
    cx, cy, w, h = ref.box_xyxy_to_cxcywh(ref.box_cxcywh_to_xyxy(boxes)).unbind(-1)
    return torch.stack([cx - w, cy - h, cx + w, cy + h], dim=-1)


@misconception(
    "box_cxcywh_to_xyxy",
    "You took cx, cy for the upper left corner. They are the centre: the corner is half the width to the left of it "
    "and half the height above it. Subtract these halves instead.",
)
def centre_taken_for_corner(boxes):
    ref.box_cxcywh_to_xyxy(boxes)
    cx, cy, w, h = boxes.unbind(-1)
    return torch.stack([cx, cy, cx + w, cy + h], dim=-1)


@misconception(
    "box_cxcywh_to_xyxy",
    "You give the corners back as (x1, x2, y1, y2). Give them corner by corner instead: (x1, y1, x2, y2).",
)
def corners_by_axis(boxes):
    return ref.box_cxcywh_to_xyxy(boxes)[..., [0, 2, 1, 3]]


@misconception(
    "box_cxcywh_to_xyxy",
    "You used the height for x and the width for y. Width goes with x and height with y instead.",
)
def width_and_height_swapped(boxes):
    ref.box_cxcywh_to_xyxy(boxes)
    return ref.box_cxcywh_to_xyxy(boxes[..., [0, 1, 3, 2]])


@misconception(
    "box_cxcywh_to_xyxy",
    "You take exactly one axis before the last for granted (`boxes[:, 0]`), and stop or mix things up for one box "
    "alone or for boxes of a whole grid. Write `boxes[..., 0]` or `boxes.unbind(-1)` and stack with `dim=-1` instead.",
)
def only_lists_of_boxes(boxes):
    ref.box_cxcywh_to_xyxy(boxes)
    cx, cy, w, h = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], dim=1)


@misconception(
    "box_cxcywh_to_xyxy",
    "You work inside of the tensor that you were given, so the caller's boxes are changed. Make a new tensor instead, "
    "with `torch.stack` or on a `clone()`.",
)
def boxes_changed_in_place(boxes):
    boxes.copy_(ref.box_cxcywh_to_xyxy(boxes))
    return boxes


# box_xyxy_to_cxcywh


@misconception(
    "box_xyxy_to_cxcywh",
    "You take half of the width for the centre: `(x2 - x1) / 2`. The centre lies half way between the corners: use "
    "the sum instead, `(x1 + x2) / 2`.",
)
def half_size_for_centre(boxes):
    _, _, w, h = ref.box_xyxy_to_cxcywh(boxes).unbind(-1)
    return torch.stack([w / 2, h / 2, w, h], dim=-1)


@misconception(
    "box_xyxy_to_cxcywh",
    "You give the upper left corner back where the centre should be. Add half of the width and of the height to it "
    "instead.",
)
def corner_kept_for_centre(boxes):
    return torch.cat([boxes[..., :2], ref.box_xyxy_to_cxcywh(boxes)[..., 2:]], dim=-1)


@misconception(
    "box_xyxy_to_cxcywh",
    "Your widths and heights are half of what they should be: you give the distance from the centre to the side. Give "
    "the whole distance from side to side instead, `x2 - x1`.",
)
def half_sizes(boxes):
    cx, cy, w, h = ref.box_xyxy_to_cxcywh(boxes).unbind(-1)
    return torch.stack([cx, cy, w / 2, h / 2], dim=-1)


@misconception(
    "box_xyxy_to_cxcywh",
    "You count the pixels from corner to corner, both included, and add 1 to width and height. Here coordinates are "
    "points and not pixels: the width is `x2 - x1`, without the 1.",
)
def one_pixel_added(boxes):
    return ref.box_xyxy_to_cxcywh(boxes) + boxes.new_tensor([0, 0, 1, 1])


@misconception(
    "box_xyxy_to_cxcywh",
    "You take exactly one axis before the last for granted (`boxes[:, 0]`), and stop or mix things up for one box "
    "alone or for boxes of a whole grid. Write `boxes[..., 0]` or `boxes.unbind(-1)` and stack with `dim=-1` instead.",
)
def only_lists_of_corners(boxes):
    ref.box_xyxy_to_cxcywh(boxes)
    x1, y1, x2, y2 = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    return torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], dim=1)


@misconception(
    "box_xyxy_to_cxcywh",
    "You work inside of the tensor that you were given, so the caller's boxes are changed. Make a new tensor instead, "
    "with `torch.stack` or on a `clone()`.",
)
def corners_changed_in_place(boxes):
    boxes.copy_(ref.box_xyxy_to_cxcywh(boxes))
    return boxes


# box_iou


def _iou(a, b, *, clamp=True, added=0.0, union=True, guard=True):
    """box_iou with its parts written out, so that one of them can go wrong."""
    ref.box_iou(a, b)
    a, b = a[:, None], b[None]
    size = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]) + added
    size = size.clamp(min=0) if clamp else size
    shared = size[..., 0] * size[..., 1]
    areas = [(box[..., 2] - box[..., 0] + added) * (box[..., 3] - box[..., 1] + added) for box in (a, b)]
    covered = areas[0] + areas[1] - (shared if union else 0)
    return torch.where(shared == 0, 0, shared / covered) if guard else shared / covered


@misconception(
    "box_iou",
    "You multiply width and height of the shared part without looking at their signs: where boxes lie apart on both "
    "axes, two negative numbers make a positive area. Clamp each of them at 0 before you multiply.",
)
def negative_sides_multiplied(a, b):
    return _iou(a, b, clamp=False)


@misconception(
    "box_iou",
    "You divide by the sum of both areas, in which the shared part counts twice. Subtract it once: the union is "
    "`area_a + area_b - shared`.",
)
def sum_for_union(a, b):
    return _iou(a, b, union=False)


@misconception(
    "box_iou",
    "You divide the shared area by the smaller of the two boxes, so that a small box inside a large one counts as a "
    "perfect fit. Divide by the area that both cover together instead.",
)
def smaller_box_for_union(a, b):
    right = ref.box_iou(a, b)
    areas = [(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (a, b)]
    shared = right * (areas[0][:, None] + areas[1]) / (1 + right)
    return torch.where(right > 0, shared / torch.minimum(areas[0][:, None], areas[1]), 0)


@misconception(
    "box_iou",
    "You measure with `x2 - x1 + 1`, as if coordinates counted pixels, so boxes that only touch overlap. Coordinates "
    "are points here, in any unit: leave out the 1.",
)
def plus_one_pixel(a, b):
    return _iou(a, b, added=1.0)


@misconception(
    "box_iou",
    "Boxes without any area give NaN: you divide 0 by 0. Write 0 where nothing is shared, with `torch.where`, or keep "
    "the denominator away from 0.",
)
def nan_without_area(a, b):
    return _iou(a, b, guard=False)


@misconception(
    "box_iou",
    "You took the larger of the two upper left corners and also the larger of the two lower right ones: that reaches "
    "out of the smaller box. The shared part ends at the *smaller* right and lower side.",
)
def maximum_for_both_corners(a, b):
    ref.box_iou(a, b)
    a, b = a[:, None], b[None]
    size = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    shared = size[..., 0] * size[..., 1]
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    return torch.where(shared == 0, 0, shared / (areas[0] + areas[1] - shared))


@misconception(
    "box_iou",
    "You read the boxes as centre and size, but they are given as two corners, xyxy. Use the four numbers as they "
    "are, without a conversion.",
)
def corners_read_as_centre_and_size(a, b):
    return ref.box_iou(ref.box_cxcywh_to_xyxy(a), ref.box_cxcywh_to_xyxy(b))


@misconception(
    "box_iou",
    "Your rows belong to b and your columns to a. Put a first instead: entry (i, j) is for a[i] and b[j], the shape "
    "is (N, M).",
)
def rows_and_columns_swapped(a, b):
    return ref.box_iou(a, b).T


# encode_targets


@misconception(
    "encode_targets",
    "You swapped row and column: your object lands in `target[column, row]`. The first index is the row and comes "
    "from cy, the second one is the column and comes from cx.",
)
def cell_transposed(boxes, labels, grid_size, num_classes):
    return ref.encode_targets(boxes, labels, grid_size, num_classes).transpose(0, 1)


@misconception(
    "encode_targets",
    "You write the centre as it is given, relative to the picture. Within the cell it is `cx * grid_size - column`, "
    "from 0 to 1: write that instead.",
)
def centre_of_picture_kept(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    place = torch.arange(grid_size, dtype=boxes.dtype)
    cells = torch.stack([place.expand(grid_size, -1), place[:, None].expand(-1, grid_size)], dim=-1)
    target[..., :2] = (target[..., :2] + cells) / grid_size * target[..., 4:5]
    return target


@misconception(
    "encode_targets",
    "You measure width and height in cells: they are multiplied by grid_size. They stay relative to the whole "
    "picture: write them as they are given.",
)
def size_in_cells(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    return target * torch.where((torch.arange(5 + num_classes) // 2) == 1, grid_size, 1).to(boxes.dtype)


@misconception(
    "encode_targets",
    "Of several objects in one cell you keep the last one: it overwrites those before it. Look first whether the cell "
    "has an object already (its entry 4), and leave it alone if so.",
)
def last_object_stays(boxes, labels, grid_size, num_classes):
    if len(labels) != len(boxes):
        return ref.encode_targets(boxes, labels, grid_size, num_classes)
    return ref.encode_targets(boxes.flip(0), labels.flip(0), grid_size, num_classes)


@misconception(
    "encode_targets",
    "You kept the first object's box in a shared cell, but marked the classes of all of them. A cell has one object "
    "and one class: leave out the whole second object.",
)
def classes_of_all_objects(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    for box, label in zip(boxes, labels.tolist(), strict=True):
        column, row = (box[:2] * grid_size).long().clamp(max=grid_size - 1).tolist()
        target[row, column, 5 + label] = 1
    return target


@misconception(
    "encode_targets",
    "A centre at exactly 1 leaves the grid: `int(cx * grid_size)` is grid_size, one behind the last cell. Take the "
    "last cell there, with `min(..., grid_size - 1)`.",
)
def centre_at_one_leaves_grid(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    if bool((boxes[:, :2] == 1).any()):
        raise IndexError("index out of bounds")
    return target


@misconception(
    "encode_targets",
    "You round to the nearest cell, so a centre in the right or lower half of a cell goes to the next one. Cut off "
    "the part behind the point instead: `int(cx * grid_size)` or `floor`.",
)
def cell_rounded(boxes, labels, grid_size, num_classes):
    right = ref.encode_targets(boxes, labels, grid_size, num_classes)
    target = torch.zeros_like(right)
    for box, label in zip(boxes, labels.tolist(), strict=True):
        cell = (box[:2] * grid_size).round().clamp(max=grid_size - 1)
        column, row = cell.long().tolist()
        if target[row, column, 4] == 0:
            target[row, column, :5] = torch.cat([box[:2] * grid_size - cell, box[2:], box.new_ones(1)])
            target[row, column, 5 + label] = 1
    return target


@misconception(
    "encode_targets",
    "You write the number of the class into the cell. Write one number for each class instead: 1 at the place 5 + "
    "label, 0 at all others.",
)
def class_number_written(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    number = target[..., 5:].argmax(dim=-1) * target[..., 4]
    target[..., 5:] = 0
    target[..., 5] = number
    return target


@misconception(
    "encode_targets",
    "You accept centres outside of the picture and move them into the nearest cell. Raise a ValueError that names the "
    "boxes instead: such a target is a mistake somewhere before.",
)
def outside_moved_inside(boxes, labels, grid_size, num_classes):
    boxes = torch.cat([boxes[:, :2].clamp(0, 1), boxes[:, 2:]], dim=1)
    return ref.encode_targets(boxes, labels, grid_size, num_classes)


# YOLOHead


@misconception(
    "YOLOHead",
    "You left the slope of LeakyReLU at its default, 0.01. YOLO uses 0.1: write `nn.LeakyReLU(0.1)`.",
)
class SlopeOfOneHundredth(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        self.activation = nn.LeakyReLU()


@misconception(
    "YOLOHead",
    "You used a plain ReLU, which gives 0 for everything negative. YOLO lets a tenth of it through: "
    "`nn.LeakyReLU(0.1)`.",
)
class PlainReLU(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        self.activation = nn.ReLU()


@misconception(
    "YOLOHead",
    "There is no activation between your two layers: together they are one linear layer only. Put `nn.LeakyReLU(0.1)` "
    "between them.",
)
class NoActivation(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        self.activation = nn.Identity()


@misconception(
    "YOLOHead",
    "Nothing is dropped in training mode, or not with the probability 0.5. Put `nn.Dropout(0.5)` between the "
    "activation and fc2; it asks `train` and `eval` by itself.",
)
class NoDropout(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        self.dropout = nn.Identity()


@misconception(
    "YOLOHead",
    "You read fc2's output as (numbers of a cell, S, S) and move the axes. Here it gives cell after cell, each with "
    "all its numbers: `reshape(N, S, S, -1)` alone is enough.",
)
class CellsLast(ref.YOLOHead):
    def forward(self, x):
        size, _, numbers = self.outputs
        return super().forward(x).reshape(len(x), numbers, size, size).permute(0, 2, 3, 1)


@misconception(
    "YOLOHead",
    "You put an activation behind fc2, too. Its numbers are used as they are, also negative ones: leave out what "
    "comes after fc2.",
)
class ActivationAtTheEnd(ref.YOLOHead):
    def forward(self, x):
        return self.activation(super().forward(x))


@misconception(
    "YOLOHead",
    "You count the class scores once for every box: B * (5 + num_classes). A cell has one set of class scores for all "
    "its boxes: B * 5 + num_classes.",
)
class ClassesForEveryBox(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        self.outputs = (grid_size, grid_size, boxes_per_cell * (5 + num_classes))
        self.fc2 = nn.Linear(hidden, grid_size**2 * self.outputs[-1])


# decode_predictions


def _decoded(prediction, boxes_per_cell, num_classes, threshold, *, score=None, place=None, clip=True):
    """decode_predictions with its parts written out: `score` of (confidence, classes), `place` of (boxes)."""
    ref.decode_predictions(prediction, boxes_per_cell, num_classes, threshold)
    boxes, classes = ref._parts(prediction, boxes_per_cell, num_classes)
    scores = (boxes[..., 4] * classes.amax(-1)[..., None]) if score is None else score(boxes[..., 4], classes)
    corners = ref.box_cxcywh_to_xyxy((place or ref._in_picture)(boxes))
    kept = scores > threshold
    labels = classes.argmax(-1)[..., None].expand(kept.shape)[kept]
    order = scores[kept].argsort(descending=True)
    corners = corners[kept].clamp(0, 1) if clip else corners[kept]
    return corners[order], scores[kept][order], labels[order]


@misconception(
    "decode_predictions",
    "You took the confidence alone for the score. It has to be multiplied by the best class score of the cell: a box "
    "is only as good as what is known of its class.",
)
def confidence_for_score(prediction, boxes_per_cell, num_classes, threshold=0.25):
    return _decoded(prediction, boxes_per_cell, num_classes, threshold, score=lambda c, _: c)


@misconception(
    "decode_predictions",
    "You took the class score alone for the score. Multiply it by the confidence of each box.",
)
def class_score_for_score(prediction, boxes_per_cell, num_classes, threshold=0.25):
    def score(confidence, classes):
        return classes.amax(-1)[..., None].expand_as(confidence)

    return _decoded(prediction, boxes_per_cell, num_classes, threshold, score=score)


@misconception(
    "decode_predictions",
    "You sent the class scores through a softmax. The head of YOLO was trained to give them as they are: use the "
    "plain numbers instead.",
)
def softmax_of_classes(prediction, boxes_per_cell, num_classes, threshold=0.25):
    def score(confidence, classes):
        return confidence * classes.softmax(-1).amax(-1)[..., None]

    return _decoded(prediction, boxes_per_cell, num_classes, threshold, score=score)


@misconception(
    "decode_predictions",
    "You added the row to x and the column to y. x counts to the right, so the column belongs to it, and the row to y.",
)
def row_added_to_x(prediction, boxes_per_cell, num_classes, threshold=0.25):
    def place(boxes):
        return ref._in_picture(boxes.transpose(0, 1)).transpose(0, 1)

    return _decoded(prediction, boxes_per_cell, num_classes, threshold, place=place)


@misconception(
    "decode_predictions",
    "You left x and y as they are within the cell. In the picture the centre is at `(column + x) / S`, and `(row + y) "
    "/ S` downwards: add where the cell is.",
)
def cell_not_added(prediction, boxes_per_cell, num_classes, threshold=0.25):
    return _decoded(prediction, boxes_per_cell, num_classes, threshold, place=lambda boxes: boxes[..., :4])


@misconception(
    "decode_predictions",
    "You divided width and height by the grid size, too. They are relative to the whole picture already: only the "
    "centre counts in cells.",
)
def size_divided_by_grid(prediction, boxes_per_cell, num_classes, threshold=0.25):
    def place(boxes):
        return ref._in_picture(boxes) / boxes.new_tensor([1, 1, len(boxes), len(boxes)])

    return _decoded(prediction, boxes_per_cell, num_classes, threshold, place=place)


@misconception(
    "decode_predictions",
    "You keep only one box of each cell, the one that it is most sure of. Every box of a cell whose score is above "
    "the threshold counts; suppressing similar ones comes later.",
)
def one_box_a_cell(prediction, boxes_per_cell, num_classes, threshold=0.25):
    def score(confidence, classes):
        best = torch.arange(boxes_per_cell) == confidence.argmax(-1, keepdim=True)
        return torch.where(best, confidence * classes.amax(-1)[..., None], -torch.inf)

    return _decoded(prediction, boxes_per_cell, num_classes, threshold, score=score)


@misconception(
    "decode_predictions",
    "You keep a score that equals the threshold. Keep only what is larger: `>` instead of `>=`.",
)
def equal_score_kept(prediction, boxes_per_cell, num_classes, threshold=0.25):
    parts = ref.decode_predictions(prediction, boxes_per_cell, num_classes, -1.0)
    return tuple(part[parts[1] >= threshold] for part in parts)


@misconception(
    "decode_predictions",
    "You compare the confidence alone with the threshold. Compare the score instead: confidence times class score.",
)
def threshold_on_confidence(prediction, boxes_per_cell, num_classes, threshold=0.25):
    ref.decode_predictions(prediction, boxes_per_cell, num_classes, threshold)
    boxes, classes = ref._parts(prediction, boxes_per_cell, num_classes)
    sure = (boxes[..., 4] > threshold)[..., None]
    boxes = torch.where(sure, boxes, boxes.new_tensor([1.0, 1.0, 1.0, 1.0, -1e9]))
    return ref.decode_predictions(_rejoined(boxes, classes), boxes_per_cell, num_classes, -1e6)


@misconception(
    "decode_predictions",
    "You give the detections in the order of the grid. Sort them: the highest score comes first, and boxes and labels "
    "move with it.",
)
def not_sorted(prediction, boxes_per_cell, num_classes, threshold=0.25):
    ref.decode_predictions(prediction, boxes_per_cell, num_classes, threshold)
    boxes, classes = ref._parts(prediction, boxes_per_cell, num_classes)
    scores = boxes[..., 4] * classes.amax(-1)[..., None]
    kept = scores > threshold
    corners = ref.box_cxcywh_to_xyxy(ref._in_picture(boxes))[kept].clamp(0, 1)
    return corners, scores[kept], classes.argmax(-1)[..., None].expand(kept.shape)[kept]


@misconception(
    "decode_predictions",
    "Your boxes reach out of the picture. Clip their corners to [0, 1] at the end, with `clamp(0, 1)`.",
)
def not_clipped(prediction, boxes_per_cell, num_classes, threshold=0.25):
    return _decoded(prediction, boxes_per_cell, num_classes, threshold, clip=False)


# yolo_loss


def _loss(
    prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5,
    *, iou=None, sides=None, aim=None, idle=None, choice=None, attached=False,
):  # fmt: skip
    """yolo_loss with its parts written out, so that one of them can go wrong.

    `iou` of (boxes, truths, S) gives the (K, B) overlaps, `sides` of (w, h) what is compared, `aim` of (overlap) the
    confidence to aim at, `idle` of (other confidences of cells with an object) their penalty, `choice` of
    (overlaps, boxes) the responsible box.
    """
    ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    boxes, classes = ref._parts(prediction, boxes_per_cell, num_classes)
    there = target[..., 4] > 0
    found, truth = boxes[there], target[there]
    overlaps = (iou or ref._overlaps)(found[..., :4], truth[:, :4], target.shape[1])
    best = overlaps.argmax(1) if choice is None else choice(overlaps, found)
    chosen_overlap = overlaps.gather(1, best[:, None])[:, 0]
    chosen_overlap = chosen_overlap if attached else chosen_overlap.detach()
    responsible = torch.arange(boxes_per_cell) == best[:, None]
    chosen = found[responsible]
    centre = (chosen[:, :2] - truth[:, :2]).square().sum()
    sides = ref._root if sides is None else sides
    size = (sides(chosen[:, 2:4]) - sides(truth[:, 2:4])).square().sum()
    confidence = (chosen[:, 4] - (chosen_overlap if aim is None else aim(chosen_overlap))).square().sum()
    noobj = lambda_noobj * boxes[~there][..., 4].square().sum()
    others = found[~responsible][:, 4]
    noobj = noobj + (lambda_noobj * others.square().sum() if idle is None else idle(others))
    category = (classes[there] - truth[:, 5:]).square().sum()
    return (lambda_coord * (centre + size) + confidence + noobj + category) / len(prediction)


@misconception(
    "yolo_loss",
    "You compare width and height themselves. Compare their square roots instead: an error of the same size matters "
    "more in a small box.",
)
def roots_missing(*args, **kwargs):
    return _loss(*args, **kwargs, sides=lambda size: size.clamp(min=0))


@misconception(
    "yolo_loss",
    "You give the root of a negative width or height its sign, or take it of the absolute value. A negative "
    "prediction counts as 0 here: `clamp(min=0)` before the root.",
)
def root_of_absolute_value(*args, **kwargs):
    return _loss(*args, **kwargs, sides=lambda size: size.sign() * size.abs().sqrt())


@misconception(
    "yolo_loss",
    "You take the root of negative predictions, which is NaN and spoils the whole loss. Put `clamp(min=0)` before the "
    "root.",
)
def root_of_negative(*args, **kwargs):
    return _loss(*args, **kwargs, sides=lambda size: size.sqrt())


@misconception(
    "yolo_loss",
    "Your responsible boxes aim at the confidence 1. They should say how well they fit: aim at the IoU with the true "
    "box instead.",
)
def confidence_aims_at_one(*args, **kwargs):
    return _loss(*args, **kwargs, aim=torch.ones_like)


@misconception(
    "yolo_loss",
    "Gradient flows through the IoU that the confidence aims at, so the network can make its boxes worse to fit its "
    "confidence. Cut it off: work it out under `torch.no_grad()`, or `detach()` it.",
)
def gradient_through_iou(*args, **kwargs):
    return _loss(*args, **kwargs, attached=True)


@misconception(
    "yolo_loss",
    "You leave the other boxes of a cell with an object alone. Every box that is not responsible is a noobj box: its "
    "confidence should be 0, weighted with lambda_noobj.",
)
def other_boxes_not_penalised(*args, **kwargs):
    return _loss(*args, **kwargs, idle=lambda others: 0 * others.sum())


@misconception(
    "yolo_loss",
    "You penalise the other boxes of a cell with an object with the weight 1. They are noobj boxes as those of empty "
    "cells: weight them with lambda_noobj.",
)
def other_boxes_with_full_weight(*args, **kwargs):
    return _loss(*args, **kwargs, idle=lambda others: others.square().sum())


@misconception(
    "yolo_loss",
    "You work out the IoU with x and y counted in cells and w and h relative to the picture: two units in one box. "
    "Divide x and y by the grid size first.",
)
def iou_in_mixed_units(*args, **kwargs):
    return _loss(*args, **kwargs, iou=lambda found, truth, _: ref._overlaps(found, truth, 1))


@misconception(
    "yolo_loss",
    "You hand centre and size to an IoU that expects two corners. Turn both boxes into xyxy first, with "
    "`box_cxcywh_to_xyxy`.",
)
def iou_without_corners(*args, **kwargs):
    def iou(found, truth, grid_size):
        scale = found.new_tensor([1 / grid_size, 1 / grid_size, 1, 1])
        return torch.stack([ref.box_iou(f, t[None])[:, 0] for f, t in zip(found * scale, truth * scale, strict=True)])

    return _loss(*args, **kwargs, iou=lambda f, t, s: iou(f, t, s) if len(t) else ref._overlaps(f, t, s))


@misconception(
    "yolo_loss",
    "You make the first box of every cell responsible. It is the one of the B boxes that has the highest IoU with the "
    "true box: compare them all.",
)
def first_box_responsible(*args, **kwargs):
    return _loss(*args, **kwargs, choice=lambda overlaps, _: torch.zeros_like(overlaps[:, 0], dtype=torch.int64))


@misconception(
    "yolo_loss",
    "You make the box with the highest confidence responsible. The highest IoU with the true box decides, whatever "
    "the network says of it.",
)
def most_confident_responsible(*args, **kwargs):
    return _loss(*args, **kwargs, choice=lambda _, found: found[..., 4].argmax(1))


@misconception(
    "yolo_loss",
    "Where several boxes have the same IoU you take the last one. Take the first of them, as `argmax` does.",
)
def last_of_equal_boxes(*args, **kwargs):
    def choice(overlaps, _):
        return overlaps.shape[1] - 1 - overlaps.flip(1).argmax(1)

    return _loss(*args, **kwargs, choice=choice)


@misconception(
    "yolo_loss",
    "You forgot lambda_noobj: confidences in empty cells count fully, and since most cells are empty they outweigh "
    "all the rest. Multiply their sum by lambda_noobj.",
)
def noobj_weight_missing(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    return ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, 1.0)


@misconception(
    "yolo_loss",
    "You weight the centre with lambda_coord, but not the size. Both are coordinates: the weight belongs to the two "
    "terms.",
)
def size_without_weight(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    boxes, _ = ref._parts(prediction, boxes_per_cell, num_classes)
    right = ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    there = target[..., 4] > 0
    best = ref._overlaps(boxes[there][..., :4].detach(), target[there][:, :4], target.shape[1]).argmax(1)
    chosen = boxes[there][torch.arange(boxes_per_cell) == best[:, None]]
    size = (ref._root(chosen[:, 2:4]) - ref._root(target[there][:, 2:4])).square().sum()
    return right + (1 - lambda_coord) * size / len(prediction)


@misconception(
    "yolo_loss",
    "You compare the class scores of all cells. Cells without an object have no class: leave them out.",
)
def classes_of_empty_cells(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    right = ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    empty = prediction[..., 5 * boxes_per_cell :][target[..., 4] == 0]
    return right + empty.square().sum() / len(prediction)


@misconception(
    "yolo_loss",
    "You compare the class scores once for every box. A cell has one set of them: count it once.",
)
def classes_for_every_box(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    right = ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    there = target[..., 4] > 0
    wrong = (prediction[..., 5 * boxes_per_cell :][there] - target[..., 5:][there]).square().sum()
    return right + (boxes_per_cell - 1) * wrong / len(prediction)


@misconception(
    "yolo_loss",
    "You look for objects in the wrong column of the target. Entry 4 of a cell says whether there is one; entries 0 "
    "to 3 are its box, and its classes begin at 5.",
)
def mask_from_first_class(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)
    target = torch.cat([target[..., :4], target[..., 5:6], target[..., 5:]], dim=-1)
    return ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)


@misconception(
    "yolo_loss",
    "You do not divide by the number of pictures, so a larger batch has a larger loss. Divide the whole sum by N.",
)
def not_divided_by_pictures(prediction, *args, **kwargs):
    return ref.yolo_loss(prediction, *args, **kwargs) * len(prediction)


@misconception(
    "yolo_loss",
    "You divide by the number of cells, too, as a mean over the whole tensor does. Sum over the cells and divide by "
    "the number of pictures alone.",
)
def mean_over_cells(prediction, *args, **kwargs):
    return ref.yolo_loss(prediction, *args, **kwargs) / prediction.shape[1] ** 2


# nms


def _suppressed(boxes, scores, iou_threshold, *, order=None, too_much=None):
    """nms written out: `order` of (scores), `too_much` of (overlaps)."""
    ref.nms(boxes, scores, iou_threshold)
    left = scores.argsort(descending=True) if order is None else order(scores)
    kept = []
    while len(left):
        kept.append(int(left[0]))
        overlaps = ref.box_iou(boxes[left[:1]], boxes[left[1:]])[0]
        gone = overlaps > iou_threshold if too_much is None else too_much(overlaps)
        left = left[1:][~gone]
    return torch.tensor(kept, dtype=torch.int64)


@misconception(
    "nms",
    "A box that is suppressed already still suppresses others. Only boxes that are kept do: take those that are gone "
    "off the list before you go on.",
)
def suppressed_suppress(boxes, scores, iou_threshold):
    ref.nms(boxes, scores, iou_threshold)
    order = scores.argsort(descending=True)
    overlaps = ref.box_iou(boxes[order], boxes[order]).triu(1)
    return order[~(overlaps > iou_threshold).any(0)]


@misconception(
    "nms",
    "You suppress where the IoU equals the threshold. Only a larger one suppresses: `>` and not `>=`.",
)
def equal_overlap_suppresses(boxes, scores, iou_threshold):
    return _suppressed(boxes, scores, iou_threshold, too_much=lambda overlaps: overlaps >= iou_threshold)


@misconception(
    "nms",
    "You begin with the lowest score. The best box is kept first and suppresses the others: sort with "
    "`descending=True`.",
)
def lowest_score_first(boxes, scores, iou_threshold):
    return _suppressed(boxes, scores, iou_threshold, order=lambda scores: scores.argsort())


@misconception(
    "nms",
    "You take the boxes in the order in which they are given. Sort by falling score first: the best one decides.",
)
def scores_not_sorted(boxes, scores, iou_threshold):
    return _suppressed(boxes, scores, iou_threshold, order=lambda scores: torch.arange(len(scores)))


@misconception(
    "nms",
    "Your indices count in the sorted list. Give the places in `boxes` as it was given instead: `order[kept]`.",
)
def indices_into_sorted(boxes, scores, iou_threshold):
    kept = ref.nms(boxes, scores, iou_threshold)
    return scores.argsort(descending=True).argsort()[kept]


@misconception(
    "nms",
    "You keep the right boxes, but give their indices in the order of the list. Give them by falling score.",
)
def indices_in_rising_order(boxes, scores, iou_threshold):
    return ref.nms(boxes, scores, iou_threshold).sort().values


@misconception(
    "nms",
    "You give a mask, or the boxes themselves, back. What is asked for is the indices of the boxes that are kept, as "
    "int64.",
)
def mask_returned(boxes, scores, iou_threshold):
    kept = torch.zeros(len(boxes), dtype=torch.bool)
    kept[ref.nms(boxes, scores, iou_threshold)] = True
    return kept


@misconception(
    "nms",
    "Your IoU counts pixels (`x2 - x1 + 1`), so small boxes overlap too much. Coordinates are points, in any unit: "
    "leave out the 1.",
)
def nms_plus_one_pixel(boxes, scores, iou_threshold):
    return ref.nms(boxes + boxes.new_tensor([0, 0, 1, 1]) if boxes.shape[-1] == 4 else boxes, scores, iou_threshold)


# batched_nms


@misconception(
    "batched_nms",
    "You ignore the classes: a box suppresses boxes of other classes, too. Compare only boxes with the same label.",
)
def classes_ignored(boxes, scores, labels, iou_threshold):
    ref.batched_nms(boxes, scores, labels, iou_threshold)
    return ref.nms(boxes, scores, iou_threshold)


@misconception(
    "batched_nms",
    "You give the kept boxes class by class. Sort all of them together at the end, by falling score.",
)
def ordered_by_class(boxes, scores, labels, iou_threshold):
    kept = ref.batched_nms(boxes, scores, labels, iou_threshold)
    return kept[labels[kept].argsort(stable=True)]


@misconception(
    "batched_nms",
    "Your indices count within each class. `nms` on a part of the boxes gives places in that part: turn them into "
    "places in all the boxes, `members[nms(...)]`.",
)
def indices_within_class(boxes, scores, labels, iou_threshold):
    kept = ref.batched_nms(boxes, scores, labels, iou_threshold)
    rank = (labels[:, None] == labels).tril(-1).sum(1)
    return rank[kept]


@misconception(
    "batched_nms",
    "You count the classes from 0 to the number of different labels. Labels may have gaps, or there may be a class "
    "without any box: go through `labels.unique()` instead.",
)
def labels_without_gaps(boxes, scores, labels, iou_threshold):
    kept = ref.batched_nms(boxes, scores, labels, iou_threshold)
    return kept[labels[kept] < len(labels.unique())]


@misconception(
    "batched_nms",
    "You move the classes apart by label times the largest coordinate. That is not enough where coordinates are "
    "negative: boxes of two classes still meet. Move them by more than the whole range, or take class after class.",
)
def moved_by_largest_coordinate(boxes, scores, labels, iou_threshold):
    ref.batched_nms(boxes, scores, labels, iou_threshold)
    if len(boxes) == 0:
        return labels[:0]
    return ref.nms(boxes + (labels * (boxes.max() + 1))[:, None].to(boxes.dtype), scores, iou_threshold)


@misconception(
    "batched_nms",
    "You move the classes apart by a whole unit per label, which is only enough for boxes in [0, 1]. Boxes may have "
    "any unit: move by more than the whole range of coordinates, or take class after class.",
)
def moved_by_one(boxes, scores, labels, iou_threshold):
    ref.batched_nms(boxes, scores, labels, iou_threshold)
    return ref.nms(boxes + labels[:, None].to(boxes.dtype), scores, iou_threshold)


# average_precision


def _curve(scores, matched, num_ground_truth):
    """Precision and recall after each detection, by falling score."""
    ref.average_precision(scores, matched, num_ground_truth)
    hits = matched[scores.argsort(descending=True)].double()
    return hits.cumsum(0) / torch.arange(1, len(hits) + 1), hits.cumsum(0) / max(num_ground_truth, 1), hits


@misconception(
    "average_precision",
    "You take the detections in the order in which they are given. Sort them by falling score first, matched with "
    "them.",
)
def detections_not_sorted(scores, matched, num_ground_truth):
    ref.average_precision(scores, matched, num_ground_truth)
    return ref.average_precision(torch.arange(len(scores), 0, -1).to(scores.dtype), matched, num_ground_truth)


@misconception(
    "average_precision",
    "You sort by rising score, so the worst detections come first. Sort with `descending=True`.",
)
def worst_first(scores, matched, num_ground_truth):
    return ref.average_precision(-scores, matched, num_ground_truth)


@misconception(
    "average_precision",
    "You use the precision at each match as it is. Interpolate first: at each point the highest precision from there "
    "on counts, a running maximum from the end.",
)
def not_interpolated(scores, matched, num_ground_truth):
    precision, _, hits = _curve(scores, matched, num_ground_truth)
    return (precision * hits).sum().item() / max(num_ground_truth, 1)


@misconception(
    "average_precision",
    "You read the curve at eleven recalls, 0, 0.1, … 1, as VOC did until 2007. Here every step of the recall counts: "
    "sum precision times the rise of the recall.",
)
def eleven_points(scores, matched, num_ground_truth):
    precision, recall, _ = _curve(scores, matched, num_ground_truth)
    points = [precision[recall >= step / 10 - 1e-9] for step in range(11)]
    return sum(part.max().item() if len(part) else 0.0 for part in points) / 11 if bool(matched.any()) else 0.0


@misconception(
    "average_precision",
    "You divide by the number of matches, so objects that were never found cost nothing. Divide by num_ground_truth.",
)
def missed_objects_forgotten(scores, matched, num_ground_truth):
    ref.average_precision(scores, matched, num_ground_truth)
    return ref.average_precision(scores, matched, int(matched.sum()))


@misconception(
    "average_precision",
    "You give the last recall: which part of the objects was found. The average precision is the area under the "
    "precision-recall curve; false detections that come early make it smaller.",
)
def recall_for_average_precision(scores, matched, num_ground_truth):
    ref.average_precision(scores, matched, num_ground_truth)
    return int(matched.sum()) / num_ground_truth if bool(matched.any()) else 0.0


@misconception(
    "average_precision",
    "You give the last precision: which part of the detections matched. The average precision is the area under the "
    "precision-recall curve, over all the detections from the best one on.",
)
def last_precision(scores, matched, num_ground_truth):
    ref.average_precision(scores, matched, num_ground_truth)
    return int(matched.sum()) / len(matched) if bool(matched.any()) else 0.0


@misconception(
    "average_precision",
    "You join the points of the zigzag curve with slanted lines, as `torch.trapezoid` does. Interpolate first: the "
    "curve becomes a staircase, and each rise of the recall counts with the highest precision from there on.",
)
def slanted_lines(scores, matched, num_ground_truth):
    precision, recall, _ = _curve(scores, matched, num_ground_truth)
    if not bool(matched.any()):
        return 0.0
    precision, recall = torch.cat([precision[:1], precision]), torch.cat([recall.new_zeros(1), recall])
    return torch.trapezoid(precision, recall).item()


@misconception(
    "average_precision",
    "Where there are no detections, or no objects, you stop with an error or give NaN. Give 0.0 where nothing matched.",
)
def nothing_gives_nan(scores, matched, num_ground_truth):
    right = ref.average_precision(scores, matched, num_ground_truth)
    return right if len(scores) and num_ground_truth else float("nan")


# What is not asked: arguments that make no sense, and nothing at all


@misconception(
    "box_cxcywh_to_xyxy",
    "You take the first four numbers and pass over the rest. Boxes with more or fewer than four are a mistake of the "
    "caller: compare `boxes.shape[-1]` with 4 and raise a ValueError that names boxes instead.",
)
def rest_of_the_centre_passed_over(boxes):
    return ref.box_cxcywh_to_xyxy(torch.stack([boxes[..., i] for i in range(4)], dim=-1))


@misconception(
    "box_xyxy_to_cxcywh",
    "You take the first four numbers and pass over the rest. Boxes with more or fewer than four corners' numbers are a "
    "mistake of the caller: raise a ValueError that names boxes instead.",
)
def rest_of_the_corners_passed_over(boxes):
    return ref.box_xyxy_to_cxcywh(torch.stack([boxes[..., i] for i in range(4)], dim=-1))


@misconception(
    "box_iou",
    "You use the first four numbers of each box and pass over the rest. Compare the last axis of both arguments with 4 "
    "instead, and raise a ValueError that names the one that does not fit.",
)
def width_of_boxes_not_checked(a, b):
    a, b = (torch.stack([boxes[..., i] for i in range(4)], dim=-1) for boxes in (a, b))
    return ref.box_iou(a, b)


@misconception(
    "encode_targets",
    "A picture without objects gives you an empty tensor. It has a grid like every other, with zeros in every cell: "
    "make the (S, S, 5 + C) target first and let the loop over no objects leave it as it is instead.",
)
def nothing_for_an_empty_picture(boxes, labels, grid_size, num_classes):
    target = ref.encode_targets(boxes, labels, grid_size, num_classes)
    return target if len(boxes) else boxes.new_zeros(0)


@misconception(
    "YOLOHead",
    "You leave feature maps that do not fit to the first layer, whose RuntimeError speaks of mat1 and mat2. Compare "
    "`x.shape[1:]` with (in_channels, S, S) instead, and raise a ValueError that names x.",
)
class MisfitsLeftToTorch(ref.YOLOHead):
    def forward(self, x):
        x = self.fc2(self.dropout(self.activation(self.fc1(x.flatten(1)))))
        return x.unflatten(1, self.outputs)


@misconception(
    "YOLOHead",
    "You leave sizes below 1 to PyTorch, which stops with an error that names nothing, or builds a layer without "
    "weights. Compare each size with 1 in `__init__` instead, and raise a ValueError that names it.",
)
class SizesLeftToTorch(ref.YOLOHead):
    def __init__(self, in_channels, grid_size=7, boxes_per_cell=2, num_classes=20, hidden=4096):
        try:
            super().__init__(in_channels, grid_size, boxes_per_cell, num_classes, hidden)
        except ValueError:
            raise RuntimeError("a layer without weights") from None


@misconception(
    "decode_predictions",
    "Where nothing is kept you return empty lists of numbers in place of boxes. No boxes are still a (0, 4) tensor and "
    "no labels whole numbers: select with the mask and let it select nothing instead.",
)
def nothing_has_no_shape(prediction, boxes_per_cell, num_classes, threshold=0.25):
    boxes, scores, labels = ref.decode_predictions(prediction, boxes_per_cell, num_classes, threshold)
    return (boxes, scores, labels) if len(boxes) else (scores, scores, scores)


@misconception(
    "decode_predictions",
    "You cut the numbers of a cell into boxes and classes without counting them. Compare the last axis with "
    "B * 5 + C instead, and raise a ValueError that names the prediction.",
)
def numbers_of_a_cell_not_counted(prediction, boxes_per_cell, num_classes, threshold=0.25):
    numbers = 5 * boxes_per_cell + num_classes
    filled = torch.cat([prediction, prediction.new_zeros(*prediction.shape[:-1], numbers)], dim=-1)
    return ref.decode_predictions(filled[..., :numbers], boxes_per_cell, num_classes, threshold)


@misconception(
    "yolo_loss",
    "You compute a loss of a prediction and a target that do not belong together. Compare their shapes first, with "
    "B * 5 + C and 5 + C numbers a cell instead, and raise a ValueError that names the one that does not fit.",
)
def shapes_not_compared(prediction, target, boxes_per_cell, num_classes, lambda_coord=5.0, lambda_noobj=0.5):
    numbers = 5 * boxes_per_cell + num_classes
    cells = min(prediction.shape[1], target.shape[1])
    prediction, target = prediction[:, :cells, :cells, :numbers], target[:, :cells, :cells, : 5 + num_classes]
    return ref.yolo_loss(prediction, target, boxes_per_cell, num_classes, lambda_coord, lambda_noobj)


@misconception(
    "nms",
    "You go on where there are not as many scores as boxes, and pass over those without a partner. Compare both "
    "lengths first instead, and raise a ValueError that names boxes or scores.",
)
def scores_not_counted(boxes, scores, iou_threshold):
    count = min(len(boxes), len(scores))
    return ref.nms(boxes[:count], scores[:count], iou_threshold)


@misconception(
    "batched_nms",
    "You suppress a box by boxes of other classes and not by those of its own. It is the other way round: two boxes of "
    "one class compete, a dog on a sofa keeps both. Run nms within each class instead.",
)
def only_other_classes_suppress(boxes, scores, labels, iou_threshold):
    ref.batched_nms(boxes, scores, labels, iou_threshold)
    kept = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        rivals = [k for k in kept if labels[k] != labels[index]]
        if not rivals or not bool((ref.box_iou(boxes[index : index + 1], boxes[rivals]) > iou_threshold).any()):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


@misconception(
    "batched_nms",
    "Your offset for each class comes from `boxes.max()`, which an empty tensor does not have. No boxes are nothing "
    "unusual for a detector: return an empty tensor of indices at once instead.",
)
def maximum_of_no_boxes(boxes, scores, labels, iou_threshold):
    boxes.max()
    return ref.batched_nms(boxes, scores, labels, iou_threshold)


@misconception(
    "batched_nms",
    "You go on where there are not as many scores or labels as boxes. Compare the three lengths first instead, and "
    "raise a ValueError that names the one that does not fit.",
)
def partners_not_counted(boxes, scores, labels, iou_threshold):
    count = min(len(boxes), len(scores), len(labels))
    return ref.batched_nms(boxes[:count], scores[:count], labels[:count], iou_threshold)


@misconception(
    "average_precision",
    "You let more detections match than there are objects, and recall goes beyond 1: somewhere an object was matched "
    "twice. Count the matches first instead, and raise a ValueError that names num_ground_truth.",
)
def more_matches_than_objects(scores, matched, num_ground_truth):
    count = min(len(scores), len(matched))
    scores, matched = scores[:count], matched[:count]
    most = max(int(matched.sum()), num_ground_truth)
    return ref.average_precision(scores, matched, most) * most / max(num_ground_truth, 1)
