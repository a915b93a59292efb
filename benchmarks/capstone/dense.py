"""What dense networks reach on ex12, a plain one and one with all that helps: no points begin below it."""

from __future__ import annotations

import types
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.references import reference

Grid = reference("ex12_capstone")._Detector


def fit(model: nn.Module, loss_of: Callable[[Tensor], Tensor], count: int, epochs: int) -> nn.Module:
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = epochs * -(-count // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for _ in range(epochs):
        for indices in torch.randperm(count).split(64):
            optimizer.zero_grad()
            loss_of(indices).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def layers(inputs: int, outputs: int, *, strong: bool) -> nn.Sequential:
    if not strong:
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, outputs))
    hidden = [
        layer
        for size, wide in ((inputs, 512), (512, 256))
        for layer in (nn.Linear(size, wide), nn.BatchNorm1d(wide), nn.ReLU(), nn.Dropout(0.3))
    ]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(256, outputs))


def dense(*, strong: bool) -> types.SimpleNamespace:
    epochs = 30 if strong else 15

    def train_classifier(images: Tensor, labels: Tensor, num_classes: int, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = layers(images[0].numel(), num_classes, strong=strong)
        return fit(model, lambda i: F.cross_entropy(model(images[i]), labels[i]), len(images), epochs)

    def train_segmenter(images: Tensor, masks: Tensor, num_classes: int, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        pixels = masks[0].numel()
        unflatten = nn.Unflatten(1, (num_classes, *masks.shape[1:]))
        model = nn.Sequential(layers(images[0].numel(), num_classes * pixels, strong=strong), unflatten)
        return fit(model, lambda i: F.cross_entropy(model(images[i]), masks[i]), len(images), epochs)

    def train_detector(
        images: Tensor, boxes: list[Tensor], labels: list[Tensor], num_classes: int, seed: int
    ) -> nn.Module:
        torch.manual_seed(seed)
        model = Grid(num_classes, images.shape[-1])
        unflatten = nn.Unflatten(1, (5 + num_classes, 8, 8))
        model.layers = nn.Sequential(layers(images[0].numel(), (5 + num_classes) * 64, strong=strong), unflatten)
        targets = model.targets(boxes, labels)

        def loss_of(indices: Tensor) -> Tensor:
            said, target = model.grid(images[indices]), targets[indices]
            found, true = said[target[..., 4] == 1], target[target[..., 4] == 1]
            loss = F.binary_cross_entropy_with_logits(said[..., 4], target[..., 4], reduction="sum")
            loss = loss + F.cross_entropy(found[:, 5:], true[:, 5].long(), reduction="sum")
            loss = loss + 2 * F.l1_loss(found[:, :2].sigmoid(), true[:, :2], reduction="sum")
            return (loss + 2 * F.l1_loss(found[:, 2:4], true[:, 2:4], reduction="sum")) / len(indices)

        return fit(model, loss_of, len(images), epochs)

    return types.SimpleNamespace(
        train_classifier=train_classifier, train_segmenter=train_segmenter, train_detector=train_detector
    )


VARIANTS = {"dense": dense(strong=False), "dense, BatchNorm and dropout": dense(strong=True)}
