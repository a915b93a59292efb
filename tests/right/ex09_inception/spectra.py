"""Convolutions by FFT, the pooling as a maximum over as_strided windows; dataclass rows; parameters in ParameterLists."""

from dataclasses import astuple, dataclass

import torch
import torch.nn as nn


@dataclass
class Row:
    in_channels: int
    ch1x1: int
    ch3x3red: int
    ch3x3: int
    ch5x5red: int
    ch5x5: int
    pool_proj: int

    def __post_init__(self):
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError("{} = {} is no number of channels".format(name, value))

    @property
    def out(self):
        return self.ch1x1 + self.ch3x3 + self.ch5x5 + self.pool_proj

    def shapes(self):
        c, one, red3, three, red5, five, proj = astuple(self)
        return [(one, c, 1, 1), (red3, c, 1, 1), (three, red3, 3, 3), (red5, c, 1, 1), (five, red5, 5, 5), (proj, c, 1, 1)]


class Filters(nn.Module):
    def __init__(self, shape):
        super().__init__()
        fan_in = shape[1] * shape[2] * shape[3]
        self.register_parameter("bias", nn.Parameter(torch.rand(shape[0]) * 0.2))
        self.register_parameter("weight", nn.Parameter(torch.randn(shape) * (2 / fan_in) ** 0.5))

    def forward(self, x):
        k = self.weight.shape[-1]
        h, w = x.shape[-2:]
        size = (h + k - 1, w + k - 1)
        picture, kernel = torch.fft.rfft2(x, size), torch.fft.rfft2(self.weight.flip(-1, -2), size)
        full = torch.fft.irfft2(torch.einsum("nchw,ochw->nohw", picture, kernel), size)
        e = k // 2
        return full[:, :, e : e + h, e : e + w] + self.bias.reshape(1, -1, 1, 1)


def windows_max(x, stride, before, height, width):
    """Maxima of 3×3 windows on a large ground of -inf; height and width are those of the result."""
    n, c, h, w = x.shape
    ground = x.new_full((n, c, max(h + 2, 2 * height + 3), max(w + 2, 2 * width + 3)), -torch.inf)
    ground[:, :, before : before + h, before : before + w] = x
    sn, sc, sh, sw = ground.stride()
    windows = ground.as_strided((n, c, height, width, 3, 3), (sn, sc, stride * sh, stride * sw, sh, sw))
    return windows.reshape(n, c, height, width, 9).max(dim=-1)[0]


class Pool3(nn.Module):
    def forward(self, x):
        return windows_max(x, 1, 1, *x.shape[-2:])


class Cut(nn.Module):
    def forward(self, x):
        return (x + x.abs()) / 2


class NaiveInception(nn.Module):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__()
        Row(in_channels, ch1x1, 1, ch3x3, 1, ch5x5, 1)
        self.branch3 = nn.Sequential(Filters((ch5x5, in_channels, 5, 5)), Cut())
        self.branch2 = nn.Sequential(Filters((ch3x3, in_channels, 3, 3)), Cut())
        self.branch1 = nn.Sequential(Filters((ch1x1, in_channels, 1, 1)), Cut())
        self.branch4 = Pool3()

    def forward(self, x):
        return torch.cat(tuple(self.get_submodule(f"branch{i + 1}")(x) for i in range(4)), dim=1)


class Inception(NaiveInception):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        nn.Module.__init__(self)
        one, red3, three, red5, five, proj = map(
            Filters, Row(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj).shapes()
        )
        self.branch1 = nn.Sequential(one, Cut())
        self.branch2 = nn.Sequential(red3, Cut(), three, Cut())
        self.branch3 = nn.Sequential(red5, Cut(), five, Cut())
        self.branch4 = nn.Sequential(Pool3(), proj, Cut())


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    return Row(1, ch1x1, 1, ch3x3, 1, ch5x5, pool_proj).out


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    shapes = Row(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj).shapes()
    return sum(torch.Size(shape).numel() + (shape[0] if bias else 0) for shape in shapes)


class GoogLeNetStage3(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)

    def forward(self, x):
        x = self.inception3b(self.inception3a(x))
        return windows_max(x, 2, 0, *(size // 2 if size > 2 else 1 for size in x.shape[-2:]))
