"""Everything is checked when the module is called; results are filled into x.new_empty, sums are in float64."""

import torch
import torch.nn.functional as F
from torch import nn


class _Unchecked(nn.Module):
    kinds = ()

    def __init__(self, **channels):
        super().__init__()
        self.channels = channels
        self.sizes = []
        for name, inputs, filters, k in self.layers(**{key: max(1, value) for key, value in channels.items()}):
            branch, index = name.split(".")
            if not hasattr(self, branch):
                setattr(self, branch, nn.Module())
            conv = nn.Module()
            conv.weight = nn.Parameter(0.1 * torch.randn(filters, inputs, k, k))
            conv.bias = nn.Parameter(torch.zeros(filters))
            getattr(self, branch).add_module(index, conv)

    def conv(self, name, x):
        """A convolution as a sum over the elements of its kernel, then a ReLU."""
        layer = self.get_submodule(name)
        weight = layer.weight.double()
        n, _, h, w = x.shape
        k = weight.shape[-1]
        x = F.pad(x.double(), (k // 2,) * 4)
        out = layer.bias.double()[:, None, None].expand(n, -1, h, w)
        for i in range(k):
            for j in range(k):
                out = out + torch.tensordot(x[:, :, i : i + h, j : j + w], weight[:, :, i, j], ([1], [1])).movedim(-1, 1)
        return torch.where(out > 0, out, 0)

    def forward(self, x):
        for name, value in self.channels.items():
            if not value >= 1:
                raise ValueError(f"{name} is {value}, but a layer has at least one channel")
        results = self.results(x)
        n, _, h, w = x.shape
        out = x.new_empty(n, sum(result.shape[1] for result in results), h, w)
        start = 0
        for result in results:
            out[:, start : start + result.shape[1]] = result
            start += result.shape[1]
        return out


def pooled(x):
    return F.max_pool2d(x, kernel_size=3, stride=1, padding=1)


class NaiveInception(_Unchecked):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__(in_channels=in_channels, ch1x1=ch1x1, ch3x3=ch3x3, ch5x5=ch5x5)

    @staticmethod
    def layers(in_channels, ch1x1, ch3x3, ch5x5):
        yield "branch1.0", in_channels, ch1x1, 1
        yield "branch2.0", in_channels, ch3x3, 3
        yield "branch3.0", in_channels, ch5x5, 5

    def results(self, x):
        return [*(self.conv(f"branch{i}.0", x) for i in (1, 2, 3)), pooled(x)]


class Inception(_Unchecked):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__(
            in_channels=in_channels, ch1x1=ch1x1, ch3x3red=ch3x3red, ch3x3=ch3x3, ch5x5red=ch5x5red, ch5x5=ch5x5,
            pool_proj=pool_proj,
        )  # fmt: skip

    @staticmethod
    def layers(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        yield "branch1.0", in_channels, ch1x1, 1
        yield "branch2.0", in_channels, ch3x3red, 1
        yield "branch2.2", ch3x3red, ch3x3, 3
        yield "branch3.0", in_channels, ch5x5red, 1
        yield "branch3.2", ch5x5red, ch5x5, 5
        yield "branch4.1", in_channels, pool_proj, 1

    def results(self, x):
        three = self.conv("branch2.2", self.conv("branch2.0", x))
        five = self.conv("branch3.2", self.conv("branch3.0", x))
        return [self.conv("branch1.0", x), three, five, self.conv("branch4.1", pooled(x))]


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    widths = torch.tensor([ch1x1, ch3x3, ch5x5, pool_proj])
    if (widths <= 0).any():
        raise ValueError(f"widths of branches must be positive: {widths.tolist()}")
    return widths.sum().item()


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    if any(n < 1 for n in (in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)):
        raise ValueError("channels start at 1")
    layers = Inception.layers(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
    return sum(filters * (inputs * k**2 + int(bias)) for _, inputs, filters, k in layers)


class GoogLeNetStage3(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("inception3b", Inception(256, 128, 128, 192, 32, 96, 64))
        self.add_module("inception3a", Inception(192, 64, 96, 128, 16, 32, 32))

    def forward(self, x):
        x = self.inception3b(self.inception3a(x))
        return F.max_pool2d(x, 3, 2, 0, 1, True)
