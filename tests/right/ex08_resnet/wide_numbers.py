"""Blocks that compute in float64 and round at the end; one class for all blocks with a table; hooks and state_dicts."""

import torch
from torch import nn


class Table(nn.Module):
    rows = ()
    residual = True

    def __init__(self, i, width, stride=1):
        for value, name in ((i, "in_channels"), (width, "width / out_channels"), (stride, "stride")):
            if not value > 0:
                raise ValueError(f"{name} is {value}, which is not possible")
        super().__init__()
        self.steps = nn.ModuleDict()
        first = i
        for n, (kernel, factor, strided) in enumerate(self.rows, 1):
            outs = factor * width
            self._modules[f"conv{n}"] = nn.Conv2d(
                i, outs, kernel, stride=stride if strided else 1, padding="valid" if strided or kernel == 1 else "same",
                bias=False,
            )
            self._modules[f"bn{n}"] = nn.BatchNorm2d(outs)
            i = outs
        self.downsample = None
        if self.residual and (first != i or stride != 1):
            self.downsample = nn.Sequential(
                nn.Conv2d(first, i, 1, stride, bias=False), nn.BatchNorm2d(i)
            )

    def forward(self, x):
        y = x
        for n, (kernel, _, strided) in enumerate(self.rows, 1):
            conv, bn = self._modules[f"conv{n}"], self._modules[f"bn{n}"]
            if strided and kernel == 3:
                y = nn.functional.pad(y, (1, 1, 1, 1))
            y = bn(conv(y))
            if n < len(self.rows):
                y = y * (y > 0)
        if self.residual:
            y = y.double() + (x if self.downsample is None else self.downsample(x)).double()
        return y.clamp(min=0).to(x.dtype)


class BasicBlock(Table):
    rows = ((3, 1, True), (3, 1, False))

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)


class Bottleneck(Table):
    rows = ((1, 1, False), (3, 1, True), (1, 4, False))

    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)


class PlainBlock(Table):
    rows = BasicBlock.rows
    residual = False

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)


def ResNet(block, layers, num_classes=1000, in_channels=3):
    """A function will do as well."""
    return Net(block, layers, num_classes, in_channels)


class Net(nn.Module):
    def __init__(self, block, layers, num_classes, in_channels):
        super().__init__()
        if block not in {"basic", "bottleneck"}:
            raise ValueError(f"unknown kind of block: {block}")
        if len(layers) < 4 or len(layers) > 4:
            raise ValueError(f"{len(layers)} layers, but it takes 4")
        e = 4 if block == "bottleneck" else 1
        kind = [None, BasicBlock, None, None, Bottleneck][e]
        self.features = None
        self.conv1 = nn.Conv2d(in_channels, 64, (7, 7), stride=(2, 2), padding=(3, 3), bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=1e-5, momentum=0.1)
        ins = [64, 64 * e, 128 * e, 256 * e]
        for n in reversed(range(4)):
            width = 64 << n
            stage = [kind(width * e, width) for _ in range(layers[n] - 1)]
            stage.insert(0, kind(ins[n], width, 1 if n == 0 else 2))
            setattr(self, f"layer{n + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(512 * e, num_classes, bias=True)
        self.pool = nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, 1))

    def forward(self, x):
        x = self.pool(self.bn1(self.conv1(x)))
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        n, c = x.shape[:2]
        return self.fc(x.reshape(n, c, -1).sum(-1) / (x.shape[2] * x.shape[3]))


def gradient_norms(model, images, labels):
    """By the book with a state_dict: load the old one back at the end, gradients and flags by name."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    extra = {name: value.clone() for name, value in model.named_buffers() if name not in state}
    kept = {name: (p.grad, p.requires_grad) for name, p in model.named_parameters()}
    model.requires_grad_(True)
    for p in model.parameters():
        p.grad = None
    logits = model(images)
    loss = (logits.logsumexp(1) - logits.gather(1, labels[:, None]).squeeze(1)).sum() / len(images)
    loss.backward()
    out = dict()
    for prefix, module in model.named_modules():
        if not isinstance(module, torch.nn.modules.Conv2d):
            continue
        for name, p in module.named_parameters(prefix, recurse=False):
            if name.split(".")[-1] == "weight":
                out[name] = 0.0 if p.grad is None else p.grad.detach().flatten().dot(p.grad.flatten()).sqrt().item()
    model.load_state_dict(state)
    for name, value in extra.items():
        model.get_buffer(name).copy_(value)
    for name, p in model.named_parameters():
        p.grad, p.requires_grad = kept[name]
    return dict(sorted(out.items(), reverse=True))
