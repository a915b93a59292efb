"""Convolutions by FFT, the pooling by max_pool on a padded picture, results with channels last; gradients with
autograd.grad over flags that are switched on and put back."""

import torch
import torch.nn.functional as F
from torch import nn


class Spectral(nn.Conv2d):
    """nn.Conv2d for its parameters alone."""

    def forward(self, x):
        k, s = self.kernel_size[0], self.stride[0]
        h, w = x.shape[-2:]
        size = (h + k - 1, w + k - 1)
        picture, kernel = torch.fft.rfft2(x, size), torch.fft.rfft2(self.weight.flip(-1, -2), size)
        full = torch.fft.irfft2(torch.einsum("nchw,ochw->nohw", picture, kernel), size)
        e = k // 2
        return full[:, :, e : e + h : s, e : e + w : s]


def spectral(i, o, k, stride=1):
    if i < 1 or o < 1:
        raise ValueError("the number of filters or channels is not positive")
    if stride < 1:
        raise ValueError("the step (stride) is not positive")
    return Spectral(i, o, k, stride, bias=False)


class PlainBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = spectral(in_channels, out_channels, 3, stride)
        self.conv2 = spectral(out_channels, out_channels, 3)
        self.bn1, self.bn2 = nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)

    def residue(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))

    def forward(self, x):
        return self.residue(x).relu().to(memory_format=torch.channels_last)


class Shortcut(nn.Module):
    def carried(self, x):
        for part in self.downsample or ():
            x = part(x)
        return x

    def forward(self, x):
        return (self.carried(x) + self.residue(x)).relu().to(memory_format=torch.channels_last)


class BasicBlock(Shortcut, PlainBlock):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        PlainBlock.__init__(self, in_channels, out_channels, stride)
        self.downsample = None
        if stride > 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                spectral(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )


class Bottleneck(Shortcut):
    def __init__(self, in_channels: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1, self.bn1 = spectral(in_channels, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = spectral(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = spectral(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if not (stride == 1 and in_channels == 4 * width):
            self.downsample = nn.Sequential(spectral(in_channels, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))

    def residue(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        return self.bn3(self.conv3(x))


class ResNet(nn.Module):
    def __init__(self, block: str, layers, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        match block, list(layers):
            case "basic", [_, _, _, _]:
                self.kind, self.factor = BasicBlock, 1
            case "bottleneck", [_, _, _, _]:
                self.kind, self.factor = Bottleneck, 4
            case _:
                raise ValueError(f"block={block!r}, layers={layers!r}: no such network")
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self.stage(64, 64, layers[0], 1)
        self.layer2 = self.stage(64 * self.factor, 128, layers[1], 2)
        self.layer3 = self.stage(128 * self.factor, 256, layers[2], 2)
        self.layer4 = self.stage(256 * self.factor, 512, layers[3], 2)
        self.fc = nn.Linear(512 * self.factor, num_classes)

    def stage(self, channels, width, count, stride):
        stage = nn.Sequential()
        for number in range(count):
            stage.add_module(str(number), self.kind(channels, width, stride))
            channels, stride = width * self.factor, 1
        return stage

    def forward(self, x):
        x = self.bn1(self.conv1(F.pad(x, [3] * 4))).relu()
        x = F.max_pool2d(F.pad(x, [1] * 4), 3, 2)  # zeros never win over what a ReLU gives
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(F.avg_pool2d(x, x.shape[-2:])[:, :, 0, 0])


def gradient_norms(model, images, labels):
    weights = {name: p for name, p in model.named_parameters()}
    wanted = [n for n in weights if isinstance(model.get_submodule(n.rpartition(".")[0]), nn.Conv2d)]
    wanted = [n for n in wanted if n.endswith("weight")]
    flags = {n: weights[n].requires_grad for n in wanted}
    saved = {n: b.detach().clone() for n, b in model.named_buffers()}
    for n in wanted:
        weights[n].requires_grad = True
    loss = F.cross_entropy(model(images), labels)
    found = torch.autograd.grad(loss, [weights[n] for n in wanted], allow_unused=True, materialize_grads=True)
    for n in wanted:
        weights[n].requires_grad = flags[n]
    for n, b in model.named_buffers():
        b.data.copy_(saved[n])
    return {n: sum(g.double().flatten().square().tolist()) ** 0.5 for n, g in zip(wanted, found)}
