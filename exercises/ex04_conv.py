"""ex04 · The convolution layer

Lecture: convolution 2D and 3D · `nn.Conv2d` and its arguments.

Every argument of `nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
padding_mode)` changes which inputs one output sees. Here you build the layer yourself, from indexing and sums of
products, so that none of them is magic any more: first the padding, then the convolution as a function, the same in
three dimensions, and last the layer with its own weights, into which a trained `nn.Conv2d` can be loaded.

Shapes in words. A batch of N images with C channels, H rows and W columns is a tensor (N, C, H, W). A layer with O
filters holds a weight (O, C, kH, kW): every filter is as deep as the image and slides in two directions only. Each
position of each filter gives one number, so the output is (N, O, oH, oW) with

    oH = (H + padding above + padding below - dilation * (kH - 1) - 1) // stride + 1

and the same for the width. Where an argument may be a pair, it is (vertical, horizontal); an int stands for both.

As everywhere in deep learning, "convolution" means cross-correlation: the kernel is *not* rotated.

An argument that makes no sense (a negative padding, a stride of 0, a kernel that is larger than the padded image,
groups that do not divide the channels, an unknown mode) raises a `ValueError` whose message names the argument. Results
have the dtype and the device of the input, and no function changes what it is given.

torch's own convolutions are forbidden here, by whatever name; in `pad2d` its padding functions too. All the rest may
be used: slicing, `unfold`, `einsum`, `matmul`, `torch.cat`, ...
"""

import math

import torch
from torch import Tensor, nn


def pad2d(x: Tensor, padding: int | tuple[int, int], mode: str = "zeros") -> Tensor:
    """Make images larger on all four sides, as `padding` and `padding_mode` of `nn.Conv2d`.

    x: (N, C, H, W). padding: how many rows to add above *and* below, how many columns left *and* right.
    Gives (N, C, H + 2 * vertical, W + 2 * horizontal).

    One row of a, b, c, d with a padding of 2 becomes

        mode         left    row        right
        zeros        0 0     a b c d    0 0
        reflect      c b     a b c d    c b      the border is the mirror and is not repeated
        replicate    a a     a b c d    d d
        circular     c d     a b c d    a b      the picture goes on at its other end

    ValueError: a negative padding, an unknown mode, or a padding too large for the mode: reflect must stay below the
    size of its axis, circular must not exceed it.

    Source: `padding_mode` on the page of `torch.nn.Conv2d`.

    >>> pad2d(torch.ones(1, 1, 1, 2), 1)
    tensor([[[[0., 0., 0., 0.],
              [0., 1., 1., 0.],
              [0., 0., 0., 0.]]]])
    >>> row = torch.tensor([[[[1., 2., 3., 4.]]]])
    >>> pad2d(row, (0, 2), mode="reflect")
    tensor([[[[3., 2., 1., 2., 3., 4., 3., 2.]]]])
    >>> pad2d(row, (0, 2), mode="circular")
    tensor([[[[3., 4., 1., 2., 3., 4., 1., 2.]]]])
    """
    raise NotImplementedError


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate a batch of images with a bank of filters, as `F.conv2d`.

    x: (N, C, H, W); weight: (O, C // groups, kH, kW); bias: (O,) or None. Gives (N, O, oH, oW).

    stride: the step between two positions of the kernel; a step that does not fit completely is left out.
    padding: rows and columns of zeros on both sides; "valid" is none, "same" keeps H and W at stride 1 (where an odd
    number of rows or columns is missing, the odd one is added below or at the right).
    dilation: the distance between neighbouring elements of the kernel.
    groups: splits input and output channels into that many equal parts, in order; each part of the outputs sees its
    own part of the inputs alone.

    The result can be differentiated: autograd finds the gradients for x, weight and bias. For full points the number
    of tensor operations must not grow with N, H or W: no loop over images or pixels. A loop over the few elements of
    the kernel, or over groups, is fine.

    ValueError: a stride or dilation below 1, a negative padding, an unknown word for it, "same" with a stride above 1,
    groups that do not divide the channels, shapes that do not match, a kernel that does not fit.

    Source: `torch.nn.functional.conv2d`; Dumoulin and Visin, "A guide to convolution arithmetic for deep learning".

    >>> x = torch.arange(9.).reshape(1, 1, 3, 3)
    >>> conv2d(x, torch.tensor([[[[1., 0.], [0., 2.]]]]))
    tensor([[[[ 8., 11.],
              [17., 20.]]]])
    >>> conv2d(x, torch.ones(1, 1, 3, 3), torch.tensor([0.5]), stride=2, padding=1)
    tensor([[[[ 8.5000, 12.5000],
              [20.5000, 24.5000]]]])
    >>> conv2d(torch.ones(2, 4, 8, 6), torch.ones(8, 2, 3, 2), padding="same", groups=2).shape
    torch.Size([2, 8, 8, 6])
    """
    raise NotImplementedError


def conv3d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int, int] = 1,
    padding: int | tuple[int, int, int] = 0,
) -> Tensor:
    """Cross-correlate volumes, videos for instance, with filters that slide in three directions, as `F.conv3d`.

    x: (N, C, D, H, W); weight: (O, C, kD, kH, kW); bias: (O,) or None. Gives (N, O, oD, oH, oW).
    stride and padding: one int, or three for (depth, vertical, horizontal). The padding is of zeros.

    Depth is not the channels: a filter covers all channels at once, but only kD slices of the depth, and it moves on.

    ValueError: a stride below 1, a negative padding, shapes that do not match, a kernel that does not fit.

    Source: `torch.nn.functional.conv3d`.

    >>> x = torch.arange(8.).reshape(1, 1, 2, 2, 2)
    >>> conv3d(x, torch.tensor([1., 10.]).reshape(1, 1, 2, 1, 1))
    tensor([[[[[40., 51.],
               [62., 73.]]]]])
    >>> conv3d(torch.ones(1, 3, 5, 8, 8), torch.ones(4, 3, 3, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)).shape
    torch.Size([1, 4, 3, 4, 4])
    """
    raise NotImplementedError


class Conv2d(nn.Module):
    """A layer with `out_channels` filters of its own, as `nn.Conv2d`; the arguments mean what they mean there.

    in_channels, out_channels: int; kernel_size: int or pair. stride, padding, dilation, groups: as in `conv2d`.
    padding_mode: what stands in the padding, as in `pad2d`; it holds for padding="same" too.
    bias: whether there is one; without it the state_dict has no "bias" and `layer.bias` is None.
    device, dtype: where and as what the parameters are made.

    Parameters: `weight` (out_channels, in_channels // groups, kH, kW) and `bias` (out_channels,), drawn uniformly from
    ±1/√fan_in, where fan_in = in_channels // groups * kH * kW is the number of inputs that one output sees.

    forward: (N, in_channels, H, W) → (N, out_channels, oH, oW). Raises ValueError, while it is made or when it is
    called, for what `conv2d` and `pad2d` refuse.

    Source: `torch.nn.Conv2d`.

    >>> layer = Conv2d(3, 8, kernel_size=5, padding=2)
    >>> layer(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 8, 32, 32])
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    >>> Conv2d(4, 6, (3, 2), groups=2, bias=False).state_dict()["weight"].shape
    torch.Size([6, 2, 3, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError
