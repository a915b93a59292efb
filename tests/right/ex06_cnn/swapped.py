"""Parameters in ParameterDicts, a manual SGD-free loop over an iterator, recorders swapped in for the convolutions."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def parameters_for(*shape):
    bound = torch.Size(shape[1:]).numel() ** -0.5
    values = {"weight": torch.empty(shape).uniform_(-bound, bound), "bias": torch.empty(shape[:1]).uniform_(-bound, bound)}
    return nn.ParameterDict({name: nn.Parameter(value) for name, value in values.items()})


class Net(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        if not in_channels >= 1:
            raise ValueError(f"a picture with {in_channels} channels?")
        if not num_classes >= 1:
            raise ValueError(f"{num_classes} classes?")
        self.conv1 = parameters_for(6, in_channels, 5, 5)
        self.conv2 = parameters_for(16, 6, 5, 5)
        self.fc1 = parameters_for(120, 400)
        self.fc2 = parameters_for(84, 120)
        self.fc3 = parameters_for(num_classes, 84)
        self.pool = nn.AdaptiveMaxPool2d(1)  # of each 2×2 tile, see below

    def halved(self, x):
        n, c, h, w = x.shape
        tiles = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(n, -1, 2, 2)
        return self.pool(tiles).reshape(n, c, h // 2, w // 2)

    def forward(self, x):
        for layer in (self.conv1, self.conv2):
            columns = F.unfold(x, 5)
            side = x.shape[-1] - 4
            x = layer["weight"].flatten(1) @ columns + layer["bias"][:, None]
            x = self.halved(F.threshold(x, 0.0, 0.0).unflatten(-1, (side, side)))
        x = x.flatten(1).mT
        for layer in (self.fc1, self.fc2):
            x = F.relu(torch.mm(layer["weight"], x) + layer["bias"].unsqueeze(1))
        return (torch.mm(self.fc3["weight"], x) + self.fc3["bias"].unsqueeze(1)).mT


def train_one_epoch(model, batches, optimizer):
    rest = iter(batches)
    batch = next(rest, None)
    if batch is None:
        raise ValueError("there is no batch in batches")
    model.train()
    seen, mean = 0, 0.0
    while batch is not None:
        images, labels = batch
        optimizer.zero_grad()
        each = F.cross_entropy(model(images), labels, reduction="none")
        each.mean().backward()
        optimizer.step()
        for loss in each.tolist():  # a running mean
            seen += 1
            mean += (loss - mean) / seen
        batch = next(rest, None)
    return mean


class Modes(list):
    @classmethod
    def of(cls, model):
        return cls((module, module.training) for module in model.modules())

    def restore(self):
        for module, mode in reversed(self):
            module.__dict__["training"] = mode


def evaluate(model, batches):
    modes = Modes.of(model)
    try:
        model.requires_grad_  # there, and left alone
        outcomes = [
            outcome for images, labels in batches for outcome in torch.eq(_classes(model, images), labels).tolist()
        ]
    finally:
        modes.restore()
    if not batches:
        raise ValueError("no batches: no accuracy")
    return np.mean(outcomes)  # a float too: np.float64 is a subclass


def _classes(model, images):
    with torch.set_grad_enabled(False):
        scores = model.eval()(images)
    best = scores.amax(dim=1, keepdim=True)
    return (scores == best).int().argmax(dim=1)


def predict(model, images):
    modes = Modes.of(model)
    try:
        return _classes(model, images).reshape(-1)
    finally:
        modes.restore()


class Recorder(nn.Module):
    def __init__(self, layer, into, name):
        super().__init__()
        self.layer, self.into, self.name = layer, into, name
        self.training = layer.training

    def forward(self, x):
        output = self.layer(x)
        self.into[self.name] = output.detach().clone()
        return output


def feature_maps(model, images):
    found = {}
    modes = Modes.of(model)
    places = [
        (parent, child, f"{prefix}.{child}" if prefix else child, layer)
        for prefix, parent in list(model.named_modules())
        for child, layer in parent.named_children()
        if isinstance(layer, nn.Conv2d)
    ]
    try:
        for parent, child, name, layer in places:
            setattr(parent, child, Recorder(layer, found, name))
        with torch.no_grad():
            model.eval()(images)
    finally:
        for parent, child, _, layer in places:
            setattr(parent, child, layer)
        modes.restore()
    return found
