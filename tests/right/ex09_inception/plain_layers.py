"""As most would write it: layers in Sequentials, in-place ReLU, ModuleDict and OrderedDict for the names."""

from collections import OrderedDict

import torch
import torch.nn as nn


def positive(*counts):
    if any(count <= 0 for count in counts):
        raise ValueError("all channels must be positive, not %s" % (counts,))


class NaiveInception(nn.ModuleDict):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        positive(in_channels, ch1x1, ch3x3, ch5x5)
        convs = [nn.Conv2d(in_channels, n, k, padding="same") for n, k in ((ch1x1, 1), (ch3x3, 3), (ch5x5, 5))]
        super().__init__({f"branch{i}": nn.Sequential(c, nn.ReLU(inplace=True)) for i, c in enumerate(convs, 1)})
        self["branch4"] = nn.Sequential(nn.MaxPool2d((3, 3), (1, 1), (1, 1)))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.values()], 1)


class Inception(nn.Module):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__()
        positive(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        self.branch4 = nn.Sequential(  # the order of the attributes is nobody's business
            nn.MaxPool2d(3, 1, 1), nn.Conv2d(in_channels, pool_proj, 1), nn.ReLU(inplace=True)
        )
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_channels, ch5x5red, 1), nn.ReLU(inplace=True),
            nn.Conv2d(ch5x5red, ch5x5, 5, padding=2), nn.ReLU(inplace=True),
        )
        self.branch2 = nn.Sequential(
            nn.Conv2d(in_channels, ch3x3red, 1), nn.ReLU(inplace=True),
            nn.Conv2d(ch3x3red, ch3x3, 3, padding=1), nn.ReLU(inplace=True),
        )
        self.branch1 = nn.Sequential(nn.Conv2d(in_channels, ch1x1, 1), nn.ReLU(inplace=True))

    def forward(self, x):
        return torch.concat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), dim=-3)


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    positive(ch1x1, ch3x3, ch5x5, pool_proj)
    return sum([ch1x1, ch3x3, ch5x5, pool_proj])


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    block = Inception(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
    return sum(p.numel() for name, p in block.named_parameters() if bias or name.endswith("weight"))


class GoogLeNetStage3(nn.Sequential):
    def __init__(self):
        super().__init__(OrderedDict(
            inception3a=Inception(192, 64, 96, 128, 16, 32, 32),
            inception3b=Inception(256, 128, 128, 192, 32, 96, 64),
            maxpool3=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        ))
