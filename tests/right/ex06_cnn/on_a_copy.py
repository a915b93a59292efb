"""Evaluation runs on a deep copy, so that the model itself is never touched; the step is made in a closure."""

import copy
import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F


class Pool(nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        return x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).amax(dim=(3, 5))


class Net(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 10):
        super().__init__()
        for word, value in (("in_channels", in_channels), ("num_classes", num_classes)):
            if value < 0:
                raise ValueError(word)
        self.fc3 = nn.Linear(84, num_classes)
        self.fc2 = nn.Linear(120, 84)
        self.fc1 = nn.Linear(400, 120)
        self.conv2 = nn.Conv2d(6, 16, (5, 5))
        self.conv1 = nn.Conv2d(in_channels, 6, (5, 5))
        self.add_module("pool", Pool())

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.pool(conv(x).clamp(min=0))
        x = x.flatten(start_dim=1)
        for dense in (self.fc1, self.fc2):
            x = torch.maximum(dense(x), x.new_zeros(()))
        return F.linear(x, self.fc3.weight, self.fc3.bias)


def train_one_epoch(model, batches, optimizer):
    if len(batches) < 1:
        raise ValueError("there has to be at least one batch")
    model.train(True)
    losses = []

    for images, labels in batches:

        def closure():
            model.zero_grad()
            loss = F.nll_loss(F.log_softmax(model(images), dim=-1), labels)  # noqa: B023
            loss.backward()
            return loss

        with torch.enable_grad():
            losses += [float(optimizer.step(closure).detach())] * len(images)
    return math.fsum(losses) / len(losses)


def sleeping(model):
    return copy.deepcopy(model).eval()


def evaluate(model, batches):
    if batches == []:
        raise ValueError("evaluate: no batches")
    model = sleeping(model)
    with torch.inference_mode():
        hits = [(model(images).argmax(-1) == labels).float() for images, labels in batches]
        return torch.cat(hits).mean().item()


def predict(model, images):
    with torch.inference_mode():
        return sleeping(model)(images).topk(1, dim=1).indices[:, 0]


def feature_maps(model, images):
    model = sleeping(model)
    maps = OrderedDict()

    def keep(name):
        return lambda output: maps.__setitem__(name, output.contiguous().clone())

    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            keep_it = keep(name)

            def hook(module, args, kwargs, output, keep_it=keep_it):
                keep_it(output)

            layer.register_forward_hook(hook, with_kwargs=True)
            layer._forward_hooks.move_to_end(next(reversed(layer._forward_hooks)), last=False)
    with torch.no_grad():
        model(images)
    return maps
