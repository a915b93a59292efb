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

### BEGIN SOLUTION
_Pair = tuple[int, int]


def _pair(name: str, value: int | _Pair, *, low: int) -> _Pair:
    """(vertical, horizontal), both at least `low`."""
    numbers = (value, value) if isinstance(value, int) else tuple(value)
    if len(numbers) != 2 or min(numbers) < low:
        raise ValueError(f"{name} must be an int or two ints, at least {low}, got {value!r}")
    return numbers


def _arguments(kernel_size, stride, padding) -> tuple[_Pair, _Pair, _Pair]:
    kernel = _pair("kernel_size", kernel_size, low=1)
    stride = kernel if stride is None else _pair("stride", stride, low=1)
    padding = _pair("padding", padding, low=0)
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"padding {padding} must be at most half of kernel_size {kernel}")
    return kernel, stride, padding


def _positions(x: Tensor, kernel: _Pair, stride: _Pair, padding: _Pair, dilation: _Pair, ceil_mode: bool) -> list[int]:
    """At how many places the window stands, along the height and along the width."""
    if x.dim() != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {tuple(x.shape)}")
    counts = []
    for size, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True):
        room = size + 2 * p - (d * (k - 1) + 1)
        steps = -(-room // s) if ceil_mode else room // s
        if ceil_mode and steps * s >= size + p:
            steps -= 1  # the last window would start in the right padding or beyond, and see nothing of x
        if steps < 0:
            raise ValueError(f"kernel_size {k} with dilation {d} is larger than size {size} of x with padding {p}")
        counts.append(steps + 1)
    return counts


def _windows(x: Tensor, fill: float, kernel: _Pair, stride: _Pair, padding: _Pair, dilation: _Pair, counts: list[int]):
    """All that the windows see: (N, C, oH, oW, kH, kW), `fill` where they see nothing of x."""
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    used = [(n - 1) * s + r for n, s, r in zip(counts, stride, reach, strict=True)]
    after = [u - size - p for u, size, p in zip(used, x.shape[2:], padding, strict=True)]  # below 0 cuts off the rest
    x = F.pad(x, (padding[1], after[1], padding[0], after[0]), value=fill)
    windows = x.unfold(2, reach[0], stride[0]).unfold(3, reach[1], stride[1])
    return windows[..., :: dilation[0], :: dilation[1]]


def _seen(size: int, kernel: int, stride: int, padding: int, count: int, whole: bool, device) -> Tensor:
    """Of how many elements each window takes the mean, along one axis; `whole` counts the padding too."""
    start = torch.arange(count, device=device) * stride - padding
    end = start + kernel
    low, high = (-padding, size + padding) if whole else (0, size)
    return end.clamp(max=high) - start.clamp(min=low)


### END SOLUTION
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
    ### HINT: max(0, x), for each element by itself. Python's own `max` wants one yes or no; which functions of torch
    ###   work on all elements at once?
    ### HINT: `x.clamp(min=0)` does it, `torch.maximum(x, torch.zeros_like(x))` too. With `torch.where`, ask what
    ###   becomes of NaN: `NaN > 0` is False, and so is `NaN < 0`.
    ### BEGIN SOLUTION
    return x.clamp(min=0)
    ### END SOLUTION


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
    ### HINT: Which inputs does output (i, j) see? Write down the slice for i = j = 0, then for any i and j with a
    ###   stride. The maximum over the two axes of the window is `amax((-2, -1))`; N and C stay.
    ### HINT: Make the padding real first: `F.pad(x, (left, right, top, bottom), value=-math.inf)`. Why would a padding
    ###   of 0 give wrong answers where all values are negative?
    ### HINT: Turn the loops around. For one element (a, b) of the window, all the inputs that it ever meets are one
    ###   slice `x[:, :, a * dH : a * dH + (oH - 1) * sH + 1 : sH, ...]`; `torch.maximum` of these few slices is the
    ###   answer. Or without any loop: `x.unfold(2, reach, stride)[..., ::d]`, the same for the width, and one `amax`.
    ### HINT: ceil_mode: round up with `-(-a // b)`, drop the last window if it starts at or after `size + padding`
    ###   (counted in the padded picture), and put as much more -inf at the end as the last window needs.
    ### BEGIN SOLUTION
    kernel, stride, padding = _arguments(kernel_size, stride, padding)
    dilation = _pair("dilation", dilation, low=1)
    counts = _positions(x, kernel, stride, padding, dilation, ceil_mode)
    windows = _windows(x, -math.inf, kernel, stride, padding, dilation, counts)
    return windows.flatten(-2).max(-1).values
    ### END SOLUTION


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
    ### HINT: A mean is a sum divided by a number of elements. The sums are as in `max_pool2d`, with 0 for -inf and
    ###   `sum` for `amax`. What remains is the number, which is not the same for every window.
    ### HINT: Along one axis, window i reaches from `i * stride - padding` to that plus kH, counted in x itself. Cut
    ###   both ends to what counts: `-padding … H + padding`, or `0 … H` if the padding does not. The number of elements
    ###   is the length of the vertical piece times the length of the horizontal one.
    ### HINT: `torch.arange(oH) * sH - pH` gives all the starts at once, `clamp` cuts them, and
    ###   `vertical[:, None] * horizontal` gives the (oH, oW) numbers to divide by. Mind the device.
    ### BEGIN SOLUTION
    kernel, stride, padding = _arguments(kernel_size, stride, padding)
    counts = _positions(x, kernel, stride, padding, (1, 1), ceil_mode)
    windows = _windows(x, 0.0, kernel, stride, padding, (1, 1), counts)
    vertical, horizontal = (
        _seen(size, k, s, p, n, count_include_pad, x.device)
        for size, k, s, p, n in zip(x.shape[2:], kernel, stride, padding, counts, strict=True)
    )
    return windows.sum((-2, -1)) / (vertical[:, None] * horizontal)
    ### END SOLUTION


def global_avg_pool2d(x: Tensor) -> Tensor:
    """One number for each feature map, its mean: (N, C, H, W) → (N, C).

    Networks from Inception and ResNet on end with it: it replaces the large first dense layer, and works for any H, W.

    Source: Lin, Chen and Yan, "Network in network", section 3.2.

    >>> global_avg_pool2d(torch.tensor([[[[1., 2.], [6., 3.]], [[4., 4.], [1., 7.]]]]))
    tensor([[3., 4.]])
    >>> global_avg_pool2d(torch.ones(2, 5, 7, 4)).shape
    torch.Size([2, 5])
    """
    ### HINT: Which axes of (N, C, H, W) disappear? `mean` takes several axes at once.
    ### HINT: `x.mean(dim=(2, 3))`. A `squeeze()` without an axis would also remove a batch of 1.
    ### BEGIN SOLUTION
    if x.dim() != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {tuple(x.shape)}")
    return x.mean((2, 3))
    ### END SOLUTION


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
    ### HINT: The result has the shape `(*x.shape[:start_dim], n)`. What is n, for (N, C, H, W) and start_dim 1?
    ### HINT: -1 as a size lets torch work out n by a division. With no elements at all this is 0 / 0: which number
    ###   would it be? Work it out yourself: `math.prod(x.shape[start_dim:])`.
    ### HINT: `view` needs a suitable memory layout, `reshape` copies where there is none. Slices of the shape never
    ###   complain about a start_dim that is too large, so ask for the range first.
    ### BEGIN SOLUTION
    axes = max(1, x.dim())  # torch lets a number without axes become a vector of one
    if not -axes <= start_dim < axes:
        raise ValueError(f"start_dim must be between {-axes} and {axes - 1} for x of {x.dim()} axes, got {start_dim}")
    kept, merged = x.shape[: start_dim % axes], x.shape[start_dim % axes :]
    return x.reshape(*kept, math.prod(merged))
    ### END SOLUTION


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
    ### HINT: `x.exp()` and a `sum` along dim with `keepdim=True`, so that the sums line up with x in the division.
    ### HINT: What happens to the result if you add the same number to all scores along dim? Which number keeps every
    ###   exp at or below 1, and one of them at exactly 1?
    ### HINT: Subtract `x.amax(dim, keepdim=True)` before exp: the maximum along dim, not that of the whole tensor.
    ### BEGIN SOLUTION
    axes = max(1, x.dim())
    if not -axes <= dim < axes:
        raise ValueError(f"dim must be between {-axes} and {axes - 1} for x of {x.dim()} axes, got {dim}")
    scaled = (x - x.amax(dim, keepdim=True)).exp()
    return scaled / scaled.sum(dim, keepdim=True)
    ### END SOLUTION


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

    ### HINT: Keep the settings as attributes in `__init__`, after `super().__init__()`, and pass all of them on to
    ###   `max_pool2d` in `forward`.
    ### HINT: Plain attributes (`self.stride = stride`) are not in the state_dict; only `nn.Parameter`s and buffers are.
    ###   What depends on the size of the picture belongs into forward: the next picture may have another one.

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.kernel_size, self.stride, self.padding = _arguments(kernel_size, stride, padding)
        self.dilation = _pair("dilation", dilation, low=1)
        self.ceil_mode = ceil_mode
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        ### END SOLUTION


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

    ### HINT: It is your `MaxPool2d` with another function in forward, and with the arguments of that one: no dilation,
    ###   but count_include_pad.
    ### HINT: Pass settings on by name where you are not sure of their order: `avg_pool2d(x, ..., ceil_mode=...)`.

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.kernel_size, self.stride, self.padding = _arguments(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        ### END SOLUTION
