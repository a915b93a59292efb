"""ex02 · Filters: convolution by hand

Lecture: convolution · edge detection · box mean.

Long before networks learnt their filters, people wrote them by hand: a small grid of numbers, the **kernel**, slides
over a picture, and at every place the numbers under it are multiplied with it and summed up. One kernel blurs, another
one answers to edges and to nothing else. A convolutional layer does exactly this; the only news is that its kernels are
found by gradient descent. So this is the operation to understand first, on a single grey picture and with two loops.

    image (4, 5)             kernel (2, 3)          result (3, 3)

    a  b  c  d  e            p  q  r                .  .  .
    f [g  h  i] j     with   s  t  u       gives    . [y] .       y = p·g + q·h + r·i
    k [l  m  n] o                                   .  .  .         + s·l + t·m + u·n
    v  w  x  y  z

The kernel stays inside the picture ("valid"): no padding, steps of one. An image (H, W) and a kernel (kH, kW) therefore
give (H - kH + 1, W - kW + 1) numbers, for there are that many places to stand.

What deep learning calls convolution is this cross-correlation. The convolution of mathematics does the same with the
kernel rotated by 180°; where weights are learnt it makes no difference, where you write them yourself it does.

Results have the image's dtype and device, and neither the image nor the kernel is changed. A kernel that is larger than
the image, in height or in width, has no place to stand: `ValueError`, with a message that names an argument.

torch's own convolutions are forbidden here, by whatever name, and so are `F.unfold` and `nn.Unfold`, which gather the
windows for you. All the rest may be used: slicing, the method `Tensor.unfold`, `einsum`, `matmul`, `torch.fft`, ...
"""

import torch
from torch import Tensor


def cross_correlate2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Slide a kernel over an image: what deep learning calls convolution.

    image: (H, W); kernel: (kH, kW), both at least 1 in each axis. Returns (H - kH + 1, W - kW + 1): element (i, j) is
    the sum over all (a, b) of `image[i + a, j + b] * kernel[a, b]`. ValueError: the kernel is larger than the image.

    Source: the formula on the page of `torch.nn.Conv2d`, for one channel and without a bias.

    >>> image = torch.tensor([[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]])
    >>> cross_correlate2d(image, torch.tensor([[1., 10.]])).round()
    tensor([[21., 32.],
            [54., 65.],
            [87., 98.]])
    >>> cross_correlate2d(image, torch.tensor([[0., 0.], [0., 1.]])).round()
    tensor([[5., 6.],
            [8., 9.]])
    """
    raise NotImplementedError


def convolve2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve an image with a kernel, as mathematics means it.

    Shapes and errors are those of `cross_correlate2d`, but the kernel counts backwards: element (i, j) is the sum over
    all (a, b) of `image[i + a, j + b] * kernel[kH - 1 - a, kW - 1 - b]`. A single bright pixel on black ground is so
    turned into a picture of the kernel, the right way round.

    >>> convolve2d(torch.tensor([[1., 2., 3.], [4., 5., 6.]]), torch.tensor([[1., 10.]])).round()
    tensor([[12., 23.],
            [45., 56.]])
    >>> pixel = torch.tensor([[0., 0., 0.], [0., 1., 0.], [0., 0., 0.]])
    >>> convolve2d(pixel, torch.tensor([[1., 2.], [3., 4.]])).round()
    tensor([[1., 2.],
            [3., 4.]])
    """
    raise NotImplementedError


def box_mean_kernel(size: int) -> Tensor:
    """The kernel that replaces every pixel by the mean of the `size` × `size` pixels under it: the simplest blur.

    size: at least 1, odd or even. Returns (size, size), float32: all entries are equal, and they sum to 1, so that a
    flat picture keeps its brightness. ValueError: size is less than 1.

    >>> box_mean_kernel(2)
    tensor([[0.2500, 0.2500],
            [0.2500, 0.2500]])
    >>> box_mean_kernel(5).shape
    torch.Size([5, 5])
    """
    raise NotImplementedError


def sobel_kernels() -> tuple[Tensor, Tensor]:
    """The two Sobel kernels, (d/dx, d/dy): how fast does a picture get brighter to the right, and downwards?

    Each is (3, 3), float32. x counts columns, to the right; y counts rows, downwards, as indices do. A kernel takes
    the difference of what lies on both sides of the middle and weighs the middle line twice:

                   -1  0  1
        d/dx  =    -2  0  2         d/dy = the transpose of d/dx
                   -1  0  1

    Both are meant for cross-correlation: d/dx is positive where the picture is brighter on the right.

    >>> dx, dy = sobel_kernels()
    >>> dx[:, 2]
    tensor([1., 2., 1.])
    >>> dy[2]
    tensor([1., 2., 1.])
    """
    raise NotImplementedError


def edge_magnitude(image: Tensor) -> Tensor:
    """How strong the edge is at every place of an image, whatever its direction.

    image: (H, W), at least (3, 3). Returns (H - 2, W - 2): the length of the gradient, `sqrt(gx² + gy²)`, where gx and
    gy are the image cross-correlated with the two Sobel kernels. ValueError: the image is smaller than the kernels.

        image                  gx                gy                magnitude

        0 0 0 1 1              0  4  4           0  0  0           0  4  4
        0 0 0 1 1     gives    0  4  4    and    0  0  0    so     0  4  4
        0 0 0 1 1              0  4  4           0  0  0           0  4  4
        0 0 0 1 1
        0 0 0 1 1

    >>> edge_magnitude(torch.tensor([[0., 0., 0., 1., 1.]] * 3)).round()
    tensor([[0., 4., 4.]])
    >>> edge_magnitude(torch.tensor([[0., 3., 6.], [4., 7., 10.], [8., 11., 14.]])).round()
    tensor([[40.]])
    """
    raise NotImplementedError
