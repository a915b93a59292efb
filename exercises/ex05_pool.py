"""ex05 · Activation, pooling, flattening

Lecture: ReLU · max pooling · mean pooling · flattening.

A convolution is a weighted sum, and a sum of sums is again a sum: without anything in between, a network of a hundred
convolutions could do no more than one. What stands in between has no weights at all. The *activation* bends each
number, *pooling* makes the picture smaller and keeps what matters of each neighbourhood, *flattening* turns the last
feature maps into the plain vector that a classifier wants, and the *softmax* turns the classifier's scores into
probabilities:

    image → convolution → ReLU → pooling → convolution → ReLU → pooling → flatten → linear → softmax

Here you build these four kinds of layer, the poolings with all that `nn.MaxPool2d` and `nn.AvgPool2d` can do.

Shapes in words. A batch of N images with C channels, H rows and W columns is a tensor (N, C, H, W). Pooling looks at
each channel by itself: a window of kH rows and kW columns slides over the picture, each position of the window gives
one number, so (N, C, H, W) becomes (N, C, oH, oW) with

    oH = (H + 2 * padding - dilation * (kH - 1) - 1) // stride + 1

and the same for the width. Where an argument may be a pair, it is (vertical, horizontal); an int stands for both.

Results have the dtype and the device of the input, no function changes what it is given, and autograd can go backward
through each of them. An argument that makes no sense (a kernel of 0, a stride of 0, a negative padding, a kernel that
is larger than the padded image, a dimension that the tensor does not have) raises a `ValueError` that names it.

What each task builds is forbidden in it by whatever name, as torch function, method or module: in `relu` all kinds of
ReLU, threshold and hardtanh; in the poolings every pooling of torch and `interpolate`; in `flatten` flatten and ravel;
in `softmax` softmax, log_softmax and softmin. All the rest may be used, such as `clamp`, `unfold`, `amax`,
`F.pad` or `reshape`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def relu(x: Tensor) -> Tensor:
    """The rectified linear unit: negative values become 0, the others stay what they are. Any shape.

         output
           |     /
           |    /
           |   /
        ___|__/______ input
              0

    NaN ("not a number", the trace of an error elsewhere) stays NaN, so that the error is seen.

    Source: `torch.nn.functional.relu`; Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines".

    >>> relu(torch.tensor([[-2., -1.], [0., 3.]])).long()
    tensor([[0, 0],
            [0, 3]])
    >>> relu(torch.tensor([float("nan"), 0.5]))
    tensor([   nan, 0.5000])
    """
    raise NotImplementedError


def max_pool2d(
    x: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest value of each window, as `F.max_pool2d`: (N, C, H, W) → (N, C, oH, oW).

        1 3 | 2 0
        5 4 | 1 1        max of each      5 2
        ----+----        2×2 window   →   6 9
        6 0 | 7 8
        2 2 | 9 3

    stride: the step from window to window. None is the size of the kernel: the windows touch and do not overlap.
    padding: rows above and below, columns left and right, at most half of the kernel. They count as -inf, so they never
    win against a value of x; a window that sees nothing else gives -inf.
    dilation: the distance between neighbouring elements of the window.
    ceil_mode: round the number of windows up instead of down, so that a last window may hang over the lower or right
    end and looks at what is there. But it has to start inside x or its padding above or to the left: a window that
    starts in the padding below or to the right, or beyond, is left out.

    ValueError: kernel_size, stride or dilation below 1, a padding that is negative or more than half of the kernel, a
    kernel that does not fit.

    Source: `torch.nn.MaxPool2d`, with its note on `ceil_mode`.

    >>> x = torch.tensor([[[[1., 3., 2., 0.], [5., 4., 1., 1.], [6., 0., 7., 8.], [2., 2., 9., 3.]]]])
    >>> max_pool2d(x, 2)
    tensor([[[[5., 2.],
              [6., 9.]]]])
    >>> max_pool2d(x, (2, 3), stride=1)
    tensor([[[[5., 4.],
              [7., 8.],
              [9., 9.]]]])
    >>> max_pool2d(x - 10, 3, stride=2, padding=1)
    tensor([[[[-5., -6.],
              [-4., -1.]]]])
    >>> max_pool2d(x, 3, ceil_mode=True)
    tensor([[[[7., 8.],
              [9., 3.]]]])
    """
    raise NotImplementedError


def avg_pool2d(
    x: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window, as `F.avg_pool2d`: the mean pooling of the lecture. (N, C, H, W) → (N, C, oH, oW).

    stride, padding, ceil_mode: as in `max_pool2d`; but the padding is of zeros. There is no dilation.
    count_include_pad: whether padded zeros count as elements of the window. A corner of a 3×3 kernel with padding 1:

        0 0 0       4 values of x and 5 of padding.
        0 a b       True:  (a + b + c + d) / 9
        0 c d       False: (a + b + c + d) / 4

    In ceil_mode a window may hang over the end of the *padded* picture: what is out there is no padding and never
    counts, it is left out of the sum and out of the number of elements.

    ValueError: kernel_size or stride below 1, a padding that is negative or more than half of the kernel, a kernel that
    does not fit.

    Source: `torch.nn.AvgPool2d`.

    >>> x = torch.tensor([[[[1., 3., 2.], [5., 7., 4.], [6., 0., 8.]]]])
    >>> avg_pool2d(x, 2, stride=1)
    tensor([[[[4.0000, 4.0000],
              [4.5000, 4.7500]]]])
    >>> avg_pool2d(x, 2, padding=1)
    tensor([[[[0.2500, 1.2500],
              [2.7500, 4.7500]]]])
    >>> avg_pool2d(x, 2, padding=1, count_include_pad=False)
    tensor([[[[1.0000, 2.5000],
              [5.5000, 4.7500]]]])
    >>> avg_pool2d(x, 2, ceil_mode=True)
    tensor([[[[4., 3.],
              [3., 8.]]]])
    """
    raise NotImplementedError


def global_avg_pool2d(x: Tensor) -> Tensor:
    """One number for each feature map, its mean: (N, C, H, W) → (N, C).

    Networks from Inception and ResNet on end with it: it replaces the large first dense layer, and works for any H, W.

    Source: Lin, Chen and Yan, "Network in network", section 3.2.

    >>> global_avg_pool2d(torch.tensor([[[[1., 2.], [6., 3.]], [[4., 4.], [1., 7.]]]]))
    tensor([[3., 4.]])
    >>> global_avg_pool2d(torch.ones(2, 5, 7, 4)).shape
    torch.Size([2, 5])
    """
    raise NotImplementedError


def flatten(x: Tensor, start_dim: int = 1) -> Tensor:
    """All axes from `start_dim` to the last made one, as `torch.flatten`; the axes before it stay.

    With start_dim 1 a batch of feature maps (N, C, H, W) becomes a batch of vectors (N, C * H * W): first the whole
    first channel row by row, then the second one. A negative start_dim counts from the end. It works for any memory
    layout (a transposed tensor, a slice with steps) and where some axis has no elements at all. The result may share
    its memory with x.

    ValueError: start_dim is none of -D … D - 1, where D is the number of axes of x.

    >>> x = torch.arange(8.).reshape(2, 2, 2)
    >>> flatten(x)
    tensor([[0., 1., 2., 3.],
            [4., 5., 6., 7.]])
    >>> flatten(x, start_dim=0)
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    >>> flatten(torch.zeros(0, 3, 4)).shape
    torch.Size([0, 12])
    """
    raise NotImplementedError


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Scores to probabilities: exp(x) divided by its sum along `dim`. Same shape as x.

    Along `dim` the results lie between 0 and 1 and add up to 1. They must be right for large scores too, where exp(x)
    alone is infinite in float32 (from about 89 on), and for very negative ones, where it is 0. A negative dim counts
    from the end.

    ValueError: dim is none of -D … D - 1, where D is the number of axes of x.

    Source: `torch.nn.functional.softmax`; Goodfellow, Bengio and Courville, "Deep learning", section 4.1.

    >>> softmax(torch.tensor([0., 0., 0., 0.]))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    >>> softmax(torch.tensor([[1000., 1000.], [-1000., -1000.]]))
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    >>> softmax(torch.zeros(2, 5), dim=0)[0]
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """
    raise NotImplementedError


class MaxPool2d(nn.Module):
    """`max_pool2d` as a layer: its settings are given once, when it is made, in the order of the function's arguments.

    forward: (N, C, H, W) → (N, C, oH, oW), for any N, C, H, W that the kernel fits. The layer learns nothing: it has no
    parameters, and its state_dict is empty. Raises ValueError, while it is made or when it is called, for what
    `max_pool2d` refuses.

    Source: `torch.nn.MaxPool2d` (without `return_indices`).

    >>> layer = MaxPool2d(3, stride=2, padding=1)
    >>> layer(torch.zeros(1, 6, 32, 20)).shape
    torch.Size([1, 6, 16, 10])
    >>> len(layer.state_dict())
    0
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class AvgPool2d(nn.Module):
    """`avg_pool2d` as a layer: its settings are given once, when it is made, in the order of the function's arguments.

    forward: (N, C, H, W) → (N, C, oH, oW), for any N, C, H, W that the kernel fits. No parameters, an empty state_dict.
    Raises ValueError, while it is made or when it is called, for what `avg_pool2d` refuses.

    Source: `torch.nn.AvgPool2d` (without `divisor_override`).

    >>> AvgPool2d(2)(torch.tensor([[[[1., 2., 5.], [3., 6., 5.]]]]))
    tensor([[[[3.]]]])
    >>> AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0))(torch.zeros(4, 2, 7, 8)).shape
    torch.Size([4, 2, 4, 7])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError
