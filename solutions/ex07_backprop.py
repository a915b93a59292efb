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


### BEGIN SOLUTION
def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _output_size(size, kernel_size, stride, padding=(0, 0), dilation=(1, 1)):
    """(height, width) of what a window sliding over `size` gives. ValueError: out of range, or nothing fits."""
    limits = {
        "kernel_size": (kernel_size, 1),
        "stride": (stride, 1),
        "padding": (padding, 0),
        "dilation": (dilation, 1),
    }
    for name, (values, low) in limits.items():
        if min(values) < low:
            raise ValueError(f"{name} must be at least {low}, got {values}")
    axes = zip(size, kernel_size, stride, padding, dilation, strict=True)
    output = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)
    if min(output) < 1:
        raise ValueError(
            f"kernel_size {kernel_size} does not fit into an input of {tuple(size)} with padding {padding}"
        )
    return output


def _expect_shape(name, tensor, shape):
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"{name} should have shape {tuple(shape)} here, got {tuple(tensor.shape)}")


def _taps(kernel_size, stride, dilation, output):
    """For each kernel element (i, j): the rows and columns of the padded input that it meets, one for each output."""

    def met(offset, step, count):
        return slice(offset, offset + step * (count - 1) + 1, step)

    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            rows = met(i * dilation[0], stride[0], output[0])
            columns = met(j * dilation[1], stride[1], output[1])
            yield i, j, rows, columns


### END SOLUTION
def rotate180(kernel: Tensor) -> Tensor:
    """Turn a kernel by 180° in its plane.

    kernel: (..., kH, kW), for example a whole filter bank (out, in, kH, kW). Only the last two axes turn, each filter
    keeps its place. Returns the same shape; the kernel itself stays as it is.

    >>> rotate180(torch.tensor([[1., 2., 3.], [4., 5., 6.]]))
    tensor([[6., 5., 4.],
            [3., 2., 1.]])
    """
    ### HINT: Turn a sheet of paper by 180°: where does the top left corner go? And the corner beside it? Element (i,
    ###   j) goes to the place (kH - 1 - i, kW - 1 - j).
    ### HINT: Transposing is something else: it swaps height and width. You need to reverse the rows *and* the
    ###   columns.
    ### HINT: `torch.flip(tensor, dims)` reverses any axes. Count them from the end, -2 and -1, and it does not matter
    ###   how many axes come before.
    ### BEGIN SOLUTION
    return kernel.flip(-2, -1)
    ### END SOLUTION


def full_convolution2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve an image with a kernel wherever the two overlap at all.

    image: (H, W); kernel: (kH, kW), smaller or larger than the image. Returns (H + kH - 1, W + kW - 1):
    `result[a, b]` is the sum of `image[i, j] * kernel[a - i, b - j]` over all i, j for which both exist. This is the
    convolution of mathematics, where the kernel counts backwards, and not the cross-correlation of `F.conv2d`.

    >>> full_convolution2d(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[1., 10.]])).round()
    tensor([[ 1., 12., 20.],
            [ 3., 34., 40.]])
    """
    ### HINT: Read the sum the other way round: every pixel image[i, j] stamps the whole kernel, multiplied by the
    ###   pixel, into the result, with the stamp's top left corner at (i, j). Where stamps overlap, they add up.
    ### HINT: With `F.conv2d`: "full" means that the kernel may hang over every edge until a single element is left
    ###   inside. How many zeros does that take at each side, above and below, left and right?
    ### HINT: Pad with kH - 1 rows and kW - 1 columns of zeros on both sides, and give `F.conv2d` (which does not turn
    ###   the kernel) the kernel turned by `rotate180`. It wants four axes: index with `[None, None]` and `[0, 0]`.
    ### BEGIN SOLUTION
    height, width = kernel.shape
    turned = rotate180(kernel)[None, None]
    return F.conv2d(image[None, None], turned, padding=(height - 1, width - 1))[0, 0]
    ### END SOLUTION


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
    ### HINT: Take one weight, F[o, c, i, j]. It is multiplied with one pixel for each output element. With which?
    ###   Write the pixels down for a 2×2 kernel on a 3×3 image, then with stride 2.
    ### HINT: Its gradient is the sum, over all images and all output places (a, b), of `grad_out[n, o, a, b]` times
    ###   `padded[n, c, a * stride + i * dilation, b * stride + j * dilation]`.
    ### HINT: Two loops over i and j are enough: `padded[:, :, i*d : i*d + s*(oH - 1) + 1 : s, ...]` has grad_out's
    ###   height and width, and `torch.einsum("nohw,nchw->oc", ...)` does the rest. Stride and dilation come in pairs.
    ### HINT: Or as the lecture puts it, with one `F.conv2d` of x and grad_out, where batch and channels trade places.
    ###   Stride and dilation trade places too, and what is left over at the end has to be cut off.
    ### BEGIN SOLUTION
    kernel, stride, padding, dilation = map(_pair, (kernel_size, stride, padding, dilation))
    output = _output_size(x.shape[2:], kernel, stride, padding, dilation)
    _expect_shape("grad_out", grad_out, (x.shape[0], grad_out.shape[1], *output))
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    grad = x.new_zeros(grad_out.shape[1], x.shape[1], *kernel)
    for i, j, rows, columns in _taps(kernel, stride, dilation, output):
        grad[:, :, i, j] = torch.einsum("nohw,nchw->oc", grad_out, padded[:, :, rows, columns])
    return grad
    ### END SOLUTION


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
    ### HINT: Compare the example with that of `full_convolution2d`: at stride 1, without padding, each image and pair
    ###   of channels is a full convolution of grad_out with the kernel. Whose channels does the sum run over?
    ### HINT: Do not solve for the pixel, start from the output: element (a, b) came from the window that starts at (a
    ###   * stride, b * stride) of the padded input. Add grad_out[a, b] times the kernel to the gradient there.
    ### HINT: Make zeros of the *padded* input's shape and add to them for each kernel element (i, j), in the same
    ###   slices as in `conv2d_grad_weight`: `padded[:, :, rows, columns] += torch.einsum("nohw,oc->nchw", ...)`.
    ### HINT: At the end cut the padding off: `padded[:, :, p : p + H, ...]`. The slice `p:-p` would be empty for p =
    ###   0, and rows that no window reached, where the stride does not divide, simply stay zero.
    ### BEGIN SOLUTION
    stride, padding, dilation = map(_pair, (stride, padding, dilation))
    batch, channels, height, width = input_shape
    kernel = tuple(weight.shape[2:])
    output = _output_size((height, width), kernel, stride, padding, dilation)
    _expect_shape("weight", weight, (weight.shape[0], channels, *kernel))
    _expect_shape("grad_out", grad_out, (batch, weight.shape[0], *output))
    top, left = padding
    padded = grad_out.new_zeros(batch, channels, height + 2 * top, width + 2 * left)
    for i, j, rows, columns in _taps(kernel, stride, dilation, output):
        padded[:, :, rows, columns] += torch.einsum("nohw,oc->nchw", grad_out, weight[:, :, i, j])
    return padded[:, :, top : top + height, left : left + width]
    ### END SOLUTION


def conv2d_grad_bias(grad_out: Tensor) -> Tensor:
    """The gradient of a convolution's bias.

    grad_out: (N, out, oH, oW). Returns (out,): one number for each filter, as the bias itself.

    >>> conv2d_grad_bias(torch.ones(2, 3, 4, 5))
    tensor([40., 40., 40.])
    """
    ### HINT: How many output elements does one bias take part in? With which factor?
    ### HINT: The factor is 1, at every place of every image. Sum over all axes but that of the filters:
    ###   `tensor.sum(dim=(...))` takes several at once.
    ### BEGIN SOLUTION
    return grad_out.sum(dim=(0, 2, 3))
    ### END SOLUTION


def relu_backward(grad_out: Tensor, x: Tensor) -> Tensor:
    """The gradient of the input of y = max(x, 0).

    x: what the layer got, of any shape. grad_out: the gradient of y, of the same shape. Returns that shape. At x = 0,
    where the slope is not defined, PyTorch takes 0, and so do you.

    >>> relu_backward(torch.tensor([1., 2., 3.]), torch.tensor([-1., 0., 5.]))
    tensor([0., 0., 3.])
    """
    ### HINT: What does ReLU do to a positive x, and what is the slope there? What does it do to a negative one?
    ### HINT: The sign of **x** decides whether a gradient passes, not the sign of the gradient: a negative gradient
    ###   passes just as well. `torch.where(condition, a, b)` chooses element by element.
    ### BEGIN SOLUTION
    _expect_shape("grad_out", grad_out, x.shape)
    return torch.where(x > 0, grad_out, torch.zeros_like(grad_out))
    ### END SOLUTION


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
    ### HINT: Write one output out: y[n, o] = sum over i of x[n, i] * W[o, i], plus b[o]. In which outputs does x[n,
    ###   i] stand, in which W[o, i], in which b[o], and with which factor?
    ### HINT: Let the shapes lead you: there is only one way to multiply (N, out) with (out, in) so that (N, in) comes
    ###   out, and one to get (out, in) from (N, out) and (N, in). The axis that vanishes is the one that is summed
    ###   over.
    ### HINT: `grad_out @ weight`, `grad_out.T @ x`, and the sum of grad_out over the batch. Sums, not means: if the
    ###   loss is a mean, its 1/N is in grad_out already.
    ### BEGIN SOLUTION
    _expect_shape("weight", weight, (weight.shape[0], x.shape[1]))
    _expect_shape("grad_out", grad_out, (x.shape[0], weight.shape[0]))
    return grad_out @ weight, grad_out.T @ x, grad_out.sum(dim=0)
    ### END SOLUTION


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
    ### HINT: If you raise a pixel that is not the largest of its window by a little, what happens to the output? And
    ###   if it is the largest?
    ### HINT: Two windows may overlap (stride < kernel_size) and share their winner: then their gradients add up. So
    ###   write `+=`, never `=`.
    ### HINT: A comparison `window == window.max()` is true for *every* winner of a tie. `argmax` or
    ###   `F.max_pool2d(..., return_indices=True)` give one; make sure that it is the first.
    ### HINT: The indices of max_pool2d count the pixels of a flattened H×W plane. `flat.scatter_add_(2, indices,
    ###   values)` on zeros of shape (N, C, H*W) adds each value at its index, also where an index comes twice.
    ### BEGIN SOLUTION
    kernel = _pair(kernel_size)
    stride = kernel if stride is None else _pair(stride)
    _expect_shape("grad_out", grad_out, (*x.shape[:2], *_output_size(x.shape[2:], kernel, stride)))
    _, winners = F.max_pool2d(x, kernel, stride, return_indices=True)
    flat = torch.zeros_like(x.flatten(2))
    flat.scatter_add_(2, winners.flatten(2), grad_out.flatten(2))
    return flat.reshape(x.shape)
    ### END SOLUTION


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
    ### HINT: A mean over a window of kH·kW pixels: by how much does it rise if one of them rises by 1?
    ### HINT: All pixels of a window get the same share of its gradient. Where windows overlap, a pixel gets a share
    ###   from each of them: `+=`. The pixels' values do not matter, which is why you are given a shape only.
    ### HINT: Loop over the kernel's elements (i, j), not over the pixels: `grad[:, :, i : i + s*(oH - 1) + 1 : s,
    ###   ...]` are the pixels that stand at place (i, j) of their windows.
    ### BEGIN SOLUTION
    kernel = _pair(kernel_size)
    stride = kernel if stride is None else _pair(stride)
    output = _output_size(input_shape[2:], kernel, stride)
    _expect_shape("grad_out", grad_out, (*input_shape[:2], *output))
    share = grad_out / (kernel[0] * kernel[1])
    grad = grad_out.new_zeros(input_shape)
    for _, _, rows, columns in _taps(kernel, stride, (1, 1), output):
        grad[:, :, rows, columns] += share
    return grad
    ### END SOLUTION


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

    ### HINT: The forward pass is one line. Before it, ask what the backward pass will have to know:
    ###   `ctx.save_for_backward` keeps tensors, and plain attributes such as `ctx.stride` keep the rest.
    ### HINT: backward gets `grad_out` and returns five values, in the order of forward's arguments. The three
    ###   gradients are functions that you have already written.
    ### HINT: `ctx.needs_input_grad` is a tuple of five bools. Compute a gradient only where its bool is true, else
    ###   return None in its place; with bias None its bool is false, too.
    ### HINT: Nothing may be kept on the class or in a global variable: a second call of forward would overwrite it
    ###   before the first call's backward has read it.

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ### BEGIN SOLUTION
        _output_size(x.shape[2:], weight.shape[2:], _pair(stride), _pair(padding))
        _expect_shape("weight", weight, (weight.shape[0], x.shape[1], *weight.shape[2:]))
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        ### BEGIN SOLUTION
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = conv2d_grad_input(x.shape, weight, grad_out, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            grad_weight = conv2d_grad_weight(x, grad_out, weight.shape[2:], ctx.stride, ctx.padding)
        if ctx.needs_input_grad[2]:
            grad_bias = conv2d_grad_bias(grad_out)
        return grad_x, grad_weight, grad_bias, None, None
        ### END SOLUTION
