"""All kernels of a level in one convolution: small kernels are padded to the size of the large ones, 1×1s are stacked."""

import torch
import torch.nn.functional as F
from torch import nn


def check(**channels):
    bad = [name for name, value in channels.items() if value < 1]
    if bad:
        raise ValueError(f"{', '.join(bad)}: there has to be at least one channel")


def neighbours_max(x):
    """3×3 maximum as two maxima of three, by shifted slices."""
    for axis in (2, 3):
        size = x.shape[axis]
        edge = torch.full_like(x.narrow(axis, 0, 1), float("-inf"))
        wide = torch.cat([edge, x, edge], axis)
        x = torch.maximum(torch.maximum(wide.narrow(axis, 0, size), wide.narrow(axis, 1, size)), wide.narrow(axis, 2, size))
    return x


class NaiveInception(nn.Module):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__()
        check(in_channels=in_channels, ch1x1=ch1x1, ch3x3=ch3x3, ch5x5=ch5x5)
        for number, (filters, k) in enumerate([(ch1x1, 1), (ch3x3, 3), (ch5x5, 5)], start=1):
            self.add_module(f"branch{number}", nn.Sequential(nn.Conv2d(in_channels, filters, k, 1, k // 2), nn.ReLU()))

    def forward(self, x):
        convs = [self.branch1[0], self.branch2[0], self.branch3[0]]
        weight = torch.cat([F.pad(conv.weight, [2 - conv.padding[0]] * 4) for conv in convs])
        bias = torch.cat([conv.bias for conv in convs])
        return torch.cat([F.conv2d(x, weight, bias, padding=2).relu_(), neighbours_max(x)], 1)


class Inception(nn.Module):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__()
        check(in_channels=in_channels, ch1x1=ch1x1, ch3x3red=ch3x3red, ch3x3=ch3x3)
        check(ch5x5red=ch5x5red, ch5x5=ch5x5, pool_proj=pool_proj)
        self.branch1, self.branch2, self.branch3, self.branch4 = (nn.Sequential() for _ in range(4))
        self.branch1.add_module("0", nn.Conv2d(in_channels, ch1x1, 1))
        self.branch2.add_module("0", nn.Conv2d(in_channels, ch3x3red, 1))
        self.branch2.add_module("2", nn.Conv2d(ch3x3red, ch3x3, 3))
        self.branch3.add_module("0", nn.Conv2d(in_channels, ch5x5red, 1))
        self.branch3.add_module("2", nn.Conv2d(ch5x5red, ch5x5, 5))
        self.branch4.add_module("1", nn.Conv2d(in_channels, pool_proj, 1))

    def forward(self, x):
        first = [getattr(self, f"branch{i}").get_submodule("0") for i in (1, 2, 3)]
        sizes = [conv.out_channels for conv in first]
        thin = F.conv2d(x, torch.cat([conv.weight for conv in first]), torch.cat([conv.bias for conv in first]))
        one, three, five = F.relu(thin).split(sizes, dim=1)
        second = [self.branch2.get_submodule("2"), self.branch3.get_submodule("2")]
        # both large kernels as one of 5×5, with zeros where a branch does not look
        left = F.pad(second[0].weight, (1, 1, 1, 1, 0, sizes[2]))
        right = F.pad(second[1].weight, (0, 0, 0, 0, sizes[1], 0))
        both = F.conv2d(torch.cat([three, five], 1), torch.cat([left, right]),
                        torch.cat([conv.bias for conv in second]), padding=2)
        pooled = self.branch4.get_submodule("1")(neighbours_max(x))
        return torch.cat([one, F.relu(torch.cat([both, pooled], 1))], 1)


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    check(ch1x1=ch1x1, ch3x3=ch3x3, ch5x5=ch5x5, pool_proj=pool_proj)
    with torch.device("meta"):
        return Inception(1, ch1x1, 1, ch3x3, 1, ch5x5, pool_proj)(torch.empty(1, 1, 1, 1)).size(1)


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    with torch.device("meta"):
        block = Inception(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
    return sum(p.numel() for p in block.parameters() if bias or p.dim() > 1)


class GoogLeNetStage3(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception3a = Inception(192, *(64, 96, 128, 16, 32, 32))
        self.inception3b = Inception(256, *(128, 128, 192, 32, 96, 64))

    def forward(self, x):
        y = self.inception3b(self.inception3a(x))
        centres = neighbours_max(y)[:, :, 1::2, 1::2]  # windows centred on 1, 3, 5, ... in the picture
        h, w = y.shape[2:]
        if h % 2 and h < 3 or w % 2 and w < 3:
            raise ValueError("the picture is smaller than the window of the pool")
        rows, columns = -(-(h - 3) // 2) + 1, -(-(w - 3) // 2) + 1
        return centres[:, :, :rows, :columns]
