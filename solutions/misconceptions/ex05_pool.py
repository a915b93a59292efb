"""What learners get wrong in ex05. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex05_pool")


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


# relu


@misconception(
    "relu",
    "You gave the absolute value: -2 became 2. ReLU turns negative values into 0; use `x.clamp(min=0)` instead.",
)
def absolute_value(x):
    return x.abs()


@misconception(
    "relu",
    "You kept the negative values and removed the positive ones. It is the lower end that is cut off: "
    "`clamp(min=0)`, not `clamp(max=0)`.",
)
def wrong_end_cut(x):
    return x.clamp(max=0)


@misconception(
    "relu",
    "You gave 1 where x is positive: that is the derivative of ReLU. Let the positive values through as they are "
    "instead.",
)
def step_function(x):
    return torch.where(x.isnan(), x, (x > 0).to(x.dtype))


@misconception(
    "relu",
    "You let a hundredth of the negative values through: that is the leaky ReLU. Here they become exactly 0 instead.",
)
def leaky(x):
    return torch.where(x < 0, 0.01 * x, x)


@misconception(
    "relu",
    "You cut large values off at 6: that is ReLU6. Leave positive values as they are, however large, instead.",
)
def capped_at_six(x):
    return x.clamp(0, 6)


@misconception(
    "relu",
    "You turned NaN into 0, since `NaN > 0` is False, and so an error elsewhere in a network would go unseen. Ask for "
    "`x < 0` and put 0 there instead, or use `clamp(min=0)`.",
)
def nan_becomes_zero(x):
    return torch.where(x > 0, x, 0)


@misconception(
    "relu",
    "You changed x itself: a function whose name ends in `_`, or an assignment `x[...] = 0`, works in place. The "
    "caller still needs x; make a new tensor instead.",
)
def in_place(x):
    return x.clamp_(min=0)


@misconception(
    "relu",
    "You asked Python's own `max` (or `if`) for one yes or no about a whole tensor, and it cannot give one. Use "
    "`torch.maximum`, `torch.where` or `clamp` instead: they decide for each element.",
)
def python_max(x):
    return max(x, torch.zeros_like(x))


@misconception(
    "relu",
    "You cut the result off from autograd (with `.data`, `.detach()` or numpy), so nothing before it in a network "
    "would learn. Compute with x itself instead.",
)
def relu_detached(x):
    return x.detach().clamp(min=0)


# max_pool2d


@misconception(
    "max_pool2d",
    "You padded with zeros, and a 0 wins against negative values. For a maximum, pad with `-math.inf` instead.",
)
def zeros_in_the_padding(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    v, h = _pair(padding)
    stride = kernel_size if stride is None else stride
    kernel, stride, dilation = map(_pair, (kernel_size, stride, dilation))
    counts = ref._positions(x, kernel, stride, (v, h), dilation, ceil_mode)
    x = F.pad(x, (h, h, v, v))
    return ref._windows(x, -math.inf, kernel, stride, (0, 0), dilation, counts).amax((-2, -1))


@misconception(
    "max_pool2d",
    "You let the search for the maximum begin at 0, so that no answer is ever negative. Begin with the first element "
    "of the window, or with `-math.inf`, instead.",
)
def search_begins_at_zero(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode).clamp(min=0)


@misconception(
    "max_pool2d",
    "You padded with a large negative number (such as -1e9) that is still larger than some values. Pad with "
    "`-math.inf` instead: nothing is smaller.",
)
def padding_not_small_enough(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    right = ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    touched = ref.max_pool2d(torch.zeros_like(x) - 1, kernel_size, stride, padding, dilation, ceil_mode)
    zeros = zeros_in_the_padding(torch.zeros_like(x) - 1, kernel_size, stride, padding, dilation, ceil_mode)
    return torch.where(zeros > touched, right.clamp(min=-1e9), right)


@misconception(
    "max_pool2d",
    "You took 1 as the stride where none was given. Pooling differs from convolution here: the default is the size of "
    "the kernel, so that windows touch. Use `kernel_size` where stride is None instead.",
)
def stride_one_by_default(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return ref.max_pool2d(x, kernel_size, 1 if stride is None else stride, padding, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You used the height of the kernel for its width too. With a pair (kH, kW), let windows be kH rows high and kW "
    "columns wide instead.",
)
def square_kernel(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    stride = kernel_size if stride is None else stride
    return ref.max_pool2d(x, _pair(kernel_size)[0], stride, padding, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You used the vertical step for both directions. Let the window move by the second number of the pair (without a "
    "stride: by the width of the kernel) when it moves to the right instead.",
)
def one_step_for_both(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    stride = kernel_size if stride is None else stride
    return ref.max_pool2d(x, kernel_size, _pair(stride)[0], padding, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You swapped the pair of paddings: the first is for rows, the second for columns. `F.pad` wants the last axis "
    "first: (left, right, top, bottom).",
)
def padding_swapped(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    v, h = _pair(padding)
    stride = kernel_size if stride is None else stride
    x = F.pad(x, (v, v, h, h), value=-math.inf)
    return ref.max_pool2d(x, kernel_size, stride, 0, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You put padding above and at the left only. `padding` rows belong above and as many below, the same for columns: "
    "the picture grows by twice the number.",
)
def padded_once(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    v, h = _pair(padding)
    return ref.max_pool2d(F.pad(x, (h, 0, v, 0), value=-math.inf), kernel_size, stride, 0, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You left out the dilation: your window looks at neighbours. With dilation d, take every d-th row and column of a "
    "larger window instead.",
)
def dilation_ignored(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.max_pool2d(x, kernel_size, stride, padding, 1, ceil_mode)


@misconception(
    "max_pool2d",
    "You left out ceil_mode. Where it is True, round the number of windows up, and let the last one look at what is "
    "left over at the end instead.",
)
def ceil_mode_ignored(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.max_pool2d(x, kernel_size, stride, padding, dilation)


@misconception(
    "max_pool2d",
    "You rounded the number of windows up although ceil_mode is False. What is left over at the end is not visited; "
    "round down with `//` instead.",
)
def always_rounded_up(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.max_pool2d(x, kernel_size, stride, padding, dilation, True)


@misconception(
    "max_pool2d",
    "In ceil mode you kept a last window that starts in the padding at the end, or beyond it, and sees nothing of x. "
    "Leave it out: a window has to start before `size + padding`, counted in the padded picture.",
)
def window_in_the_end_padding(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    right = ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    if not ceil_mode:
        return right
    kernel, stride, padding, dilation = map(_pair, (kernel_size, stride or kernel_size, padding, dilation))
    settings = zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    counts = [-(-(size + 2 * p - d * (k - 1) - 1) // s) + 1 for size, k, s, p, d in settings]
    return ref._windows(x, -math.inf, kernel, stride, padding, dilation, counts).amax((-2, -1))


@misconception(
    "max_pool2d",
    "You took one maximum over all channels. Pooling looks at each channel by itself: keep N and C, and take the "
    "maximum over the two axes of the window alone.",
)
def channels_mixed_up(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    right = ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    return right.amax(1, keepdim=True).expand_as(right)


@misconception(
    "max_pool2d",
    "You filled a buffer that is float32 whatever x is. Use `x.new_full(...)`, which takes dtype and device from x, "
    "instead of `torch.zeros(...)` or `torch.full(...)`.",
)
def float32_buffer(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode).float()


@misconception(
    "max_pool2d",
    "You accept a padding of more than half of the kernel, so that whole windows may lie outside the picture. Raise a "
    "ValueError that names the padding instead.",
)
def padding_without_limit(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    v, h = _pair(padding)
    stride = kernel_size if stride is None else stride
    kernel = _pair(kernel_size)
    if min(*kernel, v, h) < 0 or 0 in kernel or (v <= kernel[0] // 2 and h <= kernel[1] // 2):
        return ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.max_pool2d(F.pad(x, (h, h, v, v), value=-math.inf), kernel_size, stride, 0, dilation, ceil_mode)


@misconception(
    "max_pool2d",
    "You did not look at the settings before computing, so that Python stumbles over a stride or dilation of 0 with an "
    "error of its own. Test each setting first and raise a ValueError that names it.",
)
def settings_unchecked(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    for setting in (kernel_size, kernel_size if stride is None else stride, dilation):
        if 0 in _pair(setting):
            raise ZeroDivisionError("integer division or modulo by zero")
    return ref.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)


# avg_pool2d


@misconception(
    "avg_pool2d",
    "You never count the padding: you divide by the number of elements of x in the window alone. Do that only where "
    "count_include_pad is False; by default padded zeros are elements too.",
)
def padding_never_counted(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, False)


@misconception(
    "avg_pool2d",
    "You count the padding always. Where count_include_pad is False, divide by the number of elements of x in the "
    "window instead.",
)
def padding_always_counted(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, True)


def _sums(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    kernel, stride, padding = ref._arguments(kernel_size, stride, padding)
    counts = ref._positions(x, kernel, stride, padding, (1, 1), ceil_mode)
    return ref._windows(x, 0.0, kernel, stride, padding, (1, 1), counts).sum((-2, -1))


@misconception(
    "avg_pool2d",
    "In ceil mode you divide by kH · kW also where the window hangs over the end of the padded picture. What is out "
    "there is no padding and does not count: divide by the number of elements that are inside instead.",
)
def whole_kernel_always(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    right = ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    sums = _sums(x, kernel_size, stride, padding, ceil_mode)
    return sums / math.prod(_pair(kernel_size)) if count_include_pad else right


@misconception(
    "avg_pool2d",
    "You gave the sum of each window. Divide it by the number of elements in the window for the mean.",
)
def sum_for_mean(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return _sums(x, kernel_size, stride, padding, ceil_mode)


@misconception(
    "avg_pool2d",
    "You divide by the square of one side of the kernel. A window of kH rows and kW columns has kH · kW elements; "
    "divide by that instead.",
)
def divided_as_if_square(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    height, width = _pair(kernel_size)
    return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad) * width / height


@misconception(
    "avg_pool2d",
    "You took 1 as the stride where none was given. The default is the size of the kernel, so that windows touch; use "
    "`kernel_size` where stride is None instead.",
)
def avg_stride_one_by_default(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return ref.avg_pool2d(x, kernel_size, 1 if stride is None else stride, padding, ceil_mode, count_include_pad)


@misconception(
    "avg_pool2d",
    "You used the vertical step for both directions. Let the window move by the second number of the pair (without a "
    "stride: by the width of the kernel) when it moves to the right instead.",
)
def avg_one_step_for_both(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    stride = kernel_size if stride is None else stride
    return ref.avg_pool2d(x, kernel_size, _pair(stride)[0], padding, ceil_mode, count_include_pad)


@misconception(
    "avg_pool2d",
    "You left out the padding. Put `padding` rows of zeros above and below and columns of zeros left and right before "
    "the window moves.",
)
def avg_padding_ignored(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return ref.avg_pool2d(x, kernel_size, stride, 0, ceil_mode, count_include_pad)


@misconception(
    "avg_pool2d",
    "You swapped the pair of paddings: the first is for rows, the second for columns. `F.pad` wants the last axis "
    "first: (left, right, top, bottom).",
)
def avg_padding_swapped(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    v, h = _pair(padding)
    counted = [x.new_ones(x.shape)] * 2
    settings = [kernel_size, stride, 0, ceil_mode]
    padded, sizes = F.pad(x, (v, v, h, h)), F.pad(counted[0], (v, v, h, h), value=float(count_include_pad))
    return _sums(padded, *settings) / _sums(sizes, *settings)


@misconception(
    "avg_pool2d",
    "You left out ceil_mode. Where it is True, round the number of windows up, and let the last one take the mean of "
    "what is left over at the end instead.",
)
def avg_ceil_mode_ignored(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return ref.avg_pool2d(x, kernel_size, stride, padding, False, count_include_pad)


@misconception(
    "avg_pool2d",
    "In ceil mode you kept a last window that starts in the padding at the end, or beyond it, and sees nothing of x. "
    "Leave it out: a window has to start before `size + padding`, counted in the padded picture.",
)
def avg_window_in_the_end_padding(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    right = ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    if not ceil_mode:
        return right
    kernel, stride, padding = ref._arguments(kernel_size, stride, padding)
    settings = zip(x.shape[2:], kernel, stride, padding, strict=True)
    counts = [-(-(size + 2 * p - k) // s) + 1 for size, k, s, p in settings]
    more = [n - have for n, have in zip(counts, right.shape[2:], strict=True)]
    return F.pad(right, (0, more[1], 0, more[0]))  # nothing but padding out there: a mean of 0


@misconception(
    "avg_pool2d",
    "You filled a buffer that is float32 whatever x is. Use `x.new_zeros(...)`, which takes dtype and device from x, "
    "instead.",
)
def avg_float32_buffer(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad).float()


@misconception(
    "avg_pool2d",
    "You give an empty or a cut result where the window is larger than the padded picture. Raise a ValueError that "
    "names kernel_size instead: a network should say at once that its picture became too small.",
)
def window_need_not_fit(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    kernel, steps, borders = ref._arguments(kernel_size, stride, padding)
    sizes = [size + 2 * p for size, p in zip(x.shape[2:], borders, strict=True)]
    if all(k <= size for k, size in zip(kernel, sizes, strict=True)):
        return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return x.new_zeros(*x.shape[:2], *(max(0, (n - k) // s + 1) for n, k, s in zip(sizes, kernel, steps, strict=True)))


@misconception(
    "avg_pool2d",
    "You did not look at the settings before computing, so that Python stumbles over a stride or kernel of 0 with an "
    "error of its own. Test each setting first and raise a ValueError that names it.",
)
def avg_settings_unchecked(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    if 0 in _pair(kernel_size) or (stride is not None and 0 in _pair(stride)):
        raise ZeroDivisionError("integer division or modulo by zero")
    return ref.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)


# global_avg_pool2d


@misconception(
    "global_avg_pool2d",
    "You kept height and width as axes of size 1. Leave `keepdim` out: the result has the shape (N, C).",
)
def axes_kept(x):
    return x.mean((2, 3), keepdim=True)


@misconception(
    "global_avg_pool2d",
    "You removed every axis of size 1 with `squeeze()`, also a batch of one image or a single channel. Name the axes "
    "of the mean instead: (2, 3), without keepdim.",
)
def all_ones_squeezed(x):
    return x.mean((2, 3)).squeeze()


@misconception(
    "global_avg_pool2d",
    "You took the largest value of each feature map. This is the mean pooling: use the mean over height and width "
    "instead.",
)
def largest_for_mean(x):
    return x.amax((2, 3))


@misconception(
    "global_avg_pool2d",
    "You gave the sum over height and width. Divide by the number of pixels, H · W, for the mean.",
)
def sum_over_pixels(x):
    return x.sum((2, 3))


@misconception(
    "global_avg_pool2d",
    "You took the mean over the channels too. Each channel is a feature of its own: keep N and C, take the mean over "
    "height and width alone.",
)
def channels_mixed(x):
    return x.mean((1, 2, 3))


@misconception(
    "global_avg_pool2d",
    "You divide by H², as if pictures were square. Divide by H · W, or use `mean` instead.",
)
def squares_assumed(x):
    return x.sum((2, 3)) / x.shape[2] ** 2


# flatten


@misconception(
    "flatten",
    "You flattened the batch too, so that all images end up in one vector. The axes before start_dim stay: by default "
    "the result has the shape (N, C · H · W).",
)
def batch_swallowed(x, start_dim=1):
    ref.flatten(x, start_dim)
    return x.reshape(-1)


@misconception(
    "flatten",
    "You left out start_dim: your code always begins at axis 1. Keep `x.shape[:start_dim]` instead.",
)
def start_ignored(x, start_dim=1):
    ref.flatten(x, start_dim)
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


@misconception(
    "flatten",
    "You used `view`, which needs a suitable memory layout: a transposed tensor has none. Use `reshape` instead, which "
    "copies where it has to.",
)
def view_for_reshape(x, start_dim=1):
    return x.view(ref.flatten(x, start_dim).shape)


@misconception(
    "flatten",
    "You let torch work out the size with -1, which it cannot where there are no elements: 0 / 0 could be any number. "
    "Multiply the sizes yourself, with `math.prod(x.shape[start_dim:])`.",
)
def size_left_to_torch(x, start_dim=1):
    right = ref.flatten(x, start_dim)
    return x.reshape(*right.shape[:-1], -1)


@misconception(
    "flatten",
    "You put the channels last, so that the values of one pixel stand side by side. Leave the axes in their order: the "
    "whole first channel, then the second.",
)
def channels_last(x, start_dim=1):
    right = ref.flatten(x, start_dim)
    first = start_dim % x.dim()
    return x.movedim(first, -1).reshape(right.shape)


@misconception(
    "flatten",
    "You accept a start_dim that x does not have: slices of a shape never complain. Raise a ValueError that names "
    "start_dim instead.",
)
def any_start_accepted(x, start_dim=1):
    return x.reshape(*x.shape[:start_dim], math.prod(x.shape[start_dim:]))


@misconception(
    "flatten",
    "You refuse a negative start_dim, or take it for an error. It counts from the end: -1 is the last axis. Add "
    "`x.dim()` to it instead.",
)
def negative_start_refused(x, start_dim=1):
    if start_dim < 0:
        raise ValueError("start_dim must not be negative")
    return ref.flatten(x, start_dim)


# softmax


def _ask(x, dim):
    ref.softmax(x, dim)


@misconception(
    "softmax",
    "You take exp of the scores as they are: it is infinite for large ones and 0 for very negative ones, and the "
    "division gives NaN. Subtract the maximum along dim first; the result stays the same.",
)
def not_stable(x, dim=-1):
    _ask(x, dim)
    return x.exp() / x.exp().sum(dim, keepdim=True)


@misconception(
    "softmax",
    "You subtract the maximum of the whole tensor, so that a row far below it still comes out as 0 / 0. Subtract the "
    "maximum along dim, `x.amax(dim, keepdim=True)`, instead.",
)
def one_maximum_for_all(x, dim=-1):
    _ask(x, dim)
    scaled = (x - x.max()).exp()
    return scaled / scaled.sum(dim, keepdim=True)


@misconception(
    "softmax",
    "You divide by the sum over the whole tensor. The results have to add up to 1 along dim: use "
    "`sum(dim, keepdim=True)` instead.",
)
def one_sum_for_all(x, dim=-1):
    _ask(x, dim)
    scaled = (x - x.max()).exp()
    return scaled / scaled.sum()


@misconception(
    "softmax",
    "You left out dim: your code always works along the last axis. Pass dim to both the maximum and the sum instead.",
)
def last_axis_always(x, dim=-1):
    _ask(x, dim)
    return ref.softmax(x)


@misconception(
    "softmax",
    "You summed without `keepdim=True`, so the sums do not line up with x: torch refuses the division, or divides "
    "along another axis. Keep the axis as one of size 1 instead.",
)
def sum_without_keepdim(x, dim=-1):
    _ask(x, dim)
    scaled = (x - x.amax(dim, keepdim=True)).exp()
    return scaled / scaled.sum(dim)


@misconception(
    "softmax",
    "You gave the logarithms of the probabilities: that is the log-softmax. Take exp at the end instead.",
)
def logarithm(x, dim=-1):
    _ask(x, dim)
    return x - x.logsumexp(dim, keepdim=True)


@misconception(
    "softmax",
    "You divided the scores themselves by their sum, which leaves negative scores negative. Take exp first: it makes "
    "every score positive.",
)
def no_exponential(x, dim=-1):
    _ask(x, dim)
    return x / x.sum(dim, keepdim=True)


@misconception(
    "softmax",
    "You subtract the mean of the scores. Then the largest is still above 0, and its exp is infinite where the scores "
    "lie far apart. Subtract the maximum along dim instead: no exp is larger than 1 then.",
)
def mean_subtracted(x, dim=-1):
    _ask(x, dim)
    return not_stable(x - x.mean(dim, keepdim=True), dim)


@misconception(
    "softmax",
    "You leave a dim that x does not have to torch, which raises an IndexError. Compare it with `x.dim()` yourself, "
    "and raise a ValueError that names dim.",
)
def dim_left_to_torch(x, dim=-1):
    if not -x.dim() <= dim < x.dim():
        raise IndexError("Dimension out of range")
    return ref.softmax(x, dim)


@misconception(
    "softmax",
    "You wrap around where dim is out of range, so that a mistake of the caller passes unseen. Raise a ValueError that "
    "names dim instead.",
)
def any_dim_accepted(x, dim=-1):
    return ref.softmax(x, dim % x.dim())


# MaxPool2d and AvgPool2d


@misconception(
    "MaxPool2d",
    "Your layer takes 1 as the stride where none was given. Keep None and pass it on, or use `kernel_size` instead.",
)
class LayerStrideOne(ref.MaxPool2d):
    def __init__(self, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
        super().__init__(kernel_size, 1 if stride is None else stride, padding, dilation, ceil_mode)


@misconception(
    "MaxPool2d",
    "Your layer knows its padding but does not pass it on to `max_pool2d`. Pass every setting on in forward.",
)
class PaddingNotPassedOn(ref.MaxPool2d):
    def forward(self, x):
        return ref.max_pool2d(x, self.kernel_size, self.stride, 0, self.dilation, self.ceil_mode)


@misconception(
    "MaxPool2d",
    "Your layer knows its dilation but does not pass it on to `max_pool2d`. Pass every setting on in forward.",
)
class DilationNotPassedOn(ref.MaxPool2d):
    def forward(self, x):
        return ref.max_pool2d(x, self.kernel_size, self.stride, self.padding, 1, self.ceil_mode)


@misconception(
    "MaxPool2d",
    "Your layer knows ceil_mode but does not pass it on to `max_pool2d`. Pass every setting on in forward.",
)
class CeilModeNotPassedOn(ref.MaxPool2d):
    def forward(self, x):
        return ref.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)


@misconception(
    "MaxPool2d",
    "Your layer has `return_indices` before `ceil_mode`, as `nn.MaxPool2d`. Take the arguments in the order of "
    "`max_pool2d` instead: ceil_mode is the fifth.",
)
class FifthIsReturnIndices(ref.MaxPool2d):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "MaxPool2d",
    "Your layer keeps the size of the first picture it sees, and fails or errs with the next one. Work the output size "
    "out in every call of forward instead.",
)
class SizeRemembered(ref.MaxPool2d):
    size = None

    def forward(self, x):
        right = super().forward(x)
        self.size = self.size or tuple(right.shape)
        if tuple(right.shape) != self.size:
            raise RuntimeError("shape mismatch")
        return right


@misconception(
    "MaxPool2d",
    "Your layer keeps its settings in a parameter or buffer, so that they turn up in its state_dict. Pooling has "
    "nothing to learn: plain attributes will do.",
)
class SettingsInABuffer(ref.MaxPool2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("window", torch.zeros(self.kernel_size))


@misconception(
    "MaxPool2d",
    "Your layer works without gradients (`torch.no_grad()`, `.data` or `.detach()`), so nothing before it in a network "
    "would learn. It has no weights of its own, but the gradient has to pass through it.",
)
class NoGradient(ref.MaxPool2d):
    def forward(self, x):
        return super().forward(x.detach())


@misconception(
    "MaxPool2d",
    "Your layer refuses bad settings with `assert`, which is an AssertionError, and is not even looked at under "
    "`python -O`. Use `raise ValueError(...)` and name the setting instead.",
)
class RefusedByAssert(ref.MaxPool2d):
    def __init__(self, *args, **kwargs):
        try:
            super().__init__(*args, **kwargs)
        except ValueError as error:
            raise AssertionError(error) from None


@misconception(
    "AvgPool2d",
    "Your layer takes 1 as the stride where none was given. Keep None and pass it on, or use `kernel_size` instead.",
)
class AvgLayerStrideOne(ref.AvgPool2d):
    def __init__(self, kernel_size, stride=1, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, 1 if stride is None else stride, padding, ceil_mode, count_include_pad)


@misconception(
    "AvgPool2d",
    "Your layer knows its padding but does not pass it on to `avg_pool2d`. Pass every setting on in forward.",
)
class AvgPaddingNotPassedOn(ref.AvgPool2d):
    def forward(self, x):
        return ref.avg_pool2d(x, self.kernel_size, self.stride, 0, self.ceil_mode, self.count_include_pad)


@misconception(
    "AvgPool2d",
    "Your layer knows count_include_pad but does not pass it on to `avg_pool2d`. Pass every setting on in forward.",
)
class CountNotPassedOn(ref.AvgPool2d):
    def forward(self, x):
        return ref.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode)


@misconception(
    "AvgPool2d",
    "Your layer knows ceil_mode but does not pass it on to `avg_pool2d`. Pass every setting on in forward.",
)
class AvgCeilModeNotPassedOn(ref.AvgPool2d):
    def forward(self, x):
        return ref.avg_pool2d(x, self.kernel_size, self.stride, self.padding, False, self.count_include_pad)


@misconception(
    "AvgPool2d",
    "You passed ceil_mode and count_include_pad on in each other's place. Give them by name instead: "
    "`ceil_mode=..., count_include_pad=...`.",
)
class FlagsSwapped(ref.AvgPool2d):
    def forward(self, x):
        return ref.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad, self.ceil_mode)


@misconception(
    "AvgPool2d",
    "You gave the layer the arguments of `MaxPool2d`, with a dilation as the fourth. Take those of `avg_pool2d` in "
    "their order instead: after padding come ceil_mode and count_include_pad.",
)
class FourthIsDilation(ref.AvgPool2d):
    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=True):
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


@misconception(
    "AvgPool2d",
    "You keep the window as a parameter (all its weights 1 / (kH · kW)), so that it turns up in the state_dict and "
    "training would change it. Pooling has nothing to learn: keep plain attributes instead.",
)
class WindowIsAParameter(ref.AvgPool2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.weight = nn.Parameter(torch.full(self.kernel_size, 1 / math.prod(self.kernel_size)))
