"""ex07 · Backpropagation by hand

Lecture: convolution backpropagation.

A network learns because every layer can answer one question: if the loss rises by so much for each of my *outputs*, by
how much does it rise for each of my *inputs* and *weights*? The answer is the backward pass, and the chain rule is all
there is to it. PyTorch gives it to you for free with `.backward()`. Here you write it once yourself.

Every task gets `grad_out`, written dL/dO in the lecture: the gradient of the loss with respect to the layer's output,
with the output's shape. It gives back the gradient with respect to something else, with *that* thing's shape. One rule
carries you through all of them: write one output element as a sum, ask which inputs and which weights stand in it, and
with which factor. Whatever was used several times (a weight at every place, a pixel in every window over it, a bias in
every image) gets the **sum** of all its gradients.

For a convolution O = X * F of the lecture this gives two pictures worth remembering:

- dL/dF is a convolution of X with dL/dO: each weight slides over the very pixels that it was multiplied with.
- dL/dX is a *full* convolution of dL/dO with F rotated by 180°: each output element stamps the kernel, scaled by its
  gradient, into the pixels that it came from.

Shapes: images are (N, C, H, W), filters (out, in, kH, kW). `kernel_size`, `stride`, `padding` and `dilation` are an int
or a pair (vertical, horizontal). Results have the dtype and the device of the inputs, and the inputs stay as they are.
Arguments that make no sense (a stride of 0, a kernel that does not fit, a `grad_out` of a shape that the layer cannot
have had) raise a `ValueError` whose message names the argument.

What is not allowed here: autograd, transposed convolutions and PyTorch's own backward operators, for they would do the
exercise for you. The forward side is free: `F.conv2d`, `F.pad`, `F.unfold`, `F.fold` and
`F.max_pool2d(..., return_indices=True)` may all help.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def rotate180(kernel: Tensor) -> Tensor:
    """Turn a kernel by 180° in its plane.

    kernel: (..., kH, kW), for example a whole filter bank (out, in, kH, kW). Only the last two axes turn, each filter
    keeps its place. Returns the same shape; the kernel itself stays as it is.

    >>> rotate180(torch.tensor([[1., 2., 3.], [4., 5., 6.]]))
    tensor([[6., 5., 4.],
            [3., 2., 1.]])
    """
    raise NotImplementedError


def full_convolution2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve an image with a kernel wherever the two overlap at all.

    image: (H, W); kernel: (kH, kW), smaller or larger than the image. Returns (H + kH - 1, W + kW - 1):
    `result[a, b]` is the sum of `image[i, j] * kernel[a - i, b - j]` over all i, j for which both exist. This is the
    convolution of mathematics, where the kernel counts backwards, and not the cross-correlation of `F.conv2d`.

    >>> full_convolution2d(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[1., 10.]])).round()
    tensor([[ 1., 12., 20.],
            [ 3., 34., 40.]])
    """
    raise NotImplementedError


def conv2d_grad_weight(
    x: Tensor,
    grad_out: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
) -> Tensor:
    """The gradient of a convolution's filters, dL/dF.

    x: (N, in, H, W), what the layer got. grad_out: (N, out, oH, oW), the gradient of what it gave. The other arguments
    are those of the layer. Returns (out, in, kH, kW). Where the stride does not divide, the last rows or columns of x
    were seen by no window, and the result does not depend on them. ValueError: an argument is out of range, the kernel
    does not fit, or the shapes do not match.

    >>> x = torch.tensor([[[[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]]]])
    >>> grad_out = torch.tensor([[[[1., 10.], [100., 1000.]]]])
    >>> conv2d_grad_weight(x, grad_out, kernel_size=2).round()
    tensor([[[[5421., 6532.],
              [8754., 9865.]]]])
    """
    raise NotImplementedError


def conv2d_grad_input(
    input_shape: tuple[int, int, int, int],
    weight: Tensor,
    grad_out: Tensor,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
) -> Tensor:
    """The gradient of a convolution's input, dL/dX.

    input_shape: (N, in, H, W), the shape that the layer got. weight: (out, in, kH, kW). grad_out: (N, out, oH, oW). The
    other arguments are those of the layer. Returns a tensor of input_shape; pixels that no window saw have gradient 0.
    ValueError: an argument is out of range, the kernel does not fit, or the shapes do not match.

    >>> weight = torch.tensor([[[[1., 2.], [3., 4.]]]])
    >>> grad_out = torch.tensor([[[[1., 10.]]]])
    >>> conv2d_grad_input((1, 1, 2, 3), weight, grad_out).round()
    tensor([[[[ 1., 12., 20.],
              [ 3., 34., 40.]]]])
    """
    raise NotImplementedError


def conv2d_grad_bias(grad_out: Tensor) -> Tensor:
    """The gradient of a convolution's bias.

    grad_out: (N, out, oH, oW). Returns (out,): one number for each filter, as the bias itself.

    >>> conv2d_grad_bias(torch.ones(2, 3, 4, 5))
    tensor([40., 40., 40.])
    """
    raise NotImplementedError


def relu_backward(grad_out: Tensor, x: Tensor) -> Tensor:
    """The gradient of the input of y = max(x, 0).

    x: what the layer got, of any shape. grad_out: the gradient of y, of the same shape. Returns that shape. At x = 0,
    where the slope is not defined, PyTorch takes 0, and so do you.

    >>> relu_backward(torch.tensor([1., 2., 3.]), torch.tensor([-1., 0., 5.]))
    tensor([0., 0., 3.])
    """
    raise NotImplementedError


def linear_backward(grad_out: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a fully connected layer y = x Wᵀ + b.

    grad_out: (N, out), x: (N, in), weight: (out, in). Returns the tuple (grad_x, grad_weight, grad_bias) with the
    shapes (N, in), (out, in) and (out,).

    >>> grad_out, x = torch.tensor([[1., 10.]]), torch.tensor([[1., 2., 3.]])
    >>> weight = torch.tensor([[1., 2., 4.], [1., 3., 5.]])
    >>> grad_x, grad_weight, grad_bias = linear_backward(grad_out, x, weight)
    >>> grad_x
    tensor([[11., 32., 54.]])
    >>> grad_weight
    tensor([[ 1.,  2.,  3.],
            [10., 20., 30.]])
    >>> grad_bias
    tensor([ 1., 10.])
    """
    raise NotImplementedError


def max_pool2d_backward(
    grad_out: Tensor,
    x: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> Tensor:
    """The gradient of the input of a max pooling layer without padding.

    grad_out: (N, C, oH, oW); x: (N, C, H, W), what the layer got. Without a `stride` the windows touch: it is
    kernel_size. Returns (N, C, H, W): each window hands its gradient to the one pixel that won. Of equal pixels the
    first in row-major order wins: the upper one, in the same row the left one, as in PyTorch. ValueError: an argument
    is out of range, the kernel does not fit, or the shapes do not match.

    >>> x = torch.tensor([[[[1., 3., 2., 2.], [0., 1., 2., 1.]]]])
    >>> max_pool2d_backward(torch.tensor([[[[5., 7.]]]]), x, kernel_size=2)
    tensor([[[[0., 5., 7., 0.],
              [0., 0., 0., 0.]]]])
    """
    raise NotImplementedError


def avg_pool2d_backward(
    grad_out: Tensor,
    input_shape: tuple[int, int, int, int],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> Tensor:
    """The gradient of the input of a mean pooling layer without padding.

    grad_out: (N, C, oH, oW); input_shape: (N, C, H, W), the shape that the layer got. Without a `stride` the windows
    touch: it is kernel_size. Returns a tensor of input_shape; pixels that no window saw have gradient 0. ValueError: an
    argument is out of range, the kernel does not fit, or the shapes do not match.

    >>> avg_pool2d_backward(torch.tensor([[[[4., 8.]]]]), (1, 1, 2, 4), kernel_size=2)
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """
    raise NotImplementedError


class Conv2dFunction(torch.autograd.Function):
    """A convolution that PyTorch can differentiate because you tell it how.

    `Conv2dFunction.apply(x, weight, bias, stride, padding)`, all five in this order, gives what
    `F.conv2d(x, weight, bias, stride, padding)` gives: x is (N, in, H, W), weight (out, in, kH, kW), bias (out,) or
    None, stride and padding an int or a pair. The backward pass is yours: it returns one gradient for each argument of
    forward, and None for whatever has none (bias None, stride, padding) or needs none: `ctx.needs_input_grad` says
    which are asked for, and the others should not be computed. All that backward needs is kept in `ctx`, for a network
    calls forward many times before the first backward. Gradients of gradients are not asked for.

    Source: the page "Extending PyTorch", section "Extending torch.autograd".

    >>> x = torch.tensor([[[[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]]]])
    >>> weight = torch.tensor([[[[0., 1.], [2., 0.]]]], requires_grad=True)
    >>> y = Conv2dFunction.apply(x, weight, None, 1, 0)
    >>> y.detach().round()
    tensor([[[[10., 13.],
              [19., 22.]]]])
    >>> y.backward(torch.tensor([[[[1., 10.], [100., 1000.]]]]))
    >>> weight.grad.round()
    tensor([[[[5421., 6532.],
              [8754., 9865.]]]])
    """

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        raise NotImplementedError

    @staticmethod
    def backward(ctx, grad_out):
        raise NotImplementedError
