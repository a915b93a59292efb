"""Branches of width 0 are left out where the statement's page says nothing against it; torch's own error is translated."""

import functools

import torch
from torch import nn


def told(method):
    @functools.wraps(method)
    def wrapped(self, *args, **kwargs):
        try:
            method(self, *args, **kwargs)
        except RuntimeError as error:
            raise ValueError(f"these channels do not make a layer: {args} {kwargs}") from error

    return wrapped


def layer(inputs, filters, kernel):
    return nn.Conv2d(inputs, filters, (kernel, kernel), padding=(kernel // 2, kernel // 2)), nn.ReLU()


class NaiveInception(nn.Module):
    @told
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__()
        if 0 in (in_channels, ch1x1, ch3x3, ch5x5):
            raise ValueError("ch1x1, ch3x3, ch5x5: not one of them may be 0, and in_channels neither")
        self.branch1 = nn.Sequential(*layer(in_channels, ch1x1, 1))
        self.branch2 = nn.Sequential(*layer(in_channels, ch3x3, 3))
        self.branch3 = nn.Sequential(*layer(in_channels, ch5x5, 5))
        self.branch4 = nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True)

    def forward(self, x):
        return torch.hstack([branch(x) for branch in self.children()])


class Inception(nn.Module):
    @told
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__()
        pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
        self.branch1 = nn.Sequential(*layer(in_channels, ch1x1, 1))
        self.branch2 = nn.Sequential(*layer(in_channels, ch3x3red, 1), *layer(ch3x3red, ch3x3, 3))
        self.branch3 = nn.Sequential(*layer(in_channels, ch5x5red, 1), *layer(ch5x5red, ch5x5, 5))
        self.branch4 = nn.Sequential(pool, *layer(in_channels, pool_proj, 1))

    def forward(self, x):
        first, *rest = (branch(x) for branch in self.children())
        for result in rest:
            first = torch.cat((first, result), 1)
        return first.to(memory_format=torch.channels_last)


def inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj):
    for name, width in dict(ch1x1=ch1x1, ch3x3=ch3x3, ch5x5=ch5x5, pool_proj=pool_proj).items():
        if width < 0:
            raise ValueError(f"negative {name}")
    return ch1x1 + ch3x3 + ch5x5 + pool_proj


def convolution(inputs, filters, kernel, bias):
    if inputs < 0 or filters < 0:
        raise ValueError(f"a convolution from {inputs} to {filters} channels")
    return filters * inputs * kernel * kernel + (filters if bias else 0)


def inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    return (
        convolution(in_channels, ch1x1, 1, bias)
        + convolution(in_channels, ch3x3red, 1, bias) + convolution(ch3x3red, ch3x3, 3, bias)
        + convolution(in_channels, ch5x5red, 1, bias) + convolution(ch5x5red, ch5x5, 5, bias)
        + convolution(in_channels, pool_proj, 1, bias)
    )  # fmt: skip


class GoogLeNetStage3(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.features = [self.inception3a, self.inception3b, nn.MaxPool2d(3, 2, ceil_mode=True)]

    def forward(self, x):
        for step in self.features:
            x = step(x)
        return x
