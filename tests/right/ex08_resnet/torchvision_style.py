"""Close to torchvision: in-place ReLU, `out += identity`, _make_layer with a running number of channels, its init."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def conv3x3(i, o, s=1):
    return nn.Conv2d(i, o, kernel_size=3, stride=s, padding=1, bias=False)


def conv1x1(i, o, s=1):
    return nn.Conv2d(i, o, kernel_size=1, stride=s, bias=False)


def need_positive(**named):
    bad = [name for name in named if named[name] <= 0]
    if bad:
        raise ValueError(f"positive numbers only, please look at: {', '.join(bad)}")


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_channels, out_channels, stride=1):
        need_positive(in_channels=in_channels, out_channels=out_channels, stride=stride)
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels * self.expansion:
            self.downsample = nn.Sequential(conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))
        self.stride = stride

    def forward(self, x):
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_channels, width, stride=1):
        need_positive(in_channels=in_channels, width=width, stride=stride)
        super().__init__()
        outs = width * self.expansion
        self.conv1 = conv1x1(in_channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, outs)
        self.bn3 = nn.BatchNorm2d(outs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or in_channels != outs:
            self.downsample = nn.Sequential(conv1x1(in_channels, outs, stride), nn.BatchNorm2d(outs))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__()
        kinds = {"basic": BasicBlock, "bottleneck": Bottleneck}
        if block not in kinds:
            raise ValueError(f"block: one of {list(kinds)}")
        if len(layers) != 4:
            raise ValueError("layers: four of them")
        kind = kinds[block]
        self.inplanes = 64
        self.conv1 = nn.Conv2d(in_channels, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(kind, 64, layers[0])
        self.layer2 = self._make_layer(kind, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(kind, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(kind, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * kind.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(m, (BasicBlock, Bottleneck)):  # zero-init of the last normalization in each branch
                nn.init.zeros_(m.bn2.weight if isinstance(m, BasicBlock) else m.bn3.weight)

    def _make_layer(self, kind, planes, blocks, stride=1):
        layers = [kind(self.inplanes, planes, stride)]
        self.inplanes = planes * kind.expansion
        for _ in range(1, blocks):
            layers.append(kind(self.inplanes, planes))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)


class PlainBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        need_positive(in_channels=in_channels, out_channels=out_channels, stride=stride)
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


def gradient_norms(model, images, labels):
    """Change, measure with .backward(), and put everything back."""
    parameters = list(model.parameters())
    flags = [p.requires_grad for p in parameters]
    grads = [p.grad for p in parameters]
    buffers = [(b, b.clone()) for b in model.buffers()]
    try:
        for p in parameters:
            p.requires_grad_(True)
            p.grad = None
        F.cross_entropy(model(images), labels).backward()
        norms = {}
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d):
                g = module.weight.grad
                norms[(name + "." if name else "") + "weight"] = 0.0 if g is None else float(torch.linalg.vector_norm(g))
        return norms
    finally:
        for p, flag, grad in zip(parameters, flags, grads):
            p.requires_grad_(flag)
            p.grad = grad
        with torch.no_grad():
            for b, before in buffers:
                b.copy_(before)
