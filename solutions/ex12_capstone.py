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


### BEGIN SOLUTION
def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _fit(
    model: nn.Module, loss_of: Callable[[Tensor], Tensor], count: int, *, epochs: int, batch: int, rate: float
) -> nn.Module:
    """Train on `count` pictures; `loss_of` gives the loss of the pictures with these indices. Returns it in eval mode.

    One cycle of Adam: the learning rate rises, then falls to nothing, so that few epochs are enough.
    """
    optimizer = torch.optim.Adam(model.parameters())
    steps = epochs * -(-count // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for indices in torch.randperm(count).split(batch):
            optimizer.zero_grad()
            loss_of(indices).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


### END SOLUTION
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
    ### HINT: Begin with what you have: a network like ex06's `Net` and ex06's `train_one_epoch`, with
    ###   `torch.optim.Adam(model.parameters(), lr=1e-3)`. Print the loss of every epoch: does it fall?
    ### HINT: Shuffle: `for indices in torch.randperm(len(images)).split(64):`, then `images[indices]` and
    ###   `labels[indices]`. With too few steps hardly anything is learnt; 20 epochs of a small network take seconds.
    ### HINT: What helps most is `nn.BatchNorm2d` after each convolution, and to end with the maximum over the whole map
    ###   (`nn.AdaptiveMaxPool2d(1)`): a triangle is one wherever it is. Return `model.eval()`: BatchNorm needs it.
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    network = nn.Sequential(
        _block(3, 16),
        nn.MaxPool2d(2),
        _block(16, 32),
        nn.MaxPool2d(2),
        _block(32, 48),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(48, num_classes),
    ).to(images.device)

    def loss_of(indices: Tensor) -> Tensor:
        return F.cross_entropy(network(images[indices]), labels[indices])

    return _fit(network, loss_of, len(images), epochs=3, batch=64, rate=0.01)
    ### END SOLUTION


### BEGIN SOLUTION
class _Segmenter(nn.Module):
    """Down to an eighth, and up again with what was seen on the way; the last step up is learnt."""

    def __init__(self, num_classes: int, width: int = 16) -> None:
        super().__init__()
        self.to_half = _block(3, width, stride=2)
        self.to_quarter = _block(width, 2 * width, stride=2)
        self.to_eighth = nn.Sequential(_block(2 * width, 4 * width, stride=2), _block(4 * width, 4 * width))
        self.up_to_quarter = _block(4 * width + 2 * width, 2 * width)
        self.up_to_half = _block(2 * width + width, width)
        self.score = nn.ConvTranspose2d(width, num_classes, 2, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        half = self.to_half(images)
        quarter = self.to_quarter(half)
        eighth = self.to_eighth(quarter)
        up = self.up_to_quarter(torch.cat([F.interpolate(eighth, scale_factor=2.0), quarter], dim=1))
        up = self.up_to_half(torch.cat([F.interpolate(up, scale_factor=2.0), half], dim=1))
        return self.score(up)


### END SOLUTION
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
    ### HINT: `F.cross_entropy(logits, masks)` takes (N, C, H, W) and (N, H, W). The smallest network that works at all:
    ###   convolutions with padding that keep the size. What does one pixel see of the picture then?
    ### HINT: To tell a square from a circle a pixel has to see the whole shape, some 26 pixels: go down to an eighth
    ###   (stride 2 or pooling, three times). For sharp outlines it needs what was there before: skip connections, as in
    ###   ex10's FCN8sHead, or `torch.cat([up, earlier], dim=1)` as in U-Net.
    ### HINT: Up again: `nn.ConvTranspose2d(c, c, 4, 2, 1)`, or `F.interpolate(x, scale_factor=2.0)`, then convolve.
    ###   BatchNorm after each convolution saves many epochs. Print the mean IoU on a part of the pictures that you keep
    ###   for that.
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    model = _Segmenter(num_classes).to(images.device)

    def loss_of(indices: Tensor) -> Tensor:
        return F.cross_entropy(model(images[indices]), masks[indices])

    return _fit(model, loss_of, len(images), epochs=6, batch=8, rate=0.005)
    ### END SOLUTION


### BEGIN SOLUTION
class _Detector(nn.Module):
    """A grid of cells, as in YOLO: each says whether the centre of an object is in it, where, how large and what.

    `grid` gives (N, S, S, 5 + C): x and y within the cell and the object before a sigmoid, the logarithm of width and
    height in units of the cell, the classes before a softmax.
    """

    def __init__(self, num_classes: int, size: int, width: int = 16) -> None:
        super().__init__()
        self.cell, self.cells = 8, size // 8
        self.layers = nn.Sequential(
            _block(3, width, stride=2),
            _block(width, 2 * width, stride=2),
            _block(2 * width, 4 * width, stride=2),
            _block(4 * width, 4 * width),
            nn.Conv2d(4 * width, 5 + num_classes, 1),
        )

    def grid(self, x: Tensor) -> Tensor:
        return self.layers(x).permute(0, 2, 3, 1)

    @torch.no_grad()
    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        said = self.grid(x)
        line = torch.arange(self.cells, device=x.device)
        place = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
        centre = (said[..., :2].sigmoid() + place) * self.cell
        half = said[..., 2:4].exp() * self.cell / 2
        boxes = torch.cat([centre - half, centre + half], dim=-1).flatten(1, 2)
        classes, labels = said[..., 5:].softmax(dim=-1).flatten(1, 2).max(dim=-1)
        scores = said[..., 4].sigmoid().flatten(1) * classes
        return [_kept(*one) for one in zip(boxes, scores, labels, strict=True)]

    def targets(self, boxes: list[Tensor], labels: list[Tensor]) -> Tensor:
        """(N, S, S, 6): x, y, w, h as the grid should say them, 1 where there is an object, and its class."""
        out = boxes[0].new_zeros(len(boxes), self.cells, self.cells, 6)
        for target, own, kinds in zip(out, boxes, labels, strict=True):
            centre, size = (own[:, :2] + own[:, 2:]) / 2 / self.cell, (own[:, 2:] - own[:, :2]) / self.cell
            column, row = centre.long().unbind(1)
            target[row, column] = torch.cat(
                [centre % 1, size.log(), torch.ones_like(own[:, :1]), kinds[:, None].float()], dim=1
            )
        return out


def _kept(boxes: Tensor, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Those with a score worth telling, the best first, and of two that overlap the better one."""
    order = scores.argsort(descending=True)
    order = order[scores[order] > 0.05]
    chosen: list[Tensor] = []
    while len(order):
        chosen.append(order[0])
        order = order[1:][_iou(boxes[order[0]], boxes[order[1:]]) < 0.5]
    best = torch.stack(chosen) if chosen else order
    return boxes[best], scores[best], labels[best]


def _iou(one: Tensor, others: Tensor) -> Tensor:
    sides = torch.minimum(one[2:], others[:, 2:]) - torch.maximum(one[:2], others[:, :2])
    shared = sides.clamp(min=0).prod(dim=1)
    return shared / ((one[2:] - one[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(dim=1) - shared)


### END SOLUTION
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
    ### HINT: Let the network end in a grid of 8 × 8 cells (three times stride 2) with 5 + num_classes channels: x, y,
    ###   w, h, object, classes. ex11's `encode_targets` says what it should give; its boxes are parts of the picture.
    ### HINT: A loss that learns fast: binary cross entropy for "is there an object" over all cells; and in the cells
    ###   with an object cross entropy for the class, `F.l1_loss` for x, y and for the logarithm of w and h.
    ### HINT: To read the grid: the centre is (column + x) · 8, not (row + x); corners are centre ± size / 2; the score
    ###   is object · class probability. Drop scores below 0.05, then nms: ex11 has all of it.
    ### HINT: Is the loss small and the mAP too? Ask your model about one training picture, and print its boxes beside
    ###   the true ones: units, order of x and y, centre or corner are seen at once.
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    model = _Detector(num_classes, images.shape[-1]).to(images.device)
    targets = model.targets(boxes, labels)

    def loss_of(indices: Tensor) -> Tensor:
        said, target = model.grid(images[indices]), targets[indices]
        there = target[..., 4] == 1
        found, true = said[there], target[there]
        loss = F.binary_cross_entropy_with_logits(said[..., 4], target[..., 4], reduction="sum")
        loss = loss + F.cross_entropy(found[:, 5:], true[:, 5].long(), reduction="sum")
        loss = loss + 2 * F.l1_loss(found[:, :2].sigmoid(), true[:, :2], reduction="sum")
        loss = loss + 2 * F.l1_loss(found[:, 2:4], true[:, 2:4], reduction="sum")
        return loss / len(indices)

    return _fit(model, loss_of, len(images), epochs=12, batch=32, rate=0.01)
    ### END SOLUTION
