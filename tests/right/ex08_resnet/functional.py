"""Functions for what has no weights, blocks as nn.Sequential and ModuleDict, everything late: torch's own errors are
translated where they come up. gradient_norms on a deep copy."""

import copy
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class told:
    """Whatever torch has against the arguments becomes a ValueError."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, (RuntimeError, ZeroDivisionError)):
            raise ValueError(f"{self.what} do not make a block ({error})") from error
        return False


def unit(i, o, k, s=1):
    return nn.Conv2d(i, o, (k, k), (s, s), (k // 2, k // 2), bias=False), nn.BatchNorm2d(o)


class Block(nn.Module):
    add = True

    def __init__(self, sizes, stride):
        super().__init__()
        self.what = f"in_channels {sizes[0]}, out_channels {sizes[-1]} or the width between and stride {stride}"
        strided = 0 if len(sizes) == 3 else 1
        kernels = (3, 3) if len(sizes) == 3 else (1, 3, 1)
        with told(self.what):
            for n, (i, o, k) in enumerate(zip(sizes, sizes[1:], kernels)):
                conv, bn = unit(i, o, k, stride if n == strided else 1)
                self.add_module(f"conv{n + 1}", conv)
                self.add_module(f"bn{n + 1}", bn)
            same = (sizes[0], 1) == (sizes[-1], stride)
            self.downsample = nn.Sequential(*unit(sizes[0], sizes[-1], 1, stride)) if self.add and not same else None
        self.count = len(kernels)

    def forward(self, x):
        with told(self.what):
            y = x
            for n in range(1, self.count + 1):
                y = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(y))
                y = F.relu(y) if n < self.count else y
            if self.add:
                y = torch.add(y, self.downsample(x) if self.downsample else x)
            return torch.clamp_min(y, 0)


class BasicBlock(Block):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__([in_channels, out_channels, out_channels], stride)


class Bottleneck(Block):
    def __init__(self, in_channels, width, stride=1):
        super().__init__([in_channels, width, width, 4 * width], stride)


class PlainBlock(Block):
    add = False

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__([in_channels, out_channels, out_channels], stride)


class ResNet(nn.Sequential):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        try:
            make, factor = {"basic": (BasicBlock, 1), "bottleneck": (Bottleneck, 4)}[block]
        except KeyError:
            raise ValueError("there is no block called " + repr(block)) from None
        a, b, c, d = layers  # Python's own ValueError would not name the argument: see below
        c1, c2, c3, c4 = (factor * w for w in (64, 128, 256, 512))
        stem = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        super().__init__(
            OrderedDict(
                conv1=stem[0],
                bn1=stem[1],
                relu=nn.ReLU(),
                maxpool=nn.MaxPool2d(3, 2, 1),
                layer1=nn.Sequential(make(64, 64), *(make(c1, 64) for _ in range(a - 1))),
                layer2=nn.Sequential(make(c1, 128, 2), *(make(c2, 128) for _ in range(b - 1))),
                layer3=nn.Sequential(make(c2, 256, 2), *(make(c3, 256) for _ in range(c - 1))),
                layer4=nn.Sequential(make(c3, 512, 2), *(make(c4, 512) for _ in range(d - 1))),
                avgpool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(c4, num_classes),
            )
        )


_plain_init = ResNet.__init__


def _checked_init(self, block, layers, num_classes=1000, in_channels=3):
    if len(tuple(layers)) != 4:
        raise ValueError("a ResNet has 4 stages, these layers do not fit: " + str(layers))
    _plain_init(self, block, layers, num_classes, in_channels)


ResNet.__init__ = _checked_init


def gradient_norms(model, images, labels):
    twin = copy.deepcopy(model)
    for parameter in twin.parameters():
        parameter.grad = None
        parameter.requires_grad = True
    F.nll_loss(F.log_softmax(twin(images), dim=-1), labels).backward()
    convolutions = {id(m.weight) for m in twin.modules() if isinstance(m, nn.Conv2d)}
    return {
        name: p.grad.norm(2).item() if p.grad is not None else 0.0
        for name, p in twin.named_parameters()
        if id(p) in convolutions
    }
