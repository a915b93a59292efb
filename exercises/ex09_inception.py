"""ex09 · The Inception module

Lecture: the Inception module · naive and with dimension reduction.

How large should a filter be? A 1×1 filter looks at one pixel, a 3×3 filter at its neighbours, a 5×5 filter at more of
the picture, and no size is right for every object. GoogLeNet, which won the ImageNet challenge of 2014, does not
choose: its building block runs all of them side by side on the same input, adds a max pooling as a fourth way, and
lays the results on top of each other. The next layer picks what it needs.

The naive form does just that:

                     ┌─ branch1:  1×1 conv, ReLU ─┐
                     ├─ branch2:  3×3 conv, ReLU ─┤  concatenate
    (N, C, H, W) ────┤                            ├─ along the ────  (N, ch1x1 + ch3x3 + ch5x5 + C, H, W)
                     ├─ branch3:  5×5 conv, ReLU ─┤  channels
                     └─ branch4:  3×3 max pool  ──┘

It has a price. A 5×5 filter over 256 channels has 6400 weights, and since the pooling hands on all C channels, every
block is deeper than the one before. So the real one first makes the stack of channels thin with cheap 1×1
convolutions, before the large filters and after the pooling:

                     ┌─ branch1:  1×1 conv, ReLU ──────────────────────┐
                     ├─ branch2:  1×1 conv, ReLU  →  3×3 conv, ReLU  ──┤  concatenate
    (N, C, H, W) ────┤                                                 ├─ along the ────  (N, all together, H, W)
                     ├─ branch3:  1×1 conv, ReLU  →  5×5 conv, ReLU  ──┤  channels
                     └─ branch4:  3×3 max pool    →  1×1 conv, ReLU  ──┘

Here you build both forms, count channels and weights without building anything, and put the first two blocks of
GoogLeNet together.

A few rules hold for all of it. Results that are laid on top of each other must have the same height and width, so
every branch keeps H and W. Every convolution has a bias and stride 1. The modules work for any number N of images, any
height and width, in float32 and float64, and leave their input as it was. Numbers of channels are at least 1, else a
`ValueError` names the argument. All of torch may be used. Initial values are free: what PyTorch's layers start with
will do.

Names matter: they are the keys of the state_dict, and through them trained weights find their place. They are given
with each module below.

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, figure 2 and table 1.
"""

import torch
from torch import Tensor, nn


class NaiveInception(nn.Module):
    """The Inception module as one would first think of it: three convolutions and a max pooling side by side.

    in_channels: channels of the input; ch1x1, ch3x3, ch5x5: filters of each size. All at least 1, else ValueError.

    branch1, branch2, branch3: each an `nn.Sequential` of a convolution (1×1, 3×3, 5×5; index 0) and a ReLU (index 1).
    branch4: a 3×3 max pooling with stride 1 and no ReLU after it; negative maxima stay negative.

    forward: (N, in_channels, H, W) → (N, ch1x1 + ch3x3 + ch5x5 + in_channels, H, W): the four results on top of each
    other along the channels, in the order of their names.

    Source: Szegedy et al. 2015, figure 2(a).

    >>> block = NaiveInception(2, 1, 3, 4)
    >>> block(torch.zeros(1, 2, 6, 5)).shape
    torch.Size([1, 10, 6, 5])
    >>> sorted(block.state_dict())
    ['branch1.0.bias', 'branch1.0.weight', 'branch2.0.bias', 'branch2.0.weight', 'branch3.0.bias', 'branch3.0.weight']
    """

    def __init__(self, in_channels: int, ch1x1: int, ch3x3: int, ch5x5: int) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Inception(nn.Module):
    """The Inception module with dimension reduction, as GoogLeNet uses it nine times.

    in_channels: channels of the input; ch1x1: filters of branch1; ch3x3red, ch3x3 and ch5x5red, ch5x5: filters of the
    1×1 reduction and of the large convolution behind it; pool_proj: filters of the 1×1 convolution behind the pooling.
    All at least 1, else ValueError.

    Each branch is an `nn.Sequential` with these parts at these indices:

        index      0                     1       2                   3
        branch1    1×1 → ch1x1           ReLU
        branch2    1×1 → ch3x3red        ReLU    3×3 → ch3x3         ReLU
        branch3    1×1 → ch5x5red        ReLU    5×5 → ch5x5         ReLU
        branch4    3×3 max pool          1×1 → pool_proj             ReLU (at index 2)

    In branch4 the pooling has index 0, stride 1 and no weights; its convolution has index 1.

    forward: (N, in_channels, H, W) → (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W), branch1 first.

    Source: Szegedy et al. 2015, figure 2(b).

    >>> block = Inception(192, 64, 96, 128, 16, 32, 32)
    >>> block(torch.zeros(1, 192, 7, 5)).shape
    torch.Size([1, 256, 7, 5])
    >>> sorted(name for name in block.state_dict() if not name.startswith("branch3"))
    ['branch1.0.bias', 'branch1.0.weight', 'branch2.0.bias', 'branch2.0.weight', 'branch2.2.bias', 'branch2.2.weight',
     'branch4.1.bias', 'branch4.1.weight']
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def inception_output_channels(ch1x1: int, ch3x3: int, ch5x5: int, pool_proj: int) -> int:
    """How many channels an `Inception` module gives: what the next layer has to expect.

    The arguments are the filters of the last convolution of each branch, at least 1 each, else ValueError. The result
    is a plain int.

    >>> inception_output_channels(64, 128, 32, 32)
    256
    """
    raise NotImplementedError


def inception_parameter_count(
    in_channels: int,
    ch1x1: int,
    ch3x3red: int,
    ch3x3: int,
    ch5x5red: int,
    ch5x5: int,
    pool_proj: int,
    bias: bool = True,
) -> int:
    """How many numbers an `Inception` module learns: the weights of its six convolutions and, with `bias`, the biases.

    The channels are those of `Inception`, at least 1 each, else ValueError. The result is a plain int.

    The example is inception (3a) of GoogLeNet. Without the reductions, its 3×3 and 5×5 filters alone would have
    9 · 192 · 128 + 25 · 192 · 32 = 374,784 weights.

    >>> inception_parameter_count(192, 64, 96, 128, 16, 32, 32)
    163696
    >>> inception_parameter_count(192, 64, 96, 128, 16, 32, 32, bias=False)
    163328
    """
    raise NotImplementedError


class GoogLeNetStage3(nn.Module):
    """The third stage of GoogLeNet: two Inception modules, then a max pooling that halves height and width.

    `inception3a` and `inception3b` are `Inception` modules with the numbers of the paper's table 1:

        name           in     1×1    3×3 reduce   3×3    5×5 reduce   5×5    pool proj    out
        inception3a    192    64     96           128    16           32     32           256
        inception3b    256    128    128          192    32           96     64           480

    After both comes one max pooling, 3×3 with stride 2 and no padding, in ceil mode: a last window that hangs over the
    edge counts too. It has no weights, and its name is yours to choose.

    forward: (N, 192, H, W) → (N, 480, oH, oW), for any H and W that the pooling can take (2 or more). 28 becomes 14,
    7 becomes 3.

    Source: Szegedy et al. 2015, table 1.

    >>> stage = GoogLeNetStage3()
    >>> stage(torch.zeros(1, 192, 28, 28)).shape
    torch.Size([1, 480, 14, 14])
    >>> sum(parameter.numel() for parameter in stage.parameters())
    552432
    """

    def __init__(self) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError
