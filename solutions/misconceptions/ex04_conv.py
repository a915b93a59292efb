"""What learners get wrong in ex04. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex04_conv")


def _many(value, count=2):
    return (value,) * count if isinstance(value, int) else tuple(value)


# pad2d


@misconception(
    "pad2d",
    "You put all the padding below and at the right, so that the picture sits in a corner. Padding belongs half before "
    "and half after: write x into rows `v : v + H` and columns `h : h + W` instead.",
)
def all_at_the_end(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    v, h = _many(padding)
    return F.pad(x, (0, 2 * h, 0, 2 * v)) if mode == "zeros" else right


@misconception(
    "pad2d",
    "You padded above and at the left only, so the result is too small. `padding` is added on both sides: height and "
    "width grow by twice the number.",
)
def added_once(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    return right[:, :, : x.shape[2] + _many(padding)[0], : x.shape[3] + _many(padding)[1]]


@misconception(
    "pad2d",
    "You swapped the pair: the first number is for rows (above and below), the second for columns. `F.pad` counts from "
    "the last axis, pairs of `nn.Conv2d` do not; read it as (vertical, horizontal) instead.",
)
def pair_swapped(x, padding, mode="zeros"):
    ref.pad2d(x, padding, mode)
    return ref.pad2d(x, _many(padding)[::-1], mode)


@misconception(
    "pad2d",
    "You used the first number of the pair for both directions. Take the second one for the columns instead.",
)
def first_of_pair_for_both(x, padding, mode="zeros"):
    ref.pad2d(x, padding, mode)
    return ref.pad2d(x, _many(padding)[0], mode)


def _by_index(x, padding, source):
    for axis, p in zip((2, 3), _many(padding), strict=True):
        size = x.shape[axis]
        x = x.index_select(axis, torch.tensor([source(i, size) for i in range(-p, size + p)]))
    return x


@misconception(
    "pad2d",
    'Your "reflect" repeats the border itself: a mirror that stands beyond the border. In this mode the border is the '
    "mirror: outside of a, b, c comes b first, then c. Start one element further in instead.",
)
def reflect_repeats_the_border(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    if mode != "reflect":
        return right
    return _by_index(x, padding, lambda i, size: -1 - i if i < 0 else min(i, 2 * size - 1 - i))


@misconception(
    "pad2d",
    'Your "circular" copies from the near end: the padding at the left has to come from the right end of the picture, '
    "as if it were wound around a cylinder. Take `i % size` instead.",
)
def circular_from_the_near_end(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    if mode != "circular":
        return right
    v, h = _many(padding)
    x = torch.cat([x[:, :, :v], x, x[:, :, x.shape[2] - v :]], 2)
    return torch.cat([x[..., :h], x, x[..., x.shape[3] - h :]], 3)


@misconception(
    "pad2d",
    "You filled the four sides but left the corners zero. Pad the rows first and then the columns of that result, "
    "which already is higher; so the corners are filled too.",
)
def corners_left_zero(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode).clone()
    v, h = _many(padding)
    height, width = right.shape[2:]
    for rows in (slice(0, v), slice(height - v, height)):
        for columns in (slice(0, h), slice(width - h, width)):
            right[:, :, rows, columns] = 0
    return right


@misconception(
    "pad2d",
    "You padded with zeros whatever the mode. Copy values of x where `mode` is reflect, replicate or circular instead.",
)
def mode_ignored(x, padding, mode="zeros"):
    ref.pad2d(x, padding, mode)
    return ref.pad2d(x, padding)


@misconception(
    "pad2d",
    "Your replicate does what reflect does. Replicate repeats the border value itself, as often as needed: use "
    "`clamp(0, size - 1)` on the index instead.",
)
def replicate_reflects(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    return ref.pad2d(x, padding, "reflect") if mode == "replicate" else right


@misconception(
    "pad2d",
    "You made the buffer with `torch.zeros`, which is float32 whatever x is. Use `x.new_zeros(...)` instead: it takes "
    "dtype and device from x.",
)
def float32_buffer(x, padding, mode="zeros"):
    return ref.pad2d(x, padding, mode).float()


@misconception(
    "pad2d",
    "Your slice `p:-p` is empty where the padding is 0, since `-0` is 0 and not the end. Write `p : p + size` instead.",
)
def empty_slice_without_padding(x, padding, mode="zeros"):
    out = ref.pad2d(x, padding, mode)
    v, h = _many(padding)
    out[:, :, v:-v, h:-h] = x
    return out


@misconception(
    "pad2d",
    "You pad further than the mode can go: reflect needs a padding below the size, circular one that is not above it. "
    "Raise a ValueError that names the padding instead of going around again.",
)
def no_limit(x, padding, mode="zeros"):
    try:
        return ref.pad2d(x, padding, mode)
    except ValueError as error:
        if "too large" not in str(error):
            raise
    if mode == "circular":
        return _by_index(x, padding, lambda i, size: i % size)
    return _by_index(x, padding, lambda i, size: 0 if size == 1 else min(i % (2 * size - 2), -i % (2 * size - 2)))


@misconception(
    "pad2d",
    "You refuse a padding that still is possible: reflect may go up to size - 1, circular up to the whole size. "
    "Compare with `>` these limits, not with `>=`.",
)
def limit_too_strict(x, padding, mode="zeros"):
    right = ref.pad2d(x, padding, mode)
    for p, size in zip(_many(padding), x.shape[2:], strict=True):
        if p >= {"reflect": max(1, size - 1), "circular": size}.get(mode, math.inf):
            raise ValueError(f"padding {padding} is too large")
    return right


@misconception(
    "pad2d",
    "You accept a negative padding and cut the picture. Raise a ValueError that names the padding instead.",
)
def negative_padding_crops(x, padding, mode="zeros"):
    v, h = _many(padding)
    return F.pad(x, (h, h, v, v)) if min(v, h) < 0 else ref.pad2d(x, padding, mode)


@misconception(
    "pad2d",
    "You fall back to another mode where you do not know the one that was asked for, so that a typing error passes "
    "unseen. Raise a ValueError that names the mode instead.",
)
def unknown_mode_accepted(x, padding, mode="zeros"):
    known = mode in ("zeros", "reflect", "replicate", "circular")
    return ref.pad2d(x, padding, mode if known else "zeros")


# conv2d


@misconception(
    "conv2d",
    "You rotated the kernel by 180°: that is the mathematical convolution. In deep learning the kernel is laid on the "
    "picture as it is; leave out the flip instead.",
)
def kernel_rotated(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return ref.conv2d(x, weight.flip(-1, -2), bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "Your windows list their elements column by column, your kernel row by row, so that the wrong ones meet. Keep one "
    "order for both: rows first, then columns, as `reshape` and `F.unfold` do.",
)
def im2col_order_swapped(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    outs, ins, height, width = weight.shape
    weight = weight.reshape(outs, ins, width, height).transpose(-1, -2)
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You computed the width of the output from the height of the image, as if images and kernels were square. Work out "
    "both axes instead, each from its own size, kernel, stride, padding and dilation.",
)
def square_image_assumed(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if right.shape[3] < right.shape[2]:
        raise IndexError("index out of range")
    return right[..., : right.shape[2]]


@misconception(
    "conv2d",
    "You used the first stride for both directions. Take the second one for the width instead.",
)
def first_stride_for_both(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight, bias, _many(stride)[0], padding, dilation, groups)


@misconception(
    "conv2d",
    "You left out the stride: your kernel stops at every pixel. Let it move by `stride` each time instead; what "
    "the output at (i, j) sees begins at row i · stride.",
)
def stride_ignored(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight, bias, 1, padding, dilation, groups)


@misconception(
    "conv2d",
    "You kept a last step that does not fit completely, so the output is one too large. Round down instead: "
    "`(size + 2 * padding - reach) // stride + 1`.",
)
def rounded_up(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if isinstance(padding, str):
        return right
    (v, h), more = _many(padding), [s - 1 for s in _many(stride)]
    return ref.conv2d(F.pad(x, (h, h + more[1], v, v + more[0])), weight, bias, stride, 0, dilation, groups)


@misconception(
    "conv2d",
    "You refuse sizes that the stride does not divide. The rows and columns that are left over are simply not visited: "
    "round the size of the output down instead.",
)
def left_over_refused(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if not isinstance(padding, str):
        settings = zip(x.shape[2:], weight.shape[2:], *map(_many, (stride, padding, dilation)), strict=True)
        if any((size + 2 * p - d * (k - 1) - 1) % s for size, k, s, p, d in settings):
            raise ValueError("stride does not fit")
    return right


@misconception(
    "conv2d",
    "You swapped the pair of paddings: the first is for rows, the second for columns. `F.pad` wants the last axis "
    "first: (left, right, top, bottom).",
)
def padding_swapped(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    padding = padding if isinstance(padding, str) else _many(padding)[::-1]
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You used the first padding for both directions. Take the second one for the columns instead.",
)
def first_padding_for_both(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    padding = padding if isinstance(padding, str) else padding if isinstance(padding, int) else padding[0]
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You put all the zeros below and at the right, so every output is shifted. `padding` rows belong above and as many "
    "below; the same for columns.",
)
def padding_at_the_end(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if isinstance(padding, str):
        return right
    v, h = _many(padding)
    return ref.conv2d(F.pad(x, (0, 2 * h, 0, 2 * v)), weight, bias, stride, 0, dilation, groups)


@misconception(
    "conv2d",
    "You left out the dilation: your kernel touches neighbours. With dilation d, take every d-th element of a larger "
    "window instead.",
)
def dilation_ignored(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight, bias, stride, padding, 1, groups)


@misconception(
    "conv2d",
    "You swapped the pair of dilations: the first is for rows, the second for columns. Use them the other way round.",
)
def dilation_swapped(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight, bias, stride, padding, _many(dilation)[::-1], groups)


@misconception(
    "conv2d",
    "You multiplied the padding by the dilation. Dilation spreads the kernel alone; add exactly `padding` rows and "
    "columns on each side instead.",
)
def padding_dilated(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if isinstance(padding, str):
        return right
    padding = tuple(p * d for p, d in zip(_many(padding), _many(dilation), strict=True))
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You dealt the input channels out like cards, one to each group in turn. A group's channels lie side by side: "
    "group g gets channels `g * C // groups` up to the next group's first.",
)
def groups_interleaved(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    x = torch.cat([x[:, g::groups] for g in range(groups)], 1)
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "All your groups look at the channels of the first one. Let group g start at channel `g * C // groups` instead.",
)
def all_groups_see_the_first(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    x = x[:, : x.shape[1] // groups].repeat(1, groups, 1, 1)
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You put the results of the groups in turn: first filter of each group, second of each, and so on. Keep them "
    "in the order of the filters instead: all of the first group, then all of the second.",
)
def filters_interleaved(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    out = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return out.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


@misconception(
    "conv2d",
    "You left out the bias. Add `bias[o]` to every pixel of output channel o instead.",
)
def bias_omitted(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight, None, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You added the bias once for every input channel. A filter has one bias: add it once, after the sum over the "
    "channels.",
)
def bias_per_channel(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    times = None if bias is None else weight.shape[1] * bias
    return ref.conv2d(x, weight, times, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You added the bias once for every element of the kernel. Add it once, after the whole sum is done.",
)
def bias_per_element(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    times = None if bias is None else weight.shape[2] * weight.shape[3] * bias
    return ref.conv2d(x, weight, times, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You took the mean over the input channels. A filter is as deep as its input: sum over the channels instead.",
)
def mean_over_channels(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return ref.conv2d(x, weight / weight.shape[1], bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You used the first input channel only. A filter has a kernel for every channel: sum over all of them instead.",
)
def first_channel_only(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    first = torch.arange(weight.shape[1], device=weight.device) == 0
    return ref.conv2d(x, weight * first[:, None, None], bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    'With "same" and an odd number of missing rows or columns you added the odd one above or at the left. PyTorch adds '
    "it below and at the right: `total // 2` before, the rest after.",
)
def same_extra_at_the_start(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if padding != "same":
        return right
    v, h = (d * (k - 1) for d, k in zip(_many(dilation), weight.shape[2:], strict=True))
    return ref.conv2d(F.pad(x, (h - h // 2, h // 2, v - v // 2, v // 2)), weight, bias, 1, 0, dilation, groups)


@misconception(
    "conv2d",
    'Your "same" pads equally on both sides, so with an even kernel the size changes by one. Where the number of '
    "missing rows is odd, add one more below than above; the same for columns.",
)
def same_is_symmetric(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if padding != "same":
        return right
    half = tuple((d * (k - 1) + 1) // 2 for d, k in zip(_many(dilation), weight.shape[2:], strict=True))
    return ref.conv2d(x, weight, bias, stride, half, dilation, groups)


@misconception(
    "conv2d",
    'Your "same" forgets the dilation: a dilated kernel is larger, so more rows and columns are missing. Count '
    "`dilation * (k - 1)` instead of `k - 1`.",
)
def same_forgets_dilation(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if padding != "same":
        return right
    v, h = (k - 1 for k in weight.shape[2:])
    return ref.conv2d(F.pad(x, (h // 2, h - h // 2, v // 2, v - v // 2)), weight, bias, 1, 0, dilation, groups)


@misconception(
    "conv2d",
    'You accept padding="same" together with a stride above 1, where no padding keeps the size. Raise a ValueError '
    "that names stride or padding instead.",
)
def same_with_stride_accepted(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding != "same":
        return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    v, h = _many(stride)
    return ref.conv2d(x, weight, bias, 1, padding, dilation, groups)[:, :, ::v, ::h]


@misconception(
    "conv2d",
    "Your result is float32 although the input is float64. Make new tensors with `x.new_zeros(...)`, or with "
    "`dtype=x.dtype`, instead of `torch.zeros(...)` alone.",
)
def float32_result(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups).float()


@misconception(
    "conv2d",
    "Your result has the right dtype, but it was computed in float32 on the way: half of the digits of float64 are "
    "gone. Give every buffer `dtype=x.dtype`, and leave out `.float()`.",
)
def float32_on_the_way(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups).float().to(x.dtype)


@misconception(
    "conv2d",
    "You made the output on the CPU, wherever the input is, so your code stops on a GPU. Use `x.new_zeros(...)` or "
    "`device=x.device` instead.",
)
def buffer_on_the_cpu(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    out = torch.zeros(right.shape, dtype=x.dtype)
    out[:] = right
    return out


@misconception(
    "conv2d",
    "You cut the weight off from autograd (with `.data`, `.detach()` or numpy), so it would never learn. Compute with "
    "the tensor itself instead.",
)
def weight_detached(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return ref.conv2d(x, weight.detach(), bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You changed the caller's bias: a method with `_` at its end works in place. Use `bias.reshape(...)` or "
    "`bias[:, None, None]` instead.",
)
def bias_reshaped_in_place(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if bias is not None and not bias.requires_grad:
        bias.unsqueeze_(-1).unsqueeze_(-1)
    return right


@misconception(
    "conv2d",
    "You let a weight of one channel stand for all channels of x: broadcasting did that without a word. Compare "
    "`weight.shape[1] * groups` with `x.shape[1]`, and raise a ValueError where they differ.",
)
def one_channel_broadcast(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] == 1 and groups == 1:
        weight = weight.expand(-1, x.shape[1], -1, -1)
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You return an empty result where the kernel is larger than the padded image. Nothing can be computed there: raise "
    "a ValueError instead.",
)
def empty_where_nothing_fits(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        if "covers" not in str(error):
            raise
        return x.new_zeros(x.shape[0], weight.shape[0], 0, 0)


@misconception(
    "conv2d",
    "You accept a negative padding and cut the image. Raise a ValueError that names the padding instead.",
)
def negative_padding_cuts(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not isinstance(padding, str) and min(_many(padding)) < 0:
        v, h = _many(padding)
        x, padding = F.pad(x, (h, h, v, v)), 0
    return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)


@misconception(
    "conv2d",
    "You refuse bad arguments with `assert`, which raises an AssertionError and disappears under `python -O`. Write "
    "`if ...: raise ValueError(...)` instead.",
)
def refused_by_assert(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        raise AssertionError(str(error)) from None


@misconception(
    "conv2d",
    "Your result is right, but you visit every pixel in a Python loop, which takes minutes for a real image. Loop over "
    "the few elements of the kernel instead, and let each slice stand for all pixels at once.",
)
def loop_over_pixels(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    right = ref.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return torch.stack([right[:, :, i, j] for i in range(right.shape[2]) for j in range(right.shape[3])], -1).reshape(
        right.shape
    )


@misconception(
    "conv2d",
    "Your result is right, but you compute one image after the other in a Python loop. Keep the axis N in every "
    "operation instead, so that one operation does the whole batch.",
)
def loop_over_images(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return torch.cat([ref.conv2d(one[None], weight, bias, stride, padding, dilation, groups) for one in x])


# conv3d


@misconception(
    "conv3d",
    "You turned the kernel around in all three directions: that is the mathematical convolution. Lay it on the volume "
    "as it is instead; leave out the flip.",
)
def kernel_turned(x, weight, bias=None, stride=1, padding=0):
    return ref.conv3d(x, weight.flip(-1, -2, -3), bias, stride, padding)


@misconception(
    "conv3d",
    "You read the triples from the wrong end: the first number is for the depth, the last for the width. `F.pad` "
    "counts from the last axis; stride and padding do not.",
)
def triples_reversed(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, bias, _many(stride, 3)[::-1], _many(padding, 3)[::-1])


@misconception(
    "conv3d",
    "You used the first number of a triple for all three directions. Take one number for each axis instead.",
)
def first_of_triple_for_all(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, bias, _many(stride, 3)[0], _many(padding, 3)[0])


@misconception(
    "conv3d",
    "Your stride works on height and width only: the kernel moves through the depth slice by slice. Let it move by "
    "`stride[0]` slices there instead.",
)
def depth_not_strided(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, bias, (1, *_many(stride, 3)[1:]), padding)


@misconception(
    "conv3d",
    "You padded height and width only. Put slices of zeros before the first and after the last one of the depth too.",
)
def depth_not_padded(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, bias, stride, (0, *_many(padding, 3)[1:]))


@misconception(
    "conv3d",
    "You put all the zeros at the end of each axis, so every output is shifted. Put half of them before the volume "
    "instead: `padding` on each side.",
)
def zeros_at_the_end(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    d, v, h = _many(padding, 3)
    return ref.conv3d(F.pad(x, (0, 2 * h, 0, 2 * v, 0, 2 * d)), weight, bias, stride)


@misconception(
    "conv3d",
    "You added the bias once for every slice of the kernel. Add it once, after the sum over the slices.",
)
def bias_per_slice(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, None if bias is None else weight.shape[2] * bias, stride, padding)


@misconception(
    "conv3d",
    "You left out the bias. Add `bias[o]` to every element of output channel o instead.",
)
def bias_forgotten(x, weight, bias=None, stride=1, padding=0):
    ref.conv3d(x, weight, bias, stride, padding)
    return ref.conv3d(x, weight, None, stride, padding)


@misconception(
    "conv3d",
    "You used only the first slice of the kernel's depth: a convolution of single pictures. Sum over all kD slices of "
    "the kernel instead, each with its own slice of the volume.",
)
def first_slice_only(x, weight, bias=None, stride=1, padding=0):
    first = torch.arange(weight.shape[2]) == 0
    return ref.conv3d(x, weight * first[:, None, None], bias, stride, padding)


@misconception(
    "conv3d",
    "You used the first input channel only. Depth is not the channels: sum over all channels and over the kernel's "
    "depth instead.",
)
def one_channel_only(x, weight, bias=None, stride=1, padding=0):
    first = torch.arange(weight.shape[1]) == 0
    return ref.conv3d(x, weight * first[:, None, None, None], bias, stride, padding)


@misconception(
    "conv3d",
    "Your result is float32 although the volume is float64. Make new tensors with `x.new_zeros(...)` instead of "
    "`torch.zeros(...)`.",
)
def float32_volume(x, weight, bias=None, stride=1, padding=0):
    return ref.conv3d(x, weight, bias, stride, padding).float()


@misconception(
    "conv3d",
    "You accept a negative padding and cut the volume. Raise a ValueError that names the padding instead.",
)
def negative_padding_shrinks(x, weight, bias=None, stride=1, padding=0):
    d, v, h = _many(padding, 3)
    if min(d, v, h) < 0:
        x, padding = F.pad(x, (h, h, v, v, d, d)), 0
    return ref.conv3d(x, weight, bias, stride, padding)


@misconception(
    "conv3d",
    "You let a weight of one channel stand for all channels of x: broadcasting did that without a word. Compare "
    "`weight.shape[1]` with `x.shape[1]`, and raise a ValueError where they differ.",
)
def channel_broadcast(x, weight, bias=None, stride=1, padding=0):
    if weight.shape[1] == 1:
        weight = weight.expand(-1, x.shape[1], -1, -1, -1)
    return ref.conv3d(x, weight, bias, stride, padding)


# Conv2d


@misconception(
    "Conv2d",
    "You pad with zeros whatever padding_mode says. For another mode, pad with `pad2d` first and then convolve without "
    "padding instead.",
)
class PaddingModeIgnored(ref.Conv2d):
    def forward(self, x):
        super().forward(x)
        x = ref._padded(x, self.borders, "zeros")
        return ref.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


@misconception(
    "Conv2d",
    "You padded twice: once by padding_mode, and once more with zeros in the convolution. Give the convolution padding "
    "0 where you have padded already.",
)
class PaddedTwice(ref.Conv2d):
    def forward(self, x):
        if self.padding_mode != "zeros":
            x = ref._padded(x, self.borders, self.padding_mode)
            x = ref._padded(x, self.borders, "zeros")
            return ref.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return super().forward(x)


@misconception(
    "Conv2d",
    "In the padding modes other than zeros you swapped the pair: the first padding is for rows, the second for "
    "columns. `F.pad` wants (left, right, top, bottom).",
)
class ModePairSwapped(ref.Conv2d):
    def forward(self, x):
        right = super().forward(x)
        if self.padding_mode == "zeros":
            return right
        x = ref._padded(x, self.borders[::-1], self.padding_mode)
        return ref.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


@misconception(
    "Conv2d",
    'With padding="same" you forget padding_mode and pad with zeros. Work out the rows and columns that are missing, '
    "and fill them by padding_mode instead.",
)
class SameWithZerosAlways(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "same" in (kwargs.get("padding"), *args[4:5]):
            self.padding_mode = "zeros"


@misconception(
    "Conv2d",
    'With padding="same" in a mode other than zeros you add the odd row above and the odd column at the left. They '
    "belong below and at the right: `total // 2` before, the rest after.",
)
class SameExtraAtTheStart(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.padding_mode != "zeros":
            self.borders = [(after, before) for before, after in self.borders]


@misconception(
    "Conv2d",
    "You make a bias even where bias=False asks for none, so the layer learns what it should not, and its state_dict "
    'fits no other. Use `self.register_parameter("bias", None)` there instead.',
)
class BiasAlways(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        arguments = dict(zip(("stride", "padding", "dilation", "groups", "bias"), args[3:8], strict=False))
        super().__init__(*args[:3], **{**arguments, **kwargs, "bias": True})


@misconception(
    "Conv2d",
    "You have a bias but never add it. Pass `self.bias` on to the convolution in forward.",
)
class BiasNotAdded(ref.Conv2d):
    def forward(self, x):
        right = super().forward(x)
        return right if self.bias is None else right - self.bias.detach()[:, None, None]


@misconception(
    "Conv2d",
    "Your layer knows its dilation but does not pass it on to the convolution. Pass every setting on in forward.",
)
class DilationNotPassedOn(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.dilation = (1, 1)


@misconception(
    "Conv2d",
    "You used the first number of kernel_size for both directions. Make the weight "
    "(out_channels, in_channels // groups, kH, kW) instead.",
)
class SquareKernel(ref.Conv2d):
    def __init__(self, in_channels, out_channels, kernel_size, *args, **kwargs):
        super().__init__(in_channels, out_channels, _many(kernel_size)[0], *args, **kwargs)


@misconception(
    "Conv2d",
    "You swapped kernel_size: the first number is the height of the kernel, the second its width. Make the weight "
    "(out_channels, in_channels // groups, kH, kW) instead.",
)
class KernelSwapped(ref.Conv2d):
    def __init__(self, in_channels, out_channels, kernel_size, *args, **kwargs):
        super().__init__(in_channels, out_channels, _many(kernel_size)[::-1], *args, **kwargs)


@misconception(
    "Conv2d",
    "Your weight is as deep as the whole input whatever groups is. A filter sees the channels of its own group alone: "
    "make it in_channels // groups deep instead.",
)
class GroupsNotInTheShape(ref.Conv2d):
    def __init__(self, in_channels, *args, **kwargs):
        super().__init__(in_channels, *args, **kwargs)
        out_channels, _, *kernel = self.weight.shape
        full = self.weight.new_empty(out_channels, in_channels, *kernel)
        self.weight = nn.Parameter(full.uniform_(-1, 1) / math.sqrt(self.weight[0].numel()))


@misconception(
    "Conv2d",
    "Your weight is a plain tensor: it is not in the state_dict, and no optimizer finds it. Wrap it in `nn.Parameter` "
    "instead.",
)
class WeightNoParameter(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        weight = self.weight.detach()
        del self.weight
        self.weight = weight


@misconception(
    "Conv2d",
    "You compute with `self.weight.data` (or detach it), so no gradient arrives and the layer never learns. Use "
    "`self.weight` itself instead.",
)
class WeightData(ref.Conv2d):
    def forward(self, x):
        x = ref._padded(x, self.borders, self.padding_mode)
        return ref.conv2d(x, self.weight.data, self.bias, self.stride, 0, self.dilation, self.groups)


def _start(layer, fill_weight, fill_bias):
    """Write other initial values into a layer."""
    with torch.no_grad():
        fill_weight(layer.weight)
        if layer.bias is not None:
            fill_bias(layer.bias)


def _within(bound):
    return lambda tensor: tensor.uniform_(-bound, bound)


@misconception(
    "Conv2d",
    "You drew the initial values from a normal distribution. nn.Conv2d draws them evenly between -1/√fan_in and "
    "1/√fan_in: use `uniform_` instead.",
)
class NormalStart(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        spread = self.weight[0].numel() ** -0.5
        _start(self, lambda w: w.normal_(0, spread), lambda b: b.normal_(0, spread))


@misconception(
    "Conv2d",
    "You drew the initial values from 0 to 1/√fan_in, so none is negative. Draw them from -1/√fan_in on instead.",
)
class PositiveStart(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _start(self, lambda w: w.abs_(), lambda b: b.abs_())


@misconception(
    "Conv2d",
    "You counted all input channels into fan_in, also with groups. An output sees the channels of its own group alone: "
    "fan_in is in_channels // groups · kH · kW.",
)
class FanInWithoutGroups(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        fill = _within((self.weight[0].numel() * self.groups) ** -0.5)
        _start(self, fill, fill)


@misconception(
    "Conv2d",
    "You left the kernel out of fan_in. Count every input that one output sees: in_channels // groups · kH · kW.",
)
class FanInWithoutKernel(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        fill = _within(self.weight.shape[1] ** -0.5)
        _start(self, fill, fill)


@misconception(
    "Conv2d",
    "You began with Xavier's bounds, which count the outputs too. nn.Conv2d uses ±1/√fan_in: "
    "`nn.init.uniform_(weight, -bound, bound)` with bound = 1/√fan_in.",
)
class XavierStart(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _start(self, nn.init.xavier_uniform_, lambda b: b)


@misconception(
    "Conv2d",
    "Your bias begins at zero. nn.Conv2d draws it from ±1/√fan_in, like the weight: do the same instead.",
)
class BiasStartsAtZero(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _start(self, lambda w: w, lambda b: b.zero_())


@misconception(
    "Conv2d",
    "You set a seed in the layer, so all your layers begin with the same numbers, and so does everything after them. "
    "Leave the seed to whoever runs the program.",
)
class SeededStart(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            super().__init__(*args, **kwargs)


@misconception(
    "Conv2d",
    "You ignore dtype: the parameters are float32 whatever was asked for. Pass `dtype=dtype` where you make them.",
)
class DtypeIgnored(ref.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.float()


@misconception(
    "Conv2d",
    "You ignore device: the parameters are made on the CPU. Pass `device=device` where you make them.",
)
class DeviceIgnored(ref.Conv2d):
    def __init__(self, *args, device=None, **kwargs):
        super().__init__(*args, **kwargs)


@misconception(
    "Conv2d",
    "You take an unknown padding_mode for zeros, so that a typing error passes unseen. Raise a ValueError that names "
    "padding_mode instead.",
)
class UnknownModeAccepted(ref.Conv2d):
    def __init__(self, *args, padding_mode="zeros", **kwargs):
        known = padding_mode in ("zeros", "reflect", "replicate", "circular")
        super().__init__(*args, padding_mode=padding_mode if known else "zeros", **kwargs)


@misconception(
    "Conv2d",
    "You round down where groups does not divide the channels, so that filters or channels are silently lost. Raise a "
    "ValueError that names groups instead.",
)
class GroupsRoundedDown(ref.Conv2d):
    def __init__(self, in_channels, out_channels, kernel_size, *args, groups=1, **kwargs):
        ins, outs = (max(1, channels // groups) * groups for channels in (in_channels, out_channels))
        super().__init__(ins, outs, kernel_size, *args, groups=groups, **kwargs)

    def forward(self, x):
        return super().forward(x[:, : self.weight.shape[1] * self.groups])
