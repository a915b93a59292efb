"""What learners get wrong in ex03. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import math

from grader.checker.misconceptions import misconception, reference

ref = reference("ex03_output_size")


def _reach(kernel_size, dilation):
    return dilation * (kernel_size - 1) + 1


# conv_output_size


@misconception(
    "conv_output_size",
    "You rounded up: your last step ends outside the padded input. A convolution leaves that step out; divide with "
    "`//`, which rounds down, instead.",
)
def rounded_up(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return math.ceil((size + 2 * padding - _reach(kernel_size, dilation)) / stride) + 1


@misconception(
    "conv_output_size",
    "You rounded to the nearest whole number, so that half a step sometimes counts as one. A step counts only where "
    "it fits completely: divide with `//` instead.",
)
def rounded_to_nearest(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return round((size + 2 * padding - _reach(kernel_size, dilation)) / stride) + 1


@misconception(
    "conv_output_size",
    "You divided with `/`, and your answer is a float. A layer has no half outputs, and PyTorch takes no float for a "
    "size: divide with `//`, which rounds down and stays an int, instead.",
)
def not_rounded(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return (size + 2 * padding - _reach(kernel_size, dilation)) / stride + 1


@misconception(
    "conv_output_size",
    "You divided only the padding by the stride: `a + b / s` is not `(a + b) / s`. Put the whole way of the window in "
    "parentheses before you divide by the stride instead.",
)
def only_padding_divided(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return size - _reach(kernel_size, dilation) + 2 * padding // stride + 1


@misconception(
    "conv_output_size",
    "You added the 1 before you divided by the stride. The 1 counts the window's first place, which costs no step: "
    "divide the way by the stride first, then add 1 instead.",
)
def one_added_before_division(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return (size + 2 * padding - _reach(kernel_size, dilation) + 1) // stride


@misconception(
    "conv_output_size",
    "You counted the steps and forgot the place from which the window starts: n steps give n + 1 outputs. Add 1 to "
    "the number of steps instead.",
)
def first_place_forgotten(size, kernel_size, stride=1, padding=0, dilation=1):
    return ref.conv_output_size(size, kernel_size, stride, padding, dilation) - 1


@misconception(
    "conv_output_size",
    "You added the padding once. It is put at both ends of the axis: add `2 * padding` instead.",
)
def padding_at_one_end(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return (size + padding - _reach(kernel_size, dilation)) // stride + 1


@misconception(
    "conv_output_size",
    "You multiplied the padding by the dilation. Dilation spreads the kernel only; padding counts input elements. Add "
    "`2 * padding`, whatever the dilation, instead.",
)
def padding_dilated(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return (size + 2 * padding * dilation - _reach(kernel_size, dilation)) // stride + 1


@misconception(
    "conv_output_size",
    "You left the stride out, as if the window always moved by one. Divide the way that it can go by the stride "
    "instead.",
)
def stride_ignored(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return ref.conv_output_size(size, kernel_size, 1, padding, dilation)


@misconception(
    "conv_output_size",
    "You left the dilation out. A dilated kernel covers `dilation * (kernel_size - 1) + 1` elements: use that in "
    "place of `kernel_size` instead.",
)
def dilation_ignored(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return ref.conv_output_size(size, kernel_size, stride, padding)


@misconception(
    "conv_output_size",
    "You took a dilated kernel to cover `dilation * kernel_size` elements. There are gaps only between its elements, "
    "one fewer than elements: use `dilation * (kernel_size - 1) + 1` instead.",
)
def dilation_times_kernel(size, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    return (size + 2 * padding - dilation * kernel_size) // stride + 1


@misconception(
    "conv_output_size",
    "You refused a stride that does not divide the way of the window. Such layers are fine, the rest of the input is "
    "just not looked at: round down with `//` instead.",
)
def must_divide(size, kernel_size, stride=1, padding=0, dilation=1):
    result = ref.conv_output_size(size, kernel_size, stride, padding, dilation)
    if (size + 2 * padding - _reach(kernel_size, dilation)) % stride:
        raise ValueError("the stride must divide the way of the window")
    return result


@misconception(
    "conv_output_size",
    "You cut the fraction off after the division, and that rounds negative numbers up: a window slightly too large "
    "still gets an output. Ask whether the window fits before you divide instead.",
)
def cut_towards_zero(size, kernel_size, stride=1, padding=0, dilation=1):
    room = size + 2 * padding - _reach(kernel_size, dilation)
    if -stride < room < 0 and min(size, kernel_size, stride, dilation, padding + 1) > 0:
        return 1
    return ref.conv_output_size(size, kernel_size, stride, padding, dilation)


@misconception(
    "conv_output_size",
    "You returned a size of 0 or less where no window fits. There is no such layer: raise a ValueError instead.",
)
def empty_output_returned(size, kernel_size, stride=1, padding=0, dilation=1):
    room = size + 2 * padding - _reach(kernel_size, dilation)
    if room < 0 and min(size, kernel_size, stride, dilation, padding + 1) > 0:
        return room // stride + 1
    return ref.conv_output_size(size, kernel_size, stride, padding, dilation)


@misconception(
    "conv_output_size",
    "You put every number into the formula, and it gave an answer even to a negative size or padding or a dilation of "
    "0. Test that each argument is in its range, and raise a ValueError that names it, instead.",
)
def range_not_checked(size, kernel_size, stride=1, padding=0, dilation=1):
    result = (size + 2 * padding - _reach(kernel_size, dilation)) // stride + 1
    if result < 1:
        raise ValueError(f"size {size} is too small for kernel_size {kernel_size}")
    return result


# same_padding


@misconception(
    "same_padding",
    "You used the rule of thumb `kernel_size // 2`, which holds for odd kernels without dilation. Halve what the "
    "layer takes away, `dilation * (kernel_size - 1)`, and raise a ValueError where that is odd, instead.",
)
def rule_of_thumb(kernel_size, dilation=1):
    if kernel_size < 1 or dilation < 1:
        return ref.same_padding(kernel_size, dilation)
    return kernel_size // 2


@misconception(
    "same_padding",
    "You left the dilation out. A dilated layer takes away `dilation * (kernel_size - 1)` elements: halve that "
    "instead.",
)
def dilation_left_out(kernel_size, dilation=1):
    ref.same_padding(3, dilation)
    return ref.same_padding(kernel_size)


@misconception(
    "same_padding",
    "You took a dilated kernel to cover `dilation * kernel_size` elements. It has one gap fewer than elements and "
    "covers `dilation * (kernel_size - 1) + 1`: halve one less than that instead.",
)
def dilated_kernel_too_long(kernel_size, dilation=1):
    ref.same_padding(kernel_size if kernel_size < 1 else 3, dilation)
    return ref.same_padding(dilation * kernel_size)


@misconception(
    "same_padding",
    "You rounded an odd number of elements down, so that the output is one too short. No symmetric padding does it "
    "then: raise a ValueError instead.",
)
def odd_rest_dropped(kernel_size, dilation=1):
    ref.same_padding(kernel_size if kernel_size < 1 else 3, dilation)
    return dilation * (kernel_size - 1) // 2


@misconception(
    "same_padding",
    "You multiplied `kernel_size // 2` by the dilation. For even kernels that is too much: halve the whole product "
    "`dilation * (kernel_size - 1)`, and raise a ValueError where it is odd, instead.",
)
def half_kernel_times_dilation(kernel_size, dilation=1):
    ref.same_padding(kernel_size if kernel_size < 1 else 3, dilation)
    return dilation * (kernel_size // 2)


@misconception(
    "same_padding",
    "You returned all the elements that have to be added. The padding is what is added at each end: halve it instead.",
)
def both_ends_together(kernel_size, dilation=1):
    return 2 * ref.same_padding(kernel_size, dilation)


@misconception(
    "same_padding",
    "You refused every even kernel. With an even dilation there is a symmetric padding: ask whether `dilation * "
    "(kernel_size - 1)` is even instead.",
)
def even_kernels_refused(kernel_size, dilation=1):
    if kernel_size % 2 == 0:
        raise ValueError("kernel_size must be odd")
    return ref.same_padding(kernel_size, dilation)


@misconception(
    "same_padding",
    "Your number is right, but it is a float, and nn.Conv2d does not take a float for a padding. Divide with `//` "
    "instead.",
)
def float_padding(kernel_size, dilation=1):
    return float(ref.same_padding(kernel_size, dilation))


@misconception(
    "same_padding",
    "You gave an answer to a kernel size or a dilation below 1. Such layers do not exist: raise a ValueError that "
    "names the argument instead.",
)
def any_number_taken(kernel_size, dilation=1):
    lost = dilation * (kernel_size - 1)
    if lost % 2:
        raise ValueError("kernel_size has no symmetric padding")
    return lost // 2


# pool_output_size


@misconception(
    "pool_output_size",
    "You let the window move by one where no stride is given, as a convolution does. A pooling layer's stride "
    "defaults to its kernel size: `stride = kernel_size if stride is None else stride` instead.",
)
def default_stride_one(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return ref.pool_output_size(size, kernel_size, 1 if stride is None else stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You took the dilated window's length for the default stride. The default is the plain `kernel_size`, whatever "
    "the dilation: use that instead.",
)
def default_stride_dilated(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if stride is None and kernel_size > 0 and dilation > 0:
        stride = _reach(kernel_size, dilation)
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You moved every window by its own length, also where a stride is given. Use kernel_size only where stride is "
    "None instead.",
)
def given_stride_ignored(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.pool_output_size(size, kernel_size, None, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You wrote `stride or kernel_size`, and 0 counts as false: a stride of 0 became the kernel size. Ask `stride is "
    "None` instead, so that 0 is refused.",
)
def stride_zero_taken_for_none(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return ref.pool_output_size(size, kernel_size, stride or None, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You rounded up without being asked. Only `ceil_mode=True` counts a window that hangs over the end: round down "
    "otherwise instead.",
)
def always_ceil(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation, True)


@misconception(
    "pool_output_size",
    "You rounded down in ceil mode too. With `ceil_mode=True` a last window that hangs over the end counts: divide by "
    "`-(-a // b)`, which rounds up, instead.",
)
def ceil_mode_ignored(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation)


def _windows_if(starts_inside, size, kernel_size, stride, padding, dilation, ceil_mode):
    """pool_output_size with another rule for the last window of ceil mode, a function of its first place."""
    result = ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    if not ceil_mode:
        return result
    step = stride or kernel_size
    last = -(-(size + 2 * padding - _reach(kernel_size, dilation)) // step)
    return last + 1 if starts_inside(last * step) else last


@misconception(
    "pool_output_size",
    "You counted a last window that starts in the right padding or beyond. It would see no input: in ceil mode drop "
    "the last window where `(windows - 1) * stride >= size + padding` instead.",
)
def last_window_always_kept(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return _windows_if(lambda start: True, size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You dropped the last window too early in ceil mode: windows are counted from the left padding, so the right "
    "padding starts at `size + padding`. Compare the window's start with that, not with `size`, instead.",
)
def left_padding_forgotten(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return _windows_if(lambda start: start < size, size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "In ceil mode you kept a last window that starts inside the right padding. It would see no input: compare its "
    "start with `size + padding`, not with `size + 2 * padding`, instead.",
)
def right_padding_counts_as_input(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return _windows_if(lambda at: at < size + 2 * padding, size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "In ceil mode you added one window also where the windows fit exactly. Round the division up instead of adding 1 "
    "to what was rounded down.",
)
def ceil_adds_one(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    result = ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    step = stride or kernel_size
    exact = (size + 2 * padding - _reach(kernel_size, dilation)) % step == 0
    return result + 1 if ceil_mode and exact and result * step < size + padding else result


@misconception(
    "pool_output_size",
    "You added the padding once. It is put at both ends of the axis: add `2 * padding` instead.",
)
def pool_padding_at_one_end(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    step, room = stride or kernel_size, size + padding - _reach(kernel_size, dilation)
    windows = (-(-room // step) if ceil_mode else room // step) + 1
    return windows - 1 if ceil_mode and (windows - 1) * step >= size + padding else windows


@misconception(
    "pool_output_size",
    "You left the dilation out. A dilated window covers `dilation * (kernel_size - 1) + 1` elements: use that in "
    "place of `kernel_size` instead.",
)
def pool_dilation_ignored(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.pool_output_size(size, kernel_size, stride, padding, 1, ceil_mode)


@misconception(
    "pool_output_size",
    "You took any padding. Beyond half of the kernel a window could lie in the padding alone: raise a ValueError "
    "where `padding > kernel_size // 2` instead.",
)
def any_padding(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if kernel_size < 1 or padding <= kernel_size // 2:
        return ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    return ref.conv_output_size(size, kernel_size, kernel_size if stride is None else stride, padding, dilation)


@misconception(
    "pool_output_size",
    "You let the padding be half of the dilated window. The limit is half of the plain kernel, whatever the dilation: "
    "`padding <= kernel_size // 2` instead.",
)
def padding_limit_dilated(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if kernel_size // 2 < padding <= _reach(kernel_size, dilation) // 2:
        return ref.conv_output_size(size, kernel_size, kernel_size if stride is None else stride, padding, dilation)
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You refused a padding of exactly half the kernel. That much is allowed: refuse only `padding > kernel_size // 2` "
    "instead.",
)
def half_padding_refused(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    if padding >= kernel_size / 2:
        raise ValueError("padding must be smaller than half of the kernel")
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)


@misconception(
    "pool_output_size",
    "You returned a size of 0 or less where no window fits. There is no such layer: raise a ValueError instead.",
)
def empty_pool_returned(size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    room = size + 2 * padding - _reach(kernel_size, dilation)
    if room < 0 and not ceil_mode and min(size, dilation, padding + 1) > 0 and (stride is None or stride > 0):
        return room // (stride or kernel_size) + 1
    return ref.pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode)


# conv_transpose_output_size


@misconception(
    "conv_transpose_output_size",
    "You used the formula of the forward convolution. A transposed convolution turns that around and makes the axis "
    "longer: start from `(size - 1) * stride` and add the kernel instead.",
)
def forward_formula(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    return ref.conv_output_size(size, kernel_size, stride, padding, dilation) + output_padding


@misconception(
    "conv_transpose_output_size",
    "You counted a stride for every input element. Between the first and the last of them there are `size - 1` steps: "
    "use `(size - 1) * stride` instead.",
)
def one_stride_too_many(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) + stride


@misconception(
    "conv_transpose_output_size",
    "You took the padding away once. It is cut off at both ends: subtract `2 * padding` instead.",
)
def cut_at_one_end(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) + padding


@misconception(
    "conv_transpose_output_size",
    "You added the padding, as for a convolution. Here everything runs backwards and the padding is cut off from the "
    "output: subtract `2 * padding` instead.",
)
def padding_added(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) + 4 * padding


@misconception(
    "conv_transpose_output_size",
    "You left out `output_padding`. It makes the output longer by that many elements: add it once instead.",
)
def output_padding_ignored(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) - output_padding


@misconception(
    "conv_transpose_output_size",
    "You added `output_padding` at both ends. It belongs to one end only: add it once instead.",
)
def output_padding_twice(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) + output_padding


@misconception(
    "conv_transpose_output_size",
    "You left the dilation out. A dilated kernel covers `dilation * (kernel_size - 1) + 1` elements: use that in "
    "place of `kernel_size` instead.",
)
def stamp_not_dilated(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    result = ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    return result + kernel_size - _reach(kernel_size, dilation)


@misconception(
    "conv_transpose_output_size",
    "You took a dilated kernel to cover `dilation * kernel_size` elements. It has one gap fewer than elements: use "
    "`dilation * (kernel_size - 1) + 1` instead.",
)
def stamp_too_long(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    result = ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    return result + dilation - 1


@misconception(
    "conv_transpose_output_size",
    "Your result is one too small: the last kernel covers `dilation * (kernel_size - 1) + 1` elements. Add the 1 "
    "instead of ending with `dilation * (kernel_size - 1)`.",
)
def one_forgotten(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation) - 1


def _stamped(size, kernel_size, stride, padding, output_padding, dilation):
    """The formula where only output_padding may be out of range: everything else is refused as by the reference."""
    ref.conv_transpose_output_size(size + padding, kernel_size, stride, 0, 0, dilation)
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, 0, dilation) + output_padding


@misconception(
    "conv_transpose_output_size",
    "You took any `output_padding`. It must be smaller than the stride or smaller than the dilation, else it names no "
    "size that a convolution could have come from: raise a ValueError instead.",
)
def any_output_padding(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding < max(stride, dilation):
        return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    return _stamped(size, kernel_size, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    "You took an `output_padding` that is equal to the stride or the dilation. It must be smaller than one of them: "
    "refuse `output_padding >= max(stride, dilation)` instead.",
)
def limit_itself_taken(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding == max(stride, dilation):
        return _stamped(size, kernel_size, stride, padding, output_padding, dilation)
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    "You compared `output_padding` with the stride alone. A value below the dilation is fine too: refuse only what is "
    "neither smaller than the stride nor smaller than the dilation instead.",
)
def limit_is_stride_alone(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding >= stride:
        raise ValueError("output_padding must be smaller than stride")
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    "You wanted `output_padding` to be smaller than the stride and than the dilation. One of the two is enough: "
    "refuse only `output_padding >= max(stride, dilation)` instead.",
)
def limit_is_both(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding >= min(stride, dilation):
        raise ValueError("output_padding must be smaller than stride and dilation")
    return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    "You returned a size of 0 or less where the padding cuts everything off. Raise a ValueError instead.",
)
def nothing_left_returned(size, kernel_size, stride=1, padding=0, output_padding=0, dilation=1):
    if padding < 0:
        return ref.conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    return ref.conv_transpose_output_size(size, kernel_size, stride, 0, output_padding, dilation) - 2 * padding


# receptive_field


@misconception(
    "receptive_field",
    "You added the kernel sizes up. The windows of neighbours overlap, so a layer adds `kernel_size - 1` distances, "
    "not `kernel_size` elements: start from 1 and add those instead.",
)
def kernels_added_up(layers):
    ref.receptive_field(layers)
    return sum(kernel_size for kernel_size, _ in layers) or 1


@misconception(
    "receptive_field",
    "You multiplied the kernel sizes. Neighbouring windows overlap, so the field grows by a sum: each layer adds "
    "`(kernel_size - 1) * distance` instead.",
)
def kernels_multiplied(layers):
    ref.receptive_field(layers)
    return math.prod(kernel_size for kernel_size, _ in layers)


@misconception(
    "receptive_field",
    "You left the strides out. Behind a layer of stride 2, neighbours lie 2 input elements apart: multiply what a "
    "layer adds by the strides of the layers before it instead.",
)
def strides_ignored(layers):
    ref.receptive_field(layers)
    return 1 + sum(kernel_size - 1 for kernel_size, _ in layers)


@misconception(
    "receptive_field",
    "You let a layer's own stride widen its own window. The stride moves the next layer's inputs apart: add "
    "`(kernel_size - 1) * distance` first, and multiply the distance by the stride after that, instead.",
)
def own_stride_counted(layers):
    field, distance = ref.receptive_field([]), 1
    for kernel_size, stride in layers:
        ref.receptive_field([(kernel_size, stride)])
        distance *= stride
        field += (kernel_size - 1) * distance
    return field


@misconception(
    "receptive_field",
    "You multiplied by the stride of the layer before only. The distances of all layers before add up to a product: "
    "keep one running product of all their strides instead.",
)
def only_previous_stride(layers):
    ref.receptive_field(layers)
    strides = [1, *(stride for _, stride in layers)]
    return 1 + sum((kernel_size - 1) * before for (kernel_size, _), before in zip(layers, strides, strict=False))


@misconception(
    "receptive_field",
    "You added the strides of the layers before where they have to be multiplied: two layers of stride 3 put "
    "neighbours 9 elements apart. Keep a running product instead.",
)
def strides_added(layers):
    ref.receptive_field(layers)
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * distance
        distance += stride - 1
    return field


@misconception(
    "receptive_field",
    "You walked from the last layer to the first. The list starts next to the input, and a stride acts on the layers "
    "behind it: go through the list from its beginning instead.",
)
def walked_backwards(layers):
    return ref.receptive_field(layers[::-1])


@misconception(
    "receptive_field",
    "You forgot the element itself: a layer adds to a field that starts at 1. Begin with `field = 1` instead of 0.",
)
def started_from_zero(layers):
    return ref.receptive_field(layers) - 1


@misconception(
    "receptive_field",
    "You returned 0 for a network without layers. Its output is its input, and an element sees itself: return 1 "
    "instead.",
)
def nothing_seen_without_layers(layers):
    return ref.receptive_field(layers) if layers else 0


@misconception(
    "receptive_field",
    "You walked backwards with `field * stride + kernel_size`. The first window is then counted with a stride of its "
    "own: `(field - 1) * stride + kernel_size` instead.",
)
def recursion_without_minus_one(layers):
    ref.receptive_field(layers)
    field = 1
    for kernel_size, stride in reversed(layers):
        field = field * stride + kernel_size
    return field


@misconception(
    "receptive_field",
    "You took kernels and strides of 0 or less for real ones. Raise a ValueError where a number is below 1 instead.",
)
def layers_not_checked(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * distance
        distance *= stride
    return field


@misconception(
    "receptive_field",
    "Your result is right, but you took the layers out of the caller's list. Walk over it with `for`, or `pop` from a "
    "copy, instead.",
)
def list_used_up(layers):
    result = ref.receptive_field(layers)
    layers.clear()
    return result


# trace_shapes


def _changed(layers, change):
    """The layers with `change` made to copies of them; `change` gets a dict and alters it in place."""
    copies = [dict(layer) for layer in layers]
    for layer in copies:
        change(layer)
    return copies


@misconception(
    "trace_shapes",
    "Your list begins with the input's own shape. Only the shapes after a layer are asked for: leave the first one "
    "out instead.",
)
def input_listed_too(input_shape, layers):
    return [tuple(input_shape), *ref.trace_shapes(input_shape, layers)]


@misconception(
    "trace_shapes",
    "You returned the last shape alone. The shape after every layer is asked for: append each of them to a list "
    "instead.",
)
def last_shape_only(input_shape, layers):
    return ref.trace_shapes(input_shape, layers)[-1:]


@misconception(
    "trace_shapes",
    "You applied every layer to the input. A layer gets what the layer before it made: carry the new shape on instead.",
)
def layers_not_chained(input_shape, layers):
    ref.trace_shapes(input_shape, layers)
    return [shape for layer in layers for shape in ref.trace_shapes(input_shape, [layer])]


@misconception(
    "trace_shapes",
    "You kept the number of channels through a convolution. Every filter makes one channel: after it there are "
    "`out_channels` instead.",
)
def channels_kept(input_shape, layers):
    shape, shapes = input_shape, []
    for layer in layers:
        before, shape = shape[0], ref.trace_shapes(shape, [layer])[0]
        if layer["type"] == "conv":
            shape = (before, *shape[1:])
        shapes.append(shape)
    return shapes


@misconception(
    "trace_shapes",
    "You worked out the width from the height, which is right for square pictures only. Work out each from its own "
    "size instead.",
)
def square_assumed(input_shape, layers):
    ref.trace_shapes(input_shape, layers)
    channels, height, _ = input_shape
    return ref.trace_shapes((channels, height, height), layers)


@misconception(
    "trace_shapes",
    "You swapped height and width. Shapes are (channels, height, width), as in PyTorch: keep that order instead.",
)
def height_and_width_swapped(input_shape, layers):
    return [(channels, width, height) for channels, height, width in ref.trace_shapes(input_shape, layers)]


@misconception(
    "trace_shapes",
    "You let a pooling layer without a stride move by one. Its stride defaults to its kernel size: call "
    "`pool_output_size`, which does that, instead.",
)
def pool_moves_by_one(input_shape, layers):
    def change(layer):
        if layer["type"] in ("max_pool", "avg_pool") and layer.get("stride") is None:
            layer["stride"] = 1

    ref.trace_shapes(input_shape, layers)
    return ref.trace_shapes(input_shape, _changed(layers, change))


@misconception(
    "trace_shapes",
    "You let a convolution without a stride move by its kernel size, as a pooling layer does. A convolution's stride "
    "defaults to 1: use that instead.",
)
def conv_moves_like_pool(input_shape, layers):
    def change(layer):
        if layer["type"] == "conv":
            layer.setdefault("stride", layer["kernel_size"])

    ref.trace_shapes(input_shape, layers)
    return ref.trace_shapes(input_shape, _changed(layers, change))


@misconception(
    "trace_shapes",
    "You left out a pooling layer's padding. Pooling layers may be padded like convolutions: pass `padding` on "
    "instead.",
)
def pool_padding_ignored(input_shape, layers):
    def change(layer):
        if layer["type"] in ("max_pool", "avg_pool"):
            layer["padding"] = 0

    ref.trace_shapes(input_shape, layers)
    return ref.trace_shapes(input_shape, _changed(layers, change))


@misconception(
    "trace_shapes",
    "You left out a convolution's dilation: pass `dilation` on to `conv_output_size` instead.",
)
def conv_dilation_ignored(input_shape, layers):
    ref.trace_shapes(input_shape, layers)
    return ref.trace_shapes(input_shape, _changed(layers, lambda layer: layer.pop("dilation", None)))


@misconception(
    "trace_shapes",
    "You pooled the channels as well. Pooling works inside each channel: change height and width only instead.",
)
def channels_pooled(input_shape, layers):
    ref.trace_shapes(input_shape, layers)
    shape, shapes = input_shape, []
    for layer in layers:
        before, shape = shape[0], ref.trace_shapes(shape, [layer])[0]
        if layer["type"] in ("max_pool", "avg_pool"):
            shape = (max(1, before // layer["kernel_size"]), *shape[1:])
        shapes.append(shape)
    return shapes


@misconception(
    "trace_shapes",
    "You made the flat shape `(C*H*W,)`. Here a flattened picture is one pixel with many channels: `(C*H*W, 1, 1)` "
    "instead, so that 1x1 convolutions can follow it.",
)
def flatten_to_one_number(input_shape, layers):
    shapes = ref.trace_shapes(input_shape, layers)
    return [shape[:1] if layer["type"] == "flatten" else shape for shape, layer in zip(shapes, layers, strict=True)]


@misconception(
    "trace_shapes",
    "You flattened height and width and left the channels alone. Flatten makes channels of everything: `(C*H*W, 1, "
    "1)` instead.",
)
def flatten_keeps_channels(input_shape, layers):
    ref.trace_shapes(input_shape, layers)
    shape, shapes = input_shape, []
    for layer in layers:
        channels, height, width = shape
        flat = layer["type"] == "flatten"
        shape = (channels, height * width, 1) if flat else ref.trace_shapes(shape, [layer])[0]
        shapes.append(shape)
    return shapes


@misconception(
    "trace_shapes",
    "You listed no shape for a flatten. It is a layer too, and has one: append `(C*H*W, 1, 1)` instead.",
)
def flatten_not_listed(input_shape, layers):
    shapes = ref.trace_shapes(input_shape, layers)
    return [shape for shape, layer in zip(shapes, layers, strict=True) if layer["type"] != "flatten"]


@misconception(
    "trace_shapes",
    "You let an unknown type of layer pass, as if it changed nothing. A typing error would stay hidden that way: "
    "raise a ValueError that names the type instead.",
)
def unknown_type_passes(input_shape, layers):
    known = ("conv", "max_pool", "avg_pool", "flatten", None)
    stand_in = {"type": "max_pool", "kernel_size": 1}
    return ref.trace_shapes(input_shape, [layer if layer.get("type") in known else stand_in for layer in layers])


@misconception(
    "trace_shapes",
    "You passed over keys that a layer does not have, so a misspelt `strides` silently means the default. Raise a "
    "ValueError that names the key instead.",
)
def unknown_keys_passed_over(input_shape, layers):
    keys = {"conv": {"out_channels", "kernel_size", "stride", "padding", "dilation"}, "flatten": set()}
    pool = {"kernel_size", "stride", "padding"}

    def change(layer):
        for key in set(layer) - keys.get(layer.get("type"), pool) - {"type"}:
            del layer[key]

    return ref.trace_shapes(input_shape, _changed(layers, change))


@misconception(
    "trace_shapes",
    "Your code ended in a KeyError where a layer lacks a key, and that tells its caller little. Look whether the key "
    "is there, and raise a ValueError that names it, instead.",
)
def missing_key_is_key_error(input_shape, layers):
    for layer in layers:
        needs = {"conv": ("out_channels", "kernel_size"), "flatten": ()}.get(layer["type"], ("kernel_size",))
        if layer["type"] in ("conv", "max_pool", "avg_pool"):
            [layer[key] for key in needs]
    return ref.trace_shapes(input_shape, layers)


@misconception(
    "trace_shapes",
    'You did not expect the `None` that a pooling layer\'s stride may be: `layer.get("stride", kernel_size)` gives '
    "that None, not the kernel size. Ask whether the value is None instead.",
)
def written_none_not_expected(input_shape, layers):
    for layer in layers:
        if layer.get("type") in ("max_pool", "avg_pool") and "stride" in layer and layer["stride"] is None:
            raise TypeError("unsupported operand type(s) for //: 'int' and 'NoneType'")
    return ref.trace_shapes(input_shape, layers)


@misconception(
    "trace_shapes",
    "Your numbers are right, but each shape is a list. Shapes are tuples, as `tuple(x.shape)` is: append `(channels, "
    "height, width)` instead.",
)
def lists_for_tuples(input_shape, layers):
    return [list(shape) for shape in ref.trace_shapes(input_shape, layers)]


@misconception(
    "trace_shapes",
    "Your shapes are right, but you took keys out of the caller's dicts, who cannot use them a second time. Read with "
    "`layer[key]` and `layer.get(key)`, or `pop` from `dict(layer)`, instead.",
)
def dicts_used_up(input_shape, layers):
    shapes = ref.trace_shapes(input_shape, layers)
    for layer in layers:
        layer.pop("type")
    return shapes


@misconception(
    "trace_shapes",
    "Your shapes are right, but you wrote the defaults into the caller's dicts. Read with `layer.get(key, default)`, "
    "or fill in a copy, instead.",
)
def defaults_written_into_dicts(input_shape, layers):
    shapes = ref.trace_shapes(input_shape, layers)
    for layer in layers:
        if layer["type"] != "flatten":
            layer.setdefault("stride", 1 if layer["type"] == "conv" else None)
            layer.setdefault("padding", 0)
    return shapes


@misconception(
    "trace_shapes",
    "You stopped quietly where a layer no longer fits. A network that cannot run should not look shorter: let the "
    "ValueError out instead.",
)
def stopped_where_nothing_fits(input_shape, layers):
    shapes, shape = [], tuple(input_shape)
    for layer in layers:
        try:
            shape = ref.trace_shapes(shape, [layer])[0]
        except ValueError as error:
            if "no output fits" in str(error):
                break
            raise
        shapes.append(shape)
    return shapes
