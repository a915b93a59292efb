"""Broken solutions of ex12, made of the reference: what each of these mistakes is worth."""

from __future__ import annotations

import types
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.course import root
from grader.references import fresh, load

KNOWN = load(root() / "solutions" / "misconceptions" / "ex12_capstone.py", "known")


def fitted(fit: Any) -> types.ModuleType:
    """The reference with another way to train."""
    module = fresh("ex12_capstone")
    module._fit = fit
    return module


def fit(model: nn.Module, loss_of: Any, count: int, *, epochs: int, batch: int, rate: float, **ways: Any) -> nn.Module:
    """The reference's, with its mistakes in `ways`."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate * ways.get("faster", 1))
    model.train()
    for _ in range(epochs):
        for indices in torch.randperm(count).split(batch):
            if ways.get("zero_grad", True):
                optimizer.zero_grad()
            loss_of(indices).backward()
            optimizer.step()
    return model.train(ways.get("train", False))


def with_ways(**ways: Any) -> types.ModuleType:
    return fitted(lambda *args, **settings: fit(*args, **settings, **ways))


def normalised_in_training() -> types.ModuleType:
    module = fresh("ex12_capstone")
    for task in ("train_classifier", "train_segmenter", "train_detector"):
        train = getattr(module, task)
        setattr(module, task, lambda images, *rest, train=train, **named: train((images - 0.35) / 0.2, *rest, **named))
    return module


def known(**names: str) -> types.SimpleNamespace:
    return types.SimpleNamespace(**{task: getattr(KNOWN, name) for task, name in names.items()})


class Cells(nn.Module):
    """Looks at one pixel and its neighbours alone."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, num_classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def near_sighted() -> types.SimpleNamespace:
    def train_segmenter(images: Tensor, masks: Tensor, num_classes: int, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = Cells(num_classes)
        return fit(
            model, lambda i: F.cross_entropy(model(images[i]), masks[i]), len(images), epochs=5, batch=16, rate=0.01
        )

    return types.SimpleNamespace(train_segmenter=train_segmenter)


VARIANTS = {
    "constant": known(
        train_classifier="one_class", train_segmenter="ground_everywhere", train_detector="finds_nothing"
    ),
    "by heart": known(train_classifier="by_heart", train_segmenter="masks_by_heart"),
    "untrained": fitted(lambda model, *_, **__: model.eval()),
    "no zero_grad": with_ways(zero_grad=False),
    "learning rate times 300": with_ways(faster=300),
    "train mode left on": with_ways(train=True),
    "normalised in the training alone": normalised_in_training(),
    "sees three pixels": near_sighted(),
}
