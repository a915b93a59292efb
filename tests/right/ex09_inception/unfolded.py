"""Own convolution layers of unfold and einsum, the pooling by amax over windows; results are views with channels last."""

import torch
import torch.nn.functional as F
from torch import nn


class Conv(nn.Module):
    def __init__(self, inputs, filters, k):
        super().__init__()
        if inputs < 1:
            raise ValueError(f"in_channels={inputs}")
        if filters < 1:
            raise ValueError(f"a convolution cannot have {filters} filters")
        self.weight = nn.Parameter(torch.randn(filters, inputs, k, k) / (inputs * k * k) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, x):
        k = self.weight.shape[-1]
        windows = F.pad(x, [k // 2] * 4).unfold(2, k, 1).unfold(3, k, 1)
        return (torch.einsum("nchwij,ocij->nhwo", windows, self.weight) + self.bias).permute(0, 3, 1, 2)


class Relu(nn.Module):
    def forward(self, x):
        return x.clamp(min=0)


class Pool(nn.Module):
    def forward(self, x):
        around = F.pad(x, (1, 1, 1, 1), value=float("-inf"))
        return around.unfold(2, 3, 1).unfold(3, 3, 1).amax(dim=(-2, -1))


class Side(nn.Module):
    def forward(self, x):
        parts = [getattr(self, f"branch{i}")(x).movedim(1, -1) for i in range(1, 5)]
        return torch.cat(parts, dim=-1).movedim(-1, 1)


class NaiveInception(Side):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__()
        self.branch1 = nn.Sequential(Conv(in_channels, ch1x1, 1), Relu())
        self.branch2 = nn.Sequential(Conv(in_channels, ch3x3, 3), Relu())
        self.branch3 = nn.Sequential(Conv(in_channels, ch5x5, 5), Relu())
        self.branch4 = Pool()


class Inception(Side):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__()
        self.branch1 = nn.Sequential(Conv(in_channels, ch1x1, 1), Relu())
        self.branch2 = nn.Sequential(Conv(in_channels, ch3x3red, 1), Relu(), Conv(ch3x3red, ch3x3, 3), Relu())
        self.branch3 = nn.Sequential(Conv(in_channels, ch5x5red, 1), Relu(), Conv(ch5x5red, ch5x5, 5), Relu())
        self.branch4 = nn.Sequential(Pool(), Conv(in_channels, pool_proj, 1), Relu())


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    total = 0
    for name, channels in locals().copy().items():
        if name != "total":
            if channels < 1:
                raise ValueError(name)
            total += channels
    return total


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    if min(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj) < 1:
        raise ValueError("a number of channels is smaller than 1")
    thin = ch1x1 + ch3x3red + ch5x5red + pool_proj  # filters that see the input, all 1×1
    weights = in_channels * thin + 3 * 3 * ch3x3red * ch3x3 + 5 * 5 * ch5x5red * ch5x5
    return weights + bool(bias) * (thin + ch3x3 + ch5x5)


class GoogLeNetStage3(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)

    def forward(self, x):
        x = self.inception3b(self.inception3a(x))
        h, w = x.shape[2:]
        # as many rows and columns of -inf at the end as the last window hangs over
        x = F.pad(x, (0, (w - 3) % 2 if w > 2 else 3 - w, 0, (h - 3) % 2 if h > 2 else 3 - h), value=float("-inf"))
        return x.unfold(2, 3, 2).unfold(3, 3, 2).flatten(-2).max(-1).values
